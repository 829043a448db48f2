"""A byte-level BPE vocabulary of 1,024 tokens, and texts as token ids.

The ids are ordered as in Llama 3: the 256 bytes, merged tokens by rank, then the two tokens that
begin and end a page. `run` reads such a vocabulary from a GGUF file as `llama-bpe`.
"""

import json
import pathlib

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

N_VOCAB = 1024
BEGIN, END = N_VOCAB - 2, N_VOCAB - 1

# The published expression of `llama-bpe`.
WORD = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def pages(path: pathlib.Path) -> list[str]:
    """The pages of a file that `corpus.py` wrote."""
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n\n")


def learn(texts: list[str]) -> Tokenizer:
    """Learns the merges from texts."""
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    words = pre_tokenizers.Split(Regex(WORD), "isolated")
    spelling = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, spelling])
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=BEGIN, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def spellings_and_merges(tokenizer: Tokenizer) -> tuple[list[str], list[str]]:
    """Token texts by id, and merges by rank, as GGUF files spell them."""
    model = json.loads(tokenizer.to_str())["model"]
    tokens = sorted(model["vocab"], key=model["vocab"].get)
    merges = [" ".join(merge) for merge in model["merges"]]
    return [*tokens, "<|begin_of_text|>", "<|end_of_text|>"], merges


def encode(tokenizer: Tokenizer, texts: list[str]) -> np.ndarray:
    """All pages as one row of ids (u16), each between `BEGIN` and `END`."""
    encoded = tokenizer.encode_batch(texts)
    rows = [np.array([BEGIN, *page.ids, END], dtype=np.uint16) for page in encoded]
    return np.concatenate(rows)
