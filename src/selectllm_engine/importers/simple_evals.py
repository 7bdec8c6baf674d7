"""simple-evals' results, `<eval>_<LLM>_<time>_allresults.json`, which hold every conversation.

The file's name tells evaluation (the subject), LLM with its configuration ("o3-mini_high") and time; of several runs
of one LLM on one evaluation the newest counts. A question is known by its prompt and repetitions of it are samples;
simple-evals shuffles the options of a repeated question, which is another question then.

- The question is what the user said last. Options are read from it, the text is what the LLM said after it.
- Gold answer, extracted answer and score of an example are in `metadata` for some evaluations, and for all in the small
  report on it (`htmls`): "Correct Answer", "Extracted Answer", "Score". The answer is kept where it isn't the text
  itself, as of graded ones. Where several answers are right there is no gold answer.
- Scores below 0, which rubrics give, are 0. Where several texts share one score it is kept with the first.
- Tokens are the `usage` in `metadata`. There is no latency and no cost.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import ImportFormatError
from selectllm_engine.importers.importer import Recorded, importer
from selectllm_engine.importers.json_members import has_member, members
from selectllm_engine.importers.lettered_options import options_in
from selectllm_engine.importers.printed_lists import names as printed_names
from selectllm_engine.importers.records import Reading, Record, of_tasks, origin_of
from selectllm_engine.importers.values import count, entries, mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.store import Progress

__all__ = ["import_simple_evals"]

_NAME = re.compile(
    r"(?P<eval>healthbench_(?:hard|consensus|meta|professional)|[^_]+)_(?P<llm>.+?)(?:_(?P<time>\d{8}_\d{4,6}))?(?:_DEBUG)?_allresults"
)
_RESULTS = "name simple-evals' files *_allresults.json, or a folder with them; older versions wrote averages alone"
_SAID = re.compile(r"<p>(Correct Answer|Extracted Answer|Score): (.*?)</p>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    llm: str
    task: str
    time: str


@importer("simple-evals")
def import_simple_evals(
    path: Path, reading: Reading, progress: Progress, *, tasks: Sequence[str] | None = None
) -> Recorded:
    """Read a file *_allresults.json, or a folder with some at any depth.

    `tasks` are the only evaluations wanted; raises UnknownNameError for one that was not run.
    """
    files = _selected(_files(path), tasks, reading)
    origin = origin_of([file.path for file in files], llms=[file.llm for file in files])
    return _records(files, reading, progress), origin


def _files(path: Path) -> list[_File]:
    paths = sorted(path.rglob("*_allresults.json")) if path.is_dir() else [path]
    if not paths:
        raise ImportFormatError(f"{path} holds no results of simple-evals", _RESULTS)
    found = []
    for each in paths:
        match = _NAME.fullmatch(each.stem)
        if not has_member(each, "convos", strict=True):
            raise ImportFormatError(f"{each} holds no conversations of simple-evals", _RESULTS)
        if match is None:
            raise ImportFormatError(
                f"{each.name} doesn't say evaluation and LLM", "name it <eval>_<LLM>_allresults.json"
            )
        found.append(_File(each, match["llm"], match["eval"], match["time"] or ""))
    return found


def _selected(files: Sequence[_File], tasks: Sequence[str] | None, reading: Reading) -> list[_File]:
    wanted = of_tasks(files, tasks)
    chosen = {(file.llm, file.task): file for file in sorted(wanted, key=lambda each: each.time)}
    if older := len(wanted) - len(chosen):
        reading.note(f"{older:,} older files of the same LLM and evaluation passed over: the newest counts")
    return list(chosen.values())


def _records(files: Sequence[_File], reading: Reading, progress: Progress) -> Iterator[Record]:
    below = 0
    for done, file in enumerate(files, start=1):
        for conversation, report, told in _examples(file.path):
            asked, texts = _conversation(conversation)
            if not asked.strip():
                reading.skip("examples without a question in words")
                continue
            found = {name: html.unescape(value).strip() for name, value in _SAID.findall(report)}
            given = told.get("score") if told.get("score") is not None else found.get("Score")
            verdict, negative = _score(given)
            below += negative
            tested = len(texts) > 1 or file.task == "humaneval"  # by unit tests, whose results stand for the answers
            gold = None if tested else _one(found.get("Correct Answer") or told.get("correct_answer"))
            answer = found.get("Extracted Answer")
            usage = mapping(told.get("usage"))
            options = options_in(asked)
            for place, text in enumerate(texts or ([None] if verdict is not None else [])):
                yield Record(
                    llm=file.llm,
                    question=asked,
                    choices=options,
                    gold=gold,
                    kind="letter" if options else None,
                    subject=file.task,
                    text=text,
                    answer=answer if not tested and answer not in ("None", "", text) else None,
                    score=verdict if place == 0 else None,
                    prompt_tokens=count(usage.get("input_tokens", usage.get("prompt_tokens"))),
                    output_tokens=count(usage.get("output_tokens", usage.get("completion_tokens"))),
                )
        progress(done, len(files))
    if below:
        reading.note(f"{below:,} scores are below 0: taken as 0")


def _examples(path: Path) -> Iterator[tuple[object, str, Mapping[str, object]]]:
    """Conversation, report and metadata of each example."""
    reports = members(path, "htmls") if has_member(path, "htmls", strict=True) else repeat(("", None))
    metadata = ("metadata", "example_level_metadata")
    told = members(path, *metadata) if has_member(path, *metadata, strict=True) else repeat(("", None))
    for place, conversation in members(path, "convos"):
        report, more = next(reports, None), next(told, None)
        if report is None or more is None:
            raise ImportFormatError(f"{path.name}: example {int(place) + 1} has no report or metadata", "is it whole?")
        yield conversation, report[1] if isinstance(report[1], str) else "", mapping(more[1])


def _conversation(conversation: object) -> tuple[str, list[str]]:
    """What the user said last, and what the LLM said after it: one text, or several tries."""
    asked = ""
    texts: list[str] = []
    for message in entries(conversation):
        said, role = _words(mapping(message).get("content")), mapping(message).get("role")
        if role == "user":
            asked, texts = said, []
        elif role == "assistant":
            texts.append(said)
    return asked, texts


def _words(content: object) -> str:
    """A message's content, which may be parts."""
    if isinstance(content, list):
        return "\n".join(str(mapping(each).get("text") or "") for each in content)
    return content if isinstance(content, str) else ""


def _score(value: Any) -> tuple[float | None, bool]:
    """The score from 0 to 1, and whether it was below."""
    try:
        found = {"True": 1.0, "False": 0.0}.get(str(value))
        found = float(value) if found is None else found
    except (TypeError, ValueError, OverflowError):
        return None, False
    if not found <= 1:  # NaN too
        return None, False
    return max(found, 0.0), found < 0


def _one(gold: object) -> str | None:
    """The gold answer; None where several are right."""
    if isinstance(gold, str) and gold.startswith("[") and gold.endswith("]"):
        try:
            listed = list(dict.fromkeys(printed_names(gold)))
        except (ValueError, SyntaxError):
            return gold
        return listed[0] if len(listed) == 1 else None
    return str(gold) if isinstance(gold, (str, int, float)) and gold != "" else None
