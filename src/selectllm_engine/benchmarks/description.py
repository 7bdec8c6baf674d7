"""What a benchmark's questions are, said instead of programmed: where they lie, and what their columns mean.

A field names a column, or a place in one by a dotted path (`choices.text`, `answers.0`); see `described_benchmarks`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["Description", "Exemplars", "SplitShare", "described_by"]

ONLY = ""  # the source split of files that have but one


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitShare:
    """A share, above 0 and at most 1, of one of the source's splits; below 1 it is drawn by a seed."""

    of: str = ONLY
    share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemplars:
    """Solved questions from one of the source's splits: all of it, or the first `take` that no split of ours drew."""

    of: str = ONLY
    take: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """Where questions are and what their columns mean.

    `question`, `answer`, `subject`, `rationale` and each of several `choices` are a column, a dotted path into one, or
    a template over them, `"{passage} {question}"`. `file` and `config` name the file's stem and the configuration
    where the data have no such columns.

    Attributes:
        hub, revision, config: of a data set on the Hugging Face hub; rows of several configurations follow each other.
            `{config}` in `hub` is the configuration, where each is a data set of its own.
        data: a file or folder instead of the hub.
        files: patterns of files by source split, in a folder as on the hub.
        columns: of CSV files without a header.
        choices: a list, a table of texts by letter, or several columns; with a pattern for them, what it finds in a
            text, and questions without any are of `kind`.
        labels: what the answer calls the options: a column beside the choices, or a text for each; else A, B, …
        answer: the label or the text of an option, its place from 0 where it is an integer, or the list that marks it.
            Of kind "text" a list holds aliases; of kind "labels" there is none.
        kind: of answers; else "letter" where there are choices, "number" where all answers are, else "word".
            "labels": nothing tells what is right but verdicts that another tool recorded.
        language: that questions are in, as a code; "subject" where the subjects are such codes.
        split: our splits from the source's, or the column that names the split; without it all questions are test.
        filter: only rows that have one of these values.
        patterns: by field: a regular expression, whose first group is what counts.
        remove: by field: a regular expression of what is left out.
        shuffle_choices: a seed, for options that would else be in a telling order.
        terse: ask for the answer alone, without steps.
        kinds: of questions that are made on this machine, as `reasoning_kinds` makes them; then there is nothing else.
        lenient: rows that give no question are left out, in files too: the data set is known to have some.
        otherwise: another layout of the same files, for folders that have none of these.
    """

    question: str = ""
    answer: str | None = None
    hub: str | None = None
    revision: str | None = None
    config: tuple[str, ...] = ()
    data: Path | None = None
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    choices: str | tuple[str, ...] = ()
    labels: str | tuple[str, ...] = ()
    kind: str | None = None
    id: str | None = None
    subject: str | None = None
    language: str | None = None
    rationale: str | None = None
    split: str | Mapping[str, SplitShare] = field(default_factory=lambda: {"test": SplitShare()})
    filter: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    remove: Mapping[str, str] = field(default_factory=dict)
    shuffle_choices: int | None = None
    exemplars: Exemplars | None = None
    terse: bool = False
    kinds: tuple[str, ...] = ()
    lenient: bool = False
    otherwise: Description | None = None


def described_by(given: Mapping[str, object]) -> Description:
    """The description that a checked table of `selectllm.toml` gives."""
    values: dict[str, Any] = dict(given)
    for name in ("config", "columns", "labels", "kinds"):
        if name in values and not (name == "labels" and isinstance(values[name], str)):
            values[name] = _texts(values[name])
    if "files" in values:
        values["files"] = {split: _texts(patterns) for split, patterns in values["files"].items()}
    if "choices" in values and not isinstance(values["choices"], str):
        choices = values["choices"]
        if isinstance(choices, dict):
            values.setdefault("labels", tuple(choices))
            choices = choices.values()
        values["choices"] = tuple(choices)
    if isinstance(values.get("split"), dict):
        values["split"] = {split: _part(part) for split, part in values["split"].items()}
    if "filter" in values:
        values["filter"] = {
            path: tuple(map(_written, each if isinstance(each, list) else [each]))
            for path, each in values["filter"].items()
        }
    if "exemplars" in values:
        values["exemplars"] = Exemplars(**values["exemplars"])
    if isinstance(values.get("shuffle_choices"), bool):
        values["shuffle_choices"] = 0 if values["shuffle_choices"] else None
    return Description(**values)


def _texts(given: str | list[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def _part(given: str | float | Mapping[str, Any]) -> SplitShare:
    if isinstance(given, str):
        return SplitShare(of=given)
    return SplitShare(share=float(given)) if isinstance(given, int | float) else SplitShare(**given)


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
