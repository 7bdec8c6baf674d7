"""The line in which the name of a file is typed; a file that is there is replaced only when that was asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widgets import Input

from selectllm_engine.errors import SelectLLMError
from selectllm_engine.machine import expanded
from selectllm_tui.screens.dialog import Dialog
from selectllm_tui.untrusted import safe

if TYPE_CHECKING:
    from textual.app import ComposeResult

__all__ = ["SaveScreen"]

SUFFIX = ".toml"
WHAT_KEYS_DO = "↵ saves   esc leaves"


class SaveScreen(Dialog[Path]):
    """Dismisses with where a setup is to be written; whatever is there may be replaced then."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave", show=False)]
    DEFAULT_CSS = """
    SaveScreen { align: center bottom; background: transparent; }
    SaveScreen Input { border: round $accent; height: 3; border-title-color: $accent; }
    SaveScreen Input { border-subtitle-color: $warning; }
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._asked = ""  # the name whose file may be replaced

    def compose(self) -> ComposeResult:
        """The line."""
        line = Input(self._name, placeholder=f"a file that ends in {SUFFIX}", select_on_focus=False)
        line.border_title = "Save the setup as"
        line.border_subtitle = WHAT_KEYS_DO
        yield line

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
        if there and self._asked != name:
            self._asked = name
            self._tell(f"{path.name} is there: ↵ again replaces it")
            return
        self.dismiss(path)

    def _tell(self, text: str) -> None:
        self.query_one(Input).border_subtitle = safe(text, limit=70)
