"""Random and adversarial texts through the extraction of every kind: no exception, and no text that takes long.

python perf/fuzzing.py                          # 1,000,000 texts
python perf/fuzzing.py --texts 20000 --seed 3

A text may take 1 ms and 1 ms per kB of UTF-8, of processor time, for each kind. What is over is tried twice again, for
the machine may have been at something else. Exit code 1 where a text is over for good, or raises.
"""

from __future__ import annotations

import argparse
import random
import string
import sys
import time
from typing import TYPE_CHECKING

from selectllm_engine.answers import canonical, find_answer
from selectllm_engine.answers.ends import THOUGHTS
from selectllm_engine.answers.languages import LANGUAGES

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = ("number", "letter", "word")
WORDS = (
    "the answer is ¦The correct answer is (¦Answer: ¦A: ¦Q: ¦#### ¦\\boxed{¦}¦\\text{¦Question: ¦"
    "\n\nQuestion: what is it? ¦if the answer is ¦suppose ¦not ¦cannot be ¦determined¦None of the above¦(A) ¦(B)¦"
    "C. ¦option D¦A and B¦yes¦no¦, because ¦. So ¦\n¦\n\n¦**¦_¦`¦\"¦'¦{¦[¦(¦)¦]¦$¦\\¦/¦-¦- ¦−¦minus ¦1¦0¦7¦12¦1,200¦"
    "1 200¦0,5¦1.250,50¦½¦\\frac{1}{2}¦1/2¦2:30¦e9¦^¦10^¦√¦π¦x¦3x + 2¦=¦ = ¦+ ¦× ¦%¦ km¦ hours and ¦30 minutes¦"
    "<think>¦</think>¦<|im_end|>¦<|channel|>final<|message|>¦assistantfinal¦analysis¦<EOS_TOKEN>¦</s>¦[INST]¦[EOS]¦"
    '"answer": ¦\'answer\': ¦{"answer": "¦<answer>¦</answer>¦User: 5\n¦\nQ: false\n¦## Question\n¦Step 2: ¦'
    "(Note: ¦1st ¦a 3-day ¦the statement that is false is ¦C ist richtig¦選¦é¦\u0301¦\x00¦\ud800¦٣¦१२¦一"
)
NOUNS = (
    "Antwort: ¦Die Antwort ist ¦La réponse est ¦La respuesta es ¦La risposta è ¦A resposta é ¦答案是¦答案：¦故选¦"
    "答えは¦正解は¦정답은 ¦الإجابة هي ¦उत्तर ¦উত্তর হল ¦คำตอบคือ¦Jibu ni ¦Ответ: ¦నిజం¦సమాధానం "
)
SENTENCE = "she has seven apples and gives 2 of them to her brother so there are 5 left"
STEMS = [stem for language in LANGUAGES.values() for stem in language.stems]
PROSE = SENTENCE.split()
MARKS = [mark for pair in THOUGHTS for mark in pair]
PIECES = [*WORDS.split("¦"), *NOUNS.split("¦"), *STEMS, *MARKS]


def noise(rng: random.Random, size: int) -> str:
    return "".join(
        chr(rng.choice((rng.randrange(128), rng.randrange(0x3000), rng.randrange(0x110000)))) for _ in range(size)
    )


def printable(rng: random.Random, size: int) -> str:
    return "".join(rng.choices(string.printable, k=size))


def pieces(rng: random.Random, size: int) -> str:
    return "".join(rng.choices(PIECES, k=max(1, size // 5)))


def prose(rng: random.Random, size: int) -> str:
    text = " ".join(rng.choices(PROSE, k=max(1, size // 5)))
    return text + rng.choice((". ", "\n")) + "".join(rng.choices(PIECES, k=rng.randrange(1, 6)))


def repeated(rng: random.Random, size: int) -> str:
    piece = "".join(rng.choices(PIECES, k=rng.randrange(1, 4))) or " "
    return piece * max(1, size // max(1, len(piece)))


def framed(rng: random.Random, size: int) -> str:
    """Something between two pieces that hope for a partner."""
    filler = rng.choice((" ", "\n", "7", "a", "(", ",", "=", "-", "*", "{", "1,", "A ", "x y "))
    return rng.choice(PIECES) + filler * (size // len(filler)) + rng.choice(PIECES)


MADE: tuple[Callable[[random.Random, int], str], ...] = (
    noise,
    printable,
    pieces,
    pieces,
    prose,
    repeated,
    repeated,
    framed,
)


def seconds(text: str, kind: str, choices: int) -> float:
    started = time.process_time()
    find_answer(text, kind=kind, choices=choices)  # type: ignore[arg-type]
    return time.process_time() - started


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    worst, over, raised, total = (0.0, "", ""), 0, 0, 0
    for number in range(args.texts):
        size = rng.choice((20, 60, 60, 200, 200, 600)) if number % 200 else rng.choice((5_000, 20_000))
        text, choices = rng.choice(MADE)(rng, size), rng.choice((2, 4, 5, 10, 26))
        allowed = 1e-3 * (1 + len(text.encode("utf-8", "surrogatepass")) / 1000)
        total += len(text)
        for kind in KINDS:
            try:
                taken = seconds(text, kind, choices)
                if taken > allowed:
                    taken = min(taken, seconds(text, kind, choices), seconds(text, kind, choices))
                canonical(text, kind, choices)  # type: ignore[arg-type]
            except Exception as error:
                raised += 1
                print(f"{kind}: {type(error).__name__}: {error} in {text[:200]!r}")
                continue
            worst = max(worst, (taken / allowed, kind, text[:80]))
            if taken > allowed:
                over += 1
                print(f"{kind}: {taken * 1e3:.1f} ms, {taken / allowed:.1f} of what is allowed: {text[:80]!r}")
    print(
        f"{args.texts:,} texts of {total / args.texts:.0f} characters on average, {len(KINDS)} kinds, seed {args.seed}:"
    )
    print(f"{raised} exceptions, {over} over 1 ms and 1 ms per kB")
    print(f"the worst took {worst[0]:.2f} of that ({worst[1]}: {worst[2]!r})")
    return 1 if raised or over else 0


if __name__ == "__main__":
    sys.exit(main())
