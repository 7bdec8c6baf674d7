"""A made-up engine that gives out recorded generations in their order.

Run as a script it is a worker process that knows this engine alone.
"""

import random
import sys
from pathlib import Path

import polars as pl

from fake_engine import FakeEngine
from selectllm_engine.generation.engine import Completion, Finished
from selectllm_engine.store import GENERATION_SCHEMA, Cache

FAKE_REPLAY_WORKER = (sys.executable, __file__)
_BENCHMARK = "fake"


def fake_recording(questions, samples, seed, wrong=3):
    """Texts of `samples` samples per question, right or one of few wrong answers, some without any."""
    draw = random.Random(seed)
    rows = []
    for question_id, gold in questions.select("question_id", "gold").iter_rows():
        chance = draw.random()
        for sample in range(samples):
            answer = gold if draw.random() < chance else str(100 + draw.randrange(wrong))
            text = "I cannot say" if draw.random() < 0.1 else f"The answer is {answer}."
            rows.append((question_id, sample, text, 9, 5, "stop"))
    return pl.DataFrame(rows, schema=GENERATION_SCHEMA, orient="row")


class FakeReplay(FakeEngine):
    """Behaviour besides FakeEngine's: `recorded`, a file of generations per LLM, and `into`, the cache that gets them.

    One of several replicas, which don't know what the others gave out, is `among_others`: it looks into the cache,
    where everything has to be written at once. `flight` has the samples in flight at each step.
    """

    def __init__(self, folder):
        super().__init__(folder)
        self._texts = {
            llm: dict(pl.read_parquet(path).sort("question_id", "sample").group_by("question_id").agg("text").rows())
            for llm, path in self.behaviour["recorded"].items()
        }
        self._into = Cache(Path(self.behaviour["into"]))
        self._given = {}
        self._asked = {}
        self.flight = []

    def start(self, *, longest, seed):
        super().start(longest=longest, seed=seed)
        for llm in self._texts:
            self._look(llm)

    def _look(self, llm):
        there = self._into.sampled(_BENCHMARK, llm).group_by("question_id").len()
        self._given |= {(llm, question_id): count for question_id, count in there.iter_rows()}

    def submit(self, request_id, prompt, sampling, samples):
        super().submit(request_id, prompt, sampling, samples)
        llm, _, question = request_id.partition(f"/{_BENCHMARK}/")
        if self.behaviour.get("among_others"):
            self._look(llm)
        first = self._given.get((llm, question), 0)
        self._given[llm, question] = first + samples
        self._asked[request_id] = self._texts[llm][question][first : first + samples]

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
    import fake_replay  # by its name, so that other processes find it
    from selectllm_engine.generation import worker
    from selectllm_engine.generation.keeper import Periods

    worker.leave(worker.main(fake_replay.load_fake_replay, Periods(report=0, write=0), fake_replay.FakeReplay))
