"""What all drills share: a made-up benchmark and LLMs, commands as real processes, and claims with their figures."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from selectllm_engine.store.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Callable

TESTS = Path(__file__).resolve().parents[2] / "tests"
sys.path.insert(0, str(TESTS))

from fake_engine import fake_weights  # noqa: E402 it is beside the tests

BENCHMARK = "own"
GIVE_UP = 1200.0  # seconds; only a hang takes so long
MARK = "SELECTLLM_DRILL"  # in the environment of every process of a drill
# The command line as it is, but for progress that is told at once, and workers that know the fake engine alone.
LAUNCH = """
import os, sys
from selectllm_tui.cli import generation_progress, main
generation_progress.PLAIN_SECONDS = 0
if worker := os.environ.get("FAKE_WORKER"):
    from selectllm_engine import machine
    from selectllm_engine.generation import engine, scheduler
    scheduler.WORKER = (sys.executable, worker)
    engine.find_spec = lambda _: True
    machine.gpus = lambda: [machine.Gpu(str(number), "fake", 1 << 40) for number in range(8)]
sys.exit(main(sys.argv[1:]))
"""


class Report:
    """Claims of one drill, printed as they are found to hold or not."""

    def __init__(self, title: str) -> None:
        self.failed = 0
        self.begun = time.monotonic()
        print(f"\n{title}")

    def claim(self, what: str, holds: bool, figure: object = "") -> None:
        self.failed += not holds
        self._line("ok  " if holds else "FAIL", what, figure)

    def figure(self, what: str, figure: object) -> None:
        self._line("    ", what, figure)

    def end(self) -> None:
        self.figure("seconds", f"{time.monotonic() - self.begun:.0f}")

    def _line(self, mark: str, what: str, figure: object) -> None:
        shown = str(figure) if mark == "FAIL" else shorten(str(figure), 100, placeholder=" …")
        print(f"  {mark} {what:<76} {shown}".rstrip(), flush=True)


class Command:
    """One command line in a process of its own; what it writes to standard error goes to a file."""

    def __init__(self, lab: Lab, arguments: list[str]) -> None:
        self._errors = lab.folder / f"errors-{secrets.token_hex(4)}"
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-c", LAUNCH, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=lab.environment,
                cwd=lab.folder,
            )

    def running(self) -> bool:
        return self.process.poll() is None

    def end(self) -> Command:
        self.out = self.process.communicate(timeout=GIVE_UP)[0].decode()
        return self

    @property
    def code(self) -> int:
        return self.process.returncode

    def said(self) -> str:
        return self._errors.read_text(errors="replace")

    def last(self) -> str:
        """The last line, where errors are."""
        return (self.said().splitlines() or [""])[-1]

    def done(self, llm: str = "a") -> int:
        """Samples that there are, as it told last."""
        told = re.findall(rf"^{llm} on {BENCHMARK}: ([\d,]+)/", self.said(), re.MULTILINE)
        return int(told[-1].replace(",", "")) if told else 0

    def clear(self, code: int, *words: str) -> bool:
        """Whether it ended with that code and one line that holds these words."""
        said = self.said()
        errors = [line for line in said.splitlines() if line.startswith("error:")]
        whole = "Traceback" not in said and errors == [self.last()]
        return self.code == code and whole and all(word in self.last() for word in words)


class Lab:
    """A cache, a benchmark of one's own with numbered questions, and LLMs that are weights for the fake engine."""

    def __init__(self, folder: Path, *, questions: int = 60, cache: Path | None = None, flush: float = 0.2) -> None:
        self.folder = folder
        self.questions = questions
        self.root = cache or folder / "cache"
        self.ledger = folder / "ledger"
        self._mark = secrets.token_hex(8)
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SELECTLLM_")}
        self.environment = kept | {
            "PYTHONPATH": os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]),
            "XDG_STATE_HOME": str(folder / "state"),
            "COLUMNS": "500",
            "NO_COLOR": "1",
            "FAKE_WORKER": str(Path(__file__).with_name("fake_worker.py")),
            "FAKE_WRITE_SECONDS": str(flush),
            "FAKE_LEDGER": str(self.ledger),
            MARK: self._mark,
        }
        self.write_questions()

    @property
    def cache(self) -> Cache:
        """The cache as it is now: nothing remembered."""
        return Cache(self.root)

    def write_questions(self) -> None:
        """A third of the questions in each split, test first."""
        rows = [
            {"question": f"What is {n} + {n % 7}?", "answer": str(n + n % 7), "split": split, "id": f"q{n}"}
            for n in range(self.questions)
            for split in [("test", "train", "validation")[3 * n // self.questions]]
        ]
        (self.folder / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def weights(self, name: str = "a", **behaviour: Any) -> Path:
        return Path(fake_weights(self.folder / "weights" / name, **behaviour))

    def start(self, *arguments: object, benchmark: str = BENCHMARK) -> Command:
        """Any command on this cache."""
        given = [*map(str, arguments)]
        return Command(self, [*given, "--benchmark", benchmark, "--cache", str(self.root)])

    def run(self, *arguments: object, benchmark: str = BENCHMARK) -> Command:
        return self.start(*arguments, benchmark=benchmark).end()

    def generating(self, *llms: str, samples: int = 4, options: tuple[object, ...] = ()) -> Command:
        """`generate` for LLMs whose weights are made already."""
        named = [each for llm in llms or ("a",) for each in ("--llm", f"{llm}={self.folder / 'weights' / llm}")]
        return self.start("generate", "--data", self.folder / "own.jsonl", *named, "--samples", samples, *options)

    def generate(self, *llms: str, samples: int = 4, options: tuple[object, ...] = ()) -> Command:
        return self.generating(*llms, samples=samples, options=options).end()

    def made(self) -> int:
        """Samples that the fake engine finished, whatever became of them."""
        return self.ledger.read_bytes().count(b"\n") if self.ledger.exists() else 0

    def kept(self, llm: str = "a") -> int:
        """Samples that can be read from the cache."""
        return self.cache.sampled(BENCHMARK, llm).height

    def parts(self, llm: str = "a") -> dict[Path, bytes]:
        listed = self.cache.parts(BENCHMARK, llm).listed()
        return {part.path: part.path.read_bytes() for part in listed}

    def exactly(self, samples: int, llm: str = "a", questions: int | None = None) -> bool:
        """Whether the parts hold exactly so many samples of each question, none twice in any part, all with a text."""
        rows = pl.concat([pl.read_parquet(path) for path in self.parts(llm)])
        expected = {(f"q{n}", sample) for n in range(questions or self.questions) for sample in range(samples)}
        keys = rows.select("question_id", "sample").rows()
        return len(keys) == len(expected) and set(keys) == expected and not rows["text"].has_nulls()

    def verify(self, *options: str) -> Command:
        return self.run("cache", "verify", *options)

    def clean(self) -> bool:
        done = self.verify()
        return done.code == 0 and done.last() == "all files are whole"

    def processes(self) -> set[int]:
        """Everything that runs on behalf of this lab."""
        mark = f"{MARK}={self._mark}".encode()
        found = set()
        for place in Path("/proc").glob("[0-9]*"):
            try:
                if mark in (place / "environ").read_bytes().split(b"\0"):
                    found.add(int(place.name))
            except OSError:  # it ended meanwhile, or is somebody else's; zombies have no environment left
                continue
        return found

    def gone(self, which: set[int] | None = None, seconds: float = 90.0) -> int:
        """How many of these processes (all by default) are still there after so long; 0 as soon as none is."""
        until = time.monotonic() + seconds
        while left := (self.processes() if which is None else self.processes() & which):
            if time.monotonic() > until:
                break
            time.sleep(0.02)
        return len(left)


class Running(Protocol):
    """A command that is followed, in a terminal or without one."""

    def running(self) -> bool: ...

    def said(self) -> str: ...


def wait_until(true: Callable[[], object], command: Running) -> bool:
    """Wait for something that a running command brings about; False where the command ended before."""
    begun = time.monotonic()
    while not true():
        if not command.running():
            return bool(true())
        if time.monotonic() - begun > GIVE_UP:
            raise TimeoutError(command.said()[-1000:])
        time.sleep(0.01)
    return True
