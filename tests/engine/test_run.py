from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

import selectllm_engine
from fakes import write_fake_run
from selectllm_engine.api import Run, load
from selectllm_engine.errors import UnknownNameError, UsageError
from selectllm_engine.evaluation import POLICIES
from selectllm_engine.store.frames import write_frame
from selectllm_engine.store.sealed_json import write_sealed

if TYPE_CHECKING:
    from pathlib import Path

    from selectllm_engine.store.cache import Cache


def write_fake_router(cache: Cache, name: str = "knn:fake", *, seed: int = 0, drop: str | None = None, **files) -> Path:
    """Random probabilities for every question, as a trained or imported router leaves them."""
    folder = cache.router_dir("fake", name, write=True)
    questions = cache.questions("fake").select("question_id", "split")
    rng = np.random.default_rng(seed)
    llms = [llm for llm in cache.llms("fake") if llm != drop]

    def table(values: np.ndarray) -> pl.DataFrame:
        return questions.hstack(pl.DataFrame(values, schema=llms, orient="row"))

    write_frame(folder / "probabilities.parquet", table(rng.random((questions.height, len(llms)), dtype=np.float32)))
    for file, scale in files.items():
        write_frame(folder / f"{file}.parquet", table(scale * rng.normal(size=(questions.height, len(llms)))))
    write_sealed(folder / "manifest.json", {"router": name, "seconds_per_question": 0.002})
    return folder


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return write_fake_run(tmp_path)


@pytest.fixture
def run(cache: Cache) -> Run:
    write_fake_router(cache)
    return load("fake", cache)


def test_the_public_names_are_there_and_lazy() -> None:
    assert dir(selectllm_engine) == selectllm_engine.__all__
    for name in selectllm_engine.__all__:
        assert getattr(selectllm_engine, name) is not None
    with pytest.raises(AttributeError):
        selectllm_engine.nothing_of_the_kind  # noqa: B018


def test_load_takes_a_folder_and_the_only_benchmark(tmp_path: Path) -> None:
    write_fake_run(tmp_path)
    run = load(cache=str(tmp_path))
    assert (run.benchmark, run.llms, run.splits) == (
        "fake",
        ("fake-a", "fake-b", "fake-c"),
        ("train", "validation", "test"),
    )
    assert run.info("fake-b")["parameters"] == 2.0
    with pytest.raises(UnknownNameError, match="did you mean 'fake'"):
        load("fakes", tmp_path)


def test_without_arguments_every_router_with_argmax(run: Run, cache: Cache) -> None:
    write_fake_router(cache, "prior", seed=1)
    names = [row.name for row in run.evaluate().rows if row.kind == "router"]
    assert names == ["knn:fake argmax", "prior argmax"]
    assert [row.name for row in run.evaluate(router="prior").rows if row.kind == "router"] == ["prior argmax"]
    every = [row.policy for row in run.evaluate(router=["prior"], all_policies=True).rows if row.kind == "router"]
    assert len(every) == len(POLICIES)
    chosen = run.evaluate(pool=["fake-c", "fake-a"], router="prior", policy=["top-m:1", "argmax"], k=3)
    assert (chosen.pool, chosen.k, chosen.samples) == (("fake-a", "fake-c"), 3, 5)
    assert [row.parameter for row in chosen.rows if row.kind == "router"] == [1, None]


def test_what_is_named_twice_is_one_row(run: Run) -> None:
    table = run.evaluate(
        pool=["fake-a", "fake-a", "fake-b"], router=["knn:fake"] * 2, policy=["argmax", "top-m", "top-m:2"]
    )
    assert [row.name for row in table.rows[6:]] == [
        *("knn:fake upper-bound", "fake-a", "fake-b", "knn:fake argmax", "knn:fake top-m"),
    ]


def test_scores_follow_the_order_of_the_questions(run: Run, cache: Cache) -> None:
    stored = pl.read_parquet(cache.router_dir("fake", "knn:fake") / "probabilities.parquet")
    scores = run.scores("knn:fake")
    ids = run.outcomes().questions["question_id"].to_list()
    row = stored.row(by_predicate=pl.col("question_id") == ids[7], named=True)
    assert scores.probabilities[7].tolist() == [pytest.approx(row[name]) for name in run.llms]
    assert scores.seconds_per_question == 0.002
    assert scores.validation.shape == (30, 3)


def test_a_missing_forest_is_fitted_on_validation_when_it_is_needed(run: Run) -> None:
    assert run.scores("knn:fake", forest=False).forest is None
    assert run.scores("knn:fake").forest.shape == (40, 3)
    assert run.evaluate(policy="prediction").row("knn:fake prediction").accuracy is not None


def test_logits_are_read_where_they_are(cache: Cache) -> None:
    write_fake_router(cache, "imported", logits=2.0, forest=0.1)
    scores = load("fake", cache).scores("imported")
    assert (scores.logits.dtype, scores.logits.shape) == (np.float64, (40, 3))
    assert scores.forest.dtype == np.float32


def test_a_router_that_lacks_an_llm_says_so_for_pools_with_it(cache: Cache) -> None:
    write_fake_router(cache, drop="fake-b")
    run = load("fake", cache)
    assert "trained without fake-b" in run.evaluate().row("knn:fake argmax").note
    assert run.evaluate(pool=["fake-a", "fake-c"]).row("knn:fake argmax").accuracy is not None
    assert len(run.quality("knn:fake")) == 3


def test_a_router_that_lacks_questions_says_so(run: Run, cache: Cache) -> None:
    path = cache.router_dir("fake", "knn:fake") / "probabilities.parquet"
    write_frame(path, pl.read_parquet(path).filter(pl.col("question_id") != "test-3"))
    again = load("fake", cache)
    note = again.evaluate().row("knn:fake argmax").note
    assert note == "knn:fake has no probabilities for 1 of 40 questions; train it again"
    with pytest.raises(UsageError, match="no probabilities"):
        again.quality("knn:fake")


@pytest.mark.parametrize("value", [float("inf"), -0.1, 1.5])
def test_numbers_that_are_no_probabilities_are_lacking(run: Run, cache: Cache, value: float) -> None:
    path = cache.router_dir("fake", "knn:fake") / "probabilities.parquet"
    frame = pl.read_parquet(path)
    odd = pl.when(pl.col("question_id") == "test-3").then(value).otherwise(pl.col("fake-a"))
    write_frame(path, frame.with_columns(odd.alias("fake-a")))
    note = load("fake", cache).evaluate().row("knn:fake argmax").note
    assert note == "knn:fake has no probabilities for 1 of 40 questions; train it again"


@pytest.mark.parametrize("value", ["soon", float("nan"), 10**400, -1, None])
def test_a_router_whose_manifest_holds_no_time_has_none(run: Run, cache: Cache, value: object) -> None:
    path = cache.router_dir("fake", "knn:fake") / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"seconds_per_question": value}))
    again = load("fake", cache)
    assert again.router_seconds("knn:fake") is None
    assert again.scores("knn:fake").seconds_per_question is None


def test_one_damaged_router_leaves_the_others_alone(run: Run, cache: Cache) -> None:
    folder = write_fake_router(cache, "broken")
    (folder / "probabilities.parquet").write_bytes(b"PAR1 no more")
    table = load("fake", cache).evaluate()
    assert "can't be read" in table.row("broken argmax").note
    assert str(folder) not in table.row("broken argmax").note
    assert table.row("knn:fake argmax").accuracy is not None
    path = write_fake_router(cache, "torn") / "manifest.json"
    path.write_text("{")
    run = load("fake", cache)
    assert "can't be read" in run.evaluate().row("torn argmax").note
    assert run.router_info("torn") == {}
    assert path in run.cache.problems


def test_unknown_names_and_ks_are_one_clear_line(run: Run) -> None:
    with pytest.raises(UnknownNameError, match="LLM"):
        run.evaluate(pool=["fake-z"])
    with pytest.raises(UnknownNameError, match="did you mean 'knn:fake'"):
        run.evaluate(router="knn:fale")
    with pytest.raises(UnknownNameError, match="policy"):
        run.evaluate(policy="argmaxx")
    with pytest.raises(UnknownNameError, match="split"):
        run.evaluate(split="tset")
    with pytest.raises(UnknownNameError, match="protocol"):
        run.evaluate(protocol="papers")
    with pytest.raises(UsageError, match="choose 1 to 5"):
        run.evaluate(k=6)
    with pytest.raises(UsageError, match="did you mean 'test-1"):
        run.question("test-1x")


def test_a_policy_wants_a_router(tmp_path: Path) -> None:
    bare = load("fake", write_fake_run(tmp_path))
    assert len(bare.evaluate().rows) == 9
    for asked in (bare.evaluate, bare.details):
        with pytest.raises(UsageError, match="has no router"):
            asked(policy="threshold")
        with pytest.raises(UnknownNameError, match="did you mean 'threshold'"):
            asked(policy="treshold")
    with pytest.raises(UsageError, match="has no router to choose by"):
        bare.question("test-1", policy="argmax")
    with pytest.raises(UnknownNameError, match="policy"):
        bare.question("test-1", policy="nonsense")


def test_generations_of_wrong_names_are_refused(run: Run) -> None:
    assert run.generations("test-1", "fake-a").height == 5
    with pytest.raises(UsageError, match="the question's id comes first"):
        run.generations("fake-a", "test-1")
    with pytest.raises(UsageError, match="did you mean 'test-1"):
        run.generations("test-1x", "fake-a")
    with pytest.raises(UnknownNameError, match="did you mean 'fake-a'"):
        run.generations("test-1", "fake-aa")


@pytest.mark.parametrize("question_id", [0, None, np.int64(3), ["test-1"]])
def test_a_question_is_named_by_a_text(run: Run, question_id: object) -> None:
    with pytest.raises(UsageError, match="ids look like"):
        run.question(question_id)  # type: ignore[arg-type]


def test_probabilities_and_policies_of_ones_own(run: Run) -> None:
    labels = run.outcomes().labels
    table = run.evaluate(router={"told": labels.astype(float)}, policy=["argmax", lambda inputs: labels | ~labels])
    assert table.row("told argmax").accuracy == table.row("oracle").accuracy
    assert table.row("told <lambda>").accuracy == table.row("all-llms").accuracy
    scores = run.scores("knn:fake")
    assert run.evaluate(router=scores).row("knn:fake argmax") == run.evaluate(router="knn:fake").row("knn:fake argmax")
    seen = run.question("test-4", router={"told": labels.astype(float)})
    assert sum(bool(each.selected) for each in seen.llms) == 1
    for wrong in (labels.astype(float), 3):
        with pytest.raises(UsageError, match="a router is"):
            run.evaluate(router=wrong)
        with pytest.raises(UsageError, match="a router is"):
            run.question("test-4", router=wrong)
    assert "threshold" in run.policies


def test_a_forest_that_the_policy_does_not_read_is_not_fitted(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selectllm_engine.store.confidence_forest.ConfidenceForest.fit", lambda *_: pytest.fail("fit"))
    run.question("test-4", router="knn:fake", policy="threshold")


def test_a_question_shows_every_vote_and_what_became_of_it(run: Run) -> None:
    outcomes = run.outcomes()
    view = run.view()
    verdicts = view.verdicts(view.everyone())
    for place in range(10):
        question_id = outcomes.questions["question_id"][place]
        seen = run.question(question_id)
        assert seen.complete
        assert [each.right for each in seen.llms] == outcomes.labels[place].tolist()
        for each in seen.llms:
            assert sum(count for _, count in each.votes) + each.silent == 5
            assert each.vote.count == (each.votes[0][1] if each.votes else 0)
        assert seen.right == verdicts.right[place]
        assert (seen.pooled.answer == seen.question["gold"]) == seen.right
        assert (seen.oracle is None) == (not outcomes.labels[place].any())
    assert seen.generations("fake-a").height == 5


def test_a_question_with_a_router_shows_its_choice(run: Run) -> None:
    seen = run.question("test-4", ["fake-a", "fake-b"], "knn:fake", "argmax", k=3)
    chosen = [each for each in seen.llms if each.selected]
    assert len(chosen) == 1
    assert chosen[0].llm in ("fake-a", "fake-b")
    assert seen.pooled == chosen[0].vote
    assert chosen[0].probability == max(each.probability for each in seen.llms if each.llm != "fake-c")
    assert sum(count for _, count in chosen[0].votes) + chosen[0].silent == 3


def test_an_incomplete_question_is_shown_from_what_there_is(tmp_path: Path) -> None:
    cache = write_fake_run(tmp_path)
    path = cache.folder("fake") / "questions.parquet"
    stored = pl.read_parquet(path)
    new = stored.filter(pl.col("question_id") == "test-1").with_columns(question_id=pl.lit("test-new"))
    cache.write_questions("fake", pl.concat([stored, new]))
    seen = load("fake", cache).question("test-new")
    assert (seen.complete, seen.verdict, seen.right) == (False, None, None)
    assert all(each.votes == () and each.right is None for each in seen.llms)


def test_pools_and_lessons_come_from_the_same_figures(run: Run) -> None:
    found = run.pools()
    assert len(found.subsets) == 7
    whole = next(subset for subset in found.subsets if len(subset.llms) == 3)
    assert whole.figures.pooled == run.evaluate().row("all-llms").accuracy
    lessons = run.lessons()
    assert lessons.router == "knn:fake"
    assert {gap.llm for gap in lessons.gaps} == set(run.llms)
    assert lessons.losses["misrouted"] == run.evaluate().row("knn:fake argmax").misrouted
    assert run.lessons(split="train").gaps == ()
    assert run.lessons(protocol="paper").lessons[0].figures == lessons.lessons[0].figures


def test_a_run_without_validation_says_what_is_missing(tmp_path: Path) -> None:
    cache = write_fake_run(tmp_path, questions={"train": 20, "test": 10})
    write_fake_router(cache)
    table = load("fake", cache).evaluate(all_policies=True)
    assert table.row("best-single").note == "fake-c, chosen on train"
    assert "validation" in table.row("knn:fake prediction").note
    assert load("fake", cache).evaluate(policy="threshold:auto").row("knn:fake threshold").accuracy is None


def test_a_learning_curve_trains_on_parts_of_the_train_split(run: Run) -> None:
    points = run.learning_curve("knn:tfidf", fractions=(0.25, 1.0))
    assert [point.questions for point in points] == [15, 60]
    assert all(0 <= point.accuracy <= point.upper_bound <= 1 for point in points)
    with pytest.raises(UsageError):
        run.learning_curve("knm:tfidf")


def test_splits_come_in_their_order_whatever_that_of_the_questions(tmp_path):
    cache = write_fake_run(tmp_path, "fake", questions={"test": 2, "other": 1, "train": 2}, llms=("a",))
    assert load("fake", cache).splits == ("train", "test", "other")
