"""The line in which the name of a file is typed; a file that is there is replaced only when that was asked."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.widgets import Input

from selectllm_engine.errors import SelectLLMError
from selectllm_engine.machine import expanded
from selectllm_tui.screens.dialog import LineDialog
from selectllm_tui.untrusted import safe

__all__ = ["SaveScreen"]

SUFFIX = ".toml"


class SaveScreen(LineDialog[Path]):
    """Dismisses with where a setup is to be written; whatever is there may be replaced then."""

    DEFAULT_CSS = "SaveScreen Input { border-subtitle-color: $warning; }"
    heading, placeholder = "Save the setup as", f"a file that ends in {SUFFIX}"
    edge = "↵ saves   {dialog_leave} leaves"
    asked = ""  # the name whose file may be replaced

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        from selectllm_engine.exporters import check_target

        name = event.value.strip()
        path = expanded(name if name.lower().endswith(SUFFIX) else f"{name}{SUFFIX}")
        if not name:
            self._tell("type a name")
            return
        try:
            check_target(path, (SUFFIX,), force=True)
            there = path.exists()
        except SelectLLMError as error:
            self._tell(str(error))
            return
        except OSError as error:
            self._tell(error.strerror or str(error))
            return
        if there and self.asked != name:
            self.asked = name
            self._tell(f"{path.name} is there: ↵ again replaces it")
            return
        self.dismiss(path)

    def _tell(self, text: str) -> None:
        self.query_one(Input).border_subtitle = safe(text, limit=70)
