"""What the check suites run over, and what the pages must name: all of it read from the tables."""

from __future__ import annotations

import re

from paths import ROOT
from plain import LEARNED_ORACLES, ORACLES
from selectllm_engine.evaluation import POLICIES
from selectllm_engine.routers import FAMILIES


def router_names() -> list[str]:
    """A name per family; `tiny` is an encoder."""
    read = {None: "{}", "vectors": "{}:tfidf", "encoder": "{}:tiny"}
    return [read[family.features].format(name) for name, family in FAMILIES.items()]


def policies_without_oracle() -> list[str]:
    return [name for name in POLICIES if name not in {**ORACLES, **LEARNED_ORACLES}]


def policy_names() -> list[str]:
    """The policies as pages write them."""
    return [f"{name}:{info.symbol}" if info.symbol else name for name, info in POLICIES.items()]


def undocumented(names, page="concepts.md") -> list[str]:
    """Those that don't stand in `code` on a page of docs/."""
    written = set(re.findall(r"`([^`\n]+)`", (ROOT / "docs" / page).read_text("utf-8")))
    return [name for name in names if name not in written]
