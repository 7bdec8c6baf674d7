"""LLMs behind a server that speaks OpenAI's protocol, from engine to endpoint; a made-up server breaks as told."""

import gzip
import json
import os
import random
import re
import threading
import time
from email.utils import formatdate
from importlib.util import find_spec

import polars as pl
import pytest

if find_spec("openai") is None:
    pytest.skip("needs openai", allow_module_level=True)

from fake_server import FAULTS, FakeServer
from fakes import fake_questions
from selectllm_engine.errors import EngineError, UnknownNameError, UsageError
from selectllm_engine.generation import endpoint
from selectllm_engine.generation.endpoint import KEY, EndpointLimits
from selectllm_engine.generation.openai import OpenAIEngine, load
from selectllm_engine.generation.prompts import Prompt
from selectllm_engine.generation.runner import Stop, run
from selectllm_engine.generation.spec import Task, WorkerSpec
from selectllm_engine.llms import LLM, Price, Sampling
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.parts import part_metadata

QUESTIONS = 12
CHAT = Prompt(messages=({"role": "system", "content": "be brief"}, {"role": "user", "content": "what is it"}))


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    for name in list(os.environ):
        if name.startswith("OPENAI_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Without the client's own delays, up to 8 s, that nobody asked for."""
    import openai._base_client as client

    monkeypatch.setattr(client, "INITIAL_RETRY_DELAY", 0.01)
    monkeypatch.setattr(client, "MAX_RETRY_DELAY", 0.02)


class EndpointLab:
    def __init__(self, folder):
        self.cache = Cache(folder / "cache")
        self.cache.write_questions("fake", fake_questions({"test": QUESTIONS}))
        self.events = []
        self.engine = None

    def run(self, server, *, samples=4, llm=None, stop=None, concurrency=None, emit=None, limits=None, **task):
        llm = llm or LLM(name="a", weights="m", endpoint=server.url)
        spec = WorkerSpec(
            llm=llm,
            cache=str(self.cache.root),
            tasks=(Task(benchmark="fake", samples=samples, terse=True, **task),),
            engine="openai",
            concurrency=concurrency,
        )
        spec = WorkerSpec.from_json(spec.to_json())
        self.events = []
        self.engine = None

        def load_engine(spec, folder):
            self.engine = load(spec, folder, EndpointLimits(**{"mend": 0.01, **(limits or {})}))
            return self.engine

        def told(event, /, **fields):
            self.events.append((event, fields))
            if emit:
                emit(event, **fields)

        try:
            return run(spec, self.cache, load_engine=load_engine, emit=told, stop=stop or Stop())
        finally:
            if self.engine is not None:
                self.engine.close()

    def rows(self):
        parts = self.cache.parts("fake", "a").listed()
        return pl.concat([pl.read_parquet(part.path) for part in parts], how="diagonal")

    def check(self, samples=4, questions=QUESTIONS):
        """Exactly K samples of every question; nothing twice, in any part."""
        rows = self.rows()
        assert sorted(rows.select("question_id", "sample").rows()) == sorted(
            (f"test-{question}", sample) for question in range(questions) for sample in range(samples)
        )
        assert rows["text"].n_unique() == rows.height

    def problem(self):
        return [f"{fields['problem']}; {fields['remedy']}" for event, fields in self.events if event == "failed"]


@pytest.fixture
def endpoint_lab(tmp_path):
    return EndpointLab(tmp_path)


@pytest.fixture
def engine():
    made = []

    def make(server, **fields):
        made.append(
            OpenAIEngine(
                server.url,
                fields.pop("model", "m"),
                concurrency=fields.pop("concurrency", 64),
                limits=EndpointLimits(mend=0.01),
            )
        )
        made[-1].look()
        return made[-1]

    yield make
    for each in made:
        each.close()


def finish(engine):
    done = []
    while engine.unfinished():
        done += engine.step()
    return {each.request_id: each for each in done}


def test_a_run_from_start_to_end(endpoint_lab):
    with FakeServer() as server:
        assert endpoint_lab.run(
            server, llm=LLM(name="a", weights="m", endpoint=server.url, price=Price(input=1, output=2))
        )
    endpoint_lab.check()
    assert len(server.requests) == QUESTIONS + 17, "one request per question, and those that are timed"
    assert set(server.paths) == {"/v1/chat/completions"}
    first = server.requests[0]
    assert first["n"] == 4
    assert first["temperature"] == 0.7
    assert first["max_tokens"] == 48
    assert first["messages"][0]["role"] == "system"
    assert not {"seed", "top_k", "repetition_penalty", "extra_body"} & set(first)
    rows = endpoint_lab.rows()
    assert rows["output_tokens"].sum() == 7 * rows.height
    assert rows["prompt_tokens"].min() > 10
    assert set(rows["finish_reason"]) == {"stop"}
    manifest = endpoint_lab.cache.manifest("fake", "a")
    assert manifest["weights"] == {"id": "m", "revision": None, "fingerprint": None}
    assert manifest["price"] == {"input": 1, "output": 2}
    (part,) = endpoint_lab.cache.parts("fake", "a").listed()
    (metadata,) = part_metadata(part.path)
    assert metadata["engine"].startswith("openai ")
    assert metadata["hardware"] == "endpoint (fake)"
    assert "127.0.0.1" not in json.dumps([manifest, metadata])


def test_the_same_llm_on_another_host_goes_on(endpoint_lab):
    with FakeServer() as server:
        endpoint_lab.run(server, samples=2)
    with FakeServer() as server:
        server.texts = 1000
        assert endpoint_lab.run(server, samples=4)
    endpoint_lab.check()


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_mended(endpoint_lab, fault):
    with FakeServer({0: fault, 3: fault, 4: fault, 9: fault}) as server:
        assert endpoint_lab.run(server), endpoint_lab.problem()
    assert server.happened == {fault: 4}
    endpoint_lab.check()


def test_many_faults_at_random_lose_and_double_nothing(endpoint_lab):
    chance = random.Random(5)
    faults = {number: chance.choice(FAULTS) for number in range(200) if chance.random() < 0.4}
    with FakeServer(faults, many="ignored", spare=endpoint.MENDS) as server:  # what is given up on is another test
        assert endpoint_lab.run(server, samples=6), endpoint_lab.problem()
    assert len(server.happened) == len(FAULTS)
    endpoint_lab.check(6)


def test_retry_after_is_honoured(engine, monkeypatch):
    slept = []

    async def sleep(seconds, *_):
        slept.append(seconds)

    import anyio

    monkeypatch.setattr(anyio, "sleep", sleep)
    monkeypatch.setattr(endpoint.asyncio, "sleep", sleep)
    for fault in ("429", "500"):
        for wait, date in ((33, False), (900, False), (900, True)):
            asked = formatdate(time.time() + wait, usegmt=True) if date else wait
            with FakeServer({0: fault}, wait=asked) as server:
                each = engine(server)
                each.submit("r", each.encode(CHAT), Sampling(), 1)
                assert finish(each)["r"].completions
            assert wait - 60 < slept.pop() <= wait
            assert not slept
            assert server.happened == {fault: 1}


def test_retry_after_is_honoured_while_timing(engine, monkeypatch):
    slept = []

    async def sleep(seconds, *_):
        slept.append(seconds)

    monkeypatch.setattr(endpoint.asyncio, "sleep", sleep)
    with FakeServer({0: "429", 1: "500"}, wait=900) as server:
        each = engine(server)
        assert each.time_one(each.encode(CHAT), Sampling(), 5).output_tokens == 5
    assert slept == [900, 900]


@pytest.mark.parametrize("many", ["ignored", "refused"])
def test_servers_without_n_are_asked_again_and_again(endpoint_lab, many):
    with FakeServer(many=many) as server:
        assert endpoint_lab.run(server, concurrency=4)
    endpoint_lab.check()
    assert sum("n" in fields for fields in server.requests) <= 2, "it is learnt"
    assert server.most <= 4 + 4


def once_busy(server, act, *, after=0.0):
    """Act, some seconds after the server was asked for eight samples at the same time."""

    def wait():
        while server.running < 8:
            time.sleep(0.01)
        time.sleep(after)
        act()

    threading.Thread(target=wait, daemon=True).start()


def test_samples_at_the_same_time_are_bounded(endpoint_lab):
    gate = threading.Event()
    with FakeServer(gate=gate) as server:
        once_busy(server, gate.set, after=0.2)  # time for more than there may be
        assert endpoint_lab.run(server, concurrency=8)
    endpoint_lab.check()
    assert server.most == 8


def test_without_usage_tokens_are_unknown_and_nothing_is_timed(endpoint_lab):
    with FakeServer(usage=False) as server:
        assert not endpoint_lab.run(server)
    endpoint_lab.check()
    assert (
        endpoint_lab.rows()["output_tokens"].null_count()
        == endpoint_lab.rows()["prompt_tokens"].null_count()
        == 4 * QUESTIONS
    )
    assert "does not say how many tokens" in endpoint_lab.problem()[0]
    assert endpoint_lab.cache.manifest("fake", "a")["latency"] is None


def test_what_cannot_be_stored_is_no_reason_to_lose_a_run(endpoint_lab):
    said = {"message": {"role": "assistant", "content": "half \ud83d of it"}, "finish_reason": "\ud800", "index": "x"}
    with FakeServer(fields=said, usage={"prompt_tokens": 1 << 40, "completion_tokens": -4}) as server:
        assert not endpoint_lab.run(server, samples=1)
    assert "does not say how many tokens" in endpoint_lab.problem()[0]
    rows = endpoint_lab.rows()
    assert rows.height == QUESTIONS
    assert rows.drop("question_id", "sample").unique().rows() == [("half ? of it", None, None, "?")]


def test_a_completion_that_is_no_text_is_not_stored_as_an_empty_one(endpoint_lab):
    with FakeServer(fields={"message": {"content": {"type": "text", "text": "four"}}}) as server:
        assert not endpoint_lab.run(server)
    assert "a completion that is no text" in endpoint_lab.problem()[0]
    assert not endpoint_lab.cache.parts("fake", "a").listed()


@pytest.mark.parametrize("listed", [None, ["m"], [None], [{"name": "m"}], [{"id": 3}], {"m": 1}, "m"])
def test_a_strange_list_of_models_is_passed_over(endpoint_lab, listed):
    with FakeServer(listed=listed) as server:
        assert endpoint_lab.run(server, samples=1)
    endpoint_lab.check(1)


def test_latency_is_measured_one_at_a_time_with_nothing_cached(endpoint_lab):
    with FakeServer() as server:
        endpoint_lab.run(server, samples=1)
    timed = server.requests[QUESTIONS:]
    assert len(timed) == 17
    assert all(each["ignore_eos"] and each["min_tokens"] == each["max_tokens"] for each in timed)
    assert len({each["cache_salt"] for each in timed}) == 17
    assert endpoint_lab.cache.manifest("fake", "a")["latency"]["prompts"] == 16


def test_servers_that_refuse_what_timing_needs_are_timed_without(endpoint_lab):
    with FakeServer(refuse=("ignore_eos",)) as server:
        assert endpoint_lab.run(server, samples=1), endpoint_lab.problem()
    assert sum("ignore_eos" in each for each in server.requests) == 1
    assert endpoint_lab.cache.manifest("fake", "a")["latency"]["prompts"] == 16


def test_a_fault_while_timing_is_not_timed(endpoint_lab):
    faults = {QUESTIONS + at: fault for at, fault in enumerate(FAULTS)}
    with FakeServer(faults) as server:
        assert endpoint_lab.run(server, samples=1), endpoint_lab.problem()
    assert endpoint_lab.cache.manifest("fake", "a")["latency"]["prompts"] == 16
    endpoint_lab.check(1)


def test_text_prompts_go_to_completions(endpoint_lab):
    with FakeServer() as server:
        assert endpoint_lab.run(
            server, llm=LLM(name="a", weights="m", endpoint=server.url, chat=False, prompt="zero-shot")
        )
    assert set(server.paths) == {"/v1/completions"}
    assert server.requests[0]["prompt"].startswith("You are")
    endpoint_lab.check()


def test_servers_that_know_no_system_role_or_other_names_of_fields(endpoint_lab):
    with FakeServer(system=False, limit="max_completion_tokens") as server:
        assert endpoint_lab.run(server), endpoint_lab.problem()
    endpoint_lab.check()
    assert [each["role"] for each in server.requests[-1]["messages"]] == ["user"]
    assert "max_completion_tokens" in server.requests[-1]


def test_a_prompt_that_is_refused_stops_no_other(endpoint_lab):
    with FakeServer(long="Case 3 of") as server:
        assert not endpoint_lab.run(server)
    assert "1 question was refused: maximum context length exceeded" in endpoint_lab.problem()[0]
    rows = endpoint_lab.rows()
    assert set(rows["question_id"]) == {f"test-{each}" for each in range(QUESTIONS) if each != 3}
    assert len(server.requests) < QUESTIONS + 5
    with FakeServer() as server:
        server.texts = 1000
        assert endpoint_lab.run(server)
    endpoint_lab.check()


def test_what_every_request_is_refused_for_stops_at_once(endpoint_lab):
    with FakeServer(refuse=("model",)) as server:
        assert not endpoint_lab.run(server, samples=1, concurrency=1)
    assert "unknown field model" in endpoint_lab.problem()[0]
    assert len(server.requests) == endpoint.REFUSALS


@pytest.mark.parametrize(
    ("key", "expected"),
    [("", "wants a key (401); set OPENAI_API_KEY"), ("sk-wrong-one", "wants another key (401); check the key in")],
)
def test_the_key(endpoint_lab, monkeypatch, key, expected, capfd):
    monkeypatch.setenv(KEY, key)
    with FakeServer(key="sk-right-one") as server, pytest.raises(EngineError, match=re.escape(expected)) as caught:
        endpoint_lab.run(server)
    assert not key or key not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_key_is_sent_and_written_nowhere(endpoint_lab, monkeypatch, tmp_path):
    monkeypatch.setenv(KEY, "sk-right-one")
    with FakeServer(key="sk-right-one") as server:
        assert endpoint_lab.run(server)
        assert server.headers[0]["authorization"] == "Bearer sk-right-one"
        spec = WorkerSpec(llm=LLM(name="a", weights="m", endpoint=server.url), cache="c", tasks=(), engine="openai")
        assert "sk-right" not in spec.to_json()
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or b"sk-right" not in path.read_bytes()
    assert "sk-right" not in json.dumps(endpoint_lab.events)


def test_a_server_that_repeats_the_key_is_not_quoted(endpoint_lab, monkeypatch):
    monkeypatch.setenv(KEY, "sk-right-one")
    with FakeServer(status=403) as server:
        assert not endpoint_lab.run(server)
    assert "forbids this (403: no: Bearer …)" in endpoint_lab.problem()[0]


@pytest.mark.parametrize("key", ["sk-right\none", "sk-right\u2028one", "sk-rïght", "sk right"])
def test_a_key_that_is_none_is_said_before_anything_is_sent(endpoint_lab, monkeypatch, key, capfd):
    monkeypatch.setenv(KEY, key)
    with FakeServer() as server, pytest.raises(UsageError, match="OPENAI_API_KEY holds a character that no key has"):
        endpoint_lab.run(server)
    assert not server.headers
    said = json.dumps(endpoint_lab.events) + "".join(capfd.readouterr())
    assert "right" not in said
    assert "rïght" not in said


def test_what_is_said_is_cleaned_of_the_key_and_its_parts():
    key = "sk-proj-Ab\\c'd\"efghij"
    for form in (key, repr(key), ascii(key), json.dumps(key), f"…{key[3:15]}…", key[-6:]):
        cleaned = endpoint.without(key, f"Illegal header value: Bearer {form}, check it")
        assert not any(key[at : at + 6] in cleaned for at in range(len(key) - 5)), form
        assert cleaned.startswith("Illegal header value: Bearer ")
        assert cleaned.endswith(", check it")
    assert endpoint.without("", "as it is") == "as it is"


class FakeHostileServer(FakeServer):
    """Sends the bytes it is told, whatever it is asked, piece by piece."""

    def __init__(self, pieces, pause=0.0, **headers):
        super().__init__()
        self.pieces, self.pause, self.sent = pieces, pause, headers

    def get(self, handler):
        self.post(handler)

    def post(self, handler):
        if length := handler.headers["Content-Length"]:
            handler.rfile.read(int(length))
        self.requests.append(handler.path)
        handler.send_response(200)
        for name, value in {"Content-Type": "application/json", "Transfer-Encoding": "chunked", **self.sent}.items():
            handler.send_header(name, value)
        handler.end_headers()
        for piece in self.pieces():
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            time.sleep(self.pause)
        handler.wfile.write(b"0\r\n\r\n")


def forever(piece):
    while True:
        yield piece


@pytest.mark.parametrize(
    ("server", "said"),
    [
        (lambda: FakeHostileServer(lambda: [gzip.compress(b" " * 10**7)], **{"Content-Encoding": "gzip"}), "packed"),
        (lambda: FakeHostileServer(lambda: forever(b" " * 65_536)), "larger than 1 MiB"),
        (lambda: FakeHostileServer(lambda: forever(b" "), 0.02), "takes longer than"),
    ],
    ids=["packed", "endless", "trickling"],
)
def test_a_reply_is_neither_unpacked_nor_endless(endpoint_lab, server, said):
    limits = {"reply": 1 << 20, "answer": 0.5 if "longer" in said else 60.0}
    with server() as hostile, pytest.raises(EngineError, match=said) as caught:
        endpoint_lab.run(hostile, limits=limits)
    assert len(hostile.requests) == 1, "such a reply isn't asked for again"
    assert "\n" not in str(caught.value)


def test_a_list_nested_beyond_all_depth_is_passed_over(endpoint_lab):
    class FakeDeepServer(FakeServer):
        def get(self, handler):
            handler.send_response(200)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", "200000")
            handler.end_headers()
            handler.wfile.write(b"[" * 100_000 + b"]" * 100_000)

    with FakeDeepServer() as server:
        assert endpoint_lab.run(server)
    endpoint_lab.check()


def test_an_unknown_model_names_the_nearest(endpoint_lab):
    with FakeServer(models=["llama-3-8b", "qwen-2.5"]) as server:
        assert not endpoint_lab.run(server, llm=LLM(name="a", weights="llama-3-7b", endpoint=server.url))
    assert endpoint_lab.problem()[0].startswith(f"no LLM at {server.url} 'llama-3-7b'; did you mean 'llama-3-8b'?")


def test_the_only_model_of_a_server_must_be_the_one_that_is_meant(engine):
    with FakeServer(models=["other"]) as server:
        with pytest.raises(UnknownNameError, match="choose from other"):
            engine(server)
        assert not server.requests
    with FakeServer(models=["m:latest"]) as server:
        engine(server)


def test_no_server_there(engine):
    with FakeServer() as server:
        pass
    with pytest.raises(EngineError, match=r"cannot be reached \(.*; start it, or check --base-url"):
        engine(server)


def test_a_server_that_dies_loses_only_what_was_in_flight(endpoint_lab):
    with FakeServer(dict.fromkeys(range(6, 1000), "500")) as server:
        assert not endpoint_lab.run(server, concurrency=4, limits={"retries": 1})
    assert "refuses requests (500: busy)" in endpoint_lab.problem()[0]
    assert endpoint_lab.rows().height == 6 * 4
    with FakeServer() as server:
        server.texts = 1000
        assert endpoint_lab.run(server)
    endpoint_lab.check()


def test_no_server_of_this_kind(endpoint_lab, monkeypatch):
    with FakeServer(dict.fromkeys(range(1000), "cut")) as server:
        assert not endpoint_lab.run(server)
    assert "answers what is no completion" in endpoint_lab.problem()[0]
    assert "most end in /v1" in endpoint_lab.problem()[0]


def test_stopping_finishes_what_is_in_flight(endpoint_lab):
    stop = Stop()
    gate = threading.Event()

    def halt():
        stop.level = 1
        gate.set()

    with FakeServer(gate=gate) as server:
        once_busy(server, halt)
        endpoint_lab.run(server, concurrency=8, stop=stop)
    counts = endpoint_lab.rows().group_by("question_id").len()["len"]
    assert set(counts) == {4}
    assert 2 <= len(counts) <= 3


def test_stopping_tries_nothing_again_and_waits_for_no_server_that_hangs(endpoint_lab):
    stop = Stop()
    gate = threading.Event()

    def halt():
        stop.level = 1

    with FakeServer(gate=gate) as server:
        once_busy(server, halt)
        assert endpoint_lab.run(server, concurrency=8, stop=stop, limits={"stop": 0.3}), (
            "nothing failed: it was stopped"
        )
        asked = len(server.requests)
        gate.set()
    assert asked == 2
    assert not endpoint_lab.cache.parts("fake", "a").listed()


def test_what_fails_while_all_is_stopped_is_not_tried_again(endpoint_lab):
    stop = Stop()
    gate = threading.Event()

    def halt():
        stop.level = 1
        time.sleep(0.5)  # until the engine knows
        gate.set()

    with FakeServer({0: "500", 1: "reset"}, gate=gate) as server:
        once_busy(server, halt)
        assert endpoint_lab.run(server, concurrency=8, stop=stop)
        assert len(server.requests) == 2


def test_stopping_now_waits_for_no_answer(endpoint_lab):
    stop = Stop()
    gate = threading.Event()

    def halt():
        stop.level = 2

    with FakeServer(gate=gate) as server:
        once_busy(server, halt)
        endpoint_lab.run(server, concurrency=8, stop=stop)
        gate.set()
    assert not endpoint_lab.cache.parts("fake", "a").listed()


def said(content, finish="stop", **more):
    return {"finish_reason": finish, "message": {"role": "assistant", "content": content, **more}}


def one_of_both(fields):
    if {"temperature", "top_p"} <= set(fields):
        return "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
    return "n: Extra inputs are not permitted" if "n" in fields else None


def reasons_first(fields):
    if "max_tokens" in fields:
        return (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
    if fields.get("temperature", 1) != 1:
        return "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) is."
    return "Unsupported parameter: 'stop' is not supported with this model." if "stop" in fields else None


def knows_one_penalty(fields):
    return "body.repeat_penalty: Extra inputs are not permitted" if "repeat_penalty" in fields else None


@pytest.mark.parametrize(
    ("behaviour", "sampling", "text", "finish"),
    [
        ({"quirk": one_of_both}, Sampling(), None, "stop"),
        ({"quirk": reasons_first, "fields": said("7<END_ANSWER> and")}, Sampling(temperature=1), "7", "stop"),
        ({"quirk": knows_one_penalty}, Sampling(repetition_penalty=1.1), None, "stop"),
        (
            {
                "fields": said(
                    [{"type": "thinking", "thinking": [{"type": "text", "text": "8?"}]}, {"type": "text", "text": "7"}]
                )
            },
            Sampling(),
            "7",
            "stop",
        ),
        ({"fields": said(None, "length", reasoning_content="so many words")}, Sampling(), "", "length"),
        ({"fields": said(None, "content_filter")}, Sampling(), "", "content_filter"),
        ({"fields": said(None, refusal="I'd rather not.")}, Sampling(), "", "refusal"),
        ({"fields": said("7", "end_turn")}, Sampling(), "7", "stop"),
    ],
    ids=["anthropic", "openai-o", "strict", "mistral", "deepseek", "azure", "openai-refusal", "bedrock"],
)
def test_what_providers_do_otherwise(endpoint_lab, behaviour, sampling, text, finish):
    with FakeServer(**behaviour) as server:
        assert endpoint_lab.run(server, llm=LLM(name="a", weights="m", endpoint=server.url, sampling=sampling)), (
            endpoint_lab.problem()
        )
    rows = endpoint_lab.rows()
    assert rows.height == rows.select("question_id", "sample").unique().height == 4 * QUESTIONS
    assert set(rows["finish_reason"]) == {finish}
    assert text is None or set(rows["text"]) == {text}
    odd = [fields for event, fields in endpoint_lab.events if event == "odd"]
    what = "empty" if finish == "length" else f"ended by {finish}"
    assert odd == ([{"benchmark": "fake", what: 4 * QUESTIONS}] if text == "" else [])


@pytest.mark.parametrize(
    ("quirk", "sampling", "setting"),
    [
        (one_of_both, Sampling(top_p=0.9), "set top_p = 1 or temperature = 1 in its sampling in selectllm.toml"),
        (reasons_first, Sampling(), "set temperature = 1 in its sampling in selectllm.toml"),
        (lambda fields: "unknown field top_k" if "top_k" in fields else None, Sampling(top_k=5), "set top_k = 0 in"),
    ],
)
def test_what_cannot_be_left_out_is_named(endpoint_lab, quirk, sampling, setting):
    with FakeServer(quirk=quirk) as server:
        assert not endpoint_lab.run(server, llm=LLM(name="a", weights="m", endpoint=server.url, sampling=sampling))
    assert "refuses how m is to be sampled" in endpoint_lab.problem()[0]
    assert f"; {setting}" in endpoint_lab.problem()[0]


def test_a_filtered_prompt_is_told_and_stops_no_other(endpoint_lab):
    def filters(fields):
        return "The response was filtered due to the prompt triggering our policy." if "q3" in str(fields) else None

    with FakeServer(quirk=filters) as server:
        endpoint_lab.run(server)
        assert all("top_p" not in fields for fields in server.requests), "it only repeats the default"
    assert endpoint_lab.rows().height >= 4 * (QUESTIONS - 2)


def test_a_server_of_ones_own_is_told_everything(endpoint_lab):
    with FakeServer(listed=[{"id": "m", "object": "model", "owned_by": "vllm"}]) as server:
        assert endpoint_lab.run(server)
        assert {fields["top_p"] for fields in server.requests} == {1.0}, "else its generation_config.json would count"


def test_every_llm_may_have_a_key_of_its_own(endpoint_lab, monkeypatch):
    monkeypatch.setenv(KEY, "sk-of-another")
    monkeypatch.setenv("FAKE_API_KEY", "sk-right-one")
    with FakeServer(key="sk-right-one") as server:
        assert endpoint_lab.run(server, llm=LLM(name="a", weights="m", endpoint=server.url, api_key_env="FAKE_API_KEY"))
        monkeypatch.setenv("FAKE_API_KEY", "sk-wrong-one")
        with pytest.raises(EngineError, match="check the key in FAKE_API_KEY"):
            endpoint_lab.run(
                server, samples=9, llm=LLM(name="a", weights="m", endpoint=server.url, api_key_env="FAKE_API_KEY")
            )


def test_what_cannot_be_made_up_later_is_kept(endpoint_lab):
    told = {"content": [{"token": "a", "logprob": -0.5, "bytes": None, "top_logprobs": []}] * 3}
    usage = {"completion_tokens_details": {"reasoning_tokens": 4}}
    with FakeServer(fields={"logprobs": told}, usage=usage, many="refused") as server:
        assert endpoint_lab.run(server, samples=2)
    rows = endpoint_lab.cache.generations("fake", "a")
    assert rows["logprob"].to_list() == [-0.5] * 24
    assert rows["reasoning_tokens"].to_list() == [4] * 24
    with FakeServer(refuse=("logprobs",)) as server:  # another server: it goes on without
        assert endpoint_lab.run(server, samples=3)
    rows = endpoint_lab.cache.generations("fake", "a")
    assert (rows.height, rows["logprob"].null_count()) == (36, 12)
    (_, merged) = endpoint_lab.cache.parts("fake", "a").compact()
    assert pl.read_parquet(merged.path)["logprob"].null_count() == 12
    assert set(endpoint_lab.cache.generations("fake", "a", "test-0").columns) >= {"logprob", "reasoning_tokens"}


def test_of_several_in_one_reply_thoughts_are_not_told_apart(endpoint_lab):
    odd = {"content": [{"token": "a", "logprob": None, "bytes": None, "top_logprobs": []}]}
    with FakeServer(usage={"completion_tokens_details": {"reasoning_tokens": 4}}, fields={"logprobs": odd}) as server:
        assert endpoint_lab.run(server)
    assert not {"logprob", "reasoning_tokens"} & set(endpoint_lab.rows().columns), "what nobody told takes no room"
