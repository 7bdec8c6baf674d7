"""Recorded generations given out again by a made-up engine, in rounds, beside all samples made at once."""

from fake_engine import fake_weights
from fake_replay import FakeReplay
from selectllm_engine.generation.keeper import Periods
from selectllm_engine.generation.runner import Stop, run
from selectllm_engine.generation.spec import Task, WorkerSpec
from selectllm_engine.llms import LLM
from selectllm_engine.store import Cache, load_outcomes


class FakeReplayLab:
    """Two caches of one LLM: `whole` has all samples, `cache` is filled by the engine that gives them out."""

    def __init__(self, folder, questions, recorded, *, samples=10, **behaviour):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.whole, self.cache = Cache(folder / "whole"), Cache(folder / "cache")
        self.recorded = recorded
        self.questions = questions
        recorded.write_parquet(folder / "recorded.parquet")
        for each in (self.whole, self.cache):
            each.write_questions("fake", questions)
        fake_weights(
            folder / "weights",
            recorded={"a": str(folder / "recorded.parquet")},
            into=str(self.cache.root),
            **behaviour,
        )
        self.run(samples, cache=self.whole, stop=None)

    def spec(self, samples, stop, cache=None):
        return WorkerSpec(
            llm=LLM(name="a", weights=str(self.folder / "weights"), parameters=1.0),
            cache=str((cache or self.cache).root),
            tasks=(Task(benchmark="fake", samples=samples, terse=True, stop=stop),),
        )

    def run(self, samples=10, stop="decided", cache=None):
        self.events = []
        self.engine = None

        def load(_, folder):
            self.engine = FakeReplay(folder)
            if cache is not None:
                self.engine.behaviour["into"] = str(cache.root)
            return self.engine

        tell = lambda event, /, **fields: self.events.append((event, fields))  # noqa: E731
        return run(
            self.spec(samples, stop, cache),
            cache or self.cache,
            load_engine=load,
            emit=tell,
            stop=Stop(),
            intervals=Periods(report=0),
        )

    def outcomes(self, cache=None, split="test"):
        return load_outcomes(cache or self.cache, "fake", split)

    def check_votes(self):
        """The same questions, K, labels and votes as with all samples."""
        part, whole = self.outcomes(), self.outcomes(self.whole)
        assert part.samples == whole.samples
        assert part.left_out_total == 0
        assert part.questions.equals(whole.questions)
        assert (part.labels == whole.labels).all()
        return part
