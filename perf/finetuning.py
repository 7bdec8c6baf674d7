"""Seconds an epoch of fine-tuning as `mlc` does it, against a plain loop with the same recipe.

    python perf/finetuning.py FOLDER [--questions 4000] [--epochs 3] [--llms 7] [--rounds 3]

FOLDER is an encoder, such as perf/shapes.py writes for roberta-base. The plain loop is what one would write by hand:
texts tokenized once, whole batches of 128 of like length, bf16, fused AdamW. Both have the same questions in an order
of their own, and take turns. Then the rest of what the command line does is timed: loading, choosing by validation,
predicting, saving. The aim on a GPU: an epoch within 1.2 times the plain loop's.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from selectllm_engine.routers.encoders import Encoder, load_transformer, mean_pooled
from selectllm_engine.routers.finetuning import MeanPoolingClassifier, Recipe

AIM = 1.2


def questions(count: int) -> list[str]:
    """Texts of about 45 words."""
    draw = np.random.default_rng(0)
    words = [f"{chr(97 + at % 26)}{'aeiou'[at % 5]}{chr(97 + at % 19)}" for at in range(500)]
    return [" ".join(draw.choice(words, size=max(8, int(draw.normal(45, 18))))) + "?" for _ in range(count)]


def plain_loop(folder: Path, texts: list[str], labels: np.ndarray, recipe: Recipe, device: str) -> float:
    """Seconds an epoch, the first one aside; tokenizing counts, as it does for `mlc`."""
    import torch

    tokenizer, encoder = load_transformer(folder, folder.name)
    encoder = encoder.to(device).train()
    head = torch.nn.Linear(encoder.config.hidden_size, labels.shape[1]).to(device)
    parameters = [*encoder.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=0.0, fused=device == "cuda")
    started = time.perf_counter()
    tokens = tokenizer(texts, truncation=True, max_length=recipe.tokens)["input_ids"]
    tokenizing = time.perf_counter() - started
    draw = np.random.default_rng(0)
    begun = 0.0
    for epoch in range(recipe.epochs + 1):
        if epoch == 1:
            begun = _now(device) - tokenizing
        order = draw.permutation(len(texts))
        for at in range(0, len(texts), recipe.batch):
            rows = order[at : at + recipe.batch]
            batch: Any = tokenizer.pad({"input_ids": [tokens[row] for row in rows]}, return_tensors="pt").to(device)
            target = torch.from_numpy(labels[rows].astype(np.float32)).to(device)
            with torch.autocast("cuda", dtype=torch.bfloat16, enabled=device == "cuda"):
                logits = head(torch.nn.functional.dropout(mean_pooled(encoder, batch), recipe.dropout))
            torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), target).backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            optimizer.zero_grad()
    return (_now(device) - begun) / recipe.epochs


def _now(device: str) -> float:
    import torch

    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--questions", type=int, default=4000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--llms", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    started = time.perf_counter()
    import torch
    import transformers  # noqa: F401

    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(f"torch {torch.__version__} on", torch.cuda.get_device_name() if device == "cuda" else "CPU")
    print(f"importing: {time.perf_counter() - started:.1f} s")
    texts = questions(arguments.questions)
    labels = np.random.default_rng(1).random((len(texts), arguments.llms)) < 0.5
    recipe = Recipe(epochs=arguments.epochs)
    started = _now(device)
    source = Encoder(arguments.folder.name, str(arguments.folder), device="auto")
    classifier = MeanPoolingClassifier.start(source, labels, recipe, seed=0)
    print(f"loading: {_now(device) - started:.1f} s")
    warm = Recipe(epochs=1)
    classifier.train(texts, labels, None, warm, seed=0, report=lambda *_: None)
    ours, plain = [], []
    for _ in range(arguments.rounds):
        started = _now(device)
        classifier.train(texts, labels, None, recipe, seed=0, report=lambda *_: None)
        ours.append((_now(device) - started) / recipe.epochs)
        plain.append(plain_loop(arguments.folder, texts, labels, recipe, device))
    ratio = median(ours) / median(plain)
    for name, seconds in (("mlc", ours), ("plain loop", plain)):
        print(f"an epoch of {len(texts):,}, {name}: {', '.join(f'{each:.2f}' for each in seconds)} s")
    print(f"medians: {ratio:.2f} times; questions at once: {classifier.at_once or recipe.batch}")

    started = _now(device)
    classifier.predict_proba(texts[: len(texts) // 10])
    print(f"choosing an epoch by {len(texts) // 10:,} validation questions: {_now(device) - started:.2f} s")
    started = _now(device)
    classifier._state()
    print(f"keeping an epoch: {_now(device) - started:.2f} s")
    started = _now(device)
    classifier.predict_proba(texts)
    print(f"predicting {len(texts):,} questions: {_now(device) - started:.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        started = _now(device)
        classifier.save(Path(folder))
        print(f"saving: {_now(device) - started:.2f} s")
    return 0 if ratio <= AIM or device == "cpu" else 1


if __name__ == "__main__":
    raise SystemExit(main())
