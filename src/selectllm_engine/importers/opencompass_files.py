"""OpenCompass's files: which predictions there are at a path, their entries, and what results/ say of each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from selectllm_engine.errors import ImportFormatError
from selectllm_engine.importers.json_members import has_member, members
from selectllm_engine.importers.values import mapping, number, score

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["JudgedPrediction", "PredictionFile", "find_files", "judged_of", "rows_of"]

_FOLDER = "name OpenCompass's work dir, one run in it, or its folder predictions"
_VERDICTS = ("correct", "is_correct", "cascade_correct")
_NEAR = 0.011  # accuracies are given in percent, some rounded to two digits


@dataclass(frozen=True, slots=True)
class PredictionFile:
    """An LLM's predictions on a dataset, in parts, and its results, None where they are not there."""

    llm: str
    task: str  # the dataset
    run: str
    parts: tuple[Path, ...]
    results: Path | None


@dataclass(frozen=True, slots=True)
class JudgedPrediction:
    """What results/ say of one prediction."""

    score: float | None
    answer: str | None


def find_files(path: Path) -> list[PredictionFile]:
    """All predictions at a path; raises ImportFormatError where there are none."""
    if path.is_dir():
        found = sorted(each for each in path.rglob("*.json") if "predictions" in each.absolute().parts[:-1])
        found = [each for each in found if not each.name.startswith("tmp_")]  # of runs that never ended
    else:
        found = [path]
    groups: dict[tuple[Path, str], list[Path]] = {}
    for each in found:
        groups.setdefault((each.parent, _dataset(each)), []).append(each)
    if not groups:
        averages = path.is_dir() and any(path.rglob("results/*/*.json"))
        what = "results without predictions" if averages else "no predictions"
        raise ImportFormatError(f"{path} holds {what} of OpenCompass", _FOLDER)
    return [_file(folder, dataset, parts) for (folder, dataset), parts in groups.items()]


def _dataset(path: Path) -> str:
    """The dataset of a file, which may be a part of its predictions, counted from 0."""
    match = re.fullmatch(r"(.+)_(\d+)", path.stem)
    if match is None or path.with_name(f"{match[1]}.json").exists() or (_results(path.absolute().parent, path.stem)):
        return path.stem
    return match[1] if path.with_name(f"{match[1]}_0.json").exists() else path.stem


def _file(folder: Path, dataset: str, parts: Sequence[Path]) -> PredictionFile:
    folder = folder.absolute()
    above = next((each for each in (folder, *folder.parents) if each.name == "predictions"), None)
    llm = folder.name if above is None else "/".join(folder.relative_to(above).parts)
    if not llm:
        raise ImportFormatError(f"{folder} has predictions that are in no LLM's folder", _FOLDER)
    ordered = sorted(parts, key=lambda each: int(each.stem.rpartition("_")[2]) if each.stem != dataset else -1)
    run = above.parent.name if above is not None else ""
    return PredictionFile(llm, dataset, run, tuple(ordered), _results(folder, dataset))


def _results(folder: Path, dataset: str) -> Path | None:
    """What results/ beside predictions/ has of a dataset."""
    above = next((each for each in (folder, *folder.parents) if each.name == "predictions"), None)
    if above is None:
        return None
    found = above.with_name("results") / folder.relative_to(above) / f"{dataset}.json"
    return found if found.is_file() else None


def rows_of(file: PredictionFile) -> Iterator[Mapping[str, object]]:
    """The entries of all parts, in order; raises ImportFormatError for files that are damaged or something else."""
    for path in file.parts:
        if not has_member(path):
            raise ImportFormatError(f"{path} holds no predictions of OpenCompass", _FOLDER)
        for name, row in members(path):
            if not isinstance(row, dict) or "prediction" not in row:
                raise ImportFormatError(f"{path}, entry {name[:40]} is no prediction of OpenCompass", _FOLDER)
            yield row


def judged_of(file: PredictionFile) -> tuple[dict[int, JudgedPrediction], int]:
    """What results/ say, by the place of the prediction, and how many questions there are where they are repeated.

    The details of a dataset that was run n times hold lists of n verdicts, of its first copy, its second and so on.
    """
    if file.results is None or not has_member(file.results, "details"):
        return {}, 0
    details = [mapping(each) for name, each in members(file.results, "details") if name != "type"]
    named = next((name for name in _VERDICTS if any(name in each for each in details)), None)
    if named is None:
        return _compared(file.results, details), 0
    copies = max(len(each[named]) if isinstance(each.get(named), list) else 1 for each in details)
    found = {}
    for place, detail in enumerate(details):
        answers = detail.get("pred", detail.get("predictions"))
        for copy in range(copies):
            answer = _at(answers, copy)
            found[place + copy * len(details)] = JudgedPrediction(
                score=score(_at(detail.get(named), copy)), answer=None if answer in (None, "") else str(answer)
            )
    return found, len(details) if copies > 1 else 0


def _at(value: object, place: int) -> object:
    if isinstance(value, list):
        return value[place] if place < len(value) else None
    return value if place == 0 else None


def _compared(path: Path, details: Sequence[Mapping[str, object]]) -> dict[int, JudgedPrediction]:
    """Extracted answers, and whether each equals the reference, where that gives the dataset's accuracy."""
    given = [(each.get("predictions"), each.get("references")) for each in details if "references" in each]
    if not given or len(given) != len(details):
        return {}
    equal = [answer == reference for answer, reference in given]
    accuracy = next((number(value) for name, value in members(path) if name == "accuracy"), None)
    proven = accuracy is not None and abs(100 * sum(equal) / len(equal) - accuracy) <= _NEAR
    return {
        place: JudgedPrediction(
            score=float(right) if proven else None, answer=answer if isinstance(answer, str) else None
        )
        for place, (right, (answer, _)) in enumerate(zip(equal, given, strict=True))
    }
