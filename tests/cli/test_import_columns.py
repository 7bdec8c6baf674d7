"""Columns of types that are neither text nor numbers: row, column and what to do; categories are texts."""

from datetime import timedelta

import polars as pl
import pytest

from selectllm_engine.importers import source_files
from selectllm_engine.store.cache import Cache

ROLES = {  # where the odd column `x` stands
    "question": ["--question", "x", "--llm-name", "m", "--score", "s"],
    "id": ["--question", "q", "--llm-name", "m", "--score", "s", "--id", "x"],
    "subject": ["--question", "q", "--llm-name", "m", "--score", "s", "--subject", "x"],
    "LLM": ["--question", "q", "--llm", "x", "--score", "s"],
    "score": ["--question", "q", "--llm-name", "m", "--score", "x"],
    "a wide table's score": ["--question", "q", "--llms", "x"],
    "scores": ["--question", "q", "--scores", "x"],
    "latency": ["--question", "q", "--llm-name", "m", "--score", "s", "--latency", "x"],
    "sample": ["--question", "q", "--llm-name", "m", "--score", "s", "--sample", "x"],
    "text": ["--question", "q", "--llm-name", "m", "--gold", "g", "--text", "x"],
    "answer": ["--question", "q", "--llm-name", "m", "--gold", "g", "--text", "q", "--answer", "x"],
    "gold": ["--question", "q", "--llm-name", "m", "--gold", "x", "--text", "q"],
    "choices": ["--question", "q", "--llm-name", "m", "--gold", "g", "--text", "q", "--choices", "x"],
}
ODD = {
    "binary": (pl.Series([None, b"\xff", b"b"]), "holds Binary; write it as text"),
    "durations": (pl.Series([None, timedelta(1), timedelta(2)]), "holds Duration(time_unit='us'); write it as text"),
    "lists of binary": (pl.Series([None, [b"\xff"], [b"b"]]), "holds List(Binary); write it as text"),
}


def write(path, **columns):
    whole = {"q": ["1?", "2?", "3?"], "g": ["1", "2", "3"], "s": [1.0, 0.0, 1.0], **columns}
    pl.DataFrame(whole).write_parquet(path)
    return str(path)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("odd", ODD)
def test_what_is_neither_text_nor_number_is_named(selectllm, tmp_path, role, odd):
    column, said = ODD[odd]
    path = write(tmp_path / "a.parquet", x=column)
    code, out, err = selectllm("import", "table", path, "--benchmark", "b", *ROLES[role], cache=tmp_path / "cache")
    assert (code, out) == (1, "")
    assert err.startswith(f"error: a.parquet, row 2: column 'x' {said}")
    assert err.count("\n") == 1


def test_rows_are_counted_through_all_batches(selectllm, tmp_path, monkeypatch):
    monkeypatch.setattr(source_files, "_WHOLE", 0)
    monkeypatch.setattr(source_files, "_BATCH", 1)
    numbers = [str(n) for n in range(3000)]
    odd = pl.Series([None] * 2500 + [b"x"] * 500, dtype=pl.Binary)
    path = write(tmp_path / "a.parquet", q=numbers, g=numbers, s=[1.0] * 3000, x=odd)
    err = selectllm("import", "table", path, "--benchmark", "b", *ROLES["subject"], cache=tmp_path / "cache")[2]
    assert err.startswith("error: a.parquet, row 2501: column 'x' holds Binary; ")


@pytest.mark.parametrize("dtype", [pl.Categorical, pl.Enum(["0", "1"])])
@pytest.mark.parametrize("role", [role for role in ROLES if role not in {"scores", "sample", "id"}])
def test_categories_are_their_texts(selectllm, tmp_path, dtype, role):
    path = write(tmp_path / "a.parquet", x=pl.Series(["1", "0", "1"], dtype=dtype), g=["1", "0", "1"])
    found = selectllm("import", "table", path, "--benchmark", "b", *ROLES[role], cache=tmp_path / "cache")
    assert found[0] == 0, found[2]
    if "score" in role:
        llm = "m" if role == "score" else "x"
        assert Cache(tmp_path / "cache").verdicts("b", llm)["score"].to_list() == [1.0, 0.0, 1.0]


def test_categories_that_are_no_numbers_are_named(selectllm, tmp_path):
    path = write(tmp_path / "a.parquet", x=pl.Series(["1", "good", "1"], dtype=pl.Categorical))
    err = selectllm("import", "table", path, "--benchmark", "b", *ROLES["score"], cache=tmp_path / "cache")[2]
    assert err == "error: a.parquet, row 2: x 'good' is no number; correct it or leave the cell empty\n"


@pytest.mark.parametrize(
    ("role", "column", "said"),
    [
        ("scores", pl.Series([{"m": b"\xff"}] * 3), "column 'score of m' holds Binary, not numbers; name another"),
        ("choices", pl.Series([[[1]]] * 3), "a.parquet, row 1: x holds lists within lists; write a list of texts"),
        ("choices", pl.Series([{"x": b"\xff", "y": 1}] * 3), "a.parquet, row 1: x is no list; write it as JSON"),
    ],
)
def test_what_is_odd_within_objects_and_lists(selectllm, tmp_path, role, column, said):
    path = write(tmp_path / "a.parquet", x=column)
    err = selectllm("import", "table", path, "--benchmark", "b", *ROLES[role], cache=tmp_path / "cache")[2]
    assert err.startswith(f"error: {said}")
    assert err.count("\n") == 1
