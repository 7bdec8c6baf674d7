"""What the terminal says of itself before the explorer has it: whether its background is light."""

from __future__ import annotations

import os
import re
import select
import sys
import time

__all__ = ["background_is_light", "is_light"]

PATIENCE = 1.0  # seconds that a terminal may take, a slow connection included
# Its background (OSC 11), then what it is (DA1): every terminal answers that, so that nobody waits for the first.
QUESTION = b"\x1b]11;?\x1b\\\x1b[c"
_END = re.compile(rb"\x1b\[\?[\d;]*c")
_COLOUR = re.compile(rb"\]11;rgba?:([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})/([0-9a-fA-F]{1,4})")


def is_light(answer: bytes) -> bool | None:
    """Whether the background in a terminal's answer is light, by its luma (Rec. 601); None where it names none."""
    found = _COLOUR.search(answer)
    if found is None:
        return None
    red, green, blue = (int(each, 16) / (16 ** len(each) - 1) for each in found.groups())
    return bool(0.299 * red + 0.587 * green + 0.114 * blue > 0.5)


def background_is_light() -> bool | None:
    """Asks the terminal; None where it does not say so within a second. Nothing may be reading its keys yet."""
    try:
        import termios
        import tty

        file = sys.stdin.fileno()
        before = termios.tcgetattr(file)
    except (ImportError, OSError, ValueError, termios.error):  # no terminal, or one of another system
        return None
    answer = b""
    try:
        tty.setcbreak(file)
        os.write(sys.__stderr__.fileno() if sys.__stderr__ is not None else file, QUESTION)
        end = time.monotonic() + PATIENCE
        while not _END.search(answer) and (left := end - time.monotonic()) > 0:
            if not select.select([file], [], [], left)[0] or not (more := os.read(file, 1024)):
                break
            answer += more
    except OSError:
        return None
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)
    return is_light(answer)
