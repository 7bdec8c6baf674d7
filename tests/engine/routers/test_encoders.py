"""Encoders as features and fine-tuned. Those of random weights say whether the machinery works, not how well."""

import json

import numpy as np
import pytest

from fake_encoders import KINDS, fake_encoder
from fakes import write_fake_run
from selectllm_engine.api import Run
from selectllm_engine.errors import EngineError, MissingExtraError, UsageError
from selectllm_engine.routers import DEFAULT_ENCODERS, make_router
from selectllm_engine.routers.encoders import Encoder, tokenized
from selectllm_engine.routers.storage import load_router, read_manifest, save
from selectllm_engine.routers.training import train
from selectllm_engine.store import folder_name

TEXTS = ["how many apples?", "spell the word pear", "add 2 and 3 and 4 and 5.", "", "é 😀 \u202e \x1b[31m"]


def test_without_the_libraries_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr("selectllm_engine.routers.encoders.installed", lambda: False)
    for name in ("knn:minilm", "mlc:roberta-base", "sc:t5-base@2"):
        with pytest.raises(MissingExtraError, match=r"selectllm\[train\]"):
            make_router(name)


def needs_torch():
    return pytest.importorskip("torch")


@pytest.fixture(scope="module")
def encoders(tmp_path_factory):
    needs_torch()
    return {kind: str(fake_encoder(tmp_path_factory.mktemp(kind), kind)) for kind in KINDS}


@pytest.fixture
def run(tmp_path):
    return Run(write_fake_run(tmp_path / "cache"), "fake")


@pytest.mark.parametrize("kind", KINDS)
def test_embeddings_have_length_one_and_do_not_depend_on_padding(encoders, kind):
    features = make_router(f"knn:{kind}", encoders, device="cpu").features
    together = features.transform(TEXTS)
    assert together.dtype == np.float32
    assert together.shape == (len(TEXTS), 16)
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([features.transform([text]) for text in TEXTS])
    np.testing.assert_allclose(alone, together, atol=1e-5)
    assert np.abs(together[0] - together[1]).max() > 1e-4


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_layers_can_be_kept(encoders, kind):
    whole, first, both = (
        make_router(f"knn:{kind}{layers}", encoders, device="cpu").features for layers in ("", "@1", "@2")
    )
    assert np.abs(whole.transform(TEXTS) - first.transform(TEXTS)).max() > 1e-4
    np.testing.assert_array_equal(whole.transform(TEXTS), both.transform(TEXTS))
    with pytest.raises(UsageError, match="2 layers, not 9"):
        make_router(f"knn:{kind}@9", encoders, device="cpu").features.transform(TEXTS)


@pytest.mark.parametrize("family", ["mlc", "mlc-weighted", "sc"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_fine_tuned_encoder_is_loaded_without_the_pretrained_one(encoders, kind, family, tmp_path):
    labels = np.random.default_rng(0).random((len(TEXTS), 2)) < 0.5
    router = make_router(f"{family}:{kind}@1", encoders, device="cpu", epochs=2).fit(TEXTS, labels)
    folder = tmp_path / folder_name(f"{family}:{kind}@1")
    save(router, folder, f"{family}:{kind}@1")
    files = {path.suffix for path in folder.rglob("*") if path.is_file()}
    assert files <= {".json", ".safetensors", ".txt"}
    loaded = load_router(folder, device="cpu")
    np.testing.assert_array_equal(loaded.predict_proba(TEXTS), router.predict_proba(TEXTS))
    untuned = make_router(f"{family}:{kind}@1", encoders, device="cpu", epochs=0).fit(TEXTS, labels)
    assert np.abs(untuned.predict_proba(TEXTS) - router.predict_proba(TEXTS)).max() > 0


def test_class_weights_leave_probabilities_what_they_are(encoders):
    rare = np.zeros((100, 1), bool)
    rare[:10] = True
    router = make_router("mlc-weighted:bert", encoders, device="cpu", epochs=1).fit(["how many?"] * 100, rare)
    assert router.predict_proba(["how many?"])[0, 0] == pytest.approx(0.1, abs=0.05)


def test_the_best_epoch_on_validation_is_kept(encoders, monkeypatch):
    from selectllm_engine.routers import finetuning

    labels = np.random.default_rng(0).random((len(TEXTS), 2)) < 0.5
    seen = []

    def scripted(predicted, _):
        seen.append(predicted)
        return [0.1, 0.9, 0.3][len(seen) - 1]

    monkeypatch.setattr(finetuning, "_weighted_f1", scripted)
    router = make_router("mlc:bert", encoders, device="cpu", epochs=3).fit(TEXTS, labels, validation=(TEXTS, labels))
    np.testing.assert_array_equal(router.predict_proba(TEXTS), seen[1])
    assert np.abs(seen[2] - seen[1]).max() > 0


@pytest.mark.parametrize(("family", "note"), [("mlc", "epoch 2 of 4"), ("sc", "epoch 2 of 4 of LLM 1 of 2")])
def test_an_interrupt_keeps_the_best_so_far(encoders, family, note):
    labels = np.random.default_rng(0).random((len(TEXTS), 2)) < 0.5
    router = make_router(f"{family}:bert", encoders, device="cpu", epochs=4)

    def interrupt(what, _):
        if "epoch 3" in what:
            raise KeyboardInterrupt

    router.progress = interrupt
    router.fit(TEXTS, labels, validation=(TEXTS, labels))
    assert router.interrupted_
    assert note in router.note_
    assert router.predict_proba(TEXTS).shape == labels.shape


def test_an_interrupt_before_the_first_epoch_is_one(encoders):
    router = make_router("mlc:bert", encoders, device="cpu")

    def interrupt(*_):
        raise KeyboardInterrupt

    router.progress = interrupt
    with pytest.raises(KeyboardInterrupt):
        router.fit(TEXTS, np.eye(len(TEXTS), dtype=bool))


def test_a_text_is_embedded_once_per_benchmark(encoders, run, monkeypatch):
    from selectllm_engine.routers.encoders import Encoder

    train(run, "knn:bert", encoders=encoders, device="cpu")
    folder = run.cache.folder("fake") / "features"
    (stored,) = folder.iterdir()
    embedded = []
    original = Encoder._embed
    monkeypatch.setattr(Encoder, "_embed", lambda self, texts: embedded.extend(texts) or original(self, texts))
    train(run, "logistic:bert", encoders=encoders, device="cpu")
    known = set(run.questions["text"])
    assert embedded  # the router's own time is measured with new texts
    assert not known & set(embedded)
    stored.write_bytes(stored.read_bytes()[:1000])
    train(run, "logistic:bert", encoders=encoders, device="cpu")
    assert known & set(embedded)


def test_training_writes_a_router_that_says_which_encoder_it_had(encoders, run):
    trained = train(run, "knn:roberta", encoders=encoders, device="cpu")
    folder = run.cache.router_dir("fake", "knn:roberta")
    manifest = read_manifest(folder)
    assert manifest["encoder"].keys() == {"name", "source", "layers", "fingerprint"}
    assert "/" not in manifest["encoder"]["source"]
    loaded = load_router(folder, encoders, device="cpu")
    np.testing.assert_allclose(loaded.predict_proba(TEXTS), trained.router.predict_proba(TEXTS), atol=1e-5)
    with pytest.raises(UsageError, match=r"another one.*--encoder roberta=FOLDER"):
        load_router(folder, {"roberta": encoders["bert"]}, device="cpu")
    with pytest.raises(UsageError, match="--encoder roberta=FOLDER"):
        load_router(folder, device="cpu")


def test_a_fine_tuned_router_is_trained_and_stacked(encoders, run):
    for name in ("prior", "mlc:distilbert", "knn:tfidf"):
        train(run, name, encoders=encoders, device="cpu")
    train(run, "stack", encoders=encoders, device="cpu")
    assert len(run.routers) == 4
    loaded = load_router(run.cache.router_dir("fake", "stack"), encoders, device="cpu")
    assert loaded.predict_proba(TEXTS).shape == (len(TEXTS), 3)


def test_what_is_no_encoder_is_one_clear_error(encoders, tmp_path):
    needs_torch()
    (tmp_path / "empty").mkdir()
    pickled = tmp_path / "pickled"
    pickled.mkdir()
    (pickled / "config.json").write_text('{"model_type": "bert"}')
    (pickled / "pytorch_model.bin").write_bytes(b"\x80\x04")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{}")
    (broken / "model.safetensors").write_bytes(b"nonsense")
    for folder in ("empty", "pickled", "broken", "missing"):
        router = make_router("knn:mine", {"mine": str(tmp_path / folder)}, device="cpu")
        with pytest.raises(EngineError) as caught:
            router.fit(["a"], np.ones((1, 1), bool))
        assert "\n" not in str(caught.value)


def test_code_in_an_encoders_folder_is_not_run(tmp_path):
    needs_torch()
    folder = fake_encoder(tmp_path / "encoder", "bert")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    make_router("knn:mine", {"mine": str(folder)}, device="cpu").features.transform(TEXTS)
    assert not (tmp_path / "ran").exists()


def test_offline_the_error_names_the_way_out(monkeypatch, tmp_path):
    needs_torch()
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    for name in DEFAULT_ENCODERS:
        with pytest.raises(EngineError, match=f"--encoder {name}=FOLDER"):
            make_router(f"knn:{name}").features.fingerprint  # noqa: B018


def test_a_missing_gpu_is_said():
    torch = needs_torch()
    from selectllm_engine.routers.encoders import choose_device

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert choose_device("auto") == "cpu"
    with pytest.raises(UsageError, match="no GPU"):
        choose_device("cuda")


def test_fine_tuning_takes_smaller_parts_where_memory_runs_out(encoders, monkeypatch) -> None:
    torch = needs_torch()
    from selectllm_engine.routers.finetuning import MeanPoolingClassifier, Recipe

    texts = [f"add {n} and {n}" for n in range(20)]
    labels = np.arange(40).reshape(20, 2) % 3 == 0
    recipe = Recipe(epochs=1, batch=16, dropout=0.0)

    def gradients(most: int):
        classifier = MeanPoolingClassifier.start(
            Encoder("bert", encoders["bert"], device="cpu"), labels, recipe, seed=0
        )
        classifier.at_once = None  # as on a GPU
        for module in classifier.encoder.modules():
            module.p = 0.0  # dropout would draw other units
        logits = classifier._logits

        def fake_memory(batch, dropout=0.0):
            if len(batch["input_ids"]) > most:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return logits(batch, dropout)

        monkeypatch.setattr(classifier, "_logits", fake_memory)
        tokens = tokenized(classifier.tokenizer, texts, longest=16)
        classifier._add_gradients(tokens, np.arange(16), labels, recipe)
        return classifier.at_once, classifier.head.weight.grad.numpy()

    whole, parts = gradients(16), gradients(5)
    assert (whole[0], parts[0]) == (None, 4)
    assert np.allclose(whole[1], parts[1], atol=1e-6)
    with pytest.raises(EngineError, match="too little memory"):
        gradients(0)
