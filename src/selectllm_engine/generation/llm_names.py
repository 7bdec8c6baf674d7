"""The LLMs that a person names: the study's, one's own, weights anywhere, and those that have results."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from selectllm_engine import machine
from selectllm_engine.errors import UnknownNameError, UsageError
from selectllm_engine.llms import LLM, STUDY, Sampling, Variant, Wording
from selectllm_engine.store import variant_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from selectllm_engine.store import Cache

__all__ = ["at_endpoint", "parse_llm", "parse_llms", "stored_llm", "stored_llms"]


def at_endpoint(llms: Sequence[LLM], base_url: str | None) -> list[LLM]:
    """The LLMs, those without an endpoint of their own at the given one.

    Raises:
        UsageError: an LLM has no endpoint and none is given.
    """
    for llm in llms:
        if llm.endpoint is None and base_url is None:
            raise UsageError(f"where {llm.name} is served is not said", "add --base-url http://localhost:8000/v1")
    return [llm if llm.endpoint is not None else replace(llm, endpoint=base_url) for llm in llms]


def parse_llms(texts: Iterable[str], own: Mapping[str, LLM] | None = None, *, served: bool = False) -> list[LLM]:
    """What `--llm` names: each `NAME`, one of a person's `own` LLMs or the study's, or `NAME=FOLDER|HUB-ID`.

    `NAME/*` is an LLM and all its variants, `NAME/VARIANT` one of them, `NAME` the LLM alone. Where all LLMs are
    `served`, `NAME=MODEL` is the server's model of that name, and so is any other `NAME`.

    Raises:
        UnknownNameError: no such LLM is built in.
        UsageError: a part is empty, or an LLM has no variants.
    """
    llms: list[LLM] = []
    for text in texts:
        name, equals, weights = text.partition("=")
        if not name.endswith("/*"):
            llms.append(parse_llm(text, own, served=served))
            continue
        family = parse_llm(name.removesuffix("/*") + equals + weights, own, served=served)
        variants = [each for each in (own or {}).values() if each.variant and each.variant.of == family.name]
        if not variants:
            raise UsageError(f"{family.name} has no variants", f"[llms.{family.name}.variants] of selectllm.toml")
        llms += [family, *(parse_llm(each.name + equals + weights, own) for each in variants)]
    return llms


def parse_llm(text: str, own: Mapping[str, LLM] | None = None, *, served: bool = False) -> LLM:
    """One of `parse_llms`; raises as that."""
    name, equals, weights = text.partition("=")
    presets = {**{llm.name: llm for llm in STUDY}, **(own or {})}
    aliases = {alias.casefold(): llm for llm in presets.values() for alias in (*llm.aliases, llm.name)}
    if equals:
        if not (name and weights):
            raise UsageError(f"--llm {text} lacks a name or weights", "write --llm NAME=FOLDER or NAME=HUB-ID")
        known = presets.get(name)
        return replace(known, weights=weights, revision=None) if known else LLM(name=name, weights=weights)
    if (llm := aliases.get(name.casefold())) is not None:
        return llm
    variants = [each.name for each in presets.values() if each.variant and name.startswith(f"{each.variant.of}/")]
    if variants:
        raise UnknownNameError("LLM", name, variants)
    if served and name:
        return LLM(name=name, weights=name)
    if machine.expanded(name).is_dir() or "/" in name:
        raise UsageError(f"--llm {name} has no name", f"write --llm NAME={name}")
    raise UnknownNameError("LLM", name, presets, remedy=f"(weights of your own: --llm {name}=FOLDER)")


def stored_llms(
    cache: Cache, benchmark: str, texts: Iterable[str], own: Mapping[str, LLM] | None = None, *, served: bool = False
) -> list[LLM]:
    """What `--llm` names of the LLMs that have results: as `stored_llm`, and `NAME/*` with all its stored variants.

    Raises:
        UnknownNameError: the benchmark has no results of such an LLM.
        UsageError: its weights are in a folder that is not named.
    """
    llms: list[LLM] = []
    for text in texts:
        name, equals, weights = text.partition("=")
        named = [name]
        if name.endswith("/*"):
            family = name.removesuffix("/*")
            stored = cache.llms(benchmark)
            named = [family, *(each for each in stored if variant_of(cache.manifest(benchmark, each)) == family)]
        llms += [stored_llm(cache, benchmark, each + equals + weights, own, served=served) for each in named]
    return llms


def stored_llm(
    cache: Cache, benchmark: str, text: str, own: Mapping[str, LLM] | None = None, *, served: bool = False
) -> LLM:
    """`NAME` or `NAME=FOLDER|HUB-ID` of an LLM that has results, with the prompt and sampling these were made with.

    One of a person's `own` LLMs is where those say; where all are `served`, it has the stored name at its server.

    Raises:
        UnknownNameError: the benchmark has no results of such an LLM.
        UsageError: its weights are in a folder that is not named.
    """
    name, _, weights = text.partition("=")
    manifest = cache.manifest(benchmark, name)
    if manifest.get("source") != "generate":
        raise UsageError(f"the results of {name} were imported", "only LLMs that were sampled here can be timed")
    stored = manifest["weights"]
    known = (own or {}).get(name)
    weights = weights or (known.weights if known else "")
    if not weights and stored["revision"] is None and not served:
        raise UsageError(f"where the weights of {name} are is not known", f"write --llm {name}=FOLDER")
    sampling = manifest["sampling"]
    return LLM(
        name=name,
        weights=weights or stored["id"],
        revision=(known.revision if known else None) if weights else stored["revision"],
        endpoint=known.endpoint if known else None,
        api_key_env=known.api_key_env if known else None,
        chat=manifest["chat"],
        prompt=manifest["prompt"]["style"],
        wording=Wording(**wording) if (wording := manifest["prompt"].get("wording")) else None,
        sampling=Sampling(**{**sampling, "stop": tuple(sampling["stop"])}),
        variant=Variant(of=of) if (of := variant_of(manifest)) else None,
    )
