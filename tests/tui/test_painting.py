"""Lines, columns and numbers: always exactly as wide as they must be, whatever the text."""

from __future__ import annotations

import re
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from selectllm_engine.evaluation.table import Row
from selectllm_engine.llms import Pool
from selectllm_tui.export import to_markdown
from selectllm_tui.screens.message import progress_line
from selectllm_tui.shown_setup import ShownSetup
from selectllm_tui.widgets import formats
from selectllm_tui.widgets.bar import Bar
from selectllm_tui.widgets.cells import Column, ListRows, layout
from selectllm_tui.widgets.header import Heading, heading_lines
from selectllm_tui.widgets.paint import fit, line, paint, shorten, width_of
from selectllm_tui.widgets.side import PoolStrip
from selectllm_tui.widgets.textview import wrap

TEXT = st.text(max_size=60)
SPANS = st.lists(st.tuples(TEXT, st.sampled_from(["plain", "muted", "accent"])), max_size=5)
WIDTHS = st.integers(1, 120)


@given(SPANS, WIDTHS, st.sampled_from(["left", "right", "center"]))
def test_a_painted_line_fills_its_width_with_visible_text(spans, width, align) -> None:
    strip = paint(spans, width, lambda _: Style(), Style(), align)
    assert sum(cell_len(segment.text) for segment in strip) == width
    assert not re.search("[\x00-\x1f\x7f-\x9f\u202a-\u202e]", strip.text)


@given(SPANS, WIDTHS)
@example([("0\t00", "plain")], 1)
def test_text_wraps_without_loss_and_within_its_width(spans, width) -> None:
    lines = wrap(spans, width)
    widest = max(2, width)  # a wide character needs two cells
    assert all(width_of(each) <= widest for each in lines)
    shown = "".join(text for each in lines for text, _ in each)
    assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", "".join(_visible(text) for text, _ in spans))


def _visible(text: str) -> str:
    from selectllm_tui.untrusted import visible

    return visible(text, newlines=True)


def test_what_continues_an_indented_paragraph_is_indented() -> None:
    lines = ["".join(text for text, _ in each).rstrip() for each in wrap([("   one two three", "plain")], 12)]
    assert lines == ["   one two", "   three"]


def test_a_highlight_does_not_break_a_word() -> None:
    lines = wrap([("The answer is ", "plain"), ("40", "hit"), (".", "plain")], 16)
    assert ["".join(text for text, _ in each) for each in lines] == ["The answer is ", "40."]


@given(TEXT, WIDTHS)
def test_shortened_names_fit(name, width) -> None:
    assert cell_len(shorten(name, width)) <= width


def test_names_of_a_family_stay_apart_when_shortened() -> None:
    assert len({shorten(f"qwen2.5-coder-{size}b-it", 14) for size in (0.5, 1.5, 7, 32)}) == 4
    assert len({shorten(f"qwen2.5-coder-{size}b-it/cool", 21) for size in (0.5, 1.5, 7, 32)}) == 4


@given(st.integers(20, 200), st.integers(0, 3))
def test_columns_use_the_width_and_the_least_important_go_first(width, gap) -> None:
    columns = (
        Column("a", "a", 10, flex=1),
        Column("b", "b", 8, drop=1),
        Column("c", "c", 20, flex=2, drop=2),
        Column("d", "d", 30, drop=3),
    )
    widths = layout(columns, width, gap)
    shown = [at for at, each in enumerate(widths) if each]
    assert sum(widths) + gap * (len(shown) - 1) <= width
    assert shown == list(range(len(shown)))
    assert all(widths[at] >= columns[at].width for at in shown)


NOTE = "sampling a-model-with-a-long-name-7b-instruct 1,234/4,000, new results: ctrl+r reads, 23 incomplete"


@pytest.mark.parametrize("note", ["", "new results: ctrl+r reads", NOTE])
@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("least", [1, 2])
@pytest.mark.parametrize("benchmark", ["gsm8k", "a-benchmark-with-a-name-that-is-quite-long-for-a-benchmark"])
def test_the_header_always_says_the_setup_and_what_it_achieves(
    note: str, width: int, least: int, benchmark: str
) -> None:
    names = tuple(f"llm-{n}" for n in range(12))
    parameters = (("threshold", 0.65),)
    setup = ShownSetup(
        Pool.of(names), "mlc:distilbert-base-uncased@4", "threshold", parameters, 10, "corrected", "validation"
    )
    row = Row(kind="router", name="x", accuracy=0.498, latency=5.12)
    before = Row(kind="router", name="x", accuracy=0.511, latency=4.82)
    made = heading_lines(Heading(benchmark, 1319, setup, row, before, note, "τ"), width, least)
    assert least <= len(made) <= 3
    assert {width_of(each) for each in made} == {width}
    shown = "".join(text for each in made for text, _ in each)
    for fact in (benchmark[:8], "validation", "K 10", "corrected", "12 of 12 LLMs", "mlc:d", "→ threshold τ 0.65"):
        assert fact in shown
    assert "49.8 % ▼ 1.3" in shown
    assert "5.1 s ▲ 0.3" in shown
    assert note[:60] in shown


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers(3, 80))
def test_intervals_stay_within_their_column_and_hold_their_point(a, b, c, width) -> None:
    low, value, high = sorted((a, b, c))
    spans = formats.interval(low, value, high, (0.0, 1.0), width)
    assert width_of(spans) == width
    shown = "".join(text for text, _ in spans)
    assert shown.count("●") == 1


def test_numbers_align_on_the_decimal_point() -> None:
    values = [formats.fixed(value, 2).rjust(8) for value in (3.14159, 12.5, None)]
    assert values == ["    3.14", "   12.50", "    –   "]
    assert [formats.percent(value) for value in (0.1234, None)] == ["12.3", "–  "]
    assert formats.gap(-0.054) == "−5 %"
    assert formats.decimals([0.031, 2.0]) == 3


def test_changes_say_direction_and_size_and_nothing_where_there_is_none() -> None:
    assert formats.change(67.6, 66.3, 1) == ("▲ 1.3", "up")
    assert formats.change(5.1, 4.7, 1, more_is_better=False) == ("▲ 0.4", "down")
    assert formats.change(5.1, 5.11, 1) == ("", "plain")
    assert formats.change(None, 1.0, 1) == ("", "plain")


def test_exports_have_figures_but_no_rules_and_no_bars() -> None:
    columns = (Column("name", "name", 8), Column("bar", "", 4, export=False), Column("n", "n", 4, align="right"))
    bar = partial(lambda width: (("█" * width, "plain"),))
    rows = ListRows(
        columns, ("a", "", "b"), ([line("=1+1"), bar, line("-1.5")], [line("──")], [line("x|y"), bar, line("2")])
    )
    assert to_markdown(rows) == "| name | n |\n| --- | ---: |\n| =1+1 | -1.5 |\n| x\\|y | 2 |\n"


def test_cut_lines_say_so() -> None:
    assert "".join(text for text, _ in fit([("abcdefgh", "plain")], 5)) == "abcd…"


def test_progress_says_how_much_is_left_once_that_can_be_guessed() -> None:
    def text(done: int, seconds: float) -> str:
        return "".join(part for part, _ in progress_line(done, 2000, seconds))

    assert text(500, 10.0).endswith("500 of 2,000, 30 s left")
    assert text(500, 1.0).endswith("500 of 2,000")
    assert text(0, 10.0).endswith("0 of 2,000")
    assert text(2000, 10.0).startswith("━" * 36)


def test_a_pool_too_large_for_its_strip_says_how_many_are_left_out() -> None:
    names = tuple(f"{n:02}-a-model-with-a-long-name-{n:02}" for n in range(33))
    strip = PoolStrip()
    strip.set_reactive(PoolStrip.setup, ShownSetup(Pool.of(names), None, "argmax", (), 1, "corrected", "test"))
    rows = strip.entries(78)
    shown = [name for row in rows for name, _ in row if name]
    assert len(rows) == 3
    assert "".join(text for text, _ in rows[-1][-1][1]) == f"and {33 - len(shown)} more"
    assert all(sum(width_of(spans) for _, spans in row) <= 80 for row in rows)


def test_a_sentence_wider_than_a_bar_continues_below() -> None:
    bar = Bar(id="b")
    bar._parts = (line("one"), line("a sentence of some words", ("that goes on", "warn")), line("two"), line("x" * 999))
    shown = ["".join(text for text, _ in each).strip() for each in bar._laid_out(20)]
    assert shown == ["one", "a sentence of some", "wordsthat goes on", "two", "x" * 20, "x" * 20, "x" * 19 + "…"]
