"""How replies of servers are read."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from selectllm_engine.generation.openai_protocol import Ask, Dialect, read_reply
from selectllm_engine.generation.prompts import Prompt
from selectllm_engine.llms import Sampling


def tokens(total, texts, *, most):
    """The tokens of every completion of a reply; a text of None was cut off."""
    choices = [
        SimpleNamespace(
            index=index,
            message=SimpleNamespace(content=text or "x" * most),
            finish_reason="length" if text is None else "stop",
        )
        for index, text in enumerate(texts)
    ]
    reply = SimpleNamespace(choices=choices, usage=SimpleNamespace(completion_tokens=total, prompt_tokens=1))
    ask = Ask("m", Prompt(text="?"), Sampling(max_tokens=most), len(texts))
    return [each.output_tokens for each in read_reply(reply, ask).completions]


def test_servers_are_told_about_thinking():
    def fields(thinking):
        prompt = Prompt(messages=({"role": "user", "content": "?"},), thinking=thinking)
        return Dialect().fields(Ask("m", prompt, Sampling(thinking=thinking), 1), 1)

    assert fields("low")["reasoning_effort"] == "low"
    arguments = {"enable_thinking": False, "thinking": False}
    assert fields(False)["extra_body"] == {"chat_template_kwargs": arguments}
    assert not {"reasoning_effort", "extra_body"} & set(fields(None))


def test_tokens_are_shared_in_proportion_to_characters():
    assert tokens(10, ["aaa", "a" * 5], most=20) == [4, 6]
    assert tokens(23, ["aaa", None], most=20) == [3, 20]


def test_no_completion_has_more_tokens_than_it_may_have():
    assert tokens(24, ["a" * 90, "a" * 9], most=20) == [20, 4]
    assert tokens(36, ["a" * 90, "a" * 9, None], most=12) == [12, 12, 12]


@given(st.lists(st.none() | st.text(max_size=50), min_size=2, max_size=8), st.integers(1, 40), st.data())
def test_the_sum_is_right(texts, most, data):
    total = data.draw(st.integers(0, most * len(texts)))
    found = tokens(total, texts, most=most)
    assert sum(found) == total
    assert all(0 <= count <= most for count in found if texts.count(None) * most <= total)


@given(st.lists(st.text(max_size=50), min_size=2, max_size=8), st.integers(1, 40), st.integers(0, 10_000))
def test_a_server_that_counts_more_is_believed(texts, most, more):
    assert sum(tokens(most * len(texts) + more, texts, most=most)) == most * len(texts) + more
