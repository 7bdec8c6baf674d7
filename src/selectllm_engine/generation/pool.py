"""Many engines as one: replicas of an LLM on the nodes of a Ray cluster, behind the protocol of a single engine.

The process that has this is a worker like any other: it alone holds the lock, knows what is missing and writes.
Replicas get requests as they finish others, so that none drains. Ray repeats nothing: what a replica had when it, its
process or its node died goes back to the queue, and another replica is asked for wherever there is room.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from selectllm_engine.errors import EngineError, SelectLLMError
from selectllm_engine.generation.cluster import (
    ANY,
    LOCAL,
    Place,
    as_ours,
    at_node,
    check_nodes,
    choose_places,
    connect,
    every_node,
    has,
    reason_of,
)
from selectllm_engine.generation.dealer import FULL, MOST_DEATHS, Dealer, Hand
from selectllm_engine.generation.engine import Finished
from selectllm_engine.generation.replica import Loaded, Replica, Request, Turn
from selectllm_engine.generation.weights import find_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.generation.engine import Encoded, Timing
    from selectllm_engine.generation.prompts import Prompt
    from selectllm_engine.generation.runner import Emit, LoadEngine
    from selectllm_engine.generation.spec import WorkerSpec
    from selectllm_engine.llms import Sampling

__all__ = ["ReplicaPool", "pooled"]

CALLS = 2  # in flight to a replica that has anything to do: it begins the next while the driver hears of the last
MOST_FAILURES = 3  # loads that may fail on a node
MOST_BARREN = 9  # replicas lost in a row without anything finished
WAIT_SECONDS = 0.5  # for anything to happen, at a time
LOOK_SECONDS = 3.0  # between two looks at the nodes
PATIENCE_SECONDS = 600.0  # without any place for a replica


@dataclass(slots=True, eq=False, kw_only=True)
class _Member(Hand):
    """A replica as its driver sees it."""

    actor: Any
    node: str
    loading: Any  # Ray's reference to what it will tell when it is loaded
    facts: Mapping[str, str] = field(default_factory=dict)
    calls: dict[Any, int] = field(default_factory=dict)  # in flight: Ray's references to turns, new samples of each
    tokens: int = 0
    seconds: float = 0.0  # with anything to do, up to `since`
    since: float = 0.0

    def count(self, tokens: int = 0) -> None:
        """Add what was made, and the time since the last call if there was anything to do."""
        now = time.monotonic()
        self.tokens += tokens
        self.seconds += now - self.since if self.requests else 0.0
        self.since = now


def pooled(load_engine: LoadEngine, load_tokenizer: Callable[[Path], Any], emit: Emit) -> LoadEngine:
    """A function that makes a pool instead of an engine: its replicas are made by `load_engine`."""

    def load(spec: WorkerSpec, folder: Path | None) -> ReplicaPool:
        # only LLMs whose weights are here have replicas
        return ReplicaPool(spec, load_tokenizer(cast("Path", folder)), load_engine=load_engine, emit=emit)

    return load


class ReplicaPool:
    """One LLM's replicas; see `Engine` for what the methods do.

    By its event `replicas` it tells how many live, how many there is room for, and the tokens per second of each.
    """

    def __init__(self, spec: WorkerSpec, tokenizer: Any, *, load_engine: LoadEngine, emit: Emit) -> None:
        self._spec = spec
        self._tokenizer = tokenizer
        self._load_engine = load_engine
        self._emit = emit
        self.chat: bool = tokenizer.chat
        self.context: int | None = tokenizer.context
        self.capacity = 1
        self.by_length = True  # the longest first: the last ones are short, and replicas end together
        self._members: list[_Member] = []
        self._places: list[Place] = []
        self._kind = spec.gpu_type
        self._cpu = False  # whether replicas compute without a GPU
        self._failures: Counter[str] = Counter()  # loads that failed in a row, by node
        self._facts: Mapping[str, str] = {}  # of the first that was there
        self._reason = ""  # of the last loss
        self._barren = 0
        self._made = 0  # replicas so far
        self._dealer = Dealer()
        self._skipped: list[Finished] = []
        self._ending = False
        self._timed: _Member | None = None
        self._looked = self._told = self._had_room = float("-inf")

    def encode(self, prompt: Prompt) -> Encoded:
        """As the LLM's own tokenizer does."""
        encoded: Encoded = self._tokenizer.encode(prompt)
        return encoded

    def start(self, *, longest: int, seed: int) -> None:
        """Join the cluster, look at its nodes, and wait for the first replica; the others join when they are ready."""
        self._longest, self._seed = longest, seed
        connect(self._spec.ray or LOCAL)
        weights = find_weights(self._spec.llm)
        self._known = weights.fingerprint
        self._replica_spec = replace(
            self._spec, ray=None, llm=replace(self._spec.llm, revision=self._spec.llm.revision or weights.revision)
        )
        nodes = every_node()
        if any(has(node, "GPU") for node in nodes):
            self._find_places(nodes)
            chosen = {place.node for place in self._places}
            check_nodes([node for node in nodes if node["NodeID"] in chosen], self._replica_spec, self._known)
        else:
            self._cpu = check_nodes([node for node in nodes if has(node, "CPU")], self._replica_spec, self._known)
            self._find_places(nodes)
        while not self._live():
            self._tend()

    def _find_places(self, nodes: Sequence[dict[str, Any]]) -> None:
        self._looked = time.monotonic()
        try:
            self._places = choose_places(nodes, together=self._spec.tensor_parallel, kind=self._kind, cpu=self._cpu)
            self._kind = self._places[0].type if self._kind is None else self._kind  # of nodes that come later, too
        except SelectLLMError:
            if not self._made:
                raise
            self._places = []  # they may come back

    def _live(self) -> list[_Member]:
        return [each for each in self._members if each.capacity]

    # What goes on

    def submit(self, request_id: str, prompt: Encoded, sampling: Sampling, samples: int) -> None:
        """Queue a request."""
        self._timed = None
        self._dealer.add(Request(request_id, prompt, sampling, samples))

    def unfinished(self) -> int:
        """Samples in the queue and on replicas."""
        return self._dealer.samples + sum(each.samples for each in self._members)

    def finish_soon(self) -> None:
        """What no replica has yet isn't begun."""
        self._ending = True

    def step(self) -> list[Finished]:
        """Hand out requests, and wait a little for what comes back."""
        if self._ending:
            self._skip(self._dealer.drop(), "not begun")
        self._hand_out()
        finished = self._tend() if not self._skipped else []
        finished, self._skipped = [*finished, *self._skipped], []
        return finished

    def _hand_out(self) -> None:
        for member in sorted(self._live(), key=lambda each: each.samples):
            while len(member.calls) < CALLS:
                member.count()
                requests = self._dealer.deal(member, self._members)
                if not member.requests:
                    break
                member.calls[member.actor.work.remote(requests)] = sum(each.samples for each in requests)

    def _skip(self, requests: Iterable[Request], problem: str) -> None:
        self._skipped += [Finished(each.request_id, problem=problem) for each in requests]

    def _tend(self) -> list[Finished]:
        """Ask for replicas where there is room, and take what comes back within a while."""
        import ray

        self._fill()
        waited: dict[Any, _Member] = {each.loading: each for each in self._members if not each.capacity}
        waited |= {ref: each for each in self._members for ref in each.calls}
        if not waited:
            time.sleep(WAIT_SECONDS if not self._members else 0)
        finished: list[Finished] = []
        ready, others = ray.wait([*waited], timeout=WAIT_SECONDS) if waited else ([], [])
        if ready and others:
            ready += ray.wait(others, num_returns=len(others), timeout=0)[0]
        for ref in sorted(ready, key=[*waited].index):  # turns in their order
            member = waited[ref]
            if member not in self._members:
                continue  # lost by another of these
            try:
                result = ray.get(ref)
            except ray.exceptions.RayError as error:
                self._lose(member, error)
                continue
            if isinstance(result, Loaded):
                member.capacity, member.facts, member.since = result.capacity, result.facts, time.monotonic()
                self._facts = self._facts or result.facts
                self._check_hardware(result.facts["hardware"])
                self._failures.pop(member.node, None)
            else:
                finished += self._take(member, ref, result)
        # more than they have, so that there is always something to be sent
        self.capacity = (FULL + 1) * sum(each.capacity for each in self._live()) or 1
        self._tell()
        return finished

    def _check_hardware(self, found: str) -> None:
        """Raise EngineError for a GPU of another type than the first replica's, which Ray doesn't know."""
        first = self._facts["hardware"]
        if found != first and self._spec.gpu_type is None and not self._cpu:
            raise EngineError(
                f"replicas are on {first} and on {found}, and seconds of one are not another's",
                f"take nodes of one type, or --gpu-type {ANY}: samples of all, seconds of one",
            )

    def _take(self, member: _Member, ref: Any, turn: Turn) -> list[Finished]:
        member.count(sum(made.output_tokens or 0 for each in turn.finished for made in each.completions))
        del member.calls[ref]
        for each in turn.finished:
            del member.requests[each.request_id]
            self._barren = 0
        member.samples = turn.unfinished + sum(member.calls.values())
        return [replace(each, hardware=member.facts["hardware"]) for each in turn.finished]

    def _fill(self) -> None:
        """A replica for every place that has none."""
        import ray

        if (now := time.monotonic()) - self._looked >= LOOK_SECONDS:
            self._find_places(every_node())
        taken = Counter(each.node for each in self._members)
        places = [each for each in self._places if self._failures[each.node] < MOST_FAILURES]
        if places or self._members:
            self._had_room = now
        elif self._failures and self._places:
            raise EngineError(f"no replica can be loaded ({self._reason})", "free memory on the nodes, or take others")
        elif now - self._had_room >= PATIENCE_SECONDS:
            raise EngineError("no node is left for a replica", "add one; the same command goes on")
        for place in [] if self._ending else places:
            for _ in range(place.room - taken[place.node]):
                self._made += 1
                actor = at_node(
                    ray.remote(max_restarts=0, max_task_retries=0)(Replica),
                    place.node,
                    num_gpus=place.gpus,
                    num_cpus=place.cpus,
                ).remote()
                seed = (self._seed + self._made) % (1 << 31)  # no two draw the same
                loading = actor.load.remote(
                    self._load_engine, self._replica_spec, self._known, longest=self._longest, seed=seed
                )
                self._members.append(_Member(actor=actor, node=place.node, loading=loading))

    def _lose(self, member: _Member, error: BaseException) -> None:
        """Take a replica off; what it had is sent again, but for what three have died of."""
        import ray

        self._members.remove(member)
        ray.kill(member.actor)  # it may only have been out of reach
        self._reason = reason_of(error)
        if not member.capacity:
            ours = isinstance(error, ray.exceptions.RayTaskError) and isinstance(error.cause, SelectLLMError)
            self._failures[member.node] += MOST_FAILURES if ours else 1  # what we know won't change
            if ours and not self._members and all(self._failures[each.node] for each in self._places):
                raise as_ours(error)
        else:
            self._barren += 1
            if self._barren >= MOST_BARREN:
                raise EngineError(f"{self._barren} replicas were lost one after another ({self._reason})")
        problem = f"{MOST_DEATHS} replicas were lost with it, the last one because {self._reason}"
        self._skip(self._dealer.lose(member), problem)
        self._emit("lost", reason=self._reason)

    def _tell(self) -> None:
        if (now := time.monotonic()) - self._told < WAIT_SECONDS:
            return
        self._told = now
        live = self._live()
        for each in live:
            each.count()
        room = max(sum(each.room for each in self._places), len(live))
        self._emit("replicas", room=room, rates=[round(each.tokens / max(each.seconds, 1e-9)) for each in live])

    # Timing and facts

    def time_one(self, prompt: Encoded, sampling: Sampling, output_tokens: int) -> Timing:
        """Time one prompt where all prompts of a fit are timed, on the replica that has been there longest."""
        import ray

        while self._timed is None or self._timed not in self._members:
            if self._timed is not None:
                raise EngineError("the replica that was timed is lost", "the same command times another")
            live = self._live()
            if live and not any(each.node == live[0].node for each in self._members if not each.capacity):
                self._timed = live[0]
            else:
                self._tend()  # none lives, or one beside it still loads
        try:
            timing: Timing = ray.get(self._timed.actor.time_one.remote(prompt, sampling, output_tokens))
        except ray.exceptions.RayError as error:
            self._lose(self._timed, error)
            raise EngineError(
                f"the replica that was timed is lost ({self._reason})", "the same command times another"
            ) from error
        return timing

    def facts(self) -> Mapping[str, str]:
        """The engine's, on the hardware that its replicas have; while timing, on that of the one that is timed."""
        import ray

        said = [each.facts for each in ([self._timed] if self._timed else self._live())] or [self._facts]
        hardware = ", ".join(sorted({each["hardware"] for each in said}))
        room = sum(each.room for each in self._places)
        return {**said[0], "hardware": hardware, "ray": ray.__version__, "replicas": str(room)}
