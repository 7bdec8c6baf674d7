"""What a server counts, as Prometheus reads it. Labels are names of the settings alone: nothing of a request."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

__all__ = ["MEDIA", "Metrics"]

MEDIA = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)


class Metrics:
    """The counters of one server.

    Attributes:
        requests: by model that was asked for, and status.
        choices: by LLM that was asked.
        seconds: of routing, and of whole answers.
        tokens: by LLM, of prompts and of outputs.
        dollars: by LLM with a price.
        fallbacks: by reason, where others were asked than the setup says.
        failures: by LLM whose endpoint gave no answer.
        running: requests under way.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"selectllm_{name}", text, labels, registry=self._registry)

        self.requests = counter("requests", "Requests answered", "model", "status")
        self.choices = counter("choices", "Times that an LLM was asked", "llm")
        self.tokens = counter("tokens", "Tokens that endpoints counted", "llm", "part")
        self.dollars = counter("dollars", "Dollars at the LLMs' prices", "llm")
        self.fallbacks = counter("fallbacks", "Requests answered otherwise than the setup says", "reason")
        self.failures = counter("failures", "Times that an endpoint gave no answer", "llm")
        self.seconds = Histogram("selectllm_seconds", "Seconds", ("part",), registry=self._registry, buckets=_SECONDS)
        self.running = Gauge("selectllm_running", "Requests under way", registry=self._registry)

    def text(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)
