"""A description and its files → a `Benchmark`; whole columns at a time, so that a million questions are no burden."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from selectllm_engine.benchmarks.benchmark import LETTERS, QUESTION_SCHEMA, Benchmark, Exemplar
from selectllm_engine.benchmarks.column_paths import aliases_of, find, paths_in, text_of
from selectllm_engine.benchmarks.described_options import read_options, shuffled
from selectllm_engine.benchmarks.described_splits import SourceSplit, by_column, by_parts
from selectllm_engine.benchmarks.description import ONLY, SplitShare
from selectllm_engine.benchmarks.source_frames import NoFilesError, read_rows
from selectllm_engine.errors import BenchmarkError
from selectllm_engine.foreign_files import first_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from selectllm_engine.benchmarks.description import Description

__all__ = ["Bad", "FileContents", "load", "read"]

TOGETHER = 100_000  # rows


@dataclass(frozen=True, slots=True)
class Bad:
    """Rows that give no question, for one reason: how many, where the first stands, and what is wrong with it."""

    count: int
    place: str
    problem: str


@dataclass(frozen=True, slots=True, eq=False)
class FileContents:
    """What a description's files hold: questions, exemplars, and the rows that are left out."""

    questions: pl.DataFrame
    exemplars: tuple[Exemplar, ...]
    bad: tuple[Bad, ...]


def load(name: str, description: Description, *, data: Path | None = None, seed: int = 0) -> Benchmark:
    """The benchmark that a description gives; `data` is a file or folder to read instead of the hub or its own.

    Rows that give no question are an error in files of one's own; of a data set of the hub, which nobody here can
    repair, they are left out, and a note says so.

    Raises:
        BenchmarkError: files are missing or broken, or columns are not what the description says.
    """
    given = data or description.data
    reading = read(name, description, data=given, seed=seed)
    strict = given is not None and not description.lenient
    if reading.bad and (strict or reading.questions.is_empty()):
        first = reading.bad[0]
        raise BenchmarkError(f"{first.place}: {first.problem}", "correct it, or keep it out with 'filter'")
    notes = [
        f"{each.count:,} rows are left out, the first ({each.place}) because {each.problem}" for each in reading.bad
    ]
    return Benchmark(
        name,
        reading.questions,
        reading.exemplars,
        terse=description.terse,
        notes=tuple(notes),
        language=description.language,
    )


def read(
    name: str, description: Description, *, data: Path | None, seed: int = 0, together: int = TOGETHER
) -> FileContents:
    """The questions of a description's files, drawn into splits, and what is wrong with the others.

    Ids hold a row's place in the source split, within its subject where there are subjects: they are the same whatever
    is filtered or drawn. Splits that are drawn by shares are in random order, and so is every split where there are
    subjects, so that its first questions are of all of them. The texts of so many rows are made `together`; then those
    of the source, most of the memory, are let go of.

    Raises:
        BenchmarkError: files are missing or broken, or columns are not what the description says.
    """
    try:
        return _read(name, description, data, seed, together)
    except NoFilesError:
        if description.otherwise is None:
            raise
        with contextlib.suppress(NoFilesError):
            return _read(name, description.otherwise, data, seed, together)
        raise


def _read(name: str, description: Description, data: Path | None, seed: int, together: int) -> FileContents:
    parts = {ONLY: SplitShare()} if isinstance(description.split, str) else description.split
    takes = description.exemplars
    sources: dict[str, SourceSplit] = {}
    bad: list[Bad] = []
    for of in dict.fromkeys([*(part.of for part in parts.values()), *([takes.of] if takes else [])]):
        sources[of], left_out = _source(name, description, of, data, together)
        bad += left_out
    if isinstance(description.split, str):
        chosen, shown = by_column(sources[ONLY])
    else:
        chosen, shown = by_parts(parts, takes, sources, seed)
    columns = [pl.col(name).cast(dtype) for name, dtype in QUESTION_SCHEMA.items()]
    questions = pl.concat(
        [rows.with_columns(split=pl.lit(split)).select(columns) for split, rows in chosen], rechunk=False
    )
    return FileContents(questions, tuple(map(_exemplar, shown.iter_rows(named=True))), tuple(bad))


def _source(
    name: str, description: Description, of: str, data: Path | None, together: int
) -> tuple[SourceSplit, list[Bad]]:
    frame, files = read_rows(description, of, data, lambda schema: _columns_in(_said(description), schema))
    where = files.names[0]
    answering = frame.select(_columns_in(_said_of_answers(description), files.schema) or frame.columns[-1:])
    parts = list(frame.iter_slices(together)) or [frame]
    del frame
    try:
        texts = [_texts(description, parts.pop(0), files.schema, where) for _ in range(len(parts))]
        options = read_options(answering, description, files.schema, where) if description.choices else None
        answers = answering.with_columns(answer=_answer(description, files.schema, where))["answer"]
    except pl.exceptions.PolarsError as error:
        raise BenchmarkError(f"{where}: {first_line(error)}", "check the description") from error
    table = pl.concat(texts).with_columns(row=pl.int_range(pl.len()))
    table = table.with_columns(question_id=_ids(name, of, description))
    if options is not None and description.shuffle_choices is not None:
        options = shuffled(options, description.shuffle_choices)
    table = table.with_columns(_golds(answers, options, description))
    problem = pl.when(pl.col("text").is_null()).then(pl.lit("it has no question")).otherwise("problem")
    table = table.with_columns(problem=problem).filter("kept").drop("kept", "own")
    problems = table["problem"].drop_nulls()
    bad = []
    for problem, count in problems.value_counts(sort=True).iter_rows():
        first = int(table["problem"].index_of(problem) or 0)
        bad.append(Bad(count, files.place(int(table["row"][first])), problem))
    if bad:
        table = table.filter(pl.col("problem").is_null())
    table = table.drop("problem", "row").rechunk()  # drawing rows of one chunk copies no texts, and this neither
    return SourceSplit(table, description.subject is not None), bad


def _said(description: Description) -> list[str]:
    """All columns, paths and templates of a description."""
    texts = [description.question, *description.filter, *_said_of_answers(description)]
    texts += [each for each in (description.subject, description.rationale, description.id) if each]
    return texts + ([description.split] if isinstance(description.split, str) else [])


def _said_of_answers(description: Description) -> list[str]:
    """Those that tell what the answers are."""
    texts = [description.answer] if description.answer is not None else []
    texts += [description.choices] if isinstance(description.choices, str) else description.choices
    return texts + ([description.labels] if isinstance(description.labels, str) else [])


def _columns_in(texts: list[str], schema: pl.Schema) -> list[str]:
    """The columns of a file that these speak of."""
    paths = {path for text in texts for path in paths_in(text)}
    names = {path if path in schema else path.partition(".")[0] for path in paths}
    return [each for each in schema if each in names]


def _texts(description: Description, frame: pl.DataFrame, schema: pl.Schema, where: str) -> pl.DataFrame:
    """Per row what its questions' texts are, with `kept`, whether the filter leaves it."""

    def field(key: str, template: str | None) -> pl.Expr:
        if template is None:
            return pl.lit(None, dtype=pl.String)
        return _trimmed(description, key, text_of(template, schema, where))

    return frame.select(
        subject=field("subject", description.subject),
        text=field("question", description.question),
        rationale=field("rationale", description.rationale).str.replace_all(r"\s+", " "),
        split=field("split", description.split if isinstance(description.split, str) else None),
        own=field("id", description.id),
        kept=_kept(description, schema, where),
    )


def _kept(description: Description, schema: pl.Schema, where: str) -> pl.Expr:
    if not description.filter:
        return pl.lit(value=True)
    tests = (
        find(path, schema, where).values.cast(pl.String).is_in(values) for path, values in description.filter.items()
    )
    return pl.all_horizontal(tests).fill_null(value=False)


def _ids(name: str, of: str, description: Description) -> pl.Expr:
    """An id of its own, else the benchmark, the source split, the subject and the row's place."""
    start = f"{name}-{of}-" if of else f"{name}-"
    subject, number = pl.col("subject").fill_null(""), pl.int_range(pl.len())
    if description.subject is None:
        made = pl.lit(start) + number.cast(pl.String).str.zfill(4)
    else:
        made = pl.lit(start) + subject + "-" + number.over(subject).cast(pl.String).str.zfill(4)
    return made if description.id is None else pl.coalesce("own", made)


def _answer(description: Description, schema: pl.Schema, where: str) -> pl.Expr:
    """The answers of questions without options, as they are written."""
    if description.answer is None or (description.choices and "choices" not in description.patterns):
        return pl.lit(None, dtype=pl.String)
    text = (aliases_of if description.kind == "text" else text_of)(description.answer, schema, where)
    return _trimmed(description, "answer", text)


def _trimmed(description: Description, field: str, text: pl.Expr) -> pl.Expr:
    """What a field's pattern finds in a text, without what is to be removed."""
    if (pattern := description.patterns.get(field)) is not None:
        text = text.str.extract(pattern).str.strip_chars()
    if (pattern := description.remove.get(field)) is not None:
        text = text.str.replace_all(pattern, "").str.strip_chars()
    return text


def _golds(answers: pl.Series, options: pl.DataFrame | None, description: Description) -> pl.DataFrame:
    """The columns choices, gold and kind of questions, and `problem` where there is no gold answer."""
    if description.kind == "labels":
        choices = pl.lit(None, dtype=pl.List(pl.String)) if options is None else options["choices"]
        kind = pl.lit("word" if options is None else "letter")
        nothing = pl.lit(None, dtype=pl.String)
        columns = {"choices": choices, "gold": nothing, "kind": kind, "problem": nothing}
        return answers.to_frame().with_columns(**columns).select(*columns)
    if options is None:
        return _written(answers, description.kind).with_columns(choices=pl.lit(None, dtype=pl.List(pl.String)))
    gold = pl.lit(LETTERS).str.slice(pl.col("right"), 1)
    lettered = options.select("choices", "problem", gold=gold, kind=pl.lit("letter"))
    if "choices" not in description.patterns:
        return lettered
    none = options.select((pl.col("choices").list.len() == 0).fill_null(value=True)).to_series()
    written = _written(answers, description.kind).with_columns(choices=pl.lit(None, dtype=pl.List(pl.String)))
    return pl.select(
        pl.when(none).then(written[each]).otherwise(lettered[each]).alias(each) for each in lettered.columns
    )


def _written(answers: pl.Series, kind: str | None) -> pl.DataFrame:
    """Canonical golds of one kind for all, and what is wrong with the others."""
    from selectllm_engine.answers import canonical_answers

    if kind is None:
        golds = canonical_answers(answers, "number")
        kind = "word" if golds.null_count() > answers.null_count() else "number"
    golds = canonical_answers(answers, kind)
    shown = answers.str.slice(0, 40)
    problem = (
        pl.when(answers.is_null())
        .then(pl.lit("it has no answer"))
        .when(golds.is_null())
        .then(pl.format(f"answer '{{}}' is no {kind}", shown))
    )
    return pl.select(gold=golds, kind=pl.lit(kind), problem=problem)


def _exemplar(row: Mapping[str, Any]) -> Exemplar:
    choices = row["choices"] and tuple(row["choices"])
    return Exemplar(row["text"], row["gold"], choices, row["rationale"], row["subject"])
