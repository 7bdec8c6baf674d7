"""The command and the Python that give the figures of a screen again."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import UsageError
from selectllm_engine.setups import NO_ROUTER
from selectllm_tui.shown_setup import WITHOUT_ROUTER

if TYPE_CHECKING:
    from pathlib import Path

    from selectllm_tui.shown_setup import Space
    from selectllm_tui.state import State

__all__ = ["command", "python"]

BESIDE = ("against", "split")  # options that may stand beside --setup


def command(state: State, space: Space, cache: Path | None, file: Path | None = None) -> str:
    """What a shell is told; `cache` is None where nothing need be said of it, `file` holds the setup where one does.

    Raises:
        UsageError: options can't say it, and there is no file.
    """
    name, options = _asked(state, space)
    words = ["selectllm", name]
    words += [options.pop("question")] if "question" in options else []
    if options.get("router") == NO_ROUTER:
        if file is None:
            raise UsageError("options can't say a policy without a router", "W saves the setup, then --setup says it")
        options = {"setup": file.resolve(), **{name: options[name] for name in BESIDE if name in options}}
    else:
        words += ["--benchmark", space.benchmark]
    for option, value in options.items():
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        words += [f"--{option.replace('_', '-')}", text]
    if cache is not None:
        words += ["--cache", str(cache)]
    return " ".join(map(_quoted, words))


def python(state: State, space: Space, cache: Path | None) -> str:
    """What Python is told."""
    name, options = _asked(state, space)
    method = "question" if name == "show" else name
    first = [repr(options.pop("question"))] if "question" in options else []
    imported = "from selectllm_engine.setups import no_router\n" if options.get("router") == NO_ROUTER else ""
    given = [f"{option}={_written(option, value, state)}" for option, value in options.items()]
    where = f", {str(cache)!r}" if cache is not None else ""
    return (
        "from selectllm_engine.api import load\n"
        f"{imported}\n"
        f"run = load({space.benchmark!r}{where})\n"
        f"run.{method}({', '.join([*first, *given])})\n"
    )


def _written(option: str, value: object, state: State) -> str:
    if (option, value) == ("router", NO_ROUTER):
        return f"no_router(run, {state.setup.split!r})"
    return repr(list(value) if isinstance(value, tuple) else value)


def _asked(state: State, space: Space) -> tuple[str, dict[str, Any]]:
    """The command, and the options whose value is another than its own default."""
    setup, tab = state.setup, state.view.tab
    said: dict[str, Any] = {}
    if len(setup.pool) < len(setup.pool.run):
        said["pool"] = setup.pool.names
    if setup.k and setup.k != space.samples:
        said["k"] = setup.k
    on_split = {"split": setup.split} if setup.split != "test" else {}
    how = {"vote": setup.vote} if setup.vote != "equal" else {}
    if tab == "recommend":
        return "recommend", state.view.limits.fit(space.stops).said
    if tab == "pools":
        return "pools", {**{name: said[name] for name in ("k",) if name in said}, **on_split}
    if tab == "lessons":
        return "lessons", said | on_split | how
    if tab in {"questions", "question"} and state.view.question is not None:
        chosen = {"router": setup.router or NO_ROUTER, "policy": setup.spec_of(setup.policy)} if setup.chooses else {}
        return "show", {"question": state.view.question, **said, **chosen, **how}
    if tab == "matrix":
        said |= {"policy": tuple(map(setup.spec_of, space.policies))} if space.routers else {}
    elif setup.chooses:
        known = space.policies if setup.router else WITHOUT_ROUTER
        said |= {"router": setup.router or NO_ROUTER, "policy": tuple(map(setup.spec_of, known))}
    if setup.protocol != "corrected":
        said["protocol"] = setup.protocol
    if setup.against != "best-single":
        said["against"] = setup.against
    return "evaluate", said | on_split | how


def _quoted(word: str) -> str:
    """A word as a shell reads it; what can't be seen by its number, so that a terminal pastes nothing else."""
    if word.isprintable():
        return shlex.quote(word)
    return f"$'{''.join(map(_numbered, word))}'"


def _numbered(character: str) -> str:
    return character if character.isprintable() and character not in "'\\" else f"\\U{ord(character):08x}"
