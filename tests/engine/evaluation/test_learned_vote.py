"""The learned vote: its formula in plain loops, what must not change it, what it refuses, and its weights as a file."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import fake_outcomes
from plain import make_outcomes
from selectllm_engine.errors import NotAvailableError, UsageError
from selectllm_engine.evaluation.best_m import best_m, cross_fitted_vote
from selectllm_engine.evaluation.candidates import candidates_of
from selectllm_engine.evaluation.conditional_logit import FOLDS, fit, folds_of, gradient, log_loss, posterior
from selectllm_engine.evaluation.labelled_questions import labelled, opinions
from selectllm_engine.evaluation.learned_vote import (
    PENALTIES,
    choose_penalty,
    design_from,
    design_of,
    learn,
    merits_of,
    ridge_of,
    vote,
)
from selectllm_engine.evaluation.vote_weights import VoteWeights
from selectllm_engine.evaluation.votes import llm_votes, pooled_votes, tally

EVERYONE = np.ones(3, dtype=bool)


def made(questions=120, llms=3, samples=5, seed=0, split="train", **settings):
    return fake_outcomes(questions, llms, samples, seed, split=split, **settings)


def probabilities(outcomes, seed=0):
    """A router that knows a little."""
    noise = np.random.default_rng(seed).normal(scale=0.15, size=outcomes.labels.shape)
    return np.clip(0.5 + 0.15 * outcomes.labels + noise, 0.02, 0.98).astype(np.float32)


def lesson(questions=120, *, text=False, **settings):
    train = made(questions, seed=1, **settings)
    validation = made(questions // 2, seed=2, split="validation", **settings)
    known = (probabilities(train), probabilities(validation)) if text else (None, None)
    return labelled(train, validation, known)


def plain_vote(weights, answers, views, asked):
    """Scores by answer, the score of "none" and the winner of one question; `answers` [N][K], `asked` a set."""
    samples = len(answers[0])
    said = [code for llm in sorted(asked) for code in answers[llm] if code >= 0]
    scores = {}
    for answer in dict.fromkeys(said):
        score = 0.0
        for llm in asked:
            share = list(answers[llm]).count(answer) / samples
            each = weights.own[llm] + weights.every + (0 if weights.text is None else weights.text * views[llm])
            score += each * share
        part = said.count(answer) / len(said)
        popular = (part, part**2, float(said.count(answer) > samples))
        score += sum(eta * value for eta, value in zip(weights.popularity, popular, strict=bool(weights.popularity)))
        scores[answer] = score
    none = weights.none[0] + weights.none[1] * math.log(1 + len(scores))
    if weights.text is not None:
        none += weights.none[2] * sum(views[llm] for llm in asked) / max(len(asked), 1)
    top = max(scores.values(), default=0.0)
    tied = [answer for answer in scores if scores[answer] >= top - 1e-9]
    winner = max(tied, key=said.count, default=-1)  # of equals the one seen first
    return scores, none, winner


@st.composite
def ballots(draw):
    """Weights on a coarse grid, so that scores tie, and answers to a few questions."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    samples, text = draw(st.sampled_from([1, 3])), draw(st.booleans())
    grid = np.array([-1.0, 0.0, 0.5, 1.0])
    weights = VoteWeights(
        llms=("fake-a", "fake-b", "fake-c"),
        own=tuple(rng.choice(grid, 3).tolist()),
        every=float(rng.choice(grid)),
        popularity=tuple(rng.choice(grid, 3).tolist()) if draw(st.booleans()) else (),
        text=float(rng.choice(grid)) if text else None,
        rates=(0.5, 0.5, 0.5) if text else (),
        none=tuple(rng.choice(grid, 3 if text else 2).tolist()),
        penalty=1.0,
        benchmark="fake",
        questions=100,
        samples=samples,
    )
    answers = rng.integers(-1, 3, size=(6, 3, samples)).astype(np.int16)
    views = rng.choice([-1.0, 0.0, 2.0], size=(6, 3)) if text else None
    asked = rng.random((6, 3)) < 0.7 if draw(st.booleans()) else rng.random(3) < 0.8
    asked.flat[0] = True
    return weights, answers, views, asked


@given(ballots())
def test_a_vote_is_the_plain_formula(ballot):
    weights, answers, views, asked = ballot
    voted = vote(weights, tally(answers), weights.llms, asked, views)
    chances = iter(voted.chance)
    for q in range(len(answers)):
        mask = asked if asked.ndim == 1 else asked[q]
        scores, none, winner = plain_vote(
            weights, answers[q].tolist(), None if views is None else views[q], set(np.flatnonzero(mask))
        )
        below = math.exp(none) + sum(map(math.exp, scores.values()))
        assert voted.code[q] == winner
        assert voted.none[q] == pytest.approx(math.exp(none) / below)
        assert voted.confidence[q] == pytest.approx(math.exp(scores[winner]) / below if scores else 0.0)
        for answer in sorted(scores):
            assert next(chances) == pytest.approx(math.exp(scores[answer]) / below)


@pytest.mark.parametrize("text", [False, True])
def test_the_fit_is_an_optimum_of_the_same_formula(text):
    known = lesson(text=text)
    weights = learn(known, EVERYONE, 3.0)
    design = design_from(known, EVERYONE)
    merits, own = merits_of(known, EVERYONE), np.array(weights.own)
    heavy = np.where(merits == merits.max(), 1e-3, 1)  # own = β + τ·z, of which the penalties are least
    slope = (heavy * merits) @ own / ((heavy * merits) @ merits + 0.1)
    flat = np.array(
        [
            *(own - slope * merits),
            *(slope, weights.every, *weights.popularity),
            *([weights.text] if text else []),
            *weights.none,
        ]
    )
    assert np.abs(gradient(design, flat, ridge_of(design, merits, 3.0))).max() < 1e-6
    voted = vote(weights, known.tally, known.llms, EVERYONE, known.opinions)
    np.testing.assert_allclose(posterior(design, flat).candidate, voted.chance, atol=1e-12)
    np.testing.assert_allclose(posterior(design, flat).none, voted.none, atol=1e-12)
    assert (voted.code == known.gold).mean() > 0.5


def test_penalties():
    known = lesson(text=True)
    design, merits = design_from(known, EVERYONE), np.array([-0.5, 0.7, -0.2])
    free = [1e-3] * 4
    np.testing.assert_allclose(ridge_of(design, merits, 20.0), [20, 0.02, 20, 2, 1e-3, 2, 2, 2, *free])
    equally_good = np.array([0.1, -0.2, 0.1])
    np.testing.assert_allclose(ridge_of(design, equally_good, 20.0), [0.02, 20, 0.02, 2, 1e-3, 2, 2, 2, *free])
    plain = design_of(
        candidates_of(known.tally, EVERYONE), known.gold, EVERYONE, None, merits_of(known, EVERYONE), popularity=False
    )
    np.testing.assert_allclose(ridge_of(plain, merits, 20.0), [20, 0.02, 20, 2, 1e-3, 1e-3, 1e-3])


@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize("seed", range(5))
def test_an_endless_penalty_gives_the_pooled_vote(samples, seed):
    # Without text, whose penalty does not grow; ties included.
    known = labelled(made(150, 4, samples, seed), None)
    everyone = np.ones(4, dtype=bool)
    weights = learn(known, everyone, 1e14)
    assert weights.every > 0
    test = made(300, 4, samples, seed + 100, split="test")
    counted = tally(test.answers)
    voted = vote(weights, counted, test.llms, everyone)
    np.testing.assert_array_equal(voted.code, pooled_votes(counted, everyone).code)
    assert pooled_votes(counted, everyone).tied.any()


@pytest.mark.parametrize("text", [False, True])
def test_the_order_of_llms_changes_nothing(text):
    train, test = made(200, 4, 3), made(200, 4, 3, seed=9, split="test")
    order = np.array([2, 0, 3, 1])

    def turned(outcomes):
        return replace(
            outcomes,
            llms=tuple(outcomes.llms[llm] for llm in order),
            answers=outcomes.answers[:, order],
            labels=outcomes.labels[:, order],
        )

    def voted(learned_from, asked, turn):
        p, views = probabilities(train)[:, turn], None
        known = labelled(learned_from, None, (p, None) if text else (None, None))
        weights = learn(known, np.ones(4, dtype=bool), 1.0)
        if text:
            views = opinions(probabilities(test)[:, turn], known.rates)
        return weights, vote(weights, tally(asked.answers), asked.llms, np.ones(4, dtype=bool), views)

    before, after = voted(train, test, np.arange(4)), voted(turned(train), turned(test), order)
    for name in train.llms:
        assert before[0].weight(name) == pytest.approx(after[0].weight(name), abs=1e-6)
    np.testing.assert_allclose(before[1].chance, after[1].chance, atol=1e-7)
    clear = margin_of(before[1]) > 1e-6
    np.testing.assert_array_equal(before[1].code[clear], after[1].code[clear])
    assert clear.mean() > 0.9


def margin_of(voted):
    """How far the first candidate's score is ahead of the second's, by question."""
    apart = np.full(len(voted.code), np.inf)
    for q in range(len(voted.code)):
        scores = np.sort(voted.score[voted.candidates.question == q])[::-1]
        if len(scores) > 1:
            apart[q] = scores[0] - scores[1]
    return apart


def test_the_names_of_answers_change_nothing():
    outcomes = made(150, 3, 3)
    rng = np.random.default_rng(0)
    codes = np.stack([rng.permutation(8) for _ in range(150)])
    found = outcomes.answers >= 0
    rows = np.arange(150)[:, None, None]
    answers = np.where(found, codes[rows, np.maximum(outcomes.answers, 0)], outcomes.answers).astype(np.int16)
    gold = codes[np.arange(150), outcomes.gold].astype(np.int16)
    before = labelled(outcomes, None)
    after = labelled(replace(outcomes, answers=answers, gold=gold), None)
    weights = [learn(each, EVERYONE, 1.0) for each in (before, after)]
    np.testing.assert_allclose(weights[0].own, weights[1].own, atol=1e-7)
    voted = [vote(w, each.tally, each.llms, EVERYONE) for w, each in zip(weights, (before, after), strict=True)]
    np.testing.assert_array_equal(voted[0].code == before.gold, voted[1].code == after.gold)
    np.testing.assert_allclose(voted[0].confidence, voted[1].confidence, atol=1e-7)


def test_an_llm_asked_twice_has_one_voice():
    # In the model of weights alone, as λ goes to 0; the pooled vote counts it twice.
    outcomes = made(400, 3, 3, seed=4, accuracy=[0.35, 0.5, 0.55])
    twice = replace(
        outcomes,
        llms=(*outcomes.llms, "fake-a again", "fake-a once more"),
        answers=outcomes.answers[:, [0, 1, 2, 0, 0]],
        labels=outcomes.labels[:, [0, 1, 2, 0, 0]],
    )
    found = []
    for each in (outcomes, twice):
        known = labelled(each, None)
        everyone = np.ones(len(each.llms), dtype=bool)
        weights = learn(known, everyone, 1e-9, popularity=False)
        found.append(vote(weights, known.tally, known.llms, everyone))
    np.testing.assert_allclose(found[0].confidence, found[1].confidence, atol=1e-5)
    clear = margin_of(found[0]) > 1e-4
    np.testing.assert_array_equal(found[0].code[clear], found[1].code[clear])
    pooled = [pooled_votes(tally(each.answers), np.ones(len(each.llms), dtype=bool)).code for each in (outcomes, twice)]
    assert (pooled[0] != pooled[1]).mean() > 0.05


def test_a_vote_of_one_llm_is_its_own():
    known = lesson()
    alone = np.array([False, True, False])
    voted = vote(learn(known, alone, 1.0), known.tally, known.llms, alone)
    np.testing.assert_array_equal(voted.code, llm_votes(known.tally).code[:, 1])


def test_an_llm_that_is_never_right_loses_its_vote():
    train = made(300, 4, 1, accuracy=[0.1, 0.1, 0.1, 0.9], seed=6)
    test = made(300, 4, 1, accuracy=[0.1, 0.1, 0.1, 0.9], seed=7, split="test")
    known = labelled(train, None)
    weights = learn(known, np.ones(4, dtype=bool), choose_penalty(known, np.ones(4, dtype=bool)))
    counted = tally(test.answers)
    learned = (vote(weights, counted, test.llms, np.ones(4, dtype=bool)).code == test.gold).mean()
    pooled = (pooled_votes(counted, np.ones(4, dtype=bool)).code == test.gold).mean()
    assert learned > pooled + 0.05
    assert learned >= test.labels[:, 3].mean() - 0.01


def test_confidences_are_calibrated():
    known, test = lesson(600, samples=2), made(1000, samples=2, seed=5, split="test")
    voted = vote(learn(known, EVERYONE, 1.0), tally(test.answers), test.llms, EVERYONE)
    right = voted.code == test.gold
    assert voted.confidence.mean() == pytest.approx(right.mean(), abs=0.05)
    sure = voted.confidence > np.median(voted.confidence)
    assert right[sure].mean() > right[~sure].mean() + 0.1
    total = voted.none + np.bincount(voted.candidates.question, voted.chance, minlength=1000)
    np.testing.assert_allclose(total, 1)


def test_the_penalty_is_the_best_on_validation():
    known = lesson(200, text=True)
    design, merits = design_from(known, EVERYONE), merits_of(known, EVERYONE)
    losses = [
        log_loss(design.rows(known.validation), fit(design.rows(~known.validation), ridge_of(design, merits, penalty)))
        + (math.log10(penalty) - 1) ** 2 / 2 / known.validation.sum()
        for penalty in PENALTIES
    ]
    assert choose_penalty(known, EVERYONE) == PENALTIES[int(np.argmin(losses))]


@pytest.mark.parametrize("splits", [(100, 0), (0, 100), (120, 99)])
def test_where_validation_is_missing_or_small_the_penalty_is_judged_in_folds(splits):
    train, validation = (
        made(count, seed=count, split=name) if count else None
        for name, count in zip(("train", "validation"), splits, strict=True)
    )
    known = labelled(train, validation)
    design, fold, merits = design_from(known, EVERYONE), folds_of(known.questions), merits_of(known, EVERYONE)
    losses = [
        sum(
            (fold == each).sum()
            * log_loss(design.rows(fold == each), fit(design.rows(fold != each), ridge_of(design, merits, penalty)))
            for each in range(FOLDS)
        )
        + (math.log10(penalty) - 1) ** 2 / 2
        for penalty in PENALTIES
    ]
    assert choose_penalty(known, EVERYONE) == PENALTIES[int(np.argmin(losses))]


def test_merits_by_hand():
    known = replace(lesson(), rates=np.array([0.0, 0.5, 1.0]))
    low, high = math.log(1 / 181), math.log(181)  # 180 questions
    np.testing.assert_allclose(merits_of(known, EVERYONE), [low, 0, high], atol=1e-12)
    np.testing.assert_allclose(merits_of(known, np.array([False, True, True])), [-high / 2, high / 2])


def test_from_few_questions_the_better_llms_weigh_more():
    # Under a penalty that hardly lets single weights grow, who is more often right still counts more.
    known = lesson(60, accuracy=[0.35, 0.5, 0.8])
    own = learn(known, EVERYONE, 30.0).own
    assert own[0] < own[1] < own[2]
    assert own[2] - own[0] > 0.5


@pytest.mark.parametrize("seed", range(4))
def test_from_few_questions_one_that_is_far_ahead_is_hardly_outvoted(seed):
    # Eleven LLMs that are right on two questions in five, and one that is on nine in ten.
    accuracy = [0.4] * 11 + [0.9]
    train, test = made(50, 12, 1, seed, accuracy=accuracy), made(1000, 12, 1, 100 + seed, accuracy=accuracy)
    known, everyone = labelled(train, None), np.ones(12, dtype=bool)
    voted = vote(learn(known, everyone, choose_penalty(known, everyone)), tally(test.answers), test.llms, everyone)
    assert (voted.code == test.gold).mean() > test.labels[:, -1].mean() - 0.01


def test_a_toggled_pool_is_fitted_as_if_it_were_the_first():
    known = lesson(text=True)
    pool = np.array([True, False, True])
    warm = learn(known, pool, 3.0, start=learn(known, EVERYONE, 3.0))
    cold = learn(known, pool, 3.0)
    np.testing.assert_allclose(warm.own, cold.own, atol=1e-6)
    again = learn(known, EVERYONE, 3.0, start=warm)
    np.testing.assert_allclose(again.own, learn(known, EVERYONE, 3.0).own, atol=1e-6)


def test_a_vote_can_be_learned_on_what_a_policy_asks():
    known = lesson()
    asked = np.random.default_rng(0).random((known.questions, 3)) < 0.7
    weights = learn(known, asked, 1.0)
    assert weights.llms == known.llms
    voted = vote(weights, known.tally, known.llms, asked)
    given_ = np.array([(known.labels[q] & asked[q]).any() for q in range(known.questions)])
    assert (voted.code == known.gold)[~given_].mean() < (voted.code == known.gold)[given_].mean()


def test_opinions_by_hand():
    # logit .8 − logit .5 = ln 4; far ones are cut off at 3; unknown ones are none
    found = opinions(np.array([[0.8, 0.999, np.nan], [0.5, 0.0, 0.2]], np.float32), np.array([0.5, 0.5, 0.2]))
    np.testing.assert_allclose(found, [[math.log(4), 3, 0], [0, -3, 0]], atol=1e-6)


def test_opinions_help_where_they_are_right():
    train, validation = made(400, 3, 1, seed=1), made(200, 3, 1, seed=2, split="validation")
    test = made(400, 3, 1, seed=3, split="test")

    def knowing(outcomes):
        return np.where(outcomes.labels, 0.9, 0.1).astype(np.float32)

    known = labelled(train, validation, (knowing(train), knowing(validation)))
    weights = learn(known, EVERYONE, choose_penalty(known, EVERYONE))
    voted = vote(weights, tally(test.answers), test.llms, EVERYONE, opinions(knowing(test), known.rates))
    assert weights.text > 0.5
    assert (voted.code == test.gold).mean() == pytest.approx(test.labels.any(axis=1).mean(), abs=0.02)


def test_a_smaller_number_of_samples_is_common_to_both_splits():
    known = labelled(made(60, samples=5), made(60, samples=3, split="validation"))
    assert known.tally.samples == 3


def test_what_is_refused():
    with pytest.raises(NotAvailableError, match="labels only"):
        labelled(made(labels_only=True), made(split="validation", labels_only=True))
    with pytest.raises(NotAvailableError, match="50 labelled questions; there are 49"):
        labelled(made(30), made(19, split="validation"))
    with pytest.raises(NotAvailableError, match="there are 0"):
        labelled(None, None)
    known = lesson(text=True)
    weights = learn(known, EVERYONE, 1.0)
    with pytest.raises(NotAvailableError, match="router's probabilities"):
        vote(weights, known.tally, known.llms, EVERYONE)
    with pytest.raises(NotAvailableError, match="knows none of these LLMs"):
        vote(weights, known.tally, ("x", "y", "z"), EVERYONE, known.opinions)
    with pytest.raises(NotAvailableError, match="knows none of these LLMs"):
        vote(weights, known.tally, ("fake-a", "y", "z"), np.array([False, True, True]), known.opinions)


def test_probabilities_of_one_split_alone_are_no_text():
    train, validation = made(), made(60, split="validation")
    assert labelled(train, validation, (probabilities(train), None)).opinions is None
    assert labelled(train, None, (probabilities(train), None)).opinions is not None


# The best m


def test_the_best_m_are_the_fewest_that_are_nearly_as_good():
    known = lesson(llms=5, samples=1, accuracy=[0.2, 0.7, 0.3, 0.65, 0.6], questions=300)
    found = best_m(known, [4, 3, 2, 1, 0], 3.0)
    ranked = sorted([4, 3, 2, 1, 0], key=lambda llm: -known.labels[:, llm].sum())
    right = []
    for m in range(1, 6):
        mask = np.isin(np.arange(5), ranked[:m])
        right.append(cross_fitted_vote(known, mask, 3.0).right if m > 1 else known.labels[:, ranked[0]])
    best = max(right, key=lambda each: each.mean())
    enough = []
    for m, each in enumerate(right, start=1):
        difference = [float(b) - float(a) for a, b in zip(each, best, strict=True)]
        mean = sum(difference) / len(difference)
        spread = math.sqrt(sum((d - mean) ** 2 for d in difference) / len(difference))
        if mean <= 0.5 * spread / math.sqrt(len(difference)):
            enough.append(m)
    assert found.llms == tuple(ranked[: enough[0]])
    np.testing.assert_allclose(found.accuracies, [each.mean() for each in right])


def test_a_cross_fitted_vote_does_not_learn_from_the_question_itself():
    known = lesson()
    before = cross_fitted_vote(known, EVERYONE, 1.0)
    fold = folds_of(known.questions)
    gold = known.gold.copy()
    gold[(places := np.flatnonzero(fold == 2)[:3])] = 7  # nobody said so
    after = cross_fitted_vote(replace(known, gold=gold), EVERYONE, 1.0)
    moved = np.abs(before.confidence - after.confidence)
    assert moved[fold != 2].max() > 10 * moved[places].max()


def test_where_all_are_right_the_cross_fitted_vote_is():
    known = lesson(samples=1, accuracy=[0.9, 0.9, 0.9])
    found = cross_fitted_vote(known, EVERYONE, 3.0)
    alike = known.labels.all(axis=1)
    assert alike[0], "the first question's candidate is the first of all"
    assert found.right[alike].all()
    assert (found.confidence[alike] > 0).all()


# Weights as a file


@pytest.mark.parametrize("text", [False, True])
def test_weights_are_read_back_exactly(text):
    weights = learn(lesson(text=text), EVERYONE, 3.0)
    stored = json.loads(json.dumps(weights.to_dict()))
    assert VoteWeights.from_dict(stored) == weights


def test_weights_of_another_run_are_matched_by_name():
    known = lesson()
    weights = learn(known, EVERYONE, 1.0)
    order = [2, 0, 1]
    names = ["fake-c", "fake-a", "other"]
    match = weights.match(names)
    assert (match.known, match.missing, match.unused) == (("fake-c", "fake-a"), ("other",), ("fake-b",))
    answers = made(80, seed=8, split="test").answers
    voted = vote(weights, tally(answers[:, order]), names, EVERYONE)
    alone = vote(weights, tally(answers), known.llms, np.array([True, False, True]))
    np.testing.assert_allclose(voted.confidence, alone.confidence)
    clear = margin_of(alone) > 1e-6
    np.testing.assert_array_equal(voted.code[clear], alone.code[clear])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "setup"}, "no weights"),
        ({"format": 2}, "newer"),
        ({"format": "1"}, "format"),
        ({"extra": 1}, "extra"),
        ({"own": [1.0, 2.0]}, "own: 3"),
        ({"own": [1.0, 2.0, math.nan]}, "own"),
        ({"own": [1.0, 2.0, True]}, "own"),
        ({"own": "abc"}, "own"),
        ({"llms": []}, "llms"),
        ({"llms": ["a", "a", "b"]}, "twice"),
        ({"llms": [1, 2, 3]}, "llms"),
        ({"popularity": [1.0]}, "popularity: 0 or 3"),
        ({"none": [1.0, 2.0, 3.0]}, "none: 2"),
        ({"every": None}, "every"),
        ({"text": 1.0}, "rates"),
        ({"penalty": math.inf}, "penalty"),
        ({"questions": 0}, "counts"),
        ({"samples": True}, "counts"),
        ({"benchmark": None}, "benchmark"),
    ],
    ids=str,
)
def test_weights_that_cannot_be_used_are_refused(change, message):
    stored = {**learn(lesson(), EVERYONE, 1.0).to_dict(), **change}
    with pytest.raises(UsageError, match=message):
        VoteWeights.from_dict(stored)


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=3), max_size=4))
def test_any_other_object_is_no_weights(stored):
    with pytest.raises(UsageError):
        VoteWeights.from_dict(stored)


def test_a_pool_without_answers_says_nothing():
    silent = make_outcomes(np.full((60, 2, 1), -1))
    known = labelled(silent, None)
    both = np.ones(2, dtype=bool)
    voted = vote(learn(known, both, 1.0), known.tally, known.llms, both)
    assert (voted.code == -1).all()
    assert (voted.confidence == 0).all()
    assert (voted.none == 1).all()
