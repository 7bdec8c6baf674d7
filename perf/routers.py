"""Seconds to train and to use every router on TF-IDF: 6,816 questions, 7 LLMs, 359 validation questions.

    python perf/routers.py

The texts are made up, with words drawn by Zipf's law at GSM8K's lengths; labels depend on words and length. The target:
all routers together under a minute on two cores.
"""

from __future__ import annotations

import os
import time

import numpy as np

from selectllm_engine.routers import make_router, suite
from selectllm_engine.routers.training import seconds_per_question
from selectllm_engine.store.confidence_forest import ConfidenceForest

TRAIN, VALIDATION, LLMS, VOCABULARY = 6_816, 359, 7, 8_000


def questions(draw: np.random.Generator, count: int) -> tuple[list[str], np.ndarray]:
    """Texts of about 45 words with a few numbers, and labels bool [count, LLMS]."""
    effect = np.random.default_rng(1).normal(scale=0.5, size=(VOCABULARY, LLMS))
    texts, scores = [], np.empty((count, LLMS))
    for row in range(count):
        size = max(8, int(draw.normal(45, 18)))
        words = np.minimum(draw.zipf(1.25, size=size), VOCABULARY) - 1
        numbers = draw.integers(1, 500, size=max(1, size // 12))
        text = [f"w{word}" for word in words] + [str(number) for number in numbers]
        texts.append(" ".join(draw.permutation(text)) + "?")
        scores[row] = effect[words].mean(axis=0) * 4 - (size - 45) / 30
    return texts, draw.random((count, LLMS)) < 1 / (1 + np.exp(-scores - np.linspace(-1, 1, LLMS)))


def main() -> None:
    draw = np.random.default_rng(0)
    train, validation, test = (questions(draw, count) for count in (TRAIN, VALIDATION, 1_319))
    print(f"{TRAIN} × {LLMS}, {VALIDATION} for validation, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print(f"{'router':18} {'fit s':>8} {'1,319 at once s':>16} {'one alone ms':>13} {'argmax %':>9}")
    total = 0.0
    fitted = {}
    for name in suite():
        router = make_router(name)
        if name == "stack":
            router.routers = fitted
        started = time.perf_counter()
        fitted[name] = router.fit(train[0], train[1], validation=validation)
        seconds = time.perf_counter() - started
        total += seconds
        started = time.perf_counter()
        predicted = router.predict_proba(test[0])
        together = time.perf_counter() - started
        alone = 1e3 * seconds_per_question(router, test[0])
        right = 100 * test[1][np.arange(len(predicted)), predicted.argmax(axis=1)].mean()
        print(f"{name:18} {seconds:8.2f} {together:16.2f} {alone:13.2f} {right:9.1f}", flush=True)
    started = time.perf_counter()
    ConfidenceForest().fit(fitted["logistic:tfidf"].predict_proba(validation[0]), validation[1])
    print(f"\nall routers: {total:.1f} s; a confidence forest: {time.perf_counter() - started:.2f} s")


if __name__ == "__main__":
    main()
