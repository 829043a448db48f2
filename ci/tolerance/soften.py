"""Writes an I2_S model whose queries and keys are smaller, so that attention is less sharp.

    soften.py IN OUT [FACTOR]

Multiplies the scales of attn_q and attn_k by FACTOR (0.5). With random weights, sharp attention is what
makes deep models amplify rounding.
"""

import struct
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parents[2] / "xtask/tests/oracle"))
from read_fixtures import I2S, Header  # noqa: E402


def soften(source, target, factor):
    header = Header(source)
    data = bytearray(header.bytes)
    for name, ((rows, columns), kind, offset) in matrices(header):
        if name.endswith(("attn_q.weight", "attn_k.weight")):
            assert kind == I2S, f"{name} is no I2_S"
            at = header.data + offset + rows * columns // 4
            (scale,) = struct.unpack_from("<f", data, at)
            struct.pack_into("<f", data, at, scale * factor)
    target.write_bytes(data)


def matrices(header):
    return ((name, place) for name, place in header.tensors.items() if len(place[0]) == 2)


if __name__ == "__main__":
    soften(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 0.5)
