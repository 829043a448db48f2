"""Writes a trained checkpoint as a GGUF file: I2_S projections, F16 embedding, F32 norms.

python export.py WORK_FOLDER ../tiny-rust.gguf
"""

import argparse
import os
import pathlib

import gguf
import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

import vocabulary
from model import RMS_EPSILON, Shape, ternary

I2_S, FILE_TYPE_I2_S = 36, 40
NORMAL, CONTROL = 1, 3


def pack(weights: Tensor, scale: Tensor) -> np.ndarray:
    """Bytes of an I2_S tensor in the layout `block128`: codes, the scale, 28 bytes of zeros."""
    codes = (weights.numpy() + 1).astype(np.uint8).reshape(-1, 4, 32)
    packed = codes[:, 0] << 6 | codes[:, 1] << 4 | codes[:, 2] << 2 | codes[:, 3]
    tail = np.float32(scale.item()).tobytes() + bytes(28)
    return np.frombuffer(packed.tobytes() + tail, np.uint8)


def describe(writer: gguf.GGUFWriter, shape: Shape) -> None:
    """Metadata of the model, with the names and types that published files use."""
    writer.add_name("tiny-rust")
    writer.add_description("A tiny BitNet b1.58, trained on the documentation of Rust 1.95.0")
    writer.add_license("MIT OR Apache-2.0")
    writer.add_file_type(FILE_TYPE_I2_S)
    writer.add_vocab_size(shape.n_vocab)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.n_embd)
    writer.add_block_count(shape.n_layers)
    writer.add_feed_forward_length(shape.n_ff)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_head_count(shape.n_heads)
    writer.add_head_count_kv(shape.n_kv_heads)
    writer.add_layer_norm_rms_eps(RMS_EPSILON)
    writer.add_rope_freq_base(shape.rope_base)


def describe_tokenizer(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    """The vocabulary, as `llama-bpe`."""
    tokens, merges = vocabulary.spellings_and_merges(tokenizer)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(tokens)
    writer.add_token_types([NORMAL] * (len(tokens) - 2) + [CONTROL] * 2)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(vocabulary.BEGIN)
    writer.add_eos_token_id(vocabulary.END)


def gguf_name(parameter: str) -> str:
    """`layers.0.attn_q` is `blk.0.attn_q.weight`."""
    return parameter.replace("layers.", "blk.") + ".weight"


def write(path: pathlib.Path, state: dict[str, Tensor], tokenizer: Tokenizer) -> None:
    """Writes the file, or nothing."""
    shape = Shape()
    part = path.with_suffix(".part")
    writer = gguf.GGUFWriter(part, "bitnet-b1.58")
    describe(writer, shape)
    describe_tokenizer(writer, tokenizer)
    for parameter, values in state.items():
        name, values = gguf_name(parameter), values.float()
        if parameter == "token_embd":
            writer.add_tensor(name, values.numpy().astype(np.float16))
        elif values.dim() == 1:
            writer.add_tensor(name, values.numpy())
        else:
            packed = pack(*ternary(values))
            # The package knows no I2_S: announced as 8-bit, with the type id replaced.
            dtype = np.dtype(np.int8)
            writer.add_tensor_info(name, values.shape, dtype, packed.nbytes, I2_S)
            writer.tensors[-1][name].tensor = packed
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(part, path)


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    args = parser.parse_args()
    state = torch.load(args.work / "ternary.pt")["model"]
    tokenizer = Tokenizer.from_file(str(args.work / "tokenizer.json"))
    write(args.output, state, tokenizer)
    print(args.output, args.output.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
