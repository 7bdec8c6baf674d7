"""The study's published figures (arXiv 2405.00467, its slides), to be shown beside a run's own where names match."""

from __future__ import annotations

from selectllm_engine.llms import STUDY
from selectllm_tui.row_keys import BOUND, RowKey, baseline, llm, policy

__all__ = ["PUBLISHED", "published"]

# benchmark -> family of routers (where it is of one) and row -> accuracy in percent and seconds per prompt
PUBLISHED: dict[str, dict[tuple[str, RowKey], tuple[float, float]]] = {
    "gsm8k": {
        ("", baseline("oracle")): (87.18, 3.46),
        ("", baseline("random")): (55.37, 3.52),
        ("", baseline("all-llms")): (74.37, 19.00),
        ("", llm("gemma-7b")): (71.11, 7.10),
        ("", llm("metamath-7b")): (67.55, 4.70),
        ("", llm("mistral-7b")): (59.74, 3.70),
        ("", llm("mistral-7b-it")): (50.41, 1.00),
        ("", llm("llama2-13b-chat")): (46.70, 1.80),
        ("", llm("gemma-7b-it")): (36.84, 0.70),
        ("mlc", BOUND): (79.68, 5.16),
        ("mlc", policy("argmax")): (67.62, 4.76),
        ("mlc", policy("random")): (67.47, 4.76),
        ("mlc", policy("prediction")): (67.70, 4.77),
        ("mlc", policy("sorted-prediction")): (59.90, 4.77),
        ("sc", policy("argmax")): (67.55, 4.70),
        ("clustering", policy("argmax")): (67.55, 4.70),
    },
    "mmlu": {
        ("", baseline("oracle")): (89.15, 1.89),
        ("", baseline("random")): (52.50, 2.35),
        ("", baseline("all-llms")): (60.39, 16.40),
        ("", llm("gemma-7b")): (63.85, 3.00),
        ("", llm("metamath-7b")): (42.28, 2.40),
        ("", llm("mistral-7b")): (62.09, 1.80),
        ("", llm("mistral-7b-it")): (51.63, 1.10),
        ("", llm("llama2-13b-chat")): (50.52, 4.80),
        ("", llm("gemma-7b-it")): (49.28, 1.00),
        ("", llm("llama2-7b")): (48.36, 2.30),
        ("mlc", BOUND): (77.18, 1.94),
        ("mlc", policy("argmax")): (62.28, 2.95),
        ("mlc", policy("random")): (58.16, 2.86),
        ("mlc", policy("prediction")): (63.85, 2.95),
        ("mlc", policy("sorted-prediction")): (48.36, 2.92),
        ("sc", policy("argmax")): (62.87, 2.94),
        ("clustering", policy("argmax")): (61.76, 2.83),
    },
}


def published(benchmark: str, key: RowKey, router: str | None) -> str:
    """The study's `accuracy / seconds` for a row of the results; empty where it has none."""
    name = key.name
    if key.kind == "llm":
        folded = name.casefold()
        name = next(
            (each.name for each in STUDY if folded in {each.name, *(alias.casefold() for alias in each.aliases)}), name
        )
    family = (router or "").partition(":")[0] if key.kind in {"bound", "policy"} else ""
    found = PUBLISHED.get(benchmark, {}).get((family, RowKey(key.kind, name)))
    return f"{found[0]:.1f} /{found[1]:5.1f}" if found else ""
