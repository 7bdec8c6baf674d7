"""Changes of several renames: once begun they are finished, by the next that opens or writes the cache.

A change is made ready in a scratch folder. `carry_out` then writes down what goes where, the journal, makes the renames
one by one, and removes the journal. Cut off before the journal is there, nothing has changed; after it, `finish` makes
the renames that are left, as often as it takes. Both are for who holds the lock of the whole cache.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from selectllm_engine.errors import CacheError, DamagedError
from selectllm_engine.store.files import JOURNAL, TEMPORARY, make_folder, move, set_aside, sync_folder
from selectllm_engine.store.sealed_json import read_sealed, write_sealed

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["carry_out", "discard_damaged", "finish", "is_pending"]


def is_pending(root: Path) -> bool:
    """Whether a change of this cache was begun and is not finished."""
    return os.path.lexists(root / JOURNAL)


def carry_out(root: Path, moves: Sequence[tuple[Path, Path]]) -> None:
    """Move files and folders from a scratch folder of the cache to their places, in place of what is there.

    From the moment on that this is begun, it counts as done. Raises CacheError; a journal that could not be written
    leaves all as it was.
    """
    named = [[each.relative_to(root).as_posix() for each in pair] for pair in moves]
    write_sealed(root / JOURNAL, {"moves": named})
    finish(root)


def finish(root: Path) -> None:
    """Make the renames that are left of a change that was begun; nothing where there is none.

    Raises:
        DamagedError: what is left to do can't be read, or isn't of our making; `discard_damaged` gives it up.
        CacheError: the cache can't be written.
    """
    if not is_pending(root):
        return
    for source, target in _moves(root):
        if not os.path.lexists(source):
            continue  # done before
        make_folder(target.parent)
        if target.is_dir():
            move(target, root / source.relative_to(root).parts[0] / f"replaced {secrets.token_hex(8)}")
        move(source, target)
    try:
        (root / JOURNAL).unlink()
    except OSError as error:
        raise CacheError(f"cannot write in {root} ({error.strerror})", "choose another --cache") from error
    sync_folder(root)


def discard_damaged(root: Path) -> Path | None:
    """Set a journal aside that can't be carried out; where it went to, None where it can be, or there is none."""
    try:
        _moves(root)
    except FileNotFoundError:
        return None
    except DamagedError:
        return set_aside(root / JOURNAL)
    return None


def _moves(root: Path) -> list[tuple[Path, Path]]:
    """What the journal says, which may come from a stranger: from a scratch folder to a benchmark, through no link."""
    written = read_sealed(root / JOURNAL).get("moves")
    moves = []
    for pair in written if isinstance(written, list) else [None]:
        if not isinstance(pair, list) or len(pair) != 2 or not all(isinstance(each, str) for each in pair):
            raise _foreign(root)
        source, target = (PurePosixPath(each).parts for each in pair)
        if len(source) < 2 or not source[0].startswith(TEMPORARY) or not target or target[0].startswith("."):
            raise _foreign(root)
        for parts in (source, target):
            steps = [root.joinpath(*parts[: count + 1]) for count in range(len(parts))]
            if ".." in parts or parts[0] == "/" or any(step.is_symlink() for step in steps):
                raise _foreign(root)
        moves.append((root.joinpath(*source), root.joinpath(*target)))
    return moves


def _foreign(root: Path) -> DamagedError:
    return DamagedError(
        f"{root / JOURNAL} holds a change that is none of selectllm's", "selectllm cache verify --repair sets it aside"
    )
