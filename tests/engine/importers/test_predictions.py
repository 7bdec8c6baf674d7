"""The study's released predictions: read without running anything, checked row by row, stored whole or not at all."""

import csv
import inspect
import math
from importlib import import_module

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.errors import CacheError, ImportFormatError, UnknownNameError, UsageError
from selectllm_engine.importers import FORMATS
from selectllm_engine.importers.predictions import import_predictions
from selectllm_engine.importers.printed_lists import names, numbers
from selectllm_engine.store.frames import read_frame
from selectllm_engine.store.outcome_arrays import load_outcomes

HEADER = ["question", "split", "true_label", "prediction", "raw_predictions", "confidence"]
# "-" sorts before "_", so the column of gemma-7b-it comes first.
ROWS = [
    ["1+1?", "train", "['maj_gemma-7b_LM']", "['maj_gemma-7b-it_CHAT']", "[1 0]", "[ 1.5000000e+00 -2.0e-01]"],
    ["2+2?", "val", "[]", "[]", "[0, 0]", "[-1.25, -0.5]"],
    ["3+3?", "test", "['maj_gemma-7b-it_CHAT'\n 'maj_gemma-7b_LM']", "['maj_gemma-7b_LM']", "[0. 1.]", "[-0.1\n  0.3]"],
    ["3+3?", "test", "['maj_gemma-7b_LM']", "[\"maj_gemma-7b_LM\", 'maj_gemma-7b-it_CHAT']", "[1, 1]", "[0.1, 0.2]"],
]
LLMS = ("maj_gemma-7b-it_CHAT", "maj_gemma-7b_LM")


@pytest.fixture
def write_predictions(tmp_path):
    def write_predictions(rows=ROWS, header=HEADER):
        path = tmp_path / "predictions.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *rows])
        return path

    return write_predictions


def changed(row, **cells):
    return [cells.get(name, cell) for name, cell in zip(HEADER, row, strict=True)]


def files(cache):
    return sorted(path for path in cache.root.rglob("*") if path.is_file() and not path.name.startswith("."))


def test_labels_logits_and_probabilities(cache, write_predictions):
    done = import_predictions(cache, write_predictions(), "gsm8k")
    assert (done.llms, done.rows, done.splits) == (LLMS, 4, {"train": 1, "validation": 1, "test": 2})
    assert done.notes == ("1 rows repeat the text of another; each counts as a question of its own",)
    assert cache.llms("gsm8k") == list(LLMS)
    outcomes = load_outcomes(cache, "gsm8k", "test")
    assert outcomes.labels.tolist() == [[True, True], [False, True]]
    assert outcomes.answers is None
    assert outcomes.samples == 0
    assert outcomes.questions["text"].to_list() == ["3+3?", "3+3?"]
    assert outcomes.questions["question_id"].n_unique() == 2
    assert outcomes.latency[0].tolist() == pytest.approx([0.70, 7.10])  # the study's, by the authors' spellings
    assert np.isnan(outcomes.cost).all()
    folder = cache.router_dir("gsm8k", "imported")
    assert cache.routers("gsm8k") == ["imported"]
    logits = read_frame(folder / "logits.parquet")
    assert logits.columns == ["question_id", "split", *LLMS]
    assert logits.select(LLMS).rows() == [(1.5, -0.2), (-1.25, -0.5), (-0.1, 0.3), (0.1, 0.2)]
    probabilities = read_frame(folder / "probabilities.parquet")
    assert probabilities.schema[LLMS[0]] == pl.Float32
    assert probabilities[LLMS[0]].to_list() == pytest.approx([1 / (1 + math.exp(-x)) for x in logits[LLMS[0]]])
    assert read_frame(folder / "predicted.parquet").select(LLMS).rows() == [(1, 0), (0, 0), (0, 1), (1, 1)]
    assert cache.verify() == []


def test_the_studys_latencies_do_not_depend_on_how_the_benchmark_is_spelt(cache, write_predictions):
    import_predictions(cache, write_predictions(), "MMLU")
    assert load_outcomes(cache, "MMLU", "test").latency[0].tolist() == pytest.approx([1.00, 3.00])


def test_latencies_given(cache, write_predictions):
    import_predictions(cache, write_predictions(), "other", latency={LLMS[1]: 3.5})
    latency = load_outcomes(cache, "other", "test").latency
    assert latency[:, 1].tolist() == [3.5, 3.5]
    assert np.isnan(latency[:, 0]).all()


@pytest.mark.parametrize(("latency", "error"), [({"gemma": 1.0}, UnknownNameError), ({LLMS[0]: -1.0}, UsageError)])
def test_impossible_latencies(cache, write_predictions, latency, error):
    with pytest.raises(error):
        import_predictions(cache, write_predictions(), "b", latency=latency)
    assert not cache.root.exists()


def test_the_same_file_again_changes_nothing(cache, write_predictions):
    import_predictions(cache, write_predictions(), "b")
    before = {path: path.read_bytes() for path in files(cache)}
    assert import_predictions(cache, write_predictions(), "b").unchanged
    assert {path: path.read_bytes() for path in files(cache)} == before
    with pytest.raises(CacheError, match="another benchmark 'b' already"):
        import_predictions(cache, write_predictions(ROWS[:3]), "b")
    with pytest.raises(CacheError, match="already"):
        import_predictions(cache, write_predictions(), "b", latency={LLMS[0]: 1.0})
    assert {path: path.read_bytes() for path in files(cache)} == before


def test_columns_of_llms_that_no_row_names(cache, write_predictions):
    rows = [changed(ROWS[0], raw_predictions="[1 0 0]", confidence="[1.5 -0.2 -3]")]
    with pytest.raises(ImportFormatError, match=r"3 numbers per row, but names 2 LLMs.*--llms"):
        import_predictions(cache, write_predictions(rows), "b")
    assert import_predictions(cache, write_predictions(rows), "b", llms=[*LLMS, "x"]).llms == (*LLMS, "x")
    assert load_outcomes(cache, "b", "train").labels.tolist() == [[False, True, False]]


def test_a_given_order_is_kept(cache, write_predictions):
    rows = [changed(ROWS[0], raw_predictions="[0 1]", confidence="[-0.2 1.5]")]
    with pytest.raises(ImportFormatError, match=r"row 1: raw_predictions mean \['maj_gemma-7b_LM'\].*--llms"):
        import_predictions(cache, write_predictions(rows), "b")
    assert import_predictions(cache, write_predictions(rows), "b", llms=LLMS[::-1]).llms == LLMS[::-1]
    assert cache.llms("b") == list(LLMS[::-1])


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"split": "dev"}, "row 3: split 'dev'"),
        ({"true_label": ""}, "row 3: true_label is empty"),
        ({"true_label": "__import__('os')"}, 'row 3: true_label has "__import__'),
        ({"prediction": "['a' ... 'b']"}, "row 3: prediction was shortened"),
        ({"raw_predictions": "[0 1 1]"}, "row 3: 3 numbers in raw_predictions where row 1 has 2"),
        ({"confidence": "[0.5]"}, "row 3: 1 numbers in confidence where row 1 has 2"),
        ({"confidence": "[nan 0.5]"}, "row 3: confidence has 'nan"),
        ({"confidence": "[1e999 0.5]"}, "row 3: confidence has '1e999' in it, which is too large"),
        ({"confidence": "[1.2.3]"}, "row 3: confidence has '1.2.3"),
        ({"raw_predictions": "[0 2]"}, "row 3: raw_predictions are not all 0 or 1"),
        ({"raw_predictions": "[1 0]"}, "row 3: raw_predictions mean .*1 of 4 rows differ"),
    ],
)
def test_a_wrong_row_is_named_and_nothing_is_stored(cache, write_predictions, cells, message):
    rows = [*ROWS[:2], changed(ROWS[2], **cells), ROWS[3]]
    with pytest.raises(ImportFormatError, match=message.replace("[", r"\[").replace("(", r"\(")):
        import_predictions(cache, write_predictions(rows), "b")
    assert not cache.root.exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column question, split"),
        (b"\xff\xfe", "no UTF-8"),
        (b"question,split,true_label,prediction,raw_predictions,confidence\n", "no rows"),
        (b"question,split,true_label,prediction,raw_predictions,confidence\na,b\n", "row 1: 2 cells under 6 headings"),
        (b"question,split,true_label,prediction,raw_predictions,confidence\na,test,[],[],[],[]\n", "no LLMs"),
        (b'question,split,true_label,prediction,raw_predictions,confidence\n"a" b,,,,,\n', "line 2"),
        (b'question,split,true_label,prediction,raw_predictions,confidence\n"a', "line 2: unexpected end of data"),
    ],
)
def test_files_that_are_something_else(cache, tmp_path, content, message):
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    with pytest.raises(ImportFormatError, match=message):
        import_predictions(cache, path, "b")
    assert not cache.root.exists()


def test_a_missing_file(cache, tmp_path):
    with pytest.raises(ImportFormatError, match="cannot read"):
        import_predictions(cache, tmp_path / "none.csv", "b")


def test_a_full_disk_leaves_no_benchmark(cache, write_predictions, monkeypatch):
    def full(*args):
        raise CacheError("cannot write_predictions: no space left on device")

    monkeypatch.setattr("selectllm_engine.importers.predictions.write_sealed", full)
    with pytest.raises(CacheError):
        import_predictions(cache, write_predictions(), "b")
    assert cache.benchmarks() == []
    assert files(cache) == []


def test_more_columns_and_a_byte_order_mark_do_no_harm(cache, tmp_path):
    path = tmp_path / "more.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file).writerows([["", *HEADER], *([n, *row] for n, row in enumerate(ROWS))])
    assert import_predictions(cache, path, "b").rows == 4


def test_line_separators_inside_questions(cache, write_predictions):
    text = "a\u2028b\x0bc\r\nd\x85e"
    import_predictions(cache, write_predictions([changed(ROWS[0], question=text)]), "b", llms=LLMS)
    assert cache.questions("b")["text"].to_list() == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", []),
        ("set()", []),
        ("['a', 'b']", ["a", "b"]),
        ("('a',)", ["a"]),
        ("array(['a' 'b'],\n dtype='<U20')", ["a", "b"]),
        ("[np.str_('a'), np.str_(\"it's\")]", ["a", "it's"]),
        (r"['a\'b\n']", ["a'b\n"]),
    ],
)
def test_printed_names(text, expected):
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1 0\n 1]", [1, 0, 1]),
        ("[ 1. -2.5e-03  .5]", [1, -0.0025, 0.5]),
        ("tensor([0.5, -inf], dtype=torch.float32, device='cuda:0')", [0.5, -math.inf]),
        ("[True, False]", [1, 0]),
        ("[[np.float64(0.1), 2]]", [0.1, 2]),
    ],
)
def test_printed_numbers(text, expected):
    assert numbers(text) == expected


@given(st.lists(st.text(st.characters(codec="utf-8"))))
def test_every_printed_list_of_strings_reads_back(values):
    assert names(str(values)) == values
    assert names(str(tuple(values))) == values


@given(st.lists(st.floats(allow_nan=False)))
def test_every_printed_list_of_numbers_reads_back_exactly(values):
    assert numbers(str(values)) == values
    assert numbers(str([np.float64(value) for value in values])) == values


@given(st.text())
def test_any_text_is_a_list_or_a_clear_refusal(text):
    for parse in (names, numbers):
        try:
            parse(text)
        except (ValueError, SyntaxError) as error:
            assert str(error)  # noqa: PT017


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_function_that_takes_its_options(name):
    entry = FORMATS[name]
    module, _, function = entry.target.partition(":")
    taken = inspect.signature(getattr(import_module(f"selectllm_engine.importers.{module}"), function)).parameters
    named = {each.name for each in entry.own}
    if list(taken)[:3] != ["path", "reading", "progress"]:  # else `importer` adds what all of its kind take
        named |= {"options", "progress"} if entry.assembled else set()
        assert list(taken)[:3] == ["cache", "path", "benchmark"]
    if any(each.kind is each.VAR_KEYWORD for each in taken.values()):
        named = {name for name in named if name in taken} | {"columns"}
    assert set(list(taken)[3:]) == named
    assert all(each.help.endswith(".") for each in entry.own)
