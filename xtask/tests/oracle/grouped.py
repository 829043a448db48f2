"""Ternary matrices with a scale for every group of 64 or 128 columns: random ones, and their bytes
in the types of a GGUF file. The `gguf` package knows none of these types.
"""

from dataclasses import dataclass

import numpy as np

# Columns with one scale at least, in every type.
GROUP = 64
# Type id and columns of a block.
TYPES = {"q2_0": (42, 64), "q2_0_g128": (42, 128), "pq2_0": (142, 128), "ptq1_0": (143, 128)}


@dataclass
class GroupedMatrix:
    """weights: int8 [rows, columns] of -1, 0, +1; scales: f16 [rows, columns / 64]."""

    weights: np.ndarray
    scales: np.ndarray

    @property
    def values(self):
        """f32 [rows, columns]."""
        return self.weights * np.repeat(self.scales.astype(np.float32), GROUP, axis=1)

    def with_doubled(self, factors):
        """With rows [rows, 1] times a power of two."""
        return GroupedMatrix(self.weights, (self.scales * factors).astype(np.float16))


def random_matrix(rng, rows, columns, rms, group, zero_share=0.0, special=()):
    """Random weights; one row each is all of a value in `special`. A scale for each `group`
    columns, a share of them 0."""
    weights = rng.integers(-1, 2, (rows, columns), dtype=np.int8)
    for row, value in zip(rng.choice(rows, len(special), replace=False), special):
        weights[row] = value
    n_groups = columns // group
    scales = rms / np.sqrt(2 / 3) * rng.uniform(0.6, 1.4, (rows, n_groups))
    scales = np.where(rng.random((rows, n_groups)) < zero_share, 0, scales)
    return GroupedMatrix(weights, np.repeat(scales.astype(np.float16), group // GROUP, axis=1))


def pack_fields(codes):
    """Four codes to a byte, the first one in the lowest bits. codes: uint8 [..., columns]."""
    fours = codes.reshape(*codes.shape[:-1], -1, 4)
    return fours[..., 0] | fours[..., 1] << 2 | fours[..., 2] << 4 | fours[..., 3] << 6


def pack_trits(codes):
    """26 bytes for 128 codes, uint8 [..., 128]: runs of 16 and 8 bytes of five, 2 of four."""
    runs, start = [], 0
    for n_bytes, n_trits in ((16, 5), (8, 5), (2, 4)):
        end = start + n_bytes * n_trits
        trits = codes[..., start:end].reshape(*codes.shape[:-1], n_trits, n_bytes).astype(int)
        places = 3 ** np.arange(4, 4 - n_trits, -1)
        value = (trits * places[:, None]).sum(-2)
        runs.append((value * 256 + 242) // 243)
        start = end
    return np.concatenate(runs, axis=-1).astype(np.uint8)


def pack(matrix, type_name):
    """Bytes uint8 [rows, ...] of a matrix in a type, and the type's id."""
    type_id, block = TYPES[type_name]
    codes = (matrix.weights + 1).astype(np.uint8).reshape(len(matrix.weights), -1, block)
    scales = matrix.scales.reshape(len(matrix.weights), -1, block // GROUP)
    if not (scales == scales[..., :1]).all():
        raise ValueError(f"{type_name} holds one scale for {block} columns")
    d = np.ascontiguousarray(scales[..., :1]).view(np.uint8)
    parts = [pack_trits(codes), d] if type_name == "ptq1_0" else [d, pack_fields(codes)]
    return np.concatenate(parts, axis=-1).reshape(len(matrix.weights), -1), type_id
