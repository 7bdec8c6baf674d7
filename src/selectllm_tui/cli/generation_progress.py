"""Runs a generation plan and shows how it goes: live on a terminal, else a plain line now and then."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer

from selectllm_engine.errors import SelectLLMError
from selectllm_tui.cli.console import error_console, note
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from selectllm_engine.generation.plan import Item, Plan
    from selectllm_engine.generation.scheduler import Event

__all__ = ["run_plan"]

PLAIN_SECONDS = 10.0
WINDOW_SECONDS = 30.0  # over which speed is taken


def _name(item: Item) -> str:
    return f"{item.llm.name} on {item.source.name}"


@dataclass(slots=True)
class GenerationBar:
    """How far one LLM is on one benchmark; `worker` is the LLM whose worker makes its samples."""

    name: str
    worker: str
    total: int
    done: int
    start: int
    state: str = "waiting"
    timed: str = ""  # what single-prompt timing found
    tokens: int = 0
    dollars: float = 0.0  # at most
    replicas: str = ""
    spared: int = 0  # of those done: no vote needs them
    seconds: float = 0.0  # spent sampling
    recent: deque[tuple[float, int, int]] = field(default_factory=deque)  # time, done, tokens
    ended: bool = False

    def advance(self, done: int, tokens: int) -> None:
        """Note what a worker told."""
        now = time.monotonic()
        if self.recent:
            self.seconds += now - self.recent[-1][0]
        self.recent.append((now, done, tokens))
        while now - self.recent[0][0] > WINDOW_SECONDS and len(self.recent) > 2:
            self.recent.popleft()
        self.done, self.tokens, self.state = done, tokens, ""

    def _rates(self) -> tuple[float, float]:
        """Samples and tokens per second, of late."""
        if len(self.recent) < 2 or (passed := self.recent[-1][0] - self.recent[0][0]) <= 0:
            return 0.0, 0.0
        first, last = self.recent[0], self.recent[-1]
        return (last[1] - first[1]) / passed, (last[2] - first[2]) / passed

    def speed(self) -> str:
        """Tokens per second, of late."""
        tokens = self._rates()[1]
        return f"{tokens:,.0f} tokens/s" if tokens else ""

    def now(self) -> str:
        """What is going on."""
        working = self.done < self.total and self.state in {"", "loading"}
        return ", ".join(part for part in (self.state or self.speed(), self.replicas if working else "") if part)

    def left(self) -> str:
        """Time left at the speed of late."""
        samples = self._rates()[0]
        if not samples or self.done >= self.total:
            return ""
        minutes, seconds = divmod(round((self.total - self.done) / samples), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02d}:{seconds:02d} left" if hours else f"{minutes}:{seconds:02d} left"

    def line(self) -> str:
        """All of it in words."""
        parts = [f"{self.done:,}/{self.total:,} samples", self.now(), self.left()]
        return f"{self.name}: {', '.join(part for part in parts if part)}"


@dataclass(slots=True)
class Board:
    """All bars of a plan, by LLM and benchmark, and what failed; follows the workers' events."""

    bars: dict[tuple[str, str], GenerationBar]
    failed: dict[str, str]  # LLM, or LLM on benchmark -> problem; remedy
    logs: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, plan: Plan) -> Board:
        """The board before anything runs."""
        from selectllm_engine.generation.plan import same_worker

        workers: dict[object, str] = {}
        bars = {
            (item.llm.name, item.source.name): GenerationBar(
                _name(item),
                workers.setdefault(same_worker(item.llm), item.llm.name),
                item.total,
                item.done,
                item.done,
            )
            for item in plan.items
            if item.open
        }
        return cls(bars, {item.llm.name: str(item.problem) for item in plan.items if item.problem is not None})

    def take(self, event: Event) -> None:
        """Bring everything up to date with an event; notes go to standard error."""
        from selectllm_engine.generation.scheduler import INTERRUPTED

        fields = event.fields
        llm = str(fields.get("llm", event.llm))
        own = [bar for bar in self.bars.values() if bar.worker == event.llm]
        bar = self.bars.get((llm, str(fields.get("benchmark"))))
        if bar is not None:
            self._advance(event, bar)
        elif event.kind in {"replicas", "lost"}:
            _follow(event, own)
        match event.kind:
            case "started":
                for each in own:
                    each.state = "starting" if fields["gpu"] is None else f"starting on GPU {fields['gpu']}"
            case "phase":
                for each in own if bar is None else [bar]:
                    each.state = str(fields["phase"])
            case "retry":
                note(f"{event.llm}: {fields['problem']}; trying once more")
            case "failed":
                where = f"{llm} on {fields['benchmark']}" if fields["benchmark"] else llm
                self.failed[where] = str(SelectLLMError(str(fields["problem"]), str(fields["remedy"])))
                if len(self.bars) > 1:  # else it is the last line anyway
                    note(f"{where}: {self.failed[where]}")
            case "ended":
                for each in own:
                    each.ended, each.state = True, ""
                if fields["code"] not in {0, INTERRUPTED}:
                    self.logs[event.llm] = str(fields["log"])

    def _advance(self, event: Event, bar: GenerationBar) -> None:
        fields = event.fields
        match event.kind:
            case "task":
                bar.done, bar.start, bar.total = fields["done"], fields["done"], fields["total"]
            case "progress":
                bar.advance(fields["done"], fields["tokens"])
                bar.dollars = fields.get("dollars", 0.0)
                bar.spared = fields.get("spared", 0)
            case "latency":
                bar.state, bar.timed = "", _fit(fields)
            case "odd":
                counts = [f"{count:,} {what}" for what, count in fields.items() if what not in {"benchmark", "llm"}]
                note(f"{bar.name}: of the samples made now {', '.join(counts)}; they are kept as they came")
            case "skipped":
                note(
                    f"{bar.name}: {fields['questions']:,} questions are left out, their prompts don't fit the LLM's "
                    f"context of {fields['context']:,} tokens"
                )

    @property
    def dollars(self) -> float:
        """What all samples made now cost at most."""
        return sum(bar.dollars for bar in self.bars.values())

    def summarize(self) -> None:
        """Say on standard error what was done."""
        for (llm, _), bar in self.bars.items():
            made = bar.done - bar.start - bar.spared
            speed = f", {bar.tokens / bar.seconds:,.0f} tokens/s" if bar.seconds and bar.tokens else ""
            spared = f", {bar.spared:,} not needed" if bar.spared else ""
            samples = f"{bar.done:,} of {bar.total:,} samples, {made:,} made now{spared}{speed}" if bar.total else ""
            if made or bar.timed or not {llm, bar.worker, bar.name} & set(self.failed):
                note(f"{bar.name}: {'; '.join(part for part in (samples, bar.timed) if part)}")

    def complain(self, plan: Plan) -> None:
        """Raise what failed, in one line."""
        failed = {**self.failed, **{name: str(error) for name, error in plan.unread.items()}}
        if not failed:
            return
        log = "; ".join(f"the log of {llm} is {path}" for llm, path in self.logs.items())
        if len(failed) == 1:
            ((name, problem),) = failed.items()
            raise SelectLLMError(f"{name}: {problem}", log)
        raise SelectLLMError(f"{len(failed)} failed: {', '.join(failed)}", log or "the lines above say why")


def _follow(event: Event, bars: Sequence[GenerationBar]) -> None:
    """Note how many replicas there are and the tokens per second of each, or that one was lost."""
    fields = event.fields
    if event.kind == "lost":
        note(f"{event.llm}: a replica was lost, {fields['reason']}; what it had in flight is made again")
        return
    rates, room = fields["rates"], fields["room"]
    speeds = f" ({', '.join(f'{rate:,}' for rate in rates)} tokens/s)" if any(rates) else ""
    for bar in bars:
        bar.replicas = f"{len(rates)} of {room} replica{'s' if room != 1 else ''}{speeds}"


def _fit(fit: Mapping[str, Any]) -> str:
    """A latency fit in words."""
    tokens = f"{1000 * fit['b']:.2f} ms per prompt token + {1000 * fit['c']:.1f} ms per new token"
    where = f", as timed with {fit['timed_with']}" if "timed_with" in fit else ""
    return f"one prompt alone takes {fit['a']:.2f} s + {tokens}, give or take {fit['residual_rms']:.2f} s{where}"


def run_plan(plan: Plan, *, gpus: Sequence[str] = (), max_dollars: float | None = None) -> None:
    """Sample and time what the plan says; once `max_dollars` are spent, what is in flight is finished and no more.

    Raises:
        SelectLLMError: an LLM or a benchmark failed; the others were done. Or the dollars were spent before all was.
        typer.Exit: 130, interrupted.
    """
    from selectllm_engine.generation import scheduler
    from selectllm_engine.generation.needs import work_of

    board = Board.of(plan)
    specs, gpus = scheduler.share_gpus(plan.specs(), gpus, work_of(plan))
    if gpus and (idle := len(gpus) - scheduler.computed_here(specs)) > 0:
        note(f"{idle} of the GPUs {'has' if idle == 1 else 'have'} no LLM: pip install 'selectllm[ray]' for replicas")
    plan.store_questions()
    interrupted, spent = False, False
    if specs:
        with scheduler.Workers(specs, gpus=gpus, command=scheduler.WORKER) as workers, _signals() as signals:
            with _display(board) as show:
                handled = 0
                for event in workers:
                    while handled < len(signals):
                        handled += 1
                        workers.interrupt()
                        note(_on_interrupt(handled + spent))
                    if event is not None:
                        board.take(event)
                    if max_dollars is not None and board.dollars >= max_dollars and not spent:
                        spent = True
                        workers.interrupt()
                        note(f"--max-dollars {max_dollars:g} are spent: what is in flight is finished and kept")
                    show()
            interrupted = workers.interrupted and not (spent and not signals)
    board.summarize()
    if interrupted:
        raise typer.Exit(130)
    missing = sum(bar.total - bar.done for bar in board.bars.values())
    if spent and missing:
        raise SelectLLMError(
            f"about {board.dollars:.2f} dollars are spent, and {missing:,} samples are missing",
            "the same command with more --max-dollars makes them",
        )
    board.complain(plan)


def _on_interrupt(times: int) -> str:
    if times == 1:
        return "stopping: what is in flight is finished and kept; Ctrl-C again stops now"
    return "stopping now" if times == 2 else "killing"


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect Ctrl-C and SIGTERM in a list instead of dying of them."""
    received: list[int] = []
    handled = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(each, lambda number, _: received.append(number)) for each in handled]
    try:
        yield received
    finally:
        for each, handler in zip(handled, before, strict=True):
            signal.signal(each, handler)


@contextlib.contextmanager
def _display(board: Board) -> Iterator[Any]:
    if not sys.stderr.isatty():
        yield _plain(board)
        return
    from rich.live import Live

    with Live(_table(board), console=error_console(), refresh_per_second=4, transient=True) as live:
        yield lambda: live.update(_table(board))


def _plain(board: Board) -> object:
    last = [time.monotonic()]

    def show() -> None:
        now = time.monotonic()
        if now - last[0] >= PLAIN_SECONDS:
            last[0] = now
            for bar in board.bars.values():
                if not bar.ended and bar.state != "waiting":
                    note(bar.line())

    return show


def _table(board: Board) -> Any:
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1))
    for bar in board.bars.values():
        table.add_row(
            Text(visible(bar.name), no_wrap=True, overflow="ellipsis"),
            ProgressBar(total=max(bar.total, 1), completed=bar.done, width=24),
            Text(f"{bar.done:,}/{bar.total:,}", justify="right"),
            Text(visible(bar.now()), no_wrap=True),
            Text(bar.left(), no_wrap=True),
        )
    return table
