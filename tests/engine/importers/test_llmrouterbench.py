"""LLMRouterBench's result folders: which file counts, and what its records become."""

import json

import pytest

from selectllm_engine.errors import ImportFormatError
from selectllm_engine.importers.assembly import Options
from selectllm_engine.importers.llmrouterbench import import_llmrouterbench
from selectllm_engine.store.outcome_arrays import load_outcomes


@pytest.fixture
def write_llmrouterbench(tmp_path):
    """Write one run of a model as the collector does; gives the folder results/bench."""

    def write_llmrouterbench(dataset, split, model, rows, *, time="20250901_120000", demo=False, name=None):
        records = [
            {
                "index": index,
                "origin_query": f"{dataset}: what is {number}?",
                "prompt": f"Solve step by step. {dataset}: what is {number}?",
                "prompt_tokens": 12,
                "completion_tokens": 34,
                "cost": 0.001,
                "score": score,
                "prediction": said,
                "ground_truth": number,
                "raw_output": f"The answer is {said}.",
                "extra_fields": {},
            }
            for index, (number, said, score) in enumerate(rows, start=1)
        ]
        content = {"performance": 0.5, "model_name": model, "dataset_name": dataset, "split": split, "demo": demo}
        folder = tmp_path / "results" / "bench" / dataset / split / model
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / (name or f"{dataset}-{split}-{model}-{time}.json")
        path.write_text(json.dumps({**content, "counts": len(records), "records": records}), encoding="utf-8")
        return tmp_path / "results" / "bench"

    return write_llmrouterbench


RIGHT = [("1", "1", 1.0), ("2", "2", 1.0)]
WRONG = [("1", "1", 1.0), ("2", "5", 0.0)]


def test_models_join_on_the_question(cache, write_llmrouterbench):
    write_llmrouterbench("aime", "test", "m", RIGHT)
    write_llmrouterbench("aime", "test", "n", WRONG[::-1])
    folder = write_llmrouterbench("gpqa", "train", "m", RIGHT[:1])
    done = import_llmrouterbench(cache, folder, "b")
    assert (done.llms, done.rows, done.splits) == (("m", "n"), 5, {"train": 1, "test": 2})
    assert "n lacks 1 of 3 questions" in done.notes
    assert cache.questions("b")["subject"].to_list() == ["aime", "aime", "gpqa"]
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.questions["text"].to_list() == ["aime: what is 1?", "aime: what is 2?"]
    assert outcomes.labels.tolist() == [[True, True], [True, False]]
    assert outcomes.cost[0].tolist() == pytest.approx([0.001, 0.001])
    rows = cache.answers("b", "m")
    assert (rows["prompt_tokens"][0], rows["output_tokens"][0]) == (12, 34)
    assert cache.verdicts("b", "n")["answer"].to_list() == ["5", "1"]


def test_the_newest_file_that_is_no_demo_counts(cache, write_llmrouterbench):
    write_llmrouterbench("aime", "test", "m", WRONG, time="20250101_000000")
    write_llmrouterbench("aime", "test", "m", RIGHT, time="20250801_000000")
    write_llmrouterbench("aime", "test", "m", WRONG, name="result.json")  # of the time before times were in names
    folder = write_llmrouterbench("aime", "test", "m", WRONG[:1], time="20251231_000000", demo=True)
    done = import_llmrouterbench(cache, folder, "b")
    assert (done.rows, done.skipped) == (3, {"demo": 1})
    assert cache.verdicts("b", "m")["score"].to_list() == [1.0, 1.0]


def test_demos_alone_are_nothing(cache, write_llmrouterbench):
    with pytest.raises(ImportFormatError, match="nothing to import; 2 rows skipped: demo"):
        import_llmrouterbench(cache, write_llmrouterbench("aime", "test", "m", RIGHT, demo=True), "b")
    assert cache.benchmarks() == []


def test_splits_of_their_own_are_none_and_tests_are_divided(cache, write_llmrouterbench):
    folder = write_llmrouterbench("aime", "hybrid", "m", [(str(n), str(n), 1.0) for n in range(10)])
    done = import_llmrouterbench(cache, folder.parent, "b", options=Options(split_by=(50, 10, 40)))
    assert done.splits == {"train": 5, "validation": 1, "test": 4}
    assert done.notes == ("splits that are none of train, validation, test: hybrid; taken as none",)


def test_one_dataset_or_one_file(cache, write_llmrouterbench):
    folder = write_llmrouterbench("aime", "test", "m", RIGHT)
    import_llmrouterbench(cache, folder / "aime", "b")
    (file,) = folder.rglob("*.json")
    import_llmrouterbench(cache, file, "c")
    assert cache.questions("b").equals(cache.questions("c"))
    assert import_llmrouterbench(cache, folder, "b").unchanged


def test_records_without_something(cache, write_llmrouterbench):
    path = next(write_llmrouterbench("aime", "test", "m", RIGHT).rglob("*.json"))
    content = json.loads(path.read_text())
    one, two = content["records"]
    lacking = [{**one, "origin_query": None, "prompt": None}, {**one, "raw_output": None, "score": None}]
    odd = [{**two, "raw_output": ["The answer is 2."], "ground_truth": [2], "score": True, "completion_tokens": -1}]
    path.write_text(json.dumps({"records": [*lacking, *odd]}))
    done = import_llmrouterbench(cache, path, "b")  # dataset, split and model are those of the folders
    assert (done.llms, done.skipped) == (("m",), {"no question": 1, "neither score nor text": 1})
    assert cache.questions("b")["gold"].to_list() == ["2"]
    assert cache.generations("b", "m").select("text", "output_tokens").rows() == [("The answer is 2.", None)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is no JSON"),
        (b'{"records": [{"ori', "is no JSON .*cut off"),
        (b"\xff\xfe", "no UTF-8"),
        (b"[]", "holds no records"),
        (b'{"records": 3}', "holds no records"),
        (b'{"records": [3]}', "record 1 is no object"),
        (b'{"records": [{"origin_query": "q", "score": "good"}]}', "record 1: score 'good' is no number"),
        (b'{"records": [{"origin_query": "q", "score": 7}]}', "the score 7 of m"),
    ],
)
def test_damaged_files_change_nothing(cache, write_llmrouterbench, content, message):
    folder = write_llmrouterbench("aime", "test", "a", RIGHT)
    write_llmrouterbench("aime", "test", "m", RIGHT)
    next(folder.rglob("*-m-*.json")).write_bytes(content)
    with pytest.raises(ImportFormatError, match=message):
        import_llmrouterbench(cache, folder, "b")
    assert cache.benchmarks() == []


def test_folders_without_results(cache, tmp_path):
    with pytest.raises(ImportFormatError, match="holds no JSON files"):
        import_llmrouterbench(cache, tmp_path, "b")
    with pytest.raises(ImportFormatError, match="cannot read"):
        import_llmrouterbench(cache, tmp_path / "none", "b")


def test_progress(cache, write_llmrouterbench):
    told = []
    write_llmrouterbench("aime", "test", "m", RIGHT)
    folder = write_llmrouterbench("aime", "test", "n", RIGHT)
    import_llmrouterbench(cache, folder, "b", progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
