"""Where a text ends, and which part of it was only thought."""

from __future__ import annotations

import pytest

from selectllm_engine.answers import extract_answer
from selectllm_engine.answers.ends import THOUGHTS

NEXT = [
    "Question: {}",
    "## Question:\n\n{}",
    "## Question\n\n{}",
    "**Question:** {}",
    "**Question 2**\n{}",
    "Question 2: {}",
    "Q: {}",
    "Q2: {}",
    "### Question 3\n{}",
    "Problem: {}",
    "**Problem:** {}",
    "### Problem 2\n\n{}",
    "Problem 7. {}",
    "Example 2: {}",
    "**Example 2:** {}",
    "Exercise 4: {}",
    "Next question: {}",
    "User: {}",
    "**User:** {}",
    "Human: {}",
    "USER: {}",
    "### Instruction\n{}",
    "### Instruction:\n{}",
    "Student: {}",
    "> Question: {}",
    "---\nQuestion: {}",
    "Task: {}",
    "<|im_start|>user\n{}",
    "<|start_header_id|>user<|end_header_id|>\n{}",
    "[INST] {} [/INST]",
    "<start_of_turn>user\n{}",
    "<|user|>\n{}",
    "<｜User｜>{}",
]
STATED = [
    ("The answer is 7.", "The answer is 12.", "number"),
    ("#### 7", "#### 12", "number"),
    ("So, \\boxed{7}.", "\\boxed{12}", "number"),
    ("The answer is (A).", "The answer is (C).", "letter"),
    ("Answer: heads", "Answer: tails", "word"),
]
EXPECTED = {"number": "7", "letter": "A", "word": "heads"}


@pytest.mark.parametrize("question", ["How many legs do 3 cats have?", "A man buys 3 hats for 4 euros each."])
@pytest.mark.parametrize(("first", "second", "kind"), STATED)
@pytest.mark.parametrize("mark", NEXT)
def test_the_next_question_ends_a_text(mark, first, second, kind, question):
    text = f"Some words.\n{first}\n\n{mark.format(question)}\n\n{second}"
    assert extract_answer(text, kind=kind) == EXPECTED[kind]


REPEATED = [
    "Question: {}",
    "**Question:** {}",
    "## Question\n\n{}",
    "Problem: {}",
    "### Problem\n{}",
    "Q: {}",
    "User: {}",
    "Example 1: {}",
]


@pytest.mark.parametrize(
    "before",
    [
        "",
        "Here is the solution.\n\n",
        "Sure!\n\n",
        "Let me restate it first.\n\n",
        "Let's solve this problem step by step.\n\n",
        "Solution\n\n",
    ],
)
@pytest.mark.parametrize("mark", REPEATED)
def test_a_repeated_question_before_the_solution_does_not(mark, before):
    question = mark.format("A box holds 3 rows of 4 eggs. How many eggs are there?")
    text = f"{before}{question}\n\n3 × 4 = 12. The answer is 12."
    assert extract_answer(text, kind="number") == "12"
    text = f"{before}{mark.format('Which one flies: (A) a cow or (B) a crow?')}\n\nThe answer is (B)."
    assert extract_answer(text, kind="letter") == "B"
    text = f"{before}{mark.format('Is a crow a bird, or is it not?')}\n\nThe answer is yes."
    assert extract_answer(text, kind="word") == "yes"


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("Let the truth values be:\nP: true\nQ: false\nR: true\nThe answer is (B).", "letter", "B"),
        ("P: it rains\nQ: the street gets wet\nIf P then Q. The answer is (C).", "letter", "C"),
        ("We have\nP: 3\nQ: 5\nso P + Q = 8. The answer is 8.", "number", "8"),
        ("Ada: 3\nUser: 5\nTogether 8. The answer is 8.", "number", "8"),
        ("Points:\nHuman: 12\nRobot: 7\nThe difference is 5. The answer is 5.", "number", "5"),
        ("| Q | 3 |\nQ: 4\nThe answer is 7.", "number", "7"),
        ("Step 1 is easy.\nExample: 3 + 4 = 7.\nSo the answer is 9.", "number", "9"),
        ("I need this.\nTask 1: count the 3 red and 4 blue hats.\nSo the answer is 7.", "number", "7"),
        ("The question asks for the sum, 3 + 4 = 7.", "number", "7"),
    ],
)
def test_nor_do_variables_and_rows(text, kind, expected):
    assert extract_answer(text, kind=kind) == expected


@pytest.mark.parametrize(("opens", "closes"), THOUGHTS)
def test_thoughts(opens, closes):
    for mark in (opens, opens.upper(), opens.lower()) if opens[0] == "<" else (opens,):
        assert extract_answer(f"{mark}So the answer is 5. Hmm, wait{closes}\nThere are 6 hats.", kind="number") == "6"
        assert extract_answer(f"{mark}So the answer is 5. Hmm, wait", kind="number") is None
        assert extract_answer(f"{mark}So (A)? The answer is (A), wait", kind="letter") is None
        assert extract_answer(f"{mark}So heads? The answer is heads", kind="word") is None
    assert extract_answer(f"So 5, wait{closes}6 hats.", kind="number") == "6"
    assert extract_answer(f"{opens}The answer is 5.{closes}\n\n", kind="number") == "5"
    assert extract_answer(f"{opens}So 5{closes}The answer is 6. {opens} Let me check that, 7", kind="number") == "6"
    assert extract_answer(f"{opens}So 5{closes} Well. {opens}No, 7{closes} The answer is 8.", kind="number") == "8"
    assert extract_answer(f"I have 3 hats. {opens} So the answer is 5", kind="number") is None
    assert extract_answer(f"{opens}3 hats{closes}The answer is unknown.", kind="number") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<think>It is 5\n<answer>6</answer>", "6"),
        ("<think>5</think><answer>6</answer>", "6"),
        ("<|begin_of_thought|>5<|end_of_thought|>\n<|begin_of_solution|>It is 6.<|end_of_solution|>", "6"),
        ("<|START_THINKING|>5<|END_THINKING|><|START_RESPONSE|>The answer is 6.<|END_RESPONSE|>", "6"),
        ("<think>Question: how many are 2 + 3?\nThe answer is 5.</think>It is 6.", "6"),
        ("<think>\n\n</think>\n\nIt is 6.", "6"),
        ("a < b, and b > 3, so 6", "6"),
    ],
)
def test_what_closes_a_thought(text, expected):
    assert extract_answer(text, kind="number") == expected


FINAL = "<|start|>assistant<|channel|>final<|message|>"
CHANNELS = [
    (f"<|channel|>analysis<|message|>3*4 = 12. Check: 3+4 is 7.<|end|>{FINAL}There are **12** hats.<|return|>", "12"),
    (f"<|channel|>analysis<|message|>7<|end|>{FINAL}12", "12"),
    (
        "<|channel|>final<|message|>5<|end|><|start|>user<|message|>Sure?<|end|><|start|>assistant"
        f"<|channel|>analysis<|message|>7<|end|>{FINAL}6<|return|>",
        "6",
    ),
    (
        "<|channel|>analysis<|message|>7<|end|><|start|>assistant<|channel|>commentary to=functions.sum<|message|>{}"
        f"<|call|>{FINAL}The answer is 8.<|return|>",
        "8",
    ),
    ('<|channel|>final <|constrain|>json<|message|>{"answer": 9}<|return|>', "9"),
    ("<|channel|>analysis<|message|>3*4 = 12, so the answer is 12", None),
    (f"<|channel|>analysis<|message|>3*4 = 12<|end|>{FINAL}", None),
    ("analysis3*4 = 12. Check: 3+4 is 7.assistantfinalThere are **12** hats.", "12"),
    (
        "analysisWe need 3*4. Check: 7assistantcommentary to=functions.sum{}assistantanalysis9assistantfinal#### 12",
        "12",
    ),
    ("analysisWe compute 3*4 = 12. The answer is 12", None),
    ("commentaryLet me add 3 and 4", None),
    ("assistantanalysisIt is 12, wait", None),
    ("analysis<|message|>It is 12, wait", None),
    ("finalThe answer is 12.", "12"),
    ("Analysis: there are 3 cats with 4 legs. The answer is 12.", "12"),
    ("analysis of the 3 cats with 4 legs gives 12", "12"),
    ("My final answer is 12.", "12"),
]


@pytest.mark.parametrize(("text", "expected"), CHANNELS)
def test_the_last_final_channel_counts(text, expected):
    assert extract_answer(text, kind="number") == expected
