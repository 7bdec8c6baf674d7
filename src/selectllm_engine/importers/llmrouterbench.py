"""LLMRouterBench's results: `<dataset>/<split>/<model>/*.json`, one run of a model on a dataset per file.

Of several files of a model on a dataset the newest that is no demo counts, by the time in its name. The dataset is the
subject; a question is known by its dataset, text and ground truth. Splits with names of their own are none.
"""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import ImportFormatError
from selectllm_engine.importers.importer import Recorded, importer
from selectllm_engine.importers.records import Reading, Record, origin_of
from selectllm_engine.importers.source_files import read_json
from selectllm_engine.importers.splits import WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.store import Progress

__all__ = ["import_llmrouterbench"]

_TIME = re.compile(r"(\d{8})_(\d{6})\.json$")


@importer("llmrouterbench")
def import_llmrouterbench(path: Path, reading: Reading, progress: Progress) -> Recorded:
    """Read the folder `results/bench`, one above it, or one of a dataset below it; or one file."""
    files = _files(path)
    return _records(files, reading, progress), origin_of([each for group in files for each in group])


def _files(path: Path) -> list[list[Path]]:
    """The files of every dataset, split and model, newest first."""
    if not path.is_dir():
        return [[path]]
    groups: dict[Path, list[Path]] = {}
    for each in sorted(path.rglob("*.json")):
        groups.setdefault(each.parent, []).append(each)
    if not groups:
        raise ImportFormatError(f"{path} holds no JSON files", "name the folder with <dataset>/<split>/<model>/*.json")
    return [sorted(group, key=_time, reverse=True) for group in groups.values()]


def _time(path: Path) -> tuple[bool, str, str]:
    """Sorts files by the time in their names; those without come before."""
    match = _TIME.search(path.name)
    return match is not None, match[1] + match[2] if match else "", path.name


def _records(groups: Sequence[Sequence[Path]], reading: Reading, progress: Progress) -> Iterator[Record]:
    odd: dict[str, None] = {}
    total, done = sum(map(len, groups)), 0
    for group in groups:
        for place, path in enumerate(group):
            content = _content(path)
            if not content.get("demo"):
                yield from _of_file(path, content, reading, odd)
                break
            reading.skip("demo", len(content["records"]))
            if place + 1 == len(group):
                reading.note(f"{path.parent.name} has demos only in {path.parent}")
        done += len(group)
        progress(done, total)
    if odd:
        reading.note(f"splits that are none of train, validation, test: {', '.join(odd)}; taken as none")


def _content(path: Path) -> Mapping[str, Any]:
    content = read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("records"), list):
        raise ImportFormatError(f"{path.name} holds no records", "name a folder of LLMRouterBench's results")
    return content


def _of_file(path: Path, content: Mapping[str, Any], reading: Reading, odd: dict[str, None]) -> Iterator[Record]:
    folders = [parent.name for parent in path.absolute().parents][:3]
    model, split, dataset = (
        _written(content.get(name)) or folder
        for name, folder in zip(("model_name", "split", "dataset_name"), folders, strict=True)
    )
    if split.lower() not in WORDS:
        odd[split[:40]] = None
    for number, row in enumerate(content["records"], start=1):
        if not isinstance(row, dict):
            raise ImportFormatError(f"{path.name}, record {number} is no object", "is the file whole?")
        question, gold = (
            _written(row.get("origin_query")) or _written(row.get("prompt")),
            _written(row.get("ground_truth")),
        )
        text, score = _written(row.get("raw_output")), _number(path, number, row, "score")
        if not question:
            reading.skip("no question")
            continue
        if text is None and score is None:
            reading.skip("neither score nor text")
            continue
        name = blake2b(f"{question}\0{gold}".encode(errors="replace"), digest_size=6).hexdigest()
        yield Record(
            key=f"{dataset}/{name}",
            llm=model,
            question=question,
            gold=gold,
            subject=dataset,
            split=split if split.lower() in WORDS else None,
            text=text,
            answer=_written(row.get("prediction")),
            score=score,
            cost=_number(path, number, row, "cost"),
            prompt_tokens=_count(path, number, row, "prompt_tokens"),
            output_tokens=_count(path, number, row, "completion_tokens"),
        )


def _written(value: object) -> str | None:
    """A value as text; one text in a list is that text."""
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _number(path: Path, number: int, row: Mapping[str, object], name: str) -> float | None:
    value = row.get(name)
    if value is None:
        return None
    if not isinstance(value, (int, float)):
        raise ImportFormatError(f"{path.name}, record {number}: {name} {str(value)[:40]!r} is no number", "correct it")
    try:
        return float(value)
    except OverflowError:
        raise ImportFormatError(f"{path.name}, record {number}: {name} is too large", "correct it") from None


def _count(path: Path, number: int, row: Mapping[str, object], name: str) -> int | None:
    """A number of tokens; None for what is none."""
    value = _number(path, number, row, name)
    return int(value) if value is not None and 0 <= value < 1 << 31 else None
