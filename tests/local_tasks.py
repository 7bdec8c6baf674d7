"""Questions of our own as tasks of lm-eval and Inspect: sums (a number) and words (one of four), made from a seed."""

import json
import random

THINGS = ("cat", "house", "seven", "blue", "river", "bread", "stone", "green", "three", "horse", "table", "winter")
NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn")

SUMS = r"""
task: local_sums
dataset_path: json
dataset_kwargs: {data_files: {test: sums.jsonl}}
output_type: generate_until
test_split: test
doc_to_text: "Question: {{question}}\nAnswer:"
doc_to_target: "{{answer.split(' ')[-1]}}"
repeats: 3
generation_kwargs:
  until: ["\n\n", "Question:"]
  do_sample: true
  temperature: 0.6
  max_gen_toks: 24
filter_list:
  - name: first
    filter:
      - {function: regex, regex_pattern: "(-?[0-9]+)"}
      - {function: take_first}
  - name: maj@3
    filter:
      - {function: regex, regex_pattern: "(-?[0-9]+)", group_select: -1}
      - {function: majority_vote}
      - {function: take_first}
metric_list:
  - {metric: exact_match, aggregation: mean, higher_is_better: true}
"""

WORDS = r"""
task: local_words
dataset_path: json
dataset_kwargs: {data_files: {test: words.jsonl}}
output_type: multiple_choice
test_split: test
doc_to_text: "Question: {{question}}\nAnswer:"
doc_to_choice: choices
doc_to_target: gold
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: acc_norm, aggregation: mean, higher_is_better: true}
"""

QUIZ = r"""
import json
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import GenerateConfig
from inspect_ai.scorer import answer, choice, match
from inspect_ai.solver import generate, multiple_choice, prompt_template, solver


def rows(name):
    return [json.loads(line) for line in (Path(__file__).parent / name).read_text().splitlines()]


def questions():
    return MemoryDataset([Sample(id=n + 1, input=r["question"], target=r["answer"].split()[-1])
                          for n, r in enumerate(rows("sums.jsonl"))])


@task
def sums():
    return Task(
        dataset=questions(),
        solver=[prompt_template("{prompt}\nEnd with 'ANSWER: ' and the number."), generate()],
        scorer=[match(numeric=True), answer("line")],
        config=GenerateConfig(max_tokens=24, temperature=0.7),
    )


@task
def words():
    data = [Sample(id=f"w{n}", input=r["question"], choices=r["choices"], target="ABCD"[r["gold"]])
            for n, r in enumerate(rows("words.jsonl"))]
    return Task(dataset=MemoryDataset(data), solver=multiple_choice(), scorer=choice(),
                config=GenerateConfig(max_tokens=16, temperature=0.7))


@solver
def breaks_at_second():
    async def solve(state, generate):
        if state.sample_id == 2:
            raise RuntimeError("it broke")
        return await generate(state)

    return solve


@task
def faulty():
    return Task(dataset=questions(), solver=breaks_at_second(), scorer=match(numeric=True),
                config=GenerateConfig(max_tokens=4))
"""


def write(folder, size):
    """Write the tasks and `size` questions of each kind into a folder."""
    draw = random.Random(7)
    sums, words = [], []
    for n in range(size):
        a, b, who = draw.randint(1, 9), draw.randint(1, 9), NAMES[n % len(NAMES)]
        text, gold = (
            (f"What is {a} plus {b}?", a + b),
            (f"{who} has {a + b} pens and gives {a} away. How many pens does {who} have left?", b),
            (f"{who} buys {a} boxes with {b} cups in each. How many cups are that?", a * b),
        )[n % 3]
        sums.append({"question": text, "answer": f"The answer is {gold}", "n": n})
        four, right = draw.sample(THINGS, 4), draw.randrange(4)
        word = four[right]
        text = f"Which of these words ends in '{word[-1]}' and has {len(word)} letters? (number {n})"
        words.append({"question": text, "choices": four, "gold": right})
    for name, rows in {"sums": sums, "words": words}.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "local_sums.yaml").write_text(SUMS)
    (folder / "local_words.yaml").write_text(WORDS)
    (folder / "quiz.py").write_text(QUIZ)
