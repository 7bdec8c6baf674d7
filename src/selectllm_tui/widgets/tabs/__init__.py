"""The tabs: each renders the snapshots of its name. They are imported when first opened."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from selectllm_tui.widgets.tabs.base import Tab

__all__ = ["Tab", "make_tab"]


def make_tab(name: str) -> Tab[Any]:
    """A tab by its name."""
    module = import_module(f"selectllm_tui.widgets.tabs.{name}")
    made: Tab[Any] = getattr(module, f"{name.capitalize()}Tab")(id=f"tab-{name}")
    return made
