"""A made-up engine that gives out recorded generations in their order.

Run as a script it is a worker process that knows this engine alone.
"""

import sys
from pathlib import Path

import polars as pl

from fake_engine import FakeEngine
from selectllm_engine.generation.engine import Completion, Finished
from selectllm_engine.store import Cache

FAKE_REPLAY_WORKER = (sys.executable, __file__)


class FakeReplay(FakeEngine):
    """Behaviour besides FakeEngine's: `recorded`, a file of generations, and `into`, the cache that gets them.

    `flight` has the samples in flight at each step.
    """

    def __init__(self, folder):
        super().__init__(folder)
        rows = pl.read_parquet(self.behaviour["recorded"]).sort("question_id", "sample")
        self._texts = dict(rows.group_by("question_id").agg("text").iter_rows())
        self._given = {}
        self._asked = {}
        self.flight = []

    def start(self, *, longest, seed):
        super().start(longest=longest, seed=seed)
        there = Cache(Path(self.behaviour["into"])).sampled("fake", "a")
        self._given = dict(there.group_by("question_id").len().iter_rows())

    def submit(self, request_id, prompt, sampling, samples):
        super().submit(request_id, prompt, sampling, samples)
        question = request_id.split("/", 2)[2]  # after the LLM and the benchmark
        first = self._given.get(question, 0)
        self._given[question] = first + samples
        self._asked[request_id] = self._texts[question][first : first + samples]

    def step(self):
        self.flight.append(self.unfinished())
        return [
            Finished(each.request_id, tuple(Completion(text, 5, "stop") for text in self._asked.pop(each.request_id)))
            for each in super().step()
        ]


def load_fake_replay(spec, folder):
    del spec
    return FakeReplay(folder)


if __name__ == "__main__":
    from selectllm_engine.generation import worker
    from selectllm_engine.generation.keeper import Periods

    worker.leave(worker.main(load_fake_replay, Periods(report=0, write=0)))
