"""Other people's files: damaged, or made to do harm; each is one line, and standard error stays as it was."""

import os
import tracemalloc

import polars as pl
import pytest

from selectllm_engine.benchmarks.tables import read_records
from selectllm_engine.errors import BenchmarkError, ImportFormatError
from selectllm_engine.foreign_files import MOST_LINE, polars_reading
from selectllm_engine.importers.json_members import lines
from selectllm_engine.importers.source_files import open_table


def rows(path):
    table = open_table(path)
    return [row for batch in table.batches(table.columns, (), None) for row in batch.rows()]


READERS = {"--data": (read_records, BenchmarkError), "import": (rows, ImportFormatError)}


@pytest.mark.parametrize(("read", "error"), READERS.values(), ids=READERS)
def test_a_line_above_the_limit_is_refused(tmp_path, read, error):
    path = tmp_path / "a.jsonl"
    path.write_text('{"question": "1?"}\n{"question": "' + "x" * MOST_LINE + '"}\n')
    with pytest.raises(error, match="line 2 is longer than 64 MiB"):
        read(path)
    with pytest.raises(ImportFormatError, match="line 2 is longer than"):
        list(lines(path))


@pytest.mark.parametrize("name", READERS)
def test_a_line_takes_at_most_five_times_its_size(tmp_path, name):
    path, size = tmp_path / "a.jsonl", 8 << 20
    path.write_bytes(b'{"question": "' + b"x" * size + b'"}\n')
    tracemalloc.start()
    READERS[name][0](path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5 * size


@pytest.mark.parametrize(("read", "error"), READERS.values(), ids=READERS)
@pytest.mark.parametrize("name", [b"odd\xff.parquet", b"odd\xff/a.parquet"])
def test_a_path_that_is_no_utf8_is_said_with_one_remedy(tmp_path, read, error, name):
    path = tmp_path / os.fsdecode(name)
    try:
        path.parent.mkdir(exist_ok=True)
        pl.DataFrame({"question": ["1?"]}).write_parquet(tmp_path / "a.parquet")
        (tmp_path / "a.parquet").rename(path)
    except OSError:
        pytest.skip("this disk has no such names")
    with pytest.raises(error) as raised:
        read(path)
    assert str(raised.value) == f"the path of {path.name} is no UTF-8; rename it"


def test_a_panic_is_one_line_and_prints_nothing(tmp_path, capfd):
    def read():
        with polars_reading(BenchmarkError):
            os.write(2, b"thread 'polars-0' panicked at crates/polars-parquet\n")
            raise pl.exceptions.PanicException("index out of bounds\nbacktrace")

    with pytest.raises(BenchmarkError, match="it is damaged"):
        read()
    assert capfd.readouterr().err == ""
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
