"""Makes published.json: llama.cpp's test vocabularies, as far as its test texts need them.

    pip install gguf==0.19.0 tokenizers==0.23.3 sentencepiece==0.2.3 protobuf==7.36.2 tiktoken==0.14.0
    pip download llama-cpp-python==0.3.36 --no-binary :all: --no-deps
    python make_published.py llama_cpp_python-0.3.36.tar.gz

That archive contains llama.cpp 0c1e57098, and there models/ggml-vocab-*.gguf with texts (.inp) and what
Hugging Face's tokenizers of the models encode them to (.out). llama.cpp is under the MIT licence,
Copyright (c) 2023-2026 The ggml authors.

Of each vocabulary, the tokens that occur in a text are kept, all bytes, and the merges that make kept
tokens from kept tokens; ids and order stay. Merging never makes anything but a part of the text, so the
rest can't matter. That is checked: the published ids come from the whole vocabulary and from the kept
part, by tokenizers for byte-level BPE and by sentencepiece for the other kind.
"""

import hashlib
import io
import json
import sys
import tarfile
import tempfile
from pathlib import Path

import gguf
import sentencepiece
import tokenizers
from make_vectors import GPT_2, LLAMA_3, QWEN_2, alphabet, spelled
from sentencepiece import sentencepiece_model_pb2
from tokenizers import models, pre_tokenizers

SHA256 = "832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e"
FOLDER = "llama_cpp_python-0.3.36/vendor/llama.cpp/models"
SPLITS = {"llama-bpe": LLAMA_3, "qwen2": QWEN_2, "gpt-2": GPT_2}
SENTENCE_PIECE = "llama-spm"
NORMAL, UNKNOWN, BYTE = 1, 2, 6


class Vocabulary:
    """The tokens of a vocabulary by id, as (text, type, score), and its merges."""

    def __init__(self, tokens, merges):
        self.tokens, self.merges = tokens, merges

    @classmethod
    def read(cls, path):
        fields = gguf.GGUFReader(path).fields

        def values(key):
            field = fields.get(f"tokenizer.ggml.{key}")
            return field.contents() if field else []

        texts = values("tokens")
        scores = values("scores") or [0] * len(texts)
        tokens = dict(enumerate(zip(texts, values("token_type"), scores)))
        return cls(tokens, [tuple(merge.split(" ")) for merge in values("merges")])

    def kept(self, texts):
        """The part that encodes `texts` like the whole."""
        whole = "\n".join(texts)
        tokens = {
            id: (text, kind, score)
            for id, (text, kind, score) in self.tokens.items()
            if kind in (UNKNOWN, BYTE) or kind == NORMAL and text in whole
        }
        known = {text for text, *_ in tokens.values()}
        merges = [(a, b) for a, b in self.merges if {a, b, a + b} <= known]
        return Vocabulary(tokens, merges)


def byte_level(vocabulary, split, whole_words):
    """Plain text never becomes anything but a normal token."""
    ids = {text: id for id, (text, kind, _) in vocabulary.tokens.items() if kind == NORMAL}
    model = models.BPE(vocab=ids, merges=vocabulary.merges, ignore_merges=whole_words)
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(tokenizers.Regex(split), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return lambda text: tokenizer.encode(text).ids


def sentence_piece(vocabulary):
    ids = sorted(vocabulary.tokens)
    proto = sentencepiece_model_pb2.ModelProto()
    for id in ids:
        text, kind, score = vocabulary.tokens[id]
        proto.pieces.add(piece=text, type=kind, score=score)
    proto.trainer_spec.model_type = proto.trainer_spec.BPE
    proto.trainer_spec.byte_fallback = True
    proto.normalizer_spec.add_dummy_prefix = True
    proto.normalizer_spec.remove_extra_whitespaces = False
    processor = sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())
    return lambda text: [ids[at] for at in processor.encode(text)]


def published(folder, name):
    """The texts of a vocabulary, and the ids that llama.cpp has for them."""
    texts = (folder / f"ggml-vocab-{name}.gguf.inp").read_bytes().decode()
    texts = texts.split("\n__ggml_vocab_test__\n")
    lines = (folder / f"ggml-vocab-{name}.gguf.out").read_text().splitlines()
    assert texts.pop() == "" and len(texts) == len(lines)
    return texts, [[int(id) for id in line.split()] for line in lines]


def reduced(folder, name, texts, want):
    whole = Vocabulary.read(folder / f"ggml-vocab-{name}.gguf")
    if name == SENTENCE_PIECE:
        kept = whole.kept(["▁" + text.replace(" ", "▁") for text in texts])
        encoders = [sentence_piece(whole), sentence_piece(kept)]
    else:
        kept = whole.kept([*map(spelled, texts), *alphabet().values()])
        encoders = [byte_level(part, SPLITS[name], name == "llama-bpe") for part in (whole, kept)]
    for encode in encoders:
        for text, ids in zip(texts, want):
            assert encode(text) == ids, (name, text)
    print(f"{name}: {len(kept.tokens)} of {len(whole.tokens)} tokens, {len(kept.merges)} merges")
    made = {
        "n_vocab": len(whole.tokens),
        "tokens": [[id, text, kind] for id, (text, kind, _) in kept.tokens.items()],
        "ids": want,
    }
    if name == SENTENCE_PIECE:
        return made | {"scores": [score for *_, score in kept.tokens.values()]}
    return made | {"merges": [" ".join(pair) for pair in kept.merges]}


def main():
    archive = Path(sys.argv[1]).read_bytes()
    assert hashlib.sha256(archive).hexdigest() == SHA256
    with tempfile.TemporaryDirectory() as place:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            members = [m for m in tar.getmembers() if m.name.startswith(FOLDER + "/ggml-vocab-")]
            tar.extractall(place, members)
        folder = Path(place) / FOLDER
        names = [*SPLITS, SENTENCE_PIECE]
        cases = {name: published(folder, name) for name in names}
        (texts,) = {tuple(texts) for texts, _ in cases.values()}
        made = {name: reduced(folder, name, texts, want) for name, (_, want) in cases.items()}
    text = json.dumps({"texts": texts} | made, ensure_ascii=False, separators=(",", ":"))
    Path(__file__).with_name("published.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
