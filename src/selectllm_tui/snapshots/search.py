"""What is typed to find questions, as terms: each says which questions it keeps, and all of them must.

word  "two words"  ~regex          in the text, or in the id
3+  5-  ;b+                        LLM 3 is right, LLM 5 is not, the LLM with the letter b is
vote<60  vote>60  vote=100         the winning answer's share of the selected LLMs' samples, in percent
sub:leap  by:gemma                 in the subject; in the name of an LLM that answers; sub:"two words", too
mark:  note:  note:word            marked; with a note; with the word in the note; note:"two words", too
-word  -mark:  -sub:leap           a minus keeps what the term after it doesn't
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_tui.llm_names import number_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from selectllm_engine.store import Mark

__all__ = ["Chip", "Field", "Term", "find", "hits", "pattern_of", "terms"]

_PIECE = re.compile(r'-?(?:sub:|by:|note:)?"[^"]*"?|\S+', re.IGNORECASE)
_LLM = re.compile(r"(\d+|;[a-zA-Z])([+-])")
_VOTE = re.compile(r"vote([<>=])(\d+(?:\.\d+)?)%?", re.IGNORECASE)
_BARE = {"mark", "note"}  # kinds of terms that say something without a value
_COMPARE: dict[str, Callable[[NDArray[np.float64], float], NDArray[np.bool_]]] = {
    "<": np.less,
    ">": np.greater,
    "=": lambda shares, value: np.asarray(np.abs(shares - value) < 0.5),
}


@dataclass(frozen=True, slots=True)
class Term:
    """One term as it was typed: of which kind it is, and its value; with a minus it keeps what it else doesn't."""

    text: str
    kind: str
    value: str
    minus: bool = False


@dataclass(frozen=True, slots=True)
class Chip:
    """A term and how many questions it takes from those that the others leave; `problem` says why it takes none."""

    text: str
    taken: int
    problem: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """What terms look at.

    Attributes:
        frame: the questions, Q rows.
        llms: the LLMs of the run.
        right, selected: bool [Q, N].
        shares: float64 [Q], in percent; None where there are no votes.
        marks: what people have left on questions.
    """

    frame: pl.DataFrame
    llms: tuple[str, ...]
    right: NDArray[np.bool_]
    selected: NDArray[np.bool_]
    shares: NDArray[np.float64] | None
    marks: Mapping[str, Mark] = field(default_factory=dict)


class _TermError(ValueError):
    """Why a term can't keep anything."""


def terms(text: str) -> list[Term]:
    """The terms of a line; what is being typed and says nothing yet is none."""
    found = [_term(piece) for piece in _PIECE.findall(text)]
    return [each for each in found if each.value or each.kind in _BARE]


def _term(piece: str) -> Term:
    if piece.startswith("-"):
        rest = piece[1:]
        term = Term(rest, "word", rest) if rest.startswith("-") else _term(rest)
        return replace(term, text=piece, minus=True)
    if match := _LLM.fullmatch(piece):
        return Term(piece, "right" if match[2] == "+" else "wrong", match[1])
    if match := _VOTE.fullmatch(piece):
        return Term(piece, f"vote{match[1]}", match[2])
    if piece.casefold() == "mark:":
        return Term(piece, "mark", "")
    starts = (("sub:", "subject"), ("by:", "by"), ("note:", "note"), ("~", "regex"))
    for start, kind in starts:
        if piece.casefold().startswith(start):
            return Term(piece, kind, piece[len(start) :].strip('"'))
    return Term(piece, "word", piece.strip('"'))


def find(field: Field, text: str, within: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], tuple[Chip, ...]]:
    """Which questions all terms keep, bool [Q], and the terms with what each takes of those `within`."""
    masks: list[NDArray[np.bool_]] = []
    problems: list[str] = []
    given = terms(text)
    for each in given:
        try:
            mask = _kept(field, each)
            masks.append(~mask if each.minus else mask)
            problems.append("")
        except _TermError as problem:  # a term that can't be read, or not here, must not empty the list
            masks.append(np.ones(field.frame.height, dtype=bool))
            problems.append(str(problem))
    kept = np.ones(field.frame.height, dtype=bool)
    for mask in masks:
        kept &= mask
    chips = []
    for at, (each, why) in enumerate(zip(given, problems, strict=True)):
        rest = within.copy()
        for other, mask in enumerate(masks):
            if other != at:
                rest &= mask
        chips.append(Chip(each.text, int(np.count_nonzero(rest & ~masks[at])), why))
    return kept, tuple(chips)


def _kept(field: Field, term: Term) -> NDArray[np.bool_]:
    match term.kind:
        case "right" | "wrong":
            letter = term.value[0] == ";"
            at = number_of(term.value[1]) if letter else int(term.value[:9]) - 1
            if at is None or not 0 <= at < len(field.llms):
                raise _TermError(f"there is no LLM {term.value}")
            return field.right[:, at] if term.kind == "right" else ~field.right[:, at]
        case "by":
            named = [term.value.casefold() in name.casefold() for name in field.llms]
            return np.asarray(field.selected[:, np.array(named, dtype=bool)].any(axis=1))
        case "mark":
            return _of_ids(field, {question_id for question_id, each in field.marks.items() if each.marked})
        case "note":
            word = term.value.casefold()
            noted = {name for name, each in field.marks.items() if each.note and word in each.note.casefold()}
            return _of_ids(field, noted)
        case "subject":
            return _matching(field.frame, [pl.col("subject")], re.escape(term.value))
        case "word" | "regex":
            pattern = term.value if term.kind == "regex" else re.escape(term.value)
            return _matching(field.frame, [pl.col("text"), pl.col("question_id")], pattern)
    if field.shares is None:
        raise _TermError("only labels are known, no votes")
    return np.asarray(_COMPARE[term.kind[-1]](field.shares, float(term.value)))


def _of_ids(field: Field, ids: Iterable[str]) -> NDArray[np.bool_]:
    return np.asarray(field.frame["question_id"].is_in(list(ids)), dtype=bool)


def _matching(frame: pl.DataFrame, columns: Sequence[pl.Expr], pattern: str) -> NDArray[np.bool_]:
    found = [column.str.contains(f"(?i){pattern}").fill_null(value=False) for column in columns]
    try:
        return np.asarray(frame.select(kept=pl.any_horizontal(found)).get_column("kept"), dtype=bool)
    except pl.exceptions.ComputeError as error:
        raise _TermError("no regular expression") from error


def pattern_of(text: str) -> str:
    """A regular expression for what the terms look for in a question's text; empty where that is nothing."""
    shown = [each for each in terms(text) if not each.minus]
    parts = [re.escape(each.value) for each in shown if each.kind == "word"]
    parts += [f"(?:{each.value})" for each in shown if each.kind == "regex"]
    return f"(?i){'|'.join(parts)}" if parts else ""


def hits(text: str, pattern: str) -> list[tuple[int, int]]:
    """Where a text has what `pattern` names. By polars, whose time no pattern can blow up; none where it is wrong."""
    try:
        found: list[str] = pl.Series([text]).str.extract_all(pattern)[0].to_list()
    except pl.exceptions.ComputeError:
        return []
    places, end = [], 0
    for each in found:
        start = text.find(each, end) if each else -1
        if start >= 0:
            end = start + len(each)
            places.append((start, end))
    return places
