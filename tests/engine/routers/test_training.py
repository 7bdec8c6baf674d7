"""From a run to a trained router on disk and back: what is read, what is written, and what is refused."""

import errno
import io
import json
import os
import shutil
import zipfile

import numpy as np
import polars as pl
import pytest
import skops.io

from fakes import write_fake_run
from selectllm_engine.api import Run
from selectllm_engine.errors import CacheError, DamagedError, SelectLLMError, UnknownNameError, UsageError
from selectllm_engine.routers import parse_router, suite, usable
from selectllm_engine.routers.storage import load_router, read_manifest, read_skops
from selectllm_engine.routers.training import train
from selectllm_engine.routers.training_data import training_data
from selectllm_engine.store.files import TEMPORARY, digest
from selectllm_engine.store.sealed_json import read_sealed, write_sealed


class GuardedRun(Run):
    """A run that does not show the labels of its test split."""

    def outcomes(self, split="test"):
        assert split != "test", "test labels were read"
        return super().outcomes(split)


@pytest.fixture
def run(tmp_path):
    return GuardedRun(write_fake_run(tmp_path / "cache"), "fake")


@pytest.mark.parametrize("router", ["prior", "ridge:tfidf", "knn:tfidf"])
def test_held_out_subjects_are_predicted_by_what_the_others_teach(run, router):
    from selectllm_engine.routers import make_router

    train(run, router, hold_out_subjects=True)
    folder = run.cache.router_dir("fake", router)
    stored = pl.read_parquet(folder / "unseen.parquet")
    data = training_data(run)
    subject = dict(run.questions.select("question_id", "subject").iter_rows())
    assert stored["question_id"].to_list() == data.questions["question_id"].to_list()

    def without(split, name):
        kept = [row for row, question in enumerate(split.ids) if subject[question] != name]
        return [split.texts[row] for row in kept], split.labels[kept]

    for name in set(subject.values()):
        made = make_router(router).fit(*without(data.train, name), validation=without(data.validation, name))
        own = stored.with_row_index("row").filter(pl.col("question_id").replace_strict(subject) == name)
        texts = data.questions["text"].gather(own["row"]).to_list()
        np.testing.assert_allclose(own.select(data.llms).to_numpy(), made.predict_proba(texts), atol=1e-6)
    scores = Run(run.cache, "fake").scores(router, unseen=True)
    assert (scores.note, scores.forest) == (None, None)
    assert scores.validation is not None
    assert scores.train is not None
    train(run, router)  # and gone with the next training
    assert "without --hold-out-subjects" in Run(run.cache, "fake").scores(router, unseen=True).note


def test_one_subject_cannot_be_held_out(tmp_path):
    run = GuardedRun(write_fake_run(tmp_path, questions={"train": 10, "test": 4}), "fake")
    vars(run)["questions"] = run.questions.with_columns(subject=pl.lit("one"))
    with pytest.raises(UsageError, match="no two subjects"):
        train(run, "prior", hold_out_subjects=True)


def test_damaged_unseen_probabilities_are_no_figures(run):
    train(run, "prior", hold_out_subjects=True)
    path = run.cache.router_dir("fake", "prior") / "unseen.parquet"
    path.write_bytes(path.read_bytes()[:50])
    assert "can't be read" in Run(run.cache, "fake").scores("prior", unseen=True).note
    assert Run(run.cache, "fake").scores("prior").note is None


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """Folders of routers, each trained once by itself; not to be changed."""
    made = {}

    def trained(router):
        if router not in made:
            run = GuardedRun(write_fake_run(tmp_path_factory.mktemp("trained")), "fake")
            train(run, router)
            made[router] = run.cache.router_dir("fake", router)
        return made[router]

    return trained


@pytest.fixture
def take(run, shelf):
    """Put a trained router into the test's own run; gives its folder."""

    def take(router):
        folder = run.cache.router_dir("fake", router, write=True)
        shutil.copytree(shelf(router), folder, dirs_exist_ok=True)
        return folder

    return take


def table(run, router, name="probabilities"):
    return pl.read_parquet(run.cache.router_dir(run.benchmark, router) / f"{name}.parquet")


def test_training_reads_no_test_label_and_predicts_every_question(run):
    trained = train(run, "logistic:tfidf")
    questions = run.cache.questions("fake")
    for name in ("probabilities", "forest"):
        predicted = table(run, "logistic:tfidf", name)
        assert predicted.columns == ["question_id", "split", *run.llms]
        assert set(predicted.dtypes[2:]) == {pl.Float32}
        assert predicted.select("question_id", "split").equals(questions.select("question_id", "split"))
        assert predicted.select(run.llms).to_numpy().min() >= 0
        assert predicted.select(run.llms).to_numpy().max() <= 1
    assert 0 <= trained.validation_f1 <= 1
    assert trained.seconds_per_question > 0
    assert run.cache.routers("fake") == ["logistic:tfidf"]


@pytest.mark.parametrize("name", ["prior", "ridge:tfidf", "knn:tfidf", "logistic:tfidf"])
def test_training_questions_get_what_the_others_teach(run, name):
    trained = train(run, name)
    data = training_data(run)
    stored = table(run, name)
    by_split = {each: stored.filter(pl.col("split") == each).select(run.llms).to_numpy() for each in ("train", "test")}
    held_out = trained.router.held_out(data.train.texts, data.train.labels)
    np.testing.assert_allclose(by_split["train"], held_out, atol=1e-6)
    assert np.abs(by_split["train"] - trained.router.predict_proba(data.train.texts)).max() > 1e-4
    texts = data.questions.filter(pl.col("split") == "test")["text"].to_list()
    np.testing.assert_allclose(by_split["test"], trained.router.predict_proba(texts), atol=1e-6)
    assert read_manifest(run.cache.router_dir("fake", name))["train_held_out"] is True


def test_a_stack_holds_out_what_its_routers_do(run):
    for name in ("prior", "knn:tfidf", "stack"):
        train(run, name)
    folders = {name: run.cache.router_dir("fake", name) for name in ("knn:tfidf", "stack")}
    assert read_manifest(folders["stack"])["train_held_out"] is True
    edit(folders["knn:tfidf"], train_held_out=False)  # as one that was trained by an earlier version
    train(run, "stack")
    assert read_manifest(folders["stack"])["train_held_out"] is False


def test_a_full_disk_leaves_nothing_behind(run, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(CacheError, match="No space left on device; free some space"):
            train(run, "prior")
    assert run.cache.verify() == []
    assert not (run.cache.folder("fake") / "routers").exists()
    train(run, "prior")
    before = table(run, "prior")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CacheError, match="No space left on device"):
        train(run, "prior")
    assert table(run, "prior").equals(before), "the trained one is still there"


def test_what_a_killed_training_left_is_no_damage_and_swept(run):
    left = run.cache.root / f"{TEMPORARY}left"
    left.mkdir()
    train(run, "prior")
    assert not left.exists()
    (run.cache.folder("fake") / "routers" / f"{TEMPORARY}left").mkdir()
    assert run.cache.verify() == []


def test_the_manifest_says_what_was_learned_from(run, take):
    folder = take("knn:tfidf")
    manifest = read_manifest(folder)
    assert manifest["llms"] == list(run.llms)
    assert (manifest["train"], manifest["validation"], manifest["k"]) == (60, 30, 5)
    assert manifest["labels"] == training_data(run).digest
    assert {"numpy", "scikit-learn", "selectllm"} <= manifest["versions"].keys()


def test_a_loaded_router_predicts_what_the_table_holds(run, take):
    folder = take("knn:tfidf")
    others = pl.col("split") != "train"  # for training questions the table holds what the others teach
    texts = training_data(run).questions.filter(others)["text"].to_list()
    predicted = load_router(folder).predict_proba(texts)
    np.testing.assert_array_equal(predicted, table(run, "knn:tfidf").filter(others).select(run.llms).to_numpy())


def test_training_again_replaces_the_router_and_leaves_nothing_behind(run):
    for _ in range(2):
        train(run, "prior")
    routers = run.cache.router_dir("fake", "prior").parent
    assert [path.name for path in routers.iterdir()] == ["prior"]


def test_a_failed_training_keeps_the_old_router(run, take, monkeypatch):
    take("prior")
    before = table(run, "prior")

    def fail(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("selectllm_engine.routers.training.save", fail)
    with pytest.raises(KeyboardInterrupt):
        train(run, "prior")
    assert table(run, "prior").equals(before)
    assert [path.name for path in run.cache.router_dir("fake", "prior").parent.iterdir()] == ["prior"]


def test_without_validation_defaults_hold_and_there_is_no_forest(tmp_path):
    run = GuardedRun(write_fake_run(tmp_path, questions={"train": 30, "test": 10}), "fake")
    trained = train(run, "logistic:tfidf")
    assert (trained.validation_f1, trained.validation_accuracy, trained.best_single_accuracy) == (None, None, None)
    assert not (run.cache.router_dir("fake", "logistic:tfidf") / "forest.parquet").exists()


def test_without_a_train_split_the_error_says_what_to_do(tmp_path):
    run = GuardedRun(write_fake_run(tmp_path, questions={"validation": 10, "test": 10}), "fake")
    with pytest.raises(UsageError, match=r"no train split.*selectllm generate"):
        train(run, "prior")


def test_options_are_part_of_what_a_router_reads(run):
    data = training_data(run)
    with_options = data.questions.filter(pl.col("text").str.contains("(A) one (B) two", literal=True))
    assert with_options.height == run.cache.questions("fake").filter(pl.col("kind") == "letter").height > 0


def test_the_forest_judges_validation_questions_it_did_not_learn_from(run, take):
    take("knn:tfidf")
    validation = run.outcomes("validation")
    ids = validation.questions.select("question_id")
    columns = [
        ids.join(table(run, "knn:tfidf", name), on="question_id", maintain_order="left").select(run.llms).to_numpy()
        for name in ("probabilities", "forest")
    ]
    from selectllm_engine.store.confidence_forest import ConfidenceForest

    forest = ConfidenceForest().fit(columns[0], validation.labels)
    np.testing.assert_array_equal(columns[1], forest.out_of_bag_)
    assert np.abs(forest.predict_proba(columns[0]) - forest.out_of_bag_).max() > 0


@pytest.mark.parametrize("name", ["nope", "knn:nope", "mlc:tfidf"])
def test_unknown_routers_are_refused(run, name):
    with pytest.raises((UnknownNameError, UsageError)):
        train(run, name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "weights.skops").write_bytes(b"PK nonsense"), "changed"),
        (lambda folder: (folder / "weights.skops").unlink(), "missing"),
        (lambda folder: (folder / "extra.bin").write_bytes(b"x"), "not in its manifest"),
        (lambda folder: (folder / "manifest.json").write_text("[1]"), "no JSON object"),
        (lambda folder: (folder / "manifest.json").write_text("{"), "cannot be read"),
        (lambda folder: (folder / "manifest.json").write_text('{"format": 1}'), "lacks"),
        (lambda folder: (folder / "manifest.json").write_text('{"format": 99}'), "newer"),
        (lambda folder: edit(folder, router="os:system"), "that of the router 'os:system'"),
        (lambda folder: edit(folder, router="prior"), "that of the router 'prior'"),
        (lambda folder: edit(folder, llms=["one"]), "do not fit"),
        (lambda folder: (folder / "manifest.json").unlink(), "not trained"),
    ],
)
def test_a_changed_router_is_one_clear_error(take, change, message):
    folder = take("logistic:tfidf")
    change(folder)
    with pytest.raises((DamagedError, CacheError), match=message) as caught:
        load_router(folder)
    assert isinstance(caught.value, SelectLLMError)


def edit(folder, **fields):
    path = folder / "manifest.json"
    write_sealed(path, {**read_sealed(path), **fields})


def forge(folder, content):
    """Other weights, with a manifest that vouches for them."""
    (folder / "weights.skops").write_bytes(content)
    edit(folder, files={"weights.skops": digest(content)})


def archive(schema):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("schema.json", json.dumps({"protocol": 2, "_skops_version": "0.16.0", **schema}))
    return content.getvalue()


def node(module, name, loader, **fields):
    return {"__class__": name, "__module__": module, "__loader__": loader, "__id__": 1, **fields}


def command(path):
    """A call of os.system in each of the ways that skops files can describe one."""
    text = node("builtins", "str", "JsonNode", content=json.dumps(f"touch {path}"))
    args = node("builtins", "tuple", "TupleNode", content=[text])
    reduced = {"content": {"constructor": node("os", "system", "FunctionNode"), "args": args}}
    yield node("os", "system", "ReduceNode", **reduced)
    yield node("os", "system", "OperatorFuncNode", attrs=args)
    yield node("builtins", "int", "OperatorFuncNode", attrs=args)
    yield node("posix", "system", "FunctionNode", content={"module_path": "posix", "function": "system"})
    yield node("functools", "partial", "PartialNode", content={"func": node("os", "system", "FunctionNode")})
    yield node("sklearn.pipeline", "Pipeline", "ObjectNode", content=text)
    yield {**text, "__loader__": "MethodNode"}


@pytest.mark.parametrize("which", range(7))
def test_a_malicious_file_runs_nothing(take, tmp_path, which):
    folder = take("logistic:tfidf")
    bad = list(command(tmp_path / "ran"))[which]
    forge(folder, archive(node("builtins", "dict", "DictNode", content={"router": bad}, key_types=[])))
    with pytest.raises(DamagedError, match="which no router of ours does"):
        load_router(folder)
    assert not (tmp_path / "ran").exists()


def test_a_real_skops_file_of_another_kind_is_refused(take):
    from sklearn.preprocessing import FunctionTransformer

    folder = take("prior")
    forge(folder, skops.io.dumps({"router": {"rates_": FunctionTransformer(np.exp)}, "features": {}}))
    with pytest.raises(DamagedError, match="FunctionTransformer"):
        load_router(folder)


def test_weights_that_unpack_to_gigabytes_are_refused_unread(take):
    folder = take("prior")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file, file.open("x.npy", "w") as member:
        for _ in range(3):
            member.write(bytes(1 << 20))
    forge(folder, content.getvalue())
    with pytest.raises(DamagedError, match="unpacks to more than"):
        read_skops(folder / "weights.skops", most=2 << 20)


@pytest.mark.parametrize(
    "state",
    [
        {"rates_": np.zeros((2, 2), np.float32)},
        {"rates_": np.full(3, np.nan, np.float32)},
        {"rates_": "text"},
        {"rates_": [0.1, 0.2, 0.3]},
        {"rates_": np.zeros(3, np.float32), "predict_proba": "other"},
        {"rates_": np.zeros(3, np.float32), "_fit_": 1},
        {},
    ],
    ids=str,
)
def test_weights_that_are_no_such_routers_are_refused(take, state):
    folder = take("prior")
    forge(folder, skops.io.dumps({"router": state, "features": {}}))
    with pytest.raises(DamagedError):
        load_router(folder)


def test_indices_out_of_bounds_are_refused(take):
    folder = take("knn:tfidf")
    state = skops.io.load(folder / "weights.skops", trusted=["scipy.sparse._csr.csr_matrix"])
    state["router"]["vectors_"].indices[0] = 10**6
    forge(folder, skops.io.dumps(state))
    with pytest.raises(DamagedError, match="do not fit"):
        load_router(folder)
    folder = take("forest:tfidf")
    state = skops.io.load(folder / "weights.skops", trusted=["sklearn.tree._tree.Tree"])
    tree = state["router"]["forest_"].estimators_[0].tree_
    stored = tree.__getstate__()
    stored["nodes"]["feature"][0] = 10**6
    tree.__setstate__(stored)
    forge(folder, skops.io.dumps(state))
    with pytest.raises(DamagedError, match="do not fit"):
        load_router(folder)


def test_a_stack_whose_routers_changed_says_so(run, take):
    for name in ("prior", "knn:tfidf"):
        take(name)
    train(run, "stack")
    folder = run.cache.router_dir("fake", "stack")
    load_router(folder)
    for name in run.routers:
        if name != "stack":
            edit(run.cache.router_dir("fake", name), labels="others")
    with pytest.raises(CacheError, match="train the stack again"):
        load_router(folder)


def test_a_stack_alone_trains_what_it_combines(run):
    train(run, "stack")
    assert set(run.routers) == set(suite())


def test_a_stack_combines_what_can_run_here(run, take, monkeypatch):
    for name in ("prior", "knn:tfidf", "logistic:tfidf"):
        take(name)
    monkeypatch.setattr("selectllm_engine.routers.training.usable", lambda name, _: name.family != "logistic")
    train(run, "stack")
    assert set(run.cache.routers("fake")) == {"prior", "knn:tfidf", "logistic:tfidf", "stack"}
    assert load_router(run.cache.router_dir("fake", "stack")).weights_.keys() <= {"prior", "knn:tfidf"}


def test_usable_routers(monkeypatch):
    monkeypatch.setattr("selectllm_engine.routers.encoders.installed", lambda: False)
    names = ["prior", "stack", "knn:tfidf", "knn:minilm", "mlc:minilm", "knn:nope"]
    assert [name for name in names if usable(parse_router(name), {})] == names[:3]
    monkeypatch.setattr("selectllm_engine.routers.encoders.installed", lambda: True)
    assert usable(parse_router("mlc:roberta-base"), {})
    assert not usable(parse_router("knn:nope"), {})
