"""`selectllm train`: train routers on a run."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from selectllm_engine.errors import SelectLLMError, UsageError
from selectllm_engine.routers import DEFAULT_ENCODERS, FAMILIES, parse_router, suite
from selectllm_tui.cli.console import Sheet, SheetColumn, error_console, note, write_sheet
from selectllm_tui.cli.loaded_run import reading
from selectllm_tui.cli.options import Benchmark, CacheDir, Format, complete
from selectllm_tui.notation import number, percent
from selectllm_tui.untrusted import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from selectllm_engine.routers.training import TrainedRouter
    from selectllm_engine.run import StoredRun

__all__ = ["train"]


class Device(StrEnum):
    """Where transformers run."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


Encoders = Annotated[
    list[str],
    typer.Option(
        "--encoder",
        metavar="NAME=FOLDER|HUB-ID",
        help=f"Where an encoder is, for example minilm=FOLDER; repeat it. Known: {', '.join(DEFAULT_ENCODERS)}.",
    ),
]


def complete_trainable(incomplete: str) -> list[str]:
    """Names of routers that can be trained: on TF-IDF and the known encoders."""
    from selectllm_engine.settings import read_settings

    try:
        encoders = dict.fromkeys([*DEFAULT_ENCODERS, *read_settings().encoders])
    except UsageError:
        encoders = dict.fromkeys(DEFAULT_ENCODERS)
    return complete(suite(encoders, fine_tuned=True), incomplete)


def train(
    benchmark: Benchmark = None,
    router: Annotated[
        list[str],
        typer.Option(
            metavar="FAMILY:FEATURES",
            help=f"Which router, for example knn:tfidf; repeat it for several. Families: {', '.join(FAMILIES)}.",
            autocompletion=complete_trainable,
        ),
    ] = [],  # noqa: B006
    all_: Annotated[
        bool,
        typer.Option(
            "--all", help="All on TF-IDF and on encoders named or at hand; fine-tuned ones where there is a GPU."
        ),
    ] = False,
    encoder: Encoders = [],  # noqa: B006
    device: Annotated[Device, typer.Option(help="Where transformers run.")] = Device.AUTO,
    hold_out_subjects: Annotated[
        bool,
        typer.Option(
            "--hold-out-subjects",
            help="Also refit each router without each subject in turn, for evaluate --unseen-subjects; not fine-tuned "
            "ones, nor stack.",
        ),
    ] = False,
    cache: CacheDir = None,
) -> None:
    """Train routers: they learn from the train split which LLM is right on which question.

    The validation split chooses their settings; the test split is never read. How many tokens questions and answers
    take is learned along with the first, for policy cost-aware. A router is named family:features.
    Features: tfidf, or an encoder, which needs selectllm[train]; NAME@4 keeps an encoder's first 4 layers. mlc and sc
    fine-tune their encoder.
    """
    from selectllm_engine.settings import read_settings

    encoders = {**read_settings().encoders, **parse_encoders(encoder)}
    if all_ == bool(router):
        problem = "--all and --router exclude each other" if all_ else "which router to train is not said"
        raise UsageError(problem, "name it with --router, or take --all")
    names = _every(encoders, device.value) if all_ else list(dict.fromkeys(router))
    for name in names:
        parse_router(name)
    trained: list[TrainedRouter] = []
    failed = []
    with reading(benchmark, cache, new=True) as run:  # the recorded run is copied to where routers are kept
        try:
            for name in names:
                try:
                    trained.append(_train(run, name, encoders, device.value, hold_out_subjects=hold_out_subjects))
                except SelectLLMError as error:
                    if len(names) == 1:
                        raise
                    failed.append(name)
                    note(f"{name}: {error}")
                if trained and trained[-1].interrupted:
                    raise KeyboardInterrupt
        finally:
            _report(run.benchmark, trained)
    if failed:
        raise SelectLLMError(
            f"{len(failed)} of {len(names)} routers could not be trained: {', '.join(failed)}",
            "the reasons are above; the others are ready",
        )


def _every(encoders: Mapping[str, str], device: str) -> list[str]:
    """The names of all routers that can be trained here without fetching an encoder nobody asked for."""
    from selectllm_engine.routers.encoders import available, choose_device, installed

    names = list(encoders)
    if "minilm" not in encoders and available("minilm", DEFAULT_ENCODERS["minilm"]):
        names.append("minilm")
    return suite(names, fine_tuned=installed() and choose_device(device) == "cuda")


def parse_encoders(given: list[str]) -> dict[str, str]:
    """`NAME=FOLDER|HUB-ID` as a mapping."""
    encoders = {}
    for each in given:
        name, equals, source = each.partition("=")
        if not (name and equals and source):
            raise UsageError(
                f"--encoder {each} names no folder or hub id", "write --encoder NAME=FOLDER or NAME=HUB-ID"
            )
        encoders[name] = source
    return encoders


def _train(
    run: StoredRun, name: str, encoders: Mapping[str, str], device: str, *, hold_out_subjects: bool = False
) -> TrainedRouter:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from selectllm_engine.routers.training import train as train_router

    console = error_console()
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(visible(name), total=None)
        said = ""

        def show(what: str, done: float) -> None:
            nonlocal said
            bar.update(task, description=visible(f"{name}: {what}"), completed=done, total=1.0 if done else None)
            if not console.is_terminal and what != said:
                said = what
                note(f"{name}: {what}")

        return train_router(
            run, name, encoders=encoders, device=device, progress=show, hold_out_subjects=hold_out_subjects
        )


def _report(benchmark: str, trained: list[TrainedRouter]) -> None:
    columns = [
        SheetColumn("name", "router", align="left"),
        SheetColumn("validation_f1", "weighted F1", number(3)),
        SheetColumn("validation_accuracy", "accuracy of argmax", percent),
        SheetColumn("best_single_accuracy", "best single", percent),
        SheetColumn("seconds", "seconds", number(1)),
    ]
    fields = ("name", "validation_f1", "validation_accuracy", "best_single_accuracy", "seconds")
    rows = [{field: getattr(each, field) for field in fields} for each in trained]
    if rows:
        notes = [f"{each.name}: {each.note}" for each in trained if each.note]
        title = f"Routers of {benchmark}, on its validation split"
        write_sheet(Sheet(columns, rows, title, notes), Format.TABLE)
