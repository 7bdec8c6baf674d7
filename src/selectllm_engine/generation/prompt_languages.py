"""Zero-shot prompts in other languages than English: how to answer, in words that extraction reads in that language."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ASKED", "Asked"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Think step by step and answer in this language; then how to end with a number, or the letter of an option."""

    steps: str
    number: str
    letter: str


ASKED = {
    "ar": Asked(
        "فكّر خطوة بخطوة وأجب باللغة العربية.",
        'اختم بجملة "الإجابة هي X." حيث X عدد.',
        'اختم بجملة "الإجابة هي (X)." حيث X حرف الخيار الصحيح.',
    ),
    "bn": Asked(
        "ধাপে ধাপে চিন্তা করুন এবং বাংলায় উত্তর দিন।",
        'শেষে লিখুন "উত্তর হল X।", যেখানে X একটি সংখ্যা।',
        'শেষে লিখুন "উত্তর হল (X)।", যেখানে X সঠিক বিকল্পের অক্ষর।',
    ),
    "de": Asked(
        "Denke Schritt für Schritt nach und antworte auf Deutsch.",
        'Beende die Antwort mit "Die Antwort ist X.", wobei X eine Zahl ist.',
        'Beende die Antwort mit "Die Antwort ist (X).", wobei X der Buchstabe der richtigen Option ist.',
    ),
    "es": Asked(
        "Piensa paso a paso y responde en español.",
        'Termina con "La respuesta es X.", donde X es un número.',
        'Termina con "La respuesta es (X).", donde X es la letra de la opción correcta.',
    ),
    "fr": Asked(
        "Réfléchis étape par étape et réponds en français.",
        'Termine par "La réponse est X.", où X est un nombre.',
        'Termine par "La réponse est (X).", où X est la lettre de la bonne option.',
    ),
    "hi": Asked(
        "चरण दर चरण सोचें और हिंदी में उत्तर दें।",
        'अंत में लिखें "उत्तर है X।", जहाँ X एक संख्या है।',
        'अंत में लिखें "उत्तर है (X)।", जहाँ X सही विकल्प का अक्षर है।',
    ),
    "id": Asked(
        "Berpikirlah langkah demi langkah dan jawablah dalam bahasa Indonesia.",
        'Akhiri dengan "Jawabannya adalah X.", dengan X sebuah bilangan.',
        'Akhiri dengan "Jawabannya adalah (X).", dengan X huruf pilihan yang benar.',
    ),
    "it": Asked(
        "Ragiona passo dopo passo e rispondi in italiano.",
        'Concludi con "La risposta è X.", dove X è un numero.',
        'Concludi con "La risposta è (X).", dove X è la lettera dell\'opzione corretta.',
    ),
    "ja": Asked(
        "段階を追って考え、日本語で答えてください。",
        "最後に「答えは X です。」と書いてください。X は数です。",
        "最後に「答えは (X) です。」と書いてください。X は正しい選択肢の文字です。",
    ),
    "ko": Asked(
        "단계별로 생각하고 한국어로 답하세요.",
        '마지막에 "정답은 X입니다."라고 쓰세요. X는 숫자입니다.',
        '마지막에 "정답은 (X)입니다."라고 쓰세요. X는 올바른 선택지의 글자입니다.',
    ),
    "pt": Asked(
        "Pense passo a passo e responda em português.",
        'Termine com "A resposta é X.", em que X é um número.',
        'Termine com "A resposta é (X).", em que X é a letra da opção correta.',
    ),
    "ru": Asked(
        "Рассуждай шаг за шагом и отвечай по-русски.",
        'Закончи словами "Ответ: X.", где X — число.',
        'Закончи словами "Ответ: (X).", где X — буква правильного варианта.',
    ),
    "sw": Asked(
        "Fikiri hatua kwa hatua na ujibu kwa Kiswahili.",
        'Malizia kwa "Jibu ni X.", ambapo X ni nambari.',
        'Malizia kwa "Jibu ni (X).", ambapo X ni herufi ya chaguo sahihi.',
    ),
    "te": Asked(
        "దశలవారీగా ఆలోచించి తెలుగులో సమాధానం ఇవ్వండి.",
        'చివరగా "సమాధానం X." అని రాయండి, X ఒక సంఖ్య.',
        'చివరగా "సమాధానం (X)." అని రాయండి, X సరైన ఎంపిక యొక్క అక్షరం.',
    ),
    "th": Asked(
        "คิดทีละขั้นตอนและตอบเป็นภาษาไทย",
        'จบด้วย "คำตอบคือ X" โดยที่ X เป็นตัวเลข',
        'จบด้วย "คำตอบคือ (X)" โดยที่ X เป็นตัวอักษรของตัวเลือกที่ถูกต้อง',
    ),
    "zh": Asked(
        "请逐步思考，并用中文回答。",
        "最后写“答案是 X。”，其中 X 是一个数。",
        "最后写“答案是 (X)。”，其中 X 是正确选项的字母。",
    ),
}
