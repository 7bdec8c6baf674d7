"""Whose verdict counts after an import, kind by kind: the recorded one unless ours is proven to agree."""

import pytest

from selectllm_engine.errors import CacheError, ImportFormatError, UnknownNameError
from selectllm_engine.importers.assembly import Options, Reading, Record, store
from selectllm_engine.insights import judgements
from selectllm_engine.store import VerdictChoice, load_outcomes


def bring(cache, rows, *, name="b", digest="1", **options):
    return store(
        cache, name, rows, source="x", origin={"digest": digest}, options=Options(**options), reading=Reading()
    )


def answered(llm, number, said, score=None, *, gold="same", **more):
    gold = str(number) if gold == "same" else gold
    text = said if isinstance(said, str) else f"The answer is {said}."
    return Record(llm=llm, question=f"What is {number}?", gold=gold, text=text, score=score, **more)


def accuracies(cache, name="b"):
    outcomes = load_outcomes(cache, name, "test")
    return dict(zip(outcomes.llms, outcomes.labels.mean(axis=0).round(3).tolist(), strict=True))


def used(cache, name="b"):
    return {(row["llm"], row["subject"]): row["used"] for row in judgements(cache, name).iter_rows(named=True)}


@pytest.mark.parametrize(("wrong", "judge", "accuracy"), [(1, "own", 0.98), (2, "recorded", 1.0)])
def test_ours_counts_from_98_percent_on(cache, wrong, judge, accuracy):
    rows = [answered("a", n, n + 1 if n < wrong else n, 1.0) for n in range(50)]
    bring(cache, rows)
    assert used(cache) == {("a", None): judge}
    assert accuracies(cache) == {"a": accuracy}


def test_one_llm_that_is_misread_is_enough(cache):
    rows = [answered("plain", n, n, 1.0) for n in range(20)]
    rows += [answered("odd", n, "I would rather not say it here", 1.0) for n in range(20)]
    bring(cache, rows)
    assert set(used(cache).values()) == {"recorded"}
    assert accuracies(cache) == {"plain": 1.0, "odd": 1.0}


def test_subjects_are_judged_apart(cache):
    rows = [answered("a", n, n, 1.0, subject="sums") for n in range(10)]
    rows += [answered("a", n, "Roughly so", 1.0, subject="essays") for n in range(10, 20)]
    bring(cache, rows)
    assert used(cache) == {("a", "sums"): "own", ("a", "essays"): "recorded"}
    assert accuracies(cache) == {"a": 1.0}
    assert load_outcomes(cache, "b", "test").answers is None


def test_what_is_compared_where_some_golds_were_dropped(cache):
    rows = [answered("a", n, 0, 1.0) for n in range(1, 6)]
    rows.append(
        answered("a", 6, "Let n be even.", 1.0, gold="Let n be even, so that it is twice some other whole number " * 2)
    )
    bring(cache, rows)
    assert used(cache) == {("a", None): "recorded"}
    assert accuracies(cache) == {"a": 1.0}


@pytest.mark.parametrize("unknown", [None, float("nan")])
def test_a_missing_verdict_is_unknown_never_wrong(cache, unknown):
    rows = [answered("a", n, "It depends", 1.0) for n in range(4)]
    rows += [answered("b", n, "It depends", 1.0 if n else unknown) for n in range(4)]
    bring(cache, rows)
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.labels.all()
    assert outcomes.questions.height == 3
    assert [(each.llm, each.questions) for each in outcomes.left_out] == [("b", 1)]


def test_samples_without_a_verdict_leave_it_to_the_others(cache):
    scores = {0: (1.0, None, None), 1: (None, 0.0, 1.0), 2: (None, None, None), 3: (0.0, 0.0, None)}
    rows = [answered("a", n, "It depends", score) for n, each in scores.items() for score in each]
    bring(cache, rows)
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.labels[:, 0].tolist() == [True, True, False]  # a mean of a half is right
    assert outcomes.left_out_total == 1


def test_an_llm_whose_judge_failed_is_not_judged_by_us_instead(cache):
    rows = [answered("good", n, "It depends", 1.0) for n in range(4)] + [answered("failed", n, "So") for n in range(4)]
    bring(cache, rows)
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.questions.is_empty()
    assert [(each.llm, each.questions) for each in outcomes.left_out] == [("failed", 4)]


def test_an_llm_that_nobody_judged_is_judged_by_its_texts(cache):
    bring(cache, [answered("graded", n, "It depends", 1.0) for n in range(4)])
    bring(cache, [answered("ours", n, n) for n in range(4)], digest="2")
    assert accuracies(cache) == {"graded": 1.0, "ours": 1.0}
    assert used(cache) == {("graded", None): "recorded", ("ours", None): "own"}


def test_an_llm_that_joins_may_change_the_judge_of_all(cache):
    bring(cache, [answered("a", n, n, 1.0) for n in range(4)])
    assert used(cache) == {("a", None): "own"}
    bring(cache, [answered("b", n, "It depends", 1.0) for n in range(4)], digest="2")
    assert set(used(cache).values()) == {"recorded"}


@pytest.mark.parametrize(("gold", "scored"), [("0", True), ("N/A", True), (None, True), ("", True)])
def test_a_placeholder_is_no_gold_answer(cache, gold, scored):
    rows = [answered(llm, n, "12 bridges and 0 mills", float(n % 2), gold=gold) for llm in "ab" for n in range(6)]
    done = bring(cache, rows)
    assert accuracies(cache) == {"a": 0.5, "b": 0.5}
    assert cache.questions("b")["gold"].null_count() == 6
    assert any("stands for nothing" in each for each in done.notes) == bool(gold)


def test_the_same_gold_answer_for_all_is_one_where_nothing_else_can_judge(cache):
    bring(cache, [answered("a", n, "The answer is yes.", gold="yes") for n in range(6)])
    assert accuracies(cache) == {"a": 1.0}


def test_options_may_all_have_the_same_right_letter(cache):
    more = {"choices": ("x", "y"), "gold": "x"}
    bring(cache, [answered("a", n, "(A)", 1.0, **more) for n in range(6)])
    assert cache.questions("b")["gold"].to_list() == ["A"] * 6


@pytest.mark.parametrize("gold", [None, "", "  "])
def test_nothing_can_be_judged(cache, gold):
    with pytest.raises(ImportFormatError, match=r"no question has a gold answer \(a target\), and no score"):
        bring(cache, [answered("a", n, "Paris", gold=gold) for n in range(3)])
    assert cache.benchmarks() == []


def test_questions_that_nothing_judges_are_told_and_left_out(cache):
    rows = [answered("a", n, n) for n in range(3)] + [answered("a", n, "Paris", gold=None) for n in range(3, 5)]
    done = bring(cache, rows)
    assert "2 questions have neither a gold answer nor a score: left out of figures" in done.notes
    outcomes = load_outcomes(cache, "b", "test")
    assert (outcomes.samples, outcomes.questions.height, outcomes.left_out_total) == (1, 3, 2)


def test_a_person_chooses(cache):
    rows = [answered("a", n, n + 1, 1.0, subject="s") for n in range(4)]
    bring(cache, rows)
    bring(cache, rows, name="own", verdicts=VerdictChoice("own"))
    bring(cache, rows, name="subject", verdicts=VerdictChoice.parse(["s=own"]))
    assert [accuracies(cache, name)["a"] for name in ("b", "own", "subject")] == [1.0, 0.0, 0.0]
    assert load_outcomes(cache, "own", "test").samples == 1
    right = [answered("a", n, n, 1.0, subject="s") for n in range(4)]
    bring(cache, right, name="recorded", verdicts=VerdictChoice("recorded"))
    assert load_outcomes(cache, "recorded", "test").answers is None


def test_the_choice_may_be_changed_without_reading_again(cache):
    rows = [answered("a", n, n + 1, 1.0) for n in range(4)]
    bring(cache, rows)
    done = bring(cache, iter(lambda: 1 / 0, None), verdicts=VerdictChoice("own"))
    assert done.unchanged
    assert accuracies(cache) == {"a": 0.0}
    bring(cache, iter(lambda: 1 / 0, None))  # without a choice it stays
    assert accuracies(cache) == {"a": 0.0}
    bring(cache, iter(lambda: 1 / 0, None), verdicts=VerdictChoice())
    assert accuracies(cache) == {"a": 1.0}


def test_choices_that_cannot_be(cache):
    rows = [answered("a", n, n, subject="sums") for n in range(2)]
    with pytest.raises(UnknownNameError, match="no subject 'sumz'; did you mean 'sums'"):
        bring(cache, rows, verdicts=VerdictChoice.parse(["sumz=own"]))
    with pytest.raises(ImportFormatError, match="no verdicts are recorded"):
        bring(cache, rows, verdicts=VerdictChoice("recorded"))


# The same question said differently


def test_options_in_another_order_are_brought_into_one(cache):
    first, other = ("oak", "elm", "fir"), ("fir", "oak", "elm")
    rows = [
        answered("a", 1, "The answer is (B).", 1.0, gold="B", choices=first),
        answered("b", 1, "The answer is (C).", 1.0, gold="(C)", choices=other, answer="C"),
        answered("b", 1, "The answer is (A).", 0.0, gold="(C)", choices=other, answer="A"),
    ]
    done = bring(cache, rows)
    assert any(each.startswith("2 rows have their options in another order") for each in done.notes)
    assert cache.questions("b").select("choices", "gold").row(0) == (list(first), "B")
    assert cache.answers("b", "b")["answer"].to_list() == ["B", "C"]
    assert cache.verdicts("b", "b")["answer"].to_list() == ["(B)", "(C)"]
    assert cache.generations("b", "b")["text"].to_list()[0] == "The answer is (C)."


def test_an_llm_that_joins_may_have_seen_another_order(cache):
    bring(cache, [answered("a", 1, "(A)", gold="A", choices=("oak", "elm"))])
    bring(cache, [answered("b", 1, "(B)", gold="B", choices=("elm", "oak"))], digest="2")
    assert accuracies(cache) == {"a": 1.0, "b": 1.0}


def test_an_id_that_repeats_with_other_texts_leaves_it_to_the_text(cache):
    rows = [
        Record(llm=llm, key="7", question=question, gold=gold, text=gold)
        for llm in ("a", "b")
        for question, gold in (("One?", "1"), ("Two?", "2"))
    ]
    done = bring(cache, rows)
    assert cache.questions("b").select("question_id", "text").rows() == [("7", "One?"), ("7~2", "Two?")]
    assert accuracies(cache) == {"a": 1.0, "b": 1.0}
    assert any("the id '7' stands for several questions, 'One?' and 'Two?'" in each for each in done.notes)


def test_a_few_texts_of_another_edition_do_not_keep_an_llm_out(cache):
    rows = [Record(llm="a", key=f"k{n}", question=f"What is {n}?", gold=str(n), text=str(n)) for n in range(200)]
    bring(cache, rows)
    other = [
        Record(llm="b", key=f"k{n}", question=f"What  is {n}?" if n == 3 else f"What is {n}?", text=str(n))
        for n in range(200)
    ]
    done = bring(cache, other, digest="2")
    assert any(each.startswith("the id 'k3' stands for several questions") for each in done.notes)
    assert load_outcomes(cache, "b", "test").questions.height == 199
    wholly = [Record(llm="c", key=f"k{n}", question=f"Who is {n}?", text=str(n)) for n in range(200)]
    with pytest.raises(CacheError, match="question 'k0' has another text in b, 'What is 0\\?' and 'Who is 0\\?'"):
        bring(cache, wholly, digest="3")


def test_where_long_texts_differ_is_quoted(cache):
    start = "The same words again and again, " * 8
    rows = [
        Record(llm=llm, key="q", question=f"{start}{end} and so on.", score=1.0)
        for llm, end in (("a", "left"), ("b", "right"))
    ]
    with pytest.raises(ImportFormatError) as caught:
        bring(cache, rows)
    assert "left and so on." in str(caught.value)
    assert "right and so on." in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_question_in_two_splits_and_one_with_two_gold_answers_name_the_ids(cache):
    both = [Record(llm="a", question="One?", split=split, score=1.0) for split in ("train", "test")]
    with pytest.raises(ImportFormatError, match=r"two splits: 'train' and 'test'; name a column of ids with --id"):
        bring(cache, both)
    golds = [Record(llm="a", question="One?", gold=gold, score=1.0) for gold in "34"]
    with pytest.raises(ImportFormatError, match=r"two gold answers: '3' and '4'; repair the files, or name .* --id"):
        bring(cache, golds)


# Again


def test_again_judges_anew_and_keeps_what_a_person_chose(cache):
    rows = [answered(llm, n, "It depends" if llm == "x" else n, 1.0) for llm in ("x", "y") for n in range(6)]
    bring(cache, rows, verdicts=VerdictChoice("own"), split_by=(50, 0, 50))
    cache.router_dir("b", "prior", write=True).joinpath("manifest.json").write_text("{}")
    before = cache.questions("b")
    done = bring(cache, rows, again=True, split_by=(50, 0, 50))
    assert "judged anew: every accuracy is as before" in done.notes
    assert not done.unchanged
    assert cache.questions("b").equals(before)
    assert cache.llms("b") == ["x", "y"]
    assert cache.routers("b") == ["prior"]
    assert VerdictChoice.of(cache.manifest("b", "x")) == VerdictChoice("own")
    done = bring(cache, rows, again=True, kind="labels", verdicts=VerdictChoice(), split_by=(50, 0, 50))
    assert any(each.startswith("judged anew: x 0.0 → 100.0 % (train), x 0.0 → 100.0 % (test)") for each in done.notes)
    assert "routers were trained on the verdicts of before: train them again" in done.notes
    assert cache.verify() == []


def test_again_leaves_the_other_llms_alone(cache):
    bring(cache, [answered("a", n, n) for n in range(4)])
    bring(cache, [answered("b", n, n) for n in range(2, 6)], digest="2")
    order = cache.questions("b")["question_id"].to_list()
    bring(cache, [answered("a", n, n + 1, gold=str(n + 1)) for n in range(4)], again=True, digest="3")
    assert cache.questions("b")["question_id"].to_list() == order
    assert cache.questions("b")["gold"].to_list() == ["1", "2", "3", "4", "4", "5"]
    assert cache.llms("b") == ["a", "b"]
    outcomes = load_outcomes(cache, "b", "test")
    assert dict(zip(outcomes.llms, outcomes.labels.sum(axis=0).tolist(), strict=True)) == {"a": 2, "b": 0}
    assert cache.verify() == []


def test_again_of_nothing_is_an_import_and_an_error_changes_nothing(cache):
    assert bring(cache, [answered("a", n, n) for n in range(2)], again=True).llms == ("a",)

    def files():
        return {path: path.read_bytes() for path in cache.root.rglob("*.parquet") if path.parent.name != "answers"}

    before = files()
    with pytest.raises(ImportFormatError):
        bring(cache, [answered("a", 1, 1, 2.0)], again=True)
    assert files() == before
