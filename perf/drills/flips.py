"""Single bits flip in every kind of file: no figure changes in silence, nothing breaks down, and verify finds each."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from typing import TYPE_CHECKING

from drills.lab import Report

import selectllm_engine as sl
from fakes import write_fake_run
from selectllm_engine.errors import SelectLLMError
from selectllm_engine.routers.storage import load_router
from selectllm_engine.store.cache import Cache

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["drill"]


def drill(folder: Path, *, times: int, seed: int) -> int:
    report = Report(f"flips: {times:,} single bits over every kind of file, seed {seed}")
    folder, sound = folder / "flipped", folder / "sound"
    cache = write_fake_run(sound, questions={"train": 30, "validation": 20, "test": 20}, llms=("a", "b"), samples=2)
    for llm in ("a", "b"):
        with cache.writer("fake", llm) as writer:
            writer.write_verdicts(cache.sampled("fake", llm).with_columns(score=1.0))
    for router in ("prior", "logistic:tfidf"):
        sl.train(sl.load("fake", sound), router)
    true = _figures(sound)[0]
    kinds: dict[str, list[Path]] = {}
    for path in sorted(sound.rglob("*")):
        if path.is_file() and path.name[0] != ".":
            kind = path.parent.name if path.parent.name in {"generations", "answers"} else path.name
            kinds.setdefault(f"router's {kind}" if "routers" in path.parts else kind, []).append(path)
    chance, flipped = random.Random(seed), Counter[str]()
    silent, broken, missed = [], [], []
    for number in range(times):
        kind = sorted(kinds)[number % len(kinds)]
        shutil.copytree(sound, folder)
        path = folder / chance.choice(kinds[kind]).relative_to(sound)
        changed = bytearray(path.read_bytes())
        at = chance.randrange(8 * len(changed))
        changed[at // 8] ^= 1 << at % 8
        path.write_bytes(changed)
        flipped[kind] += 1
        place = f"{kind}, bit {at}"
        try:
            if not any(problem.path == path for problem in Cache(folder).verify("fake")):
                missed.append(place)
            figures, told = _figures(folder)
            if figures != true and not told:
                silent.append(place)
        except Exception as error:
            broken.append(f"{place}: {type(error).__name__}")
        shutil.rmtree(folder)
        if number % 250 == 249:
            print(f"       … {number + 1:,} flips", flush=True)
    report.figure("flips by kind", ", ".join(f"{kind} {count}" for kind, count in sorted(flipped.items())))
    report.claim("figures that changed in silence", not silent, f"{len(silent)} {silent[:3] or ''}")
    report.claim("errors that are none of ours", not broken, f"{len(broken)} {broken[:3] or ''}")
    report.claim("flips that cache verify didn't find", not missed, f"{len(missed)} {missed[:3] or ''}")
    report.end()
    return report.failed


def _figures(folder: Path) -> tuple[object, bool]:
    """What evaluate prints and a router predicts, and whether it is said that something is wrong."""
    cache = Cache(folder)
    try:
        run = sl.load("fake", folder)
        table = run.evaluate()
        predicted = load_router(cache.router_dir("fake", "logistic:tfidf")).predict_proba(["How many?"]).tolist()
    except SelectLLMError as error:
        return str(error), True
    told = bool(run.cache.problems) or any(row.note and "can't be read" in row.note for row in table.rows)
    return (table.to_dict(), predicted), told
