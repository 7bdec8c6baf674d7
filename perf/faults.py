"""Drills: what goes wrong in the night goes wrong here on purpose, and nothing may be lost, doubled or left running.

    python perf/faults.py                         # all drills, with the fake engine of the tests
    python perf/faults.py kills disk              # some
    python perf/faults.py kills --real FOLDER     # three kills of a real LLM with vLLM

Commands run as real processes with the real runner, cache and lock; only what computes is a fake, which says so in its
name. Every line is a claim with its figure; exit code 1 where one doesn't hold. Needs Linux, and root for `disk`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from drills import cuts, disk, flips, hostile, kills, stopping, storing

DRILLS = {
    "kills": lambda folder, given: kills.fake(folder, times=given.kills, seed=given.seed),
    "disk": lambda folder, _: disk.drill(folder),
    "writers": lambda folder, _: storing.writers(folder),
    "damage": lambda folder, _: storing.damage(folder),
    "settings": lambda folder, _: storing.settings(folder),
    "extend": lambda folder, _: storing.extend(folder),
    "interrupt": lambda folder, _: stopping.interrupt(folder),
    "workers": lambda folder, _: stopping.workers(folder),
    "cuts": lambda folder, _: cuts.drill(folder),
    "flips": lambda folder, given: flips.drill(folder, times=given.flips, seed=given.seed),
    "hostile": lambda folder, _: hostile.caches(folder),
    "floods": lambda folder, _: hostile.floods(folder),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "drill", nargs="*", metavar="DRILL", choices=[[], *DRILLS], help=f"of {', '.join(DRILLS)}; all without names"
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0, help="of the moments to kill at and the bits to flip")
    parser.add_argument("--real", type=Path, metavar="FOLDER", help="kill a real LLM with these weights instead")
    given = parser.parse_args()
    failed = 0
    for name in given.drill or DRILLS:
        with tempfile.TemporaryDirectory(prefix=f"fault-{name}-") as folder:
            if name == "kills" and given.real:
                failed += kills.real(Path(folder), given.real.resolve(), seed=given.seed)
            else:
                failed += DRILLS[name](Path(folder), given)
    print(f"\n{failed} claims failed" if failed else "\nall claims hold")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
