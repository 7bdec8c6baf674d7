"""Setups as files: a small TOML of names and numbers."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from reprlib import repr as short
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import SelectLLMError, UsageError, did_you_mean
from selectllm_engine.evaluation import VOTE_RULES
from selectllm_engine.exporters import check_target, save
from selectllm_engine.setups.setup import Setup
from selectllm_engine.toml_files import A_TEXT, is_text, is_texts, is_whole, read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["quoted", "read_setup", "setup_text", "write_setup"]

_EXAMPLE = "docs/concepts.md has an example, and selectllm recommend --write writes one"


_Kind = tuple[str, Callable[[object], bool]]
_A_TEXT: _Kind = (A_TEXT, is_text)
_A_WHOLE: _Kind = ("a whole number of at least 1", lambda value: is_whole(value, 1))

# table -> its keys: what a value must be, in words and as a test
KEYS: dict[str, dict[str, _Kind]] = {
    "": {
        "benchmark": _A_TEXT,
        "kind": _A_TEXT,
        "pool": ("a list of names", lambda value: is_texts(value) and bool(value)),
        "router": _A_TEXT,
        "policy": _A_TEXT,
        "vote": _A_TEXT,
        "k": _A_WHOLE,
        "protocol": _A_TEXT,
    },
    "digests": {"router": _A_TEXT, "vote": _A_TEXT},
    "serve": {"samples": _A_WHOLE},
}
_NEEDED = ("benchmark", "pool")


def read_setup(path: Path | str) -> Setup:
    """The setup in a file; a file of weights that it names is looked for beside it.

    Raises:
        UsageError: it can't be read, is no TOML, lacks something, or has a wrong key or value; the place is said.
    """
    path = Path(path)
    name = path.name
    try:
        given = read_toml(path, name, what="setups", remedy=_EXAMPLE)
    except FileNotFoundError:
        raise UsageError(f"there is no file {path}", "selectllm recommend --write FILE writes a setup") from None
    tables = {table: given.pop(table, {}) for table in KEYS if table}
    values = _checked(given, name, "")
    digests, serve = (_checked(tables[table], name, table) for table in ("digests", "serve"))
    for key in _NEEDED:
        if key not in values:
            raise UsageError(f"{name} has no {key}", _EXAMPLE)
    if values.get("vote", "equal") not in VOTE_RULES:
        values["vote"] = str(path.parent / values["vote"])
    named = {f"{key}_digest": value for key, value in digests.items()}
    try:
        return Setup(**{**values, "pool": tuple(values["pool"])}, **named, **serve)
    except SelectLLMError as error:
        raise UsageError(f"{name}: {error.problem}", error.remedy) from None


def _checked(given: object, name: str, table: str) -> dict[str, Any]:
    """A table whose keys are all known and whose values all fit."""
    known = KEYS[table]
    if not isinstance(given, dict):
        raise UsageError(f"{name}: {table} is {short(given)}", f"it must be a table, [{table}]")
    for key, value in given.items():
        place = f"{table}.{key}" if table else key
        if key not in known:
            raise UsageError(f"{name}: there is no key {place}", did_you_mean(key, known if table else [*known, *KEYS]))
        words, fits = known[key]
        if not fits(value):
            raise UsageError(f"{name}: {place} is {short(value)}", f"it must be {words}")
    return dict(given)


def write_setup(setup: Setup, path: Path | str, *, force: bool = False) -> Path:
    """Write a setup, whole or not at all; where it is.

    Args:
        setup: what to write.
        path: a file that ends in .toml.
        force: replace a file that is there.

    Raises:
        UsageError: the path can't be written to, or a name can't be written in UTF-8.
        CacheError: the disk is full, or the folder read-only.
    """
    path = Path(path)
    check_target(path, (".toml",), force=force)
    if setup.vote_file is not None:
        setup = replace(setup, vote=os.path.relpath(setup.vote_file, path.parent))
    save(path, setup_text(setup).encode())
    return path


def setup_text(setup: Setup) -> str:
    """A setup as TOML; raises UsageError where a name can't be written in UTF-8."""
    values = {key: getattr(setup, key) for key in KEYS[""]}
    lines = ["# A setup of selectllm: selectllm evaluate --setup FILE shows its figures.", *_lines(values)]
    digests = _lines({"router": setup.router_digest, "vote": setup.vote_digest})
    if digests:
        lines += ["", "[digests]  # of the router, and of what the vote learned from, when this was written", *digests]
    lines += ["", "[serve]", *_lines({"samples": setup.samples})]
    return "\n".join([*lines, ""])


def _lines(values: Mapping[str, object]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in values.items() if value is not None]


def _value(value: object) -> str:
    if isinstance(value, tuple):
        inside = ", ".join(map(_value, value))
        return f"[{inside}]" if len(inside) < 90 else "[\n" + "".join(f"  {_value(each)},\n" for each in value) + "]"
    return str(value) if isinstance(value, int) else quoted(str(value))


def quoted(text: str) -> str:
    """A text in quotes, as TOML and YAML read it; raises UsageError where it can't be written in UTF-8."""
    return f'"{"".join(map(_character, text))}"'


def _character(character: str) -> str:
    """A character of a TOML string; what can't be seen is escaped, so that a file shows all that is in it."""
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    if 0xD800 <= code < 0xE000:
        raise UsageError(f"a setup can't hold the name with {character!r}", "it is no text that UTF-8 can write")
    return f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
