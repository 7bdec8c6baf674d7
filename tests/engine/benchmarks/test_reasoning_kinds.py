"""Mixes of kinds that reasoning-gym makes: benchmarks of selectllm.toml, and files that are read as one's own."""

import json
import sys

import pytest

from selectllm_engine.answers import KINDS, canonical
from selectllm_engine.benchmarks import load_benchmark
from selectllm_engine.benchmarks.reasoning_kinds import make_file
from selectllm_engine.errors import MissingExtraError, UnknownNameError, UsageError
from selectllm_tui.cli import main
from settings_texts import parse_settings

SIZES = {"train": 8, "test": 12}


def test_without_the_library_the_extra_is_named(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "reasoning_gym", None)
    monkeypatch.setitem(sys.modules, "reasoning_gym.factory", None)
    with pytest.raises(MissingExtraError, match=r"selectllm\[reasoning\]"):
        make_file(tmp_path / "made.jsonl", ["chain_sum"])
    assert main(["benchmarks", "make", str(tmp_path / "made.jsonl")]) == 2
    assert "selectllm[reasoning]" in capsys.readouterr().err


def test_other_files_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"end it with \.jsonl"):
        make_file(tmp_path / "made.txt", ["sums"])
    (tmp_path / "made.csv").write_text("")
    with pytest.raises(UsageError, match="is there already"):
        make_file(tmp_path / "made.csv", ["sums"])


def test_kinds_are_all_that_a_table_says(tmp_path):
    with pytest.raises(UsageError, match=r"benchmarks\.puzzles has kinds, which are made, and question"):
        parse_settings('[benchmarks.puzzles]\nkinds = ["dates"]\nquestion = "q"')
    described = parse_settings('[benchmarks.puzzles]\nkinds = "dates"').benchmarks["puzzles"].description
    with pytest.raises(UsageError, match="puzzles makes its questions itself"):
        load_benchmark("puzzles", description=described, data=tmp_path)


class TestMade:
    """The files themselves, which need reasoning-gym."""

    @pytest.fixture(scope="class", autouse=True)
    def needs_the_gym(self):
        pytest.importorskip("reasoning_gym")

    @pytest.mark.parametrize("suffix", ["jsonl", "csv", "parquet"])
    def test_a_mix_is_read_as_ones_own_questions(self, suffix, tmp_path):
        path = tmp_path / f"made.{suffix}"
        kinds = ["polynomials", "sorted words", "dates", "alphabetical", "chain_sum", "number_filtering"]
        assert make_file(path, kinds, sizes=SIZES) == SIZES
        benchmark = load_benchmark("own", data=path)
        questions = benchmark.questions
        assert dict(questions["split"].value_counts().iter_rows()) == SIZES
        assert questions["subject"].to_list()[:6] == kinds
        of = dict(questions.select("subject", "kind").unique().iter_rows())
        expected = ["expression", "list", "date", "letter", "number", "list"]
        assert of == dict(zip(kinds, expected, strict=True))
        assert len(benchmark.exemplars) == 5 * len(kinds)
        for row in questions.iter_rows(named=True):
            assert row["kind"] in KINDS
            assert canonical(row["gold"], row["kind"]) == row["gold"]

    def test_the_same_seed_gives_the_same_file_and_larger_sizes_only_add(self, tmp_path):
        paths = [tmp_path / f"{name}.jsonl" for name in "abc"]
        for path, train in zip(paths, (8, 8, 16), strict=True):
            make_file(path, ["dates", "polynomials"], sizes={"train": train})
        one, same, more = (load_benchmark("own", data=path).questions for path in paths)
        assert one["text"].to_list() == same["text"].to_list() == more["text"].to_list()[:8]

    def test_kinds_that_cannot_be_compared_and_unknown_ones_are_refused(self, tmp_path):
        with pytest.raises(UsageError, match="the answers of sudoku are no short ones"):
            make_file(tmp_path / "made.jsonl", ["sudoku"])
        with pytest.raises(UnknownNameError, match="did you mean 'chain_sum'"):
            make_file(tmp_path / "made.jsonl", ["chain_sums"])

    def test_expressions_lists_and_dates_are_kinds_of_reasoning(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        kinds = ["sums", "polynomials", "sorted words", "dates"]
        (tmp_path / "selectllm.toml").write_text(f"[benchmarks.reasoning]\nkinds = {kinds}\n")
        described = parse_settings((tmp_path / "selectllm.toml").read_text()).benchmarks["reasoning"].description
        benchmark = load_benchmark("reasoning", description=described, sizes=SIZES | {"validation": 0})
        assert benchmark.questions["subject"].to_list()[:5] == [*kinds, "sums"]
        assert set(benchmark.questions["kind"]) == {"number", "expression", "list", "date"}
        of_the_mix = load_benchmark("reasoning", sizes={"train": 96}).questions.filter(subject="sums")["text"]
        assert benchmark.questions.filter(subject="sums", split="train")["text"].to_list() == of_the_mix.to_list()[:2]
        main(["generate", "--dry-run", "--benchmark", "reasoning", "--size", "test=8", "--llm", "a=b", "--cache", "c"])
        assert " 608 " in capsys.readouterr().err
        assert main(["benchmarks", "check", "reasoning"]) == 0
        assert "250 number, 250 expression, 250 list, 250 date; 20 exemplars" in capsys.readouterr().out
        assert main(["benchmarks", "--format", "json"]) == 0
        rows = [row for row in json.loads(capsys.readouterr().out)["benchmarks"] if row["name"] == "reasoning"]
        assert [(row["source"], row["note"]) for row in rows] == [("made on this machine", "selectllm.toml")]

    def test_the_command(self, tmp_path, capsys):
        path = tmp_path / "made.jsonl"
        assert main(["benchmarks", "make", str(path), "--kind", "dates", "--size", "test=3"]) == 0
        assert capsys.readouterr().out == f"{path}: 3 test\n"
        assert main(["benchmarks", "make", str(path)]) == 2
        assert "chain_sum" in capsys.readouterr().err
