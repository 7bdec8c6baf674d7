"""A made-up run with trained routers, and running commands on it."""

import pytest

import selectllm_engine as sl
from fakes import write_fake_run
from selectllm_tui.cli import main


@pytest.fixture(scope="session")
def fake_cache(tmp_path_factory):
    """The folder of a cache with the benchmark `fake`, its LLMs fake-a to fake-c and two routers. Not to be changed."""
    folder = tmp_path_factory.mktemp("run") / "cache"
    write_fake_run(folder)
    run = sl.load("fake", folder)
    for router in ("prior", "logistic:tfidf"):
        sl.train(run, router)
    return folder


@pytest.fixture
def selectllm(fake_cache, capsys):
    """Run a command on the made-up run; gives exit code, standard output and standard error."""

    def run(*args, cache=fake_cache):
        code = main([*args, "--cache", str(cache)])
        return code, *capsys.readouterr()

    return run
