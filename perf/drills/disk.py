"""The disk fills up while an LLM is sampled, and is full for every other command that writes."""

from __future__ import annotations

import contextlib
import csv
import os
import subprocess
from typing import TYPE_CHECKING

from drills.lab import BENCHMARK, Lab, Report, wait_until

from selectllm_engine.store.cache import Cache

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SMALL, LARGER = "2m", "16m"


@contextlib.contextmanager
def disk(place: Path, size: str) -> Iterator[str]:
    """A small file system in memory; yields why there is none, where it can't be had."""
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True, text=True, check=False
    )
    try:
        yield done.stderr.strip()
    finally:
        if not done.returncode:
            subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path) -> int:
    """Leave no room at all; how many bytes that took."""
    with (place / "ballast").open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"\0" * 4096):
            pass
    return (place / "ballast").stat().st_size


def drill(folder: Path) -> int:
    report = Report(f"disk: a file system of {SMALL[:-1]} MiB fills up while sampling")
    place = folder / "disk"
    with disk(place, SMALL) as refused:
        if refused:
            report.figure("skipped, because nothing can be mounted here", refused)
            return 0
        _drill(report, Lab(folder, cache=place / "cache"), place)
    report.end()
    return report.failed


def _drill(report: Report, lab: Lab, place: Path) -> None:
    samples = 10
    lab.weights(delay=0.05, capacity=8)
    first = lab.generating(samples=samples)
    wait_until(lambda: (lab.root / BENCHMARK).exists() and lab.kept() > 0, first)
    taken = fill(place)
    first.end()
    kept = lab.kept()
    report.figure("filled by something else, after the first flush", f"{taken:,} bytes")
    report.claim("one clear line and exit code 1", first.clear(1, "No space left on device", "free some"), first.last())
    report.claim("what was flushed is readable", kept > 0, f"{kept} of {lab.made()} samples")
    report.claim("cache verify works on the full disk and finds all whole", lab.clean())
    again = lab.generate(samples=samples)
    report.claim("the same command on the full disk: one line, exit code 1", again.clear(1, "free some"), again.last())
    report.claim("and nothing is lost by that", lab.kept() == kept, lab.kept())
    subprocess.run(["mount", "-o", f"remount,size={LARGER}", str(place)], check=True)
    finished = lab.generate(samples=samples)
    report.claim(
        f"with a disk of {LARGER[:-1]} MiB the same command finishes", finished.code == 0, f"{lab.kept()} samples"
    )
    report.claim(f"exactly {samples} samples of each question", lab.exactly(samples))

    fill(place)
    before = contents(lab.root)
    evaluated = lab.run("evaluate")
    report.claim("evaluate on a full disk works; answers are not kept", evaluated.code == 0 and bool(evaluated.out))
    trained = lab.run("train", "--router", "logistic:tfidf")
    report.claim("train: one line, exit code 1", trained.clear(1, "No space left"), trained.last())
    imported = lab.run("import", "table", table(lab.folder), "--llms", "x,y", benchmark="imported")
    report.claim(
        "import: one line, exit code 1", imported.code != 0 and imported.clear(1, "o space left"), imported.last()
    )
    part = next(iter(lab.parts()))
    whole = part.read_bytes()
    os.truncate(part, len(whole) // 2)  # gives room back, and takes it again:
    fill(place)
    repaired = lab.verify("--repair")
    aside = repaired.code == 0 and not part.exists()
    report.claim(
        "cache verify --repair sets damaged files aside", aside, "" if aside else repaired.out + repaired.said()
    )
    (place / "ballast").unlink()
    part.with_name(f"{part.name}.damaged").unlink()
    part.write_bytes(whole)
    changed = {path for path, data in contents(lab.root).items() if before.get(path) != data}
    report.claim("nothing else was changed or left behind", not changed, ", ".join(map(str, sorted(changed))))
    trained = lab.run("train", "--router", "logistic:tfidf")
    report.claim("with room again, train works", trained.code == 0, trained.last())


def table(folder: Path) -> Path:
    """Scores of two LLMs on some other questions."""
    path = folder / "table.csv"
    with path.open("w", newline="") as file:
        rows = ([f"Question {n}?", n % 2, 1 - n % 2] for n in range(30))
        csv.writer(file).writerows([["question", "x", "y"], *rows])
    return path


def contents(root: Path) -> dict[Path, bytes]:
    """All files of a cache but locks."""
    return {path: path.read_bytes() for path in Cache(root).root.rglob("*") if path.is_file() and path.name[0] != "."}
