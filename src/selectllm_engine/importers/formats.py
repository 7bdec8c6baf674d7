"""Importers: other tools' results become a benchmark in the cache. A format is a module and an entry of `FORMATS`.

An entry says all that its command `selectllm import FORMAT` has and the others don't; the command is made from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["FORMATS", "ImportFormat", "ImportOption", "Imported"]


@dataclass(frozen=True, slots=True)
class ImportOption:
    """An option that not every format has.

    Attributes:
        name: the keyword of the format's function that takes its value.
        help: what it says, in half a line.
        metavar: how its value is written.
        flags: the option's names, where it isn't `--` and the keyword.
        value: "text", "names" (several, with commas between), "seconds" (of LLMs by name) or "flag" (yes or no).
        default: without the option.
    """

    name: str
    help: str
    metavar: str = ""
    flags: tuple[str, ...] = ()
    value: Literal["text", "names", "seconds", "flag"] = "text"
    default: str | None = None


@dataclass(frozen=True, slots=True)
class ImportFormat:
    """What another tool writes, and who reads it.

    Attributes:
        target: module:function of this package. The function takes the cache, a path and the benchmark's name, the
            options by their names, and `options` and `progress` where it is `assembled`.
        help: what the command does: a line, and more after an empty one.
        path: how the path is written, and what it must be.
        own: options that not every format has.
        assembled: whether `assembly` stores what it reads, with drawn splits, a threshold and kinds of answers.
        folder: whether the path may be a folder.
    """

    target: str
    help: str
    path: tuple[str, str]
    own: tuple[ImportOption, ...] = ()
    assembled: bool = True
    folder: bool = True


_LATENCY = ImportOption(
    "latency", "Seconds per question of each LLM, where the file has none.", "LLM=SECONDS,…", value="seconds"
)
_LOG = ("PATH", "The tool's output folder, or one file.")
_ONE_LLM = ImportOption("llm", "Name of the LLM, where all files are of one.", "NAME", flags=("--llm", "--llm-name"))
_TASKS = ImportOption("tasks", "Only these tasks.", "TASK,TASK…", flags=("--task",), value="names")
_METRIC = ImportOption("metric", "Which metric is the verdict; without it the best known.", "NAME")


def _column(name: str, text: str, default: str | None = None) -> ImportOption:
    return ImportOption(name, text, "COLUMN", default=default)


FORMATS: dict[str, ImportFormat] = {
    "inspect": ImportFormat(
        "inspect:import_inspect",
        """Import Inspect's .eval and JSON logs: epochs are samples, with their latency, tokens and cost.

LLMs are joined on the question. A task is a subject. Of several runs of one LLM on one task with the same settings
the newest successful one counts; other settings, such as the reasoning effort, make another LLM. Samples that
failed are skipped.""",
        _LOG,
        (
            _ONE_LLM,
            _TASKS,
            ImportOption(
                "scorer",
                "Whose verdicts are recorded, of a score with several parts which part; without it the log's first.",
                "NAME[.KEY]",
            ),
        ),
    ),
    "lm-eval": ImportFormat(
        "lm_eval:import_lm_eval",
        """Import what lm-eval wrote with --log_samples: generative and multiple-choice tasks, of one LLM or several.

The K texts of a document are K samples; LLMs are joined on the document. A task is a subject. Of several runs of
one LLM on one task with the same settings the newest counts; other settings make another LLM.""",
        _LOG,
        (
            _ONE_LLM,
            _TASKS,
            ImportOption(
                "filter_name",
                "Whose verdicts are recorded; without it a majority's, else the log's first.",
                "NAME",
                flags=("--filter",),
            ),
            ImportOption(
                "metric",
                "Which metric is the verdict; acc_norm picks choices by log-likelihood per character.",
                "NAME",
            ),
            _LATENCY,
        ),
    ),
    "helm": ImportFormat(
        "helm:import_helm",
        """Import HELM's benchmark_output, a suite or a run in it: what helm-run or helm-summarize left there.

A scenario is a subject, completions are samples, and LLMs are joined on the instance. Several ways to run an LLM on
a scenario are several LLMs, named after what differs. Perturbed instances are passed over.""",
        _LOG,
        (_TASKS, _METRIC),
    ),
    "lighteval": ImportFormat(
        "lighteval:import_lighteval",
        """Import what lighteval wrote with --save-details: its output folder, or one details_*.parquet.

A task is a subject, the texts of a document are samples. Runs of one LLM with other shots or generation settings
are several LLMs; of equal runs the newest counts.""",
        _LOG,
        (_TASKS, _METRIC),
    ),
    "opencompass": ImportFormat(
        "opencompass:import_opencompass",
        """Import OpenCompass's predictions, with the verdicts in results/ beside them: a work dir, or one run in it.

A dataset is a subject; several predictions of a question are samples. Verdicts per question are in results/ with
--dump-eval-details. Of several runs the newest counts.""",
        _LOG,
        (_TASKS,),
    ),
    "promptfoo": ImportFormat(
        "promptfoo:import_promptfoo",
        """Import what promptfoo eval --output wrote as .json or .jsonl, with latency, tokens and cost.

A test is a question, known by its variables; --repeat makes samples. A provider with several prompts is several
LLMs, named after the prompt. Calls that failed are skipped, tests without an assertion have no verdict.""",
        _LOG,
        (ImportOption("metric", "Which named score is the verdict; without it whether the test passed.", "NAME"),),
    ),
    "routerarena": ImportFormat(
        "routerarena:import_routerarena",
        """Import RouterArena's predictions (<router>.json) or cached results (<LLM>.jsonl), with tokens and cost.

The LLMs that answered are imported. As a router asks few LLMs each question, predictions alone may leave no
question that all of them answered: add the cached results, or compare routers with --routers.""",
        _LOG,
        (ImportOption("routers", "Each file of predictions is one LLM, named after its router.", value="flag"),),
    ),
    "simple-evals": ImportFormat(
        "simple_evals:import_simple_evals",
        """Import simple-evals' <eval>_<LLM>_<time>_allresults.json, a file or a folder with some.

An evaluation is a subject, repetitions of a question are samples. Older versions wrote averages and reports only.""",
        _LOG,
        (_TASKS,),
    ),
    "served": ImportFormat(
        "served_log:import_served",
        """Import the log of selectllm serve --log FILE --log-texts: your own traffic becomes questions of a benchmark.

Each LLM's answers are samples, with latency, tokens and cost; selectllm generate makes what the LLMs that were not
asked lack. Gold answers are in no log: give lines one, as "gold". A log that has grown is imported with --again.""",
        ("FILE", "The log."),
        folder=False,
    ),
    "predictions": ImportFormat(
        "predictions:import_predictions",
        """Import a router's predictions as the study released them, with labels and the router `imported`.

The CSV has the columns question, split, true_label, prediction, raw_predictions and confidence. There are labels
only, no votes: figures that need votes say so. Without --latency the study's are used where the benchmark's name
and the LLMs are the study's.""",
        ("FILE", "A CSV file."),
        (
            _LATENCY,
            ImportOption(
                "llms",
                "What the columns of raw_predictions and confidence are, in order; else all names there, sorted.",
                "LLM,LLM…",
                value="names",
            ),
        ),
        assembled=False,
        folder=False,
    ),
    "routerbench": ImportFormat(
        "routerbench:import_routerbench",
        """Import a wide table in RouterBench's form, as selectllm export writes it too.

Columns: sample_id, prompt, eval_name (the subject), and for each LLM its score under its name, <llm>|model_response
and <llm>|total_cost. RouterBench's pickles are not opened, for they can run programs: convert them where you
trust them.""",
        ("FILE", "A CSV or Parquet file."),
    ),
    "llmrouterbench": ImportFormat(
        "llmrouterbench:import_llmrouterbench",
        """Import LLMRouterBench's results: <dataset>/<split>/<model>/*.json, the newest of each that is no demo.

Datasets become subjects. All but a few are tests only: --split-by divides them.""",
        ("FOLDER", "results/bench, or one dataset in it."),
    ),
    "table": ImportFormat(
        "table:import_columns",
        """Import any table whose columns you name: a row per question (--llms, --scores) or a row per answer (--llm).

With --llms, a column of an LLM is named by a pattern: --text '{llm}_response'. A field of a nested object is
outer.inner. Rows that repeat a question and an LLM are samples, and so are texts that are lists. Chat messages
become their text.""",
        ("FILE", "A CSV, TSV, JSON, JSONL or Parquet file."),
        (
            _column("question", "The question's text.", default="question"),
            ImportOption(
                "llms",
                "A row per question: the LLMs, whose scores are in columns so named.",
                "LLM,LLM…",
                value="names",
            ),
            _column("llm", "A row per answer: the column with the LLM's name."),
            ImportOption("llm_name", "Whose answers these are, where the file names nobody.", "NAME"),
            _column("scores", "A row per question: the column with {llm: score} objects."),
            _column("score", "The score, from 0 (wrong) to 1 (right), or true and false."),
            _column("text", "What the LLM wrote."),
            _column("answer", "The answer that was found in it, kept beside our own."),
            _column("gold", "The gold answer."),
            _column("choices", "The options: a list, in JSON or as Python prints it, or texts between |."),
            _column("latency", "Seconds."),
            _column("cost", "Dollars."),
            _column("prompt_tokens", "Tokens of the prompt."),
            _column("output_tokens", "Tokens of the answer."),
            _column("split", "train, validation or test."),
            _column("subject", "The question's subject."),
            _column("id", "The question's id; without it, its text counts."),
            _column("sample", "The sample's number, where a question has several rows."),
        ),
    ),
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
