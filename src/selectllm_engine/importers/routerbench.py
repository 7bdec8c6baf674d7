"""RouterBench's wide tables: a row per question; per LLM `<llm>`, `<llm>|model_response`, `<llm>|total_cost`.

Beside `sample_id`, `prompt` and `eval_name` (the subject) there may be the columns that `selectllm export` adds:
`sample`, `split`, `gold`, `kind`, `choices`, `<llm>|latency`, `<llm>|answer`, `<llm>|stop`. RouterBench itself prints
prompts and responses as Python lists of one text; those are unwrapped. Its files are pickles, which are not read.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.errors import ImportFormatError, UsageError
from selectllm_engine.evaluation import parse_stop
from selectllm_engine.importers.assembly import Chunk, Reading, origin_of, store_chunks
from selectllm_engine.importers.printed_lists import names
from selectllm_engine.importers.source_files import open_table
from selectllm_engine.importers.table import TableColumns, wide_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from selectllm_engine.importers.assembly import Options
    from selectllm_engine.importers.formats import Imported
    from selectllm_engine.importers.source_files import SourceTable
    from selectllm_engine.store import Cache, Progress

__all__ = ["import_routerbench"]

_FIELDS = {
    "model_response": "text",
    "total_cost": "cost",
    "latency": "latency",
    "answer": "answer",
    "prompt_tokens": "prompt_tokens",
    "output_tokens": "output_tokens",
}
_OTHER = ("prompt", "sample_id", "eval_name", "oracle_model_to_route_to", "sample", "split", "gold", "kind", "choices")
_STOP = "stop"  # by which rule sampling stopped, and before how many samples: the same in all rows of an LLM
_MOST_SAMPLES = 10_000  # a K above is a slip, or made up to fill the memory
_UNUSED = 5  # names of columns that a note lists


def import_routerbench(
    cache: Cache, path: Path, benchmark: str, *, options: Options | None = None, progress: Progress | None = None
) -> Imported:
    """Read a RouterBench table into a benchmark; see `assembly.store`.

    Args:
        cache: where to store it.
        path: a CSV or Parquet file.
        benchmark: the benchmark's name; an `eval_name` that is the same is no subject.
        options: splits, threshold and kind of gold answers.
        progress: told (done, total) while the file is read.

    Raises:
        ImportFormatError: the file can't be read, is a pickle, or holds something else.
        UnknownNameError: it has no column `prompt`.
        CacheError: there is another benchmark of this name, or the cache can't be written.
    """
    table = open_table(path)
    owners = dict.fromkeys(name.rpartition("|")[0] for name in table.columns if name.rpartition("|")[2] in _FIELDS)
    llms = [name for name in table.columns if name in owners]
    if lacking := [name for name in owners if name not in llms]:
        raise ImportFormatError(
            f"{path.name} has no column with the scores of {lacking[0][:80]}", "add it, or drop its others"
        )
    if not llms:
        raise ImportFormatError(
            f"{path.name} has no columns <llm> with <llm>|model_response or <llm>|total_cost",
            "for other tables there is selectllm import table",
        )
    reading = Reading()
    fields = {llm: _fields(table, llm) for llm in llms}
    stops = {llm: name for llm in llms if (name := f"{llm}|{_STOP}") in table.columns}
    used = {*_OTHER, *stops.values(), *(column for each in fields.values() for column in each.values())}
    if unused := [name for name in table.columns if name not in used]:
        listed = ", ".join(name[:40] for name in unused[:_UNUSED])
        reading.note(f"columns not used: {listed}{' and more' if len(unused) > _UNUSED else ''}")
    if stops:
        _read_stops(table, stops, reading)
    columns = TableColumns(
        question="prompt",
        id=_known(table, "sample_id"),
        subject=_known(table, "eval_name"),
        sample=_known(table, "sample"),
        split=_known(table, "split"),
        gold=_known(table, "gold"),
        kind=_known(table, "kind"),
        choices=_known(table, "choices"),
    )
    exported = columns.kind is not None
    chunks = _unwrapped(wide_chunks(table, columns, fields, reading, progress), benchmark, exported=exported)
    origin = partial(origin_of, [path])
    return store_chunks(cache, benchmark, chunks, source="routerbench", origin=origin, options=options, reading=reading)


def _known(table: SourceTable, column: str) -> str | None:
    return column if table.has(column) else None


def _fields(table: SourceTable, llm: str) -> dict[str, str]:
    found = {field: f"{llm}|{name}" for name, field in _FIELDS.items() if f"{llm}|{name}" in table.columns}
    return {"score": llm, **found}


def _read_stops(table: SourceTable, stops: Mapping[str, str], reading: Reading) -> None:
    """Note by which rule the sampling of each LLM stopped; where that can't be told, that its K is what is there."""
    said: dict[str, set[str]] = {llm: set() for llm in stops}
    for batch in table.batches([*stops.values()], (), None):
        for llm, column in stops.items():
            said[llm] |= {str(cell) for cell in batch[column].unique() if cell is not None}
    for llm, cells in said.items():
        rule, _, samples = next(iter(cells), "").rpartition(" of ")
        try:
            if len(cells) != 1 or not 0 < int(samples) <= _MOST_SAMPLES:
                raise ValueError
            reading.stops[llm] = (parse_stop(rule), int(samples))
        except (ValueError, UsageError):
            reading.note(
                f"{llm}|{_STOP} says {' and '.join(sorted(cells))[:80] or 'nothing'}, not by which one rule sampling "
                "stopped: K is the number of samples that are there"
            )


def _unwrapped(chunks: Iterator[Chunk], benchmark: str, *, exported: bool) -> Iterator[Chunk]:
    """Chunks with texts instead of printed lists, and without subjects that are the benchmark's name."""
    for chunk in chunks:
        questions = chunk.questions
        if "subject" in questions.columns:
            questions = questions.with_columns(subject=pl.when(pl.col("subject") != benchmark).then("subject"))
        results = dict(chunk.results)
        if not exported:  # what was exported by ourselves holds texts
            questions = questions.with_columns(_texts(questions["question"]))
            results = {
                llm: frame.with_columns(_texts(frame["text"])) if "text" in frame.columns else frame
                for llm, frame in results.items()
            }
        yield replace(chunk, questions=questions, results=results)


def _texts(cells: pl.Series) -> pl.Series:
    """Printed lists as the texts in them, where at least half of the cells are such lists; else as they are."""
    listed = cells.str.contains(r"^\[['\"]") & cells.str.ends_with("]")
    if 2 * int(listed.sum()) < len(cells) - cells.null_count() or not listed.any():
        return cells
    return pl.Series(
        cells.name, [_text(cell) if is_list else cell for cell, is_list in zip(cells, listed, strict=True)]
    )


def _text(cell: str) -> str:
    try:
        return "\n".join(names(cell))
    except (ValueError, SyntaxError):
        return cell
