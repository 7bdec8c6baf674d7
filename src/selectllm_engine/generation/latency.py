"""Single-prompt latency: time some prompts alone, fit seconds to tokens.

Bulk generation can't tell how long one prompt takes alone, so a few are timed one at a time, nothing cached, and
seconds = a + b · prompt tokens + c · output tokens is fitted by non-negative least squares. How many tokens are
asked for is set, not sampled: otherwise an LLM that always answers briefly would leave c to chance.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from selectllm_engine.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from selectllm_engine.generation.engine import Encoded, Engine, Timing
    from selectllm_engine.llms import Sampling

__all__ = ["PROBES", "choose_probes", "fit_latency", "fits_too", "measure_latency"]

PROBES = 16
SHORTEST, LONGEST = 4, 128  # new tokens of a probe


def choose_probes(prompts: Sequence[Encoded], max_tokens: int, count: int = PROBES) -> list[tuple[Encoded, int]]:
    """Prompts from the shortest to the longest, each with a number of new tokens that doesn't go with its length."""
    ordered = sorted(prompts, key=lambda prompt: prompt.tokens)
    longest = max(1, min(max_tokens, LONGEST))
    shortest = min(SHORTEST, longest)
    probes = []
    for at in range(count):
        prompt = ordered[round(at * (len(ordered) - 1) / (count - 1))]
        share = at * 7 % count / (count - 1)  # 7 and 16 have no common factor: every length once
        probes.append((prompt, round(shortest * (longest / shortest) ** share)))
    return probes


def fits_too(timed: Sampling, other: Sampling) -> bool:
    """Whether a fit of prompts that were timed with one sampling holds for the same prompts with the other.

    It does where a token takes the same work and no fewer new tokens were timed. Taking the most likely token, top-p,
    top-k and the penalty are other work; how high the temperature is, what ends a sample and what the chat template is
    told of thinking change how many tokens there are, not what one takes.
    """
    return _work(timed) == _work(other) and min(timed.max_tokens, LONGEST) >= min(other.max_tokens, LONGEST)


def _work(sampling: Sampling) -> tuple[bool, ...]:
    return sampling.temperature > 0, sampling.top_p < 1, sampling.top_k > 0, sampling.repetition_penalty != 1


def fit_latency(timings: Sequence[Timing]) -> dict[str, float]:
    """Fitted a (s), b and c (s per token), all at least 0, and the root mean square of the residuals (s).

    Lawson and Hanson's non-negative least squares.
    """
    import numpy as np
    from scipy.optimize import nnls

    tokens = np.array([[1.0, each.prompt_tokens, each.output_tokens] for each in timings])
    seconds = np.array([each.seconds for each in timings])
    (a, b, c), residual = nnls(tokens, seconds)
    return {
        "a": round(float(a), 6),
        "b": round(float(b), 8),
        "c": round(float(c), 8),
        "residual_rms": round(float(residual) / len(timings) ** 0.5, 6),
    }


def measure_latency(
    engine: Engine, prompts: Sequence[Encoded], sampling: Sampling, *, wanted: Callable[[], bool] = lambda: True
) -> dict[str, object] | None:
    """Time PROBES prompts on a started, idle engine; what the manifest keeps. None when no longer `wanted`."""
    if not prompts:
        raise EngineError("there is no prompt to time")
    timings: list[Timing] = []
    probes = choose_probes(prompts, sampling.max_tokens)
    for number, (prompt, output_tokens) in enumerate([probes[0], *probes]):
        if not wanted():
            return None
        timing = engine.time_one(prompt, sampling, output_tokens)
        if number:  # the first warms up
            timings.append(timing)
    measured = datetime.now(UTC).isoformat(timespec="seconds")
    return {
        **fit_latency(timings),
        "prompts": len(timings),
        "hardware": engine.facts()["hardware"],
        "measured": measured,
    }
