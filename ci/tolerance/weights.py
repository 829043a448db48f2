"""A GGUF file as tensors of torch. The container is read by the reader of the oracle fixtures, which
shares no code with Bitreceipt."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "xtask/tests/oracle"))
import grouped_rules  # noqa: E402
from read_fixtures import I2S, Header  # noqa: E402

RELU2 = {"bitnet-b1.58", "bitnet-25"}
SUB_NORMS = RELU2 | {"bitnet"}
PROJECTIONS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


@dataclass
class Matrix:
    """values f32 [rows, columns]: -1, 0, +1 with one scale, or, if grouped, weights times their
    scales, with scale 1. A dense embedding is neither."""

    values: torch.Tensor
    scale: float = 1.0
    grouped: bool = False
    # Columns that share a byte stand this far apart; 0: the type packs no weights.
    lane: int = 0


class Weights:
    """keys: metadata without the prefix. norms, tables: f32 by tensor name."""

    def __init__(self, path):
        header = Header(Path(path))
        self.architecture = header.keys["general.architecture"]
        prefix = self.architecture + "."
        self.keys = {k.removeprefix(prefix): v for k, v in header.keys.items()}
        q2_block = 64 if contiguous(header, 18 / 64) else 128
        self.tensors = {
            name: matrix(header, name, f"q2_0{'_g128' if q2_block == 128 else ''}")
            for name in header.tensors
        }
        self.n_layers = self.keys["block_count"]
        self.n_embd = self.keys["embedding_length"]
        self.n_heads = self.keys["attention.head_count"]
        self.n_kv_heads = self.keys.get("attention.head_count_kv", self.n_heads)
        self.head_dim = self.keys.get("attention.key_length", self.n_embd // self.n_heads)
        self.eps = self.keys["attention.layer_norm_rms_epsilon"]
        self.n_vocab = len(self["token_embd"].values)
        self.grouped = self["blk.0.attn_q"].grouped
        self.relu2 = self.architecture in RELU2
        self.sub_norms = self.architecture in SUB_NORMS
        self.head_norms = self.architecture == "qwen3"
        self.neighbours = self.architecture == "llama"

    def __getitem__(self, name):
        return self.tensors[name + ".weight"]

    def get(self, name):
        return self.tensors.get(name + ".weight")

    def rope(self, n_positions, neighbours):
        """cos and sin, f32 [positions, head_dim / 2], and the pairs of elements that turn."""
        d = self.head_dim
        base = self.keys.get("rope.freq_base", 10000.0)
        inverse = base ** (-np.arange(0, d, 2) / d)
        if (factors := self.get("rope_freqs")) is not None:
            inverse = inverse / factors.values.numpy()
        scale, kind = 1.0, self.keys.get("rope.scaling.type")
        if kind == "linear":
            inverse = inverse / self.keys["rope.scaling.factor"]
        if kind == "yarn":
            inverse, scale = grouped_rules.GroupedRules().yarn(self.keys, inverse, d)
        angle = torch.arange(n_positions)[:, None] * torch.from_numpy(inverse).float()
        first, second = slice(0, None, 2), slice(1, None, 2)
        if not neighbours:
            first, second = slice(d // 2), slice(d // 2, None)
        return scale * angle.cos(), scale * angle.sin(), (first, second)


def contiguous(header, bytes_a_weight):
    """Whether tensors of type 42 with so many bytes end where the next begins."""
    places = sorted((at, shape, kind) for shape, kind, at in header.tensors.values())
    ends = [at for at, _, _ in places[1:]] + [len(header.bytes) - header.data]
    return all(
        0 <= end - at - int(np.prod(shape) * bytes_a_weight) < 64
        for (at, shape, kind), end in zip(places, ends)
        if kind == 42
    )


def matrix(header, name, q2_layout):
    shape, kind, offset = header.tensors[name]
    if kind == I2S:
        return i2s(header, shape, offset)
    values = torch.from_numpy(header.tensor(name, q2_layout).astype(np.float32))
    if kind in grouped_rules.TYPES:
        return Matrix(values, grouped=True, lane=1)
    projection = name.startswith("blk.") and name.split(".")[2] in PROJECTIONS
    if not projection:
        return Matrix(values)
    scale = float(values.abs().max()) or 1.0
    return Matrix(values.sign(), scale, lane=32 if kind in (34, 35) else 0)


def i2s(header, shape, offset):
    """Blocks of 128 weights in 32 bytes, the first 32 in the highest bits."""
    rows, columns = shape
    start, n = header.data + offset, rows * columns // 4
    packed = torch.frombuffer(bytearray(header.bytes[start : start + n]), dtype=torch.uint8)
    values = torch.empty(rows * columns // 128, 4, 32)
    for place in range(4):
        values[:, place] = ((packed >> (6 - 2 * place)) & 3).reshape(-1, 32).float() - 1
    (scale,) = np.frombuffer(header.bytes, "<f4", 1, start + n)
    return Matrix(values.reshape(rows, columns), float(scale), lane=32)
