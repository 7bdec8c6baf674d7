"""Statements of the answer in other languages than English, and their digits."""

from __future__ import annotations

import pytest

from selectllm_engine.answers import extract_answer
from selectllm_engine.answers.languages import LANGUAGES, announcement

# Per language, what stands around an answer; each is tried with every letter and with numbers.
AROUND = {
    "de": [
        "Die Antwort ist {}.",
        "Die richtige Antwort lautet {}.",
        "Antwort: {}",
        "**Antwort:** {}",
        "### Antwort\n\n{}",
        "Meine Antwort ist also {}.",
        "Die Antwort auf die Frage ist {}.",
        "Die Lösung ist {}.",
    ],
    "fr": [
        "La réponse est {}.",
        "La bonne réponse est {}.",
        "Réponse : {}",
        "**Réponse :** {}",
        "La réponse correcte est donc {}.",
        "La réponse à la question est {}.",
        "RÉPONSE : {}",
    ],
    "es": [
        "La respuesta es {}.",
        "La respuesta correcta es {}.",
        "Respuesta: {}",
        "**Respuesta final:** {}",
        "Por lo tanto, la respuesta es {}.",
        "La respuesta final sería {}.",
    ],
    "it": [
        "La risposta è {}.",
        "La risposta corretta è {}.",
        "Risposta: {}",
        "**Risposta finale:** {}",
        "Quindi la risposta giusta è {}.",
    ],
    "pt": [
        "A resposta é {}.",
        "A resposta correta é {}.",
        "Resposta: {}",
        "**Resposta final:** {}",
        "Portanto, a resposta certa é {}.",
    ],
    "id": ["Jawabannya adalah {}.", "Jawaban yang benar adalah {}.", "Jawaban: {}"],
    "sw": ["Jibu ni {}.", "Jibu sahihi ni {}.", "Jibu: {}", "Kwa hiyo jibu ni {}.", "**Jibu:** {}"],
    "ru": ["Ответ: {}", "Правильный ответ — {}.", "**Ответ:** {}"],
    "zh": [
        "答案是{}。",
        "答案：{}",
        "正确答案是：{}",
        "答案为 {}",
        "因此，答案应该是{}。",
        "所以最终答案是 {}。",
        "**答案：** {}",
        "答：{}",
    ],
    "ja": [
        "答えは{}です。",
        "答え：{}",
        "正解は{}です。",
        "したがって、正しい答えは {} です。",
        "回答: {}",
        "解答：{}",
    ],
    "ko": ["정답은 {}입니다.", "정답: {}", "답은 {}입니다.", "따라서 답은 {} 입니다.", "답변: {}", "최종 답: {}"],
    "ar": ["الإجابة هي {}.", "الإجابة: {}", "الجواب هو {}.", "الإجابة الصحيحة هي {}.", "الجواب: {}", "إجابة: {}"],
    "hi": ["उत्तर: {}", "सही उत्तर {} है।", "उत्तर {} है।", "उत्तर है: {}", "इसलिए, अंतिम उत्तर {} है।", "जवाब: {}"],
    "bn": ["উত্তর: {}", "সঠিক উত্তর হল {}।", "উত্তর হলো {}।", "উত্তরঃ {}", "সুতরাং, উত্তর {}।"],
    "te": ["సమాధానం: {}", "సమాధానం {}"],
    "th": ["คำตอบคือ {}", "คำตอบ: {}", "ดังนั้นคำตอบที่ถูกต้องคือ {}", "เฉลย: {}"],
}
ALL = [(language, around) for language, texts in AROUND.items() for around in texts]


def test_every_language_of_the_table_is_tried():
    assert set(AROUND) == set(LANGUAGES)
    for language in LANGUAGES:
        assert announcement(language).groups


@pytest.mark.parametrize(("language", "around"), ALL)
def test_a_letter_in_any_language(language, around):
    for letter in "ABCD":
        for dressed in (letter, f"({letter})", f"**{letter}**"):
            text = around.format(dressed)
            assert extract_answer(text, kind="letter") == letter, text
            assert extract_answer(f"(A) x (B) y\n\n{text}", kind="letter") == letter, text


@pytest.mark.parametrize(("language", "around"), ALL)
def test_a_number_in_any_language(language, around):
    for written, number in (("42", "42"), ("1 200", "1200"), ("12,5", "12.5"), ("-7", "-7"), ("**18**", "18")):
        text = around.format(written)
        assert extract_answer(text, kind="number") == number, text
        assert extract_answer(f"3 + 4 = 7.\n{text}\n\n9 > 8", kind="number") == number, text


DIGITS = {
    "ar": "٠١٢٣٤٥٦٧٨٩",
    "hi": "०१२३४५६७८९",
    "bn": "০১২৩৪৫৬৭৮৯",
    "th": "๐๑๒๓๔๕๖๗๘๙",
    "zh": "０１２３４５６７８９",
    "ja": "０１２３４５６７８９",
    "te": "౦౧౨౩౪౫౬౭౮౯",
}


@pytest.mark.parametrize("language", DIGITS)
def test_digits_of_their_own(language):
    own = "370".translate(str.maketrans("0123456789", DIGITS[language]))
    for around in AROUND[language]:
        assert extract_answer(around.format(own), kind="number") == "370", around


LETTERS = [
    ("B ist die richtige Antwort.", "B"),
    ("Option C ist richtig.", "C"),
    ("Die Antwort ist Option B.", "B"),
    ("Die Antwort ist nicht A. Also (B).", "B"),
    ("Richtig ist Antwort: C) Rom", "C"),
    ("La bonne réponse est la C.", "C"),
    ("La réponse est l'option B.", "B"),
    ("B est la bonne réponse.", "B"),
    ("La réponse n'est pas A, c'est (D).", "D"),
    ("La réponse est la lettre D.", "D"),
    ("La respuesta correcta es la C.", "C"),
    ("La respuesta es la opción D.", "D"),
    ("C es la respuesta correcta.", "C"),
    ("La respuesta no es A. Es (B).", "B"),
    ("Respuesta: C) Roma", "C"),
    ("La risposta corretta è la B.", "B"),
    ("La risposta è l'opzione A.", "A"),
    ("B è la risposta corretta.", "B"),
    ("A resposta correta é a B.", "B"),
    ("A resposta correta é a letra D.", "D"),
    ("A resposta é a alternativa C.", "C"),
    ("A resposta é A.", "A"),
    ("C é a resposta correta.", "C"),
    ("故选B。", "B"),
    ("所以选择（A）。", "A"),
    ("因此，答案选D。", "D"),
    ("正确的选项是A。", "A"),
    ("选C", "C"),
    ("应该选择 B 选项。", "B"),
    ("答案不是A，而是(B)。", "B"),
    ("答案是选项D", "D"),
    ("选项C是正确的。", "C"),
    ("答案是B：巴黎", "B"),
    ("正解は選択肢Bです。", "B"),
    ("Bが正解です。", "B"),
    ("答えは（C）です。", "C"),
    ("答えはAではありません。(C)です。", "C"),
    ("正解はＤです。", "D"),
    ("したがって、答えはBの「東京」です。", "B"),
    ("정답은 B번입니다.", "B"),
    ("A가 정답입니다.", "A"),
    ("정답은 (C)입니다.", "C"),
    ("정답은 보기 D입니다.", "D"),
    ("정답은 ②입니다.", "B"),
    ("الإجابة الصحيحة هي (ج).", "C"),
    ("الجواب: د", "D"),
    ("الإجابة: أ", "A"),
    ("الإجابة الصحيحة هي الخيار C", "C"),
    ("الإجابة هي ب.", "B"),
    ("الإجابة ليست A بل (B).", "B"),
    ("सही विकल्प (A) है।", "A"),
    ("सही उत्तर विकल्प B है।", "B"),
    ("उत्तर: (ग)", "C"),
    ("उत्तर: D. दिल्ली", "D"),
    ("উত্তর হলো (খ)।", "B"),
    ("উত্তর: ঢ", "D"),
    ("উত্তর: অ", "A"),
    ("সঠিক বিকল্প (C)।", "C"),
    ("সঠিক উত্তর বিকল্প B।", "B"),
    ("ดังนั้นคำตอบคือ ข้อ ก", "A"),
    ("ตอบ ข", "B"),
    ("คำตอบที่ถูกต้องคือ ข้อ D", "D"),
    ("คำตอบคือ (ค)", "C"),
    ("คำตอบคือCครับ", "C"),
    ("Jibu sahihi ni chaguo B.", "B"),
    ("Jibu ni herufi C.", "C"),
    ("Jibu si A. Ni (D).", "D"),
]
NUMBERS = [
    ("Die Antwort lautet 1.250 Euro.", "1250"),
    ("Das Endergebnis beträgt 3,75 Meter.", "3.75"),
    ("Die Antwort ist minus 3.", "-3"),
    ("Die Antwort ist, dass Ada 14 Gläser braucht.", "14"),
    ("Die Antwort ist ungefähr 7,5 km.", "7.5"),
    ("Antwort: 12 Eier", "12"),
    ("La réponse finale est 1 250.", "1250"),
    ("La réponse est moins 3.", "-3"),
    ("La réponse est environ 7,5 km.", "7.5"),
    ("La respuesta es menos 3.", "-3"),
    ("Respuesta final: 1.200 euros", "1200"),
    ("La respuesta es 7,5 metros.", "7.5"),
    ("La risposta è 1.500 grammi.", "1500"),
    ("La risposta è meno 4.", "-4"),
    ("La risposta è circa 7,5.", "7.5"),
    ("A resposta é 2.500 reais.", "2500"),
    ("A resposta é menos 6.", "-6"),
    ("A resposta é aproximadamente 3,5.", "3.5"),
    ("答案是42个苹果。", "42"),
    ("所以一共有12个。答案是12。", "12"),
    ("答案是十二。", "12"),
    ("答案是三百零五。", "305"),
    ("答案是负3。", "-3"),
    ("答案是约3.5公里。", "3.5"),
    ("答案是二十个。", "20"),
    ("答案是1,200元", "1200"),
    ("答えは18個です。", "18"),
    ("答えは、１２です。", "12"),
    ("答えは約7.5kmです。", "7.5"),
    ("答えはマイナス3です。", "-3"),
    ("答えは五個です。", "5"),
    ("답은 12개입니다.", "12"),
    ("정답은 1,200원입니다.", "1200"),
    ("정답은 약 7.5입니다.", "7.5"),
    ("الإجابة النهائية هي ٣٫٥", "3.5"),
    ("الجواب هو ١٢ تفاحة.", "12"),
    ("الإجابة هي -5.", "-5"),
    ("الإجابة هي ١٬٢٠٠", "1200"),
    ("उत्तर: १२ सेब", "12"),
    ("अंतिम उत्तर ४५ है।", "45"),
    ("उत्तर है 1,200 रुपये।", "1200"),
    ("उत्तर लगभग 7.5 है।", "7.5"),
    ("উত্তর: ৪৫টি", "45"),
    ("উত্তর হল ১২ টাকা।", "12"),
    ("উত্তর ৭.৫।", "7.5"),
    ("คำตอบคือ ๔๘ บาท", "48"),
    ("คำตอบคือ 1,200 บาท", "1200"),
    ("คำตอบคือประมาณ 7.5", "7.5"),
    ("คำตอบคือ 12คน", "12"),
    ("Kwa hiyo, jibu ni 45.", "45"),
    ("Jibu ni takriban 7.5", "7.5"),
    ("Jibu la mwisho ni 1,200.", "1200"),
]
NOTHING = [
    "Die Antwort kann nicht bestimmt werden, es waren 3.",
    "Die Antwort ist: keine der genannten.",
    "Antwort: nicht genug Informationen (nur 5)",
    "La réponse est : aucune des 4 propositions.",
    "Réponse : impossible de déterminer",
    "La respuesta es: ninguna de las 4 anteriores.",
    "La respuesta no se puede determinar con 3 datos.",
    "La risposta è: nessuna delle 4 precedenti.",
    "A resposta é: nenhuma das 4 anteriores.",
    "Resposta: impossível determinar com 2 dados",
    "答案是无法确定，只有3个。",
    "答案：以上都不是",
    "答えは不明です。3個かもしれません。",
    "답은 알 수 없습니다. 3개일 수도 있습니다.",
    "الإجابة: لا يمكن تحديد ذلك من 3 معطيات",
    "उत्तर: निर्धारित नहीं किया जा सकता, 3",
    "উত্তর: নির্ধারণ করা যায় না, 3",
    "คำตอบคือ ไม่สามารถระบุได้ 3",
    "Jibu: haiwezi kujulikana 3",
]


@pytest.mark.parametrize(("text", "expected"), LETTERS)
def test_letters(text, expected):
    assert extract_answer(text, kind="letter") == expected


@pytest.mark.parametrize(("text", "expected"), NUMBERS)
def test_numbers(text, expected):
    assert extract_answer(text, kind="number") == expected


@pytest.mark.parametrize("text", NOTHING)
def test_that_there_is_none_is_no_answer(text):
    assert extract_answer(f"3 + 4 = 7, so (B).\n{text}", kind="number") is None
    assert extract_answer(f"3 + 4 = 7, so (B).\n{text}", kind="letter") is None


@pytest.mark.parametrize("kind", ["number", "letter"])
@pytest.mark.parametrize("language", [name for name, language in LANGUAGES.items() if language.question != r"(?!)"])
def test_the_next_question_ends_a_text_in_any_language(language, kind):
    answer, next_ = ("7", "12") if kind == "number" else ("A", "B")
    around = AROUND[language][0]
    names = {
        "de": "Frage",
        "fr": "Question",
        "es": "Pregunta",
        "it": "Domanda",
        "pt": "Pergunta",
        "id": "Pertanyaan",
        "sw": "Swali",
        "ru": "Вопрос",
        "zh": "问题",
        "ja": "質問",
        "ko": "질문",
        "ar": "السؤال",
        "hi": "प्रश्न",
        "bn": "প্রশ্ন",
        "te": "ప్రశ్న",
        "th": "คำถาม",
    }
    text = f"{around.format(answer)}\n\n{names[language]}: 3 + 4 = ?\n{around.format(next_)}"
    assert extract_answer(text, kind=kind) == answer
