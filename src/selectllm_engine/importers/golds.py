"""Gold answers as other tools write them → canonical ones, and of which kind they are.

The kind of a question without one, decided per subject where a single gold answer can't tell:

- "letter" where it has options, or where all gold answers of its subject are single letters.
- "number" where the whole gold answer is a number, apart from currency, percent and a unit ("10 km" is 10). Dates,
  lists, pairs, versions and ranges are none.
- else "word", where it is short enough to be extracted.

A gold answer that is none of its kind is dropped: recorded scores decide then. So is one that all questions of a
subject share where there are scores, for it stands for nothing, as the 0 of a task that is judged otherwise.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.answers.kinds import KINDS as _ANSWER_KINDS
from selectllm_engine.benchmarks import LETTERS, QUESTION_SCHEMA
from selectllm_engine.importers.printed_lists import texts_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["KINDS", "canonical_golds"]

KINDS = (*_ANSWER_KINDS, "labels", "none")
_LETTER = r"^\s*\(?[A-Za-z][).]?\s*$"
_FIGURES = (
    r"(?:\d{1,3}(?:[,'’ \x{00a0}\x{2009}\x{202f}]\d{3})+(?:\.\d+)?"  # 1,200.5
    r"|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}"  # 1.200,5
    r"|\d{1,2}(?:,\d\d)+,\d{3}"  # 1,00,000
    r"|\d+(?:[.,]\d+)?\.?|\.\d+|(?:\d+[ ])?\d+ ?/ ?\d+)"
)
_NUMBER = rf"^[-+−]?\s*\\?[$€£¥₹]?\s*[-+−]?{_FIGURES}(?:[eE][-+]?\d+)?\s*(?:\\?%|[$€£¥₹])?\.?$"
_UNITS = (
    r"(?:(?:square|cubic|sq\.?|cu\.?) )?(?:[kcmdµμn]?m|km|miles?|mi|feet|foot|ft|inch(?:es)?|yards?|yd|[kcmd]?g|[mk]?t"
    r"|lbs?|pounds?|ounces?|oz|tons?|tonnes?|(?:kilo|centi|milli)?(?:met(?:er|re)s?|grams?|lit(?:er|re)s?)|[mcd]?[lL]"
    r"|gal(?:lons?)?"
    r"|[mµn]?s|secs?|seconds?|mins?|minutes?|hrs?|h|hours?|days?|weeks?|months?|years?|[kMG]?(?:J|W|Hz|Pa|N|V|A|eV|Wh|B)"
    r"|[kc]al|°[CF]?|degrees?(?: (?:Celsius|Fahrenheit))?|K|Ω|mol|mph|kph|bytes?|bits?|percent|per ?cent|dollars?"
    r"|euros?|cents?|pence|USD|EUR|GBP|INR|units?|times|people|persons?)(?:\^?[23²³])?"
)
_CLOSE_UNITS = r"(?:[kcmµ]m[²³]?|[km]g|m[lL]|ms|mph|km/h|m/s|[kMGT]B|[kMG]?Hz|lbs?|oz|ft|°[CF]?)"  # "10km"
_WITH_UNIT = (
    rf"^(?P<number>[-+−]?\s*[$€£¥]?\s*[-+−]?{_FIGURES})"
    rf"(?:\s*{_CLOSE_UNITS}|\s+{_UNITS}(?:(?:/| per ){_UNITS})?)\.?$"
)
_WITH_NOUN = rf"^(?P<number>[-+−]?{_FIGURES}) [a-zà-ÿ]{{2,}}(?: [a-zà-ÿ]{{2,}})?\.?$"  # "12 apples", where all are so
_SOLVED = r"(?:####|\nA:|\nAnswer:)\s*([^\n]*\S)\s*$"  # how gold solutions end
_PLACE = r"^\d{1,2}$"
_LONGEST_WORD = 60  # characters
_SHARED = 5  # questions from which on one gold answer for all of a subject is none


def canonical_golds(
    questions: pl.DataFrame, kind: str | None, note: Callable[[str], None], *, scored: bool = False
) -> pl.DataFrame:
    """The questions as rows of QUESTION_SCHEMA; `split` stays as it is.

    Args:
        questions: with question_id, text, choices, gold, kind, subject and split.
        kind: of all questions, one of KINDS; "labels" and "none" drop gold answers, None leaves it to each question.
        note: told what became of gold answers that are not used as they are.
        scored: whether verdicts are recorded, which can decide instead.
    """
    if kind in {"labels", "none"}:
        questions = questions.with_columns(gold=pl.lit(None, dtype=pl.String))
    elif kind is not None:
        questions = questions.with_columns(kind=pl.lit(kind))
    if questions["gold"].null_count() == questions.height:
        return _shaped(questions.with_columns(kind=_kind_without_gold()))
    questions = questions.with_columns(_single(questions["gold"]))
    questions = questions.with_columns(
        gold=pl.coalesce(pl.col("gold").str.extract(_SOLVED), pl.col("gold").str.strip_chars())
    ).with_columns(gold=pl.when(pl.col("gold") != "").then("gold"))
    if scored and kind is None:
        questions = _without_placeholders(questions, note)
    questions = _placed(questions.with_columns(kind=_kind()), note)
    questions = _without_units(questions, note)
    golds = _canonical(questions.select("gold", "kind", "choices", "lettered"))
    if dropped := golds.null_count() - questions["gold"].null_count():
        note(f"{dropped:,} gold answers are no number, letter or short word: dropped, recorded scores decide")
    return _shaped(questions.with_columns(golds))


def _single(golds: pl.Series) -> pl.Series:
    """Gold answers without the brackets of a printed list of one; several that differ are none."""
    listed = golds.str.contains(r"^\s*\[.*\]\s*$") & golds.is_not_null()
    if not listed.any():
        return golds
    found = [
        _only(gold) if several else gold for gold, several in zip(golds, listed.fill_null(value=False), strict=True)
    ]
    return pl.Series("gold", found, dtype=pl.String)


def _only(gold: str) -> str | None:
    listed = texts_of(gold)
    if listed is None:  # brackets that mean something else, such as an interval
        return gold
    distinct = dict.fromkeys(each.strip() for each in listed)
    return next(iter(distinct)) if len(distinct) == 1 else None


def _without_placeholders(questions: pl.DataFrame, note: Callable[[str], None]) -> pl.DataFrame:
    """Golds that are the same for all questions of a subject stand for nothing, except among options."""
    free = pl.col("choices").list.len().fill_null(0) == 0
    same = (pl.col("gold").n_unique() == 1) & pl.col("gold").is_not_null().all() & (pl.len() >= _SHARED) & free.all()
    marked = questions.select(placeholder=same.over("subject"))["placeholder"]
    if not marked.any():
        return questions
    for subject, gold in (
        questions.filter(marked).unique("subject", maintain_order=True).select("subject", "gold").rows()
    ):
        of = f"{subject}: " if subject else ""
        note(f"{of}all gold answers are {gold[:40]!r}, which stands for nothing: recorded scores decide")
    return questions.with_columns(gold=pl.when(~marked).then("gold"))


def _placed(questions: pl.DataFrame, note: Callable[[str], None]) -> pl.DataFrame:
    """Golds of a subject that are all places of options, from 0 or from 1, as letters in parentheses.

    With the column `lettered`: whether the letters of a question's gold are letters, not an option's text.
    """
    count = pl.col("choices").list.len().fill_null(0)
    with_gold = pl.col("gold").is_not_null()
    place = pl.when(pl.col("gold").str.contains(_PLACE)).then(pl.col("gold")).cast(pl.Int32, strict=False)
    is_text = pl.col("choices").list.contains(pl.col("gold")).fill_null(value=False)
    questions = questions.with_columns(place=place, count=count, is_text=is_text)
    open_ = with_gold & (pl.col("kind") == "letter") & (pl.col("count") > 0)
    places = (~open_ | pl.col("place").is_not_null()).all().over("subject")
    no_texts = (~open_ | ~pl.col("is_text")).any().over("subject")  # options that are all numbers: texts
    from_0 = places & no_texts & ((pl.col("place") == 0) & open_).any().over("subject")
    from_0 &= (~open_ | (pl.col("place") < pl.col("count"))).all().over("subject")
    from_1 = places & no_texts & (~open_ | pl.col("place").is_between(1, pl.col("count"))).all().over("subject")
    from_1 &= (open_ & (pl.col("place") == pl.col("count"))).any().over("subject")
    first = pl.when(open_ & from_0).then(0).when(open_ & from_1).then(1)
    letters = pl.col("gold").str.extract(r"([A-Za-z])").str.to_uppercase()
    within = pl.col("gold").str.contains(_LETTER) & letters.replace_strict(
        {letter: at for at, letter in enumerate(LETTERS)}, default=len(LETTERS), return_dtype=pl.Int32
    ).lt(pl.col("count"))
    questions = questions.with_columns(first=first, lettered=(~open_ | within).all().over("subject"))
    index = pl.col("place") - pl.col("first")
    letter = pl.lit("(") + index.replace_strict(dict(enumerate(LETTERS)), default=None, return_dtype=pl.String) + ")"
    if placed := int(questions["first"].is_not_null().sum()):
        note(f"{placed:,} gold answers are places of options, from {questions['first'].drop_nulls()[0]} on")
    questions = questions.with_columns(gold=pl.when(pl.col("first").is_not_null()).then(letter).otherwise("gold"))
    return questions.drop("place", "count", "is_text", "first")


def _without_units(questions: pl.DataFrame, note: Callable[[str], None]) -> pl.DataFrame:
    """Numbers without their units: known ones, and any noun where all gold answers of the subject are so."""
    gold = pl.col("gold")
    word = (pl.col("kind") == "word") & gold.is_not_null()
    if not questions.select((word & gold.str.contains(r"^[-+−$€£¥.\d]")).any()).item():
        return questions
    number = pl.col("kind") == "number"
    plain = gold.str.extract(_WITH_UNIT)
    counted = gold.str.extract(_WITH_NOUN)
    every = (number | gold.is_null() | plain.is_not_null() | counted.is_not_null()).all().over("subject")
    several = (gold.is_not_null().sum() > 1).over("subject")
    found = pl.when(word).then(pl.coalesce(plain, pl.when(every & several).then(counted)))
    questions = questions.with_columns(found=found)
    if changed := questions["found"].len() - questions["found"].null_count():
        example = questions.filter(pl.col("found").is_not_null()).row(0, named=True)
        note(
            f"{changed:,} gold answers are numbers with a unit: {example['gold'][:40]!r} is {example['found'].strip()}"
        )
    is_number = pl.col("found").is_not_null()
    return questions.with_columns(
        gold=pl.coalesce("found", "gold"), kind=pl.when(is_number).then(pl.lit("number")).otherwise("kind")
    ).drop("found")


def _canonical(given: pl.DataFrame) -> pl.Series:
    """The canonical gold answers; those that many questions share are looked at once."""
    if given["choices"].null_count() == given.height:
        each = given.select("gold", "kind").unique()
        each = each.with_columns(choices=pl.lit(None, dtype=pl.List(pl.String)), lettered=pl.lit(value=True))
        found = each.select("gold", "kind").with_columns(found=_golds(each))
        return given.join(found, on=["gold", "kind"], how="left", maintain_order="left")["found"].alias("gold")
    return _golds(given)


def _golds(rows: pl.DataFrame) -> pl.Series:
    found = (None if row[0] is None else _gold(*row) for row in rows.iter_rows())
    return pl.Series("gold", list(found), dtype=pl.String)


def _shaped(questions: pl.DataFrame) -> pl.DataFrame:
    return questions.select(pl.col(name).cast(dtype) for name, dtype in QUESTION_SCHEMA.items())


def _kind_without_gold() -> pl.Expr:
    lettered = pl.when(pl.col("choices").list.len() > 0).then(pl.lit("letter")).otherwise(pl.lit("word"))
    return pl.coalesce("kind", lettered)


def _kind() -> pl.Expr:
    letters = pl.col("gold").str.contains(_LETTER)
    lettered = letters.all().over("subject") & letters.any().over("subject")
    return (
        pl.when(pl.col("kind").is_not_null())
        .then("kind")
        .when(pl.col("choices").list.len() > 0)
        .then(pl.lit("letter"))
        .when(lettered)
        .then(pl.lit("letter"))
        .when(pl.col("gold").str.contains(_NUMBER))
        .then(pl.lit("number"))
        .otherwise(pl.lit("word"))
    )


def _gold(gold: str, kind: str, choices: Sequence[str] | None, lettered: bool) -> str | None:
    from selectllm_engine.answers import canonical  # its patterns are compiled, for which there may be no need

    if kind == "letter":
        options = len(choices) if choices else len(LETTERS)
        if options > len(LETTERS):
            return None
        fitting = [letter for letter, text in zip(LETTERS, choices or (), strict=False) if text.strip() == gold]
        if len(fitting) == 1 and not lettered:
            return fitting[0]
        letter = gold.strip(" ().").upper()
        if len(letter) == 1 and letter in LETTERS[:options]:
            return letter
        return canonical(gold, "letter", options) or (fitting[0] if len(fitting) == 1 else None)
    if kind == "word" and (len(gold) > _LONGEST_WORD or re.search(r"[\n\\{}]", gold)):
        return None
    return canonical(gold, kind)
