"""Which requests a replica gets next, and what becomes of those that it had when it was lost.

A replica has what it computes at once and as much again, so that its batch stays full while results travel; each
sample that is made makes room for another, however long those beside it take. Near the end all have equally much.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from selectllm_engine.generation.replica import Request

__all__ = ["FULL", "MOST_DEATHS", "Dealer", "Hand"]

FULL = 2  # times the samples that a replica computes at once
MOST_DEATHS = 3  # replicas that may be lost with the same requests


@dataclass(slots=True, eq=False, kw_only=True)
class Hand:
    """What a replica has: requests by their id, and how many of their samples are not made yet.

    `capacity` is how many samples it computes at once, 0 until it is loaded; `deaths` how many replicas were lost with
    these requests before: then it has no others beside them.
    """

    capacity: int = 0
    requests: dict[str, Request] = field(default_factory=dict)
    samples: int = 0
    deaths: int = 0


class Dealer:
    """The requests that no replica has."""

    def __init__(self) -> None:
        self._queue: deque[Request] = deque()
        self._suspects: deque[tuple[Sequence[Request], int]] = deque()  # with how many replicas were lost with them
        self.samples = 0  # of all of these requests

    def add(self, request: Request) -> None:
        """Queue one."""
        self._queue.append(request)
        self.samples += request.samples

    def deal(self, hand: Hand, hands: Collection[Hand]) -> Sequence[Request]:
        """Give one of the hands what it lacks, if anything.

        Requests that a replica was lost with go first, and alone; while they wait for an idle one, nobody gets others.
        """
        if self._suspects:
            if hand.requests:
                return ()
            requests, deaths = self._suspects.popleft()
        elif hand.requests and hand.deaths:
            return ()
        else:
            requests, deaths = self._share(hand, hands), 0
        if requests:
            hand.requests |= {each.request_id: each for each in requests}
            hand.deaths = deaths
            hand.samples += _samples(requests)
            self.samples -= _samples(requests)
        return requests

    def _share(self, hand: Hand, hands: Collection[Hand]) -> Sequence[Request]:
        even = -(-(self.samples + sum(each.samples for each in hands)) // len(hands))
        lacking = min(FULL * hand.capacity, even) - hand.samples
        share: list[Request] = []
        while self._queue and lacking > 0 and (not share or self._queue[0].samples <= lacking):
            share.append(self._queue.popleft())
            lacking -= share[-1].samples
        return share

    def lose(self, hand: Hand) -> Sequence[Request]:
        """Take back what a lost replica had, in halves: if a request is the cause, it is in one of them.

        Returns:
            Those that too many were lost with: nobody gets them again.
        """
        requests = (*hand.requests.values(),)
        if hand.deaths + 1 >= MOST_DEATHS:
            return requests
        middle = (len(requests) + 1) // 2
        self._suspects += [(half, hand.deaths + 1) for half in (requests[:middle], requests[middle:]) if half]
        self.samples += _samples(requests)
        return ()

    def drop(self) -> list[Request]:
        """Forget them all, and return them."""
        left = [*self._queue, *(each for requests, _ in self._suspects for each in requests)]
        self._queue.clear()
        self._suspects.clear()
        self.samples = 0
        return left


def _samples(requests: Sequence[Request]) -> int:
    return sum(each.samples for each in requests)
