"""OpenCompass's predictions and results: `<work dir>/<time>/predictions/<LLM>/<dataset>.json`, `results/` beside it.

A dataset is a subject, and a question is known by its place in it, as every LLM is asked in its own dress: the text is
what the first LLM was asked. Predictions in parts (`<dataset>_0.json`, …) are put together. Of several runs of an LLM
on a dataset the newest counts; LLMs are named by their `abbr`, which configurations of one LLM have each.

- Several predictions of a question are samples, and so are its copies where a dataset is run n times.
- Where labels were compared by perplexity the text is the label, as a letter where there are options.
- The verdict is `correct` in the details of results/, as --dump-eval-details writes them. Details without it tell the
  extracted answer and the reference; whether these are equal is the verdict where it gives the dataset's accuracy.
- Tokens are `res_length` and `all_input_length`, where recorded. There is no latency and no cost.
"""

from __future__ import annotations

import json
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from selectllm_engine.benchmarks import LETTERS
from selectllm_engine.importers.importer import Recorded, importer
from selectllm_engine.importers.opencompass_files import (
    JudgedPrediction,
    PredictionFile,
    find_files,
    judged_of,
    rows_of,
)
from selectllm_engine.importers.records import Reading, Record, of_tasks, origin_of
from selectllm_engine.importers.values import count, last_asked, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.store import Progress

__all__ = ["import_opencompass"]

_LABEL = "label: "


@importer("opencompass")
def import_opencompass(
    path: Path, reading: Reading, progress: Progress, *, tasks: Sequence[str] | None = None
) -> Recorded:
    """Read OpenCompass's work dir, one run in it, or a folder or file of predictions.

    `tasks` are the only datasets wanted; raises UnknownNameError for one that was not run.
    """
    files = _selected(find_files(path), tasks, reading)
    paths = [each for file in files for each in (*file.parts, *([file.results] if file.results else []))]
    origin = origin_of(paths, llms=[file.llm for file in files])
    return _PredictionReader(reading).records(files, progress), origin


def _selected(files: Sequence[PredictionFile], tasks: Sequence[str] | None, reading: Reading) -> list[PredictionFile]:
    wanted = of_tasks(files, tasks)
    chosen = {(file.llm, file.task): file for file in sorted(wanted, key=lambda each: each.run)}
    if older := len(wanted) - len(chosen):
        reading.note(f"{older:,} older predictions of the same LLM and dataset passed over: the newest run counts")
    return list(chosen.values())


class _PredictionReader:
    """Reads the files in order."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._asked: dict[str, str] = {}  # by key, what the first LLM was asked
        self._unjudged: dict[str, None] = {}

    def records(self, files: Sequence[PredictionFile], progress: Progress) -> Iterator[Record]:
        """The records of all files; what there is to say is noted once they are through."""
        for done, file in enumerate(files, start=1):
            judged, size = judged_of(file)
            if judged and len(judged) != (rows := sum(1 for _ in rows_of(file))):
                self._reading.note(
                    f"{file.llm}, {file.task}: {len(judged):,} verdicts on {rows:,} predictions: left unknown"
                )
                judged, size = {}, 0
            samples: dict[int, int] = {}
            for place, row in enumerate(rows_of(file)):
                question = place % size if size else place
                found = self._records(file, row, question, judged.get(place), samples.get(question, 0))
                samples[question] = samples.get(question, 0) + len(found)
                yield from found
            if not any(each.score is not None for each in judged.values()):
                self._unjudged[file.task] = None
            progress(done, len(files))
        if self._unjudged:
            told = ", ".join(self._unjudged)
            self._reading.note(f"{told}: no verdict per question (opencompass --dump-eval-details writes them)")

    def _records(
        self,
        file: PredictionFile,
        row: Mapping[str, object],
        question: int,
        judged: JudgedPrediction | None,
        before: int,
    ) -> list[Record]:
        key = f"{file.task}-{question}"
        labels = [name.removeprefix(_LABEL) for name in row if name.startswith(_LABEL)]
        question_, options = _compared_labels(row, labels)
        asked = self._asked.setdefault(
            key, question_ or _question(row.get("origin_prompt") or row.get("testing input"))
        )
        prediction = row.get("prediction")
        if not asked.strip():
            self._reading.skip("predictions without a question in words")
            return []
        texts = [
            each for each in (prediction if isinstance(prediction, list) else [prediction]) if isinstance(each, str)
        ]
        if not texts or (labels and texts[0] not in labels):
            self._reading.skip("predictions without a text")
            return []
        gold = _gold(row.get("gold"))
        shared: dict[str, Any] = {}
        if labels:
            letters = LETTERS[: len(labels)]
            if len(labels) <= len(LETTERS):
                texts = [f"({letters[labels.index(each)]})" for each in texts]
                gold = f"({letters[labels.index(gold)]})" if gold in labels else None
                options = options or (None if labels == list(letters) else tuple(labels))
                shared = {"kind": "letter", "choices": options}
        lengths = row.get("res_length")
        counts = lengths if isinstance(lengths, list) else [lengths] * len(texts)
        return [
            Record(
                llm=file.llm,
                key=key,
                question=asked,
                gold=gold,
                subject=file.task,
                sample=before + place,
                text=text,
                answer=judged.answer if judged is not None and place == 0 else None,
                score=judged.score if judged is not None and place == 0 else None,
                prompt_tokens=count(row.get("all_input_length")),
                output_tokens=count(counts[place]) if place < len(counts) else None,
                **shared,
            )
            for place, text in enumerate(texts)
        ]


def _compared_labels(row: Mapping[str, object], labels: Sequence[str]) -> tuple[str, tuple[str, ...] | None]:
    """The question and the options, where each label's prompt is the question with one of them."""
    inputs = [mapping(row.get(f"{_LABEL}{each}")).get("testing input") for each in labels]
    texts = [each for each in inputs if isinstance(each, str)]
    if len(texts) < 2 or len(texts) < len(inputs):
        return "", None
    alike = takewhile(lambda each: len(set(each)) == 1, zip(*texts, strict=False))
    shared = "".join(each[0] for each in alike)
    shared = shared[: shared.rfind(" ") + 1] or shared  # not into the options' first letters
    options = tuple(each[len(shared) :].strip() for each in texts)
    if not shared.strip() or not all(options) or len(set(options)) < len(options):
        return "", None
    return shared.strip(), options


def _question(asked: object) -> str:
    """What was asked; of a conversation, what the user said last."""
    if isinstance(asked, list):
        return last_asked(asked)
    return asked if isinstance(asked, str) else json.dumps(asked) if asked else ""


def _gold(gold: object) -> str | None:
    """The one gold answer; None where several are right."""
    if isinstance(gold, list) and len(gold) == 1:
        gold = gold[0]
    return str(gold) if isinstance(gold, (str, int, float)) and not isinstance(gold, bool) else None
