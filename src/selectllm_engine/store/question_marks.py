"""Marks and notes of people on questions: a small sealed file of a benchmark, which each change reads again.

A change names one question and what of it changes, so two that mark at once lose nothing of each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypedDict

from selectllm_engine.errors import DamagedError, UsageError
from selectllm_engine.store.sealed_json import read_sealed, write_sealed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["LONGEST_NOTE", "MARKS", "Change", "Mark", "changed", "joined", "read_marks", "write_marks"]

MARKS = "marks.json"
LONGEST_NOTE = 2000  # characters


@dataclass(frozen=True, slots=True)
class Mark:
    """What a person has left on a question: a mark, a note in one line, or both."""

    marked: bool = False
    note: str = ""


class Change(TypedDict, total=False):
    """What of a question's mark changes."""

    marked: bool
    note: str


def read_marks(folder: Path) -> dict[str, Mark]:
    """The marks in a benchmark's folder by question id; none where nothing is marked.

    Raises:
        DamagedError: the file is damaged, was changed by hand, or holds something else.
    """
    path = folder / MARKS
    try:
        stored = read_sealed(path).get("marks")
    except FileNotFoundError:
        return {}
    if not isinstance(stored, dict):
        raise DamagedError(f"{path} holds no marks", "see selectllm cache verify")
    marks = {}
    for question_id, each in stored.items():
        marked, note = (each.get("marked"), each.get("note")) if isinstance(each, dict) else (None, None)
        if not isinstance(marked, bool) or not isinstance(note, str) or len(note) > LONGEST_NOTE:
            raise DamagedError(f"{path} holds no mark of {question_id[:80]!r}", "see selectllm cache verify")
        marks[question_id] = Mark(marked, note)
    return marks


def write_marks(folder: Path, marks: Mapping[str, Mark]) -> None:
    """Write the marks; for who holds the cache's lock. Raises CacheError."""
    content = {question_id: {"marked": each.marked, "note": each.note} for question_id, each in marks.items()}
    write_sealed(folder / MARKS, {"format": 1, "marks": content})


def changed(marks: Mapping[str, Mark], changes: Mapping[str, Change]) -> dict[str, Mark]:
    """Marks after changes; a question with neither mark nor note has none.

    Raises:
        UsageError: a note has more than a line, is too long, or is no valid text.
    """
    after = dict(marks)
    for question_id, change in changes.items():
        note = change.get("note", "")
        if len(note) > LONGEST_NOTE or "\n" in note or any("\ud800" <= char <= "\udfff" for char in note):
            raise UsageError("that is no note", f"write one line of at most {LONGEST_NOTE:,} characters")
        after[question_id] = replace(after.pop(question_id, Mark()), **change)
    return {question_id: each for question_id, each in after.items() if each != Mark()}


def joined(marks: Mapping[str, Mark], others: Mapping[str, Mark]) -> dict[str, Mark]:
    """Marks with those of another cache: marked is what either has marked; of two notes both stay, in one line."""
    after = dict(marks)
    for question_id, other in others.items():
        here = after.get(question_id, Mark())
        note = here.note
        if other.note not in note:
            note = " · ".join(each for each in (note, other.note) if each)[:LONGEST_NOTE]
        after[question_id] = Mark(here.marked or other.marked, note)
    return after
