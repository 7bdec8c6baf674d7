"""lighteval's details: what the tool itself wrote (see data/README.md), its older layout, and what may be wrong."""

import json

import polars as pl
import pytest

from paths import DATA
from selectllm_engine.errors import ImportFormatError, UnknownNameError
from selectllm_engine.importers.lighteval import import_lighteval
from selectllm_engine.importers.records import Options
from selectllm_engine.store import VerdictChoice
from selectllm_engine.store.outcome_arrays import load_outcomes

LOGS = DATA / "lighteval"
TIME = "2026-01-02T03-04-05.000000"


def row(query="What is 1+1?", texts=("2",), choices=(" 2",), place=(0,), metric=None, likelihoods=()):
    """A row with what is read of all that lighteval 0.13 writes."""
    return {
        "doc": {"query": query, "choices": list(choices), "gold_index": list(place), "id": "0"},
        "metric": {"em": 1.0} if metric is None else metric,
        "model_response": {
            "text": list(texts),
            "logprobs": list(likelihoods),
            "input_tokens": [1, 2, 3],
            "output_tokens": [[1, 2]] * len(texts),
        },
    }


@pytest.fixture
def write_lighteval(tmp_path):
    """Write a file of details; gives the output folder."""

    def write_lighteval(rows, llm="org/one", task="sums|0", time=TIME, parameters=None):
        folder = tmp_path / "out" / "details" / llm / time
        folder.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(rows).write_parquet(folder / f"details_{task}_{time}.parquet")
        if parameters is not None:
            results = tmp_path / "out" / "results" / llm / f"results_{time}.json"
            results.parent.mkdir(parents=True, exist_ok=True)
            configuration = {"model_name": llm, "generation_parameters": parameters}
            results.write_text(json.dumps({"config_general": {"model_config": configuration}}))
        return tmp_path / "out"

    return write_lighteval


def test_texts_as_lighteval_wrote_them(cache):
    done = import_lighteval(cache, LOGS, "b", tasks=["sums"])
    assert (done.llms, done.rows, done.splits) == (("fake/strong", "fake/weak"), 8, {"test": 4})
    assert "sums: metric extractive_match" in done.notes
    outcomes = load_outcomes(cache, "b", "test")
    asked = dict(outcomes.questions.select("text", "gold").iter_rows())
    assert asked == {"What is 2+3?": "5", "What is 4+4?": "8", "What is 7+8?": "15", "What is 9+6?": "15"}
    assert outcomes.labels.all(axis=0).tolist() == [True, False]
    small = [gold != "15" for gold in outcomes.questions["gold"]]
    assert outcomes.labels[:, 1].tolist() == small
    assert cache.verdicts("b", "fake/weak")["score"].to_list() == [float(each) for each in small]
    for row in cache.generations("b", "fake/weak").rows(named=True):
        assert row["text"].startswith("Let me add. The answer is ")
        assert (row["prompt_tokens"], row["output_tokens"]) == (3, 7)
    assert import_lighteval(cache, LOGS, "b", tasks=["sums"]).unchanged


def test_several_samples_as_lighteval_wrote_them(cache):
    import_lighteval(cache, LOGS, "b", tasks=["sums_twice"])
    assert load_outcomes(cache, "b", "test").samples == 0  # a mean of both is no vote: where they differ it decides
    own = Options(verdicts=VerdictChoice.parse(["own"]))
    import_lighteval(cache, LOGS, "b", tasks=["sums_twice"], options=own)
    assert load_outcomes(cache, "b", "test").samples == 2
    assert sorted(cache.verdicts("b", "fake/weak")["score"]) == [0.5, 0.5, 1.0, 1.0]  # the mean, with the first
    assert cache.generations("b", "fake/weak")["sample"].to_list() == [0, 1] * 4


@pytest.mark.parametrize(("task", "choices"), [("words", ["animal", "tree", "metal", "flower"]), ("letters", None)])
def test_choices_as_lighteval_wrote_them(cache, task, choices):
    """Once compared by log-likelihood, once asked for a letter of which the texts are in the question."""
    import_lighteval(cache, LOGS, "b", tasks=[task])
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.questions["kind"].to_list() == ["letter"] * 4
    golds = outcomes.questions["gold"].to_list()
    assert sorted(golds) == ["A", "B", "C", "D"]
    assert outcomes.labels.tolist() == [[True, gold == "C"] for gold in golds]
    assert cache.verdicts("b", "fake/weak")["score"].to_list() == [float(gold == "C") for gold in golds]
    first = outcomes.questions["choices"][0]
    assert (None if first is None else first.to_list()) == choices
    assert cache.generations("b", "fake/weak")["text"].to_list() == ["(C)" if choices else "C"] * 4


def test_per_character_where_that_is_the_verdict(cache, write_lighteval):
    several = row("Which?", (), (" ab", " abcdef"), (1,), {"acc": 0.0, "acc_norm": 1.0}, (-2.0, -3.0))
    path = write_lighteval([several])
    import_lighteval(cache, path, "b")
    assert cache.generations("b", "org/one")["text"].to_list() == ["(A)"]
    import_lighteval(cache, path, "c", metric="acc_norm")
    assert cache.generations("c", "org/one")["text"].to_list() == ["(B)"]


def test_settings_make_llms(cache, write_lighteval):
    """Other shots or another temperature; an equal run again is passed over."""
    write_lighteval([row(texts=("3",), metric={"em": 0.0})], parameters={"temperature": 0.0, "seed": None})
    write_lighteval([row()], time="2026-01-03T03-04-05.000000", parameters={"temperature": 0.0})
    write_lighteval([row()], time="2026-01-04T03-04-05.000000", parameters={"temperature": 0.7})
    path = write_lighteval([row()], llm="org/two", task="sums|5", time="2026-01-04T03-04-05.000000")
    write_lighteval([row()], llm="org/two", task="sums|0", time="2026-01-04T03-04-05.000000")
    done = import_lighteval(cache, path, "b")
    names = {"org/one [temperature=0.0]", "org/one [temperature=0.7]", "org/two [shots=0]", "org/two [shots=5]"}
    assert set(done.llms) == names
    assert "1 older files of the same LLM and task passed over: the newest counts" in done.notes
    assert load_outcomes(cache, "b", "test").labels.tolist() == [[True] * 4]


@pytest.mark.parametrize("printed", [False, True])
def test_files_of_before_0_10(cache, tmp_path, printed):
    """Flat columns; where lighteval couldn't nest them, lists are printed as text. The folder is a hub's."""
    folder = tmp_path / "details_org__one_private" / TIME
    folder.mkdir(parents=True)
    texts = {
        "example": "What is 1+1?",
        "full_prompt": "Q: …",
        "predictions": [["2", "3"]],
        "gold": ["2"],
        "choices": [],
        "gold_index": [],
        "metrics": {"qem": 1},
        "input_tokens": [[1, 2, 3]],
        "cont_tokens": [[1], [1, 2]],
    }
    compared = {
        **texts,
        "predictions": [[-3.5, 0.0], [-1.5, 1.0]],
        "choices": [" a", " b"],
        "gold_index": [1],
        "gold": [],
    }
    for task, found in {"lighteval|sums|0|0": texts, "leaderboard|words:x|5|0": compared}.items():
        row = {name: str(value) for name, value in found.items()} if printed else found
        pl.DataFrame([row], strict=False).write_parquet(folder / f"details_{task}_{TIME}.parquet")
    done = import_lighteval(cache, tmp_path, "b")
    assert done.llms == ("org/one",)
    questions = cache.questions("b").sort("subject")
    assert questions.select("subject", "gold", "kind").rows() == [
        ("leaderboard|words:x", "B", "letter"),
        ("lighteval|sums", "2", "number"),
    ]
    by_subject = dict(questions.select("subject", "question_id").iter_rows())
    rows = cache.generations("b", "org/one").rows(named=True)
    sums = [each for each in rows if each["question_id"] == by_subject["lighteval|sums"]]
    assert [each["text"] for each in sums] == ["2", "3"]
    assert [each["text"] for each in rows if each not in sums] == ["(B)"]
    assert cache.verdicts("b", "org/one")["score"].to_list() == [1.0, 1.0]
    if not printed:
        assert [(each["prompt_tokens"], each["output_tokens"]) for each in sums] == [(3, 1), (3, 2)]


def test_what_is_unknown_and_what_is_no_gold_answer(cache, write_lighteval):
    rows = [
        row("a?", metric={"em": None}),
        row("b?", choices=(" 2", " two"), place=(0, 1)),
        row("c?", ("4", "5"), metric={"em": float("nan")}),
        row(" "),
        row("a?", metric={"em": 0.0}),  # a document may be there twice
    ]
    done = import_lighteval(cache, write_lighteval(rows), "b")
    assert done.splits == {"test": 4}
    assert done.skipped == {"documents without a question in words": 1}
    assert "2 documents have no metric from 0 to 1: left unknown" in done.notes
    assert cache.verdicts("b", "org/one")["score"].to_list() == [1.0, 0.0]
    assert cache.questions("b")["gold"].to_list() == ["2", None, "2", "2"]


def test_wrong_names_and_files(cache, write_lighteval, tmp_path):
    path = write_lighteval([row()])
    with pytest.raises(UnknownNameError, match="no metric 'acc'; choose from em"):
        import_lighteval(cache, path, "b", metric="acc")
    with pytest.raises(UnknownNameError, match="no task 'sum'; did you mean 'sums'"):
        import_lighteval(cache, path, "b", tasks=["sum"])
    with pytest.raises(ImportFormatError, match=r"holds no details of lighteval; run lighteval with --save-details"):
        import_lighteval(cache, DATA / "inspect", "b")
    with pytest.raises(ImportFormatError, match="holds lighteval's averages only"):
        import_lighteval(cache, LOGS / "results", "b")
    [file] = path.rglob("*.parquet")
    content = file.read_bytes()
    file.write_bytes(content[:-20])
    with pytest.raises(ImportFormatError, match="is no whole Parquet file"):
        import_lighteval(cache, path, "b")
    pl.DataFrame({"x": [1]}).write_parquet(file)
    with pytest.raises(ImportFormatError, match="holds no details of lighteval"):
        import_lighteval(cache, path, "b")
    csv = tmp_path / "other.csv"
    csv.write_text("a,b\n1,2\n")
    with pytest.raises(ImportFormatError, match="holds no details of lighteval"):
        import_lighteval(cache, csv, "b")
    assert not cache.benchmarks()
