"""The normal form of an expression → LaTeX that says the same, for who parses LaTeX."""

from __future__ import annotations

import re

__all__ = ["latex_of"]

_SPELLED = {
    "π": r"\pi ",
    "∞": r"\infty ",
    "∪": r"\cup ",
    "∩": r"\cap ",
    "∅": r"\emptyset ",
    "∈": r"\in ",
    "±": r"\pm ",
    "*": r"\cdot ",
    ";": r"\\ ",  # rows of a matrix
}
_COMPARED = (("<=", r"\le "), (">=", r"\ge "), ("!=", r"\ne "))
_CALLED = re.compile(r"sqrt\(|root([^()]{1,20})\(|\^\(")
_GROUPS = re.compile(r"(?:[_^]|\\[A-Za-z]+\*?|\})\Z")  # what stands before braces that are no set's


def latex_of(form: str) -> str:
    """LaTeX of what `normal_form` gave."""
    text = _grouped(_sets(form))
    for written, latex in _COMPARED:
        text = text.replace(written, latex)
    return "".join(_SPELLED.get(char, char) for char in text)


def _sets(form: str) -> str:
    r"""The form with the braces of sets as `\{` and `\}`."""
    written, opened = [], []
    for at, char in enumerate(form):
        if char == "{":
            opened.append(_GROUPS.search(form, max(0, at - 16), at) is None)
        is_set = char in "{}" and bool(opened) and opened[-1]
        if char == "}" and opened:
            opened.pop()
        written.append(f"\\{char}" if is_set else char)
    return "".join(written)


def _grouped(form: str) -> str:
    r"""The form with `sqrt(a)` as `\sqrt{a}`, `root3(a)` as `\sqrt[3]{a}` and `^(a)` as `^{a}`."""
    written: list[str] = []
    closes: list[str] = []
    at = 0
    while at < len(form):
        match = _CALLED.match(form, at)
        if match is not None:
            name = "^" if match[0] == "^(" else f"\\sqrt[{match[1]}]" if match[1] else "\\sqrt"
            written.append(f"{name}{{")
            closes.append("}")
            at = match.end()
            continue
        char = form[at]
        if char == "(":
            closes.append(")")
        written.append(closes.pop() if char == ")" and closes else char)
        at += 1
    return "".join(written)
