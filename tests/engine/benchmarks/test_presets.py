"""Every preset on a few invented rows in the layout of its data set, as Parquet files lie on the hub."""

import polars as pl
import pytest

from selectllm_engine.answers import canonical
from selectllm_engine.benchmarks import LETTERS, PRESETS, load_benchmark

FOUR = ["amber", "beryl", "coral", "diamond"]


def optioned(n, labels="ABCD", *, question="question"):
    return {question: f"Which is stone {n}?", "choices": {"text": FOUR, "label": list(labels)}, "answerKey": labels[1]}


# preset -> its nth invented row, and the gold answer that row has (of shuffled options its text)
ROWS = {
    "gsm8k": (lambda n: {"question": f"{n} + 1?", "answer": f"It is <<{n}+1>>.\\n#### {n + 1}"}, None),
    "mmlu": (lambda n: {"question": f"q{n}?", "subject": "stones", "choices": FOUR, "answer": 1}, "B"),
    "mmlu-pro": (
        lambda n: (
            {"question": f"q{n}?", "options": FOUR, "answer": "B", "answer_index": 1, "category": "law"}
            | {"cot_content": "Think."}
        ),
        "B",
    ),
    "arc-easy": (optioned, "B"),
    "arc-challenge": (lambda n: optioned(n, "1234"), "B"),
    "commonsense-qa": (optioned, "B"),
    "openbookqa": (lambda n: optioned(n, question="question_stem"), "B"),
    "hellaswag": (
        lambda n: (
            {"activity_label": "Cooking", "ctx": f"[header] Boil {n} eggs. [title] Peel", "endings": FOUR}
            | {"label": "1"}
        ),
        "B",
    ),
    "winogrande": (lambda n: {"sentence": f"{n}: _ shone.", "option1": "sun", "option2": "mud", "answer": "1"}, "A"),
    "boolq": (lambda n: {"question": f"is {n} odd", "answer": n % 2 == 1, "passage": "Numbers."}, None),
    "piqa": (lambda n: {"goal": f"Open {n} jars", "sol1": "kick", "sol2": "twist", "label": 1}, "B"),
    "truthfulqa-mc1": (
        lambda n: {"question": f"q{n}?", "mc1_targets": {"choices": FOUR, "labels": [1, 0, 0, 0]}},
        "amber",
    ),
    "sciq": (
        lambda n: (
            {"question": f"q{n}?", "correct_answer": "amber", "support": ""}
            | {f"distractor{k}": FOUR[k] for k in (1, 2, 3)}
        ),
        "amber",
    ),
    "aqua-rat": (
        lambda n: (
            {"question": f"q{n}?", "options": [f"{a}){o}" for a, o in zip("ABCD", FOUR, strict=True)]}
            | {"rationale": "So.", "correct": "B"}
        ),
        "B",
    ),
    "svamp": (lambda n: {"Body": f"Ann has {n} pears.", "Question": "How many?", "Answer": f"{n}.0"}, None),
    "multiarith": (lambda n: {"question": f"{n} pears?", "final_ans": str(n)}, None),
    "strategyqa": (lambda n: {"question": f"Is {n} odd?", "answer": n % 2 == 1}, None),
    "math-500": (lambda n: {"problem": f"Half of {n}?", "answer": rf"\\frac{{{n}}}{{2}}", "subject": "Algebra"}, None),
    "aime": (lambda n: {"problem": f"{n} mod 1000?", "answer": f"{n:03d}"}, None),
}


def test_every_preset_has_invented_rows():
    assert list(ROWS) == list(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_rows_in_a_presets_layout_become_questions(name, tmp_path):
    preset = PRESETS[name]
    made, gold = ROWS[name]
    described = preset.description
    of = {part.of for part in described.split.values()} | ({described.exemplars.of} if described.exemplars else set())
    for start, split in enumerate(sorted(of)):
        for config in described.config or ("",):
            path = tmp_path / config / f"{split}-00000-of-00001.parquet"
            path.parent.mkdir(exist_ok=True)
            pl.DataFrame([made(100 * start + n) for n in range(1, 41)]).write_parquet(path)
    benchmark = load_benchmark(name, data=tmp_path)
    assert set(benchmark.questions["split"]) == set(preset.sizes)
    assert set(benchmark.questions["kind"]) == {preset.kind}
    assert not benchmark.notes
    for row in benchmark.questions.iter_rows(named=True):
        assert row["gold"] == canonical(row["gold"], row["kind"]) or row["kind"] == "expression"
        assert "[" not in row["text"]
        text = row["choices"][LETTERS.index(row["gold"])] if row["choices"] else None
        assert gold is None or gold in (row["gold"], text)
    shown = {each.text for each in benchmark.exemplars}
    assert not shown & set(benchmark.questions["text"])
    assert bool(shown) == (described.exemplars is not None)
