"""What is typed to find questions: every term against a plain loop, and what the screen says of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import write_fake_run
from selectllm_engine.store import Mark
from selectllm_tui.app import ExplorerApp
from selectllm_tui.snapshots.search import Field, Term, find, hits, pattern_of, terms
from tui.explorers import press, settled

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = ["Seven apples (red)", "two PLUMS", None, "seven plums and 3+ pears", "漢字 apples"]
SUBJECTS = ["fruit", None, "leap-years", "Fruit salad", "letters"]
SHARES = [100.0, 59.9, 60.0, 20.0, 0.0]
MARKS = {"q-0": Mark(marked=True), "q-2": Mark(note="Odd plums"), "q-4": Mark(marked=True, note="odd")}
LLMS = ("gemma-2b", "qwen", "Gemma-9b")


def field(*, votes: bool = True) -> Field:
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"question_id": [f"q-{at}" for at in range(5)], "text": TEXTS, "subject": SUBJECTS})
    shape = (5, 3)
    shares = np.array(SHARES) if votes else None
    return Field(frame, LLMS, rng.random(shape) < 0.5, rng.random(shape) < 0.4, shares, MARKS)


def plain(each: Field, q: int, term: Term) -> bool:
    return keeps(each, q, term.kind, term.value) != term.minus


def keeps(each: Field, q: int, kind: str, value: str) -> bool:
    text, subject = (TEXTS[q] or "").casefold(), (SUBJECTS[q] or "").casefold()
    match kind:
        case "right" | "wrong":
            return bool(each.right[q, int(value) - 1]) == (kind == "right")
        case "vote<":
            return SHARES[q] < float(value)
        case "vote>":
            return SHARES[q] > float(value)
        case "vote=":
            return abs(SHARES[q] - float(value)) < 0.5
        case "subject":
            return value.casefold() in subject
        case "by":
            return any(each.selected[q, n] and value in name.casefold() for n, name in enumerate(LLMS))
        case "regex":
            return bool(re.search(value, text, re.IGNORECASE)) or bool(re.search(value, f"q-{q}"))
        case "mark":
            return MARKS.get(f"q-{q}", Mark()).marked
        case "note":
            note = MARKS.get(f"q-{q}", Mark()).note.casefold()
            return bool(note) and value.casefold() in note
    return value.casefold() in text or value in f"q-{q}"


PIECES = [
    "1+",
    "2-",
    "3+",
    "vote<60",
    "vote>59",
    "vote=60",
    "sub:fruit",
    "by:gemma",
    "-apples",
    "~pl.ms|pears",
    "seven",
]
PIECES += ["mark:", "-mark:", "note:", "-note:", "note:plums", '-note:"odd plums"', "-sub:fruit", "-by:gemma"]
PIECES += ["-~pl.ms", "-vote<60", "-1+", "--x", "-sub:nuts"]
PIECES += ['"and 3+ p"', '-"seven plums"', "q-3", "(red)", "漢字"]


@given(st.lists(st.sampled_from(PIECES), max_size=4))
def test_all_terms_must_hold(pieces: list[str]) -> None:
    each = field()
    within = np.array([True, True, True, True, False])
    kept, chips = find(each, " ".join(pieces), within)
    given_terms = terms(" ".join(pieces))
    assert [term.text for term in given_terms] == pieces
    expected = [all(plain(each, q, term) for term in given_terms) for q in range(5)]
    assert kept.tolist() == expected
    for at, chip in enumerate(chips):
        others = [term for place, term in enumerate(given_terms) if place != at]
        rest = [within[q] and all(plain(each, q, term) for term in others) for q in range(5)]
        assert chip.taken == sum(rest) - sum(kept[q] and rest[q] for q in range(5))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("4+", "there is no LLM 4"),
        ("0-", "there is no LLM 0"),
        ("9" * 5000 + "+", "there is no LLM"),
        ("~(", "regular"),
    ],
)
def test_a_term_that_means_nothing_says_so_and_takes_nothing(text: str, problem: str) -> None:
    kept, (chip,) = find(field(), text, np.ones(5, dtype=bool))
    assert kept.all()
    assert (chip.taken, problem in chip.problem) == (0, True)


def test_votes_that_are_not_known_keep_all() -> None:
    kept, (chip,) = find(field(votes=False), "vote<60", np.ones(5, dtype=bool))
    assert (kept.all(), chip.problem) == (True, "only labels are known, no votes")


@pytest.mark.parametrize("text", ["", " ", "-", "~", "sub:", "by:", '"', '-"', "-sub:", "-~", "-by:"])
def test_what_is_being_typed_is_no_term_yet(text: str) -> None:
    assert terms(text) == []


def test_matches_are_found_in_the_text() -> None:
    assert hits("Seven apples, seven", pattern_of("seven 3+ -x")) == [(0, 5), (14, 19)]
    assert hits("ab12", pattern_of("~[0-9]+")) == [(2, 4)]
    assert hits("ab", pattern_of("~(")) == []
    assert pattern_of("3+ vote<60 -x -~x") == ""


async def test_the_line_shows_its_terms_and_what_each_takes(cache: Path) -> None:
    app = ExplorerApp(cache=cache)
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await settled(pilot)
        await press(pilot, "slash", *"apples 2-", "enter")
        marks, order = screen.listing.judged.marks, screen.listing.order
        texts = screen.listing.frame["text"].to_list()
        assert order.tolist() == [q for q in range(40) if "apples" in texts[q] and marks[q, 1] != 1]
        taken = sum("apples" in texts[q] for q in range(40)) - len(order)
        shown = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert f"⌕ 2- −{taken}" in shown
        assert screen.counts["unsolvable"] <= len(order)
        await press(pilot, "slash", *" nowhere", "enter")
        shown = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "0 of 40 none, esc shows all" in shown
        await press(pilot, "escape")
        assert len(screen.listing.order) == 40


async def test_the_text_has_the_room_that_ids_do_without(tmp_path: Path) -> None:
    write_fake_run(tmp_path, llms=("fake-a",))
    app = ExplorerApp("fake", tmp_path)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await settled(pilot)
        screen.set_state(screen.state.look(tab="questions"))
        await settled(pilot)
        assert screen.listing.ids == ("test-", 7)
        (first, *_) = screen.tab.rows.cells(0)
        assert {"".join(text for text, _ in first(width)) for width in (8, 4, 3, 10_000)} == {"0"}
        widths = dict(zip([each.key for each in screen.tab.rows.columns], screen.tab.table._widths, strict=True))
        assert widths["text"] > 2 * widths["question_id"]
