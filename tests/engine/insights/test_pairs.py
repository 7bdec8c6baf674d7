"""Two rows on the same questions, counted in a plain loop."""

from __future__ import annotations

import numpy as np
import pytest

from fakes import fake_outcomes, write_fake_run
from selectllm_engine import load
from selectllm_engine.errors import UnknownNameError, UsageError
from selectllm_engine.evaluation import Prepared, view_of
from selectllm_engine.insights import CELLS
from selectllm_engine.llms import Pool
from tables import compared


def test_cells_counts_and_rows_agree() -> None:
    outcomes = fake_outcomes(100)
    view = view_of(Prepared(outcomes), Pool.of(outcomes.llms))
    found = compared(view, ("fake-a", "all-llms"))
    vote = view.figures(view.everyone()).right
    plain: dict[str, list[str]] = {cell: [] for cell in CELLS}
    for q, name in enumerate(outcomes.questions["question_id"]):
        cases = {(True, True): "both", (True, False): "only_a", (False, True): "only_b", (False, False): "neither"}
        plain[cases[bool(outcomes.labels[q, 0]), bool(vote[q])]].append(name)
    assert {cell: found.of(cell)["question_id"].to_list() for cell in CELLS} == plain
    assert list(found.counts) == [len(plain[cell]) for cell in CELLS]
    assert found.a.delta == pytest.approx(found.a.accuracy - found.b.accuracy)
    assert (found.a.reference, found.a.p, found.b.delta) == ("all-llms", found.counts.p, 0.0)
    assert found.subjects == 5
    assert "only b" in repr(found)
    turned = compared(view, ("all-llms", "fake-a"))
    assert turned.counts == (len(plain["both"]), len(plain["only_b"]), len(plain["only_a"]), len(plain["neither"]))
    assert (turned.a.delta, turned.a.p) == (pytest.approx(-found.a.delta), found.a.p)
    np.testing.assert_array_equal(turned.cells, np.array([0, 2, 1, 3])[found.cells])


def test_what_is_not_right_or_wrong_is_refused() -> None:
    outcomes = fake_outcomes(20)
    view = view_of(Prepared(outcomes), Pool.of(outcomes.llms))
    with pytest.raises(UsageError, match="random is an expectation"):
        compared(view, ("fake-a", "random"))
    with pytest.raises(UsageError, match="on the scale of one sample"):
        compared(view, ("repeatable", "fake-a"))
    with pytest.raises(UnknownNameError, match="did you mean 'fake-c'"):
        compared(view, ("fake-cc", "fake-a"))


def test_of_a_run(tmp_path) -> None:
    run = load("fake", write_fake_run(tmp_path))
    found = run.compare("fake-a", "best-single", ["fake-b", "fake-c"], k=3, split="validation")
    row = run.evaluate(["fake-b", "fake-c"], k=3, split="validation", against="fake-a").row("best-single")
    assert found.a.delta == pytest.approx(-row.delta)
    assert found.counts.questions == 30
