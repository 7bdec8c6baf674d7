"""Would a test notice? Small changes to what computes, stores and reads answers, and the tests that reach them.

pip install mutmut==3.8.1
python perf/mutation.py                     # 300 mutants of each room, drawn by a seed; hours
python perf/mutation.py --count 20          # the first 20 of each
python perf/mutation.py --survivors         # those of the last run, with their changes; --survivors --again tries them

mutmut makes the mutants and finds which tests reach which function (once; ten minutes). Of these a mutant gets the
tests of its own module first, then the quick ones, until they take `--budget` seconds together; the first that fails
ends it. Results are appended to mutants/results.jsonl: stopped, the same command goes on. Needs Linux.

A survivor is one that these tests left alive, not yet one that no test would notice: tests with a backslash in their
ids aren't asked, nor is what is computed once, at import. So try it with all tests of its room before writing one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MUTANTS = ROOT / "mutants"
RESULTS = MUTANTS / "results.jsonl"
ROOMS = ("evaluation", "store", "answers")
FIRST = "selectllm_engine.store.agreement.x_renewal*"  # quickly tried: with it mutmut makes all mutants
OF_ANY_TEST = 0.01  # seconds, however quick it is


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=300, help="mutants of each room")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--budget", type=float, default=8.0, help="seconds of tests per mutant, as they took unmutated")
    parser.add_argument("--survivors", action="store_true", help="show what the last run left alive")
    parser.add_argument("--again", action="store_true", help="with --survivors: try them again, with this budget")
    given = parser.parse_args()
    if not (MUTANTS / "mutmut-stats.json").exists():
        subprocess.run(["mutmut", "run", FIRST], cwd=ROOT, check=True)
    known = {each["mutant"]: each for each in _results()}
    drawn = [name for names in zip(*_drawn(given.count, given.seed), strict=True) for name in names]
    alive = [name for name in drawn if known.get(name, {}).get("end") == "survived"]
    if given.survivors and not given.again:
        for name in alive:
            print(subprocess.run(["mutmut", "show", name], cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    else:
        _try(alive if given.survivors else [name for name in drawn if name not in known], given.budget)
    known = {each["mutant"]: each for each in _results()}
    for room in ROOMS:
        ends = Counter(known[name]["end"] for name in drawn if name in known and name.split(".")[1] == room)
        told = "  ".join(f"{count} {end}" for end, count in sorted(ends.items()))
        print(f"{room:<12} {ends.total():>4} tried  {told}")
    return 0


def _results() -> list[dict[str, str]]:
    return [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


def _drawn(count: int, seed: int) -> list[list[str]]:
    """Names of mutants per room: a sample of 20 is the beginning of one of 300."""
    found = []
    for room in ROOMS:
        metas = sorted((MUTANTS / "src/selectllm_engine" / room).glob("*.meta"))
        names = sorted(name for meta in metas for name in json.loads(meta.read_text())["exit_code_by_key"])
        random.Random(seed).shuffle(names)
        found.append(names[:count])
    return found


def _try(names: list[str], budget: float) -> None:
    stats = json.loads((MUTANTS / "mutmut-stats.json").read_text())
    os.chdir(MUTANTS)
    sys.path.insert(0, str(MUTANTS / "src"))
    options = ["--rootdir=.", "-x", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", "--tb=no"]
    os.environ |= {"MUTANT_UNDER_TEST": "", "OPENBLAS_NUM_THREADS": "1"}
    files = {test.partition("::")[0] for test in stats["duration_by_test"]}
    pytest.main(["--collect-only", "-qqq", *options, *sorted(files)])  # what is imported now, no mutant imports again
    threads = {path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")}
    assert "polars-0" not in threads, "polars' threads don't survive a fork: some module of tests starts them"
    for name in names[: len(ROOMS)]:
        tests, seconds = _tests(name, stats, budget)
        assert not tests or _end("", [*options, *tests], 60 + 10 * seconds) == "survived", f"fails unmutated: {tests}"
    with RESULTS.open("a") as file:
        for number, name in enumerate(names, start=1):
            tests, seconds = _tests(name, stats, budget)
            begun = time.monotonic()
            end = _end(name, [*options, *tests], 60 + 10 * seconds) if tests else "no tests"
            took = round(time.monotonic() - begun, 1)
            file.write(json.dumps({"mutant": name, "end": end, "tests": len(tests), "seconds": took}) + "\n")
            file.flush()
            print(f"{number}/{len(names)} {name}: {end} ({took} s)", flush=True)


def _tests(name: str, stats: dict[str, dict[str, list[str]]], budget: float) -> tuple[list[str], float]:
    """The tests that a mutant gets, and how long they take without it."""
    took, own = stats["duration_by_test"], f"test_{name.split('.')[2]}.py"
    reaching = stats["tests_by_mangled_function_name"].get(name.rpartition("__mutmut_")[0], [])
    chosen: list[str] = []
    total = 0.0
    asked = [test for test in reaching if "\\" not in test]  # pytest doesn't find again what it escaped
    for test in sorted(asked, key=lambda test: (own not in test, took.get(test, 0.0))):
        seconds = took.get(test, 0.0) + OF_ANY_TEST
        if chosen and total + seconds > budget:
            break
        chosen.append(test)
        total += seconds
    return chosen, total


def _end(name: str, arguments: list[str], limit: float) -> str:
    child = os.fork()
    if child == 0:
        os.setsid()
        os.environ["MUTANT_UNDER_TEST"] = name
        nowhere = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nowhere, number)
        os._exit(pytest.main(arguments))
    until = time.monotonic() + limit
    while os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None and time.monotonic() < until:
        time.sleep(0.02)
    late = time.monotonic() >= until
    os.killpg(child, signal.SIGKILL)  # with what its tests started
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return "out of time" if late else {0: "survived", 1: "killed"}.get(status, f"ended with {status}")


if __name__ == "__main__":
    sys.exit(main())
