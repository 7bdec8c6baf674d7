"""Logs of the UK AI Security Institute's Inspect, `.eval` and JSON, of one run or of a folder of runs.

An epoch is a sample, a task a subject, the LLM is `eval.model` (of local weights the folder's name). Questions are
joined on the sample's id where the data set gave it a name; numbers may be mere counts, so there the task, question,
options and target are the question.

- The text is that of the output's first choice; without one, the scorer's answer stands in for it.
- A score is C (1), P (0.5), I or N (0), a truth value or a number from 0 to 1, as in Inspect's own `value_to_float`;
  of one with several parts that which is named as SCORER.PART. One that is none of these is unknown.
- What a scorer grades (`model_graded_qa`, F1, …) is no literal answer: its references are no gold answers.
- Latency is `working_time`: the seconds of a sample without waiting for rate limits, retries and shared resources, the
  nearest to what one question alone takes; `total_time`, where there is no other. Both include scoring.
- Tokens and cost are those of the LLM itself, not of graders. Tokens of the prompt include cached ones.

Samples with an error, without output, and those that were invalidated are skipped. Of several runs of one LLM on one
task with the same settings the newest successful one counts; other settings make another LLM (see `configurations`).
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING

from selectllm_engine.errors import ImportFormatError, UnknownNameError, UsageError
from selectllm_engine.importers.configurations import joined_names
from selectllm_engine.importers.importer import Recorded, importer
from selectllm_engine.importers.inspect_logs import InspectLog, open_log, samples
from selectllm_engine.importers.inspect_samples import Scorer, question_of, record_of, score_of, unusable
from selectllm_engine.importers.records import Reading, Record, of_tasks, origin_of
from selectllm_engine.importers.values import mapping, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.store import Progress

__all__ = ["import_inspect"]

_FEW = 5  # samples of a log that show which questions it has
_GRADED = re.compile(
    r"graded|grader|judge|rubric|(?:\b|_)(?:f1|rouge|bleu|bert_?score|similarity)(?:\b|_)", re.IGNORECASE
)


@importer("inspect")
def import_inspect(
    path: Path,
    reading: Reading,
    progress: Progress,
    *,
    llm: str | None = None,
    tasks: Sequence[str] | None = None,
    scorer: str | None = None,
) -> Recorded:
    """Read one of Inspect's logs, or a folder with logs at any depth.

    `llm` names the LLM, where all logs are of one; else the logs do. `tasks` are the only ones wanted. `scorer` is
    whose verdicts and answers are recorded, or SCORER.PART; else the first of each log.

    Raises:
        UnknownNameError: a task or scorer that the logs don't have.
        UsageError: `llm` names several LLMs at once, or a score has parts of which none is chosen.
        MissingExtraError: a log is compressed with zstd and the extra `inspect` is not installed.
    """
    opened = of_tasks(_logs(path, reading), tasks)
    logs, names = _selected(opened, _names(opened, llm), reading)
    llms = list(dict.fromkeys(names[log.path] for log in logs))
    origin = origin_of([log.path for log in logs], llms=llms, scorer=scorer)
    return _LogsReader(logs, names, scorer, reading, progress).records(), origin


def _logs(path: Path, reading: Reading) -> list[InspectLog]:
    paths = [path]
    if path.is_dir():
        paths = sorted(each for each in path.rglob("*") if each.suffix.lower() in {".eval", ".json"})
    opened = {each: open_log(each) for each in paths}
    logs = [log for log in opened.values() if log is not None]
    if not logs:
        raise ImportFormatError(f"{path} holds no log of Inspect", "name a folder of .eval or JSON logs, or one log")
    if other := len(opened) - len(logs):
        reading.note(f"{other:,} JSON files are no logs of Inspect: passed over")
    return logs


def _selected(
    logs: Sequence[InspectLog], names: Mapping[Path, str], reading: Reading
) -> tuple[list[InspectLog], Mapping[Path, str]]:
    """The newest successful run of every LLM and task, else the newest."""
    best: dict[tuple[str, str, str], InspectLog] = {}
    for log in sorted(logs, key=lambda each: (each.status == "success", each.created)):
        best[names[log.path], log.task, log.variant] = log
    if older := len(logs) - len(best):
        reading.note(f"{older:,} other logs of the same LLM and task passed over: the newest successful run counts")
    chosen = [log for log in logs if log in best.values()]
    for log in chosen:
        if log.status != "success":
            reading.note(f"{log.path.name}: the run ended as {log.status!r}; what it finished is used")
    return chosen, names


def _names(logs: Sequence[InspectLog], llm: str | None) -> dict[Path, str]:
    """What the LLM of each log is called here: local weights by their folder, unless two have the same."""
    models = list(dict.fromkeys(log.model for log in logs))
    if llm is not None:
        if len(models) > 1:
            raise UsageError(
                f"--llm {llm} names one LLM, there are {len(models)}: {', '.join(models)}",
                "import the logs of each on their own",
            )
        return {log.path: llm for log in logs}
    local = {log.model for log in logs if log.model != log.named}
    short = {model: PurePath(model).name if model in local else model for model in models}
    shared = Counter(short.values())
    plain = {model: name if shared[name] == 1 else model for model, name in short.items()}
    told = [(plain[log.model], log.task, {**log.settings, **_asking(log, logs)}) for log in logs]
    return dict(zip((log.path for log in logs), joined_names(told), strict=True))


def _asking(log: InspectLog, logs: Sequence[InspectLog]) -> Mapping[str, str]:
    """A task's arguments, where they change how its questions are asked and not which they are."""
    others = [
        each for each in logs if each.model == log.model and each.task == log.task and each.variant != log.variant
    ]
    if not others:
        return {}
    asked = _first_questions(log)
    return log.arguments if any(asked & _first_questions(each) for each in others) else {}


def _first_questions(log: InspectLog) -> set[str]:
    return {question_of(sample) for sample in islice(samples(log), _FEW) if sample is not None}


class _LogsReader:
    """Reads the logs in order, and says at the end what there is to know about their scores."""

    def __init__(
        self,
        logs: Sequence[InspectLog],
        names: Mapping[Path, str],
        scorer: str | None,
        reading: Reading,
        progress: Progress,
    ) -> None:
        self._logs, self._names, self._scorer, self._reading = logs, names, scorer, reading
        self._progress = progress
        self._judged: dict[str, set[str]] = {}  # what was used -> tasks
        self._clocks: Counter[str] = Counter()
        self._parts: dict[str, dict[str, None]] = {}  # per scorer whose scores have parts these, of which none counts
        self._graded: dict[str, set[str]] = {}  # per scorer that grades the tasks
        self._odd = self._scores = 0

    def records(self) -> Iterator[Record]:
        """The records of all logs."""
        done, total = 0, sum(log.samples for log in self._logs)
        for log in self._logs:
            chosen, seen = Scorer(self._scorer), set[str]()
            for sample in samples(log):
                done += 1
                self._progress(done, total)
                if reason := unusable(sample):
                    self._reading.skip(reason)
                    continue
                assert sample is not None  # noqa: S101  # or it were unusable
                scores = mapping(sample.get("scores"))
                seen.update(scores)
                record = self._judge(sample, log, chosen, scores)
                if record is None:
                    self._reading.skip("samples without output")
                else:
                    yield record
            if self._scorer and seen and chosen.name not in seen:
                raise UnknownNameError("scorer", self._scorer, sorted(seen))
            others = f" (not {', '.join(sorted(seen - {chosen.name or ''}))})" if seen - {chosen.name} else ""
            what = f"scorer {chosen.written}{others}" if seen else "not scored"
            self._judged.setdefault(what, set()).add(log.task)
        self._summary()

    def _judge(
        self, sample: Mapping[str, object], log: InspectLog, chosen: Scorer, scores: Mapping[str, object]
    ) -> Record | None:
        verdict, value = chosen.verdict(scores)
        score, parted = score_of(value), isinstance(value, dict)
        if parted:
            self._parts.setdefault(chosen.name or "", {}).update(dict.fromkeys(value))
        self._odd += score is None and not parted and "value" in verdict
        self._scores += score is not None
        clock = next((each for each in ("working_time", "total_time") if number(sample.get(each))), None)
        self._clocks[clock or ""] += 1
        graded = _GRADED.search(chosen.name or "") is not None
        record = record_of(
            sample,
            log,
            llm=self._names[log.path],
            score=score,
            answer=verdict.get("answer"),
            clock=clock,
            literal=not graded and not parted,
        )
        if graded and record is not None and record.choices is None:
            self._graded.setdefault(chosen.name or "", set()).add(log.task)
        return record

    def _summary(self) -> None:
        note = self._reading.note
        for name, keys in self._parts.items():
            problem = f"a score of {name} has parts: {', '.join(keys)}"
            remedy = f"choose one, such as --scorer {name}.{next(iter(keys))}"
            if not self._scores:
                raise UsageError(problem, remedy)
            note(f"{problem}; {remedy}; till then they are unknown")
        for name, tasks in self._graded.items():
            note(f"{', '.join(sorted(tasks))}: graded by {name}, so that the references are no literal answers")
        for what, tasks in self._judged.items():
            note(f"{', '.join(sorted(tasks))}: {what}")
        if self._odd:
            note(f"{self._odd:,} scores are no numbers from 0 to 1: left unknown")
        if self._clocks["working_time"]:
            note("latency is each sample's working_time, measured while other samples ran too")
        if self._clocks["total_time"]:
            note(f"{self._clocks['total_time']:,} samples have no working_time: their latency is total_time")
