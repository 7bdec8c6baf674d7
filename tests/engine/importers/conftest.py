"""What the tests of all importers begin with."""

import pytest

from selectllm_engine.store import Cache


@pytest.fixture
def cache(tmp_path):
    """An empty cache."""
    return Cache(tmp_path / "cache")
