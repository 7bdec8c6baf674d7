"""Shell completion: what the shell's hook prints for a line that is being typed."""

import os
import subprocess
import sys

import pytest

MAIN = "import sys; from selectllm_tui.cli import main; sys.exit(main())"


def completed(words, cache, at=None):
    """What bash is told: the words, one a line, of which the one at `at` is being typed; the last without it."""
    environment = {
        **os.environ,
        "_SELECTLLM_COMPLETE": "complete_bash",
        "COMP_WORDS": "\n".join(words),
        "COMP_CWORD": str(len(words) - 1 if at is None else at),
        "SELECTLLM_CACHE": str(cache),
    }
    done = subprocess.run([sys.executable, "-c", MAIN], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("selectllm evalu", ["evaluate"]),
        ("selectllm evaluate --po", ["--pool", "--policy"]),
        ("selectllm evaluate --benchmark fa", ["fake"]),
        ("selectllm evaluate --pool fake-a,fake", ["fake-a,fake-b", "fake-a,fake-c"]),
        ("selectllm evaluate --router lo", ["logistic:tfidf"]),
        ("selectllm evaluate --policy thr", ["threshold"]),
        ("selectllm evaluate --protocol p", ["paper"]),
        ("selectllm train --router stac", ["stack"]),
        ("selectllm train --router mlc:t5", ["mlc:t5-base"]),
        ("selectllm show test-39", ["test-39"]),
    ],
)
def test_names_are_completed(fake_cache, line, expected):
    assert completed(line.split(), fake_cache) == expected


def test_nothing_to_complete_is_no_error(tmp_path):
    assert completed(["selectllm", "evaluate", "--pool", "x"], tmp_path / "none") == []


@pytest.mark.parametrize(
    ("words", "at", "expected"),
    [
        (["--router", "logistic", ":", "tf"], 5, ["tfidf"]),
        (["--router", "logistic", ":"], 4, ["tfidf"]),
        (["--router", "logistic:tf"], 3, ["logistic:tfidf"]),  # where COMP_WORDBREAKS has no colon
        (["--router", "=", "logistic", ":", "tf"], 6, ["tfidf"]),
        (["--pool", "=", "fake-a,fake"], 4, ["fake-a,fake-b", "fake-a,fake-c"]),
        (["--router", "logistic", ":", "tfidf", "--policy", "thr"], 7, ["threshold"]),
    ],
)
def test_bash_which_takes_a_colon_for_a_word(fake_cache, words, at, expected):
    assert completed(["selectllm", "evaluate", *words], fake_cache, at) == expected
