"""Any table with a question per row (wide) or an LLM's answer per row (long), its columns named by the person.

Wide: `llms` are the LLMs. Their scores are in columns of their names; what else there is of each is in columns named
by a pattern with `{llm}` in it, such as `{llm}_response`. Or `scores` is one column with `{llm: score}` objects.
Long: `llm` is the column with the LLM's name, the others are columns too; or all rows are of one LLM, `llm_name`.

Texts that are lists of K are K samples; of chat messages the question is what the user said, the text what the
assistant said. A row per answer with an empty text is an LLM's silence, in CSV too.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.errors import ImportFormatError, UsageError
from selectllm_engine.importers.assembly import store_chunks
from selectllm_engine.importers.cells import lists, numbers, samples, texts, written
from selectllm_engine.importers.importer import importer
from selectllm_engine.importers.records import Chunk, origin_of
from selectllm_engine.importers.source_files import open_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.importers.importer import ChunksRead
    from selectllm_engine.importers.records import Reading
    from selectllm_engine.importers.source_files import SourceTable
    from selectllm_engine.store import Progress

__all__ = ["TableColumns", "import_columns", "import_table"]

_QUESTION = {"id": "key", "gold": "gold", "kind": "kind", "subject": "subject", "split": "split"}
_NUMBERS = ("score", "latency", "cost", "prompt_tokens", "output_tokens")
_TEXTS = ("text", "answer")
_LLM = "{llm}"
_PER_SAMPLE = (*_NUMBERS, *_TEXTS)
_WHO, _AT = "\0llm", "\0sample"  # no columns of a file


@dataclass(frozen=True, slots=True, kw_only=True)
class TableColumns:
    """Which column holds what; None: the table doesn't say.

    Attributes:
        question: the question's text.
        llms: of a wide table, the LLMs.
        llm: of a long one, the column with their names.
        llm_name: of a long one without such a column, whose rows all are.
        scores: of a wide one, the column with `{llm: score}` objects.
        score, text, answer, latency, cost, prompt_tokens, output_tokens: what is known of an answer; in a wide table
            patterns with `{llm}`, `score` without one the LLM's name itself.
        id, gold, kind, subject, split, choices: of the question.
        sample: the sample's number, from 0 or 1; without it, rows that repeat a question are numbered as they come.
    """

    question: str = "question"
    llms: tuple[str, ...] | None = None
    llm: str | None = None
    llm_name: str | None = None
    scores: str | None = None
    score: str | None = None
    text: str | None = None
    answer: str | None = None
    latency: str | None = None
    cost: str | None = None
    prompt_tokens: str | None = None
    output_tokens: str | None = None
    id: str | None = None
    gold: str | None = None
    kind: str | None = None
    subject: str | None = None
    split: str | None = None
    choices: str | None = None
    sample: str | None = None


@importer("table", store_chunks)
def import_table(path: Path, reading: Reading, progress: Progress, columns: TableColumns) -> ChunksRead:
    """Read a CSV, JSON, JSONL or Parquet file, whose columns hold what `columns` says.

    Raises UnknownNameError for a column that it hasn't, UsageError for columns that make no sense together.
    """
    return _read(path, reading, progress, columns)


@importer("table", store_chunks)
def import_columns(
    path: Path, reading: Reading, progress: Progress, *, llms: Sequence[str] | None = None, **columns: str
) -> ChunksRead:
    """`import_table` with the fields of `TableColumns` by their names."""
    named = TableColumns(llms=None if llms is None else tuple(llms), **columns)
    return _read(path, reading, progress, named)


def _read(path: Path, reading: Reading, progress: Progress, columns: TableColumns) -> ChunksRead:
    ways = [each for each in (columns.llms, columns.llm, columns.llm_name, columns.scores) if each]
    table = open_table(path)
    if len(ways) != 1:
        problem = (
            "it is not said which columns are LLMs"
            if not ways
            else "--llms, --llm, --llm-name and --scores exclude each other"
        )
        listed = ", ".join(name[:40] for name in table.columns[:30])
        raise UsageError(
            problem,
            "give --llms a,b (their scores), --llm COLUMN, --llm-name NAME or --scores COLUMN; "
            f"{path.name} has {listed}",
        )
    chunks = (_long if columns.llm or columns.llm_name else _nested if columns.scores else _wide)(
        table, columns, reading, progress
    )
    told = {name: value for name, value in asdict(columns).items() if name != "llm_name" or value is not None}
    return chunks, partial(origin_of, [path], columns=told)


def _wide(table: SourceTable, columns: TableColumns, reading: Reading, progress: Progress) -> Iterator[Chunk]:
    llms = columns.llms or ()
    if len(set(llms)) != len(llms):
        raise UsageError("--llms names an LLM twice", "name each once")
    fields = {llm: _fields(table, columns, llm, alone=len(llms) == 1) for llm in llms}
    return wide_chunks(table, columns, fields, reading, progress)


def wide_chunks(
    table: SourceTable,
    columns: TableColumns,
    fields: Mapping[str, Mapping[str, str]],
    reading: Reading,
    progress: Progress | None,
) -> Iterator[Chunk]:
    """The rows of a wide table; `fields` says per LLM which of `records.RESULTS` is in which column."""
    for rows in _batches(table, columns, fields.values(), reading, progress):
        results = {llm: rows.results(each) for llm, each in fields.items()}
        listed = {llm: frame for llm, frame in results.items() if _is_listed(frame)}
        if plain := {llm: frame for llm, frame in results.items() if llm not in listed}:
            yield Chunk(rows.questions, plain)
        for llm, frame in listed.items():
            whole = rows.each_sample(pl.concat([rows.questions, frame], how="horizontal"))
            yield Chunk(whole.select(rows.questions.columns), {llm: whole.select(frame.columns)})


def _is_listed(frame: pl.DataFrame) -> bool:
    return "text" in frame.columns and isinstance(frame.schema["text"], pl.List)


def _fields(table: SourceTable, columns: TableColumns, llm: str, *, alone: bool) -> dict[str, str]:
    """Which column holds what of one LLM."""
    found = {}
    for field in (*_NUMBERS, *_TEXTS):
        pattern = getattr(columns, field)
        if field == "score" and pattern is None and (columns.text is None or (columns.text != _LLM and table.has(llm))):
            pattern = _LLM
        if pattern is None:
            continue
        if _LLM not in pattern and not alone:
            raise UsageError(
                f"--{field.replace('_', '-')} {pattern} is one column for several LLMs",
                f"write {_LLM} where the LLM's name stands, such as '{_LLM}_{field}'",
            )
        found[field] = table.need(pattern.replace(_LLM, llm))
    return found


def _nested(table: SourceTable, columns: TableColumns, reading: Reading, progress: Progress) -> Iterator[Chunk]:
    scores = table.need(columns.scores or "")
    for rows in _batches(table, columns, [{"scores": scores}], reading, progress):
        cells = rows.batch[scores]
        frame = cells.struct.unnest() if isinstance(cells.dtype, pl.Struct) else _parsed(rows, cells)
        columns_ = {llm: frame[llm].alias(f"score of {llm[:40]}") for llm in frame.columns}
        yield Chunk(rows.questions, {llm: rows.kept({"score": rows.numbers(each)}) for llm, each in columns_.items()})


def _parsed(rows: _TableRows, cells: pl.Series) -> pl.DataFrame:
    """A column of JSON objects as text → one column per key."""
    found = []
    for row, cell in enumerate(texts(cells)):
        try:
            value = json.loads(cell) if cell else {}
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            raise rows.wrong(row, f"{cells.name} is no object", 'write {"llm": score, …}')
        found.append({key: None if each is None else str(each) for key, each in value.items()})
    names = dict.fromkeys(key for each in found for key in each)
    return pl.DataFrame({name: pl.Series([each.get(name) for each in found], dtype=pl.String) for name in names})


def _long(table: SourceTable, columns: TableColumns, reading: Reading, progress: Progress) -> Iterator[Chunk]:
    named = {field: name for field in (*_NUMBERS, *_TEXTS) if (name := getattr(columns, field)) is not None}
    judged = [field for field in ("score", "text") if field in named]
    if not judged:
        raise UsageError("a long table needs a column with scores or texts", "name it with --score or --text")
    fields = {field: table.need(column) for field, column in named.items()}
    llm = None if columns.llm is None else table.need(columns.llm)
    for rows in _batches(table, columns, [fields, {} if llm is None else {"llm": llm}], reading, progress):
        results = rows.results(fields)
        if "text" in results.columns and results.schema["text"] == pl.String and table.blank:
            results = results.with_columns(pl.col("text").fill_null(""))  # a row is an answer, if an empty one
        name = pl.lit(columns.llm_name).alias(_WHO)
        who = results.with_columns(name).select(_WHO) if llm is None else rows.kept({_WHO: texts(rows.batch[llm])})
        whole = pl.concat([rows.questions, results, who], how="horizontal")
        if _is_listed(results):
            whole = rows.each_sample(whole)
        for reason, bad in (
            ("no LLM", pl.col(_WHO).is_null()),
            ("neither score nor text", pl.all_horizontal(pl.col(each).is_null() for each in judged)),
        ):
            good = whole.filter(~bad)
            if good.height < whole.height:
                reading.skipped[reason] += whole.height - good.height
            whole = good
        for (name,), part in whole.partition_by(_WHO, as_dict=True, include_key=False, maintain_order=True).items():
            found = [each for each in part.columns if each not in rows.questions.columns]
            yield Chunk(part.select(rows.questions.columns), {str(name): part.select(found)})


@dataclass(frozen=True, slots=True, eq=False)
class _TableRows:
    """A batch of rows of which `before` others came; `keep` marks those with a question, None for all."""

    table: SourceTable
    batch: pl.DataFrame
    before: int
    keep: pl.Series | None
    questions: pl.DataFrame
    sample: pl.Series | None

    def results(self, fields: Mapping[str, str]) -> pl.DataFrame:
        """The columns of one LLM, of rows with a question."""
        listed = "text" in fields and samples(self.batch[fields["text"]]) is not None
        found = {field: self._cells(field, self.batch[name], listed=listed) for field, name in fields.items()}
        return self.kept(found if self.sample is None else {**found, "sample": self.sample})

    def _cells(self, field: str, column: pl.Series, *, listed: bool) -> pl.Series:
        if listed and (field in _TEXTS or column.dtype.is_nested()) and (found := samples(column)) is not None:
            return found
        if field == "text":
            return written(column)  # an LLM may write nothing
        return self.numbers(column) if field in _NUMBERS else texts(column, role="assistant")

    def numbers(self, column: pl.Series) -> pl.Series:
        """A column of all rows as numbers."""
        return numbers(column, self.wrong, decimal_comma=self.table.decimal_comma)

    def each_sample(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows whose text is a list of K, as a row per sample; what is said once of all is said of each.

        One score of all K samples stays with the first.
        """
        listed = [name for name, dtype in rows.schema.items() if name in _PER_SAMPLE and isinstance(dtype, pl.List)]
        rows = rows.with_columns(pl.int_ranges(pl.col("text").list.len()).alias(_AT))
        try:
            rows = rows.filter(pl.col("text").list.len() > 0).explode(*listed, _AT)
        except pl.exceptions.PolarsError as error:
            problem = f"{self.table.path.name} has lists of different lengths in {' and '.join(listed)}"
            raise ImportFormatError(problem, "give every sample its own value") from error
        numeric = [numbers(rows[name], self.wrong) for name in listed if name in _NUMBERS]
        rows = rows.with_columns(numeric)
        if "score" in rows.columns and "score" not in listed:
            rows = rows.with_columns(score=pl.when(pl.col(_AT) == 0).then("score"))
        unnumbered = [pl.lit(None, pl.Int32).alias("sample")] if "sample" in rows.columns else []
        return rows.with_columns(unnumbered).drop(_AT)

    def kept(self, columns: Mapping[str, pl.Series]) -> pl.DataFrame:
        """Columns of all rows as a frame of those with a question."""
        frame = pl.DataFrame(columns)
        return frame if self.keep is None else frame.filter(self.keep)

    def wrong(self, row: int, what: str, remedy: str) -> ImportFormatError:
        """The error for a row of the batch."""
        return ImportFormatError(f"{self.table.path.name}, row {self.before + row + 1}: {what}", remedy)


def _batches(
    table: SourceTable,
    columns: TableColumns,
    fields: Iterable[Mapping[str, str]],
    reading: Reading,
    progress: Progress | None,
) -> Iterator[_TableRows]:
    """Batches with the columns that `fields` name, and those of the question understood."""
    of_question = [getattr(columns, each) for each in ("question", *_QUESTION, "choices", "sample")]
    wanted = [(field, column) for each in fields for field, column in each.items()]
    written = {column for field, column in wanted if field not in _NUMBERS}.union(of_question)
    numeric = {column for field, column in wanted if field in _NUMBERS} - written
    needed = [*(table.need(each) for each in of_question if each is not None), *(column for _, column in wanted)]
    before, first = 0, None
    for batch in table.batches(list(dict.fromkeys(needed)), numeric, progress):
        reading.rows += batch.height
        question = texts(batch[columns.question])
        keep = question.is_not_null() if question.has_nulls() else None
        if keep is not None:
            reading.skipped["no question"] += batch.height - int(keep.sum())
        rows = _TableRows(table, batch, before, keep, pl.DataFrame(), None)
        if columns.sample is not None:
            given = rows.numbers(batch[columns.sample])
            number = given.cast(pl.Int32, strict=False)
            if number.null_count() > given.null_count():
                odd = given.filter(number.is_null() & given.is_not_null())[0]
                raise ImportFormatError(f"{table.path.name} has a sample {odd:g}", "number samples from 0 or 1")
            least = number.min()
            if isinstance(least, int):
                first = min(1, least) if first is None else first
                if first < 0 or least < first:
                    raise ImportFormatError(f"{table.path.name} has a sample {least}", "number samples from 0 or 1")
            rows = replace(rows, sample=number - (first or 0))
        found = {"question": question}
        for field, name in _QUESTION.items():
            if (column := getattr(columns, field)) is not None:
                found[name] = _gold(batch[column]) if field == "gold" else texts(batch[column])
        if columns.choices is not None:
            found["choices"] = lists(batch[columns.choices], rows.wrong)
        yield replace(rows, questions=rows.kept(found))
        before += batch.height


def _gold(column: pl.Series) -> pl.Series:
    """A column of gold answers as text, lists of several as JSON."""
    if not isinstance(column.dtype, (pl.List, pl.Array)):
        return texts(column, role="assistant")
    cells = (None if cell is None else json.dumps(cell.to_list(), ensure_ascii=False) for cell in column)
    return pl.Series(column.name, list(cells), dtype=pl.String)
