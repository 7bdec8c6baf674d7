"""HELM's runs: what the tool itself wrote (see data/README.md), and what may be else in them."""

import json
import shutil

import pytest

from paths import DATA
from selectllm_engine.errors import ImportFormatError, UnknownNameError
from selectllm_engine.importers.helm import import_helm
from selectllm_engine.store.outcome_arrays import load_outcomes

RUNS = DATA / "helm"
SUMS = "sums:digits=1"


def state(n=1, said=("2",), *, right=("2",), wrong=(), **changes):
    """A request with its result, as helm-run writes them."""
    references = [{"output": {"text": text}, "tags": ["correct"]} for text in right]
    references += [{"output": {"text": text}, "tags": []} for text in wrong]
    instance = {"input": {"text": f"What is {n}+1?"}, "references": references, "split": "test", "id": f"id{n}"}
    completions = [
        {"text": f" {text}", "logprob": -1, "tokens": [{"text": text}] * 3, "finish_reason": {"reason": "stop"}}
        for text in said
    ]
    return {
        "instance": {**instance, **changes.pop("instance", {})},
        "train_trial_index": 0,
        "request": {"model": "fake/one", "prompt": "…"},
        "result": {"success": True, "completions": completions, "cached": False, "request_time": 1.5},
        **changes,
    }


def stats(n=1, trial=0, **means):
    named = [{"name": {"name": name, "split": "test"}, "count": 1, "mean": mean} for name, mean in means.items()]
    return {"instance_id": f"id{n}", "train_trial_index": trial, "stats": named}


@pytest.fixture
def write_helm(tmp_path):
    """Write a run; gives the folder benchmark_output."""

    def write_helm(states, judged=(), *, suite="v1", name="sums:model=fake_one", llm="fake/one", **adapter):
        folder = tmp_path / "benchmark_output" / "runs" / suite / name
        folder.mkdir(parents=True)
        spec = {"method": "generation", "model": llm, "max_train_instances": 0, "temperature": 0.0, **adapter}
        (folder / "run_spec.json").write_text(json.dumps({"name": name, "adapter_spec": spec}))
        whole = {"adapter_spec": spec, "request_states": list(states)}
        (folder / "scenario_state.json").write_text(json.dumps(whole, indent=2))
        (folder / "per_instance_stats.json").write_text(json.dumps(list(judged)))
        return tmp_path / "benchmark_output"

    return write_helm


def test_generation_as_helm_wrote_it(cache):
    done = import_helm(cache, RUNS, "b", tasks=[SUMS])
    assert done.llms == ("fake/strong", "fake/weak [shots=0]", "fake/weak [shots=1]")
    assert (done.rows, done.splits) == (18, {"test": 3})
    assert f"{SUMS}: metric quasi_exact_match" in done.notes
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.samples == 2
    assert outcomes.questions["text"].to_list() == ["What is 4+4?", "What is 7+8?", "What is 9+6?"]
    assert outcomes.questions["gold"].to_list() == ["8", "15", "15"]
    assert cache.verdicts("b", "fake/weak [shots=0]")["score"].to_list() == [1.0, 0.0, 0.0]
    [run] = RUNS.glob("runs/v1/sums*shots=0*weak")
    logged = json.loads((run / "scenario_state.json").read_text())["request_states"]
    rows = cache.generations("b", "fake/weak [shots=0]").rows(named=True)
    assert [row["text"] for row in rows] == [each["text"] for s in logged for each in s["result"]["completions"]]
    assert [row["latency"] for row in rows] == [s["result"]["request_time"] for s in logged for _ in range(2)]
    assert [(row["prompt_tokens"], row["output_tokens"]) for row in rows] == [(36, 1)] * 6
    assert import_helm(cache, RUNS, "b", tasks=[SUMS]).unchanged


def test_multiple_choice_as_helm_wrote_it(cache):
    """Once the options were asked together, once each on its own."""
    done = import_helm(cache, RUNS, "b", tasks=["words"])
    joint, alone = (f"fake/weak [method=multiple_choice_{each}]" for each in ("joint", "separate_original"))
    assert done.llms == ("fake/strong", joint, alone)
    outcomes = load_outcomes(cache, "b", "test", llms=["fake/strong", joint, alone])
    assert outcomes.questions["choices"][0].to_list() == ["animal", "tree", "metal", "flower"]
    assert outcomes.questions["gold"].to_list() == ["A", "B", "C", "D"]
    right = [[True, False, False], [True, False, False], [True, True, True], [True, False, False]]
    assert outcomes.labels.tolist() == right
    assert cache.generations("b", joint)["text"].to_list() == [" C"] * 4
    assert cache.generations("b", alone)["text"].to_list() == ["(C)"] * 4
    for llm in (joint, alone):
        assert cache.verdicts("b", llm)["score"].to_list() == [0.0, 0.0, 1.0, 0.0]


@pytest.mark.parametrize("task", [SUMS, "words"])
def test_what_the_website_shows_is_the_same(cache, tmp_path, task):
    """Without scenario_state.json, display_predictions.json and instances.json are read."""
    shutil.copytree(RUNS, tmp_path / "shown")
    for name in ("scenario_state.json", "per_instance_stats.json"):
        for path in (tmp_path / "shown").rglob(name):
            path.unlink()
    done = import_helm(cache, tmp_path / "shown", "shown", tasks=[task])
    assert done.llms == import_helm(cache, RUNS, "whole", tasks=[task]).llms
    for llm in done.llms:
        shown, whole = (cache.verdicts(name, llm).select("question_id", "score") for name in ("shown", "whole"))
        assert shown.equals(whole)
        texts = dict(cache.generations("shown", llm).filter(sample=0).select("question_id", "text").iter_rows())
        assert texts == dict(cache.generations("whole", llm).filter(sample=0).select("question_id", "text").iter_rows())
    shown, whole = (cache.questions(name).drop("split") for name in ("shown", "whole"))
    assert shown.equals(whole)


def test_what_is_passed_over(cache, write_helm):
    failed = {"success": False, "completions": [], "error": "down"}
    states = [
        state(1),
        state(1, ("3",), instance={"perturbation": {"name": "typos"}}),
        state(2, result=failed),
        state(3, instance={"input": {"text": " "}}),
    ]
    done = import_helm(cache, write_helm(states, [stats(1, exact_match=1)]), "b")
    assert done.skipped == {
        "perturbed instances": 1,
        "requests that failed": 1,
        "instances without a question in words": 1,
    }
    assert cache.generations("b", "fake/one")["text"].to_list() == [" 2"]
    [row] = cache.generations("b", "fake/one").rows(named=True)
    assert (row["latency"], row["output_tokens"], row["finish_reason"]) == (1.5, 3, "stop")


def test_draws_of_examples_are_samples(cache, write_helm):
    states = [state(1, ("2", "3")), state(1, ("4", "2"), train_trial_index=1)]
    judged = [stats(1, 0, exact_match=1), stats(1, 1, exact_match=0)]
    import_helm(cache, write_helm(states, judged), "b")
    rows = cache.generations("b", "fake/one").rows(named=True)
    assert [(row["sample"], row["text"]) for row in rows] == [(0, " 2"), (1, " 3"), (2, " 4"), (3, " 2")]
    verdicts = cache.verdicts("b", "fake/one")
    assert dict(verdicts.select("sample", "score").iter_rows()) == {0: 1.0, 2: 0.0}


def test_several_right_references_are_no_gold_answer(cache, write_helm):
    solution = "She adds 1 to 4 on each of 3 days, which makes 5 + 5 + 5. The answer is 1,015.5."
    golds = [("2", "two"), ("3", "3"), (), (solution,)]
    states = [state(n, right=right) for n, right in enumerate(golds)]
    import_helm(cache, write_helm(states, [stats(n, f1_score=0.5) for n in range(4)]), "b")
    assert cache.questions("b")["gold"].to_list() == [None, "3", None, "1015.5"]


def test_metrics(cache, write_helm):
    """What has no metric is unknown; a metric that is not a share, too."""
    states = [state(1), state(2), state(3)]
    judged = [stats(1, exact_match=0, final_number_exact_match=1, logprob=-3), stats(2, rouge=1.5)]
    path = write_helm(states, judged)
    done = import_helm(cache, path, "b")
    assert "sums: metric final_number_exact_match" in done.notes
    assert "2 instances have no metric from 0 to 1: left unknown" in done.notes
    assert cache.verdicts("b", "fake/one")["score"].to_list() == [1.0]
    import_helm(cache, path, "c", metric="exact_match")
    assert cache.verdicts("c", "fake/one")["score"].to_list() == [0.0]
    with pytest.raises(UnknownNameError, match="no metric 'exact'; did you mean 'exact_match'"):
        import_helm(cache, path, "d", metric="exact")
    with pytest.raises(UnknownNameError, match="no task 'sum'; did you mean 'sums'"):
        import_helm(cache, path, "d", tasks=["sum"])


def test_unpicked_options_leave_the_score(cache, write_helm):
    """Of options asked each on its own, without HELM's pick: no text, but a verdict."""
    states = [
        state(1, ("x",), right=("2",), wrong=("3",), reference_index=place, request_mode=mode)
        for place in (0, 1)
        for mode in ("original", "calibration")
    ]
    path = write_helm(states, [stats(1, exact_match=1)], method="multiple_choice_separate_calibrated")
    import_helm(cache, path, "b")
    assert cache.generations("b", "fake/one").is_empty()
    assert cache.verdicts("b", "fake/one")["score"].to_list() == [1.0]


def test_the_last_suite_counts(cache, write_helm):
    write_helm([state(1, ("5",))], [stats(1, exact_match=0)], suite="v9")
    path = write_helm([state(1)], [stats(1, exact_match=1)], suite="v10")
    done = import_helm(cache, path, "b")
    assert "1 equal runs of earlier suites passed over: the last suite counts" in done.notes
    assert cache.generations("b", "fake/one")["text"].to_list() == [" 2"]


def test_tasks_without_a_scenario_are_named_by_the_run(cache, write_helm):
    name = "mmlu:subject=anatomy,method=generation,model=fake_one"
    import_helm(cache, write_helm([state(1)], name=name), "b")
    assert cache.questions("b")["subject"].to_list() == ["mmlu:subject=anatomy"]


def test_damaged_runs(cache, write_helm, tmp_path):
    with pytest.raises(ImportFormatError, match="holds no runs of HELM"):
        import_helm(cache, DATA / "inspect", "b")
    path = write_helm([state(1)])
    [whole] = path.rglob("scenario_state.json")
    content = whole.read_bytes()
    whole.write_bytes(content[: len(content) // 2])
    with pytest.raises(ImportFormatError, match=r"scenario_state\.json is no whole JSON"):
        import_helm(cache, path, "b")
    whole.write_text('{"request_states": [3]}')
    with pytest.raises(ImportFormatError, match="member 0 is no JSON object"):
        import_helm(cache, path, "b")
    (whole.parent / "run_spec.json").unlink()
    with pytest.raises(ImportFormatError, match="doesn't say which LLM it is of"):
        import_helm(cache, path, "b")
    whole.rename(whole.with_name("display_predictions.json"))
    with pytest.raises(ImportFormatError, match=r"has display_predictions\.json but no instances\.json"):
        import_helm(cache, path, "b")
    assert not cache.benchmarks()
