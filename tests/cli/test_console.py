"""Tables in every form."""

import csv
import io
import json
import sys

import pytest
from rich.cells import cell_len
from rich.text import Text

from selectllm_tui.cli import console
from selectllm_tui.cli.console import Sheet, SheetColumn, text, write_csv, write_json, write_sheet
from selectllm_tui.cli.options import Format, complete, names
from selectllm_tui.notation import number, p_value, percent

COLUMNS = [
    SheetColumn("name", "name", text, align="left"),
    SheetColumn("accuracy", "accuracy %", percent),
    SheetColumn("latency", "seconds", number(2), drop=1),
]
ROWS = [
    {"name": "a_b|[red]\x1b[31m", "accuracy": 0.8718, "latency": None, "extra": 1},
    {"name": "日本 & co", "accuracy": 1.0, "latency": 3.456, "extra": None},
]


def write(capsys, form, **options):
    write_sheet(Sheet(COLUMNS, ROWS, "Title", ["a foot_note"], **options), form)
    return capsys.readouterr().out


def test_plain_text_lines_up(capsys):
    assert write(capsys, Format.TABLE).splitlines() == [
        "Title",
        "",
        "name            accuracy %  seconds",
        "a_b|[red]␛[31m        87.2        –",
        "日本 & co            100.0     3.46",
        "",
        "a foot_note",
    ]


def test_csv_has_fractions_and_every_field(capsys):
    read = list(csv.DictReader(io.StringIO(write(capsys, Format.CSV))))
    assert read[0] == {"name": "a_b|[red]␛[31m", "accuracy": "0.8718", "latency": "", "extra": "1"}


def test_csv_runs_no_formula(capsys):
    write_csv([{"name": "=1+1", "figure": -0.5, "none": None, "flag": True}])
    assert capsys.readouterr().out == "name,figure,none,flag\n'=1+1,-0.5,,True\n"


def test_markdown_escapes(capsys):
    lines = write(capsys, Format.MARKDOWN).splitlines()
    assert lines[0] == "**Title**"
    assert lines[2:5] == [
        "| name | accuracy % | seconds |",
        "| --- | ---: | ---: |",
        r"| a\_b\|\[red\]␛\[31m | 87.2 | – |",
    ]


def test_latex_escapes(capsys):
    out = write(capsys, Format.LATEX)
    assert r"a\_b|[red]␛[31m & 87.2 & -- \\" in out
    assert r"日本 \& co & 100.0 & 3.46 \\" in out
    assert r"name & accuracy \% & seconds \\" in out


@pytest.mark.parametrize(("name", "written"), [("[1]", "{}[1]"), ("*", "{}*"), ("★ ✓", r"$\star$ $\surd$")])
def test_latex_takes_no_name_for_an_option_of_the_row_above(capsys, name, written):
    write_sheet(Sheet([SheetColumn("name", "", align="left")], [{"name": "a"}, {"name": name}]), Format.LATEX)
    assert f"a \\\\\n{written} \\\\\n" in capsys.readouterr().out


def test_json_is_ascii(capsys):
    write_json({"name": "日\x9b"})
    out = capsys.readouterr().out
    assert out.isascii()
    assert json.loads(out) == {"schema": 2, "name": "日\x9b"}


@pytest.mark.parametrize(("width", "seconds"), [(60, True), (30, False)])
def test_a_narrow_terminal_drops_columns(capsys, monkeypatch, width, seconds):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    out = write(capsys, Format.TABLE, styles=["bold", ""])
    assert ("3.46" in out) is seconds
    assert "87.2" in out
    assert "[red]␛[31m" in out  # neither markup nor escape
    assert max(cell_len(Text.from_ansi(line).plain) for line in out.splitlines()) <= width


def test_figures():
    assert [p_value(each) for each in (None, 0.00001, 0.0123, 1.0)] == ["–", "<.001", ".012", "1.00"]
    assert [percent(each) for each in (None, 0.8718, 0.0)] == ["–", "87.2", "0.0"]
    assert number(2)(3.456) == "3.46"


def test_names():
    assert names(None) is None
    assert names(" a, b,,") == ["a", "b"]


def test_completion_of_a_list():
    assert complete(["alpha", "beta", "bravo"], "b") == ["beta", "bravo"]
    assert complete(["alpha", "beta", "bravo"], "beta,b") == ["beta,bravo"]


def test_completion_leaves_out_what_a_shell_acts_on():
    assert complete(["a$(reboot)", "a;b", "a b", "a\x1b", "a`c`", "knn:mini-lm@4", "a&"], "") == ["knn:mini-lm@4"]


def test_notes_go_to_standard_error(capsys):
    console.note("left out \x1b")
    assert capsys.readouterr() == ("", "left out ␛\n")


def test_a_pipe_is_as_wide_as_columns_says_and_what_has_no_room_is_named(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "30")
    out = write(capsys, Format.TABLE)
    assert "seconds" not in out.splitlines()[2]
    assert out.splitlines()[-1] == "left out for want of room: seconds"
    assert "left out" not in write(capsys, Format.MARKDOWN)  # which has no width
    monkeypatch.setenv("COLUMNS", "300")
    assert "seconds" in write(capsys, Format.TABLE).splitlines()[2]
