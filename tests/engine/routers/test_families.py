"""One check suite for every router."""

import copy
from functools import partial
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fake_encoders import fake_encoder
from selectllm_engine.errors import SelectLLMError, UnknownNameError, UsageError
from selectllm_engine.routers import FAMILIES, make_router, parse_router, suite
from selectllm_engine.routers.stack import Member, Stack
from selectllm_engine.routers.storage import load_router, save
from selectllm_engine.store.files import folder_name
from suites import router_names

needs_torch = pytest.mark.skipif(find_spec("torch") is None, reason="needs torch")


def needing_torch(name):
    return pytest.param(name, marks=needs_torch) if parse_router(name).needs_encoder else name


ROUTERS = [needing_torch(name) for name in (*router_names(), "knn:tiny", "logistic:tiny@1", "ridge:tiny")]
LLMS = 3
HOSTILE = [
    "",
    "   ",
    "\n\t\0",
    "\x1b]0;title\x07 [/nope] {x} %s",
    "\u202eevil\u200b",
    "é" * 5_000,
    "? ! . ,",
    "😀 数学 مرحبا",
    "1" * 400,
]


def words(seed, count):
    """Questions of two kinds: sums, which LLM 0 solves, and words, which LLM 1 solves; LLM 2 is a coin."""
    draw = np.random.default_rng(seed)
    kinds = draw.integers(2, size=count)
    things = ["apples", "pears", "boats", "letters", "cups", "days", "trains", "coins"]
    texts = [
        f"Add {draw.integers(99)} {draw.choice(things)} and {draw.integers(99)} more, how many?"
        if kind
        else f"Spell the word {draw.choice(things)} backwards after {draw.choice(things)}."
        for kind in kinds
    ]
    labels = np.stack([kinds == 1, kinds == 0, draw.random(count) < 0.5], axis=1)
    return texts, labels


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """Make routers; the encoder `tiny` has random weights, and is fine-tuned for one epoch only."""
    encoders = {}

    def make(name):
        parsed = parse_router(name)
        if parsed.needs_encoder and not encoders:
            encoders["tiny"] = str(fake_encoder(tmp_path_factory.mktemp("encoder"), "bert"))
        return make_router(parsed, encoders, device="cpu", **({"epochs": 1} if parsed.fine_tuned else {}))

    make.encoders = encoders
    return make


@pytest.fixture(scope="module", params=ROUTERS)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def fitted(name, make):
    return make(name).fit(*words(0, 120), validation=words(1, 60))


def check(predicted, questions, llms=LLMS):
    assert predicted.dtype == np.float32
    assert predicted.shape == (questions, llms)
    assert np.isfinite(predicted).all()
    assert (predicted >= 0).all()
    assert (predicted <= 1).all()


def test_predictions_are_probabilities(fitted):
    check(fitted.predict_proba(words(2, 50)[0]), 50)
    check(fitted.predict_proba([]), 0)
    check(fitted.predict_proba(HOSTILE), len(HOSTILE))


def test_what_can_be_learned_is_learned(name, make, fitted):
    texts, labels = words(2, 100)
    predicted = fitted.predict_proba(texts)
    right = labels[np.arange(100), predicted.argmax(axis=1)].mean()
    assert right > (0.95 if name.endswith(":tfidf") or parse_router(name).info.combines else 0.3)
    assert np.abs(predicted.mean(axis=0) - labels.mean(axis=0)).max() < 0.2


def test_a_question_is_predicted_alike_alone_and_among_others(fitted):
    texts = words(2, 30)[0]
    together = fitted.predict_proba(texts)
    alone = np.concatenate([fitted.predict_proba([text]) for text in texts])
    np.testing.assert_allclose(alone, together, atol=1e-5)


def test_the_same_seed_gives_the_same_router(name, make, fitted):
    again = make(name).fit(*words(0, 120), validation=words(1, 60))
    texts = words(2, 20)[0]
    np.testing.assert_array_equal(again.predict_proba(texts), fitted.predict_proba(texts))


def test_inputs_stay_as_they_are(name, make):
    train, validation = words(0, 40), words(1, 20)
    before = copy.deepcopy((train, validation))
    router = make(name).fit(*train, validation=validation)
    router.predict_proba(validation[0])
    for given_, kept in zip((train, validation), before, strict=True):
        assert given_[0] == kept[0]
        np.testing.assert_array_equal(given_[1], kept[1])


def test_a_changed_label_array_changes_no_fitted_router(name, make):
    texts, labels = words(0, 40)
    router = make(name).fit(texts, labels)
    before = router.predict_proba(texts)
    labels[:] = ~labels
    np.testing.assert_array_equal(router.predict_proba(texts), before)


def test_a_loaded_router_predicts_the_same(name, make, fitted, tmp_path):
    if isinstance(fitted, Stack):  # reads what it combines from the folders beside its own
        for member, router in fitted.routers.items():
            save(router, tmp_path / folder_name(member), member)
        members = {member: Member(partial(load_router, tmp_path / folder_name(member))) for member in fitted.routers}
        fitted = Stack(members).fit(*words(0, 120), validation=words(1, 60))
    folder = tmp_path / folder_name(name)
    save(fitted, folder, name, {"llms": ["a", "b", "c"]})
    texts = [*words(2, 20)[0], *HOSTILE]
    np.testing.assert_array_equal(load_router(folder, make.encoders).predict_proba(texts), fitted.predict_proba(texts))


@pytest.mark.parametrize("validated", [True, False])
@pytest.mark.parametrize(("questions", "llms"), [(1, 1), (1, 3), (2, 5), (4, 30), (60, 1)], ids=str)
def test_any_size_fits(name, make, questions, llms, validated):
    texts = words(3, questions)[0]
    labels = np.random.default_rng(0).random((questions, llms)) < 0.5
    validation = (texts[:1], labels[:1]) if validated else None
    check(make(name).fit(texts, labels, validation=validation).predict_proba([*texts, "new"]), questions + 1, llms)


@pytest.mark.parametrize("validated", [True, False])
def test_an_llm_that_is_always_right_or_wrong(name, make, validated):
    texts, labels = words(0, 60)
    labels = np.stack([np.ones(60, bool), labels[:, 0], np.zeros(60, bool)], axis=1)
    router = make(name).fit(texts, labels, validation=(texts[:20], labels[:20]) if validated else None)
    predicted = router.predict_proba(words(2, 20)[0])
    check(predicted, 20)
    assert (predicted[:, 0] > 0.9).all()
    assert (predicted[:, 2] < 0.1).all()


@pytest.mark.parametrize("texts", [[""] * 10, HOSTILE, ["same"] * 60], ids=["empty", "hostile", "equal"])
def test_any_text_can_be_learned_from(name, make, texts):
    labels = np.random.default_rng(0).random((len(texts), 2)) < 0.5
    router = make(name).fit(texts, labels, validation=(texts, labels))
    check(router.predict_proba([*texts, "new words"]), len(texts) + 1, 2)


@pytest.mark.parametrize(
    "labels",
    [np.zeros((2, 3), bool), np.zeros((3, 0), bool), np.zeros(3, bool), np.zeros((3, 2)), np.zeros((0, 2), bool)],
)
def test_labels_that_do_not_fit_are_refused(name, make, labels):
    with pytest.raises(UsageError):
        make(name).fit(["a", "b", "c"][: 0 if labels.shape[0] == 0 else 3], labels)


@settings(max_examples=50)
@given(st.text(max_size=40))
def test_any_name_is_parsed_or_refused(text):
    try:
        parsed = parse_router(text)
    except UsageError:
        return
    assert parse_router(str(parsed)) == parsed


@pytest.mark.parametrize("router", [*suite(), "knn:minilm", "mlc:roberta-base@4", "sc:my/encoder", "knn:a@b"])
def test_names_are_read_back(router):
    if router.partition(":")[0] in FAMILIES:
        assert str(parse_router(router)) == router


@pytest.mark.parametrize("router", ["", "logistic", "knn:", "prior:tfidf", "knn:tfidf@4", "knn:minilm@0"])
def test_names_that_make_no_router_are_refused(router):
    with pytest.raises(SelectLLMError):
        parse_router(router)


def test_a_misspelt_name_gets_a_hint():
    with pytest.raises(UnknownNameError, match="logistic"):
        parse_router("logstic:tfidf")
    with pytest.raises(UsageError, match="tfidf"):
        make_router("knn:tf-idf")
