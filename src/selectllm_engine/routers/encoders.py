"""Pretrained transformers: where their weights are, and question texts as embeddings.

Weights are safetensors alone, read from a folder or fetched from the hub; no code of a repository is run.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from selectllm_engine.errors import EngineError, MissingExtraError, UsageError
from selectllm_engine.machine import expanded
from selectllm_engine.store import folder_name, write_atomic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

__all__ = [
    "Encoder",
    "available",
    "choose_device",
    "installed",
    "load_transformer",
    "mean_pooled",
    "on_device",
    "quiet",
    "token_batches",
    "tokenized",
]

_FILES = ["*.json", "*.txt", "*.model", "*.safetensors"]  # configuration, tokenizer, weights; no code, no pickle
_LONGEST = 256  # tokens
_BATCH = 64


class Encoder:
    """A pretrained encoder; as features: its mean-pooled token embeddings, at most 256 tokens, of length 1.

    Nothing is loaded before the first text comes.

    Args:
        name: what routers call it.
        source: a folder, or a repository on the hub.
        layers: keep the first so many; None keeps all.

    Raises:
        MissingExtraError: the extra `train` is not installed.
    """

    progress: Callable[[str, float], None] | None = None

    def __init__(self, name: str, source: str, *, layers: int | None = None, device: str = "auto") -> None:
        if not installed():
            raise MissingExtraError(f"the encoder {name}", "train")
        self.name = name
        self.source = source
        self.layers = layers
        self.device = device
        self._known: dict[str, NDArray[np.float32]] = {}

    def fit(self, questions: Sequence[str]) -> Self:  # noqa: ARG002
        """It is pretrained: there is nothing to learn."""
        return self

    def transform(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings float32 [Q, D]; texts that were remembered are not computed again."""
        new = [text for text in dict.fromkeys(questions) if text not in self._known]
        found = {**dict(zip(new, self._embed(new), strict=True)), **self._known} if new else self._known
        return np.stack([found[text] for text in questions])

    def remember(self, questions: Sequence[str], folder: Path) -> None:
        """Embed texts once and for all: what `folder` has is read from there, what it lacks is added.

        The file is `<encoder>-<fingerprint>.npz`: digests of the texts and their embeddings. It is safe to delete.
        """
        layers = "" if self.layers is None else f"@{self.layers}"
        path = folder / f"{folder_name(self.name + layers)}-{self.fingerprint}.npz"
        stored = _read_embeddings(path)
        texts = list(dict.fromkeys(questions))
        new = [text for text in texts if _key(text) not in stored]
        if new:
            stored.update(zip(map(_key, new), self._embed(new), strict=True))
            buffer = io.BytesIO()
            keys = np.array([list(key) for key in stored], np.uint8)
            np.savez(buffer, texts=keys, embeddings=np.stack(list(stored.values())))
            write_atomic(path, buffer.getvalue())
        self._known.update({text: stored[_key(text)] for text in texts})

    @property
    def identity(self) -> dict[str, object]:
        """What a manifest says of the encoder; no path of this machine."""
        source = Path(self.source).name if Path(self.source).is_dir() else self.source
        return {"name": self.name, "source": source, "layers": self.layers, "fingerprint": self.fingerprint}

    @property
    def folder(self) -> Path:
        """Where the weights are, fetched from the hub where needed.

        Raises:
            EngineError: they are nowhere.
        """
        if not hasattr(self, "_folder"):
            self._folder = _locate(self.name, self.source)
        return self._folder

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits of the BLAKE2b digest of the weights."""
        if not hasattr(self, "_fingerprint"):
            digest = hashlib.blake2b()
            for path in sorted(self.folder.glob("*.safetensors")):
                with path.open("rb") as file:
                    while block := file.read(1 << 20):
                        digest.update(block)
            self._fingerprint = digest.hexdigest()[:16]
        return self._fingerprint

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        import torch

        if not hasattr(self, "_loaded"):
            tokenizer, model = load_transformer(self.folder, self.name, layers=self.layers)
            self._loaded = tokenizer, model.to(choose_device(self.device)).eval()
        tokenizer, model = self._loaded
        embeddings = np.zeros((len(texts), model.config.hidden_size), np.float32)
        done = 0
        tokens = tokenized(tokenizer, texts, longest=_LONGEST)
        for rows, batch in token_batches(tokenizer, tokens, np.arange(len(texts)), size=_BATCH):
            with torch.inference_mode(), on_device(model.device):
                pooled = mean_pooled(model, batch.to(model.device)).float()
            embeddings[rows] = torch.nn.functional.normalize(pooled, dim=-1).cpu().numpy()
            done += len(rows)
            if self.progress is not None and len(texts) > _BATCH:
                self.progress(f"embedding with {self.name}", done / len(texts))
        return embeddings


def installed() -> bool:
    """Are the libraries of the extra `train` there?"""
    return all(importlib.util.find_spec(name) for name in ("torch", "transformers", "safetensors"))


def available(name: str, source: str) -> bool:
    """Can the encoder be loaded without fetching anything?"""
    if not installed():
        return False
    try:
        _locate(name, source, fetch=False)
    except EngineError:
        return False
    return True


def choose_device(device: str) -> str:
    """The device for "auto", "cpu" or "cuda".

    Raises:
        UsageError: there is no such device here.
    """
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise UsageError("PyTorch finds no GPU here", "take --device cpu")
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return device


@contextlib.contextmanager
def on_device(device: Any) -> Iterator[None]:
    """How an encoder computes: bf16 on a GPU, and never by cuDNN's attention, which plans anew for each length."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    backends = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]
    with sdpa_kernel(backends), torch.autocast("cuda", dtype=torch.bfloat16, enabled=device.type == "cuda"):
        yield


def load_transformer(folder: Path, name: str, *, layers: int | None = None) -> tuple[Any, Any]:
    """The tokenizer and the encoder of a folder, of T5 the encoder half, with the first `layers` layers.

    Raises:
        EngineError: the folder holds no encoder with safetensors that this version of transformers can load.
        UsageError: the encoder has fewer layers.
    """
    with quiet():
        import torch
        from transformers import AutoConfig, AutoModel, AutoModelForTextEncoding, AutoTokenizer
        from transformers.models.auto.modeling_auto import MODEL_FOR_TEXT_ENCODING_MAPPING

        try:
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            if layers is not None:
                if layers > config.num_hidden_layers:
                    raise UsageError(
                        f"{name} has {config.num_hidden_layers} layers, not {layers}", f"write {name} to keep all"
                    )
                config.num_hidden_layers = layers
            kind = AutoModelForTextEncoding if type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING else AutoModel
            model = kind.from_pretrained(
                folder,
                config=config,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
            )
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except UsageError:
            raise
        except Exception as error:  # transformers raises anything where a file is missing or strange
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise EngineError(
                f"the encoder {name} cannot be loaded from {folder} ({reason})",
                f"--encoder {name}=FOLDER names another copy",
            ) from error
    return tokenizer, model


def tokenized(tokenizer: Any, texts: Sequence[str], *, longest: int) -> list[list[int]]:
    """The token ids of every text, the first `longest` or what the model takes."""
    if not len(texts):
        return []
    limit = min(longest, tokenizer.model_max_length)
    ids: list[list[int]] = tokenizer(list(texts), truncation=True, max_length=limit)["input_ids"]
    return ids


def token_batches(
    tokenizer: Any, tokens: Sequence[Sequence[int]], rows: NDArray[np.int64], *, size: int
) -> Iterator[tuple[NDArray[np.int64], Any]]:
    """Batches of the texts in some rows, padded, those of like length together: their rows and what a model takes."""
    order = rows[np.argsort([len(tokens[row]) for row in rows], kind="stable")]
    for start in range(0, len(order), size):
        part = order[start : start + size]
        ids = [tokens[row] for row in part]
        batch = {"input_ids": ids, "attention_mask": [[1] * len(each) for each in ids]}
        yield part, tokenizer.pad(batch, return_tensors="pt")


def mean_pooled(model: Any, batch: Any) -> Any:
    """The mean of the last layer's token vectors, padding left out: [Q, D]."""
    hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
    return (hidden * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)


def _locate(name: str, source: str, *, fetch: bool = True) -> Path:
    folder = expanded(source)
    if folder.is_dir():
        if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
            raise EngineError(
                f"{folder} holds no encoder",
                "a config.json and weights in safetensors are needed, no other format is read",
            )
        return folder
    if source[0] in "/.~\\" or source.count("/") > 1:
        raise EngineError(f"the encoder's folder {source} does not exist", f"name one with --encoder {name}=FOLDER")
    try:
        with quiet():
            from huggingface_hub import snapshot_download  # type: ignore[import-not-found,unused-ignore]

            found = snapshot_download(source, allow_patterns=_FILES, ignore_patterns="*/*", local_files_only=not fetch)
    except Exception as error:  # offline, not found, gated: the hub's client has a dozen kinds
        raise EngineError(
            f"the encoder {name} cannot be fetched from the hub ({source}: {type(error).__name__})",
            f"--encoder {name}=FOLDER names a local copy",
        ) from error
    return Path(found)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without the libraries' own messages about what they load."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _key(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _read_embeddings(path: Path) -> dict[bytes, NDArray[np.float32]]:
    """What the file has; nothing where it is missing or damaged: it is written again."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            texts, embeddings = file["texts"], file["embeddings"]
    except Exception:  # NumPy and zipfile raise a dozen kinds
        return {}
    return {key.tobytes(): embedding for key, embedding in zip(texts, embeddings, strict=False)}
