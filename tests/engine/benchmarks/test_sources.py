import contextlib
import csv
import json
import re
from collections import Counter
from dataclasses import asdict
from hashlib import sha256
from urllib.error import URLError

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paths import SHARED
from selectllm_engine.answers.extract import canonical
from selectllm_engine.benchmarks import (
    LETTERS,
    QUESTION_SCHEMA,
    SOURCES,
    Benchmark,
    Exemplar,
    load_benchmark,
    question_frame,
)
from selectllm_engine.benchmarks.benchmark import ranked
from selectllm_engine.errors import BenchmarkError, UnknownNameError, UsageError
from selectllm_engine.generation.prompts import build_prompt
from settings_texts import parse_settings


def split_sizes(benchmark):
    return dict(Counter(benchmark.questions["split"]))


def check(benchmark):
    """What every benchmark keeps to, whatever its source."""
    questions = benchmark.questions
    assert questions.schema == QUESTION_SCHEMA
    assert questions["question_id"].is_unique().all()
    assert questions.drop("subject", "choices").null_count().sum_horizontal().item() == 0
    for row in questions.iter_rows(named=True):
        assert row["gold"] == canonical(row["gold"], row["kind"], len(row["choices"] or LETTERS))
        assert (row["choices"] is not None) == (row["kind"] == "letter")
    asked = set(zip(questions["text"], map(repr, questions["choices"].to_list()), strict=True))
    for exemplar in benchmark.exemplars:
        assert (exemplar.text, repr(list(exemplar.choices) if exemplar.choices else None)) not in asked


# GSM8K


def gsm8k_rows(split, count):
    return [
        {
            "question": f"In the {split} orchard {n} pears hang on each of 2 trees.\nHow many pears hang there?",
            "answer": f"There are {n}*2 = <<{n}*2={2 * n}>>{2 * n} pears.\nThat is all.\n#### {2 * n:,}",
        }
        for n in range(count)
    ]


@pytest.fixture
def gsm8k(tmp_path):
    folder = tmp_path / "gsm8k"
    folder.mkdir()
    for split, count in (("train", 750), ("test", 30)):
        lines = [json.dumps(row) for row in gsm8k_rows(split, count)]
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def test_gsm8k_takes_the_studys_shares_of_a_shorter_train_file(gsm8k):
    benchmark = load_benchmark("gsm8k", data=gsm8k)
    check(benchmark)
    assert split_sizes(benchmark) == {"train": 684, "validation": 36, "test": 30}
    assert len(benchmark.exemplars) == 5
    assert not benchmark.terse


def test_gsm8k_ids_are_places_in_the_files_and_do_not_depend_on_the_seed(gsm8k):
    first, second = (load_benchmark("gsm8k", data=gsm8k, seed=seed).questions for seed in (0, 1))
    both = first.join(second, on="question_id", suffix="_second")
    assert both.filter(pl.col("text") != pl.col("text_second")).is_empty()
    assert both.filter(pl.col("split") != pl.col("split_second")).height > 0
    test = first.filter(split="test")
    assert test["question_id"][7] == "gsm8k-test-0007"
    assert test["text"][7] == gsm8k_rows("test", 8)[7]["question"]


def test_gsm8k_rationales_have_no_calculator_notes(gsm8k):
    for exemplar in load_benchmark("gsm8k", data=gsm8k).exemplars:
        half = int(exemplar.answer) // 2
        assert exemplar.rationale == f"There are {half}*2 = {2 * half} pears. That is all."


def test_gsm8k_reads_the_hubs_parquet_files(gsm8k, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    (folder / "main").mkdir()
    for split, count in (("train", 750), ("test", 30)):
        pl.DataFrame(gsm8k_rows(split, count)).write_parquet(folder / "main" / f"{split}-00000-of-00001.parquet")
    ours, theirs = load_benchmark("gsm8k", data=folder), load_benchmark("gsm8k", data=gsm8k)
    assert ours.questions.equals(theirs.questions)
    assert ours.exemplars == theirs.exemplars


def test_gsm8k_names_the_row_without_an_answer(gsm8k):
    with (gsm8k / "test.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"question": "How many?", "answer": "I do not know."}\n')
    with pytest.raises(BenchmarkError, match=r"test\.jsonl, row 31: it has no answer"):
        load_benchmark("gsm8k", data=gsm8k)


@pytest.mark.parametrize("name", ["gsm8k", "mmlu"])
def test_folders_without_the_files_are_named(name, tmp_path):
    with pytest.raises(BenchmarkError, match="holds no"):
        load_benchmark(name, data=tmp_path)
    with pytest.raises(BenchmarkError, match="no folder"):
        load_benchmark(name, data=tmp_path / "absent")


# MMLU

SUBJECTS = ("knots", "weather")
MMLU_SIZES = {"test": 500, "val": 20, "dev": 5}


def mmlu_rows(split, subject, count):
    return [
        [
            f'Of {split} {subject},\nwhich is number "{n}"?',
            f"{n}, that is",
            f"{n + 1}",
            "none\nof them",
            "0.5",
            LETTERS[n % 4],
        ]
        for n in range(count)
    ]


def mmlu_as_on_the_hub(split):
    return pl.DataFrame(
        {"question": text, "subject": subject, "choices": choices, "answer": LETTERS.index(gold)}
        for subject in SUBJECTS
        for text, *choices, gold in mmlu_rows(split, subject, MMLU_SIZES[split])
    )


@pytest.fixture
def mmlu(tmp_path):
    folder = tmp_path / "mmlu"
    for split, count in MMLU_SIZES.items():
        (folder / split).mkdir(parents=True)
        for subject in SUBJECTS:
            with (folder / split / f"{subject}_{split}.csv").open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(mmlu_rows(split, subject, count))
    return folder


def test_mmlu_draws_train_and_validation_from_its_test_split(mmlu):
    benchmark = load_benchmark("mmlu", data=mmlu)
    check(benchmark)
    assert split_sizes(benchmark) == {"train": 980, "validation": 20, "test": 40}
    sources = benchmark.questions.select("split", pl.col("question_id").str.split("-").list.get(1)).unique()
    assert sorted(sources.rows()) == [("test", "validation"), ("train", "test"), ("validation", "test")]


def test_mmlu_keeps_commas_quotes_and_newlines(mmlu):
    questions = load_benchmark("mmlu", data=mmlu).questions
    row = questions.row(by_predicate=pl.col("question_id") == "mmlu-validation-weather-0003", named=True)
    text, *choices, gold = mmlu_rows("val", "weather", 4)[3]
    assert (row["text"], row["choices"], row["gold"], row["subject"]) == (text, choices, gold, "weather")


def test_mmlu_exemplars_are_the_subjects_own_and_state_answers_only(mmlu):
    benchmark = load_benchmark("mmlu", data=mmlu)
    shown = benchmark.exemplars_for("knots")
    assert len(shown) == 5
    assert {exemplar.subject for exemplar in shown} == {"knots"}
    assert {exemplar.rationale for exemplar in benchmark.exemplars} == {None}


def test_mmlu_reads_the_hubs_parquet_files(mmlu, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    for split, theirs in (("test", "test"), ("val", "validation"), ("dev", "dev")):
        mmlu_as_on_the_hub(split).write_parquet(folder / f"{theirs}-00000-of-00001.parquet")
    ours, theirs = load_benchmark("mmlu", data=folder), load_benchmark("mmlu", data=mmlu)
    assert ours.questions.equals(theirs.questions)
    assert ours.exemplars == theirs.exemplars


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("Which?,a,b,c,d", "row 21: its answer is none of its options"),
        ("Which?,a,b,c,d,A,B", "row 21 has 7 fields instead of 6"),
        ("Which?,a,b,c,d,E", "row 21: its answer is none of its options"),
        ('Which?,"a"x,b,c,d,A', "is no CSV"),
    ],
)
def test_mmlu_names_the_broken_row(mmlu, line, said):
    with (mmlu / "val" / "knots_val.csv").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(BenchmarkError, match=rf"^knots_val\.csv, .*{said}"):
        load_benchmark("mmlu", data=mmlu)


# the registry and what all share


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(UnknownNameError, match="did you mean 'gsm8k'"):
        load_benchmark("gsm8")


@pytest.mark.parametrize("name", ["gsm8k", "mmlu", "mine"])
def test_only_generated_benchmarks_have_sizes(name, tmp_path):
    with pytest.raises(UsageError, match="fixed number of questions"):
        load_benchmark(name, data=tmp_path, sizes={"test": 10})


@pytest.fixture
def reachable_hub(monkeypatch):
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("urllib.request.urlopen", lambda url, timeout: contextlib.nullcontext())


@pytest.mark.parametrize("name", ["gsm8k", "mmlu"])
def test_an_unreachable_hub_is_one_line(name, monkeypatch):
    def unreachable(url, timeout):
        raise URLError("name or service not known\n\nand much more")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    with pytest.raises(BenchmarkError, match=r"hub .*not known.*--data") as caught:
        load_benchmark(name)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("reachable_hub")
def test_a_hub_that_fails_midway_is_one_line(monkeypatch):
    def failing(*args, **kwargs):
        raise pl.exceptions.ComputeError("error sending request for url (hf)\n\nand much more")

    monkeypatch.setattr(pl, "read_parquet", failing)
    with pytest.raises(BenchmarkError, match="hub") as caught:
        load_benchmark("gsm8k")
    assert str(caught.value).count("\n") == 0
    assert "and much more" not in str(caught.value)


@pytest.mark.usefixtures("reachable_hub")
def test_the_hubs_files_are_read_by_default(monkeypatch, gsm8k, mmlu):
    read = []

    def from_hub(url):
        read.append(url)
        dataset, config, split = re.fullmatch(r"hf://datasets/(.+/.+)/(.+)/(.+)-\*\.parquet", url).groups()
        assert (dataset, config) in {("openai/gsm8k", "main"), ("cais/mmlu", "all")}
        if dataset == "openai/gsm8k":
            return pl.read_ndjson(gsm8k / f"{split}.jsonl")
        return mmlu_as_on_the_hub({"validation": "val"}.get(split, split))

    monkeypatch.setattr(pl, "read_parquet", from_hub)
    assert load_benchmark("gsm8k").questions.equals(load_benchmark("gsm8k", data=gsm8k).questions)
    assert load_benchmark("mmlu").questions.equals(load_benchmark("mmlu", data=mmlu).questions)
    assert len(set(read)) == 5


def test_every_source_can_be_imported_and_loads():
    from importlib import import_module

    assert all(callable(import_module(path).load) for path in SOURCES.values())


def test_exemplars_fall_back_to_any_subject():
    exemplars = tuple(Exemplar(f"What is {n}?", str(n), subject=subject) for n, subject in enumerate("aabbbbbbb"))
    benchmark = Benchmark("b", question_frame([]), exemplars)
    assert [each.subject for each in benchmark.exemplars_for("a")] == ["a", "a"]
    assert [each.subject for each in benchmark.exemplars_for("b")] == ["b"] * 5
    assert benchmark.exemplars_for("c") == exemplars[:5] == benchmark.exemplars_for(None)


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8")), unique=True), st.integers(), st.randoms())
def test_a_draw_depends_on_names_and_seed_alone(names, seed, random):
    shuffled = random.sample(names, len(names))
    assert ranked(shuffled, seed) == ranked(names, seed)
    assert sorted(ranked(names, seed)) == sorted(names)


# the real data


def shared(name):
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/data")
    return load_benchmark(name, data=SHARED / name)


@pytest.mark.shared
def test_real_gsm8k_has_the_studys_splits():
    benchmark = shared("gsm8k")
    check(benchmark)
    assert split_sizes(benchmark) == {"train": 6816, "validation": 359, "test": 1319}
    assert all(exemplar.rationale and "<<" not in exemplar.rationale for exemplar in benchmark.exemplars)


@pytest.mark.shared
def test_real_mmlu_has_the_studys_splits():
    benchmark = shared("mmlu")
    assert split_sizes(benchmark) == {"train": 13757, "validation": 285, "test": 1531}
    assert Counter(each.subject for each in benchmark.exemplars) == dict.fromkeys(benchmark.questions["subject"], 5)
    assert set(benchmark.questions["gold"]) == set("ABCD")


OF_ONES_OWN = r"""
[benchmarks.gsm8k]
files = { train = "train.jsonl", test = "test.jsonl" }
question = "question"
answer = "answer"
rationale = "answer"
kind = "number"
patterns = { answer = '####([^#]*)$', rationale = '(?s)^(.*)####' }
remove = { rationale = '<<[^<>]*>>' }
exemplars = { of = "train", take = 5 }

[benchmarks.gsm8k.split]
train = { of = "train", share = 0.9121 }
validation = { of = "train", share = 0.04804 }
test = "test"

[benchmarks.mmlu]
files = { test = "test/*.csv", validation = "val/*.csv", dev = "dev/*.csv" }
columns = ["question", "A", "B", "C", "D", "right"]
question = "question"
choices = { A = "A", B = "B", C = "C", D = "D" } # some texts of options are letters too
answer = "right"
subject = "{file}"
patterns = { subject = '^(.*)_(?:test|val|dev)$' }
exemplars = { of = "dev" }

[benchmarks.mmlu.split]
train = { of = "test", share = 0.9797 }
validation = { of = "test", share = 0.0203 }
test = "validation"
"""


def digest(*texts):
    return sha256("".join(texts).encode()).hexdigest()[:16]


def prompts(benchmark):
    """Of every question: zero-shot for chat and base LLMs, and few-shot."""
    for row in benchmark.questions.iter_rows(named=True):
        for style, chat in (("zero-shot", True), ("zero-shot", False), ("few-shot", False)):
            shown = benchmark.exemplars_for(row["subject"])
            prompt = build_prompt(row, style=style, chat=chat, exemplars=shown, terse=benchmark.terse)
            yield json.dumps([prompt.text, prompt.messages])


@pytest.mark.shared
@pytest.mark.parametrize("described", [False, True], ids=["preset", "selectllm.toml"])
@pytest.mark.parametrize(
    ("name", "seed", "questions", "exemplars", "asked"),
    [
        ("gsm8k", 0, "da64165ce32ad90f", "76f8aa598c401f00", "3be5470b4c8a793f"),
        ("gsm8k", 7, "717b600523bad89f", "b08054bb45f51162", "48bb3ae70157927e"),
        ("mmlu", 0, "b67c2522f747c1fc", "12cf022e88a92c29", "525d4ed48a272268"),
        ("mmlu", 7, "377367f76eed0956", "12cf022e88a92c29", "6e663c3ade9b6f9c"),
    ],
)
def test_real_questions_and_prompts_are_those_that_runs_were_made_with(
    name, seed, questions, exemplars, asked, described
):
    """What the modules gave that described these two in Python: stored samples and prompts stay valid."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared/data")
    description = parse_settings(OF_ONES_OWN).benchmarks[name].description if described else None
    benchmark = load_benchmark(name, data=SHARED / name, seed=seed, description=description)
    assert digest(repr(benchmark.questions.rows(named=True))) == questions
    assert digest(json.dumps([asdict(each) for each in benchmark.exemplars])) == exemplars
    assert digest(*prompts(benchmark)) == asked
