"""Which LLMs are meant by names, and by those that have results."""

import polars as pl
import pytest

from fakes import fake_manifest, write_fake_run
from selectllm_engine.errors import UnknownNameError, UsageError
from selectllm_engine.generation.llm_names import parse_llm, parse_llms, stored_llm
from selectllm_engine.llms import LLM, STUDY, Sampling
from settings_texts import parse_settings


@pytest.fixture
def cache(tmp_path):
    return write_fake_run(tmp_path / "cache", questions={"train": 4, "test": 3}, llms=("a", "b"), samples=2)


def test_names_of_llms():
    assert parse_llm("gemma-7b-it") is STUDY[1]
    assert parse_llm("maj_gemma-7b-it_CHAT") is STUDY[1]
    assert parse_llm("own=owner/name") == LLM(name="own", weights="owner/name")
    assert parse_llm("own=a=b").weights == "a=b"
    moved = parse_llm("gemma-7b=/weights")
    assert (moved.weights, moved.prompt, moved.sampling) == ("/weights", STUDY[0].prompt, STUDY[0].sampling)
    with pytest.raises(UnknownNameError, match="did you mean 'mistral-7b'"):
        parse_llm("mistral7b")
    for text in ("=x", "x="):
        with pytest.raises(UsageError, match="lacks a name or weights"):
            parse_llm(text)


def test_names_of_variants():
    own = parse_settings("[llms.q]\nweights = 'o/q'\nvariants = {a = {top_k = 3}, b = {max_tokens = 4}}").llms
    assert [llm.name for llm in parse_llms(["q/b"], own)] == ["q/b"]
    assert [llm.name for llm in parse_llms(["q"], own)] == ["q"], "the LLM alone"
    assert parse_llms(["q/*"], own) == [own["q"], own["q/a"], own["q/b"]]
    elsewhere = parse_llms(["q/*=/w"], own)
    assert [(llm.name, llm.weights) for llm in elsewhere] == [("q", "/w"), ("q/a", "/w"), ("q/b", "/w")]
    assert elsewhere[1].variant == own["q/a"].variant
    for served in (False, True):
        with pytest.raises(UnknownNameError, match=r"no LLM 'q/aa'; did you mean 'q/a'\?"):
            parse_llms(["q/aa"], own, served=served)
    with pytest.raises(UsageError, match=r"gemma-7b has no variants; \[llms.gemma-7b.variants\]"):
        parse_llms(["gemma-7b/*"], own)
    assert parse_llms(["o/x"], own, served=True) == [LLM(name="o/x", weights="o/x")]


def test_an_llm_with_results_is_known_by_them(cache, tmp_path):
    folder = str(tmp_path)
    llm = stored_llm(cache, "fake", f"a={folder}")
    assert (llm.weights, llm.chat, llm.prompt, llm.revision) == (folder, True, "zero-shot", None)
    assert llm.sampling == Sampling(max_tokens=48, stop=())
    with pytest.raises(UsageError, match="where the weights of a are is not known"):
        stored_llm(cache, "fake", "a")
    with pytest.raises(UnknownNameError):
        stored_llm(cache, "fake", "c")
    hub = {"id": "owner/name", "revision": "abc", "fingerprint": "f"}
    for name, manifest in {
        "hub": fake_manifest("hub", weights=hub),
        "log": fake_manifest("log", source="import:x"),
    }.items():
        with cache.writer("fake", name) as writer:
            writer.start(manifest)
            writer.append(
                pl.DataFrame(
                    {
                        "question_id": ["test-0"],
                        "sample": [0],
                        "text": ["x"],
                        "prompt_tokens": [1],
                        "output_tokens": [1],
                        "finish_reason": ["stop"],
                    }
                ),
                {},
            )
    assert (stored_llm(cache, "fake", "hub").weights, stored_llm(cache, "fake", "hub").revision) == (
        "owner/name",
        "abc",
    )
    with pytest.raises(UsageError, match="the results of log were imported"):
        stored_llm(cache, "fake", "log")
