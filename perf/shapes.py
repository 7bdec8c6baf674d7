"""Folders with the architecture of published LLMs and no weights, for timing on a GPU.

    python perf/shapes.py FOLDER [NAME …]

Each gets a config.json, written from the published shape, and a tokenizer of as many tokens, learnt from the recorded
run's questions. `selectllm measure --dummy --llm NAME=FOLDER/NAME` and `perf/throughput.py FOLDER/NAME --dummy` take
them. `roberta-base` is an encoder with random weights, for perf/finetuning.py. Needs transformers.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from selectllm_engine.store import open_cache

_LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_act": "silu",
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "vocab_size": 32000,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}


def _llama(**shape: Any) -> dict[str, Any]:
    return {**_LLAMA, **shape}


SHAPES: dict[str, dict[str, Any]] = {
    "mistral-7b": _llama(
        architectures=["MistralForCausalLM"],
        model_type="mistral",
        hidden_size=4096,
        intermediate_size=14336,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=8,
        max_position_embeddings=32768,
        sliding_window=None,
    ),
    "llama2-7b": _llama(
        hidden_size=4096,
        intermediate_size=11008,
        num_hidden_layers=32,
        num_attention_heads=32,
        num_key_value_heads=32,
        max_position_embeddings=4096,
    ),
    "llama2-13b": _llama(
        hidden_size=5120,
        intermediate_size=13824,
        num_hidden_layers=40,
        num_attention_heads=40,
        num_key_value_heads=40,
        max_position_embeddings=4096,
    ),
    "gemma-7b": _llama(
        architectures=["GemmaForCausalLM"],
        model_type="gemma",
        hidden_act="gelu_pytorch_tanh",
        hidden_activation="gelu_pytorch_tanh",
        hidden_size=3072,
        intermediate_size=24576,
        num_hidden_layers=28,
        num_attention_heads=16,
        num_key_value_heads=16,
        head_dim=256,
        max_position_embeddings=8192,
        vocab_size=256000,
        rms_norm_eps=1e-6,
        tie_word_embeddings=True,
    ),
}


def write_tokenizer(folder: Path, vocabulary: int) -> None:
    """A byte-level tokenizer learnt from the recorded run's questions, filled up to so many tokens."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<unk>", "<s>", "</s>", "<pad>"]
    trainer = trainers.BpeTrainer(
        vocab_size=4000, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(open_cache().questions("reasoning")["text"].to_list(), trainer)
    learnt = json.loads(tokenizer.to_str())
    words = learnt["model"]["vocab"]
    words |= {f"word{number}": number for number in range(len(words), vocabulary)}
    whole = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(learnt)),
        **dict(zip(("unk_token", "bos_token", "eos_token", "pad_token"), special, strict=True)),
    )
    whole.save_pretrained(folder)


def write_encoder(folder: Path) -> None:
    """An encoder of RoBERTa-base's shape, its weights random."""
    from transformers import RobertaConfig, RobertaModel

    config = RobertaConfig(vocab_size=50265, max_position_embeddings=514, type_vocab_size=1, pad_token_id=3)
    RobertaModel(config, add_pooling_layer=False).save_pretrained(folder)
    write_tokenizer(folder, config.vocab_size)


def main() -> None:
    import numpy as np
    from safetensors.numpy import save_file

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", choices=[*SHAPES, "roberta-base"], default=["mistral-7b"])
    arguments = parser.parse_args()
    for name in arguments.names:
        folder = arguments.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        if name == "roberta-base":
            write_encoder(folder)
        else:
            (folder / "config.json").write_text(json.dumps(SHAPES[name], indent=1))
            # The worker looks for weights before it loads an engine; one that makes them up doesn't read these.
            save_file({"none": np.zeros(1, np.float32)}, folder / "model.safetensors")
            write_tokenizer(folder, SHAPES[name]["vocab_size"])
        print(folder)


if __name__ == "__main__":
    main()
