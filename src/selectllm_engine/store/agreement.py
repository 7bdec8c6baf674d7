"""Whose verdict counts: another tool's recorded one, or that of our own reading of the texts, per LLM and subject.

Where a subject has both, they are compared question by question. Ours decides, and texts vote, where for every LLM at
least `AGREEMENT` of the verdicts agree, or where a person chose so; else the recorded verdict is the label. Like is
compared with like: one score for all samples of a question with the vote's verdict; a score for every sample, whose
mean says whether the LLM is right, with the share of the samples that are right by our own reading.

What a person chose is in the LLM's manifest, as `verdicts`. The counts are derived from answers and recorded verdicts
and kept beside the answers, so that opening a run again compares nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import polars as pl
import xxhash

from selectllm_engine.answers import EXTRACTOR_VERSION
from selectllm_engine.errors import UsageError
from selectllm_engine.store.frames import keep_derived, read_derived

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "AGREEMENT",
    "Judge",
    "VerdictChoice",
    "chosen_judges",
    "compare",
    "count",
    "count_scores",
    "renewal",
    "stored_counts",
    "threshold_of",
]

AGREEMENT = 0.98
Judge = Literal["own", "recorded"]
_WAYS = ("auto", *get_args(Judge))
_COUNTS = pl.Schema(
    {
        "subject": pl.String(),
        "questions": pl.Int64(),  # with any result
        "both": pl.Int64(),  # with both verdicts
        "agreeing": pl.Int64(),
        "recorded": pl.Int64(),  # with a recorded verdict
        "recorded_right": pl.Int64(),
        "own": pl.Int64(),  # with a verdict of our own
        "own_right": pl.Int64(),
        "samples": pl.Int64(),
        "missing": pl.Int64(),  # samples without an answer
        "empty": pl.Int64(),
        "cut": pl.Int64(),  # null where nobody said why texts ended
        "cut_missing": pl.Int64(),  # samples cut off before they gave an answer
    }
)


@dataclass(frozen=True, slots=True)
class VerdictChoice:
    """What a person chose: "auto", "own" or "recorded" for all subjects, and for some by name."""

    everywhere: str = "auto"
    subjects: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, words: Iterable[str]) -> VerdictChoice:
        """The choice that `own` or `SUBJECT=own`, perhaps several of them, say; raises UsageError."""
        everywhere, subjects = "auto", {}
        for word in words:
            subject, named, way = word.rpartition("=")
            if way not in _WAYS:
                raise UsageError(
                    f"--verdicts {word[:60]} is no choice", f"write {', '.join(_WAYS)}, or SUBJECT=one of them"
                )
            if named:
                subjects[subject] = way
            else:
                everywhere = way
        return cls(everywhere, subjects)

    @classmethod
    def of(cls, manifest: Mapping[str, object]) -> VerdictChoice:
        """The choice that an LLM's manifest holds."""
        stored = manifest.get("verdicts")
        stored = stored if isinstance(stored, dict) else {}
        subjects = stored.get("subjects")
        return cls(
            stored["all"] if stored.get("all") in _WAYS else "auto",
            {name: way for name, way in subjects.items() if way in _WAYS} if isinstance(subjects, dict) else {},
        )

    def stored(self) -> dict[str, object]:
        """As a manifest holds it."""
        return {"all": self.everywhere, "subjects": dict(self.subjects)}

    def way(self, subject: str | None) -> str:
        """Of one subject."""
        return self.subjects.get(subject or "", self.everywhere)


def threshold_of(manifest: Mapping[str, object]) -> float:
    """The mean recorded score from which on an LLM is right on a question."""
    value = manifest.get("threshold")
    return float(value) if isinstance(value, int | float) else 0.5


def compare(
    questions: pl.DataFrame, answers: pl.DataFrame, verdicts: pl.DataFrame | None, threshold: float
) -> pl.DataFrame:
    """Both verdicts on every question that an LLM has a result for.

    Args:
        questions: with question_id, gold and what else is wanted.
        answers: as of `Cache.answers`.
        verdicts: as of `Cache.verdicts`; None where nothing is recorded.
        threshold: the lowest mean score that makes the LLM right.

    Returns:
        The questions' columns; vote (null where no answer was found), own (is it right; null without gold answer or
        samples), alike (the same, but where every sample has a score whether so many samples are right),
        recorded_answer (of the first sample), recorded_score (the mean), recorded (is it right; null where unknown).
    """
    both = questions.join(_votes(answers), on="question_id", how="left", maintain_order="left")
    known = pl.col("gold").is_not_null() & pl.col("sampled").is_not_null()
    both = both.with_columns(own=pl.when(known).then(pl.col("vote").eq_missing(pl.col("gold"))))
    if verdicts is None or verdicts.is_empty():
        nothing: dict[str, Any] = {"recorded_answer": pl.String, "recorded_score": pl.Float64, "recorded": pl.Boolean}
        both = both.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in nothing.items())
        return both.with_columns(alike="own").filter(pl.col("sampled").is_not_null())
    both = both.join(_recorded(verdicts), on="question_id", how="left", maintain_order="left")
    both = both.filter(pl.col("sampled").is_not_null() | pl.col("scores").is_not_null())
    right = answers.join(questions.select("question_id", "gold"), on="question_id")
    share = right.group_by("question_id").agg(share=pl.col("answer").eq_missing(pl.col("gold")).mean())
    both = both.join(share, on="question_id", how="left", maintain_order="left")
    every = (pl.col("scores") > 1) & known
    return both.with_columns(
        alike=pl.when(every).then(pl.col("share") >= threshold).otherwise("own"),
        recorded=pl.col("recorded_score") >= threshold,
    ).drop("share", "scores")


def _votes(answers: pl.DataFrame) -> pl.DataFrame:
    """The answer of most samples of every question, the first seen of several; null where none was found."""
    sampled = answers.group_by("question_id", maintain_order=True).agg(sampled=pl.len())
    said = answers.filter(pl.col("answer").is_not_null())
    if sampled.height == answers.height:
        votes = said.select("question_id", vote="answer")
    else:
        counted = said.group_by("question_id", "answer").agg(votes=pl.len(), first=pl.col("sample").min())
        ordered = counted.sort("votes", "first", descending=[True, False])
        votes = ordered.unique("question_id", keep="first", maintain_order=True).select("question_id", vote="answer")
    return sampled.join(votes, on="question_id", how="left")


def _recorded(verdicts: pl.DataFrame) -> pl.DataFrame:
    if verdicts["sample"].n_unique() == 1:
        return verdicts.select("question_id", recorded_answer="answer", recorded_score="score", scores=pl.lit(1))
    grouped = verdicts.sort("sample").group_by("question_id")
    return grouped.agg(
        recorded_answer=pl.col("answer").first(), recorded_score=pl.col("score").mean(), scores=pl.col("score").count()
    )


def count(questions: pl.DataFrame, answers: pl.DataFrame, both: pl.DataFrame) -> pl.DataFrame:
    """What `compare` found, per subject, in order of their first questions: rows of counts.

    Args:
        questions: with question_id and subject.
        answers: as of `Cache.answers`.
        both: what `compare` returned, with subject.
    """
    right, judged = pl.col("alike") == pl.col("recorded"), pl.col("alike").is_not_null()
    verdicts = both.group_by("subject", maintain_order=True).agg(
        questions=pl.len(),
        both=(judged & pl.col("recorded").is_not_null()).sum(),
        agreeing=right.sum(),
        recorded=pl.col("recorded").count(),
        recorded_right=pl.col("recorded").sum(),
        own=pl.col("own").count(),
        own_right=pl.col("own").sum(),
    )
    of_subject = answers.join(questions.select("question_id", "subject"), on="question_id")
    said = of_subject.group_by("subject").agg(
        samples=pl.len(),
        missing=pl.col("answer").is_null().sum(),
        empty=pl.col("empty").sum(),
        cut=pl.when(pl.col("cut").is_not_null().any()).then(pl.col("cut").sum()),
        cut_missing=(pl.col("cut") & pl.col("answer").is_null()).sum(),
    )
    found = verdicts.join(said, on="subject", how="left", nulls_equal=True, maintain_order="left")
    found = found.with_columns(pl.col("samples", "missing", "empty", "cut_missing").fill_null(0))
    return found.select(pl.col(name).cast(dtype) for name, dtype in _COUNTS.items())


def count_scores(questions: pl.DataFrame, verdicts: pl.DataFrame, threshold: float) -> pl.DataFrame:
    """As `count`, of an LLM without texts."""
    if questions.height == verdicts.height and questions["question_id"].equals(verdicts["question_id"]):
        scores = pl.DataFrame({"subject": questions["subject"], "score": verdicts["score"]})  # one each, in order
    else:
        mean = verdicts.group_by("question_id").agg(pl.col("score").mean())
        scores = questions.select("question_id", "subject").join(mean, on="question_id", maintain_order="left")
    right = (pl.col("score") >= threshold).sum()
    found = scores.group_by("subject", maintain_order=True).agg(questions=pl.len(), recorded_right=right)
    found = found.with_columns(recorded="questions")
    nothing = [pl.lit(0).alias(name) for name in _COUNTS if name not in found.columns]
    return found.with_columns(nothing).select(pl.col(name).cast(dtype) for name, dtype in _COUNTS.items())


def renewal(questions: pl.DataFrame, before: pl.DataFrame, now: pl.DataFrame) -> str:
    """In words what other rules of finding answers changed.

    Args:
        questions: with question_id and gold.
        before: the answers then, as of `Cache.answers`.
        now: the answers that took their place.
    """
    both = before.select("question_id", "sample", old="answer").join(now, on=["question_id", "sample"])
    changed = both.filter(pl.col("old").ne_missing(pl.col("answer"))).height
    said = f"the rules of finding answers have changed: {now.height:,} were extracted anew, {changed:,} are others"
    shares = [_own_share(questions, answers) for answers in (before, now)]
    if not changed or None in shares:
        return said
    then, since = (f"{100 * (share or 0):.1f}" for share in shares)
    return f"{said}; right by our own reading: {then} → {since} % of the questions"


def _own_share(questions: pl.DataFrame, answers: pl.DataFrame) -> float | None:
    own = compare(questions.select("question_id", "gold"), answers, None, 0.5)["own"].drop_nulls()
    return None if own.is_empty() else int(own.sum()) / len(own)


def stored_counts(
    folder: Path, state: Sequence[Any], *, writable: bool, make: Callable[[], pl.DataFrame]
) -> pl.DataFrame:
    """The counts of an LLM, from `folder` where they are about `state`, else made now and, where possible, kept."""
    key = xxhash.xxh3_64_hexdigest(repr([EXTRACTOR_VERSION, AGREEMENT, *state]).encode())
    path = folder / f"judged-v{EXTRACTOR_VERSION}-{key}.parquet"
    if (known := read_derived(path, _COUNTS)) is not None:
        return known
    made = make()
    if writable:
        keep_derived(path, made, "judged-v*.parquet")
    return made


def chosen_judges(
    counts: Mapping[str, pl.DataFrame], choices: Mapping[str, VerdictChoice], scored: Iterable[str]
) -> dict[str, dict[str | None, Judge]]:
    """Per LLM and subject whose verdict counts.

    A question without the verdict that counts goes by the other where that is sure not to be wrong: a recorded one
    stands in for ours where there is no gold answer, never ours for a recorded one.

    Args:
        counts: per LLM its counts.
        choices: per LLM what a person chose.
        scored: the LLMs that verdicts were recorded of; texts alone decide about the others.
    """
    scored = set(scored)
    proven: dict[str | None, bool] = {}
    recorded: set[str | None] = set()
    for llm, frame in counts.items():
        recorded.update(frame.filter(pl.col("recorded") > 0)["subject"])
        for subject, both, agreeing in frame.select("subject", "both", "agreeing").iter_rows():
            if choices[llm].way(subject) == "auto" and both:
                proven[subject] = proven.get(subject, True) and agreeing >= AGREEMENT * both
    judges: dict[str, dict[str | None, Judge]] = {}
    for llm, frame in counts.items():
        judges[llm] = {}
        for subject, own in frame.select("subject", "own").iter_rows():
            way = choices[llm].way(subject)
            if llm not in scored or way == "own" or (way == "auto" and subject not in recorded):
                judges[llm][subject] = "own"
            else:
                trusted = way == "auto" and own and proven.get(subject, False)
                judges[llm][subject] = "own" if trusted else "recorded"
    return judges
