"""kill -9 at random moments, of the command, of its worker, or of both, and the same command again each time."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

from drills.lab import GIVE_UP, Command, Lab, Report, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TARGETS = ("command", "worker", "both")


class Killing:
    """One run that is killed again and again."""

    def __init__(self, lab: Lab, begin: Callable[[], Command]) -> None:
        self.lab = lab
        self.begin = begin
        self.counts: Counter[str] = Counter()
        self.lost: list[int] = []  # finished by the engine and not kept, per kill after which all was quiet
        self.orphans = 0
        self.odd: list[str] = []  # ends that nobody expects
        self.command = begin()

    def alive(self) -> None:
        """Start the command again until it runs."""
        while not self.command.running():
            self.command.end()
            if self.command.code == 0:
                raise EOFError
            last = self.command.last()
            if "is being written by" in last:
                self.counts["refused"] += 1
                time.sleep(0.2)
            elif self.command.code == 1 and "was killed by signal 9" not in last:
                self.odd.append(last)
            self.counts["restarts"] += 1
            self.command = self.begin()

    def kill(self, target: str) -> set[int]:
        """Kill what is there of the target; the command where it has no worker yet. The processes that ran."""
        every = self.lab.processes()
        workers = every - {self.command.process.pid}
        victims = workers if target != "command" else set()
        if target != "worker" or not workers:
            victims = victims | {self.command.process.pid}
        for each in victims:
            try:
                os.kill(each, signal.SIGKILL)
            except ProcessLookupError:
                continue
        both = self.command.process.pid in victims
        if both:
            self.command.process.wait()
        self.counts["both" if both and victims & workers else "command" if both else "worker"] += 1
        return every if both else victims


def fake(folder: Path, *, times: int, seed: int) -> int:
    """Many kills of one run with the fake engine."""
    report = Report(f"kills: kill -9 {times} times over one run, fake engine, seed {seed}")
    chance = random.Random(seed)
    lab = Lab(folder, questions=200, flush=0.1)
    lab.weights(delay=0.02, capacity=4)
    samples = 10
    killing = Killing(lab, lambda: lab.generating(samples=samples))
    lost = 0
    for number in range(times):
        killing.alive()
        if early := chance.random() < 0.3:
            time.sleep(chance.uniform(0, 2.5))  # while it starts, as a rule
        else:
            before = lab.made()
            wait_until(lambda before=before: lab.made() > before, killing.command)
            time.sleep(chance.uniform(0, 0.8))
        if not killing.command.running():
            killing.alive()
        killing.counts["early"] += early
        ran = killing.kill(chance.choice(TARGETS))
        if chance.random() < 0.5:  # else the command starts again while the old worker still flushes
            killing.orphans += lab.gone(ran)
            missing = lab.made() - lab.kept()
            killing.lost.append(missing - lost)
            lost = missing
        if number % 10 == 9:
            print(f"       … {number + 1} kills, {lab.kept():,} samples kept", flush=True)
    return _claims(report, killing, samples, times)


def real(folder: Path, weights: Path, *, seed: int) -> int:
    """Three kills of a run with vLLM: the command, its worker, both."""
    report = Report(f"kills: kill -9 three times over one run, {weights.name} with vLLM, seed {seed}")
    chance = random.Random(seed)
    lab = Lab(folder, questions=40)
    del lab.environment["FAKE_WORKER"]
    samples = 4
    options = ("--max-tokens", 48, "--llm", f"a={weights}")

    def begin() -> Command:
        return lab.start("generate", "--data", folder / "own.jsonl", "--samples", samples, *options)

    killing = Killing(lab, begin)
    for target in TARGETS:
        killing.alive()
        before = lab.kept() if (lab.root / "own").exists() else 0
        wait_until(lambda before=before: killing.command.done() > before, killing.command)
        time.sleep(chance.uniform(0, 3))
        told = killing.command.done()
        killing.orphans += lab.gone(killing.kill(target))
        killing.lost.append(max(0, told - lab.kept()))
        print(f"       … {target} killed at {told} samples, {lab.kept()} kept", flush=True)
    return _claims(report, killing, samples, len(TARGETS))


def _claims(report: Report, killing: Killing, samples: int, times: int) -> int:
    lab, counts = killing.lab, killing.counts
    begun = time.monotonic()
    early = lab.kept()
    try:
        while time.monotonic() - begun < GIVE_UP:
            killing.alive()
            killing.command.process.wait(GIVE_UP)
    except EOFError:
        pass
    total = lab.questions * samples
    report.claim("all kills hit one run that had still to do", early < total, f"{early:,} of {total:,} samples then")
    kills = ", ".join(f"{name} {counts[name]}" for name in TARGETS)
    report.claim("kills", sum(counts[each] for each in TARGETS) == times, f"{times}: {kills}")
    report.figure("of which while it was starting, about", counts["early"])
    report.figure("commands that had to be started again", counts["restarts"])
    report.figure("of which refused, because the old worker was on its last flush", counts["refused"])
    report.claim("no other end than those", not killing.odd, "; ".join(killing.odd))
    if made := lab.made():
        report.figure("samples finished and not kept, in all", f"{made - lab.kept():,} of {made:,}")
    lost = killing.lost
    report.figure("the same per kill: mean, most", f"{sum(lost) / len(lost):.1f}, {max(lost)}" if lost else "–")
    report.claim("processes left over", killing.orphans + lab.gone() == 0, killing.orphans)
    report.claim(f"exactly {samples} samples of each of {lab.questions} questions, all readable", lab.exactly(samples))
    report.claim("cache verify finds all files whole", lab.clean())
    temporary = list(lab.root.rglob(".tmp-*"))
    report.claim("unfinished files left over", not temporary, len(temporary))
    report.end()
    return report.failed
