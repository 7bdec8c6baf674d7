"""The log of a server read back: texts become samples, whatever can't be used is counted."""

import json

import pytest

from selectllm_engine.errors import CacheError, ImportFormatError
from selectllm_engine.importers.records import Options
from selectllm_engine.importers.served_log import import_served
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.outcome_arrays import load_outcomes


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


@pytest.fixture
def write(tmp_path):
    def write(*lines, end="\n"):
        path = tmp_path / "served.jsonl"
        path.write_text("\n".join(each if isinstance(each, str) else json.dumps(each) for each in lines) + end, "utf-8")
        return path

    return write


def line(text="What is 1 + 1?", gold=None, turns=1, **said):
    votes = [
        {"llm": llm, "text": each, "seconds": 0.5, "cost": 0.001, "prompt_tokens": 7, "output_tokens": 3}
        for llm, each in (said or {"a": "The answer is 2.", "b": "The answer is 3."}).items()
    ]
    told = {"format": 1, "question": "00", "text": text, "turns": turns, "votes": votes}
    return told if gold is None else {**told, "gold": gold}


def test_texts_become_samples_with_latency_tokens_and_cost(cache, write):
    path = write(line(gold=2), line(a="The answer is 2."), line("What is 2 + 2?", a="4", b="4", gold="4"))
    done = import_served(cache, path, "traffic", options=Options())
    assert (done.llms, done.rows, done.splits) == (("a", "b"), 5, {"test": 2})
    questions = cache.questions("traffic")
    assert questions["gold"].to_list() == ["2", "4"]
    first = cache.generations("traffic", "a", questions["question_id"][0])
    assert first["text"].to_list() == ["The answer is 2."] * 2
    assert (first["latency"][0], first["cost"][0], first["prompt_tokens"][0]) == (0.5, pytest.approx(0.001), 7)
    assert load_outcomes(cache, "traffic", "test").labels.tolist() == [[True, False], [True, True]]


def test_a_log_that_has_grown_is_imported_again(cache, write):
    import_served(cache, write(line(gold=2)), "traffic", options=Options())
    path = write(line(gold=2), line("What is 2 + 2?", a="4", b="4", gold="4"))
    with pytest.raises(CacheError):
        import_served(cache, path, "traffic", options=Options())
    done = import_served(cache, path, "traffic", options=Options(again=True))
    assert done.splits == {"test": 2}
    assert import_served(cache, path, "traffic", options=Options()).unchanged


def test_what_cannot_be_used_is_counted(cache, write):
    silent = {**line(), "votes": [{"llm": "a", "answer": 0}]}
    del silent["text"]
    lines = [line(gold=2), silent, line(turns=2), line(" "), line("What is 3?", a="3")]
    lines[3]["votes"].append({"text": "nobody's"})
    done = import_served(cache, write(*lines, '{"cut of', end=""), "traffic", options=Options())
    assert done.skipped == {
        "no texts: log them with --log-texts": 1,
        "within a conversation": 2,
        "no question in words": 3,
        "a line that is cut off": 1,
    }
    assert "1 questions have no gold answer" in " ".join(done.notes)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{"], "line 1 is no JSON"),
        ([[1]], "line 1 is no answer of a server"),
        ([{"text": "a"}], "line 1 is no answer of a server"),
        ([{**line(), "format": 2}], "was written by a newer selectllm"),
        ([line()], "no line has a gold answer"),
        ([{**line(), "text": None}], "there is nothing to import.*--log-texts"),
    ],
)
def test_what_is_no_log_is_refused(cache, write, lines, message):
    with pytest.raises(ImportFormatError, match=message):
        import_served(cache, write(*lines), "traffic", options=Options())
    assert cache.benchmarks() == []
