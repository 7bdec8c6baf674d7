"""Timing single prompts and fitting seconds to tokens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.errors import EngineError
from selectllm_engine.generation.engine import Encoded, Timing
from selectllm_engine.generation.latency import PROBES, choose_probes, fit_latency, measure_latency
from selectllm_engine.llms import Sampling

SOME = [Encoded(None, tokens) for tokens in (300, 20, 45, 90, 60, 61, 62, 500, 33)]


def test_probes_span_short_and_long():
    probes = choose_probes(SOME, 48)
    assert len(probes) == PROBES
    prompt_tokens = [prompt.tokens for prompt, _ in probes]
    assert (min(prompt_tokens), max(prompt_tokens)) == (20, 500)
    outputs = [tokens for _, tokens in probes]
    assert (min(outputs), max(outputs)) == (4, 48)
    assert max(tokens for _, tokens in choose_probes(SOME, 750)) == 128
    assert {tokens for _, tokens in choose_probes(SOME[:1], 1)} == {1}


@given(st.floats(0, 2), st.floats(0, 0.01), st.floats(0, 0.1))
def test_the_fit_finds_the_line_it_was_given(a, b, c):
    timings = [
        Timing(prompt.tokens, tokens, a + b * prompt.tokens + c * tokens) for prompt, tokens in choose_probes(SOME, 128)
    ]
    fit = fit_latency(timings)
    assert fit["residual_rms"] == pytest.approx(0, abs=1e-5)
    for each in timings:
        seconds = fit["a"] + fit["b"] * each.prompt_tokens + fit["c"] * each.output_tokens
        assert seconds == pytest.approx(each.seconds, abs=1e-4)


def test_coefficients_are_never_negative():
    fit = fit_latency([Timing(tokens, 60 - tokens // 2, 0.01 * (60 - tokens // 2)) for tokens in range(10, 110, 5)])
    assert min(fit["a"], fit["b"], fit["c"]) >= 0
    assert fit["c"] == pytest.approx(0.01, rel=0.01)


class FakeClock:
    """An engine whose first prompt takes long, as first ones do."""

    calls = 0

    def time_one(self, prompt, sampling, output_tokens):
        self.calls += 1
        warm = 50 if self.calls == 1 else 0
        return Timing(prompt.tokens, output_tokens, warm + 0.1 + 0.001 * prompt.tokens + 0.02 * output_tokens)

    def facts(self):
        return {"engine": "fake 1", "hardware": "fake"}


def test_the_first_prompt_only_warms_up():
    latency = measure_latency(FakeClock(), SOME, Sampling())
    assert latency["a"] == pytest.approx(0.1, abs=1e-4)
    assert latency["b"] == pytest.approx(0.001, abs=1e-6)
    assert latency["c"] == pytest.approx(0.02, abs=1e-5)
    assert latency["prompts"] == PROBES
    assert latency["hardware"] == "fake"


def test_timing_can_be_stopped_and_needs_prompts():
    clock = FakeClock()
    assert measure_latency(clock, SOME, Sampling(), wanted=lambda: clock.calls < 3) is None
    assert clock.calls == 3
    with pytest.raises(EngineError, match="no prompt to time"):
        measure_latency(clock, [], Sampling())
