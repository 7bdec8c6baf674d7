"""Prompts: zero-shot and few-shot chain of thought, and short variants of both; pure text.

Few-shot prompts have the layout of the study (Srivatsa, Maurya, Kochmar 2024, arXiv 2405.00467): exemplars between
`<START_QUESTION>` … `<END_ANSWER>`, for chat and base LLMs alike. Zero-shot prompts are messages for the chat template
of a chat LLM and plain text for a base one. The short ("terse") variants ask for the answer alone.

A question's text goes in unchanged, even where it holds a marker such as `<END_ANSWER>`: changing it would mean asking
another question. Such a text can spoil its own prompt, and no other one's.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from selectllm_engine.answers import KINDS
from selectllm_engine.benchmarks import LETTERS
from selectllm_engine.errors import UsageError
from selectllm_engine.generation.prompt_languages import ASKED
from selectllm_engine.llms import LLM, PromptStyle, Sampling, Thinking, Wording

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from selectllm_engine.benchmarks import Exemplar

__all__ = [
    "PROMPT_VERSION",
    "TERSE_SAMPLING",
    "Prompt",
    "build_prompt",
    "prompt_manifest",
    "sampling_manifest",
    "sampling_of",
    "template_arguments",
    "without_system",
    "wording_manifest",
]

PROMPT_VERSION = 1  # raise it when any wording here changes: stored generations were made with another prompt then

TERSE_SAMPLING = Sampling(max_tokens=48)


_STEPS = "Let's think step by step."
_SYSTEM = (
    "You are a helpful assistant. Think about the question and answer it step by step, to the best of your ability. "
    "At the end, state one final answer"
)
_TERSE_SYSTEM = "You are a helpful assistant that answers questions with a single number, letter or word."
_TERSE_SYSTEM_ELSE = "You are a helpful assistant that answers questions with the answer alone."


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt for an LLM: either plain text, or messages (role, content) for its chat template; exactly one is set.

    `thinking` is what the chat template is told of it, None for nothing.
    """

    text: str | None = None
    messages: tuple[dict[str, str], ...] | None = None
    thinking: Thinking | None = None


def build_prompt(
    question: Mapping[str, Any],
    *,
    style: PromptStyle,
    chat: bool,
    exemplars: Sequence[Exemplar] = (),
    terse: bool,
    wording: Wording | None = None,
    language: str | None = None,
) -> Prompt:
    """The prompt that asks one question.

    Args:
        question: a row of QUESTION_SCHEMA; `text`, `choices` and `kind` are used.
        style: "zero-shot" or "few-shot".
        chat: whether the LLM has a chat template; decides the form of zero-shot prompts.
        exemplars: solved questions for few-shot prompts, shown in this order.
        terse: ask for the answer alone.
        wording: of zero-shot prompts, instead of the built-in one, `terse` or not.
        language: a code of that in which built-in zero-shot prompts ask for an answer; "subject": the question's.

    Raises:
        UsageError: a few-shot prompt without exemplars.
    """
    asked = _with_choices(question["text"], question["choices"])
    if style == "few-shot":
        if not exemplars:
            raise UsageError(
                "few-shot prompts need exemplars, and the benchmark has none",
                "mark some of its rows with the split 'exemplar', or use zero-shot prompts",
            )
        return Prompt(text=_few_shot(asked, exemplars, terse=terse))
    if wording is not None:
        return _worded(asked, question["kind"], wording, chat=chat)
    language = question["subject"] if language == "subject" else language
    system, request = _zero_shot(asked, question["kind"], terse=terse, language=language)
    if chat:
        return Prompt(messages=({"role": "system", "content": system}, {"role": "user", "content": request}))
    return Prompt(text=f"{system}\n\nQuestion: {request}\n\nAnswer:{'' if terse else f' {_STEPS}'}")


def _worded(asked: str, kind: str, wording: Wording, *, chat: bool) -> Prompt:
    """The question in a person's own words; it is put in last, so that nothing in it is replaced."""
    form = wording.forms.get(kind) or getattr(wording, kind, None) or f"State your final answer {KINDS[kind].form}"
    system = wording.system.replace("{answer}", form)
    request = wording.template.replace("{answer}", form).replace("{question}", asked)
    if not chat:
        return Prompt(text="\n\n".join(each for each in (system, request) if each))
    messages = ({"role": "system", "content": system}, {"role": "user", "content": request})
    return Prompt(messages=messages if system else messages[1:])


def _zero_shot(asked: str, kind: str, *, terse: bool, language: str | None) -> tuple[str, str]:
    if terse:
        system = _TERSE_SYSTEM if kind in {"number", "letter", "word"} else _TERSE_SYSTEM_ELSE
        return system, f"{asked}\n{KINDS[kind].terse}"
    if language in ASKED and kind in {"number", "letter"}:
        said = ASKED[language]
        return f"{said.steps} {said.number if kind == 'number' else said.letter}", asked
    return f"{_SYSTEM} {KINDS[kind].form}", asked


def _few_shot(asked: str, exemplars: Sequence[Exemplar], *, terse: bool) -> str:
    opening = "Answer:" if terse else f"Answer: {_STEPS}"
    solved = [
        f"<START_QUESTION> Question: {_with_choices(each.text, each.choices)} <END_QUESTION> "
        f"<START_ANSWER> {opening} {_solution(each, terse=terse)} <END_ANSWER>"
        for each in exemplars
    ]
    return "\n".join([*solved, f"<START_QUESTION> Question: {asked} <END_QUESTION> <START_ANSWER> {opening}"])


def _solution(exemplar: Exemplar, *, terse: bool) -> str:
    answer = f"({exemplar.answer})" if exemplar.choices else exemplar.answer
    statement = f"The answer is {answer}."
    return statement if terse or not exemplar.rationale else f"{exemplar.rationale} {statement}"


def _with_choices(text: str, choices: Sequence[str] | None) -> str:
    """The question, its options after it on one line: `(A) … (B) …`."""
    if not choices:
        return text
    options = " ".join(f"({letter}) {choice}" for letter, choice in zip(LETTERS, choices, strict=False))
    return f"{text}\n{options}"


def without_system(messages: Sequence[Mapping[str, str]]) -> tuple[dict[str, str], ...]:
    """The messages with the system sentence put before the user's, for chat templates that have no system role."""
    system = [each["content"] for each in messages if each["role"] == "system"]
    rest = [dict(each) for each in messages if each["role"] != "system"]
    rest[0]["content"] = "\n\n".join([*system, rest[0]["content"]])
    return tuple(rest)


def template_arguments(thinking: Thinking | None) -> dict[str, Thinking]:
    """What chat templates are told about thinking, by the names that families of them have for it.

    On and off: Qwen's and GLM's `enable_thinking`, and `thinking` of DeepSeek and Granite; so many tokens: Seed's
    `thinking_budget`; a word: `reasoning_effort` of gpt-oss.
    """
    if thinking is None:
        return {}
    if isinstance(thinking, bool):
        return {"enable_thinking": thinking, "thinking": thinking}
    if isinstance(thinking, int):
        return {"enable_thinking": True, "thinking": True, "thinking_budget": thinking}
    return {"enable_thinking": True, "thinking": True, "reasoning_effort": thinking}


def prompt_manifest(
    style: PromptStyle,
    *,
    chat: bool,
    terse: bool,
    exemplars: Sequence[Exemplar] = (),
    wording: Wording | None = None,
    language: str | None = None,
) -> dict[str, Any]:
    """What identifies the prompts of a run, as JSON values: generations of different manifests don't mix.

    `exemplars` are all of the benchmark's; they count in few-shot prompts only, `wording` in zero-shot ones, and
    `language` in those without it.
    """
    few_shot = style == "few-shot"
    rationales = any(each.rationale for each in exemplars) and not terse
    manifest = {
        "style": style,
        "form": "messages" if chat and not few_shot else "text",
        "terse": terse,
        "version": PROMPT_VERSION,
        "exemplars": ("rationales" if rationales else "answers only") if few_shot else None,
        "digest": _digest(exemplars) if few_shot else None,
    }
    if not few_shot and wording is not None:
        return {**manifest, "wording": wording_manifest(wording)}
    return manifest if few_shot or language is None else {**manifest, "language": language}


def wording_manifest(wording: Wording) -> dict[str, object]:
    """A person's own words as a manifest holds them; what is said for kinds of answers only where something is."""
    return {key: value for key, value in asdict(wording).items() if key != "forms" or value}


def _digest(exemplars: Sequence[Exemplar]) -> str:
    text = json.dumps([asdict(each) for each in exemplars])
    return blake2b(text.encode(), digest_size=8).hexdigest()


def sampling_of(llm: LLM, *, terse: bool) -> Sampling:
    """An LLM's sampling settings, else the study's, with 48 new tokens at most where short answers are asked for.

    A variant has those of its LLM but for what it changes.
    """
    sampling = llm.sampling or (TERSE_SAMPLING if terse else Sampling())
    if llm.thinking is not None:
        sampling = replace(sampling, thinking=llm.thinking)
    if llm.variant is None:
        return sampling
    known = {each.name for each in fields(Sampling)}
    return replace(sampling, **{key: value for key, value in llm.variant.changes.items() if key in known})


def sampling_manifest(sampling: Sampling) -> dict[str, object]:
    """Sampling settings as a manifest holds them; what is said of thinking only where something is."""
    found = {key: value for key, value in asdict(sampling).items() if key != "thinking" or value is not None}
    return {**found, "stop": list(sampling.stop)}
