#!/usr/bin/env python3
"""Write docs/commands.md, the reference of every command and option, from the commands themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectllm_tui.cli import COMMANDS, command

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
HEAD = """# Commands

Every command and option; `selectllm COMMAND --help` shows the same. Tables go to standard output, progress and notes
to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. Errors are one line that says what to
do; `SELECTLLM_TRACEBACK=1` in front of a command shows where an error came from, `NO_COLOR=1` switches colours off.

This page is written by `tools/reference.py`.
"""


def reference() -> str:
    """The text of the page."""
    return "\n".join([HEAD, *(section(name, each) for name, each in commands())])


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its full name; subcommands in place of their group."""
    for name in COMMANDS:
        found = command(name)
        below = getattr(found, "commands", None)
        if below is None:
            yield name, found
        else:
            yield from ((f"{name} {each}", below[each]) for each in below if not below[each].hidden)


def section(name: str, found: Any) -> str:
    """One command: its help, usage, arguments and options."""
    context = found.make_context(name, [], resilient_parsing=True)
    arguments = [each for each in found.params if each.param_type_name == "argument"]
    options = [each for each in found.params if each.param_type_name == "option"]
    usage = ["selectllm", name, *(["[OPTIONS]"] if options else []), *(value(each, context) for each in arguments)]
    lines = [f"## selectllm {name}", "", (found.help or "").strip(), "", "```", " ".join(usage), "```", ""]
    lines += [f"- `{value(each, context)}`: {described(each)}" for each in arguments]
    for each in options:
        names = ", ".join([*each.opts, *each.secondary_opts])
        lines.append(f"- `{names}{'' if each.is_flag else ' ' + value(each, context)}`: {described(each)}")
    return "\n".join(lines) + "\n"


def value(parameter: Any, context: Any) -> str:
    """How the help writes a parameter's value."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    return str(parameter.display_type_rich(context)).strip("<>")


def described(parameter: Any) -> str:
    """What a parameter does, and its default."""
    text = " ".join((parameter.help or "").split())
    default = parameter.default
    if isinstance(default, list | tuple):
        default = ",".join(map(str, default))
    return text if default in (None, False, "") or callable(default) else f"{text} Default: `{default}`."


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
