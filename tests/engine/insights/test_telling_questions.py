"""Telling questions and losses by subject, beside plain loops."""

from collections import Counter
from itertools import zip_longest

import polars as pl
import pytest

from fakes import fake_outcomes
from selectllm_engine.evaluation import Prepared, mcnemar, view_of
from selectllm_engine.insights import TELLING_KINDS, losses_by_subject, telling_questions
from selectllm_engine.llms import Pool
from selectllm_engine.verdicts import Verdict
from tables import compared


def seen(outcomes, names, pool=None):
    view = view_of(Prepared(outcomes), Pool.of(outcomes.llms, pool))
    return view, compared(view, names)


def plain_holm(ps):
    """Smallest first, each times how many are left, never below the one before."""
    adjusted, worst = dict.fromkeys(range(len(ps))), 0.0
    for rank, at in enumerate(sorted(range(len(ps)), key=ps.__getitem__)):
        worst = adjusted[at] = max(worst, min(1.0, ps[at] * (len(ps) - rank)))
    return list(adjusted.values())


def plain_telling(outcomes, pool, a, b, limit):
    """Kind by kind in turn, one question each, until there are enough; then sorted by kind."""
    queues = {kind: [] for kind in TELLING_KINDS}
    for q in range(len(outcomes.labels)):
        solvers = sum(bool(outcomes.labels[q, llm]) for llm in pool)
        codes = [int(code) for llm in pool for code in (() if outcomes.answers is None else outcomes.answers[q, llm])]
        most = max(Counter(code for code in codes if code >= 0).values(), default=0)
        if a[q] != b[q]:
            queues["won" if a[q] else "lost"].append((solvers if a[q] else -solvers, q))
        elif not a[q]:
            queues["missed" if solvers else "unsolved"].append((-solvers if solvers else -most, q))
    rounds = zip_longest(*([(kind, q) for _, q in sorted(queues[kind])] for kind in TELLING_KINDS))
    turns = [each for one in rounds for each in one if each][:limit]
    return [(kind, q) for kind in TELLING_KINDS for each, q in turns if each == kind]


@pytest.mark.parametrize("labels_only", [False, True])
@pytest.mark.parametrize(("a", "b"), [("fake-a", "fake-c"), ("fake-b", "fake-b"), ("oracle", "fake-a")])
@pytest.mark.parametrize("limit", [0, 3, 7, 20, 1000])
def test_which_questions_tell(labels_only, a, b, limit):
    outcomes = fake_outcomes(90, llms=4, seed=2, labels_only=labels_only)
    view, found = seen(outcomes, (a, b), ["fake-a", "fake-b", "fake-c"])
    right = {name: outcomes.labels[:, at] for at, name in enumerate(outcomes.llms)}
    right["oracle"] = outcomes.labels[:, :3].any(axis=1)
    told = [(each.kind, each.place) for each in telling_questions(view, found, limit)]
    assert told == plain_telling(outcomes, [0, 1, 2], right[a], right[b], limit)


def test_twenty_are_five_of_each_kind_where_there_are_enough():
    view, found = seen(fake_outcomes(400, llms=4, accuracy=[0.3, 0.4, 0.3, 0.3]), ("fake-a", "fake-b"))
    assert Counter(each.kind for each in telling_questions(view, found)) == dict.fromkeys(TELLING_KINDS, 5)


def test_losses_by_subject():
    outcomes = fake_outcomes(120, llms=3, seed=5)
    subjects = outcomes.questions["subject"].to_list()
    subjects[:4] = [None] * 4
    outcomes.questions.replace_column(2, pl.Series("subject", subjects))
    view, found = seen(outcomes, ("fake-a", "fake-b"))
    losses = losses_by_subject(found, view.verdicts(view.one(0)))
    assert [each.subject for each in losses] == [*sorted({name for name in subjects if name}), None]
    ps = []
    for each in losses:
        own = [q for q, name in enumerate(subjects) if name == each.subject]
        a, b = ([bool(outcomes.labels[q, llm]) for q in own] for llm in (0, 1))
        cells = Counter(zip(a, b, strict=True))
        assert tuple(each.counts) == tuple(cells[pair] for pair in ((1, 1), (1, 0), (0, 1), (0, 0)))
        unsolvable = sum(not outcomes.labels[q].any() for q in own) / len(own)
        assert each.unsolvable == pytest.approx(unsolvable)
        assert each.misrouted == pytest.approx(a.count(False) / len(own) - unsolvable)
        assert each.outvoted == 0
        ps.append(mcnemar(cells[1, 0], cells[0, 1]))
    assert [each.p for each in losses] == pytest.approx(plain_holm(ps))
    assert sum(each.unsolvable * each.counts.questions for each in losses) == pytest.approx(
        (view.verdicts(view.one(0)).verdict == Verdict.UNSOLVABLE.code).sum()
    )


def test_without_subjects_there_is_nothing_to_say():
    outcomes = fake_outcomes(20)
    outcomes.questions.replace_column(2, pl.Series("subject", [None] * 20, dtype=pl.String))
    view, found = seen(outcomes, ("fake-a", "fake-b"))
    assert losses_by_subject(found, view.verdicts(view.one(0))) == ()
