"""Exports: what is exported and imported again is the same; files appear whole or not at all."""

import ast
import csv

import numpy as np
import polars as pl
import pytest

import selectllm_engine as sl
from fakes import fake_generations, fake_manifest, fake_questions, write_fake_run
from selectllm_engine.errors import CacheError, UnknownNameError, UsageError
from selectllm_engine.exporters.predictions import export_predictions
from selectllm_engine.exporters.results import export_results, wide_results
from selectllm_engine.importers.assembly import Options
from selectllm_engine.importers.predictions import import_predictions
from selectllm_engine.importers.routerbench import import_routerbench
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.frames import write_frame

LLMS = ("fake-a", "fake-b", "fake-c")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "cache"
    write_fake_run(folder)
    for router in ("prior", "logistic:tfidf"):
        sl.train(sl.load("fake", folder), router)
    return sl.load("fake", folder)


def seconds(note):
    return {name: float(value) for name, value in (each.split("=") for each in note.split("--latency ")[1].split(","))}


def figures(table):
    return [
        (row.name, row.accuracy, row.accuracy_low, row.gap_closed, row.unsolvable, row.misrouted, row.llms_per_question)
        for row in table.rows
        if row.name != "all-llms"  # a vote, which labels can't repeat
    ]


def test_predictions_come_back(run, tmp_path):
    done = export_predictions(run, tmp_path / "p.csv", "logistic:tfidf")
    assert (done.rows, done.llms) == (130, LLMS)
    cache = Cache(tmp_path / "cache")
    import_predictions(cache, done.path, "again", latency=seconds(done.notes[-1]))
    again = sl.load("again", cache)
    for split in ("train", "validation", "test"):
        before, after = run.outcomes(split), again.outcomes(split)
        assert after.llms == LLMS
        assert (after.labels == before.labels).all()
        assert after.questions["text"].equals(before.questions["text"])
        told = run.scores("logistic:tfidf", split).probabilities
        assert (again.scores("imported", split).probabilities == told).all()


def test_the_protocol_paper_sees_the_same_in_them(run, tmp_path):
    done = export_predictions(run, tmp_path / "p.csv", "prior")
    cache = Cache(tmp_path / "cache")
    import_predictions(cache, done.path, "again", latency=seconds(done.notes[-1]))
    asked = {"policy": ["argmax", "random", "prediction", "sorted-prediction"], "protocol": "paper"}
    before = run.evaluate(router="prior", **asked)
    after = sl.load("again", cache).evaluate(router="imported", **asked)
    renamed = [(name.replace("imported", "prior"), *rest) for name, *rest in figures(after)]
    assert renamed == figures(before)
    for one, other in zip(before.rows, after.rows, strict=True):
        if one.name != "all-llms":
            assert one.latency == pytest.approx(other.latency, rel=1e-6)


def test_python_reads_the_lists_of_predictions(run, tmp_path):
    export_predictions(run, tmp_path / "p.csv", "prior")
    with (tmp_path / "p.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["question", "split", "true_label", "prediction", "raw_predictions", "confidence"]
    assert {row["split"] for row in rows} == {"train", "val", "test"}
    for row in rows:
        raw, confidence = ast.literal_eval(row["raw_predictions"]), ast.literal_eval(row["confidence"])
        assert raw == [int(value > 0) for value in confidence]
        assert ast.literal_eval(row["prediction"]) == [name for name, on in zip(LLMS, raw, strict=True) if on]
        assert set(ast.literal_eval(row["true_label"])) <= set(LLMS)


def test_certain_probabilities_are_numbers_and_come_back(run, tmp_path):
    stored = run.cache.router_dir("fake", "prior") / "probabilities.parquet"
    frame = pl.read_parquet(stored)
    certain = pl.when(pl.int_range(pl.len()) % 2 == 0).then(0.0).otherwise(1.0).cast(pl.Float32)
    cache = write_fake_run(tmp_path / "certain")
    folder = cache.router_dir("fake", "prior", write=True)
    write_frame(folder / "probabilities.parquet", frame.with_columns(certain.alias(LLMS[0])))
    (folder / "manifest.json").write_text("{}")
    changed = sl.load("fake", cache)
    export_predictions(changed, tmp_path / "p.csv", "prior")
    import_predictions(Cache(tmp_path / "cache"), tmp_path / "p.csv", "again")
    again = sl.load("again", Cache(tmp_path / "cache"))
    told = changed.scores("prior").probabilities
    assert {0.0, 1.0} <= set(told[:, 0].tolist())
    assert (again.scores("imported").probabilities == told).all()
    with (tmp_path / "p.csv").open(newline="") as file:
        assert all(np.isfinite(ast.literal_eval(row["confidence"])).all() for row in csv.DictReader(file))


def test_predictions_of_nobody(run, tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'prior'"):
        export_predictions(run, tmp_path / "p.csv", "priors")
    cache = write_fake_run(tmp_path / "cache")
    sl.train(sl.load("fake", cache), "prior")
    (cache.router_dir("fake", "prior") / "probabilities.parquet").write_bytes(b"no")
    with pytest.raises(
        UsageError, match=r"prior has no predictions to export; the probabilities of prior can't be read"
    ):
        export_predictions(sl.load("fake", cache), tmp_path / "p.csv", "prior")
    assert not (tmp_path / "p.csv").exists()


def test_llms_that_the_router_does_not_know_are_left_out(run, tmp_path):
    cache = write_fake_run(tmp_path / "cache", llms=LLMS[:2])
    sl.train(sl.load("fake", cache), "prior")
    write_fake_run(tmp_path / "cache", llms=LLMS)
    done = export_predictions(sl.load("fake", cache), tmp_path / "p.csv", "prior")
    assert done.llms == LLMS[:2]
    assert done.notes[0] == "fake-c left out: prior was trained without"


def test_wide_results_are_routerbenchs(run):
    frame = wide_results(run)
    assert frame.columns[:12] == [
        *("sample_id", "prompt", "eval_name", *LLMS),
        *(f"{llm}|model_response" for llm in LLMS),
        *(f"{llm}|total_cost" for llm in LLMS),
    ]
    assert frame.columns[12:] == [
        *("sample", "split", "gold", "kind", "choices"),
        *(f"{llm}|{kind}" for kind in ("latency", "prompt_tokens", "output_tokens") for llm in LLMS),
    ]
    assert frame.height == 130 * 5
    assert frame["sample"].head(6).to_list() == [0, 1, 2, 3, 4, 0]
    assert frame["sample_id"].unique(maintain_order=True).to_list() == run.questions["question_id"].to_list()
    one = frame.filter(pl.col("sample_id") == "test-7")
    view = run.question("test-7")
    for votes in view.llms:
        assert one[votes.llm].sum() == dict(votes.votes).get(one["gold"][0], 0)
        assert one[f"{votes.llm}|model_response"].to_list() == run.generations("test-7", votes.llm)["text"].to_list()


def same(before, after):
    """Whether two runs are the same to all that evaluates them."""
    assert after.llms == before.llms
    assert after.splits == before.splits
    assert after.questions.equals(before.questions)
    for split in before.splits:
        one, other = before.outcomes(split), after.outcomes(split)
        assert other.questions.equals(one.questions)
        assert (other.samples, other.left_out, other.left_out_total) == (one.samples, one.left_out, one.left_out_total)
        assert (one.vocabulary is None) == (other.vocabulary is None)
        if one.vocabulary is not None:
            assert other.vocabulary.equals(one.vocabulary)
        for array in ("answers", "gold", "labels", "latency", "cost"):
            np.testing.assert_array_equal(getattr(other, array), getattr(one, array), err_msg=array)


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_results_come_back(run, tmp_path, suffix):
    done = export_results(run, tmp_path / f"r{suffix}")
    cache = Cache(tmp_path / "cache")
    imported = import_routerbench(cache, done.path, "fake")
    assert imported.llms == LLMS
    assert imported.rows == done.rows
    assert not imported.skipped
    again = sl.load("fake", cache)
    same(run, again)
    texts = run.generations("test-3", "fake-b")["text"]
    assert again.generations("test-3", "fake-b")["text"].equals(texts)
    assert again.evaluate().rows == run.evaluate(router=[]).rows


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_incomplete_results_come_back(tmp_path, suffix):
    cache = write_fake_run(tmp_path / "before", questions={"test": 10}, llms=LLMS[:2])
    fewer = fake_generations(fake_questions({"test": 10}), 2, 3).filter(pl.col("question_id") != "test-4")
    with cache.writer("fake", "fake-c") as writer:
        writer.start(fake_manifest("fake-c", created="2026-01-02", samples=3, latency=None))
        writer.append(fewer, {"engine": "fake"})
    run = sl.load("fake", cache)
    assert run.outcomes().left_out_total == 1
    done = export_results(run, tmp_path / f"r{suffix}")
    after = Cache(tmp_path / "after")
    import_routerbench(after, done.path, "fake")
    same(run, sl.load("fake", after))


def test_what_other_llms_lack_keeps_its_latency(tmp_path):
    cache = write_fake_run(tmp_path / "before", questions={"test": 10}, llms=LLMS[:2])
    fewer = fake_generations(fake_questions({"test": 10}), 2, 5).filter(pl.col("question_id") != "test-4")
    with cache.writer("fake", "fake-c") as writer:
        writer.start(fake_manifest("fake-c", created="2026-01-02"))
        writer.append(fewer, {"engine": "fake"})
    done = export_results(sl.load("fake", cache), tmp_path / "r.parquet", pool=LLMS[:2])
    after = Cache(tmp_path / "after")
    import_routerbench(after, done.path, "fake")
    again = sl.load("fake", after)
    assert again.outcomes().left_out_total == 0
    assert np.isfinite(again.outcomes().latency).all()
    alone = sl.load("fake", write_fake_run(tmp_path / "two", questions={"test": 10}, llms=LLMS[:2]))
    same(alone, again)


HOSTILE = [
    "",
    " ",
    "\t",
    "\r\n",
    "\r",
    "\n",
    '"',
    '""',
    ",",
    "'",
    "=1+1",
    "\x1b[31m",
    "\u202e",
    "NA",
    "null",
    "\\N",
    "\ufeff",
    "é",
    "模型",
    "🙂",
]


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_texts_come_back_as_they_were(tmp_path, suffix):
    cache = Cache(tmp_path / "before")
    questions = fake_questions({"test": len(HOSTILE)})
    cache.write_questions("odd", questions)
    rows = fake_generations(questions, 0, 1).with_columns(text=pl.Series(HOSTILE))
    with cache.writer("odd", "fake-a") as writer:
        writer.start(fake_manifest("fake-a"))
        writer.append(rows, {"engine": "fake"})
    run = sl.load("odd", cache)
    done = export_results(run, tmp_path / f"r{suffix}")
    after = Cache(tmp_path / "after")
    import_routerbench(after, done.path, "odd")
    assert after.generations("odd", "fake-a").sort("question_id")["text"].equals(rows.sort("question_id")["text"])
    same(run, sl.load("odd", after))


def test_odd_names_come_back_in_predictions(tmp_path):
    llms = ("it's", 'say "a"', "a,b [c]", "\\n\n\x1b", "模型 \"'")
    cache = write_fake_run(tmp_path / "before", llms=llms)
    sl.train(sl.load("fake", cache), "prior")
    run = sl.load("fake", cache)
    done = export_predictions(run, tmp_path / "p.csv", "prior")
    import_predictions(Cache(tmp_path / "after"), done.path, "again", llms=sorted(llms))
    again = sl.load("again", Cache(tmp_path / "after"))
    assert again.llms == tuple(sorted(llms))
    columns = [run.llms.index(name) for name in again.llms]
    assert (again.outcomes().labels == run.outcomes().labels[:, columns]).all()


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_scores_and_answers_of_another_tool_come_back(tmp_path, suffix):
    rows = pl.DataFrame(
        {
            "sample_id": [f"q{at}" for at in range(6)],
            "prompt": ["What?", "=1+1", 'A "quoted", text\nof two lines', "", "<ESC>", "Уф"],
            "eval_name": ["x", "x", "y", "y", "y", "y"],
            "a": [1.0, 0.25, 0.5, 0.0, 0.75, 1.0],
            "a|total_cost": [0.1, None, 0.3, 0.1, 1e-7, 0.0],
            "b": [0.0, 1.0, None, 1.0, 1.0, 1.0],
            "b|answer": ["A", "", None, "C", "D", "E"],
            "b|total_cost": [0.0] * 6,
        }
    ).filter(pl.col("prompt") != "")
    rows.write_parquet(tmp_path / "given.parquet")
    before = Cache(tmp_path / "before")
    import_routerbench(before, tmp_path / "given.parquet", "scores", options=Options(threshold=0.75))
    run = sl.load("scores", before)
    done = export_results(run, tmp_path / f"r{suffix}")
    assert done.notes == ("scores count as right from 0.75 on: import it again with that --threshold",)
    after = Cache(tmp_path / "after")
    import_routerbench(after, done.path, "scores", options=Options(threshold=0.75))
    again = sl.load("scores", after)
    same(run, again)
    assert after.verdicts("scores", "b").equals(before.verdicts("scores", "b"))
    assert again.evaluate().rows == run.evaluate().rows


def test_marks_and_notes_stand_beside_the_questions(tmp_path):
    cache = write_fake_run(tmp_path / "cache", llms=("fake-a", "fake-b"))
    run = sl.load("fake", cache)
    cache.mark("fake", {"test-1": {"note": "=odd, one"}})
    assert "marked" not in wide_results(run).columns
    cache.mark("fake", {"test-0": {"marked": True}, "train-3": {"marked": True, "note": "again"}})
    done = export_results(run, tmp_path / "r.csv", splits=["test"])
    rows = pl.read_csv(done.path).filter(pl.col("sample") == 2)
    left = {row["sample_id"]: (row["marked"], row["note"]) for row in rows.to_dicts()}
    assert left == dict.fromkeys(left, (None, None)) | {"test-0": (True, None), "test-1": (None, "=odd, one")}
    imported = import_routerbench(Cache(tmp_path / "other"), done.path, "again")
    assert imported.llms == ("fake-a", "fake-b")
    assert "columns not used: marked, note" in imported.notes


def test_part_of_the_results(run):
    frame = wide_results(run, pool=["fake-b"], splits=["test"])
    assert set(frame["split"]) == {"test"}
    assert not any(column.startswith("fake-a") for column in frame.columns)
    with pytest.raises(UnknownNameError, match="no split 'tests'; did you mean 'test'"):
        wide_results(run, splits=["tests"])


@pytest.mark.parametrize("name", ["prompt", "note", "a|b"])
def test_ambiguous_names_are_refused(tmp_path, name):
    cache = write_fake_run(tmp_path / "cache", llms=("fake-a", name))
    with pytest.raises(UsageError, match="can't be told from the other columns"):
        wide_results(sl.load("fake", cache))


def test_files_are_not_replaced_unasked(run, tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("mine")
    with pytest.raises(UsageError, match=r"is there already; choose another name, or replace it with --force"):
        export_results(run, path)
    assert path.read_text() == "mine"
    export_results(run, path, force=True)
    assert path.read_text().startswith("sample_id,prompt,eval_name,fake-a")
    with pytest.raises(UsageError, match=r"no known ending; name a file that ends in \.parquet or \.csv"):
        export_results(run, tmp_path / "r.xlsx")
    with pytest.raises(UsageError, match=r"is a folder"):
        export_results(run, _folder(tmp_path / "d.csv"))
    with pytest.raises(CacheError, match=r"cannot write .*; free some space or write elsewhere"):
        export_results(run, path / "below.csv")
    assert [each.name for each in tmp_path.iterdir()] in (["r.csv", "d.csv"], ["d.csv", "r.csv"])


def _folder(path):
    path.mkdir()
    return path
