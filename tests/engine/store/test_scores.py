"""A router's stored numbers: what is read for each split, and what is left out where it can't be used."""

import numpy as np
import polars as pl
import pytest

from fakes import fake_outcomes
from selectllm_engine.store.frames import write_frame
from selectllm_engine.store.scores import UNSEEN, own_seconds, read_scores
from selectllm_engine.store.sealed_json import write_sealed

SPLITS = {name: fake_outcomes(60, 2, 1, seed, split=name) for seed, name in enumerate(("train", "validation", "test"))}
LLMS = SPLITS["test"].llms


def numbers(split, seed):
    return np.random.default_rng(seed).random(SPLITS[split].labels.shape)


def table(seed, llms=LLMS):
    """Probabilities for every split, one seed for each table."""
    frames = [
        pl.DataFrame(
            {"question_id": outcomes.questions["question_id"]}
            | {name: numbers(split, seed)[:, n] for n, name in enumerate(LLMS) if name in llms}
        )
        for split, outcomes in SPLITS.items()
    ]
    return pl.concat(frames)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "r"
    folder.mkdir()
    write_frame(folder / "probabilities.parquet", table(1))
    write_frame(folder / "forest.parquet", table(2))
    write_frame(folder / f"{UNSEEN}.parquet", table(3))
    write_sealed(folder / "manifest.json", {"router": "r", "seconds_per_question": 0.5, "train_held_out": True})
    return folder


def read(folder, **how):
    given = {"forest": False, "train": SPLITS["train"], **how}
    return read_scores(folder, "r", SPLITS["test"], SPLITS["validation"], **given)


def assert_read(found, split, seed):
    np.testing.assert_allclose(found, numbers(split, seed), rtol=1e-6)


def test_every_split_has_its_own_numbers(folder):
    found = read(folder)
    assert_read(found.probabilities, "test", 1)
    assert_read(found.validation, "validation", 1)
    assert_read(found.train, "train", 1)
    assert_read(found.forest, "test", 2)
    assert_read(found.validation_forest, "validation", 2)
    assert (found.seconds_per_question, found.missing, found.note) == (0.5, (), None)


def test_what_the_router_learned_from_is_no_opinion_on_train(folder):
    write_sealed(folder / "manifest.json", {"router": "r"})
    found = read(folder)
    assert (found.train, found.seconds_per_question) == (None, None)


def test_a_forest_that_is_not_stored_is_fitted_where_it_is_wanted(folder):
    (folder / "forest.parquet").unlink()
    assert read(folder).forest is None
    fitted = read(folder, forest=True)
    assert fitted.forest.shape == fitted.validation_forest.shape == (60, 2)


def test_a_forest_that_holds_no_probabilities_is_passed_over(folder):
    write_frame(folder / "forest.parquet", table(2).with_columns(pl.col(LLMS[0]) + 1))
    assert read(folder).forest is None


def test_of_a_question_that_is_there_twice_the_first_row_counts(folder):
    rows = table(1)
    other = rows.with_columns(pl.lit(0.123).alias(name) for name in LLMS)
    write_frame(folder / "probabilities.parquet", pl.concat([rows, other]))
    assert_read(read(folder).probabilities, "test", 1)


def test_what_subjects_that_were_not_learned_from_got(folder):
    found = read(folder, unseen=True)
    assert found.unseen
    assert_read(found.probabilities, "test", 3)
    assert_read(found.validation, "validation", 3)
    assert_read(found.train, "train", 3)
    assert found.forest is None
    write_frame(folder / f"{UNSEEN}.parquet", table(3, LLMS[:1]))
    found = read(folder, unseen=True, train=None)
    assert (found.missing, found.train, found.note) == (LLMS[1:], None, None)


@pytest.mark.parametrize(
    ("seconds", "known"), [(0, 0.0), (2.5, 2.5), (1e9, None), (-1, None), ("2", None), (None, None)]
)
def test_a_routers_own_time(seconds, known):
    assert own_seconds({"seconds_per_question": seconds}) == known
