"""`selectllm.toml`: a person's own LLMs, prompts, benchmarks and encoders, and defaults of the command line's options.

The file is parsed into plain values here and does nothing by itself. Whatever is wrong in it is refused with its place;
an unknown key with the nearest right one. API keys have no place in it.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from reprlib import repr as short
from typing import TYPE_CHECKING, Any, TypeGuard, get_args

from selectllm_engine.errors import UnknownNameError, UsageError, did_you_mean, nearest
from selectllm_engine.generation.engine import ENGINES
from selectllm_engine.llms import ANSWER_KINDS, LLM, STUDY, Price, PromptStyle, Sampling, Variant, Wording
from selectllm_engine.machine import expanded
from selectllm_engine.toml_files import parse_toml, read_toml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from selectllm_engine.benchmarks.description import Description

__all__ = ["FILE", "KEYS", "SECTIONS", "STYLES", "OwnBenchmark", "Settings", "parse_settings", "read_settings"]

FILE = "selectllm.toml"
STYLES: tuple[PromptStyle, ...] = get_args(PromptStyle)

_EXAMPLE = "docs/settings.md has an example"
_SECRET = re.compile(
    r"(.*[-_ ])?((api|secret|access|auth|bearer|hf)[-_ ]?(key|token)|key|token|secret|password)", re.IGNORECASE
)
_PLACEHOLDERS = ("question", "answer")


@dataclass(frozen=True, slots=True)
class Key:
    """What a key's value must be, in words for messages and as a test; of [defaults], which option it is for.

    Attributes:
        words, fits: "it must be …", and whether a value is that.
        option: the option's keyword, where it isn't the key.
        only, never: names of commands, or their first words: it counts for no others, or not for these; without both,
            for every command that has the option.
    """

    words: str
    fits: Callable[[object], bool]
    option: str | None = None
    only: tuple[str, ...] = ()
    never: tuple[str, ...] = ()

    def counts_for(self, command: str) -> bool:
        """Whether it is a default of a command, such as "evaluate" or "cache list", that has the option."""
        names = {command, command.partition(" ")[0]}
        return not names & set(self.never) and (not self.only or bool(names & set(self.only)))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and float("-inf") < value < float("inf")


def _number(least: float, *, above: bool = False) -> Key:
    if above:
        return Key(f"a number above {least:g}", lambda value: _is_number(value) and value > least)
    return Key(f"a number of at least {least:g}", lambda value: _is_number(value) and value >= least)


def _whole(least: int) -> Key:
    def fits(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= least

    return Key(f"a whole number of at least {least}", fits)


def _one_of(*known: str) -> Key:
    return Key(" or ".join(f'"{each}"' for each in known), lambda value: value in known)


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(value.strip())


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(_is_text(each) for each in value)


_TEXT = Key("a text that is not empty", _is_text)
_TEXTS = Key("a text or a list of texts", lambda value: _is_text(value) or (_is_texts(value) and bool(value)))
_FLAG = Key("true or false", lambda value: isinstance(value, bool))
_TABLE = Key("a table", lambda value: isinstance(value, dict))
_URL = Key(
    "a URL such as http://localhost:8000/v1, without a password",
    lambda value: isinstance(value, str) and bool(re.fullmatch(r"https?://[^@\s?#]+", value)),
)
_GPUS = Key(
    'GPU numbers such as 0 or "0,1"',
    lambda value: (
        (type(value) is int and value >= 0) or (isinstance(value, str) and bool(re.match(r"[\d, ]+$", value)))
    ),
)

_SHARE = Key("a number above 0 and at most 1", lambda value: _is_number(value) and 0 < value <= 1)
_THINKING = Key(
    'true, false, a number of tokens or a word such as "low"',
    lambda value: isinstance(value, bool) or (isinstance(value, int) and value > 0) or _is_text(value),
)
_SAMPLING = {
    "temperature": _number(0),
    "top_p": _SHARE,
    "top_k": _whole(0),
    "repetition_penalty": _number(0, above=True),
    "max_tokens": _whole(1),
    "stop": Key("a list of texts", _is_texts),
}
_FIELDS = ("question", "choices", "answer", "subject", "rationale", "id", "split")
_PART = Key(
    "the name of a source's split, a share, or a table of both",
    lambda value: _is_text(value) or _SHARE.fits(value) or isinstance(value, dict),
)


def _is_pattern(value: object) -> bool:
    try:
        return isinstance(value, str) and re.compile(value) is not None
    except re.error:
        return False


_PATTERNS = Key(
    "a table of regular expressions by key",
    lambda value: isinstance(value, dict) and all(map(_is_pattern, value.values())),
)

# section -> its keys: the one table of all there is in the file
KEYS: dict[str, dict[str, Key]] = {
    "defaults": {
        "cache": _TEXT,
        "benchmark": replace(_TEXTS, never=("import", "cache")),  # nothing is removed or imported by default
        "llms": replace(_TEXTS, option="llm", only=("generate",)),
        "gpu": _GPUS,
        "tensor_parallel": _whole(1),
        "gpu_memory": _SHARE,
        "engine": _one_of(*ENGINES),
        "base_url": _URL,
        "concurrency": _whole(1),
        "samples": _whole(1),
        "limit": _whole(1),
        "prompt": _TEXT,
        "max_tokens": _whole(1),
        "seed": replace(_whole(0), never=("import",)),
        "device": _one_of("auto", "cpu", "cuda"),
    },
    "llms": {
        "weights": _TEXT,
        "revision": _TEXT,
        "chat": _FLAG,
        "prompt": _TEXT,
        "sampling": _TABLE,
        "thinking": _THINKING,
        "specialised": _TEXT,
        "parameters": _number(0, above=True),
        "endpoint": _URL,
        "api_key_env": Key(
            "the name of an environment variable, such as MISTRAL_API_KEY",
            lambda value: isinstance(value, str) and bool(re.fullmatch(r"[A-Z_][A-Z0-9_]*", value)),
        ),
        "price": _TABLE,
        "variants": _TABLE,
    },
    "sampling": _SAMPLING,
    "variants": {**_SAMPLING, "thinking": _THINKING, "prompt": _TEXT, "system": _TEXT},
    "price": {"input": _number(0), "output": _number(0)},
    "prompts": {
        "system": _TEXT,
        "template": Key(
            "a text with {question} in it, once", lambda value: _is_text(value) and value.count("{question}") == 1
        ),
        **dict.fromkeys(ANSWER_KINDS, _TEXT),
    },
    "benchmarks": {
        "data": _TEXT,
        "hub": Key(
            'a data set of the hub, "owner/name"',
            lambda value: isinstance(value, str) and bool(re.fullmatch(r"[^/\s]+/[^/\s]+", value)),
        ),
        "revision": _TEXT,
        "config": _TEXTS,
        "files": Key(
            "a table of patterns by split",
            lambda value: isinstance(value, dict) and all(map(_TEXTS.fits, value.values())),
        ),
        "columns": Key("a list of texts", _is_texts),
        "question": _TEXT,
        "choices": Key(
            "a text, a list of at least two, or a table of them by letter",
            lambda value: (
                _is_text(value)
                or (isinstance(value, list) and _is_texts(value) and len(value) >= 2)
                or (isinstance(value, dict) and len(value) >= 2 and all(map(_is_text, value.values())))
            ),
        ),
        "labels": _TEXTS,
        "answer": _TEXT,
        "kind": _one_of(*ANSWER_KINDS, "labels"),
        "id": _TEXT,
        "subject": _TEXT,
        "language": _TEXT,
        "rationale": _TEXT,
        "split": Key("a text, or a table", lambda value: _is_text(value) or (isinstance(value, dict) and bool(value))),
        "filter": Key(
            "a table of values",
            lambda value: isinstance(value, dict) and not any(isinstance(each, dict) for each in value.values()),
        ),
        "patterns": _PATTERNS,
        "remove": _PATTERNS,
        "shuffle_choices": Key("true, false or a seed", lambda value: isinstance(value, int) and value >= 0),
        "exemplars": Key("a file, or a table", lambda value: _is_text(value) or isinstance(value, dict)),
        "terse": _FLAG,
        "kinds": _TEXTS,
    },
    "split": {"train": _PART, "validation": _PART, "test": _PART},
    "part": {"of": _TEXT, "share": _SHARE},
    "exemplars": {"of": _TEXT, "take": _whole(1)},
    "encoders": {},  # names of the person's own
    "tui": {  # what its names mean is the explorer's own matter
        "theme": _TEXT,
        "glyphs": _one_of("unicode", "ascii"),
        "start": _TEXT,
        "resume": _FLAG,
        "columns": Key(
            "a table of a column, or a list of columns, by tab",
            lambda value: isinstance(value, dict) and all(map(_TEXTS.fits, value.values())),
        ),
        "keys": Key(
            "a table of a key, or a list of keys, by command",
            lambda value: isinstance(value, dict) and all(map(_TEXTS.fits, value.values())),
        ),
    },
}
SECTIONS: tuple[str, ...] = ("defaults", "llms", "prompts", "benchmarks", "encoders", "tui")


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


def parse_settings(text: str) -> Settings:
    """Settings from the text of a file.

    Raises:
        UsageError: it is no TOML, or has a wrong key or value.
    """
    return _settings(parse_toml(text, FILE, remedy=_EXAMPLE))


def _settings(given: Mapping[str, Any]) -> Settings:
    sections = _checked(given, "", dict.fromkeys(SECTIONS, _TABLE))
    prompts = {name: _prompt(name, each) for name, each in _named(sections, "prompts")}
    settings = Settings(
        found=True,
        prompts=prompts,
        benchmarks={name: _benchmark(name, each) for name, each in _named(sections, "benchmarks")},
        encoders={name: _fitting(each, f"encoders.{name}", _TEXT) for name, each in _named(sections, "encoders")},
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
    _fitting(given, place, _TABLE)
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
        shown = "no such address" if key is _URL else short(value)  # it may hold a password
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
        _checked(checked.get(key, {}), f"{place}.{key}", dict.fromkeys(_FIELDS, _TEXT))
    if isinstance(checked.get("split"), dict):
        _check_split(checked["split"], f"{place}.split")
    if isinstance(checked.get("exemplars"), dict):
        exemplars = _checked(checked["exemplars"], f"{place}.exemplars", KEYS["exemplars"])
        parts = checked["split"].values() if isinstance(checked.get("split"), dict) else ()
        one_file = all(
            _SHARE.fits(part.get("share") if isinstance(part, dict) and "of" not in part else part) for part in parts
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
