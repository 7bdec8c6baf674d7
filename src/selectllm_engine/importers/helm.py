"""HELM's runs, `benchmark_output/runs/<suite>/<run>/`, as helm-run or helm-summarize left them.

A scenario with its arguments is a subject, an instance a question known by its id. An LLM that was run on one scenario
in several ways (shots, method, temperature, deployment, prompt) is several LLMs, named after what differs.

- The completions of a request are samples, and so are those of further draws of examples. Perturbed instances are
  passed over, calibration requests too.
- Options are the references of multiple choice. Where each was a request of its own, the text is the letter of the
  one that HELM found likeliest.
- The verdict is a metric of per_instance_stats.json, one per draw, kept with its first sample. Where several
  references are right there is no gold answer.
- Latency is `request_time`, of all completions of a request together; HELM records no cost.

Of equal runs in several suites the last suite's counts.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from selectllm_engine.benchmarks import LETTERS
from selectllm_engine.errors import UnknownNameError
from selectllm_engine.importers.configurations import bracketed_names
from selectllm_engine.importers.helm_runs import HelmRun, Said, Trial, find_runs, trials
from selectllm_engine.importers.importer import Recorded, importer
from selectllm_engine.importers.records import Reading, Record, of_tasks, origin_of
from selectllm_engine.importers.values import count, entries, last_asked, mapping, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from selectllm_engine.store import Progress

__all__ = ["import_helm"]

_METRICS = (  # the first that a run has is its verdict; those for one kind of question come first
    "final_number_exact_match",
    "math_equiv_chain_of_thought",
    "math_equiv",
    "chain_of_thought_correctness",
    "omni_math_accuracy",
    "ifeval_strict_accuracy",
    "execution_accuracy",
    "program_accuracy",
    "pass",
    "quasi_exact_match",
    "exact_match",
    "quasi_prefix_exact_match",
    "f1_score",
)
_SOLVED = re.compile(r"The answer is ([^.\s][^\s]*?)\.?\s*$")  # how HELM writes GSM8K's solutions


@importer("helm")
def import_helm(
    path: Path,
    reading: Reading,
    progress: Progress,
    *,
    tasks: Sequence[str] | None = None,
    metric: str | None = None,
) -> Recorded:
    """Read HELM's benchmark_output, a suite in it, or a run's folder.

    `tasks` are the only scenarios wanted, as the subjects are named. `metric` is the verdict, else the best known of
    each run. Raises UnknownNameError for a task or metric that the runs don't have.
    """
    runs = _selected(find_runs(path), tasks, reading)
    origin = origin_of([file for run in runs.values() for file in run.files], llms=list(runs), metric=metric)
    return _RunReader(metric, reading).records(runs, progress), origin


def _selected(runs: Sequence[HelmRun], tasks: Sequence[str] | None, reading: Reading) -> dict[tuple[str, str], HelmRun]:
    """The runs that count, by LLM and task."""
    wanted = of_tasks(runs, tasks)
    names = bracketed_names({run.path: (run.model, run.task, run.settings) for run in wanted})
    chosen = {(names[run.path], run.task): run for run in wanted}
    if older := len(wanted) - len(chosen):
        reading.note(f"{older:,} equal runs of earlier suites passed over: the last suite counts")
    return chosen


class _RunReader:
    """Reads the runs in order."""

    def __init__(self, metric: str | None, reading: Reading) -> None:
        self._metric, self._reading = metric, reading
        self._metrics: set[str] = set()
        self._judged: dict[str, set[str]] = {}  # metric -> tasks
        self._without = 0

    def records(self, runs: Mapping[tuple[str, str], HelmRun], progress: Progress) -> Iterator[Record]:
        """The records of all runs; what there is to say is noted once they are through."""
        for done, ((llm, _), run) in enumerate(runs.items(), start=1):
            samples: Counter[str] = Counter()
            for trial in trials(run):
                found = self._records(run, trial, llm, samples[trial.id])
                samples[trial.id] += len(found)
                yield from found
            progress(done, len(runs))
        note = self._reading.note
        if self._metric is not None and self._metric not in self._metrics:
            raise UnknownNameError("metric", self._metric, sorted(self._metrics))
        for metric, tasks in self._judged.items():
            note(f"{', '.join(sorted(tasks))}: metric {metric}")
        if self._without:
            note(f"{self._without:,} instances have no metric from 0 to 1: left unknown")

    def _records(self, run: HelmRun, trial: Trial, llm: str, before: int) -> list[Record]:
        question = _question(trial.instance)
        options = [mapping(each) for each in entries(trial.instance.get("references"))]
        if trial.perturbed:
            self._reading.skip("perturbed instances")
        elif not trial.said:
            self._reading.skip("requests that failed")
        elif not question.strip():
            self._reading.skip("instances without a question in words")
        elif run.chooses and len(options) > len(LETTERS):
            self._reading.skip(f"instances with more than {len(LETTERS)} options")
        else:
            prompt, score = trial.stats.get("num_prompt_tokens"), self._score(run, trial.stats)
            return [
                Record(
                    llm=llm,
                    key=f"{run.task}-{trial.id}",
                    question=question,
                    subject=run.task,
                    sample=before + place,
                    text=said.text,
                    score=score if place == 0 else None,
                    latency=trial.seconds,
                    prompt_tokens=None if prompt is None else count(int(prompt)),
                    output_tokens=said.tokens,
                    finish_reason=said.finish,
                    **_asked(options, chooses=run.chooses),
                )
                for place, said in enumerate(_texts(run, trial, len(options)))
                if said.text is not None or (score is not None and place == 0)
            ]
        return []

    def _score(self, run: HelmRun, stats: Mapping[str, float]) -> float | None:
        self._metrics.update(stats)
        metric = next((each for each in (self._metric, *_METRICS) if each is not None and each in stats), None)
        value = stats.get(metric) if metric else None
        if metric is None or value is None or not 0 <= value <= 1:
            self._without += 1
            return None
        self._judged.setdefault(metric, set()).add(run.task)
        return value


def _texts(run: HelmRun, trial: Trial, options: int) -> tuple[Said, ...]:
    """The completions; where each option was a request of its own, the letter of the likeliest."""
    if not run.method.startswith("multiple_choice_separate"):
        return trial.said
    picked = trial.stats.get("predicted_index")
    if picked is None or not 0 <= picked < options:
        return (Said(None),)  # what there is as text is the prompt with one of the options
    return (Said(f"({LETTERS[int(picked)]})"),)


def _asked(references: Sequence[Mapping[str, Any]], *, chooses: bool) -> dict[str, Any]:
    """Options, gold answer and kind."""
    texts = [str(mapping(each.get("output")).get("text", "")) for each in references]
    right = [place for place, each in enumerate(references) if "correct" in entries(each.get("tags"))]
    if chooses and texts:
        gold = f"({LETTERS[right[0]]})" if len(right) == 1 else None  # a bare letter may be an option's text
        return {"choices": tuple(texts), "gold": gold, "kind": "letter"}
    golds = {texts[place] for place in right}
    gold = golds.pop() if len(golds) == 1 else None
    solved = _SOLVED.search(gold) if gold else None
    return {"gold": solved[1] if solved else gold}


def _question(instance: Mapping[str, object]) -> str:
    """The instance's text; of a conversation what the user said last."""
    asked = mapping(instance.get("input"))
    if text := words(asked.get("text")):
        return text
    return last_asked(asked.get("messages"))
