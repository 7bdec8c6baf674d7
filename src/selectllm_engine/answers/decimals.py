"""Numbers as they are written, and the plain decimals they are.

Every form of a number has one canonical text, a plain decimal: "$1,200.00" → "1200", "-½" → "-0.5", "1.5 × 10^3" →
"1500", "2:30" → "2.5". Units, percent and words like "million" are not part of a number. Plain decimals of up to six
places stay as they are, whatever their length. Everything else is rounded to six places (six significant digits below
0.1), and a decimal whose last four digits repeat ("0.3333", "16.6667") is taken to go on, so that 1/3 is one vote in
whatever way it is written.
"""

from __future__ import annotations

import re

from selectllm_engine.answers.languages import MINUS
from selectllm_engine.answers.statements import Found

__all__ = ["NUMBER", "STATED_NUMBER", "read"]

_MAX_DIGITS = 1000  # of fractions and powers; plain decimals have no limit

# Between groups of three: commas (also LaTeX's "{,}", "\!" and "\,"), apostrophes, and spaces that don't break.
_COMMA = r"(?:,\\!|\{,\}|\\[,!:; ]|[,'’_\u066c\u2009\u202f\u00a0])"
_SPACE = "[ \u2009\u202f\u00a0]"
_POINT = r"[.\u066b．]"
_DASH = "-−﹣－–"
_LIST = r"(?![ ](?:and|or|und|oder|et|ou|y|e|o)[ ]\d)"  # "3,4 and 5" are three


def _number(*, stated: bool) -> re.Pattern[str]:
    """A number as it is written; `stated`: where a number must stand, "1 200" and "minus 3" are one."""
    word = (
        rf"minus|negative|{MINUS}"
        if stated
        else r"negative|(?:(?<=is[ ])|(?<=be[ ])|(?<=to[ ])|(?<=equals[ ])|(?<==[ ]))minus"
    )
    spaced = r"(?<![\d.,/])[1-9]\d{0,2}(?:[ ]\d{3}(?!\d))++(?!-[A-Za-z])" if stated else r"(?!)"
    first = "" if stated else rf"(?=[{_DASH}+\\$€£¥₹\d.½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞nNmM])"  # most places are none, told cheaply
    gap = r"(?:[ ]{1,2}|~|\\[,;:! ])?"
    return re.compile(
        rf"""{first}
        (?:(?P<sign>[{_DASH}+]){gap}|(?<![A-Za-zÀ-ɏ])(?P<word>(?i:{word}))[ ]?)? (?P<money>\\?[$€£¥₹])? (?P<inner>[-−])?
        (?=[\d.\\½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞]) (?P<body>
            (?: (?P<whole>\d{{1,9}}) (?:[ ]?(?=\\|[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])|[ ](?:and[ ])?) )?
            (?: \\[cdt]?frac[ ]?
                (?: \{{(?P<top>[^{{}}]{{1,60}})\}}[ ]?\{{(?P<bottom>[^{{}}]{{1,60}})\}} | (?P<tops>\d)(?P<bottoms>\d) )
              | (?P<over>\d{{1,40}})[ ]?/[ ]?(?P<under>\d{{1,40}})(?![\d/]|[.,]\d)
              | (?P<vulgar>[½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞]) )
          | (?P<hours>\d{{1,2}}):(?P<minutes>[0-5]\d)(?![\d:])
          | (?P<plain>
                (?P<comma>                                          # a decimal comma
                    (?<![\d,.])
                    (?: (?(money)\d{{1,3}}|(?!))                    # €12,50
                      | \d{{1,3}}(?:[.]\d{{3}}(?!\d))++             # 1.200,50
                      | \d{{1,3}}(?:{_SPACE}\d{{3}}(?!\d))++        # 1 200,50
                      | \d{{1,9}} )                                 # 12,5
                    ,\d{{1,2}}(?!\d|[,.:/]\d){_LIST}
                  | (?<![\d,.]) (?: 0,\d++ | [1-9]\d{{0,8}},\d{{4,20}} ) (?!\d|[,.:/]\d)
                )
              | (?(money)\d{{1,3}}(?:[ ]\d{{3}}(?!\d))++|(?!))          # $1 200
              | \d{{1,3}}(?:[ ]\d{{3}}(?!\d))++(?=[ ]?[€£])             # 1 200 €
              | \d{{1,3}}(?:[.]\d{{3}}(?!\d)){{2,}}+(?![.]?\d)          # 1.200.000
              | (?: \d{{1,3}}(?:{_COMMA}\d{{3}}(?!\d))++                # 1,200
                  | \d{{1,2}}(?:,\d\d(?!\d)){{1,6}}+,\d{{3}}(?!\d)      # 1,00,000
                  | \d{{1,2}}(?:[ ]\d{{3}}(?!\d)){{2,6}}+               # 1 200 000
                  | {spaced}                                            # 1 200
                  | \d++
                ) (?:{_POINT}\d++)?
              | (?<![\w.])[.]\d++
            )
            (?: [eE](?P<exponent>[-−+]?\d{{1,9}})(?!\w)
              | [ ]?(?:[×x*·]|\\times|\\cdot)[ ]?10
                (?:\^\{{?(?P<ten>[-−+]?\d{{1,9}})\}}?|(?P<raised_ten>[⁻⁰¹²³⁴-⁹]{{1,9}}))
              | \^\{{?(?P<power>[-−]?\d{{1,9}})\}}?
              | (?P<raised>[⁻⁰¹²³⁴-⁹]{{1,9}}) )?
        )
        """,
        re.VERBOSE,
    )


NUMBER = _number(stated=False)
STATED_NUMBER = _number(stated=True)
_RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−", "-0123456789-")
_VULGAR = dict(
    zip(
        "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞",
        (
            (1, 2),
            (1, 3),
            (2, 3),
            (1, 4),
            (3, 4),
            (1, 5),
            (2, 5),
            (3, 5),
            (4, 5),
            (1, 6),
            (5, 6),
            (1, 8),
            (3, 8),
            (5, 8),
            (7, 8),
        ),
        strict=True,
    )
)
_FACTOR = re.compile(r"[ ]?(?:\\sqrt|\\pi\b|[√π])")
_NAME = re.compile(r"(?:[A-Za-z]|[^\W_]_)-?\Z")
_OPERAND = re.compile(r"[\d)}\]%][ ]?\Z")
_WORDS_NEXT = re.compile(r"[ \t]+[^\W\d]")
_BEFORE_NUMBER = re.compile(r"\\[a-z]{2,12}-?\Z|\b(?:USD|EUR|GBP|INR|Rs)\Z")
_POINTS = re.compile(r"\d*\.\d+[.,]")
_THOUSANDS = re.compile(r"[1-9]\d{0,2}(?:\.\d{3})+")
_COMMA_PART = re.compile(r",(?=\d{1,2}\Z)")
_REPEATING = re.compile(r"\d*?([1-8])\1{2,}(\d)")


def read(match: re.Match[str] | None, *, points: bool = False) -> Found | None:
    """The number that `NUMBER` matched; None where it is part of a word, of a pair, of a date or of no value.

    `points`: a point before three digits separates thousands.
    """
    if match is None or _inside_another(match) or _FACTOR.match(match.string, match.end()):
        return None
    if match["comma"] and _in_pair(match):
        return None
    negative = _negative(match)
    start = match.start() if negative else match.start("money") if match["money"] else match.start("body")
    if match["plain"] is None:
        top, bottom = _ratio_of(match)
        if match["whole"] is not None:
            if match["over"] is not None and top >= bottom:
                start = match.start("over")  # no mixed number: "5 10/2"
            else:
                top += int(match["whole"]) * bottom
        value = _decimal(-top if negative else top, bottom)
    else:
        digits = _ascii(match["plain"])
        if match["comma"]:
            whole, _, part = digits.rpartition(",")
            digits = "".join(re.findall(r"\d++", whole)) + "." + part
        elif points and _THOUSANDS.fullmatch(digits):
            digits = digits.replace(".", "")
        if match["exponent"] or match["ten"] or match["raised_ten"] or match["power"] or match["raised"]:
            value = _power(match, digits, negative=negative)
        else:
            value = _plain(digits, negative=negative)
    return None if value is None else Found(value, start, match.end())


def _inside_another(match: re.Match[str]) -> bool:
    """Whether the digits belong to a name ("x1", "F-16"), an exponent, a date, a root or a broken group ("40,00")."""
    text, start = match.string, match.start()
    if not start or match["money"] or (match["sign"] and match["sign"] != "-"):
        return False
    if match["sign"]:
        start = match.start("body") if match.start("body") == start + 1 else start
    before = text[max(0, start - 2) : start]
    if _NAME.search(before):
        window = text[max(0, start - 14) : start]
        return ("\\" not in window and before[-1] not in "DRPs") or _BEFORE_NUMBER.search(window) is None
    last = before[-1]
    if last.isdecimal() or last in "^√" or before in ("^{", "_{"):
        return True
    if text.endswith(("\\sqrt{", "sqrt("), max(0, start - 6), start):
        return True
    if last == "/":
        return match["over"] is not None and before[0].isdecimal()
    if last == ":":
        return match["body"].startswith(".")
    return last == "," and before[0].isdecimal() and match["body"].startswith("0")


def _in_pair(match: re.Match[str]) -> bool:
    """Whether what looks like a decimal comma separates two numbers in brackets: "(4,1)"."""
    text, start = match.string, match.start()
    opening = text[start - 1 : start]
    if opening == "{":
        opening = text[start - 2 : start - 1]
        return opening == "\\"
    return opening in ("(", "[") and text[match.end() : match.end() + 1] in (")", "]")


def _negative(match: re.Match[str]) -> bool:
    """Whether the dash before a number is its sign: not an operator, a range, a hyphen or a bullet."""
    if match["inner"] or match["word"]:
        return match["word"] is None or not _OPERAND.search(match.string, max(0, match.start() - 8), match.start())
    if match["sign"] is None or match["sign"] == "+":
        return False
    text, start = match.string, match.start()
    before = text[max(0, start - 4) : start]
    word = before.rstrip(" ")[-1:]
    body = match.start("money") if match["money"] else match.start("body")
    if body > match.end("sign"):  # "- 3"
        return word in ("=", "$") or (match.re is STATED_NUMBER and _signed(match, word))
    if before[-1:].isspace() or not before:
        return not (word.isdigit() or word in (")", "}", "]", "%"))
    spaced = word < "\u0e00"  # scripts beyond write no spaces between words
    return not ((word.isalnum() and spaced) or word in (")", "}", "]", "%"))


def _signed(match: re.Match[str], word: str) -> bool:
    """Whether "- 3" is a number rather than an item of a list or what is subtracted."""
    text, start = match.string, match.start()
    if word.isdigit() or word in (")", "}", "]", "%"):
        return False
    line = text.rfind("\n", max(0, start - 8), start) + 1
    listed = (line or start < 8) and not text[max(line, start - 8) : start].strip(" \t>")
    return not listed or _WORDS_NEXT.match(text, match.end()) is None


def _ascii(digits: str) -> str:
    """The same digits as 0 to 9, whatever script they are written in."""
    if digits.isascii():
        return digits
    return "".join(str(int(c)) if c.isdecimal() else "." if c in "\u066b．" else c for c in digits)


def _ratio(text: str) -> tuple[int, int] | None:
    """A short plain number as numerator and denominator."""
    digits = _COMMA_PART.sub(".", re.sub(r"[\s{}$\\!]", "", _ascii(text.replace("−", "-")))).replace(",", "")
    if len(digits) > _MAX_DIGITS or re.fullmatch(r"-?(?:\d+\.?\d*|\.\d+)", digits) is None:
        return None
    whole, _, part = digits.partition(".")
    return int(whole + part), 10 ** len(part)


def _ratio_of(match: re.Match[str]) -> tuple[int, int]:
    """A fraction or a clock time as numerator and denominator; x / 0 where one of its parts is no number."""
    if match["hours"] is not None:
        return int(match["hours"]) * 60 + int(match["minutes"]), 60
    if match["vulgar"] is not None:
        return _VULGAR[match["vulgar"]]
    top = _ratio(match["top"] or match["tops"] or match["over"])
    bottom = _ratio(match["bottom"] or match["bottoms"] or match["under"])
    return (0, 0) if top is None or bottom is None else (top[0] * bottom[1], top[1] * bottom[0])


def _power(match: re.Match[str], base: str, *, negative: bool) -> str | None:
    """The value of "1.5e3", "1.5 × 10^3", "10³" or "2^5"."""
    ratio = _ratio(base)
    of_ten = match["exponent"] or match["ten"] or match["raised_ten"]
    digits = _ascii(of_ten or match["power"] or match["raised"]).translate(_RAISED)
    if ratio is None or re.fullmatch(r"[-+]?\d+", digits) is None:
        return None
    power = int(digits)
    if abs(power) * (1 if of_ten else len(match["plain"])) > _MAX_DIGITS:
        return None
    top, bottom = (10 ** abs(power), 1) if of_ten else (ratio[0] ** abs(power), ratio[1] ** abs(power))
    if power < 0:
        top, bottom = bottom, top
    if of_ten:
        top, bottom = top * ratio[0], bottom * ratio[1]
    return _decimal(-top if negative else top, bottom)


def _plain(digits: str, *, negative: bool) -> str:
    if _POINTS.match(digits):
        digits = digits.replace(".", "").replace(",", ".")
    whole, _, part = digits.partition(".")
    whole = re.sub(r"\D++", "", whole).lstrip("0") or "0"
    part = part.rstrip("0")
    repeating = _REPEATING.fullmatch(part) if len(part) <= 40 else None
    if repeating is not None:
        digit, final = repeating[1], repeating[2]
        if final == digit or (digit >= "5" and int(final) == int(digit) + 1):
            part = part[:-1] + digit * 8
    if len(part) > 6 and len(whole) < _MAX_DIGITS:
        part = part[:_MAX_DIGITS]
        return _decimal(int(whole + part) * (-1 if negative else 1), 10 ** len(part)) or "0"
    value = f"{whole}.{part}" if part else whole
    return f"-{value}" if negative and value != "0" else value


def _decimal(top: int, bottom: int) -> str | None:
    """`top / bottom` as a plain decimal, rounded half up; None for no number, or one of very many digits."""
    if bottom == 0:
        return None
    sign = "-" if (top < 0) != (bottom < 0) else ""
    top, bottom = abs(top), abs(bottom)
    places = 6
    while top and top * 10 ** (places - 5) < bottom:
        places += 1
        if places > _MAX_DIGITS:
            return None
    digits = str((2 * top * 10**places + bottom) // (2 * bottom)).rjust(places + 1, "0")
    if len(digits) > 2 * _MAX_DIGITS:
        return None
    value = f"{digits[:-places]}.{digits[-places:]}".rstrip("0").rstrip(".")
    return sign + value if value != "0" else value
