"""Members of an array or object in a large JSON file, one by one: only the largest of them need fit in memory."""

from __future__ import annotations

import codecs
import json
from typing import IO, TYPE_CHECKING

from selectllm_engine.errors import ImportFormatError
from selectllm_engine.foreign_files import json_lines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["LARGEST", "has_member", "lines", "members"]

LARGEST = 1 << 28  # characters of one member
CHUNK = 1 << 20  # bytes read at once, at least
_DECODER = json.JSONDecoder()
_BLANK = " \t\n\r"
_NUMBER = (".", "e", "E")  # how it goes on, where what is held ends in the middle of it


def members(path: Path, *names: str, largest: int = LARGEST, chunk: int = CHUNK) -> Iterator[tuple[str, object]]:
    """The members of the array or object that is found under these names, each with its place or name.

    Raises:
        ImportFormatError: the file can't be read, is no whole JSON, has nothing of that kind under the names, or holds
            a member of more than `largest` characters.
    """
    try:
        with path.open("rb") as file:
            reader = _Reader(file, path, largest, chunk)
            if not reader.find(names):
                raise ImportFormatError(f"{path.name} has no {'.'.join(names)!r}", "name another file")
            yield from reader.members()
    except OSError as error:
        raise ImportFormatError(f"cannot read {path} ({error.strerror})", "check the path") from error


def has_member(path: Path, *names: str, strict: bool = False, chunk: int = CHUNK) -> bool:
    """Whether there is an array or object under these names; not whether it is whole.

    Raises:
        ImportFormatError: the file can't be read, or with `strict` what comes before is no JSON.
    """
    try:
        with path.open("rb") as file:
            return _Reader(file, path, LARGEST, chunk).find(names)
    except OSError as error:
        raise ImportFormatError(f"cannot read {path} ({error.strerror})", "check the path") from error
    except ImportFormatError:
        if strict:
            raise
        return False


def lines(path: Path) -> Iterator[tuple[int, object]]:
    """The values of a JSONL file, each with the number of its line; raises as `members`."""
    try:
        with path.open("rb") as file:
            for number, line in json_lines(
                file, lambda what: ImportFormatError(f"{path.name}, {what}", "is it a JSONL file?")
            ):
                yield number, _line(path, number, line)
    except OSError as error:
        raise ImportFormatError(f"cannot read {path} ({error.strerror})", "check the path") from error


def _line(path: Path, number: int, line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        cut = not line.endswith(b"\n")
        remedy = "the file ends too early: copy it again" if cut else "is it a JSONL file?"
        raise ImportFormatError(f"{path.name}, line {number} is no JSON", remedy) from error


class _Reader:
    """A JSON file of which a part is held: `_text` from `_at` on is not read yet."""

    def __init__(self, file: IO[bytes], path: Path, largest: int, chunk: int) -> None:
        self._file, self._path = file, path
        self._largest, self._chunk = largest, chunk
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._at, self._ended = "", 0, False

    def find(self, names: tuple[str, ...]) -> bool:
        """Go to the array or object under these names; whether there is one."""
        for name in names:
            if self._next() != "{":
                return False
            self._at += 1
            for found in self._names():
                if found == name:
                    break
                self._skip()
            else:
                return False
        return self._next() in ("[", "{")

    def members(self) -> Iterator[tuple[str, object]]:
        """The members of the array or object that comes next, and nothing but blanks may follow a file's whole one."""
        opened = self._next()
        self._at += 1
        if opened == "{":
            for name in self._names():
                yield name, self._value()
        else:
            for place in self._until("]"):
                yield str(place), self._value()

    def _names(self) -> Iterator[str]:
        """The names of an opened object; what follows each is to be read before the next."""
        for _ in self._until("}"):
            name = self._value()
            if not isinstance(name, str) or self._next() != ":":
                raise self._damaged()
            self._at += 1
            yield name

    def _until(self, closing: str) -> Iterator[int]:
        """Counts members up to the closing bracket."""
        place = 0
        while (found := self._next()) != closing:
            if place:
                if found != ",":
                    raise self._damaged()
                self._at += 1
                self._next()
            yield place
            place += 1
        self._at += 1

    def _skip(self) -> None:
        """Pass over a value; the members of a list are not held together."""
        if self._next() == "[":
            for _ in self.members():
                pass
        else:
            self._value()

    def _value(self) -> object:
        self._next()
        while True:
            try:
                found, end = _DECODER.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if self._ended or isinstance(error, RecursionError):
                    raise self._damaged() from error
            else:
                if self._ended or self._text[end : end + 1] not in ("", *_NUMBER):  # else a number may go on
                    self._at = end
                    return found
            self._more()

    def _next(self) -> str:
        """The next character that is no blank; raises at the end of the file."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if self._ended:
                raise self._damaged()
            self._more()

    def _more(self) -> None:
        """Read on: as much again as is held, so that a long value is not tried too often."""
        held = self._text[self._at :]
        if len(held) > self._largest:
            raise ImportFormatError(
                f"{self._path.name} has a member of more than {self._largest >> 20} MiB", "leave it out"
            )
        data = self._file.read(max(self._chunk, len(held)))
        self._ended = not data
        try:
            self._text, self._at = held + self._decoder.decode(data, final=self._ended), 0
        except UnicodeDecodeError as error:
            raise ImportFormatError(f"{self._path.name} is no UTF-8 text", "write it as UTF-8") from error

    def _damaged(self) -> ImportFormatError:
        remedy = "the file ends too early: copy it again" if self._ended else "copy it again"
        return ImportFormatError(f"{self._path.name} is no whole JSON", remedy)
