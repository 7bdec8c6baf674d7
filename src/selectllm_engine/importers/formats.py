"""Importers: other tools' results become a benchmark in the cache. A format is a module and a line of `FORMATS`."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["FORMATS", "Imported"]

FORMATS: dict[str, str] = {
    "helm": "selectllm_engine.importers.helm",  # run folders of HELM
    "inspect": "selectllm_engine.importers.inspect",  # .eval and JSON logs of Inspect
    "lighteval": "selectllm_engine.importers.lighteval",  # --save-details of lighteval
    "llmrouterbench": "selectllm_engine.importers.llmrouterbench",  # LLMRouterBench's result folders
    "lm-eval": "selectllm_engine.importers.lm_eval",  # --log_samples of EleutherAI's harness
    "opencompass": "selectllm_engine.importers.opencompass",  # predictions and results of OpenCompass
    "predictions": "selectllm_engine.importers.predictions",  # the study's released router predictions
    "promptfoo": "selectllm_engine.importers.promptfoo",  # JSON output of promptfoo eval
    "routerarena": "selectllm_engine.importers.routerarena",  # RouterArena's predictions and cached results
    "routerbench": "selectllm_engine.importers.routerbench",  # RouterBench's wide tables
    "simple-evals": "selectllm_engine.importers.simple_evals",  # *_allresults.json of simple-evals
    "table": "selectllm_engine.importers.table",  # any wide or long table
}


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import read and stored.

    Attributes:
        benchmark: where it is stored.
        llms: the LLMs, in the order of the run.
        splits: questions per split.
        rows: rows read.
        skipped: rows that were not used, by reason.
        notes: what a person should know about it.
        unchanged: whether the same was imported before, so that nothing was written.
        both: whether there are texts and scores, so that the verdicts of both can be compared.
        scores: of LLMs with one score per question and no texts, per subject how many questions and how many right.
    """

    benchmark: str
    llms: tuple[str, ...]
    splits: dict[str, int]
    rows: int
    skipped: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unchanged: bool = False
    both: bool = False
    scores: dict[str, list[tuple[str | None, int, int]]] = field(default_factory=dict)
