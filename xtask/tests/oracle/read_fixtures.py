"""Reads GGUF fixtures, independently of the code that wrote them."""

import struct

import grouped_rules
import numpy as np
from gguf import GGUFReader, quants
from gguf import GGMLQuantizationType as Type

I2S = 36
SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q",
           11: "<q", 12: "<d"}


class Header:
    """Metadata and tensor places of a GGUF file. The package's reader refuses files with I2_S and
    grouped types; on all others it has to find the same tensors."""

    def __init__(self, path):
        self.bytes, self.at = path.read_bytes(), 4
        assert self.bytes[:4] == b"GGUF" and self.scalar(4) == 3
        n_tensors, n_keys = self.scalar(10), self.scalar(10)
        self.keys = {self.string(): self.value(self.scalar(4)) for _ in range(n_keys)}
        self.tensors = {}
        for _ in range(n_tensors):
            name = self.string()
            shape = [self.scalar(10) for _ in range(self.scalar(4))][::-1]
            self.tensors[name] = (shape, self.scalar(4), self.scalar(10))
        alignment = self.keys.get("general.alignment", 32)
        self.data = -(-self.at // alignment) * alignment
        if all(type_id in set(Type) for _, type_id, _ in self.tensors.values()):
            self.compare_with_package(path)

    def compare_with_package(self, path):
        found = GGUFReader(path).tensors
        assert [tensor.name for tensor in found] == list(self.tensors)
        for tensor in found:
            shape, type_id, offset = self.tensors[tensor.name]
            assert (tensor.shape[::-1].tolist(), tensor.tensor_type) == (shape, type_id)
            assert tensor.data_offset == self.data + offset

    def scalar(self, kind):
        (value,) = struct.unpack_from(SCALARS[kind], self.bytes, self.at)
        self.at += struct.calcsize(SCALARS[kind])
        return value

    def string(self):
        n = self.scalar(10)
        self.at += n
        return self.bytes[self.at - n : self.at].decode()

    def value(self, kind):
        if kind == 8:
            return self.string()
        if kind == 9:
            of = self.scalar(4)
            return [self.value(of) for _ in range(self.scalar(10))]
        return self.scalar(kind)

    def tensor(self, name, layout):
        """f64 values, and for I2_S those of weight times scale."""
        shape, type_id, offset = self.tensors[name]
        start = self.data + offset
        if type_id == I2S:
            return i2s(self.bytes[start:], *shape, layout)
        if type_id in grouped_rules.TYPES:
            return grouped_rules.values(self.bytes[start:], *shape, type_id, layout)
        block, size = quants.GGML_QUANT_SIZES[Type(type_id)]
        n_bytes = int(np.prod(shape)) // block * size
        raw = np.frombuffer(self.bytes, np.uint8, n_bytes, start)
        if type_id == Type.F32:
            return raw.view(np.float32).reshape(shape).astype(np.float64)
        if type_id == Type.F16:
            return raw.view(np.float16).reshape(shape).astype(np.float64)
        rows = raw.reshape(*shape[:-1], -1)
        return quants.dequantize(rows, Type(type_id)).astype(np.float64)


def i2s(data, rows, columns, layout):
    """Looks every weight up in the byte and bits where its layout puts it."""
    row, column = np.indices((rows, columns))
    if layout == "row4":
        byte, place = row // 4 * columns + column, row % 4
    else:
        width = {"block128": 32, "block64": 16}[layout]
        at = row * columns + column
        byte, place = at // (4 * width) * width + at % width, at // width % 4
    packed = np.frombuffer(data, np.uint8, rows * columns // 4)
    codes = packed[byte] >> (6 - 2 * place).astype(np.uint8) & 3
    (scale,) = struct.unpack_from("<f", data, rows * columns // 4)
    return (codes - 1.0) * scale
