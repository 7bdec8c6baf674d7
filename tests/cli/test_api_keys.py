"""Keys leave only to where the person lets them go, whatever a `selectllm.toml` from somebody says."""

import json
import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest

import selectllm_engine as sl
from fake_server import FakeServer
from selectllm_engine.errors import UsageError
from selectllm_engine.setups import setup_of, write_setup
from selectllm_tui.cli import main
from selectllm_tui.cli.api_keys import ALLOWED, PROVIDERS, allow_keys
from settings_texts import parse_settings

LLM = '[llms.a]\nweights = "m"\n'
OPENAI = "https://api.openai.com/v1"
COMMAND = [sys.executable, "-c", "import sys; from selectllm_tui.cli import main; sys.exit(main(sys.argv[1:]))"]
GENERATE = [
    "generate",
    "--engine",
    "openai",
    "--llm",
    "a",
    "--benchmark",
    "own",
    "--data",
    "own.jsonl",
    "--samples",
    "1",
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder from somebody, and a person with keys."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("OPENAI_API_KEY", "AWS_SECRET"):
        monkeypatch.setenv(name, f"sk-of-{name.lower()}")
    (tmp_path / "own.jsonl").write_text(json.dumps({"question": "What is 1 + 1?", "answer": "2"}) + "\n")
    return tmp_path


def allow(file, **how):
    settings = parse_settings(file)
    allow_keys(settings.llms.values(), settings, **how)


@pytest.mark.parametrize(
    ("endpoint", "variable", "place"),
    [
        ("https://evil.example/v1", "AWS_SECRET", "evil.example"),
        ("https://evil.example:8443/v1", "OPENAI_API_KEY", "evil.example:8443"),
        (OPENAI, "AWS_SECRET", "api.openai.com"),
        ("http://api.openai.com/v1", "OPENAI_API_KEY", "http://api.openai.com"),
        ("https://api.openai.com:444/v1", "OPENAI_API_KEY", "api.openai.com:444"),
        ("https://api.openai.com.evil.example", "OPENAI_API_KEY", "api.openai.com.evil.example"),
        ("https://\u0430pi.openai.com/v1", "OPENAI_API_KEY", "\\u0430pi.openai.com"),
        ("https://localhost.evil.example", "AWS_SECRET", "localhost.evil.example"),
        ("http://10.0.0.5:8000/v1", "AWS_SECRET", "http://10.0.0.5:8000"),
        ("http://localhost\\.evil.example/v1", "AWS_SECRET", "http://localhost\\\\.evil.example"),
    ],
)
def test_a_key_goes_nowhere_that_nobody_allowed(monkeypatch, endpoint, variable, place):
    own = LLM + f"endpoint = '{endpoint}'\napi_key_env = '{variable}'"
    with pytest.raises(UsageError) as refused:
        allow(own)
    assert refused.value.problem == f"selectllm.toml would send ${variable} to {place}, which nobody has allowed"
    assert refused.value.remedy.endswith(f"set {ALLOWED}={variable}@{place}")
    monkeypatch.setenv(ALLOWED, f"OTHER@{place},{variable}@{place}")
    allow(own)
    monkeypatch.setenv(ALLOWED, f"{variable}@other.example,OTHER@{place}")
    with pytest.raises(UsageError):
        allow(own)


def test_the_usual_variable_of_the_usual_server_needs_no_word(monkeypatch):
    allow(LLM + f"endpoint = '{OPENAI}'")
    for host, variable in PROVIDERS.items():
        monkeypatch.setenv(variable, "sk-one")
        allow(LLM + f"endpoint = 'https://{host}/v1'\napi_key_env = '{variable}'")
        with pytest.raises(UsageError):
            allow(LLM + f"endpoint = 'https://{host}/v1'\napi_key_env = 'AWS_SECRET'")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:11434", "127.9.9.9:1"])
def test_this_machine_needs_no_word(host):
    allow(LLM + f"endpoint = 'http://{host}/v1'\napi_key_env = 'AWS_SECRET'")


def test_where_there_is_no_key_none_leaves():
    own = LLM + "endpoint = 'http://10.0.0.5/v1'\napi_key_env = 'NO_SUCH_KEY'"
    allow(own)
    with pytest.raises(UsageError, match=r"\$NO_SUCH_KEY to http://10.0.0.5"):
        allow(own, unset=True)


def test_a_server_that_was_typed_gets_the_usual_key_alone():
    for file, allowed in (
        ("", True),
        (LLM, True),
        (LLM + "api_key_env = 'AWS_SECRET'", False),
        (LLM + "[defaults]\nbase_url = 'https://llm.example/v1'", False),
    ):
        code, err = typed(file)
        assert ("nobody has allowed" in err) is not allowed, (file, err)
        assert code == (1 if allowed else 2), err  # there is no such server


def typed(file):
    Path("selectllm.toml").write_text(file)
    done = subprocess.run(
        [*COMMAND, *GENERATE, "--base-url", "https://llm.example/v1", "--cache", "cache"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "HTTPS_PROXY": "http://127.0.0.1:9"},  # no name is looked up
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("file", ["not json", "{}", "[[]]", "[" * 100_000])
def test_a_memory_that_cannot_be_read_allows_nothing(folder, file):
    (folder / "state" / "selectllm").mkdir(parents=True)
    (folder / "state" / "selectllm" / "keys.json").write_text(file)
    with pytest.raises(UsageError):
        allow(LLM + "endpoint = 'https://evil.example/v1'")


def in_a_terminal(says):
    """Generate with a terminal in which the question is answered; what it showed."""
    terminal, child = pty.openpty()
    process = subprocess.Popen([*COMMAND, *GENERATE, "--cache", "cache"], stdin=child, stdout=child, stderr=child)
    os.close(child)
    seen = b""
    while select.select([terminal], [], [], 600)[0]:
        try:
            seen += os.read(terminal, 65536)
        except OSError:  # it has ended
            break
        if says and b"[y/N]" in seen:
            os.write(terminal, says)
            says = b""
    os.close(terminal)
    return process.wait(600), seen.decode()


def test_it_is_asked_once_for_a_file_a_place_and_a_variable(folder, monkeypatch, capsys):
    with FakeServer() as server:
        place = server.url.replace("127.0.0.1", "0.0.0.0").removesuffix("/v1")  # noqa: S104 as if it were another machine
        file = folder / "selectllm.toml"
        file.write_text(LLM + f"endpoint = '{place}/v1'\napi_key_env = 'AWS_SECRET'\n")
        code, seen = in_a_terminal(b"n\n")
        assert f"selectllm.toml: send $AWS_SECRET to {place}? [y/N]" in seen
        assert code == 2
        assert "sk-of" not in seen
        assert server.paths == server.headers == []
        code, seen = in_a_terminal(b"y\n")
        assert code == 0, seen
        assert server.headers[0]["authorization"] == "Bearer sk-of-aws_secret"
        capsys.readouterr()
        assert main([*GENERATE, "--cache", "again"]) == 0, capsys.readouterr().err  # without a terminal, nor a question
        before = len(server.headers)
        asked = file.read_text()
        file.write_text(asked.replace("AWS_SECRET", "OPENAI_API_KEY"))
        assert main([*GENERATE, "--cache", "third"]) == 2
        (folder / "other").mkdir()
        (folder / "other" / "selectllm.toml").write_text(asked)
        monkeypatch.chdir(folder / "other")
        assert main([*GENERATE, "--data", str(folder / "own.jsonl"), "--cache", "third"]) == 2
        assert capsys.readouterr().err.count("which nobody has allowed") == 2
        assert len(server.headers) == before


@pytest.mark.parametrize(
    "command",
    [
        [*GENERATE, "--base-url", "https://llm.example/v1"],
        ["measure", "--llm", "fake-a", "--engine", "openai"],
        ["serve", "--setup", "setup.toml"],
        ["export", "gateway", "litellm", "out", "--setup", "setup.toml"],
    ],
)
def test_every_command_that_sends_keys_asks(selectllm, fake_cache, folder, monkeypatch, command):
    write_setup(setup_of(sl.load("fake", fake_cache), router="logistic:tfidf"), folder / "setup.toml")
    llms = ("fake-a", "fake-b", "a")
    own = "".join(f"[llms.{name}]\nendpoint = 'https://evil.example/v1'\nweights = 'm'\n" for name in llms)
    (folder / "selectllm.toml").write_text(own)
    stored = "selectllm_engine.generation.llm_names.stored_llm"  # the made-up run has none that was sampled here
    monkeypatch.setattr(stored, lambda *_, **__: parse_settings(own).llms["a"])
    code, out, err = selectllm(*command)
    assert (code, out) == (2, "")
    assert err.startswith(
        "error: selectllm.toml would send $OPENAI_API_KEY to evil.example, which nobody has allowed; "
    )
    assert not (folder / "out").exists()
