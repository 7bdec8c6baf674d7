"""Small encoders with random weights, saved like real ones: BERT, DistilBERT, RoBERTa and T5."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("bert", "distilbert", "roberta", "t5")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789?.,"


def fake_encoder(folder: Path, kind: str, *, layers: int = 2, seed: int = 0) -> Path:
    """Write a whole model of the kind, of which an encoder is a part, with a tokenizer that knows letters."""
    import torch
    import transformers as tf

    words = ["add", "many", "how", "spell", "word", "the"]
    wordpieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words, *LETTERS, *(f"##{char}" for char in LETTERS)]
    pieces = {piece: at for at, piece in enumerate(wordpieces)}
    bytes_ = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "Ġ", *LETTERS]
    sentence = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -2.0), *((char, -3.0) for char in LETTERS)]
    size = {"num_hidden_layers": layers, "num_attention_heads": 2, "hidden_size": 16, "intermediate_size": 32}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        match kind:
            case "bert":
                tokenizer = tf.BertTokenizer(vocab=pieces, model_max_length=512)
                model = tf.BertForMaskedLM(tf.BertConfig(vocab_size=len(pieces), **size))
            case "distilbert":
                tokenizer = tf.DistilBertTokenizer(vocab=pieces, model_max_length=512)
                shape = {"n_layers": layers, "n_heads": 2, "dim": 16, "hidden_dim": 32}
                model = tf.DistilBertForMaskedLM(tf.DistilBertConfig(vocab_size=len(pieces), **shape))
            case "roberta":
                known = {piece: at for at, piece in enumerate(bytes_)}
                tokenizer = tf.RobertaTokenizer(vocab=known, merges=[], model_max_length=512)
                config = tf.RobertaConfig(
                    vocab_size=len(known), max_position_embeddings=514, pad_token_id=1, type_vocab_size=1, **size
                )
                model = tf.RobertaForMaskedLM(config)
            case "t5":
                tokenizer = tf.T5Tokenizer(vocab=sentence, extra_ids=0, model_max_length=512)
                config = tf.T5Config(
                    vocab_size=len(sentence),
                    d_model=16,
                    d_kv=8,
                    d_ff=32,
                    num_layers=layers,
                    num_heads=2,
                    decoder_start_token_id=0,
                )
                model = tf.T5ForConditionalGeneration(config)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
