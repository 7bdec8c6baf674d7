"""Cells of foreign tables: chat messages, lists of samples, options in any dress, numbers with a comma."""

import json

import polars as pl
import pytest

from selectllm_engine.errors import ImportFormatError
from selectllm_engine.importers.cells import lists, numbers, samples, texts, written
from selectllm_engine.importers.table import TableColumns, import_table
from selectllm_engine.store import load_outcomes


def wrong(row, problem, remedy):
    return ImportFormatError(f"row {row + 1}: {problem}", remedy)


ASKED = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is 2?"}]
SAID = {"role": "assistant", "content": "It is 2."}
PARTS = {"role": "assistant", "content": [{"type": "text", "text": "It is"}, {"type": "image"}, {"text": "2."}]}


@pytest.mark.parametrize("as_text", [True, False])
def test_chat_messages_become_their_text(as_text):
    def column(value):
        return pl.Series("c", [json.dumps(value)]) if as_text else pl.Series("c", [value])

    assert texts(column([*ASKED, SAID])).to_list() == ["What is 2?"]
    assert written(column([*ASKED, SAID])).to_list() == ["It is 2."]
    assert written(column(SAID)).to_list() == ["It is 2."]
    assert written(column([{"role": "user", "content": "alone"}])).to_list() == ["alone"]


def test_parts_of_a_message_and_what_is_none():
    assert written(pl.Series("c", [json.dumps(PARTS)])).to_list() == ["It is\n2."]
    odd = ['{"content": ', '["content"]', "[1, 2]", '{"a": 1}', None, "plain"]
    assert written(pl.Series("c", odd)).to_list() == odd
    with pytest.raises(ImportFormatError, match="column 'c' holds Struct"):
        written(pl.Series("c", [{"a": 1}]))


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (['["a", "b"]', '["c"]'], [["a", "b"], ["c"]]),
        (['["a"]', None], [["a"], None]),
        (['["a"]', "b"], None),  # what an LLM wrote may be a list
        (["[1, 2]", "[3]"], None),
        (['[["a"]]', '["b"]'], None),
        ([json.dumps([SAID, SAID])], [["It is 2.", "It is 2."]]),
        ([json.dumps([*ASKED, SAID])], None),  # one conversation
        (["plain"], None),
        ([None], None),
    ],
)
def test_lists_of_samples(cells, expected):
    found = samples(pl.Series("c", cells, dtype=pl.String))
    assert (None if found is None else found.to_list()) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('["x", "y"]', ["x", "y"]),
        ("['x', \"it's y\"]", ["x", "it's y"]),
        ("('x', 'y')", ["x", "y"]),
        ("array(['x', 'y'], dtype=object)", None),
        ("{'text': ['x', 'y'], 'label': ['A', 'B']}", ["x", "y"]),
        ('{"text": ["x", "y"], "label": ["A", "B"]}', ["x", "y"]),
        ('{"A": "x", "B": "y"}', ["x", "y"]),
        ("{'a': 'x', 'b': 'y'}", ["x", "y"]),
        ("x | y", ["x", "y"]),
        ("[1, 2]", ["1", "2"]),
        ("['C:\\dir', 'y']", ["C:\\dir", "y"]),
    ],
)
def test_options_in_any_dress(cell, expected):
    column = pl.Series("c", [cell])
    if expected is None:
        lists(column, wrong)  # whatever it is, it is no crash
    else:
        assert lists(column, wrong).to_list() == [expected]


@pytest.mark.parametrize("cell", ["{'x': 1}", "{1, 2}", "(x", "[open", "{'text': 3}", "(1).real"])
def test_options_that_are_none(cell):
    with pytest.raises(ImportFormatError, match="row 1: c is no list"):
        lists(pl.Series("c", [cell]), wrong)


def test_numbers_with_a_comma_for_a_point():
    column = pl.Series("c", ["0,5", "1", "-2,25", "1.5", "", None])
    assert numbers(column, wrong, decimal_comma=True).to_list() == [0.5, 1, -2.25, 1.5, None, None]
    with pytest.raises(ImportFormatError, match="c '0,5' is no number"):
        numbers(column, wrong)


# Tables


@pytest.mark.parametrize(("name", "separator"), [("a.csv", ";"), ("a.csv", "\t"), ("a.tsv", "\t"), ("a.csv", ",")])
def test_separators(cache, tmp_path, name, separator):
    rows = [["q", "m", "s"], ["One?", "1", "0,5" if separator != "," else "0.5"], ["Two?", "0", "1"]]
    path = tmp_path / name
    path.write_text("\n".join(separator.join(row) for row in rows), "utf-8")
    import_table(cache, path, "b", TableColumns(question="q", llms=("m",), latency="s"))
    assert cache.verdicts("b", "m").select("score", "latency").rows() == [(1.0, 0.5), (0.0, 1.0)]


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet"])
@pytest.mark.parametrize("wide", [True, False])
def test_k_texts_in_a_list_are_k_samples(cache, tmp_path, suffix, wide):
    rows = [
        {
            "q": f"What is {n}?",
            "llm": "m",
            "m says": [f"It is {n}.", "It is 9.", f"It is {n}."],
            "ok": [1, 0, 1],
            "g": n,
        }
        for n in range(3)
    ]
    path = tmp_path / f"a{suffix}"
    if suffix == ".parquet":
        pl.DataFrame(rows).write_parquet(path)
    else:
        path.write_text("\n".join(map(json.dumps, rows)) if suffix == ".jsonl" else json.dumps(rows), "utf-8")
    who = {"llms": ("m",)} if wide else {"llm": "llm"}
    import_table(cache, path, "b", TableColumns(question="q", text="m says", score="ok", gold="g", **who))
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.samples == 3
    assert outcomes.labels.all()
    assert cache.verdicts("b", "m")["score"].to_list() == [1, 0, 1] * 3


def test_one_score_of_k_texts_is_that_of_the_vote(cache, tmp_path):
    rows = [{"q": f"What is {n}?", "t": [f"{n}", "9", f"{n}"], "ok": 1, "g": n, "s": 2.5} for n in range(3)]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    columns = TableColumns(question="q", llm_name="m", text="t", score="ok", gold="g", latency="s")
    import_table(cache, path, "b", columns)
    assert cache.verdicts("b", "m").select("sample", "score").rows() == [(0, 1.0)] * 3
    assert load_outcomes(cache, "b", "test").samples == 3
    assert load_outcomes(cache, "b", "test").latency[0, 0] == 2.5


def test_lists_of_different_lengths(cache, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"q": "1?", "t": ["1", "2"], "ok": [1], "g": 1}), "utf-8")
    with pytest.raises(ImportFormatError, match="lists of different lengths in score and text"):
        import_table(cache, path, "b", TableColumns(question="q", llm_name="m", text="t", score="ok", gold="g"))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_blank_text_is_an_llms_silence_in_csv_as_in_json(cache, tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    rows = [("1?", "It is 1", 1), ("2?", "", 2)]
    if suffix == ".csv":
        path.write_text("q,t,g\n" + "\n".join(f"{q},{t},{g}" for q, t, g in rows), "utf-8")
    else:
        path.write_text("\n".join(json.dumps({"q": q, "t": t, "g": g}) for q, t, g in rows), "utf-8")
    import_table(cache, path, "b", TableColumns(question="q", llm_name="m", text="t", gold="g"))
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.labels[:, 0].tolist() == [True, False]
    assert (outcomes.unanswered[0].samples, outcomes.unanswered[0].empty) == (2, 1)


def test_gold_answers_in_lists(cache, tmp_path):
    rows = [{"q": "1?", "t": "one", "g": ["One"]}, {"q": "2?", "t": "two", "g": ["two", "deux"]}]
    for suffix in (".jsonl", ".parquet"):
        path = tmp_path / f"a{suffix}"
        if suffix == ".parquet":
            pl.DataFrame(rows).write_parquet(path)
        else:
            path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
        import_table(cache, path, suffix[1:], TableColumns(question="q", llm_name="m", text="t", gold="g"))
        assert cache.questions(suffix[1:])["gold"].to_list() == ["one", None]
