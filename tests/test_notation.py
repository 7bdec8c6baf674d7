"""One way to write figures and texts, whichever face shows them."""

import csv
import io

import pytest

from paths import ROOT
from selectllm_tui import notation


@pytest.mark.parametrize("value", [None, float("nan")])
def test_what_is_missing_is_a_dash(value):
    shown = [notation.percent(value), notation.p_value(value), notation.number(2)(value), notation.span(0.1, value)]
    assert shown == [notation.MISSING] * 4


def test_figures_as_papers_print_them():
    assert [notation.p_value(p) for p in (0.00001, 0.0123, 0.9999, 1.0)] == ["<.001", ".012", "1.00", "1.00"]
    assert [notation.percent(share) for share in (0.8718, 0.0)] == ["87.2", "0.0"]
    assert notation.span(0.852, 0.889) == "85.2 – 88.9"


def test_no_cell_is_a_formula_or_markup():
    written = notation.csv_table(["=x", "n"], [["@a", -0.5], ["-b", None], ["-1.5", True], ["\t=c", 1]])
    assert list(csv.reader(io.StringIO(written))) == [
        ["'=x", "n"],
        ["'@a", "-0.5"],
        ["'-b", ""],
        ["-1.5", "True"],
        ["⇥=c", "1"],
    ]
    table = notation.markdown_table(["a|b", "n"], [False, True], [["<b>[x](y) `z`", "1"]])
    assert table == "| a\\|b | n |\n| --- | ---: |\n| \\<b\\>\\[x\\](y) \\`z\\` | 1 |\n"


def test_nothing_else_writes_tables_for_files():
    faces = (ROOT / "src" / "selectllm_tui").rglob("*.py")
    writers = {path.name for path in faces if "csv.writer" in path.read_text("utf-8")}
    assert writers == {"notation.py"}
