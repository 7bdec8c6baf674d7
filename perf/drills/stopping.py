"""Ctrl-C once and twice, SIGTERM, and a closed terminal; workers that crash, and who gets which GPU."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

from drills.lab import Lab, Report, wait_until
from drills.terminal import Terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SAMPLES = 5


def interrupt(folder: Path) -> int:
    """Every way to stop a run, in a real terminal."""
    report = Report("interrupt: Ctrl-C, SIGTERM and a closed terminal, in a terminal of its own")

    def twice(terminal: Terminal) -> None:
        terminal.type("\x03")
        terminal.wait("Ctrl-C again stops now")
        terminal.type("\x03")

    ways: dict[str, tuple[Callable[[Terminal], None], int]] = {
        "Ctrl-C once": (lambda terminal: terminal.type("\x03"), 130),
        "Ctrl-C twice": (twice, 130),
        "SIGTERM": (lambda terminal: os.kill(terminal.process.pid, signal.SIGTERM), 130),
        "terminal closed": (Terminal.close, -signal.SIGHUP),
    }
    for number, (name, (stop, expected)) in enumerate(ways.items()):
        _stop(report, folder / str(number), name, stop, expected)
    lab = _lab(folder / "loading", load_seconds=600)
    terminal = _generating(lab)
    terminal.wait("loading")
    begun = time.monotonic()
    terminal.type("\x03")
    code = terminal.end()
    report.claim("Ctrl-C while loading waits for nothing, exit code 130", code == 130, _after(begun))
    report.claim("… processes left over", lab.gone() == 0, lab.gone())
    report.end()
    return report.failed


def _stop(report: Report, folder: Path, name: str, stop: Callable[[Terminal], None], expected: int) -> None:
    lab = _lab(folder, delay=0.3, capacity=8)
    terminal = _generating(lab)
    wait_until(lambda: lab.made() >= 3 * SAMPLES, terminal)
    begun = time.monotonic()
    stop(terminal)
    code = terminal.end()
    left = lab.gone()
    kept, total = lab.kept(), lab.questions * SAMPLES
    report.claim(f"{name}: exit code {expected}", code == expected, f"after {_after(begun)}, all processes gone")
    report.claim(
        "… all that was finished is kept, and the run had more to do", lab.made() == kept < total, f"{kept} of {total}"
    )
    if name in {"Ctrl-C once", "SIGTERM"}:
        report.claim(
            "… what was in flight was finished",
            "are finished" in terminal.said() or "in flight is finished" in terminal.said(),
        )
    report.claim("… processes left over", left == 0, left)
    again = lab.generate(samples=SAMPLES)
    report.claim("… the same command goes on: exactly 5 samples each", again.code == 0 and lab.exactly(SAMPLES))


def _lab(folder: Path, **behaviour: float) -> Lab:
    folder.mkdir()
    lab = Lab(folder, questions=18, flush=30)
    lab.weights(**behaviour)
    return lab


def _generating(lab: Lab) -> Terminal:
    weights = f"a={lab.folder / 'weights' / 'a'}"
    return Terminal(lab, "generate", "--data", lab.folder / "own.jsonl", "--samples", SAMPLES, "--llm", weights)


def _after(begun: float) -> str:
    return f"{time.monotonic() - begun:.1f} s"


def workers(folder: Path) -> int:
    """Several LLMs on three pretended GPUs, some of which crash."""
    report = Report("workers: nine LLMs on three pretended GPUs, three of which fail")
    lab = Lab(folder, questions=12)
    lasting = {"a": 0.3, "b": 0.02, "c": 0.02, "d": 0.02, "e": 0.02, "f": 0.02}
    for name, delay in lasting.items():
        lab.weights(name, delay=delay)
    lab.weights("once", crash_once=True)
    lab.weights("always", crash=True)
    lab.weights("broken", load_error="no room")
    names = ["a", "always", "b", "once", "c", "broken", "d", "e", "f"]
    done = lab.generate(*names, samples=SAMPLES, options=("--gpu", "0,1,2"))
    handed = [line.split() for line in (folder / "handed").read_text().splitlines()]
    times = Counter(name for name, _ in handed)
    said = done.said()
    report.claim(
        "a worker that crashes once is tried again and finishes", times["once"] == 2 and lab.exactly(SAMPLES, "once")
    )
    report.claim(
        "one that always crashes is tried twice, then reported", times["always"] == 2, _line(said, "always: its")
    )
    report.claim("one that cannot load is reported at once", times["broken"] == 1, _line(said, "broken: "))
    report.claim("exit code 1, all that failed in one line", done.clear(1, "always", "broken"), done.last())
    whole = all(lab.exactly(SAMPLES, name) for name in lasting)
    report.claim("all others are done: exactly 5 samples each", whole and lab.clean())
    for gpu in "012":
        report.figure(f"GPU {gpu} got", " ".join(name for name, where in handed if where == gpu))
    spread = Counter(where for _, where in handed)
    report.claim("the GPU of the slowest got least", min(spread, key=lambda gpu: spread[gpu]) == dict(handed)["a"])
    report.claim("no GPU had two at a time", not (folder / "clashes").exists())
    report.claim("processes left over", lab.gone() == 0, lab.gone())
    report.end()
    return report.failed


def _line(said: str, start: str) -> str:
    return next((line for line in said.splitlines() if line.startswith(start)), "")
