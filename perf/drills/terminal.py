"""A command in a terminal of its own: what a person types there, and what closing it does."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from typing import TYPE_CHECKING

from drills.lab import GIVE_UP, LAUNCH

if TYPE_CHECKING:
    from drills.lab import Lab

PATIENCE = 120.0  # seconds for words to appear
# The child makes the terminal its own, so that Ctrl-C and a hang-up reach it as they reach a shell's command.
OWN = "import fcntl, os, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
_CODES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-_])")


class Terminal:
    """One command with standard input, output and errors in a terminal of 100 × 30 cells."""

    def __init__(self, lab: Lab, *arguments: object) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        given = [*map(str, arguments), "--benchmark", "own", "--cache", str(lab.root)]
        environment = {name: value for name, value in lab.environment.items() if name not in {"COLUMNS", "NO_COLOR"}}
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWN + LAUNCH, *given],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, "TERM": "xterm-256color"},
            cwd=lab.folder,
            start_new_session=True,
        )
        os.close(slave)
        self._shown = b""
        self._closed = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def running(self) -> bool:
        return self.process.poll() is None

    def said(self) -> str:
        return _CODES.sub("", self._shown.decode(errors="replace"))

    def wait(self, words: str) -> bool:
        """Wait until it shows some words (a regular expression); False where it ends without, or takes too long."""
        begun = time.monotonic()
        while not re.search(words, self.said()):
            if not self.running():
                time.sleep(0.2)
                return bool(re.search(words, self.said()))
            if time.monotonic() - begun > PATIENCE:
                return False
            time.sleep(0.05)
        return True

    def type(self, keys: str) -> None:
        try:
            os.write(self._master, keys.encode())
        except OSError:  # it has just ended
            return

    def close(self) -> None:
        """Close the terminal, as when its window is closed."""
        self._closed.set()
        self._reader.join()
        os.close(self._master)

    def end(self) -> int:
        """Wait for the command; its exit code."""
        code = self.process.wait(GIVE_UP)
        if not self._closed.is_set():
            self.close()
        return code

    def _read(self) -> None:
        while not self._closed.is_set():
            ready, _, _ = select.select([self._master], [], [], 0.1)
            try:
                if ready:
                    self._shown += os.read(self._master, 65_536)
            except OSError:  # nobody has the other side open any more
                return
