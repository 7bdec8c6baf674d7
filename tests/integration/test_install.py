"""What a newcomer does first: README's first command, and the wheel alone in an empty folder."""

import io
import json
import os
import re
import select
import shutil
import subprocess
import sys
import tarfile
import time

import pytest

from paths import ROOT

pytestmark = pytest.mark.integration
pty = pytest.importorskip("pty", reason="needs a Unix terminal")
termios = pytest.importorskip("termios", reason="needs a Unix terminal")

README = (ROOT / "README.md").read_text("utf-8")
FIRST = re.search(r"^python3 -m venv .*pip install \. .*$", README, re.MULTILINE).group()
GIVE_UP = 600.0  # seconds; most of it is pip


def clean_environment(**more):
    """Without anything that leads to this checkout's cache or environment."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("SELECTLLM_", "PYTHON", "VIRTUAL_"))
    }
    return {**kept, "TERM": "xterm-256color", **more}


def on_a_terminal(command, folder, *, ready):
    """Run a shell command on a terminal of 100 × 30 and press q once it painted `ready`: its output and exit code."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (30, 100))
    process = subprocess.Popen(
        ["bash", "-euc", command],
        cwd=folder,
        env=clean_environment(XDG_DATA_HOME=str(folder / "data")),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    output, pressed, start = b"", False, time.monotonic()
    while time.monotonic() - start < GIVE_UP:
        readable, _, _ = select.select([ours], [], [], 0.5)
        if not readable:
            continue
        try:
            block = os.read(ours, 65536)
        except OSError:  # how Linux says that nobody is on the other end any more
            break
        if not block:
            break
        output += block
        if not pressed and ready in output:
            time.sleep(1)  # let it finish painting
            os.write(ours, b"q")
            pressed = True
    os.close(ours)
    try:
        process.wait(30)
    finally:
        process.kill()
    return output.decode(errors="replace"), process.returncode


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The committed files and nothing else, as a fresh clone has them."""
    folder = tmp_path_factory.mktemp("clone")
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(folder, filter="data")
    return folder


@pytest.fixture(scope="module")
def wheel(clone, tmp_path_factory):
    """The wheel that the source distribution gives."""
    folder = tmp_path_factory.mktemp("dist")
    builder = folder / "builder" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(folder / "builder")], check=True)
    subprocess.run([builder, "-m", "pip", "install", "-q", "hatchling"], check=True)
    build = "import sys; from hatchling.build import build_sdist; build_sdist(sys.argv[1])"
    subprocess.run([builder, "-c", build, str(folder)], cwd=clone, check=True)
    (sdist,) = folder.glob("*.tar.gz")
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(sdist)], check=True)
    (found,) = folder.glob("*.whl")
    return found


def test_the_first_command_ends_in_the_explorer(clone):
    output, code = on_a_terminal(FIRST, clone, ready=b"reasoning")
    assert "reasoning" in output
    assert "\x1b[?1049h" in output, "no full-screen application was started"
    assert "Traceback" not in output
    assert code == 0


def test_the_wheel_alone_evaluates_the_recorded_run(wheel, tmp_path):
    environment = tmp_path / "venv"
    empty = tmp_path / "empty"
    empty.mkdir()
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    subprocess.run([environment / "bin" / "pip", "install", "-q", str(wheel)], check=True)
    installed = {path.name for path in environment.glob("lib/python*/site-packages/*")}
    assert "torch" not in installed
    for package in ("selectllm_engine", "selectllm_tui"):
        assert list(environment.glob(f"lib/python*/site-packages/{package}/py.typed"))
    done = subprocess.run(
        [environment / "bin" / "selectllm", "evaluate", "--format", "json"],
        cwd=empty,
        env=clean_environment(XDG_DATA_HOME=str(tmp_path / "data")),
        capture_output=True,
        text=True,
        check=True,
    )
    table = json.loads(done.stdout)
    assert {"schema", "split", "protocol", "left_out", "k", "vote", "reference", "answers_missing", "rows"} <= {*table}
    assert table["benchmark"] == "reasoning"
    assert table["questions"] >= 200
    assert table["samples"] >= 5
    assert len(table["pool"]) >= 3
    rows = {row["name"]: row for row in table["rows"]}
    assert rows["oracle"]["accuracy"] >= rows["best-single"]["accuracy"] > 0
    assert {"oracle", "random", "best-single", "all-llms", *table["pool"]} <= set(rows)
    assert list(empty.iterdir()) == []
    shutil.rmtree(environment)
