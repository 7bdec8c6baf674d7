"""lighteval's details, as `--save-details` writes them.

A task is a subject; documents are joined on their question and choices, of which lighteval's prompt examples are no
part. An LLM that did one task in several ways (shots, temperature, system prompt) is several LLMs, named after what
differs; of equal runs the newest counts.

- The texts of a document are samples. Where choices were compared by log-likelihood the text is the letter of the
  likeliest, per character where the verdict is `acc_norm`.
- The verdict is one of lighteval's metrics, one per document, kept with its first sample.
- Where the choices are bare letters, as their texts are in the question, the gold answer is a letter; else that of
  generated texts is the right choice's text. Where several are right there is none.
- Tokens are counted; lighteval records no latency per document and no cost.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from selectllm_engine.benchmarks import LETTERS
from selectllm_engine.errors import UnknownNameError
from selectllm_engine.importers.configurations import bracketed_names
from selectllm_engine.importers.importer import Recorded, importer
from selectllm_engine.importers.lighteval_details import DetailsFile, DetailsRow, find_details, rows_of
from selectllm_engine.importers.records import Reading, Record, of_tasks, origin_of
from selectllm_engine.importers.values import score
from selectllm_engine.store import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.store import Progress

__all__ = ["import_lighteval"]

_METRICS = ("extractive_match", "exact_match", "em", "qem", "acc", "acc_norm", "pass@k", "avg@n", "maj@n", "f1")


@importer("lighteval")
def import_lighteval(
    path: Path,
    reading: Reading,
    progress: Progress,
    *,
    tasks: Sequence[str] | None = None,
    metric: str | None = None,
) -> Recorded:
    """Read lighteval's output folder, or one Parquet file of details.

    `tasks` are the only ones wanted. `metric` is the verdict, else the best known of each task's. Raises
    UnknownNameError for a task or metric that the details don't have.
    """
    files = _selected(find_details(path), tasks, reading)
    origin = origin_of([file.path for file in files.values()], llms=list(files), metric=metric)
    return _DetailsReader(metric, reading).records(files, progress), origin


def _selected(
    files: Sequence[DetailsFile], tasks: Sequence[str] | None, reading: Reading
) -> dict[tuple[str, str], DetailsFile]:
    """The files that count, by LLM and task."""
    wanted = sorted(of_tasks(files, tasks), key=lambda file: file.time)
    names = bracketed_names({file.path: (file.llm, file.task, file.settings) for file in wanted})
    chosen = {(names[file.path], file.task): file for file in wanted}
    if older := len(wanted) - len(chosen):
        reading.note(f"{older:,} older files of the same LLM and task passed over: the newest counts")
    return chosen


class _DetailsReader:
    """Reads the files in order."""

    def __init__(self, metric: str | None, reading: Reading) -> None:
        self._metric, self._reading = metric, reading
        self._metrics: set[str] = set()
        self._judged: dict[str, set[str]] = {}  # metric -> tasks
        self._without = 0

    def records(self, files: Mapping[tuple[str, str], DetailsFile], progress: Progress) -> Iterator[Record]:
        """The records of all files; what there is to say is noted once they are through."""
        for done, ((llm, task), file) in enumerate(files.items(), start=1):
            seen: Counter[str] = Counter()
            for row in rows_of(file):
                yield from self._records(row, llm, task, seen)
            progress(done, len(files))
        note = self._reading.note
        if self._metric is not None and self._metric not in self._metrics:
            raise UnknownNameError("metric", self._metric, sorted(self._metrics))
        for metric, tasks in self._judged.items():
            note(f"{', '.join(sorted(tasks))}: metric {metric}")
        if self._without:
            note(f"{self._without:,} documents have no metric from 0 to 1: left unknown")

    def _records(self, row: DetailsRow, llm: str, task: str, seen: Counter[str]) -> list[Record]:
        if not row.query.strip():
            self._reading.skip("documents without a question in words")
            return []
        compared = bool(row.likelihoods)
        if compared and (len(row.choices) > len(LETTERS) or len(row.likelihoods) != len(row.choices)):
            self._reading.skip("documents whose choices and log-likelihoods don't fit each other")
            return []
        content = digest("\0".join([row.query, *row.choices, *map(str, row.right)]).encode(errors="replace"))
        seen[content] += 1  # a document may be there twice
        metric, verdict = self._score(row, task)
        shared: dict[str, Any] = {
            "llm": llm,
            "key": f"{task}-{content}" if seen[content] == 1 else f"{task}-{content}-{seen[content]}",
            "question": row.query,
            "subject": task,
            "prompt_tokens": row.asked,
            **_asked(row),
        }
        if compared:
            letter = _likeliest(row, metric)
            return [Record(**shared, sample=0, text=f"({letter})", answer=letter, score=verdict)]
        if not row.texts and verdict is not None:
            return [Record(**shared, sample=0, score=verdict)]
        return [
            Record(
                **shared,
                sample=place,
                text=text,
                score=verdict if place == 0 else None,
                output_tokens=row.said[place],
            )
            for place, text in enumerate(row.texts)
        ]

    def _score(self, row: DetailsRow, task: str) -> tuple[str | None, float | None]:
        """The metric that is the verdict, and its value where that is from 0 to 1."""
        known = {name: value for name, value in row.metrics.items() if value is not None}
        self._metrics.update(known)
        wanted = self._metric
        for name in [wanted] if wanted in known else sorted(known, key=_rank):
            value = score(known[name])
            if value is not None:
                self._judged.setdefault(name, set()).add(task)
                return name, value
        self._without += 1
        return None, None


def _rank(metric: str) -> tuple[int, bool, str]:
    """Sorts metrics: best known first; "pass@k:k=1" before other k."""
    head, _, told = metric.partition(":")
    head = "pass@k" if head.startswith("pass@") else head
    return _METRICS.index(head) if head in _METRICS else len(_METRICS), "k=1" not in f"{told}&".split("&"), metric


def _asked(row: DetailsRow) -> dict[str, object]:
    """Options, gold answer and kind."""
    right = row.right[0] if len(row.right) == 1 else None
    stripped = tuple(each.strip() for each in row.choices)
    if row.likelihoods:
        return {"choices": stripped, "gold": None if right is None else f"({LETTERS[right]})", "kind": "letter"}
    if len(stripped) > 1 and stripped == tuple(LETTERS[: len(stripped)]):  # their texts are in the question
        return {"gold": None if right is None else stripped[right], "kind": "letter"}
    return {"gold": None if right is None else stripped[right]}


def _likeliest(row: DetailsRow, metric: str | None) -> str:
    weights = [len(each.removeprefix(" ")) or 1 if metric == "acc_norm" else 1 for each in row.choices]
    by = [value / weight for value, weight in zip(row.likelihoods, weights, strict=True)]
    return LETTERS[by.index(max(by))]
