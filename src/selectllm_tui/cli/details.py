"""What `selectllm evaluate --details` adds for people: a table of rows, of LLMs, of routers and of subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from selectllm_tui.cli.console import Sheet, SheetColumn, text, write_next
from selectllm_tui.cli.marks import mark
from selectllm_tui.notation import MISSING, number, p_value, percent, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectllm_engine.evaluation import Details
    from selectllm_tui.cli.options import Format

__all__ = ["write_details"]

OVERALL = "all"  # stands for all LLMs


def write_details(details: Details, form: Format) -> None:
    """Write the tables one after another, each after an empty line; of routers and subjects where there are any."""
    _by_row(details, form)
    _by_llm(details, form)
    if details.routers:
        _by_router(details, form)
    if details.subjects:
        _by_subject(details, form)


def _by_row(details: Details, form: Format) -> None:
    kinds = [row.kind for row in details.table.rows]
    shown = [
        {"kind": kind, "name": name, **each}
        for kind, (name, each) in zip(kinds, details.to_dict()["rows"].items(), strict=True)
    ]
    columns = [
        SheetColumn("name", "", align="left"),
        SheetColumn("v_b", "V_B", number(3)),
        SheetColumn("regret", "regret", _points),
        SheetColumn("latency_interval", "latency s, 95 %", _seconds),
        SheetColumn("gap_closed_interval", "gap closed %, 95 %", lambda ends: MISSING if ends is None else span(*ends)),
        SheetColumn("vote_calibration_error", "vote's calibration error", number(3), drop=3),
        SheetColumn("selection_entropy", "entropy", number(2), drop=1),
        SheetColumn("selection_histogram", "asked %", _shares, align="left", drop=2),
    ]
    footnotes = [
        "V_B: accuracy over best-single's; regret: points that the oracle is more accurate; "
        "intervals: bootstrap, the same questions for every row",
        "asked: each LLM's share of the answers; entropy: of these shares, in bits",
    ]
    write_next(Sheet(columns, shown, "Rows", footnotes, section="kind"), form)


def _by_llm(details: Details, form: Format) -> None:
    columns = [
        SheetColumn("llm", "LLM", align="left"),
        SheetColumn("maj_at_k", f"maj@{details.table.k} %", percent, drop=1),
        SheetColumn("pass_at_k", f"pass@{details.table.k} %", percent, drop=1),
        SheetColumn("train_accuracy", "train %", percent, drop=1),
        SheetColumn("test_accuracy", f"{details.table.split} %", percent),
        SheetColumn("gap", "train − test", _points, drop=1),
        SheetColumn("gap_p", "p", p_value, drop=1),
        SheetColumn("alarm", "", lambda alarm: mark("⚠", "warning") if alarm else "", align="left"),
        SheetColumn("missing", "no answer %", percent, drop=2),
        SheetColumn("empty", "empty %", percent, drop=4),
        SheetColumn("cut", "cut off %", percent, drop=3),
    ]
    footnotes = []
    if any(each.gap is not None for each in details.llms.values()):
        footnotes.append("gap: points more accurate on the train split; p: two-proportion z test, Holm-adjusted")
    if any(each.alarm for each in details.llms.values()):
        footnotes.append("⚠ has probably seen the train split")
    footnotes += [f"⚠ {name}: {each.warning}" for name, each in details.llms.items() if each.warning]
    shown = [{"llm": name, **each} for name, each in details.to_dict()["llms"].items()]
    write_next(Sheet(columns, shown, "LLMs", footnotes), form)


def _by_router(details: Details, form: Format) -> None:
    columns = [
        SheetColumn("router", "router", align="left"),
        SheetColumn("llm", "LLM", align="left"),
        SheetColumn("auroc", "AUROC", number(3)),
        SheetColumn("brier", "Brier", number(3)),
        SheetColumn("calibration_error", "calibration error", number(3)),
        SheetColumn("f1", "F1", number(3)),
        SheetColumn("aiq", "AIQ", number(3), drop=1),
    ]
    footnotes = [f"{OVERALL}: F1 weighted by the LLMs' numbers of right answers, means of the others"]
    footnotes += [
        f"AIQ: mean accuracy along policy cost-aware's curve, between the LLMs' lowest and highest mean {by}"
        for by in dict.fromkeys(each.aiq_by for each in details.routers.values() if each.aiq_by)
    ]
    footnotes += dict.fromkeys(each.note for each in details.routers.values() if each.note)
    write_next(Sheet(columns, list(_qualities(details)), "Routers", footnotes, section="router"), form)


def _qualities(details: Details) -> Iterator[dict[str, object]]:
    for name, each in details.to_dict()["routers"].items():
        overall = each["overall"] or {}
        yield {"router": name, "llm": OVERALL, **overall, "f1": overall.get("weighted_f1"), "aiq": each["aiq"]}
        for llm, figures in each["quality"].items():
            yield {"router": name, "llm": llm, **figures}


def _by_subject(details: Details, form: Format) -> None:
    """All rows but upper bounds, by number: names may be any text. A narrow terminal does without LLMs first."""
    kinds = {
        name: row.kind
        for name, row in zip(details.rows, details.table.rows, strict=True)
        if row.kind != "baseline" or row.router is None
    }
    fields = {name: f"row {at}" for at, name in enumerate(kinds)}
    wanted = sorted(kinds, key=lambda name: ("baseline", "router", "llm").index(kinds[name]))
    columns = [
        SheetColumn("subject", "subject", align="left"),
        SheetColumn("questions", "questions"),
        *(SheetColumn(field, name, percent, drop=1 + wanted.index(name)) for name, field in fields.items()),
    ]
    shown = [
        {
            "subject": subject or None,
            "questions": each.questions,
            **{field: each.accuracy[name] for name, field in fields.items()},
        }
        for subject, each in details.subjects.items()
    ]
    write_next(Sheet(columns, shown, "Accuracy % by subject"), form)


def _points(share: float | None) -> str:
    return number(1)(None if share is None else 100 * share)


def _seconds(ends: tuple[float, float] | None) -> str:
    return MISSING if ends is None else " – ".join(number(2)(end) for end in ends)


def _shares(histogram: dict[str, float] | None) -> str:
    """The LLMs that are asked at all, most first."""
    used = sorted(((share, name) for name, share in (histogram or {}).items() if share), key=lambda each: -each[0])
    return ", ".join(f"{text(name)} {percent(share)}" for share, name in used) or MISSING
