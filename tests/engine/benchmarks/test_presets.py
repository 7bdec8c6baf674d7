"""Every preset on a few invented rows in the layout of its data set, as Parquet files lie on the hub."""

import fnmatch
import re

import polars as pl
import pytest

from fake_engine import fake_weights
from selectllm_engine.answers import canonical
from selectllm_engine.benchmarks import LETTERS, PRESETS, load_benchmark
from selectllm_engine.generation import engine
from selectllm_tui import cli

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
    "mmlu-redux": (
        lambda n: (
            {"question": f"q{n}?", "choices": FOUR, "answer": 1, "error_type": "ok" if n % 4 else "no_correct_answer"}
            | {"source": "", "correct_answer": None, "potential_reason": None}
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
    "gpqa": (
        lambda n: (
            {"Question": f"q{n}?", "Correct Answer": "amber\n", "High-level domain": "Physics", "Record ID": f"rec{n}"}
            | {f"Incorrect Answer {k}": FOUR[k] for k in (1, 2, 3)}
        ),
        "amber",
    ),
    "sciq": (
        lambda n: (
            {"question": f"q{n}?", "correct_answer": "amber", "support": ""}
            | {f"distractor{k}": FOUR[k] for k in (1, 2, 3)}
        ),
        "amber",
    ),
    "medqa": (
        lambda n: (
            {"question": f"q{n}?", "answer": "beryl", "options": dict(zip("ABCD", FOUR, strict=True))}
            | {"meta_info": "step1", "answer_idx": "B", "metamap_phrases": ["stone"]}
        ),
        "B",
    ),
    "agieval": (
        lambda n: {
            "query": f"Q: Which is stone {n}? Answer Choices: (A)amber (B)beryl\nA: Among A through B, the answer is",
            "choices": ["(A)amber", "(B)beryl"],
            "gold": [1],
        },
        "B",
    ),
    "bbh": (
        lambda n: (
            {"input": f"Which is stone {n}?\nOptions:\n(A) amber\n(B) beryl", "target": "(B)"}
            if n % 2
            else {"input": f"not ( {n} ) is", "target": "True"}
        ),
        None,
    ),
    "math": (
        lambda n: (
            {"problem": f"Half of {n}?", "level": "Level 1", "type": "Algebra"}
            | {"solution": rf"Halve: $\boxed{{x}}$ is \[\boxed{{\frac{{{n}}}{{2}}}}.\]"}
        ),
        None,
    ),
    "math-500": (
        lambda n: (
            {"problem": f"Half of {n}?", "solution": "Halve.", "answer": rf"\frac{{{n}}}{{2}}", "subject": "Algebra"}
            | {"level": 1, "unique_id": f"test/algebra/{n}.json"}
        ),
        None,
    ),
    "aime": (lambda n: {"problem": f"{n} mod 1000?", "answer": f"{n:03d}"}, None),
    "svamp": (
        lambda n: (
            {"ID": f"chal-{n}", "Body": f"Ann has {n} pears.", "Question": "How many?", "Equation": f"( {n}.0 )"}
            | {"Answer": f"{n}.0", "Type": "Sum", "question_concat": f"Ann has {n} pears. How many?"}
        ),
        None,
    ),
    "asdiv": (
        lambda n: (
            {"body": f"Ann has {n} pears.", "question": "How many?", "solution_type": "Sum", "answer": f"{n} (pears)"}
            | {"formula": f"{n}={n}"}
        ),
        None,
    ),
    "multiarith": (lambda n: {"question": f"{n} pears?", "final_ans": str(n)}, None),
    "aqua-rat": (
        lambda n: (
            {"question": f"q{n}?", "options": [f"{a}){o}" for a, o in zip("ABCD", FOUR, strict=True)]}
            | {"rationale": "So.", "correct": "B"}
        ),
        "B",
    ),
    "mgsm": (
        lambda n: (
            {"question": f"Frage: Wie viele sind {n} Birnen?", "answer": None, "answer_number": n}
            | {"equation_solution": None}
        ),
        None,
    ),
    "global-mmlu": (
        lambda n: (
            {"sample_id": f"anatomy/test/{n}", "subject": "anatomy", "subject_category": "STEM", "question": f"q{n}?"}
            | {f"option_{letter}": stone for letter, stone in zip("abcd", FOUR, strict=True)}
            | {"answer": "B", "is_annotated": False}
        ),
        "B",
    ),
    "drop": (
        lambda n: (
            {"section_id": "nfl_1", "query_id": f"{n}", "passage": "They won.", "question": f"Who won game {n}?"}
            | {"answers_spans": {"spans": ["the Reds", "Reds team"], "types": ["span", "span"]}}
        ),
        "reds | reds team",
    ),
    "triviaqa": (
        lambda n: (
            {"question": f"Who was {n}.?", "question_id": f"tc_{n}", "question_source": "http://example.org"}
            | {
                "answer": {
                    "aliases": ["Ann Lee", "A. Lee"],
                    "normalized_aliases": ["ann lee", "a lee"],
                    "value": "Ann Lee",
                }
            }
        ),
        "ann lee | lee",
    ),
    "nq-open": (lambda n: {"question": f"who was the {n}. king", "answer": ["Ann", "Anna"]}, "ann | anna"),
    "strategyqa": (
        lambda n: (
            {"qid": f"{n}", "term": "Number", "description": "A count", "question": f"Is {n} odd?"}
            | {"answer": n % 2 == 1, "facts": "Halves."}
        ),
        None,
    ),
}


def test_every_preset_has_invented_rows():
    assert list(ROWS) == list(PRESETS)


def write(name, tmp_path):
    """A folder with invented rows as a preset's data set has them on the hub."""
    made, _ = ROWS[name]
    described = PRESETS[name]
    of = {part.of for part in described.split.values()} | ({described.exemplars.of} if described.exemplars else set())
    for start, split in enumerate(sorted(of)):
        for number, config in enumerate(described.config or ("",)):
            path = tmp_path / config / f"{split}-00000-of-00001.parquet"
            path.parent.mkdir(exist_ok=True)
            pl.DataFrame([made(10_000 * start + 100 * number + n) for n in range(1, 41)]).write_parquet(path)
    return described


@pytest.mark.parametrize("name", PRESETS)
def test_rows_in_a_presets_layout_become_questions(name, tmp_path):
    preset, described, gold = PRESETS[name], write(name, tmp_path), ROWS[name][1]
    benchmark = load_benchmark(name, data=tmp_path)
    assert set(benchmark.questions["split"]) == set(preset.sizes)
    assert set(benchmark.questions["kind"]) == ({preset.answers} if name != "bbh" else {"word", "letter"})
    assert not benchmark.notes
    for row in benchmark.questions.iter_rows(named=True):
        assert row["gold"] == canonical(row["gold"], row["kind"]) or row["kind"] == "expression"
        assert not any(said in row["text"] for said in ("Options:", "Answer Choices", "Frage", "Among"))
        assert "[" not in row["text"]
        text = row["choices"][LETTERS.index(row["gold"])] if row["choices"] else None
        assert gold is None or gold in (row["gold"], text)
    shown = {each.text for each in benchmark.exemplars}
    assert not shown & set(benchmark.questions["text"])
    assert bool(shown) == (described.exemplars is not None)


# preset -> where a file of its data set lies on the hub, as its page or its card there says
ON_THE_HUB = {
    "agieval": "hails/agieval-{config}/data/test-00000-of-00001.parquet",
    "asdiv": "EleutherAI/asdiv@~parquet/{config}/validation/0000.parquet",
    "bbh": "SaylorTwift/bbh/{config}/test-00000-of-00001.parquet",
    "math-500": "HuggingFaceH4/MATH-500/test.jsonl",
    "medqa": "GBaker/MedQA-USMLE-4-options@~parquet/default/{split}/0000.parquet",
    "mgsm": "juletxara/mgsm@~parquet/{config}/{split}/0000.parquet",
    "multiarith": "ChilleD/MultiArith@~parquet/default/{split}/0000.parquet",
    "strategyqa": "ChilleD/StrategyQA/data/{split}-00000-of-00001-0123456789abcdef.parquet",
    "svamp": "ChilleD/SVAMP/data/{split}-00000-of-00001.parquet",
}


@pytest.mark.parametrize("name", ON_THE_HUB)
def test_a_presets_files_are_where_the_hub_has_them(name, tmp_path, monkeypatch):
    """Rows are read by the names that the hub's pages list, and are those of a folder."""
    described = write(name, tmp_path)
    there = {}
    for config in described.config or ("",):
        for split in {path.name.partition("-")[0] for path in tmp_path.rglob("*.parquet")}:
            place = ON_THE_HUB[name].format(config=config, split=split)
            there[place] = tmp_path / config / f"{split}-00000-of-00001.parquet"
    asked = []

    def hub_frame(repository, pattern):
        asked.append(pattern)
        (found,) = fnmatch.filter(there, f"{repository}/{pattern}")
        return pl.read_parquet(there[found])

    monkeypatch.setattr("selectllm_engine.benchmarks.source_frames.hub_frame", hub_frame)
    of_the_hub, of_a_folder = load_benchmark(name), load_benchmark(name, data=tmp_path)
    assert of_the_hub.questions.equals(of_a_folder.questions)
    assert of_the_hub.exemplars == of_a_folder.exemplars
    assert len(asked) == len(there)


def test_a_dry_run_of_every_preset_on_its_rows(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(engine, "find_spec", lambda _: True)
    fake_weights(tmp_path / "weights")
    for name in PRESETS:
        (tmp_path / name).mkdir()
        write(name, tmp_path / name)
        options = ["--data", str(tmp_path / name), "--llm", f"a={tmp_path / 'weights'}", "--cache", str(tmp_path / "c")]
        assert cli.main(["generate", "--dry-run", "--benchmark", name, "--limit", "10", *options]) == 0, name
        assert re.search(rf"^a +{name} +\d+ ", "".join(capsys.readouterr()), re.MULTILINE), name
