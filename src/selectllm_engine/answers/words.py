"""Words in a text ("heads or tails?"), compared without case, quotes, full stop and a leading article."""

from __future__ import annotations

import re

from selectllm_engine.answers.statements import CLAUSE, DECORATION, Found, Statement, end_of_blank, end_of_sentence

__all__ = ["bare", "last", "stated"]

_SPACES = " \t\n\r\v\f\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
_TRIM = _SPACES + "*_`\"'“”‘’„«».,:;!$#>|~()[]{}\\-–—"
_LEAD = re.compile(rf"(?:[{DECORATION}:$#>\-]|\\[(\[]|\\(?:text|textbf|mathbf|mathrm|boxed)\{{){{0,24}}+")
_STOP = re.compile(
    rf"</|\}}|\\[)\]]|[ ]\(|{CLAUSE.pattern}"
    r"|,[ ](?=(?:because|since|as|so|which|but|not|given|with|when|if|after|due"
    r"|it|its|it's|the|this|that|he|she|they|we|you)\b)",
    re.IGNORECASE,
)
_VERDICT = re.compile(r"(?:yes|no|true|false)(?=[*_\"'”’)]{0,4}(?:[,.;:!]|[ ]?[—–-]|\s*\Z|\n))", re.IGNORECASE)
_BOLD = re.compile(r"\*\*([^*\n]{1,80})\*\*")
_QUOTED = re.compile(r"[\"“]([^\"“”\n]{1,80})[\"”]")
_ARTICLE = re.compile(r"(?:the|an?)\s+(?=\w)", re.IGNORECASE)


def bare(text: str) -> Found | None:
    """A text that is nothing but the answer; for gold answers."""
    return _trimmed(text, 0, len(text))


def stated(text: str, statement: Statement) -> Found | None:
    """What a statement of the answer names, up to the end of its sentence or to an explanation."""
    start = end_of_blank(text, statement.start, statement.stop)
    return _phrase(text, start, end_of_sentence(text, start, statement.stop))


def last(text: str, start: int, stop: int) -> Found | None:
    """The last line: its one phrase in bold, a yes or no that it (else the whole text) begins with, or all of it."""
    stop = start + len(text[start:stop].rstrip(_TRIM))
    if stop == start:
        return None
    begin = text.rfind("\n", start, stop) + 1 or start
    end = text.find("\n", stop)
    bold = list(_BOLD.finditer(text, begin, len(text) if end < 0 else end))
    if len(bold) == 1:
        return _phrase(text, *bold[0].span(1))
    lead = _LEAD.match(text, begin, stop)
    verdict = _VERDICT.match(text, lead.end() if lead else begin, stop) or (
        _VERDICT.match(text, end_of_blank(text, start, stop), begin) if " " in text[begin:stop].strip() else None
    )
    if verdict is not None:
        return _trimmed(text, *verdict.span())
    quoted = list(_QUOTED.finditer(text, begin, len(text) if end < 0 else end))
    return _trimmed(text, *quoted[0].span(1)) if len(quoted) == 1 else _trimmed(text, begin, stop)


def _phrase(text: str, start: int, stop: int) -> Found | None:
    lead = _LEAD.match(text, start, stop)
    start = lead.end() if lead else start
    verdict = _VERDICT.match(text, start, stop)
    if verdict is not None:
        return _trimmed(text, *verdict.span())
    end = _STOP.search(text, start, stop)
    stop = end.start() if end else stop
    quoted = list(_QUOTED.finditer(text, max(0, start - 1), stop))
    if quoted and (len(quoted) == 1 or quoted[0].start(1) == start):
        return _trimmed(text, *quoted[0].span(1))
    return _trimmed(text, start, stop)


def _trimmed(text: str, start: int, stop: int) -> Found | None:
    stop = start + len(text[start:stop].rstrip(_TRIM))
    start = stop - len(text[start:stop].lstrip(_TRIM))
    article = _ARTICLE.match(text, start, stop)
    start = article.end() if article else start
    word = " ".join(text[start:stop].replace("’", "'").casefold().split())
    return Found(word, start, stop) if word else None
