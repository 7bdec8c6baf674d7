"""The pages of docs/: their Python runs, their commands exist, their links lead somewhere, nothing is left out."""

import contextlib
import dataclasses
import io
import re
import shlex
import shutil
from pathlib import Path

import pytest

import selectllm_engine as sl
from paths import ROOT
from selectllm_engine.evaluation.details import LLMDetails, RouterDetails, RowDetails
from selectllm_engine.evaluation.metrics import Quality
from selectllm_engine.evaluation.table import Row
from selectllm_engine.evaluation.tabulation import PROTOCOLS
from selectllm_engine.routers import FAMILIES
from selectllm_engine.verdicts import Verdict
from selectllm_tui.cli import COMMANDS, command
from suites import policy_names, undocumented

DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", *DOCS]
WRITTEN = {"commands.md", "explorer.md"}  # by tools, whose lines are as long as they are
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", re.MULTILINE | re.DOTALL)


def text(name):
    return (ROOT / "docs" / name).read_text("utf-8")


@pytest.mark.parametrize("page", [page for page in DOCS if BLOCK.search(page.read_text("utf-8"))], ids=lambda p: p.name)
def test_the_python_of_a_page_prints_what_it_says(page, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "cache" / "reasoning", tmp_path / "cache" / "reasoning")
    monkeypatch.chdir(tmp_path)
    names = {}
    for number, (code, expected) in enumerate(BLOCK.findall(page.read_text("utf-8")), start=1):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, names)  # noqa: S102
        assert out.getvalue() == expected, f"block {number} of {page.name}"


def test_the_eleven_names_are_documented():
    table = re.findall(r"^\| `(\w+)", text("python.md"), re.MULTILINE)
    assert sorted(table) == sorted(sl.__all__)
    assert len(table) == 11


def test_what_python_documents_is_there():
    methods = set(re.findall(r"\brun\.(\w+)", text("python.md")))
    assert {"evaluate", "details", "question", "pools", "lessons", "route", "export", "quality"} <= methods
    run = sl.load("reasoning", ROOT / "cache")
    assert all(hasattr(run, name) for name in methods)


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("router family", FAMILIES),
        ("policy", policy_names()),
        ("baseline", ["oracle", "random", "best-single", "all-llms", "<router> upper-bound"]),
        ("protocol", PROTOCOLS),
        ("figure of a row", [field.name for field in dataclasses.fields(Row)]),
        (
            "further figure",
            [
                field.name
                for kind in (RowDetails, LLMDetails, RouterDetails, Quality)
                for field in dataclasses.fields(kind)
                # said in words, or the tables' own bookkeeping
                if not re.search(r"llm|note|quality|overall|seconds|_by$|train_|test_|^gap|alarm", field.name)
            ],
        ),
    ],
)
def test_concepts_leave_nothing_out(what, names):
    assert undocumented(names) == [], what


def test_verdicts_have_one_wording():
    page = " ".join(text("concepts.md").split())
    for verdict in (Verdict.UNSOLVABLE, Verdict.MISROUTED, Verdict.OUTVOTED, Verdict.RESCUED):
        assert f"`{verdict}`" in page
        assert verdict.sentence in page


def options(name):
    """The options of a command, or None where there is no such command."""
    found = None
    first, _, second = name.partition(" ")
    if first in COMMANDS:
        found = command(first)
        if second:
            found = getattr(found, "commands", {}).get(second)
    return None if found is None else {each for p in found.params for each in (*p.opts, *p.secondary_opts)}


def commands_of(page):
    """Every `selectllm …` line of a page's shell blocks, continued lines joined."""
    for block in re.findall(r"^```sh\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|\|(?![^']*'[^']*$)|;", line):
                words = shlex.split(part, comments=True)
                if words and Path(words[0]).name == "selectllm":
                    yield words[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_exist(page):
    for words in commands_of(page):
        grouped = hasattr(command(words[0]), "commands") if words[0] in COMMANDS else False
        known = options(" ".join(words[: 2 if grouped else 1]))
        assert known is not None, words
        used = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert used <= known | {"--help"}, words


def anchors(page):
    """The anchors of a page's headings."""
    for heading in re.findall(r"^#+ (.*)$", page.read_text("utf-8"), re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)", page.read_text("utf-8")):
        file = page.parent / target if target else page
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), f"{target}#{anchor}"


@pytest.mark.parametrize("page", [page for page in DOCS if page.name not in WRITTEN], ids=lambda page: page.name)
def test_lines_are_readable_without_a_browser(page):
    long = [n for n, line in enumerate(page.read_text("utf-8").splitlines(), 1) if len(line) > 120 and line[0] != "|"]
    assert long == [], "more than 120 characters, tables aside"
