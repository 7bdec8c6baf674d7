"""Is cost-aware better with a question's predicted seconds than with an LLM's mean? Not so that one could tell.

python perf/question_costs.py                         # the recorded run
python perf/question_costs.py FOLDER [FOLDER …]       # and a pool of MMLU-Pro's eval_results/*.zip in them

A ridge regression, on the question's length or on `ridge:tfidf`'s features, learns each LLM's seconds (of MMLU-Pro's:
characters written × size) from train; AIQ, mean accuracy below the curve over λ, is with the LLMs' means, with the
predictions, and with the true values, which nobody knows beforehand: the most that there is to gain.
"""

from __future__ import annotations

import argparse
import json
import re
import zipfile
from itertools import pairwise
from pathlib import Path

import numpy as np

import selectllm_engine as sl
from selectllm_engine.evaluation.curves import LAMBDAS, aiq
from selectllm_engine.routers import make_router
from selectllm_engine.routers.ridge import Ridge, fit_components
from selectllm_engine.routers.training_data import question_texts


def compare(name: str, texts: list[str], labels: np.ndarray, burden: np.ndarray, parts: list[np.ndarray]) -> None:
    """Print AIQ on validation and test; `parts` are the rows of train, validation and test."""
    train = parts[0]
    router = make_router("ridge:tfidf").fit([texts[row] for row in train], labels[train])
    assert isinstance(router, Ridge)
    p = router.predict_proba(texts).astype(float)
    features = (router._beside(router._vectors(texts)) - router.centre_) / router.scale_
    mean = burden[train].mean(axis=0)
    predicted = np.maximum(mean + features @ fit_components(features[train], burden[train]).coef, 0)
    long = np.log1p([len(text) for text in texts])[:, None]
    long = (long - long[train].mean()) / max(float(long[train].std()), 1e-9)
    by_length = np.maximum(mean + long @ fit_components(long[train], burden[train]).coef, 0)
    shown = {"mean": np.tile(mean, (len(texts), 1)), "by length": by_length, "predicted": predicted, "true": burden}
    for split, rows in zip(("validation", "test"), parts[1:], strict=True):
        figures = []
        for how, per_question in shown.items():
            points = []
            for weight in LAMBDAS:
                choice = (p[rows] - weight * per_question[rows] / mean.max()).argmax(axis=1)
                points.append((burden[rows, choice].mean(), labels[rows, choice].mean()))
            low, high = burden[rows].mean(axis=0).min(), burden[rows].mean(axis=0).max()
            figures.append(f"{how} {100 * (aiq(points, low, high) or 0):.2f}")
        print(f"{name}, {split}: AIQ {', '.join(figures)}")


def recorded() -> None:
    run = sl.load("reasoning")
    text_of = dict(run.questions.select("question_id", question_texts()).iter_rows())
    splits = [run.outcomes(split) for split in ("train", "validation", "test")]
    ends = np.cumsum([0, *(len(each.labels) for each in splits)])
    compare(
        "recorded run",
        [text_of[question] for each in splits for question in each.questions["question_id"]],
        np.concatenate([each.labels for each in splits]),
        np.concatenate([each.latency for each in splits]).astype(float),
        [np.arange(start, end) for start, end in pairwise(ends)],
    )


def mmlu_pro(folders: list[Path], seeds: int = 3) -> None:
    read = {}
    for path in sorted(each for folder in folders for each in folder.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            inside = next(name for name in archive.namelist() if name.endswith(".json"))
            read[path.stem] = {row["question_id"]: row for row in json.loads(archive.read(inside))}
    # billions of weights that a token takes, from the name; of a mixture of 8 × 7 two experts
    found = {name: re.search(r"(?:(\d+)x)?(\d+)[bB]", name) for name in read}
    sizes = [7 if each is None else int(each[2]) * (2 if each[1] else 1) for each in found.values()]
    ids = sorted(set.intersection(*map(set, read.values())))
    first = next(iter(read.values()))
    texts = [" ".join([first[each]["question"], *first[each]["options"]]) for each in ids]
    labels = np.array([[rows[each]["pred"] == rows[each]["answer"] for rows in read.values()] for each in ids])
    written = [[len(rows[each].get("generated_text") or " ") for rows in read.values()] for each in ids]
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(ids))
        parts = np.split(order, [int(0.4 * len(ids)), int(0.6 * len(ids))])
        compare(f"MMLU-Pro, seed {seed}", texts, labels, np.array(written) * np.array(sizes) / 1e4, parts)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path)
    recorded()
    if folders := parser.parse_args().folders:
        mmlu_pro(folders)
