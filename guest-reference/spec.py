"""A second reading of NUMERICS.md: written from its text alone, slow and plain, in Python and numpy.

    spec.py MODEL.gguf --prompt 1,2,3 --tokens 8 [--kv f32] [--i2s-layout row4] [--logits]
    spec.py MODEL.gguf --seed 42 --prompt-length 16 --tokens 8 [--challenge HEX] …

prints JSON: the prompt, the chosen tokens, the bits of their logits (with --logits, of all logits at those
positions), and the checksum of the transcript. Sections are those of NUMERICS.md. Product and sum are two
operations of numpy, so nothing is fused; every float is a numpy float32 (in RoPE a float64), so nothing is
promoted; numpy's own sums, whose order is not ours, add only integers.

Exit codes: 0 done, 2 wrong usage, 4 what the text refuses, 5 a file that cannot be read.
"""

import argparse
import hashlib
import json
import math
import struct
import sys

import numpy as np

import msun

F32 = np.float32


class Refused(Exception):
    """By the text."""


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


def sum16(x):
    x = np.concatenate([x, np.zeros(x.shape[:-1] + (-x.shape[-1] % 16,), F32)], axis=-1)
    a = np.zeros(x.shape[:-1] + (16,), F32)
    for i in range(0, x.shape[-1], 16):
        a = a + x[..., i : i + 16]
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
    return (p * (r * r) + r + F32(1)) * ((n.astype(np.int32) + 127) << 23).view(F32)


def f16(x, operation):
    """Rounds to binary16, widened again."""
    if (np.abs(x) >= F32(65520)).any():
        raise Refused(f"{operation}: a value is too large for f16")
    return x.astype(np.float16).astype(F32)


# Section 3: operations.

def rms_norm(x, w, eps):
    s = finite(dot16(x, x), "sum of squares")
    return (x * (F32(1) / np.sqrt(s / F32(x.shape[-1]) + eps))[..., np.newaxis]) * w


class BitLinear:
    """W in {-1, 0, +1} [rows, columns], one scale."""

    def __init__(self, w, scale):
        self.w, self.scale = w, scale

    def sums(self, x):
        """Integer sums, and the dequantization scale of x."""
        m = np.maximum(np.abs(finite(x, "activation quantization")).max(), F32(1e-5))
        s, a = F32(127) / m, m / F32(127)
        q = np.clip(np.rint(x * s), -127, 127).astype(np.int32)
        return self.w @ q, a

    def __call__(self, x):
        acc, a = self.sums(x)
        return acc.astype(F32) * (self.scale * a)


class Grouped:
    """W in {-1, 0, +1} [rows, columns], a scale for every 64 columns: d [rows, columns / 64]."""

    def __init__(self, w, d):
        self.w, self.d = w, d

    def __call__(self, x):
        x = finite(x, "activation quantization").reshape(-1, 32)
        m = np.abs(x).max(axis=1)
        a = f16(finite(m / F32(127), "scale of a block"), "scale of a block")
        s = np.where(a == 0, F32(0), F32(127) / m)[:, np.newaxis]
        q = np.clip(np.rint(x * s), -127, 127).astype(np.int32)
        acc = (self.w.reshape(len(self.w), -1, 32) * q).sum(axis=2).astype(F32)
        y = np.zeros(len(self.w), F32)
        for g in range(self.d.shape[1]):
            y = y + self.d[:, g] * (a[2 * g] * acc[:, 2 * g] + a[2 * g + 1] * acc[:, 2 * g + 1])
        return y

    def row(self, token):
        return self.w[token].astype(F32) * np.repeat(self.d[token], 64)


class Widened:
    """An embedding or output matrix in f32 [rows, columns]."""

    def __init__(self, w):
        self.w, self.row = w, w.__getitem__

    def __call__(self, x):
        return dot16(self.w, x)


class Rope:
    def __init__(self, c, frequency_factors):
        self.c, d = c, c.rope_dim
        base, factor = np.float64(c.freq_base), np.float64(c.factor)
        j = np.arange(d // 2).astype(np.float64)
        inv = msun.pow(base, -(2 * j) / d) / frequency_factors
        self.inv, self.mu = inv / factor if c.scaling == "linear" else inv, np.float64(1)
        if c.scaling == "yarn":
            self.yarn(base, factor, inv, j, d)

    def yarn(self, base, factor, inv, j, d):
        def pair(beta):
            turns = self.c.original_context / (np.float64(beta) * 6.283185307179586)
            return (d * msun.log(turns)) / (2 * msun.log(base))

        low = max(np.floor(pair(self.c.beta_fast)), 0.0)
        high = min(np.ceil(pair(self.c.beta_slow)), d - 1.0)
        high = high + 0.001 if high == low else high
        ramp = np.minimum(np.maximum((j - low) / (high - low), 0.0), 1.0)
        self.inv = (inv / factor) * ramp + inv * (1 - ramp)
        if factor > 1:
            self.mu = 0.1 * msun.log(factor) + 1

    def __call__(self, x, position):
        """x [heads, head_dim]"""
        d, theta = self.c.rope_dim, np.float64(position) * self.inv
        c, s = (msun.cos(theta) * self.mu).astype(F32), (msun.sin(theta) * self.mu).astype(F32)
        first, second = (slice(0, d, 2), slice(1, d, 2)) if self.c.neighbours else (slice(0, d // 2), slice(d // 2, d))
        x0, x1, x = x[:, first], x[:, second], x.copy()
        x[:, first], x[:, second] = x0 * c - x1 * s, x0 * s + x1 * c
        return x


def attention(q, keys, values):
    """q [H, head_dim]; keys and values [positions, KV, head_dim], as read back from the cache."""
    out, scale = np.zeros(q.shape, F32), F32(1) / np.sqrt(F32(q.shape[1]))
    for h in range(len(q)):
        kv = h // (len(q) // keys.shape[1])
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
    **dict.fromkeys(("bitnet-b1.58", "bitnet-25"), (squared_relu, True, False, False, False)),
    "bitnet": (silu, True, False, False, False),
    "llama": (silu, False, False, True, True),
    "qwen3": (silu, False, True, False, False),
}


# Section 4: weights.

F32_T, F16_T, Q8_0, Q4_K, Q6_K, BF16_T, TQ1_0, TQ2_0, I2_S, Q2_0, PQ2_0, PTQ1_0 = (
    0, 1, 8, 12, 14, 30, 34, 35, 36, 42, 142, 143)
NORMS, DENSE, GROUPED = (F32_T, F16_T), (F32_T, F16_T, BF16_T), (Q2_0, PQ2_0, PTQ1_0)
PROJECTIONS, MATRICES = DENSE + (TQ1_0, TQ2_0, I2_S) + GROUPED, DENSE + (Q8_0, Q4_K, Q6_K) + GROUPED
BLOCKS = {F32_T: (1, 4), F16_T: (1, 2), BF16_T: (1, 2), Q8_0: (32, 34), Q4_K: (256, 144), Q6_K: (256, 210),
          TQ1_0: (256, 54), TQ2_0: (256, 66), PQ2_0: (128, 34), PTQ1_0: (128, 28)}  # columns, bytes


def f16_at(raw, at):
    return raw[..., at : at + 2].copy().view("<f2")[..., 0].astype(F32)


def codes(raw, shifts, axis):
    """Two bits from each byte, once for each shift, along a new axis; weight = code - 1."""
    code = np.stack([raw >> shift & 3 for shift in shifts], axis=axis)
    if (code == 3).any():
        raise Refused("code 3")
    return code.astype(np.int32) - 1


def trits(raw, parts):
    """parts: numbers of bytes and of trits in each of them."""
    out, at = [], 0
    for count, n_trits in parts:
        b = raw[..., at : at + count].astype(np.int32)
        out += [(b * 3**n % 256 * 3 >> 8) - 1 for n in range(n_trits)]
        at += count
    return np.concatenate(out, axis=-1)


def scales(d):
    if (finite(d, "scale") < 0).any():
        raise Refused("a scale is below 0")
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
    if kind == PTQ1_0:
        d, w = f16_at(raw, 26), trits(raw, [(16, 5), (8, 5), (2, 4)])
    else:
        d, w = f16_at(raw, 0), codes(raw[..., 2:], (0, 2, 4, 6), -1)
    return Grouped(w.reshape(shape), np.repeat(scales(d), block // 64, axis=1))


def projection(raw, kind, block, shape):
    if kind in DENSE:
        w = dense(raw, kind).reshape(shape)
        return BitLinear(np.sign(w).astype(np.int32), one_scale(w))
    if kind == I2_S:
        n = shape[0] * shape[1] // 4
        scale = scales(raw[n : n + 4].view("<f4").astype(F32))[0]
        if scale == 0:
            raise Refused("scale is 0")
        if block == 4 and shape[0] % 4:
            raise Refused("row4: rows are no multiple of 4")
        width = shape[1] if block == 4 else block // 4
        return BitLinear(codes(raw[:n].reshape(-1, width), (6, 4, 2, 0), -2).reshape(shape), scale)
    d = scales(f16_at(raw, raw.shape[1] - 2))
    if kind == TQ2_0:
        w = codes(raw[:, :64].reshape(-1, 2, 32), (0, 2, 4, 6), -2).reshape(-1, 256)
    else:
        w = trits(raw, [(32, 5), (16, 5), (4, 4)])
    return BitLinear(np.where(d[:, np.newaxis] != 0, w, 0).reshape(shape), one_scale(d))


def matrix(raw, kind, block, shape):
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
        b, w = raw[:, 4:16], []
        for g in range(8):
            scale = b[:, g] & 63 if g < 4 else (b[:, g + 4] & 15) + 16 * (b[:, g - 4] >> 6)
            low = b[:, g + 4] & 63 if g < 4 else (b[:, g + 4] >> 4) + 16 * (b[:, g] >> 6)
            q = (raw[:, 16 + 32 * (g // 2) :][:, :32] >> (4 * (g % 2)) & 15).astype(F32)
            w.append((d * scale.astype(F32))[:, np.newaxis] * q - (d_min * low.astype(F32))[:, np.newaxis])
        w = np.stack(w, axis=1)
    return Widened(finite(w.reshape(shape), "weight"))


# Section 5: the file.

UNSIGNED = {0: "<B", 2: "<H", 4: "<I", 10: "<Q"}
SCALARS = UNSIGNED | {1: "<b", 3: "<h", 5: "<i", 6: "<f", 7: "<B", 11: "<q", 12: "<d"}
FLOAT, BOOL, STRING, ARRAY = 6, 7, 8, 9
I2S_BLOCKS = {"block128": 128, "block64": 64, "row4": 4}  # columns
NEUTRAL = {  # keys that change nothing, with these values
    **dict.fromkeys(("expert_count", "expert_used_count", "expert_shared_count", "nextn_predict_layers",
                     "pooling_type", "attention.sliding_window"), (UNSIGNED, 0)),
    **dict.fromkeys(("attention.clamp_kqv", "attention.max_alibi_bias", "attention.scale"), ([FLOAT], 0)),
    **dict.fromkeys(("embedding_scale", "residual_scale", "logit_scale", "rope.scale_linear",
                     "rope.scaling.attn_factor", "rope.scaling.yarn_attn_factor"), ([FLOAT], 1)),
    "attention.causal": ([BOOL], 1),
    "use_parallel_residual": ([BOOL], 0),
    "tensor_data_layout": ([STRING], "reference"),
}


class File:
    def __init__(self, path, layout):
        self.bytes, self.at, self.layout = open(path, "rb").read(), 0, layout
        self.sha256 = hashlib.sha256(self.bytes).digest()
        if self.take(4) != b"GGUF" or self.number("<I") not in (2, 3):
            raise Refused("not a GGUF file of version 2 or 3")
        n_tensors, n_keys = self.number("<Q"), self.number("<Q")
        if max(n_tensors, n_keys) > 65536:
            raise Refused("more than 65536 keys or tensors")
        self.keys, self.tensors = {}, {}
        for _ in range(n_keys):
            name, kind = self.take(self.number("<Q")).decode(), self.number("<I")
            if name in self.keys:
                raise Refused(f"key {name} occurs twice")
            self.keys[name] = (kind, self.value(kind))
        for _ in range(n_tensors):
            name, n_dims = self.take(self.number("<Q")).decode(), self.number("<I")
            if name in self.tensors or not 1 <= n_dims <= 4:
                raise Refused(f"tensor {name} occurs twice, or has {n_dims} dimensions")
            shape = [self.number("<Q") for _ in range(n_dims)][::-1]  # columns stand first in the file
            self.tensors[name] = (shape, self.number("<I"), self.number("<Q"))
        kind, self.alignment = self.keys.get("general.alignment", (4, 32))
        if kind not in UNSIGNED or self.alignment not in [1 << i for i in range(3, 17)]:
            raise Refused("general.alignment")
        self.data = self.aligned(self.at)
        forms = (64, 128) if Q2_0 in [kind for _, kind, _ in self.tensors.values()] else (64,)
        fitting = [places for places in map(self.places_of, forms) if places is not None]
        if len(fitting) != 1:
            raise Refused("type 42 fits both forms" if fitting else "blocks or offsets of the tensors do not fit")
        self.places = fitting[0]

    def take(self, n):
        self.at += n
        if self.at > len(self.bytes):
            raise Refused("the file ends too early")
        return self.bytes[self.at - n : self.at]

    def number(self, form):
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def value(self, kind, depth=0):
        if kind in SCALARS:
            value = self.number(SCALARS[kind])
            if kind == BOOL and value > 1 and depth == 0:
                raise Refused(f"a bool of {value}")
            return value
        if kind == STRING:
            return self.take(self.number("<Q"))
        element, count = self.number("<I"), self.number("<Q")
        if kind != ARRAY or depth == 4 or (element not in SCALARS and element not in (STRING, ARRAY)):
            raise Refused(f"type {kind} of a value")
        return [self.value(element, depth + 1) for _ in range(count)]

    def aligned(self, n):
        return -(-n // self.alignment) * self.alignment

    def places_of(self, q2_block):
        """Bytes of each tensor, [blocks, bytes of a block] or one row, and columns of a block."""
        end, places = self.data, {}
        blocks = BLOCKS | {Q2_0: (q2_block, q2_block // 4 + 2), I2_S: (I2S_BLOCKS[self.layout], 0)}
        for name, (shape, kind, offset) in sorted(self.tensors.items(), key=lambda item: item[1][2]):
            count, start = math.prod(shape), self.data + offset
            block, n_bytes = blocks.get(kind, (0, 0))
            size = count // 4 + 32 if kind == I2_S else count // max(block, 1) * n_bytes
            if not block or shape[-1] % block or start != self.aligned(end) or start + size > len(self.bytes):
                return None
            end, raw = start + size, np.frombuffer(self.bytes, np.uint8, size, start)
            places[name] = (raw if kind in DENSE or kind == I2_S else raw.reshape(-1, n_bytes), kind, block)
        return places if len(self.bytes) <= self.aligned(end) else None


class Config:
    def __init__(self, keys):
        self.keys, self.prefix, self.known = keys, "", {"rope.scaling.finetuned"}
        architecture = self.get("general.architecture", [STRING], ARCHITECTURES.__contains__)
        if keys.get("general.type", (ARRAY, 0))[0] == STRING:
            self.get("general.type", [STRING], lambda t: t not in ("adapter", "imatrix", "mmproj", "vocab"))
        self.unsigned("split.count", 0, 1, 0)
        if any("prism.hadamard" in key for key in keys):
            raise Refused("a Hadamard transform")
        self.prefix = architecture + "."
        self.activation, self.sub_norms, self.head_norms, self.neighbours, self.factors = ARCHITECTURES[architecture]
        self.n_embd, self.n_ff = (
            self.unsigned(name, 1, 1 << 20) for name in ("embedding_length", "feed_forward_length"))
        self.n_layers = self.unsigned("block_count", 1, 1024)
        self.context = self.unsigned("context_length", 1, 1 << 24)
        self.n_heads = self.unsigned("attention.head_count", 1, 4096)
        self.n_kv = self.unsigned("attention.head_count_kv", 1, self.n_heads, self.n_heads)
        self.eps = self.real("attention.layer_norm_rms_epsilon")
        self.freq_base = self.real("rope.freq_base", 10000)
        self.head_dim, value_dim = (
            self.unsigned(f"attention.{of}_length", 2, 1 << 20, self.n_embd // self.n_heads) for of in ("key", "value"))
        self.rope_dim = self.unsigned("rope.dimension_count", 2, self.head_dim, self.head_dim)
        indivisible = self.n_embd % self.n_heads and self.prefix + "attention.key_length" not in keys
        if self.n_heads * self.head_dim > 1 << 20 or self.n_heads % self.n_kv or indivisible or (
                self.head_dim != value_dim or self.head_dim % 2 or self.rope_dim % 2):
            raise Refused("numbers of heads or dimensions of heads that do not fit")
        self.n_vocab = self.unsigned("vocab_size", 1, 1 << 24, 0)
        self.scaling = self.get("rope.scaling.type", [STRING], ("none", "linear", "yarn").__contains__, "none")
        self.factor = self.real("rope.scaling.factor", 1 if self.scaling == "none" else None)
        if self.scaling == "none" and self.factor != 1:
            raise Refused("rope.scaling.factor without a type")
        self.known.add("rope.scaling.original_context_length")
        if self.scaling == "yarn":
            self.original_context = self.unsigned("rope.scaling.original_context_length", 1, 1 << 24)
            self.beta_fast = self.real("rope.scaling.yarn_beta_fast", 32)
            self.beta_slow = self.real("rope.scaling.yarn_beta_slow", 1)
            if self.freq_base <= 1 or self.beta_fast <= self.beta_slow:
                raise Refused("rope.freq_base or betas of yarn")
        for key in keys:
            name = key.removeprefix(self.prefix)
            if name != key and name not in self.known:
                kinds, neutral = NEUTRAL.get(name, ((), None))
                names = (neutral, "Meta AI original pth" if self.prefix == "llama." else neutral)
                self.get(name, kinds, names.__contains__)

    def get(self, name, kinds, allowed, default=None):
        self.known.add(name)
        kind, value = self.keys.get(self.prefix + name, (None, default))
        value = value.decode() if kind == STRING else value
        if value is None or (kind is not None and (kind not in kinds or not allowed(value))):
            raise Refused(f"key {self.prefix}{name}: missing, or of another type, or {value}")
        return value

    def unsigned(self, name, least, most, default=None):
        return self.get(name, UNSIGNED, lambda n: least <= n <= most, default)

    def real(self, name, default=None):
        return F32(self.get(name, [FLOAT], lambda x: 0 < x < math.inf, default))


class Model:
    def __init__(self, file):
        c = self.config = Config(file.keys)
        self.file, self.left = file, set(file.tensors)
        rows = file.tensors.get("token_embd.weight", ([0], 0, 0))[0][0]
        self.n_vocab = c.n_vocab or min(max(rows, 1), 1 << 24)
        self.embedding = self.output = self.take("token_embd", MATRICES, matrix, [self.n_vocab, c.n_embd])
        if "output.weight" in file.tensors:
            self.output = self.take("output", MATRICES, matrix, [self.n_vocab, c.n_embd])
        self.output_norm = self.norm("output_norm", c.n_embd)
        factors = np.ones(c.rope_dim // 2, F32)
        if c.factors and "rope_freqs.weight" in file.tensors:
            factors = self.norm("rope_freqs", c.rope_dim // 2)
            if not (factors > 0).all():
                raise Refused("rope_freqs: not above 0")
        self.rope = Rope(c, factors.astype(np.float64))
        self.layers = [self.layer(f"blk.{n}.") for n in range(c.n_layers)]
        if self.left:
            raise Refused(f"tensor {min(self.left)}: unknown")
        if len({type(w) for layer in self.layers for w in layer.values()} - {np.ndarray}) != 1:
            raise Refused("some projections are grouped ternary and some are not")

    def take(self, name, kinds, decode, shape):
        name += ".weight"
        raw, kind, block = self.file.places.get(name, (None, None, None))
        if kind not in kinds or self.file.tensors[name][0] != shape:
            raise Refused(f"tensor {name}: missing, or of type {kind}, or not of shape {shape}")
        self.left.remove(name)
        try:
            return (grouped if kind in GROUPED else decode)(raw, kind, block, shape)
        except Refused as e:
            raise Refused(f"tensor {name}: {e}") from None

    def norm(self, name, n):
        return self.take(name, NORMS, lambda raw, kind, *_: dense(raw, kind), [n])

    def layer(self, prefix):
        c = self.config
        n_q, n_kv = c.n_heads * c.head_dim, c.n_kv * c.head_dim
        norms = {"attn_norm": c.n_embd, "ffn_norm": c.n_embd}
        norms |= {"attn_sub_norm": n_q, "ffn_sub_norm": c.n_ff} if c.sub_norms else {}
        norms |= {"attn_q_norm": c.head_dim, "attn_k_norm": c.head_dim} if c.head_norms else {}
        projections = {"attn_q": [n_q, c.n_embd], "attn_k": [n_kv, c.n_embd], "attn_v": [n_kv, c.n_embd],
                       "attn_output": [c.n_embd, n_q], "ffn_gate": [c.n_ff, c.n_embd],
                       "ffn_up": [c.n_ff, c.n_embd], "ffn_down": [c.n_embd, c.n_ff]}
        return {name: self.norm(prefix + name, n) for name, n in norms.items()} | {
            name: self.take(prefix + name, PROJECTIONS, projection, shape) for name, shape in projections.items()}


def run_layer(model, n, x, position, cache, kv_type):
    """Section 3, "One layer". cache: keys and values of this layer's positions."""
    c, w = model.config, model.layers[n]
    h = rms_norm(x, w["attn_norm"], c.eps)
    q, k, v = (w[name](h).reshape(-1, c.head_dim) for name in ("attn_q", "attn_k", "attn_v"))
    if c.head_norms:
        q, k = rms_norm(q, w["attn_q_norm"], c.eps), rms_norm(k, w["attn_k_norm"], c.eps)
    q, k = model.rope(q, position), model.rope(k, position)
    for vectors, new in zip(cache, (k, v)):
        vectors.append(f16(finite(new, "key or value"), "key or value") if kv_type == "f16" else new)
    o = attention(q, np.stack(cache[0]), np.stack(cache[1]))
    if c.sub_norms:
        o = rms_norm(o, w["attn_sub_norm"], c.eps)
    x = x + w["attn_output"](o)
    h = rms_norm(x, w["ffn_norm"], c.eps)
    g = c.activation(w["ffn_gate"](h), w["ffn_up"](h))
    if c.sub_norms:
        g = rms_norm(g, w["ffn_sub_norm"], c.eps)
    return x + w["ffn_down"](g)


# Section 6: transcript.

def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def u32(*numbers):
    return struct.pack(f"<{len(numbers)}I", *numbers)


def prompt_from_seed(seed, n, n_vocab, challenge):
    if challenge:
        digest = sha256(b"bitreceipt/challenge/v1\0", challenge, struct.pack("<Q", seed))
        seed = struct.unpack("<Q", digest[:8])[0]
    ids = []
    for i in range(1, n + 1):
        z = (seed + i * 0x9E3779B97F4A7C15) % 2**64
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        ids.append((z ^ (z >> 31)) % n_vocab)
    return ids


def generate(model, prompt, n_tokens, kv_type, challenge):
    """The chosen tokens, the logits at their positions, and the checksum."""
    t = sha256(b"bitreceipt/transcript/v1\0", model.file.sha256, bytes([kv_type == "f16"]),
               u32(len(challenge)), challenge, u32(len(prompt)), u32(*prompt), u32(n_tokens))
    caches, fed, logits = [([], []) for _ in model.layers], list(prompt), []
    for position in range(len(prompt) + n_tokens - 1):
        x, residuals = model.embedding.row(fed[position]), []
        for n, cache in enumerate(caches):
            x = run_layer(model, n, x, position, cache, kv_type)
            residuals.append(sha256(x.tobytes()))
        hidden = finite(rms_norm(x, model.output_norm, model.config.eps), "hidden state")
        step = [t, u32(position, fed[position]), hidden.tobytes(), *residuals]
        if position >= len(prompt) - 1:
            row = finite(model.output(hidden), "logit")
            choice = int(np.argmax(row))
            step += [u32(choice), row[choice].tobytes()]
            fed.append(choice)
            logits.append(row)
        t = sha256(*step)
    return fed[len(prompt) :], logits, t.hex()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    prompt = parser.add_mutually_exclusive_group(required=True)
    prompt.add_argument("--prompt", type=lambda text: [int(i) for i in text.split(",")])
    prompt.add_argument("--seed", type=int)
    parser.add_argument("--prompt-length", type=int, default=16)
    parser.add_argument("--challenge", type=bytes.fromhex, default=b"")
    parser.add_argument("--tokens", type=int, default=8)
    parser.add_argument("--kv", choices=("f16", "f32"), default="f16")
    parser.add_argument("--i2s-layout", choices=tuple(I2S_BLOCKS), default="block128")
    parser.add_argument("--logits", action="store_true")
    a = parser.parse_args()
    np.seterr(all="ignore")  # what overflows is found by the checks
    try:
        model = Model(File(a.model, a.i2s_layout))
        prompt = a.prompt or prompt_from_seed(a.seed, a.prompt_length, model.n_vocab, a.challenge)
        if not all(0 <= token < model.n_vocab for token in prompt) or a.tokens < 1:
            raise Refused("a token of the prompt is outside the vocabulary, or none is to be chosen")
        if not prompt or len(prompt) + a.tokens - 1 > model.config.context:
            raise Refused(f"no prompt, or more positions than context_length, {model.config.context}")
        tokens, logits, checksum = generate(model, prompt, a.tokens, a.kv, a.challenge)
    except (Refused, UnicodeError, OSError) as e:
        print(f"spec.py: {a.model}: {e}", file=sys.stderr)
        sys.exit(5 if isinstance(e, OSError) else 4)
    bits = [row.view(np.uint32)[slice(None) if a.logits else token].tolist() for row, token in zip(logits, tokens)]
    print(json.dumps({"prompt": prompt, "tokens": tokens, "logit_bits": bits, "checksum": checksum}))


if __name__ == "__main__":
    main()
