"""What importers hand over, joined on the question and stored as a benchmark, whole or not at all.

An importer yields `Record`s to `store`, one per sample, in any order; or, for millions of rows, `Chunk`s to
`store_chunks`. It fills a `Reading` while it does: `reading.skip(reason)` for a row it can't use, `reading.note(text)`
for what a person should know. Everything else happens here:

- A question is known by its `key`, or without one by a digest of its text and options. What several files say of one
  question must agree; what one leaves out another may give. Rows are joined on it, and a question that an LLM lacks
  stays.
- Texts become generations, so that answers are extracted again; scores and answers of the other tool become
  verdicts beside them, and where both are there `store.agreement` says whose counts. A row needs a text or a score. A
  score is a number from 0 to 1, at least `threshold` is right; one that is missing is unknown.
- Options that LLMs saw in different orders are brought into one (see `option_orders`).
- Gold answers become canonical; without a `kind` it is inferred (see `golds`).
- Where the benchmark is there already, further LLMs are added to it: their questions are matched by id, else by text
  and options. An LLM that it has already is refused, except where the same import (`origin`) brought it: then
  nothing is read or changed.

A benchmark appears, or grows, once all is read: an error before changes nothing.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl

from selectllm_engine.benchmarks import QUESTION_SCHEMA, SPLITS
from selectllm_engine.errors import CacheError, DamagedError, ImportFormatError, UnknownNameError
from selectllm_engine.importers.earlier_imports import accuracies, digest_of, facts_of, tell_moved
from selectllm_engine.importers.formats import Imported
from selectllm_engine.importers.golds import canonical_golds
from selectllm_engine.importers.option_orders import Orders
from selectllm_engine.importers.questions import QUESTIONS, Ids, ImportedQuestions, contradiction, quoted
from selectllm_engine.importers.records import RESULTS, Chunk, Options, Reading, Record, chunks_of, origin_of, shaped
from selectllm_engine.importers.results import LLMResults, Subjects
from selectllm_engine.importers.splits import split_questions
from selectllm_engine.store import QuestionIds, VerdictChoice, refuse_twin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from selectllm_engine.store import Cache

__all__ = ["RESULTS", "Chunk", "Options", "Reading", "Record", "origin_of", "store", "store_chunks"]

_FEW = 0.01  # share of the questions that may have another text elsewhere, as in another edition of a data set


def store(
    cache: Cache,
    benchmark: str,
    records: Iterable[Record],
    *,
    source: str,
    origin: Mapping[str, object],
    options: Options | None = None,
    reading: Reading | None = None,
) -> Imported:
    """Store records as a new benchmark, or as further LLMs of one that is there. Memory is bounded by the questions.

    Args:
        cache: where to store it.
        benchmark: its name.
        records: consumed once, after it is clear that they are new.
        source: the format's name, such as "lm-eval".
        origin: what tells this import from another, as of `origin_of`; JSON.
        options: splits, threshold and kind of gold answers.
        reading: what the importer notes while `records` is consumed; every record counts as a row.

    Raises:
        ImportFormatError: there is nothing to store, or files contradict each other.
        UsageError: a name that can't be stored.
        CacheError: the benchmark has one of these LLMs already, or the cache can't be written.
    """
    reading = reading or Reading()
    chunks = chunks_of(records, reading)
    return store_chunks(
        cache, benchmark, chunks, source=source, origin=lambda: origin, options=options, reading=reading
    )


def store_chunks(
    cache: Cache,
    benchmark: str,
    chunks: Iterable[Chunk],
    *,
    source: str,
    origin: Callable[[], Mapping[str, object]],
    options: Options | None = None,
    reading: Reading | None = None,
) -> Imported:
    """As `store`, from frames; here the importer itself counts `reading.rows`, and `origin` is asked when needed."""
    options, reading = options or Options(), reading or Reading()
    there = benchmark in cache.benchmarks()

    @lru_cache(maxsize=1)  # it reads the files
    def told() -> dict[str, object]:
        return dict(json.loads(json.dumps({**origin(), **options.origin()})))  # as it is stored

    if there and not options.again and (same := _before(cache, benchmark, told(), options)):
        return same
    facts = {"source": f"import:{source}", "threshold": options.threshold}
    again = there and options.again
    whole = again and all(digest_of(cache, benchmark, llm) == told().get("digest") for llm in cache.llms(benchmark))
    before = accuracies(cache, benchmark) if again else {}
    with _fresh(cache, benchmark, there=there, again=again, whole=whole) as fresh:
        stored = cache.questions(benchmark) if there and not whole else None
        known = facts_of(cache, benchmark) if again else {}
        taken = [llm for llm in cache.llms(benchmark) if llm not in known] if there else []
        target = _Target(fresh, benchmark, facts, options, stored, taken=taken, known=known)
        for chunk in chunks:
            target.add(chunk)
        target.drop_empty(reading)
        if not target.llms:
            raise ImportFormatError("there is nothing to import", _nothing(reading))
        questions = target.finish(reading, told)
    if again:
        tell_moved(cache, benchmark, before, reading)
    return Imported(
        benchmark,
        tuple(target.llms),
        _counts(questions),
        reading.rows,
        dict(reading.skipped),
        tuple(reading.notes),
        both=any(llm.texts and llm.scores for llm in target.llms.values()),
        scores={name: found for name, llm in target.llms.items() if (found := llm.counted) is not None},
    )


def _nothing(reading: Reading) -> str:
    reasons = [f"{count:,} rows skipped: {reason}" for reason, count in reading.skipped.items()]
    return "; ".join([*reasons, *reading.notes]) or "name a file with results"


@contextmanager
def _fresh(cache: Cache, benchmark: str, *, there: bool, again: bool, whole: bool) -> Iterator[Cache]:
    if whole:
        place = cache.replacing(benchmark)
    else:
        place = cache.growing(benchmark, again=again) if there else cache.new(benchmark)
    with place as fresh:
        fresh.write_questions(benchmark, pl.DataFrame(schema=QUESTION_SCHEMA))  # writers need some; the rest follows
        yield fresh


def _before(cache: Cache, benchmark: str, origin: Mapping[str, object], options: Options) -> Imported | None:
    """What the same import stored before; another choice of whose verdict counts is stored."""
    found, rows = [], 0
    for name in cache.llms(benchmark):
        try:
            manifest = cache.manifest(benchmark, name)
        except DamagedError:
            continue
        if manifest.get("origin") == origin:
            found.append(name)
            rows = manifest.get("rows", 0)
    if not found:
        return None
    questions = cache.questions(benchmark)
    if (choice := options.verdicts) is not None:
        _check_subjects(choice, questions)
        cache.update(benchmark, found, verdicts=choice.stored())
    return Imported(benchmark, tuple(found), _counts(questions), rows, unchanged=True)


def _check_subjects(choice: VerdictChoice, questions: pl.DataFrame) -> None:
    """Raise UnknownNameError where verdicts are chosen for a subject that there is not."""
    known = [each or "" for each in questions["subject"].unique(maintain_order=True)]
    for subject in choice.subjects:
        if subject not in known:
            raise UnknownNameError("subject", subject, known)


def _counts(questions: pl.DataFrame) -> dict[str, int]:
    """Questions per split."""
    counts = questions.select((pl.col("split") == split).sum().alias(split) for split in SPLITS).row(0, named=True)
    return {split: count for split, count in counts.items() if count}


class _Target:
    """The benchmark in the making; `stored` are its questions and `taken` its LLMs that were there before.

    `known` says of LLMs that are imported again what stays of them.
    """

    def __init__(
        self,
        cache: Cache,
        benchmark: str,
        facts: Mapping[str, object],
        options: Options,
        stored: pl.DataFrame | None,
        *,
        taken: Sequence[str],
        known: Mapping[str, Mapping[str, object]],
    ) -> None:
        self.llms: dict[str, LLMResults] = {}
        self._cache = cache
        self._benchmark = benchmark
        self._facts = facts
        self._options = options
        self._stored = stored
        self._taken = taken
        self._known = known
        self._ids = Ids(benchmark, stored)
        self._orders = Orders(stored)
        self._questions = ImportedQuestions()

    def add(self, chunk: Chunk) -> None:
        """Take the rows of a chunk; generations are written at once."""
        questions = shaped(chunk.questions, QUESTIONS)
        text = questions["question"]
        if text.has_nulls() or (text == "").any():
            raise ImportFormatError("a row has no question", "fill it in or leave the row out")
        ids, once = self._ids.of(questions)
        questions, letters = self._orders.align(questions.with_columns(ids))
        self._questions.add(questions.drop("key"), once=once)
        subjects = Subjects(questions["subject"])
        for name, frame in chunk.results.items():
            if name not in self.llms:
                refuse_twin("LLM", name, [*self.llms, *self._taken, *self._known])
                if name in self._taken:
                    raise CacheError(
                        f"{self._benchmark} has results of {name} already, from something else",
                        "choose another --benchmark, or remove them with selectllm cache remove --llm",
                    )
                self.llms[name] = LLMResults(name, self._facts)
            rows = shaped(frame, RESULTS)
            self.llms[name].add(self._cache, self._benchmark, ids, rows, once=once, subjects=subjects, letters=letters)

    def drop_empty(self, reading: Reading) -> None:
        """Forget LLMs without any result."""
        for name in [name for name, llm in self.llms.items() if not llm.texts and not llm.scores]:
            del self.llms[name]
            reading.note(f"{name} has no results: left out")

    def finish(self, reading: Reading, origin: Callable[[], Mapping[str, object]]) -> pl.DataFrame:
        """Write questions, verdicts and manifests; the questions that this import is about."""
        self._check_texts(reading)
        scored = any(llm.scores for llm in self.llms.values())
        about, new = self._complete(self._questions.all(), reading, scored=scored)
        self._check_judged(about, reading, scored=scored)
        known = [] if self._stored is None else [self._stored["question_id"]]
        ids = QuestionIds(
            pl.concat([*known, new["question_id"]]).unique(maintain_order=True) if known else new["question_id"]
        )
        now = datetime.now(UTC)
        with ThreadPoolExecutor(3) as threads:  # of many rows, writing is what takes time
            work: list[Future[Any]] = [threads.submit(self._cache.write_questions, self._benchmark, new, distinct=True)]
            work.append(told := threads.submit(origin))  # which reads the files again
            work.append(threads.submit(self._count))
            for place, llm in enumerate(self.llms.values()):
                created = (now + timedelta(microseconds=place)).isoformat(timespec="microseconds")
                choice = self._options.verdicts or VerdictChoice()
                facts = {"created": created, "rows": reading.rows, "scored": scored, "verdicts": choice.stored()}
                if stop := reading.stops.get(llm.name):
                    facts["stop"] = {"rule": str(stop[0]), "samples": stop[1]}
                before = self._known.get(llm.name, {})
                facts |= before if self._options.verdicts is None else {"created": before.get("created") or created}
                work.append(threads.submit(llm.finish, self._cache, self._benchmark, ids, facts, told.result))
            for each in work:
                each.result()
        self._tell(reading, about.height)
        return about

    def _count(self) -> None:
        for llm in self.llms.values():
            llm.count()

    def _check_texts(self, reading: Reading) -> None:
        """Raise ImportFormatError where files contradict each other, rather than have ids that are none."""
        if not (ambiguous := self._ids.ambiguous):
            return
        few = len(ambiguous) <= _FEW * self._questions.all().height
        for key, texts in ambiguous.items():
            one, other = list(texts)[:2]
            if not few and not any(llm.several_of(texts.values()) for llm in self.llms.values()):
                if self._stored is not None and key in self._stored["question_id"]:
                    raise _another_text(key, one, other, self._benchmark)
                raise contradiction(key, "texts", one, other)
        for key, texts in list(ambiguous.items())[:1]:
            others = f" (and {len(ambiguous) - 1:,} others)" if len(ambiguous) > 1 else ""
            quotes = " and ".join(quoted(*list(texts)[:2]))
            reading.note(f"the id {key!r}{others} stands for several questions, {quotes}: the text tells which")

    def _check_judged(self, about: pl.DataFrame, reading: Reading, *, scored: bool) -> None:
        """Raise ImportFormatError where nothing says what is right; say it of some questions."""
        if self._options.verdicts is not None:
            _check_subjects(self._options.verdicts, about)
            if self._options.verdicts.everywhere == "recorded" and not scored:
                raise ImportFormatError("no verdicts are recorded", "leave --verdicts recorded out")
        lacking = about["question_id"].filter(about["gold"].is_null())
        if len(lacking) == about.height and not scored:
            raise ImportFormatError(
                "no question has a gold answer (a target), and no score is recorded: nothing can be judged",
                "name the columns, the scorer or the metric that hold them",
            )
        if len(lacking) and any(llm.texts for llm in self.llms.values()):
            judged = [llm.judged for llm in self.llms.values()]
            unknown = lacking.filter(~lacking.is_in(pl.concat(judged).implode()))
            if len(unknown):
                reading.note(f"{len(unknown):,} questions have neither a gold answer nor a score: left out of figures")

    def _tell(self, reading: Reading, questions: int) -> None:
        """Say what a person should know about the results."""
        if self._orders.reordered:
            reading.note(f"{self._orders.reordered:,} rows have their options in another order: brought into one")
        for name, llm in self.llms.items():
            if lacking := questions - llm.questions:
                reading.note(f"{name} lacks {lacking:,} of {questions:,} questions")
        if repeated := sum(llm.repeated for llm in self.llms.values()):
            reading.skipped["the same sample of the same question again"] += repeated
        if odd := sum(llm.odd for llm in self.llms.values()):
            reading.note(f"{odd:,} latencies or costs are negative or no numbers: left unknown")
        without = [name for name, llm in self.llms.items() if not llm.texts]
        if len(without) == len(self.llms):
            reading.note("there are scores only, no texts: rows that need votes will say so")
        elif without:
            reading.note(f"{', '.join(without)}: scores only, so that rows that need votes will say so")

    def _complete(
        self, questions: pl.DataFrame, reading: Reading, *, scored: bool
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The questions that this import is about, and those of them that are new, after those that are stored.

        They have canonical gold answers and splits; those that are stored already stay as they are.
        """

        def whole(rows: pl.DataFrame) -> pl.DataFrame:
            golds = canonical_golds(rows, self._options.kind, reading.note, scored=scored)
            return split_questions(golds, self._options, reading.note)

        new = questions.rename({"question": "text"})
        if self._stored is None:
            new = whole(new)
            return new, new
        again = new.filter(pl.col("question_id").is_in(self._stored["question_id"].implode()))
        if again.is_empty():
            raise CacheError(f"{self._benchmark} has none of these questions", "choose another name for --benchmark")
        kept = self._stored.join(again.select("question_id"), on="question_id", how="semi", maintain_order="left")
        _agree(kept, again, self._benchmark)
        if self._options.again:  # in place of what is stored, but for the splits
            splits = kept.select("question_id", stored="split")
            new = new.join(splits, on="question_id", how="left", maintain_order="left")
            new = whole(new.with_columns(split=pl.coalesce("stored", "split")).drop("stored")).select(kept.columns)
            return new, new
        new = new.join(kept, on="question_id", how="anti", maintain_order="left")
        if new.is_empty():
            return kept, new
        reading.note(f"{new.height:,} questions are new to {self._benchmark}: its other LLMs lack them")
        new = whole(new).select(kept.columns)
        return pl.concat([kept, new]), new


def _agree(stored: pl.DataFrame, again: pl.DataFrame, benchmark: str) -> None:
    """Raise CacheError where a stored question has another text."""
    both = stored.join(again.select("question_id", other="text"), on="question_id")
    differs = both.filter(pl.col("text") != pl.col("other"))
    if not differs.is_empty():
        row = differs.row(0, named=True)
        raise _another_text(row["question_id"], row["text"], row["other"], benchmark)


def _another_text(question: str, stored: str, given: str, benchmark: str) -> CacheError:
    """The error where an id stands for another question."""
    return CacheError(
        f"question {question!r} has another text in {benchmark}, {' and '.join(quoted(stored, given))}",
        "choose another name for --benchmark",
    )
