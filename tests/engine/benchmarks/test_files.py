import contextlib
import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.benchmarks import QUESTION_SCHEMA, Exemplar, load_benchmark
from selectllm_engine.errors import BenchmarkError, SelectLLMError


def write(path, text):
    path.write_text(text, encoding="utf-8", newline="")
    return path


def jsonl(path, *rows):
    return write(path, "".join(json.dumps(row) + "\n" for row in rows))


def asked(data, name="mine"):
    return load_benchmark(name, data=data).questions


def test_the_smallest_file_is_a_question_and_an_answer(tmp_path):
    questions = asked(jsonl(tmp_path / "q.jsonl", {"question": "How many legs has a crab?", "answer": 10}))
    assert questions.schema == QUESTION_SCHEMA
    assert questions.row(0, named=True) == {
        "question_id": "mine-0001",
        "split": "test",
        "subject": None,
        "text": "How many legs has a crab?",
        "choices": None,
        "gold": "10",
        "kind": "number",
    }


def test_every_column_is_read(tmp_path):
    benchmark = load_benchmark(
        "mine",
        data=jsonl(
            tmp_path / "q.jsonl",
            {"id": "k1", "question": "Who?", "answer": "Ann.", "split": "Train", "subject": "people", "kind": "word"},
            {"id": 7, "question": "Sky?", "answer": "blue", "choices": ["red", "blue"], "split": "val"},
            {"id": "e", "question": "Two twos?", "answer": "4", "split": "dev", "rationale": "2 + 2 = 4."},
        ),
    )
    rows = benchmark.questions.select("question_id", "split", "subject", "choices", "gold", "kind").rows()
    assert rows == [
        ("k1", "train", "people", None, "ann", "word"),
        ("7", "validation", None, ["red", "blue"], "B", "letter"),
    ]
    assert benchmark.exemplars == (Exemplar("Two twos?", "4", rationale="2 + 2 = 4."),)


def test_csv_fields_hold_commas_quotes_and_newlines(tmp_path):
    text = 'question,answer,choices\r\n"Which one,\nsays ""no""?","yes, and no","yes|""no""|yes, and no"\r\n'
    row = asked(write(tmp_path / "q.csv", "\ufeff" + text)).row(0, named=True)
    assert row["text"] == 'Which one,\nsays "no"?'
    assert row["choices"] == ["yes", '"no"', "yes, and no"]
    assert row["gold"] == "C"


def test_csv_choices_can_be_json_or_columns(tmp_path):
    listed = write(tmp_path / "a.csv", 'question,answer,choices\nPick,B,"[""x|y"", ""z""]"\n')
    assert asked(listed)["choices"].to_list() == [["x|y", "z"]]
    columns = write(
        tmp_path / "b.csv", "question,A,B,C,answer\nPick,one,two,three,two\nPick again,one,two,,(a)\nSay,,,,hi\n"
    )
    questions = asked(columns)
    assert questions["choices"].to_list() == [["one", "two", "three"], ["one", "two"], None]
    assert questions["gold"].to_list() == ["B", "A", "hi"]


def test_parquet_keeps_its_lists(tmp_path):
    path = tmp_path / "q.parquet"
    pl.DataFrame({"question": ["Pick", "Add"], "answer": ["b", "5.50"], "choices": [["a", "b"], None]}).write_parquet(
        path
    )
    questions = asked(path)
    assert questions["gold"].to_list() == ["B", "5.5"]
    assert questions["kind"].to_list() == ["letter", "number"]


def test_a_folders_files_are_splits_by_name(tmp_path):
    jsonl(tmp_path / "train.jsonl", {"question": "a", "answer": "x"}, {"question": "b", "answer": "y"})
    write(tmp_path / "test.csv", "question,answer\nc,z\n")
    jsonl(tmp_path / "exemplar.jsonl", {"question": "d", "answer": "w"})
    (tmp_path / "notes.txt").write_text("not a question", encoding="utf-8")
    benchmark = load_benchmark("mine", data=tmp_path)
    rows = benchmark.questions.select("question_id", "split").rows()
    assert rows == [("test-0001", "test"), ("train-0001", "train"), ("train-0002", "train")]
    assert benchmark.exemplars == (Exemplar("d", "w"),)


@pytest.mark.parametrize(
    ("answer", "gold", "kind"),
    [
        ("1,200", "1200", "number"),
        ("$3.50", "3.5", "number"),
        ("-4", "-4", "number"),
        ("40%", "40", "number"),
        ("1/2", "0.5", "number"),
        (72.0, "72", "number"),
        (0, "0", "number"),
        ("Route 66", "route 66", "word"),
        ("4th", "4th", "word"),
        (True, "true", "word"),
    ],
)
def test_kinds_follow_from_the_answers(tmp_path, answer, gold, kind):
    row = asked(jsonl(tmp_path / "q.jsonl", {"question": "q", "answer": answer})).row(0, named=True)
    assert (row["gold"], row["kind"]) == (gold, kind)


GOOD = {"question": "q", "answer": "a"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "q.jsonl is empty"),
        ([GOOD, {"Question": "q", "answer": "a"}], "line 2: no column 'question'; rename 'Question' to 'question'"),
        ([{"text": "q", "solution": "a"}], "line 1: no column 'question'; it has 'text', 'solution'"),
        ([{}], "line 1: no column 'question'; it has none"),
        ([GOOD | {"answer": None}], "line 1: column 'answer' is empty"),
        ([GOOD | {"question": " \n"}], "line 1: column 'question' is empty"),
        ([GOOD | {"answer": ["a"]}], "line 1: column 'answer' holds list, not text"),
        ([GOOD | {"question": "half \ud800"}], "line 1: column 'question' holds half of a surrogate pair"),
        ([GOOD | {"id": "x"}, GOOD | {"id": "x"}], "line 2: id 'x' is also that of q.jsonl, line 1"),
        ([GOOD | {"split": "tset"}], "line 1: no split 'tset'; did you mean 'test'"),
        ([GOOD | {"split": "dev"}], "holds exemplars only"),
        ([GOOD, GOOD | {"split": "dev"}], "line 2: this exemplar is also the question of q.jsonl, line 1"),
        ([GOOD | {"kind": "numeric"}], "line 1: no kind 'numeric'; did you mean 'number'"),
        ([GOOD | {"kind": "number"}], "line 1: answer 'a' is no number"),
        ([GOOD | {"kind": "letter"}], "line 1: kind 'letter' does not go with no choices"),
        ([GOOD | {"choices": ["x", "y"], "kind": "word"}], "line 1: kind 'word' does not go with choices"),
        (
            [GOOD | {"choices": ["x", "y"], "answer": "z"}],
            r"line 1: answer 'z' is none of the choices \['x', 'y'\]; .*\(A\) to \(B\)",
        ),
        ([GOOD | {"choices": ["x", "y"], "answer": "C"}], "line 1: answer 'C' is none of the choices"),
        ([GOOD | {"choices": ["x", "x"], "answer": "x"}], "line 1: answer 'x' is more than one of the choices"),
        ([GOOD | {"choices": ["B", "A"], "answer": "A"}], "line 1: answer 'A' is more than one of the choices"),
        ([GOOD | {"choices": ["x"]}], "line 1: 1 choices; give 2 to 26"),
        ([GOOD | {"choices": list("abcdefghijklmnopqrstuvwxyz0")}], "line 1: 27 choices"),
        ([GOOD | {"choices": ["x", None]}], "line 1: column 'choices' is empty"),
        ([GOOD | {"choices": {"A": "x"}}], "line 1: 'choices' is no list"),
        ([GOOD | {"choices": '["x", '}], "line 1: 'choices' is no JSON list"),
    ],
)
def test_bad_rows_are_named(tmp_path, rows, said):
    with pytest.raises(BenchmarkError, match=said) as caught:
        asked(jsonl(tmp_path / "q.jsonl", *rows))
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("q.jsonl", b'{"question": "a", "answer": "b"}\n{"question": \n', "q.jsonl, line 2 is no JSON"),
        ("q.jsonl", b"[1, 2]\n", "q.jsonl, line 1 is no JSON object"),
        ("q.jsonl", b"[" * 100_000, "q.jsonl, line 1 is no JSON"),
        ("q.jsonl", b'{"question": "caf\xe9", "answer": "b"}\n', r"q.jsonl is not UTF-8 \(byte 17\)"),
        ("q.csv", b"", "q.csv is empty"),
        ("q.csv", b"question,answer\n", "q.csv is empty"),
        ("q.csv", b"question,answer\na,b,c\n", "q.csv, row 1 has 3 fields, the header 2"),
        ("q.csv", b'question,answer\n"a,b\n', "q.csv, line 2 is no CSV"),
        ("q.csv", b"question,answer,answer\na,b,c\n", "two columns 'answer'"),
        ("q.csv", b"question;answer\na;b\n", "no column 'question'; it has 'question;answer'"),
        ("q.parquet", b"PAR1 not really", "q.parquet is no Parquet file"),
        ("q.parquet", b"", "q.parquet is no Parquet file"),
        ("q.xlsx", b"", "is no JSONL, CSV or Parquet file"),
    ],
)
def test_bad_files_are_named(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(BenchmarkError, match=said) as caught:
        asked(path)
    assert "\n" not in str(caught.value)


def test_bad_paths_are_named(tmp_path):
    with pytest.raises(BenchmarkError, match="no file or folder"):
        asked(tmp_path / "absent.jsonl")
    with pytest.raises(BenchmarkError, match="holds no JSONL, CSV or Parquet"):
        asked(tmp_path)


def test_a_letter_in_parentheses_is_a_letter_even_where_options_are_letters(tmp_path):
    row = {"question": "Which letter is last?", "choices": ["B", "A"], "answer": "(A)"}
    assert asked(jsonl(tmp_path / "q.jsonl", row))["gold"].item() == "A"


def test_odd_line_separators_stay_in_the_text(tmp_path):
    text = "one\u2028two\u0085three\x1b[2J\u202e"
    path = write(tmp_path / "q.jsonl", json.dumps({"question": text, "answer": "x"}, ensure_ascii=False))
    assert asked(path)["text"].item() == text


@given(content=st.binary(max_size=200), suffix=st.sampled_from(["jsonl", "csv", "parquet"]))
def test_no_file_makes_another_error(tmp_path_factory, content, suffix):
    path = tmp_path_factory.mktemp("any") / f"q.{suffix}"
    path.write_bytes(content)
    with pytest.raises(SelectLLMError):
        asked(path)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=12) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)
json_rows = st.lists(
    st.dictionaries(
        st.sampled_from(["question", "answer", "choices", "A", "B", "split", "kind", "id", "subject", "rationale"]),
        json_values | st.sampled_from(["test", "dev", "A", "number", "letter", "word"]),
    ).map(lambda row: {"question": "q", "answer": "A"} | row),
    max_size=3,
)


@given(json_rows)
def test_any_json_is_read_or_refused_in_one_line(tmp_path_factory, rows):
    path = jsonl(tmp_path_factory.mktemp("any") / "q.jsonl", *rows)
    try:
        benchmark = load_benchmark("mine", data=path)
    except BenchmarkError as error:
        said = str(error)
    else:
        said = ""
        assert benchmark.questions.height + len(benchmark.exemplars) == len(rows)
        assert benchmark.questions.schema == QUESTION_SCHEMA
    assert "\n" not in said


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
def test_any_csv_is_read_or_refused(tmp_path_factory, text):
    path = write(tmp_path_factory.mktemp("any") / "q.csv", f"question,answer,choices\n{text}")
    with contextlib.suppress(BenchmarkError):
        assert asked(path).height > 0
