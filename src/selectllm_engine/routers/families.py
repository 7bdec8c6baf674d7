"""The table of router families, and from a router's name to a router that is not fitted yet."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from selectllm_engine.errors import UnknownNameError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from selectllm_engine.routers.base import Router
    from selectllm_engine.routers.features import Features

__all__ = ["DEFAULT_ENCODERS", "FAMILIES", "Family", "RouterName", "make_router", "parse_router", "suite", "usable"]


@dataclass(frozen=True, slots=True)
class Family:
    """A family of routers: all that anybody has to know of it before it is made.

    Attributes:
        target: module:class of this package.
        features: what it reads a question as: "vectors", TF-IDF or an encoder's; "encoder", which it fine-tunes and
            which wants a GPU; None where it takes no features.
        suite: whether `selectllm train --all` trains it.
        combines: it weighs the routers trained before it, and reads no question itself.
        needs_text: whether it can't do without the questions' texts.
        epochs: of fine-tuning, on benchmarks where they are others than the recipe's.
    """

    target: str
    features: Literal["vectors", "encoder"] | None = "vectors"
    suite: bool = True
    combines: bool = False
    needs_text: bool = True
    epochs: Mapping[str, int] = field(default_factory=dict)


# The study fine-tunes for 5 epochs on MMLU, which has twice the questions, and for 10 else.
_STUDY = {"mmlu": 5}

# All that is said of a family anywhere is read from here, in this order.
FAMILIES: dict[str, Family] = {
    "prior": Family("prior:Prior", features=None, needs_text=False),
    "logistic": Family("logistic:Logistic"),
    "knn": Family("knn:NearestNeighbours"),
    "clustering": Family("clustering:Clustering"),
    "forest": Family("forest:Forest"),
    "mf": Family("mf:MatrixFactorisation"),
    "ridge": Family("ridge:Ridge"),
    "mlc": Family("mlc:MultiLabel", features="encoder", epochs=_STUDY),
    "mlc-weighted": Family("mlc:WeightedMultiLabel", features="encoder"),
    "sc": Family("sc:Separate", features="encoder", epochs=_STUDY),
    "stack": Family("stack:Stack", features=None, combines=True),
}

# encoder name -> repository on the hub; --encoder NAME=FOLDER|HUB-ID adds and replaces
DEFAULT_ENCODERS: dict[str, str] = {
    "minilm": "sentence-transformers/all-MiniLM-L6-v2",
    "bert-base-uncased": "google-bert/bert-base-uncased",
    "distilbert-base-uncased": "distilbert/distilbert-base-uncased",
    "roberta-base": "FacebookAI/roberta-base",
    "t5-base": "google-t5/t5-base",
}


@dataclass(frozen=True, slots=True)
class RouterName:
    """A router's name in its parts; `layers` None means all layers of the encoder."""

    family: str
    features: str | None = None
    layers: int | None = None

    def __str__(self) -> str:
        name = self.family if self.features is None else f"{self.family}:{self.features}"
        return name if self.layers is None else f"{name}@{self.layers}"

    @property
    def needs_encoder(self) -> bool:
        """Does it run a transformer, so that the extra `train` must be installed?"""
        return self.features not in {None, "tfidf"}

    @property
    def fine_tuned(self) -> bool:
        """Does it train the encoder itself?"""
        return self.info.features == "encoder"

    @property
    def info(self) -> Family:
        """The family's entry in the table."""
        return FAMILIES[self.family]


def parse_router(name: str) -> RouterName:
    """The parts of a router's name.

    Raises:
        UnknownNameError: no such family.
        UsageError: features are missing, or the family can't use them.
    """
    family, colon, features = name.partition(":")
    if family not in FAMILIES:
        raise UnknownNameError("router family", family, FAMILIES)
    read = FAMILIES[family].features
    if read is None:
        if colon:
            raise UsageError(f"the router {family!r} takes no features", f"write {family!r}")
        return RouterName(family)
    example = "roberta-base" if read == "encoder" else "tfidf"
    if not features:
        raise UsageError(f"the router {family!r} needs features", f"for example {family}:{example}")
    layers = None
    if found := re.fullmatch(r"(.+)@(\d{1,3})", features):
        features, layers = found[1], int(found[2])
        if layers < 1:
            raise UsageError(f"{name!r} keeps no layer", "keep at least 1")
    if features == "tfidf" and (read == "encoder" or layers):
        problem = "has no layers" if layers else f"is no encoder that {family} can fine-tune"
        raise UsageError(f"tfidf {problem}", f"for example {family}:{example}")
    return RouterName(family, features, layers)


def suite(encoders: Iterable[str] = (), *, fine_tuned: bool = False, combining: bool = True) -> list[str]:
    """The names of all routers of the suite on TF-IDF and the encoders, those that combine others last.

    Those that fine-tune their encoder, which want a GPU, are there on request.
    """
    encoders = list(encoders)
    taken = {name: family for name, family in FAMILIES.items() if family.suite}
    reading = {read: [name for name in taken if taken[name].features == read] for read in ("vectors", "encoder")}
    names = [name for name, family in taken.items() if family.features is None and not family.combines]
    names += [f"{family}:{features}" for features in ("tfidf", *encoders) for family in reading["vectors"]]
    if fine_tuned:
        names += [f"{family}:{features}" for features in encoders for family in reading["encoder"]]
    return names + [name for name, family in taken.items() if family.combines and combining]


def usable(name: RouterName, encoders: Mapping[str, str]) -> bool:
    """Whether a router can run here without fetching its encoder; `encoders` as for `make_router`."""
    if not name.needs_encoder:
        return True
    from selectllm_engine.routers.encoders import available, installed

    if name.fine_tuned:  # has its encoder with it
        return installed()
    source = {**DEFAULT_ENCODERS, **encoders}.get(str(name.features))
    return source is not None and available(str(name.features), source)


def make_router(
    name: str | RouterName,
    encoders: Mapping[str, str] | None = None,
    *,
    device: str = "auto",
    seed: int = 0,
    **settings: int,
) -> Router:
    """A router that is not fitted yet.

    Args:
        name: for example "knn:tfidf".
        encoders: where encoders are, name -> folder or hub id; they come before the built-in ones.
        device: "auto", "cpu" or "cuda", for what runs a transformer.
        seed: of everything drawn at random.
        settings: of the family's class, for example `epochs` of a fine-tuned one.

    Raises:
        UnknownNameError: no such family.
        UsageError: no such encoder.
        MissingExtraError: it runs a transformer and the extra `train` is not installed.
    """
    parsed = name if isinstance(name, RouterName) else parse_router(name)
    module, _, attribute = parsed.info.target.partition(":")
    family: Callable[..., Router] = getattr(import_module(f"selectllm_engine.routers.{module}"), attribute)
    if parsed.features is None:
        return family(seed=seed, **settings)
    return family(_features(parsed, encoders or {}, device), seed=seed, **settings)


def _features(name: RouterName, encoders: Mapping[str, str], device: str) -> Features:
    if name.features is None or not name.needs_encoder:
        from selectllm_engine.routers.features import Tfidf

        return Tfidf()
    known = {**DEFAULT_ENCODERS, **encoders}
    if name.features not in known:
        raise UsageError(
            f"no features {name.features!r}",
            f"choose from tfidf, {', '.join(known)}, or say where they are: --encoder {name.features}=FOLDER",
        )
    from selectllm_engine.routers.encoders import Encoder

    return Encoder(name.features, known[name.features], layers=name.layers, device=device)
