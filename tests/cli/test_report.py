"""`selectllm report`: the page is whole, quiet and harmless, and its figures are those of the other commands."""

import builtins
import hashlib
import json
import re
import shlex
from base64 import b64decode, b64encode
from html.parser import HTMLParser
from itertools import pairwise

import polars as pl
import pytest

import selectllm_engine as sl
from fakes import fake_generations, fake_manifest, fake_questions
from selectllm_engine.errors import UsageError
from selectllm_engine.setups import setup_of, write_setup
from selectllm_engine.store import GENERATION_SCHEMA, Cache
from selectllm_tui.cli import main
from selectllm_tui.cli.report.elements import Html, element, prose
from selectllm_tui.cli.report.questions import QUESTIONS
from selectllm_tui.recommendation_words import headline, how, told, trade
from tui.explorers import ESCAPES, INVISIBLE, WIDE, write_fake_router
from tui.test_odd_runs import labels_only, many_llms, no_latency, no_router, one_llm, only_a_test_split

TAGS = {"html", "head", "meta", "title", "style", "body", "header", "nav", "main", "section", "article"}
TAGS |= {"h1", "h2", "h3", "h4", "p", "ul", "li", "a", "dl", "dt", "dd", "div", "span", "strong", "pre", "blockquote"}
TAGS |= {"figure", "figcaption", "img", "table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "id", "href", "role", "tabindex", "scope"}
ATTRIBUTES |= {"aria-label", "aria-labelledby", "src", "alt", "dir"}
VOID = {"meta", "img"}
MARKUP = "</td></table></style><script>alert(1)</script><img src=x onerror=alert(2)>\"'&amp;"
HOSTILE = f"{MARKUP} {ESCAPES} {INVISIBLE} {WIDE}"
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


class Page(HTMLParser):
    """A page that was read to its end, with every tag closed in its order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.texts, self.style = [], [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert len({name for name, _ in attrs}) == len(attrs)
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.style += data
        else:
            self.texts.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def text(self):
        return "\n".join(self.texts)


def checked(path):
    """The page of a file, after everything that holds for all."""
    written = path.read_text("utf-8")
    assert written.startswith('<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">')
    assert not RAW.search(written)
    page = Page(written)
    assert {tag for tag, _ in page.tags} <= TAGS
    assert {name for _, attrs in page.tags for name in attrs} <= ATTRIBUTES
    policy = next(each["content"] for each in page.all("meta") if each.get("http-equiv") == "Content-Security-Policy")
    digest = b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert (
        policy == f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"url\(|@import|@font-face", page.style)
    assert all(each["href"].startswith("#") for each in page.all("a"))
    for image in page.all("img"):
        assert image["alt"]
        svg = b64decode(image["src"].removeprefix("data:image/svg+xml;base64,")).decode()
        assert "<script" not in svg
        assert not re.search(r"(?:href|src)=\"(?!#|data:image/png;base64,)", svg)
    anchors = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
    assert {each["href"][1:] for each in page.all("a")} == anchors == {each["id"] for each in page.all("h2")}
    assert {each["aria-labelledby"] for each in page.all("section")} == anchors
    assert len(page.all("h1")) == len(page.all("main")) == 1
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    assert all(later - before <= 1 for before, later in pairwise(levels))
    assert all(each.get("scope") in ("col", "row") for each in page.all("th"))
    assert all(each["aria-label"] and each["tabindex"] == "0" for each in page.all("div") if each.get("role"))
    return page


@pytest.fixture
def report(selectllm, tmp_path):
    """Write a report of the made-up run, or of another cache; gives its page."""

    def write(*args, **where):
        path = tmp_path / "r.html"
        code, out, err = selectllm("report", str(path), "--force", *args, **where)
        assert (code, out) == (0, ""), err
        assert err.endswith(f"{path}: written\n")
        return checked(path)

    return write


def test_encoders_are_for_what_is_recommended(selectllm, monkeypatch, tmp_path):
    asked = []

    def recommend(run, *, encoders, **_):
        asked.append(encoders)
        raise UsageError("nothing here", "none")

    monkeypatch.setattr(sl.Run, "recommend", recommend)
    assert selectllm("report", str(tmp_path / "a.html"), "--encoder", "minilm=there")[0] == 0
    assert asked == [{"minilm": "there"}]


def test_the_page_is_about_what_is_recommended(report, fake_cache):
    page = report()
    found = sl.load("fake", fake_cache).recommend()
    assert f"fake: {found.setup.name}" in page.text
    for said in (headline(found), how(found.setup), *told(found), *(trade(found, each) for each in found.alternatives)):
        assert said in page.text
    heads = [each["id"] for each in page.all("h2")]
    assert heads == [
        "in-short",
        "all-rows",
        "trade-off",
        "routers-and-policies",
        "where-accuracy-is-lost",
        "lessons",
        "pools",
        "telling-questions",
        "how-to-reproduce",
    ]
    assert len(page.all("img")) == 2
    assert len(page.all("article")) <= QUESTIONS


def test_a_row_beside_itself_is_not_compared(report):
    page = report("--pool", "fake-c", "--router", "prior")
    assert "On how many questions each is right" not in page.text
    assert not any("points" in text for text in page.texts[: page.texts.index("All rows", 5)])


def test_of_a_pool_the_best_router_is_taken(report):
    page = report("--pool", "fake-a,fake-b")
    assert "fake: logistic:tfidf argmax" in page.text
    assert "logistic:tfidf argmax over fake-a and fake-b. argmax: " in page.text
    assert not rows_of(page, "fake-c")


def rows_of(page, start):
    """The cells of the rows whose first cell starts so."""
    text = "\x00".join(page.texts)
    return [row.split("\x00") for row in re.findall(rf"\x00({re.escape(start)}[^\x00]*(?:\x00[^\x00]+){{6}})", text)]


def test_figures_are_evaluates_and_compares(report, selectllm, fake_cache):
    page = report("--router", "prior", "--policy", "threshold:0.5", "--k", "3", "--against", "fake-b")
    args = ["--k", "3", "--format", "json"]
    _, out, _ = selectllm("compare", "prior threshold:0.5", "fake-b", *args)
    own = json.loads(out)["a"]
    found = next(row for row in rows_of(page, "this setup: prior threshold:0.5"))
    assert found[1] == f"{100 * own['accuracy']:.1f}"
    assert found[3] == f"{100 * own['delta']:+.1f}".replace("-", "−")
    _, out, _ = selectllm("evaluate", *args, "--against", "fake-b")
    for row in json.loads(out)["rows"]:
        if row["kind"] == "llm":
            assert f"{100 * row['accuracy']:.1f}" in [cells[1] for cells in rows_of(page, row["name"])]


def test_the_commands_of_a_page_give_its_figures(report, selectllm, tmp_path, monkeypatch, fake_cache, capsys):
    monkeypatch.chdir(tmp_path)
    page = report("--router", "prior", "--policy", "threshold:0.5", "--split", "validation", "--against", "fake-b")
    blocks = [text for text in page.texts if "selectllm" in text]
    setup = next(text for text in blocks if text.startswith("# A setup of selectllm"))
    commands = next(text for text in blocks if text.startswith("selectllm evaluate")).splitlines()
    python = next(text for text in blocks if text.startswith("import selectllm_engine"))
    (tmp_path / "setup.toml").write_text(setup)
    accuracies = []
    for command in commands[:2]:
        code, out, _ = selectllm(*shlex.split(command)[1:], "--format", "json")
        assert code == 0
        found = json.loads(out)
        rows = [found["a"]] if "a" in found else [row for row in found["rows"] if row["kind"] == "router"]
        accuracies += [row["accuracy"] for row in rows]
    monkeypatch.setenv("SELECTLLM_CACHE", str(fake_cache))
    exec(python, {})  # noqa: S102
    accuracies.append(float(capsys.readouterr().out.split()[0]))
    assert len(set(accuracies)) == 1
    assert f"{100 * accuracies[0]:.1f} %" in page.text
    assert main([*shlex.split(commands[2])[1:], "--force"]) == 0
    assert checked(tmp_path / "r.html").text == page.text


def test_a_setup_of_its_own_pool_is_held_against_all_llms(report, fake_cache, tmp_path):
    run = sl.load("fake", fake_cache)
    path = write_setup(setup_of(run, ["fake-a", "fake-b"], vote="learned"), tmp_path / "s.toml")
    page = report("--setup", str(path))
    assert rows_of(page, "fake-c")
    assert "the learned vote of fake-a and fake-b. All of them answer every question" in page.text


def test_no_folder_of_this_machine_is_on_the_page(report, selectllm, tmp_path):
    weights = tmp_path / "w.json"
    assert selectllm("export", "vote", str(weights))[0] == 0
    page = report("--pool", "fake-a,fake-b,fake-c", "--router", "prior", "--policy", "top-m", "--vote", str(weights))
    assert str(tmp_path) not in page.text
    assert 'vote = "w.json"' in page.text
    assert "The setup, as setup.toml, with w.json beside it:" in page.text


def test_a_setup_says_everything(selectllm, fake_cache, tmp_path):
    path = write_setup(setup_of(sl.load("fake", fake_cache), router="prior"), tmp_path / "s.toml")
    code, _, err = selectllm("report", str(tmp_path / "r.html"), "--setup", str(path), "--router", "prior")
    assert code == 2
    assert "--router and --setup both say what is evaluated" in err


def test_texts_of_questions_are_there_on_request_only(report):
    assert "what follows from these" not in report("--router", "prior").text
    page = report("--router", "prior", "--texts")
    assert len(page.all("blockquote")) == len(page.all("article")) > 10
    assert "what follows from these" in page.text


@pytest.mark.parametrize("odd", [labels_only, no_router, one_llm, only_a_test_split, no_latency, many_llms])
def test_runs_that_lack_something(report, tmp_path, odd):
    odd(tmp_path / "odd")
    page = report("--texts", cache=tmp_path / "odd")
    drawn = {"labels_only": 2, "no_router": 1, "no_latency": 1}.get(odd.__name__, 2)
    assert len(page.all("img")) == drawn
    if drawn < 2:
        assert "Not drawn: " in page.text


def test_hostile_texts_stay_texts(report, tmp_path):
    benchmark, cache = f"b{MARKUP}\u202e\x1b", Cache(tmp_path / "hostile")
    table = fake_questions({"train": 20, "validation": 12, "test": 16})
    shown = table.with_columns(
        text=pl.concat_str(pl.lit(HOSTILE), pl.col("text"), pl.lit("<" * 50_000)),
        subject=pl.concat_str(pl.lit(HOSTILE), pl.col("subject")),
        question_id=pl.concat_str(pl.lit(MARKUP), pl.col("question_id")),
        choices=pl.when(pl.col("kind") == "letter").then(pl.lit([HOSTILE, MARKUP, WIDE, "four"])),
        gold=pl.when(pl.col("kind") == "word").then(pl.lit(MARKUP)).otherwise(pl.col("gold")),
    )
    cache.write_questions(benchmark, shown)
    for number in range(3):
        rows = fake_generations(table, number, 3).with_columns(
            question_id=pl.concat_str(pl.lit(MARKUP), pl.col("question_id"))
        )
        with cache.writer(benchmark, f"{MARKUP}{number}\u202e\x1b") as writer:
            writer.start(fake_manifest(f"{number}", created=f"2026-01-01T00:00:{number:02d}", samples=3))
            writer.append(rows.cast(GENERATION_SCHEMA), {"engine": HOSTILE})
    write_fake_router(cache, benchmark, f"fake:{MARKUP}\x1b[5m", noise=0.7)
    page = report("--texts", "--against", f"{MARKUP}1\u202e\x1b", cache=tmp_path / "hostile")
    assert MARKUP in page.text
    assert "⟨U+202E⟩" in page.text
    assert "␛" in page.text
    assert page.all("article")


def test_a_page_of_many_llms_and_long_texts_stays_small(report, tmp_path):
    folder = tmp_path / "large"
    cache, table = Cache(folder), fake_questions({"train": 60, "validation": 30, "test": 100})
    subjects = pl.Series([f"{'s' * 5_000}-{n}" for n in range(table.height)])
    cache.write_questions("fake", table.with_columns(text=pl.lit("long " * 100_000), subject=subjects))
    for number in range(28):
        with cache.writer("fake", f"{'x' * 60}-{number}") as writer:
            writer.start(fake_manifest(f"{number}", samples=2))
            writer.append(fake_generations(table, number % 3, 2, seed=number), {"engine": "fake"})
    write_fake_router(cache, "fake", "fake:blunt", noise=0.9)
    page = report("--texts", cache=folder)
    assert (tmp_path / "r.html").stat().st_size < 1_500_000
    assert len(page.all("article")) == QUESTIONS


def test_without_matplotlib_the_plots_are_missing_and_the_page_says_so(report, monkeypatch):
    real = builtins.__import__

    def fake_import(name, *args, **rest):
        if name.startswith("matplotlib"):
            raise ImportError(name)
        return real(name, *args, **rest)

    monkeypatch.setattr(builtins, "__import__", fake_import)
    page = report("--router", "prior")
    assert not page.all("img")
    assert page.text.count("Not drawn: drawing a plot needs") == 2


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["x.htm"], "x.htm has no known ending; name a file that ends in .html"),
        (["there.html"], "there.html is there already; choose another name, or replace it with --force"),
        (["x.html", "--router", "priors"], "no router 'priors'; did you mean 'prior'?"),
        (["x.html", "--against", "random"], "random is an expectation"),
        (["x.html", "--policy", "threshold"], "chooses by a router, and the setup has none"),
    ],
)
def test_wrong_usage(selectllm, tmp_path, monkeypatch, args, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.html").write_text("mine")
    code, out, err = selectllm("report", *args)
    assert (code, out) == (2, "")
    assert message in err
    assert [each.read_text() for each in tmp_path.iterdir()] == ["mine"]


def test_what_is_not_our_markup_is_text():
    made = element("p", "<b>", Html("<br>"), title='"><script>', hidden=None)
    assert made == '<p title="&quot;&gt;&lt;script&gt;">&lt;b&gt;<br></p>'
    assert prose("a\n<b>\x1b") == "a\n&lt;b&gt;␛"
    assert element("p", "a\nb") == "<p>a↵b</p>"
