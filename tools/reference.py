#!/usr/bin/env python3
"""Write docs/commands.md and docs/keys.md, the references of options and keys, from the programs themselves."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from selectllm_tui import commands as keys
from selectllm_tui.cli import COMMANDS, command

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = Path(__file__).resolve().parents[1] / "docs"
COMMANDS_HEAD = """# Commands

Every command and option; `selectllm COMMAND --help` shows the same. Tables go to standard output, progress and notes
to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted. Errors are one line that says what to
do; `SELECTLLM_TRACEBACK=1` in front of a command shows where an error came from, `NO_COLOR=1` switches colours off.

This page is written by `tools/reference.py`.
"""
KEYS_HEAD = """# Keys of the explorer

`?` shows the same in `selectllm tui`. A key that can't act now is dimmed and says why.

This page is written by `tools/reference.py`.
"""


def pages() -> dict[str, str]:
    """The text of every page this script writes, by its name in docs/."""
    listed = [COMMANDS_HEAD, *(section(name, each) for name, each in commands())]
    with_keys = [line for line in keys.markdown().splitlines() if "``" not in line]  # the palette has those without
    return {"commands.md": "\n".join(listed), "keys.md": "\n".join([KEYS_HEAD, *with_keys, ""])}


def commands() -> Iterator[tuple[str, Any]]:
    """Every command with its full name; subcommands in place of their group."""
    for name in COMMANDS:
        found = command(name)
        below = getattr(found, "commands", None)
        if below is None:
            yield name, found
        else:
            yield from ((f"{name} {each}", below[each]) for each in below)


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
    DOCS.mkdir(exist_ok=True)
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
        print(f"wrote docs/{name}")
