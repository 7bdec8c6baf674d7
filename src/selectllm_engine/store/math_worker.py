"""Run by `mathematics` as a process of its own: lines of two expressions in, a line for each whether they are equal.

It imports nothing of selectllm. The processor time of a pair is limited by the system, which ends the whole process:
sympy can be in a single power of two integers for hours, where no exception reaches it.
"""

import json
import logging
import resource
import signal
import sys
from functools import lru_cache

_MOST_MEMORY = 4 << 30  # bytes


def main() -> None:
    """Answer every line of the standard input; `argv[1]` is the limit in seconds of processor time."""
    from math_verify import parse, verify

    logging.disable()
    resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    limit = float(sys.argv[1])

    @lru_cache(maxsize=10_000)
    def parsed(latex: str) -> list[object]:
        return parse(f"${latex}$", parsing_timeout=None)  # type: ignore[no-any-return]

    for line in sys.stdin:
        first, second = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, limit)
        try:
            equal = verify(parsed(first), parsed(second), timeout_seconds=None)
        except (Exception, RecursionError, MemoryError):  # of whatever sympy makes of a hostile text
            equal = False
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps(bool(equal)), flush=True)  # noqa: T201 - to the process that asked


if __name__ == "__main__":
    main()
