"""HELM's run folders: which there are at a path, and what they say about each instance.

`helm-run` writes run_spec.json, scenario_state.json (instances, requests, completions) and per_instance_stats.json;
`helm-summarize` makes of them display_predictions.json and instances.json, which are what its website shows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from selectllm_engine.errors import ImportFormatError
from selectllm_engine.importers.json_members import has_member, members
from selectllm_engine.importers.values import count, entries, mapping, number, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

__all__ = ["HelmRun", "Said", "Trial", "find_runs", "trials"]

_STATE, _SHOWN, _INSTANCES = "scenario_state.json", "display_predictions.json", "instances.json"
_STATS, _SPEC = "per_instance_stats.json", "run_spec.json"
_RUNS = "name HELM's benchmark_output, a suite in it, or a run's folder"
_NOT_THE_TASK = ("model", "model_deployment", "method")  # in a run's name


@dataclass(frozen=True, slots=True)
class HelmRun:
    """A run's folder.

    Attributes:
        path: the folder.
        model: the LLM as HELM names it, such as "openai/gpt-4-0613".
        task: the scenario, with its arguments.
        method: how instances became prompts, such as "generation" or "multiple_choice_joint".
        settings: what else tells apart runs of one LLM on one task.
        files: those that are read.
    """

    path: Path
    model: str
    task: str
    method: str
    settings: Mapping[str, object]
    files: tuple[Path, ...]

    @property
    def chooses(self) -> bool:
        """Whether the LLM was given options."""
        return self.method.startswith("multiple_choice")


@dataclass(frozen=True, slots=True)
class Said:
    """One completion; text is None where only its score is known."""

    text: str | None
    tokens: int | None = None
    finish: str | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """What an LLM made of an instance with one draw of examples.

    Attributes:
        id, number: of the instance and of the draw.
        instance: its input and references.
        said: the completions; none where the request failed.
        seconds: of its requests together.
        perturbed: whether the instance was changed on purpose.
        stats: the means of HELM's metrics.
    """

    id: str
    number: int
    instance: Mapping[str, object]
    said: tuple[Said, ...]
    seconds: float | None
    perturbed: bool
    stats: Mapping[str, float] = field(default_factory=dict)


def find_runs(path: Path) -> list[HelmRun]:
    """All runs at a path, older suites first.

    Raises:
        ImportFormatError: there are none, or one names no LLM.
    """
    if path.is_file():
        path = path.parent
    found = {each.parent for name in (_STATE, _SHOWN) for each in path.rglob(name)}
    if not found:
        raise ImportFormatError(f"{path} holds no runs of HELM ({_STATE} or {_SHOWN})", _RUNS)
    return [_run(each) for each in sorted(found, key=_order)]


def _order(path: Path) -> list[tuple[int, str]]:
    """Sorts v2 before v10."""
    return [(int(digits or 0), rest) for digits, rest in re.findall(r"(\d*)(\D*)", str(path))]


def _run(folder: Path) -> HelmRun:
    whole = (folder / _STATE).is_file()
    if not whole and not (folder / _INSTANCES).is_file():
        raise ImportFormatError(f"{folder} has {_SHOWN} but no {_INSTANCES}", "copy the run's whole folder")
    spec = dict(members(folder / _SPEC)) if (folder / _SPEC).is_file() else {}
    adapter = mapping(spec.get("adapter_spec"))
    if not adapter and whole and has_member(folder / _STATE, "adapter_spec"):
        adapter = dict(members(folder / _STATE, "adapter_spec"))
    model = words(adapter.get("model")) or words(adapter.get("model_deployment"))
    if not model:
        raise ImportFormatError(f"{folder} doesn't say which LLM it is of", f"copy its {_SPEC} too")
    names = (_STATE, _STATS) if whole else (_SHOWN, _INSTANCES)
    return HelmRun(
        path=folder,
        model=model,
        task=_task(words(spec.get("name")) or folder.name, mapping(spec.get("scenario_spec"))),
        method=str(adapter.get("method", "")),
        settings={
            "shots": adapter.get("max_train_instances"),
            "method": adapter.get("method"),
            "temperature": adapter.get("temperature"),
            "max_tokens": adapter.get("max_tokens"),
            "deployment": adapter.get("model_deployment"),
            "prompt": "".join(
                str(adapter.get(f"{each}")) for each in ("global_prefix", "instructions", "output_prefix")
            ),
        },
        files=tuple(folder / name for name in names if (folder / name).is_file()),
    )


def _task(name: str, scenario: Mapping[str, object]) -> str:
    """The scenario's name with its arguments; without a specification, those of the run's name."""
    head, _, told = name.partition(":")
    if scenario:
        given = [f"{key}={value}" for key, value in mapping(scenario.get("args")).items()]
    else:
        given = [each for each in told.split(",") if each and each.partition("=")[0] not in _NOT_THE_TASK]
    return f"{head}:{','.join(given)}" if given else head


def trials(run: HelmRun) -> Iterator[Trial]:
    """What the LLM made of each instance, in the order of the run; raises ImportFormatError for damaged files."""
    return _of_state(run) if run.files[0].name == _STATE else _of_display(run)


def _of_state(run: HelmRun) -> Iterator[Trial]:
    path = run.path / _STATE
    stats = _stats(run.path / _STATS) if (run.path / _STATS).is_file() else {}
    states = (_object(path, place, each) for place, each in members(path, "request_states"))
    for (name, number_, perturbed), group in groupby(states, key=_about):
        asked = [each for each in group if each.get("request_mode") != "calibration"]
        if not asked:
            continue
        results = [mapping(each.get("result")) for each in asked]
        done = all(each.get("success") is True for each in results)
        times = [number(each.get("request_time")) for each in results]
        yield Trial(
            id=name,
            number=number_,
            instance=mapping(asked[0].get("instance")),
            said=tuple(map(_said, entries(results[0].get("completions")))) if done else (),
            seconds=sum(each or 0.0 for each in times) if done and None not in times else None,
            perturbed=perturbed,
            stats={} if perturbed else stats.get((name, number_), {}),
        )


def _of_display(run: HelmRun) -> Iterator[Trial]:
    instances = {}
    for place, each in members(run.path / _INSTANCES):
        instance = _object(run.path / _INSTANCES, place, each)
        if not instance.get("perturbation"):
            instances[str(instance.get("id"))] = instance
    path = run.path / _SHOWN
    for place, each in members(path):
        shown = _object(path, place, each)
        name, stats = str(shown.get("instance_id")), _means(mapping(shown.get("stats")).items())
        if name not in instances and not shown.get("perturbation"):
            raise ImportFormatError(f"{path}: instance {name!r} is not in {_INSTANCES}", "copy the run's whole folder")
        text = words(shown.get("truncated_predicted_text")) or words(shown.get("predicted_text"))
        yield Trial(
            id=name,
            number=count(shown.get("train_trial_index")) or 0,
            instance=instances.get(name, {}),
            said=(Said(text),) if text is not None else (),
            seconds=number(stats.get("inference_runtime")),
            perturbed=bool(shown.get("perturbation")),
            stats=stats,
        )


def _about(state: Mapping[str, object]) -> tuple[str, int, bool]:
    instance = mapping(state.get("instance"))
    trial = count(state.get("train_trial_index")) or 0
    return str(instance.get("id")), trial, bool(instance.get("perturbation"))


def _said(completion: object) -> Said:
    tokens = mapping(completion).get("tokens")
    return Said(
        text=str(mapping(completion).get("text") or ""),
        tokens=len(tokens) if isinstance(tokens, list) and tokens else None,
        finish=words(mapping(mapping(completion).get("finish_reason")).get("reason")),
    )


def _stats(path: Path) -> dict[tuple[str, int], dict[str, float]]:
    """The means of the metrics, per instance and draw of examples; perturbed instances aside."""
    found: dict[tuple[str, int], dict[str, float]] = {}
    for place, each in members(path):
        entry = _object(path, place, each)
        if not entry.get("perturbation"):
            key = str(entry.get("instance_id")), count(entry.get("train_trial_index")) or 0
            named = (
                (mapping(stat.get("name")).get("name"), stat.get("mean"))
                for stat in map(mapping, entries(entry.get("stats")))
            )
            found.setdefault(key, {}).update(_means(named))
    return found


def _means(stats: Iterable[tuple[object, object]]) -> dict[str, float]:
    """Those that are numbers, and of a metric with a name."""
    return {
        name: float(value)
        for name, value in stats
        if isinstance(name, str) and isinstance(value, (int, float)) and abs(value) < 1 << 53
    }


def _object(path: Path, place: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise ImportFormatError(f"{path}, member {place} is no JSON object", _RUNS)
    return value
