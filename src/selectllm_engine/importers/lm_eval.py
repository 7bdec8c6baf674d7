"""lm-eval's sample logs, as `--log_samples` writes them: `<output>/<model>/samples_<task>_<time>.jsonl`.

One row per document and filter. `doc_hash` is the same for every LLM, whatever its prompt looked like: rows are joined
on it, and the question's text is taken from the document. A task is a subject.

- Generative tasks: `resps` holds all K texts of a document, in the rows of every filter. The rows of one filter are
  used: they give the texts, and its verdict, which is one per document and is kept with the first text. That filter
  is the first, or where there are several texts the first that is named after a majority ("maj@8").
- Multiple choice: `resps` holds (log-likelihood, is it the greedy continuation) of every choice. The LLM picks the
  likeliest, by their sums as lm-eval's `acc` does, or per character as its `acc_norm`. The pick becomes the sample's
  text, a letter in parentheses, as there is no text of the LLM's own.

The folder `<model>` names the LLM; where several share one, the averages `*_<time>.json` beside their samples do.
Of several runs of one LLM on one task the newest counts. The log knows no latency, cost or tokens.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

from selectllm_engine.benchmarks import LETTERS
from selectllm_engine.errors import UnknownNameError
from selectllm_engine.importers.documents import gold_of, letter_of, options_of, question_of
from selectllm_engine.importers.importer import Recorded, importer
from selectllm_engine.importers.lm_eval_logs import (
    METRICS,
    LogFile,
    LogRow,
    find_files,
    likelihood,
    newest,
    rows_of,
)
from selectllm_engine.importers.records import Reading, Record, origin_of, seconds_of
from selectllm_engine.importers.values import score as score_of
from selectllm_engine.importers.values import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.store import Progress

__all__ = ["import_lm_eval"]

_FIRST = 200  # rows that show which metric is a score
_PICKS = ("acc", "acc_norm")  # those that say whether the picked choice is right


@importer("lm-eval")
def import_lm_eval(
    path: Path,
    reading: Reading,
    progress: Progress,
    *,
    llm: str | None = None,
    tasks: Sequence[str] | None = None,
    filter_name: str | None = None,
    metric: str | None = None,
    latency: Mapping[str, float] | None = None,
) -> Recorded:
    """Read lm-eval's output folder, or one file of samples.

    `llm` names the LLM, where all files are of one; else the folder's name does. `tasks` are the only ones wanted.
    `filter_name` is whose verdicts are recorded for generative tasks, see above. `metric` is the verdict of the tasks
    that have it, else the best known of each task's; with "acc_norm" multiple choice goes by log-likelihood per
    character. `latency` is in seconds per question of each LLM.

    Raises:
        UnknownNameError: a task, filter, metric or LLM that the logs don't have.
        UsageError: `llm` names several LLMs at once, or a latency is no time.
    """
    files = newest(find_files(path, llm), tasks, reading)
    names = list(dict.fromkeys(file.llm for file in files))
    seconds = seconds_of(latency or {}, names)
    origin = origin_of([file.path for file in files], llms=names, filter=filter_name, metric=metric, latency=seconds)
    reader = _LogReader(files, reading, progress, filter_name=filter_name, metric=metric, latency=seconds)
    return reader.records(), origin


class _LogReader:
    """Reads the files in order."""

    def __init__(
        self,
        files: Sequence[LogFile],
        reading: Reading,
        progress: Progress,
        *,
        filter_name: str | None,
        metric: str | None,
        latency: Mapping[str, float],
    ) -> None:
        self._files, self._reading, self._progress = files, reading, progress
        self._filter, self._wanted, self._latency = filter_name, metric, latency
        self._prompts: dict[str, str] = {}  # by key, the first LLM's, where the prompt must do as the question
        self._judged: dict[str, set[str]] = {}  # what was used -> tasks
        self._filters: dict[str, dict[str, int]] = {}  # task -> its filters
        self._metrics: set[str] = set()
        self._metric: str | None = None  # of the file that is read
        self._odd = self._unfit = 0
        self._depth: dict[str, set[int]] = {}  # task -> samples per document

    def records(self) -> Iterator[Record]:
        """The records of all files; what there is to say is noted once they are through."""
        sizes = [file.path.stat().st_size for file in self._files]
        before, total = 0, sum(sizes)
        for file, size in zip(self._files, sizes, strict=True):
            used = 0
            filters: Counter[str] = Counter()
            chosen = self._filter or _default_filter(file)
            self._metric = _default_metric(file)
            for done, row in rows_of(file):
                self._progress(before + done, total)
                filters[row.filter] += 1
                if row.generated and row.filter != chosen:
                    self._reading.skip("further filters of the same texts")
                    continue
                found = self._generated(file, row) if row.generated else self._picked(file, row)
                used += bool(found)
                yield from found
            before += size
            if self._filter and filters and not used and chosen not in filters:
                raise UnknownNameError("filter", self._filter, filters)
            self._filters.setdefault(file.task, {}).update(filters)
        self._summary()

    def _generated(self, file: LogFile, row: LogRow) -> list[Record]:
        texts = row.responses[0] if len(row.responses) == 1 else None
        if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts) or not texts:
            self._reading.skip("documents with no text, or with several requests")
            return []
        metric, score = self._score(row)
        filtered = row.filtered if isinstance(row.filtered, list) else [row.filtered]
        answers = filtered if len(filtered) == len(texts) else filtered[:1]
        self._reading.rows -= len(texts) - 1  # the core counts records
        self._depth.setdefault(file.task, set()).add(len(texts))
        self._judged.setdefault(f"filter {row.filter}, metric {metric or 'none'}", set()).add(file.task)
        shared = {**self._shared(file, row), "gold": gold_of(row.target)}
        return [
            Record(
                **shared,
                sample=sample,
                text=text,
                answer=words(answers[sample]) if sample < len(answers) else None,
                score=score if sample == 0 else None,
            )
            for sample, text in enumerate(texts)
        ]

    def _picked(self, file: LogFile, row: LogRow) -> list[Record]:
        texts = [each for each in row.continuations if isinstance(each, str)]
        likelihoods = [likelihood(each) for each in row.responses]
        if len(texts) != len(likelihoods) or len(texts) < 2 or None in likelihoods:
            self._reading.skip("documents with neither a text nor choices, such as perplexities")
            return []
        if row.prompts[-1] == "" != row.prompts[0]:  # acc_mutual_info asks for every choice a second time
            texts, likelihoods = texts[: len(texts) // 2], likelihoods[: len(texts) // 2]
        choices = options_of(row.document, row.prompts[: len(texts)], texts)
        if len(choices) > len(LETTERS):
            self._reading.skip("documents with more than 26 choices")
            return []
        metric, score = self._score(row)
        weights = [len(each.removeprefix(" ")) or 1 if metric == "acc_norm" else 1 for each in texts]
        by = [value / weight for value, weight in zip(likelihoods, weights, strict=True)]  # type: ignore[operator]
        letter = LETTERS[by.index(max(by))]
        self._depth.setdefault(file.task, set()).add(1)
        way = "log-likelihood per character" if metric == "acc_norm" else "log-likelihood"
        self._judged.setdefault(f"the likeliest choice by {way}, metric {metric or 'none'}", set()).add(file.task)
        right = {0.0: False, 1.0: True}.get(score) if score is not None and metric in _PICKS else None
        gold = letter_of(row.target, choices, texts, picked=letter, right=right)
        if score is not None and metric in _PICKS and right is None:
            gold = None  # a share of the likelihood, as of truthfulqa_mc2: several choices are right
        self._unfit += gold is None and right is not None
        gold = gold and f"({gold})"  # in parentheses it is no option's text, as a bare letter may be
        return [
            Record(
                **self._shared(file, row),
                choices=choices,
                gold=gold,
                kind="letter",
                sample=0,
                text=f"({letter})",
                answer=letter,
                score=score,
            )
        ]

    def _shared(self, file: LogFile, row: LogRow) -> dict[str, Any]:
        """What all samples of a document have in common."""
        key = f"{file.task}-{row.hash}"
        text = question_of(row.document) or self._prompts.setdefault(key, row.prompts[0])
        latency = self._latency.get(file.llm)
        return {"llm": file.llm, "key": key, "question": text, "subject": file.task, "latency": latency}

    def _score(self, row: LogRow) -> tuple[str | None, float | None]:
        """The metric that is the verdict, and its value; None where that is unknown, whatever other metrics say."""
        self._metrics.update(row.metrics)
        name = (
            self._wanted if self._wanted in row.metrics else self._metric
        )  # another task's, or nobody's: see `_summary`
        value = None if name is None else score_of(row.values.get(name))
        self._odd += value is None and bool(row.metrics)
        return name, value

    def _summary(self) -> None:
        note = self._reading.note
        if self._wanted is not None and self._wanted not in self._metrics:
            raise UnknownNameError("metric", self._wanted, sorted(self._metrics))
        for what, tasks in self._judged.items():
            others = sorted({each for task in tasks for each in self._filters[task] if f"filter {each}," not in what})
            more = f" (others: {', '.join(others)})" if others and what.startswith("filter ") else ""
            note(f"{', '.join(sorted(tasks))}: {what}{more}")
        if self._odd:
            note(f"{self._odd:,} documents have no metric from 0 to 1: their recorded verdict is unknown")
        if self._unfit:
            note(f"{self._unfit:,} documents name no right choice that fits their metric: the metric decides")
        depths = {task: min(counts) for task, counts in self._depth.items()}
        if len(set(depths.values())) > 1:
            each = ", ".join(f"{task} {count}" for task, count in depths.items())
            note(f"tasks differ in samples per question ({each}), figures use one K: import them apart with --task")


def _rank(metric: str) -> tuple[int, bool]:
    """Sorts metrics: best known first, then those named after accuracy, as "bleu_acc" beside "bleu_max"."""
    return METRICS.index(metric) if metric in METRICS else len(METRICS), "acc" not in metric


def _default_metric(file: LogFile) -> str | None:
    """The best known of a file's metrics that is a score in any of its first rows; else the best known."""
    seen: dict[str, bool] = {}
    for _, row in islice(rows_of(file), _FIRST):
        for name in row.metrics:
            seen[name] = seen.get(name, False) or score_of(row.values.get(name)) is not None
    ranked = sorted(seen, key=lambda name: (not seen[name], *_rank(name)))
    return ranked[0] if ranked else None


def _default_filter(file: LogFile) -> str | None:
    """The filter whose verdict fits the vote: of several texts that of the majority, if one is named so."""
    rows = (row for _, row in rows_of(file))
    first = next(rows, None)
    if first is None or not first.generated:
        return None
    texts = first.responses[0]
    if not isinstance(texts, list) or len(texts) < 2:
        return first.filter
    names = list(dict.fromkeys([first.filter, *(row.filter for row in rows)]))
    majorities = [name for name in names if "maj" in name.lower()]
    exact = [name for name in majorities if str(len(texts)) in re.findall(r"\d+", name)]
    return (exact or majorities or names)[0]
