"""What keys do: commands, in tables by the part of the screen that hears them."""

from selectllm_tui.commands.command import Command, Scope

__all__ = ["Command", "Scope"]
