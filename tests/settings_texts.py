"""Settings from a text, as from a file that holds it."""

from pathlib import Path
from tempfile import TemporaryDirectory

from selectllm_engine.settings import FILE, Settings, read_settings


def parse_settings(text: str) -> Settings:
    with TemporaryDirectory() as folder:
        (Path(folder) / FILE).write_text(text, "utf-8")
        return read_settings(Path(folder))
