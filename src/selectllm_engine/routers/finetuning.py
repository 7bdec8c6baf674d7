"""Fine-tuning an encoder with a linear head: the training loop behind `mlc` and `sc`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from selectllm_engine.errors import EngineError
from selectllm_engine.evaluation import as_probabilities
from selectllm_engine.routers.encoders import (
    choose_device,
    load_transformer,
    mean_pooled,
    on_device,
    quiet,
    token_batches,
    tokenized,
)
from selectllm_engine.routers.logistic import log_odds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from selectllm_engine.routers.base import Labelled
    from selectllm_engine.routers.encoders import Encoder

__all__ = ["MeanPoolingClassifier", "Recipe"]

_HEAD = "head.safetensors"
_AT_ONCE = 32  # questions of a batch whose activations are in main memory together; a GPU takes all at once


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to fine-tune. The defaults are the study's; AdamW with linear decay and gradients clipped to length 1."""

    learning_rate: float = 2e-5
    epochs: int = 10
    batch: int = 128
    tokens: int = 128
    dropout: float = 0.1
    weighted: bool = False


class MeanPoolingClassifier:
    """A pretrained encoder, mean-pooled, and a linear head with one logit per LLM.

    Args:
        tokenizer, encoder: as `load_transformer` gives them.
        head: torch.nn.Linear from D to the LLMs.
        shift: float32 [N], added to the logits when predicting.
    """

    def __init__(self, tokenizer: Any, encoder: Any, head: Any, shift: NDArray[np.float32], tokens: int) -> None:
        self.tokenizer = tokenizer
        self.encoder = encoder
        self.head = head
        self.shift = shift
        self.tokens = tokens
        self.at_once: int | None = None if encoder.device.type == "cuda" else _AT_ONCE

    @classmethod
    def start(cls, source: Encoder, labels: NDArray[np.bool_], recipe: Recipe, *, seed: int) -> Self:
        """An encoder that isn't fine-tuned yet, its head predicting nearly the LLMs' rates."""
        import torch

        tokenizer, encoder = load_transformer(source.folder, source.name, layers=source.layers)
        weight = _class_weights(labels) if recipe.weighted else np.ones(labels.shape[1], np.float32)
        head = torch.nn.Linear(encoder.config.hidden_size, labels.shape[1])
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(seed)
            torch.nn.init.normal_(head.weight, std=0.02)
            head.bias.copy_(torch.from_numpy(log_odds(labels) + np.log(weight)))
        device = choose_device(source.device)
        return cls(tokenizer, encoder.to(device), head.to(device), -np.log(weight), recipe.tokens)

    def train(
        self,
        questions: Sequence[str],
        labels: NDArray[np.bool_],
        validation: Labelled | None,
        recipe: Recipe,
        *,
        seed: int,
        report: Callable[[str, float], None],
    ) -> int:
        """Fine-tune on labels [T, N] and keep the best epoch; returns how many epochs were finished.

        Fewer than the recipe's mean that Ctrl-C was pressed; after none, the classifier is as it was.
        """
        import torch

        parameters = [*self.encoder.parameters(), *self.head.parameters()]
        fused = self.encoder.device.type == "cuda"
        optimizer = torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=0.0, fused=fused)
        batches = math.ceil(len(questions) / recipe.batch)
        steps = max(1, batches * recipe.epochs)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.0, 1.0 - step / steps))
        best, kept, finished = -1.0, self._state(), 0
        shuffle = np.random.default_rng(seed)
        tokens = tokenized(self.tokenizer, questions, longest=recipe.tokens)
        held_out = [] if validation is None else tokenized(self.tokenizer, validation[0], longest=self.tokens)
        devices = [torch.cuda.current_device()] if self.encoder.device.type == "cuda" else []
        try:
            with torch.random.fork_rng(devices=devices):
                torch.manual_seed(seed)
                for epoch in range(recipe.epochs):
                    order = shuffle.permutation(len(questions))
                    for at in range(batches):
                        rows = order[at * recipe.batch : (at + 1) * recipe.batch]
                        self._add_gradients(tokens, rows, labels, recipe)
                        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
                        optimizer.step()
                        schedule.step()
                        optimizer.zero_grad()
                        report(f"epoch {epoch + 1} of {recipe.epochs}", (epoch * batches + at + 1) / steps)
                    score = math.inf if validation is None else _weighted_f1(self._predict(held_out), validation[1])
                    if validation is None or score > best:
                        best, kept = score, self._state()
                    finished = epoch + 1
        except KeyboardInterrupt:
            pass
        self.encoder.load_state_dict(kept[0])
        self.head.load_state_dict(kept[1])
        return finished

    def predict_proba(self, questions: Sequence[str]) -> NDArray[np.float32]:
        """Probabilities [Q, N]."""
        return self._predict(tokenized(self.tokenizer, questions, longest=self.tokens))

    def _predict(self, tokens: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        import torch

        predicted = np.zeros((len(tokens), len(self.shift)), np.float32)
        self.encoder.eval()
        shift = torch.from_numpy(self.shift)
        size = 2 * (self.at_once or 2 * _AT_ONCE)
        for rows, batch in token_batches(self.tokenizer, tokens, np.arange(len(tokens)), size=size):
            with torch.inference_mode(), on_device(self.encoder.device):
                logits = self._logits(batch).float().cpu()
            predicted[rows] = torch.sigmoid(logits + shift).numpy()
        return as_probabilities(predicted)

    def save(self, folder: Path) -> None:
        """Write encoder, tokenizer and head."""
        import torch
        from safetensors.torch import save_file

        with quiet():
            self.encoder.save_pretrained(folder)
            self.tokenizer.save_pretrained(folder)
        head = {"weight": self.head.weight, "bias": self.head.bias, "shift": torch.from_numpy(self.shift)}
        head = {key: value.detach().cpu().contiguous() for key, value in head.items()}
        save_file(head, folder / _HEAD, metadata={"tokens": str(self.tokens)})

    @classmethod
    def load(cls, folder: Path, *, device: str) -> Self:
        """Read what `save` wrote."""
        import torch
        from safetensors import safe_open

        with safe_open(folder / _HEAD, framework="pt") as file:
            weight, bias, shift = (file.get_tensor(key) for key in ("weight", "bias", "shift"))
            tokens = int(file.metadata()["tokens"])
        tokenizer, encoder = load_transformer(folder, folder.name)
        head = torch.nn.Linear(weight.shape[1], weight.shape[0])
        head.load_state_dict({"weight": weight, "bias": bias})
        device = choose_device(device)
        return cls(tokenizer, encoder.to(device), head.to(device), shift.numpy(), tokens)

    def _state(self) -> tuple[dict[str, object], dict[str, object]]:
        """Copies of the weights: beside them, which takes a millisecond, or in main memory if there is no room."""
        import torch

        try:
            return self._copies(self.encoder.device)
        except torch.OutOfMemoryError:
            return self._copies("cpu")

    def _copies(self, device: Any) -> tuple[dict[str, object], dict[str, object]]:
        encoder, head = (
            {key: value.detach().to(device, copy=True) for key, value in module.state_dict().items()}
            for module in (self.encoder, self.head)
        )
        return encoder, head

    def _logits(self, batch: Any, dropout: float = 0.0) -> Any:
        import torch

        pooled = mean_pooled(self.encoder, batch.to(self.encoder.device))
        return self.head(torch.nn.functional.dropout(pooled, dropout, training=dropout > 0))

    def _add_gradients(
        self, tokens: Sequence[Sequence[int]], rows: NDArray[np.int64], labels: NDArray[np.bool_], recipe: Recipe
    ) -> None:
        """Of the batch with these rows, all at once or a part at a time: the same sum with less memory.

        Raises:
            EngineError: a GPU has too little memory for a single question.
        """
        import torch

        while True:
            try:
                return self._add_parts(tokens, rows, labels, recipe)
            except torch.OutOfMemoryError as error:
                at_once = min(self.at_once or len(rows), len(rows))
                if at_once == 1:
                    raise EngineError(
                        "the GPU has too little memory for fine-tuning", "free some, or take --device cpu"
                    ) from error
                self.at_once = at_once // 2
            for each in (*self.encoder.parameters(), *self.head.parameters()):
                each.grad = None  # of the parts that did fit
            torch.cuda.empty_cache()

    def _add_parts(
        self, tokens: Sequence[Sequence[int]], rows: NDArray[np.int64], labels: NDArray[np.bool_], recipe: Recipe
    ) -> None:
        import torch

        self.encoder.train()
        device = self.encoder.device
        weight = torch.from_numpy(np.exp(-self.shift)).to(device)  # all ones unless classes are weighted
        for part, batch in token_batches(self.tokenizer, tokens, rows, size=self.at_once or len(rows)):
            target = torch.from_numpy(labels[part].astype(np.float32)).to(device)
            with on_device(device):
                logits = self._logits(batch, recipe.dropout)
            loss: Any = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), target, pos_weight=weight)
            (loss * (len(part) / len(rows))).backward()


def _class_weights(labels: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Wrong answers per right one for each LLM [N]: what makes both classes weigh the same."""
    right = labels.sum(axis=0)
    weights = (len(labels) - right) / np.maximum(right, 1)
    return np.where((right == 0) | (right == len(labels)), 1.0, weights).astype(np.float32)


def _weighted_f1(predicted: NDArray[np.float32], labels: NDArray[np.bool_]) -> float:
    from sklearn.metrics import f1_score

    return float(f1_score(labels, predicted >= 0.5, average="weighted", zero_division=0.0))
