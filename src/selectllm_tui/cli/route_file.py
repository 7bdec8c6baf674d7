"""`selectllm route --file`: a file of questions, routed in one pass, as a table or a file."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from selectllm_tui.cli.console import Sheet, SheetColumn, note, write_json, write_sheet
from selectllm_tui.cli.options import Format
from selectllm_tui.notation import percent
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl

    from selectllm_engine.routers.chooser import Chooser, Fixed

__all__ = ["ENDINGS", "route_file"]

ENDINGS = (".csv", ".jsonl", ".json", ".parquet")
_WIDTH = 60  # characters of a question in a table


def route_file(chooser: Chooser | Fixed, questions: pl.DataFrame, form: Format, out: Path | None) -> None:
    """Route questions (`id` and `question`) and write them with the LLMs that are asked, p and confidence."""
    from selectllm_engine.routers.routing import route_all

    routed = route_all(chooser, questions["question"].to_list())
    if "id" in questions.columns:
        routed = routed.insert_column(0, questions["id"])
    if out is not None:
        from selectllm_engine.exporters import save

        save(out, _written(routed, out.suffix.lower(), chooser))
        note(f"{out}: {routed.height:,} questions routed")
    elif form is Format.JSON:
        write_json(_as_json(routed, chooser))
    else:
        _show(routed, form, chooser)


def _written(routed: pl.DataFrame, suffix: str, chooser: Chooser | Fixed) -> bytes:
    import json

    import polars as pl

    buffer = io.BytesIO()
    match suffix:
        case ".csv":
            routed.with_columns(pl.col("asked").list.join(",")).write_csv(buffer)
        case ".jsonl":
            routed.write_ndjson(buffer)
        case ".parquet":
            routed.write_parquet(buffer)
        case _:
            buffer.write(json.dumps(_as_json(routed, chooser), indent=1, allow_nan=False).encode())
    return buffer.getvalue()


def _as_json(routed: pl.DataFrame, chooser: Chooser | Fixed) -> dict[str, object]:
    return {**_by(chooser), "questions": routed.to_dicts()}


def _by(chooser: Chooser | Fixed) -> dict[str, object]:
    spec = chooser.spec
    return {
        "router": chooser.name,
        "policy": None if spec is None else spec.policy,
        "parameter": None if spec is None else spec.number,
        "in_turn": chooser.chain is not None,
    }


def _show(routed: pl.DataFrame, form: Format, chooser: Chooser | Fixed) -> None:
    import polars as pl

    from selectllm_engine.evaluation import NO_ROUTER

    joint = " → " if chooser.chain is not None else ","
    rows = routed.with_columns(pl.col("asked").list.join(joint)).to_dicts()
    columns = [
        *([SheetColumn("id", "id", align="left")] if "id" in routed.columns else []),
        SheetColumn("question", "question", lambda text: visible(" ".join(text.split()), limit=_WIDTH), align="left"),
        SheetColumn("asked", "asks in this order" if chooser.chain is not None else "asks", align="left"),
        SheetColumn("confidence", "p(right) %", percent),
    ]
    title = "" if chooser.spec is None else f"{chooser.name or NO_ROUTER} {chooser.spec}"
    write_sheet(Sheet(columns, rows, title), form)
