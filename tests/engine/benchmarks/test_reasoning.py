import itertools
import os
import subprocess
import sys
from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.benchmarks.test_sources import check, split_sizes
from selectllm_engine.benchmarks import load_benchmark, reasoning
from selectllm_engine.errors import BenchmarkError, MissingExtraError, UnknownNameError, UsageError

SMALL = {"train": 60, "validation": 36, "test": 48}


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    with pytest.raises(MissingExtraError, match=r"selectllm\[reasoning\]"):
        load_benchmark("reasoning", sizes=SMALL)


def test_data_makes_no_sense(tmp_path):
    with pytest.raises(UsageError, match="makes its questions itself"):
        load_benchmark("reasoning", data=tmp_path)


def test_sizes_are_checked():
    with pytest.raises(UnknownNameError, match="did you mean 'validation'"):
        load_benchmark("reasoning", sizes={"validaton": 5})
    with pytest.raises(UsageError, match="-1"):
        load_benchmark("reasoning", sizes={"test": -1})


class TestMade:
    """The questions themselves, which need reasoning-gym."""

    @pytest.fixture(scope="class", autouse=True)
    def needs_the_gym(self):
        pytest.importorskip("reasoning_gym")

    @pytest.fixture(scope="class")
    def benchmark(self):
        return load_benchmark("reasoning")

    def test_the_default_sizes(self, benchmark):
        check(benchmark)
        assert split_sizes(benchmark) == {"train": 600, "validation": 400, "test": 1000}
        assert benchmark.terse

    def test_no_text_is_in_two_splits_or_twice(self, benchmark):
        texts = [*benchmark.questions["text"], *(exemplar.text for exemplar in benchmark.exemplars)]
        assert len(set(texts)) == len(texts)

    def test_kinds_are_mixed_evenly_from_the_start(self, benchmark):
        for split in ("train", "validation", "test"):
            first = benchmark.questions.filter(split=split).head(36)
            assert set(Counter(first["subject"]).values()) == {3}
            assert first["question_id"].to_list() == [f"reasoning-{split}-{n:04d}" for n in range(36)]

    def test_every_kind_has_five_exemplars_with_answers_only(self, benchmark):
        counts = Counter(each.subject for each in benchmark.exemplars)
        assert counts == dict.fromkeys(benchmark.questions["subject"], 5)
        assert {each.rationale for each in benchmark.exemplars} == {None}

    def test_questions_and_answers_are_short(self, benchmark):
        assert benchmark.questions["text"].str.len_chars().max() <= 450
        assert benchmark.questions["gold"].str.len_chars().max() <= 30
        assert set(benchmark.questions["kind"]) == {"number", "letter", "word"}

    def test_no_question_asks_for_a_form_of_answer(self, benchmark):
        pattern = r"(?i)(answer|reply|respond) (with|only)|give only|single word|final answer"
        assert benchmark.questions.filter(pl.col("text").str.contains(pattern)).is_empty()

    def test_gold_letters_are_spread(self, benchmark):
        golds = Counter(benchmark.questions.filter(kind="letter")["gold"])
        assert set("ABC") <= set(golds)
        assert max(golds.values()) < sum(golds.values()) / 2

    def test_no_answer_is_right_for_most_questions_of_a_kind(self, benchmark):
        for (subject,), questions in benchmark.questions.group_by("subject"):
            commonest = Counter(questions["gold"]).most_common(1)[0][1]
            assert commonest <= 0.55 * questions.height, subject

    def test_another_process_makes_the_same_questions(self, benchmark):
        script = (
            "from selectllm_engine.benchmarks import load_benchmark\n"
            f"made = load_benchmark('reasoning', sizes={SMALL})\n"
            "print(repr((made.questions.rows(), made.exemplars)))"
        )
        environment = os.environ | {"PYTHONHASHSEED": "7"}
        printed = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, check=True)
        here = pl.concat([benchmark.questions.filter(split=split).head(size) for split, size in SMALL.items()])
        assert printed.stdout.decode().strip() == repr((here.rows(), benchmark.exemplars))

    def test_another_seed_makes_other_questions(self, benchmark):
        other = load_benchmark("reasoning", sizes=SMALL, seed=1)
        check(other)
        common = set(other.questions["text"]) & set(benchmark.questions["text"])
        assert len(common) < 0.1 * other.questions.height

    @pytest.mark.parametrize("sizes", [{"train": 0, "validation": 1, "test": 13}, {"train": 399, "validation": 7}])
    def test_smaller_sizes_are_the_beginning_of_larger_ones(self, benchmark, sizes):
        smaller = load_benchmark("reasoning", sizes=sizes)
        for split, default in split_sizes(benchmark).items():
            size = sizes.get(split, default)
            assert smaller.questions.filter(split=split).equals(benchmark.questions.filter(split=split).head(size))
        assert smaller.exemplars == benchmark.exemplars

    @given(
        st.lists(st.integers(0, 60), max_size=120),
        st.tuples(*[st.integers(0, 3)] * 3),
        st.tuples(*[st.integers(0, 3)] * 3),
    )
    def test_more_needed_only_adds(self, stream, fewer, more):
        """What a split gets is the beginning of what it gets when more is asked for, of any split."""

        def distribute(needed):
            items = (reasoning.Made(f"What is {n}?", str(n)) for n in itertools.cycle([*stream, *range(400)]))
            needs = dict(zip(SMALL, needed, strict=True))
            return reasoning.distribute("sums", items, needs, kind="number")

        small = distribute(fewer)
        large = distribute(tuple(a + b for a, b in zip(fewer, more, strict=True)))
        for split, rows in small.items():
            assert rows == large[split][: len(rows)]
        texts = [row["text"] for rows in large.values() for row in rows]
        assert len(set(texts)) == len(texts)

    def test_a_kind_that_runs_dry_says_how_many_there_are(self):
        tiny = reasoning.Puzzle("products", "number", reasoning.KINDS["products"].make, {"max_digits": 1})
        with pytest.raises(BenchmarkError, match=r"tiny has only \d+ different train questions, 400 are needed"):
            reasoning.mixed("reasoning", {"tiny": tiny}, sizes={"train": 400}, seed=0)
