"""How sure an LLM was of its answer: the tokens that it is made of."""

from math import log

import pytest

from selectllm_engine.generation.confidence import answer_logprob
from selectllm_engine.generation.engine import Completion
from selectllm_engine.generation.openai_protocol import read_reply
from selectllm_engine.generation.tokenizers import Tokenizer
from selectllm_engine.generation.vllm import _completion


def cut(text, *pieces):
    """A text as tokens; the nth has probability 1/(n + 1)."""
    assert "".join(pieces) == text
    return text, [(piece, -log(at + 1)) for at, piece in enumerate(pieces, start=1)]


def test_the_tokens_of_the_answer_count_and_no_others():
    text, tokens = cut(
        "3 + 9 is 12. The answer is 12.", "3 + 9", " is", " 12", ".", " The answer", " is", " 1", "2", "."
    )
    assert answer_logprob(text, tokens, kind="number") == pytest.approx((-log(8) - log(9)) / 2)
    text, tokens = cut("The answer is (B).", "The answer is", " (", "B", ").")
    assert answer_logprob(text, tokens, kind="letter", choices=4) == pytest.approx(-log(4))
    whole = [("The answer is (B).", -0.25)]
    assert answer_logprob(text, whole, kind="letter", choices=4) == -0.25


def test_what_ends_a_text_may_follow():
    tokens = [("The answer is", -1.0), (" 7", -0.5), (".", -2.0), ("<|im_end|>", -3.0)]
    assert answer_logprob("The answer is 7.", tokens, kind="number") == -0.5


@pytest.mark.parametrize(
    ("text", "tokens", "kind"),
    [
        ("The answer is 7.", [], "number"),
        ("I don't know", [("I don't know", -1.0)], "number"),
        ("The answer is 7.", [("The", -1.0), ("answer", -1.0), ("is", -1.0), ("7.", -1.0)], "number"),
        ("The answer is 7.", [("The answer is 7.", -1.0)], "labels"),
    ],
    ids=["nothing told", "no answer", "tokens without their spaces", "no kind of ours"],
)
def test_where_it_cannot_be_told_it_is_unknown(text, tokens, kind):
    assert answer_logprob(text, tokens, kind=kind) is None


class Fake:
    """What libraries give, by attributes."""

    def __init__(self, **fields):
        self.__dict__ |= fields


def told_by_a_server(text, logprob):
    return Fake(token=text, logprob=logprob)


def test_vllm_tells_the_tokens_drawn():
    pieces = {5: " 7", 9: ""}
    made = Fake(text=" 7", token_ids=[5, 9], finish_reason=None, logprobs=Fake(logprobs=[-0.5, -1.5]))
    found = _completion(made, lambda tokens: [pieces[each] for each in tokens])
    assert found == Completion(" 7", 2, "stop", -1.0, tokens=((" 7", -0.5), ("", -1.5)))
    made.logprobs = None  # as of the prompts that are timed
    found = _completion(made, pieces)
    assert (found.logprob, found.tokens) == (None, ())


def test_each_token_has_the_text_that_it_adds():
    """A tokenizer of bytes, in which a token alone may be part of a character, and one that drops a leading space."""
    words = {0: b"The", 1: b" answer", 2: b"\xe2", 3: b"\x82", 4: b"\xac", 5: b" 7", 6: b"\xff", 7: b"</s>"}
    tokenizer = Tokenizer.__new__(Tokenizer)
    tokenizer._pieces = {}
    tokenizer.wrapped = Fake(
        decode=lambda tokens: b"".join(words[each] for each in tokens).decode(errors="replace"),
        convert_ids_to_tokens=lambda token: repr(words[token]),
    )
    for tokens in ([0, 1, 5], [0, 2, 3, 4, 5, 7], [2, 3, 4, 2, 3, 4]):
        assert "".join(tokenizer.pieces(tokens)) == tokenizer.wrapped.decode(tokens)
    assert tokenizer.pieces([2, 3, 4, 5]) == ["", "", "\u20ac", " 7"]
    assert tokenizer.pieces([0, 6, 6, 6, 6, 5]) == ["The", "", "", "", "\ufffd" * 4, " 7"], "what is no character ends"
    tokenizer._pieces = {}
    tokenizer.wrapped = Fake(decode=lambda _: "answer", convert_ids_to_tokens=lambda _: "\u2581answer")
    assert tokenizer.pieces([1, 1]) == [" answer", " answer"]


@pytest.mark.parametrize("chat", [True, False])
def test_an_endpoint_tells_them_in_either_form(chat):
    if chat:
        told = Fake(content=[told_by_a_server("The answer is", -2.0), told_by_a_server(" 7", -1.0)])
        choice = Fake(index=0, finish_reason="stop", message=Fake(content="The answer is 7"), logprobs=told)
    else:
        told = Fake(tokens=["The answer is", " 7"], token_logprobs=[-2.0, -1.0])
        choice = Fake(index=0, finish_reason="stop", text="The answer is 7", logprobs=told)
    ask = Fake(sampling=Fake(stop=(), max_tokens=9), exactly=None)
    (found,) = read_reply(Fake(choices=[choice], usage=None), ask).completions
    assert (found.logprob, found.tokens) == (-1.5, (("The answer is", -2.0), (" 7", -1.0)))
    assert answer_logprob(found.text, found.tokens, kind="number") == -1.0
