"""Logs of other tools with anything in the place of anything: imported, or one clear line, and nothing half stored."""

import contextlib
import copy
import json
import random
import shutil

import pytest

from paths import DATA
from selectllm_engine.errors import SelectLLMError
from selectllm_engine.importers.helm import import_helm
from selectllm_engine.importers.opencompass import import_opencompass
from selectllm_engine.importers.promptfoo import import_promptfoo
from selectllm_engine.importers.routerarena import import_routerarena
from selectllm_engine.importers.simple_evals import import_simple_evals
from selectllm_engine.store.cache import Cache

ATTEMPTS = 15
ODD = [None, True, 0, -1, 1.5, 10**400, float("nan"), "", "x", "\ud800", [], [None], [[]], {}, {"x": None}, ["a", "b"]]
ARENA = [
    {
        "global index": f"Sums_{n}",
        "prompt": f"What is {n}?\n\nOptions:\nA. 1\nB. 2",
        "prediction": "one",
        "generated_result": {"generated_answer": "A", "success": True, "token_usage": {"input_tokens": 3}},
        "cost": 0.1,
        "accuracy": 1.0,
    }
    for n in range(3)
]
CACHED = {**ARENA[0], "llm_selected": "one", "question": "What?", "generated_answer": "A", "success": True}
CACHED["evaluation_result"] = {"ground_truth": "A", "score": 1.0, "inference_cost": 0.1, "extracted_answer": "A"}


def places(value, place=()):
    """Where something stands in a JSON value."""
    yield place
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield from places(inner, (*place, name))


def changed(value, draw):
    """The value with a few places replaced or left out."""
    value = copy.deepcopy(value)
    for _ in range(draw.choice([1, 1, 2, 5])):
        found = [place for place in places(value) if place]
        if not found:
            break
        *above, last = draw.choice(found)
        inner = value
        for name in above:
            inner = inner[name]
        if draw.random() < 0.2:
            del inner[last]
        else:
            inner[last] = copy.deepcopy(draw.choice(ODD))
    return value


@pytest.mark.parametrize(
    ("run", "source", "names"),
    [
        (import_helm, "helm/runs/v1/sums:digits=1,shots=0,model=fake_weak", ["scenario_state", "per_instance_stats"]),
        (import_helm, "helm/runs/v1/words:method=separate,model=fake_weak", ["scenario_state", "run_spec"]),
        (import_helm, "helm/runs/v1/words:method=joint,model=fake_weak", ["display_predictions", "instances"]),
        (import_opencompass, "opencompass", ["sums", "words_gen", "words_ppl"]),
        (import_promptfoo, "promptfoo", ["results"]),
        (import_routerarena, ARENA, ["router"]),
        (import_routerarena, [CACHED], ["router"]),
        (import_simple_evals, "simple-evals", ["mgsm_fake-weak_20261120_101112_allresults"]),
    ],
)
def test_odd_logs(tmp_path, run, source, names):
    draw = random.Random(14)
    kept = 0
    for attempt in range(ATTEMPTS):
        before = kept
        folder = tmp_path / f"log-{attempt}"
        if isinstance(source, str):
            shutil.copytree(DATA / source, folder)
        else:
            folder.mkdir()
            (folder / "router.json").write_text(json.dumps(source))
        if "display_predictions" in names:
            (folder / "scenario_state.json").unlink()
        path = draw.choice(sorted(each for each in folder.rglob("*.json") if each.stem in names))
        found = changed(json.loads(path.read_text()), draw)
        if "llm_selected" in source[0]:
            path.unlink()
            path.with_suffix(".jsonl").write_text("\n".join(map(json.dumps, found)))
        else:
            path.write_text(json.dumps(found))
        cache = Cache(tmp_path / f"cache-{attempt}")
        with contextlib.suppress(SelectLLMError):
            run(cache, folder, "b")
            kept += 1
        assert cache.benchmarks() == (["b"] if kept > before else [])
    assert kept
