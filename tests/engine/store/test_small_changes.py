"""What one small change in the store would move, which no quick test had noticed: perf/mutation.py found it."""

import errno

import polars as pl
import pytest

from fakes import fake_manifest, fake_rows, write_fake_run
from selectllm_engine.answers import EXTRACTOR_VERSION
from selectllm_engine.benchmarks import question_frame
from selectllm_engine.errors import SettingsMismatchError
from selectllm_engine.evaluation import VoteWeights
from selectllm_engine.store.answer_files import sweep
from selectllm_engine.store.cache import Cache, open_cache
from selectllm_engine.store.files import first_reason
from selectllm_engine.store.frames import write_frame
from selectllm_engine.store.judges import verdict_counts
from selectllm_engine.store.outcome_arrays import load_outcomes
from selectllm_engine.store.split_results import _among
from selectllm_engine.store.vote_files import as_vote_rule


@pytest.fixture
def cache(tmp_path):
    return write_fake_run(tmp_path / "cache", questions={"test": 6}, llms=("a", "b"), samples=1)


def test_samples_that_had_no_room_are_counted(cache):
    rows = pl.concat([fake_rows((f"test-{n}", 1)) for n in range(6)])
    reasons = pl.Series(["length", "length", *["stop"] * 4], dtype=pl.String)
    with cache.writer("fake", "a") as writer:
        writer.append(rows.with_columns(finish_reason=reasons), {})
    only = load_outcomes(Cache(cache.root), "fake", "test", llms=["a"])
    assert only.llms == ("a",)
    assert [each.cut for each in only.unanswered] == [2]


def test_answers_of_other_rules_are_told_with_what_they_change(cache):
    cache.answers("fake", "a")
    folder = cache.folder("fake") / "llms" / "a" / "answers"
    for path in folder.glob("v*.parquet"):
        found = pl.read_parquet(path).with_columns(answer=pl.lit("nobody says this"))
        write_frame(path.with_name(path.name.replace(f"v{EXTRACTOR_VERSION}-", f"v{EXTRACTOR_VERSION - 1}-")), found)
        path.unlink()
    again = Cache(cache.root)
    again.answers("fake", "a")
    (said,) = again.news
    assert said.startswith("a on fake: the rules of finding answers have changed: 6 were extracted anew, 6 are others")
    assert "right by our own reading: 0.0 → " in said


def test_counts_of_other_extractors_are_swept_and_these_stay(tmp_path):
    for version in (EXTRACTOR_VERSION, EXTRACTOR_VERSION - 1):
        (tmp_path / f"judged-v{version}-0123456789abcdef.json").touch()
    sweep(tmp_path, [])
    assert [path.name for path in tmp_path.iterdir()] == [f"judged-v{EXTRACTOR_VERSION}-0123456789abcdef.json"]


def test_an_llm_with_scores_alone_is_counted_by_them(cache):
    with cache.writer("fake", "c") as writer:
        writer.start(fake_manifest("c"))
        rows = pl.DataFrame({"question_id": ["test-0", "test-1"], "sample": [0, 0], "score": [1.0, 0.0]})
        writer.write_verdicts(rows)
    counts = verdict_counts(Cache(cache.root), "fake", "c")
    assert (counts["recorded"].sum(), counts["recorded_right"].sum()) == (2, 1)


def test_subjects_and_questions_without_one():
    subjects = pl.Series(["a", "b", None], dtype=pl.String)
    assert _among(subjects, {"a"}).tolist() == [True, False, False]
    assert _among(subjects, {"b", None}).tolist() == [False, True, True]


def test_weights_of_a_vote_are_what_votes():
    given = {
        "llms": ("a",),
        "own": (1.0,),
        "every": 0.0,
        "popularity": (),
        "text": None,
        "rates": (),
        "none": (0.0, 0.0),
    }
    weights = VoteWeights(**given, penalty=1.0, benchmark="fake", questions=60, samples=1)
    assert as_vote_rule(weights).weights is weights


@pytest.mark.parametrize("weights", ["fake/a", None])
def test_weights_that_are_written_otherwise_are_others(cache, weights):
    with cache.writer("fake", "a") as writer, pytest.raises(SettingsMismatchError, match="weights"):
        writer.start(fake_manifest("a", weights=weights))


def test_a_part_of_a_strangers_whose_settings_are_no_json_says_nothing(cache):
    with cache.writer("fake", "c") as writer:
        writer.append(fake_rows(("test-0", 0)), {"settings": "{no json"})
        writer.start(fake_manifest("c"))
    assert Cache(cache.root).manifest("fake", "c")["llm"] == "c"


def test_a_copy_that_fails_says_why_whether_one_file_failed_or_all():
    assert first_reason(OSError(errno.ENOSPC, "No space left on device")) == "No space left on device"
    tree = OSError([("from", "to", "[Errno 28] No space left on device: 'to'")])
    assert first_reason(tree) == "No space left on device"


def test_without_a_cache_it_is_the_users_data_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert open_cache(None).root == tmp_path / "data" / "selectllm" / "cache"


def test_a_packaged_folder_without_questions_is_no_benchmark(cache, tmp_path):
    (cache.root / "unfinished" / "llms").mkdir(parents=True)
    assert Cache(tmp_path / "own", packaged=cache.root).benchmarks() == ["fake"]


def test_letters_of_options_in_another_order_are_the_letters_they_have_here(tmp_path):
    cache = Cache(tmp_path)
    question = {"question_id": "q", "split": "test", "kind": "letter", "gold": "B", "choices": ["one", "two", "three"]}
    cache.write_questions("b", question_frame([{**question, "text": "Which?"}]))
    rows = pl.concat([fake_rows(("q", sample), text="The answer is (A).") for sample in (0, 1)])
    with cache.writer("b", "a") as writer:
        writer.start(fake_manifest("a"))
        writer.append(rows.with_columns(letters=pl.Series(["BCA", None], dtype=pl.String)), {})
    assert cache.answers("b", "a").sort("sample")["answer"].to_list() == ["B", "A"]
