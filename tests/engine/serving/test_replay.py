"""The recorded run served: choices are the evaluation's, question by question, and voted answers its verdicts."""

import asyncio
from dataclasses import fields

import numpy as np
import pytest

from selectllm_engine.answers import canonical
from selectllm_engine.setups import planned_setup, read_setup, write_setup

# a name -> samples that vote, and the setup
SETUPS = {
    "argmax": (1, {"router": "ridge:tfidf", "policy": "argmax"}),
    "cost-aware": (1, {"router": "knn:tfidf", "policy": "cost-aware:0.4"}),
    "prediction": (5, {"router": "ridge:tfidf", "policy": "prediction"}),
    "threshold": (1, {"router": "ridge:tfidf", "policy": "threshold:0.4"}),
    "top-m": (5, {"router": "logistic:tfidf", "policy": "top-m:2", "vote": "learned"}),
    "cascade": (5, {"policy": "cascade:0.6"}),
    "cascade-value": (5, {"router": "ridge:tfidf", "policy": "cascade-value:max"}),
    "vote:auto": (1, {"policy": "vote:auto"}),
    "all vote": (1, {}),
    "all vote, learned": (5, {"vote": "learned"}),
}


OPENAI = {"argmax", "threshold", "all vote, learned"}  # these through OpenAI's client; a plain one is quicker


async def ask_all(served, texts, *, openai):
    """Every question's headers and text, asked some at a time."""
    gate = asyncio.Semaphore(8)
    client, plain = served.client(), served.http()

    async def one(text):
        fields = {"model": "selectllm", "messages": [{"role": "user", "content": text}]}
        async with gate:
            if openai:
                reply = await client.chat.completions.with_raw_response.create(**fields)
                return reply.headers, reply.parse().choices[0].message.content
            reply = await plain.post("/v1/chat/completions", json=fields)
            return reply.headers, reply.json()["choices"][0]["message"]["content"]

    return await asyncio.gather(*map(one, texts))


@pytest.mark.parametrize("name", SETUPS)
async def test_choices_and_verdicts_are_those_of_the_evaluation(recorded, replay, served, name):
    samples, setup = SETUPS[name]
    await check(recorded, replay, served(samples=samples, k=samples, **setup), openai=name in OPENAI)


async def test_what_is_recommended_is_served(recorded, replay, served, tmp_path):
    setup = read_setup(write_setup(recorded.recommend(max_latency=2.0).setup, tmp_path / "setup.toml"))
    assert setup.samples == setup.k
    made = served(**{field.name: getattr(setup, field.name) for field in fields(setup)})
    await check(recorded, replay, made, openai=True)


async def check(recorded, replay, made, *, openai):
    """Every test question is answered as `evaluate` says."""
    texts, samples = replay[1], made.setup.samples
    replies = await ask_all(made, texts, openai=openai)
    planned = planned_setup(recorded, made.setup)
    expected, right = planned.select().mask, planned.right()
    questions = recorded.outcomes("test").questions
    for place, (headers, text) in enumerate(replies):
        asked = headers["x-selectllm-asked"].split(",")
        assert set(asked) == {recorded.llms[llm] for llm in np.flatnonzero(expected[place])}, texts[place]
        assert "x-selectllm-fallback" not in headers
        kind, gold = questions["kind"][place], questions["gold"][place]
        choices = len(questions["choices"][place]) if questions["choices"][place] is not None else 0
        if "x-selectllm-votes" in headers:  # voted: the answer carries the winner
            found = headers.get("x-selectllm-answer")
            assert (found is not None and canonical(found, kind, choices or 4) == gold) == right[place], texts[place]
        else:  # one LLM's first sample, as it came
            assert text == replay[0](asked[0], {"messages": [{"content": texts[place]}]})[0]
    voted = [headers for headers, _ in replies if "x-selectllm-votes" in headers]
    assert len(voted) == (len(texts) if samples > 1 else int((expected.sum(axis=1) > 1).sum()))
