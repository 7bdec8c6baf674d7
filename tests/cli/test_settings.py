"""selectllm.toml on the command line: defaults and flags, own LLMs, prompts, benchmarks and encoders."""

import json
import os
import re
import subprocess
import sys

import pytest

from fake_engine import FAKE_WORKER, fake_weights
from paths import TESTS
from selectllm_engine.errors import BenchmarkError
from selectllm_engine.generation import engine, scheduler, sources
from selectllm_engine.settings import KEYS
from selectllm_engine.store.cache import Cache
from selectllm_tui.cli import COMMANDS, command, main


@pytest.fixture
def settings_lab(tmp_path, monkeypatch, capsys):
    """Run a command in a folder with five questions and weights; `settings_lab.write` writes its selectllm.toml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.setattr(scheduler, "WORKER", FAKE_WORKER)
    monkeypatch.setattr(engine, "find_spec", lambda _: True)
    rows = [{"question": f"What is {n} + {n}?", "answer": str(2 * n)} for n in range(5)]
    (tmp_path / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    fake_weights(tmp_path / "weights")

    def run(*args):
        code = main(args)
        return code, *capsys.readouterr()

    run.folder = tmp_path
    run.write = (tmp_path / "selectllm.toml").write_text
    run.results = Cache(tmp_path / "results")
    return run


FULL = """
[defaults]
cache = "results"
benchmark = "own"
llms = ["mine"]
samples = 2
max_tokens = 33
[llms.mine]
weights = "weights"
prompt = "brief"
specialised = "sums"
parameters = 7
price = { input = 1, output = 2 }
[prompts.brief]
system = "Be brief."
[benchmarks]
own = "own.jsonl"
"""


def test_everything_comes_from_the_file(settings_lab):
    settings_lab.write(FULL)
    code, _, err = settings_lab("generate")
    assert code == 0, err
    assert settings_lab.results.sampled("own", "mine").height == 10
    manifest = settings_lab.results.manifest("own", "mine")
    assert manifest["sampling"]["max_tokens"] == 33
    assert manifest["prompt"]["wording"]["system"] == "Be brief."
    assert (manifest["specialised"], manifest["parameters"]) == ("sums", 7)
    assert manifest["price"] == {"input": 1, "output": 2}
    code, out, _ = settings_lab("evaluate", "--format", "json")
    assert code == 0
    assert json.loads(out)["benchmark"] == "own"
    code, _, err = settings_lab("latency", "--llm", "mine")
    assert code == 0, err


def test_a_benchmark_that_is_away_stops_no_other(settings_lab, monkeypatch):
    load = sources.load_benchmark

    def away(name, **given):
        if name == "gsm8k":
            raise BenchmarkError("the fake hub is away", "name files")
        return load(name, **given)

    monkeypatch.setattr(sources, "load_benchmark", away)
    settings_lab.write(FULL)
    code, _, err = settings_lab("generate", "--benchmark", "gsm8k", "--benchmark", "own")
    assert code == 1
    assert "mine  gsm8k          8,494   16,988" in err
    assert "- questions of gsm8k: the fake hub is away; name files\n" in err
    assert err.splitlines()[-1] == "error: gsm8k: the fake hub is away; name files"
    assert settings_lab.results.benchmarks() == ["own"]
    assert settings_lab.results.sampled("own", "mine").height == 10


def test_flags_and_the_environment_win(settings_lab, monkeypatch):
    settings_lab.write(FULL)
    monkeypatch.setenv("SELECTLLM_CACHE", str(settings_lab.folder / "environment"))
    code, _, err = settings_lab("generate", "--samples", "3", "--llm", "other=weights", "--max-tokens", "9")
    assert code == 0, err
    stored = Cache(settings_lab.folder / "environment")
    assert stored.sampled("own", "other").height == 15
    assert stored.manifest("own", "other")["sampling"]["max_tokens"] == 9
    assert not settings_lab.results.root.exists()
    assert settings_lab("generate", "--cache", "flag")[0] == 0
    assert Cache(settings_lab.folder / "flag").llms("own") == ["mine"]


def test_prompts_never_mix(settings_lab):
    settings_lab.write(FULL)
    assert settings_lab("generate")[0] == 0
    settings_lab.write(FULL.replace("Be brief.", "Be long."))
    code, _, err = settings_lab("generate", "--dry-run")
    assert code == 1
    assert "mine on own: stored results were made with other settings; " in err
    code, _, err = settings_lab("generate")
    assert code == 1
    assert "stored results of mine were made with other settings: prompt {" in err
    assert '"Be brief."' in err
    assert '"Be long."' in err
    code, _, err = settings_lab("generate", "--prompt", "zero-shot")
    assert code == 1, "the flag asks for the built-in words"
    settings_lab.write(FULL)
    assert settings_lab("generate", "--prompt", "brief")[0] == 0
    code, _, err = settings_lab("generate", "--prompt", "breif")
    assert (code, err) == (2, "error: no prompt 'breif'; did you mean 'brief'?\n")


def test_exemplars_of_the_file(settings_lab):
    settings_lab.write(
        FULL.replace('own = "own.jsonl"', '[benchmarks.own]\ndata = "own.jsonl"\nexemplars = "solved.jsonl"')
    )
    solved = settings_lab.folder / "solved.jsonl"
    solved.write_text('{"question": "What is 9 + 9?", "answer": "18", "rationale": "Twice 9."}\n')
    code, _, err = settings_lab("generate", "--llm", "base=weights", "--prompt", "few-shot")
    assert code == 0, err
    prompt = settings_lab.results.manifest("own", "base")["prompt"]
    assert (prompt["style"], prompt["exemplars"]) == ("few-shot", "rationales")
    solved.write_text('{"question": "What is 1 + 1?", "answer": "2"}\n')
    code, _, err = settings_lab("generate", "--llm", "base=weights", "--prompt", "few-shot")
    assert code == 1
    assert err.startswith("error: 1 exemplars of solved.jsonl are questions of own too; take them out of the file")


def test_names_of_the_file_are_known(settings_lab):
    settings_lab.write(FULL)
    code, _, err = settings_lab("generate", "--llm", "mien", "--dry-run")
    assert (code, err) == (2, "error: no LLM 'mien'; did you mean 'mine'? (weights of your own: --llm mien=FOLDER)\n")
    settings_lab.write('[benchmarks]\nexams = "exams.jsonl"\n')
    code, _, err = settings_lab("generate", "--benchmark", "exmas", "--dry-run")
    assert (code, err) == (2, "error: no benchmark 'exmas'; did you mean 'exams'?\n")
    settings_lab.write('[encoders]\nmine = "nowhere"\n')
    code, _, err = settings_lab("train", "--router", "knn:mine", "--benchmark", "reasoning", "--cache", "none")
    assert code in {1, 2}
    assert "no features" not in err


WRONG = "[defaults]\nsamples = 'many'\n"


@pytest.mark.parametrize("args", [("generate",), ("evaluate",), ("train", "--all"), ("cache", "list")])
def test_a_wrong_file_is_one_line(settings_lab, args):
    settings_lab.write(WRONG)
    code, out, err = settings_lab(*args)
    line = "error: selectllm.toml: defaults.samples is 'many'; it must be a whole number of at least 1\n"
    assert (code, out, err) == (2, "", line)
    assert not settings_lab.results.root.exists()


def test_help_never_reads_the_file(settings_lab):
    settings_lab.write(FULL)
    before = [settings_lab(*args)[1] for args in (("--help",), ("generate", "--help"), ("cache", "list", "--help"))]
    settings_lab.write(WRONG)
    after = [settings_lab(*args)[1] for args in (("--help",), ("generate", "--help"), ("cache", "list", "--help"))]
    assert before == after
    assert "33" not in before[1], "the help shows the program's own defaults"
    assert settings_lab("--version")[0] == 0


def test_one_of_several_benchmarks(settings_lab):
    settings_lab.write(FULL.replace('benchmark = "own"', 'benchmark = ["own", "two"]') + 'two = "own.jsonl"\n')
    assert settings_lab("generate")[0] == 0
    assert settings_lab.results.benchmarks() == ["own", "two"]
    code, _, err = settings_lab("evaluate")
    assert code == 2, "two are no default where one is wanted"
    assert "own, two" in err
    settings_lab.write(FULL)
    assert settings_lab("evaluate")[0] == 0
    code, _, err = settings_lab("cache", "remove", "--yes")
    assert code == 2, "nothing is removed by default"
    assert settings_lab.results.benchmarks() == ["own", "two"]


def commands():
    """Every command by its full name."""
    for name in COMMANDS:
        found = command(name)
        below = getattr(found, "commands", None)
        yield from [(name, found)] if below is None else [(f"{name} {each}", below[each]) for each in below]


def test_every_default_is_an_option_of_some_command():
    taken = {key: [] for key in KEYS["defaults"]}
    for name, found in commands():
        options = {each.name for each in found.params}
        for key, info in KEYS["defaults"].items():
            if (info.option or key) in options and info.counts_for(name):
                taken[key].append(name)
    assert [key for key, names in taken.items() if not names] == []
    assert {"evaluate", "export table", "generate", "measure", "train"} <= set(taken["benchmark"])
    assert not [name for name in taken["benchmark"] if name.startswith(("import", "cache"))]
    assert taken["llms"] == ["generate"]


def test_completion_knows_the_file(settings_lab):
    settings_lab.write(FULL)
    for line, expected in [
        ("selectllm generate --llm mi", ["mine", "mistral-7b", "mistral-7b-it"]),
        ("selectllm generate --prompt b", ["brief"]),
    ]:
        assert completed(line) == expected
    settings_lab.write(WRONG)
    assert completed("selectllm generate --llm metam") == []
    assert completed("selectllm generate --samp") == ["--samples"]


def completed(line):
    script = "import sys; from selectllm_tui.cli import main; sys.exit(main())"
    words = {
        "COMP_WORDS": "\n".join(line.split()),
        "COMP_CWORD": str(len(line.split()) - 1),
        "_SELECTLLM_COMPLETE": "complete_bash",
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **words}, capture_output=True, text=True, check=True
    )
    assert not re.search("rror", done.stderr)
    return done.stdout.split()
