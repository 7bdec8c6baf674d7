"""Names that are not known get the nearest that is, in the same words everywhere."""

import pytest

from selectllm_engine.errors import UnknownNameError, did_you_mean, nearest


@pytest.mark.parametrize(
    ("name", "known", "remedy"),
    [
        ("argmx", ["argmax", "random"], "did you mean 'argmax'?"),
        ("ARGMAX", ["argmax"], "did you mean 'argmax'?"),
        ("qwen", ["Qwen", "qwen2"], "did you mean 'Qwen'?"),
        ("x", ["argmax", "random"], "choose from argmax, random"),
        ("x", [], "there are none yet"),
    ],
)
def test_a_name_that_is_not_known(name, known, remedy):
    assert did_you_mean(name, known) == remedy
    assert str(UnknownNameError("policy", name, iter(known))) == f"no policy {name!r}; {remedy}"


def test_what_is_near_enough_can_be_asked_for():
    assert nearest("answers", ["Answer"], cutoff=0.8) == "Answer"
    assert nearest("answers", ["Answer"], cutoff=1.0) is None
