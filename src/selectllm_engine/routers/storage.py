"""Fitted routers on disk: a manifest (JSON) and weights (skops or safetensors). Loading runs no code from the files.

What a router learned, the attributes that end in `_`, goes into one skops file; fine-tuned transformers are
safetensors. A file is loaded only if its digest is the manifest's, if every type in it is on our own short list
(skops trusts many more), and if what it holds fits the router. The digests guard against damage, the list against
malice: whoever can change the weights can change the manifest too.
"""

from __future__ import annotations

import io
import json
import zipfile
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import CacheError, DamagedError, SelectLLMError, UsageError
from selectllm_engine.routers.classifiers import Classifiers
from selectllm_engine.routers.families import make_router, parse_router
from selectllm_engine.routers.stack import Member, Stack
from selectllm_engine.store import MANIFEST, digest, folder_name, read_file, router_manifest, write_atomic, write_sealed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from selectllm_engine.routers.base import Router

__all__ = [
    "FORMAT",
    "MOST_UNPACKED",
    "check_files",
    "load_router",
    "read_manifest",
    "read_skops",
    "restore",
    "save",
    "versions",
]

FORMAT = 1
MOST_UNPACKED = 2 << 30  # bytes of all that a skops file holds; limits what a stranger's can take
_MOST_SCHEMA = 64 << 20
WEIGHTS = "weights.skops"

# Everything that a skops file of ours can hold: containers, numbers, arrays, one kind of forest.
_TYPES = frozenset(
    {
        "builtins.dict",
        "builtins.list",
        "builtins.str",
        "builtins.tuple",
        "numpy.ndarray",
        "scipy.sparse._csr.csr_array",
        "scipy.sparse._csr.csr_matrix",
        "sklearn.ensemble._forest.RandomForestRegressor",
        "sklearn.tree._classes.DecisionTreeRegressor",
        "sklearn.tree._tree.Tree",
    }
)
_LOADERS = frozenset(
    {
        "DictNode",
        "ListNode",
        "TupleNode",
        "JsonNode",
        "TypeNode",
        "NdArrayNode",
        "SparseMatrixNode",
        "ObjectNode",
        "TreeNode",
    }
)


def save(router: object, folder: Path, name: str, facts: Mapping[str, object] | None = None) -> None:
    """Write a fitted router and its manifest into `folder`, the manifest last; of a stranger's class nothing else.

    Args:
        router: a fitted router, or another learner whose attributes end in `_`.
        folder: made where it doesn't exist.
        name: the router's name, for example "knn:tfidf".
        facts: more for the manifest.
    """
    if isinstance(router, Classifiers):
        return write_sealed(folder / MANIFEST, {**(facts or {}), "router": name, "versions": versions(), "files": {}})
    if hasattr(router, "save_weights"):
        router.save_weights(folder)
    else:
        import skops.io

        state = {"router": _learned(router), "features": _learned(getattr(router, "features", None))}
        write_atomic(folder / WEIGHTS, skops.io.dumps(state, compression=zipfile.ZIP_DEFLATED, compresslevel=6))
    encoder = getattr(getattr(router, "features", None), "identity", None)
    write_sealed(
        folder / MANIFEST,
        {
            **(facts or {}),
            "format": FORMAT,
            "router": name,
            "encoder": encoder,
            "versions": versions(),
            "files": {path.relative_to(folder).as_posix(): digest(path.read_bytes()) for path in _weights(folder)},
        },
    )
    return None


def load_router(folder: Path, encoders: Mapping[str, str] | None = None, *, device: str = "auto") -> Router:
    """The fitted router that `save` wrote.

    Args:
        folder: of one router.
        encoders: where encoders are, as for `make_router`.
        device: where transformers run.

    Raises:
        CacheError: there is no router in the folder, or it was written by a newer version.
        DamagedError: a file is missing, changed, of a forbidden type, or does not fit.
        UsageError: an encoder is another one than the router was trained with.
    """
    manifest = read_manifest(folder)
    check_files(folder, manifest)
    parsed = parse_router(manifest["router"])
    if parsed.fine_tuned:  # has its encoder with it
        encoders = {str(parsed.features): str(folder)}
    router = make_router(parsed, encoders, device=device)
    try:
        if hasattr(router, "load_weights"):
            router.load_weights(folder)
        else:
            _check_encoder(router, manifest)
            restore(router, folder)
            if isinstance(router, Stack):
                router.routers = _members(folder, router, manifest, encoders, device)
        _try(router, manifest)
    except SelectLLMError:
        raise
    except Exception as error:  # whatever strange weights make NumPy, scikit-learn or skops say
        raise _damaged(folder, f"its weights do not fit: {type(error).__name__}") from error
    return router


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a trained router.

    Raises:
        CacheError: there is none, or it was written by a newer version.
        DamagedError: it holds something else.
    """
    try:
        manifest = router_manifest(folder)
    except FileNotFoundError as error:
        raise CacheError(f"{folder.name} is not trained", "see selectllm train") from error
    if isinstance(manifest.get("format"), int) and manifest["format"] > FORMAT:
        raise CacheError(f"{folder} was written by a newer selectllm", "pip install --upgrade selectllm")
    expected = {"format": int, "router": str, "files": dict}
    if any(not isinstance(manifest.get(key), kind) for key, kind in expected.items()):
        raise _damaged(folder, "its manifest lacks what every router's has")
    try:
        parse_router(manifest["router"])
    except SelectLLMError as error:
        raise _damaged(folder, f"its manifest is of {error.problem}") from error
    return manifest


def versions() -> dict[str, str]:
    """The versions of the libraries that make weights."""
    found = {}
    for library in ("selectllm", "numpy", "scikit-learn", "skops", "torch", "transformers"):
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def check_files(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Compare the weights with the digests of the manifest.

    Raises:
        DamagedError: a file is missing, changed, or not in the manifest.
    """
    there = {path.relative_to(folder).as_posix(): path for path in _weights(folder)}
    for name in sorted(there.keys() | manifest["files"].keys()):
        if name not in manifest["files"]:
            raise _damaged(folder, f"{name} is not in its manifest")
        if name not in there:
            raise _damaged(folder, f"{name} is missing")
        if digest(read_file(there[name])) != manifest["files"][name]:
            raise _damaged(folder, f"{name} was changed")


def _members(
    folder: Path, stack: Stack, manifest: Mapping[str, object], encoders: Mapping[str, str] | None, device: str
) -> dict[str, Member]:
    """The routers that a stack combines: they lie beside it, and must have learned from the same labels."""
    members = {}
    for name in stack.weights_:
        beside = folder.parent / folder_name(name)
        try:
            same = read_manifest(beside).get("labels") == manifest.get("labels")
        except CacheError:
            same = False
        if not same:
            raise CacheError(
                f"the stack combines {name}, which is gone or has learned from other labels", "train the stack again"
            )
        members[name] = Member(partial(load_router, beside, encoders, device=device))
    return members


def _check_encoder(router: Any, manifest: Mapping[str, Any]) -> None:
    encoder: Any = getattr(router, "features", None)
    if hasattr(encoder, "fingerprint") and encoder.fingerprint != manifest["encoder"]["fingerprint"]:
        raise UsageError(
            f"the encoder {encoder.name} is another one than {manifest['router']} was trained with",
            f"name the right one with --encoder {encoder.name}=FOLDER, or train the router again",
        )


def _weights(folder: Path) -> list[Path]:
    """The files that hold what the router learned: all but the manifest and the predictions."""
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and path.name != MANIFEST and path.suffix != ".parquet"
    )


def _learned(holder: object) -> dict[str, object]:
    return {name: value for name, value in vars(holder or object).items() if _is_learned(name)}


def _is_learned(name: str) -> bool:
    return name.endswith("_") and not name.startswith("_")


def restore(learner: object, folder: Path) -> None:
    """Give what learned the attributes that `save` wrote; raises whatever strange weights make skops or NumPy say."""
    state = read_skops(folder / WEIGHTS)
    _restore(learner, state["router"])
    _restore(getattr(learner, "features", None), state["features"])


def _restore(holder: Any, state: Any) -> None:
    """Set exactly the learned attributes that the class declares."""
    declared = {
        name for each in type(holder).__mro__ for name in getattr(each, "__annotations__", ()) if _is_learned(name)
    }
    if set(state) != declared:
        raise ValueError(f"{sorted(state)} instead of {sorted(declared)}")
    for name, value in state.items():
        if hasattr(value, "check_format"):
            value.check_format(full_check=True)  # sparse products don't check their indices
        for tree in getattr(value, "estimators_", ()):
            _check_tree(tree.tree_, value.n_features_in_)
        setattr(holder, name, value)


def _check_tree(tree: Any, features: int) -> None:
    """Every step leads on within the tree and looks at a feature that is there: trees don't check either."""
    import numpy as np

    here = np.arange(tree.node_count)
    inner = tree.children_left >= 0
    for child in (tree.children_left, tree.children_right):
        if (child[inner] <= here[inner]).any() or (child >= tree.node_count).any() or (child[~inner] >= 0).any():
            raise ValueError("a tree that leads nowhere")
    if (tree.feature[inner] < 0).any() or (tree.feature[inner] >= features).any():
        raise ValueError("a tree of other features")


def read_skops(path: Path, most: int = MOST_UNPACKED) -> dict[str, object]:
    """What a skops file of ours holds, of at most so many bytes; raises DamagedError for anything else in it."""
    import skops.io

    content = read_file(path)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        sizes = {each.filename: each.file_size for each in archive.infolist()}
        if sum(sizes.values()) > most or sizes.get("schema.json", 0) > _MOST_SCHEMA:
            raise _damaged(path.parent, f"{path.name} unpacks to more than {most >> 30} GiB")
        if len(sizes) < len(archive.infolist()):
            raise _damaged(path.parent, f"{path.name} has a member twice")
        schema = json.loads(archive.read("schema.json"))
    for node in _nodes(schema):
        kind, loader = f"{node.get('__module__')}.{node.get('__class__')}", node.get("__loader__")
        if kind not in _TYPES or loader not in _LOADERS:
            raise DamagedError(
                f"{path} holds a {kind}, which no router of ours does",
                "do not trust whoever made it; selectllm train makes the router again",
            )
    return skops.io.loads(content, trusted=sorted(_TYPES))  # type: ignore[no-any-return]


def _nodes(value: object) -> Iterator[dict[str, object]]:
    """Every description of an object in a skops schema."""
    if isinstance(value, dict):
        if "__class__" in value or "__loader__" in value:
            yield value
        for each in value.values():
            yield from _nodes(each)
    elif isinstance(value, list):
        for each in value:
            yield from _nodes(each)


def _try(router: Any, manifest: Mapping[str, Any]) -> None:
    """Predict once, so that weights of odd shapes fail here and not later."""
    import numpy as np

    predicted = router.predict_proba(["How many are 2 and 3?", ""])
    llms = manifest.get("llms")
    if predicted.shape[0] != 2 or (llms is not None and predicted.shape[1] != len(llms)):
        raise ValueError(f"predictions of shape {predicted.shape}")
    if predicted.dtype != np.float32 or not ((predicted >= 0) & (predicted <= 1)).all():
        raise ValueError("predictions that are no probabilities")


def _damaged(folder: Path, problem: str) -> DamagedError:
    return DamagedError(f"the router in {folder} cannot be used: {problem}", "selectllm train makes it again")
