"""lm-eval's sample logs, as `--log_samples` writes them: `<output>/<model>/samples_<task>_<time>.jsonl`.

One row per document and filter. `doc_hash` is the same for every LLM, whatever its prompt looked like: rows are joined
on it, and the question's text is taken from the document. A task is a subject.

- Generative tasks: `resps` holds all K texts of a document, in the rows of every filter. The rows of one filter are
  used: they give the texts, and its verdict, which is one per document, goes with the first text.
- Multiple choice: `resps` holds (log-likelihood, is it the greedy continuation) of every choice. The LLM picks the
  likeliest, by their sums as lm-eval's `acc` does, or per character as its `acc_norm`. The pick becomes the sample's
  text, a letter in parentheses, as there is no text of the LLM's own.

Of several runs of one LLM on one task the newest counts. The log knows no latency, cost or tokens.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import ImportFormatError, UnknownNameError, UsageError
from selectllm_engine.importers.documents import gold_of, letter_of, options_of, question_of
from selectllm_engine.importers.records import Options, Reading, Record, origin_of
from selectllm_engine.importers.storing import store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.cache import Cache
    from selectllm_engine.derived import Progress
    from selectllm_engine.importers import Imported

__all__ = ["import_lm_eval"]

_NAME = re.compile(r"samples_(?P<task>.+?)(?:_(?P<time>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?))?\.jsonl")
_LONGEST = 1 << 26  # bytes of a row
_METRICS = ("exact_match", "acc", "acc_norm", "pass@1", "f1")  # taken first, in this order
_PICKS = ("acc", "acc_norm")  # those that say whether the picked choice is right
_LOG = "run lm-eval with --log_samples, and name its output folder or one of its samples_*.jsonl files"


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    llm: str
    task: str
    time: str


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the log whose fields have the right types."""

    document: Mapping[str, Any]
    hash: str
    target: str
    prompts: tuple[str, ...]  # what was asked, per request
    continuations: tuple[Any, ...]  # per request: the choice, or settings of the generation
    responses: Sequence[Any]  # per request, per repetition
    filtered: Any  # of the first request
    filter: str
    metrics: tuple[str, ...]
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """What a person chose about these logs."""

    filter: str | None
    metric: str | None
    latency: Mapping[str, float]


def import_lm_eval(
    cache: Cache,
    path: Path,
    benchmark: str,
    *,
    options: Options | None = None,
    llm: str | None = None,
    tasks: Sequence[str] | None = None,
    filter_name: str | None = None,
    metric: str | None = None,
    latency: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Read lm-eval's sample logs into a benchmark; on an error nothing is changed.

    Args:
        cache: where to store it.
        path: lm-eval's output folder, or one file of samples.
        benchmark: its name.
        options: splits, threshold and kind of gold answers.
        llm: name of the LLM, where all files are of one; without it the folder's name says it.
        tasks: only these; None: all.
        filter_name: whose verdicts are recorded for generative tasks; None: the first in each file.
        metric: which one is the verdict of the tasks that have it; else the best known of each task's. With
            "acc_norm" multiple choice goes by log-likelihood per character.
        latency: seconds per question of each LLM.
        progress: told (done, total) bytes.

    Raises:
        ImportFormatError: there are no samples, or a file can't be read.
        UnknownNameError: a task, filter, metric or LLM that the logs don't have.
        UsageError: `llm` names several LLMs at once, or a latency is no time.
        CacheError: see `storing.store`.
    """
    reading = Reading()
    files = _selected(_files(path, llm), tasks, reading)
    names = list(dict.fromkeys(file.llm for file in files))
    for name, value in (latency or {}).items():
        if name not in names:
            raise UnknownNameError("LLM", name, names)
        if not (math.isfinite(value) and value >= 0):
            raise UsageError(f"the latency of {name} is {value}", "give seconds")
    choice = _Choice(filter=filter_name, metric=metric, latency=dict(latency or {}))
    origin = origin_of(
        [file.path for file in files], llms=names, filter=filter_name, metric=metric, latency=dict(latency or {})
    )
    records = _Log(files, choice, reading, progress).records()
    return store(cache, benchmark, records, source="lm-eval", origin=origin, options=options, reading=reading)


def _files(path: Path, llm: str | None) -> list[_File]:
    """All sample files at a path."""
    if path.is_dir():
        paths = sorted(each for each in path.rglob("samples_*.jsonl") if each.is_file())
        if not paths:
            averages = any(path.rglob("results*.json"))
            problem = f"{path} holds lm-eval's averages only" if averages else f"{path} holds no samples of lm-eval"
            raise ImportFormatError(problem, _LOG)
    else:
        if path.name.startswith("results") and path.suffix == ".json":
            raise ImportFormatError(f"{path} holds lm-eval's averages, not its samples", _LOG)
        paths = [path]
    names = _llms({each.resolve().parent.name for each in paths})
    if llm is not None:
        if len(names) > 1:
            raise UsageError(
                f"--llm {llm} names one LLM, there are {len(names)}: {', '.join(sorted(names.values()))}",
                "import the folder of each on its own",
            )
        names = dict.fromkeys(names, llm)
    files = []
    for each in paths:
        match = _NAME.fullmatch(each.name)
        task, time = (match["task"], match["time"] or "") if match else (each.stem, "")
        files.append(_File(each, names[each.resolve().parent.name], task, time))
    return files


def _llms(folders: set[str]) -> dict[str, str]:
    """The LLM of every folder. lm-eval writes `org/name` as `org__name`, and `/a/b` as `__a__b`: of a path, the end."""
    names = {
        folder: (folder.rpartition("__")[2] or folder) if folder.startswith("__") else folder.replace("__", "/")
        for folder in folders
    }
    shared = Counter(names.values())
    return {folder: name if shared[name] == 1 else folder for folder, name in names.items()}


def _selected(files: Sequence[_File], tasks: Sequence[str] | None, reading: Reading) -> list[_File]:
    """The newest file of every LLM and task."""
    known = sorted({file.task for file in files})
    for task in tasks or ():
        if task not in known:
            raise UnknownNameError("task", task, known)
    newest: dict[tuple[str, str], _File] = {}
    for file in files:
        if tasks is None or file.task in tasks:
            old = newest.get((file.llm, file.task))
            newest[file.llm, file.task] = file if old is None or file.time >= old.time else old
    older = len([file for file in files if tasks is None or file.task in tasks]) - len(newest)
    if older:
        reading.note(f"{older:,} older files of the same LLM and task passed over: the newest counts")
    return list(newest.values())


class _Log:
    """Reads the files once, in order."""

    def __init__(self, files: Sequence[_File], choice: _Choice, reading: Reading, progress: Progress | None) -> None:
        self._files, self._choice, self._reading = files, choice, reading
        self._progress = progress
        self._prompts: dict[str, str] = {}  # by key, the first LLM's, where the prompt must do as the question
        self._judged: dict[str, set[str]] = {}  # what was used -> tasks
        self._metrics: set[str] = set()
        self._odd = self._unfit = 0
        self._depth: dict[str, set[int]] = {}  # task -> samples per document

    def records(self) -> Iterator[Record]:
        """The records of all files; what there is to say is noted once they are through."""
        sizes = [file.path.stat().st_size for file in self._files]
        before, total = 0, sum(sizes)
        for file, size in zip(self._files, sizes, strict=True):
            used = 0
            filters: Counter[str] = Counter()
            chosen = self._choice.filter
            for done, row in _rows(file):
                if self._progress is not None:
                    self._progress(before + done, total)
                filters[row.filter] += 1
                if isinstance(row.continuations[0], dict):
                    chosen = chosen or row.filter
                    if row.filter != chosen:
                        self._reading.skip("further filters of the same texts")
                        continue
                    found = self._generated(file, row)
                else:
                    found = self._picked(file, row)
                used += bool(found)
                yield from found
            before += size
            if chosen and filters and not used and chosen not in filters:
                raise UnknownNameError("filter", chosen, filters)
        self._summary()

    def _generated(self, file: _File, row: _Row) -> list[Record]:
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
        gold = gold_of(row.target)
        return [
            self._record(
                file,
                row,
                sample=sample,
                text=text,
                gold=gold,
                answer=_text(answers[sample]) if sample < len(answers) else None,
                score=score if sample == 0 else None,
            )
            for sample, text in enumerate(texts)
        ]

    def _picked(self, file: _File, row: _Row) -> list[Record]:
        texts = [each for each in row.continuations if isinstance(each, str)]
        likelihoods = [_likelihood(each) for each in row.responses]
        if len(texts) != len(likelihoods) or len(texts) < 2 or None in likelihoods:
            self._reading.skip("documents with neither a text nor choices, such as perplexities")
            return []
        if row.prompts[-1] == "" != row.prompts[0]:  # acc_mutual_info asks for every choice a second time
            texts, likelihoods = texts[: len(texts) // 2], likelihoods[: len(texts) // 2]
        choices = options_of(row.document, row.prompts[: len(texts)], texts)
        if len(choices) > 10:
            self._reading.skip("documents with more than ten choices")
            return []
        metric, score = self._score(row)
        weights = [len(each.removeprefix(" ")) or 1 if metric == "acc_norm" else 1 for each in texts]
        by = [value / weight for value, weight in zip(likelihoods, weights, strict=True)]  # type: ignore[operator]
        letter = "ABCDEFGHIJ"[by.index(max(by))]
        self._depth.setdefault(file.task, set()).add(1)
        way = "log-likelihood per character" if metric == "acc_norm" else "log-likelihood"
        self._judged.setdefault(f"the likeliest choice by {way}, metric {metric or 'none'}", set()).add(file.task)
        right = {0.0: False, 1.0: True}.get(score) if score is not None and metric in _PICKS else None
        gold = letter_of(row.target, choices, texts, picked=letter, right=right)
        self._unfit += gold is None and right is not None
        gold = gold and f"({gold})"  # in parentheses it is no option's text, as a bare letter may be
        return [
            self._record(
                file, row, sample=0, text=f"({letter})", gold=gold, answer=letter, score=score, choices=choices
            )
        ]

    def _record(self, file: _File, row: _Row, **more: Any) -> Record:
        key = f"{file.task}-{row.hash}"
        text = question_of(row.document) or self._prompts.setdefault(key, row.prompts[0])
        return Record(
            llm=file.llm,
            key=key,
            question=text,
            subject=file.task,
            kind="letter" if "choices" in more else None,
            latency=self._choice.latency.get(file.llm),
            **more,
        )

    def _score(self, row: _Row) -> tuple[str | None, float | None]:
        """The metric that is the verdict, and its value where that is from 0 to 1."""
        self._metrics.update(row.metrics)
        wanted = self._choice.metric
        if wanted in row.metrics:
            names: Sequence[str] = [wanted]
        else:  # another task's, or nobody's: see `_summary`
            names = sorted(row.metrics, key=lambda each: _METRICS.index(each) if each in _METRICS else len(_METRICS))
        for name in names:
            value = row.values.get(name)
            if isinstance(value, (bool, int, float)) and 0 <= value <= 1:
                return name, float(value)
        self._odd += bool(row.metrics)
        return (names[0] if names else None), None

    def _summary(self) -> None:
        note = self._reading.note
        if self._choice.metric is not None and self._choice.metric not in self._metrics:
            raise UnknownNameError("metric", self._choice.metric, sorted(self._metrics))
        for what, tasks in self._judged.items():
            note(f"{', '.join(sorted(tasks))}: {what}")
        if self._odd:
            note(f"{self._odd:,} documents have no metric from 0 to 1: their texts decide")
        if self._unfit:
            note(f"{self._unfit:,} documents name no right choice that fits their metric: the metric decides")
        depths = {task: min(counts) for task, counts in self._depth.items()}
        if len(set(depths.values())) > 1:
            each = ", ".join(f"{task} {count}" for task, count in depths.items())
            note(f"tasks differ in samples per question ({each}), figures use one K: import them apart with --task")


def _rows(file: _File) -> Iterator[tuple[int, _Row]]:
    """The rows of a file, each with the bytes read so far."""
    try:
        with file.path.open("rb") as lines:
            done = number = 0
            while line := lines.readline(_LONGEST):
                done, number = done + len(line), number + 1
                if len(line) == _LONGEST:
                    raise ImportFormatError(f"{file.path}, line {number} is longer than 64 MiB", _LOG)
                if line.strip():
                    yield done, _row(file.path, number, line)
    except OSError as error:
        raise ImportFormatError(f"cannot read {file.path} ({error.strerror})", _LOG) from error


def _row(path: Path, number: int, line: bytes) -> _Row:
    where = f"{path}, line {number}"
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        cut = not line.endswith(b"\n")
        remedy = "the file ends in the middle of a row: copy it again" if cut else _LOG
        raise ImportFormatError(f"{where} is no JSON", remedy) from error
    if not isinstance(found, dict):
        raise ImportFormatError(f"{where} is no JSON object", _LOG)
    missing = [name for name in ("doc", "resps", "arguments") if name not in found]
    if missing:
        raise ImportFormatError(f"{where} has no {', '.join(missing)}", _LOG)
    responses, document = found["resps"], found["doc"]
    requests = _requests(found["arguments"])
    if not isinstance(responses, list) or requests is None or len(requests) != len(responses) or not requests:
        raise ImportFormatError(f"{where}: 'resps' and 'arguments' do not fit each other", _LOG)
    filtered = found.get("filtered_resps")
    hashed, metrics = found.get("doc_hash"), found.get("metrics")
    document = document if isinstance(document, dict) else {"text": str(document)}
    if not isinstance(hashed, str) or not hashed:  # logs of before 0.4.3
        from selectllm_engine.files import digest

        hashed = digest(json.dumps(document, sort_keys=True).encode())
    if not isinstance(metrics, list):
        known = {*_METRICS}
        metrics = [name for name in found if name in known]
    return _Row(
        document=document,
        hash=hashed[:16],
        target=str(found.get("target", "")),
        prompts=tuple(str(each[0]) for each in requests),
        continuations=tuple(each[1] if len(each) > 1 else None for each in requests),
        responses=responses,
        filtered=filtered[0] if isinstance(filtered, list) and filtered else None,
        filter=str(found.get("filter", "none")),
        metrics=tuple(str(each) for each in metrics),
        values=found,
    )


def _requests(arguments: Any) -> list[list[Any]] | None:
    """What every request was made of: today {gen_args_0: {arg_0: …, arg_1: …}, …}, once a list of lists."""
    if isinstance(arguments, dict):
        arguments = [list(each.values()) if isinstance(each, dict) else each for each in arguments.values()]
    if not isinstance(arguments, list) or not all(isinstance(each, list) and each for each in arguments):
        return None
    return arguments


def _likelihood(repetitions: Any) -> float | None:
    """The log-likelihood of [["-1.5", "False"], …], which are numbers in old logs; None for something else."""
    try:
        first = repetitions[0]
        value = float(first[0] if isinstance(first, list) else first)
    except (TypeError, ValueError, LookupError):
        return None
    return None if math.isnan(value) else value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
