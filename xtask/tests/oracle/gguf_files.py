"""Packs the tensors of a model into the types of a GGUF file, and writes the file.

All types but I2_S and those of `grouped.py` are packed by the `gguf` package. It has no quantizer
for Q4_K and Q6_K: those matrices start as random blocks, and the package says what they mean.
"""

from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import quants

import grouped

I2S = 36
# Width of the groups of four weights that share the bytes; None: a whole row.
I2S_LAYOUTS = {"i2s": 32, "i2s_block64": 16, "i2s_row4": None}
TYPES = {name.lower(): Type[name] for name in ("F32", "F16", "BF16", "TQ1_0", "TQ2_0", "Q8_0")}
SPECIAL_TOKENS = ["<|pad|>", "<|begin_of_text|>", "<|end_of_text|>"]


def pack_i2s(codes, width, scale, rng):
    """Bytes of an I2_S tensor. codes: uint8 [rows, columns] of 0, 1, 2. The 28 bytes that follow
    the scale have no meaning: they are random."""
    groups = codes.reshape(-1, 4, width or codes.shape[1])
    packed = groups[:, 0] << 6 | groups[:, 1] << 4 | groups[:, 2] << 2 | groups[:, 3]
    tail = rng.integers(0, 256, 28, dtype=np.uint8).tobytes()
    return np.frombuffer(packed.tobytes() + np.float32(scale).tobytes() + tail, np.uint8)


def exact(values, name):
    """Values f32 in a type that holds them exactly: the array that the writer takes."""
    packed = quants.quantize(values, TYPES[name])
    if not np.array_equal(quants.dequantize(packed, TYPES[name]), values):
        raise ValueError(f"{name} does not hold these values exactly")
    return packed


def random_q6_k(rng, rows, columns, rms):
    """Random Q6_K blocks, uint8 [rows, bytes], whose values have about this root mean square."""
    blocks = rng.integers(0, 256, (rows, columns // 256, 210), dtype=np.uint8)
    scales = rng.integers(-100, 101, blocks.shape[:2] + (16,)).astype(np.int8)
    blocks[..., 192:208] = scales.view(np.uint8)
    d = rms / 1070 * rng.uniform(0.7, 1.4, blocks.shape[:2] + (1,)) * doubled(rng, rows)[:, None]
    blocks[..., 208:] = d.astype(np.float16).view(np.uint8)
    return blocks.reshape(rows, -1)


def random_q4_k(rng, rows, columns, rms):
    """Random Q4_K blocks, uint8 [rows, bytes], whose values have about this root mean square."""
    blocks = rng.integers(0, 256, (rows, columns // 256, 144), dtype=np.uint8)
    d = rms / 255 * rng.uniform(0.7, 1.4, blocks.shape[:2] + (1,)) * doubled(rng, rows)[:, None]
    blocks[..., 0:2] = d.astype(np.float16).view(np.uint8)
    blocks[..., 2:4] = (7.5 * d).astype(np.float16).view(np.uint8)
    return blocks.reshape(rows, -1)


RANDOM_BLOCKS = {"q6_k": (Type.Q6_K, random_q6_k), "q4_k": (Type.Q4_K, random_q4_k)}


def doubled(rng, rows):
    """[rows, 1] factors: an eighth of the rows is twice as large, to make greedy choices clear."""
    factors = np.ones((rows, 1), np.float32)
    factors[rng.choice(rows, rows // 8, replace=False)] = 2
    return factors


def dense_ternary(weights, scale, rng):
    """f32 of a ternary matrix in which zeros have random signs, as division leaves them."""
    values = weights.astype(np.float32) * np.float32(scale)
    return np.where(weights == 0, np.copysign(values, rng.choice([-1, 1], weights.shape)), values)


def permute_rows(weights, n_heads):
    """Rows of q or k as converters to `llama` order them: partners of a rotation, head_dim / 2
    apart, become neighbours."""
    head_dim = weights.shape[0] // n_heads
    order = np.arange(head_dim).reshape(2, -1).T.ravel()
    return weights.reshape(n_heads, head_dim, -1)[:, order].reshape(weights.shape)


def add_metadata(writer, family, file):
    writer.add_name(f"oracle-{family.name}")
    if file.alignment:
        writer.add_custom_alignment(file.alignment)
    writer.add_context_length(2048)
    writer.add_embedding_length(family.n_embd)
    writer.add_block_count(family.n_layers)
    writer.add_feed_forward_length(family.n_ff)
    writer.add_head_count(family.n_heads)
    writer.add_layer_norm_rms_eps(family.eps)
    writer.add_rope_freq_base(family.rope_base)
    if family.yarn:
        add_yarn(writer, *family.yarn)
    if family.n_heads * family.head_dim != family.n_embd:
        writer.add_key_length(family.head_dim)
        writer.add_value_length(family.head_dim)
    if family.optional_keys or family.n_kv_heads != family.n_heads:
        writer.add_head_count_kv(family.n_kv_heads)
    if family.optional_keys:
        writer.add_vocab_size(family.n_vocab)
        writer.add_rope_dimension_count(family.head_dim)
    if family.linear_factor:
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(family.linear_factor)
    add_tokenizer(writer, family.n_vocab, "qwen2" if family.group else "llama-bpe")


def add_yarn(writer, factor, n_original, beta_fast=None, beta_slow=None):
    writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
    writer.add_rope_scaling_factor(factor)
    writer.add_rope_scaling_orig_ctx_len(n_original)
    if beta_fast:
        writer.add_rope_scaling_yarn_beta_fast(beta_fast)
        writer.add_rope_scaling_yarn_beta_slow(beta_slow)


def add_tokenizer(writer, n_vocab, pre):
    """A byte-level BPE tokenizer: three special tokens, 256 bytes, merges with `a`."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in shown]
    letters = dict(zip(shown + hidden, map(chr, shown + list(range(256, 256 + len(hidden))))))
    firsts = [letters[b] for b in range(97, 97 + 26)] + [letters[b] for b in range(65, 65 + 26)]
    firsts += [letters[b] for b in range(48, 58)]
    n_merges = n_vocab - 256 - len(SPECIAL_TOKENS)
    merges = [f"{first} a" for first in firsts[:n_merges]]
    tokens = SPECIAL_TOKENS + [letters[b] for b in range(256)]
    tokens += [merge.replace(" ", "") for merge in merges]
    assert len(tokens) == n_vocab
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(SPECIAL_TOKENS) + [1] * (n_vocab - len(SPECIAL_TOKENS)))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(False)


def add_unknown(writer, name, shape, packed, type_id):
    """The package does not know I2_S and the grouped types: the tensor is announced as 8-bit and
    its type id replaced."""
    writer.add_tensor_info(name, shape, np.dtype(np.int8), packed.nbytes, type_id)
    writer.tensors[-1][name].tensor = packed


def add_grouped(writer, name, matrix, type_name):
    packed, type_id = grouped.pack(matrix, type_name)
    add_unknown(writer, name, matrix.weights.shape, packed, type_id)


def add_projection(writer, family, file, name, projection, rng):
    type_name = file.type_of(name)
    if family.group:
        add_grouped(writer, name, projection, type_name)
        return
    weights = projection.weights
    if family.pairs == "neighbours" and (".attn_q." in name or ".attn_k." in name):
        n_heads = family.n_heads if ".attn_q." in name else family.n_kv_heads
        weights = permute_rows(weights, n_heads)
    if type_name in I2S_LAYOUTS:
        codes = (weights + 1).astype(np.uint8)
        packed = pack_i2s(codes, I2S_LAYOUTS[type_name], projection.scale, rng)
        add_unknown(writer, name, weights.shape, packed, I2S)
    else:
        values = dense_ternary(weights, projection.scale, rng)
        writer.add_tensor(name, exact(values, type_name), raw_dtype=TYPES[type_name])


def write(path: Path, family, model, file):
    """Writes one file of a family. model: families.Weights, file: families.File."""
    rng = np.random.default_rng([family.seed, file.seed])
    writer = gguf.GGUFWriter(path, family.architecture)
    add_metadata(writer, family, file)
    for name, table in model.tables.items():
        type_name = file.embedding if name == "token_embd.weight" else file.output
        if table.matrix is not None:
            add_grouped(writer, name, table.matrix, type_name)
        elif table.blocks is not None:
            writer.add_tensor(name, table.blocks, raw_dtype=table.block_type)
        else:
            writer.add_tensor(name, exact(table.values, type_name), raw_dtype=TYPES[type_name])
    if model.rope_factors is not None:
        writer.add_tensor("rope_freqs.weight", model.rope_factors)
    for name, norm in model.norms.items():
        writer.add_tensor(name, exact(norm, file.norms), raw_dtype=TYPES[file.norms])
    for name, projection in model.projections.items():
        add_projection(writer, family, file, name, projection, rng)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
