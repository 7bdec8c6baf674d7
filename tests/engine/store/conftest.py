"""The run that the cache's tests begin with."""

import pytest

from fakes import SMALL_SIZES, write_fake_run


@pytest.fixture
def cache(tmp_path):
    """A run of two LLMs, ten questions, three samples."""
    return write_fake_run(tmp_path / "cache", questions=SMALL_SIZES, llms=("a", "b"), samples=3)
