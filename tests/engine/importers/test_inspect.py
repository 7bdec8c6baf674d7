"""Inspect's logs: real ones on our own questions (see `local_tasks`), and what may be wrong with them."""

import json
import struct
import zipfile
from importlib.util import find_spec

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paths import DATA
from selectllm_engine.errors import ImportFormatError, MissingExtraError, SelectLLMError, UnknownNameError, UsageError
from selectllm_engine.importers.inspect import import_inspect
from selectllm_engine.importers.inspect_logs import open_log, samples
from selectllm_engine.importers.records import Options
from selectllm_engine.store import VerdictChoice
from selectllm_engine.store.cache import Cache
from selectllm_engine.store.outcome_arrays import load_outcomes

LOGS = DATA / "inspect"
LLM = "smollm2-135m-it"
[FAULTY] = LOGS.glob("*_faulty_*.json")
ZSTD = find_spec("zipfile_zstd") is not None
needs_zstd = pytest.mark.skipif(not ZSTD, reason="needs the extra inspect")


def header(**changes):
    evaluation = {
        "created": "2026-01-02T03:04:05+00:00",
        "task": "capitals",
        "task_args": {},
        "model": "fake/one",
        "model_args": {},
    }
    status = changes.pop("status", "success")
    return {"version": 2, "status": status, "eval": {**evaluation, **changes}}


def sample(n=1, epoch=1, **changes):
    """A sample with all that Inspect 0.3 writes and we read."""
    text = f"It is\nANSWER: {n}"
    return {
        "id": n,
        "epoch": epoch,
        "input": f"Which number do you read here: {n}?",
        "target": str(n),
        "output": {
            "model": "one",
            "choices": [{"message": {"role": "assistant", "content": text}, "stop_reason": "stop"}],
            "usage": {"input_tokens": 9, "output_tokens": 4},
        },
        "scores": {"match": {"value": "C", "answer": str(n)}, "grader": {"value": 0.25, "answer": text}},
        "model_usage": {
            "fake/grader": {"input_tokens": 999, "output_tokens": 999, "total_cost": 9.0},
            "fake/one": {"input_tokens": 10, "input_tokens_cache_read": 5, "output_tokens": 4, "total_cost": 0.002},
        },
        "total_time": 3.0,
        "working_time": 2.5,
        **changes,
    }


def write_json(path, samples, **changes):
    path.write_text(json.dumps({**header(**changes), "samples": list(samples)}))
    return path


def write_eval(path, samples, compression=zipfile.ZIP_DEFLATED, name="header.json", **changes):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for place, each in enumerate(samples):
            archive.writestr(f"samples/{place}_epoch_{each.get('epoch', 1)}.json", json.dumps(each))
        archive.writestr(name, json.dumps(header(**changes)))
    return path


def test_a_log_whose_sample_broke(cache):
    """As the real tool wrote it: three samples, one of which raised an error."""
    done = import_inspect(cache, FAULTY, "b")
    assert (done.llms, done.rows, done.splits) == ((LLM,), 3, {"test": 2})
    assert done.skipped == {"samples that ended with an error": 1}
    logged = [each for each in json.loads(FAULTY.read_text())["samples"] if not each.get("error")]
    generations = cache.generations("b", LLM).rows(named=True)
    assert [each["text"] for each in generations] == [each["output"]["completion"] for each in logged]
    assert [each["output_tokens"] for each in generations] == [
        each["output"]["usage"]["output_tokens"] for each in logged
    ]
    assert [each["latency"] for each in generations] == [each["working_time"] for each in logged]
    golds = dict(cache.questions("b").select("text", "gold").iter_rows())
    assert golds == {each["input"]: each["target"] for each in logged}
    assert import_inspect(cache, FAULTY, "b").unchanged


@needs_zstd
def test_real_logs_with_epochs(cache):
    own = Options(verdicts=VerdictChoice.parse(["own"]))  # the log's are too strict for 98 % of agreement
    done = import_inspect(cache, LOGS, "b", options=own, tasks=["sums", "words"])
    assert (done.llms, done.rows, done.splits) == ((LLM,), 18, {"test": 6})
    assert "sums: scorer match (not answer)" in done.notes
    assert "words: scorer choice" in done.notes
    logged = {}
    import zipfile_zstd  # noqa: F401

    for path in LOGS.glob("*.eval"):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.startswith("samples/"):
                    each = json.loads(archive.read(name))
                    logged[each["input"], each["epoch"] - 1] = each
    texts = dict(cache.questions("b").select("question_id", "text").iter_rows())
    generations = cache.generations("b", LLM).rows(named=True)
    assert len(generations) == len(logged) == 18
    for row in generations:
        each = logged[texts[row["question_id"]], row["sample"]]
        assert row["text"] == each["output"]["completion"]
        assert row["latency"] == each["working_time"]
    for row in cache.verdicts("b", LLM).rows(named=True):
        found = next(iter(logged[texts[row["question_id"]], row["sample"]]["scores"].values()))
        assert row["score"] == {"C": 1.0, "I": 0.0}[found["value"]]
        assert row["answer"] == (found.get("answer") or None)
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.samples == 3
    assert outcomes.questions.height == 6
    letters = cache.questions("b").filter(subject="words")
    assert {each: len(found) for each, found in letters.select("question_id", "choices").iter_rows()} == {
        "words-w0": 4,
        "words-w1": 4,
        "words-w2": 4,
    }


@pytest.mark.skipif(ZSTD, reason="the extra inspect is installed")
def test_the_extra_is_named(cache):
    with pytest.raises(MissingExtraError, match=r"selectllm\[inspect\]"):
        import_inspect(cache, LOGS, "b")
    assert not cache.root.exists()


@pytest.mark.parametrize("write", [write_json, write_eval], ids=["json", "eval"])
def test_both_formats_say_the_same(cache, tmp_path, write):
    path = write(
        tmp_path / f"log.{write.__name__.removeprefix('write_')}", [sample(n, e) for e in (1, 2) for n in (1, 2)]
    )
    seen = []
    done = import_inspect(cache, path, "b", progress=lambda *each: seen.append(each))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (done.llms, done.rows, done.splits, done.skipped) == (("fake/one",), 4, {"test": 2}, {})
    row = cache.generations("b", "fake/one").sort("question_id", "sample").row(0, named=True)
    assert (row["sample"], row["prompt_tokens"], row["output_tokens"], row["finish_reason"]) == (0, 15, 4, "stop")
    assert (row["latency"], row["cost"]) == (2.5, 0.002)
    assert cache.verdicts("b", "fake/one")["score"].to_list() == [1.0] * 4
    assert set(cache.questions("b")["subject"]) == {"capitals"}
    outcomes = load_outcomes(cache, "b", "test")
    assert outcomes.samples == 2
    assert outcomes.labels.all()


def test_another_scorer(cache, tmp_path):
    path = write_json(tmp_path / "log.json", [sample()])
    assert "capitals: scorer grader (not match)" in import_inspect(cache, path, "b", scorer="grader").notes
    assert cache.verdicts("b", "fake/one")["score"].to_list() == [0.25]
    with pytest.raises(UnknownNameError, match="did you mean 'grader'"):
        import_inspect(cache, path, "c", scorer="graders")
    assert cache.benchmarks() == ["b"]


@pytest.mark.parametrize(
    ("value", "score"),
    [
        ("C", 1.0),
        ("P", 0.5),
        ("I", 0.0),
        ("N", 0.0),
        ("yes", 1.0),
        ("False", 0.0),
        ("0.75", 0.75),
        (True, 1.0),
        (1, 1.0),
        (0.5, 0.5),
        (float("nan"), None),
        (7, None),
        (-1, None),
        ("maybe", None),
        ([1, 0], None),
        (None, None),
        (10**400, None),
    ],
)
def test_values_of_scores(cache, tmp_path, value, score):
    path = write_json(tmp_path / "log.json", [sample(scores={"s": {"value": value}}), sample(2)])
    done = import_inspect(cache, path, "b", scorer="s")
    found = cache.verdicts("b", "fake/one")
    assert ([] if found is None else found["score"].to_list()) == ([] if score is None else [score])
    assert any("no numbers from 0 to 1" in each for each in done.notes) == (score is None)


def test_a_score_with_parts_names_them_and_one_can_be_chosen(cache, tmp_path):
    parts = [{"s": {"value": {"a": 1, "b": 0.0}}}, {"s": {"value": {"a": 0, "b": None}}}]
    path = write_json(tmp_path / "log.json", [sample(at, scores=each) for at, each in enumerate(parts, start=1)])
    with pytest.raises(UsageError, match=r"a score of s has parts: a, b; choose one, such as --scorer s\.a"):
        import_inspect(cache, path, "b")
    import_inspect(cache, path, "a", scorer="s.a")
    assert cache.verdicts("a", "fake/one")["score"].to_list() == [1.0, 0.0]
    import_inspect(cache, path, "b", scorer="s.b")
    assert cache.verdicts("b", "fake/one")["score"].to_list() == [0.0]  # what is not scored is unknown
    with pytest.raises(UnknownNameError, match="no part of s 'c'"):
        import_inspect(cache, path, "c", scorer="s.c")
    mixed = [sample(scores={"s": {"value": {"a": 1}}}), sample(2, scores={"s": {"value": "C"}})]
    done = import_inspect(cache, write_json(tmp_path / "mixed.json", mixed), "mixed")
    assert "a score of s has parts: a; choose one, such as --scorer s.a; till then they are unknown" in done.notes


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("plain", "plain"),
        ("", ""),
        (
            [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            "a\nb",
        ),
        ("attachment://77", "a long text"),
    ],
)
def test_texts(cache, tmp_path, content, text):
    output = {"choices": [{"message": {"content": content}}]}
    path = write_json(
        tmp_path / "log.json", [sample(output=output, scores={}, attachments={"77": "a long text"}, model_usage={})]
    )
    assert "capitals: not scored" in import_inspect(cache, path, "b").notes
    row = cache.generations("b", "fake/one").row(0, named=True)
    assert (row["text"], row["prompt_tokens"], row["finish_reason"]) == (text, None, None)


def test_the_scorers_answer_stands_in_for_a_missing_text(cache, tmp_path):
    write_json(tmp_path / "log.json", [sample(1, output={}), sample(2, output={"choices": []}, scores={})])
    done = import_inspect(cache, tmp_path / "log.json", "b")
    assert done.skipped == {"samples without output": 1}
    assert cache.generations("b", "fake/one")["text"].to_list() == ["1"]


def test_what_is_skipped(cache, tmp_path):
    samples = [
        sample(1),
        sample(2, error={"message": "it broke"}),
        sample(3, invalidation={"author": "me"}),
        sample(4, choices=[str(n) for n in range(27)]),
        sample(5, id=None),
        sample(6, input=[{"role": "user", "content": [{"type": "image", "image": "…"}]}]),
        sample(5, epoch=2**40),
    ]
    done = import_inspect(cache, write_eval(tmp_path / "log.eval", samples), "b")
    assert done.rows == 7
    assert done.splits == {"test": 1}
    assert done.skipped.pop("samples without an id or epoch") == 2
    assert list(done.skipped.values()) == [1] * 4


def test_conversations_and_targets(cache, tmp_path):
    asked = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Look:"},
        {"role": "assistant", "content": "?"},
        {"role": "user", "content": [{"type": "text", "text": "Yes or no?"}]},
    ]
    samples = [
        sample("a", input=asked, target=["Yes."]),
        sample("b", input="Two?", target=["x", "y"]),
        sample("c", input="Vitamin?", choices=["B", "A", "C"], target="B"),
    ]
    for each in samples:
        each["output"] = {"choices": [{"message": {"content": "B"}}]}
    import_inspect(cache, write_json(tmp_path / "log.json", samples), "b")
    rows = {row["question_id"]: row for row in cache.questions("b").iter_rows(named=True)}
    assert rows["capitals-a"]["text"] == "Look:\n\nYes or no?"
    assert rows["capitals-a"]["gold"] == "yes"
    assert rows["capitals-b"]["gold"] is None
    assert (rows["capitals-c"]["gold"], rows["capitals-c"]["kind"]) == ("B", "letter")  # not A, whose text is "B"


def test_several_llms_are_joined_on_the_question(cache, tmp_path):
    folder = tmp_path / "logs"
    (folder / "deeper").mkdir(parents=True)
    write_json(folder / "a.json", [sample(1), sample(2)])
    # Another order: Inspect counted its samples differently.
    write_eval(folder / "deeper" / "b.eval", [sample(2) | {"id": 1}, sample(1) | {"id": 2}], model="fake/two")
    (folder / "logs.json").write_text('{"a.json": {}}')
    done = import_inspect(cache, folder, "b")
    assert done.llms == ("fake/one", "fake/two")
    assert done.splits == {"test": 2}
    assert "1 JSON files are no logs of Inspect: passed over" in done.notes
    assert load_outcomes(cache, "b", "test").labels.all()
    with pytest.raises(UsageError, match="one LLM"):
        import_inspect(cache, folder, "c", llm="x")
    with pytest.raises(UnknownNameError, match="capitals"):
        import_inspect(cache, folder, "c", tasks=["capital"])
    assert import_inspect(cache, folder / "a.json", "c", llm="x").llms == ("x",)


def test_local_weights_are_named_by_their_folder(cache, tmp_path):
    for name, weights in {"a": "llms/tiny", "b": "/models/small", "c": "/one/same", "d": "/two/same"}.items():
        write_json(tmp_path / f"{name}.json", [sample()], model="hf/local", model_args={"model_path": weights})
    assert import_inspect(cache, tmp_path, "b").llms == ("tiny", "small", "/one/same", "/two/same")


def test_the_newest_successful_run_counts(cache, tmp_path):
    def run(name, day, status, n):
        write_json(tmp_path / f"{name}.json", [sample(n)], status=status, created=f"2026-01-0{day}T00:00:00+00:00")

    run("a", 1, "success", 1)
    run("b", 2, "success", 2)
    run("c", 3, "cancelled", 3)
    done = import_inspect(cache, tmp_path, "b")
    assert cache.questions("b")["gold"].to_list() == ["2"]
    assert any(each.startswith("2 other logs") for each in done.notes)
    for name in "ab":
        (tmp_path / f"{name}.json").unlink()
    done = import_inspect(cache, tmp_path, "c")
    assert cache.questions("c")["gold"].to_list() == ["3"]
    assert any("ended as 'cancelled'" in each for each in done.notes)


def test_a_run_that_was_killed(cache, tmp_path):
    """Inspect writes header.json at the end of a run; before, there is only its start."""
    path = write_eval(tmp_path / "log.eval", [sample()], name="_journal/start.json", status="started")
    assert any("ended as 'started'" in each for each in import_inspect(cache, path, "b").notes)


def test_total_time_stands_in(cache, tmp_path):
    done = import_inspect(cache, write_json(tmp_path / "log.json", [sample(working_time=None)]), "b")
    assert cache.generations("b", "fake/one")["latency"].to_list() == [3.0]
    assert any("total_time" in each for each in done.notes)


def test_a_member_that_was_written_again(cache, tmp_path):
    path = write_eval(tmp_path / "log.eval", [sample(scores={"s": {"value": "I"}})])
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("samples/0_epoch_1.json", json.dumps(sample(scores={"s": {"value": "C"}})))
    import_inspect(cache, path, "b")
    assert cache.verdicts("b", "fake/one")["score"].to_list() == [1.0]


def test_hostile_names_touch_no_file(cache, tmp_path):
    folder = tmp_path / "deep" / "down"
    folder.mkdir(parents=True)
    path = write_eval(folder / "log.eval", [sample()])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../evil.json", "{}")
        archive.writestr("samples/../../../evil_epoch_1.json", json.dumps(sample(2, id="../../evil")))
    import_inspect(cache, path, "b")
    assert not list(tmp_path.rglob("evil*"))
    assert "capitals-../../evil" in cache.questions("b")["question_id"]


def lie_about_size(path, compression=zipfile.ZIP_DEFLATED):
    """A member whose directory entry says that it is small: 40 KB of zeros as 100 bytes."""
    with zipfile.ZipFile(path, "a", compression) as archive:
        archive.writestr("samples/9_epoch_1.json", b"0" * 40_000)
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<L", 40_000), struct.pack("<L", 100)))


def truncate(path):
    path.write_bytes(path.read_bytes()[:-60])


def garble(path):
    data = bytearray(path.read_bytes())
    data[60:90] = bytes(30)
    path.write_bytes(data)


def member(name, content):
    def add(path):
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(name, content)

    return add


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        garble,
        lie_about_size,
        member("samples/9_epoch_1.json", '{"id": 1'),
        member("samples/9_epoch_1.json", "[1]"),
        member("samples/9_epoch_1.json", b"\xff\xfe\x00"),
        member("samples/9_epoch_1.json", "[" * 100_000),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_text("no archive"),
        lambda path: write_eval(path, [sample()], name="other.json"),
        lambda path: write_eval(path, [sample()], model=None),
        lambda path: write_eval(path, []),
    ],
)
def test_damaged_archives_change_nothing(cache, tmp_path, damage):
    import_inspect(cache, FAULTY, "before")
    path = write_eval(tmp_path / "log.eval", [sample(n) for n in range(1, 4)])
    damage(path)
    with pytest.raises(ImportFormatError) as found:
        import_inspect(cache, tmp_path / "log.eval", "b")
    assert "\n" not in str(found.value)
    assert cache.benchmarks() == ["before"]
    assert not list(cache.root.glob(".tmp-*"))


@needs_zstd
def test_a_zstd_member_that_lies_about_its_size(cache, tmp_path):
    import zipfile_zstd

    path = write_eval(tmp_path / "log.eval", [sample()], zipfile_zstd.ZIP_ZSTANDARD)
    import_inspect(cache, path, "b")
    lie_about_size(path, zipfile_zstd.ZIP_ZSTANDARD)
    with pytest.raises(ImportFormatError, match="damaged"):
        import_inspect(cache, path, "c")
    assert cache.benchmarks() == ["b"]


def test_encrypted_and_foreign_compression(cache, tmp_path):
    path = write_eval(tmp_path / "log.eval", [sample()])
    data = path.read_bytes()
    for place, value in ((8, b"\x63\x00"), (6, b"\x01\x00")):  # method 99, the flag of encryption
        changed = bytearray(data)
        for start, offset in ((b"PK\x03\x04", place), (b"PK\x01\x02", place + 2)):
            at = -1
            while (at := data.find(start, at + 1)) >= 0:
                changed[at + offset : at + offset + 2] = value
        path.write_bytes(changed)
        with pytest.raises(ImportFormatError, match="damaged"):
            import_inspect(cache, path, "b")
    assert not cache.root.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"eval": 1}', '{"eval": {"model": 1}}', "[" * 100_000])
def test_json_that_is_no_log(cache, tmp_path, content):
    path = tmp_path / "log.json"
    path.write_text(content)
    with pytest.raises(ImportFormatError) as found:
        import_inspect(cache, path, "b")
    assert "\n" not in str(found.value)
    assert not cache.root.exists()


def test_samples_that_are_no_list(cache, tmp_path):
    path = write_json(tmp_path / "log.json", [sample()])
    path.write_text(json.dumps({**json.loads(path.read_text()), "samples": 3}))
    with pytest.raises(ImportFormatError, match="nothing to import"):
        import_inspect(cache, path, "b")


def test_limits(tmp_path):
    whole = write_json(tmp_path / "log.json", [sample()])
    with pytest.raises(ImportFormatError, match="convert it"):
        open_log(whole, largest=100)
    packed = write_eval(tmp_path / "log.eval", [sample(1), sample(2, store={"much": "x" * 5000})])
    with pytest.raises(ImportFormatError, match="larger"):  # the header itself
        open_log(packed, largest=100)
    small, large = samples(open_log(packed), largest=5000)
    assert small is not None
    assert large is None


def test_places_without_logs(cache, tmp_path):
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "none", tmp_path / "none.eval"):
        with pytest.raises(ImportFormatError):
            import_inspect(cache, path, "b")
    assert not cache.root.exists()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=8,
    ),
    st.sampled_from([*sample(), "choices", "error", "attachments"]),
)
def test_whatever_a_field_holds_is_read_or_refused(tmp_path_factory, value, field):
    folder = tmp_path_factory.mktemp("fuzz")
    path = write_json(folder / "log.json", [{**sample(), field: value}, sample(2)])
    try:
        assert import_inspect(Cache(folder / "cache"), path, "b").rows == 2
    except SelectLLMError as error:
        assert str(error)  # noqa: PT017
