"""Do answers that are expressions compare as math-verify compares their texts, and how long does a pair take?

    .venv/bin/python perf/expressions.py [--pairs 2000] [--seed 0]

Pairs are an expression and a rewriting of it, or of another one, made from a seed. Each is compared in both directions,
by our normal form with math-verify behind it, and by math-verify's own `parse` and `verify` of the texts as written.
Then an answer that nobody can compute in a lifetime: what it costs is the limit.
"""

from __future__ import annotations

import argparse
import logging
import random
import resource
import time
from collections import Counter

from selectllm_engine.answers import canonical
from selectllm_engine.store.mathematics import LIMIT, Mathematics

HOSTILE = r"\boxed{10^{10^{10}}}"


def fraction(rng: random.Random) -> tuple[str, str]:
    above, below, times = rng.randint(-20, 20), rng.randint(2, 12), rng.randint(2, 5)
    return rf"\frac{{{above}}}{{{below}}}", f"{above * times}/{below * times}"


def line(rng: random.Random) -> tuple[str, str]:
    a, b, name = rng.randint(2, 9), rng.randint(1, 9), rng.choice("xyn")
    return f"{a}{name} + {b}", f"{b} + {a} \\cdot {name}"


def product(rng: random.Random) -> tuple[str, str]:
    a, b = rng.randint(1, 9), rng.randint(1, 9)
    return f"(x + {a})(x + {b})", f"x^2 + {a + b}x + {a * b}"


def root(rng: random.Random) -> tuple[str, str]:
    a, b = rng.randint(2, 6), rng.choice((2, 3, 5, 7))
    return rf"{a}\sqrt{{{b}}}", rf"\sqrt{{{a * a * b}}}"


def members(rng: random.Random) -> tuple[str, str]:
    found = rng.sample(range(-9, 10), 3)
    return rf"\{{{', '.join(map(str, found))}\}}", rf"\left\{{ {', '.join(map(str, found[::-1]))} \right\}}"


def interval(rng: random.Random) -> tuple[str, str]:
    low = rng.randint(-9, 9)
    return rf"({low}, \infty)", rf"\left({2 * low}/2, \infty\right)"


def pair_of(rng: random.Random) -> tuple[str, str]:
    a, b = rng.randint(-9, 9), rng.randint(2, 9)
    return rf"\left( {a}, \frac{{1}}{{{b}}} \right)", f"({a}, 1/{b})"


def matrix(rng: random.Random) -> tuple[str, str]:
    a, b, c, d = (rng.randint(-5, 5) for _ in range(4))
    text = r"\begin{{pmatrix}} {} & {} \\ {} & {} \end{{pmatrix}}"
    return text.format(a, b, c, d), text.format(a, f"{2 * b}/2", c, d)


def equation(rng: random.Random) -> tuple[str, str]:
    value = rng.randint(-30, 30)
    return f"x = {value}", f"{value}"


def number(rng: random.Random) -> tuple[str, str]:
    value = rng.randint(1000, 99999)
    return f"{value:,}", f"{value}"


MADE = (fraction, line, product, root, members, interval, pair_of, matrix, equation, number)


def spent_by_children() -> float:
    """Seconds of processor time of processes that have ended."""
    use = resource.getrusage(resource.RUSAGE_CHILDREN)
    return use.ru_utime + use.ru_stime


def main() -> None:
    from math_verify import parse, verify

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    logging.disable()
    rng = random.Random(args.seed)
    agreed, compared, odd = Counter(), Counter(), []
    ours_equal, spent = 0, 0.0
    with Mathematics() as mathematics:
        mathematics.equal("x", "y")  # the process is started
        for _ in range(args.pairs):
            make = rng.choice(MADE)
            first, second = make(rng)
            if rng.random() < 0.5:
                second = make(rng)[1]
            for gold, answer in ((first, second), (second, first)):
                theirs = verify(parse(f"${gold}$"), parse(f"${answer}$"))
                start = time.perf_counter()
                ours = mathematics.equal(canonical(gold, "expression") or "", canonical(answer, "expression") or "")
                spent += time.perf_counter() - start
                compared[make.__name__] += 1
                agreed[make.__name__] += ours is theirs
                ours_equal += bool(ours)
                if ours is not theirs:
                    odd.append((gold, answer, ours, theirs))
    total = sum(compared.values())
    print(f"{total:,} comparisons, {ours_equal:,} equal: {100 * sum(agreed.values()) / total:.2f} % agree")
    print(f"{1000 * spent / total:.1f} ms a comparison")
    for name in compared:
        print(f"  {name}: {agreed[name]:,} of {compared[name]:,}")
    for gold, answer, ours, theirs in odd[:10]:
        print(f"  {gold}  against  {answer}: ours {ours}, math-verify {theirs}")
    before, start = spent_by_children(), time.perf_counter()
    with Mathematics() as mathematics:
        mathematics.equal("7", canonical(HOSTILE, "expression") or "")
    seconds = spent_by_children() - before
    print(f"{HOSTILE}: {seconds:.1f} s of processor time with the start of the process, of which {LIMIT:g} are allowed")
    print(f"  {time.perf_counter() - start:.1f} s by the clock")


if __name__ == "__main__":
    main()
