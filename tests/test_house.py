"""Rules that hold for the whole project: imports, documentation, nothing of one machine in the files."""

import ast
import importlib
import importlib.util
import json
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pkgutil import iter_modules

import pytest

from paths import ROOT
from selectllm_tui.cli import COMMANDS

SOURCES = sorted((ROOT / "src").rglob("*.py"))
FACES = [path for path in SOURCES if "selectllm_tui" in path.parts]
HEAVY = {"torch", "vllm", "transformers", "sklearn", "skops", "scipy", "textual", "matplotlib"}


def imported(path, modules=()):
    """Every module that a file imports, anywhere in it; of `from a import b` a.b where that is one of the modules."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            within = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in modules else node.module for name in within)


def loaded(script):
    """Top-level packages loaded after a script, in an interpreter of its own."""
    report = "\nimport sys, json; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", script + report], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def tracked():
    """Files of the repository; without git (an unpacked archive) all but hidden and built ones."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]
    built = {"__pycache__", "build", "dist"}
    return [path for path in ROOT.rglob("*") if path.is_file() and not built & set(path.parts)]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_no_module_imports_click_or_pickle(path):
    assert not {name.partition(".")[0] for name in imported(path)} & {"click", "pickle", "dill", "cloudpickle"}


@pytest.mark.parametrize("folder", ["src", "perf", "tools"])
def test_no_files_import_each_other_in_a_circle(folder):
    """For typing alone and inside functions included: what import-linter leaves out, and where it doesn't look."""
    paths = {
        ".".join(path.relative_to(ROOT / folder).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / folder).rglob("*.py")
    }
    graph = {name: {each for each in imported(path, paths) if each != name} for name, path in paths.items()}
    list(TopologicalSorter(graph).static_order())  # raises CycleError, which names the files


@pytest.mark.parametrize("path", FACES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_the_faces_use_public_names_of_the_engine(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("selectllm_engine."):
            module = importlib.import_module(node.module)
            rooms = getattr(module, "__path__", [])  # one without __all__ imports what is public
            public = {
                *getattr(module, "__all__", vars(module) if rooms else ()),
                *(each.name for each in iter_modules(rooms)),
            }
            assert {alias.name for alias in node.names} <= public, node.module


def test_help_loads_nothing_heavy():
    assert not loaded("from selectllm_tui.cli import main; main(['--help'])") & {*HEAVY, "polars", "numpy"}


def test_the_help_of_every_command_loads_nothing_heavy():
    script = f"from selectllm_tui.cli import main\nfor name in {list(COMMANDS)}: assert main([name, '--help']) == 0"
    assert not loaded(script) & {*HEAVY, "polars", "numpy"}


def test_no_module_of_the_engine_loads_heavy_libraries():
    names = [
        ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
        for path in SOURCES
        if "selectllm_engine" in path.parts and "serving" not in path.parts  # httpx loads rich, where that is
    ]
    assert not loaded("\n".join(f"import {name}" for name in names)) & {*HEAVY, "typer", "rich"}


def test_the_engine_itself_loads_nothing():
    assert not loaded("import selectllm_engine") & {*HEAVY, "polars", "numpy"}


def test_nothing_of_one_machine_is_in_the_repository():
    # built from parts, so that this file doesn't match itself
    machine = re.compile(rb"/(?:" + b"|".join([b"work", b"home/[a-z]", b"Users/[A-Za-z]", b"root"]) + rb")/[\w.]")
    found = [
        f"{path.relative_to(ROOT)}: {match.group().decode()}"
        for path in tracked()
        for match in machine.finditer(path.read_bytes())
    ]
    assert not found


def test_pointers_to_files_in_the_readme_are_right():
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_names_the_commands_there_are():
    readme = (ROOT / "README.md").read_text("utf-8")
    assert set(re.findall(r"(?:`|bin/|^)selectllm ([a-z]+)", readme, re.MULTILINE)) == set(COMMANDS)


@pytest.fixture(scope="module")
def tool():
    """The script that writes the command reference, as a module."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_python_of_the_readme_runs(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)  # where the recorded run is
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        exec(block, {})  # noqa: S102
    assert "best-single" in capsys.readouterr().out


def test_the_command_reference_is_up_to_date(tool):
    stored = (ROOT / "docs" / "commands.md").read_text("utf-8")
    assert stored == tool.reference(), "run tools/reference.py"


def test_every_option_says_what_it_does(tool):
    silent = [
        f"{name} {parameter.name}"
        for name, command in tool.commands()
        for parameter in command.params
        if not (parameter.help or "").strip()
    ]
    assert silent == []
