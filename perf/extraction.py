"""How well answer extraction agrees with recorded verdicts on real outputs, and how long it takes.

python perf/extraction.py             # both
python perf/extraction.py agreement   # counts of every kind of disagreement, on ../shared/data
python perf/extraction.py examples    # and the end of a few texts of each kind
python perf/extraction.py speed       # per text, in columns, and per megabyte of hostile text
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import time
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from selectllm_engine.answers import extract_answers
from selectllm_engine.answers.extract import Kind, canonical_number, find_answer

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED = Path(__file__).parents[1].parent / "shared" / "data"
# What the recorded extraction of MMLU-Pro looks for; where it finds neither, its answer is a random letter.
SAID = re.compile(r"answer is \(?([A-J])|[aA]nswer:\s*([A-J])")
HOSTILE = {
    "digits": "7", "commas": "1,", "equations": "1+1=", "weak numbers": "1st\n", "brackets": "(", "boxes": "\\boxed{",
    "statements": "the answer is ", "empty labels": "Answer:\n", "options": "(A) ", "denials": "not (A) ",
    "bold": "**1", "newlines": "\n", "spaces": " ", "dashes": "-", "thoughts": "</think>",
}  # fmt: skip


def gsm8k() -> Iterator[tuple[str, str, str]]:
    """System, text and kind of agreement, for the four systems of the example solutions."""
    with (SHARED / "gsm8k/example_model_solutions.jsonl").open(encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            gold = canonical_number(record["ground_truth"].rsplit("A:", 1)[1])
            for system, value in record.items():
                if isinstance(value, dict):
                    yield system, value["solution"], verdict(value["solution"], gold, recorded=value["is_correct"])


def routellm() -> Iterator[tuple[str, str, str]]:
    with (SHARED / "gsm8k/test.jsonl").open(encoding="utf-8") as lines:
        golds = {
            record["question"]: canonical_number(record["answer"].rsplit("####", 1)[1])
            for record in map(json.loads, lines)
        }
    with (SHARED / "routellm/gsm8k_responses.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for column in (name for name in row if name.endswith("_response")):
                llm = column.removesuffix("_response")
                yield llm, row[column], verdict(row[column], golds[row["prompt"]], recorded=row[llm] == "True")


def verdict(text: str, gold: str | None, *, recorded: bool) -> str:
    found = find_answer(text, kind="number")
    right = found is not None and found.answer == gold
    if right == recorded:
        return "agree"
    if recorded:
        digits = re.findall(r"\d+", text)
        tail = "of which the record reads the last digits" if digits and digits[-1] == gold else "and it is"
        return f"recorded right, another number found, {tail}"
    written = text[found.start : found.end] if found else ""
    after = text[found.end :] if found else ""
    if "." in written:
        return "recorded wrong, right but for its decimals"
    if re.search(r"\d", after):
        return "recorded wrong, right and followed by other numbers"
    return "recorded wrong, right"


def mmlu_pro() -> Iterator[tuple[str, str, str]]:
    archive = zipfile.ZipFile(next((SHARED / "mmlu_pro").glob("*.zip")))
    for record in json.loads(archive.read(archive.namelist()[0])):
        text, choices = record["generated_text"], len(record["options"])
        found = find_answer(text, kind="letter", choices=choices)
        said = SAID.findall(text)
        if not said:
            kind = "no answer recorded (random letter), " + ("none found" if found is None else "a last mention found")
        elif found is None:
            kind = "one recorded, but several options named, or none"
        elif found.answer == record["pred"]:
            kind = "agree"
        else:
            kind = "first statement recorded, last one found" if len(said) > 1 else "another found"
        yield "Llama-3.1-8B", text, kind


def agreement(*, examples: int) -> None:
    for name, outputs in {"gsm8k": gsm8k, "routellm": routellm, "mmlu_pro": mmlu_pro}.items():
        kinds: dict[str, list[str]] = defaultdict(list)
        for _, text, kind in outputs():
            kinds[kind].append(text)
        total = sum(map(len, kinds.values()))
        print(f"{name}: {total} texts, {len(kinds['agree']) / total:.2%} agree")
        for kind, texts in sorted(kinds.items(), key=lambda item: -len(item[1])):
            print(f"  {len(texts):6} {kind}")
            for text in texts[:examples] if kind != "agree" else []:
                print(f"         … {text[-160:]!r}")


def seconds(text: str, kind: Kind) -> float:
    started = time.process_time()
    find_answer(text, kind=kind, choices=10)
    return time.process_time() - started


def in_columns(texts: list[str], kind: Kind) -> float:
    column = pl.Series(texts), pl.Series([kind] * len(texts)), pl.Series([10] * len(texts))
    started = time.process_time()
    extract_answers(*column)
    return time.process_time() - started


def speed() -> None:
    for name, outputs, kind in (("routellm", routellm, "number"), ("mmlu_pro", mmlu_pro, "letter")):
        texts = [text for _, text, _ in outputs()]
        taken = sum(seconds(text, kind) for text in texts)
        length = sum(map(len, texts)) / len(texts)
        print(f"{name}: {taken / len(texts) * 1e6:.0f} µs a text of {length:.0f} characters on average", end="")
        print(f", {in_columns(texts, kind) / len(texts) * 1e6:.0f} µs in a column")
    prose = "She has seven apples and gives two of them to her brother. "
    kinds: tuple[Kind, ...] = ("number", "letter", "word")
    plain = {kind: seconds(prose * (2_000_000 // len(prose)), kind) for kind in kinds}
    print("2 MB of prose:", ", ".join(f"{kind} {taken:.2f} s" for kind, taken in plain.items()))
    print("twice as much text takes so many times as long, and so many seconds:")
    for name, piece in HOSTILE.items():
        row = []
        for kind in kinds:
            once, twice = (seconds(piece * (size // len(piece)), kind) for size in (1_000_000, 2_000_000))
            row.append(f"{kind} × {twice / max(once, 1e-4):4.1f} {twice:6.2f} s")
        print(f"  {name:12} " + "   ".join(row))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=["agreement", "examples", "speed"])
    part = parser.parse_args().part
    if part != "speed":
        agreement(examples=3 if part == "examples" else 0)
    if part in (None, "speed"):
        speed()
