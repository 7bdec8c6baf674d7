"""Where a copied text can go besides the terminal: the system's own clipboard, tmux's buffer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

__all__ = ["copy_beyond_the_terminal", "tools"]

SECONDS = 5.0  # that a tool may take: one that asks a display that isn't there must not be waited for


def tools() -> dict[str, list[str]]:
    """The commands that take a text on their standard input here, by what they are called in messages."""
    found: dict[str, list[str]] = {}
    if sys.platform == "darwin":
        found["pbcopy"] = ["pbcopy"]
    elif "WAYLAND_DISPLAY" in os.environ and shutil.which("wl-copy"):
        found["wl-copy"] = ["wl-copy"]
    elif "DISPLAY" in os.environ and shutil.which("xclip"):
        found["xclip"] = ["xclip", "-selection", "clipboard"]
    elif "DISPLAY" in os.environ and shutil.which("xsel"):
        found["xsel"] = ["xsel", "--clipboard", "--input"]
    elif "WSL_DISTRO_NAME" in os.environ and shutil.which("clip.exe"):
        found["clip.exe"] = ["clip.exe"]
    if "TMUX" in os.environ and shutil.which("tmux"):
        found["tmux's buffer"] = ["tmux", "load-buffer", "-"]
    return found


def copy_beyond_the_terminal(text: str, *, seconds: float = SECONDS) -> list[str]:
    """Hands a text to every tool there is; returns those that took it. Takes time: for a thread."""
    took = []
    for name, command in tools().items():
        try:
            # a tool that stays to serve the text must not hold on to the explorer's terminal
            done = subprocess.run(  # the text is their input, never an argument
                command,
                input=text.encode("utf-8", "replace"),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=seconds,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            continue
        if done.returncode == 0:
            took.append(name)
    return took
