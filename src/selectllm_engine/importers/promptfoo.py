"""promptfoo's results, as `promptfoo eval --output results.json` or `.jsonl` writes them.

A column of promptfoo's table, a provider with a prompt, is an LLM; where a provider has several prompts or is there in
several configurations, they are named beside it. A test is a question, known by its variables, so that several files
join; `--repeat` makes samples.

- The verdict is `success`, or of a named score (`metric`) its value. Without an assertion there is none.
- The gold answer is the one value that the output was compared with as it is (equals, contains, starts-with) or by a
  regular expression around one variable. What graders were told is none.
- Latency is `latencyMs`, except of answers from promptfoo's cache. A cost of 0 that the provider didn't give is none.

Calls that failed are skipped. Where several files have the same LLM on the same test, the newest counts.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

from selectllm_engine.errors import ImportFormatError, UnknownNameError
from selectllm_engine.importers.configurations import bracketed_names
from selectllm_engine.importers.documents import question_of
from selectllm_engine.importers.importer import Recorded, importer
from selectllm_engine.importers.json_members import has_member, lines, members
from selectllm_engine.importers.records import FirstFiles, Reading, Record, origin_of
from selectllm_engine.importers.values import count, entries, last_written, mapping, number, words
from selectllm_engine.store import digest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.store import Progress

__all__ = ["import_promptfoo"]

_RESULTS = "name what promptfoo eval --output results.json wrote, or a folder with such files"
_LITERAL = ("equals", "contains", "icontains", "starts-with", "regex")  # assertions about the very words
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_ERROR = 2  # a `failureReason`


@importer("promptfoo")
def import_promptfoo(path: Path, reading: Reading, progress: Progress, *, metric: str | None = None) -> Recorded:
    """Read a file of promptfoo's results, or a folder with some at any depth.

    `metric` is a named score that is the verdict, else it is whether the test passed; raises UnknownNameError for one
    that the results don't have.
    """
    files = _files(path, reading)
    return _ResultsReader(files, metric, reading, progress).records(), origin_of(files, metric=metric)


def _files(path: Path, reading: Reading) -> list[Path]:
    """The files of results, newest first."""
    paths = [path]
    if path.is_dir():
        paths = sorted(each for each in path.rglob("*") if each.suffix in (".json", ".jsonl") and each.is_file())
    found = [(_time(each), each) for each in paths if _is_results(each, strict=not path.is_dir())]
    if not found:
        raise ImportFormatError(f"{path} holds no results of promptfoo", _RESULTS)
    if other := len(paths) - len(found):
        reading.note(f"{other:,} JSON files are no results of promptfoo: passed over")
    return [each for _, each in sorted(found, key=lambda each: each[0], reverse=True)]


def _is_results(path: Path, *, strict: bool) -> bool:
    if path.suffix == ".jsonl":
        first = next(lines(path), (0, None))[1]
        return isinstance(first, dict) and {"provider", "prompt", "vars"} <= first.keys()
    return has_member(path, "results", "results", strict=strict)


def _time(path: Path) -> str:
    if path.suffix == ".jsonl" or not has_member(path, "results"):
        return ""
    for name, value in members(path, "results"):
        if name == "timestamp":
            return str(value)
        if name == "results":
            break
    return ""


class _ResultsReader:
    """Reads the files in order."""

    def __init__(self, files: Sequence[Path], metric: str | None, reading: Reading, progress: Progress) -> None:
        self._files, self._metric, self._reading, self._progress = files, metric, reading, progress
        self._prompts: dict[str, str] = {}  # by key, the first prompt that was made of a test's variables
        self._metrics: set[str] = set()
        self._unjudged = 0

    def records(self) -> Iterator[Record]:
        """The records of all files; what there is to say is noted once they are through."""
        once = FirstFiles()
        for place, path in enumerate(self._files):
            columns = _columns(path)
            subject = path.stem if len(self._files) > 1 else None
            for where, row in _rows(path):
                if not isinstance(row, dict):
                    raise ImportFormatError(f"{path.name}, result {where} is no JSON object", _RESULTS)
                record = self._record(row, columns, subject)
                if record is not None and once.first(record.llm, record.key or "", place):
                    yield record
            self._progress(place + 1, len(self._files))
        note = self._reading.note
        if self._metric is not None and self._metric not in self._metrics:
            raise UnknownNameError("metric", self._metric, sorted(self._metrics))
        if once.passed:
            note(f"{once.passed:,} results of an LLM and test that a newer file has too: passed over")
        if self._metrics and self._metric is None:
            others = ", ".join(sorted(self._metrics))
            note(f"the verdict is whether all assertions passed (others, by --metric: {others})")
        if self._unjudged:
            note(f"{self._unjudged:,} results were not judged by an assertion: no verdict")

    def _record(self, row: Mapping[str, object], columns: Mapping[object, str], subject: str | None) -> Record | None:
        response, grading = mapping(row.get("response")), mapping(row.get("gradingResult"))
        output = response.get("output")
        if row.get("failureReason") == _ERROR or response.get("error") or output is None:
            self._reading.skip("calls that failed")
            return None
        variables, test = mapping(row.get("vars")), mapping(row.get("testCase"))
        prompt = mapping(row.get("prompt"))
        key = digest(json.dumps(variables or prompt.get("raw"), sort_keys=True).encode())
        asked = question_of(variables) or self._prompts.setdefault(key, last_written(words(prompt.get("raw")) or ""))
        if not asked.strip():
            self._reading.skip("tests without a prompt in words")
            return None
        tokens = mapping(row.get("tokenUsage"))
        own = mapping(response.get("tokenUsage"))
        cost = number(row.get("cost"))
        return Record(
            llm=columns.get(_column(row)) or _provider(row),
            key=key,
            question=asked,
            gold=_gold(test, variables),
            subject=subject,
            text=output if isinstance(output, str) else json.dumps(output, ensure_ascii=False),
            score=self._score(row, grading),
            latency=_seconds(row, response),
            cost=cost if cost or response.get("cost") is not None else None,
            prompt_tokens=count(tokens.get("prompt")) or count(own.get("prompt")),
            output_tokens=count(tokens.get("completion")) or count(own.get("completion")),
            finish_reason=words(response.get("finishReason")),
        )

    def _score(self, row: Mapping[str, object], grading: Mapping[str, object]) -> float | None:
        named = {**mapping(grading.get("namedScores")), **mapping(row.get("namedScores"))}
        self._metrics.update(named)
        if self._metric is not None:
            found = number(named.get(self._metric))
            self._unjudged += found is None
            return found if found is not None and found <= 1 else None
        if not grading.get("componentResults"):  # promptfoo itself says "No assertions", and that it passed
            self._unjudged += 1
            return None
        passed = row.get("success")
        return float(passed) if isinstance(passed, bool) else None


def _rows(path: Path) -> Iterator[tuple[object, object]]:
    return lines(path) if path.suffix == ".jsonl" else members(path, "results", "results")


def _columns(path: Path) -> dict[object, str]:
    """The LLM of every column, by its number."""
    table: dict[object, tuple[str, str]] = {}
    varied = True  # else each prompt is a question of its own
    if path.suffix != ".jsonl" and has_member(path, "results", "prompts"):
        given = [mapping(each) for _, each in members(path, "results", "prompts")]
        varied = any(_VARIABLE.search(str(each.get("raw"))) for each in given)
        table = {place: (str(each.get("provider")), _label(each)) for place, each in enumerate(given)}
    else:
        for _, row in _rows(path):
            found = mapping(row)
            table.setdefault(_column(found), (_provider(found), _label(mapping(found.get("prompt")))))
    seen: Counter[tuple[str, str]] = Counter()
    runs = {}
    for place, (provider, prompt) in table.items():
        seen[provider, prompt] += 1
        runs[place] = (provider, "", {"prompt": prompt if varied else "", "column": seen[provider, prompt]})
    return bracketed_names(runs)


def _column(row: Mapping[str, object]) -> object:
    place = row.get("promptIdx")  # which files of before 2024 lack
    return place if isinstance(place, int) else (_provider(row), _label(mapping(row.get("prompt"))))


def _provider(row: Mapping[str, object]) -> str:
    provider = row.get("provider")
    named = mapping(provider).get("label") or mapping(provider).get("id")
    return str(named or provider)


def _label(prompt: Mapping[str, object]) -> str:
    """A prompt's own label; promptfoo writes it before the file's name and the text."""
    label, raw = str(prompt.get("label") or ""), str(prompt.get("raw") or "")
    return label.removesuffix(raw).partition(": ")[0].strip() or label or raw


def _gold(test: Mapping[str, object], variables: Mapping[str, object]) -> str | None:
    found: set[str] = set()
    for each in entries(test.get("assert")):
        kind, value = mapping(each).get("type"), mapping(each).get("value")
        if kind not in _LITERAL or isinstance(value, (list, dict, bool)) or value is None:
            continue
        names = _VARIABLE.findall(str(value))
        if len(names) == 1 and isinstance(variables.get(names[0]), (str, int, float)):
            found.add(str(variables[names[0]]))
        elif not names and kind != "regex":
            found.add(str(value))
    return found.pop() if len(found) == 1 else None


def _seconds(row: Mapping[str, object], response: Mapping[str, object]) -> float | None:
    taken = number(row.get("latencyMs"))
    return None if taken is None or response.get("cached") else taken / 1000
