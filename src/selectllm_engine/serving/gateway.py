"""A setup for LiteLLM's proxy: its configuration, and a plugin that gives each request to the LLM that is chosen.

Only setups where one LLM answers: the proxy asks one and returns what it says. Keys, budgets and logs stay the proxy's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from selectllm_engine.errors import CacheError, UsageError
from selectllm_engine.evaluation import POLICIES
from selectllm_engine.exporters import save
from selectllm_engine.generation.endpoint import KEY
from selectllm_engine.serving.chat import SELF, last_words
from selectllm_engine.serving.decision import decide
from selectllm_engine.setups import chooser_of, quoted, read_setup, write_setup

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from selectllm_engine.llms import LLM
    from selectllm_engine.routers.chooser import Chooser, Fixed
    from selectllm_engine.run import StoredRun
    from selectllm_engine.setups import Setup

__all__ = ["LITELLM", "Gateway", "export_gateway", "read_gateway"]

LITELLM = "1.108.7"  # the version that this is tried with
FILES = ("config.yaml", "selectllm_plugin.py", "setup.toml", "gateway.json", "README.md")


@dataclass(frozen=True, slots=True, eq=False)
class Gateway:
    """What a plugin asks: a router and its policy, loaded once."""

    chooser: Chooser | Fixed

    def choose(self, messages: object) -> str:
        """The LLM that answers a chat; the router reads the user's last message.

        Raises:
            ValueError: nobody has said anything.
            Exception: whatever the router raises.
        """
        chat = [each for each in messages if isinstance(each, dict)] if isinstance(messages, list) else []
        text = last_words(chat)
        if not text.strip():
            raise ValueError("there is no message of a user with text")
        return self.chooser.view.pool.run[decide(self.chooser, text).asked[0]]


def read_gateway(folder: Path) -> Gateway:
    """The gateway of a folder that `export_gateway` wrote; raises what the setup's run, router and policy raise."""
    from selectllm_engine.run import StoredRun
    from selectllm_engine.store import open_cache

    setup = read_setup(folder / "setup.toml")
    known = json.loads((folder / "gateway.json").read_text("utf-8"))
    run = StoredRun(open_cache(Path(known["cache"])), setup.benchmark)
    return Gateway(_chooser(run, setup, known["encoders"]))


def export_gateway(
    run: StoredRun,
    setup: Setup,
    folder: Path,
    llms: Mapping[str, LLM],
    encoders: Mapping[str, str] | None = None,
    *,
    force: bool = False,
) -> tuple[Path, ...]:
    """Write what LiteLLM's proxy needs to serve a setup; the files.

    Args:
        run: from `selectllm_engine.load`; the plugin reads its cache, too.
        setup: what chooses.
        folder: where to; made where it isn't there.
        llms: where the LLMs are, by name: those of `selectllm.toml`.
        encoders: where encoders are: name -> folder or hub id.
        force: replace files that are there.

    Raises:
        UsageError: the setup asks several LLMs, one has no endpoint or a name that the proxy takes for something else,
            the router can't run here, or there are such files already.
        CacheError: a file can't be written.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file", "name a folder")
    for name in FILES:
        if (folder / name).exists() and not force:
            raise UsageError(f"{folder / name} is there already", "choose another folder, or replace it with --force")
    placed = _placed(setup.pool, llms)
    view = _chooser(run, setup, encoders).view
    ranked = [view.pool.run[llm] for llm in view.ranked]
    known = {"cache": str(run.cache.root.resolve()), "encoders": dict(encoders or {})}
    texts = {
        "config.yaml": _config(placed, ranked),
        "selectllm_plugin.py": _PLUGIN,
        "gateway.json": json.dumps(known, indent=1) + "\n",
        "README.md": _README.format(version=LITELLM, best=ranked[0]),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CacheError(f"{folder} can't be made ({error.strerror})", "name another folder") from error
    for name, text in texts.items():
        save(folder / name, text.encode())
    write_setup(setup, folder / "setup.toml", force=True)
    return tuple(folder / name for name in FILES)


def _chooser(run: StoredRun, setup: Setup, encoders: Mapping[str, str] | None) -> Chooser | Fixed:
    """What chooses, ready to; raises UsageError where not one LLM alone answers each question."""
    _check_alone(setup)
    chooser = chooser_of(run, setup, encoders)
    decide(chooser, "?")  # what is loaded late is loaded now
    return chooser


def _check_alone(setup: Setup) -> None:
    info = None if setup.spec is None else POLICIES[setup.spec.name]
    name = "the vote of all" if setup.spec is None else f"policy {setup.spec.name}"
    if info is not None and info.draws:
        why = f"{name} draws LLMs by chance"
    elif not setup.asks_several:
        return
    elif info is not None and info.stops_early:
        why = f"{name} asks one LLM after the other"
    else:
        why = f"{name} asks several LLMs"
    raise UsageError(
        f"{why}, and a gateway returns one LLM's words",
        "take a policy that asks one, such as argmax; selectllm serve takes any",
    )


def _placed(pool: Iterable[str], llms: Mapping[str, LLM]) -> dict[str, LLM]:
    """The LLMs of a pool with their endpoints; raises UsageError."""
    placed = {}
    for name in pool:
        if name == SELF or "*" in name or name.startswith("os.environ/"):
            raise UsageError(f"an LLM named {name!r} would be taken for something else", "import it under another name")
        if name not in llms or llms[name].endpoint is None:
            raise UsageError(
                f"it is not known where {name} is", f"say so in selectllm.toml: [llms.{name}] endpoint and weights"
            )
        placed[name] = llms[name]
    return placed


def _config(placed: Mapping[str, LLM], ranked: list[str]) -> str:
    """The proxy's configuration; `ranked` are the LLMs, the best first."""
    lines = [f"# For LiteLLM's proxy {LITELLM}; README.md beside this says how to start it.", "model_list:"]
    for model, name in [*((name, name) for name in placed), (SELF, ranked[0])]:
        llm = placed[name]
        lines += [
            f"  - model_name: {quoted(model)}",
            "    litellm_params:",
            f"      model: {quoted(f'openai/{llm.weights}')}",
            f"      api_base: {quoted(llm.endpoint or '')}",
            f"      api_key: {quoted(f'os.environ/{llm.api_key_env or KEY}')}",
        ]
        if llm.price is not None:
            lines += [
                f"      input_cost_per_token: {llm.price.input / 1e6!r}",
                f"      output_cost_per_token: {llm.price.output / 1e6!r}",
            ]
    lines += ["litellm_settings:", "  callbacks: selectllm_plugin.plugin"]
    if len(ranked) > 1:
        lines += ["router_settings:", "  fallbacks:  # the next best, where one doesn't answer"]
        for model in [*placed, SELF]:
            others = [name for name in ranked if name != (ranked[0] if model == SELF else model)]
            lines.append(f"    - {quoted(model)}: [{', '.join(map(quoted, others))}]")
    return "\n".join([*lines, "general_settings:", "  master_key: os.environ/LITELLM_MASTER_KEY", ""])


_PLUGIN = '''"""For LiteLLM's proxy: who asks for the model selectllm is answered by the LLM that the setup chooses.

It needs selectllm in the proxy's environment, with what the router needs, and reads the cache that gateway.json names.
"""

import asyncio
import logging
from pathlib import Path

from litellm.integrations.custom_logger import CustomLogger
from selectllm_engine.serving.chat import SELF
from selectllm_engine.serving.gateway import read_gateway

SECONDS = 2.0  # for the router; then best-single answers
CHATS = ("acompletion", "completion")


class Plugin(CustomLogger):
    """The router is loaded once, when the proxy starts; best-single answers where it fails."""

    def __init__(self):
        super().__init__()
        self.gateway = read_gateway(Path(__file__).resolve().parent)

    async def async_pre_call_hook(self, user_api_key_dict, cache, data, call_type):
        if data.get("model") == SELF and call_type in CHATS:
            try:
                choosing = asyncio.to_thread(self.gateway.choose, data.get("messages"))
                data["model"] = await asyncio.wait_for(choosing, SECONDS)
            except Exception as error:  # the model selectllm of config.yaml is best-single
                why = type(error).__name__  # its words may hold the question
                logging.getLogger("selectllm").warning("best-single answers: the router failed (%s)", why)
        return data


plugin = Plugin()
'''

_README = """# A selectllm setup behind LiteLLM's proxy

    pip install 'litellm[proxy]=={version}'
    pip install selectllm            # after it: asked for both at once, pip finds no version of rich that suits both
    export LITELLM_MASTER_KEY=sk-…   # who may ask; config.yaml names the variables with the LLMs' keys
    litellm --config config.yaml

Ask for the model `selectllm`, and each question goes to the LLM that the setup chooses by the user's last message;
every LLM may be asked for by its own name, too. Where the router fails or takes more than two seconds, the best single
LLM on train and validation answers, here {best}; where an LLM doesn't, the next best one. Keys, budgets and logs are
LiteLLM's, and count the LLM that answered; a key that may use `selectllm` may use all of them through it.

- `config.yaml`: where the LLMs are, and the plugin. Add to it what you like. A variable must not be empty even where a
  server wants no key.
- `selectllm_plugin.py`: the plugin, LiteLLM's `async_pre_call_hook`. It imports `selectllm_engine`, which must be
  installed beside LiteLLM.
- `setup.toml`: the setup. `gateway.json`: the cache with its router, and where encoders are.

Requests go on as they come: prompts and sampling settings are the client's, not those that the figures are from.
"""
