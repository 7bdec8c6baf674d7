"""The frame of the command line: errors become one line, exit codes, did you mean, colour, streams."""

import errno
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import types
from typing import Annotated

import pytest
import typer

from selectllm_engine.errors import CacheError, UsageError
from selectllm_tui import cli


@pytest.fixture
def command(monkeypatch):
    """Run a function as the command `probe`; gives exit code, stdout and stderr."""

    def run(function, *args):
        module = types.ModuleType("selectllm_tui.cli.probe")
        module.run = function
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(cli.COMMANDS, "probe", ("probe:run", "Panel"))
        return cli.main(["probe", *args])

    return run


def raising(error):
    def run() -> None:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (CacheError("no questions", "generate some"), 1, "error: no questions; generate some"),
        (UsageError("two splits", "give one"), 2, "error: two splits; give one"),
        (CacheError("name \x1b[31m\n[red]"), 1, "error: name ␛[31m↵[red]"),
        (OSError(errno.ENOSPC, "No space left on device", "a\x1b"), 1, "error: no space left on device: a␛; free some"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), 1, "error: permission denied: /x; --cache DIR"),
        (ValueError("odd"), 1, "error: unexpected ValueError: odd; this is a bug: SELECTLLM_TRACEBACK=1"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (typer.Abort(), 1, "error: stopped"),
    ],
)
def test_errors_are_one_line(command, capsys, error, code, line):
    assert command(raising(error)) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(line)
    assert err.count("\n") == 1
    assert err.endswith("\n")


def test_traceback_on_demand(command, capsys, monkeypatch):
    monkeypatch.setenv("SELECTLLM_TRACEBACK", "1")
    assert command(raising(ValueError("odd\x1b"))) == 1
    err = capsys.readouterr().err
    assert "Traceback (most recent call last)" in err
    assert "\x1b" not in err


def test_done_is_zero(command, capsys):
    assert command(lambda: print("fine")) == 0
    assert capsys.readouterr().out == "fine\n"


def test_exit_code_of_a_command(command):
    assert command(raising(typer.Exit(1))) == 1


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["prob"], "error: no command 'prob'; did you mean 'probe'?\n"),
        (["probe", "--numbr", "3"], "error: no such option: --numbr; did you mean --number?\n"),
        (["probe", "--number", "x"], "error: invalid value for '--number': "),
        (["probe", "--number"], "error: option '--number' requires an argument\n"),
        (["cache", "lst"], "error: no such command 'lst'; did you mean 'list'?\n"),
        (["cache", "zzz"], "error: no such command 'zzz'; see selectllm cache --help\n"),
        (["probe", "more"], "error: got unexpected extra argument(s) (more); see selectllm probe --help\n"),
    ],
)
def test_wrong_usage(command, capsys, args, line):
    def run(number: Annotated[int, typer.Option()] = 1) -> None:
        """Probe."""

    command(run)
    assert cli.main(args) == 2
    assert capsys.readouterr().err.startswith(line)


def test_colour_only_on_a_terminal_that_wants_it(command, capsys, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    command(raising(CacheError("gone")))
    assert capsys.readouterr().err == "\x1b[31merror: gone\x1b[0m\n"
    monkeypatch.setenv("NO_COLOR", "1")
    command(raising(CacheError("gone")))
    assert capsys.readouterr().err == "error: gone\n"


def test_no_arguments_show_the_help(capsys):
    assert cli.main([]) == 2
    assert "Usage: selectllm" in capsys.readouterr().out


def test_version(capsys):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("selectllm 0.")


@pytest.mark.parametrize("lines", [1, 200_000])
def test_a_reader_that_leaves_is_no_error(lines):
    script = (
        "import sys, types; from selectllm_tui import cli\n"
        "probe = sys.modules['selectllm_tui.cli.probe'] = types.ModuleType('probe')\n"
        f"def run() -> None:\n for _ in range({lines}): print('x' * 50)\n"
        "probe.run = run; cli.COMMANDS['probe'] = ('probe:run', 'Panel'); sys.exit(cli.main(['probe']))"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", script], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode == 0  # `| head` has what it wanted


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_help_reads_no_markup(name, capsys, monkeypatch):
    """`selectllm[train]` is an extra, and no style that is called train."""
    monkeypatch.setenv("COLUMNS", "400")
    found = cli.command(name)
    for words, each in {
        (name,): found,
        **{(name, sub): c for sub, c in getattr(found, "commands", {}).items()},
    }.items():
        assert cli.main([*words, "--help"]) == 0
        shown = capsys.readouterr().out
        texts = [each.help, *(p.help for p in each.params)]
        bracketed = {part for text in texts if text for part in re.findall(r"\S*\[[^\]\s]*\]", text)}
        assert [part for part in bracketed if part not in shown] == [], words


def test_former_names_are_understood(capsys):
    """The words that were said before: in scripts, and in what people remember."""
    for old, new in cli.FORMERLY.items():
        assert cli.main([old, "--help"]) == cli.main([new, "--help"]) == 0
    assert cli.main(["export", "figure", "--help"]) == 0
    capsys.readouterr()
    assert cli.main(["--help"]) == cli.main(["export", "--help"]) == 0
    shown = capsys.readouterr().out
    assert not re.search(r"│ (latency|figure) ", shown), "they are not advertised"


def in_process(*arguments, closing="", cwd=None):
    command = " ".join(shlex.quote(str(each)) for each in (sys.executable, "-m", "selectllm_tui", *arguments))
    return subprocess.run(["sh", "-c", f"{command} {closing}"], capture_output=True, text=True, check=False, cwd=cwd)


def test_standard_streams_that_are_closed(fake_cache):
    done = in_process("cache", "list", "--cache", fake_cache, closing=">&-")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr.startswith("error: standard output is closed; ")
    done = in_process("cache", "list", "--format", "json", "--cache", fake_cache, closing="2>&-")
    assert done.returncode == 0
    assert json.loads(done.stdout)
    done = in_process("cache", "list", "--cache", fake_cache, closing="<&-")
    assert done.returncode == 0
    assert done.stderr == ""


def test_sigterm_is_said_and_nothing_is_left_half_done(tmp_path, monkeypatch, capsys):
    from selectllm_engine.importers import table

    path = tmp_path / "scores.csv"
    path.write_text("question,a,b\nHow many?,1,0\n")
    read = table._read

    def stopped(*given):
        chunks, origin = read(*given)

        def until():
            yield from chunks
            signal.raise_signal(signal.SIGTERM)

        return until(), origin

    monkeypatch.setattr(table, "_read", stopped)
    before = signal.getsignal(signal.SIGTERM)
    arguments = ["import", "table", str(path), "--benchmark", "b", "--llms", "a,b", "--cache", str(tmp_path / "cache")]
    assert cli.main(arguments) == 143
    assert capsys.readouterr().err == "stopped by SIGTERM; nothing is half done\n"
    assert signal.getsignal(signal.SIGTERM) == before
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.name[0] != "."] == []
    assert not list((tmp_path / "cache").glob(".tmp-*"))
