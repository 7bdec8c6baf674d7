"""What may stand in `selectllm.toml`: one table of all its sections and keys, and what each value must be."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeGuard

from selectllm_engine.generation.engine import ENGINES
from selectllm_engine.llms import ANSWER_KINDS
from selectllm_engine.toml_files import A_TEXT, is_text, is_texts, is_whole

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FIELDS", "KEYS", "SECTIONS", "SHARE", "TABLE", "TEXT", "URL", "Key"]


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
    return Key(f"a whole number of at least {least}", lambda value: is_whole(value, least))


def _one_of(*known: str) -> Key:
    return Key(" or ".join(f'"{each}"' for each in known), lambda value: value in known)


TEXT = Key(A_TEXT, is_text)
_TEXTS = Key("a text or a list of texts", lambda value: is_text(value) or (is_texts(value) and bool(value)))
_FLAG = Key("true or false", lambda value: isinstance(value, bool))
TABLE = Key("a table", lambda value: isinstance(value, dict))
URL = Key(
    "a URL such as http://localhost:8000/v1, without a password",
    lambda value: isinstance(value, str) and bool(re.fullmatch(r"https?://[^@\s?#]+", value)),
)
_GPUS = Key(
    'GPU numbers such as 0 or "0,1"',
    lambda value: (
        (type(value) is int and value >= 0) or (isinstance(value, str) and bool(re.match(r"[\d, ]+$", value)))
    ),
)

SHARE = Key("a number above 0 and at most 1", lambda value: _is_number(value) and 0 < value <= 1)
_THINKING = Key(
    'true, false, a number of tokens or a word such as "low"',
    lambda value: isinstance(value, bool) or (isinstance(value, int) and value > 0) or is_text(value),
)
_SAMPLING = {
    "temperature": _number(0),
    "top_p": SHARE,
    "top_k": _whole(0),
    "repetition_penalty": _number(0, above=True),
    "max_tokens": _whole(1),
    "stop": Key("a list of texts", is_texts),
}
FIELDS = ("question", "choices", "answer", "subject", "rationale", "id", "split")
_PART = Key(
    "the name of a source's split, a share, or a table of both",
    lambda value: is_text(value) or SHARE.fits(value) or isinstance(value, dict),
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
        "cache": TEXT,
        "benchmark": replace(_TEXTS, never=("import", "cache")),  # nothing is removed or imported by default
        "llms": replace(_TEXTS, option="llm", only=("generate",)),
        "gpu": _GPUS,
        "tensor_parallel": _whole(1),
        "gpu_memory": SHARE,
        "engine": _one_of(*ENGINES),
        "base_url": URL,
        "concurrency": _whole(1),
        "samples": _whole(1),
        "limit": _whole(1),
        "prompt": TEXT,
        "max_tokens": _whole(1),
        "seed": replace(_whole(0), never=("import",)),
        "device": _one_of("auto", "cpu", "cuda"),
    },
    "llms": {
        "weights": TEXT,
        "revision": TEXT,
        "chat": _FLAG,
        "prompt": TEXT,
        "sampling": TABLE,
        "thinking": _THINKING,
        "specialised": TEXT,
        "parameters": _number(0, above=True),
        "endpoint": URL,
        "api_key_env": Key(
            "the name of an environment variable, such as MISTRAL_API_KEY",
            lambda value: isinstance(value, str) and bool(re.fullmatch(r"[A-Z_][A-Z0-9_]*", value)),
        ),
        "price": TABLE,
        "variants": TABLE,
    },
    "sampling": _SAMPLING,
    "variants": {**_SAMPLING, "thinking": _THINKING, "prompt": TEXT, "system": TEXT},
    "price": {"input": _number(0), "output": _number(0)},
    "prompts": {
        "system": TEXT,
        "template": Key(
            "a text with {question} in it, once", lambda value: is_text(value) and value.count("{question}") == 1
        ),
        **dict.fromkeys(ANSWER_KINDS, TEXT),
    },
    "benchmarks": {
        "data": TEXT,
        "hub": Key(
            'a data set of the hub, "owner/name"',
            lambda value: isinstance(value, str) and bool(re.fullmatch(r"[^/\s]+/[^/\s]+", value)),
        ),
        "revision": TEXT,
        "config": _TEXTS,
        "files": Key(
            "a table of patterns by split",
            lambda value: isinstance(value, dict) and all(map(_TEXTS.fits, value.values())),
        ),
        "columns": Key("a list of texts", is_texts),
        "question": TEXT,
        "choices": Key(
            "a text, a list of at least two, or a table of them by letter",
            lambda value: (
                is_text(value)
                or (is_texts(value) and len(value) >= 2)
                or (isinstance(value, dict) and len(value) >= 2 and all(map(is_text, value.values())))
            ),
        ),
        "labels": _TEXTS,
        "answer": TEXT,
        "kind": _one_of(*ANSWER_KINDS, "labels"),
        "id": TEXT,
        "subject": TEXT,
        "language": TEXT,
        "rationale": TEXT,
        "split": Key("a text, or a table", lambda value: is_text(value) or (isinstance(value, dict) and bool(value))),
        "filter": Key(
            "a table of values",
            lambda value: isinstance(value, dict) and not any(isinstance(each, dict) for each in value.values()),
        ),
        "patterns": _PATTERNS,
        "remove": _PATTERNS,
        "shuffle_choices": Key("true, false or a seed", lambda value: isinstance(value, int) and value >= 0),
        "exemplars": Key("a file, or a table", lambda value: is_text(value) or isinstance(value, dict)),
        "terse": _FLAG,
        "kinds": _TEXTS,
    },
    "split": {"train": _PART, "validation": _PART, "test": _PART},
    "part": {"of": TEXT, "share": SHARE},
    "exemplars": {"of": TEXT, "take": _whole(1)},
    "encoders": {},  # names of the person's own
    "tui": {  # what its names mean is the explorer's own matter
        "theme": TEXT,
        "glyphs": _one_of("unicode", "ascii"),
        "start": TEXT,
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
