"""Setups: the value, its file, and the row that it means."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import selectllm_engine as sl
from fakes import write_fake_run
from selectllm_engine.errors import NotAvailableError, SelectLLMError, UnknownNameError, UsageError
from selectllm_engine.evaluation import POLICIES, parse_policy
from selectllm_engine.setups import (
    Setup,
    check_setup,
    evaluate_setup,
    planned_setup,
    read_setup,
    setup_of,
    setup_text,
    write_setup,
)
from selectllm_engine.store.sealed_json import read_sealed, write_sealed

PLAIN = Setup(benchmark="fake", kind="number", pool=("fake-a", "fake-b"))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12).filter(str.strip)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("setups")
    write_fake_run(folder)
    run = sl.load("fake", folder)
    for router in ("prior", "ridge:tfidf"):
        sl.train(run, router)
    return folder


@pytest.fixture
def run(folder):
    return sl.load("fake", folder)


@given(
    st.lists(NAMES, min_size=1, max_size=4, unique=True),
    NAMES,
    st.none() | NAMES,
    st.none() | st.integers(1, 99),
    st.none() | NAMES,
)
def test_what_is_written_is_read(tmp_path_factory, pool, benchmark, router, k, digest):
    setup = Setup(
        benchmark=benchmark, kind="word", pool=tuple(pool), router=router, k=k, router_digest=digest, samples=3
    )
    path = tmp_path_factory.mktemp("written") / "a.toml"
    assert read_setup(write_setup(setup, path)) == setup


def test_a_file_reads_like_a_table_and_shows_what_cannot_be_seen():
    text = setup_text(replace(PLAIN, router='a"\u202e\x1b\\', policy="threshold:0.4", vote="learned", k=5))
    assert text.splitlines()[1:] == [
        'benchmark = "fake"',
        'kind = "number"',
        'pool = ["fake-a", "fake-b"]',
        r'router = "a\"\u202E\u001B\\"',
        'policy = "threshold:0.4"',
        'vote = "learned"',
        "k = 5",
        'protocol = "corrected"',
        "",
        "[serve]",
        "samples = 1",
    ]


def test_comments_order_and_a_mark_at_the_beginning_do_not_matter(tmp_path):
    path = tmp_path / "by-hand.toml"
    text = "\ufeff# mine\npool = [ 'fake-a', # the quick one\n 'fake-b' ]\nkind='number'\nbenchmark='fake'\n"
    path.write_text(text, "utf-8")
    assert read_setup(path) == PLAIN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pool = x", r"a.toml is no TOML .*line 1"),
        ("benchmark='b'\nkind='word'", "a.toml has no pool"),
        ("polcy = 'argmax'", "there is no key polcy; did you mean 'policy'"),
        ("[serve]\nsample = 3", "there is no key serve.sample; did you mean 'samples'"),
        ("[serve]\nsamples = 0", "serve.samples is 0; it must be a whole number of at least 1"),
        ("serve = 3", r"serve is 3; it must be a table"),
        ("pool = 'a'", "pool is 'a'; it must be a list of names"),
        ("k = true", "k is True; it must be a whole number"),
        ("router = 1", "router is 1; it must be a text"),
        ("benchmark='b'\nkind='word'\npool=['a','a']", "each once"),
        ("benchmark='b'\nkind='word'\npool=['a','b']\npolicy='treshold'", "a.toml: no policy 'treshold'; did you mean"),
        ("benchmark='b'\nkind='word'\npool=['a','b']\npolicy='argmax'", "a.toml: policy argmax chooses by a router"),
        ("benchmark='b'\nkind='word'\npool=['a','b']\nprotocol='papr'", "did you mean 'paper'"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place(tmp_path, text, said):
    path = tmp_path / "a.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_setup(path)


def test_files_that_are_not_there_or_should_stay(tmp_path):
    with pytest.raises(UsageError, match="there is no file"):
        read_setup(tmp_path / "no.toml")
    with pytest.raises(UsageError, match="no known ending"):
        write_setup(PLAIN, tmp_path / "a.txt")
    path = write_setup(PLAIN, tmp_path / "a.toml")
    with pytest.raises(UsageError, match="is there already"):
        write_setup(PLAIN, path)
    write_setup(replace(PLAIN, k=2), path, force=True)
    assert read_setup(path).k == 2
    with pytest.raises(UsageError, match="can't hold the name"):
        write_setup(replace(PLAIN, pool=("\ud800",)), tmp_path / "b.toml")
    assert not (tmp_path / "b.toml").exists()


def test_a_file_of_weights_is_looked_for_beside_the_setup(run, tmp_path):
    run.export_vote(tmp_path / "weights.json")
    setup = setup_of(run, vote=str(tmp_path / "weights.json"))
    path = write_setup(setup, tmp_path / "a.toml")
    assert 'vote = "weights.json"' in path.read_text("utf-8")
    read = read_setup(path)
    assert check_setup(run, read) == ()
    assert evaluate_setup(run, read).accuracy == run.evaluate(vote=tmp_path / "weights.json").row("all-llms").accuracy
    content = read_sealed(tmp_path / "weights.json")
    write_sealed(tmp_path / "weights.json", {**content, "questions": content["questions"] + 1})
    (note,) = check_setup(run, read)
    assert "weights.json changed since" in note


@pytest.mark.parametrize("split", ["test", "validation"])
@pytest.mark.parametrize(
    ("chosen", "row"),
    [
        ({"pool": ["fake-b"]}, "fake-b"),
        ({}, "all-llms"),
        ({"vote": "learned"}, "all-llms"),
        ({"pool": ["fake-c", "fake-a"], "k": 3}, "all-llms"),
        ({"router": "prior"}, "prior argmax"),
        ({"router": "ridge:tfidf", "policy": "threshold:0.5", "vote": "learned"}, "ridge:tfidf threshold"),
        ({"router": "ridge:tfidf", "policy": "sorted-prediction"}, "ridge:tfidf sorted-prediction"),
        ({"router": "ridge:tfidf", "policy": "cost-aware:auto"}, "ridge:tfidf cost-aware"),
        ({"router": "prior", "policy": "upper-bound", "protocol": "paper"}, None),
        ({"router": "prior", "policy": "argmax", "protocol": "paper"}, "prior argmax"),
    ],
)
def test_a_setup_means_the_row_of_evaluate(run, chosen, row, split):
    if row is None:
        with pytest.raises(UnknownNameError, match="no policy"):
            setup_of(run, **chosen)
        return
    setup = setup_of(run, **chosen)
    assert check_setup(run, setup) == ()
    table = run.evaluate(
        setup.pool, setup.router, setup.policy, k=setup.k, vote=setup.vote, protocol=setup.protocol, split=split
    )
    assert evaluate_setup(run, setup, split) == replace(table.row(row), p_adjusted=None)
    planned = planned_setup(run, setup, split)
    assert planned.right().mean() == pytest.approx(planned.row().accuracy)


@pytest.mark.parametrize("policy", ["cascade:0.8", "cascade:auto", "vote:auto", "cascade-value:max"])
def test_policies_that_do_without_a_router(run, policy):
    setup = setup_of(run, policy=policy, k=4)
    row = evaluate_setup(run, setup)
    same = run.evaluate(None, "prior", policy, k=4).row(f"prior {setup.spec.name}")
    if setup.spec.name == "cascade":  # the others read prior's opinions, such as they are
        assert row.accuracy == same.accuracy
        assert row.latency == same.latency
    assert row.name == f"no-router {setup.spec.name}"


@pytest.mark.parametrize("policy", POLICIES)
def test_policies_say_what_they_do(run, policy):
    info = POLICIES[policy]
    if info.needs_router:
        with pytest.raises(UsageError, match=f"policy {policy}.* chooses by a router"):
            setup_of(run, policy=policy)
    else:
        assert evaluate_setup(run, setup_of(run, policy=policy)).name == f"no-router {parse_policy(policy).name}"
    setup = setup_of(run, router="ridge:tfidf", policy=policy)
    with contextlib.suppress(NotAvailableError):  # too few labelled questions
        selection = planned_setup(run, setup).select()
        assert (selection.choice is None) == (info.several or info.draws)
        assert (selection.weights is not None) == info.draws
    assert setup.asks_several == info.several
    assert setup.learns == info.learned
    assert not replace(setup, pool=("fake-a",)).asks_several


def test_a_pool_that_votes_asks_several(run):
    assert setup_of(run).asks_several
    assert not setup_of(run, ["fake-a"]).asks_several


def test_the_kind_of_answers_may_be_left_out(run, tmp_path):
    path = tmp_path / "by-hand.toml"
    path.write_text("benchmark = 'fake'\npool = ['fake-a', 'fake-b']\n")
    setup = read_setup(path)
    assert setup == Setup(benchmark="fake", pool=("fake-a", "fake-b"))
    assert check_setup(run, setup) == ()
    assert "kind" not in setup_text(setup)


def test_it_holds_what_the_run_had(run):
    setup = setup_of(run, ["fake-c", "fake-a"], "prior", vote="learned")
    assert (setup.pool, setup.policy, setup.k) == (("fake-a", "fake-c"), "argmax", 5)
    assert setup.kind == "letter+number+word"
    assert setup.router_digest
    assert setup.vote_digest
    assert setup_of(run).vote_digest is None
    assert setup_of(run, policy="vote:auto").vote_digest


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"benchmark": "other"}, "the setup is of other, not of fake"),
        ({"kind": "number"}, "for answers of kind number; those of fake are of kind letter"),
        ({"pool": ("fake-a", "fake-cc")}, "no LLM 'fake-cc'; did you mean 'fake-c'"),
        ({"router": "priors"}, "no router 'priors'; did you mean 'prior'"),
        ({"k": 6}, "votes over 6 samples, and fake has 5"),
    ],
)
def test_a_run_that_does_not_have_it(run, changed, said):
    with pytest.raises(SelectLLMError, match=said):
        check_setup(run, replace(setup_of(run, router="prior"), **changed))


def test_what_was_made_anew_is_said(run):
    setup = setup_of(run, router="prior", vote="learned")
    notes = check_setup(run, replace(setup, router_digest="0" * 16, vote_digest="0" * 16))
    assert "prior was trained again since the setup was written" in notes[0]
    assert "the answers that the vote learns from changed" in notes[1]
    assert check_setup(run, replace(setup, router_digest=None, vote_digest=None)) == ()


def test_two_setups_are_compared_on_the_same_questions(run):
    a, b = setup_of(run, router="ridge:tfidf", policy="top-m:2", vote="learned"), setup_of(run, ["fake-b"], k=2)
    found = run.compare(a, b)
    rights = [np.asarray(planned_setup(run, each).right()) for each in (a, b)]
    assert found.counts.only_first == int((rights[0] & ~rights[1]).sum())
    assert found.a.delta == pytest.approx(rights[0].mean() - rights[1].mean())
    assert found.names == ("ridge:tfidf top-m:2", "fake-b")
    assert run.compare(a, "best-single").b.name == "best-single"
