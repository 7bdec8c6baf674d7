"""The glossary of docs/concepts.md, and the names of the code and the heads of columns that must keep to it."""

import ast
import re
from fnmatch import fnmatchcase

from paths import ROOT

SOURCES = sorted((ROOT / "src").rglob("*.py"))
GLOSSARY = (ROOT / "docs" / "concepts.md").read_text("utf-8").partition("## Words\n")[2].partition("\n## ")[0]
ROWS = re.findall(r"^\| ([a-z][a-z -]*) \| (.+) \| (.+) \|$", GLOSSARY, re.MULTILINE)[1:]  # the first are titles
HEADS = {  # of columns, that hold a word
    "candidate": set(),
    "engine": set(),
    "figure": set(),
    "forest": set(),
    "gap": {"gap", "gap closed %", "gap closed %, 95 %"},
    "random": {"random"},
    "sample": {"samples"},
    "verdict": {"verdict", "our verdict", "recorded verdict"},
}


def words(name):
    """The words of a name in one case, in the singular: `TrainTestGaps` is train, test, gap."""
    found = re.findall(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+", name)
    return {each.lower().removesuffix("s") if len(each) > 3 else each.lower() for each in found}


def listed(tree):
    """The names in a module's __all__."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return {each.value for each in node.value.elts}
    return set()


def public(tree):
    """What a module lists, and the fields and methods of the classes among it."""
    names = listed(tree)
    yield from names
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name in names:
            for each in node.body:
                if isinstance(each, ast.AnnAssign):
                    yield each.target.id
                elif isinstance(each, ast.FunctionDef) and not each.name.startswith("_"):
                    yield each.name


def heads(tree):
    """The heads of columns that are written out."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Column", "SheetColumn"):
            yield from (title.value for title in node.args[1:2] if isinstance(title, ast.Constant))


def patterns(word):
    """The names that may hold a word, of all its senses."""
    senses = [names for each, _, names in ROWS if word in words(each)]
    return [pattern for names in senses for pattern in re.findall(r"`([^`]+)`", names)]


def settled():
    return {word for each, _, _ in ROWS for word in words(each)} - {"no", "answer", "train", "test"}


def test_the_glossary_has_its_words():
    named = {each for each, _, _ in ROWS}
    assert {"gap", "verdict", "sample", "random", "forest", "figure", "engine", "candidate", "no answer"} <= named
    assert settled() == HEADS.keys()


def test_public_names_use_words_as_the_glossary_says():
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in SOURCES
        for name in public(ast.parse(path.read_text("utf-8")))
        for word in words(name) & settled()
        if not any(fnmatchcase(name, pattern) for pattern in patterns(word))
    ]
    assert wrong == [], "use another word, or say in docs/concepts.md what it means there"


def test_heads_of_columns_use_words_as_the_glossary_says():
    shown = [(path.relative_to(ROOT), head) for path in SOURCES for head in heads(ast.parse(path.read_text("utf-8")))]
    wrong = [f"{path}: {head}" for path, head in shown for word in words(head) & settled() if head not in HEADS[word]]
    assert wrong == [], "use another word, or say in docs/concepts.md what it means there"
