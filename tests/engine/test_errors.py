"""The exception tree: all of it is drawn, and every error survives the way to another process and back."""

from __future__ import annotations

import pickle

import pytest

from selectllm_engine import errors
from selectllm_engine.errors import SelectLLMError

ARGUMENTS = {"UnknownNameError": ("router", "knm", ["knn", "mf"]), "MissingExtraError": ("a figure", "figures")}


def tree(kind: type[SelectLLMError]) -> list[type[SelectLLMError]]:
    return [kind, *(each for below in kind.__subclasses__() for each in tree(below))]


@pytest.mark.parametrize("kind", tree(SelectLLMError), ids=lambda kind: kind.__name__)
def test_an_error_comes_back_from_another_process_as_it_was(kind: type[SelectLLMError]) -> None:
    error = kind(*ARGUMENTS.get(kind.__name__, ("what is wrong", "what to do")))
    error.add_note("seen by worker 3")
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert type(again) is kind
    assert vars(again) == vars(error)
    assert (str(again), again.args, again.exit_code) == (str(error), error.args, error.exit_code)


def test_the_whole_tree_is_drawn_and_public() -> None:
    names = [kind.__name__ for kind in tree(SelectLLMError) if kind.__module__ == errors.__name__]
    assert sorted(names) == sorted(name for name in errors.__all__ if name[0].isupper())
    assert all(name in (errors.__doc__ or "") for name in names)
