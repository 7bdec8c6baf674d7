"""Made-up runs for tests: arrays without a cache, and caches without an LLM."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from selectllm_engine.benchmarks import QUESTION_SCHEMA
from selectllm_engine.evaluation.outcomes import NOT_FOUND, Outcomes
from selectllm_engine.evaluation.votes import llm_votes, tally
from selectllm_engine.store import GENERATION_SCHEMA, Cache

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SMALL_SIZES = {"train": 4, "test": 6}
TOPICS = ("apples", "bridges", "candles", "dragons", "engines")
FIT = {
    "a": 0.1,
    "b": 0.001,
    "c": 0.02,
    "residual_rms": 0.01,
    "prompts": 16,
    "hardware": "fake",
    "measured": "2026-01-01",
}


def fake_outcomes(
    questions: int = 40,
    llms: int | Sequence[str] = 3,
    samples: int = 5,
    seed: int = 0,
    *,
    benchmark: str = "fake",
    split: str = "test",
    accuracy: Sequence[float] | None = None,
    labels_only: bool = False,
    latency: Sequence[float] | None = None,
    cost: Sequence[float] | None = None,
) -> Outcomes:
    """Random answers, votes and labels that fit together; one topic word per question, on which accuracy depends.

    `accuracy` is each LLM's mean chance per sample, `latency` and `cost` its mean (cost is unknown by default).
    """
    rng = np.random.default_rng(seed)
    names = tuple(f"fake-{chr(ord('a') + n)}" for n in range(llms)) if isinstance(llms, int) else tuple(llms)
    count = len(names)
    topic = rng.integers(len(TOPICS), size=questions)
    chance = np.linspace(0.4, 0.7, count) if accuracy is None else np.asarray(accuracy, dtype=float)
    strong = topic[:, None] % max(count, 1) == np.arange(count)
    # What each sample says: 0 the gold answer, 1 to 4 a wrong one, 5 nothing.
    right = rng.random((questions, count, samples)) < np.clip(chance + np.where(strong, 0.25, -0.1), 0, 1)[:, :, None]
    wrong = rng.choice([1, 2, 3, 4, 5], p=[0.4, 0.25, 0.15, 0.1, 0.1], size=right.shape)
    said = np.where(right, 0, wrong).reshape(questions, count * samples)
    # Codes in the order of first appearance; the gold answer last where nobody gave it.
    places = np.stack([np.where((hit := said == s).any(1), hit.argmax(1), said.shape[1]) for s in range(5)], axis=1)
    rank = places.argsort(axis=1, kind="stable").argsort(axis=1)
    appears = places < said.shape[1]
    appears[:, 0] = True
    codes = np.where(said == 5, NOT_FOUND, np.take_along_axis(np.pad(rank, ((0, 0), (0, 1))), said, axis=1))
    answers = codes.reshape(right.shape).astype(np.int16)
    gold = rank[:, 0].astype(np.int16)
    numbers = rng.integers(10, 90, size=questions)
    vocabulary = pl.Series(
        "vocabulary",
        [[str(numbers[q] + s) for s in np.argsort(rank[q]) if appears[q, s]] for q in range(questions)],
        dtype=pl.List(pl.String),
    )
    table = pl.DataFrame(
        {
            "question_id": [f"{split}-{q}" for q in range(questions)],
            "split": [split] * questions,
            "subject": [TOPICS[t] for t in topic],
            "text": [f"How many {TOPICS[t]} are there in box {q}?" for q, t in enumerate(topic)],
            "choices": [None] * questions,
            "gold": [str(number) for number in numbers],
            "kind": ["number"] * questions,
        },
        schema=QUESTION_SCHEMA,
    )
    mean = np.linspace(1, 3, count) if latency is None else np.asarray(latency, dtype=float)
    unknown = np.full((questions, count), np.nan, dtype=np.float32)
    return Outcomes(
        benchmark=benchmark,
        split=split,
        questions=table,
        llms=names,
        samples=0 if labels_only else samples,
        answers=None if labels_only else answers,
        vocabulary=None if labels_only else vocabulary,
        gold=np.full(questions, NOT_FOUND, dtype=np.int16) if labels_only else gold,
        labels=llm_votes(tally(answers)).code == gold[:, None],
        latency=(mean * rng.uniform(0.8, 1.2, (questions, count))).astype(np.float32),
        cost=unknown if cost is None else np.broadcast_to(np.asarray(cost, np.float32), unknown.shape).copy(),
    )


def fake_questions(sizes: Mapping[str, int], seed: int = 0) -> pl.DataFrame:
    """Numbers, letters and words to find, with a topic word each."""
    rng = random.Random(seed)
    rows = []
    for split, size in sizes.items():
        for index in range(size):
            topic = rng.choice(TOPICS)
            kind = ("number", "number", "letter", "word")[index % 4]
            gold = {"number": str(rng.randint(2, 99)), "letter": rng.choice("ABCD"), "word": rng.choice(("yes", "no"))}
            rows.append(
                {
                    "question_id": f"{split}-{index}",
                    "split": split,
                    "subject": topic,
                    "text": f"Case {index} of {split}: what follows from these {topic}?",
                    "choices": ["one", "two", "three", "four"] if kind == "letter" else None,
                    "gold": gold[kind],
                    "kind": kind,
                }
            )
    return pl.DataFrame(rows, schema=QUESTION_SCHEMA)


def fake_manifest(llm: str, **fields: object) -> dict[str, object]:
    return {
        "source": "generate",
        "weights": {"id": f"fake/{llm}", "revision": None, "fingerprint": None},
        "chat": True,
        "prompt": {"style": "zero-shot", "terse": True, "version": 1, "exemplars": None},
        "sampling": {
            "temperature": 0.7,
            "top_p": 1.0,
            "top_k": 0,
            "repetition_penalty": 1.0,
            "max_tokens": 48,
            "stop": [],
        },
        "samples": 5,
        "specialised": None,
        "parameters": None,
        "price": None,
        "latency": FIT,
        **fields,
    }


def fake_generations(questions: pl.DataFrame, llm: int, samples: int, seed: int = 0) -> pl.DataFrame:
    """Texts of the LLM number `llm`, right more often on its own topic; about one in twelve gives no answer."""
    rng = random.Random(f"{seed}/{llm}")
    rows = []
    for question in questions.iter_rows(named=True):
        chance = 0.4 + 0.08 * llm + (0.35 if TOPICS.index(question["subject"]) % 3 == llm % 3 else -0.2)
        for sample in range(samples):
            gold, wrong = question["gold"], {"number": str(rng.randint(100, 104)), "letter": "D", "word": "maybe"}
            answer = gold if rng.random() < chance else wrong[question["kind"]]
            shown = f"({answer})" if question["kind"] == "letter" else answer
            text = (
                "I cannot say"
                if rng.random() < 0.08
                else f"Let me think about {question['subject']}. The answer is {shown}."
            )
            if text == "I cannot say" and question["kind"] == "word":
                text = ""  # a word question takes the last line as its answer
            rows.append(
                (question["question_id"], sample, text, 20 + len(question["text"]) // 4, 5 + llm * 3 + sample, "stop")
            )
    return pl.DataFrame(rows, schema=GENERATION_SCHEMA, orient="row")


def write_fake_run(
    root: Path,
    benchmark: str = "fake",
    *,
    questions: Mapping[str, int] | None = None,
    llms: Sequence[str] = ("fake-a", "fake-b", "fake-c"),
    samples: int = 5,
    seed: int = 0,
) -> Cache:
    """A cache on disk with every LLM's generations to every question, nothing beneath it."""
    cache = Cache(root)
    table = fake_questions(questions or {"train": 60, "validation": 30, "test": 40}, seed)
    cache.write_questions(benchmark, table)
    for number, llm in enumerate(llms):
        with cache.writer(benchmark, llm) as writer:
            writer.start(
                fake_manifest(llm, created=f"2026-01-01T00:00:{number:02d}", samples=samples, parameters=number + 1.0)
            )
            writer.append(fake_generations(table, number, samples, seed), {"engine": "fake", "hardware": "none"})
    return cache


def fake_rows(*cells: tuple[str | None, int], text: str | None = "The answer is 1.") -> pl.DataFrame:
    """Generations with the same text, one per (question, sample)."""
    rows = [(question, sample, text, 10, 5, "stop") for question, sample in cells]
    return pl.DataFrame(rows, schema=GENERATION_SCHEMA, orient="row")


def flip_bit(path: Path, at: int | None = None) -> None:
    """Change one bit of a file, in its middle or where it is said."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 0x10
    path.write_bytes(data)
