"""Two configurations of one LLM are two LLMs: names that tell, in Inspect's and lm-eval's logs."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.errors import ImportFormatError
from selectllm_engine.importers.configurations import bracketed_names, flattened, joined_names, settings_of_text
from selectllm_engine.importers.inspect import import_inspect
from selectllm_engine.importers.lm_eval import import_lm_eval
from selectllm_engine.store import load_outcomes


def test_settings_are_flat_and_leave_out_what_changes_no_answer():
    assert settings_of_text("a=1, b=x y,c") == {"a": "1", "b": "x y"}
    nested = {"effort": "low", "batch_size": 4, "roles": {"judge": {"model": "m"}}, "none": None, "empty": {}, "t": 0.5}
    assert flattened(nested) == {"effort": "low", "roles.judge.model": "m", "t": "0.5"}


def test_names_tell_what_differs_and_nothing_else():
    runs = [
        ("m", "sums", {"effort": "low", "seed": "1"}),
        ("m", "sums", {"effort": "high", "seed": "1"}),
        ("m", "words", {"effort": "high", "seed": "1"}),
        ("n", "sums", {"effort": "low"}),
        ("m", "sums", None),
    ]
    assert joined_names(runs) == ["m+effort=low", "m+effort=high", "m+effort=high", "n", "m"]
    long = [("m", "s", {"prompt": "Think, step by step + more. " * 9}), ("m", "s", {"prompt": "a, b+c"})]
    first, second = joined_names(long)
    assert len(first) < 20
    assert second == "m+prompt=a_b_c"
    assert joined_names([("m", "s", {"a": "1"}), ("m", "s", {})]) == ["m+a=1", "m"]


# Inspect


def log(path, *, said, more=None, plan=None, created="2026-01-01", task_args=None, questions=(1, 2)):
    samples = [
        {
            "id": n,
            "epoch": 1,
            "input": f"What is {n}?",
            "target": str(n),
            "output": {"choices": [{"message": {"content": str(n if right else 0)}, "stop_reason": "stop"}]},
            "scores": {"match": {"value": "C" if right else "I"}},
        }
        for n, right in zip(questions, said, strict=True)
    ]
    evaluation = {"model": "fake/one", "task": "sums", "created": created, "task_args": task_args or {}, **(more or {})}
    whole = {"status": "success", "eval": evaluation, "plan": plan or {}, "samples": samples}
    path.write_text(json.dumps(whole), "utf-8")


DIFFERENCES = {
    "effort": [{"more": {"model_generate_config": {"reasoning_effort": each}}} for each in ("low", "high")],
    "adapter": [{"more": {"model_args": {"lora": each} if each else {}}} for each in ("x", None)],
    "roles": [{"more": {"model_roles": {"planner": {"model": each}}}} for each in ("a", "b")],
    "prompt": [{"plan": {"steps": [{"solver": "system_message", "params": {"t": each}}]}} for each in "ab"],
    "shots": [{"task_args": {"fewshot": each}} for each in (0, 5)],
    "config": [{"plan": {"config": {"temperature": each}}} for each in (0.0, 1.0)],
}


@pytest.mark.parametrize("different", DIFFERENCES.values(), ids=DIFFERENCES)
def test_other_settings_make_another_llm(cache, tmp_path, different):
    (tmp_path / "logs").mkdir()
    for number, each in enumerate(different):
        log(tmp_path / "logs" / f"{number}.json", said=(True, number == 0), created=f"2026-01-0{number + 1}", **each)
    done = import_inspect(cache, tmp_path / "logs", "b")
    assert len(done.llms) == 2
    assert all(name.startswith("fake/one") for name in done.llms)
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.labels.mean(axis=0).tolist() == [1.0, 0.5]


def test_the_same_settings_are_a_re_run_and_other_questions_a_part(cache, tmp_path):
    (tmp_path / "logs").mkdir()
    log(tmp_path / "logs" / "0.json", said=(False, False), created="2026-01-01")
    log(tmp_path / "logs" / "1.json", said=(True, True), created="2026-01-02", more={"model_args": {"device": "cpu"}})
    log(tmp_path / "logs" / "2.json", said=(True, True), task_args={"subset": "b"}, questions=(3, 4))
    done = import_inspect(cache, tmp_path / "logs", "b")
    assert done.llms == ("fake/one",)
    assert done.splits == {"test": 4}
    assert load_outcomes(cache, "b", "test").labels.all()


def test_graded_references_are_no_literal_answers(cache, tmp_path):
    path = tmp_path / "log.json"
    log(path, said=(True, False))
    whole = json.loads(path.read_text("utf-8"))
    for sample, value in zip(whole["samples"], ("C", None), strict=True):
        sample["scores"] = {"model_graded_qa": {"value": value}}
    path.write_text(json.dumps(whole), "utf-8")
    done = import_inspect(cache, path, "b")
    assert cache.questions("b")["gold"].null_count() == 2
    assert "sums: graded by model_graded_qa, so that the references are no literal answers" in done.notes
    outcomes = load_outcomes(cache, "b", "test")
    assert (outcomes.labels.tolist(), outcomes.left_out_total) == ([[True]], 1)


# lm-eval


def row(n, said, *, metric=1.0, prompt="Q: ", **more):
    return {
        "doc_id": n,
        "doc": {"question": f"What is {n}?"},
        "target": str(n),
        "arguments": {"gen_args_0": {"arg_0": f"{prompt}What is {n}?", "arg_1": {"until": ["."], **more}}},
        "resps": [[said]],
        "filtered_resps": [said],
        "filter": "none",
        "metrics": ["exact_match"],
        "exact_match": metric,
        "doc_hash": f"{n:064d}",
    }


def lines(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), "utf-8")


TIMES = ("2026-01-01T00-00-00.1", "2026-01-02T00-00-00.1")


@pytest.mark.parametrize(
    ("averages", "names"),
    [
        (
            [{"config": {"model_args": "pretrained=m,peft=x"}}, {"config": {"model_args": "pretrained=m"}}],
            ["+peft=x", ""],
        ),
        ([{"n-shot": {"sums": 0}}, {"n-shot": {"sums": 5}}], ["+shots=0", "+shots=5"]),
        ([{"config": {"gen_kwargs": "temperature=0"}}, {"config": {"gen_kwargs": {"temperature": 1}}}], None),
        ([{"system_instruction": "Be brief."}, {"config": {}}], ["+system=Be_brief.", ""]),
        ([{"config": {"model_args": "dtype=a,batch_size=1"}}, {"config": {"model_args": {"dtype": "a"}}}], [""]),
    ],
)
def test_runs_of_lm_eval_with_other_settings(cache, tmp_path, averages, names):
    folder = tmp_path / "logs" / "org__m"
    for time, each in zip(TIMES, averages, strict=True):
        lines(folder / f"samples_sums_{time}.jsonl", [row(n, str(n)) for n in (1, 2)])
        (folder / f"results_{time}.json").write_text(json.dumps(each), "utf-8")
    done = import_lm_eval(cache, tmp_path / "logs", "b")
    assert len(done.llms) == (2 if names is None else len(names))
    if names is not None:
        assert done.llms == tuple(f"org/m{each}" for each in names)


def test_without_averages_prompts_and_generation_tell(cache, tmp_path):
    folder = tmp_path / "logs" / "m"
    lines(folder / f"samples_sums_{TIMES[0]}.jsonl", [row(1, "1")])
    lines(folder / f"samples_sums_{TIMES[1]}.jsonl", [row(1, "1", prompt="Q: 2? A: 2. Q: ", temperature=0.7)])
    done = import_lm_eval(cache, tmp_path / "logs", "b")
    assert len(done.llms) == 2
    assert all("+prompt=" in name for name in done.llms)
    assert "temperature=0.7" in done.llms[1].split("+")


OLD = "pretrained=org__m,dtype=float_sums.jsonl"


@pytest.mark.parametrize(
    ("name", "averages", "llm", "task"),
    [
        ("pretrained=org__base-7b_gsm8k.jsonl", None, "org/base-7b", "gsm8k"),
        ("pretrained=org__m,dtype=float_arc_easy.json", None, "org/m", "float_arc_easy"),
        ("pretrained=org__my_m_arc_easy.jsonl", {"results": {"easy": {}, "arc_easy": {}}}, "org/my_m", "arc_easy"),
        ("pretrained=__data__m_sums.jsonl.gz", None, "/data/m", "sums"),
        ("model=gpt-x_sums.jsonl", None, "gpt-x", "sums"),
    ],
)
@pytest.mark.parametrize("pretty", [True, False])
def test_older_names_and_one_array(cache, tmp_path, name, averages, llm, task, pretty):
    folder = tmp_path / "logs"
    folder.mkdir()
    rows = [row(n, str(n)) for n in (1, 2)]
    text = json.dumps(rows, indent=2) if pretty else "".join(json.dumps(each) + "\n" for each in rows)
    data = text.encode()
    (folder / name).write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    if averages:
        (folder / "results.json").write_text(json.dumps(averages), "utf-8")
    done = import_lm_eval(cache, folder, "b")
    assert done.llms == (llm,)
    if task != "float_arc_easy":
        assert cache.questions("b")["subject"].unique().to_list() == [task]
    assert load_outcomes(cache, "b", "test").labels.all()


@pytest.mark.parametrize("suffix", [".json", ".jsonl.gz", ".json.gz"])
def test_samples_in_other_files(cache, tmp_path, suffix):
    path = tmp_path / "logs" / "org__m" / f"samples_sums_{TIMES[0]}{suffix}"
    path.parent.mkdir(parents=True)
    data = "".join(json.dumps(row(n, str(n))) + "\n" for n in (1, 2)).encode()
    path.write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    assert import_lm_eval(cache, tmp_path / "logs", "b").llms == ("org/m",)
    path.write_bytes(gzip.compress(data)[:-9] if suffix.endswith("gz") else data[:-9])
    with pytest.raises(ImportFormatError, match=r"cannot read|no JSON"):
        import_lm_eval(cache, tmp_path / "logs", "c")


def test_other_encodings_are_said_as_such(cache, tmp_path):
    path = tmp_path / "m" / "samples_sums.jsonl"
    path.parent.mkdir()
    path.write_bytes(json.dumps(row(1, "一个"), ensure_ascii=False).encode("gbk"))
    with pytest.raises(ImportFormatError, match="line 1 is no UTF-8 text"):
        import_lm_eval(cache, tmp_path / "m", "b")


def test_a_metric_that_is_missing_is_unknown_whatever_others_say(cache, tmp_path):
    rows = [row(n, "It depends", metric=metric) for n, metric in ((1, 1.0), (2, float("nan")), (3, None), (4, 0.0))]
    for each in rows:
        each["metrics"], each["acc"] = ["acc", "exact_match"], 1.0
        each["target"] = "some words that nobody will say"
    lines(tmp_path / "m" / "samples_sums.jsonl", rows)
    done = import_lm_eval(cache, tmp_path / "m", "b")
    assert any(each.startswith("2 documents have no metric from 0 to 1") for each in done.notes)
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.labels[:, 0].tolist() == [True, False]
    assert outcomes.left_out_total == 2


@pytest.mark.parametrize("target", [None, ""])
def test_a_target_that_is_none_is_no_gold_answer(cache, tmp_path, target):
    rows = [{**row(n, "Paris"), "target": target, "metrics": ["bypass"], "bypass": 999} for n in (1, 2)]
    lines(tmp_path / "m" / "samples_towns.jsonl", rows)
    with pytest.raises(ImportFormatError, match="no question has a gold answer"):
        import_lm_eval(cache, tmp_path / "m", "b")


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([("m", "t", {"shots": 0}), ("n", "t", {"shots": 5})], ["m", "n"]),
        ([("m", "t", {"shots": 0}), ("m", "t", {"shots": 5})], ["m [shots=0]", "m [shots=5]"]),
        ([("m", "t", {"shots": 0}), ("m", "u", {"shots": 5})], ["m", "m"]),  # of another task: one LLM
        ([("m", "t", {"shots": 0}), ("m", "t", {"shots": 0})], ["m", "m"]),  # a run again
        # the first setting that tells all apart is enough
        ([("m", "t", {"a": 1, "b": 1, "c": 1}), ("m", "t", {"a": 1, "b": 2, "c": 2})], ["m [b=1]", "m [b=2]"]),
        (
            [("m", "t", {"a": 1, "b": 1}), ("m", "t", {"a": 1, "b": 2}), ("m", "t", {"a": 2, "b": 2})],
            ["m [a=1, b=1]", "m [a=1, b=2]", "m [a=2, b=2]"],
        ),
        ([("m", "t", {}), ("m", "t", {"effort": "high"})], ["m", "m [effort=high]"]),
    ],
)
def test_names_in_brackets_tell_what_differs(runs, expected):
    assert list(bracketed_names(dict(enumerate(runs))).values()) == expected


SETTINGS = st.dictionaries(st.sampled_from("abc"), st.sampled_from([0, 1, "x" * 50 + "1", "x" * 50 + "2"]))


@given(st.lists(st.tuples(st.sampled_from("mn"), st.sampled_from("tu"), SETTINGS)))
def test_runs_of_a_task_share_a_name_only_if_they_are_equal(runs):
    names = bracketed_names(dict(enumerate(runs)))
    for one, (llm, task, settings) in enumerate(runs):
        assert names[one].startswith(llm)
        assert len(names[one]) < 200
        for other, (llm_, task_, settings_) in enumerate(runs):
            if (llm, task) == (llm_, task_):
                assert (names[one] == names[other]) == (settings == settings_)
