"""OpenCompass's predictions and results: what the tool itself wrote (see data/README.md), and what may be else."""

import json
import shutil

import pytest

from paths import DATA
from selectllm_engine.errors import ImportFormatError, UnknownNameError
from selectllm_engine.importers.opencompass import import_opencompass
from selectllm_engine.store.outcome_arrays import load_outcomes

WORK = DATA / "opencompass"
[RUN] = WORK.glob("2*")


@pytest.fixture
def write_opencompass(tmp_path):
    """Write predictions, and results where given; gives the work dir."""

    def write_opencompass(rows, results=None, *, llm="one", dataset="sums", run="20260102_030405"):
        for kind, content in {"predictions": rows, "results": results}.items():
            if content is not None:
                path = tmp_path / "out" / run / kind / llm / f"{dataset}.json"
                path.parent.mkdir(parents=True, exist_ok=True)
                listed = isinstance(content, list)
                path.write_text(json.dumps({str(n): each for n, each in enumerate(content)} if listed else content))
        return tmp_path / "out"

    return write_opencompass


def prediction(n=1, said="2", gold="2", **changes):
    return {"origin_prompt": f"What is {n}+1?", "prediction": said, "gold": gold, **changes}


def test_generated_answers_as_opencompass_wrote_them(cache):
    """The data set was run twice: its copies are samples."""
    done = import_opencompass(cache, WORK, "b", tasks=["sums"])
    assert (done.llms, done.rows, done.splits) == (("fake-strong", "fake-weak"), 16, {"test": 4})
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.samples == 2
    assert outcomes.questions["text"].to_list() == ["What is 2+3?", "What is 4+4?", "What is 7+8?", "What is 9+6?"]
    assert outcomes.questions["gold"].to_list() == ["5", "8", "15", "15"]
    assert outcomes.labels.tolist() == [[True, True], [True, True], [True, False], [True, False]]
    verdicts = cache.verdicts("b", "fake-weak").sort("question_id", "sample")
    assert verdicts["score"].to_list() == [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert verdicts["answer"].to_list() == ["5", "5", "8", "8", "16", "16", "16", "16"]
    assert import_opencompass(cache, WORK, "b", tasks=["sums"]).unchanged


@pytest.mark.parametrize("dataset", ["words_gen", "words_ppl"])
def test_choices_as_opencompass_wrote_them(cache, dataset):
    """Once generated, without a verdict per question, which is told by answer and reference; once by perplexity."""
    done = import_opencompass(cache, RUN / "predictions", "b", tasks=[dataset])
    assert done.llms == ("fake-strong", "fake-weak")
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.questions["kind"].to_list() == ["letter"] * 4
    assert outcomes.questions["gold"].to_list() == ["A", "B", "C", "D"]
    assert outcomes.labels.tolist() == [[True, False], [True, False], [True, True], [True, False]]
    assert cache.verdicts("b", "fake-weak")["score"].to_list() == [0.0, 0.0, 1.0, 0.0]
    assert cache.verdicts("b", "fake-weak")["answer"].to_list() == ["C"] * 4
    if dataset == "words_ppl":
        assert outcomes.questions["text"].to_list()[0] == "What is a cat?"
        assert outcomes.questions["choices"][0].to_list() == ["animal", "tree", "metal", "flower"]


def test_answers_and_references_must_give_the_accuracy(cache, tmp_path):
    """Else OpenCompass judged by something else than their being equal."""
    shutil.copytree(WORK, tmp_path / "out")
    [path] = (tmp_path / "out").rglob("results/fake-weak/words_gen.json")
    path.write_text(path.read_text().replace('"accuracy": 25.0', '"accuracy": 50.0'))
    import_opencompass(cache, tmp_path / "out", "b", tasks=["words_gen"])
    assert cache.verdicts("b", "fake-weak") is None
    assert cache.verdicts("b", "fake-strong")["score"].to_list() == [1.0] * 4


@pytest.mark.parametrize(
    "details",
    [
        {"0": {"pred": "2", "answer": "2", "correct": True}, "1": {"pred": "9", "answer": "3", "correct": False}},
        [{"pred": "2", "is_correct": True}, {"pred": "9", "is_correct": False}],
        [{"pred": ["2"], "correct": [True]}, {"pred": ["9"], "correct": [False]}],
        {"type": "GEN", "0": {"predictions": "2", "correct": True}, "1": {"predictions": "9", "correct": False}},
    ],
)
def test_details_of_several_evaluators(cache, write_opencompass, details):
    import_opencompass(cache, write_opencompass([prediction(), prediction(2, "9", "3")], {"details": details}), "b")
    verdicts = cache.verdicts("b", "one")
    assert verdicts.select("score", "answer").rows() == [(1.0, "2"), (0.0, "9")]


def test_without_details_there_are_no_verdicts(cache, write_opencompass):
    done = import_opencompass(cache, write_opencompass([prediction()], {"accuracy": 100.0}), "b")
    assert "sums: no verdict per question (opencompass --dump-eval-details writes them)" in done.notes
    assert cache.verdicts("b", "one") is None


def test_details_of_other_predictions_are_no_verdicts(cache, write_opencompass):
    details = [{"correct": True}] * 3
    done = import_opencompass(cache, write_opencompass([prediction()], {"details": details}), "b")
    assert "one, sums: 3 verdicts on 1 predictions: left unknown" in done.notes
    assert cache.verdicts("b", "one") is None


def test_parts_samples_lengths_and_conversations(cache, write_opencompass):
    """Predictions in parts are one data set; a list of predictions are samples."""
    asked = [{"role": "SYSTEM", "prompt": "Add."}, {"role": "HUMAN", "prompt": "What is 2+1?"}]
    write_opencompass([prediction(said=["2", "3"], res_length=[4, 5], all_input_length=9)], dataset="sums_0")
    path = write_opencompass(
        [prediction(2, ["3", "3"], "3", origin_prompt=asked)], {"details": [{"correct": True}] * 2}
    )
    whole = path / "20260102_030405" / "predictions" / "one" / "sums.json"
    whole.rename(whole.with_name("sums_1.json"))
    import_opencompass(cache, path, "b")
    assert cache.questions("b")["text"].to_list() == ["What is 1+1?", "What is 2+1?"]
    assert cache.questions("b")["subject"].to_list() == ["sums", "sums"]
    rows = cache.generations("b", "one").rows(named=True)
    assert [each["text"] for each in rows] == ["2", "3", "3", "3"]
    assert [(each["prompt_tokens"], each["output_tokens"]) for each in rows[:2]] == [(9, 4), (9, 5)]


def test_each_llm_is_asked_in_its_own_dress(cache, write_opencompass):
    write_opencompass([prediction()])
    path = write_opencompass([prediction(origin_prompt="<|user|>What is 1+1?<|end|>")], llm="two")
    import_opencompass(cache, path, "b")
    assert cache.questions("b")["text"].to_list() == ["What is 1+1?"]


def test_the_newest_run_counts(cache, write_opencompass):
    write_opencompass([prediction(said="5")], run="20250101_000000")
    done = import_opencompass(cache, write_opencompass([prediction()]), "b")
    assert "1 older predictions of the same LLM and dataset passed over: the newest run counts" in done.notes
    assert cache.generations("b", "one")["text"].to_list() == ["2"]


def test_several_right_answers_are_no_gold_answer(cache, write_opencompass):
    rows = [prediction(gold=["2"]), prediction(2, gold=["3", "three"]), prediction(3, gold=4), prediction(4, None)]
    done = import_opencompass(cache, write_opencompass(rows), "b")
    assert cache.questions("b")["gold"].to_list() == ["2", None, "4"]
    assert done.skipped == {"predictions without a text": 1}


def test_wrong_names_and_files(cache, write_opencompass):
    path = write_opencompass([prediction()])
    with pytest.raises(UnknownNameError, match="no task 'sum'; did you mean 'sums'"):
        import_opencompass(cache, path, "b", tasks=["sum"])
    with pytest.raises(ImportFormatError, match="holds no predictions of OpenCompass"):
        import_opencompass(cache, DATA / "inspect", "b")
    shutil.copytree(RUN / "results", path.parent / "only" / "results")
    with pytest.raises(ImportFormatError, match="holds results without predictions of OpenCompass"):
        import_opencompass(cache, path.parent / "only", "b")
    [file] = path.rglob("sums.json")
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(ImportFormatError, match=r"sums\.json is no whole JSON"):
        import_opencompass(cache, path, "b")
    for content in ('{"0": {"a": 1}}', "[3]"):
        file.write_text(content)
        with pytest.raises(ImportFormatError, match="entry 0 is no prediction of OpenCompass"):
            import_opencompass(cache, path, "b")
    file.write_text("3")
    with pytest.raises(ImportFormatError, match="holds no predictions of OpenCompass"):
        import_opencompass(cache, path, "b")
    assert not cache.benchmarks()
