"""cascade-value: its walk and its learning in plain loops, its limits, and what it gains where there is something."""

import math
from dataclasses import replace

import numpy as np
import pytest

from fakes import fake_outcomes
from selectllm_engine.errors import NotAvailableError
from selectllm_engine.evaluation.best_m import GroupVotes, cross_fitted_vote
from selectllm_engine.evaluation.cascade_chain import LONGEST, chains_of
from selectllm_engine.evaluation.cascade_value import PRICES, learn_cascade
from selectllm_engine.evaluation.conditional_logit import FOLDS, folds_of
from selectllm_engine.evaluation.labelled_questions import labelled, opinions
from selectllm_engine.evaluation.learned_vote import vote
from selectllm_engine.evaluation.votes import tally

ORDER = [0, 1, 2]


def split(questions, seed, name="train", **settings):
    given = {"latency": [1.0, 2.0, 5.0], "accuracy": [0.45, 0.55, 0.65], **settings}
    return fake_outcomes(questions, 3, 1, seed, split=name, **given)


def knowing(outcomes, seed=0):
    noise = np.random.default_rng(seed).normal(scale=0.15, size=outcomes.labels.shape)
    return np.clip(0.5 + 0.15 * outcomes.labels + noise, 0.02, 0.98).astype(np.float32)


def lesson(questions=240, *, text=True, **settings):
    train, validation = split(questions, 1, **settings), split(questions // 2, 2, "validation", **settings)
    known = labelled(train, validation, (knowing(train), knowing(validation)) if text else (None, None))
    return known, np.concatenate([train.latency, validation.latency])


@pytest.fixture(scope="module", params=[True, False], ids=["text", "no text"])
def learned(request):
    known, burden = lesson(text=request.param)
    return known, burden, learn_cascade(known, ORDER, burden, 3.0)


def x_of(p, view, place):
    return [1, p, p**2, p**3] if view is None else [1, p, p**2, p**3, view[place + 1], view[place + 1] * p]


def test_the_walk_in_plain_loops(learned):
    known, _, cascade = learned
    test = split(60, 7, "test")
    views = None if known.opinions is None else opinions(knowing(test), known.rates)
    counted, chain = tally(test.answers), cascade.chain
    for at in (0, 20, 35, len(PRICES) - 1):
        done = cascade.answer(counted, views, at)
        for q in range(60):
            alone = tally(test.answers[q : q + 1])
            view = None if views is None else [views[q, llm] for llm in chain]
            begins = [1.0] if view is None else [1.0, *view, sum(view) / len(view)]
            merit = [
                sum(x * w for x, w in zip(begins, cascade.start[j][:, at], strict=True)) for j in range(len(chain))
            ]
            first = last = max(range(len(chain)), key=lambda j: merit[j])
            while True:
                mask = np.isin(np.arange(3), chain[first : last + 1])
                said = vote(
                    cascade.votes[first, last], alone, known.llms, mask, None if views is None else views[q : q + 1]
                )
                if last == len(chain) - 1:
                    break
                go = x_of(said.confidence[0], view, last)
                if sum(x * w for x, w in zip(go, cascade.go[first, last][:, at], strict=True)) <= 0:
                    break
                last += 1
            np.testing.assert_array_equal(done.asked[q], mask)
            assert done.code[q] == said.code[0]
            assert done.confidence[q] == pytest.approx(said.confidence[0])


def test_the_value_of_going_on_in_plain_loops(learned):
    known, burden, cascade = learned
    chain, length = cascade.chain, len(cascade.chain)
    views = None if known.opinions is None else known.opinions[:, chain]
    reached = {
        (j, m): cross_fitted_vote(known, np.isin(np.arange(3), chain[j : m + 1]), 3.0)
        for j in range(length)
        for m in range(j, length)
    }
    fold = folds_of(known.questions)
    for at in (0, 25):
        price = cascade.points[at].price
        accuracy, spent = np.zeros(known.questions), np.zeros(known.questions)
        for held_out in [*range(FOLDS), None]:
            learn = np.ones(known.questions, bool) if held_out is None else fold != held_out
            values, merits = [], []
            for j in range(length):
                right = [float(each) for each in reached[j, length - 1].right]
                cost = [0.0] * known.questions
                for m in reversed(range(j, length - 1)):
                    stop = reached[j, m]
                    x = [
                        x_of(stop.confidence[q], None if views is None else views[q], m) for q in range(known.questions)
                    ]
                    further = [cost[q] + float(burden[q, chain[m + 1]]) for q in range(known.questions)]
                    gain = [right[q] - price * further[q] - stop.confidence[q] for q in range(known.questions)]
                    rows = np.array(x)[learn]
                    w = np.linalg.inv(rows.T @ rows + np.eye(rows.shape[1])) @ rows.T @ np.array(gain)[learn]
                    if held_out is None:
                        np.testing.assert_allclose(cascade.go[j, m][:, at], w, atol=1e-6)
                    for q in range(known.questions):
                        on = sum(a * b for a, b in zip(x[q], w, strict=True)) > 0
                        right[q], cost[q] = (right[q], further[q]) if on else (float(stop.right[q]), 0.0)
                cost = [c + float(b) for c, b in zip(cost, burden[:, chain[j]], strict=True)]
                starts = np.ones((known.questions, 1))
                if views is not None:
                    starts = np.column_stack([starts, views, views.mean(axis=1)])
                y = np.array(right) - price * np.array(cost)
                rows = starts[learn]
                w = np.linalg.inv(rows.T @ rows + 10 * np.eye(rows.shape[1])) @ rows.T @ y[learn]
                if held_out is None:
                    np.testing.assert_allclose(cascade.start[j][:, at], w, atol=1e-6)
                values.append((right, cost))
                merits.append(starts @ w)
            if held_out is not None:
                for q in np.flatnonzero(fold == held_out):
                    j = int(np.argmax([merit[q] for merit in merits]))
                    accuracy[q], spent[q] = values[j][0][q], values[j][1][q]
        assert cascade.points[at].accuracy == pytest.approx(accuracy.mean())
        best = known.labels[:, cascade.best_single]
        gains = [float(a) - float(b) for a, b in zip(accuracy, best, strict=True)]
        middle = sum(gains) / len(gains)
        error = math.sqrt(sum((g - middle) ** 2 for g in gains) / len(gains) / len(gains))
        assert cascade.sure_gains[at] == pytest.approx(middle - error)
        assert cascade.pays(at, 1.0) == cascade.pays(at, None) == (middle - error > 0)
        assert cascade.pays(at, 0.5)
        assert cascade.points[at].burden == pytest.approx(spent.mean(), rel=1e-6)
        np.testing.assert_allclose(cascade.spent[at], spent, rtol=1e-6)


def test_the_higher_the_price_the_less_is_asked(learned):
    known, _, cascade = learned
    test = split(200, 8, "test")
    views = None if known.opinions is None else opinions(knowing(test), known.rates)
    counted = tally(test.answers)
    counts = [cascade.answer(counted, views, at).asked.sum() for at in (0, 10, 30, len(PRICES) - 1)]
    assert counts == sorted(counts, reverse=True)
    dearest = cascade.answer(counted, views, len(PRICES) - 1)
    assert (dearest.asked.sum(axis=1) == 1).all()
    assert dearest.asked[:, cascade.chain[0]].mean() > 0.9


def test_the_curve_is_every_price_answered(learned):
    known, _, cascade = learned
    test = split(80, 8, "test")
    views = None if known.opinions is None else opinions(knowing(test), known.rates)
    counted = tally(test.answers)
    curve = cascade.curve(counted, views, test.latency, test.gold)
    assert len(curve) == len(PRICES)
    for at in range(0, len(PRICES), 7):
        done = cascade.answer(counted, views, at)
        assert curve[at].price == cascade.points[at].price
        assert curve[at].accuracy == pytest.approx((done.code == test.gold).mean())
        assert curve[at].burden == pytest.approx((test.latency * done.asked).sum(axis=1).mean(), rel=1e-5)


def test_with_one_sample_it_does_not_always_stop_at_the_first():
    known, burden = lesson(300)
    cascade = learn_cascade(known, ORDER, burden, 3.0)
    asked = cascade.answer(known.tally, known.opinions, cascade.at_budget(None)).asked
    assert (asked.sum(axis=1) > 1).mean() > 0.1


def test_budgets(learned):
    _, _, cascade = learned
    points = cascade.points
    most = cascade.at_budget(None)
    assert points[most].accuracy == max(point.accuracy for point in points)
    assert cascade.at_budget(1e6) == most
    for budget in (0.6, 1.0, 1.5):
        over = [
            (np.mean(spent - budget * cascade.single), np.std(spent - budget * cascade.single) / math.sqrt(len(spent)))
            for spent in cascade.spent
        ]
        within = [at for at, (mean, error) in enumerate(over) if mean + error <= 0]
        if not within:
            continue
        chosen = cascade.at_budget(budget)
        assert chosen in within
        assert points[chosen].accuracy == max(points[at].accuracy for at in within)
    with pytest.raises(NotAvailableError, match=r"stays within 0\.01×"):
        cascade.at_budget(0.01)


def test_a_cheap_llm_that_knows_when_it_knows_saves_what_it_can():
    # Its three samples agree where it is right and differ where it is wrong; the other is always right, and dear.
    rng = np.random.default_rng(0)

    def made(questions, name):
        right = rng.random(questions) < 0.7
        cheap = np.where(right[:, None], 0, rng.permuted(np.tile([1, 2, 3], (questions, 1)), axis=1))
        answers = np.stack([cheap, np.zeros((questions, 3))], axis=1).astype(np.int16)
        base = fake_outcomes(questions, 2, 3, split=name, latency=[1.0, 10.0])
        return replace(
            base,
            answers=answers,
            gold=np.zeros(questions, np.int16),
            labels=np.stack([right, np.ones(questions, bool)], 1),
        )

    train, test = made(400, "train"), made(400, "test")
    known = labelled(train, None)
    cascade = learn_cascade(known, [0, 1], train.latency, 1.0)
    assert cascade.chain == (0, 1)
    done = cascade.answer(tally(test.answers), None, cascade.at_budget(1.0))
    assert (done.code == test.gold).all()
    assert done.asked[:, 1].mean() == pytest.approx(0.3, abs=0.08)


def test_the_chain_is_short_and_within_reach():
    rng = np.random.default_rng(0)
    base = fake_outcomes(300, 12, 1, accuracy=np.linspace(0.3, 0.7, 12), split="train")
    known = labelled(base, None)
    burden = rng.permutation(np.linspace(1, 12, 12))
    order = np.argsort(burden).tolist()
    best = max(order, key=lambda llm: known.labels[:, llm].sum())
    cheap = [llm for llm in order if burden[llm] < burden[best] / 3]
    cheap_best = max(cheap, key=lambda llm: known.labels[:, llm].sum()) if cheap else best
    for budget in (burden[best], 3.0, None):
        chains = chains_of(GroupVotes(known, 3.0), order, burden, best_single=best, budget=budget)
        assert len(set(chains)) == len(chains) <= 3
        for chain in chains:
            assert 1 <= len(chain) <= LONGEST
            assert {best, cheap_best} <= set(chain)
            assert list(chain) == sorted(chain, key=lambda llm: burden[llm])
            if budget:
                assert sum(burden[llm] for llm in set(chain) - {best, cheap_best}) <= 4 * budget


def test_unknown_burdens_count_as_the_mean():
    known, burden = lesson(200)
    gaps = burden.copy()
    gaps[::7, 1] = np.nan
    filled = burden.astype(float)
    filled[::7, 1] = np.nanmean(gaps[:, 1].astype(float))
    one, other = (learn_cascade(known, ORDER, each, 3.0) for each in (gaps, filled))
    np.testing.assert_allclose(one.spent, other.spent)
    with pytest.raises(NotAvailableError, match="of every LLM"):
        learn_cascade(known, ORDER, np.where(np.arange(3) == 1, np.nan, burden), 3.0)


def test_what_is_refused():
    known, burden = lesson(198)
    with pytest.raises(NotAvailableError, match="300 labelled questions; there are 297"):
        learn_cascade(known, ORDER, burden, 3.0)
    known, burden = lesson(200)
    with pytest.raises(NotAvailableError, match="two LLMs"):
        learn_cascade(known, [1], burden, 3.0)


def test_a_pool_leaves_the_others_alone():
    known, burden = lesson(200)
    cascade = learn_cascade(known, [0, 2], burden, 3.0)
    assert set(cascade.chain) == {0, 2}
    assert not cascade.answer(known.tally, known.opinions, 0).asked[:, 1].any()
