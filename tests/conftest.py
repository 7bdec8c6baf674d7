"""For all tests: nothing of the person's own environment is read or written, and no test depends on the clock."""

import gc
import os

import hypothesis
import pytest

# A busy machine is no failure, and the same code gives the same result; --hypothesis-profile=search looks for more.
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.register_profile("project", deadline=None, derandomize=True)
hypothesis.settings.load_profile("project")


def pytest_collection_finish():
    """Modules and tests live to the end: looking through them again and again took a fifth of the explorer's tests."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@pytest.fixture(autouse=True)
def own_environment(monkeypatch, tmp_path_factory):
    for name in [name for name in os.environ if name.startswith("SELECTLLM_") and name != "SELECTLLM_TEST_LLMS"]:
        monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("selectllm_engine.machine._LAST_WORDS", 0.0)  # pytest catches what is said late
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path_factory.getbasetemp() / name.lower()))
