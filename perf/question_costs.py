"""Is cost-aware better by what each question is expected to take than by an LLM's mean? A little, here and there.

python perf/question_costs.py                         # the recorded run, all its routers
python perf/question_costs.py FOLDER [FOLDER …]       # and a pool of MMLU-Pro's eval_results/*.zip in them

AIQ, mean accuracy below the curve over λ, is with the LLMs' means, with what is expected of each question as selectllm
expects it, learned from train (of MMLU-Pro's: characters written × size), and with the true values, which nobody knows
beforehand: the most that there is to gain. Whether means or questions are looked at is chosen on validation.
"""

from __future__ import annotations

import argparse
import json
import re
import zipfile
from pathlib import Path

import numpy as np

import selectllm_engine as sl
from selectllm_engine.evaluation.question_burdens import aiq_by, better_by_question
from selectllm_engine.routers import make_router
from selectllm_engine.routers.expected_tokens import TokenModel

Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # p, labels, actual and expected burdens, [Q, N] each


def compare(name: str, validation: Split, test: Split) -> float:
    """Print AIQ on validation and test; the gain on test of what validation chooses, in points."""
    gains = []
    for split, (p, labels, actual, expected) in (("validation", validation), ("test", test)):
        looked_at = {"means": actual.mean(axis=0, dtype=float)[None], "questions": expected, "truth": actual}
        found = {how: 100 * (aiq_by(p, labels, actual, each) or 0) for how, each in looked_at.items()}
        gains.append(found["questions"] - found["means"])
        print(f"{name}, {split}: AIQ {', '.join(f'{how} {each:.2f}' for how, each in found.items())}")
    chosen = better_by_question(*validation)
    print(f"{name}: validation chooses {'questions' if chosen else 'means'}, {chosen * gains[1]:+.2f} on test")
    return chosen * gains[1]


def recorded() -> None:
    run = sl.load("reasoning")
    gains = []
    for router in run.routers:
        scores = run.scores(router, forest=False)
        splits = []
        for split, p in (("validation", scores.validation), ("test", scores.probabilities)):
            outcomes, order = run.outcomes(split), run.prepared(split).order
            assert outcomes.expected is not None
            each = (p, outcomes.labels, outcomes.latency, outcomes.expected.burden("latency"))
            splits.append(tuple(np.asarray(values)[:, order] for values in each))
        gains.append(compare(f"recorded run, {router}", *splits))
    print(f"recorded run: mean of {len(gains)} routers {np.mean(gains):+.2f}, {min(gains):+.2f} … {max(gains):+.2f}")


def mmlu_pro(folders: list[Path], seeds: int = 5) -> None:
    read = {}
    for path in sorted(each for folder in folders for each in folder.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            inside = next(name for name in archive.namelist() if name.endswith(".json"))
            read[path.stem] = {row["question_id"]: row for row in json.loads(archive.read(inside))}
    # billions of weights that a token takes, from the name; of a mixture of 8 × 7 two experts
    found = {name: re.search(r"(?:(\d+)x)?(\d+)[bB]", name) for name in read}
    sizes = np.array([7 if each is None else int(each[2]) * (2 if each[1] else 1) for each in found.values()])
    ids = sorted(set.intersection(*map(set, read.values())))
    first = next(iter(read.values()))
    texts = [" ".join([first[each]["question"], *first[each]["options"]]) for each in ids]
    labels = np.array([[rows[each]["pred"] == rows[each]["answer"] for rows in read.values()] for each in ids])
    written = np.array([[len(rows[each].get("generated_text") or " ") for rows in read.values()] for each in ids])
    actual = (written * sizes / 1e4).astype(np.float32)
    gains = []
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(ids))
        train, *others = np.split(order, [int(0.4 * len(ids)), int(0.6 * len(ids))])
        learned = [texts[row] for row in train]
        p = make_router("ridge:tfidf").fit(learned, labels[train]).predict_proba(texts)
        model = TokenModel()
        model.fit(learned, written[train].astype(float))
        expected = (model.predict(texts) * sizes / 1e4).astype(np.float32)
        llms = np.argsort(actual[others[0]].mean(axis=0))
        splits = [tuple(each[rows][:, llms] for each in (p, labels, actual, expected)) for rows in others]
        gains.append(compare(f"MMLU-Pro, seed {seed}", *splits))
    print(f"MMLU-Pro: mean of {seeds} splits {np.mean(gains):+.2f}, {min(gains):+.2f} … {max(gains):+.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    recorded()
    if folders := parser.parse_args().folders:
        mmlu_pro(folders)
