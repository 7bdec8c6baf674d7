"""Shell completion: what the shell's hook prints for a line that is being typed."""

import os
import subprocess
import sys

import pytest

MAIN = "import sys; from selectllm_tui.cli import main; sys.exit(main())"


def completed(line, cache):
    environment = {
        **os.environ,
        "_SELECTLLM_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(line.split()) - (not line.endswith(" "))),
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
    assert completed(line, fake_cache) == expected


def test_nothing_to_complete_is_no_error(tmp_path):
    assert completed("selectllm evaluate --pool x", tmp_path / "none") == []
