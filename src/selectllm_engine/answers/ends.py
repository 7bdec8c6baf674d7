r"""Which parts of a text may hold its answer: not what was thought, and nothing of the next question."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from selectllm_engine.answers.languages import QUESTION

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["QUESTIONS", "THOUGHTS", "TextPart", "parts", "questions"]

# How LLMs mark what they think, as their reasoning parsers and chat templates have it; any case.
THOUGHTS = (
    ("<think>", "</think>"),  # DeepSeek, Qwen, GLM, MiniMax, Ernie, OLMo, Nemotron and most others
    ("<thinking>", "</thinking>"),  # Claude and what learns from it
    ("<thought>", "</thought>"),  # EXAONE Deep, Marco-o1, Gemini
    ("<thoughts>", "</thoughts>"),
    ("<reasoning>", "</reasoning>"),  # what many are trained to write
    ("<reflection>", "</reflection>"),
    ("<scratchpad>", "</scratchpad>"),
    ("<analysis>", "</analysis>"),
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("<longcat_think>", "</longcat_think>"),
    ("[THINK]", "[/THINK]"),  # Magistral
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # Sky-T1, OpenThinker
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ("<|THINK_START|>", "<|THINK_END|>"),  # Step
    ("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    ("<|channel>thought", "<channel|>"),  # Gemma
    ("Here is my thought process:", "Here is my response:"),  # Granite
    ("Here's my thought process:", "Here's my response:"),
)
# What opens the answer closes a thought that nothing else closes.
_ANSWERS = ("<answer>", "<|begin_of_solution|>", "<|START_RESPONSE|>", "<solution>", "<output>", "<response>")

_OPENS = frozenset(opens.lower() for opens, _ in THOUGHTS)
_CLOSES = frozenset(closes.lower() for _, closes in THOUGHTS)
_THOUGHT = re.compile(
    "(?=[<[◁Hh])(?:"
    + "|".join(
        re.escape(mark) for mark in sorted((*_OPENS, *_CLOSES, *map(str.lower, _ANSWERS)), key=len, reverse=True)
    )
    + ")",
    re.IGNORECASE,
)
_MARKED = re.compile(r"[<\[◁][/|｜A-Za-z◁]")
_SAYS_SO = ("my response:", "thought process:")

# Channels ("harmony"): the last final one is the answer. Decoders that drop special tokens leave the names behind.
_FINAL = re.compile(
    r"<\|channel\|>\s?final[^\n]{0,60}?<\|message\|>|(?<!\w)assistant\s?final(?!\w)|assistantfinal(?=\S|\Z)"
)
_CHANNEL = re.compile(
    r"<\|channel\|>|\s*(?:assistant)?(?:analysis|commentary)(?=[^\W_a-z]|[a-z]|[*\"'$\\(<])|.{0,40}?<\|message\|>"
)
_ONLY_FINAL = re.compile(r"\s*(?:assistant)?final(?=[A-Z0-9*#\\$])")

# A few-shot prompt's or a chat template's marks. A mark that closes ends the answer wherever it stands; one that opens
# a new question does so only after something was said: a text may begin by repeating its question.
_MARK = re.compile(
    r"(?=[<\[])(?:(?P<closes><END_ANSWER>|<[|｜](?:[\w▁]{0,24}(?:(?i:end|eo[stmd]))[\w▁]{0,24}|return|call|stop)[|｜]>"
    r"|</s>|<(?:eos|eot|eod|EOS|EOT|EOD|end_of_turn|end_of_text)(?:_\w{1,16})?>|\[(?:EOS|EOT)\])"
    r"|<START_QUESTION>|(?<!<END_QUESTION>)(?<!<END_QUESTION>\s)<START_ANSWER>|<\|im_start\|>|<\|start\|>"
    r"|<start_of_turn>|<\|start_header_id\|>|<[|｜](?:user|User)[|｜]>|\[INST\])"
)
# Whatever it is called: a mark that nothing but marks follows.
_TRAILING = re.compile(
    r"(?:\s*(?:<[|｜][^<>|｜\s]{1,40}[|｜]>|<[A-Z][A-Z_]{1,30}>|</?[sS]>|<pad>|\[/?[A-Z]{3,12}\]))+\s*\Z"
)

# The line that begins another question. The first five names are those of few-shot prompts.
_PLAIN = "Question|Q|Human|User|Instruction"
_DRESSED = (
    r"(?:(?:Here(?:[ ]is|'s|’s)[ ])?(?:[Nn]ext|[Nn]ew|[Aa]nother|the[ ]next|a[ ]new)[ ])?"
    r"(?:[Qq]uestion|QUESTION|[Pp]roblem|PROBLEM|[Ee]xample|[Ee]xercise|Puzzle|Task|Riddle)"
    rf"|USER|HUMAN|user|Student|Input|{QUESTION}"
)
QUESTIONS = f"{_PLAIN}|{_DRESSED}"
_QUESTION = re.compile(
    rf"\n[ \t>#*_=~\[-]{{0,12}}(?:\d{{1,3}}[.)][ ])?(?:(?P<plain>{_PLAIN})|(?P<other>{_DRESSED}))"
    r"(?P<number>[ ]?(?:\#|[Nn]o\.[ ]?)?\d{0,4})[*_]{0,3}[ ]{0,2}"
    r"(?P<end>\][:：]?|[:：.)](?!\w{1,3}\()|(?=[*_]{0,3}[ \t]{0,4}(?:\n|\Z)))[*_]{0,3}"
)
_ASKS = re.compile(r"[?？؟]|[^\W\d_]\S*[ \t]+\S+[ \t]+\S|[぀-ヿ一-鿿ก-๛]{8}")
_HEADING = re.compile(r"\n[ \t]{0,8}(?:#{1,6}[ ]|\*\*|__)")
_SAID = re.compile(r"\S")
_MARKS = 64  # as many lines are looked at
_PARTS = 16  # and as many parts, the last ones


@dataclass(frozen=True, slots=True)
class TextPart:
    """A part of a text that may hold its answer.

    `whole`: a number or a letter that it only mentions counts too, and not only one that it states.
    """

    start: int
    stop: int
    whole: bool = True


def parts(text: str) -> list[TextPart]:
    """The parts of `text` to look at, in this order: what follows the last thought, what precedes it, the thoughts.

    Thoughts that are not finished are in none of them.
    """
    start, stop = 0, len(text)
    if "|" in text or "analysis" in text or "final" in text or "commentary" in text:
        final = None
        for final in _FINAL.finditer(text):  # noqa: B007 - the last one is meant
            pass
        if final is not None:
            start = final.end()
            if text.startswith("<|message|>", start):
                start += len("<|message|>")
        elif (only := _ONLY_FINAL.match(text)) is not None:
            start = only.end()
        elif _CHANNEL.match(text) is not None or "<|channel|>" in text:
            return []
    if _MARKED.search(text, start) is None and not any(said in text for said in _SAYS_SO):
        return [TextPart(start, _trimmed(text, start, stop))]
    return _outside_thoughts(text, start, _end(text, start))


def _outside_thoughts(text: str, start: int, stop: int) -> list[TextPart]:
    seen: list[TextPart] = []
    thoughts: list[TextPart] = []
    thinks = False
    position = start
    for mark in _THOUGHT.finditer(text, start, stop):
        name = mark.group().lower()
        if name in _OPENS:
            if not thinks:
                seen.append(TextPart(position, mark.start()))
                thinks, position = True, mark.end()
        elif name in _CLOSES:
            thoughts.append(TextPart(position, mark.start()))
            thinks, position = False, mark.end()
        elif thinks:
            thoughts.append(TextPart(position, mark.start()))
            thinks, position = False, mark.start()
    if thinks:
        thoughts = []
    else:
        seen.append(TextPart(position, stop))
    said = [part for part in [*thoughts, *seen] if _SAID.search(text, part.start, part.stop)][-_PARTS:]
    return [TextPart(part.start, _trimmed(text, part.start, part.stop), whole=not thinks) for part in reversed(said)]


def _end(text: str, start: int) -> int:
    first = _SAID.search(text, start)
    if first is None:
        return start
    for mark in _MARK.finditer(text, start):
        if mark.group().lower() in _CLOSES:
            continue
        if mark["closes"] is not None or mark.start() > first.start():
            return mark.start()
    return len(text)


def _trimmed(text: str, start: int, stop: int) -> int:
    begin = max(start, stop - 200)
    if text.find(">", begin, stop) < 0 and text.find("]", begin, stop) < 0:
        return stop
    trailing = _TRAILING.search(text, begin, stop)
    return stop if trailing is None else trailing.start()


def questions(text: str, start: int, stop: int) -> Iterator[tuple[int, bool]]:
    """Where another question may begin in `text[start:stop]`, and whether it does so as in a few-shot prompt."""
    if (first := _SAID.search(text, start, stop)) is None:
        return
    for mark in islice(_QUESTION.finditer(text, first.start(), stop), _MARKS):
        headed = mark["number"] or mark["other"] == "user" or _HEADING.match(text, mark.start())
        if mark["plain"] is None and not mark["end"] and not headed:
            continue  # "Problem" alone on a line
        end = text.find("\n", mark.end(), stop)
        content = text[mark.end() : min(stop if end < 0 else end, mark.end() + 200)]
        if not content.strip("*_ \t"):
            below = _SAID.search(text, mark.end(), stop)
            if below is not None:
                content = text[below.start() : min(stop, below.start() + 200)]
        if not content or _ASKS.search(content):
            dressed = text[mark.start() : mark.start("plain")].strip(" \t\n") if mark["plain"] else "*"
            yield mark.start(), not dressed or mark["plain"] == "Instruction"
