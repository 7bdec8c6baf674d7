"""The command line. A command is one thin file of this package and one line of `COMMANDS`.

Command modules import typer and the standard library alone at their top, and the engine inside the functions, so that
`selectllm --help` and shell completion are quick. They return nothing and raise errors of `selectllm_engine.errors`;
`main` turns every error into one line on standard error and the exit code: 0 done, 1 failed, 2 wrong usage, 130
interrupted. The environment variable SELECTLLM_TRACEBACK=1 shows where an error came from.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from copy import copy
from importlib import import_module
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from selectllm_engine.errors import SelectLLMError, UnknownNameError
from selectllm_tui.cli.bash_words import ASKED, completed_in_bash
from selectllm_tui.cli.defaults import Defaults
from selectllm_tui.cli.marks import words_for_marks
from selectllm_tui.cli.setup_file import fill_in
from selectllm_tui.untrusted import visible

__all__ = ["COMMANDS", "command", "main"]

_LOOK, _MAKE, _KEEP = "Look at results", "Make results", "Exchange and maintain"

# name -> (module:function or module:typer app, panel of the help), in the order of the help
COMMANDS: dict[str, tuple[str, str]] = {
    "tui": ("tui:tui", _LOOK),
    "evaluate": ("evaluate:evaluate", _LOOK),
    "recommend": ("recommend:recommend", _LOOK),
    "compare": ("compare:compare", _LOOK),
    "show": ("show:show", _LOOK),
    "route": ("route:route", _LOOK),
    "pools": ("pools:pools", _LOOK),
    "lessons": ("lessons:lessons", _LOOK),
    "report": ("report:report", _LOOK),
    "serve": ("serve:serve", _LOOK),
    "benchmarks": ("benchmarks:app", _MAKE),
    "generate": ("generate:generate", _MAKE),
    "measure": ("measure:measure", _MAKE),
    "train": ("train:train", _MAKE),
    "import": ("import_:app", _KEEP),
    "export": ("export:app", _KEEP),
    "cache": ("cache:app", _KEEP),
    "doctor": ("doctor:doctor", _KEEP),
}

FORMERLY = {"latency": "measure"}  # names of commands that are still understood, and what they are called now


class _Flags:
    """Help that shows no type beside flags: `--all`, not `--all <bool>`; and the program's own defaults."""

    help: str | None
    params: list[Any]

    def format_help(self, ctx: typer.Context, formatter: object) -> None:
        from rich.markup import escape

        ctx.default_map = None
        shown = copy(self)  # Typer reads markup in help: selectllm[train] would lose its end
        shown.help = re.sub(r"(?<=\S)\n(?=\w)", " ", escape(self.help or ""))  # broken at the terminal's width
        shown.params = [copy(each) for each in self.params]
        for each in shown.params:
            if each.help:
                each.help = escape(each.help)
        super(_Flags, shown).format_help(ctx, formatter)  # type: ignore[misc]

    def get_params(self, ctx: typer.Context) -> list[object]:
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for each in params:
            if getattr(each, "is_flag", False) and each.metavar is None:
                each.metavar = ""
        return params


class _Command(_Flags, TyperCommand):  # type: ignore[misc]
    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        name = f"{parent.info_name} {info_name}" if parent and parent.parent else str(info_name)
        options = {each.name: bool(each.multiple) for each in self.params if each.param_type_name == "option"}
        return super().make_context(info_name, args, parent, default_map=Defaults(name, options), **extra)

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]
        fill_in(ctx, self.params)
        return super().invoke(ctx)


class _Subgroup(_Flags, TyperGroup):  # type: ignore[misc]
    pass


class _Group(_Subgroup):
    """Commands from the table, each imported when it is asked for."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str) -> object:  # type: ignore[override]  # noqa: ARG002
        cmd_name = FORMERLY.get(cmd_name, cmd_name)
        if cmd_name not in COMMANDS:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = command(cmd_name)
        return self.commands[cmd_name]

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> object:  # type: ignore[override]
        if args[0] not in {**COMMANDS, **FORMERLY} and not ctx.resilient_parsing:
            raise UnknownNameError("command", args[0], COMMANDS)
        return super().resolve_command(ctx, args)


def command(name: str) -> Any:
    """The command of the table, its module imported now."""
    target, panel = COMMANDS[name]
    module, _, attribute = target.partition(":")
    found = getattr(import_module(f"selectllm_tui.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        app, found.info.cls = found, _Subgroup
        for each in app.registered_commands:
            each.cls = _Command
    else:
        app = typer.Typer(add_completion=False)
        app.command(name, cls=_Command)(found)
    made: Any = typer.main.get_command(app)
    made.name, made.rich_help_panel = name, panel
    return made


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"selectllm {version('selectllm')}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Show the version and leave.")
    ] = False,
) -> None:
    """Would routing each question to the most suitable LLMs beat your best single one?

    Sample several LLMs, vote, train routers, evaluate policies, and explore all of it in the terminal.

    Start with: selectllm tui
    """


def _app() -> Any:
    app = typer.Typer(
        cls=_Group,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    return typer.main.get_command(app)


def main(args: Sequence[str] | None = None) -> int:
    """Run one command line (`sys.argv` without `args`); returns the exit code."""
    gc.set_threshold(100_000, 20, 100)  # importing makes many objects, none of which is garbage
    words_for_marks()
    if not _streams():
        _say("standard output is closed; lead it somewhere, such as >/dev/null")
        return 1

    def run() -> Any:
        return _app().main(args=args, prog_name="selectllm", standalone_mode=False)

    try:
        with _told_of_sigterm():
            code = completed_in_bash(run) if os.environ.get("_SELECTLLM_COMPLETE") == ASKED else run()
            sys.stdout.flush()  # a reader that has gone shows here, not at interpreter exit
    except Exception as error:
        return _report(error)
    except SystemExit as left:  # Typer's own answer to a reader that has gone
        if isinstance(left.__context__, BrokenPipeError):
            return _report(left.__context__)
        raise
    except _Terminated:
        _say("stopped by SIGTERM; nothing is half done", kind="")
        return 128 + signal.SIGTERM
    if code == 130:
        _say("interrupted", kind="")
    return int(code or 0)


class _Terminated(BaseException):
    """SIGTERM came."""


@contextlib.contextmanager
def _told_of_sigterm() -> Iterator[None]:
    """Have SIGTERM end a command as an error does, so that it tidies up and says so."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) is None:
        yield
        return

    def stop(*_: object) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _streams() -> bool:
    """Whether there is a standard output. In the place of what is closed nothing else may open: it would be written."""
    closed = sys.stdout is None
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 for as long as the process lives
    return not closed


def _report(error: Exception) -> int:
    if os.environ.get("SELECTLLM_TRACEBACK"):
        import traceback

        sys.stderr.write(visible(traceback.format_exc(), newlines=True))
    match error:
        case BrokenPipeError():
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0  # `| head` has seen what it wanted
        case SelectLLMError():
            _say(str(error))
            return error.exit_code
        case typer.TyperException():
            if type(error).__name__ != "NoArgsIsHelpError":  # making that one has already printed the help
                _say(_usage(error))
            return error.exit_code
        case typer.Abort():
            _say("stopped")
            return 1
        case OSError():
            _say(_system(error))
            return 1
        case _:
            _say(
                f"unexpected {type(error).__name__}: {error}; "
                "this is a bug: SELECTLLM_TRACEBACK=1 in front of the command shows where it comes from"
            )
            return 1


def _usage(error: typer.TyperException) -> str:
    """Typer's message in the form of our own: problem; remedy."""
    problem = error.message if getattr(error, "possibilities", None) else error.format_message()
    problem = problem[:1].lower() + problem[1:].rstrip(".").replace(": Value error, ", ": ")
    if possibilities := getattr(error, "possibilities", None):
        return f"{problem}; did you mean {' or '.join(possibilities)}?"
    if ". Did you mean " in problem:
        return problem.replace(". Did you mean ", "; did you mean ")
    context = getattr(error, "ctx", None)
    return f"{problem}; see {context.command_path} --help" if context else problem


def _system(error: OSError) -> str:
    problem = error.strerror or str(error) or type(error).__name__
    problem = problem[:1].lower() + problem[1:]
    if error.filename is not None:
        problem += f": {os.fsdecode(error.filename)}"
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return f"{problem}; free some space and run the same command again"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"{problem}; --cache DIR names a folder that can be written"
        case _:
            return problem


def _say(message: str, *, kind: str = "error: ") -> None:
    line = f"{kind}{visible(message)}"
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        line = f"\x1b[31m{line}\x1b[0m"
    sys.stderr.write(f"{line}\n")
