"""One LLM's results in the making: checked, numbered, and written as generations and verdicts."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from selectllm_engine.errors import ImportFormatError
from selectllm_engine.importers.option_orders import reread
from selectllm_engine.importers.questions import distinct
from selectllm_engine.store import GENERATION_SCHEMA, MEASURED, MOST, REORDERED, VERDICT_SCHEMA, stop_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from numpy.typing import NDArray

    from selectllm_engine.store import Cache, QuestionIds

__all__ = ["LLMResults", "Subjects"]

_RESERVED = {"question_id", "split"}  # columns beside the LLMs' in a router's probabilities


class Subjects:
    """The subjects of a chunk's rows, looked at once for all LLMs."""

    def __init__(self, column: pl.Series) -> None:
        self._column = column

    @cached_property
    def _coded(self) -> tuple[NDArray[np.uint32] | None, list[str | None]]:
        """A code per row and the codes' names; looked at when it is needed, beside what is being written."""
        if self._column.null_count() == len(self._column):
            return None, [None]
        found = self._column.cast(pl.Categorical)
        distinct_names = found.unique()
        by_code = dict(zip(distinct_names.to_physical(), distinct_names.cast(pl.String), strict=True))
        last = max(code for code in by_code if code is not None) + 1  # where there is none
        return found.to_physical().fill_null(last).to_numpy(), [by_code.get(code) for code in range(last + 1)]

    def counts(self, marked: pl.Series) -> dict[str | None, int]:
        """Per subject how many rows are marked; without those of which none is."""
        codes, names = self._coded
        if codes is None:
            return {None: int(marked.sum())}
        if marked.all(ignore_nulls=False):
            return self._all
        both = 2 * codes + marked.fill_null(value=False).to_numpy()  # faster than to pick the codes of those marked
        return self._named(np.bincount(both, minlength=2 * len(names))[1::2])

    @cached_property
    def _all(self) -> dict[str | None, int]:
        codes, names = self._coded
        return self._named(np.bincount(np.asarray(codes), minlength=len(names)))

    def _named(self, counts: NDArray[np.intp]) -> dict[str | None, int]:
        return {name: int(count) for name, count in zip(self._coded[1], counts, strict=True) if count}


class LLMResults:
    """One LLM's results in the making: generations are written as they come, verdicts at the end.

    Attributes:
        texts, scores: how many rows have one.
        repeated: rows left out because they are a sample that was there before.
        odd: latencies and costs that are none.
        questions: how many have a result; known at the end.
    """

    def __init__(self, name: str, facts: Mapping[str, Any]) -> None:
        if name in _RESERVED:
            raise ImportFormatError(f"there is an LLM named {name!r}", "rename it")
        self.name = name
        self.texts = self.scores = self.repeated = self.odd = self.questions = 0
        self._weights = {"id": name, "revision": None, "fingerprint": None}
        self._facts = facts
        self._waiting: list[tuple[pl.DataFrame, bool]] = []  # rows that need no writing yet, and whether none repeats
        self._verdicts: list[pl.DataFrame] = []
        self._seen: list[pl.DataFrame] = []  # question_id, sample of all rows so far
        self._once = False  # whether they are known to be of a question each
        self._right: Counter[str | None] | None = Counter()  # per subject; None where questions have several scores
        self._judged: Counter[str | None] = Counter()
        self._uncounted: list[tuple[pl.Series, Subjects]] = []

    def add(
        self,
        cache: Cache,
        benchmark: str,
        ids: pl.Series,
        rows: pl.DataFrame,
        *,
        once: bool,
        subjects: Subjects,
        letters: pl.Series | None = None,
    ) -> None:
        """Take rows of RESULTS and the questions they are about, `once` if none repeats; write those with a text.

        `letters` are those of options that the LLM saw in another order, see `option_orders`.

        Raises:
            ImportFormatError: a score is not from 0 to 1; `finish` may say it too.
        """
        rows = rows.with_columns(pl.col("score").fill_nan(None), ids)
        if letters is not None:
            answers = zip(rows["answer"], letters, strict=True)
            found = [answer if order is None else reread(answer, order) for answer, order in answers]
            rows = rows.with_columns(letters, pl.Series("answer", found, dtype=pl.String))
        texts, scores = (rows.height - rows[name].null_count() for name in ("text", "score"))
        self.texts += texts
        self.scores += scores
        if texts or scores:
            self._count(rows["score"], subjects, once=once and not texts)
            self._waiting.append((rows, once))
        if texts:
            self._take(cache, benchmark)

    @property
    def counted(self) -> list[tuple[str | None, int, int]] | None:
        """Per subject how many questions have a score, and how many are right; None where that is not known yet."""
        if self._right is None:
            return None
        return [(subject, count, self._right[subject]) for subject, count in self._judged.items()]

    def _count(self, scores: pl.Series, subjects: Subjects, *, once: bool) -> None:
        """Keep what right answers per subject are counted in, where each row is a question's only one."""
        if self._right is None or not once or self._seen:
            self._right = None
            return
        self._uncounted.append((scores, subjects))

    def count(self) -> None:
        """Count what was kept; for all LLMs of a chunk in one thread, so that its subjects are looked at once."""
        if self._right is None:
            return
        for scores, subjects in self._uncounted:
            self._judged.update(subjects.counts(scores.is_not_null()))
            self._right.update(subjects.counts(scores >= self._facts["threshold"]))

    @property
    def judged(self) -> pl.Series:
        """The questions that have a score."""
        found = [each["question_id"] for each in self._verdicts]
        return pl.concat(found) if found else pl.Series("question_id", [], dtype=pl.String)

    def several_of(self, ids: Collection[str]) -> bool:
        """Whether there are results for more than one of these questions."""
        found = {each for seen in self._seen for each in seen["question_id"].filter(seen["question_id"].is_in(ids))}
        return len(found) > 1

    def finish(
        self,
        cache: Cache,
        benchmark: str,
        questions: QuestionIds,
        more: Mapping[str, object],
        origin: Callable[[], Mapping[str, object]],
    ) -> None:
        """Write the verdicts and the manifest, with what tells this import from another; raises as `add`."""
        self._take(cache, benchmark)
        seen = pl.concat(self._seen)
        last = seen["sample"].max()
        alone = self._once or distinct(seen["question_id"])
        self.questions = seen.height if alone else seen["question_id"].n_unique()
        samples = int(last) + 1 if self.texts and isinstance(last, int) else 0
        stop = stop_of(more)
        samples = samples if stop is None else max(samples, stop[1])
        with cache.writer(benchmark, self.name) as writer:
            facts = {**self._facts, "weights": self._weights, "origin": origin(), **more, "samples": samples}
            writer.start(facts)
            if self._verdicts and not (verdicts := pl.concat(self._verdicts)).is_empty():
                writer.write_verdicts(verdicts, questions=questions, distinct=True)

    def _take(self, cache: Cache, benchmark: str) -> None:
        """Check and number the waiting rows, write those with a text, and keep the scores for the end."""
        waiting, self._waiting = self._waiting, []
        for given, once in waiting:
            rows, odd = _sane(given, self.name)
            self.odd += odd
            rows = self._numbered(rows, once=once)
            written = rows.filter(pl.col("text").is_not_null()) if rows["text"].null_count() < rows.height else None
            if written is not None:
                further = [*MEASURED, *(name for name in REORDERED if name in written.columns)]
                measured = [name for name in further if written[name].null_count() < written.height]
                with cache.writer(benchmark, self.name) as writer:
                    writer.append(written.select(*GENERATION_SCHEMA, *measured), {"source": self._facts["source"]})
            judged = rows.filter(pl.col("score").is_not_null()) if rows["score"].has_nulls() else rows
            self._verdicts.append(judged.select(VERDICT_SCHEMA.names()))

    def _numbered(self, rows: pl.DataFrame, *, once: bool) -> pl.DataFrame:
        """The rows with sample numbers, without samples that were there before."""
        key = ["question_id", "sample"]
        ids = pl.concat([*(each["question_id"] for each in self._seen), rows["question_id"]])
        self._once = once and not self._seen
        if self._once or distinct(ids):  # every question once: nothing repeats
            rows = rows.with_columns(pl.col("sample").fill_null(0))
            self._seen.append(rows.select(key))
            return rows
        if rows["sample"].has_nulls():
            counted = pl.DataFrame([ids]).select(pl.int_range(pl.len(), dtype=pl.Int32).over("question_id"))
            rows = rows.with_columns(sample=pl.coalesce("sample", pl.lit(counted[:, 0].tail(rows.height))))
        both = pl.concat([*self._seen, rows.select(key)])
        if both.select(pl.struct(key).hash().n_unique()).item() < both.height:
            first = rows.unique(key, keep="first", maintain_order=True)
            if self._seen:
                first = first.join(pl.concat(self._seen), on=key, how="anti", maintain_order="left")
            self.repeated += rows.height - first.height
            rows = first
        self._seen.append(rows.select(key))
        return rows


def _sane(rows: pl.DataFrame, llm: str) -> tuple[pl.DataFrame, int]:
    """The rows that hold something, and how many latencies and costs are none; raises for scores outside 0 to 1."""
    wrong = rows.filter(~pl.col("score").is_between(0, 1))
    if not wrong.is_empty():
        score, question = wrong.row(0, named=True)["score"], wrong["question_id"][0]
        raise ImportFormatError(
            f"the score {score:g} of {llm} on question {question!r} is not from 0 to 1",
            "scale scores so that 0 is wrong and 1 right",
        )
    odd = 0
    for name in MEASURED:
        if rows[name].null_count() < rows.height:
            good = pl.col(name).is_between(0, MOST)
            odd += rows.select((~good).sum()).item()
            rows = rows.with_columns(pl.when(good).then(name))
    keep = pl.col("score").is_not_null() | pl.col("text").is_not_null()
    return rows.filter(keep) if rows["score"].has_nulls() else rows, odd
