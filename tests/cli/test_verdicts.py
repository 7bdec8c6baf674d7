"""Whose verdict counts, as commands say it; and what they say of samples without an answer and of earlier versions."""

import json
import subprocess
import sys

import polars as pl
import pytest

from selectllm_engine.store import Cache
from selectllm_tui.cli.marks import mark
from selectllm_tui.cli.verdicts import MOST, note_verdicts


def write(path, rows):
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return str(path)


def row(llm, number, said, score, subject="sums"):
    return {"question": f"What is {number}?", "llm": llm, "text": said, "gold": number, "ok": score, "subject": subject}


@pytest.fixture
def command(tmp_path):
    rows = [row("a", n, f"It is {n}.", 1) for n in range(4)] + [
        row("a", n, "Well said", 1, "talk") for n in range(4, 8)
    ]
    rows += [row("b", n, "" if n else f"It is {n}.", int(not n)) for n in range(4)]
    path = write(tmp_path / "rows.jsonl", rows)
    columns = ["--llm", "llm", "--text", "text", "--gold", "gold", "--score", "ok", "--subject", "subject"]
    return ["import", "table", path, "--benchmark", "t", *columns]


def test_an_import_ends_with_the_table_and_a_line_for_each_overruled_subject(selectllm, tmp_path, command):
    code, _, err = selectllm(*command, cache=tmp_path / "cache")
    assert code == 0
    lines = err.splitlines()
    at = lines.index("subject  LLM  questions  recorded %  ours %  agree %  no answer %  empty %  verdict")
    assert lines[at + 1 : at + 5] == [
        "sums     a            4       100.0   100.0    100.0          0.0      0.0  ours",
        "sums     b            4        25.0    25.0    100.0         75.0     75.0  ours",
        "talk     a            4       100.0     0.0      0.0        100.0      0.0  recorded",
        "talk: recorded verdicts are the labels, ours agree on 0.0 % only: a 100.0 % recorded, 0.0 % ours; "
        "the same import with --verdicts talk=own takes ours",
    ]
    err = selectllm(*command, "--verdicts", "talk=own", cache=tmp_path / "cache")[2]
    assert err.startswith("t was already there")
    assert "talk     a            4       100.0     0.0      0.0        100.0      0.0  ours" in err
    code, out, _ = selectllm("show", "--verdicts", "--benchmark", "t", "--format", "json", cache=tmp_path / "cache")
    assert code == 0
    assert [(each["subject"], each["llm"], each["used"]) for each in json.loads(out)] == [
        ("sums", "a", "own"),
        ("sums", "b", "own"),
        ("talk", "a", "own"),
    ]
    assert selectllm("show", "--verdicts", "q", cache=tmp_path / "cache")[0] == 2
    code, _, err = selectllm(*command, "--verdicts", "mine", cache=tmp_path / "other")
    assert code == 2
    assert "write auto, own, recorded" in err


def test_many_subjects_are_told_together(capsys):
    rows = [
        {"subject": f"s{at}", "llm": "a", "questions": 2, "recorded_accuracy": at % 2, "used": "own", "agreement": None}
        | dict.fromkeys(("own_accuracy", "missing", "empty", "cut"))
        for at in range(MOST + 1)
    ]
    note_verdicts(rows, "b")
    err = capsys.readouterr().err
    assert "a          122        49.2  ours" in err
    assert "selectllm show --verdicts --benchmark b lists each" in err


def test_details_and_lessons_say_what_explains_a_low_accuracy(selectllm, tmp_path, command):
    cache = tmp_path / "cache"
    rows = [row(llm, n, f"It is {n}." if llm == "a" else "", int(llm == "a")) for llm in "ab" for n in range(6)]
    write(tmp_path / "rows.jsonl", rows)
    assert selectllm(*command, cache=cache)[0] == 0
    out = selectllm("evaluate", "--benchmark", "t", "--details", cache=cache)[1]
    assert "⚠ b: 6 of 6 samples are empty" in out
    table = json.loads(selectllm("evaluate", "--benchmark", "t", "--details", "--format", "json", cache=cache)[1])
    assert (table["schema"], table["answers_missing"]) == (2, {"a": 0.0, "b": 1.0})
    assert table["details"]["llms"]["b"]["warning"] == "6 of 6 samples are empty"
    assert "⚠ b: 6 of 6 samples are empty" in selectllm("lessons", "--benchmark", "t", cache=cache)[1]


def test_again_says_which_figures_moved(selectllm, tmp_path, command):
    cache = tmp_path / "cache"
    selectllm(*command, "--verdicts", "own", cache=cache)
    code, _, err = selectllm(*command, "--again", "--kind", "labels", "--verdicts", "auto", cache=cache)
    assert code == 0
    assert "note: judged anew:" in err


def test_what_an_earlier_version_stored_is_read_anew_and_said_once(selectllm, tmp_path, command):
    root = tmp_path / "cache"
    assert selectllm(*command, cache=root)[0] == 0
    for llm in ("a", "b"):  # as an earlier extractor left it: another answer, another number of version
        folder = root / "t" / "llms" / llm / "answers"
        for path in folder.glob("judged-*"):
            path.unlink()
        (path,) = folder.glob("v*.parquet")
        from selectllm_engine.store.frames import read_frame, write_frame

        before = read_frame(path).drop("empty", "cut").with_columns(answer=pl.lit("99"))
        path.unlink()
        write_frame(folder / f"v0-{path.name.partition('-')[2]}", before)
        manifest = root / "t" / "llms" / llm / "manifest.json"
        found = json.loads(manifest.read_text("utf-8"))
        del found["verdicts"], found["seal"]
        manifest.write_text(json.dumps(found), "utf-8")
    code, _, err = selectllm("evaluate", "--benchmark", "t", "--pool", "a", cache=root)
    assert code == 0
    assert "note: a on t: the rules of finding answers have changed: 8 were extracted anew, 8 are others" in err
    assert "right by our own reading: 0.0 → 50.0 % of the questions" in err
    assert "note: a on t in talk: recorded verdicts are the labels now" in err
    assert "0.0 → 100.0 %" in err
    err = selectllm("evaluate", "--benchmark", "t", "--pool", "a", cache=root)[2]
    assert "anew" not in err
    assert "labels now" not in err


def test_answers_that_knew_nothing_of_how_texts_end_are_read_with_it(selectllm, tmp_path, command):
    root = tmp_path / "cache"
    selectllm(*command, cache=root)
    from selectllm_engine.store.frames import read_frame, write_frame

    (path,) = (root / "t" / "llms" / "b" / "answers").glob("v*.parquet")
    write_frame(path, read_frame(path).drop("empty", "cut"))
    assert Cache(root).answers("t", "b")["empty"].to_list() == [False, True, True, True]


# Marks


SHOWN = {"utf-8": "✓ ✗ ⚠ …", "ascii": "right wrong warning: ...", "cp1252": "right wrong warning: …"}


@pytest.mark.parametrize(("encoding", "shown"), SHOWN.items())
def test_marks_that_an_encoding_lacks_become_words(encoding, shown):
    program = "from selectllm_tui.cli.marks import *; words_for_marks(); print('✓ ✗ ⚠ …')"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, env={"PYTHONIOENCODING": encoding}, check=True
    )
    assert done.stdout.decode(encoding).strip() == shown


def test_a_word_stands_for_a_mark_before_columns_are_measured(monkeypatch):
    class Plain:
        encoding = "ascii"

    assert mark("✓", "right") == "✓"
    monkeypatch.setattr(sys, "stdout", Plain())
    assert mark("✓", "right") == "right"


def test_questions_with_several_answers_are_told(tmp_path):
    from selectllm_engine.benchmarks.files import load

    path = tmp_path / "q.jsonl"
    write(
        path, [{"question": "How many?", "answer": answer} for answer in "345"] + [{"question": "Who?", "answer": "I"}]
    )
    (told,) = load("q", data=path).notes
    assert told.startswith("one question is there with different answers: '3' (q.jsonl, line 1), '4' (q.jsonl")
    path.write_text(json.dumps({"question": "How many?", "answer": "3"}), "utf-8")
    assert load("q", data=path).notes == ()


def test_a_damaged_parquet_file_is_one_line(tmp_path, selectllm):
    path = tmp_path / "a.parquet"
    pl.DataFrame({"question": [f"What is {n}?" for n in range(200)], "m": [0.5] * 200}).write_parquet(path)
    data = bytearray(path.read_bytes())
    for at in range(8, len(data) // 2, 3):
        data[at] ^= 0xFF
    path.write_bytes(bytes(data))
    code, _, err = selectllm("import", "table", str(path), "--benchmark", "t", "--llms", "m", cache=tmp_path / "cache")
    assert (code, err.count("\n")) == (1, 1)
