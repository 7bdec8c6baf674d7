"""Letters of questions that list no options: as many as the evaluation gave votes to."""

from __future__ import annotations

import pytest

from selectllm_engine.verdicts import Verdict
from selectllm_tui.screens.generations import options_of
from selectllm_tui.snapshots.question import Ballot, Detail


def detail(
    kind: str, gold: str, choices: tuple[str, ...] = (), votes: tuple[tuple[str | None, int], ...] = ()
) -> Detail:
    ballot = Ballot("a", True, True, None, votes, None, False, False, None)
    return Detail("q", None, "?", choices, gold, kind, Verdict.RIGHT, 5, 1, 1, (ballot,), None, None)


@pytest.mark.parametrize(
    ("shown", "options"),
    [
        (detail("letter", "B", ("x", "y")), 2),
        (detail("letter", "B"), 4),
        (detail("letter", "F"), 6),
        (detail("letter", "B", votes=(("J", 3), (None, 2))), 10),
        (detail("number", "12", votes=(("7", 3),)), 4),
    ],
)
def test_how_many_letters_are_options(shown: Detail, options: int) -> None:
    assert options_of(shown) == options
