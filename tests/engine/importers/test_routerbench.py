"""RouterBench's wide tables, as its authors print them and as they are exported here."""

import polars as pl
import pytest

from selectllm_engine.errors import ImportFormatError, UnknownNameError
from selectllm_engine.importers.assembly import Options
from selectllm_engine.importers.routerbench import import_routerbench
from selectllm_engine.store import VerdictChoice
from selectllm_engine.store.outcome_arrays import load_outcomes

ROWS = {
    "sample_id": ["mmlu.1", "mmlu.2", "gsm.1"],
    "prompt": ["['Which?\\nA) x\\nB) y']", "['Who?', 'A) x']", '["It\'s 1+1?"]'],
    "eval_name": ["mmlu", "mmlu", "gsm8k"],
    "m/one": [1.0, 0.0, 0.25],
    "two": [0.0, 1.0, 1.0],
    "m/one|model_response": ["['B']", "['A']", "['It is 3']"],
    "two|model_response": ["['A']", "['B\\n']", '["It\'s 2"]'],
    "m/one|total_cost": [0.001, 0.002, 0.003],
    "two|total_cost": [0.1, 0.2, 0.3],
    "oracle_model_to_route_to": ["m/one", "two", "two"],
}


@pytest.fixture
def write_routerbench(tmp_path):
    def write_routerbench(suffix=".csv", **changed):
        path = tmp_path / f"routerbench{suffix}"
        frame = pl.DataFrame({name: column for name, column in {**ROWS, **changed}.items() if column is not None})
        frame.write_csv(path) if suffix == ".csv" else frame.write_parquet(path)
        return path

    return write_routerbench


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_printed_lists_become_texts(cache, write_routerbench, suffix):
    done = import_routerbench(cache, write_routerbench(suffix), "b")
    assert (done.llms, done.rows, done.splits) == (("m/one", "two"), 3, {"test": 3})
    questions = cache.questions("b")
    assert questions["question_id"].to_list() == ROWS["sample_id"]
    assert questions["subject"].to_list() == ["mmlu", "mmlu", "gsm8k"]
    assert questions["text"].to_list() == ["Which?\nA) x\nB) y", "Who?\nA) x", "It's 1+1?"]
    assert cache.generations("b", "two")["text"].to_list() == ["A", "B\n", "It's 2"]
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.answers is None  # RouterBench has no gold answers
    assert outcomes.labels.tolist() == [[True, False], [False, True], [False, True]]
    assert outcomes.cost[2].tolist() == pytest.approx([0.003, 0.3])


def test_texts_that_are_no_lists_stay(cache, write_routerbench):
    texts = ["[1, 2]", "['a', 'b'] is the list", "plain"]
    import_routerbench(cache, write_routerbench(prompt=["[a]?", "b?", "c?"], **{"two|model_response": texts}), "b")
    assert cache.questions("b")["text"].to_list() == ["[a]?", "b?", "c?"]
    assert cache.generations("b", "two")["text"].to_list() == texts


def test_lists_that_were_cut_stay(cache, write_routerbench):
    texts = ["['a']", "['b'", "['c', ..., 'd']"]
    import_routerbench(cache, write_routerbench(**{"two|model_response": texts}), "b")
    assert cache.generations("b", "two")["text"].to_list() == ["a", "['b'", "['c', ..., 'd']"]


def test_the_columns_of_an_export(cache, write_routerbench):
    changed = {
        "sample_id": ["q", "q", "r"],
        "sample": [0, 1, 0],
        "prompt": ["['x']"] * 3,
        "eval_name": ["b", "b", "b"],
        "split": ["train", "train", "test"],
        "gold": ["B", "B", "A"],
        "kind": ["letter"] * 3,
        "choices": ['["x", "y"]'] * 3,
        "m/one|model_response": ["['B']", "(B)", ""],
        "m/one|latency": [0.5, 0.5, 1.5],
        "m/one|answer": ["B", "A", None],
    }
    import_routerbench(cache, write_routerbench(**changed), "b", options=Options(verdicts=VerdictChoice("own")))
    question = cache.questions("b").row(0, named=True)
    assert (question["text"], question["gold"], question["choices"]) == ("['x']", "B", ["x", "y"])
    assert question["subject"] is None  # the benchmark's name is none
    assert cache.generations("b", "m/one")["text"].to_list() == ["['B']", "(B)", ""]
    assert cache.verdicts("b", "m/one")["answer"].to_list() == ["B", "A", None]
    outcomes = load_outcomes(cache, "b", "train")
    assert outcomes.samples == 2
    assert outcomes.latency[0, 0] == 0.5


def test_an_id_that_is_none_leaves_it_to_the_text(cache, write_routerbench):
    done = import_routerbench(cache, write_routerbench(sample_id=["q", "q", "r"]), "b")
    assert cache.questions("b")["question_id"].to_list() == ["q", "q~2", "r"]
    assert any(each.startswith("the id 'q' stands for several questions") for each in done.notes)


def test_scores_and_costs_alone(cache, write_routerbench):
    path = write_routerbench(**{"m/one|model_response": None, "two|model_response": None})
    done = import_routerbench(cache, path, "b", options=Options(split_by=(34, 0, 66), threshold=0.25))
    assert done.splits == {"train": 1, "test": 2}
    assert cache.generations("b", "two").is_empty()
    labels = {split: load_outcomes(cache, "b", split).labels[:, 0] for split in done.splits}
    assert sum(int(each.sum()) for each in labels.values()) == 2  # 1.0 and 0.25


def test_columns_that_are_not_used_are_said(cache, write_routerbench):
    done = import_routerbench(cache, write_routerbench(embedding=[1, 2, 3]), "b")
    assert done.notes[0] == "columns not used: embedding"
    assert done.llms == ("m/one", "two")


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"prompt": None}, UnknownNameError, "no column 'prompt'"),
        ({"two": None}, ImportFormatError, r"no column with the scores of two"),
        ({name: None for name in ROWS if "|" in name}, ImportFormatError, "no columns <llm> with <llm>|model_response"),
        ({"two": ["1", "0", "good"]}, ImportFormatError, "row 3: two 'good' is no number"),
        ({"two": [1.0, 0.0, 7.0]}, ImportFormatError, "the score 7 of two on question 'gsm.1'"),
    ],
)
def test_tables_that_are_something_else(cache, write_routerbench, changed, error, message):
    with pytest.raises(error, match=message.replace("|", r"\|")):
        import_routerbench(cache, write_routerbench(**changed), "b")
    assert cache.benchmarks() == []


@pytest.mark.parametrize("name", ["routerbench_0shot.pkl", "x.PICKLE"])
def test_pickles_are_not_opened(cache, tmp_path, name):
    (tmp_path / name).write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    with pytest.raises(ImportFormatError, match=r"is a pickle, which can run any program .*to_parquet"):
        import_routerbench(cache, tmp_path / name, "b")
