"""How quick the explorer is: to start, from a key to the repainted table, and on a run of 400,000 questions.

python perf/explorer.py              # everything, on the recorded run and on made-up ones
python perf/explorer.py start        # first paint of a run, as a multiple of importing the libraries
python perf/explorer.py keys         # key to repainted table, 1,319 questions x 7 LLMs x 10 samples
python perf/explorer.py scroll       # key to repainted list of 1,000,000 questions
python perf/explorer.py large        # key to headline and current row, 400,000 questions x 33 LLMs
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import time
from dataclasses import replace
from fcntl import ioctl
from termios import TIOCSWINSZ
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl

from selectllm_engine.api import Run
from selectllm_engine.evaluation import Outcomes, RouterScores, llm_votes
from selectllm_engine.evaluation.votes import tally
from selectllm_tui.app import ExplorerApp
from selectllm_tui.screens.main import MainScreen
from selectllm_tui.screens.workers import AllComputed, Computed
from selectllm_tui.transitions import choose_policy
from selectllm_tui.widgets.rows import RowTable

LIBRARIES = "import textual.app, polars, numpy"
EXPLORER = "from selectllm_tui.cli import main; import sys; sys.exit(main(['tui', '--fresh', *sys.argv[1:]]))"
PAINTED = b"best-single"  # in the results table once it is there


def seconds_to_import() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", LIBRARIES], check=True)
    return time.perf_counter() - started


def seconds_to_first_paint(arguments: list[str]) -> float:
    """From the start of the process to the results table on a 120 x 40 terminal."""
    started = time.perf_counter()
    child, terminal = pty.fork()
    if child == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(  # noqa: S606 - the child is this very interpreter
            sys.executable, [sys.executable, "-c", EXPLORER, *arguments]
        )
    ioctl(terminal, TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    seen = b""
    try:
        while PAINTED not in seen:
            if not select.select([terminal], [], [], 60)[0]:
                raise SystemExit(f"no first paint within 60 s: {seen[-400:]!r}")
            seen += os.read(terminal, 65536)
        return time.perf_counter() - started
    finally:
        os.write(terminal, b"q")
        drain(terminal)
        os.waitpid(child, 0)
        os.close(terminal)


def drain(terminal: int) -> None:
    """Reads what the explorer says while it leaves; closing its terminal early would hang it up."""
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass


def start(arguments: list[str], repeats: int = 7) -> None:
    seconds_to_import(), seconds_to_first_paint(arguments)  # warm the disk's cache
    pairs = [(seconds_to_import(), seconds_to_first_paint(arguments)) for _ in range(repeats)]
    bare = statistics.median(pair[0] for pair in pairs)
    painted = statistics.median(pair[1] for pair in pairs)
    print(f"import of the libraries   {bare:7.3f} s")
    print(f"first paint of the run    {painted:7.3f} s   {painted / bare:.2f} x (aim: 2.5 x)")


class MadeUpRun(Run):
    """A Run over made-up outcomes and one made-up router: no files."""

    routers = ("made-up",)

    def __init__(self, questions: int, llms: int, samples: int) -> None:
        super().__init__(SimpleNamespace(problems={}, is_packaged=lambda _: False, marks=lambda _: {}), "made-up")
        self._outcomes = {
            "test": made_up(questions, llms, samples, "test"),
            "validation": made_up(2000, llms, samples, "validation"),
        }
        self.splits = ("validation", "test")
        self.llms = self._outcomes["test"].llms
        rng = np.random.default_rng(1)
        chances = {
            split: (0.3 * each.labels + 0.7 * rng.random(each.labels.shape)).astype(np.float32)
            for split, each in self._outcomes.items()
        }
        self._made_up = RouterScores(
            "made-up", chances["test"], forest=chances["test"], validation=chances["validation"]
        )

    def forget_answers(self) -> None:
        """Leaves only labels, as imported files without generations have."""
        for split, each in self._outcomes.items():
            self._outcomes[split] = replace(each, answers=None, samples=0)
        self._prepared.clear()
        self._learners.clear()

    def router_seconds(self, _: str) -> float | None:
        return None

    def info(self, _: str) -> dict[str, Any]:
        return {}

    def scores(self, *_: str, **_forest: bool) -> RouterScores:
        return self._made_up


def made_up(questions: int, llms: int, samples: int, split: str) -> Outcomes:
    """Random outcomes: LLMs are right in 40 to 75 % of samples; wrong answers are spread over ten."""
    rng = np.random.default_rng(0)
    right = rng.random((questions, llms, samples)) < np.linspace(0.4, 0.75, llms)[:, None]
    answers = np.where(right, 0, rng.integers(-1, 10, right.shape, dtype=np.int16)).astype(np.int16)
    names = tuple(f"llm-{n}" for n in range(llms))
    return Outcomes(
        benchmark="made-up",
        split=split,
        questions=pl.DataFrame(
            {
                "question_id": [f"{split}-{q}" for q in range(questions)],
                "subject": ["none"] * questions,
                "text": ["What is it?"] * questions,
                "choices": pl.Series([None] * questions, dtype=pl.List(pl.String)),
                "gold": ["0"] * questions,
                "kind": ["number"] * questions,
            }
        ),
        llms=names,
        samples=samples,
        answers=answers,
        vocabulary=None,
        gold=np.zeros(questions, dtype=np.int16),
        labels=llm_votes(tally(answers)).code == 0,
        latency=(np.linspace(1, 7, llms) * rng.uniform(0.5, 1.5, (questions, llms))).astype(np.float32),
        cost=np.full((questions, llms), np.nan, dtype=np.float32),
    )


class Stopwatch:
    """Seconds from a key to the moments when parts of the answer are painted."""

    def __init__(self, screen: MainScreen) -> None:
        self.screen = screen
        self.headline: list[float] = []
        self.current: list[float] = []
        self.complete: list[float] = []

    async def press(self, key: str) -> None:
        screen = self.screen
        started = time.perf_counter()
        done = asyncio.Event()
        # The screen handles these messages first; a callback after the next refresh sees what they painted.
        seen = {"headline": self.headline, "current": self.current, "complete": self.complete}

        def note(name: str) -> None:
            if name in seen:
                seen.pop(name).append(time.perf_counter() - started)
            if name == "complete":
                done.set()

        def hook(message: object) -> None:
            if getattr(message, "generation", None) != screen.threads.generation:
                return
            if isinstance(message, Computed):
                screen.call_after_refresh(note, "current" if message.tab else "headline")
            elif isinstance(message, AllComputed):
                screen.call_after_refresh(note, "complete")

        self.hook = hook
        before = screen.state
        screen.action_press("policy" if key == "p" else f"llm_{key}")
        if screen.state.setup != before.setup:  # else nothing is computed
            await done.wait()


async def time_keys(run: MadeUpRun, keys: list[str], policy: str | None) -> Stopwatch:
    watches: list[Stopwatch] = []

    def hook(message: object) -> None:
        if watches:
            watches[0].hook(message)

    class Timed(ExplorerApp):
        def read(self) -> Any:
            return run

    app = Timed()
    async with app.run_test(size=(120, 40), message_hook=hook):
        while not (isinstance(screen := app.screen, MainScreen) and screen.headline and not list(app.workers)):
            await asyncio.sleep(0.02)
        if policy is not None:
            screen.set_state(choose_policy(screen.state, policy))
            while list(app.workers):
                await asyncio.sleep(0.02)
        watch = Stopwatch(screen)
        watches.append(watch)
        for key in keys:
            await watch.press(key)
            await asyncio.sleep(0.01)
    return watch


def fresh_pools(count: int, *, policies: bool) -> list[str]:
    """Keys of which each leads to a pool that was not there before (a Gray code), with some changes of policy."""
    toggles = [str((step & -step).bit_length()) for step in range(1, count + 1)]
    if not policies:
        return toggles
    return [key for at, toggle in enumerate(toggles) for key in (["p", toggle] if at % 8 == 7 else [toggle])][:count]


def reference() -> str:
    """How quick the machine is at this moment: the same bit of work, for times of different runs to be compared."""
    numbers = np.random.default_rng(0).random(1_000_000)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        np.sort(numbers)
        times.append(time.perf_counter() - started)
    return f"sorting 1,000,000 numbers takes {1e3 * statistics.median(times):.1f} ms"


def keys(run: MadeUpRun, aims: dict[str, float], policy: str | None = None) -> None:
    """Medians of 50 keys; `policy` stays the policy throughout, without it the keys change it now and then."""
    watch = asyncio.run(time_keys(run, fresh_pools(50, policies=policy is None), policy))
    questions, llms = run.outcomes().labels.shape
    title = f"{questions:,} questions x {llms} LLMs x {run.outcomes().samples} samples, {policy or 'several policies'}"
    print(f"{title}, medians of {len(watch.complete)} keys; {reference()}")
    for name, what in (("headline", "headline"), ("current", "the current policy's row"), ("complete", "all rows")):
        times = getattr(watch, name)
        aim = f"   (aim: {aims[name]:.0f} ms)" if name in aims else ""
        slow = sorted(times)[int(0.95 * len(times))]
        print(f"  {what:26} {1e3 * statistics.median(times):7.1f} ms   95 %: {1e3 * slow:7.1f} ms{aim}", flush=True)


def large() -> None:
    """On 400,000 questions: walking through the policies, then each policy whose rows are pooled votes, then labels."""
    run = MadeUpRun(400_000, 33, 1)
    aims = {"headline": 250.0, "current": 250.0}
    for policy in (None, "threshold", "top-m", "cascade"):
        keys(run, aims, policy)
    run.forget_answers()
    print("the same with labels only:")
    keys(run, aims)


async def time_scrolling(run: MadeUpRun, presses: int) -> dict[str, list[float]]:
    """Seconds from a key in the list of questions to the painted list."""

    class Timed(ExplorerApp):
        def read(self) -> Any:
            return run

    app = Timed()
    times: dict[str, list[float]] = {"pagedown": [], "down": [], "end": [], "home": [], "filter": []}
    async with app.run_test(size=(120, 40)):
        while not (isinstance(screen := app.screen, MainScreen) and screen.headline and not list(app.workers)):
            await asyncio.sleep(0.02)
        screen.set_state(screen.state.look(tab="questions"))
        while screen.listing is None or list(app.workers):
            await asyncio.sleep(0.02)
        table = screen.query_one("#questions", RowTable)
        steps = {"pagedown": lambda: table.action_page(1), "down": lambda: table.action_move(1)}
        steps |= {"end": lambda: table.action_end(1), "home": lambda: table.action_end(-1)}
        for _ in range(presses):
            for name, step in steps.items():
                painted = asyncio.Event()
                started = time.perf_counter()
                step()
                table.call_after_refresh(painted.set)
                await painted.wait()
                times[name].append(time.perf_counter() - started)
        for at in range(6):
            started, before = time.perf_counter(), screen.listing
            screen.set_state(screen.state.look(filter="misrouted" if at % 2 == 0 else None))
            while screen.listing is before:
                await asyncio.sleep(0.001)
            times["filter"].append(time.perf_counter() - started)
    return times


def scroll(questions: int) -> None:
    times = asyncio.run(time_scrolling(MadeUpRun(questions, 4, 1), 20))
    print(f"{questions:,} rows of questions, medians")
    for name, seconds in times.items():
        print(f"  {name:26} {1e3 * statistics.median(seconds):7.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("start", "keys", "large", "scroll"))
    parser.add_argument("--cache", help="a cache with one benchmark; without it the recorded run")
    given = parser.parse_args()
    if given.what in (None, "start"):
        start(["--cache", given.cache] if given.cache else [])
    if given.what in (None, "keys"):
        keys(MadeUpRun(1319, 7, 10), {"complete": 50})
    if given.what in (None, "scroll"):
        scroll(1_000_000)
    if given.what in (None, "large"):
        large()


if __name__ == "__main__":
    main()
