"""How answers are announced in other languages than English: one table of words, no code per language.

Every field is a regular expression, matched as written; nothing in it may repeat without bound. English has more forms
and stands in `statements`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

__all__ = ["LANGUAGES", "MINUS", "NOTHING", "QUESTION", "RIGHT", "Language", "announcement", "of_text"]


@dataclass(frozen=True, slots=True)
class Language:
    """The words around an answer.

    Attributes:
        stems: parts of words one of which every announcement holds; not regular expressions.
        noun: "answer", with adjectives that follow it.
        verb: "is", between the noun and the answer.
        lead: between the verb and a letter or number ("option", "about").
        denies: "is not", in the verb's place.
        denied: "is not", behind the answer.
        chosen: leads to a letter by itself ("hence choose").
        right: what follows a letter that is right ("is correct").
        nothing: says that there is no answer.
        minus: the word that makes a number negative.
        question: begins the next question.
        verb_last: the answer may stand between noun and verb.
        comma: a point separates thousands, as in "1.250 Euro".
    """

    stems: tuple[str, ...]
    noun: str
    verb: str
    lead: str
    denies: str = r"(?!)"
    denied: str = r"(?!)"
    chosen: str = r"(?!)"
    right: str = r"(?!)"
    nothing: str = r"(?!)"
    minus: str = r"(?!)"
    question: str = r"(?!)"
    verb_last: bool = False
    comma: bool = False


_OPTION = r"(?=[ ]{0,2}[(（\[【「『\"“*]{0,3}(?:[A-ZＡ-Ｚ](?![A-Za-z])|[①-⑩]))"

LANGUAGES = {
    "de": Language(
        stems=("ntwort", "NTWORT", "ndergebnis", "Lösung", "wähle", "orrekte Option", "ichtige Option"),
        noun=r"(?:Antwort|ANTWORT|antwort|Endergebnis|Lösung|(?:korrekte|richtige)[ ]Option)(?:möglichkeit)?",
        chosen=r"wähle[ ](?:die[ ])?(?:(?:Antwort|Option|Variante)[ ])?" + _OPTION,
        verb=r"(?:ist|lautet|wäre|beträgt|war|sind|muss)(?:[ ](?:also|daher|somit|demnach|folglich|damit|dann|nun))?\b",
        lead=r"die|der|das|option|antwort|antwortmöglichkeit|buchstabe|variante|aussage|wahrscheinlich|eindeutig"
        r"|etwa|ungefähr|genau|rund|insgesamt|ca\.",
        denies=r"(?:ist|lautet|kann|wäre)[ ](?:nicht|kein\w{0,2})\b",
        right=r"ist[ ](?:(?:also|daher|somit)[ ])?(?:die[ ])?(?:richtig|korrekt|Antwort)",
        nothing=r"\bkein\w{0,2}[ ](?:der|davon|von)\b|nicht[ ]genu|nicht[ ]genügend|unzureichend"
        r"|nicht[ ](?:\w{1,20}[ ])?(?:bestimm|beantwort|ermittel|berechn|bekannt|möglich)|unbestimmbar|unbekannt",
        minus=r"minus",
        question=r"(?:Frage|Aufgabe|Beispiel)",
        comma=True,
    ),
    "fr": Language(
        stems=("éponse", "ÉPONSE", "REPONSE", "hoisi", "ption correcte", "ption exacte"),
        noun=r"(?:(?:[Rr]éponse|RÉPONSE|REPONSE)(?:[ ](?:correcte|finale|exacte|juste|définitive))?"
        r"|[Oo]ption[ ](?:correcte|exacte))",
        chosen=r"choisi(?:s|rais)[ ](?:la[ ]réponse[ ]|l['’]option[ ])?" + _OPTION,
        verb=r"(?:est|serait|sera|doit[ ]être|vaut|était)(?:[ ]donc)?\b",
        lead=r"la|le|les|l['’](?=option)|option|lettre|réponse|choix|proposition|donc|probablement|environ|exactement",
        denies=r"n['’](?:est|était)[ ](?:pas|ni|aucune?)\b|ne[ ](?:peut|saurait|sera)[ ](?:pas[ ])?(?:être)?",
        right=r"est[ ](?:(?:donc|bien)[ ])?(?:correcte?|exacte?|juste|la[ ](?:bonne[ ])?réponse)\b",
        nothing=r"\baucune?[ ](?:des|de[ ]ces|réponse)\b|(?:pas|insuffisamment)[ ](?:assez[ ])?d['’]informations?"
        r"|informations?[ ]insuffisantes?|impossible[ ](?:de|à)[ ]"
        r"|pas[ ](?:être[ ])?(?:détermin|possible|connue)|indétermin|inconnue?\b",
        minus=r"moins|négatif",
        question=r"(?:Question|Problème|Exemple)",
    ),
    "es": Language(
        stems=("espuesta", "ESPUESTA", "pción correcta", "lternativa correcta", "lijo", "scojo"),
        noun=r"(?:(?:[Rr]espuesta|RESPUESTA)(?:[ ](?:correcta|final|adecuada|definitiva))?"
        r"|(?:[Oo]pción|[Aa]lternativa)[ ]correcta)",
        chosen=r"(?:[Ee]lijo|[Ee]scojo)[ ](?:la[ ])?(?:(?:opción|respuesta)[ ])?" + _OPTION,
        verb=r"(?:es|sería|será|debe[ ]ser|fue|son)(?:[ ](?:entonces|por[ ](?:lo[ ])?tanto))?\b",
        lead=r"la|el|opción|letra|alternativa|respuesta|inciso|aproximadamente|exactamente|unos|unas",
        denies=r"no[ ](?:es|puede[ ]ser|sería|será)\b",
        right=r"es[ ](?:la[ ])?(?:respuesta[ ]|opción[ ])?(?:correct[ao]|verdader[ao])\b",
        nothing=r"\bningun[oa]?[ ](?:de[ ]l|es)|no[ ]hay[ ](?:suficiente|respuesta)|información[ ]insuficiente"
        r"|no[ ]se[ ](?:puede|sabe)|no[ ]puede[ ](?:ser[ ])?(?:determin|calcul|saber)|imposible[ ]|indetermin"
        r"|desconocid",
        minus=r"menos|negativo",
        question=r"(?:Pregunta|Problema|Ejemplo)",
        comma=True,
    ),
    "it": Language(
        stems=("isposta", "ISPOSTA", "pzione corretta", "celgo"),
        noun=r"(?:(?:[Rr]isposta|RISPOSTA)(?:[ ](?:corretta|giusta|esatta|finale|definitiva))?|[Oo]pzione[ ]corretta)",
        chosen=r"[Ss]celgo[ ](?:la[ ]|l['’])?(?:(?:risposta|opzione)[ ])?" + _OPTION,
        verb=r"(?:è|é|e'|sarebbe|sarà|deve[ ]essere|era|sono)(?:[ ](?:quindi|dunque))?(?!\w)",
        lead=r"la|il|l['’](?=opzione)|opzione|lettera|alternativa|risposta|quindi|circa|esattamente",
        denies=r"non[ ](?:è|può[ ]essere|sarà)(?!\w)",
        right=r"è[ ](?:(?:quindi|la)[ ])?(?:risposta[ ])?(?:corrett[ao]|giust[ao]|esatt[ao])\b",
        nothing=r"\bnessun[oa]?[ ](?:de|rispost)|informazioni[ ](?:non[ ])?(?:in)?sufficienti|impossibile[ ]"
        r"|non[ ](?:si[ ])?(?:può|è)[ ](?:essere[ ])?(?:determin|possibile|not[ao]|saper)|indetermin|sconosciut",
        minus=r"meno|negativo",
        question=r"(?:Domanda|Problema|Esempio)",
        comma=True,
    ),
    "pt": Language(
        stems=("esposta", "ESPOSTA", "pção correta", "lternativa correta", "scolho"),
        noun=r"(?:(?:[Rr]esposta|RESPOSTA)(?:[ ](?:correta|certa|final|definitiva))?"
        r"|(?:[Oo]pção|[Aa]lternativa)[ ]correta)",
        chosen=r"[Ee]scolho[ ](?:a[ ])?(?:(?:resposta|opção|alternativa|letra)[ ])?" + _OPTION,
        verb=r"(?:é|seria|será|deve[ ]ser|foi|são)(?:[ ](?:então|portanto))?(?!\w)",
        lead=r"a|o|alternativa|opção|letra|item|resposta|portanto|aproximadamente|exatamente",
        denies=r"não[ ](?:é|pode[ ]ser|será)(?!\w)",
        right=r"é[ ](?:a[ ])?(?:resposta[ ]|alternativa[ ])?(?:corret[ao]|cert[ao])\b",
        nothing=r"\bnenhum[a]?[ ](?:d|resposta)|informaç(?:ão|ões)[ ](?:não[ ])?(?:in)?suficientes?|impossível[ ]"
        r"|não[ ](?:há|existe)m?[ ](?:informaç|resposta|dados)"
        r"|não[ ](?:se[ ])?(?:pode|é)[ ](?:ser[ ])?(?:determin|possível|conhecid|saber)|indetermin|desconhecid",
        minus=r"menos|negativo",
        question=r"(?:Pergunta|Problema|Exemplo)",
        comma=True,
    ),
    "id": Language(
        stems=("awaban", "AWABAN"),
        noun=r"(?:[Jj]awaban|JAWABAN)(?:nya)?(?:[ ](?:yang[ ])?(?:benar|tepat|akhir))?",
        verb=r"(?:adalah|ialah|yaitu)\b",
        lead=r"opsi|pilihan|huruf|sekitar",
        denies=r"bukan(?:lah)?\b",
        right=r"adalah[ ](?:jawaban[ ])?(?:yang[ ])?(?:benar|tepat)\b",
        nothing=r"tidak[ ](?:dapat|bisa|diketahui|cukup|ada)\b",
        minus=r"minus|negatif",
        question=r"(?:Pertanyaan|Soal)",
        comma=True,
    ),
    "sw": Language(
        stems=("jibu", "Jibu", "JIBU", "haguo sahihi", "nachagua"),
        noun=r"(?:(?:[Jj]ibu|JIBU)(?:[ ](?:sahihi|la[ ]mwisho|langu|lake))?|[Cc]haguo[ ]sahihi)",
        chosen=r"[Nn](?:in)?achagua[ ](?:chaguo[ ]|jibu[ ])?" + _OPTION,
        verb=r"(?:ni|litakuwa|lingekuwa)\b",
        lead=r"chaguo|herufi|la|takriban|kama",
        denies=r"(?:si|sio|siyo|haliwezi[ ]kuwa)\b",
        right=r"ni[ ](?:jibu[ ])?sahihi\b",
        nothing=r"hai(?:wezi|wezekani|julikani)|hali(?:wezi|julikani)|hakuna[ ]|haitoshi|hazitoshi",
        minus=r"hasi|minus",
        question=r"(?:Swali|Tatizo)",
    ),
    "ru": Language(
        stems=("твет", "ТВЕТ"),
        noun=r"(?:[Оо]твет|ОТВЕТ)",
        verb=r"(?:[-–—]|есть|будет|равен|это)(?!\w)",
        lead=r"вариант|буква|примерно|это",
        denies=r"(?:[-–—][ ])?не\b",
        right=r"(?:[-–—][ ]|является[ ]|это[ ])?(?:правильн|верн)",
        nothing=r"недостаточно|невозможно|нельзя|неизвестн|ни[ ]один|не[ ]определ",
        minus=r"минус",
        question=r"(?:Вопрос|Задача)",
        comma=True,
    ),
    "zh": Language(
        stems=("答", "选", "選"),
        noun=r"(?:答案|答案选项|答复|(?<![\w])答(?=[ ]?[:：])|(?:正确|最佳|最合适|正確)的?(?:选项|選項|选择|選擇))",
        verb=r"(?:应该|應該|应当|应|應|就|则|便|即)?(?:是|为|為|爲|选|選|等于|等於)",
        lead=r"选项|選項|选择|选|選|项|项目|第|约|約|大约|大約|共|总共|等于",
        denies=r"(?:应该|应|就)?(?:不(?:可能|应该|应)?(?:是|为|為|选)|并不是|并非|並非)",
        chosen=r"(?:(?:故|所以|因此|应该?|本题|此题|我|可以|综上)[，, ]?)?(?:选择?|選擇?)(?:项|項)?" + _OPTION
        + r"|答案" + _OPTION,
        right=r"(?:选项)?(?:是|为|為)?(?:最)?(?:正确|正確|对的)",
        nothing=r"[无無]法(?:确定|判断|回答|得知|计算|確定|判斷)|不能确定|不确定|(?:信息|条件)不足|未知|[无無]解"
        r"|以上(?:都|皆|均)(?:不|非)|都不(?:是|对|正确)|没有(?:正确)?(?:答案|选项)",
        minus=r"负|負",
        question=r"(?:问题|問題|题目|例题|下一题)",
    ),
    "ja": Language(
        stems=("答", "正解", "選択肢"),
        noun=r"(?:答え|解答|回答|答案|正解(?:の選択肢)?|正しい選択肢|答(?=[ ]?[:：は]))",
        verb=r"(?:は|が)",
        lead=r"選択肢|約|およそ|合計|全部で",
        denied=r"では(?:な|あ)|じゃな|でな",
        right=r"が(?:正解|正し|答え|最も適)|は正解|を選",
        nothing=r"(?:決定|判断|特定|計算|確定|回答)(?:でき(?:ない|ません)|不能|不可)|不明|情報が?不足|[わ分]か(?:らない|りません)"
        r"|該当(?:なし|する)|いずれでもな|ありません",
        minus=r"マイナス",
        question=r"(?:質問|問題|問)",
    ),
    "ko": Language(
        stems=("답",),
        noun=r"(?:정답|해답|답변|답안|답)",
        verb=r"(?:은|는|이)(?=[ ])",
        lead=r"선택지|보기|옵션|약|총|바로",
        denied=r"[이가번]?[ ]?아[니닙닌]",
        right=r"(?:번)?[이가은는]?[ ]?(?:정답|맞|올바|옳)",
        nothing=r"(?:알|결정할|판단할|구할|계산할|확정할)[ ]수[ ]?(?:가[ ])?없"
        r"|정보가[ ]부족|불가능|없음|없습니다|모릅니다",
        minus=r"마이너스|음수",
        question=r"(?:질문|문제)",
    ),
    "ar": Language(
        stems=("جاب", "جواب", "خيار الصحيح"),
        noun=r"(?:ال)?(?:إجاب[ةه]|اجاب[ةه]|جواب|خيار(?=[ ]الصحيح))(?:[ ](?:الصحيحة|الصحيح|النهائية|النهائي)){0,2}",
        verb=r"(?:هي|هو|تكون|يكون|ستكون)(?!\w)",
        lead=r"الخيار|خيار|الحرف|الإجابة|رقم|حوالي|تقريبا|تقريبًا|بالضبط",
        denies=r"(?:ليست?|لن[ ][تي]كون|لا[ ]يمكن[ ]أن[ ][تي]كون)(?!\w)",
        right=r"(?:هو|هي)[ ](?:الإجابة[ ]|الجواب[ ]|الخيار[ ])?(?:الصحيح|الإجابة|الجواب)",
        nothing=r"لا[ ]يمكن|غير[ ](?:معروف|كاف|محدد|ممكن)|لا[ ]شيء|لا[ ]توجد|لا[ ]يوجد|ليس[ ]هناك|من[ ]المستحيل",
        minus=r"سالب|ناقص",
        question=r"(?:ال)?سؤال",
    ),
    "hi": Language(
        stems=("उत्तर", "जवाब"),
        noun=r"(?:उत्तर|जवाब)(?:[ ](?:यह|विकल्प))?",
        verb=r"(?:है|होगा|हैं)(?=[ :：])",
        lead=r"विकल्प|अक्षर|लगभग|कुल|केवल|है",
        denies=r"नहीं[ ](?:है|हो[ ]सकता)",
        denied=r"नहीं",
        right=r"(?:ही[ ])?सही[ ](?:है|उत्तर|विकल्प|जवाब)|(?:उत्तर|जवाब)[ ]है",
        nothing=r"(?:निर्धारित|ज्ञात|पता|तय)[ ](?:नहीं|करना[ ]संभव[ ]नहीं)|पर्याप्त[ ](?:जानकारी[ ])?नहीं"
        r"|जानकारी[ ]नहीं|कोई[ ](?:भी[ ])?नहीं"
        r"|नहीं[ ](?:किया|बताया|निकाला)[ ]जा|संभव[ ]नहीं|अज्ञात",
        minus=r"माइनस|ऋणात्मक|ऋण",
        question=r"(?:प्रश्न|सवाल)",
        verb_last=True,
    ),
    "bn": Language(
        stems=("উত্তর", "জবাব"),
        noun=r"(?:উত্তর|জবাব)(?:টি|টা)?",
        verb=r"(?:হল|হলো|হচ্ছে|হবে|ঃ)(?![ঀ-৿])",
        lead=r"বিকল্প|অপশন|প্রায়|প্রায়|মোট|হল|হলো|হবে",
        denies=r"(?:হতে[ ]পারে[ ]না|নয়|নয়)",
        denied=r"নয়|নয়|না(?![ঀ-৿])",
        right=r"(?:হল[ো]?[ ])?(?:সঠিক|ঠিক)|(?:উত্তর|জবাব)",
        nothing=r"(?:নির্ধারণ|নির্ণয়|নির্ণয়|বলা)[ ](?:করা[ ])?(?:যায়|যায়|সম্ভব)[ ](?:না|নয়|নয়)|অজানা|কোনোটিই"
        r"|কোনটিই|পর্যাপ্ত[ ](?:তথ্য[ ])?(?:নেই|না)"
        r"|তথ্য[ ](?:পর্যাপ্ত[ ])?(?:নেই|নয়|নয়)",
        minus=r"ঋণাত্মক|মাইনাস|বিয়োগ",
        question=r"প্রশ্ন",
        verb_last=True,
    ),
    "te": Language(
        stems=("సమాధానం", "జవాబు"),
        noun=r"(?:సమాధానం|జవాబు)",
        verb=r"అంటే(?=[ ])",
        lead=r"ఎంపిక|సుమారు",
        question=r"ప్రశ్న",
        verb_last=True,
    ),
    "th": Language(
        stems=("ตอบ", "เฉลย", "ข้อที่ถูก"),
        noun=r"(?:คำตอบ|เฉลย|ข้อ(?=ที่ถูก))(?:ที่ถูก(?:ต้อง)?(?:ที่สุด)?|สุดท้าย)?(?:ของ[^:\n]{1,40}?)?",
        verb=r"(?:จึง|จะ|ก็)?(?:คือ|เป็น|ได้แก่)",
        lead=r"ข้อ|ตัวเลือก|ประมาณ|ทั้งหมด|จำนวน|ว่า",
        denies=r"(?:จึง|จะ)?ไม่(?:ใช่|ได้เป็น|ได้คือ)",
        chosen=r"ตอบ(?:[ ]?(?:ข้อ|ตัวเลือก))?(?=[ ]?[(]?(?:[A-Z](?![A-Za-z])|[กขคงจ](?![ก-๎])))",
        right=r"(?:คือ|เป็น)(?:คำตอบ|ข้อ)|ถูกต้อง",
        nothing=r"ไม่สามารถ|ข้อมูลไม่(?:เพียงพอ|พอ)|ไม่มี(?:ข้อ|คำตอบ)|ไม่ทราบ|ไม่แน่",
        minus=r"ลบ",
        question=r"(?:คำถาม|โจทย์)",
    ),
}  # fmt: skip

_ASCII_STEMS = tuple(stem for language in LANGUAGES.values() for stem in language.stems if stem.isascii())


def of_text(text: str, start: int, stop: int) -> tuple[str, ...]:
    """The languages whose words for "answer" stand in `text[start:stop]`."""
    if text.isascii():
        for stem in _ASCII_STEMS:
            if text.find(stem, start, stop) >= 0:
                break
        else:
            return ()
    return tuple(
        name
        for name, language in LANGUAGES.items()
        if any(text.find(stem, start, stop) >= 0 for stem in language.stems)
    )


@cache
def announcement(name: str) -> re.Pattern[str]:
    """An announcement of the answer in one language, up to where the answer stands.

    Groups: `denies`, `label` (a colon), `heading` (alone on its line), `chosen`, `open` (the verb follows the answer).
    """
    language = LANGUAGES[name]
    last = r"|(?P<open>(?=[ ]))" if language.verb_last else "|(?P<open>(?!))"
    return re.compile(
        rf"(?<![A-Za-zÀ-ɏ])(?:(?P<chosen>{language.chosen})"
        rf"|{language.noun}(?:[ ]?[(（][^()（）\n]{{3,60}}[)）])?"
        rf"(?:[ ](?:auf|zu|zur|für|à|de|a|la|alla|para|kwa|untuk|на)"
        rf"[ ][^.:：。\n]{{1,60}}?)?[*_\"”」]{{0,3}}(?:[ ]?(?P<denies>{language.denies})"
        rf"|[ ]?(?:{language.verb})[ ]?[:：]?|(?=[ ](?:{language.nothing}))|[ ]{{0,4}}(?P<label>[:：=】]"
        rf"|[—–][ ])[*_]{{0,3}}"
        rf"|(?P<heading>[ \t]{{0,4}}$){last}))",
        re.MULTILINE,
    )


def _any(field: str) -> str:
    words = (getattr(language, field) for language in LANGUAGES.values())
    return "|".join(each for each in words if each != r"(?!)")


NOTHING = _any("nothing")
RIGHT = _any("right")
MINUS = _any("minus")
QUESTION = _any("question")
