"""How many tokens questions are expected to take: what is learned, from what, where it is kept, and who uses it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fakes import flip_bit, write_fake_run
from selectllm_engine.api import Run
from selectllm_engine.errors import DamagedError
from selectllm_engine.evaluation import parse_policy
from selectllm_engine.routers.chooser import choose_by
from selectllm_engine.routers.expected_tokens import TokenModel, load_token_model
from selectllm_engine.routers.training import train
from selectllm_engine.routers.training_data import question_texts
from selectllm_engine.store import TOKENS, Cache

LLMS = ("fake-a", "fake-b", "fake-c")


def texts_and_tokens(questions=120, seed=0):
    """Texts whose length and one of whose words say how much is written, with noise; two LLMs."""
    rng = np.random.default_rng(seed)
    many, long = rng.integers(1, 30, questions), rng.random(questions) < 0.5
    texts = [
        f"{'Explain' if explain else 'Name'} " + "the thing " * count for explain, count in zip(long, many, strict=True)
    ]
    output = np.where(long[:, None], 80, 10) * [1.0, 2.0] * rng.lognormal(0, 0.2, (questions, 2))
    prompt = np.column_stack([5 + 2 * many, 9 + 3 * many])
    return texts, np.hstack([output, prompt.astype(float)])


def test_tokens_of_new_questions_are_foreseen():
    texts, tokens = texts_and_tokens()
    model = TokenModel()
    held_out = model.fit(texts, tokens)
    others, theirs = texts_and_tokens(seed=1)
    for predicted, true in ((held_out, tokens), (model.predict(others), theirs)):
        assert predicted.dtype == np.float32
        for column in range(4):
            assert np.corrcoef(np.log(predicted[:, column]), np.log(true[:, column]))[0, 1] > 0.9
        np.testing.assert_allclose(predicted.mean(axis=0), true.mean(axis=0), rtol=0.1)
    np.testing.assert_allclose(held_out.mean(axis=0), tokens.mean(axis=0), rtol=0.02)  # a mean, not a median


def test_training_questions_are_predicted_from_all_others():
    """By a loop: without a question, with terms, scales and penalties of all, its prediction is the held-out one."""
    from selectllm_engine.routers.ridge import block_of, fit_components
    from selectllm_engine.routers.surface import surface

    texts, tokens = texts_and_tokens(40)
    model = TokenModel()
    held_out = model.fit(texts, tokens)
    block = block_of(model.features.transform(texts), surface(texts), 0)
    features, logs = (block.beside - block.centre) / block.scale, np.log(tokens)
    found = fit_components(features, logs)
    left_out = np.zeros_like(logs)
    for row in range(40):
        kept = np.arange(40) != row
        targets, x = (logs[kept] - logs.mean(axis=0)) @ found.components, features[kept]
        middle, centre = targets.mean(axis=0), x.mean(axis=0)
        at = []
        for part, penalty in enumerate(found.penalties):
            if np.isinf(penalty):
                at.append(middle[part])
                continue
            inner = (x - centre).T @ (x - centre) + penalty * np.eye(x.shape[1])
            at.append(
                middle[part] + (features[row] - centre) @ np.linalg.solve(inner, (x - centre).T @ targets[:, part])
            )
        left_out[row] = logs.mean(axis=0) + found.components @ at
    shift = np.log(tokens.mean(axis=0) / np.exp(left_out).mean(axis=0))
    wanted = np.clip(np.exp(left_out + shift), tokens.min(axis=0), tokens.max(axis=0))
    np.testing.assert_allclose(held_out, wanted, rtol=0.02)


def test_nothing_is_foreseen_beyond_what_was_seen():
    texts, tokens = texts_and_tokens()
    model = TokenModel()
    model.fit(texts, tokens)
    found = model.predict(["", "Explain " * 100_000, "🙂" * 50])
    assert (found >= tokens.min(axis=0) * 0.999).all()
    assert (found <= tokens.max(axis=0) * 1.001).all()


@pytest.fixture
def cache(tmp_path):
    return write_fake_run(tmp_path / "cache")


def rewritten(cache, root, change, llms=LLMS):
    """The same run with other generations of some LLMs."""
    other = Cache(root)
    other.write_questions("fake", cache.questions("fake"))
    for llm in LLMS:
        rows = cache.generations("fake", llm)
        with other.writer("fake", llm) as writer:
            writer.start(cache.manifest("fake", llm))
            writer.append(change(rows) if llm in llms else rows, {"engine": "fake"})
    return other


def stored(cache):
    folder = cache.folder("fake") / TOKENS
    return [pl.read_parquet(folder / f"{name}.parquet") for name in ("output", "prompt")]


def test_training_keeps_them_for_all_questions(cache):
    run = Run(cache, "fake")
    assert run.outcomes("test").expected is None
    train(run, "prior")
    output, prompt = stored(cache)
    for table in (output, prompt):
        assert table["question_id"].to_list() == run.questions["question_id"].to_list()
        assert tuple(table.columns) == ("question_id", "split", *LLMS)
    expected = Run(cache, "fake").outcomes("test").expected
    wanted = output.filter(split="test").select(LLMS).to_numpy()
    np.testing.assert_array_equal(expected.tokens[:, :, 1], wanted)
    seconds = 0.1 + 0.001 * expected.tokens[:, :, 0] + 0.02 * expected.tokens[:, :, 1]  # the fakes' fit
    np.testing.assert_allclose(expected.burden("latency"), seconds, rtol=1e-6)
    assert np.isnan(expected.burden("cost")).all()  # there are no prices
    assert "tokens" not in cache.routers("fake")


def test_dollars_follow_from_prices(cache):
    cache.update("fake", LLMS, price={"input": 1.0, "output": 4.0})
    train(Run(cache, "fake"), "prior")
    expected = Run(cache, "fake").outcomes("validation").expected
    dollars = (expected.tokens[:, :, 0] + 4 * expected.tokens[:, :, 1]) / 1e6
    np.testing.assert_allclose(expected.burden("cost"), dollars, rtol=1e-6)


def test_they_are_learned_once(cache):
    train(Run(cache, "fake"), "prior")
    made = (cache.folder("fake") / TOKENS / "manifest.json").stat().st_mtime_ns
    train(Run(cache, "fake"), "knn:tfidf")
    assert (cache.folder("fake") / TOKENS / "manifest.json").stat().st_mtime_ns == made


def test_answers_to_other_splits_never_matter(cache, tmp_path):
    """Neither how long they are nor whether they are right."""
    train(Run(cache, "fake"), "prior")

    def other(rows):
        elsewhere = pl.col("question_id").str.starts_with("train").not_()
        longer = pl.when(elsewhere).then(pl.col("output_tokens") * 50).otherwise(pl.col("output_tokens"))
        said = pl.when(pl.col("question_id").str.starts_with("test")).then(pl.lit("7")).otherwise(pl.col("text"))
        return rows.with_columns(output_tokens=longer.cast(rows["output_tokens"].dtype), text=said)

    changed = rewritten(cache, tmp_path / "changed", other)
    train(Run(changed, "fake"), "prior")
    for one, two in zip(stored(cache), stored(changed), strict=True):
        assert one.equals(two)


@pytest.mark.parametrize("lacking", [LLMS[:1], LLMS])
def test_llms_without_counts_are_left_out(cache, tmp_path, lacking):
    def uncounted(rows):
        return rows.with_columns(pl.lit(None, rows["output_tokens"].dtype).alias("output_tokens"))

    without = rewritten(cache, tmp_path / "without", uncounted, llms=lacking)
    train(Run(without, "fake"), "ridge:tfidf")
    if lacking == LLMS:
        assert not (without.folder("fake") / TOKENS).exists()
        assert Run(without, "fake").outcomes("test").expected is None
        return
    assert [each.columns[2:] for each in stored(without)] == [list(LLMS[1:])] * 2
    run = Run(without, "fake")
    assert run.view().expecting("latency", better=True) is None
    assert run.view(LLMS[1:]).expecting("latency", better=True) is not None


def test_a_damaged_table_is_told_and_nothing_is_expected(cache):
    train(Run(cache, "fake"), "ridge:tfidf")
    flip_bit(cache.folder("fake") / TOKENS / "output.parquet")
    run = Run(cache, "fake")
    assert run.view().policy(run.scores("ridge:tfidf"), parse_policy("cost-aware")).notes == ()
    assert [path.name for path in cache.problems] == ["output.parquet"]
    assert [problem.path.name for problem in cache.verify("fake")] == ["output.parquet"]
    train(Run(cache, "fake"), "prior")  # makes it again
    assert not cache.verify("fake")
    assert Run(cache, "fake").outcomes("test").expected is not None


@pytest.mark.parametrize("harm", ["weights", "manifest"])
def test_damaged_weights_are_refused_where_they_are_needed(cache, harm):
    train(Run(cache, "fake"), "ridge:tfidf")
    folder = cache.folder("fake") / TOKENS
    if harm == "weights":
        flip_bit(folder / "weights.skops")
    else:
        (folder / "manifest.json").unlink()
    assert cache.verify("fake")
    with pytest.raises(DamagedError):
        load_token_model(folder)
    run = Run(cache, "fake")
    run.learner().better_by_question = lambda *_: False
    choose_by(run, "ridge:tfidf", "cost-aware")  # which looks at means
    run.learner().better_by_question = lambda *_: True
    with pytest.raises(DamagedError):
        choose_by(run, "ridge:tfidf", "cost-aware")
    train(Run(cache, "fake"), "prior")  # makes them again
    assert not cache.verify("fake")


def test_new_questions_take_what_those_of_the_benchmark_are_expected_to(cache):
    train(Run(cache, "fake"), "ridge:tfidf")
    run = Run(cache, "fake")
    run.learner().better_by_question = lambda *_: True
    texts = run.outcomes("test").questions.select(question_texts()).to_series().to_list()
    chooser = choose_by(run, "ridge:tfidf", "cost-aware:0.3")
    beliefs = chooser.believe(texts)
    np.testing.assert_allclose(beliefs.expected.tokens, run.outcomes("test").expected.tokens, rtol=1e-5)
    evaluated = run.view().policy(run.scores("ridge:tfidf"), parse_policy("cost-aware:0.3"))
    np.testing.assert_array_equal(chooser.select(beliefs).choice, evaluated.choice)
    alone = [chooser.select(chooser.believe([text])).choice[0] for text in texts[:9]]
    np.testing.assert_array_equal(alone, evaluated.choice[:9])


def test_a_merged_benchmark_brings_them_along(cache, tmp_path):
    from selectllm_engine.store import merge

    train(Run(cache, "fake"), "prior")
    here = Cache(tmp_path / "here")
    merge(here, cache, "fake")
    assert Run(here, "fake").outcomes("test").expected is not None
    assert here.tokens_size("fake") == cache.tokens_size("fake") > 0
    here.remove("fake")
    assert not (tmp_path / "here" / "fake").exists()
