#!/usr/bin/env python3
"""Write docs/commands.md, the reference of every command and option, from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from selectllm_tui.cli import COMMANDS, command

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
HEAD = """# Commands

Every command and option; `selectllm COMMAND --help` shows the same. Tables go to standard output, progress and notes
to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. Errors are one line that says what to
do; `SELECTLLM_TRACEBACK=1` in front of a command shows where an error came from, `NO_COLOR=1` switches colours off.

This page is written by `tools/commands.py`.
"""


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its full name; subcommands in place of their group."""
    for name in COMMANDS:
        found = command(name)
        below = getattr(found, "commands", None)
        if below is None:
            yield name, found
        else:
            yield from ((f"{name} {each}", below[each]) for each in below)


def reference() -> str:
    return "\n".join([HEAD, *(section(name, each) for name, each in commands())])


def section(name: str, found: Any) -> str:
    lines = [f"## selectllm {name}", "", (found.help or "").strip(), ""]
    arguments = [each for each in found.params if each.param_type_name == "argument"]
    options = [each for each in found.params if each.param_type_name == "option"]
    usage = " ".join(["selectllm", name, *(["[OPTIONS]"] if options else []), *(metavar(each) for each in arguments)])
    lines += ["```", usage, "```", ""]
    for each in arguments:
        lines.append(f"- `{metavar(each)}`: {described(each)}")
    for each in options:
        names = ", ".join([*each.opts, *each.secondary_opts])
        value = "" if each.is_flag else f" {metavar(each)}"
        lines.append(f"- `{names}{value}`: {described(each)}")
    return "\n".join(lines) + "\n"


def metavar(parameter: Any) -> str:
    if parameter.metavar:
        return parameter.metavar
    context = typer.Context(typer.main.get_command(_empty()))
    shown = parameter.make_metavar(ctx=context) if hasattr(parameter, "make_metavar") else parameter.name.upper()
    return str(shown)


def described(parameter: Any) -> str:
    text = " ".join((parameter.help or "").split())
    default = parameter.default
    if default in (None, False, ()) or callable(default):
        return text
    if isinstance(default, list | tuple):
        default = ",".join(map(str, default))
    return f"{text} Default: `{default}`."


def _empty() -> typer.Typer:
    app = typer.Typer(add_completion=False)
    app.command()(lambda: None)
    return app


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(reference(), encoding="utf-8")
    print(f"wrote {PAGE.name}: {sum(1 for _ in commands())} commands")
