"""Whether two expressions of mathematics are equal, by math-verify in a process of its own with a time limit."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Self

from selectllm_engine.answers import latex_of
from selectllm_engine.errors import MissingExtraError

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["LIMIT", "Mathematics", "math_version"]

LIMIT = 5.0  # seconds of processor time for a pair
_WHOLE = frozenset("-0123456789")


@cache
def math_version() -> str | None:
    """Of math-verify; None where it is not installed."""
    try:
        return version("math-verify")
    except PackageNotFoundError:
        return None


class Mathematics:
    """The process that compares expressions; it is started when it is first needed, and again when it was ended.

    Args:
        limit: seconds of processor time for a pair.
    """

    def __init__(self, limit: float = LIMIT) -> None:
        self._limit = limit
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def equal(self, first: str, second: str) -> bool | None:
        """Whether two normal forms are equal; None where finding out takes more than the limit.

        The first is what the second is compared with, as the gold answer with an LLM's.

        Raises:
            MissingExtraError: math-verify is not installed.
        """
        if first == second:
            return True
        if _WHOLE.issuperset(first) and _WHOLE.issuperset(second):
            return False
        process = self._process or self._started()
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - they are pipes
        said = ""
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps([latex_of(first), latex_of(second)]) + "\n")
            process.stdin.flush()
            said = process.stdout.readline()
        if said:
            return bool(json.loads(said))
        self.close()
        return None

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def _started(self) -> subprocess.Popen[str]:
        if math_version() is None:
            raise MissingExtraError("comparing expressions of mathematics", "math")
        worker = Path(__file__).with_name("math_worker.py")
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(worker), str(self._limit)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        return self._process
