"""RouterArena's files, invented in the layout of its repository: routers' predictions and cached results of LLMs."""

import json

import pytest

from paths import DATA
from selectllm_engine.errors import ImportFormatError
from selectllm_engine.importers.routerarena import import_routerarena
from selectllm_engine.store.outcome_arrays import load_outcomes

CHOICE = "Choose.\n\nContext: None\n\nQuestion: What is an oak?\n\nOptions: \nA. animal\nB. tree\n\n\nGive \\boxed{X}."
SUM = "Solve.\n\nContext: None\n\nQuestion: What is 1+1?\n\nGive \\boxed{X}."
PROMPTS = {"Words_1": CHOICE, "Sums_two_7": SUM}


def entry(index="Words_1", llm="org/one", said="\\boxed{B}", accuracy=1.0, **changes):
    generated = {
        "generated_answer": said,
        "success": True,
        "token_usage": {"input_tokens": 40, "output_tokens": 9, "total_tokens": 49},
        "provider": "fake",
        "error": None,
    }
    return {
        "global index": index,
        "prompt": PROMPTS[index],
        "prediction": llm,
        "generated_result": generated,
        "cost": 0.0002,
        "accuracy": accuracy,
        "for_optimality": False,
        **changes,
    }


def cached(index="Words_1", llm="org/one", said="\\boxed{B}", score=1.0, gold="B", **changes):
    judged = {
        "extracted_answer": said,
        "ground_truth": gold,
        "score": score,
        "metric": "mcq_accuracy",
        "inference_cost": 0.0002,
    }
    return {
        "global_index": index,
        "question": PROMPTS[index],
        "llm_selected": llm,
        "generated_answer": said,
        "token_usage": {"input_tokens": 40, "output_tokens": 9, "total_tokens": 49},
        "success": True,
        "evaluation_result": judged,
        **changes,
    }


@pytest.fixture
def write_routerarena(tmp_path):
    """Write files of predictions or cached results by name; gives their folder."""

    def write_routerarena(**files):
        folder = tmp_path / "arena"
        folder.mkdir(exist_ok=True)
        for name, rows in files.items():
            if name.startswith("llm"):
                (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            else:
                (folder / f"{name}.json").write_text(json.dumps(rows, indent=2))
        return folder

    return write_routerarena


def test_predictions(cache, write_routerarena):
    rows = [
        entry(),
        entry("Sums_two_7", said="\\boxed{3}", accuracy=0.0),
        entry(llm="two", said="\\boxed{A}", accuracy=0.0, for_optimality=True),
        entry("Sums_two_7", llm="two", said="\\boxed{2}", for_optimality=True),
    ]
    done = import_routerarena(cache, write_routerarena(router=rows), "b")
    assert (done.llms, done.rows, done.splits) == (("org/one", "two"), 4, {"test": 2})
    questions = cache.questions("b")
    assert questions["question_id"].to_list() == ["Words_1", "Sums_two_7"]
    assert questions["subject"].to_list() == ["Words", "Sums_two"]
    assert questions["kind"].to_list() == ["letter", "word"]
    assert questions["choices"][0].to_list() == ["animal", "tree"]
    assert questions["gold"].to_list() == [None, None]  # which these files don't know
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.labels.tolist() == [[True, False], [False, True]]
    assert outcomes.cost.ravel().tolist() == pytest.approx([0.0002] * 4)
    [row, _] = cache.generations("b", "two").rows(named=True)
    assert (row["text"], row["prompt_tokens"], row["output_tokens"]) == ("\\boxed{A}", 40, 9)


def test_cached_results_have_gold_answers(cache, write_routerarena):
    one = [cached(), cached("Sums_two_7", said="\\boxed{3}", score=0.0, gold="2")]
    two = [
        cached(llm="two", said="\\boxed{A}", score=0.0),
        cached("Sums_two_7", llm="two", said="\\boxed{2}", gold="2"),
    ]
    done = import_routerarena(
        cache, write_routerarena(llm1=one, llm2=two, router=[entry(), entry("Sums_two_7", llm="two")]), "b"
    )
    assert "2 answers of an LLM that another file has too: passed over" in done.notes
    assert cache.questions("b")["gold"].to_list() == ["B", "2"]
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.labels.tolist() == [[True, False], [False, True]]
    assert cache.verdicts("b", "two")["answer"].to_list() == [None, None]  # the text itself


def test_further_runs_are_samples(cache, write_routerarena):
    rows = [cached(run_number=1), cached(said="\\boxed{A}", score=0.0, run_number=2), cached(run_number=3)]
    import_routerarena(cache, write_routerarena(llm=rows), "b")
    assert load_outcomes(cache, "b", "test").samples == 3


def test_routers_as_llms(cache, write_routerarena):
    best = [entry(), entry("Sums_two_7", llm="two", said="\\boxed{2}"), entry(llm="two", for_optimality=True)]
    cheap = [entry(llm="two", said="\\boxed{A}", accuracy=0.0), entry("Sums_two_7", llm="two", said="\\boxed{2}")]
    path = write_routerarena(best=best, cheap=cheap, llm=[cached()])
    done = import_routerarena(cache, path, "b", routers=True)
    assert done.llms == ("best", "cheap")
    assert done.skipped == {"answers of LLMs that the router didn't choose": 1}
    assert load_outcomes(cache, "b", "test").labels.tolist() == [[True, False], [True, True]]


def test_what_is_unknown(cache, write_routerarena):
    failed = {"generated_answer": "", "success": False, "token_usage": {}, "error": "down"}
    rows = [
        entry(accuracy=None, cost=None),
        entry("Sums_two_7", generated_result=None, accuracy=None),
        entry("Sums_two_7", llm="two", generated_result=failed, accuracy=0.0),
        entry(prompt=None),
        entry("Sums_two_7"),
    ]
    done = import_routerarena(cache, write_routerarena(router=rows), "b")
    assert done.skipped == {
        "not generated yet": 1,
        "calls that failed": 1,
        "entries without an index, a prompt or an LLM": 1,
    }
    assert done.llms == ("org/one",)
    assert cache.verdicts("b", "org/one").select("question_id", "score").rows() == [("Sums_two_7", 1.0)]


def test_older_names_of_fields(cache, write_routerarena):
    row = entry()
    row["global_index"], row["prompt_formatted"] = row.pop("global index"), row.pop("prompt")
    row["generated_result"]["token_usage"] = {"prompt_tokens": 40, "completion_tokens": 9}
    import_routerarena(cache, write_routerarena(router=[row]), "b")
    assert cache.generations("b", "org/one").select("prompt_tokens", "output_tokens").rows() == [(40, 9)]


def test_other_wordings_and_other_files_are_passed_over(cache, write_routerarena):
    path = write_routerarena(router=[entry()], other={"pipeline_params": {}})
    (path / "router-robustness.json").write_text(json.dumps([entry(prompt="Waht is an oak?")]))
    done = import_routerarena(cache, path, "b")
    assert "1 files with other wordings of the questions (robustness) passed over" in done.notes
    assert "1 other JSON files passed over" in done.notes
    assert import_routerarena(cache, path / "router-robustness.json", "c").rows == 1


def test_files_that_are_something_else(cache, write_routerarena):
    with pytest.raises(ImportFormatError, match="holds no predictions or cached results of RouterArena"):
        import_routerarena(cache, DATA / "promptfoo", "b")
    with pytest.raises(ImportFormatError, match="holds no predictions of RouterArena"):
        import_routerarena(cache, write_routerarena(llm=[cached()]), "b", routers=True)
    path = write_routerarena(router=[entry(), entry("Sums_two_7")]) / "router.json"
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ImportFormatError, match=r"router\.json is no whole JSON"):
        import_routerarena(cache, path, "b")
    path.write_text(json.dumps([entry(), 3]))
    with pytest.raises(ImportFormatError, match="entry 1 is no JSON object"):
        import_routerarena(cache, path, "b")
    path.write_text('{"a": 1}')
    with pytest.raises(ImportFormatError, match="holds no predictions or cached results of RouterArena"):
        import_routerarena(cache, path, "b")
    assert not cache.benchmarks()
