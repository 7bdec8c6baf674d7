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

import json
import math
import re
from collections import Counter
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from selectllm_engine.benchmarks import LETTERS
from selectllm_engine.errors import ImportFormatError, UnknownNameError, UsageError
from selectllm_engine.importers.assembly import store
from selectllm_engine.importers.configurations import telling_names
from selectllm_engine.importers.inspect_logs import Log, open_log, samples
from selectllm_engine.importers.records import Options, Reading, Record, origin_of
from selectllm_engine.store import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.importers.formats import Imported
    from selectllm_engine.store import Cache, Progress

__all__ = ["import_inspect"]

_SCORES = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
_WORDS = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}
_ATTACHED = "attachment://"
_INT = 2**31
_FEW = 5  # samples of a log that show which questions it has
_GRADED = re.compile(
    r"graded|grader|judge|rubric|(?:\b|_)(?:f1|rouge|bleu|bert_?score|similarity)(?:\b|_)", re.IGNORECASE
)


def import_inspect(
    cache: Cache,
    path: Path,
    benchmark: str,
    *,
    options: Options | None = None,
    llm: str | None = None,
    tasks: Sequence[str] | None = None,
    scorer: str | None = None,
    progress: Progress | None = None,
) -> Imported:
    """Read Inspect's logs into a benchmark; on an error nothing is changed.

    Args:
        cache: where to store it.
        path: a log, or a folder with logs at any depth.
        benchmark: its name.
        options: splits, threshold and kind of gold answers.
        llm: name of the LLM, where all logs are of one; without it the logs say it.
        tasks: only these; None: all.
        scorer: whose verdicts and answers are recorded, or SCORER.PART; None: the first of each log.
        progress: told (done, total) samples.

    Raises:
        ImportFormatError: there are no logs, or one can't be read.
        UnknownNameError: a task or scorer that the logs don't have.
        UsageError: `llm` names several LLMs at once, or a score has parts of which none is chosen.
        MissingExtraError: a log is compressed with zstd and the extra `inspect` is not installed.
        CacheError: see `storing.store`.
    """
    reading = Reading()
    opened = _of_tasks(_logs(path, reading), tasks)
    logs, names = _selected(opened, _names(opened, llm), reading)
    llms = list(dict.fromkeys(names[log.path] for log in logs))
    origin = origin_of([log.path for log in logs], llms=llms, scorer=scorer)
    records = _Logs(logs, names, scorer, reading, progress).records()
    return store(cache, benchmark, records, source="inspect", origin=origin, options=options, reading=reading)


def _logs(path: Path, reading: Reading) -> list[Log]:
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


def _of_tasks(logs: Sequence[Log], tasks: Sequence[str] | None) -> list[Log]:
    known = sorted({log.task for log in logs})
    for task in tasks or ():
        if task not in known:
            raise UnknownNameError("task", task, known)
    return [log for log in logs if tasks is None or log.task in tasks]


def _selected(logs: Sequence[Log], names: Mapping[Path, str], reading: Reading) -> tuple[list[Log], Mapping[Path, str]]:
    """The newest successful run of every LLM and task, else the newest."""
    best: dict[tuple[str, str, str], Log] = {}
    for log in sorted(logs, key=lambda each: (each.status == "success", each.created)):
        best[names[log.path], log.task, log.variant] = log
    if older := len(logs) - len(best):
        reading.note(f"{older:,} other logs of the same LLM and task passed over: the newest successful run counts")
    chosen = [log for log in logs if log in best.values()]
    for log in chosen:
        if log.status != "success":
            reading.note(f"{log.path.name}: the run ended as {log.status!r}; what it finished is used")
    return chosen, names


def _names(logs: Sequence[Log], llm: str | None) -> dict[Path, str]:
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
    return dict(zip((log.path for log in logs), telling_names(told), strict=True))


def _asking(log: Log, logs: Sequence[Log]) -> Mapping[str, str]:
    """A task's arguments, where they change how its questions are asked and not which they are."""
    others = [
        each for each in logs if each.model == log.model and each.task == log.task and each.variant != log.variant
    ]
    if not others:
        return {}
    asked = _first_questions(log)
    return log.arguments if any(asked & _first_questions(each) for each in others) else {}


def _first_questions(log: Log) -> set[str]:
    return {_question(sample) for sample in islice(samples(log), _FEW) if sample is not None}


class _Logs:
    """Reads the logs in order, and says at the end what there is to know about their scores."""

    def __init__(
        self,
        logs: Sequence[Log],
        names: Mapping[Path, str],
        scorer: str | None,
        reading: Reading,
        progress: Progress | None,
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
            chosen, seen = _Scorer(self._scorer), set[str]()
            for sample in samples(log):
                done += 1
                if self._progress is not None:
                    self._progress(done, total)
                if reason := _unusable(sample):
                    self._reading.skip(reason)
                    continue
                assert sample is not None  # noqa: S101  # or it were unusable
                scores = sample.get("scores")
                scores = scores if isinstance(scores, dict) else {}
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

    def _judge(self, sample: Mapping[str, Any], log: Log, chosen: _Scorer, scores: Mapping[str, Any]) -> Record | None:
        verdict, value = chosen.verdict(scores)
        score, parted = _score(value), isinstance(value, dict)
        if parted:
            self._parts.setdefault(chosen.name or "", {}).update(dict.fromkeys(value))
        self._odd += score is None and not parted and "value" in verdict
        self._scores += score is not None
        clock = next((each for each in ("working_time", "total_time") if _number(sample.get(each))), None)
        self._clocks[clock or ""] += 1
        graded = _GRADED.search(chosen.name or "") is not None
        record = _record(
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


class _Scorer:
    """Whose verdict of a log counts: the first one's, the named one's, or one part of its scores."""

    def __init__(self, chosen: str | None) -> None:
        self.name, self._chosen, self._part = chosen, chosen, ""

    @property
    def written(self) -> str:
        """With the part, where one is chosen."""
        return f"{self.name}.{self._part}" if self._part else str(self.name)

    def verdict(self, scores: Mapping[str, Any]) -> tuple[Mapping[str, Any], Any]:
        """What the scorer said of a sample, and its score."""
        if self._chosen is None:
            self.name = self.name or next(iter(scores), None)
        elif self._chosen not in scores:
            named = [name for name in scores if self._chosen.startswith(f"{name}.")]
            if named:
                self.name = max(named, key=len)
                self._part = self._chosen.removeprefix(f"{self.name}.")
        found = scores.get(self.name) if self.name else None
        verdict = found if isinstance(found, dict) else {}
        value = verdict.get("value")
        if isinstance(value, dict) and self._part:
            if self._part not in value:
                raise UnknownNameError(f"part of {self.name}", self._part, list(value))
            return verdict, value[self._part]
        return verdict, value


def _unusable(sample: Mapping[str, Any] | None) -> str | None:
    """Why a sample is not used, if so."""
    if sample is None:
        return "samples of more than 256 MiB"
    if sample.get("error"):
        return "samples that ended with an error"
    if sample.get("invalidation"):
        return "samples that were invalidated"
    choices = sample.get("choices")
    if isinstance(choices, list) and len(choices) > len(LETTERS):
        return "samples with more than 26 choices"
    if _count(sample.get("epoch")) is None or not isinstance(sample.get("id"), (int, str)):
        return "samples without an id or epoch"
    if not _question(sample).strip():
        return "samples without a question in words"
    return None


def _record(
    sample: Mapping[str, Any],
    log: Log,
    *,
    llm: str,
    score: float | None,
    answer: Any,
    clock: str | None,
    literal: bool,
) -> Record | None:
    """The record of a sample; None where the LLM said nothing at all, not even an empty text.

    `literal`: whether the target is the answer itself, which among options it always is.
    """
    output = sample.get("output")
    output = output if isinstance(output, dict) else {}
    first = (output.get("choices") or [None])[0] if isinstance(output.get("choices"), list) else None
    first = first if isinstance(first, dict) else {}
    message = first.get("message")
    text = _words(message.get("content") if isinstance(message, dict) else None, sample)
    answer = answer if isinstance(answer, str) and answer else None
    text = answer if not text and answer else text
    if text is None:
        return None
    question, target = _question(sample), sample.get("target")
    choices = sample.get("choices")
    options = tuple(str(each) for each in choices) if isinstance(choices, list) and choices else None
    usage = _usage(sample, output, log)
    prompt = [_count(usage.get(f"input_tokens{each}")) for each in ("", "_cache_read", "_cache_write")]
    stop = first.get("stop_reason")
    return Record(
        llm=llm,
        key=_key(sample, log.task, question, options, target),
        question=question,
        choices=options,
        gold=_gold(target, options) if literal or options else None,
        kind="letter" if options else None,
        subject=log.task,
        sample=max(sample["epoch"] - 1, 0),
        text=text,
        answer=answer,
        score=score,
        latency=_number(sample.get(clock)) if clock else None,
        cost=_number(usage.get("total_cost")),
        prompt_tokens=_count(sum(each or 0 for each in prompt)) if prompt[0] is not None else None,
        output_tokens=_count(usage.get("output_tokens")),
        finish_reason=stop if isinstance(stop, str) else None,
    )


def _key(sample: Mapping[str, Any], task: str, question: str, options: tuple[str, ...] | None, target: Any) -> str:
    name = sample["id"]
    if isinstance(name, str) and not name.isdecimal():
        return f"{task}-{name}"
    whole = json.dumps([question, options, target], sort_keys=True)
    return f"{task}-{digest(whole.encode())}"


def _question(sample: Mapping[str, Any]) -> str:
    """The input, of a conversation what the user said in it."""
    asked = sample.get("input")
    if isinstance(asked, list):
        messages = [each for each in asked if isinstance(each, dict) and each.get("role") == "user"]
        return "\n\n".join(filter(None, (_words(each.get("content"), sample) for each in messages)))
    return _words(asked, sample) or ""


def _words(content: Any, sample: Mapping[str, Any]) -> str | None:
    """The text of a message: a string, or parts of which some are text. Long ones may be kept as attachments."""
    if isinstance(content, list):
        parts = [
            _words(each.get("text"), sample)
            for each in content
            if isinstance(each, dict) and each.get("type", "text") == "text"
        ]
        known = [each for each in parts if each is not None]
        return "\n".join(known) if known else None
    if not isinstance(content, str):
        return None
    if content.startswith(_ATTACHED):
        attachments = sample.get("attachments")
        found = attachments.get(content.removeprefix(_ATTACHED)) if isinstance(attachments, dict) else None
        return found if isinstance(found, str) else None
    return content


def _gold(target: Any, options: tuple[str, ...] | None) -> str | None:
    """The one target; None where several are right."""
    targets = target if isinstance(target, list) else [target]
    if len(targets) != 1 or not isinstance(targets[0], str):
        return None
    gold = targets[0].strip()
    # In parentheses a letter is no option's text, as it may be elsewhere ("Which vitamin is it?").
    return f"({gold})" if options and len(gold) == 1 else gold


def _usage(sample: Mapping[str, Any], output: Mapping[str, Any], log: Log) -> Mapping[str, Any]:
    """Tokens and cost of the LLM itself over the whole sample, else of its last call."""
    usage = sample.get("model_usage")
    usage = usage if isinstance(usage, dict) else {}
    own = usage.get(log.named) or (next(iter(usage.values())) if len(usage) == 1 else output.get("usage"))
    return own if isinstance(own, dict) else {}


def _score(value: Any) -> float | None:
    """A score's value from 0 to 1; None where it is something else."""
    if isinstance(value, str):
        found = _SCORES.get(value, _WORDS.get(value.lower()))
        if found is not None:
            return found
        try:
            value = float(value)
        except ValueError:
            return None
    number = _number(float(value) if isinstance(value, bool) else value)
    return number if number is not None and number <= 1 else None


def _number(value: Any) -> float | None:
    """A number that is not negative; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _INT else None
