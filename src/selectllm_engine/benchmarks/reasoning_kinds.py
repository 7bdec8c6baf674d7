"""Any mix of questions that reasoning-gym makes: of the benchmark `reasoning`'s kinds, and of the gym's own.

A kind of the gym is asked as it asks. Of which kind the answers are is told from the first of them; kinds whose answers
are tables or longer texts are refused, for nothing but the gym's own scoring can judge those.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.benchmarks.benchmark import question_frame, splits_of
from selectllm_engine.benchmarks.reasoning import KINDS, MORE, SIZES, Made, Puzzle, mixed, stream
from selectllm_engine.benchmarks.tables import SUFFIXES
from selectllm_engine.errors import BenchmarkError, MissingExtraError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from random import Random

    from selectllm_engine.benchmarks.benchmark import Benchmark

__all__ = ["gym_kinds", "load", "make_file"]

_LOOKED_AT = 50  # answers that tell of which kind all are
_LONGEST = 60  # characters of an answer
_EXPRESSION = re.compile(r"\*\*|\^|[\d)]\s*\*\s*[A-Za-z(]|sqrt")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def gym_kinds() -> tuple[str, ...]:
    """All kinds of questions that a file can have; raises MissingExtraError without reasoning-gym."""
    try:
        from reasoning_gym.factory import DATASETS
    except ImportError as error:
        raise MissingExtraError("making reasoning questions", "reasoning") from error
    return (*KINDS, *MORE, *sorted(DATASETS))


def load(name: str, kinds: Sequence[str], *, sizes: Mapping[str, int] | None = None, seed: int = 0) -> Benchmark:
    """A benchmark of these kinds of questions, and five exemplars of each.

    Args:
        name: of the benchmark.
        kinds: as of `gym_kinds`; question i of a split is of kind i modulo their number.
        sizes: questions per split; SIZES where not given.
        seed: the same one gives the same questions.

    Raises:
        UnknownNameError: there is no such kind or split.
        UsageError: a kind's answers can't be compared.
        MissingExtraError: reasoning-gym is not installed.
        BenchmarkError: a kind has fewer distinct questions than asked for.
    """
    return mixed(name, _puzzles(kinds, seed), sizes={**SIZES, **(sizes or {})}, seed=seed)


def make_file(
    path: Path, kinds: Sequence[str], *, sizes: Mapping[str, int] | None = None, seed: int = 0
) -> dict[str, int]:
    """Write what `load` gives to a JSONL, CSV or Parquet file as `--data` reads it; the questions per split.

    Of splits that `sizes` leaves out there are none.

    Raises:
        UsageError: the file is there or has another ending. Else as `load`.
        BenchmarkError: the file can't be written. Else as `load`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path.name} is no name of a file of questions", f"end it with {', '.join(SUFFIXES)}")
    if path.exists():
        raise UsageError(f"{path} is there already", "choose another name, or remove it")
    puzzles = _puzzles(kinds, seed)
    benchmark = mixed(path.stem, puzzles, sizes=sizes or SIZES, seed=seed)
    exemplars = question_frame(
        {
            "question_id": f"{path.stem}-exemplar-{at:04d}",
            "split": "exemplar",
            "subject": each.subject,
            "text": each.text,
            "choices": each.choices,
            "gold": each.answer,
            "kind": puzzles[each.subject or ""].answer,
        }
        for at, each in enumerate(benchmark.exemplars)
    )
    rows = pl.concat([benchmark.questions, exemplars])
    _write(path, rows.rename({"question_id": "id", "text": "question", "gold": "answer"}))
    return {split: benchmark.questions.filter(split=split).height for split in splits_of(benchmark.questions)}


def _write(path: Path, frame: pl.DataFrame) -> None:
    try:
        if path.suffix.lower() == ".jsonl":
            frame.write_ndjson(path)
        elif path.suffix.lower() == ".parquet":
            frame.write_parquet(path)
        else:
            written = [None if each is None else json.dumps(each.to_list()) for each in frame["choices"]]
            frame.with_columns(choices=pl.Series(written, dtype=pl.String)).write_csv(path)
    except OSError as error:
        raise BenchmarkError(f"cannot write {str(path)!r} ({error.strerror or error})", "check the folder") from error


def _puzzles(names: Sequence[str], seed: int) -> dict[str, Puzzle]:
    return {name: _puzzle(name, seed) for name in names}


def _puzzle(name: str, seed: int) -> Puzzle:
    """A kind by its name, one of the gym with the kind of its answers."""
    known = {**KINDS, **MORE}
    if name in known:
        return known[name]
    if name not in gym_kinds():
        raise UnknownNameError("kind of questions", name, gym_kinds())
    asked = Puzzle(name, "text", _whole)
    try:
        items = [made for made in islice(stream(name, asked, seed), _LOOKED_AT) if made is not None]
    except MissingExtraError:
        raise
    except Exception as error:  # a kind of the gym that needs settings or other libraries says so in its own way
        raise UsageError(f"reasoning-gym makes no {name} by itself ({str(error)[:80]})", "take another kind") from error
    if not items:
        raise UsageError(f"the answers of {name} are no short ones", "take another kind")
    return Puzzle(name, _kind([made.answer for made in items]), _whole)


def _whole(item: Mapping[str, object], _: Random) -> Made | None:
    answer = str(item["answer"]).strip() if item["answer"] is not None else ""
    if not answer or "\n" in answer or len(answer) > _LONGEST:
        return None
    return Made(str(item["question"]).strip(), answer)


def _kind(answers: Sequence[str]) -> str:
    """Of which kind answers are that the gym wrote."""
    from selectllm_engine.answers import canonical

    def every(kind: str) -> bool:
        return all(canonical(answer, kind) is not None for answer in answers)

    if all(map(_DAY.fullmatch, answers)) and every("date"):
        return "date"
    if every("number"):
        return "number"
    if all(answer[0] + answer[-1] == "[]" for answer in answers) or all(", " in answer for answer in answers):
        return "list"
    if any(map(_EXPRESSION.search, answers)) and every("expression"):
        return "expression"
    return "word" if every("word") else "text"
