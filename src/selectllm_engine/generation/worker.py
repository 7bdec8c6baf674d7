"""The process of one LLM: `python -m selectllm_engine.generation.worker`.

Standard input brings the spec, one line of JSON, and then orders: `stop` (finish what is in flight) and `now`. Its
end means that the parent is gone, and is the same as `now`. Standard output carries events, a JSON object per line;
whatever libraries print goes to standard error, which the parent keeps in a log file.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from typing import IO, TYPE_CHECKING

from selectllm_engine.errors import SelectLLMError
from selectllm_engine.generation.cluster import LOCAL, end_local
from selectllm_engine.generation.dummy import time_dummy
from selectllm_engine.generation.engine import make_engine
from selectllm_engine.generation.keeper import Periods
from selectllm_engine.generation.runner import LoadEngine, Stop, run
from selectllm_engine.generation.scheduler import INTERRUPTED
from selectllm_engine.generation.spec import WorkerSpec
from selectllm_engine.generation.tokenizers import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["leave", "main"]

GRACE_SECONDS = 60.0  # for the step under way and the last flush, once all must stop


def main(
    load_engine: LoadEngine = make_engine,
    intervals: Periods = Periods(),  # noqa: B008 it is frozen
    load_tokenizer: Callable[[Path], object] = Tokenizer,
) -> int:
    """Serve one spec; the exit code: 0 done, 1 something failed, 130 stopped."""
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    orders = os.fdopen(os.dup(sys.stdin.fileno()), "rb")
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 libraries that ask a question wait for no answer
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C and says what it means
    stop = Stop()
    signal.signal(signal.SIGTERM, lambda *_: _order(stop, 1))
    spec = WorkerSpec.from_json(orders.readline())
    threading.Thread(target=_listen, args=(orders, stop), daemon=True).start()

    def emit(event: str, /, **fields: object) -> None:
        try:
            events.write(json.dumps({"event": event, **fields}) + "\n")
            events.flush()
        except OSError:  # the parent is gone; `_listen` hears that, too
            _order(stop, 2)

    try:
        from selectllm_engine.store import open_cache

        if spec.ray is not None:
            from selectllm_engine.generation.pool import pooled

            load_engine = pooled(load_engine, load_tokenizer, emit)
        if spec.dummy:
            done = time_dummy(spec, load_engine=load_engine, emit=emit, stop=stop)
        else:
            cache = open_cache(Path(spec.cache))
            done = run(spec, cache, load_engine=load_engine, emit=emit, stop=stop, intervals=intervals)
    except SelectLLMError as error:
        traceback.print_exc()
        emit("failed", benchmark=None, problem=error.problem, remedy=error.remedy)
        done = False
    except Exception as error:
        traceback.print_exc()
        reason = str(error).strip().partition("\n")[0]
        emit("failed", benchmark=None, problem=f"unexpected {type(error).__name__}: {reason}", remedy="")
        done = False
    if spec.ray == LOCAL:
        end_local()
    emit("end")
    return INTERRUPTED if stop.level else 0 if done else 1


def _listen(orders: IO[bytes], stop: Stop) -> None:
    for line in orders:
        _order(stop, 2 if line.strip() == b"now" else 1)
    _order(stop, 2)


def _order(stop: Stop, level: int) -> None:
    stop.level = max(stop.level, level)
    if not stop.sampling:
        os._exit(INTERRUPTED)  # loading or timing can take minutes, and there is nothing to save
    if level > 1:
        watchdog = threading.Timer(GRACE_SECONDS, os._exit, [INTERRUPTED])
        watchdog.daemon = True
        watchdog.start()


def leave(code: int) -> None:
    """Leave without the libraries' own clean-up, which can hang or abort; everything is written."""
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
