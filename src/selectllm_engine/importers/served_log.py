"""The log of `selectllm serve --log FILE --log-texts`: questions as they were asked, and what LLMs answered.

A question is known by its text; asked again, it has more samples. Answers within a conversation are passed over, for
the log has the last question alone. Gold answers are nobody's to guess: a line may have been given one, as `gold`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import ImportFormatError
from selectllm_engine.foreign_files import json_lines
from selectllm_engine.importers.importer import Recorded, importer
from selectllm_engine.importers.records import Reading, Record, origin_of
from selectllm_engine.importers.values import count, mapping, number, words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selectllm_engine.store import Progress

__all__ = ["LOG_FORMAT", "import_served"]

LOG_FORMAT = 1  # of the log's lines
_REMEDY = "name a file that selectllm serve --log wrote"


@importer("served")
def import_served(path: Path, reading: Reading, progress: Progress) -> Recorded:
    """Read a server's log; raises ImportFormatError where it holds no texts, or no gold answer."""
    return _records(path, reading, progress), origin_of([path])


def _records(path: Path, reading: Reading, progress: Progress) -> Iterator[Record]:
    without_gold, judged, done = set[str](), False, 0
    total = path.stat().st_size

    def refused(what: str, remedy: str = _REMEDY) -> ImportFormatError:
        return ImportFormatError(f"{path.name}, {what}", remedy)

    with path.open("rb") as file:
        for place, line in json_lines(file, refused):
            try:
                told = json.loads(line)
            except (ValueError, RecursionError) as error:
                if not line.endswith(b"\n"):  # the server was killed while it wrote
                    reading.skip("a line that is cut off")
                    continue
                raise refused(f"line {place} is no JSON") from error
            if not isinstance(told, dict) or not isinstance(told.get("votes"), list):
                raise refused(f"line {place} is no answer of a server")
            if isinstance(told.get("format"), int) and told["format"] > LOG_FORMAT:
                raise ImportFormatError(
                    f"{path.name} was written by a newer selectllm", "pip install --upgrade selectllm"
                )
            found = list(_samples(told, reading))
            yield from found
            if found and found[0].gold is None:
                without_gold.add(found[0].question)
            judged = judged or any(each.gold is not None for each in found)
            done += len(line)
            progress(done, total)
    if without_gold and not judged:
        raise refused("no line has a gold answer", 'give those lines one of which you know it: "gold": "42"')
    if without_gold:
        reading.note(
            f'{len(without_gold):,} questions have no gold answer: give lines one, as "gold", and import them again'
        )


def _samples(told: dict[str, Any], reading: Reading) -> Iterator[Record]:
    question, gold = told.get("text"), told.get("gold")
    turns = told.get("turns")
    for each in map(mapping, told["votes"]):
        text = each.get("text")
        if not isinstance(question, str) or not isinstance(text, str):
            reading.skip("no texts: log them with --log-texts")
        elif not question.strip():
            reading.skip("no question in words")
        elif isinstance(turns, int) and turns > 1:
            reading.skip("within a conversation")
        elif not isinstance(each.get("llm"), str):
            reading.skip("no LLM")
        else:
            yield Record(
                llm=each["llm"],
                question=question,
                gold=str(gold) if isinstance(gold, str | int | float) else None,
                text=text,
                latency=number(each.get("seconds")),
                cost=number(each.get("cost")),
                prompt_tokens=count(each.get("prompt_tokens")),
                output_tokens=count(each.get("output_tokens")),
                finish_reason=words(each.get("finish_reason")),
            )
