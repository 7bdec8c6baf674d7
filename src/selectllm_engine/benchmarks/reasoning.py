"""The benchmark that needs no download: questions made by reasoning-gym (https://github.com/open-thought/reasoning-gym).

A fixed mix of twelve kinds with short answers, on which LLMs of 0.1 to 2 billion parameters differ. Question i of a
split is of kind i modulo twelve. Every kind has one endless stream of questions, and a digest of a question's text
says which split (or the exemplars) it belongs to. So no text is ever in two splits, and larger sizes only add
questions. Another version of reasoning-gym may make other questions from the same seed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from selectllm_engine.benchmarks.benchmark import LETTERS, SPLITS, Benchmark, Exemplar, question_frame
from selectllm_engine.errors import BenchmarkError, MissingExtraError, UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

__all__ = ["EXEMPLARS", "KINDS", "MORE", "SIZES", "Made", "Puzzle", "load", "mixed", "stream"]

SIZES: dict[str, int] = {"train": 600, "validation": 400, "test": 1000}
EXEMPLARS = 5  # per kind

_SHARES = ("train",) * 4 + ("validation",) * 2 + ("test",) * 3 + ("exemplar",)
_CHUNK = 500  # items made from one seed of the gym
_PATIENCE = 20  # chunks without anything new before a kind counts as exhausted


class Made(NamedTuple):
    """A question made from one item of the gym; the answer is an option's text where there are choices."""

    text: str
    answer: str
    choices: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Puzzle:
    """One kind of question: a data set of the gym, its settings, and how an item becomes a question."""

    dataset: str
    answer: str  # one of answers.KINDS
    make: Callable[[Mapping[str, object], Random], Made | None]  # None: leave the item out
    settings: dict[str, object] = field(default_factory=dict)


def _up_to_question_mark(item: Mapping[str, Any], _: Random) -> Made:
    """The item without what follows the question: asking for a form of answer is the prompt's business."""
    text = item["question"].replace(" \n", "\n")
    return Made(text[: text.rfind("?") + 1].strip(), item["answer"])


def _arithmetic(item: Mapping[str, Any], _: Random) -> Made:
    expression = re.search(r": (.+?)(?: =|\. Give .*)$", item["question"])
    return Made(f"What is {expression[1] if expression else item['question']}?", item["answer"])


def _as_is(item: Mapping[str, Any], _: Random) -> Made:
    return Made(item["question"].strip(), item["answer"])


def _letters(item: Mapping[str, Any], random: Random) -> Made | None:
    if item["answer"] == "1" and random.random() < 0.75:
        return None  # most answers otherwise
    return Made(f"How{item['question'].strip().removeprefix('How').lower()}", item["answer"])  # case does not count


def _legs(item: Mapping[str, Any], _: Random) -> Made:
    return Made(item["question"].split("\n\n")[-1].strip().removeprefix("Now, how").join(("How", "")), item["answer"])


def _word_problem(item: Mapping[str, Any], _: Random) -> Made | None:
    text = item["question"].removesuffix(" Give the result as your final answer. Do not include units.")
    return Made(text, item["answer"]) if len(text) <= 260 else None


def _leap_year(item: Mapping[str, Any], random: Random) -> Made | None:
    if item["answer"] == "No" and random.random() < 0.67:
        return None  # as many of either
    return Made(item["question"].removesuffix(" Answer with Yes or No."), item["answer"])


_RELATIVES = (
    ("mother", "wife", "daughter", "sister", "grandmother", "mother-in-law"),
    ("father", "husband", "son", "brother", "grandfather", "father-in-law"),
)


def _relatives(item: Mapping[str, Any], random: Random) -> Made | None:
    family, right = item["question"].split("\n\n")[0], item["answer"]
    for words in _RELATIVES:
        if right in words:
            options = random.sample([right, *random.sample([word for word in words if word != right], 2)], 3)
            first, second = item["metadata"]["person1"], item["metadata"]["person2"]
            return Made(f"{family}\nIs {first} the {_or(options)} of {second}?", right)
    return None


def _or(options: Sequence[str]) -> str:
    return f"{', '.join(options[:-1])} or {options[-1]}"


def _distinct(words: Iterable[str]) -> list[str] | None:
    """The words in one case; None where one repeats or is none."""
    found = [word.lower() for word in words]
    return found if len(set(found)) == len(found) and all(map(str.isalpha, found)) else None


def _list(item: Mapping[str, Any], random: Random) -> Made | None:
    if (words := _distinct(item["metadata"]["words"])) is None:
        return None
    place = random.choice(("first", "second", "third", "last"))
    right = words[-1] if place == "last" else words[("first", "second", "third").index(place)]
    return Made(f"Which word is the {place} one in this list: {', '.join(words)}?", right)


def _largest(item: Mapping[str, Any], _: Random) -> Made | None:
    numbers = [f"{float(each):g}" for each in item["metadata"]["original_numbers"]]
    return Made(f"Which number is the largest: {_or(numbers)}?", max(numbers, key=float))


def _alphabetical(item: Mapping[str, Any], random: Random) -> Made | None:
    if (words := _distinct(item["metadata"]["original_words"])) is None:
        return None
    text = f"Which word comes first in alphabetical order: {_or(words)}?"
    return Made(text, min(words), tuple(random.sample(words, len(words))))


def _product(item: Mapping[str, Any], _: Random) -> Made:
    return Made(f"Expand {item['metadata']['polynomial_expr'].replace('**', '^')}.", item["answer"])


def _sorted(item: Mapping[str, Any], _: Random) -> Made | None:
    if (words := _distinct(item["metadata"]["original_words"])) is None:
        return None
    return Made(f"Put these words in alphabetical order: {', '.join(words)}.", ", ".join(sorted(words)))


def _later(item: Mapping[str, Any], _: Random) -> Made:
    told = item["metadata"]
    start, days = date.fromisoformat(told["start_date"]), int(told["offset_days"])
    asked = f"{abs(days)} days {'after' if days > 0 else 'before'} {start:%B} {start.day}, {start.year}"
    return Made(f"Which date is {asked}?", told["target_date"])


KINDS: dict[str, Puzzle] = {
    "sums": Puzzle("chain_sum", "number", _arithmetic, {"max_terms": 3, "max_digits": 2}),
    "products": Puzzle("products", "number", _arithmetic, {"max_digits": 2}),
    "equations": Puzzle("simple_equations", "number", _as_is, {"max_terms": 2, "max_value": 10}),
    "letters": Puzzle("letter_counting", "number", _letters, {"min_words": 1, "max_words": 4}),
    "legs": Puzzle("leg_counting", "number", _legs, {"min_animals": 1, "max_animals": 2, "max_instances": 4}),
    "problems": Puzzle("gsm_symbolic", "number", _word_problem),
    "largest": Puzzle("number_sorting", "number", _largest, {"max_numbers": 4, "max_decimals": 1}),
    "alphabetical": Puzzle("word_sorting", "letter", _alphabetical, {"min_words": 3, "max_words": 4}),
    "reading": Puzzle(
        "needle_haystack", "word", _up_to_question_mark, {"min_num_statements": 2, "max_num_statements": 6}
    ),
    "relatives": Puzzle("family_relationships", "word", _relatives, {"max_family_size": 5}),
    "leap years": Puzzle(
        "calendar_arithmetic", "word", _leap_year, {"tasks": ["is_leap_year"], "leap_year_range": 2000}
    ),
    "lists": Puzzle("word_sequence_reversal", "word", _list, {"max_words": 6}),
}

MORE: dict[str, Puzzle] = {  # not in the mix, whose questions stay what they are
    "polynomials": Puzzle(
        "polynomial_multiplication",
        "expression",
        _product,
        {"max_terms": 2, "max_degree": 1, "min_polynomials": 2, "max_polynomials": 2},
    ),
    "sorted words": Puzzle("word_sorting", "list", _sorted, {"min_words": 3, "max_words": 4}),
    "dates": Puzzle("calendar_arithmetic", "date", _later, {"tasks": ["weekday_offset"], "offset_upper_bound": 60}),
}


def load(*, sizes: Mapping[str, int] | None = None, seed: int = 0) -> Benchmark:
    """Questions of the fixed mix, `sizes` (SIZES where not given) per split, with five exemplars per kind.

    Raises:
        UnknownNameError: there is no such split.
        UsageError: a size is no size.
        MissingExtraError: reasoning-gym is not installed.
        BenchmarkError: a kind has fewer distinct questions than asked for.
    """
    return mixed("reasoning", KINDS, sizes={**SIZES, **(sizes or {})}, seed=seed)


def mixed(name: str, kinds: Mapping[str, Puzzle], *, sizes: Mapping[str, int], seed: int) -> Benchmark:
    """Questions of these kinds, `sizes` per split: the i-th is of kind i modulo their number; five exemplars of each.

    Raises as `load`.
    """
    for split, size in sizes.items():
        if split not in SPLITS:
            raise UnknownNameError("split", split, SPLITS)
        if size < 0:
            raise UsageError(f"{size} is no number of questions", "give 0 or more")
    rows: list[tuple[str, int, dict[str, object]]] = []
    exemplars: list[Exemplar] = []
    for position, (subject, kind) in enumerate(kinds.items()):
        needed = {split: len(range(position, size, len(kinds))) for split, size in sizes.items()}
        made = distribute(subject, stream(subject, kind, seed), needed | {"exemplar": EXEMPLARS}, kind=kind.answer)
        for split in sizes:
            rows += [(split, position + len(kinds) * n, row) for n, row in enumerate(made[split])]
        exemplars += [Exemplar(row["text"], row["gold"], row["choices"], subject=subject) for row in made["exemplar"]]
    rows.sort(key=lambda row: (SPLITS.index(row[0]), row[1]))
    questions = question_frame(
        row | {"question_id": f"{name}-{split}-{index:04d}", "split": split} for split, index, row in rows
    )
    return Benchmark(name, questions, tuple(exemplars), terse=True)


def distribute(
    name: str, items: Iterable[Made | None], needed: Mapping[str, int], *, kind: str
) -> dict[str, list[dict[str, Any]]]:
    """The first `needed` questions for each split, whose answers are of one kind; a split's own depend on no other."""
    found: dict[str, list[dict[str, object]]] = {split: [] for split in needed}
    seen: set[bytes] = set()
    idle = 0
    for made in items:
        lacking = [split for split, count in needed.items() if len(found[split]) < count]
        if not lacking:
            break
        if idle > _PATIENCE * _CHUNK:
            split = lacking[0]
            raise BenchmarkError(
                f"{name} has only {len(found[split])} different {split} questions, {needed[split]} are needed",
                f"ask for fewer {split} questions, of which each kind gives its share",
            )
        idle += 1
        if made is None:
            continue
        key = blake2b(made.text.encode(), digest_size=8).digest()
        split = _SHARES[int.from_bytes(key, "big") % len(_SHARES)]
        if split not in lacking or key in seen:
            continue
        row = _question(name, kind, made)
        if row is not None:
            seen.add(key)
            found[split].append(row)
            idle = 0
    return found


def _question(name: str, kind: str, made: Made) -> dict[str, object] | None:
    """The row of a question; None where its answer is none that extraction could give."""
    from selectllm_engine.answers import canonical

    answer = LETTERS[made.choices.index(made.answer)] if made.choices else made.answer
    gold = canonical(answer, kind, len(made.choices or LETTERS))
    if gold is None:
        return None
    return {"subject": name, "text": made.text, "choices": made.choices, "gold": gold, "kind": kind}


def stream(name: str, kind: Puzzle, seed: int) -> Iterator[Made | None]:
    """The endless questions of one kind, the same for the same name and seed."""
    chunk = 0
    while True:
        digest = blake2b(f"{seed}/{name}/{chunk}".encode(), digest_size=6).digest()
        dataset = _dataset(kind, int.from_bytes(digest, "big"))
        for index in range(_CHUNK):
            yield kind.make(dataset[index], Random(f"{seed}/{name}/{chunk}/{index}"))
        chunk += 1


def _dataset(kind: Puzzle, seed: int) -> Any:
    try:
        import reasoning_gym
    except ImportError as error:
        raise MissingExtraError("making reasoning questions", "reasoning") from error
    return reasoning_gym.create_dataset(kind.dataset, seed=seed, size=_CHUNK, **kind.settings)
