"""`selectllm.toml`: a person's own LLMs, prompts, benchmarks and encoders, and defaults of the command line's options.

The file is parsed into plain values here and does nothing by itself. Whatever is wrong in it is refused with its place;
an unknown key with the nearest right one. API keys have no place in it. `keys` is the table of what there may be.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from reprlib import repr as short
from typing import TYPE_CHECKING, Any, get_args

from selectllm_engine.errors import UnknownNameError, UsageError, did_you_mean, nearest
from selectllm_engine.llms import ANSWER_KINDS, LLM, STUDY, Price, PromptStyle, Sampling, Variant, Wording
from selectllm_engine.machine import expanded
from selectllm_engine.settings.keys import FIELDS, KEYS, SECTIONS, SHARE, TABLE, TEXT, URL, Key
from selectllm_engine.toml_files import read_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selectllm_engine.benchmarks.description import Description

__all__ = ["FILE", "KEYS", "SECTIONS", "STYLES", "OwnBenchmark", "Settings", "read_settings"]

FILE = "selectllm.toml"
STYLES: tuple[PromptStyle, ...] = get_args(PromptStyle)

_EXAMPLE = "docs/settings.md has an example"
_SECRET = re.compile(
    r"(.*[-_ ])?((api|secret|access|auth|bearer|hf)[-_ ]?(key|token)|key|token|secret|password)", re.IGNORECASE
)
_PLACEHOLDERS = ("question", "answer")


@dataclass(frozen=True, slots=True)
class OwnBenchmark:
    """Where a benchmark's questions are (else its own source), and exemplars to use instead of its own ones.

    `description` says what their columns mean, where they are not the usual ones.
    """

    data: Path | None = None
    exemplars: Path | None = None
    description: Description | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a `selectllm.toml` says. `found` is whether there is one; `defaults` and `tui` map keys of KEYS."""

    found: bool = False
    llms: Mapping[str, LLM] = field(default_factory=dict)
    prompts: Mapping[str, Wording] = field(default_factory=dict)
    benchmarks: Mapping[str, OwnBenchmark] = field(default_factory=dict)
    encoders: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, object] = field(default_factory=dict)
    tui: Mapping[str, Any] = field(default_factory=dict)

    def prompt(self, name: str) -> tuple[PromptStyle, Wording | None]:
        """A prompt style by its name, or a prompt of the file.

        Raises:
            UnknownNameError: it is neither.
        """
        for style in STYLES:
            if name == style:
                return style, None
        if name not in self.prompts:
            raise UnknownNameError("prompt", name, (*STYLES, *self.prompts))
        return "zero-shot", self.prompts[name]


def read_settings(folder: Path = Path()) -> Settings:
    """The settings of the file in `folder`; without such a file there are none.

    Raises:
        UsageError: it can't be read, is no TOML, or has a wrong key or value.
    """
    try:
        return _settings(read_toml(folder / FILE, FILE, what="settings", remedy=_EXAMPLE))
    except FileNotFoundError:
        return Settings()


def _settings(given: Mapping[str, Any]) -> Settings:
    sections = _checked(given, "", dict.fromkeys(SECTIONS, TABLE))
    prompts = {name: _prompt(name, each) for name, each in _named(sections, "prompts")}
    settings = Settings(
        found=True,
        prompts=prompts,
        benchmarks={name: _benchmark(name, each) for name, each in _named(sections, "benchmarks")},
        encoders={name: _fitting(each, f"encoders.{name}", TEXT) for name, each in _named(sections, "encoders")},
        tui=_checked(sections.get("tui", {}), "tui", KEYS["tui"]),
    )
    llms: dict[str, LLM] = {}
    for name, each in _named(sections, "llms"):
        llms[name] = _llm(name, each, settings)
        for variant in _variants(llms[name], each.get("variants", {}), settings):
            if variant.name in sections["llms"]:
                raise UsageError(f"{FILE}: {variant.name} is an LLM and a variant", "give one of them another name")
            llms[variant.name] = variant
    return replace(settings, llms=llms, defaults=_defaults(sections.get("defaults", {}), settings))


def _checked(given: Any, place: str, kinds: Mapping[str, Key]) -> dict[str, Any]:
    """A table whose keys are all known and whose values all fit."""
    _fitting(given, place, TABLE)
    for key, value in given.items():
        whole = f"{place}.{key}" if place else key
        if key not in kinds:
            if _SECRET.fullmatch(key):
                raise UsageError(
                    f"{FILE}: {whole} looks like a key, and keys come from the environment alone",
                    "take it out of the file and set OPENAI_API_KEY or HF_TOKEN instead",
                )
            raise UsageError(f"{FILE}: there is no {'key' if place else 'section'} {whole}", did_you_mean(key, kinds))
        _fitting(value, whole, kinds[key])
    return dict(given)


def _fitting(value: Any, place: str, key: Key) -> Any:
    if not key.fits(value):
        shown = "no such address" if key is URL else short(value)  # it may hold a password
        raise UsageError(f"{FILE}: {place} is {shown}", f"it must be {key.words}")
    return value


def _named(sections: Mapping[str, Any], section: str) -> list[tuple[str, Any]]:
    """The names of a section with their values."""
    for name, value in sections.get(section, {}).items():
        if not name.strip() or set(name) & set("=,\n"):
            raise UsageError(f"{FILE}: {section} has the name {short(name)}", "names hold no '=' and no comma")
        if isinstance(value, str) and _SECRET.fullmatch(name):
            _checked({name: ""}, section, {})
    return list(sections.get(section, {}).items())


def _prompt(name: str, given: object) -> Wording:
    place = f"prompts.{name}"
    if name in STYLES:
        raise UsageError(f"{FILE}: {place} is a built-in prompt style", "choose another name")
    checked = _checked(given, place, KEYS["prompts"])
    for key, text in checked.items():
        _check_placeholders(text, f"{place}.{key}")
    forms = {kind: checked.pop(kind) for kind in ANSWER_KINDS if kind in checked and kind not in Wording.__slots__}
    return Wording(**checked, forms=forms)


def _check_placeholders(text: str, place: str) -> None:
    for placeholder in re.findall(r"\{(\w+)\}", text):
        if placeholder not in _PLACEHOLDERS and nearest(placeholder, _PLACEHOLDERS):  # other braces are plain text
            raise UsageError(f"{FILE}: {place} has {{{placeholder}}}", did_you_mean(placeholder, _PLACEHOLDERS))


def _benchmark(name: str, given: object) -> OwnBenchmark:
    given = {"data": given} if isinstance(given, str) else given
    place = f"benchmarks.{name}"
    checked = _checked(given, place, KEYS["benchmarks"])
    files = {key: expanded(checked.pop(key)) for key in ("data", "exemplars") if isinstance(checked.get(key), str)}
    return OwnBenchmark(**files, description=_description(checked, place) if checked else None)


def _description(checked: dict[str, Any], place: str) -> Description:
    """What the other keys of a benchmark say."""
    from selectllm_engine.benchmarks.description import described_by  # polars comes with it

    if "kinds" in checked:
        if other := next((key for key in checked if key != "kinds"), None):
            raise UsageError(f"{FILE}: {place} has kinds, which are made, and {other}", "take one of them out")
        return described_by(checked)
    for key in ("question", "answer"):
        if key not in checked and not (key == "answer" and checked.get("kind") == "labels"):
            raise UsageError(f"{FILE}: {place} has no {key}", f"say which column it is, such as {key} = {key!r}")
    for key in ("patterns", "remove"):
        _checked(checked.get(key, {}), f"{place}.{key}", dict.fromkeys(FIELDS, TEXT))
    if isinstance(checked.get("split"), dict):
        _check_split(checked["split"], f"{place}.split")
    if isinstance(checked.get("exemplars"), dict):
        exemplars = _checked(checked["exemplars"], f"{place}.exemplars", KEYS["exemplars"])
        parts = checked["split"].values() if isinstance(checked.get("split"), dict) else ()
        one_file = all(
            SHARE.fits(part.get("share") if isinstance(part, dict) and "of" not in part else part) for part in parts
        )
        if "of" not in exemplars and not ("take" in exemplars and one_file):
            raise UsageError(f"{FILE}: {place}.exemplars has no of", "name the source's split that they are from")
    return described_by(checked)


def _check_split(given: object, place: str) -> None:
    """Refuse splits that take more than there is of one of the source's."""
    shares: dict[str, float] = {}
    for ours, part in _checked(given, place, KEYS["split"]).items():
        table: dict[str, Any] = (
            part if isinstance(part, dict) else {"of": part} if isinstance(part, str) else {"share": part}
        )
        _checked(table, f"{place}.{ours}", KEYS["part"])
        of = table.get("of", "")
        shares[of] = shares.get(of, 0) + table.get("share", 1)
        if shares[of] > 1 + 1e-9:
            raise UsageError(f"{FILE}: {place} takes more than there is of {of or 'the file'}", "give shares")


def _llm(name: str, given: object, settings: Settings) -> LLM:
    """An LLM of the file; one of the study's names starts from that one."""
    place = f"llms.{name}"
    checked = _checked(given, place, KEYS["llms"])
    checked.pop("variants", None)
    if "price" in checked:
        price = _checked(checked["price"], f"{place}.price", KEYS["price"])
        for each in fields(Price):
            if each.name not in price:
                raise UsageError(f"{FILE}: {place}.price has no {each.name}", "give dollars per million tokens")
        checked["price"] = Price(**price)
    base = next((llm for llm in STUDY if llm.name == name), None)
    if "sampling" in checked:
        sampling = _checked(checked["sampling"], f"{place}.sampling", KEYS["sampling"])
        sampling = asdict((base and base.sampling) or Sampling()) | sampling
        checked["sampling"] = Sampling(**{**sampling, "stop": tuple(sampling["stop"])})
    if "prompt" in checked:
        checked["prompt"], checked["wording"] = _known_prompt(checked["prompt"], f"{place}.prompt", settings)
    if base is not None:
        return replace(base, **checked)
    if "endpoint" in checked:
        checked.setdefault("weights", name)
    if "weights" not in checked:
        raise UsageError(f"{FILE}: {place} has no weights", "name a folder or a hub id, or the endpoint that serves it")
    return LLM(name=name, **checked)


def _variants(llm: LLM, given: Mapping[str, Any], settings: Settings) -> list[LLM]:
    """The variants of an LLM, each an LLM of its own."""
    section = f"llms.{llm.name}.variants"
    found = []
    for name, table in given.items():
        if not name.strip() or set(name) & set("=,/*\n"):
            raise UsageError(f"{FILE}: {section} has the name {short(name)}", "names hold no '=', ',', '/' and '*'")
        place = f"{section}.{name}"
        changes = _checked(table, place, KEYS["variants"])
        if not changes:
            raise UsageError(f"{FILE}: {place} changes nothing", "give it a setting, such as max_tokens = 64")
        if "stop" in changes:
            changes["stop"] = tuple(changes["stop"])
        style, wording = llm.prompt, llm.wording
        if "prompt" in changes:
            style, wording = _known_prompt(changes["prompt"], f"{place}.prompt", settings)
        misplaced = next((key for key in ("system", "thinking") if key in changes), None)
        if style == "few-shot" and misplaced:
            problem = f"{FILE}: {place} has {misplaced}, and few-shot prompts have no place for it"
            raise UsageError(problem, 'give it prompt = "zero-shot" too')
        if "system" in changes:
            _check_placeholders(changes["system"], f"{place}.system")
            style, wording = "zero-shot", replace(wording or Wording(), system=changes["system"])
        variant = Variant(of=llm.name, changes=changes)
        whole = f"{llm.name}/{name}"
        found.append(replace(llm, name=whole, prompt=style, wording=wording, variant=variant, aliases=()))
    return found


def _known_prompt(name: str, place: str, settings: Settings) -> tuple[PromptStyle, Wording | None]:
    try:
        return settings.prompt(name)
    except UnknownNameError as error:
        raise UsageError(f"{FILE}: {place}: {error.problem}", error.remedy) from None


def _defaults(given: object, settings: Settings) -> dict[str, object]:
    defaults = _checked(given, "defaults", KEYS["defaults"])
    if "prompt" in defaults:
        _known_prompt(defaults["prompt"], "defaults.prompt", settings)
    for key in ("benchmark", "llms"):
        if key in defaults:
            defaults[key] = [defaults[key]] if isinstance(defaults[key], str) else defaults[key]
    if "gpu" in defaults:
        defaults["gpu"] = str(defaults["gpu"])
    if "cache" in defaults:
        defaults["cache"] = str(expanded(defaults["cache"]))
    return defaults
