"""Members of large JSON files: the same as json reads, in bounded memory, and one line about what is damaged."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selectllm_engine.errors import ImportFormatError
from selectllm_engine.importers.json_members import has_member, lines, members

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(VALUES) | st.dictionaries(st.text(), VALUES), st.sampled_from([None, 2]), st.booleans())
def test_members_are_what_json_reads(tmp_path, found, indent, ascii_only):
    path = tmp_path / "file.json"
    text = json.dumps({"before": [1, {"x": "]}"}], "in": {"it": found}}, indent=indent, ensure_ascii=ascii_only)
    path.write_text(text.encode(errors="replace").decode(), encoding="utf-8")
    expected = json.loads(path.read_text("utf-8"))["in"]["it"]
    named = list(expected.items()) if isinstance(expected, dict) else [(str(n), v) for n, v in enumerate(expected)]
    assert list(members(path, "in", "it", chunk=3)) == named
    assert has_member(path, "in", "it", chunk=3)
    assert not has_member(path, "in", "that", chunk=3)
    assert not has_member(path, "before", "x", chunk=3)


def test_the_whole_file_and_a_byte_order_mark(tmp_path):
    path = tmp_path / "file.json"
    path.write_bytes(b"\xef\xbb\xbf [12, 34.5, -6e2]\n")
    assert list(members(path)) == [("0", 12), ("1", 34.5), ("2", -600.0)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": [1, 2', "is no whole JSON; the file ends too early: copy it again"),
        (b'{"a": [1, {"b": "c', "is no whole JSON"),
        (b'{"a": [1 2]}', "is no whole JSON"),
        (b'{"a": [1,, 2]}', "is no whole JSON"),
        (b'{"a": [' + b"[" * 100_000, "is no whole JSON"),
        (b'{"a": ["\xff"]}', "is no UTF-8 text"),
        (b'{"b": []}', "has no 'a'"),
        (b'{"a": 3}', "has no 'a'"),
        (b"", "is no whole JSON"),
    ],
)
def test_damaged_files(tmp_path, content, message):
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(ImportFormatError, match=message):
        list(members(path, "a", chunk=3))


def test_a_member_may_not_fill_the_memory(tmp_path):
    small = {"chunk": 10, "largest": 1000}
    path = tmp_path / "file.json"
    path.write_text(json.dumps(["x" * 500] * 100))
    assert sum(1 for _ in members(path, **small)) == 100
    path.write_text(json.dumps(["x" * 5000]))
    with pytest.raises(ImportFormatError, match="has a member of more than"):
        list(members(path, **small))


def test_lines(tmp_path):
    path = tmp_path / "file.jsonl"
    path.write_text('{"a": 1}\n\n[2]\n')
    assert list(lines(path)) == [(1, {"a": 1}), (3, [2])]
    path.write_text('{"a": 1}\n{"a"')
    with pytest.raises(ImportFormatError, match=r"file.jsonl, line 2 is no JSON; the file ends too early"):
        list(lines(path))
    for read in (lines, members, has_member):
        with pytest.raises(ImportFormatError, match="cannot read"):
            list(read(tmp_path / "none.json"))
