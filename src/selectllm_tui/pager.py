"""A text in the person's own pager, over the explorer."""

from __future__ import annotations

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from typing import Any

    from textual.app import App

__all__ = ["in_pager"]


def in_pager(app: App[Any], text: str) -> str:
    """Shows a text in $PAGER (less without it), and waits until it is left; why it couldn't, empty where it could."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "generation.txt"
        path.write_text(visible(text, newlines=True), encoding="utf-8")
        try:
            command = [*shlex.split(os.environ.get("PAGER") or "less"), str(path)]
            with app.suspend():
                subprocess.run(command, check=False)
        except SuspendNotSupported:
            return "no pager can take the screen here"
        except (OSError, ValueError) as error:
            return f"$PAGER: {error}"
    return ""
