"""A person's own questions: a JSONL, CSV or Parquet file, or a folder of them.

Columns: `question` and `answer`; where wanted, the options as `choices` (a list; in CSV a JSON list or texts between
`|`) or as columns `A`, `B`, … up to `Z`; `subject`, `split`, `id`, `kind` and `rationale`.

- Where there are options, `answer` is the letter or the text of one of them.
- `kind` is one of `answers.KINDS`. Without it: "letter" where there are options, "number" where the answer is a
  plain number, else "word".
- `split` is "train", "validation", "test" or "exemplar" ("dev" is another word for the latter). Without it the file's
  name says it (`train.jsonl`, `validation.csv`, `test.parquet`, `exemplar.csv`), else every question is `test`.
- Exemplars are for few-shot prompts and in no split; their `rationale` is the solution that leads to the answer.
- `id` must be unique; without it, rows are numbered.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from reprlib import repr as short
from typing import TYPE_CHECKING

from selectllm_engine.benchmarks.benchmark import LETTERS, SPLIT_WORDS, Benchmark, Exemplar, question_frame
from selectllm_engine.benchmarks.tables import SUFFIXES, FileRecord, read_records
from selectllm_engine.errors import BenchmarkError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["load", "load_exemplars"]

_PLAIN_NUMBER = re.compile(r"[-+−]?\s*[$€£¥]?\s*[-+−]?[\d.,/]*\d[\d.,]*(?:[eE][-+]?\d+)?\s*%?")


@dataclass(frozen=True, slots=True)
class _QuestionRow:
    """One row as it was read; `kind` None where the row says nothing about it."""

    record: FileRecord
    id: str
    split: str
    subject: str | None
    text: str
    answer: str
    choices: tuple[str, ...] | None
    kind: str | None
    rationale: str | None


def load(name: str, *, data: Path) -> Benchmark:
    """The questions of a file, or of all such files in a folder, as benchmark `name`.

    Raises:
        BenchmarkError: names the file, the row and what is wrong with it.
    """
    rows = _rows(data, name)
    questions, exemplars = [], []
    for row in rows:
        kind = _kind(row)
        gold = _gold(row, kind)
        if row.split == "exemplar":
            exemplars.append(_exemplar(row, gold))
        else:
            known = {name: getattr(row, name) for name in ("split", "subject", "text", "choices")}
            questions.append({"question_id": row.id, **known, "gold": gold, "kind": kind})
    _check(rows, data)
    return Benchmark(name, question_frame(questions), tuple(exemplars), notes=tuple(_doubtful(rows)))


def load_exemplars(data: Path) -> tuple[Exemplar, ...]:
    """All rows of a file, or of all such files in a folder, as exemplars, whatever their split.

    Raises:
        BenchmarkError: names the file, the row and what is wrong with it.
    """
    rows = _rows(data, data.stem)
    return tuple(_exemplar(row, _gold(row, _kind(row))) for row in rows)


def _exemplar(row: _QuestionRow, gold: str) -> Exemplar:
    return Exemplar(row.text, gold, row.choices, row.rationale, row.subject)


def _paths(data: Path) -> list[Path]:
    if not data.exists():
        raise BenchmarkError(f"no file or folder {str(data)!r}", "check the path")
    if not data.is_dir():
        return [data]
    paths = sorted(path for path in data.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise BenchmarkError(f"{str(data)!r} holds no JSONL, CSV or Parquet file", "pass the file itself")
    return paths


def _rows(data: Path, name: str) -> list[_QuestionRow]:
    return [
        _QuestionRow(
            record=record,
            id=record.optional("id") or f"{path.stem if data.is_dir() else name}-{record.number:04d}",
            split=_split(record, path),
            subject=record.optional("subject"),
            text=record.text("question"),
            answer=record.text("answer"),
            choices=_choices(record),
            kind=record.optional("kind"),
            rationale=record.optional("rationale"),
        )
        for path in _paths(data)
        for record in read_records(path)
    ]


def _split(record: FileRecord, path: Path) -> str:
    word = record.optional("split")
    if word is None:
        return SPLIT_WORDS.get(path.stem.lower(), "test")
    if word.lower() not in SPLIT_WORDS:
        raise BenchmarkError(f"{record.where}: no split {short(word)}", did_you_mean(word, SPLIT_WORDS))
    return SPLIT_WORDS[word.lower()]


def _kind(row: _QuestionRow) -> str:
    from selectllm_engine.answers import KINDS

    kind = row.kind or ("letter" if row.choices else "number" if _PLAIN_NUMBER.fullmatch(row.answer) else "word")
    if kind not in KINDS:
        raise BenchmarkError(f"{row.record.where}: no kind {short(kind)}", did_you_mean(kind, KINDS))
    if (kind == "letter") != bool(row.choices):
        remedy = "add choices, or take another kind" if kind == "letter" else "leave the kind out, or the choices"
        raise BenchmarkError(
            f"{row.record.where}: kind {kind!r} does not go with {'' if row.choices else 'no '}choices", remedy
        )
    return kind


def _choices(record: FileRecord) -> tuple[str, ...] | None:
    value = record.get("choices")
    if value is None:
        texts: Sequence[object] = [record.get(letter) for letter in LETTERS]
        while texts and texts[-1] is None:
            texts = texts[:-1]
    elif isinstance(value, str):
        texts = _split_text(record, value)
    else:
        texts = value
    if not isinstance(texts, (list, tuple)):
        raise BenchmarkError(f"{record.where}: 'choices' is no list", 'write it as ["first", "second"]')
    if not texts:
        return None
    if not 2 <= len(texts) <= len(LETTERS):
        raise BenchmarkError(f"{record.where}: {len(texts)} choices", f"give 2 to {len(LETTERS)}")
    return tuple(record.written("choices", text) for text in texts)


def _split_text(record: FileRecord, text: str) -> Sequence[object]:
    if not text.lstrip().startswith("["):
        return text.split("|")
    try:
        return json.loads(text)  # type: ignore[no-any-return]
    except (ValueError, RecursionError):
        raise BenchmarkError(f"{record.where}: 'choices' is no JSON list", "close its quotes and brackets") from None


def _gold(row: _QuestionRow, kind: str) -> str:
    from selectllm_engine.answers import canonical

    if row.choices is None:
        gold = canonical(row.answer, kind)
        if gold is None:
            problem = f"{row.record.where}: answer {short(row.answer)} is no {kind}"
            raise BenchmarkError(problem, "correct it, or set the column 'kind'")
        return gold
    letters = LETTERS[: len(row.choices)]
    fitting = {letter for letter, text in zip(letters, row.choices, strict=True) if text == row.answer}
    bare = row.answer.strip("(). ").upper()
    if len(bare) == 1 and bare in letters:
        fitting.add(bare)
    if len(fitting) != 1:
        problem = "is more than one" if fitting else "is none"
        raise BenchmarkError(
            f"{row.record.where}: answer {short(row.answer)} {problem} of the choices {short(list(row.choices))}",
            f"write the letter, (A) to ({letters[-1]}), or the text of one",
        )
    return fitting.pop()


def _doubtful(rows: Sequence[_QuestionRow]) -> list[str]:
    """A line about questions that are there with different answers, where there are any."""
    answers: dict[tuple[str, tuple[str, ...] | None], dict[str, _QuestionRow]] = {}
    for row in rows:
        answers.setdefault((row.text, row.choices), {}).setdefault(row.answer, row)
    several = [found for found in answers.values() if len(found) > 1]
    if not several:
        return []
    shown = ", ".join(f"{short(answer)} ({row.record.where})" for answer, row in list(several[0].items())[:3])
    more = f", and {len(several) - 1:,} more questions" if len(several) > 1 else ""
    return [f"one question is there with different answers: {shown}{more}; each counts as a question of its own"]


def _check(rows: Sequence[_QuestionRow], data: Path) -> None:
    """Raise BenchmarkError for ids that are not unique, exemplars that are questions too, and for no questions."""
    first: dict[str, _QuestionRow] = {}
    for row in rows:
        if row.id in first:
            problem = f"{row.record.where}: id {short(row.id)} is also that of {first[row.id].record.where}"
            raise BenchmarkError(problem, "give every row its own id")
        first[row.id] = row
    asked = {(row.text, row.choices): row for row in rows if row.split != "exemplar"}
    if not asked:
        raise BenchmarkError(f"{data.name} holds exemplars only", "give some rows another split")
    for row in rows:
        if row.split == "exemplar" and (row.text, row.choices) in asked:
            other = asked[row.text, row.choices].record.where
            raise BenchmarkError(
                f"{row.record.where}: this exemplar is also the question of {other}", "take one of them out"
            )
