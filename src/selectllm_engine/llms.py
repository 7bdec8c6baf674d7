"""LLMs and pools: names with weights, prompt and sampling settings.

The seven LLMs of the study (Srivatsa, Maurya, Kochmar 2024, arXiv 2405.00467) are built in as `STUDY`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from selectllm_engine.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "ANSWER_KINDS",
    "LLM",
    "STUDY",
    "Pool",
    "Price",
    "PromptStyle",
    "Sampling",
    "Thinking",
    "Variant",
    "Wording",
    "study_latency",
]

PromptStyle = Literal["zero-shot", "few-shot"]
Thinking = bool | int | str  # on or off, how many tokens at most, or how much in a word, such as "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How completions are drawn. The defaults are the study's.

    `top_k` 0 switches top-k off; `max_tokens` counts new tokens, thought ones too; generation ends at any of `stop`.
    `thinking` is what the chat template is told of it; None leaves it to the template.
    """

    temperature: float = 0.7
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    max_tokens: int = 750
    stop: tuple[str, ...] = ("<END_ANSWER>",)
    thinking: Thinking | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """Dollars per million tokens of the prompt and of the completion."""

    input: float
    output: float


# Of answers: their names here, for settings that are read by every command; `answers.kinds` says how each is read.
ANSWER_KINDS = ("number", "letter", "word", "expression", "date", "list", "set", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A person's own words for zero-shot prompts.

    `system` is the system sentence (none where empty), `template` what the user asks: `{question}` stands for the
    question with its options, `{answer}`, in both, for how to answer, which is said per kind of answer; `forms` has
    other kinds than the first three.
    """

    system: str = ""
    template: str = "{question}\n{answer}"
    number: str = 'End with "The answer is X.", where X is a number.'
    letter: str = 'End with "The answer is (X).", where X is the letter of the right option.'
    word: str = 'End with "The answer is X.", where X is a single word or name.'
    forms: dict[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What makes an LLM a variant: `of`, the name of the LLM that it is otherwise, and what it `changes`.

    `changes` has the keys and values of the settings: those of Sampling hold whatever else is asked for, and where it
    says `prompt` or `system`, the LLM's own prompt does.
    """

    of: str
    changes: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LLM:
    """A name with weights (a folder or a hub id), prompt style and sampling settings.

    `chat` None means: whether the tokenizer has a chat template decides. `prompt` None means zero-shot for
    chat LLMs and few-shot for base ones. `wording` None means the built-in words of zero-shot prompts. `sampling` None
    means the benchmark's default, and `thinking` None what that says of it. `parameters` is in billions. `latency`
    holds known seconds per prompt by benchmark, for results that recorded none. `endpoint` is the base URL of an
    OpenAI-compatible server that runs the LLM; `weights` is then the server's name for it, and `api_key_env` the
    environment variable with the key of that server, None for OPENAI_API_KEY. `variant` is set where it has the weights
    of another LLM, and its name is then `OF/VARIANT`.
    """

    name: str
    weights: str
    revision: str | None = None
    chat: bool | None = None
    prompt: PromptStyle | None = None
    wording: Wording | None = None
    sampling: Sampling | None = None
    thinking: Thinking | None = None
    specialised: str | None = None
    parameters: float | None = None
    endpoint: str | None = None
    api_key_env: str | None = None
    price: Price | None = None
    aliases: tuple[str, ...] = ()
    latency: dict[str, float] = field(default_factory=dict, hash=False)
    variant: Variant | None = None

    @property
    def family(self) -> str:
        """The name that it shares with its variants, or with the LLM that it is one of."""
        return self.name if self.variant is None else self.variant.of


@dataclass(frozen=True, slots=True)
class Pool:
    """The LLMs switched on, out of `run`: all LLMs of a run in their order. Never empty.

    Raises:
        UnknownNameError: a name that the run does not have.
        UsageError: no LLM is left on.
    """

    run: tuple[str, ...]
    on: frozenset[str]

    def __post_init__(self) -> None:
        if unknown := sorted(self.on - set(self.run)):
            raise UnknownNameError("LLM", unknown, self.run)
        if not self.on:
            raise UsageError("a pool needs at least one LLM", "switch one on")

    @classmethod
    def of(cls, run: Iterable[str], names: Iterable[str] | None = None) -> Pool:
        """The pool of `names` (all LLMs of the run without them)."""
        run = tuple(run)
        return cls(run, frozenset(run if names is None else names))

    @property
    def names(self) -> tuple[str, ...]:
        """The LLMs switched on, in the order of the run."""
        return tuple(name for name in self.run if name in self.on)

    @property
    def mask(self) -> tuple[bool, ...]:
        """One flag per LLM of the run."""
        return tuple(name in self.on for name in self.run)

    def toggle(self, name: str) -> Pool:
        """The pool with one LLM switched; raises UsageError where it would be left empty."""
        return Pool(self.run, self.on ^ {name})

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.on)

    def __contains__(self, name: object) -> bool:
        return name in self.on


def _study(
    name: str,
    weights: str,
    spellings: tuple[str, ...],
    *,
    gsm8k: float,
    mmlu: float,
    prompt: PromptStyle = "few-shot",
    specialised: str | None = None,
    parameters: float = 7.0,
) -> LLM:
    return LLM(
        name=name,
        weights=weights,
        chat=spellings[0].endswith("_CHAT"),
        prompt=prompt,
        sampling=Sampling(),
        specialised=specialised,
        parameters=parameters,
        aliases=tuple(prefix + spelling for spelling in spellings for prefix in ("", "maj_")),
        latency={"gsm8k": gsm8k, "mmlu": mmlu},
    )


# Latencies in seconds per prompt on one A100, as published.
STUDY: tuple[LLM, ...] = (
    _study("gemma-7b", "google/gemma-7b", ("gemma-7b_LM",), gsm8k=7.10, mmlu=3.00, parameters=8.54),
    _study("gemma-7b-it", "google/gemma-7b-it", ("gemma-7b-it_CHAT",), gsm8k=0.70, mmlu=1.00, parameters=8.54),
    _study("llama2-7b", "meta-llama/Llama-2-7b-hf", ("llama2-7b_LM", "llama2-7b-lm_LM"), gsm8k=4.21, mmlu=2.30),
    _study(
        "llama2-13b-chat",
        "meta-llama/Llama-2-13b-chat-hf",
        ("llama2-13b-chat_CHAT",),
        gsm8k=1.80,
        mmlu=4.80,
        prompt="zero-shot",
        parameters=13.0,
    ),
    _study("mistral-7b", "mistralai/Mistral-7B-v0.1", ("mistral-7b_LM", "mistral-7b-lm_LM"), gsm8k=3.70, mmlu=1.80),
    _study(
        "mistral-7b-it",
        "mistralai/Mistral-7B-Instruct-v0.1",
        ("mistral-7b-it_CHAT", "mistral-7b-inst_CHAT"),
        gsm8k=1.00,
        mmlu=1.10,
        prompt="zero-shot",
    ),
    _study(
        "metamath-7b",
        "meta-math/MetaMath-7B-V1.0",
        ("metamath-7b_LM",),
        gsm8k=4.70,
        mmlu=2.40,
        specialised="mathematics",
    ),
)


def study_latency(name: str, benchmark: str) -> float | None:
    """The study's published seconds per prompt of an LLM, by its name or an authors' spelling, in any case."""
    folded = name.casefold()
    for llm in STUDY:
        if folded in {llm.name, *(alias.casefold() for alias in llm.aliases)}:
            return llm.latency.get(benchmark.casefold())
    return None
