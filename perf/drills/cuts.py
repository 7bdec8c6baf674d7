"""kill -9 before every rename of every command that changes something: the same command finishes it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from drills.lab import LAUNCH, Report

from fakes import write_fake_run
from selectllm_engine.store import open_cache
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.files import JOURNAL, TEMPORARY

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["drill"]

# The command dies before rename number DRILL_CUT.
CUT = """
import os, signal
left = int(os.environ["DRILL_CUT"])
def cut(rename):
    def once(*args, **more):
        global left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)
        return rename(*args, **more)
    return once
os.rename, os.replace = cut(os.rename), cut(os.replace)
"""


def drill(folder: Path) -> int:
    report = Report("cuts: kill -9 before every rename of every command that changes something")
    tables = {name: _table(folder / f"{name}.csv", *llms) for name, *llms in (("ab", "a", "b"), ("cd", "c", "d"))}
    write_fake_run(folder / "other", "sampled", questions={"train": 30, "validation": 10, "test": 10}, llms=("a", "z"))
    empty, imported, sampled = (folder / name for name in ("empty", "imported", "sampled"))
    for root in (empty, imported):
        root.mkdir()
    run = ("--benchmark", "mine")
    assert _do(imported, "import", "table", tables["ab"], "--llms", "a,b", *run).returncode == 0
    write_fake_run(sampled, "sampled", questions={"train": 30, "validation": 10, "test": 10}, llms=("a", "b"))
    trained, damaged = folder / "trained", folder / "damaged"
    shutil.copytree(sampled, trained)
    training = ("train", "--router", "prior", "--router", "logistic:tfidf", "--benchmark", "sampled")
    assert _do(trained, *training).returncode == 0
    shutil.copytree(trained, damaged)
    for path in damaged.rglob("*.*"):
        if path.is_file() and path.name[0] != ".":
            path.write_bytes(path.read_bytes()[:-9])
    commands = {
        "import, a new benchmark": (empty, ("import", "table", tables["ab"], "--llms", "a,b", *run)),
        "import, further LLMs": (imported, ("import", "table", tables["cd"], "--llms", "c,d", *run)),
        "import --again": (imported, ("import", "table", tables["ab"], "--llms", "a,b", "--again", *run)),
        "train": (sampled, training),
        "train, once more": (trained, training),
        "cache merge, a benchmark that is there": (sampled, ("cache", "merge", folder / "other")),
        "cache merge, a new one": (imported, ("cache", "merge", folder / "other")),
        "cache remove": (trained, ("cache", "remove", "--yes", "--llm", "a", "--benchmark", "sampled")),
        "cache verify --repair": (damaged, ("cache", "verify", "--repair", "--benchmark", "sampled")),
    }
    total = 0
    for what, (before, command) in commands.items():
        cuts, wrong = _cut(folder, before, command)
        total += cuts
        report.claim(f"{what}: finished by the same command, cut anywhere", not wrong, wrong or f"{cuts} cuts")
    report.figure("cuts in all", total)
    report.end()
    return report.failed


def _cut(folder: Path, before: Path, command: tuple[object, ...]) -> tuple[int, str]:
    """How many cuts there were, and what went wrong at the first that was not finished."""
    whole = folder / "whole"
    shutil.copytree(before, whole)
    _do(whole, *command)
    wanted, number = _seen(whole), 0
    shutil.rmtree(whole)
    while True:
        number += 1
        root = folder / "cut"
        shutil.copytree(before, root)
        if _do(root, *command, cut=number).returncode != -signal.SIGKILL:
            shutil.rmtree(root)
            return number - 1, ""
        done = _do(root, *command)
        gone = "remove" in command and "no LLM" in done.stderr  # removed by the one that was cut
        lost = "verify" in command and done.returncode == 1  # what was set aside before is missing now
        if "Traceback" in done.stderr or (done.returncode != 0 and not gone and not lost):
            return number, f"before rename {number}: {done.stderr[-200:]}"
        if _seen(root) != wanted:
            return number, f"before rename {number}: another result"
        with open_cache(root).changing():
            left = [path.name for path in root.rglob("*") if path.name.startswith((TEMPORARY, JOURNAL))]
        if left:
            return number, f"before rename {number}: {left} are left"
        shutil.rmtree(root)


def _do(root: Path, *command: object, cut: int = 0) -> subprocess.CompletedProcess[str]:
    given = [*map(str, command), "--cache", str(root)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SELECTLLM_")}
    environment = {**kept, "DRILL_CUT": str(cut), "NO_COLOR": "1"}
    code = [sys.executable, "-c", (CUT if cut else "") + LAUNCH, *given]
    return subprocess.run(code, env=environment, cwd=root, capture_output=True, text=True, check=False)


def _seen(root: Path) -> str:
    """What readers see, without times."""
    cache, found = Cache(root), {}
    for benchmark in cache.everything():
        if benchmark not in cache.benchmarks():
            found[benchmark] = sorted(path.name for path in (root / benchmark).rglob("*.*") if path.name[0] != ".")
            continue
        llms = {
            llm: (sorted(cache.sampled(benchmark, llm).rows()), cache.verdicts(benchmark, llm) is not None)
            for llm in sorted(cache.llms(benchmark))
        }
        found[benchmark] = [cache.questions(benchmark).rows(), llms, cache.routers(benchmark)]
    return json.dumps([found, len(cache.verify())], sort_keys=True)


def _table(path: Path, *llms: str) -> Path:
    with path.open("w", newline="") as file:
        rows = ([f"Question {n}?", *((n + at) % 2 for at in range(len(llms)))] for n in range(20))
        csv.writer(file).writerows([["question", *llms], *rows])
    return path
