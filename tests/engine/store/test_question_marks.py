"""Marks and notes on questions: none are lost, damaged ones are noticed, and they go with their benchmark."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import write_fake_run
from selectllm_engine.errors import CacheError, DamagedError, UsageError
from selectllm_engine.store import LONGEST_NOTE, Cache, Mark, changed, merge
from selectllm_engine.store.question_marks import MARKS, joined, read_marks
from selectllm_engine.store.sealed_json import write_sealed

NOTES = st.dictionaries(st.sampled_from("abc"), st.builds(Mark, st.booleans(), st.sampled_from(["", "x", "why", "ß"])))


@pytest.fixture
def cache(tmp_path):
    return write_fake_run(tmp_path / "cache", questions={"test": 6}, llms=("a", "b"), samples=2)


def test_what_is_changed_is_kept_field_by_field(cache):
    assert cache.marks("fake") == {}
    cache.mark("fake", {"test-1": {"marked": True}})
    assert cache.mark("fake", {"test-1": {"note": "odd"}}) == {"test-1": Mark(marked=True, note="odd")}
    assert Cache(cache.root).mark("fake", {"test-2": {"note": "two"}}) == {
        "test-1": Mark(marked=True, note="odd"),
        "test-2": Mark(note="two"),
    }
    cache.mark("fake", {"test-1": {"marked": False, "note": ""}})
    assert cache.marks("fake") == {"test-2": Mark(note="two")}
    assert cache.verify() == []


def test_two_that_mark_at_once_lose_nothing(cache):
    ids = [f"test-{number}" for number in range(6)]

    def mark(field, value):
        own = Cache(cache.root)
        for question_id in ids:
            own.mark("fake", {question_id: {field: value}})

    threads = [threading.Thread(target=mark, args=each) for each in (("marked", True), ("note", "seen"))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert cache.marks("fake") == dict.fromkeys(ids, Mark(marked=True, note="seen"))


@pytest.mark.parametrize("note", ["two\nlines", "x" * (LONGEST_NOTE + 1), "\ud800"])
def test_a_note_is_a_line_of_text(cache, note):
    with pytest.raises(UsageError, match="no note"):
        cache.mark("fake", {"test-1": {"note": note}})
    assert cache.marks("fake") == {}


@given(NOTES, NOTES)
def test_joining_loses_nothing_and_changes_nothing_twice(ours, theirs):
    both = joined(ours, theirs)
    assert joined(both, theirs) == both
    assert joined(both, ours) == both
    for question_id, each in [*ours.items(), *theirs.items()]:
        assert both[question_id].marked >= each.marked
        assert each.note in both[question_id].note
    assert changed(ours, {}) == {question_id: each for question_id, each in ours.items() if each != Mark()}


@pytest.mark.parametrize(
    "content", [{"marks": 3}, {"marks": {"q": {"marked": 1, "note": ""}}}, {"marks": {"q": []}}, {}]
)
def test_what_is_no_mark_is_damaged(tmp_path, content):
    write_sealed(tmp_path / MARKS, content)
    with pytest.raises(DamagedError, match="holds no mark"):
        read_marks(tmp_path)


def test_damage_is_found_set_aside_or_accepted_and_never_overwritten(cache):
    cache.mark("fake", {"test-1": {"note": "first"}})
    path = cache.root / "fake" / MARKS
    path.write_bytes(path.read_bytes().replace(b"first", b"other"))
    with pytest.raises(DamagedError, match="changed by hand"):
        cache.mark("fake", {"test-1": {"marked": True}})
    assert [each.path for each in cache.verify()] == [path]
    assert [each.done for each in cache.verify(accept=True)] == ["sealed as it is"]
    assert cache.marks("fake") == {"test-1": Mark(note="other")}
    path.write_bytes(b"{")
    assert [each.done for each in cache.verify(repair=True)] == [f"set aside as {MARKS}.damaged"]
    assert cache.marks("fake") == {}


def test_marks_join_and_go_with_their_benchmark(cache, tmp_path):
    other = write_fake_run(tmp_path / "other", questions={"test": 6}, llms=("a", "b"), samples=2)
    other.mark("fake", {"test-1": {"marked": True, "note": "theirs"}, "test-2": {"marked": True}})
    cache.mark("fake", {"test-1": {"note": "ours"}})
    assert merge(cache, other, "fake").marks == 2
    assert cache.marks("fake") == {"test-1": Mark(marked=True, note="ours · theirs"), "test-2": Mark(marked=True)}
    assert merge(cache, other, "fake").marks == 0
    new = Cache(tmp_path / "new")
    assert merge(new, other, "fake").marks == 2
    assert new.marks("fake") == other.marks("fake")
    cache.remove("fake", llm="a")
    assert len(cache.marks("fake")) == 2
    cache.remove("fake")
    assert not (cache.root / "fake" / MARKS).exists()


def test_the_packaged_run_is_not_marked(cache, tmp_path):
    above = Cache(tmp_path / "above", packaged=cache.root)
    with pytest.raises(CacheError, match="recorded run"):
        above.mark("fake", {"test-1": {"marked": True}})
    assert not above.root.exists()
    assert above.marks("fake") == {}
