"""`selectllm train`: names, failures that don't stop the others, interrupts, the table."""

import shutil

import pytest

import selectllm_engine as sl
from fakes import write_fake_run
from selectllm_engine.errors import CacheError
from selectllm_engine.routers import suite
from selectllm_tui.cli import main

TFIDF = suite()


@pytest.fixture
def own(tmp_path):
    write_fake_run(tmp_path / "cache", questions={"train": 30, "validation": 20, "test": 10})
    return tmp_path / "cache"


def test_all_trains_every_router_on_tfidf(selectllm, own, monkeypatch):
    monkeypatch.setattr("selectllm_engine.routers.encoders.installed", lambda: False)
    code, out, err = selectllm("train", "--all", cache=own)
    assert code == 0
    assert list(sl.load("fake", own).routers) == sorted(TFIDF)
    lines = [line.split() for line in out.splitlines()]
    assert [line[0] for line in lines if line and line[0] in TFIDF] == TFIDF
    assert "validation split" in out
    assert "knn:tfidf: fitting" in err  # without a terminal: a line, no bar


def test_one_that_fails_does_not_stop_the_others(selectllm, own):
    code, out, err = selectllm("train", "--router", "knn:nope", "--router", "prior", cache=own)
    assert code == 1
    assert list(sl.load("fake", own).routers) == ["prior"]
    assert "prior" in out
    assert "knn:nope: no features 'nope'" in err
    assert err.splitlines()[-1].startswith("error: 1 of 2 routers could not be trained: knn:nope")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "which router to train is not said"),
        (["--all", "--router", "prior"], "exclude each other"),
        (["--router", "knn"], "needs features"),
        (["--router", "prior", "--router", "logstic:tfidf"], "did you mean 'logistic'?"),
        (["--router", "knn:mine", "--encoder", "mine"], "names no folder or hub id"),
        (["--router", "prior", "--benchmark", "nope"], "no benchmark 'nope'"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_trained(selectllm, own, args, message):
    code, out, err = selectllm("train", *args, cache=own)
    assert (code, out) == (2, "")
    assert message in err
    assert len(err.splitlines()) == 1
    assert sl.load("fake", own).routers == ()


def test_an_interrupt_between_routers_keeps_what_is_done(selectllm, own, monkeypatch):
    from selectllm_engine.routers.knn import NearestNeighbours

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(NearestNeighbours, "fit", interrupt)
    code, out, err = selectllm("train", "--router", "prior", "--router", "knn:tfidf", cache=own)
    assert code == 130
    assert list(sl.load("fake", own).routers) == ["prior"]
    assert "prior" in out
    assert "interrupted" in err


def test_a_router_that_was_stopped_early_is_kept_and_the_next_not_begun(selectllm, own, monkeypatch):
    from selectllm_engine.routers.prior import Prior

    original = Prior.fit

    def stopped(self, *args, **kwargs):
        self.interrupted_, self.note_ = True, "stopped after epoch 2 of 10; the best so far is kept"
        return original(self, *args, **kwargs)

    monkeypatch.setattr(Prior, "fit", stopped)
    code, out, err = selectllm("train", "--router", "prior", "--router", "knn:tfidf", cache=own)
    assert code == 130
    assert list(sl.load("fake", own).routers) == ["prior"]
    assert "prior: stopped after epoch 2 of 10" in out
    assert "interrupted" in err


def test_a_full_disk_is_one_line(selectllm, own, monkeypatch):
    def full(*_, **__):
        raise CacheError("cannot write probabilities.parquet: no space left", "free some space")

    monkeypatch.setattr("selectllm_engine.routers.training.write_frame", full)
    code, _, err = selectllm("train", "--router", "prior", cache=own)
    assert code == 1
    assert "free some space" in err
    assert list((own / "fake").glob("routers/*")) == list((own / "fake").glob("routers/.*")) == []


def test_a_packaged_run_is_copied_before_routers_are_written(tmp_path, own, monkeypatch, capsys):
    packaged = tmp_path / "packaged"
    shutil.move(own, packaged)
    monkeypatch.setattr("selectllm_engine.store.cache._packaged", lambda _: packaged)
    assert main(["train", "--router", "prior", "--cache", str(tmp_path / "mine")]) == 0
    assert (tmp_path / "mine" / "fake" / "routers" / "prior" / "manifest.json").exists()
    assert not (packaged / "fake" / "routers").exists()
    capsys.readouterr()
