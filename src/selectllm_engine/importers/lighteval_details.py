"""lighteval's files of details: which there are at a path, and their rows, of whatever version wrote them.

`<output>/details/<LLM>/<time>/details_<task>|<shots>_<time>.parquet`; `<output>/results/<LLM>/results_<time>.json` says
with which settings. Since 0.10 a row holds `doc`, `model_response` and `metric`; before, columns such as `example` and
`predictions`, which may be lists printed as text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.errors import ImportFormatError
from selectllm_engine.importers.json_members import has_member, members
from selectllm_engine.importers.printed_lists import names as printed_names
from selectllm_engine.importers.printed_lists import numbers as printed_numbers
from selectllm_engine.importers.source_files import open_table
from selectllm_engine.importers.values import mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from selectllm_engine.store import Progress

__all__ = ["DetailsFile", "DetailsRow", "find_details", "rows_of"]

_NAME = re.compile(r"details_(?P<task>.+)_(?P<time>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)\.parquet")
_DETAILS = "run lighteval with --save-details, and name its output folder"
_FIELDS = {  # ours -> since 0.10, before
    "query": ("doc.query", "example"),
    "choices": ("doc.choices", "choices"),
    "place": ("doc.gold_index", "gold_index"),
    "golds": ("doc.golds", "gold"),
    "metrics": ("metric", "metrics"),
    "texts": ("model_response.text", "predictions"),
    "likelihoods": ("model_response.logprobs", "predictions"),
    "asked": ("model_response.input_tokens", "input_tokens"),
    "said": ("model_response.output_tokens", "cont_tokens"),
}


@dataclass(frozen=True, slots=True)
class DetailsFile:
    """A file of details: of which LLM, task and run, and with which settings."""

    path: Path
    llm: str
    task: str
    time: str
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DetailsRow:
    """What an LLM made of one document.

    Attributes:
        query: the question, without examples.
        choices, right: texts of the choices, and which of them are right.
        texts: what the LLM wrote, per sample; none where it compared the choices.
        likelihoods: of the choices, where it did.
        metrics: lighteval's, by name.
        asked, said: tokens of the prompt, and of each text; None where not recorded.
    """

    query: str
    choices: tuple[str, ...]
    right: tuple[int, ...]
    texts: tuple[str, ...]
    likelihoods: tuple[float, ...]
    metrics: Mapping[str, object]
    asked: int | None
    said: tuple[int | None, ...]


def find_details(path: Path) -> list[DetailsFile]:
    """All files of details at a path; raises ImportFormatError where there are none."""
    paths = sorted(path.rglob("details_*.parquet")) if path.is_dir() else [path]
    if not paths:
        averages = path.is_dir() and any(path.rglob("results_*.json"))
        raise ImportFormatError(
            f"{path} holds lighteval's averages only" if averages else f"{path} holds no details of lighteval", _DETAILS
        )
    return [_file(each) for each in paths]


def _file(path: Path) -> DetailsFile:
    match = _NAME.fullmatch(path.name)
    named, time = (match["task"], match["time"]) if match else (path.stem.removeprefix("details_"), "")
    parts = named.split("|")
    while len(parts) > 1 and parts[-1].isdecimal():  # shots, and once whether fewer may be taken
        parts.pop()
    task = "|".join(parts)
    shots = next(iter(named.split("|")[len(parts) :]), None)
    folders = path.absolute().parent.parts
    if time and folders[-1] == time:
        folders = folders[:-1]
    place = max((n for n, each in enumerate(folders[:-1]) if each == "details"), default=None)
    if place is not None:
        llm = "/".join(folders[place + 1 :])
        root = path.absolute().parents[len(path.absolute().parent.parts) - place]
        settings = _settings(root / "results" / llm / f"results_{time}.json")
    else:  # as on a hub: <org>/details_<org>__<LLM>/<time>/
        llm, settings = folders[-1].removeprefix("details_").removesuffix("_private").replace("__", "/"), {}
    return DetailsFile(path, llm, task, time, {"shots": shots, **settings} if shots is not None else settings)


def _settings(path: Path) -> dict[str, object]:
    """How texts were generated, from the averages of the same run, where they are still there."""
    if not path.is_file() or not has_member(path, "config_general"):
        return {}
    general = dict(members(path, "config_general"))
    configured = mapping(general.get("model_config"))
    parameters = mapping(configured.get("generation_parameters")) or mapping(general.get("generation_parameters"))
    found = {name: value for name, value in parameters.items() if value is not None}
    prompt = configured.get("system_prompt")
    return {**found, "system_prompt": prompt} if prompt else found


def rows_of(file: DetailsFile, progress: Progress | None = None) -> Iterator[DetailsRow]:
    """The rows of a file; raises ImportFormatError for one that is damaged or something else."""
    table = open_table(file.path)
    schema = table.schema
    there = set(schema)
    for name, dtype in schema.items():
        if isinstance(dtype, pl.Struct):
            there |= {f"{name}.{each.name}" for each in dtype.fields}
    columns = {ours: next((each for each in names if each in there), None) for ours, names in _FIELDS.items()}
    if columns["query"] is None or (columns["texts"] is None and columns["likelihoods"] is None):
        raise ImportFormatError(f"{file.path.name} holds no details of lighteval", _DETAILS)
    wanted = list(dict.fromkeys(each for each in columns.values() if each is not None))
    for batch in table.batches(wanted, (), progress):
        for row in batch.iter_rows(named=True):
            yield _row({ours: row[name] for ours, name in columns.items() if name is not None})


def _row(given: Mapping[str, object]) -> DetailsRow:
    choices = _texts(given.get("choices"))
    golds = _texts(given.get("golds"))
    right = tuple(int(each) for each in _numbers(given.get("place")) if 0 <= each < len(choices))
    if not choices and golds:
        choices, right = golds, tuple(range(len(golds)))
    texts = _texts(given.get("texts"))
    said = given.get("said")
    counts = [len(each) if isinstance(each, list) else None for each in said] if isinstance(said, list) else []
    asked = given.get("asked")
    if isinstance(asked, list) and asked and isinstance(asked[0], list):
        asked = asked[0]
    return DetailsRow(
        query=str(given.get("query") or ""),
        choices=choices,
        right=right,
        texts=texts,
        likelihoods=() if texts else _likelihoods(given.get("likelihoods"), len(choices)),
        metrics=mapping(given.get("metrics")) or _printed_metrics(given.get("metrics")),
        asked=len(asked) if isinstance(asked, list) and asked else None,
        said=tuple(counts[place] if place < len(counts) else None for place in range(len(texts))),
    )


def _texts(value: object) -> tuple[str, ...]:
    """The texts of a list, of a list of lists, or of a printed one."""
    if isinstance(value, list):
        return tuple(text for each in value for text in ([each] if isinstance(each, str) else _texts(each)))
    if isinstance(value, str) and value.startswith("["):
        try:
            return tuple(printed_names(value))
        except (ValueError, SyntaxError):
            return ()
    return ()


def _numbers(value: object) -> tuple[float, ...]:
    """A number, or the first number of every entry of a list, which may be printed: (log-likelihood, is it greedy)."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return (float(value),)
    if isinstance(value, list):
        return tuple(number for each in value for number in _numbers(each)[:1])
    if isinstance(value, str):
        try:
            return tuple(printed_numbers(value))
        except ValueError:
            return ()
    return ()


def _likelihoods(value: object, choices: int) -> tuple[float, ...]:
    """Of every choice; printed pairs of (log-likelihood, is it greedy) come as one list."""
    found = _numbers(value)
    return found[::2] if len(found) == 2 * choices and isinstance(value, str) else found


def _printed_metrics(value: object) -> dict[str, float]:
    found = (
        re.findall(r"'([^']+)': (?:np\.\w+\()?(-?\d+(?:\.\d+)?(?:e-?\d+)?|True|False)", value)
        if isinstance(value, str)
        else ()
    )
    return {name: float(number == "True" if number in ("True", "False") else number) for name, number in found}
