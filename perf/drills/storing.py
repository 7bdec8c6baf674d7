"""Two writers, damaged files, other settings, and runs that grow."""

from __future__ import annotations

import json
import os
import re
import signal
from typing import TYPE_CHECKING

from drills.disk import contents
from drills.lab import BENCHMARK, Lab, Report, wait_until
from drills.terminal import Terminal

from fakes import flip_bit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["damage", "extend", "settings", "writers"]


def writers(folder: Path) -> int:
    """Two commands that want to write the same LLM's results."""
    report = Report("writers: two commands at one LLM")
    lab = Lab(folder)
    lab.weights("a", delay=0.05, capacity=8)
    lab.weights("b")
    first = lab.generating(samples=6)
    wait_until(lambda: lab.made() > 0, first)
    second = lab.generate("a", "b", samples=6)
    report.claim(
        "the second stops with a clear line, exit code 1", second.clear(1, "is being written by"), second.last()
    )
    report.claim("while the first went on", first.running(), f"{first.done()} of 360 samples then")
    report.claim("the other LLM of the second command is done", lab.exactly(6, "b"))
    first.end()
    report.claim("the first is undisturbed: exit code 0, exactly 6 samples each", first.code == 0 and lab.exactly(6))

    third = lab.generating(samples=9)
    before = lab.made()
    wait_until(lambda: lab.made() > before, third)
    workers = lab.processes() - {third.process.pid}
    for each in (third.process.pid, *workers):
        os.kill(each, signal.SIGKILL)
    third.end()
    last = lab.generate(samples=9)
    report.claim("writers that were killed leave no lock", last.code == 0 and lab.exactly(9), last.last())
    report.claim("cache verify finds all files whole", lab.clean())
    report.claim("processes left over", lab.gone() == 0, lab.gone())
    report.end()
    return report.failed


def damage(folder: Path) -> int:
    """Every kind of file, damaged: found, passed over by what reads, and made again."""
    report = Report("damage: a truncated and a bit-flipped part, and every other kind of file")
    lab = Lab(folder)
    for name in ("a", "b"):
        lab.weights(name)
    for samples in (2, 4):
        lab.generate("a", "b", samples=samples)
    lab.run("train", "--router", "logistic:tfidf")
    llm, router = lab.root / BENCHMARK / "llms", lab.root / BENCHMARK / "routers" / "logistic%3Atfidf"
    harms: dict[str, Callable[[Path], None]] = {"truncated": _halve, "one bit flipped": flip_bit}
    for what, harm in harms.items():
        _derived(lab, remove=True)
        _one(report, lab, f"part, {what}", _part(lab, 1), harm, remedy=(), reading="passed over")
    _derived(lab)
    part = _part(lab, 0)
    figures = lab.run("evaluate", "--format", "json")
    whole = part.read_bytes()
    flip_bit(part)
    again = lab.run("evaluate", "--format", "json")
    report.claim("part whose answers are known: the figures stay", again.out == figures.out and again.code == 0)
    shown = lab.run("show", "q0", "--generations")
    report.claim("… show --generations says what it passed over", "truncated or changed" in shown.said(), shown.last())
    report.claim("… and cache verify finds it", lab.verify().code == 1)
    part.write_bytes(whole)
    derived = _derived(lab)
    _one(report, lab, "derived answers", derived, flip_bit, remedy=("evaluate",), reading="")
    _one(
        report, lab, "manifest of an LLM", llm / "b" / "manifest.json", _blur, remedy=("repair",), reading="passed over"
    )
    _one(
        report, lab, "questions", lab.root / BENCHMARK / "questions.parquet", flip_bit, remedy=("repair",), reading=None
    )
    for name in ("probabilities.parquet", "weights.skops", "manifest.json"):
        harm, reading = (_blur, "passed over") if name.endswith("json") else (flip_bit, "")
        _one(report, lab, f"router, {name}", router / name, harm, remedy=("repair", "train"), reading=reading)
    report.end()
    return report.failed


def _one(
    report: Report,
    lab: Lab,
    what: str,
    path: Path,
    harm: Callable[[Path], None],
    *,
    remedy: tuple[str, ...],
    reading: str | None,
) -> None:
    """Damage a file; `reading` is what evaluate says of it ("" nothing, None that it stops), `remedy` what helps."""
    harm(path)
    found = lab.verify("--format", "json")
    named = [each["path"] for each in json.loads(found.out)]
    report.claim(
        f"{what}: cache verify finds it, exit code 1", found.code == 1 and named == [str(path)], _short(found.out)
    )
    shown = Terminal(lab, "tui")
    figures = not reading or "routers" in path.parts  # the header warns of what it loads, and that is no router
    told = shown.wait("truncated or changed" if reading is None else "oracle" if figures else reading)
    shown.type("q")
    opened = shown.end() in {0, 1}
    report.claim("… the explorer opens on what is whole, or says why not", told and opened)
    if remedy != ("evaluate",):
        evaluated = lab.run("evaluate")
        if reading is None:
            report.claim(
                "… evaluate says so in one line", evaluated.clear(1, "see selectllm cache verify"), evaluated.last()
            )
        else:
            fine = evaluated.code == 0 and reading in evaluated.said() and "Traceback" not in evaluated.said()
            report.claim("… evaluate goes on with what is whole", fine, evaluated.last())
    if "repair" in remedy:
        repaired = lab.verify("--repair")
        report.claim("… --repair sets it aside", path.with_name(f"{path.name}.damaged").exists(), repaired.last())
    if remedy == ("evaluate",):
        made = lab.run("evaluate")
    elif "train" in remedy:
        made = lab.run("train", "--router", "logistic:tfidf")
    else:
        made = lab.generate("a", "b", samples=4)
    again = made.code == 0 and lab.exactly(4, "a") and lab.exactly(4, "b") and lab.clean()
    command = {"evaluate": "evaluate", "train": "train"}.get((remedy or ("",))[-1], "generate")
    report.claim(f"… {command} makes it again, exactly 4 samples each, all whole", again, "" if again else made.last())


def _part(lab: Lab, number: int) -> Path:
    return list(lab.parts())[number]


def _derived(lab: Lab, *, remove: bool = False) -> Path:
    """A file of derived answers; with `remove` there is none any more."""
    folder = lab.root / BENCHMARK / "llms" / "a" / "answers"
    if remove:
        for path in folder.glob("*"):
            path.unlink()
        return folder
    lab.run("evaluate")
    return next(folder.glob("*.parquet"))


def _halve(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _blur(path: Path) -> None:
    """Break the first bracket of a JSON file."""
    path.write_bytes(b"?" + path.read_bytes()[1:])


def _short(listed: str) -> str:
    return ", ".join(re.sub(r".*/(.*? )", r"…/\1", each["problem"]) for each in json.loads(listed))


def settings(folder: Path) -> int:
    """The same LLM with other weights, another prompt, other sampling."""
    report = Report("settings: other weights, prompt or sampling than the stored results")
    lab = Lab(folder, questions=12)
    weights = lab.weights()
    lab.generate(samples=2)
    before = contents(lab.root)
    (folder / "selectllm.toml").write_text('[prompts.other]\nsystem = "Answer with a joke."\n')

    def refused(what: str, *words: str, options: tuple[object, ...] = ()) -> None:
        done = lab.generate(samples=3, options=options)
        report.claim(f"other {what}: refused with both shown", done.clear(1, *words), done.last())
        report.claim("… and nothing is changed", contents(lab.root) == before)

    refused("sampling", '"max_tokens": 7', "in the cache", "now", options=("--max-tokens", 7))
    refused("prompt", "prompt", "in the cache", "Answer with a joke", options=("--prompt", "other"))
    (weights / "tokenizer.json").write_text("{}")
    refused("weights", '"fingerprint"', "in the cache", "now")
    (weights / "tokenizer.json").unlink()
    done = lab.generate(samples=3)
    report.claim("as they were: goes on", done.code == 0 and lab.exactly(3))
    report.end()
    return report.failed


def extend(folder: Path) -> int:
    """A larger K, then more questions."""
    report = Report("extend: a larger K or limit makes only what is missing")
    lab = Lab(folder)
    lab.weights()
    steps = [(2, 10), (5, 10), (5, 20), (7, 20)]
    earlier: dict[Path, bytes] = {}
    had = 0
    for samples, limit in steps:
        done = lab.generate(samples=samples, options=("--limit", limit))
        parts = lab.parts()
        kept = lab.kept()
        same = all(parts.get(path) == data for path, data in earlier.items())
        total = 3 * limit * samples  # of each of the three splits
        report.claim(
            f"K = {samples}, the first {limit} questions of each split: makes what is missing",
            done.code == 0 and kept == total == lab.made(),
            f"{lab.made() - had} of {total} samples",
        )
        report.claim("… the earlier parts are the same, byte for byte", same, f"{len(earlier)} parts")
        earlier, had = parts, lab.made()
    report.claim("exactly 7 samples of each question, all whole", lab.exactly(7) and lab.clean())
    report.end()
    return report.failed
