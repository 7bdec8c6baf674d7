"""A worker process with the fake engine of the tests, which writes down what it finishes and where."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from fake_engine import FakeEngine
from selectllm_engine.generation import worker
from selectllm_engine.generation.keeper import Periods

LEDGER = Path(os.environ["FAKE_LEDGER"])


class FakeLedgerEngine(FakeEngine):
    """The fake engine; every finished sample is a line of the ledger, whether or not it is ever stored."""

    def start(self, *, longest, seed):
        time.sleep(self.behaviour.get("load_seconds", 0))
        super().start(longest=longest, seed=seed)

    def step(self):
        finished = super().step()
        append(LEDGER, "".join(f"{each.request_id}\n" * len(each.completions) for each in finished))
        return finished


def append(path: Path, text: str) -> None:
    with path.open("ab", buffering=0) as file:
        file.write(text.encode())


def load(spec, folder):
    gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if gpu:
        place = os.open(LEDGER.with_name(f"gpu-{gpu}"), os.O_CREAT | os.O_RDWR)  # kept open until this process ends
        try:
            fcntl.flock(place, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            append(LEDGER.with_name("clashes"), f"{spec.llm.name} {gpu}\n")
        append(LEDGER.with_name("handed"), f"{spec.llm.name} {gpu}\n")
    return FakeLedgerEngine(folder)


if __name__ == "__main__":
    worker.leave(worker.main(load, Periods(report=0, write=float(os.environ["FAKE_WRITE_SECONDS"]))))
