"""Tables whose columns a person names: wide and long, of every format, damaged and hostile ones too."""

import csv
import json
import zipfile
from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paths import SHARED
from selectllm_engine.api import load
from selectllm_engine.errors import ImportFormatError, SelectLLMError, UnknownNameError, UsageError
from selectllm_engine.importers import source_files
from selectllm_engine.importers.assembly import Options
from selectllm_engine.importers.table import TableColumns, import_table
from selectllm_engine.insights.disagreements import find_disagreements
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.outcome_arrays import load_outcomes

WIDE = [
    {"q": "1+1?", "gold": "2", "m": "0.9", "n": "0.1", "m text": "It is 2", "n text": "It is 3", "s": "train"},
    {"q": "2+2?", "gold": "4", "m": "true", "n": "", "m text": "4", "n text": None, "s": "test"},
    {"q": "3+3?", "gold": "6", "m": "0", "n": "1", "m text": "I say 7", "n text": "Six? 6", "s": "test"},
]
COLUMNS = TableColumns(question="q", llms=("m", "n"), gold="gold", text="{llm} text", split="s")
SCORES = TableColumns(question="q", llms=("m", "n"))


@pytest.fixture
def shared():
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/data")
    return SHARED


def write(folder, rows, suffix, name="table"):
    path = folder / f"{name}{suffix}"
    if suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    elif suffix == ".parquet":
        pl.DataFrame(rows).write_parquet(path)
    else:
        text = json.dumps(rows) if suffix == ".json" else "".join(f"{json.dumps(row)}\n" for row in rows)
        path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".ndjson", ".parquet"])
def test_a_wide_table_of_every_format(cache, tmp_path, suffix):
    done = import_table(cache, write(tmp_path, WIDE, suffix), "b", COLUMNS)
    assert (done.llms, done.rows, done.splits) == (("m", "n"), 3, {"train": 1, "test": 2})
    assert done.notes == ("n lacks 1 of 3 questions",)
    assert cache.generations("b", "m")["text"].to_list() == ["It is 2", "4", "I say 7"]
    assert cache.verdicts("b", "m")["score"].to_list() == [0.9, 1.0, 0.0]
    assert cache.answers("b", "n")["answer"].to_list() == ["3", "6"]
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.questions["text"].to_list() == ["3+3?"]  # n lacks the other one
    assert outcomes.labels.tolist() == [[False, True]]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_long_table(cache, tmp_path, suffix):
    rows = [
        {"llm": llm, "q": f"{n}+{n}?", "sample": sample, "score": float(n != 2), "time": 0.5 * n, "usd": 0.01}
        for n in (1, 2)
        for llm in ("x", "y")
        for sample in (1, 2)
    ]
    columns = TableColumns(question="q", llm="llm", score="score", sample="sample", latency="time", cost="usd")
    done = import_table(cache, write(tmp_path, rows, suffix), "b", columns)
    assert (done.llms, done.rows) == (("x", "y"), 8)
    assert cache.verdicts("b", "y")["sample"].to_list() == [0, 1, 0, 1]
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.labels.tolist() == [[True, True], [False, False]]
    assert outcomes.latency.tolist() == [[0.5, 0.5], [1.0, 1.0]]
    assert outcomes.cost[0].tolist() == pytest.approx([0.01, 0.01])


def test_rows_that_repeat_are_samples(cache, tmp_path):
    rows = [{"llm": "x", "q": "1+1?", "text": text, "gold": 2} for text in ("2", "3", "2")]
    columns = TableColumns(question="q", llm="llm", text="text", gold="gold")
    import_table(cache, write(tmp_path, rows, ".csv"), "b", columns)
    assert cache.generations("b", "x")["sample"].to_list() == [0, 1, 2]


@pytest.mark.parametrize("suffix", [".csv", ".json", ".jsonl", ".parquet"])
def test_nested_scores(cache, tmp_path, suffix):
    rows = [{"q": "1?", "scores": {"a": 1, "b": 0}}, {"q": "2?", "scores": {"a": 0.5, "b": None}}]
    if suffix == ".csv":
        rows = [{**row, "scores": json.dumps(row["scores"])} for row in rows]
    done = import_table(cache, write(tmp_path, rows, suffix), "b", TableColumns(question="q", scores="scores"))
    assert done.llms == ("a", "b")
    assert cache.verdicts("b", "a")["score"].to_list() == [1.0, 0.5]
    assert cache.verdicts("b", "b").height == 1


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet"])
def test_fields_of_objects(cache, tmp_path, suffix):
    rows = [{"q": "1?", "a": {"says": "It is 1", "right": True}, "b": {"says": "It is 2", "right": False}}]
    columns = TableColumns(question="q", llms=("a", "b"), score="{llm}.right", text="{llm}.says")
    import_table(cache, write(tmp_path, rows, suffix), "b", columns)
    assert cache.generations("b", "b")["text"].to_list() == ["It is 2"]
    assert cache.verdicts("b", "a")["score"].to_list() == [1.0]


@pytest.mark.parametrize("given", ['["x", "y, z"]', "x|y, z", ["x", "y, z"]])
def test_choices(cache, tmp_path, given):
    suffix = ".csv" if isinstance(given, str) else ".parquet"
    rows = [{"q": "Which?", "options": given, "gold": "y, z", "m": 1.0, "n": 0.0}]
    import_table(cache, write(tmp_path, rows, suffix), "b", replace(SCORES, choices="options", gold="gold"))
    question = cache.questions("b").row(0, named=True)
    assert (question["choices"], question["gold"], question["kind"]) == (["x", "y, z"], "B", "letter")


def test_texts_without_scores(cache, tmp_path):
    rows = [{"q": "1+1?", "g": "2", "a says": "2", "b says": "3"}]
    columns = TableColumns(question="q", llms=("a", "b"), text="{llm} says", gold="g")
    done = import_table(cache, write(tmp_path, rows, ".csv"), "b", columns)
    assert not done.both
    assert cache.verdicts("b", "a") is None
    assert load_outcomes(cache, "b", "test").labels.tolist() == [[True, False]]


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_silence_is_an_answer(cache, tmp_path, suffix):
    rows = [{"q": "1?", "a says": "", "b says": None, "g": 1}, {"q": "2?", "a says": "x", "b says": "", "g": 2}]
    path = write(tmp_path, rows, suffix)
    if suffix == ".csv":
        path.write_text('q,a says,b says,g\n1?,"",,1\n2?,x,"",2\n')
    import_table(cache, path, "b", TableColumns(question="q", llms=("a", "b"), text="{llm} says", gold="g"))
    assert cache.generations("b", "a")["text"].to_list() == ["", "x"]
    assert cache.generations("b", "b")["text"].to_list() == [""]


def test_rows_that_cannot_be_used_are_counted(cache, tmp_path):
    rows = [
        {"llm": llm, "q": q, "score": score}
        for llm, q, score in [("a", "1?", "1"), ("", "1?", "0"), ("b", "", "0"), ("b", "1?", "nan"), ("a", "2?", "0")]
    ]
    done = import_table(cache, write(tmp_path, rows, ".csv"), "b", TableColumns(question="q", llm="llm", score="score"))
    assert done.rows == 5
    assert done.skipped == {"no question": 1, "no LLM": 1, "neither score nor text": 1}
    assert done.llms == ("a",)


def test_large_files_are_read_in_batches(cache, tmp_path, monkeypatch):
    rows = [{"id": f"q{n}", "q": f"{n} and {n}?", "m": n % 2, "n": 1} for n in range(5000)]
    told = []
    for suffix in (".csv", ".parquet"):
        path = write(tmp_path, rows, suffix)
        import_table(cache, path, f"whole{suffix}", replace(SCORES, id="id"))
        with monkeypatch.context() as small:
            small.setattr(source_files, "_WHOLE", 1000)
            small.setattr(source_files, "_BATCH", 1000)
            import_table(
                cache,
                path,
                f"parts{suffix}",
                replace(SCORES, id="id"),
                progress=lambda done, total: told.append((done, total)),
            )
        assert cache.questions(f"whole{suffix}").equals(cache.questions(f"parts{suffix}"))
        assert cache.verdicts(f"whole{suffix}", "m").equals(cache.verdicts(f"parts{suffix}", "m"))
        assert len(told) > 2
        assert told[-1][0] == told[-1][1] == path.stat().st_size


def test_the_same_table_again_and_with_other_columns(cache, tmp_path):
    path = write(tmp_path, WIDE, ".csv")
    import_table(cache, path, "b", SCORES)
    assert import_table(cache, path, "b", SCORES).unchanged
    with pytest.raises(SelectLLMError, match="has results of m already"):
        import_table(cache, path, "b", COLUMNS)
    with pytest.raises(SelectLLMError, match="has results of m already"):
        import_table(cache, path, "b", SCORES, options=Options(threshold=0.9))


def test_llms_of_two_tables_join_on_the_question(cache, tmp_path):
    import_table(
        cache, write(tmp_path, WIDE, ".csv"), "b", replace(SCORES, llms=("m",)), options=Options(split_by=(34, 0, 66))
    )
    import_table(cache, write(tmp_path, WIDE[::-1], ".jsonl"), "b", replace(SCORES, llms=("n",)))
    assert cache.llms("b") == ["m", "n"]
    assert cache.questions("b")["text"].to_list() == ["1+1?", "2+2?", "3+3?"]
    assert cache.verdicts("b", "n")["question_id"].to_list() == ["b-000003", "b-000001"]


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        (
            TableColumns(question="q"),
            UsageError,
            "not said which columns are LLMs; give --llms .* table.csv has q, gold, m",
        ),
        (replace(SCORES, llm="m"), UsageError, "exclude each other"),
        (TableColumns(question="query", llms=("m",)), UnknownNameError, "no column 'query'"),
        (replace(SCORES, gold="godl"), UnknownNameError, "no column 'godl'; did you mean 'gold'"),
        (replace(SCORES, llms=("m", "m text 2")), UnknownNameError, "did you mean 'm text'"),
        (replace(SCORES, llms=("m", "m")), UsageError, "names an LLM twice"),
        (replace(SCORES, text="m text"), UsageError, r"--text m text is one column for several LLMs.*'\{llm\}_text'"),
        (replace(SCORES, text="{llm}-text"), UnknownNameError, "no column 'm-text'; did you mean 'm text'"),
        (TableColumns(question="q", llm="gold"), UsageError, "needs a column with scores or texts"),
        (TableColumns(question="q", scores="gold"), ImportFormatError, "row 1: gold is no object"),
        (
            TableColumns(question="q", llm="gold", score="m text"),
            ImportFormatError,
            "row 1: m text 'It is 2' is no number",
        ),
    ],
)
def test_columns_that_make_no_sense(cache, tmp_path, columns, error, message):
    with pytest.raises(error, match=message):
        import_table(cache, write(tmp_path, WIDE, ".csv"), "b", columns)
    assert cache.benchmarks() == []


GOOD = b'[{"q": "1?", "m": 1, "n": 0}]'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "a.csv is empty"),
        ("a.csv", b"q,m,n\n", "nothing to import"),
        ("a.csv", b"q:m:n\n1?:1:1\n", "no column 'm'"),
        ("a.csv", b"q,m,m,n\n1?,1,0,1\n", "two columns 'm'"),
        ("a.csv", b'q,m,n\n"1?,1,0\n2?,1,0\n', "cannot be read"),
        ("a.csv", b"q,m,n\n1?,1,0,5\n", "cannot be read"),
        ("a.csv", "q,m,n\né,1,0\n".encode("latin-1"), "cannot be read .*utf-8.*; convert it to UTF-8"),
        ("a.csv", "q,m,n\n1?,1,0\n".encode("utf-16"), "no UTF-8"),
        ("a.csv", b"q,m,n\n1?,1.5,0\n", "the score 1.5 of m on question 'b-000001' is not from 0 to 1"),
        ("a.csv", b"q,m,n\n1?,1,0\n2?,=1+1,0\n", "row 2: m '=1\\+1' is no number"),
        ("a.csv", b"q,m,n\n1?,85%,0\n", "row 1: m '85%' is no number"),
        ("a.json", GOOD[:-5], "is no JSON .* is it cut off"),
        ("a.json", b"[]", "holds no list of objects"),
        ("a.json", b"{}", "holds no list of objects"),
        ("a.json", b"[1]", "row 1 is no object"),
        ("a.json", b"[" * 200_000, "is no JSON"),
        ("a.json", b'[{"q": "1?", "m": ' + b"9" * 5000 + b"}]", "is no JSON"),
        ("a.json", b'[{"q": "1?", "m": 1e999, "n": 0}]', "the score inf"),
        ("a.json", b'[{"q": "1?", "m": [1], "n": 0}]', "column 'm' holds List"),
        ("a.json", GOOD + b"\xff", "no UTF-8"),
        ("a.jsonl", GOOD[1:-1] + b"\n" + GOOD[1:-9], "line 2 is no JSON"),
        ("a.jsonl", GOOD[1:-1] + b"\n3\n", "line 2 is no object"),
        ("a.jsonl", b"\n\n", "is empty"),
        ("a.parquet", b"PAR1", "no whole Parquet"),
        ("a.parquet", b"PAR1" + bytes(20) + b"PAR1", "cannot be read"),
        ("a.parquet", b"PAR1" + bytes(20) + b"\xff\xff\xff\x7fPAR1", "no whole Parquet"),
        ("a.parquet", GOOD, "no whole Parquet"),
        ("a.pkl", b"\x80\x04.", "is a pickle, .* convert it with pandas"),
        ("a.xlsx", b"PK", "is none of .csv"),
    ],
)
def test_damaged_and_hostile_files_change_nothing(cache, tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SelectLLMError, match=message) as caught:
        import_table(cache, path, "b", SCORES)
    assert "\n" not in str(caught.value)
    assert cache.benchmarks() == []


def test_a_truncated_parquet_file(cache, tmp_path):
    data = write(tmp_path, WIDE, ".parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(data[:-30])
    with pytest.raises(ImportFormatError, match="no whole Parquet file; is it cut off"):
        import_table(cache, tmp_path / "cut.parquet", "b", SCORES)


def test_nested_types_where_numbers_or_texts_belong(cache, tmp_path):
    path = write(tmp_path, [{"q": "1?", "m": [1.0], "n": 0.0, "t": {"x": 1}}], ".parquet")
    with pytest.raises(ImportFormatError, match=r"column 'm' holds List\(Float64\), not numbers"):
        import_table(cache, path, "b", SCORES)
    with pytest.raises(ImportFormatError, match="column 't' holds Struct"):
        import_table(cache, path, "b", replace(SCORES, llms=("n",), question="t"))
    with pytest.raises(UnknownNameError, match=r"no column 't.y'; did you mean 't.x'"):
        import_table(cache, path, "b", replace(SCORES, llms=("n",), gold="t.y"))


@pytest.mark.parametrize("name", ["none.csv", "folder.csv"])
def test_what_is_no_file(cache, tmp_path, name):
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ImportFormatError, match=r"cannot read|is a folder"):
        import_table(cache, tmp_path / name, "b", SCORES)


def test_a_byte_order_mark_and_blank_lines(cache, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfq,m,n\r\n1?,1,0\r\n\r\n2?,0,1\r\n")
    done = import_table(cache, path, "b", SCORES)
    assert (done.rows, done.skipped) == (3, {"no question": 1})
    assert cache.verdicts("b", "m")["score"].to_list() == [1.0, 0.0]


def test_file_names_are_no_patterns(cache, tmp_path):
    for name in ("a[1].csv", "*.csv", "a[1].parquet"):
        path = write(tmp_path, WIDE, name[name.rindex(".") :], name[: name.rindex(".")])
        assert import_table(cache, path, name.replace("*", "x"), SCORES).rows == 3


@pytest.mark.shared
def test_real_answers_of_two_llms(cache, shared, tmp_path):
    """RouteLLM's file with the gold answers of GSM8K: its strict verdicts, and where ours differ."""
    with (shared / "gsm8k/test.jsonl").open(encoding="utf-8") as lines:
        gold = {row["question"]: row["answer"] for row in map(json.loads, lines)}
    table = pl.read_csv(shared / "routellm/gsm8k_responses.csv")
    table.with_columns(gold=pl.col("prompt").replace_strict(gold)).write_parquet(tmp_path / "real.parquet")
    llms = ("mistralai/Mixtral-8x7B-Instruct-v0.1", "gpt-4-1106-preview")
    columns = TableColumns(question="prompt", llms=llms, text="{llm}_response", gold="gold")
    done = import_table(cache, tmp_path / "real.parquet", "b", columns, options=Options(split_by=(50, 10, 40)))
    assert (done.rows, done.skipped, done.splits) == (1319, {}, {"train": 660, "validation": 131, "test": 528})
    found = find_disagreements(load("b", cache))
    assert found.judged == 2638
    assert 0 < found.rows.height < 120
    assert found.rows["right"].mean() > 0.9  # "$57.00" against 57


@pytest.mark.shared
def test_real_answers_in_objects(cache, shared):
    llms = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
    columns = TableColumns(llms=llms, score="{llm}.is_correct", text="{llm}.solution", gold="ground_truth")
    done = import_table(cache, shared / "gsm8k/example_model_solutions.jsonl", "b", columns)
    assert (done.rows, done.llms) == (1319, llms)
    found = find_disagreements(load("b", cache))
    assert found.judged == 4 * 1319
    assert found.rows.height < 20


@pytest.mark.shared
def test_real_answers_with_ten_options(cache, shared, tmp_path):
    (archive,) = (shared / "mmlu_pro").glob("*.zip")
    with zipfile.ZipFile(archive) as file:
        (name,) = file.namelist()
        (tmp_path / "outputs.json").write_bytes(file.read(name))
    columns = TableColumns(
        llms=("llama",),
        text="generated_text",
        answer="pred",
        gold="answer",
        choices="options",
        id="question_id",
        subject="category",
    )
    done = import_table(cache, tmp_path / "outputs.json", "b", columns)
    assert done.rows == 12_032
    questions = cache.questions("b")
    assert (questions.height, questions["gold"].null_count()) == (12_032, 0)
    assert set(questions["kind"]) == {"letter"}
    assert 0.40 < load_outcomes(cache, "b", "test").labels.mean() < 0.47


@pytest.mark.parametrize("sample", ["inf", "1e12", "-1e300"])
def test_a_sample_that_is_no_number_of_one(cache, tmp_path, sample):
    path = write(tmp_path, [{"q": "What?", "llm": "a", "score": "1", "n": sample}], ".csv")
    with pytest.raises(ImportFormatError, match="has a sample"):
        import_table(cache, path, "b", TableColumns(question="q", llm="llm", score="score", sample="n"))


def test_a_column_of_texts_is_no_score_too(cache, tmp_path):
    path = write(tmp_path, [{"q": "What?", "a": "The answer is 4.", "gold": "4"}], ".csv")
    import_table(cache, path, "b", TableColumns(question="q", llms=("a",), text="{llm}", gold="gold"))
    assert cache.verdicts("b", "a") is None
    assert cache.generations("b", "a")["text"].to_list() == ["The answer is 4."]


@settings(max_examples=25)  # each makes two caches, synced to disk
@given(
    st.lists(
        st.sampled_from(["1", "0.25", " 0.5", "0.5 ", "TRUE", "false", "NaN", "n/a", "", "1e-1", '"0.75"']), max_size=8
    )
)
def test_scores_of_a_csv_are_the_same_whether_all_are_numbers_or_not(tmp_path_factory, cells):
    folder = tmp_path_factory.mktemp("scores")
    rows = [*enumerate(cells), ("known", "1")]
    (folder / "a.csv").write_text("q,m\n" + "".join(f"{name},{cell}\n" for name, cell in rows))
    (folder / "b.csv").write_text("q,m\n" + "".join(f"{name},{cell}\n" for name, cell in [*rows, ("last", "TRUE")]))
    found = []
    for name in ("a", "b"):  # one word in the column makes all of it text
        cache = Cache(folder / f"cache {name}")
        import_table(cache, folder / f"{name}.csv", "b", TableColumns(question="q", id="q", llms=("m",)))
        found.append(dict(cache.verdicts("b", "m").select("question_id", "score").iter_rows()))
    assert found[1] == {**found[0], "last": 1.0}


def test_a_column_of_scores_may_be_something_else_too(tmp_path, cache):
    (tmp_path / "a.csv").write_text("q,m\n1.50,1.0\n0,0.0\n")
    import_table(cache, tmp_path / "a.csv", "b", TableColumns(question="q", id="m", llms=("m",), answer="q"))
    assert cache.verdicts("b", "m").select("question_id", "score", "answer").rows() == [
        ("1.0", 1.0, "1.50"),
        ("0.0", 0.0, "0"),
    ]
