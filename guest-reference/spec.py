"""A second reading of NUMERICS.md: written from its text alone, slow and plain, in Python and numpy.

    spec.py MODEL.gguf --prompt 1,2,3 --tokens 8 [--kv f32] [--i2s-layout row4] [--logits]
    spec.py MODEL.gguf --seed 42 --prompt-length 16 --tokens 8 [--challenge HEX]

prints JSON: the prompt, the chosen tokens, the bits of their logits (with --logits, of all logits at those
positions), and the checksum of the transcript. Section numbers in comments are those of NUMERICS.md.

A product and a sum are two numpy operations here, so nothing is fused; every float is a numpy float32 (or,
in RoPE, a float64), so nothing is promoted; no float is added by numpy's own sums, whose order is not ours.

Exit codes: 0 done, 2 wrong usage, 4 a file that the text refuses or a value that is not finite.
"""

import argparse
import hashlib
import json
import struct
import sys

import numpy as np

import msun

F32 = np.float32
LANES = 16


class Refused(Exception):
    """The text refuses this file or this run."""


def finite(values, operation):
    """Section 1, "Finite or nothing"."""
    if (np.atleast_1d(np.asarray(values, F32)).view(np.uint32) & 0x7FFFFFFF >= 0x7F800000).any():
        raise Refused(f"{operation}: a value is not finite")
    return values


# Section 2: building blocks. The last axis is the vector; all others are independent of each other.


def tree16(a):
    for n in (8, 4, 2, 1):
        a = a[..., :n] + a[..., n : 2 * n]
    return a[..., 0]


def in_lanes(x):
    """Pads with zeros to whole groups of 16 and puts the groups first: [groups, ..., 16]."""
    missing = -x.shape[-1] % LANES
    x = np.concatenate([x, np.zeros(x.shape[:-1] + (missing,), F32)], axis=-1)
    return np.moveaxis(x.reshape(x.shape[:-1] + (-1, LANES)), -2, 0)


def sum16(x):
    a = np.zeros(x.shape[:-1] + (LANES,), F32)
    for group in in_lanes(x):
        a = a + group
    return tree16(a)


def dot16(x, y):
    return sum16(x * y)


def exp(x):
    x = np.minimum(np.maximum(x, F32(-87)), F32(88))
    t = x * F32(1.44269504) + F32(12582912)
    n = t - F32(12582912)
    r = (x - n * F32(0.693359375)) - n * F32(-2.12194440e-4)
    p = F32(1.9875691500e-4)
    for c in (1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1):
        p = p * r + F32(c)
    power = ((n.astype(np.int32) + 127) << 23).view(F32)
    return (p * (r * r) + r + F32(1)) * power


def f16(x, operation):
    """Rounds to binary16, widened again."""
    if (np.abs(x) >= F32(65520)).any():
        raise Refused(f"{operation}: a value is too large for f16")
    return x.astype(np.float16).astype(F32)


# Section 3: operations.


def rms_norm(x, w, eps):
    s = finite(dot16(x, x), "sum of squares")
    r = F32(1) / np.sqrt(s / F32(x.shape[-1]) + eps)
    return (x * r[..., np.newaxis]) * w


def quantize(x, s):
    return np.clip(np.rint(x * s), -127, 127).astype(np.int32)


class BitLinear:
    """W in {-1, 0, +1} [rows, columns], one scale."""

    def __init__(self, w, scale):
        self.w, self.scale = w.astype(np.int32), F32(scale)

    def __call__(self, x):
        m = np.maximum(np.abs(finite(x, "activation quantization")).max(), F32(1e-5))
        q, a = quantize(x, F32(127) / m), m / F32(127)
        return (self.w @ q).astype(F32) * (self.scale * a)


class Grouped:
    """W in {-1, 0, +1} [rows, columns], a scale for every 64 columns: d [rows, columns / 64]."""

    def __init__(self, w, d):
        self.w, self.d = w.astype(np.int32), d

    def __call__(self, x):
        x = finite(x, "activation quantization").reshape(-1, 32)
        m = np.abs(x).max(axis=1)
        a = f16(finite(m / F32(127), "scale of a block"), "scale of a block")
        q = np.zeros(x.shape, np.int32)
        used = a != 0
        q[used] = quantize(x[used], (F32(127) / m[used])[:, np.newaxis])
        w = self.w.reshape(self.w.shape[0], -1, 32)
        acc = (w * q).sum(axis=2).astype(F32)
        y = np.zeros(self.w.shape[0], F32)
        for g in range(self.d.shape[1]):
            y = y + self.d[:, g] * (a[2 * g] * acc[:, 2 * g] + a[2 * g + 1] * acc[:, 2 * g + 1])
        return y

    def row(self, token):
        return self.w[token].astype(F32) * np.repeat(self.d[token], 64)


class Widened:
    """An embedding or output matrix in f32 [rows, columns]."""

    def __init__(self, w):
        self.w = w

    def __call__(self, x):
        return dot16(self.w, x)

    def row(self, token):
        return self.w[token]


class Rope:
    def __init__(self, config, frequency_factors):
        d = self.d = config.rope_dim
        self.neighbours = config.neighbours
        j = np.arange(d // 2).astype(np.float64)
        base = np.float64(config.freq_base)
        inv = msun.pow(base, -(2 * j) / d)
        if frequency_factors is not None:
            inv = inv / frequency_factors.astype(np.float64)
        self.mu = None
        factor = np.float64(config.factor)
        if config.scaling == "linear":
            inv = inv / factor
        elif config.scaling == "yarn":
            inv, self.mu = self.yarn(config, base, factor, inv, j)
        self.inv = inv

    def yarn(self, config, base, factor, inv, j):
        def log(x):
            return msun.log(np.array([x], np.float64))[0]

        def pair(beta):
            turns = config.original_context / (np.float64(beta) * 6.283185307179586)
            return (self.d * log(turns)) / (2 * log(base))

        low = max(np.floor(pair(config.beta_fast)), 0.0)
        high = min(np.ceil(pair(config.beta_slow)), self.d - 1.0)
        if high == low:
            high = high + 0.001
        ramp = np.minimum(np.maximum((j - low) / (high - low), 0.0), 1.0)
        mu = 0.1 * log(factor) + 1 if factor > 1 else 1.0
        return (inv / factor) * ramp + inv * (1 - ramp), mu

    def __call__(self, x, position):
        """x [heads, head_dim]"""
        theta = np.float64(position) * self.inv
        cos, sin = msun.cos(theta), msun.sin(theta)
        if self.mu is not None:
            cos, sin = cos * self.mu, sin * self.mu
        c, s = cos.astype(F32), sin.astype(F32)
        half = self.d // 2
        first = slice(0, self.d, 2) if self.neighbours else slice(0, half)
        second = slice(1, self.d, 2) if self.neighbours else slice(half, self.d)
        x0, x1, x = x[:, first], x[:, second], x.copy()
        x[:, first], x[:, second] = x0 * c - x1 * s, x0 * s + x1 * c
        return x


def attention(q, keys, values):
    """q [H, head_dim]; keys and values [positions, KV, head_dim], as read back from the cache."""
    heads, head_dim = q.shape
    out = np.zeros(q.shape, F32)
    for h in range(heads):
        kv = h // (heads // keys.shape[1])
        scale = F32(1) / np.sqrt(F32(head_dim))
        score = finite(dot16(keys[:, kv], q[h]) * scale, "attention score")
        e = exp(score - score.max())
        p = e / finite(sum16(e), "softmax sum")
        for t in range(len(p)):
            out[h] = out[h] + p[t] * values[t, kv]
    return out.reshape(-1)


def squared_relu(g, up):
    r = np.where(g > 0, g, F32(0))
    return (r * r) * up


def silu(g, up):
    return (g / (F32(1) + exp(-g))) * up


# Architecture: activation, sub-norms, head norms, pairs of neighbours, frequency factors.
ARCHITECTURES = {
    "bitnet-b1.58": (squared_relu, True, False, False, False),
    "bitnet-25": (squared_relu, True, False, False, False),
    "bitnet": (silu, True, False, False, False),
    "llama": (silu, False, False, True, True),
    "qwen3": (silu, False, True, False, False),
}


# Section 4: weights.

F32_T, F16_T, Q8_0, Q4_K, Q6_K, BF16_T, TQ1_0, TQ2_0, I2_S, Q2_0, PQ2_0, PTQ1_0 = (
    0, 1, 8, 12, 14, 30, 34, 35, 36, 42, 142, 143)
DENSE = (F32_T, F16_T, BF16_T)
GROUPED = (Q2_0, PQ2_0, PTQ1_0)
PROJECTIONS = DENSE + (TQ1_0, TQ2_0, I2_S) + GROUPED
MATRICES = DENSE + (Q8_0, Q4_K, Q6_K) + GROUPED
NORMS = (F32_T, F16_T)
# Columns and bytes of a block.
BLOCKS = {F32_T: (1, 4), F16_T: (1, 2), BF16_T: (1, 2), Q8_0: (32, 34), Q4_K: (256, 144), Q6_K: (256, 210),
          TQ1_0: (256, 54), TQ2_0: (256, 66), PQ2_0: (128, 34), PTQ1_0: (128, 28)}
I2S_BLOCKS = {"block128": 128, "block64": 64, "row4": 4}


def f16_at(raw, at):
    return raw[..., at : at + 2].copy().view("<f2")[..., 0].astype(F32)


def codes(raw, shifts, axis):
    """Two bits from each byte, once for each shift, along a new axis; weight = code - 1."""
    code = np.stack([raw >> shift & 3 for shift in shifts], axis=axis)
    if (code == 3).any():
        raise Refused("code 3")
    return code.astype(np.int8) - 1


def trits(raw, parts):
    """parts: numbers of bytes and of trits in each of them."""
    out, at = [], 0
    for count, n_trits in parts:
        b = raw[..., at : at + count].astype(np.int32)
        trit = np.stack([(b * 3**n % 256 * 3 >> 8) - 1 for n in range(n_trits)], axis=-2)
        out.append(trit.reshape(trit.shape[:-2] + (-1,)))
        at += count
    return np.concatenate(out, axis=-1).astype(np.int8)


def scales(d, what):
    finite(d, what)
    if (d < 0).any():
        raise Refused(f"{what} is below 0")
    return d


def dense(raw, kind):
    if kind == BF16_T:
        return finite((raw.view("<u2").astype(np.uint32) << 16).view(F32), "weight")
    return finite(raw.view("<f4" if kind == F32_T else "<f2").astype(F32), "weight")


def one_scale(values):
    """The magnitude that all non-zero values share; 1 if there is none."""
    found = np.unique(np.abs(values[values != 0]))
    if len(found) > 1:
        raise Refused("two scales in one tensor")
    return found[0] if len(found) else F32(1)


def grouped(raw, kind, block, shape):
    raw = raw.reshape(shape[0], -1, raw.shape[-1])
    d = scales(f16_at(raw, raw.shape[-1] - 2 if kind == PTQ1_0 else 0), "scale")
    if kind == PTQ1_0:
        w = trits(raw[..., :26], [(16, 5), (8, 5), (2, 4)])
    else:
        w = codes(raw[..., 2:], (0, 2, 4, 6), -1)
    return Grouped(w.reshape(shape), np.repeat(d, block // 64, axis=1))


def projection(raw, kind, block, shape, layout):
    if kind in GROUPED:
        return grouped(raw, kind, block, shape)
    if kind in DENSE:
        values = dense(raw, kind).reshape(shape)
        return BitLinear(np.sign(values), one_scale(values))
    if kind == I2_S:
        n = shape[0] * shape[1] // 4
        scale = scales(raw[n : n + 4].view("<f4").astype(F32), "scale")[0]
        if scale == 0:
            raise Refused("scale is 0")
        width = shape[1] if layout == "row4" else I2S_BLOCKS[layout] // 4
        return BitLinear(codes(raw[:n].reshape(-1, width), (6, 4, 2, 0), -2).reshape(shape), scale)
    if kind == TQ2_0:
        d = scales(f16_at(raw, 64), "scale")
        w = codes(raw[:, :64].reshape(-1, 2, 32), (0, 2, 4, 6), -2).reshape(-1, 256)
    else:
        d = scales(f16_at(raw, 52), "scale")
        w = trits(raw[:, :52], [(32, 5), (16, 5), (4, 4)])
    return BitLinear(np.where(d[:, np.newaxis] != 0, w, 0).reshape(shape), one_scale(d))


def matrix(raw, kind, block, shape):
    if kind in GROUPED:
        return grouped(raw, kind, block, shape)
    if kind in DENSE:
        return Widened(dense(raw, kind).reshape(shape))
    d = finite(f16_at(raw, {Q8_0: 0, Q6_K: 208, Q4_K: 0}[kind]), "scale")
    if kind == Q8_0:
        w = d[:, np.newaxis] * raw[:, 2:].view(np.int8).astype(F32)
    elif kind == Q6_K:
        half, i, line = np.meshgrid(range(2), range(4), range(32), indexing="ij")
        low = raw[:, 64 * half + 32 * (i % 2) + line] >> (4 * (i // 2)) & 15
        high = raw[:, 128 + 32 * half + line] >> (2 * i) & 3
        scale = raw[:, 192 + 8 * half + 2 * i + line // 16].view(np.int8).astype(F32)
        q = (low | high << 4).astype(F32) - F32(32)
        w = (d[:, np.newaxis, np.newaxis, np.newaxis] * scale) * q
    else:
        d_min = finite(f16_at(raw, 2), "scale")
        b = raw[:, 4:16]
        w = []
        for g in range(8):
            scale = b[:, g] & 63 if g < 4 else (b[:, g + 4] & 15) + 16 * (b[:, g - 4] >> 6)
            low = b[:, g + 4] & 63 if g < 4 else (b[:, g + 4] >> 4) + 16 * (b[:, g] >> 6)
            q = (raw[:, 16 + 32 * (g // 2) :][:, :32] >> (4 * (g % 2)) & 15).astype(F32)
            w.append((d * scale.astype(F32))[:, np.newaxis] * q - (d_min * low.astype(F32))[:, np.newaxis])
        w = np.stack(w, axis=1)
    return Widened(finite(w.reshape(shape), "weight"))


# Section 5: the file.

UNSIGNED = {0: "<B", 2: "<H", 4: "<I", 10: "<Q"}
SCALARS = UNSIGNED | {1: "<b", 3: "<h", 5: "<i", 6: "<f", 7: "<?", 11: "<q", 12: "<d"}
STRING, ARRAY = 8, 9

# Keys that change nothing with these values.
NEUTRAL = {
    **dict.fromkeys(("expert_count", "expert_used_count", "expert_shared_count", "nextn_predict_layers",
                     "pooling_type", "attention.sliding_window"), (0,)),
    **dict.fromkeys(("attention.clamp_kqv", "attention.max_alibi_bias", "attention.scale"), (0.0,)),
    **dict.fromkeys(("embedding_scale", "residual_scale", "logit_scale", "rope.scale_linear",
                     "rope.scaling.attn_factor", "rope.scaling.yarn_attn_factor"), (1.0,)),
    "attention.causal": (True,),
    "use_parallel_residual": (False,),
    "tensor_data_layout": ("reference",),
}


class File:
    def __init__(self, path):
        self.bytes = open(path, "rb").read()
        self.sha256 = hashlib.sha256(self.bytes).digest()
        self.at = 0
        if self.take(4) != b"GGUF" or self.number("<I") not in (2, 3):
            raise Refused("not a GGUF file of version 2 or 3")
        n_tensors, n_keys = self.number("<Q"), self.number("<Q")
        if max(n_tensors, n_keys) > 65536:
            raise Refused("more than 65536 keys or tensors")
        self.keys, self.tensors = {}, {}
        for _ in range(n_keys):
            name, kind = self.text(), self.number("<I")
            if name in self.keys:
                raise Refused(f"key {name} occurs twice")
            self.keys[name] = (kind, self.value(kind))
        for _ in range(n_tensors):
            self.tensor()
        alignment = self.keys.get("general.alignment", (4, 32))
        if alignment[0] not in UNSIGNED or alignment[1] not in [1 << i for i in range(3, 17)]:
            raise Refused("general.alignment")
        self.alignment = alignment[1]
        self.data = self.aligned(self.at)

    def take(self, n):
        if self.at + n > len(self.bytes):
            raise Refused("the file ends too early")
        self.at += n
        return self.bytes[self.at - n : self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self):
        return self.take(self.number("<Q")).decode("utf-8")

    def value(self, kind, depth=0):
        if kind in SCALARS:
            return self.number(SCALARS[kind])
        if kind == STRING:
            return self.take(self.number("<Q"))
        if kind != ARRAY or depth == 4:
            raise Refused(f"value of type {kind}")
        element, count = self.number("<I"), self.number("<Q")
        return [self.value(element, depth + 1) for _ in range(count)]

    def tensor(self):
        name, n_dims = self.text(), self.number("<I")
        if n_dims > 4:
            raise Refused(f"{name}: more than 4 dimensions")
        # GGUF names the columns first.
        shape = [self.number("<Q") for _ in range(n_dims)][::-1]
        if name in self.tensors:
            raise Refused(f"tensor {name} occurs twice")
        self.tensors[name] = (shape, self.number("<I"), self.number("<Q"))

    def aligned(self, n):
        return -(-n // self.alignment) * self.alignment

    def size(self, name, q2_block, layout):
        """Bytes of a tensor, and the columns of its blocks."""
        shape, kind, _ = self.tensors[name]
        columns, count = shape[-1], int(np.prod(shape, dtype=object))
        if kind == I2_S:
            if columns % I2S_BLOCKS[layout] or (layout == "row4" and shape[0] % 4):
                raise Refused(f"{name}: shape does not fit {layout}")
            return count // 4 + 32, I2S_BLOCKS[layout]
        block, n_bytes = (q2_block, q2_block // 4 + 2) if kind == Q2_0 else BLOCKS.get(kind, (0, 0))
        if not block or columns % block:
            raise Refused(f"{name}: type {kind} with {columns} columns")
        return count // block * n_bytes, block

    def contiguous(self, q2_block, layout):
        end = self.data
        for name, (_, _, offset) in sorted(self.tensors.items(), key=lambda item: item[1][2]):
            try:
                size, _ = self.size(name, q2_block, layout)
            except Refused:
                return False
            if self.data + offset != self.aligned(end):
                return False
            end = self.data + offset + size
        return end <= len(self.bytes) <= self.aligned(end)

    def locate(self, layout):
        """Finds the form of type 42."""
        both = any(kind == Q2_0 for _, kind, _ in self.tensors.values())
        fits = [block for block in ((64, 128) if both else (64,)) if self.contiguous(block, layout)]
        if len(fits) != 1:
            raise Refused("tensors are not contiguous" if not fits else "type 42 fits both forms")
        self.q2_block = fits[0]

    def raw(self, name, layout):
        """Bytes [blocks, bytes of a block] of a tensor in blocks; of others, all in one row."""
        shape, kind, offset = self.tensors[name]
        size, block = self.size(name, self.q2_block, layout)
        raw = np.frombuffer(self.bytes, np.uint8, size, self.data + offset)
        return (raw if kind in DENSE or kind == I2_S else raw.reshape(np.prod(shape) // block, -1)), kind, block


class Config:
    def __init__(self, file):
        self.keys = file.keys
        self.architecture = self.string("general.architecture")
        if self.architecture not in ARCHITECTURES:
            raise Refused(f"architecture {self.architecture}")
        if "general.type" in self.keys and self.string("general.type") in ("adapter", "imatrix", "mmproj", "vocab"):
            raise Refused("general.type")
        if self.keys.get("split.count", (4, 1))[1] > 1 or any("prism.hadamard" in key for key in self.keys):
            raise Refused("one file of several, or a Hadamard transform")
        self.prefix = self.architecture + "."
        self.known = set()
        self.activation, self.sub_norms, self.head_norms, self.neighbours, self.factors = (
            ARCHITECTURES[self.architecture])
        self.n_embd = self.unsigned("embedding_length", 1, 1 << 20)
        self.n_ff = self.unsigned("feed_forward_length", 1, 1 << 20)
        self.n_layers = self.unsigned("block_count", 1, 1024)
        self.context = self.unsigned("context_length", 1, 1 << 24)
        self.n_heads = self.unsigned("attention.head_count", 1, 4096)
        self.n_kv = self.unsigned("attention.head_count_kv", 1, self.n_heads, self.n_heads)
        self.eps = self.positive("attention.layer_norm_rms_epsilon")
        self.freq_base = self.positive("rope.freq_base", 10000.0)
        self.head_dim = self.unsigned("attention.key_length", 2, 1 << 20, self.n_embd // self.n_heads)
        value_dim = self.unsigned("attention.value_length", 2, 1 << 20, self.n_embd // self.n_heads)
        self.rope_dim = self.unsigned("rope.dimension_count", 2, self.head_dim, self.head_dim)
        if self.n_heads % self.n_kv or self.head_dim != value_dim or self.head_dim % 2 or self.rope_dim % 2:
            raise Refused("numbers of heads or dimensions that do not fit")
        if self.n_heads * self.head_dim > 1 << 20:
            raise Refused("heads times head dimension is above 2^20")
        if self.n_embd % self.n_heads and self.prefix + "attention.key_length" not in self.keys:
            raise Refused("attention.head_count does not divide embedding_length")
        self.scaling = self.string(self.prefix + "rope.scaling.type", "none")
        self.known.add("rope.scaling.type")
        self.rope_scaling()
        self.n_vocab = self.unsigned("vocab_size", 1, 1 << 24, 0)
        self.known |= {"rope.scaling.finetuned", "rope.scaling.original_context_length"}
        self.refuse_unknown()

    def rope_scaling(self):
        if self.scaling not in ("none", "linear", "yarn"):
            raise Refused("rope.scaling.type")
        yarn = self.scaling == "yarn"
        self.factor = self.positive("rope.scaling.factor", 1.0 if self.scaling == "none" else None)
        if self.scaling == "none" and self.factor != 1:
            raise Refused("rope.scaling.factor without a type")
        if not yarn:
            return
        if self.freq_base <= 1:
            raise Refused("rope.freq_base with yarn")
        self.original_context = self.unsigned("rope.scaling.original_context_length", 1, 1 << 24)
        self.beta_fast = self.positive("rope.scaling.yarn_beta_fast", 32.0)
        self.beta_slow = self.positive("rope.scaling.yarn_beta_slow", 1.0)
        if self.beta_fast <= self.beta_slow:
            raise Refused("rope.scaling.yarn_beta_fast")

    def refuse_unknown(self):
        for key, (kind, value) in self.keys.items():
            name = key.removeprefix(self.prefix)
            if name == key or name in self.known:
                continue
            value = value.decode("utf-8") if kind == STRING else value
            meta = name == "tensor_data_layout" and self.architecture == "llama" and value == "Meta AI original pth"
            if not meta and (name not in NEUTRAL or value not in NEUTRAL[name]):
                raise Refused(f"key {key}: it could change the arithmetic")

    def string(self, key, default=None):
        kind, value = self.keys.get(key, (STRING, default))
        if kind != STRING or value is None:
            raise Refused(f"key {key}")
        return value if isinstance(value, str) else value.decode("utf-8")

    def unsigned(self, name, least, most, default=None):
        self.known.add(name)
        kind, value = self.keys.get(self.prefix + name, (4, default))
        if value is None or kind not in UNSIGNED or (not least <= value <= most and value is not default):
            raise Refused(f"key {self.prefix}{name}: {value}")
        return value

    def positive(self, name, default=None):
        self.known.add(name)
        kind, value = self.keys.get(self.prefix + name, (6, default))
        if value is None or kind != 6 or not 0 < value < float("inf"):
            raise Refused(f"key {self.prefix}{name}: {value}")
        return F32(value)


class Model:
    def __init__(self, file, layout):
        self.file, self.layout, self.config = file, layout, Config(file)
        file.locate(layout)
        self.left = set(file.tensors)
        c = self.config
        n_vocab = c.n_vocab or file.tensors["token_embd.weight"][0][0]
        if not 1 <= n_vocab <= 1 << 24:
            raise Refused("n_vocab")
        self.n_vocab = n_vocab
        self.embedding = self.take("token_embd", MATRICES, matrix, [n_vocab, c.n_embd])
        self.output = self.embedding
        if "output.weight" in file.tensors:
            self.output = self.take("output", MATRICES, matrix, [n_vocab, c.n_embd])
        self.output_norm = self.norm("output_norm", c.n_embd)
        factors = None
        if c.factors and "rope_freqs.weight" in file.tensors:
            factors = self.norm("rope_freqs", c.rope_dim // 2)
            if not (factors > 0).all():
                raise Refused("rope_freqs: not above 0")
        self.rope = Rope(c, factors)
        self.layers = [self.layer(f"blk.{n}.") for n in range(c.n_layers)]
        if self.left:
            raise Refused(f"tensor {min(self.left)}: unknown")
        families = {type(w) for layer in self.layers for w in layer.values() if not isinstance(w, np.ndarray)}
        if len(families) != 1:
            raise Refused("some projections are grouped ternary and some are not")

    def take(self, name, kinds, decode, shape):
        name += ".weight"
        if name not in self.file.tensors or self.file.tensors[name][0] != shape:
            raise Refused(f"tensor {name}: missing, or not of shape {shape}")
        self.left.remove(name)
        raw, kind, block = self.file.raw(name, self.layout)
        if kind not in kinds:
            raise Refused(f"tensor {name}: type {kind}")
        try:
            return decode(raw, kind, block, shape)
        except Refused as e:
            raise Refused(f"tensor {name}: {e}") from None

    def norm(self, name, n):
        return self.take(name, NORMS, lambda raw, kind, *_: dense(raw, kind), [n])

    def layer(self, prefix):
        c = self.config
        n_q, n_kv = c.n_heads * c.head_dim, c.n_kv * c.head_dim
        norms = {"attn_norm": c.n_embd, "ffn_norm": c.n_embd}
        if c.sub_norms:
            norms |= {"attn_sub_norm": n_q, "ffn_sub_norm": c.n_ff}
        if c.head_norms:
            norms |= {"attn_q_norm": c.head_dim, "attn_k_norm": c.head_dim}
        projections = {"attn_q": [n_q, c.n_embd], "attn_k": [n_kv, c.n_embd], "attn_v": [n_kv, c.n_embd],
                       "attn_output": [c.n_embd, n_q], "ffn_gate": [c.n_ff, c.n_embd],
                       "ffn_up": [c.n_ff, c.n_embd], "ffn_down": [c.n_embd, c.n_ff]}
        layer = {name: self.norm(prefix + name, n) for name, n in norms.items()}
        for name, shape in projections.items():
            layer[name] = self.take(prefix + name, PROJECTIONS, lambda *a: projection(*a, self.layout), shape)
        return layer


class Run:
    def __init__(self, model, kv_type):
        self.model, self.kv_type = model, kv_type
        self.cache = [([], []) for _ in model.layers]

    def stored(self, x, what):
        return f16(finite(x, what), what) if self.kv_type == "f16" else x

    def layer(self, x, n, position):
        """Section 3, "One layer"."""
        c, w = self.model.config, self.model.layers[n]
        h = rms_norm(x, w["attn_norm"], c.eps)
        q = w["attn_q"](h).reshape(c.n_heads, c.head_dim)
        k = w["attn_k"](h).reshape(c.n_kv, c.head_dim)
        v = w["attn_v"](h).reshape(c.n_kv, c.head_dim)
        if c.head_norms:
            q, k = rms_norm(q, w["attn_q_norm"], c.eps), rms_norm(k, w["attn_k_norm"], c.eps)
        q, k = self.model.rope(q, position), self.model.rope(k, position)
        keys, values = self.cache[n]
        keys.append(self.stored(k, "key"))
        values.append(self.stored(v, "value"))
        o = attention(q, np.stack(keys), np.stack(values))
        if c.sub_norms:
            o = rms_norm(o, w["attn_sub_norm"], c.eps)
        x = x + w["attn_output"](o)
        h = rms_norm(x, w["ffn_norm"], c.eps)
        g = c.activation(w["ffn_gate"](h), w["ffn_up"](h))
        if c.sub_norms:
            g = rms_norm(g, w["ffn_sub_norm"], c.eps)
        return x + w["ffn_down"](g)

    def position(self, token, position):
        """The residual streams that leave the layers, and the hidden state."""
        x, residuals, where = self.model.embedding.row(token), [], "output norm"
        try:
            for n in range(len(self.model.layers)):
                where = f"layer {n}"
                x = self.layer(x, n, position)
                residuals.append(x)
            where = "output norm"
            hidden = rms_norm(x, self.model.output_norm, self.model.config.eps)
            return residuals, finite(hidden, "hidden state")
        except Refused as e:
            raise Refused(f"position {position}, {where}: {e}") from None


# Section 6: transcript.


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def u32(*numbers):
    return struct.pack(f"<{len(numbers)}I", *numbers)


def floats(x):
    return np.asarray(x, "<f4").tobytes()


def prompt_from_seed(seed, n, n_vocab, challenge):
    if challenge:
        digest = sha256(b"bitreceipt/challenge/v1\0", challenge, struct.pack("<Q", seed))
        seed = struct.unpack("<Q", digest[:8])[0]
    ids, mask = [], (1 << 64) - 1
    for i in range(1, n + 1):
        z = (seed + i * 0x9E3779B97F4A7C15) & mask
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        ids.append((z ^ (z >> 31)) % n_vocab)
    return ids


def generate(model, prompt, n_tokens, kv_type, challenge):
    """The chosen tokens, the logits at their positions, and the checksum."""
    t = sha256(b"bitreceipt/transcript/v1\0", model.file.sha256, bytes([kv_type == "f16"]),
               u32(len(challenge)), challenge, u32(len(prompt)), u32(*prompt), u32(n_tokens))
    run, fed, tokens, logits = Run(model, kv_type), list(prompt), [], []
    for position in range(len(prompt) + n_tokens - 1):
        token = fed[position]
        residuals, hidden = run.position(token, position)
        step = [t, u32(position, token), floats(hidden)] + [sha256(floats(r)) for r in residuals]
        if position >= len(prompt) - 1:
            row = finite(model.output(hidden), f"position {position}: logit")
            choice = int(np.argmax(row))
            step += [u32(choice), floats(row[choice])]
            tokens.append(choice)
            fed.append(choice)
            logits.append(row)
        t = sha256(*step)
    return tokens, logits, t.hex()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--prompt", type=lambda text: [int(i) for i in text.split(",")])
    parser.add_argument("--seed", type=int)
    parser.add_argument("--prompt-length", type=int, default=16)
    parser.add_argument("--challenge", type=bytes.fromhex, default=b"")
    parser.add_argument("--tokens", type=int, default=8)
    parser.add_argument("--kv", choices=("f16", "f32"), default="f16")
    parser.add_argument("--i2s-layout", choices=tuple(I2S_BLOCKS), default="block128")
    parser.add_argument("--logits", action="store_true")
    a = parser.parse_args()
    if (a.prompt is None) == (a.seed is None) or (a.challenge and a.seed is None):
        parser.error("either --prompt or --seed; a challenge only with --seed")
    try:
        model = Model(File(a.model), a.i2s_layout)
        prompt = a.prompt or prompt_from_seed(a.seed, a.prompt_length, model.n_vocab, a.challenge)
        if not all(0 <= token < model.n_vocab for token in prompt):
            raise Refused("a token of the prompt is outside the vocabulary")
        tokens, logits, checksum = generate(model, prompt, a.tokens, a.kv, a.challenge)
    except (Refused, UnicodeDecodeError) as e:
        print(f"spec.py: {a.model}: {e}", file=sys.stderr)
        sys.exit(4)
    rows = [row.view(np.uint32) for row in logits]
    shown = [row.tolist() for row in rows] if a.logits else [int(row[t]) for row, t in zip(rows, tokens)]
    json.dump({"prompt": prompt, "tokens": tokens, "logit_bits": shown, "checksum": checksum}, sys.stdout)
    print()


if __name__ == "__main__":
    main()
