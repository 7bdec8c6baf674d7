"""Exports: what is exported and imported again is the same; files appear whole or not at all."""

import ast
import csv

import numpy as np
import polars as pl
import pytest

import selectllm_engine as sl
from fakes import write_fake_run
from selectllm_engine.cache import Cache
from selectllm_engine.errors import CacheError, UnknownNameError, UsageError
from selectllm_engine.export import export_predictions, export_results, wide_results
from selectllm_engine.frames import write_frame
from selectllm_engine.importers.predictions import import_predictions

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
    assert frame.columns[12:] == ["sample", "split", "gold", "kind", "choices", *(f"{llm}|latency" for llm in LLMS)]
    assert frame.height == 130 * 5
    assert frame["sample"].head(6).to_list() == [0, 1, 2, 3, 4, 0]
    assert frame["sample_id"].unique(maintain_order=True).to_list() == run.questions["question_id"].to_list()
    one = frame.filter(pl.col("sample_id") == "test-7")
    view = run.question("test-7")
    for votes in view.llms:
        assert one[votes.llm].sum() == dict(votes.votes).get(one["gold"][0], 0)
        assert one[f"{votes.llm}|model_response"].to_list() == run.generations("test-7", votes.llm)["text"].to_list()


def test_part_of_the_results(run):
    frame = wide_results(run, pool=["fake-b"], splits=["test"])
    assert set(frame["split"]) == {"test"}
    assert not any(column.startswith("fake-a") for column in frame.columns)
    with pytest.raises(UnknownNameError, match="no split 'tests'; did you mean 'test'"):
        wide_results(run, splits=["tests"])


@pytest.mark.parametrize("name", ["prompt", "a|b"])
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
