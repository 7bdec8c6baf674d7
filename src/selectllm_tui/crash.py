"""What is left of an explorer that crashed: a report that a person can send, and one line that names it."""

from __future__ import annotations

import os
import platform
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from selectllm_engine.errors import SelectLLMError
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["CrashError", "save_report"]

TERMINAL = ("TERM", "COLORTERM", "NO_COLOR", "TERM_PROGRAM", "LANG")  # variables that decide how a screen is painted


class CrashError(SelectLLMError):
    """The explorer ended by a mistake of its own; the terminal is as it was."""

    def __init__(self, error: BaseException, report: Path | None) -> None:
        where = f"the report is in {report}" if report is not None else "no report could be saved"
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        super().__init__(
            f"the explorer crashed ({visible(what, limit=200)}); {where}",
            "selectllm tui --resume goes on where it was",
        )


def save_report(error: BaseException, facts: Mapping[str, object]) -> Path | None:
    """Saves what is known of a crash in the user's state folder; None where that can't be written.

    The report holds no question and no generation: places in the code, versions, the terminal, and `facts`.
    """
    from importlib.metadata import version

    from platformdirs import user_state_path

    lines = [f"{name} {version(name)}" for name in ("selectllm", "textual", "rich", "polars", "numpy")]
    lines += [f"Python {platform.python_version()} on {platform.platform()}"]
    lines += [f"{name}={os.environ[name]}" for name in TERMINAL if name in os.environ]
    lines += [f"{name}: {value}" for name, value in facts.items()]
    text = "\n".join([*lines, "", *traceback.format_exception(error)])
    folder = user_state_path("selectllm", appauthor=False) / "crashes"
    now = datetime.now(UTC)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{now:%Y%m%d-%H%M%S}-{now.microsecond:06d}-{os.getpid()}.txt"
        path.write_text(visible(text, newlines=True), encoding="utf-8")
    except OSError:
        return None
    return path
