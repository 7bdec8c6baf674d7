"""Benchmarks by description: what columns can mean, how splits are drawn, and what is refused."""

from collections import Counter
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.answers import canonical, canonical_answers
from selectllm_engine.benchmarks import LETTERS, QUESTION_SCHEMA, Description, load_benchmark
from selectllm_engine.benchmarks.described_benchmarks import read as read_described
from selectllm_engine.benchmarks.description import Exemplars, SplitShare, described_by
from selectllm_engine.benchmarks.draws import drawn, shuffled_within
from selectllm_engine.errors import BenchmarkError, UsageError
from settings_texts import parse_settings

OPTIONS = ["amber", "beryl", "coral"]


@pytest.fixture
def read(tmp_path):
    """The benchmark of rows that are described so, from a Parquet file."""

    def read(rows, seed=0, **described):
        path = tmp_path / "rows.parquet"
        pl.DataFrame(rows).write_parquet(path)
        return load_benchmark("own", data=path, description=described_by({"question": "q", **described}), seed=seed)

    return read


def golds(benchmark):
    return benchmark.questions["gold"].to_list()


@pytest.mark.parametrize(
    ("columns", "described"),
    [
        ({"o": OPTIONS, "a": "B"}, {"choices": "o"}),
        ({"o": OPTIONS, "a": "(b)."}, {"choices": "o"}),
        ({"o": OPTIONS, "a": "beryl"}, {"choices": "o"}),
        ({"o": OPTIONS, "a": 1}, {"choices": "o"}),
        ({"o": OPTIONS, "a": [0, 1, 0]}, {"choices": "o"}),
        ({"o": OPTIONS, "a": [1]}, {"choices": "o", "answer": "a.0"}),
        ({"o": {"text": OPTIONS, "label": ["1", "2", "3"]}, "a": "2"}, {"choices": "o.text", "labels": "o.label"}),
        ({"o": [{"text": each, "n": 0} for each in OPTIONS], "a": "B"}, {"choices": "o.text"}),
        ({"o": dict(zip("ABC", OPTIONS, strict=True)), "a": "B"}, {"choices": "o"}),
        ({"o": {**dict(zip("ABC", OPTIONS, strict=True)), "D": None}, "a": "B"}, {"choices": "o"}),
        ({"x": "amber", "y": "beryl", "z": "coral", "a": "2"}, {"choices": ["x", "y", "z"], "labels": ["1", "2", "3"]}),
        ({"x": "amber", "y": "beryl", "z": "coral", "a": "y"}, {"choices": {"x": "x", "y": "y", "z": "z"}}),
        ({"x": "amber", "y": "beryl", "z": "coral"}, {"choices": ["x", "y", "z"], "answer": "y"}),
        ({"o": "amber|beryl|coral", "a": "B"}, {"choices": "o"}),
        ({"o": '["amber", "beryl", "coral"]', "a": "beryl"}, {"choices": "o"}),
        ({"o": ["A) amber", "B) beryl", "C) coral"], "a": "B"}, {"choices": "o", "remove": {"choices": "^[A-E][)] "}}),
        ({"o": {"deep": {"er": OPTIONS}}, "a": "B"}, {"choices": "o.deep.er"}),
    ],
)
def test_options_in_every_form_people_keep_them(read, columns, described):
    benchmark = read([{"q": "Which?", **columns}], **{"answer": "a", **described})
    (row,) = benchmark.questions.rows(named=True)
    assert (row["choices"], row["gold"], row["kind"]) == (OPTIONS, "B", "letter")
    assert benchmark.questions.schema == QUESTION_SCHEMA


@pytest.mark.parametrize(
    ("columns", "described", "said"),
    [
        ({"o": OPTIONS, "a": "D"}, {}, "its answer is none of its options"),
        ({"o": OPTIONS, "a": 3}, {}, "its answer is none of its options"),
        ({"o": OPTIONS, "a": [1, 1, 0]}, {}, "its answer is none of its options, or more than one"),
        ({"o": ["B", "C"], "a": "B"}, {}, "its answer is none of its options, or more than one"),
        ({"o": ["amber", "", "coral"], "a": "A"}, {}, "one of its options is empty"),
        ({"o": ["amber"], "a": "A"}, {}, "it has 1 options"),
        ({"o": None, "a": "A"}, {"choices": ["o", "q"]}, "one of its options is empty"),
        ({"a": "A"}, {}, "no column 'o'"),
        ({"o": {"x": 1}, "a": "A"}, {"choices": "o.y"}, "'o.y' leads nowhere"),
        ({"o": OPTIONS, "q": " ", "a": "A"}, {}, "it has no question"),
    ],
)
def test_rows_that_give_no_question_are_named(read, columns, described, said):
    with pytest.raises(BenchmarkError, match=said):
        read([{"q": "Which?", **columns}], **{"answer": "a", "choices": "o", **described})


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_wrong_column_is_told_from_all_that_the_file_has(suffix, tmp_path):
    rows = pl.DataFrame({"colour": ["red"], "right": ["1"], "spare": ["x"]})
    {".csv": rows.write_csv, ".jsonl": rows.write_ndjson, ".parquet": rows.write_parquet}[suffix](
        tmp_path / f"q{suffix}"
    )
    for answer, remedy in (("rigth", "did you mean 'right'?"), ("solution", "it has 'colour', 'right', 'spare'")):
        with pytest.raises(BenchmarkError, match=f"no column '{answer}'") as caught:
            load_benchmark("own", data=tmp_path, description=Description(question="colour", answer=answer))
        assert caught.value.remedy.startswith(remedy)


def test_rows_are_the_same_however_many_are_read_together(tmp_path):
    rows = [{"q": f"q{n}", "s": "ab"[n % 2], "o": OPTIONS, "a": "ABC"[n % 3]} for n in range(7)]
    columns = {"question": "q", "answer": "a", "choices": "o", "subject": "s"}
    described = described_by({**columns, "split": {"train": 0.5, "test": 0.5}})
    pl.DataFrame(rows).write_parquet(tmp_path / "rows.parquet")
    whole, parts = (
        read_described("own", described, data=tmp_path / "rows.parquet", together=rows).questions for rows in (100, 2)
    )
    assert parts.equals(whole)


def test_templates_patterns_and_what_is_removed(read):
    rows = [{"p": "Anna has 3 [sic] pears.", "q": "How many?", "s": "2 + 1 = <<3>>3\n#### 3", "n": None}]
    benchmark = read(
        rows,
        question="{p}\n\n{q}{n}",
        answer="s",
        rationale="s",
        patterns={"answer": "#### (.*)$", "rationale": "(?s)^(.*)####"},
        remove={"question": r" \[.*?\]", "rationale": "<<.*?>>"},
        split={"test": 1.0},
    )
    (row,) = benchmark.questions.rows(named=True)
    assert (row["text"], row["gold"], row["kind"]) == ("Anna has 3 pears.\n\nHow many?", "3", "number")


def test_kinds_are_told_from_all_answers(read):
    numbers = [{"q": f"q{n}", "a": n} for n in range(3)]
    assert set(read(numbers, answer="a").questions["kind"]) == {"number"}
    words = [{"q": "q", "a": "12"}, {"q": "r", "a": "the Elbe"}]
    assert read(words, answer="a").questions.select("kind", "gold").rows() == [("word", "12"), ("word", "elbe")]
    flags = [{"q": "q", "a": True}, {"q": "r", "a": False}]
    assert golds(read(flags, answer="a")) == ["yes", "no"]
    with pytest.raises(BenchmarkError, match="row 1: answer 'none' is no number"):
        read([{"q": "q", "a": "none"}], answer="a", kind="number")


def test_nothing_but_recorded_verdicts_tells_what_is_right(read):
    rows = [{"q": f"q{n}", "o": OPTIONS} for n in range(3)]
    for described, kind in (({}, "word"), ({"choices": "o"}, "letter")):
        questions = read(rows, kind="labels", **described).questions
        assert questions["text"].to_list() == ["q0", "q1", "q2"]
        assert (set(questions["kind"]), questions["gold"].null_count()) == ({kind}, 3)


def test_exemplars_of_an_only_file(tmp_path):
    pl.DataFrame({"q": [f"q{n}" for n in range(10)], "a": range(10)}).write_csv(tmp_path / "own.csv")
    toml = '[benchmarks.own]\nquestion = "q"\nanswer = "a"\nexemplars = {{ take = 2 }}\nsplit = {{ {} }}'
    described = parse_settings(toml.format("train = 0.5, test = 0.5")).benchmarks["own"].description
    benchmark = load_benchmark("own", data=tmp_path / "own.csv", description=described)
    assert (benchmark.questions.height, len(benchmark.exemplars)) == (8, 2)
    assert not {each.text for each in benchmark.exemplars} & set(benchmark.questions["text"])
    for split in ('test = "dev"', 'train = 0.5, test = { of = "dev" }'):
        with pytest.raises(UsageError, match="exemplars has no of"):
            parse_settings(toml.format(split))
    with pytest.raises(UsageError, match="exemplars has no of"):
        parse_settings(toml.format("test = 0.5").replace("take = 2", ""))


def test_only_rows_that_the_filter_keeps_and_ids_stay_places(read):
    rows = [{"q": f"q{n}", "a": n, "lang": "de" if n % 2 else "en", "deep": {"ok": n > 2}} for n in range(6)]
    questions = read(rows, answer="a", filter={"lang": "de", "deep.ok": True}).questions
    assert questions["question_id"].to_list() == ["own-0003", "own-0005"]
    assert golds(read(rows, answer="a", filter={"lang": ["de", "en"]})) == list("012345")


def test_ids_of_ones_own_and_subjects(read):
    rows = [{"q": f"q{n}", "a": n, "s": "xy"[n % 2], "id": f"i{n}"} for n in range(4)]
    ids = read(rows, answer="a", subject="s").questions["question_id"].to_list()
    assert sorted(ids) == ["own-x-0000", "own-x-0001", "own-y-0000", "own-y-0001"]
    assert read(rows, answer="a", id="id").questions["question_id"].to_list() == ["i0", "i1", "i2", "i3"]


def test_a_column_can_name_the_split(read):
    words = ["train", "Validation", "test", "dev", None]
    rows = [{"q": f"q{n}", "a": n, "part": word} for n, word in enumerate(words)]
    benchmark = read(rows, answer="a", split="part")
    assert benchmark.questions.select("gold", "split").rows() == [
        ("0", "train"),
        ("1", "validation"),
        ("2", "test"),
        ("4", "test"),
    ]
    assert [each.text for each in benchmark.exemplars] == ["q3"]
    with pytest.raises(BenchmarkError, match="no split 'held out'"):
        read([{"q": "q", "a": 1, "part": "held out"}], answer="a", split="part")


def test_shares_are_drawn_and_exemplars_are_in_no_split(tmp_path):
    for split, count in (("train", 100), ("test", 20)):
        pl.DataFrame({"q": [f"{split} {n}" for n in range(count)], "a": range(count)}).write_parquet(
            tmp_path / f"{split}-0.parquet"
        )
    parts = {
        "train": SplitShare(of="train", share=0.7),
        "validation": SplitShare(of="train", share=0.3),
        "test": SplitShare(of="test"),
    }
    described = Description(question="q", answer="a", hub="o/n", split=parts, exemplars=Exemplars(of="train", take=5))
    first, again, other = (load_benchmark("x", data=tmp_path, description=described, seed=seed) for seed in (1, 1, 2))
    assert dict(Counter(first.questions["split"])) == {"train": 65, "validation": 30, "test": 20}
    assert first.questions.equals(again.questions)
    assert not first.questions.equals(other.questions)
    shown = {each.text for each in first.exemplars}
    assert len(shown) == 5
    assert not shown & set(first.questions["text"])
    assert first.questions.filter(split="test")["text"].to_list() == [f"test {n}" for n in range(20)], "in their order"


def test_options_are_shuffled_by_a_seed_of_their_own(read):
    rows = [{"q": f"q{n}", "right": f"r{n}", "x": "x", "y": "y", "z": None if n % 3 else "z"} for n in range(60)]
    described = {"answer": "right", "choices": ["right", "x", "y", "z"]}
    first, again, other = (read(rows, **described, shuffle_choices=seed).questions for seed in (True, 0, 3))
    assert first.equals(again)
    assert not first.equals(other)
    for row, source in zip(first.rows(named=True), rows, strict=True):
        assert row["choices"][LETTERS.index(row["gold"])] == source["right"]
        assert sorted(row["choices"]) == sorted(filter(None, (source[key] for key in ("right", "x", "y", "z"))))
    assert set(first["gold"]) == set("ABCD")


@given(st.lists(st.integers(0, 9), max_size=30), st.integers(0, 2**70))
def test_shuffled_lists_are_permutations(counts, seed):
    order = shuffled_within(np.array(counts, dtype=np.int64), seed)
    for count, each in zip(counts, order.tolist(), strict=True):
        assert sorted(each[:count]) == list(range(count))


def test_large_draws_are_permutations_that_the_seed_decides():
    names = pl.Series(range(100_001)).cast(pl.String)
    first, second = drawn(names, 0), drawn(names, 1)
    assert np.array_equal(np.sort(first), np.arange(len(names)))
    assert (first == drawn(names, 0)).all()
    assert (first == second).mean() < 0.01
    assert abs(np.corrcoef(first, np.arange(len(names)))[0, 1]) < 0.02
    assert first[:3].tolist() == [70273, 63281, 34952], "whatever library or machine"


@given(st.lists(st.text(alphabet="0123456789abcYesthe .,$-", max_size=8)), st.sampled_from(["number", "word"]))
def test_columns_of_answers_are_canonical_as_single_ones_are(texts, kind):
    found = canonical_answers(pl.Series(texts, dtype=pl.String), kind)
    assert found.to_list() == [canonical(text, kind) for text in texts]


def test_files_of_every_format_and_place(tmp_path):
    frame = pl.DataFrame({"q": ['one,\n"two"', "three"], "a": ["1", "2"]})
    described = Description(question="q", answer="a", split={"test": SplitShare(of="held")}, config=("c",), hub="o/n")
    wanted = None
    for name in ("c/held-00000-of-00001.parquet", "held-1.parquet", "data/held-1.parquet", "held.csv", "held.jsonl"):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        path = folder / name
        path.parent.mkdir(parents=True)
        {".parquet": frame.write_parquet, ".csv": frame.write_csv, ".jsonl": frame.write_ndjson}[path.suffix](path)
        questions = load_benchmark("x", data=folder, description=described).questions
        assert wanted is None or questions.equals(wanted)
        wanted = questions
    with pytest.raises(BenchmarkError, match="holds no c/held"):
        load_benchmark("x", data=tmp_path, description=described)
    with pytest.raises(BenchmarkError, match="is one file"):
        load_benchmark("x", data=folder / "held.jsonl", description=described)


def test_rows_of_several_configurations_follow_each_other(tmp_path):
    for config in ("de", "fr"):
        (tmp_path / config).mkdir()
        pl.DataFrame({"q": [f"{config} {n}" for n in range(3)], "a": range(3)}).write_parquet(
            tmp_path / config / "test-0.parquet"
        )
    described = Description(
        question="q", answer="a", config=("de", "fr"), subject="config", split={"test": SplitShare(of="test")}
    )
    questions = load_benchmark("x", data=tmp_path, description=described).questions
    assert dict(Counter(questions["subject"])) == {"de": 3, "fr": 3}
    pl.DataFrame({"q": ["a", "b"], "a": [1, None]}).write_parquet(tmp_path / "fr" / "test-0.parquet")
    with pytest.raises(BenchmarkError, match=r"test-0\.parquet, row 2: it has no answer"):
        load_benchmark("x", data=tmp_path, description=described)


def test_what_nobody_here_can_repair_is_left_out_and_noted(tmp_path, monkeypatch):
    rows = pl.DataFrame({"q": [f"q{n}" for n in range(4)], "a": ["1", None, "x", "4"]})
    monkeypatch.setattr("selectllm_engine.benchmarks.source_frames.hub_frame", lambda *_: rows)
    described = Description(question="q", answer="a", kind="number", hub="o/n", split={"test": SplitShare(of="test")})
    benchmark = load_benchmark("x", description=described)
    assert golds(benchmark) == ["1", "4"]
    assert sorted(benchmark.notes) == [
        "1 rows are left out, the first (data/test-*.parquet, row 2) because it has no answer",
        "1 rows are left out, the first (data/test-*.parquet, row 3) because answer 'x' is no number",
    ]


FIVE_LINES = """
[benchmarks.stones]
data = "stones.csv"
question = "Which stone is {colour}?"
choices = ["first", "second"]
answer = "right"
"""


def test_five_lines_of_the_file_are_enough(tmp_path):
    (tmp_path / "stones.csv").write_text("colour,first,second,right\ngreen,beryl,coral,A\nred,beryl,coral,B\n")
    own = parse_settings(FIVE_LINES).benchmarks["stones"]
    benchmark = load_benchmark("stones", data=tmp_path / own.data, description=own.description)
    assert benchmark.questions.select("text", "gold").rows() == [
        ("Which stone is green?", "A"),
        ("Which stone is red?", "B"),
    ]


def test_random_rows_survive_any_order_of_columns(read):
    random = Random(4)
    rows = [{"q": f"q{n}", "a": n, "x": None} for n in range(20)]
    shuffled = [{key: row[key] for key in random.sample(list(row), 3)} for row in rows]
    assert read(rows, answer="a").questions.equals(read(shuffled, answer="a").questions)
