r"""Words in a text ("heads or tails?"), compared without case, quotes, full stop and a leading article.

What is written in signs, as "(-4, 1)", "x > 5" or "2 + 7i", is compared without spaces; its signs and brackets count.
"""

from __future__ import annotations

import re

from selectllm_engine.answers.kind import AnswerKind
from selectllm_engine.answers.statements import CLAUSE, DECORATION, Found, Statement, end_of_blank, end_of_sentence

__all__ = ["KIND", "bare", "last", "stated"]

_SPACES = " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_QUOTES = "`\"'“”‘’„«»「」『』"
_TRIM = _SPACES + "*_" + _QUOTES + ".,:;!$#>|~()[]{}\\-–—。，、"
# Around signs fewer characters are decoration: "-" and "(" may be part of the answer.
_TRIM_SIGNS = _SPACES + "*_" + _QUOTES + ".,:;!$|。，、"
_LEAD = re.compile(
    rf"(?:[{DECORATION}:：$#>\-]|\\[(\[\"']|\\(?:text|textbf|mathbf|mathrm|boxed)\{{"
    r"|(?i:so|thus|therefore|hence|well|overall|then),?[ ](?=[\W_]{0,6}(?i:yes|no|true|false)\b)){0,24}+"
)
_STOP = re.compile(
    rf"</|\}}|\\[)\]]|[ ]\(|{CLAUSE.pattern}"
    r"|,[ ](?=(?:because|since|as|so|which|but|not|given|with|when|if|after|due"
    r"|it|its|it's|the|this|that|he|she|they|we|you)\b)",
    re.IGNORECASE,
)
_VERDICT = re.compile(r"(?:yes|no|true|false)(?=[*_\"'”’)]{0,4}(?:[,.;:!]|[ ]?[—–-]|\s*\Z|\n))", re.IGNORECASE)
_BOLD = re.compile(r"\*\*([^*\n]{1,80})\*\*")
_QUOTED = re.compile(r"[\"“「]([^\"“”\n「」]{1,80})[\"”」]")
_ARTICLE = re.compile(r"(?:the|an?)\s+(?=\w)", re.IGNORECASE)
_ESCAPED = re.compile(r"\\(?:n|r|t)|\\(?=[\"'])")

# Written in signs: digits or operators, and no word but those of mathematics.
_LONGEST = 200
_SIGN = re.compile(
    r"[\d+=<>≤≥≠±×÷·^√π∞∪∩²³]|\\(?:sqrt|[dt]?frac|pi|le|ge|cup|cap|in|infty)\b|[-−](?=[\w.$\\(])"
    r"|(?<![A-Za-z]{3})(?<=[A-Za-z])[-−](?=\W*\Z)|(?<=\b[A-Ga-g])\#"
)
_SPEAKS = re.compile(
    r"(?<!\\)\b(?!(?:sin|cos|tan|log|ln|exp|sqrt|min|max|mod|lim|frac|left|right|text|pi|infty|cup|cap|div|cdot|times)\b)"
    r"[^\W\d_]{3,}"
)
_UPRIGHT = re.compile(r"\\(?:text|mathrm|textbf|mathbf)\{([^{}]*)\}|\^\{(\w)\}")
_LAYOUT = re.compile(r"\\(?:left|right|displaystyle|quad|[,;:! ])|(?<=\\)[dt](?=frac)|[\s$]|\{,\}")
_SEPARATED = re.compile(r"[,;|]|\.\.")
_PAIRS = {"(": ")", "[": "]", "{": "}"}
_CLOSERS = {closing: opening for opening, closing in _PAIRS.items()}


def bare(text: str) -> Found | None:
    """A text that is nothing but the answer; for gold answers."""
    return _trimmed(text, 0, len(text))


def stated(text: str, statement: Statement, *, opens: bool = False) -> Found | None:
    """What a statement of the answer names, up to the end of its sentence or to an explanation.

    `opens`: the text begins with the statement, which may head a whole solution.
    """
    start = end_of_blank(text, statement.start, statement.stop)
    stop = statement.stop if statement.exact else end_of_sentence(text, start, statement.stop)
    if statement.form == "direct" and statement.language == "en":
        return None
    if opens and statement.form in ("label", "short"):
        more = end_of_blank(text, stop + 1, statement.stop) < statement.stop
        if more and text.count(" ", start, stop) >= 6:
            return None
    return _phrase(text, start, stop, exact=statement.exact)


def last(text: str, start: int, stop: int) -> Found | None:
    """The last line: its one phrase in bold, a yes or no that it (else the whole text) begins with, or all of it."""
    stop = start + len(text[start:stop].rstrip(_SPACES))
    end = start + len(text[start:stop].rstrip(_TRIM))
    if end == start:
        return None
    begin = text.rfind("\n", start, end) + 1 or start
    line = text.find("\n", end, stop)
    stop = stop if line < 0 else line
    bold = list(_BOLD.finditer(text, begin, stop))
    if len(bold) == 1:
        return _phrase(text, *bold[0].span(1))
    lead = _LEAD.match(text, begin, end)
    verdict = _VERDICT.match(text, lead.end() if lead else begin, end) or (
        _VERDICT.match(text, end_of_blank(text, start, end), begin) if " " in text[begin:end].strip() else None
    )
    if verdict is not None:
        return _trimmed(text, *verdict.span())
    quoted = list(_QUOTED.finditer(text, begin, stop))
    return _trimmed(text, *quoted[0].span(1)) if len(quoted) == 1 else _trimmed(text, begin, stop)


def _phrase(text: str, start: int, stop: int, *, exact: bool = False) -> Found | None:
    if _in_signs(text[start:stop]):
        end = None if exact else CLAUSE.search(text, start, stop)
        found = _trimmed(text, start, end.start() if end else stop)
        if found is not None:
            return found
    lead = _LEAD.match(text, start, stop)
    start = lead.end() if lead else start
    verdict = _VERDICT.match(text, start, stop)
    if verdict is not None:
        return _trimmed(text, *verdict.span())
    end = _STOP.search(text, start, stop)
    stop = end.start() if end else stop
    quoted = list(_QUOTED.finditer(text, start if exact else max(0, start - 1), stop))
    if quoted and (len(quoted) == 1 or quoted[0].start(1) == start):
        return _trimmed(text, *quoted[0].span(1))
    return _trimmed(text, start, stop)


def _in_signs(text: str) -> bool:
    r"""Whether a text is written in signs rather than words: "(-4, 1)", "2 + 7i", "\frac{x}{2}", "x > 5"."""
    return len(text) <= _LONGEST and _SIGN.search(text) is not None and _SPEAKS.search(text) is None


def _trimmed(text: str, start: int, stop: int) -> Found | None:
    if _in_signs(text[start:stop]):
        found = _signs(text, start, stop)
        if found is not None:
            return found
    stop = start + len(text[start:stop].rstrip(_TRIM))
    start = stop - len(text[start:stop].lstrip(_TRIM))
    article = _ARTICLE.match(text, start, stop)
    start = article.end() if article else start
    stop = _kept(text, start, stop)
    written = text[start:stop].replace("’", "'").casefold()
    if "\\" in written:
        written = _ESCAPED.sub(" ", written)
    word = " ".join(written.split())
    return Found(word, start, stop) if word else None


def _kept(text: str, start: int, stop: int) -> int:
    """Where a phrase ends that opened a bracket: "Mercury (planet)"."""
    closing = text[stop : stop + 1]
    opening = _CLOSERS.get(closing)
    if opening is None or text.count(opening, start, stop) <= text.count(closing, start, stop):
        return stop
    return stop + 1


def _unwrapped(match: re.Match[str]) -> str:
    return match[1] if match[1] is not None else "^" + match[2]


def _signs(text: str, start: int, stop: int) -> Found | None:
    """What is written in signs, without spaces; brackets around all of it count where they hold several things."""
    while True:
        stop = start + len(text[start:stop].rstrip(_TRIM_SIGNS))
        start = stop - len(text[start:stop].lstrip(_TRIM_SIGNS + "#"))
        inner = _inside(text, start, stop)
        if inner is None:
            break
        start, stop = inner
    written = _UPRIGHT.sub(_unwrapped, text[start:stop].replace("−", "-").replace("–", "-"))
    word = _LAYOUT.sub("", written).casefold()
    return Found(word, start, stop) if word.strip("-") else None


def _inside(text: str, start: int, stop: int) -> tuple[int, int] | None:
    """The inside of brackets around all of `text[start:stop]` that mean nothing, or of one without its partner."""
    if stop - start < 2:
        return None
    first, last_ = text[start], text[stop - 1]
    if text.startswith(("\\(", "\\["), start) and text.endswith(("\\)", "\\]"), start, stop):
        return start + 2, stop - 2
    depth, lowest = 0, 0
    for index in range(start, stop):
        if text[index] in _PAIRS:
            depth += 1
        elif text[index] in _CLOSERS:
            depth -= 1
            lowest = min(lowest, depth)
            if depth == 0 and first in _PAIRS and index < stop - 1:
                first = ""  # the first bracket closes before the end
    if lowest < 0 and last_ in _CLOSERS:
        return start, stop - 1
    if depth > 0 and text[start] in _PAIRS:
        return start + 1, stop
    if first in _PAIRS and last_ in _CLOSERS and _SEPARATED.search(text, start + 1, stop - 1) is None:
        return start + 1, stop - 1
    return None


KIND = AnswerKind(
    bare=lambda text, _: bare(text),
    stated=lambda text, statement, _, *, opens: stated(text, statement, opens=opens),
    last=lambda text, start, stop, _: last(text, start, stop),
    form='as "The answer is X.", where X is a single word or name.',
    terse='Reply with "The answer is", followed by one word.',
    words=True,
)
