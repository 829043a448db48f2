"""The families of small models: shapes, files, and random weights.

A family is one set of values. Its files hold those values exactly, each in other types.
"""

from dataclasses import dataclass, field, fields

import numpy as np
from gguf import quants

import grouped
from gguf_files import RANDOM_BLOCKS, doubled

SUB_NORMS = {"attn_sub_norm", "ffn_sub_norm"}
HEAD_NORMS = {"attn_q_norm", "attn_k_norm"}


@dataclass(frozen=True)
class File:
    """Types of one file of a family. `projections` is for all seven; `exceptions` maps the end of a
    tensor's name to another type."""

    name: str
    seed: int
    projections: str
    embedding: str = "f16"
    output: str = ""
    norms: str = "f32"
    exceptions: tuple = ()
    alignment: int = 0

    def type_of(self, tensor):
        for end, type_name in self.exceptions:
            if tensor.endswith(end):
                return type_name
        return self.projections


@dataclass(frozen=True)
class Family:
    """Shape and arithmetic of a model. `gains` are the standard deviations that the projections'
    results aim at; `per_layer` replaces some of them in one layer. `optional_keys`: files
    say what the defaults would give as well. `yarn`: factor, original context length and, if the
    files say them, fast and slow beta. `group`: columns with one scale, of ternary matrices that
    have one for each; `zero_share` of these scales are 0."""

    name: str
    seed: int
    architecture: str
    activation: str
    pairs: str
    n_embd: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    n_ff: int
    files: tuple
    n_layers: int = 2
    n_vocab: int = 320
    rope_base: float = 10000.0
    eps: float = 1e-5
    linear_factor: float = 0.0
    llama3: tuple = ()
    yarn: tuple = ()
    group: int = 0
    zero_share: float = 0.0
    embedding: str = "coarse"
    output: str = ""
    optional_keys: bool = True
    gains: dict = field(default_factory=dict)
    per_layer: dict = field(default_factory=dict)

    @property
    def has_sub_norms(self):
        return self.architecture not in ("llama", "qwen3")

    @property
    def has_head_norms(self):
        return self.architecture == "qwen3"

    @property
    def epsilon_matters(self):
        """What enters a sub-norm is so small that epsilon and the scales before it show."""
        return bool(self.gains)

    @property
    def smallest_maximum_matters(self):
        """Activations lie below the smallest maximum of their quantization."""
        return bool(self.per_layer) and not self.group

    def spec(self):
        """What the JSON says of the family."""
        later = {"yarn", "group", "zero_share"}
        said = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "files"}
        return {name: value for name, value in said.items() if value or name not in later}


@dataclass
class Projection:
    """weights: int8 [rows, columns] of -1, 0, +1; scale: what multiplies them, f32."""

    weights: np.ndarray
    scale: np.float32


@dataclass
class Table:
    """Embedding or output matrix, f32 [n_vocab, n_embd]; what it was made from, if not values."""

    values: np.ndarray
    blocks: np.ndarray | None = None
    block_type: object = None
    matrix: grouped.GroupedMatrix | None = None


@dataclass
class Weights:
    """All tensors by their names in a file; rows of q and k stand in the order of halves."""

    tables: dict
    norms: dict
    projections: dict
    rope_factors: np.ndarray | None


FAMILIES = (
    Family(
        "D", 44, "bitnet", "silu", "halves", 256, 4, 2, 64, 432,
        # A feed-forward length that TQ2_0 cannot hold leaves ffn_down dense.
        (File("D-tq2_0-embbf16.gguf", 1, "tq2_0", "bf16",
              exceptions=(("0.ffn_down.weight", "f16"), ("1.ffn_down.weight", "bf16"))),),
        linear_factor=1.0, embedding="bf16", eps=1e-6,
    ),
    Family(
        "D2", 42, "bitnet", "silu", "halves", 100, 5, 5, 20, 270,
        (File("D2-f16-embf16.gguf", 1, "f16", "f16"),),
        linear_factor=1.0, embedding="f16",
    ),
    Family(
        "E", 51, "bitnet-25", "relu2", "halves", 256, 4, 1, 64, 512,
        (File("E-i2s-embq8_0-outq6_k.gguf", 1, "i2s", "q8_0"),
         File("E-tq1_0-embbf16-outq6_k.gguf", 2, "tq1_0", "bf16")),
        rope_base=500000.0, output="q6_k",
    ),
    Family(
        "E2", 52, "bitnet-25", "relu2", "halves", 256, 2, 1, 128, 640,
        (File("E2-i2s-embf16-outq4_k.gguf", 1, "i2s", "f16", alignment=64),),
        rope_base=500000.0, embedding="f16", output="q4_k",
        # So small that epsilon and every scale matter behind the sub-norms.
        gains={"attn_v": 3e-3, "ffn_gate": 0.14, "ffn_up": 0.14},
    ),
    Family(
        "F", 61, "llama", "silu", "neighbours", 256, 8, 2, 64, 256,
        (File("F-i2s-embf16-outq4_k.gguf", 1, "i2s", "f16"),
         File("F-tq1_0-embf16-outq4_k.gguf", 2, "tq1_0", "f16")),
        llama3=(8.0, 1.0, 4.0, 64), embedding="f16", output="q4_k",
    ),
    Family(
        "F2", 62, "llama", "silu", "neighbours", 96, 6, 2, 24, 200,
        (File("F2-f32-embf16-outq8_0.gguf", 1, "f32", "f16", "q8_0"),
         File("F2-bf16-embf32-outbf16-normf16.gguf", 2, "bf16", "f32", "bf16", "f16")),
        llama3=(32.0, 1.0, 4.0, 48), rope_base=500000.0, output="coarse",
    ),
    Family(
        "G", 71, "llama", "silu", "neighbours", 256, 4, 4, 64, 256,
        (File("G-tq2_0-embq4_k.gguf", 1, "tq2_0"),
         File("G-i2s-embq4_k.gguf", 2, "i2s"),
         File("G-i2s_block64-embq4_k.gguf", 3, "i2s_block64"),
         File("G-i2s_row4-embq4_k.gguf", 4, "i2s_row4")),
        linear_factor=4.0, embedding="q4_k", optional_keys=False,
        # Layer 1's attention leaves values below the smallest maximum of the activation
        # quantization, 1e-5, and has a subnormal f16 scale.
        per_layer={1: {"attn_v": 3e-6, "attn_output": 1e5}},
    ),
    Family(
        "H", 81, "qwen3", "silu", "halves", 128, 4, 2, 64, 256,
        (File("H-q2_0.gguf", 1, "q2_0", "q2_0"),
         File("H-q2_0_g128.gguf", 2, "q2_0_g128", "q2_0_g128"),
         File("H-pq2_0.gguf", 3, "pq2_0", "pq2_0"),
         File("H-ptq1_0.gguf", 4, "ptq1_0", "ptq1_0")),
        rope_base=1e6, eps=1e-6, embedding="grouped", group=128, optional_keys=False,
    ),
    Family(
        "I", 82, "qwen3", "silu", "halves", 128, 2, 1, 128, 256,
        (File("I-q2_0-outq2_0.gguf", 1, "q2_0", "q2_0", "q2_0"),),
        rope_base=1e6, eps=1e-6, embedding="grouped", output="grouped", group=64, zero_share=0.02,
        yarn=(4.0, 1024), optional_keys=False,
    ),
    Family(
        "J", 83, "qwen3", "silu", "halves", 128, 6, 2, 64, 256,
        (File("J-ptq1_0-outpq2_0.gguf", 1, "ptq1_0", "ptq1_0", "pq2_0"),),
        rope_base=1e4, embedding="grouped", output="grouped", group=128,
        yarn=(8.0, 256, 16.0, 2.0),
        # Layer 1's attention leaves values whose block scale is 0 or a subnormal f16.
        per_layer={1: {"attn_v": 3e-6, "attn_output": 1e5}},
    ),
)


def coarse(rng, rows, columns):
    """Eight bits and a power of two per 32 values: exact in Q8_0, BF16, F16 and F32."""
    codes = np.clip(np.rint(rng.normal(0, 42, (rows, columns // 32, 32))), -126, 126)
    # The largest of a block fixes its scale.
    np.put_along_axis(codes, rng.integers(0, 32, codes.shape[:2] + (1,)), 127, axis=2)
    steps = 2.0 ** rng.integers(-8, -6, codes.shape[:2] + (1,))
    return (codes * steps).reshape(rows, columns).astype(np.float32)


def rounded(rng, rows, columns, type_name):
    """Normal values rounded to F16 or BF16. Some are tiny: below F16's range, or its subnormals."""
    values = rng.normal(0, 0.25, (rows, columns)).astype(np.float32)
    tiny = np.float32(2.0 ** (-40 if type_name == "bf16" else -16))
    values = np.where(rng.random((rows, columns)) < 0.01, values * tiny, values)
    if type_name == "f16":
        return values.astype(np.float16).astype(np.float32)
    bits = values.view(np.uint32) + np.uint32(0x8000)
    return (bits & np.uint32(0xFFFF0000)).view(np.float32)


def table(rng, family, kind):
    if kind == "grouped":
        matrix = grouped.random_matrix(rng, family.n_vocab, family.n_embd, 0.25, family.group)
        matrix = matrix.with_doubled(doubled(rng, family.n_vocab))
        return Table(matrix.values, matrix=matrix)
    if kind in RANDOM_BLOCKS:
        block_type, random_blocks = RANDOM_BLOCKS[kind]
        blocks = random_blocks(rng, family.n_vocab, family.n_embd, 0.25)
        return Table(quants.dequantize(blocks, block_type), blocks, block_type)
    shape = (family.n_vocab, family.n_embd)
    values = coarse(rng, *shape) if kind == "coarse" else rounded(rng, *shape, kind)
    return Table(values * doubled(rng, family.n_vocab))


def norm(rng, n, signs=False):
    """f32 [n] around 1, exact in F16."""
    values = rng.normal(1, 0.2, n).astype(np.float16).astype(np.float32)
    return values * rng.choice(np.float32([-1, 1]), n) if signs else values


def projection(rng, rows, columns, gain):
    """Random ternary weights; a few rows are all zero, all -1 or all +1. The scale is exact in BF16
    and F16."""
    weights = rng.integers(-1, 2, (rows, columns), dtype=np.int8)
    special = rng.choice(rows, 6, replace=False)
    weights[special[:4]] = 0
    weights[special[4]] = 1
    weights[special[5]] = -1
    scale = gain / np.sqrt(columns * 2 / 3) * rng.uniform(0.8, 1.25)
    bits = 2.0 ** np.floor(np.log2(scale) - 7)
    # Below 2^-14 an F16 is a multiple of 2^-24.
    step = max(bits, 2.0**-24)
    return Projection(weights, np.float32(np.rint(scale / step) * step))


def matrix(rng, family, rows, columns, gain):
    """A projection in the family's kind."""
    if not family.group:
        return projection(rng, rows, columns, gain)
    rms = gain / np.sqrt(columns)
    special = (0, 0, 0, 0, 1, -1)
    return grouped.random_matrix(rng, rows, columns, rms, family.group, family.zero_share, special)


def rope_factors(family):
    """What the frequencies are divided by, f32 [head_dim / 2], from Llama 3's scaling parameters:
    1 for short waves, the factor for long ones, a blend between."""
    factor, low, high, n_original = family.llama3
    exponents = np.arange(0, family.head_dim, 2) / family.head_dim
    turns = n_original / (2 * np.pi * family.rope_base**exponents)
    blend = np.clip((turns - low) / (high - low), 0, 1)
    return (1 / ((1 - blend) / factor + blend)).astype(np.float32)


def random_weights(family):
    """The model of a family, from its seed alone."""
    rng = np.random.default_rng(family.seed)
    tables = {"token_embd.weight": table(rng, family, family.embedding)}
    if family.output:
        tables["output.weight"] = table(rng, family, family.output)
    embd, ff = family.n_embd, family.n_ff
    q, kv = family.n_heads * family.head_dim, family.n_kv_heads * family.head_dim
    shapes = {
        "attn_q": (q, embd), "attn_k": (kv, embd), "attn_v": (kv, embd), "attn_output": (embd, q),
        "ffn_gate": (ff, embd), "ffn_up": (ff, embd), "ffn_down": (embd, ff),
    }
    gains = {"attn_q": 1.3, "attn_k": 1.3, "ffn_gate": 1.3, "ffn_down": 1.3} | family.gains
    norms, projections = {}, {}
    for layer in range(family.n_layers):
        sizes = {"attn_norm": embd, "attn_sub_norm": q, "ffn_norm": embd, "ffn_sub_norm": ff}
        sizes |= {name: family.head_dim for name in sorted(HEAD_NORMS)}
        absent = set() if family.has_sub_norms else SUB_NORMS
        absent = absent if family.has_head_norms else absent | HEAD_NORMS
        for name, n in sizes.items():
            if name not in absent:
                norms[f"blk.{layer}.{name}.weight"] = norm(rng, n)
        layer_gains = gains | family.per_layer.get(layer, {})
        for name, shape in shapes.items():
            gain = layer_gains.get(name, 1.0)
            projections[f"blk.{layer}.{name}.weight"] = matrix(rng, family, *shape, gain)
    norms["output_norm.weight"] = norm(rng, embd, signs=True)
    factors = rope_factors(family) if family.llama3 else None
    return Weights(tables, norms, projections, factors)
