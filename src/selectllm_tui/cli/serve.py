"""`selectllm serve`: a setup as a server that speaks OpenAI's protocol."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from selectllm_engine.errors import MissingExtraError, UsageError
from selectllm_tui.cli.console import note
from selectllm_tui.cli.loaded_run import reading
from selectllm_tui.cli.options import CacheDir, SetupFile
from selectllm_tui.cli.train import Encoders, parse_encoders

if TYPE_CHECKING:
    from selectllm_engine.serving.desk import Desk

__all__ = ["serve"]

_LIBRARIES = ("starlette", "uvicorn", "httpx", "prometheus_client")


def serve(
    setup: SetupFile = None,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Its port; 0 for any that is free.")] = 8000,
    api_key_env: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The environment variable with the key that requests must have; other hosts than this machine need "
            "one.",
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, help="For an LLM's answer; then another LLM answers.")
    ] = 600.0,
    router_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.01, help="For the router; then best-single answers.")
    ] = 2.0,
    unsure: Annotated[
        float,
        typer.Option(
            metavar="P",
            min=0.0,
            max=1.0,
            help="Best-single answers where the router gives nobody whom it would ask a chance of P.",
        ),
    ] = 0.0,
    concurrency: Annotated[
        int, typer.Option(metavar="N", min=1, help="Requests at the same time; more are told to come again.")
    ] = 256,
    log: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Add a line of JSON for each answer: choice, votes, seconds, tokens; see selectllm import served.",
        ),
    ] = None,
    log_texts: Annotated[bool, typer.Option("--log-texts", help="Also questions and answers, in full.")] = False,
    encoder: Encoders = [],  # noqa: B006
    cache: CacheDir = None,
) -> None:
    """Serve a setup with OpenAI's protocol, in front of the endpoints that selectllm.toml names.

    The model selectllm is the setup: it routes, votes, and returns a text that says what was voted. Every LLM of the
    pool may be asked for by its name, too. POST /v1/route says whom a question would go to; /metrics is for Prometheus.
    Ctrl-C finishes what is under way; again, it doesn't. Needs the extra serve.
    """
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in _LIBRARIES):
        raise MissingExtraError("serving", "serve")
    if setup is None:
        raise UsageError("it is not said what to serve", "name a setup: --setup FILE")
    if log_texts and log is None:
        raise UsageError("--log-texts says what a log holds", "name one: --log FILE")
    from selectllm_engine.serving.application import application
    from selectllm_engine.serving.desk import SELF, Desk, ServerLimits
    from selectllm_engine.serving.journal import Journal
    from selectllm_engine.serving.metrics import Metrics
    from selectllm_engine.serving.server import client_key, listen
    from selectllm_engine.serving.server import serve as run_server
    from selectllm_engine.settings import read_settings
    from selectllm_engine.setups import chooser_of
    from selectllm_tui.cli.api_keys import allow_keys

    key, settings = client_key(host, api_key_env), read_settings()
    allow_keys([settings.llms[name] for name in setup.pool if name in settings.llms], settings)
    limits = ServerLimits(requests=concurrency, seconds=timeout, router_seconds=router_timeout, unsure=unsure)
    with reading(setup.benchmark, cache, setup=setup) as run:
        chooser = chooser_of(run, setup, {**settings.encoders, **parse_encoders(encoder)})
        journal = None if log is None else Journal(log, texts=log_texts)
        desk = Desk(run, setup, chooser, settings.llms, Metrics(), limits=limits, journal=journal)
    if setup.k is not None and setup.k != setup.samples:
        note(
            f"note: its figures are of {setup.k} samples that vote, and [serve] asks each LLM for {setup.samples}: "
            f"samples = {setup.k} gives what was evaluated"
        )
    place = listen(host, port)
    shown = f"[{host}]" if ":" in host else host

    def ready() -> None:
        note(f"serving {setup.name} as {SELF} on http://{shown}:{place.getsockname()[1]}/v1; Ctrl-C ends it")

    run_server(application(desk, key=key), place, ready)
    _leave(desk)


def _leave(desk: Desk) -> None:
    if desk.journal is not None and desk.journal.problem:
        note(f"note: the log lacks answers ({desk.journal.problem})")
