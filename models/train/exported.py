"""Reads an exported file back, to evaluate the bytes that are published.

The `gguf` package reads no file with I2_S, so that the header is read here.
"""

import mmap
import pathlib
import struct

import numpy as np
import torch

ALIGNMENT = 32
STRING, ARRAY = 8, 9
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
F32, F16, I2_S = 0, 1, 36


class Header:
    """A position in the header of a file."""

    def __init__(self, data: mmap.mmap):
        self.data, self.at = data, 0

    def number(self, kind: str) -> int:
        """The next number; `kind` is a letter of `struct`."""
        (value,) = struct.unpack_from("<" + kind, self.data, self.at)
        self.at += struct.calcsize(kind)
        return value

    def string(self) -> str:
        """The next string."""
        end = self.at + 8 + self.number("Q")
        text, self.at = self.data[self.at : end].decode(), end
        return text

    def skip_value(self, kind: int) -> None:
        """Skips a value of metadata."""
        if kind == STRING:
            self.string()
        elif kind == ARRAY:
            element, n = self.number("I"), self.number("Q")
            for _ in range(n):
                self.skip_value(element)
        else:
            self.at += SIZES[kind]


def read(path: pathlib.Path) -> dict[str, torch.Tensor]:
    """The tensors of a file, as the parameters of `Model`."""
    with path.open("rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    header = Header(data)
    header.at = 8
    n_tensors, n_keys = header.number("Q"), header.number("Q")
    for _ in range(n_keys):
        header.string()
        header.skip_value(header.number("I"))
    infos = []
    for _ in range(n_tensors):
        name = header.string()
        shape = [header.number("Q") for _ in range(header.number("I"))][::-1]
        infos.append((name, shape, header.number("I"), header.number("Q")))
    start = -(-header.at // ALIGNMENT) * ALIGNMENT
    state = {}
    for name, shape, kind, offset in infos:
        values = tensor(data, start + offset, shape, kind)
        parameter = name.removesuffix(".weight").replace("blk.", "layers.")
        state[parameter] = torch.from_numpy(values.reshape(shape))
    return state


def tensor(data: mmap.mmap, at: int, shape: list[int], kind: int) -> np.ndarray:
    """The values of a tensor as f32."""
    n = int(np.prod(shape))
    if kind == I2_S:
        codes = np.frombuffer(data, np.uint8, n // 4, at)
        (scale,) = np.frombuffer(data, np.float32, 1, at + n // 4)
        return unpack(codes, scale)
    dtype = {F32: np.float32, F16: np.float16}[kind]
    return np.frombuffer(data, dtype, n, at).astype(np.float32)


def unpack(codes: np.ndarray, scale: np.float32) -> np.ndarray:
    """An I2_S tensor in the layout `block128` as f32 whose mean magnitude is the tensor's scale.

    Quantizing them gives the same ternary weights and scale again.
    """
    shifts = np.array([6, 4, 2, 0], np.uint8).reshape(1, 4, 1)
    weights = (codes.reshape(-1, 1, 32) >> shifts & 3).astype(np.float32) - 1
    return weights * (scale / np.abs(weights).mean(dtype=np.float64)).astype(np.float32)
