"""Worker processes, one per LLM, handed out to GPUs as those get free; their events in one stream.

Workers run in process groups of their own: a Ctrl-C in the terminal reaches this process alone, which tells them.
Should it die, they hear their standard input end and stop by themselves.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections import deque
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING, Any, cast

from selectllm_engine.generation.cluster import LOCAL
from selectllm_engine.generation.engine import RAY, SERVED
from selectllm_engine.store import folder_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from selectllm_engine.generation.spec import WorkerSpec

__all__ = ["INTERRUPTED", "WORKER", "Event", "Workers", "computed_here", "log_folder", "share_gpus"]

WORKER = (sys.executable, "-P", "-m", "selectllm_engine.generation.worker")
INTERRUPTED = 130  # the exit code of a worker that was told to stop
MOST_SERVED = 8  # workers at a time that only wait for servers
RETRIES = 1  # of a worker that dies without a word
_TAIL = 65_536  # bytes of a log that are searched for what went wrong
_TELLING = re.compile(r"error|exception|killed|out of memory|fatal|abort", re.IGNORECASE)
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True, slots=True)
class Event:
    """Something a worker tells, or that happened to it. What concerns another LLM than its first has that as `llm`.

    kind: started (gpu), phase (phase, and benchmark of timing), task (benchmark, done, total), progress (benchmark,
    done, of these spared as no vote needs them, tokens, dollars), skipped (benchmark, questions, context), odd
    (benchmark, and how many samples are odd in which way), latency (benchmark, a, b, c, …), replicas (room, and the
    rates of those there: tokens per second), lost (a replica: reason), failed (benchmark or None, problem,
    remedy), retry (problem), ended (code, log).
    """

    llm: str
    kind: str
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class _Running:
    spec: WorkerSpec
    gpu: str | None
    process: subprocess.Popen[bytes]
    orders: IO[bytes]  # its standard input
    log: Path
    told: bool = False  # it said `end` or why it failed


def log_folder() -> Path:
    """Where the logs of workers are kept while they run, and after they failed."""
    from platformdirs import user_log_path

    return user_log_path("selectllm", appauthor=False)


def share_gpus(
    specs: Sequence[WorkerSpec], gpus: Sequence[str], work: Mapping[str, float]
) -> tuple[list[WorkerSpec], list[str]]:
    """Specs, and what each worker gets: several GPUs for replicas where there are more than LLMs to run on them.

    Each LLM gets one, and each further GPU the LLM with the most `work` for each that it has: no other split ends
    sooner, if work is what GPUs have to share. Nothing changes where Ray, which runs replicas, is not installed.
    """
    here = [spec.llm.name for spec in specs if spec.engine != SERVED]
    if not 0 < len(here) < len(gpus) or find_spec(RAY) is None:
        return list(specs), list(gpus)
    shares = {name: [gpu] for name, gpu in zip(here, gpus, strict=False)}
    for gpu in gpus[len(here) :]:
        shares[max(here, key=lambda name: work[name] / len(shares[name]))].append(gpu)
    several = {name for name, share in shares.items() if len(share) > 1}
    shared = [replace(spec, ray=LOCAL) if spec.llm.name in several else spec for spec in specs]
    return shared, [",".join(share) for share in shares.values()]


def computed_here(specs: Sequence[WorkerSpec]) -> int:
    """How many LLMs run on this machine, those with the same weights as one."""
    return sum(spec.engine != SERVED for spec in specs)


class Workers:
    """Runs all specs, as many at a time as there are GPUs (one without `gpus`). Use as a context manager.

    Each of `gpus` is what one worker gets: "0", or "0,1" where it computes on two together. LLMs on endpoints need
    none: they run beside the others.

    Iterating gives events until every worker has ended; `None` now and then, so that the caller can act meanwhile.
    """

    def __init__(
        self,
        specs: Sequence[WorkerSpec],
        *,
        gpus: Sequence[str] = (),
        command: Sequence[str] = WORKER,
        logs: Path | None = None,
    ) -> None:
        self._waiting = deque((spec, 0) for spec in specs)
        slots: list[str | None] = [*gpus] or [None]
        self._slots = deque(slots)
        self._seats: deque[str | None] = deque([None] * MOST_SERVED)  # of LLMs on endpoints
        self._command = command
        self._logs = logs or log_folder()
        self._running: dict[str, _Running] = {}
        self._tries: dict[str, int] = {}
        self._events: queue.Queue[Event] = queue.Queue()
        self._interrupts = 0

    @property
    def interrupted(self) -> bool:
        """Whether it was told to stop."""
        return self._interrupts > 0

    def interrupt(self) -> None:
        """Stop: the first time finish what is in flight, the second time now, the third time kill."""
        self._interrupts += 1
        self._waiting.clear()
        for running in self._running.values():
            if self._interrupts > 2:
                running.process.kill()
                continue
            with contextlib.suppress(OSError, ValueError):  # it has just ended
                running.orders.write(b"stop\n" if self._interrupts == 1 else b"now\n")
                running.orders.flush()

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for running in self._running.values():
            with contextlib.suppress(OSError):
                running.orders.close()  # the worker stops by itself
        for running in self._running.values():
            running.process.wait()

    def __iter__(self) -> Workers:
        self._fill()
        return self

    def __next__(self) -> Event | None:
        if not self._running and self._events.empty():
            raise StopIteration
        try:
            event = self._events.get(timeout=0.2)
        except queue.Empty:
            return None
        running = self._running.get(event.llm)
        if running is not None and event.kind in {"end", "failed"}:
            running.told = True
        if event.kind == "end":
            return None
        if running is not None and event.kind == "ended":
            return self._ended(running)
        return event

    def _fill(self) -> None:
        for spec, tries in list(self._waiting):
            if free := self._places(spec):
                self._waiting.remove((spec, tries))
                self._tries[spec.llm.name] = tries
                self._start(spec, free.popleft())

    def _places(self, spec: WorkerSpec) -> deque[str | None]:
        return self._seats if spec.engine == SERVED else self._slots

    def _start(self, spec: WorkerSpec, gpu: str | None) -> None:
        name = spec.llm.name
        self._logs.mkdir(parents=True, exist_ok=True)
        log = self._logs / f"{folder_name(name)}-{os.getpid()}.log"
        environment = dict(os.environ)
        if gpu is not None:
            environment["CUDA_VISIBLE_DEVICES"] = gpu
            environment["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"  # as nvidia-smi counts; CUDA's own is the fastest first
        with log.open("ab") as errors:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment,
                process_group=0,
            )
        orders, told = cast("IO[bytes]", process.stdin), cast("IO[bytes]", process.stdout)
        self._running[name] = _Running(spec, gpu, process, orders, log)
        self._events.put(Event(name, "started", {"gpu": gpu}))
        with contextlib.suppress(OSError):
            orders.write(spec.to_json().encode() + b"\n")
            orders.flush()
        threading.Thread(target=self._read, args=(name, process, told), daemon=True).start()

    def _read(self, name: str, process: subprocess.Popen[bytes], told: IO[bytes]) -> None:
        with told:
            for line in told:
                with contextlib.suppress(ValueError):  # cut off by a kill
                    fields = json.loads(line)
                    self._events.put(Event(name, fields.pop("event"), fields))
        self._events.put(Event(name, "ended", {"code": process.wait()}))

    def _ended(self, running: _Running) -> Event:
        """Free the GPU, and start what waits for it, or the same LLM again where its worker just died."""
        name, code = running.spec.llm.name, running.process.returncode
        del self._running[name]
        self._places(running.spec).append(running.gpu)
        with contextlib.suppress(OSError):
            running.orders.close()
        event = Event(name, "ended", {"code": code, "log": str(running.log)})
        if not running.told and not self.interrupted:
            problem = f"its process {_how(code)}: {_last_words(running.log)}"
            if self._tries[name] < RETRIES:
                self._waiting.appendleft((running.spec, self._tries[name] + 1))
                event = Event(name, "retry", {"problem": problem})
            else:
                self._events.put(event)
                event = Event(name, "failed", {"benchmark": None, "problem": problem, "remedy": ""})
        elif code in {0, INTERRUPTED}:
            running.log.unlink(missing_ok=True)
        self._fill()
        return event


def _how(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    killed = "; is there enough memory?" if code == -9 else ""
    return f"was killed by signal {-code}{killed}"


def _last_words(log: Path) -> str:
    """The last line of a log that seems to say what went wrong."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL))
            text = _ANSI.sub("", file.read().decode(errors="replace"))
    except OSError:
        text = ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if _TELLING.search(line)]
    return (telling or lines or ["no log"])[-1][:300]
