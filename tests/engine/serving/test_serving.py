"""A server's replies: passed on, voted on, streamed; who answers where endpoints or the router fail; who may ask."""

import asyncio
import contextlib
import json
from dataclasses import replace

import httpx
import openai
import pytest

import selectllm_engine as sl
from fake_endpoints import fake_llms
from selectllm_engine.errors import UsageError
from selectllm_engine.llms import Price
from selectllm_engine.serving import desk as desks
from selectllm_engine.serving.chat import read_chat
from selectllm_engine.serving.connections import Connections
from selectllm_engine.serving.desk import ServerLimits
from selectllm_engine.serving.journal import Journal
from selectllm_engine.serving.upstream import Upstream

ROUTED = {"router": "ridge:tfidf", "policy": "argmax"}
ASK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is 17 + 25?"}]
SMALL, MIDDLE, LARGE = "qwen2.5-coder-0.5b-it", "smollm2-135m-it", "qwen2.5-coder-1.5b-it"


def says(**texts):
    """Endpoints that always say the same; a list is samples in turn."""

    def answer(name, fields):
        said = texts.get(name, texts.get("others", "The answer is 42."))
        said = said if isinstance(said, list) else [said]
        return [said[at % len(said)] for at in range(fields.get("n", 1))]

    return answer


def pool(*names):
    return {"pool": names}


async def raw(served, **fields):
    return await served.client().chat.completions.with_raw_response.create(
        **{"model": "selectllm", "messages": ASK, **fields}
    )


# One LLM answers


async def test_what_one_llm_answers_is_passed_through_untouched(served):
    made = served(says(), **ROUTED)
    fields = {
        "temperature": 0.25,
        "seed": 7,
        "n": 3,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "extra_body": {"top_k": 5, "odd": {"deep": [1, None, "ü"]}},
    }
    reply = await raw(made, **fields)
    ((name, sent),) = made.endpoints.requests
    extra = fields.pop("extra_body")
    assert sent == {"model": f"served-{name}", "messages": ASK, **fields, **extra}
    body = json.loads(reply.http_response.content)
    assert [each["odd"] for each in body["choices"]] == [[0]] * 3  # also what nobody here knows
    assert body["id"] == "r0"
    assert reply.headers["x-selectllm-llm"] == name
    assert reply.headers["x-selectllm-policy"] == "argmax"
    assert "selectllm" not in body


async def test_every_llm_may_be_asked_for_by_name(served):
    made = served(says(**{SMALL: "I am small."}), **ROUTED)
    listed = [each.id async for each in made.client().models.list()]
    assert listed == ["selectllm", *made.setup.pool]
    reply = await raw(made, model=SMALL, n=2)
    assert [each.message.content for each in reply.parse().choices] == ["I am small."] * 2
    assert made.endpoints.asked == {SMALL: 1}
    made.endpoints.down.add(SMALL)
    with pytest.raises(openai.APIStatusError) as refused:  # nobody else was asked for
        await raw(made, model=SMALL)
    assert refused.value.status_code == 502
    assert set(made.endpoints.asked) == {SMALL}
    with pytest.raises(openai.NotFoundError, match="no such model"):
        await raw(made, model="nobody")


async def test_streams_are_passed_on_as_they_come(served):
    made = served(says(others="one two three"), **ROUTED)
    options = {"include_usage": True}
    stream = await made.client().chat.completions.create(
        model="selectllm", messages=ASK, stream=True, stream_options=options
    )
    chunks = [each async for each in stream]
    assert "".join(each.choices[0].delta.content or "" for each in chunks if each.choices) == "one two three "
    assert len(chunks) == 5
    assert stream.response.headers["x-selectllm-llm"] in made.setup.pool
    assert made.endpoints.requests[0][1]["stream_options"] == options
    assert made.counted("tokens_total", llm=made.endpoints.requests[0][0], part="output") == 5


async def test_the_vote_is_in_the_body_where_it_is_asked_for(served):
    made = served(says(), **ROUTED)
    reply = json.loads((await raw(made, extra_body={"selectllm": True})).http_response.content)
    assert "selectllm" not in made.endpoints.requests[0][1]
    assert reply["selectllm"]["choice"] == [reply["selectllm"]["llm"]] == [made.endpoints.requests[0][0]]
    assert set(reply["selectllm"]["probabilities"]) == set(made.setup.pool)
    assert reply["selectllm"]["in_turn"] is False


async def test_parts_of_a_message_are_read_and_pictures_are_not(served):
    made = served(says(), **ROUTED)
    parts = [{"type": "image_url", "image_url": {"url": "data:"}}, {"type": "text", "text": "What is 17 + 25?"}]
    reply = await raw(made, messages=[{"role": "user", "content": "before"}, {"role": "user", "content": parts}])
    assert "x-selectllm-fallback" not in reply.headers
    assert made.endpoints.requests[0][1]["messages"][1]["content"] == parts
    reply = await raw(made, messages=[{"role": "user", "content": parts[:1]}])
    assert reply.headers["x-selectllm-fallback"] == "no%20question".replace("%20", " ")
    assert reply.headers["x-selectllm-llm"] == made.desk.best_single


# Several answer


async def test_llms_are_asked_side_by_side_and_vote(served):
    made = served(
        says(**{SMALL: "The answer is 41.", MIDDLE: "I say 42. The answer is 42.", LARGE: "Surely: the answer is 42."}),
        **pool(SMALL, MIDDLE, LARGE),
    )
    together = asyncio.Barrier(3)
    made.endpoints.faults = dict.fromkeys(range(3), together.wait)  # each waits for the others
    made.endpoints.faults = {number: _after(together) for number in range(3)}
    reply = await raw(made, extra_body={"selectllm": True}, stream=False)
    assert reply.headers["x-selectllm-answer"] == "42"
    assert reply.headers["x-selectllm-votes"] == "2/3"
    assert reply.parse().choices[0].message.content == "Surely: the answer is 42."  # the best LLM's that says so
    assert reply.parse().usage.completion_tokens == 15
    body = json.loads(reply.http_response.content)["selectllm"]
    assert body["answers"] == {SMALL: ["41"], MIDDLE: ["42"], LARGE: ["42"]}
    assert all("n" not in fields for _, fields in made.endpoints.requests)


def _after(barrier):
    async def wait():
        await barrier.wait()

    return wait


async def test_several_samples_of_each_vote(served):
    made = served(
        says(**{SMALL: ["The answer is 1.", "The answer is 2.", "The answer is 2."]}), samples=3, **pool(SMALL)
    )
    reply = await raw(made)
    assert (reply.headers["x-selectllm-answer"], reply.headers["x-selectllm-votes"]) == ("2", "2/3")
    assert [fields["n"] for _, fields in made.endpoints.requests] == [3]


@pytest.mark.parametrize("way", ["ignored", "refused"])
async def test_endpoints_without_several_samples_are_asked_again(served, way):
    def answer(name, fields):
        return ["The answer is 5."]

    made = served(answer, samples=3, **pool(SMALL))
    made.endpoints.faults = {0: 400} if way == "refused" else {}
    reply = await raw(made, seed=10)
    assert reply.headers["x-selectllm-votes"] == "3/3"
    seeds = [fields["seed"] for _, fields in made.endpoints.requests if "n" not in fields]
    assert sorted(seeds) == ([10, 11, 12] if way == "refused" else [11, 12])


async def test_an_endpoint_that_fails_sample_by_sample_failed_once(served):
    made = served(says(), samples=3, **pool(SMALL, LARGE))

    async def wait():
        made.endpoints.down.add(SMALL)
        return 400

    made.endpoints.faults = dict.fromkeys(range(2), wait)  # several samples are refused, then single ones fail
    reply = await raw(made)
    assert reply.headers["x-selectllm-failed"] == SMALL
    assert reply.headers["x-selectllm-votes"] == "3/3"


async def test_own_samples_are_refused_where_the_setup_votes(served):
    made = served(says(), **pool(SMALL, LARGE))
    for n in (2, 0, 1.5, "2"):
        with pytest.raises(openai.BadRequestError, match="n must be 1"):
            await raw(made, n=n)
    assert made.endpoints.requests == []


async def test_tools_are_no_matter_for_votes(served):
    made = served(says(), **pool(SMALL, MIDDLE, LARGE))
    tools = [{"type": "function", "function": {"name": "f"}}]
    reply = await raw(made, tools=tools)
    assert reply.headers["x-selectllm-fallback"] == "tools"
    assert made.endpoints.asked == {made.desk.best_single: 1}
    assert made.endpoints.requests[0][1]["tools"] == tools


async def test_tools_go_to_the_llm_that_would_answer_alone(served):
    made = served(says(), samples=3, **ROUTED)
    plain = await raw(made)
    reply = await raw(made, tools=[{"type": "function", "function": {"name": "f"}}])
    assert reply.headers["x-selectllm-asked"] == plain.headers["x-selectllm-asked"]
    assert "x-selectllm-fallback" not in reply.headers
    assert "x-selectllm-votes" not in reply.headers
    assert "n" not in made.endpoints.requests[-1][1]


async def test_a_voted_answer_is_streamed_after_the_vote(served):
    made = served(says(**{SMALL: "The answer is 41."}), **pool(SMALL, MIDDLE, LARGE))
    stream = await made.client().chat.completions.create(
        model="selectllm",
        messages=ASK,
        stream=True,
        stream_options={"include_usage": True},
        extra_body={"selectllm": True},
    )
    assert stream.response.headers["x-selectllm-answer"] == "42"
    chunks = [each async for each in stream]
    assert "".join(each.choices[0].delta.content or "" for each in chunks if each.choices) == "The answer is 42."
    assert [each.choices[0].finish_reason for each in chunks if each.choices] == [None, "stop"]
    assert [each.usage.completion_tokens for each in chunks if each.usage] == [15]
    assert chunks[-1].selectllm["votes"] == 2
    assert not any("stream" in fields for _, fields in made.endpoints.requests)


async def test_a_cascade_asks_in_turn_and_stops(served):
    made = served(says(), policy="cascade:0.8", **pool(SMALL, MIDDLE, LARGE))
    reply = await raw(made)
    chain = [made.desk.chooser.view.pool.run[llm] for llm in made.desk.chooser.chain]
    assert reply.headers["x-selectllm-asked"].split(",") == chain[:2]  # a sample alone agrees with itself
    made.endpoints.down.add(chain[0])
    reply = await raw(made)
    assert reply.headers["x-selectllm-asked"].split(",") == chain
    assert reply.headers["x-selectllm-failed"] == chain[0]
    assert reply.headers["x-selectllm-votes"] == "2/2"


async def test_hostile_texts_stay_out_of_headers(served):
    evil = "The answer is a\r\nX-Evil: 1\u202e\ud800" + "b" * 5000
    made = served(says(others=evil), **pool(SMALL, LARGE))
    body = json.dumps({"model": "selectllm", "messages": [{"role": "user", "content": f"Which word? {evil}"}]})
    async with made.http() as client:
        reply = await client.post("/v1/chat/completions", content=body, headers={"Content-Type": "application/json"})
    assert reply.json()["choices"][0]["message"]["content"] == evil
    assert made.endpoints.requests[0][1]["messages"][0]["content"].endswith(evil)
    assert "x-evil" not in reply.headers
    for name, value in reply.headers.items():
        assert value.isascii(), name
        assert value.isprintable(), name
        assert len(value) <= 400, name


# What fails


@pytest.mark.parametrize("fault", ["reset", "cut", "half", 500, 429])
async def test_what_passes_is_tried_again(served, fault):
    made = served(says(), **ROUTED)
    made.endpoints.faults = {0: fault}
    reply = await raw(made)
    assert "x-selectllm-fallback" not in reply.headers
    assert len(made.endpoints.requests) == 2
    assert len({name for name, _ in made.endpoints.requests}) == 1


@pytest.mark.parametrize("stream", [False, True])
async def test_where_an_endpoint_is_down_best_single_answers_then_the_next_best(served, stream):
    made = served(says(), **ROUTED)
    ranked = [made.setup.pool[llm] for llm in made.desk.chooser.view.ranked]
    made.endpoints.down = {first := (await raw(made)).headers["x-selectllm-llm"]}
    others = [name for name in ranked if name != first]
    for down in range(len(others)):
        made.endpoints.down = {first, *others[:down]}
        reply = await raw(made, stream=stream)
        assert reply.headers["x-selectllm-llm"] == others[down]
        assert reply.headers["x-selectllm-fallback"] == "endpoint down"
        for each in made.desk._asker._upstreams.values():
            each._tired = 0.0
    assert made.counted("fallbacks_total", reason="endpoint down") == len(others)
    made.endpoints.down = set(ranked)
    with pytest.raises(openai.InternalServerError, match="no endpoint gave an answer"):
        await raw(made)


async def test_an_endpoint_that_is_down_rests(served):
    made = served(says(), **ROUTED)
    made.endpoints.down = {first := (await raw(made)).headers["x-selectllm-llm"]}
    await raw(made)
    before = made.endpoints.asked[first]
    await raw(made)
    assert made.endpoints.asked[first] == before  # others are asked first meanwhile


async def test_a_broken_stream_that_is_out_ends_with_an_error(served):
    made = served(says(others="one two"), **ROUTED)
    made.endpoints.faults = {0: "cut"}
    stream = await made.client().chat.completions.create(model="selectllm", messages=ASK, stream=True)
    with pytest.raises(openai.APIError, match="broke off"):
        _ = [each async for each in stream]
    assert made.counted("failures_total", llm=made.endpoints.requests[0][0]) == 1


async def test_a_client_that_goes_takes_the_stream_with_it(served):
    made = served(says(others="one two three"), **ROUTED)
    body = {"model": "selectllm", "messages": ASK, "stream": True}
    for pieces in (1, 2):
        answer = await made.desk.answer(read_chat(json.dumps(body).encode()))
        for _ in range(pieces):
            await anext(answer.pieces)
        await answer.pieces.aclose()
        assert made.endpoints.closed == pieces


async def test_of_several_those_that_answer_vote(served):
    made = served(says(**{SMALL: "The answer is 41."}), **pool(SMALL, MIDDLE, LARGE))
    made.endpoints.down = {MIDDLE, LARGE}
    reply = await raw(made)
    assert reply.headers["x-selectllm-answer"] == "41"
    assert set(reply.headers["x-selectllm-failed"].split(",")) == {MIDDLE, LARGE}


async def test_where_all_that_should_vote_are_down_the_next_best_answers(served):
    made = served(says(), policy="vote:auto", samples=2)
    asked = (await raw(made)).headers["x-selectllm-asked"].split(",")
    made.endpoints.down = set(asked)
    reply = await raw(made)
    assert reply.headers["x-selectllm-llm"] not in asked
    assert reply.headers["x-selectllm-votes"] == "2/2"
    assert reply.headers["x-selectllm-fallback"] == "endpoint down"


async def test_a_refusal_is_passed_on_where_everybody_refuses(served):
    made = served(says(), **ROUTED)
    made.endpoints.faults = {0: 400}
    assert (await raw(made)).headers["x-selectllm-llm"]  # another may take what one doesn't
    made.endpoints.faults = dict.fromkeys(range(100), 422)
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        await raw(made)
    assert refused.value.response.json() == {"error": {"message": "no"}}


async def test_best_single_answers_where_the_router_fails_is_slow_or_unsure(served, monkeypatch):
    made = served(says(), **ROUTED)
    decide = desks.decide

    def fails(*_):
        raise ValueError("odd")

    monkeypatch.setattr(desks, "decide", fails)
    reply = await raw(made)
    assert reply.headers["x-selectllm-fallback"] == "router failed"
    assert reply.headers["x-selectllm-asked"] == made.desk.best_single
    monkeypatch.setattr(desks, "decide", decide)
    unsure = served(says(), limits=ServerLimits(router_seconds=600.0, unsure=0.999), **ROUTED)
    assert (await raw(unsure)).headers["x-selectllm-fallback"] == "router unsure"
    assert unsure.endpoints.asked == {unsure.desk.best_single: 1}
    slow = served(says(), limits=ServerLimits(router_seconds=0.0), **ROUTED)
    assert (await raw(slow)).headers["x-selectllm-fallback"] == "router slow"
    assert slow.counted("fallbacks_total", reason="router slow") == 1


async def test_best_single_votes_alone_where_the_router_fails_and_samples_vote(served, monkeypatch):
    made = served(says(), samples=2, **ROUTED)
    monkeypatch.setattr(desks, "decide", lambda *_: 1 / 0)
    reply = await raw(made)
    assert reply.headers["x-selectllm-votes"] == "2/2"
    assert reply.headers["x-selectllm-llm"] == made.desk.best_single


# Who may ask, and what


async def test_without_a_key_only_this_machine_is_answered(served):
    made = served(says(), **ROUTED)
    async with made.http() as client:
        for host, status in {"localhost": 200, "127.0.0.1:8000": 200, "[::1]:8000": 200, "evil.example": 403}.items():
            reply = await client.get("/v1/models", headers={"Host": host})
            assert reply.status_code == status, host
        assert (await client.get("/healthz", headers={"Host": "10.0.0.1"})).status_code == 200


async def test_a_key_is_needed_for_all_but_health(served):
    made = served(says(), key="open-sesame", **ROUTED)
    async with made.http(Host="anywhere") as client:
        for path in ("/v1/models", "/metrics"):
            assert (await client.get(path)).status_code == 401
            assert (await client.get(path, headers={"Authorization": "Bearer wrong"})).status_code == 401
            good = await client.get(path, headers={"Authorization": "Bearer open-sesame"})
            assert good.status_code == 200
        assert (await client.get("/healthz")).status_code == 200
    assert (await made.client(key="open-sesame").chat.completions.create(model="selectllm", messages=ASK)).choices
    assert "open-sesame" not in json.dumps(made.endpoints.headers)


async def test_keys_go_to_their_endpoint_alone(recorded, served, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-all-others")
    monkeypatch.setenv("OWN_KEY", "key-of-small")

    llms = fake_llms(recorded.llms)
    llms[SMALL] = replace(llms[SMALL], api_key_env="OWN_KEY")
    made = served(says(), llms=llms, **pool(SMALL, LARGE))
    await raw(made)
    sent = {
        name: headers["authorization"]
        for (name, _), headers in zip(made.endpoints.requests, made.endpoints.headers, strict=True)
    }
    assert sent == {SMALL: "Bearer key-of-small", LARGE: "Bearer key-of-all-others"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"model": "selectllm"}', 400),
        (b'{"model": 1, "messages": [{}]}', 400),
        (b'{"model": "selectllm", "messages": []}', 400),
        (b'{"model": "selectllm", "messages": ["a"]}', 400),
        (b'{"model": "selectllm", "messages": [{}], "x": NaN}', 400),
        (b"[" * 200_000, 400),
        (b'{"model": "selectllm", "x": "' + b"a" * 2000 + b'"}', 413),
    ],
)
async def test_odd_requests_are_refused(served, body, status):
    made = served(says(), limits=ServerLimits(router_seconds=600.0, body=1000 if status == 413 else 1 << 20), **ROUTED)
    async with made.http() as client:
        reply = await client.post("/v1/chat/completions", content=body, headers={"Content-Type": "application/json"})
        assert reply.status_code == status
        assert reply.json()["error"]["message"]
        plain = await client.post("/v1/chat/completions", content=body, headers={"Content-Type": "text/plain"})
        assert plain.status_code == 415
    assert made.endpoints.requests == []


async def test_more_requests_than_the_limit_are_told_to_come_again(served):
    made = served(says(), limits=ServerLimits(requests=1, router_seconds=600.0), **ROUTED)
    gate = asyncio.Event()
    made.endpoints.faults = {0: gate.wait}
    made.endpoints.faults = {0: _waiting(gate)}
    first = asyncio.create_task(raw(made))
    while not made.endpoints.requests:
        await asyncio.sleep(0)
    with pytest.raises(openai.RateLimitError) as refused:
        await raw(made)
    assert refused.value.response.headers["retry-after"] == "1"
    gate.set()
    assert (await first).status_code == 200
    assert (await raw(made)).status_code == 200


def _waiting(gate):
    async def wait():
        await gate.wait()

    return wait


async def test_a_question_can_be_routed_without_asking(served):
    made = served(says(), router="ridge:tfidf", policy="top-m:2")
    async with made.http() as client:
        found = (await client.post("/v1/route", json={"question": "What is 17 + 25?"})).json()
        again = (await client.post("/v1/route", json={"messages": ASK})).json()
        assert (await client.post("/v1/route", json={"question": " "})).status_code == 400
    assert found == again
    assert len(found["choice"]) == 2
    assert (found["router"], found["policy"], found["in_turn"]) == ("ridge:tfidf", "top-m:2", False)
    assert found["confidence"] == max(found["probabilities"].values())
    assert made.endpoints.requests == []


async def test_metrics_count_requests_choices_tokens_and_dollars(recorded, served):
    llms = fake_llms(recorded.llms, price=Price(input=100.0, output=200.0))
    made = served(says(), llms=llms, **pool(SMALL, LARGE))
    await raw(made)
    with pytest.raises(openai.NotFoundError):
        await raw(made, model="x" * 500)
    assert made.counted("requests_total", model="selectllm", status="200") == 1
    assert made.counted("requests_total", model="unknown", status="404") == 1
    assert made.counted("choices_total", llm=SMALL) == 1
    assert made.counted("tokens_total", llm=LARGE, part="prompt") == 10
    assert made.counted("dollars_total", llm=LARGE) == pytest.approx((10 * 100 + 5 * 200) / 1e6)
    assert made.counted("seconds_count", part="answer") == 1
    async with made.http() as client:
        text = (await client.get("/metrics")).text
    assert 'selectllm_choices_total{llm="qwen2.5-coder-0.5b-it"} 1.0' in text


@pytest.mark.parametrize("texts", [False, True])
async def test_the_log_has_a_line_for_each_answer(served, tmp_path, texts):
    path = tmp_path / "log.jsonl"
    made = served(
        says(**{SMALL: "The answer is 41."}), journal=Journal(path, texts=texts), **pool(SMALL, MIDDLE, LARGE)
    )
    await raw(made)
    await raw(made, model=LARGE)
    stream = await made.client().chat.completions.create(model=LARGE, messages=ASK, stream=True)
    _ = [each async for each in stream]
    voted, alone, streamed = [json.loads(line) for line in path.read_text().splitlines()]
    assert voted["question"] == alone["question"]
    assert set(voted["asked"]) == {SMALL, MIDDLE, LARGE}
    assert [each["llm"] for each in alone["votes"]] == [LARGE]
    by_llm = {each["llm"]: each["answer"] for each in voted["votes"]}
    assert by_llm[MIDDLE] == by_llm[LARGE] == voted["answer"] != by_llm[SMALL]
    assert voted["votes"][0]["output_tokens"] == 5
    assert voted["seconds"] >= 0
    assert ("17 + 25" in path.read_text()) == texts
    assert ("The answer is" in path.read_text()) == texts
    assert (by_llm[LARGE] == "42") == texts
    assert path.stat().st_mode & 0o077 == 0
    if texts:
        assert streamed["votes"][0]["text"] == "The answer is 42. "


def test_what_cannot_be_served_is_said_at_once(recorded, served, tmp_path):
    with pytest.raises(UsageError, match="nothing is served by chance"):
        served(says(), router="ridge:tfidf", policy="random")
    with pytest.raises(UsageError, match="cannot be written"):
        Journal(tmp_path / "nowhere" / "log", texts=False)
    with pytest.raises(UsageError, match="has no endpoint"):
        Upstream(sl.LLM(name="a", weights="a"), seconds=1.0)


async def test_connections_are_used_again_one_request_each():
    clients = Connections(httpx.Timeout(60), {}, httpx.MockTransport(lambda _: httpx.Response(200)))
    async with clients.one() as first, clients.one() as second:
        assert first is not second
    with contextlib.suppress(ValueError):
        async with clients.one():
            raise ValueError("given back all the same")
    async with clients.one() as one, clients.one() as two:
        assert {one, two} == {first, second}
        assert (await one.get("http://fake")).status_code == 200
    await clients.close()
    assert first.is_closed
    assert second.is_closed


async def test_packed_and_endless_replies_are_not_believed():
    class Packed(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            return httpx.Response(200, stream=httpx.ByteStream(b"x"), headers={"content-encoding": "gzip"})

    from selectllm_engine.serving import upstream as upstreams

    llm = sl.LLM(name="a", weights="a", endpoint="http://fake/v1")
    one = Upstream(llm, seconds=60.0, transport=Packed())
    one.pause = 0.0
    with pytest.raises(upstreams.DownError, match="packed"):
        await one.complete({})
    await one.close()


async def test_a_client_that_went_before_the_first_piece_takes_the_stream_with_it(served):
    made = served(says(others="one two three"), **ROUTED)
    body = json.dumps({"model": "selectllm", "messages": ASK, "stream": True}).encode()
    came = iter([{"type": "http.request", "body": body, "more_body": False}])
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http"}
    scope |= {"path": "/v1/chat/completions", "raw_path": b"", "query_string": b"", "headers": headers, "root_path": ""}

    async def receive():
        return next(came, {"type": "http.disconnect"})

    async def send(_):
        pass

    await made.app(scope, receive, send)
    assert made.endpoints.closed == 1
    assert made.counted("seconds_count", part="answer") == 1
