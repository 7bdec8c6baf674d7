"""`selectllm import lm-eval` and `inspect`, on logs that the tools wrote."""

import pytest

from paths import DATA

[FAULTY] = (DATA / "inspect").glob("*_faulty_*.json")
LM_EVAL, INSPECT = ("lm-eval", str(DATA / "lm-eval")), ("inspect", str(FAULTY))


def test_lm_eval(selectllm, tmp_path):
    command = ["import", *LM_EVAL, "--task", "local_sums", "--split-by", "50/0/50", "--benchmark", "mine"]
    command += ["--verdicts", "own"]
    code, out, err = selectllm(*command, cache=tmp_path / "cache")
    assert (code, out) == (0, "")
    lines = err.splitlines()
    assert lines[0] == (
        "mine imported: 24 rows (3 train, 3 test) of 2 LLMs: llms/qwen2.5-coder-0.5b-it, llms/smollm2-135m-it"
    )
    assert lines[1:3] == [
        "12 rows skipped: further filters of the same texts",
        "note: local_sums: filter maj@3, metric exact_match (others: first)",
    ]
    code, out, _ = selectllm("evaluate", "--benchmark", "mine", cache=tmp_path / "cache")
    assert code == 0
    assert "maj@3" in out
    assert "mine was already there: 24 rows" in selectllm(*command, cache=tmp_path / "cache")[2]


def test_inspect(selectllm, tmp_path):
    code, out, err = selectllm("import", *INSPECT, "--benchmark", "mine", cache=tmp_path / "cache")
    assert (code, out) == (0, "")
    assert err.splitlines()[:3] == [
        "mine imported: 3 rows (2 test) of 1 LLMs: smollm2-135m-it",
        "1 rows skipped: samples that ended with an error",
        "note: faulty: scorer match",
    ]


@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        ((*LM_EVAL, "--task", "local_sum"), 2, "no task 'local_sum'; did you mean 'local_sums'?"),
        ((*LM_EVAL, "--filter", "maj@8", "--task", "local_sums"), 2, "no filter 'maj@8'; did you mean 'maj@3'?"),
        ((*LM_EVAL, "--metric", "accuracy"), 2, "no metric 'accuracy'; choose from acc, acc_norm, exact_match"),
        ((*LM_EVAL, "--llm", "one"), 2, "--llm one names one LLM, there are 2"),
        ((*LM_EVAL, "--latency", "x=1"), 2, "no LLM 'x'"),
        (("lm-eval", str(DATA / "inspect")), 1, "holds no samples of lm-eval; run lm-eval with --log_samples"),
        (("inspect", str(DATA / "lm-eval")), 1, "holds no log of Inspect"),
        ((*INSPECT, "--scorer", "mach"), 2, "no scorer 'mach'; did you mean 'match'?"),
        ((*INSPECT, "--task", "x"), 2, "no task 'x'; choose from faulty"),
        ((*INSPECT, "--split-by", "50"), 2, "--split-by 50 is no split"),
    ],
)
def test_wrong_options(selectllm, tmp_path, command, code, message):
    found = selectllm("import", *command, "--benchmark", "mine", cache=tmp_path / "cache")
    assert found[:2] == (code, "")
    assert message in found[2]
    assert len(found[2].splitlines()) == 1
    assert not (tmp_path / "cache" / "mine").exists()
