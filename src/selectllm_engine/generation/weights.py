"""Where an LLM's weights are, and what identifies them.

The fingerprint of a folder is the BLAKE2b digest (16 bytes) over, in the order of their names:
- `config.json`, `generation_config.json` and every tokenizer file: name, size and all bytes;
- every `*.safetensors` file: name, size, header, and 16 evenly spaced samples of 1 MiB.
Reading all bytes of large weights would take minutes; any training or conversion changes the samples, too.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from hashlib import blake2b
from importlib import import_module
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from selectllm_engine.errors import EngineError, MissingExtraError, UsageError
from selectllm_engine.machine import expanded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selectllm_engine.llms import LLM

__all__ = [
    "Weights",
    "check_access",
    "count_parameters",
    "find_weights",
    "fingerprint",
    "local_folder",
    "present_folder",
    "read_config",
]

SAMPLES, SAMPLE_BYTES = 16, 1 << 20
_MOST_HEADER = 100_000_000  # bytes, the format's own limit
_TEXT_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer*.json",
    "tokenizer.model",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
)
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights on disk. `id` is the hub id or the folder's base name, `revision` the hub's commit.

    `parameters` counts the numbers in the weights, in billions. Of an LLM that a server runs, all that is known is
    its name there, the `id`. The server's address is no part of it: the same LLM can move to another host, and results
    are for passing on.
    """

    folder: Path | None
    id: str
    revision: str | None = None
    fingerprint: str | None = None
    parameters: float | None = None

    def manifest(self) -> dict[str, object]:
        """What identifies it in the cache: no path."""
        return {"id": self.id, "revision": self.revision, "fingerprint": self.fingerprint}


def local_folder(weights: str) -> Path | None:
    """The folder that `weights` names; None for a hub id.

    Raises:
        UsageError: it is neither.
    """
    folder = expanded(weights)
    if folder.is_dir():
        return folder
    if _HUB_ID.fullmatch(weights) and not weights.startswith((".", "~")):
        return None
    raise UsageError(f"no folder {weights}", "give an existing folder, or a hub id such as owner/name")


def present_folder(llm: LLM) -> Path | None:
    """The folder with an LLM's weights where they are on this machine, downloaded before or the person's own.

    Raises:
        UsageError: the LLM names neither a folder nor a hub id.
    """
    folder = local_folder(llm.weights)
    if folder is None:
        try:
            hub: Any = import_module("huggingface_hub")
        except ImportError:
            return None
        found = hub.try_to_load_from_cache(llm.weights, "config.json", revision=llm.revision)
        folder = Path(found).parent if isinstance(found, str) else None
    return folder if folder is not None and any(folder.glob("*.safetensors")) else None


def check_access(llm: LLM) -> None:
    """Ask the hub whether an LLM's weights may be downloaded; says nothing where its client is not installed.

    Raises:
        EngineError: they are gated, or not there.
    """
    try:
        hub: Any = import_module("huggingface_hub")
    except ImportError:
        return
    try:
        with _told(llm.weights):
            hub.auth_check(llm.weights)
    except EngineError:
        raise
    except Exception:  # the connection broke, in one of the client's many ways: the download will tell
        return


def find_weights(llm: LLM, *, known_revision: str | None = None) -> Weights:
    """The weights of an LLM, downloaded from the hub where they are not in a folder or downloaded before.

    `known_revision` is the commit that earlier results were made with; it is used unless the LLM names another.

    Raises:
        EngineError: they can't be had, or are in no format that is safe to load.
    """
    if llm.endpoint is not None:
        return Weights(None, llm.weights)
    folder = local_folder(llm.weights)
    if folder is None:
        folder = _download(llm.weights, llm.revision or known_revision)
        revision = folder.name if folder.parent.name == "snapshots" else llm.revision
        name = llm.weights
    else:
        folder = folder.resolve()
        revision, name = None, folder.name
    if not (folder / "config.json").is_file():
        raise EngineError(f"{llm.weights} has no config.json", "give a folder in the Hugging Face format")
    if not any(folder.glob("*.safetensors")):
        raise EngineError(
            f"{llm.weights} has no *.safetensors file, and pickled weights are never loaded",
            "convert them, or name a revision that has them",
        )
    return Weights(folder, name, revision, fingerprint(folder), count_parameters(folder))


def _download(hub_id: str, revision: str | None) -> Path:
    try:
        hub: Any = import_module("huggingface_hub")  # comes with the engines
    except ImportError as error:
        raise MissingExtraError("downloading LLMs", "vllm") from error
    wanted = [*_TEXT_FILES, "*.safetensors", "*.safetensors.index.json"]
    with _told(hub_id):
        return Path(hub.snapshot_download(hub_id, revision=revision, allow_patterns=wanted))


@contextlib.contextmanager
def _told(hub_id: str) -> Iterator[None]:
    """Errors of the hub's client as ours."""
    errors: Any = import_module("huggingface_hub.errors")
    try:
        yield
    except errors.GatedRepoError as error:
        raise EngineError(
            f"{hub_id} is gated", f"accept its terms on https://huggingface.co/{hub_id} and log in with hf auth login"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise EngineError(f"the hub has no {hub_id}, or it is private", "check the id, or hf auth login") from error
    except errors.LocalEntryNotFoundError as error:
        raise EngineError(
            f"{hub_id} is not on this machine and the hub cannot be reached", "name a folder: --llm NAME=FOLDER"
        ) from error
    except (errors.HfHubHTTPError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise EngineError(f"{hub_id} cannot be downloaded ({reason})", "try again, or name a folder") from error


def fingerprint(folder: Path, sample_bytes: int = SAMPLE_BYTES) -> str:
    """The fingerprint of the weights, tokenizer and configuration in a folder; 32 hexadecimal digits.

    Of weights, which are large, the header is read and SAMPLES places of `sample_bytes` each.

    Raises:
        EngineError: a file can't be read, or is no safetensors file.
    """
    digest = blake2b(digest_size=16)
    texts = {path for pattern in _TEXT_FILES for path in folder.glob(pattern)}
    try:
        for path in sorted({*texts, *folder.glob("*.safetensors")}):
            size = path.stat().st_size
            digest.update(f"{path.name}\0{size}\0".encode())
            if path.suffix == ".safetensors":
                _sample(path, size, digest, sample_bytes)
            else:
                digest.update(path.read_bytes())
    except OSError as error:
        raise EngineError(f"{error.filename or folder} cannot be read ({error.strerror})") from error
    return digest.hexdigest()


def read_config(folder: Path) -> dict[str, object]:
    """What a folder's config.json says of the LLM's text part; nothing where it can't be read."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    inner = config.get("text_config", config) if isinstance(config, dict) else {}  # of LLMs that also see
    return inner if isinstance(inner, dict) else {}


def count_parameters(folder: Path) -> float:
    """Numbers in all tensors of a folder, in billions, to three digits.

    Raises:
        EngineError: a file is no safetensors file.
    """
    count, billions = 0, 0.0
    for path in folder.glob("*.safetensors"):
        try:
            with path.open("rb") as file:
                tensors = json.loads(_header(file, path))
            count += sum(prod(each["shape"]) for name, each in tensors.items() if name != "__metadata__")
            billions = float(f"{count / 1e9:.3g}")
        except (OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise EngineError(f"{path.name} is no safetensors file", "download or convert it again") from error
    return billions


def _header(file: IO[bytes], path: Path) -> bytes:
    length = int.from_bytes(file.read(8), "little")
    if length > min(path.stat().st_size, _MOST_HEADER):
        raise EngineError(f"{path.name} is no safetensors file or is cut off", "download or convert it again")
    return file.read(length)


def _sample(path: Path, size: int, digest: Any, sample_bytes: int) -> None:
    with path.open("rb") as file:
        digest.update(_header(file, path))
        for sample in range(SAMPLES):
            file.seek(max(0, size - sample_bytes) * sample // (SAMPLES - 1))
            digest.update(file.read(sample_bytes))
