"""`--setup FILE`: what a setup says stands in the place of the options that say it one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import typer

    from selectllm_engine.api import Run
    from selectllm_engine.evaluation import Router
    from selectllm_engine.setups import Setup

__all__ = ["fill_in", "rows_asked"]

_SAYS = ("benchmark", "pool", "router", "policy", "vote", "k", "protocol")


def fill_in(context: typer.Context, options: Sequence[Any]) -> None:
    """Give a command whose `setup` names a file the setup in it, and the options that it says.

    What `selectllm.toml` says of these doesn't count then.

    Raises:
        UsageError: one of these options is given beside it, or the file holds no setup.
    """
    path = context.params.get("setup")
    if path is None:
        return
    known = {option.name for option in options}
    for option in options:
        if option.name in _SAYS and _given(context, option.name):
            raise UsageError(
                f"{option.opts[0]} and --setup both say what is evaluated",
                f"leave out {option.opts[0]}, or copy the file and change it there",
            )
    from selectllm_engine.setups import read_setup

    setup = read_setup(path)
    if setup.protocol != "corrected" and "vote" in known and "protocol" not in known:
        raise UsageError(
            f"{context.command_path} knows protocol corrected alone, and the setup has {setup.protocol}",
            "selectllm evaluate and compare take it",
        )
    context.params["setup"] = setup
    for option in options:
        if option.name in _SAYS:
            value = getattr(setup, option.name)
            context.params[option.name] = [value] if option.multiple and value is not None else value


def _given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name in ("COMMANDLINE", "ENVIRONMENT", "PROMPT")


def rows_asked(
    run: Run, setup: Setup | None, router: list[str] | None, policy: list[str] | None
) -> tuple[Sequence[Router] | None, Sequence[str] | None]:
    """The routers and policies whose rows are wanted; with a setup the one that it has, or none."""
    from selectllm_engine.setups import setup_routers

    if setup is None:
        return router, policy
    routers = setup_routers(run, setup) if setup.router is None else (setup.router,)
    return routers, None if setup.policy is None else [setup.policy]
