"""What every importer shares: joining on the question, both verdicts, splits, and whole or not at all."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.api import load
from selectllm_engine.errors import CacheError, ImportFormatError, UnknownNameError, UsageError
from selectllm_engine.importers.assembly import Chunk, Options, Reading, Record, origin_of, store, store_chunks
from selectllm_engine.importers.golds import canonical_golds
from selectllm_engine.importers.questions import QUESTIONS
from selectllm_engine.importers.records import FirstFiles
from selectllm_engine.importers.splits import parse_shares, split_questions
from selectllm_engine.insights.disagreements import find_disagreements
from selectllm_engine.store.agreement import VerdictChoice
from selectllm_engine.store.outcome_arrays import load_outcomes


def records(*llms, questions=range(4), samples=1, **more):
    for llm in llms:
        for number in questions:
            for sample in range(samples):
                said = f"The answer is {number + (sample == 2)}."
                yield Record(llm=llm, question=f"What is {number}?", gold=str(number), text=said, score=1.0, **more)


def bring(cache, rows, *, name="b", digest="1", **options):
    reading = Reading()
    return store(cache, name, rows, source="x", origin={"digest": digest}, options=Options(**options), reading=reading)


def files(cache):
    return {path: path.read_bytes() for path in cache.root.rglob("*") if path.is_file() and path.name != ".lock"}


def test_texts_become_generations_and_scores_verdicts(cache):
    done = bring(cache, records("a", "b", samples=3, latency=0.5, cost=0.1, prompt_tokens=7, output_tokens=9))
    assert (done.llms, done.rows, done.splits, done.skipped, done.both) == (("a", "b"), 24, {"test": 4}, {}, True)
    assert cache.llms("b") == ["a", "b"]
    manifest = cache.manifest("b", "a")
    assert (manifest["source"], manifest["samples"], manifest["threshold"]) == ("import:x", 3, 0.5)
    assert cache.generations("b", "a")["sample"].to_list() == [0, 1, 2] * 4
    assert cache.answers("b", "a")["answer"].to_list()[:3] == ["0", "0", "1"]
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.samples == 3
    assert outcomes.labels.all()
    assert outcomes.latency[0].tolist() == [0.5, 0.5]
    assert outcomes.cost[0].tolist() == pytest.approx([0.1, 0.1])
    assert cache.verify() == []


def test_samples_are_numbered_across_the_files_of_an_llm(cache):
    rows = [*records("a"), *records("b"), *records("a"), *records("b")]
    bring(cache, rows)
    assert cache.generations("b", "a", "b-000002")["sample"].to_list() == [0, 1]
    assert load_outcomes(cache, "b", "test").samples == 2


def test_the_same_sample_twice_counts_once(cache):
    done = bring(cache, [*records("a", sample=0), *records("a", sample=0)])
    assert done.skipped == {"the same sample of the same question again": 4}
    assert cache.generations("b", "a").height == 4


def test_questions_that_an_llm_lacks_stay_and_are_counted(cache):
    done = bring(cache, [*records("a"), *records("b", questions=range(3))])
    assert done.notes[-1] == "b lacks 1 of 4 questions"
    outcomes = load_outcomes(cache, "b", "test")
    assert (outcomes.left_out_total, outcomes.left_out[0].llm) == (1, "b")


def test_an_llm_without_any_result_is_left_out(cache):
    done = bring(cache, [*records("a"), Record(llm="b", question="What is 1?")])
    assert done.llms == ("a",)
    assert "b has no results: left out" in done.notes
    with pytest.raises(ImportFormatError, match="nothing to import"):
        bring(cache, [Record(llm="b", question="What is 1?")], name="c")
    assert cache.benchmarks() == ["b"]


def test_what_one_file_leaves_out_another_gives(cache):
    rows = [
        Record(key="q", llm="a", question="Which?", text="(B)"),
        Record(key="q", llm="b", question="Which?", choices=("x", "y"), gold="y", subject="s", text="(B)"),
    ]
    bring(cache, rows)
    question = cache.questions("b").row(0, named=True)
    assert (question["question_id"], question["choices"], question["gold"]) == ("q", ["x", "y"], "B")
    assert (question["kind"], question["subject"]) == ("letter", "s")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"question": "Who?"}, "two texts: 'What\\?' and 'Who\\?'"),
        ({"gold": "3"}, "two gold answers: '2' and '3'"),
        ({"split": "test"}, "two splits: 'train' and 'test'"),
        ({"choices": ("x", "z")}, "two choices"),
    ],
)
def test_files_that_contradict_each_other(cache, more, message):
    fields = {"key": "q", "question": "What?", "gold": "2", "split": "train", "choices": ("x", "y"), "score": 1.0}
    with pytest.raises(ImportFormatError, match=message):
        bring(cache, [Record(llm="a", **fields), Record(llm="b", **{**fields, **more})])
    assert cache.benchmarks() == []


def test_the_same_text_with_other_options_is_another_question(cache):
    rows = [Record(llm="a", question="Which?", choices=choices, score=1.0) for choices in (("x", "y"), ("x", "z"))]
    bring(cache, [*rows, *rows])
    assert cache.questions("b").height == 2
    assert cache.verdicts("b", "a").height == 4


@pytest.mark.parametrize("score", [-0.1, 1.5, float("inf")])
def test_scores_outside_0_to_1(cache, score):
    with pytest.raises(ImportFormatError, match="of a on question 'b-000005' is not from 0 to 1"):
        bring(cache, [*records("a"), Record(llm="a", question="And?", score=score)])
    assert cache.benchmarks() == []
    assert [path.name for path in cache.root.iterdir()] in ([], [".lock"])


def test_odd_latencies_and_costs_are_unknown(cache):
    rows = [Record(llm="a", question="What?", score=1.0, latency=float("nan"), cost=-1.0)]
    assert "2 latencies or costs are negative or no numbers: left unknown" in bring(cache, rows).notes
    assert cache.verdicts("b", "a").select("latency", "cost").row(0) == (None, None)


def test_a_success_rate_becomes_a_label_by_the_threshold(cache):
    scores = [1.0, 0.0, 1.0, 1.0, 0.0, 0.0]
    rows = [Record(llm="a", question=f"What {at // 3}?", score=score) for at, score in enumerate(scores)]
    bring(cache, rows)
    bring(cache, rows, name="strict", threshold=0.7)
    bring(cache, rows, name="lax", threshold=0.3)
    labels = {name: load_outcomes(cache, name, "test").labels[:, 0].tolist() for name in cache.benchmarks()}
    assert labels == {"b": [True, False], "strict": [False, False], "lax": [True, True]}


@pytest.mark.parametrize("threshold", [0.0, 1.1])
def test_impossible_thresholds(threshold):
    with pytest.raises(UsageError):
        Options(threshold=threshold)


def test_unknown_kinds():
    with pytest.raises(UnknownNameError, match="did you mean 'number'"):
        Options(kind="numbers")


def test_the_same_import_again_reads_and_changes_nothing(cache):
    bring(cache, records("a"), split_by=(50, 0, 50))
    before = files(cache)
    done = bring(cache, iter(lambda: 1 / 0, None), split_by=(50, 0, 50))
    assert (done.unchanged, done.llms, done.rows, done.splits) == (True, ("a",), 4, {"train": 2, "test": 2})
    assert files(cache) == before


def test_further_llms_join_on_the_text_and_keep_the_splits(cache):
    bring(cache, records("a", questions=range(20)), split_by=(50, 10, 40))
    before = cache.questions("b")
    done = bring(
        cache, (Record(key=str(n), llm="c", question=f"What is {n}?", text=f"{n}") for n in range(20)), digest="2"
    )
    assert done.llms == ("c",)
    assert cache.questions("b").equals(before)
    assert cache.llms("b") == ["a", "c"]
    assert load_outcomes(cache, "b", "train").labels.shape == (10, 2)
    assert load_outcomes(cache, "b", "train").labels.all()


def test_further_llms_may_bring_new_questions(cache):
    bring(cache, records("a"))
    done = bring(cache, records("c", questions=range(2, 6)), digest="2")
    assert "2 questions are new to b: its other LLMs lack them" in done.notes
    assert cache.questions("b")["text"].to_list() == [f"What is {n}?" for n in range(6)]
    assert load_outcomes(cache, "b", "test").questions.height == 2


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (list(records("a")), "b has results of a already, from something else"),
        ([Record(llm="c", question="Something else?", score=1.0)], "b has none of these questions"),
        ([*records("c"), Record(llm="c", question="x", score=2.0)], "is not from 0 to 1"),
    ],
)
def test_what_may_not_join_changes_nothing(cache, rows, message):
    bring(cache, records("a"))
    before = files(cache)
    with pytest.raises((CacheError, ImportFormatError), match=message):
        bring(cache, rows, digest="2")
    assert files(cache) == before


def test_an_id_that_stands_for_another_question(cache):
    bring(cache, [Record(key="q", llm="a", question="What?", score=1.0)])
    with pytest.raises(CacheError, match="question 'q' has another text in b"):
        bring(cache, [Record(key="q", llm="c", question="Who?", score=1.0)], digest="2")
    assert cache.llms("b") == ["a"]


def test_a_full_disk_leaves_no_benchmark(cache, monkeypatch):
    def full(*args):
        raise CacheError("cannot write: no space left on device")

    monkeypatch.setattr("selectllm_engine.store.verdicts.write_frame", full)
    with pytest.raises(CacheError):
        bring(cache, records("a"))
    assert cache.benchmarks() == []
    assert not [path for path in cache.root.iterdir() if path.name != ".lock"]


@pytest.mark.parametrize("name", ["../x", "/etc", "..", ".", "\x1b[31mred", "CON", "a/b\\c", "ü\u202e", "%2E"])
def test_hostile_names_stay_names(cache, name):
    bring(cache, records(name))
    assert cache.llms("b") == [name]
    assert sorted(path.name for path in cache.root.iterdir() if path.name != ".lock") == ["b"]
    assert len(list(cache.root.joinpath("b", "llms").iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "error"), [("x" * 10_000, UsageError), ("", UsageError), ("split", ImportFormatError)]
)
def test_names_that_cannot_be_stored(cache, name, error):
    with pytest.raises(error):
        bring(cache, records(name))
    assert cache.benchmarks() == []


def test_half_of_a_surrogate_pair(cache):
    bring(cache, [Record(llm="a", question="What \ud800?", text="\udc00 1", gold="1")])
    assert cache.questions("b")["text"].to_list() == ["What ??"]
    assert cache.answers("b", "a")["answer"].to_list() == ["1"]


def test_both_verdicts_are_kept_and_compared(cache):
    rows = [
        Record(llm="a", question="One?", gold="1", text="It is 1.", answer="1", score=1.0),
        Record(llm="a", question="Two?", gold="2", text="It is $2.00.", answer="2.00", score=0.0),
        Record(llm="a", question="Three?", gold="3", text="It is four.", score=1.0),
        Record(llm="b", question="One?", gold="1", text="It is 2.", score=0.0),
        Record(llm="b", question="Two?", gold="2", text="It is 2."),
        Record(llm="b", question="Three?", gold="3", text="It is 3.", score=1.0),
    ]
    bring(cache, rows, verdicts=VerdictChoice("own"))
    found = find_disagreements(load("b", cache))
    assert found.judged == 5
    columns = ("question_id", "llm", "gold", "vote", "right", "recorded_answer", "recorded_right")
    assert found.rows.select(columns).rows() == [
        ("b-000002", "a", "2", "2", True, "2.00", False),
        ("b-000003", "a", "3", None, False, None, True),
    ]
    assert find_disagreements(load("b", cache), ["b"]).rows.is_empty()
    bring(cache, rows, name="recorded", kind="none")
    assert find_disagreements(load("recorded", cache)).judged == 0  # no gold answers: no verdict of our own
    assert load_outcomes(cache, "b", "test").labels[:, 0].tolist() == [True, True, False]
    bring(cache, rows, name="auto")
    outcomes = load_outcomes(cache, "auto", "test")  # b's verdict on the second question is not known
    assert outcomes.labels.tolist() == [[True, False], [True, True]]
    assert [(each.llm, each.questions) for each in outcomes.left_out] == [("b", 1)]


def test_scores_of_every_sample_are_compared_with_every_sample(cache):
    """Two of five samples are right, the others differ: the vote is right, the share of right ones is not half."""
    texts = ("It is 1.", "It is 1.", "It is 2.", "It is 3.", "It is 4.")
    rows = [Record(llm="a", question="One?", gold="1", text=text, score=float(text == texts[0])) for text in texts]
    # one score for all samples, a majority's; and samples that the other tool read otherwise
    scores = (1.0, None, None, None, None)
    rows += [
        Record(llm="a", question="Two?", gold="1", text=text, score=score)
        for text, score in zip(texts, scores, strict=True)
    ]
    rows += [Record(llm="a", question="Three?", gold="1", text=text, score=1.0) for text in texts]
    bring(cache, rows)
    found = find_disagreements(load("b", cache))
    assert found.judged == 3
    assert found.rows.select("question_id", "vote", "right", "recorded_score").rows() == [("b-000003", "1", False, 1.0)]


def test_scores_alone_say_that_there_are_no_votes(cache):
    done = bring(cache, [Record(llm="a", question="What?", gold="1", score=1.0)])
    assert done.notes[-1] == "there are scores only, no texts: rows that need votes will say so"
    assert load_outcomes(cache, "b", "test").answers is None


def test_chunks_of_rows_give_what_records_give(cache):
    rows = list(records("a", "b", questions=range(6), latency=1.0))
    bring(cache, rows)
    half = [[each for each in rows if each.llm == llm] for llm in ("a", "b")]
    questions = pl.DataFrame({"question": [each.question for each in half[0]], "gold": [each.gold for each in half[0]]})
    fields = {"text": "text", "score": "score", "latency": "latency"}
    results = {
        group[0].llm: pl.DataFrame({name: [getattr(each, field) for each in group] for name, field in fields.items()})
        for group in half
    }
    wide = [
        Chunk(questions[:4], {name: frame[:4] for name, frame in results.items()}),
        Chunk(questions[4:], {name: frame[4:] for name, frame in results.items()}),
    ]
    store_chunks(cache, "c", wide, source="x", origin=dict)
    assert cache.questions("c").drop("question_id").equals(cache.questions("b").drop("question_id"))
    one, other = load_outcomes(cache, "b", "test"), load_outcomes(cache, "c", "test")
    assert (one.labels == other.labels).all()
    assert (one.latency == other.latency).all()


def test_the_origin_is_that_of_the_contents(tmp_path):
    for name, text in (("a", "x"), ("b", "x"), ("c", "y")):
        (tmp_path / name).write_text(text)
    found = {name: origin_of([tmp_path / name], option=1) for name in "abc"}
    assert found["a"] == found["b"] != found["c"]
    assert found["a"] != origin_of([tmp_path / "a"], option=2)
    with pytest.raises(ImportFormatError, match="cannot read"):
        origin_of([tmp_path / "none"])


# Splits


def questions(texts, **columns):
    frame = pl.DataFrame({"text": texts, **columns})
    return frame if "split" in columns else frame.with_columns(split=pl.lit(None, dtype=pl.String))


def splits(frame, **options):
    notes = []
    return split_questions(frame, Options(**options), notes.append)["split"].to_list(), notes


def test_without_splits_all_is_test():
    assert splits(questions(["a", "b"])) == (
        ["test", "test"],
        ["all questions are test: to train routers, import with --split-by 50/10/40"],
    )


@given(st.permutations([f"question {n}" for n in range(50)]), st.integers(0, 5))
def test_a_draw_depends_on_seed_and_texts_alone(texts, seed):
    def drawn(order):
        return dict(zip(order, splits(questions(order), split_by=(50, 10, 40), seed=seed)[0], strict=True))

    found = drawn(texts)
    assert found == drawn(sorted(texts))
    assert [list(found.values()).count(name) for name in ("train", "validation", "test")] == [25, 5, 20]


def test_seeds_differ_and_equal_texts_stay_together():
    texts = [f"question {n % 25}" for n in range(50)]
    first, second = (splits(questions(texts), split_by=(40, 0, 60), seed=seed)[0] for seed in (0, 1))
    assert first != second
    assert first[:25] == first[25:]
    assert "validation" not in first


def test_splits_that_are_there_stay():
    found, notes = splits(questions(["a", "b", "c"], split=["Train", "val", " test "]), split_by=(50, 10, 40))
    assert found == ["train", "validation", "test"]
    assert notes == ["--split-by changes nothing: all questions have a split"]
    found, notes = splits(questions(["a", "b", "c"], split=["train", None, ""]), split_by=(0, 0, 100))
    assert found == ["train", "test", "test"]
    assert notes == []


def test_a_test_set_is_divided():
    found, notes = splits(questions(["a", "b", "c", "d"], split=["test"] * 4), split_by=(50, 0, 50))
    assert sorted(found) == ["test", "test", "train", "train"]
    assert notes == ["all questions were test: --split-by divides them"]


def test_unknown_splits():
    with pytest.raises(ImportFormatError, match="there is a split 'holdout'; name splits train"):
        splits(questions(["a"], split=["holdout"]))


@pytest.mark.parametrize(
    "text", ["", "50", "50/50", "50/10/41", "a/b/c", "-10/50/60", "50/10/40/0", "0x10/50/40", "33.3/33.3/33.4"]
)
def test_shares_that_are_none(text):
    with pytest.raises(UsageError, match="50/10/40"):
        parse_shares(text)


def test_shares():
    assert parse_shares("50/10/40") == (50, 10, 40)
    assert parse_shares("0/0/100") == (0, 0, 100)


# Gold answers


def golds(values, kind=None, **columns):
    notes = []
    given = {name: pl.Series(columns.get(name, [None] * len(values)), dtype=dtype) for name, dtype in QUESTIONS.items()}
    frame = pl.DataFrame(given).with_columns(gold=pl.Series(values, dtype=pl.String), question_id=pl.lit("q"))
    found = canonical_golds(frame.rename({"question": "text"}), kind, notes.append)
    return list(zip(found["gold"], found["kind"], strict=True)), notes


@pytest.mark.parametrize(
    ("gold", "expected"),
    [
        ("$1,200.0", ("1200", "number")),
        (" 18 ", ("18", "number")),
        ("He adds 3 and 4.\n#### 7", ("7", "number")),
        ("He adds 3 and 4.\nA: 1,007", ("1007", "number")),
        ("Paris", ("paris", "word")),
        (r"\frac{1}{2}", (None, "word")),
        ("def f():\n    return 1", (None, "word")),
        ("", (None, "word")),
    ],
)
def test_kinds_of_gold_answers(gold, expected):
    found, notes = golds([gold])
    assert found == [expected]
    assert len(notes) == int(bool(gold) and expected[0] is None)


def test_letters():
    assert golds(["A", "(b)", "C."])[0] == [("A", "letter"), ("B", "letter"), ("C", "letter")]
    assert golds(["A", "two"])[0] == [("a", "word"), ("two", "word")]  # not all of them are letters
    mixed = golds(["A", "B", "12"], subject=["mmlu", "mmlu", "gsm8k"])[0]
    assert mixed == [("A", "letter"), ("B", "letter"), ("12", "number")]
    options = golds(["y", "B", "z", "9"], choices=[["x", "y"]] * 3 + [[str(n) for n in range(12)]])
    assert options == (
        [("B", "letter"), ("B", "letter"), (None, "letter"), ("J", "letter")],
        ["1 gold answers are no number, letter or short word: dropped, recorded scores decide"],
    )


def test_a_kind_given_for_all():
    assert golds(["5", "A"], "word")[0] == [("5", "word"), ("a", "word")]
    assert golds(["5", "A"], "none")[0] == [(None, "word"), (None, "word")]


def test_the_first_file_counts():
    once = FirstFiles()
    assert once.first("m", "q", 0)
    assert once.first("m", "q", 0)  # a further sample
    assert once.first("n", "q", 1)
    assert not once.first("m", "q", 1)
    assert once.passed == 1
