"""What a notebook sees: short names for things, tables as tables, nothing of the data read as markup."""

from __future__ import annotations

import importlib
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import selectllm_engine as sl
from fakes import write_fake_run
from plain import make_outcomes
from selectllm_engine.errors import MissingExtraError, UnknownNameError, UsageError
from selectllm_engine.evaluation import PolicySpec, Prepared, RouterScores, tabulate, view_of
from selectllm_engine.insights import find_subsets

HOSTILE = "<script>alert(1)</script>\x1b[2J\u202e&"


@pytest.fixture
def run(tmp_path):
    return sl.load("fake", write_fake_run(tmp_path))


def hostile_view():
    outcomes = make_outcomes(labels=[[True, False], [False, True]], names=(HOSTILE, "fake-b"))
    return view_of(Prepared(outcomes), sl.Pool.of(outcomes.llms))


def test_dir_has_the_public_names_only() -> None:
    assert dir(sl) == sl.__all__


def test_benchmarks_are_listed_and_still_a_room(tmp_path) -> None:
    write_fake_run(tmp_path)
    for _ in range(2):  # the room of that name is loaded by the first call
        assert "fake" in sl.benchmarks(tmp_path)
    assert "fake" in sl.benchmarks(sl.load("fake", tmp_path).cache)
    assert importlib.import_module("selectllm_engine.benchmarks").load_benchmark is not None


def test_a_table_is_asked_by_name(run) -> None:
    table = run.evaluate()
    assert table["best-single"] == table.row("best-single")
    assert (len(table), list(table)) == (len(table.rows), list(table.rows))
    with pytest.raises(UnknownNameError, match="did you mean 'oracle'"):
        table["oracel"]
    with pytest.raises(UnknownNameError):
        table[0]


def test_names_for_things_are_short(run) -> None:
    scores = RouterScores("mine", np.full(run.outcomes().labels.shape, 0.5))
    table = run.evaluate(router=scores, all_policies=True)
    shown = [table, table["oracle"], run, run.details(), run.pools(), run.lessons(), run.question("test-1")]
    for each in [*shown, run.outcomes(), scores]:
        assert len(repr(each)) < 160
        assert repr(each).startswith("<")
        assert "\n" not in repr(each)


def test_html_is_sound_and_holds_the_figures(run) -> None:
    table = run.evaluate(router=RouterScores("mine", np.full(run.outcomes().labels.shape, 0.5)), all_policies=True)
    for each in (table, run.pools(), run.lessons(), run.question("test-1")):
        root = ET.fromstring(each._repr_html_())  # noqa: S314 - our own
        assert root.tag == "table"
        assert len({len(row) for row in root.iter("tr")}) == 1
    html = table._repr_html_()
    for row in table.rows:
        assert row.name in html
        assert row.accuracy is None or f"{100 * row.accuracy:.1f}" in html
    assert "Holm p" in html
    assert "raw p" in run.evaluate()._repr_html_()


def test_nothing_of_the_data_is_markup() -> None:
    view = hostile_view()
    table = tabulate(view, [RouterScores(HOSTILE, np.full((2, 2), 0.5))], [PolicySpec("argmax")])
    for html in (table._repr_html_(), find_subsets(view.prepared, view.pool)._repr_html_()):
        assert "&lt;script&gt;" in html
        assert "<script" not in html
        assert not {"\x1b", "\u202e"} & set(html)
    assert not {"\x1b", "\u202e"} & set(repr(table["oracle"]) + repr(table.rows[-1]))


def test_a_table_for_pandas(run, monkeypatch) -> None:
    pandas = pytest.importorskip("pandas")
    table = run.evaluate()
    frame = table.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert list(frame["name"]) == [row.name for row in table.rows]
    assert frame["accuracy"].dtype == np.float64
    assert np.isnan(frame["accuracy_low"][1])  # random's
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'selectllm\[pandas\]'"):
        table.to_pandas()


def test_the_command_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "selectllm_tui", "--help"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "selectllm" in done.stdout


def test_a_run_names_its_policies(run) -> None:
    assert {"argmax", "threshold"} <= set(run.policies)
    with pytest.raises(UsageError, match="no router"):
        run.evaluate(policy=run.policies[0])


def test_a_tables_cells_tell_a_policys_value_and_costs() -> None:
    outcomes = make_outcomes(labels=[[True, False], [False, True]], cost=[0.25, 0.5])
    view = view_of(Prepared(outcomes), sl.Pool.of(outcomes.llms))
    scores = RouterScores("mine", np.full((2, 2), 0.5))
    shown = tabulate(view, [scores], [PolicySpec("cost-aware", 0.5)])._repr_html_()
    assert ">mine cost-aware:0.5<" in shown
    assert ">cost $<" in shown
    assert ">0.25000<" in shown
    assert shown.count("</tr>") == shown.count("<tr>")
