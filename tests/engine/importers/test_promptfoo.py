"""promptfoo's results: what the tool itself wrote (see data/README.md), and what may be else in them."""

import json

import pytest

from paths import DATA
from selectllm_engine.errors import ImportFormatError, UnknownNameError
from selectllm_engine.importers.promptfoo import import_promptfoo
from selectllm_engine.store.outcome_arrays import load_outcomes

RESULTS = DATA / "promptfoo" / "results.json"
STRONG, WEAK = "fake-strong [prompt=short]", "fake-weak [prompt=short]"


def result(n=1, llm="one", output="2", column=0, **changes):
    """A row of results with all that is read."""
    passed = changes.pop("passed", True)
    return {
        "cost": 0.001,
        "latencyMs": 1500,
        "namedScores": {},
        "gradingResult": {"pass": passed, "score": float(passed), "componentResults": [{"pass": passed}]},
        "prompt": {"raw": f"What is {n}+1?", "label": "sum: What is {{n}}+1?"},
        "promptIdx": column,
        "provider": {"id": llm, "label": ""},
        "response": {"output": output, "cost": 0.001, "tokenUsage": {"total": 5, "prompt": 3, "completion": 2}},
        "score": float(passed),
        "success": passed,
        "testCase": {"vars": {"n": n}, "assert": [{"type": "equals", "value": str(n + 1)}]},
        "testIdx": n,
        "tokenUsage": {"total": 5, "prompt": 3, "completion": 2},
        "vars": {"n": n},
        "failureReason": 0 if passed else 1,
        **changes,
    }


@pytest.fixture
def write_promptfoo(tmp_path):
    def write_promptfoo(rows, columns=(("one", "sum"),), name="results.json", time="2026-01-02T03:04:05.000Z"):
        table = [
            {"provider": llm, "label": f"{label}: What is {{{{n}}}}+1?", "raw": "What is {{n}}+1?"}
            for llm, label in columns
        ]
        path = tmp_path / "results" / name
        path.parent.mkdir(exist_ok=True)
        whole = {"evalId": "eval-x", "results": {"version": 3, "timestamp": time, "prompts": table, "results": rows}}
        path.write_text(json.dumps(whole))
        return path

    return write_promptfoo


def test_what_promptfoo_wrote(cache):
    done = import_promptfoo(cache, RESULTS, "b")
    assert (done.rows, done.splits) == (24, {"test": 3})
    assert sorted(done.llms) == sorted(f"fake-{a} [prompt={b}]" for a in ("strong", "weak") for b in ("short", "steps"))
    assert done.skipped == {"calls that failed": 4}  # unknown, not wrong
    rows = json.loads(RESULTS.read_text())["results"]["results"]
    outcomes = load_outcomes(cache, "b", "test", llms=[STRONG, WEAK])
    assert outcomes.samples == 2  # --repeat 2
    assert outcomes.questions["text"].to_list() == ["What is 2+3?", "What is 7+8?"]
    assert outcomes.labels.tolist() == [[True, True], [True, False]]
    assert outcomes.questions["gold"].to_list() == ["5", "15"]
    assert outcomes.cost[0].tolist() == pytest.approx([0.0005, 0.0005])
    logged = [row for row in rows if row["promptIdx"] == 0]
    generations = cache.generations("b", STRONG).rows(named=True)
    assert [each["text"] for each in generations] == [row["response"]["output"] for row in logged]
    assert [each["latency"] for each in generations] == [row["latencyMs"] / 1000 for row in logged]
    assert [(each["prompt_tokens"], each["output_tokens"]) for each in generations] == [(20, 10)] * 6
    scores = cache.verdicts("b", WEAK)["score"].to_list()
    assert scores == [float(row["success"]) for row in rows if row["promptIdx"] == 2 and row["failureReason"] != 2]


def test_lines_are_read_as_the_file_is(cache, tmp_path):
    rows = json.loads(RESULTS.read_text())["results"]["results"]
    path = tmp_path / "results.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert set(import_promptfoo(cache, path, "b").llms) == set(import_promptfoo(cache, RESULTS, "c").llms)
    for llm in (STRONG, WEAK):
        one, other = (cache.verdicts(benchmark, llm)["score"].to_list() for benchmark in ("b", "c"))
        assert one == other


def test_without_an_assertion_there_is_no_verdict(cache, write_promptfoo):
    said = {"pass": True, "score": 1, "reason": "No assertions"}
    rows = [result(1), result(2, gradingResult=said, testCase={"vars": {"n": 2}})]
    done = import_promptfoo(cache, write_promptfoo(rows), "b")
    assert "1 results were not judged by an assertion: no verdict" in done.notes
    assert cache.verdicts("b", "one")["score"].to_list() == [1.0]


def test_a_partial_pass_is_none(cache, write_promptfoo):
    """promptfoo's score is the assertions' mean; the test failed all the same."""
    grading = {"pass": False, "score": 0.5, "componentResults": [{"pass": True}, {"pass": False}]}
    import_promptfoo(cache, write_promptfoo([result(passed=False, score=0.5, gradingResult=grading)]), "b")
    assert cache.verdicts("b", "one")["score"].to_list() == [0.0]


def test_a_named_score_may_be_the_verdict(cache, write_promptfoo):
    path = write_promptfoo([result(namedScores={"tone": 0.25, "sums": 1}), result(2, namedScores={"sums": 0})])
    done = import_promptfoo(cache, path, "b")
    assert "the verdict is whether all assertions passed (others, by --metric: sums, tone)" in done.notes
    import_promptfoo(cache, path, "c", metric="tone")
    assert cache.verdicts("c", "one")["score"].to_list() == [0.25]
    with pytest.raises(UnknownNameError, match="no metric 'ton'; did you mean 'tone'"):
        import_promptfoo(cache, path, "d", metric="ton")


@pytest.mark.parametrize(
    ("asserted", "gold"),
    [
        ([{"type": "equals", "value": "2"}], "2"),
        ([{"type": "icontains", "value": "{{answer}}"}], "7"),
        ([{"type": "regex", "value": "is {{answer}}$"}], "7"),
        ([{"type": "regex", "value": "is 2$"}], None),
        ([{"type": "llm-rubric", "value": "It is 2"}], None),  # what a grader was told
        ([{"type": "equals", "value": "2"}, {"type": "contains", "value": "two"}], None),
        ([{"type": "equals", "value": ["2"]}, {"type": "not-contains", "value": "3"}], None),
        (None, None),
    ],
)
def test_gold_answers(cache, write_promptfoo, asserted, gold):
    variables = {"n": 1, "answer": 7}
    import_promptfoo(cache, write_promptfoo([result(vars=variables, testCase={"assert": asserted})]), "b")
    assert cache.questions("b")["gold"].to_list() == [gold]


def test_what_was_cached_took_no_time_and_free_is_not_unknown(cache, write_promptfoo):
    cached = {"output": "2", "cached": True}
    rows = [result(1, response=cached, cost=0, tokenUsage={}), result(2, response={"output": "3", "cost": 0}, cost=0)]
    import_promptfoo(cache, write_promptfoo(rows), "b")
    generations = cache.generations("b", "one")
    assert generations["latency"].to_list() == [None, 1.5]
    assert generations["cost"].to_list() == [None, 0.0]
    assert generations["prompt_tokens"].to_list() == [None, 3]


def test_a_provider_that_is_there_twice_is_two_llms(cache, write_promptfoo):
    rows = [result(1, column=0), result(1, column=1, output="3", passed=False)]
    done = import_promptfoo(cache, write_promptfoo(rows, [("one", "sum"), ("one", "sum")]), "b")
    assert done.llms == ("one [column=1]", "one [column=2]")
    assert load_outcomes(cache, "b", "test").labels.tolist() == [[True, False]]


def test_prompts_without_variables_are_questions(cache, tmp_path):
    rows = [
        result(vars={}, promptIdx=place, prompt={"raw": raw, "label": raw}, testCase={})
        for place, raw in enumerate(["Name a tree.", "Name a metal."])
    ]
    table = [{"provider": "one", "label": row["prompt"]["raw"], "raw": row["prompt"]["raw"]} for row in rows]
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"results": {"version": 3, "prompts": table, "results": rows}}))
    done = import_promptfoo(cache, path, "b")
    assert (done.llms, done.splits) == (("one",), {"test": 2})
    assert cache.questions("b")["text"].to_list() == ["Name a tree.", "Name a metal."]


def test_conversations_and_objects(cache, write_promptfoo):
    raw = json.dumps([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is 1+1?"}])
    rows = [result(prompt={"raw": raw, "label": "x"}, promptIdx=0, response={"output": {"sum": 2}})]
    import_promptfoo(cache, write_promptfoo(rows), "b")
    assert cache.questions("b")["text"].to_list() == ["What is 1+1?"]
    assert cache.generations("b", "one")["text"].to_list() == ['{"sum": 2}']


def test_the_newest_file_counts(cache, write_promptfoo):
    write_promptfoo([result(1, passed=False), result(2, output="3")], name="a.json", time="2026-01-01T00:00:00.000Z")
    write_promptfoo([result(1)], name="b.json", time="2026-02-01T00:00:00.000Z")
    (write_promptfoo([], name="c.json").parent / "other.json").write_text("[1, 2")
    done = import_promptfoo(cache, write_promptfoo([], name="c.json").parent, "b")
    assert "1 results of an LLM and test that a newer file has too: passed over" in done.notes
    assert "1 JSON files are no results of promptfoo: passed over" in done.notes
    assert load_outcomes(cache, "b", "test").labels.tolist() == [[True], [True]]


def test_files_that_are_something_else(cache, tmp_path):
    with pytest.raises(ImportFormatError, match="holds no results of promptfoo"):
        import_promptfoo(cache, DATA / "inspect", "b")
    path = tmp_path / "results.json"
    path.write_bytes(RESULTS.read_bytes()[:5000])
    with pytest.raises(ImportFormatError, match=r"results\.json is no whole JSON"):
        import_promptfoo(cache, path, "b")
    path.write_text('{"results": {"results": [3]}}')
    with pytest.raises(ImportFormatError, match="result 0 is no JSON object"):
        import_promptfoo(cache, path, "b")
    assert not cache.benchmarks()
