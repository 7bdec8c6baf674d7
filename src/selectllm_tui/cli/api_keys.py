"""Which API keys may leave: a `selectllm.toml` from somebody names a server, and the variable whose value it gets.

A key goes without a question to this machine, to a provider's own host where it is that provider's usual variable, and
what is $OPENAI_API_KEY to a server that was typed. Anything else the person allows once; it is remembered by file,
place and variable, so that another file, or another server in this one, is asked about again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from selectllm_engine.errors import CacheError, UsageError
from selectllm_engine.machine import is_loopback
from selectllm_engine.settings import FILE
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selectllm_engine.llms import LLM
    from selectllm_engine.settings import Settings

__all__ = ["ALLOWED", "PROVIDERS", "allow_keys"]

ALLOWED = "SELECTLLM_SEND_KEYS"  # "VARIABLE@PLACE,…": where nobody can be asked
PROVIDERS = {  # host -> the variable that its own documentation names
    "api.anthropic.com": "ANTHROPIC_API_KEY",
    "api.deepseek.com": "DEEPSEEK_API_KEY",
    "api.fireworks.ai": "FIREWORKS_API_KEY",
    "api.groq.com": "GROQ_API_KEY",
    "api.mistral.ai": "MISTRAL_API_KEY",
    "api.openai.com": "OPENAI_API_KEY",
    "api.together.xyz": "TOGETHER_API_KEY",
    "api.x.ai": "XAI_API_KEY",
    "generativelanguage.googleapis.com": "GEMINI_API_KEY",
    "openrouter.ai": "OPENROUTER_API_KEY",
    "router.huggingface.co": "HF_TOKEN",
}
_URL = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(:\d+)?(/.*)?", re.IGNORECASE)


def allow_keys(llms: Iterable[LLM], settings: Settings, *, unset: bool = False) -> None:
    """Ask about each key that would go where the file in the working directory leads it.

    Args:
        llms: those with an endpoint count.
        settings: of that file.
        unset: variables that are empty here count, too: they are for another program.

    Raises:
        UsageError: the person says no, or nobody can be asked.
    """
    from selectllm_engine.generation.endpoint import KEY

    by_file = {settings.defaults.get("base_url"), *(each.endpoint for each in settings.llms.values())}
    asked = {
        (llm.api_key_env or KEY, _place(llm.endpoint))
        for llm in llms
        if llm.endpoint is not None
        and (llm.endpoint in by_file or llm.api_key_env is not None)
        and not _needs_no_question(llm.endpoint, llm.api_key_env or KEY)
    }
    file, told = str(Path(FILE).resolve()), os.environ.get(ALLOWED, "").split(",")
    for variable, place in sorted(asked):
        if (not unset and not os.environ.get(variable)) or f"{variable}@{place}" in told:
            continue
        if [file, variable, place] not in _remembered():
            _ask(variable, place)
            _remember([file, variable, place])


def _needs_no_question(url: str, variable: str) -> bool:
    parts = _URL.fullmatch(url)
    if parts is None:
        return False
    scheme, host, port, _ = parts.groups()
    usual = PROVIDERS.get(host.lower()) == variable and scheme.lower() == "https" and port in {None, ":443"}
    return usual or is_loopback(host.lower().strip("[]"))


def _place(url: str) -> str:
    """A server as it is shown: letters that only look like plain ones are none."""
    scheme, _, rest = url.partition("://")
    host = ascii(rest.partition("/")[0].lower())[1:-1]
    return host if scheme.lower() == "https" else f"{scheme.lower()}://{host}"


def _ask(variable: str, place: str) -> None:
    """Let the person say yes; raises UsageError."""
    streams = (sys.stdin, sys.stderr)
    question = visible(f"{FILE}: send ${variable} to {place}?")
    if not (all(each is not None and each.isatty() for each in streams) and typer.confirm(question, err=True)):
        raise UsageError(
            f"{FILE} would send ${variable} to {place}, which nobody has allowed",
            f"if that server may have it, answer y in a terminal, or set {ALLOWED}={variable}@{place}",
        )


def _file() -> Path:
    from platformdirs import user_state_path

    return user_state_path("selectllm", appauthor=False) / "keys.json"


def _remembered() -> list[object]:
    """What was allowed: [file, variable, place]; what can't be read allows nothing."""
    with contextlib.suppress(OSError, ValueError, RecursionError):
        allowed = json.loads(_file().read_text("utf-8"))
        return allowed if isinstance(allowed, list) else []
    return []


def _remember(allowed: list[str]) -> None:
    """Silently doesn't where the folder can't be written: then it is asked again."""
    from selectllm_engine.exporters import save

    with contextlib.suppress(OSError, CacheError):
        _file().parent.mkdir(parents=True, exist_ok=True)
        save(_file(), json.dumps([*_remembered(), allowed], indent=1).encode())
