import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.answers import KINDS, extract_answer
from selectllm_engine.benchmarks import Exemplar
from selectllm_engine.errors import UsageError
from selectllm_engine.generation.prompt_languages import ASKED
from selectllm_engine.generation.prompts import (
    build_prompt,
    prompt_manifest,
    sampling_manifest,
    sampling_of,
    template_arguments,
    without_system,
)
from selectllm_engine.llms import LLM, Sampling, Wording

NUMBER = {"text": "How many eggs are six dozen?", "choices": None, "kind": "number"}
LETTER = {"text": "Which is a fruit?", "choices": ["desk", "pear", "rope"], "kind": "letter"}
WORD = {"text": "Who is reading?", "choices": None, "kind": "word"}
SOLVED = (
    Exemplar("How many are two pairs?", "4", rationale="A pair is two. 2 times 2 is 4."),
    Exemplar("How many are two trios?", "6", rationale="A trio is three. 2 times 3 is 6."),
)
CHOSEN = (Exemplar("Which is a tool?", "C", ("cat", "tea", "saw"), subject="things"),)


def test_few_shot_prompts_have_the_layout_of_the_study():
    prompt = build_prompt(NUMBER, style="few-shot", chat=False, exemplars=SOLVED, terse=False)
    assert prompt.messages is None
    assert prompt.text == (
        "<START_QUESTION> Question: How many are two pairs? <END_QUESTION> <START_ANSWER> Answer: Let's think step by "
        "step. A pair is two. 2 times 2 is 4. The answer is 4. <END_ANSWER>\n"
        "<START_QUESTION> Question: How many are two trios? <END_QUESTION> <START_ANSWER> Answer: Let's think step by "
        "step. A trio is three. 2 times 3 is 6. The answer is 6. <END_ANSWER>\n"
        "<START_QUESTION> Question: How many eggs are six dozen? <END_QUESTION> <START_ANSWER> Answer: Let's think "
        "step by step."
    )


def test_few_shot_prompts_are_plain_text_for_chat_llms_too():
    chat, base = (
        build_prompt(NUMBER, style="few-shot", chat=chat, exemplars=SOLVED, terse=False) for chat in (True, False)
    )
    assert chat == base


def test_exemplars_without_a_rationale_state_their_answer_in_parentheses():
    text = build_prompt(LETTER, style="few-shot", chat=False, exemplars=CHOSEN, terse=False).text
    assert text is not None
    assert "(A) cat (B) tea (C) saw <END_QUESTION>" in text
    assert "Answer: Let's think step by step. The answer is (C). <END_ANSWER>" in text
    assert text.endswith("(A) desk (B) pear (C) rope <END_QUESTION> <START_ANSWER> Answer: Let's think step by step.")


def test_terse_few_shot_prompts_show_and_ask_for_the_answer_alone():
    text = build_prompt(NUMBER, style="few-shot", chat=False, exemplars=SOLVED, terse=True).text
    assert text is not None
    assert "step" not in text
    assert "A pair is two" not in text
    assert "<START_ANSWER> Answer: The answer is 4. <END_ANSWER>" in text
    assert text.endswith("<START_ANSWER> Answer:")


@pytest.mark.parametrize("terse", [True, False])
@pytest.mark.parametrize("question", [NUMBER, LETTER, WORD])
def test_zero_shot_prompts_are_a_system_and_a_user_message(question, terse):
    prompt = build_prompt(question, style="zero-shot", chat=True, terse=terse)
    assert prompt.text is None
    assert [message["role"] for message in prompt.messages] == ["system", "user"]
    assert question["text"] in prompt.messages[1]["content"]
    everything = " ".join(message["content"] for message in prompt.messages)
    assert ("step by step" in everything) is not terse
    assert "The answer is" in everything
    assert ("the letter of the right option" in everything) is (question is LETTER)
    assert ("a number" in everything) is (question is NUMBER)


def test_short_prompts_ask_for_no_other_kind_of_answer():
    for kind in KINDS:
        system, user = build_prompt({**NUMBER, "kind": kind}, style="zero-shot", chat=True, terse=True).messages
        assert ("number, letter or word" in system["content"]) is (kind in {"number", "letter", "word"})
        assert user["content"].endswith(KINDS[kind].terse)


def test_zero_shot_prompts_of_base_llms_are_text_that_leads_to_an_answer():
    text = build_prompt(NUMBER, style="zero-shot", chat=False, terse=False).text
    assert text.endswith("Question: How many eggs are six dozen?\n\nAnswer: Let's think step by step.")
    assert build_prompt(NUMBER, style="zero-shot", chat=False, terse=True).text.endswith("\n\nAnswer:")


def test_options_stand_on_one_line_up_to_j():
    question = {"text": "Pick.", "choices": [f"option {n}" for n in range(10)], "kind": "letter"}
    user = build_prompt(question, style="zero-shot", chat=True, terse=False).messages[1]["content"]
    assert user.splitlines() == ["Pick.", " ".join(f"({letter}) option {n}" for n, letter in enumerate("ABCDEFGHIJ"))]


def test_few_shot_without_exemplars_says_what_to_do():
    with pytest.raises(UsageError, match="exemplar"):
        build_prompt(NUMBER, style="few-shot", chat=False, exemplars=(), terse=True)


@given(st.text(), st.booleans(), st.booleans(), st.booleans())
def test_a_questions_text_is_never_changed(text, few_shot, chat, terse):
    question = {"text": text, "choices": None, "kind": "word"}
    style = "few-shot" if few_shot else "zero-shot"
    prompt = build_prompt(question, style=style, chat=chat, exemplars=SOLVED, terse=terse)
    assert (prompt.text is None) is not (prompt.messages is None)
    assert text in (prompt.text if prompt.text is not None else prompt.messages[1]["content"])


def test_the_system_sentence_can_move_into_the_users_message():
    prompt = build_prompt(NUMBER, style="zero-shot", chat=True, terse=True)
    (message,) = without_system(prompt.messages)
    assert message["role"] == "user"
    assert message["content"] == "\n\n".join(each["content"] for each in prompt.messages)
    assert prompt.messages[1]["content"] != message["content"]


def test_manifests_are_json_and_differ_where_prompts_do():
    manifests = [
        prompt_manifest(style, chat=chat, terse=terse, exemplars=exemplars)
        for style, chat, terse, exemplars in [
            ("zero-shot", True, False, SOLVED),
            ("zero-shot", True, True, SOLVED),
            ("zero-shot", False, True, SOLVED),
            ("few-shot", False, True, SOLVED),
            ("few-shot", False, False, SOLVED),
            ("few-shot", False, False, SOLVED[:1]),
            ("few-shot", False, False, CHOSEN),
        ]
    ]
    assert all(json.loads(json.dumps(each)) == each for each in manifests)
    assert all(a != b for n, a in enumerate(manifests) for b in manifests[:n])
    assert [each["exemplars"] for each in manifests] == [
        None,
        None,
        None,
        "answers only",
        "rationales",
        "rationales",
        "answers only",
    ]


def test_manifests_are_equal_where_prompts_are():
    assert prompt_manifest("zero-shot", chat=True, terse=True, exemplars=SOLVED) == prompt_manifest(
        "zero-shot", chat=True, terse=True, exemplars=CHOSEN
    )
    assert prompt_manifest("few-shot", chat=True, terse=False, exemplars=SOLVED) == prompt_manifest(
        "few-shot", chat=False, terse=False, exemplars=SOLVED
    )


def test_short_answers_get_48_tokens():
    llm = LLM(name="a", weights="a")
    assert sampling_of(llm, terse=False) == Sampling()
    assert sampling_of(llm, terse=True) == Sampling(max_tokens=48)
    assert sampling_of(replace(llm, thinking=False), terse=True) == Sampling(max_tokens=48, thinking=False)
    assert sampling_of(replace(llm, sampling=Sampling(top_k=5)), terse=True) == Sampling(top_k=5)
    assert "thinking" not in sampling_manifest(Sampling())
    assert sampling_manifest(Sampling(thinking=False))["thinking"] is False


def test_own_words_take_the_place_of_the_built_in_ones():
    wording = Wording(system="Be brief. {answer}", template="Q: {question} ({answer})", number="A number, {please}.")
    question = {**NUMBER, "text": "What is {answer} + {question}?"}
    prompt = build_prompt(question, style="zero-shot", chat=True, terse=True, wording=wording)
    assert prompt.messages == (
        {"role": "system", "content": "Be brief. A number, {please}."},
        {"role": "user", "content": "Q: What is {answer} + {question}? (A number, {please}.)"},
    )
    assert build_prompt(question, style="zero-shot", chat=False, terse=False, wording=wording).text == "\n\n".join(
        each["content"] for each in prompt.messages
    )
    (alone,) = build_prompt(LETTER, style="zero-shot", chat=True, terse=False, wording=Wording()).messages
    assert alone["role"] == "user"
    assert alone["content"].endswith('End with "The answer is (X).", where X is the letter of the right option.')


def test_own_words_never_mix_with_others():
    def manifest(style, wording):
        return prompt_manifest(style, chat=True, terse=True, exemplars=SOLVED, wording=wording)

    assert len({json.dumps(manifest("zero-shot", each)) for each in (None, Wording(), Wording(system="x"))}) == 3
    assert manifest("few-shot", Wording()) == manifest("few-shot", None), "few-shot prompts have no such words"


@pytest.mark.parametrize("language", ASKED)
@pytest.mark.parametrize(("row", "answer"), [(NUMBER, "72"), (LETTER, "B")])
def test_a_language_is_asked_in_and_what_it_asks_for_is_read(language, row, answer):
    question = {**row, "subject": language}
    prompt = build_prompt(question, style="zero-shot", chat=True, terse=False, language=language)
    assert prompt == build_prompt(question, style="zero-shot", chat=True, terse=False, language="subject")
    system = prompt.messages[0]["content"]
    statement = re.search('["“「](.*?)["”」]', system)[1]
    text = f"1 (C) 2\n{statement.replace('X', answer)}\n"
    assert extract_answer(text, kind=row["kind"], choices=3) == answer


def test_other_kinds_and_languages_are_asked_for_in_english():
    english = build_prompt(WORD, style="zero-shot", chat=True, terse=False)
    assert build_prompt(WORD, style="zero-shot", chat=True, terse=False, language="de") == english
    number = build_prompt(NUMBER, style="zero-shot", chat=True, terse=False)
    assert build_prompt(NUMBER, style="zero-shot", chat=True, terse=False, language="xx") == number


def test_languages_do_not_mix():
    manifest = prompt_manifest("zero-shot", chat=True, terse=False, language="de")
    assert manifest == {**prompt_manifest("zero-shot", chat=True, terse=False), "language": "de"}
    for style, wording in (("few-shot", None), ("zero-shot", Wording())):
        told = prompt_manifest(style, chat=True, terse=False, wording=wording, language="de")
        assert told == prompt_manifest(style, chat=True, terse=False, wording=wording)


@pytest.mark.parametrize(
    ("thinking", "told"),
    [
        (None, {}),
        (False, {"enable_thinking": False, "thinking": False}),
        (2000, {"enable_thinking": True, "thinking": True, "thinking_budget": 2000}),
        ("low", {"enable_thinking": True, "thinking": True, "reasoning_effort": "low"}),
    ],
)
def test_what_templates_are_told_about_thinking(thinking, told):
    assert template_arguments(thinking) == told
