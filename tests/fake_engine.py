"""A made-up engine for tests of generation, and the weights folder that tells it how to behave.

Run as a script it is a worker process that knows this engine alone.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from selectllm_engine.errors import EngineError
from selectllm_engine.generation.engine import Completion, Encoded, Finished, Timing

FAKE_WORKER = (sys.executable, __file__)


def fake_weights(folder, **behaviour):
    """A folder that passes for weights.

    Behaviour: chat (True), context, capacity (8), delay (s per step), asks (a question on standard input), load_error,
    crash (on loading), crash_once, deadly (a word of a prompt that kills the process that gets it),
    fail_after (steps), signed (texts begin with the hardware).
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text("{}")
    (folder / "fake.json").write_text(json.dumps(behaviour))  # no part of what identifies the weights
    header = b'{"fake":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}'
    (folder / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"fake")
    return folder


class FakeEngine:
    """Answers with random numbers; every sample takes one to six steps."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.behaviour = json.loads((self.folder / "fake.json").read_text())
        if self.behaviour.get("asks"):
            input("Do you wish to run the custom code? [y/N] ")
        self.chat = self.behaviour.get("chat", True)
        self.context = self.behaviour.get("context")
        self.capacity = self.behaviour.get("capacity", 8)
        self.by_length = self.behaviour.get("by_length", False)
        self.started = None  # what it was started with
        self.prompts = []
        self.submitted = []  # tokens of prompts, in the order they came
        self.steps = 0
        self.most = 0  # samples that were in flight together
        self._queue = []

    def encode(self, prompt):
        text = prompt.text or "\n".join(message["content"] for message in prompt.messages)
        self.prompts.append(text)
        return Encoded(text, len(text.split()))

    def start(self, *, longest, seed):
        if "load_error" in self.behaviour:
            raise EngineError(self.behaviour["load_error"], "take another")
        if self.behaviour.get("crash"):
            sys.stderr.write("fatal: the fake ran out of memory\n")
            sys.stderr.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.behaviour.get("crash_once") and not (self.folder / "crashed").exists():
            (self.folder / "crashed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        self.started = {"longest": longest, "seed": seed}
        self._random = random.Random(seed)

    def submit(self, request_id, prompt, sampling, samples):
        if self.behaviour.get("deadly", "\0") in prompt.content:
            os.kill(os.getpid(), signal.SIGKILL)
        lengths = [self._random.randint(1, 6) for _ in range(samples)]
        name = f"{self.facts()['hardware']}: " if self.behaviour.get("signed") else ""
        texts = [f"{name}The answer is {self._random.getrandbits(60)}." for _ in range(samples)]
        self._queue.append((request_id, lengths, texts))
        self.submitted.append(prompt.tokens)
        self.most = max(self.most, self.unfinished())

    def unfinished(self):
        return sum(sum(length > 0 for length in lengths) for _, lengths, _ in self._queue)

    def step(self):
        self.steps += 1
        if self.steps > self.behaviour.get("fail_after", float("inf")):
            raise RuntimeError("the fake device is gone\nand more")
        time.sleep(self.behaviour.get("delay", 0))
        busy = 0
        for _, lengths, _ in self._queue:
            for at, length in enumerate(lengths):
                if length > 0 and busy < self.capacity:
                    lengths[at] -= 1
                    busy += 1
        done = [each for each in self._queue if not any(each[1])]
        self._queue = [each for each in self._queue if any(each[1])]
        return [Finished(name, tuple(Completion(text, 5, "stop") for text in texts)) for name, _, texts in done]

    def finish_soon(self):
        pass

    def time_one(self, prompt, sampling, output_tokens):
        assert not self._queue
        return Timing(prompt.tokens, output_tokens, 0.1 + 0.001 * prompt.tokens + 0.02 * output_tokens)

    def facts(self):
        return {"engine": "fake 1", "hardware": os.environ.get("FAKE_HARDWARE", "fake")}


def load_fake(spec, folder):
    del spec
    return FakeEngine(folder)


if __name__ == "__main__":
    import fake_engine  # by its name, so that other processes find it
    from selectllm_engine.generation import worker
    from selectllm_engine.generation.keeper import Periods

    intervals = Periods(report=0, write=float(os.environ.get("FAKE_WRITE_SECONDS", "30")))
    worker.leave(worker.main(fake_engine.load_fake, intervals, fake_engine.FakeEngine))
