r"""Expressions of mathematics, in LaTeX or plain: fractions, roots, intervals, sets, tuples, matrices, equations.

Compared is a cheap normal form: layout, spelling and reduced rational numbers. That equal forms are equal expressions
is meant to be sure; that others differ is not, for there is no algebra in it: x + 1 and 1 + x are two answers.
"""

from __future__ import annotations

import re
from math import gcd

from selectllm_engine.answers.kind import AnswerKind
from selectllm_engine.answers.statements import NO_ANSWER, Found, Statement, end_of_sentence, says_nothing

__all__ = ["KIND", "normal_form"]

_LONGEST = 400  # characters of an expression
_DIGITS = 40  # of a number that is computed with
_LAYOUT = re.compile(
    r"\\(?:left|right|displaystyle|limits|big[lr]?|Big[lr]?|bigg[lr]?|,|;|:|!|quad|qquad| )|[$\s~]|\\[()\[\]]|\{,\}"
)
_UPRIGHT = re.compile(r"\\(?:text|mathrm|mathbf|textbf|mbox|operatorname)\s*\{([^{}]*)\}")
_UNIT = re.compile(r"(?<=[\d})\]])(?:\\%|%|\^\\circ|\^\{\\circ\}|\\circ|°)$")
_WORDS_AFTER = re.compile(r"(?<=[\d})])\s*\\(?:text|mathrm|mbox)\s*\{\s*[A-Za-z .^/\d]+\}(?:\^\{?\d\}?)?\s*\.?$")
_FRACTION = re.compile(r"\\[dtc]?frac")
_ROOT = re.compile(r"\\sqrt(?:\[([^\[\]]*)\])?|√")
_SPELLED = (
    ("\\cdot", "*"),
    ("\\times", "*"),
    ("\\div", "/"),
    ("×", "*"),
    ("·", "*"),
    ("−", "-"),
    ("–", "-"),
    ("\\leq", "<="),
    ("\\geq", ">="),
    ("\\le", "<="),
    ("\\ge", ">="),
    ("≤", "<="),
    ("≥", ">="),
    ("\\neq", "!="),
    ("\\ne", "!="),
    ("\\pm", "±"),
    ("\\infty", "∞"),
    ("\\pi", "π"),
    ("\\cup", "∪"),
    ("\\cap", "∩"),
    ("\\emptyset", "∅"),
    ("\\varnothing", "∅"),
    ("\\in", "∈"),
    ("\\{", "{"),
    ("\\}", "}"),
    ("**", "^"),
    ("\\lbrace", "{"),
    ("\\rbrace", "}"),
)
_GROUPED = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?![\d,])")
_RATIONAL = re.compile(r"([+-]?)\(?([+-]?)(\d*)(?:\.(\d*))?\)?(?:/\(?(-?)(\d*)(?:\.(\d*))?\)?)?")
_MIXED = re.compile(r"([+-]?)(\d+)\((\d+)\)/\((\d+)\)")
_NAMED = re.compile(r"[A-Za-z](?:_\{?\w+\}?)?(?:\([A-Za-z]\))?=(?![=])")
_MATH = re.compile(r"\$\$?([^$]{1,400})\$\$?|\\\((.{1,400}?)\\\)|\\\[(.{1,400}?)\\\]", re.DOTALL)
_BLANK = " \t\n*_:：=`"
_PROSE = re.compile(
    r"(?<!\\)\b(?!(?:sqrt|sin|cos|tan|log|ln|exp|frac|pi|inf)\b)[A-Za-z]{4,}|\b(?:so|as|is|in|if|of|we|it|the|for|and|or|but)\b"
)


def normal_form(text: str) -> str | None:
    """The normal form of an expression; None where a text is none, too long or in words."""
    if len(text) > _LONGEST:
        return None
    text = _boxed(text.strip().rstrip(".")).strip()
    text = _WORDS_AFTER.sub("", text).replace("\\\\", ";")  # rows of a matrix
    text = _LAYOUT.sub("", _UPRIGHT.sub(lambda match: match[1].replace(" ", ""), text))
    for written, plain in _SPELLED:
        text = text.replace(written, plain)
    text = _UNIT.sub("", text).strip(".,;:'\"`*_")
    text = _GROUPED.sub(lambda match: match[0].replace(",", ""), text) if not _several(text) else text
    text = _mathematics(text)
    if not text or (_PROSE.fullmatch(text) and len(text) > 12):
        return None
    named = _NAMED.match(text)
    if named and "=" not in text[named.end() :]:
        text = text[named.end() :]
    return _parts(text.casefold() if text.isalpha() and len(text) > 1 else text) or None


def _boxed(text: str) -> str:
    """The inside of the last box, else the text."""
    at = text.rfind("\\boxed{")
    if at < 0:
        return text
    content, end = _braced(text, at + len("\\boxed"))
    return content if end else text


def _braced(text: str, at: int) -> tuple[str, int]:
    """What stands in the braces that open at `at`, and where they are closed; one character where there are none."""
    if at >= len(text) or text[at] != "{":
        return text[at : at + 1], min(at + 1, len(text))
    depth = 0
    for index in range(at, len(text)):
        depth += (text[index] == "{") - (text[index] == "}")
        if depth == 0:
            return text[at + 1 : index], index + 1
    return text[at + 1 :], 0


def _mathematics(text: str) -> str:
    r"""The text with `\frac{a}{b}` as (a)/(b), `\sqrt{a}` as sqrt(a), and `^{a}` as ^(a)."""
    for _ in range(64):
        if (match := _FRACTION.search(text)) is not None:
            above, end = _braced(text, match.end())
            below, end = _braced(text, end) if end else ("", 0)
            if not end:
                return text
            text = f"{text[: match.start()]}({above})/({below}){text[end:]}"
        elif (match := _ROOT.search(text)) is not None:
            inside, end = _braced(text, match.end())
            if text[match.end() : match.end() + 1] == "(":
                return text[: match.start()] + "sqrt" + _mathematics(text[match.end() :])
            if not end:
                return text
            name = f"root{match[1]}" if match[1] else "sqrt"
            text = f"{text[: match.start()]}{name}({inside}){text[end:]}"
        elif (at := text.find("^{")) >= 0:
            inside, end = _braced(text, at + 1)
            if not end:
                return text
            text = f"{text[: at + 1]}{inside if len(inside) == 1 else f'({inside})'}{text[end:]}"
        else:
            break
    return text


def _several(text: str) -> bool:
    """Whether commas are between things: in brackets, or before what are no three digits."""
    return bool(re.search(r",(?!\d{3}(?!\d))", text)) or text[:1] in "([{"


def _split(text: str, sign: str) -> list[str]:
    """The pieces between a sign that stands in no brackets."""
    depth, pieces, begin = 0, [], 0
    for index, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == sign and depth == 0:
            pieces.append(text[begin:index])
            begin = index + 1
    return [*pieces, text[begin:]]


def _parts(text: str) -> str:
    """The normal form of sets, tuples and intervals by that of their parts, else of one expression."""
    pieces = _split(text, ",")
    if len(pieces) > 1:
        return ",".join(sorted(map(_parts, pieces)))  # solutions, in any order
    if len(text) > 2 and text[0] in "([{" and text[-1] in ")]}" and _closes_last(text):
        inside = _split(text[1:-1], ",")
        if text[0] == "{":
            return "{" + ",".join(sorted(map(_parts, inside))) + "}"
        if len(inside) > 1:
            return text[0] + ",".join(map(_parts, inside)) + text[-1]
        return _parts(text[1:-1])
    sides = _split(text, "=")
    if len(sides) == 2 and all(sides):
        return "=".join(map(_parts, sides))
    return _rational(text)


def _closes_last(text: str) -> bool:
    """Whether the bracket that the text begins with is closed at its end."""
    depth = 0
    for index, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if depth == 0:
            return index == len(text) - 1
    return False


def _rational(text: str) -> str:
    """A rational number in lowest terms; other text as it is."""
    if len(text) > _DIGITS:
        return text
    if (mixed := _MIXED.fullmatch(text)) is not None:
        whole, above, below = (int(each) for each in mixed.group(2, 3, 4))
        return _lowest(mixed[1] == "-", whole * below + above, below) or text
    match = _RATIONAL.fullmatch(text)
    if match is None or not (match[3] or match[4]) or (match[0].count("/") and not (match[6] or match[7])):
        return text
    negative = (match.group(1, 2, 5).count("-")) % 2 == 1
    above, below = int((match[3] or "") + (match[4] or "")), int((match[6] or "") + (match[7] or "") or 1)
    return _lowest(negative, above * 10 ** len(match[7] or ""), below * 10 ** len(match[4] or "")) or text


def _lowest(negative: bool, above: int, below: int) -> str | None:
    """The fraction in lowest terms; None where it is none."""
    if not below:
        return None
    divisor = gcd(above, below)
    sign = "-" if negative and above else ""
    return f"{sign}{above // divisor}" + (f"/{below // divisor}" if below != divisor else "")


def _found(text: str, start: int, stop: int) -> Found | None:
    form = normal_form(text[start:stop])
    return None if form is None else Found(form, start, stop)


def _bare(text: str, choices: int) -> Found | None:  # noqa: ARG001 - of all kinds
    return _found(text, 0, len(text))


def _stated(text: str, statement: Statement, choices: int, *, opens: bool) -> Found | None:  # noqa: ARG001
    start, stop = statement.start, statement.stop
    if statement.exact:
        form = normal_form(text[start:stop].replace("\\\\", "\\") if statement.form == "json" else text[start:stop])
        return NO_ANSWER if form is None else Found(form, start, stop)
    while start < stop and text[start] in _BLANK:
        start += 1
    end = end_of_sentence(text, start, stop)
    if (match := _MATH.search(text, start, stop)) is not None and match.start() <= end:
        return _found(text, *_inside(match))
    if says_nothing(text, start, end):
        return NO_ANSWER
    prose = _PROSE.search(text, start, end)
    end = end if prose is None else prose.start()
    return _found(text, start, end) if text[start:end].strip() else None


def _inside(match: re.Match[str]) -> tuple[int, int]:
    return next(span for span in map(match.span, (1, 2, 3)) if span[0] >= 0)


def _last(text: str, start: int, stop: int, choices: int) -> Found | None:  # noqa: ARG001
    match = None
    for match in _MATH.finditer(text, start, stop):  # noqa: B007 - the last one is meant
        pass
    if match is not None:
        return _found(text, *_inside(match))
    line = text[start:stop].strip()
    return _found(line, 0, len(line)) if "\n" not in line and _PROSE.search(line) is None else None


KIND = AnswerKind(
    bare=_bare,
    stated=_stated,
    last=_last,
    form=r'as "The answer is $\boxed{X}$.", where X is a mathematical expression in LaTeX.',
    terse=r'Reply with "The answer is", followed by a mathematical expression in LaTeX, in \boxed{}.',
)
