"""Caches, servers and files made to do harm: one line each, bounded memory, nothing of the user's touched."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

from drills.lab import LAUNCH, Report

import selectllm_engine as sl
from fakes import write_fake_run
from selectllm_engine.store.files import JOURNAL, digest
from selectllm_engine.store.sealed_json import read_sealed, write_sealed

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["caches", "floods"]

MOST = 1 << 30  # bytes of memory that a refusal may take, the libraries included


def caches(folder: Path) -> int:
    """A cache from somebody, in which links, pipes and a journal lead out of it."""
    report = Report("hostile: caches that lead out of themselves")
    sound, mine = folder / "sound", folder / "mine"
    write_fake_run(sound, questions={"train": 8, "test": 8}, llms=("a", "b"), samples=2)
    sl.train(sl.load("fake", sound), "prior")
    mine.mkdir()
    (mine / "precious").write_text("precious")

    def link(place: str, target: Path) -> Callable[[Path], None]:
        def make(root: Path) -> None:
            path = root / place
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)
            path.symlink_to(target)

        return make

    def pipe(root: Path) -> None:
        path = root / "fake/llms/a/manifest.json"
        path.unlink()
        os.mkfifo(path)

    def journal(root: Path) -> None:
        (root / ".tmp-x").mkdir()
        (root / ".tmp-x" / "y").write_text("evil")
        write_sealed(root / JOURNAL, {"moves": [[".tmp-x/y", "../mine/precious"]]})

    tricks = {f"{name} is a link": link(name, mine) for name in ("fake/llms/a/answers", "fake/llms/a/generations")}
    for name in ("fake/llms/a/.writer", "fake/llms/a/manifest.json", "fake/questions.parquet", ".writer"):
        tricks[f"{name} is a link"] = link(name, mine / "precious")
    tricks |= {
        "an LLM's folder is a link": link("fake/llms/a", mine),
        "the manifest is a device": link("fake/llms/a/manifest.json", Path("/dev/zero")),
        "the manifest is a pipe": pipe,
        "a journal that writes elsewhere": journal,
    }
    commands = (
        ("evaluate", "--benchmark", "fake"),
        ("cache", "list"),
        ("cache", "verify", "--benchmark", "fake"),
        ("train", "--router", "prior", "--benchmark", "fake"),
        ("cache", "verify", "--repair", "--benchmark", "fake"),
        ("cache", "remove", "--yes", "--benchmark", "fake"),
    )
    tries = 0
    for what, trick in tricks.items():
        root = folder / "cache"
        shutil.copytree(sound, root)
        trick(root)
        wrong = ""
        for command in commands:
            done = _run(folder, *command, "--cache", root)
            tries += 1
            if "Traceback" in done.stderr or "unexpected" in done.stderr or done.returncode not in {0, 1, 2}:
                wrong = wrong or f"{' '.join(command)}: {done.stderr[-200:]}"
        if [path.name for path in mine.iterdir()] != ["precious"] or (mine / "precious").read_text() != "precious":
            wrong = "the user's file was touched"
        report.claim(what, not wrong, wrong)
        shutil.rmtree(root)
    report.figure("commands", tries)
    report.end()
    return report.failed


def floods(folder: Path) -> int:
    """What unpacks, repeats or goes on without an end."""
    report = Report(f"floods: refused in one line, with less than {MOST >> 30} GiB of memory")
    root = folder / "cache"
    write_fake_run(root, questions={"train": 8, "test": 8}, llms=("a", "b"), samples=2)
    sl.train(sl.load("fake", root), "prior")

    def claim(what: str, words: str, *command: object) -> None:
        done, memory = _measured(folder, *command, "--cache", root)
        last = (done.stderr.splitlines() or [""])[-1]
        holds = done.returncode in {1, 2} and words in done.stderr and "Traceback" not in done.stderr and memory < MOST
        report.claim(what, holds, f"{memory >> 20} MiB: {last}")

    router = root / "fake/routers/prior"
    with (
        zipfile.ZipFile(router / "weights.skops", "w", zipfile.ZIP_DEFLATED) as file,
        file.open("x", "w", force_zip64=True) as member,
    ):
        for _ in range(3 << 10):
            member.write(bytes(1 << 20))
    content = {"weights.skops": digest((router / "weights.skops").read_bytes())}
    write_sealed(router / "manifest.json", {**read_sealed(router / "manifest.json"), "files": content})
    claim(
        "weights of 3 MB that unpack to 3 GiB", "unpacks to", "route", "--router", "prior", "--benchmark", "fake", "?"
    )

    (folder / "long.jsonl").write_bytes(b'{"question": "' + b"x" * (500 << 20) + b'", "a": 1}\n')
    claim("a line of 500 MiB", "longer than", "import", "table", "long.jsonl", "--llms", "a", "--benchmark", "long")
    (folder / "long.jsonl").unlink()
    settings = folder / "selectllm.toml"
    for what, words, make in (
        ("selectllm.toml is a pipe", "no plain file", lambda: os.mkfifo(settings)),
        ("selectllm.toml is /dev/zero", "no plain file", lambda: settings.symlink_to("/dev/zero")),
        ("a key of 400,000 steps", "more than 50 steps", lambda: settings.write_text("a." * 400_000 + "a = 1")),
    ):
        make()
        claim(what, words, "evaluate", "--benchmark", "fake")
        settings.unlink()
    for what, words, packed in (
        ("a reply of 1.5 MB that unpacks to 1.5 GB", "packed", True),
        ("one without an end", "larger than", False),
    ):
        with _FloodServer(packed) as url:
            claim(what, words, "generate", "--engine", "openai", "--base-url", url, "--llm", "x", "--benchmark", "fake")
    report.end()
    return report.failed


class _FloodServer:
    """Answers everything with 1.5 GB of blanks, packed or one by one."""

    def __init__(self, packed: bool) -> None:
        blanks = gzip.compress(bytes(1 << 20))

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                if packed:
                    self.send_header("Content-Encoding", "gzip")
                self.end_headers()
                for _ in range(1500):
                    self.wfile.write(blanks if packed else b" " * (1 << 20))

            do_POST = do_GET  # noqa: N815 as the server wants it

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                pass  # the client went away

        self._server = Quiet(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-c", LAUNCH, *map(str, arguments)]


def _run(folder: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SELECTLLM_", "FAKE_"))}
    return subprocess.run(
        _command(*arguments),
        env={**kept, "NO_COLOR": "1", "COLUMNS": "500"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def _measured(folder: Path, *arguments: object) -> tuple[subprocess.CompletedProcess[str], int]:
    """What a command said, and the most memory that it or a worker of it took, in bytes."""
    measuring = (
        "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]); "
        "print(f'\\nmost {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}'); sys.exit(done.returncode)"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SELECTLLM_", "FAKE_"))}
    done = subprocess.run(
        [sys.executable, "-c", measuring, *_command(*arguments)],
        env={**kept, "NO_COLOR": "1", "COLUMNS": "500"},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    return done, int(done.stdout.rpartition("most ")[2]) << 10
