"""HTML from our own tags and anybody's text. Nothing else of the report writes markup.

A `Html` is markup that this module made; every other string is text: it goes the way of all texts to a screen
(`untrusted.visible`), then markup in it is escaped. So is what stands in attributes.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from selectllm_tui.cli.console import shown_cells
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from selectllm_tui.cli.console import Sheet, SheetColumn

__all__ = ["Html", "element", "joined", "paragraphs", "picture", "prose", "table"]

MANY = 8  # columns from which on the first one stays in sight
SPARE = 9  # columns that a narrow terminal drops as early as these are not printed
_VOID = frozenset({"br", "img", "meta"})
_CLASSES = {"bold": "strong", "dim": "dim", "yellow": "warned", "marked": "marked"}  # of the styles of a table's rows


class Html(str):
    """Markup."""

    __slots__ = ()


def joined(parts: Iterable[Html]) -> Html:
    """Markup after markup."""
    return Html("".join(parts))


def prose(text: str, *, limit: int | None = None) -> Html:
    """Text that keeps its lines."""
    return Html(escape(visible(text, limit=limit, newlines=True)))


def element(tag: str, *children: str, **attributes: str | int | None) -> Html:
    """One element; an attribute None is left out, the `_` that Python needs after `class` falls."""
    shown = (
        f' {name.strip("_").replace("_", "-")}="{_text(value)}"'
        for name, value in attributes.items()
        if value is not None
    )
    start = f"<{tag}{''.join(shown)}>"
    return Html(start if tag in _VOID else f"{start}{''.join(map(_text, children))}</{tag}>")


def _text(value: str | int) -> str:
    return value if isinstance(value, Html) else escape(visible(str(value)))


def paragraphs(texts: Iterable[str], **attributes: str) -> Html:
    """A paragraph for each."""
    return joined(element("p", each, **attributes) for each in texts)


def picture(svg: bytes, alt: str, caption: str) -> Html:
    """A drawing that holds nothing from elsewhere; in an image nothing of it can run."""
    from base64 import b64encode

    source = f"data:image/svg+xml;base64,{b64encode(svg).decode()}"
    inside = element("div", element("img", src=source, alt=alt), **_scrolling(caption))
    return element("figure", element("figcaption", caption), inside)


def table(sheet: Sheet, *, caption: str | None = None, head: str = "") -> Html:
    """A table as HTML, its footnotes below.

    Args:
        sheet: what it says.
        caption: what stands above it; the sheet's title without it.
        head: the field that names a row; the first column's without it.
    """
    columns, cells = shown_cells(sheet)
    named = next((at for at, column in enumerate(columns) if column.field == head), 0)
    heads = element("tr", *(element("th", _heading(each), scope="col", class_=_side(each)) for each in columns))
    bodies: list[list[Html]] = []
    before: object = None
    for at, (row, texts) in enumerate(zip(sheet.rows, cells, strict=True)):
        section = row.get(sheet.section) if sheet.section else None
        if not bodies or section != before:
            bodies.append([])
        before = section
        style = _CLASSES.get(sheet.styles[at]) if sheet.styles else None
        bodies[-1].append(_row(columns, texts, named, style))
    title = sheet.title if caption is None else caption
    many = "many" if len(columns) >= MANY else None
    whole = element("table", element("thead", heads), *(element("tbody", *rows) for rows in bodies), class_=many)
    notes = element("ul", *(element("li", each) for each in sheet.footnotes), class_="notes")
    parts = [
        element("figcaption", title),
        element("div", whole, **_scrolling(title)),
        *([notes] if sheet.footnotes else []),
    ]
    return element("figure", *parts)


def _row(columns: list[SheetColumn], texts: list[str], named: int, style: str | None) -> Html:
    cells = (
        element("th", text, scope="row", class_=_side(column))
        if at == named
        else element("td", text, class_=_side(column))
        for at, (column, text) in enumerate(zip(columns, texts, strict=True))
    )
    return element("tr", *cells, class_=style)


def _heading(column: SheetColumn) -> str:
    """A column's title; one without has a name for those who hear the page."""
    if column.title.strip():
        return column.title
    field = column.field if isinstance(column.field, str) else column.field[0]
    return element("span", field, class_="heard")


def _side(column: SheetColumn) -> str | None:
    """On which side a column's texts stand, and whether it is left out on paper."""
    classes = ["figure"] * (column.align == "right") + ["spare"] * (column.drop >= SPARE)
    return " ".join(classes) or None


def _scrolling(label: str) -> dict[str, str | int | None]:
    """What is wider than the page scrolls by itself, with the keyboard too."""
    return {"class_": "wide", "role": "region", "tabindex": 0, "aria_label": label}
