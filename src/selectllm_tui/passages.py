"""Places in texts: the words that two texts don't share, and texts cut into spans where several things are marked."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from selectllm_tui.widgets.paint import Span

__all__ = ["MOST_WORDS", "Place", "in_all", "overlaid", "words_apart"]

Place = tuple[int, int]  # start and end in characters

MOST_WORDS = 1500  # that are compared: what a matcher takes grows with their square
_WORD = re.compile(r"\S+")


def words_apart(first: str, other: str) -> tuple[list[Place], list[Place]]:
    """Where words stand in the first text that the other has not, and the other way round.

    Words are compared in their order, as a diff does; beyond MOST_WORDS nothing is.
    """
    one, two = (_words(text) for text in (first, other))
    matcher = SequenceMatcher(None, [first[a:b] for a, b in one], [other[a:b] for a, b in two])
    changes = [each[1:] for each in matcher.get_opcodes() if each[0] != "equal"]
    return (
        [(one[start][0], one[end - 1][1]) for start, end, _, _ in changes if end > start],
        [(two[start][0], two[end - 1][1]) for _, _, start, end in changes if end > start],
    )


def in_all(lists: Sequence[Sequence[Place]]) -> list[Place]:
    """The places, or parts of them, that are in every one of some lists; each is in order, as the result is."""
    common = list(lists[0])
    for other in lists[1:]:
        both = ((max(a, c), min(b, d)) for a, b in common for c, d in other)
        common = [place for place in both if place[0] < place[1]]
    return common


def _words(text: str) -> list[Place]:
    found: list[Place] = []
    for match in _WORD.finditer(text):
        if len(found) == MOST_WORDS:
            break
        found.append(match.span())
    return found


def overlaid(text: str, layers: Iterable[tuple[Sequence[Place], str]]) -> list[Span]:
    """A text in spans: where the places of several layers overlap, the style of the last one holds."""
    marked = [(place, style) for places, style in layers for place in places]
    cuts = sorted({0, len(text), *(at for place, _ in marked for at in place if 0 <= at <= len(text))})
    styles = ["plain"] * len(cuts)
    at = {cut: number for number, cut in enumerate(cuts)}
    for (start, end), style in marked:
        for number in range(at[start], at[end]):
            styles[number] = style
    spans: list[Span] = []
    for start, end, style in zip(cuts, cuts[1:], styles, strict=False):
        if spans and spans[-1][1] == style:
            spans[-1] = (spans[-1][0] + text[start:end], style)
        else:
            spans.append((text[start:end], style))
    return spans
