"""Options that several commands share, each defined once."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

BASELINES = ("oracle", "random", "best-single", "all-llms", "learned-vote")

__all__ = [
    "Against",
    "Benchmark",
    "CacheDir",
    "Force",
    "Format",
    "K",
    "Output",
    "Policies",
    "Policy",
    "PoolNames",
    "Protocol",
    "Routers",
    "SetupFile",
    "Split",
    "Vote",
    "names",
    "several",
]


class Format(StrEnum):
    """How a table is written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"
    MARKDOWN = "markdown"
    LATEX = "latex"


def names(text: str | Sequence[str] | None) -> list[str] | None:
    """The names in `a,b`, or those of a setup; None where the option was not given."""
    if text is None or not isinstance(text, str):
        return None if text is None else list(text)
    return [name for each in text.split(",") if (name := each.strip())]


def several(given: list[str] | None) -> list[str] | None:
    """The names of an option that may be given again, each also as `a,b`."""
    return [name for each in given for name in names(each) or []] if given else None


def complete(known: Iterable[str], incomplete: str) -> list[str]:
    """The known names that continue what is typed; after a comma, the last of several.

    Names come from data and end up on somebody's command line: those with characters that a shell acts on are left out.
    """
    done, comma, last = incomplete.rpartition(",")
    taken = set(done.split(","))
    plain = (name for name in known if re.fullmatch(r"[\w.:@+%=/-]+", name, re.ASCII))
    return [f"{done}{comma}{name}" for name in plain if name.startswith(last) and name not in taken]


def completing(known: Callable[[typer.Context], Iterable[str]]) -> Callable[[typer.Context, str], list[str]]:
    """A completion from what finds the known names; where that fails there is none: it never disturbs the prompt."""

    def completed(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            return complete(known(ctx), incomplete)
        except Exception:
            return []

    return completed


@completing
def complete_benchmark(ctx: typer.Context) -> Iterable[str]:
    from selectllm_engine.store import open_cache

    return open_cache(ctx.params.get("cache")).benchmarks()


@completing
def complete_llm(ctx: typer.Context) -> Iterable[str]:
    from selectllm_engine.store import open_cache

    cache = open_cache(ctx.params.get("cache"))
    return cache.llms(cache.choose(ctx.params.get("benchmark")))


@completing
def complete_router(ctx: typer.Context) -> Iterable[str]:
    from selectllm_engine.store import open_cache

    cache = open_cache(ctx.params.get("cache"))
    return cache.routers(cache.choose(ctx.params.get("benchmark")))


@completing
def complete_known_llm(_: typer.Context) -> Iterable[str]:
    """Names of LLMs that can be sampled: the person's own and the study's."""
    from selectllm_engine.llms import STUDY
    from selectllm_engine.settings import read_settings

    return dict.fromkeys([*read_settings().llms, *(llm.name for llm in STUDY)])


@completing
def complete_source(ctx: typer.Context) -> Iterable[str]:
    """Names of benchmarks that can be sampled: built-in ones, the person's own, and those in the cache."""
    from selectllm_engine.benchmarks import known_names
    from selectllm_engine.settings import read_settings
    from selectllm_engine.store import open_cache

    stored = open_cache(ctx.params.get("cache")).benchmarks()
    return dict.fromkeys([*known_names(), *read_settings().benchmarks, *stored])


@completing
def complete_prompt(_: typer.Context) -> Iterable[str]:
    from selectllm_engine.settings import STYLES, read_settings

    return [*STYLES, *read_settings().prompts]


def complete_policy(incomplete: str) -> list[str]:
    from selectllm_engine.evaluation import POLICIES

    return complete(POLICIES, incomplete)


def complete_protocol(incomplete: str) -> list[str]:
    from selectllm_engine.evaluation import PROTOCOLS

    return complete(PROTOCOLS, incomplete)


def complete_row(ctx: typer.Context, incomplete: str) -> list[str]:
    return [*complete(BASELINES, incomplete), *complete_llm(ctx, incomplete)]


def complete_vote(incomplete: str) -> list[str]:
    from selectllm_engine.evaluation import VOTE_RULES

    return complete(VOTE_RULES, incomplete)


Benchmark = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Which benchmark; not needed where there is only one.", autocompletion=complete_benchmark
    ),
]
CacheDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where results are kept: else $SELECTLLM_CACHE, ./cache where it exists, the user's data folder.",
        file_okay=False,
    ),
]
PoolNames = Annotated[
    str | None,
    typer.Option(
        "--pool", metavar="LLM,LLM…", help="The LLMs to choose among; all without it.", autocompletion=complete_llm
    ),
]
SetupFile = Annotated[
    Any,  # a path, in whose place the command gets the setup
    typer.Option(
        "--setup",
        metavar="FILE",
        parser=Path,
        help="A setup, in the place of all options that say benchmark, pool, router, policy, vote, K or protocol; none "
        "of these may be given beside it.",
    ),
]
Split = Annotated[str, typer.Option(metavar="NAME", help="Which questions: train, validation or test.")]
Routers = Annotated[
    list[str] | None,
    typer.Option(
        "--router",
        metavar="NAME",
        help="A trained router; may be given again. All without it.",
        autocompletion=complete_router,
    ),
]
Policies = Annotated[
    list[str] | None,
    typer.Option(
        "--policy",
        metavar="NAME[:VALUE]",
        help="How LLMs are chosen from a router's probabilities; may be given again. VALUE sets the parameter, "
        "auto tunes it on validation.",
        autocompletion=complete_policy,
    ),
]
Policy = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[:VALUE]", help="The router's policy; argmax without it.", autocompletion=complete_policy
    ),
]
Protocol = Annotated[
    str,
    typer.Option(
        "--protocol",
        metavar="corrected|paper",
        help="corrected, or the arithmetic of the study's released code.",
        autocompletion=complete_protocol,
    ),
]
K = Annotated[
    int | None, typer.Option("--k", metavar="K", min=1, help="Vote over the first K samples; all without it.")
]
Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="NAME",
        help="The row that the others are compared with, by the name it has in the table; best-single without it.",
        autocompletion=complete_row,
    ),
]
Vote = Annotated[
    str,
    typer.Option(
        "--vote",
        metavar="RULE",
        help="How samples of several LLMs become one answer: equal, learned (weights from labelled questions), or a "
        "file of weights.",
        autocompletion=complete_vote,
    ),
]
Output = Annotated[Format, typer.Option("--format", metavar="FORM", help="table, json, csv, markdown or latex.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]
