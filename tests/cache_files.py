"""Files of a cache that tests look at, past the cache's own reading."""

from pathlib import Path


def part_files(cache, llm="a"):
    """The parts that hold an LLM's generations on `fake`."""
    return sorted((cache.folder("fake") / "llms" / llm / "generations").glob("*.parquet"))


def derived_files(cache, llm="a"):
    """What was extracted from these."""
    return sorted((cache.folder("fake") / "llms" / llm / "answers").glob("*.parquet"))


def contents(folder: Path) -> dict[Path, bytes]:
    """The bytes of all files."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
