"""Twenty thousand seeded actions at the explorer, in real terminals of several sizes and colours: it never crashes.

python perf/monkey.py                       # 20,000 actions: keys, clicks, wheels, drags, pastes, resizes
python perf/monkey.py --actions 500 --seed 7 --only 80x24/256

Prints the actions and what they found per terminal. Exits with 1 after a crash or a hang, and names the crash's report.
"""

from __future__ import annotations

import argparse
import os
import pty
import random
import select
import signal
import struct
import sys
import tempfile
import time
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

SIZES = ((80, 24), (120, 36), (20, 5), (200, 60), (60, 4), (132, 41))  # the last as a browser has it
COLOURS = {
    "truecolor": {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
    "256": {"TERM": "xterm-256color"},
    "16": {"TERM": "xterm"},
    "none": {"TERM": "xterm-256color", "NO_COLOR": "1"},
}
EXPLORER = "from selectllm_tui.cli import main; import sys; sys.exit(main(['tui', *sys.argv[1:]]))"
# q and ctrl+q leave, ctrl+z stops: the monkey does neither by itself, though it may find them in the palette
LETTERS = "abcdefghijklmnoprstuvwxyzABCDEFGHIJKLMNOPRSTUVWXYZ0123456789-=+.,/?[];:*<>~_|\\\"#&' "
SPECIAL = [
    *("\r", "\r", "\x1b", "\t", "\x1b[Z", "\x7f", "\x10", "\x03", "\x04", "\x15"),
    *("\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F", "\x1b[1;5C", "\x1b[1;5D"),
    *("\x1bOP", "\x1bOQ", "\x1bOR", "\x1bOS", "\x1b[15~", "\x1b[17~", "\x1b[18~"),
]
PASTES = [
    "apples",
    "two\nlines\tand\x07 a bell",
    "\x1b[2J\x1b]52;c;aGFja2Vk\x07",
    "漢字🙂 ñ \u202e",
    "/3+ vote<60 ~[(",
    "[bold]x[/nope]",
    "x" * 3000,
]
PACE = 0.004  # seconds between two actions; a slow machine gets them in a burst
QUIET = 12  # tenths of a second after which what was painted is all there is
SURE = 120.0  # seconds without a sign of life that are a hang


class Explorer:
    """One explorer in a terminal of its own."""

    def __init__(self, size: tuple[int, int], colours: dict[str, str], folder: Path, cache: str | None) -> None:
        kept = {name: value for name, value in os.environ.items() if name not in {"COLORTERM", "NO_COLOR"}}
        environment = {**kept, **colours, "XDG_STATE_HOME": str(folder), "PAGER": "true", "TERM_PROGRAM": ""}
        self.process, self.terminal = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execve(  # noqa: S606 - the child is this very interpreter
                sys.executable, [sys.executable, "-c", EXPLORER, *(["--cache", cache] if cache else [])], environment
            )
        self.seen = b""
        self.code: int | None = None
        self.resize(*size)

    def resize(self, width: int, height: int) -> None:
        self.size = width, height
        ioctl(self.terminal, TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def send(self, text: str) -> None:
        """Types; reads meanwhile, so that neither waits for the other."""
        left = text.encode("utf-8", "replace")
        end = time.monotonic() + SURE
        while left and self.alive():
            self.drain(0)
            if select.select([], [self.terminal], [], 0.05)[1]:
                left = left[os.write(self.terminal, left[:512]) :]
            elif time.monotonic() > end:
                raise TimeoutError

    def drain(self, seconds: float) -> bool:
        """Reads what is painted; whether there was anything."""
        if not select.select([self.terminal], [], [], seconds)[0]:
            return False
        try:
            self.seen = (self.seen + os.read(self.terminal, 1 << 16))[-(1 << 16) :]
        except OSError:
            return False
        return True

    def alive(self) -> bool:
        """Whether it runs; one that was suspended goes on."""
        if self.code is None:
            process, status = os.waitpid(self.process, os.WNOHANG | os.WUNTRACED)
            if process and os.WIFSTOPPED(status):
                os.kill(self.process, signal.SIGCONT)
            elif process:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code is None

    def started(self) -> None:
        """Until something is painted and nothing more follows for a while."""
        end, quiet = time.monotonic() + SURE, 0
        while self.alive() and quiet < QUIET:
            quiet = 0 if self.drain(0.1) or not self.seen else quiet + 1
            if time.monotonic() > end:
                raise TimeoutError

    def left(self) -> int:
        """Leaves, as a person would; raises TimeoutError where it hangs."""
        end = time.monotonic() + SURE
        while self.alive():
            self.send("\x1b")
            self.rest(0.2)
            self.send("\x11")
            self.rest(0.5)
            if time.monotonic() > end:
                raise TimeoutError
        assert self.code is not None
        return self.code

    def rest(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (remaining := end - time.monotonic()) > 0 and self.alive():
            self.drain(min(remaining, 0.05))

    def close(self) -> None:
        if self.alive():
            os.kill(self.process, signal.SIGKILL)
            os.waitpid(self.process, 0)
        os.close(self.terminal)


def action(rng: random.Random, explorer: Explorer) -> str:
    """Does one thing; returns what."""
    width, height = explorer.size
    x, y = rng.randint(1, max(width, 1)), rng.randint(1, max(height, 1))
    match rng.choices(["letter", "special", "click", "wheel", "drag", "paste", "resize"], [46, 34, 10, 4, 2, 2, 2])[0]:
        case "letter":
            text = rng.choice(LETTERS)
        case "special":
            text = rng.choice(SPECIAL)
        case "click":
            text = f"\x1b[<0;{x};{y}M\x1b[<0;{x};{y}m" * rng.choice((1, 1, 2))
        case "wheel":
            text = f"\x1b[<{rng.choice((64, 65))};{x};{y}M" * rng.randint(1, 4)
        case "drag":
            to = rng.randint(1, width), rng.randint(1, height)
            text = f"\x1b[<0;{x};{y}M\x1b[<32;{to[0]};{to[1]}M\x1b[<0;{to[0]};{to[1]}m"
        case "paste":
            text = f"\x1b[200~{rng.choice(PASTES)}\x1b[201~"
        case _:
            explorer.resize(*rng.choice([*SIZES, (1, 1), (rng.randint(1, 200), rng.randint(1, 60))]))
            return f"resize {explorer.size}"
    explorer.send(text)
    return repr(text)


def play(
    size: tuple[int, int], colours: dict[str, str], actions: int, seed: int, cache: str | None
) -> tuple[int, list[str]]:
    """Plays; returns how often the explorer was left by the palette or the like, and what went wrong."""
    rng = random.Random(seed)
    exits, problems, done, last = 0, [], 0, ""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        while done < actions:
            explorer = Explorer(size, colours, folder, cache)
            try:
                explorer.started()
                while done < actions and explorer.alive():
                    done += 1
                    last = action(rng, explorer)
                    explorer.rest(PACE)
                code = explorer.left()
            except (TimeoutError, OSError) as error:
                problems.append(f"hangs after action {done} ({last}): {error}")
                break
            finally:
                explorer.close()
            if code:
                problems.append(f"exit code {code} after action {done} ({last}): {explorer.seen[-400:]!r}")
            exits += done < actions
        problems += [report.read_text("utf-8") for report in sorted(folder.rglob("crashes/*.txt"))]
    return exits, problems


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--actions", type=int, default=20_000, help="of all terminals together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="one terminal: WIDTHxHEIGHT/COLOURS")
    parser.add_argument("--cache", help="without it the recorded run")
    given = parser.parse_args()
    terminals = {f"{w}x{h}/{name}": ((w, h), each) for w, h in SIZES for name, each in COLOURS.items()}
    if given.only:
        terminals = {given.only: terminals[given.only]}
    share = -(-given.actions // len(terminals))
    failed = False
    for at, (name, (size, colours)) in enumerate(terminals.items()):
        started = time.monotonic()
        exits, problems = play(size, colours, share, given.seed * 1000 + at, given.cache)
        failed |= bool(problems)
        took = time.monotonic() - started
        print(f"{name:20} {share:6,} actions, begun again {exits} times, {len(problems)} problems, {took:.0f} s")
        for problem in problems:
            print(problem)
        sys.stdout.flush()
    print(f"{share * len(terminals):,} actions: {'something is wrong' if failed else 'nothing found'}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
