"""A report's page: its sections in their order, and the frame around them."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from typing import TYPE_CHECKING

from selectllm_tui.cli.report import sections
from selectllm_tui.cli.report.elements import Html, element, joined
from selectllm_tui.cli.report.questions import telling
from selectllm_tui.cli.report.style import STYLE

if TYPE_CHECKING:
    from selectllm_tui.cli.report.about import About

__all__ = ["page"]


def page(about: About, name: str) -> str:
    """The whole page; `name` is the file's, for the command that makes it again."""
    parts = [
        ("In short", sections.in_short(about)),
        ("All rows", sections.rows(about)),
        ("Trade-off", sections.trade_off_plot(about)),
        ("Routers and policies", sections.matrix_plot(about)),
        ("Where accuracy is lost", sections.losses(about)),
        ("Lessons", sections.lessons(about)),
        ("Pools", sections.pools(about)),
        ("Telling questions", telling(about)),
        ("How to reproduce", sections.reproduce(about, name)),
    ]
    title = f"{about.run.benchmark}: {about.setup.name}"
    contents = element("ul", *(element("li", element("a", head, href=f"#{_anchor(head)}")) for head, _ in parts))
    bodies = joined(
        element("section", element("h2", head, id=_anchor(head)), body, aria_labelledby=_anchor(head))
        for head, body in parts
    )
    body = element(
        "body",
        element("header", element("h1", title), sections.subtitle(about)),
        element("nav", contents, aria_label="Contents"),
        element("main", bodies),
    )
    return f'<!DOCTYPE html>\n<html lang="en">\n{_head(title)}\n{body}\n</html>\n'


def _anchor(heading: str) -> str:
    return heading.lower().replace(" ", "-")


def _head(title: str) -> Html:
    """The page's head; its policy lets a browser load nothing and run nothing, only this style and our drawings."""
    digest = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"{title} – selectllm"),
        element("style", Html(STYLE)),
    )
