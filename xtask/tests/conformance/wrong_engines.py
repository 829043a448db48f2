#!/usr/bin/env python3
"""Answers of spec.py with one mistake in its integer sums, or with none. Needs numpy.

    wrong_engines.py CORPUS f16|f32 right|wraps|saturates|away > answers.json
"""
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "ci/conformance"))
import spec_answers

spec = spec_answers.spec
INT16 = np.iinfo(np.int16)


def away_from_zero(x):
    """Halves are rounded away from zero."""
    return np.trunc(x.astype(np.float64) + np.copysign(0.5, x))


ROUNDING = {"away": away_from_zero}
SUMMING = {
    "wraps": lambda acc: acc.astype(np.int16).astype(np.int64),
    "saturates": lambda acc: np.clip(acc, INT16.min, INT16.max),
}


def bit_linear(mistake):
    """The class BitLinear with a mistake."""
    rounded = ROUNDING.get(mistake, np.rint)
    summed = SUMMING.get(mistake, lambda acc: acc)

    class Wrong(spec.BitLinear):
        def sums(self, x):
            m = np.maximum(np.abs(x).max(), np.float32(1e-5))
            q = np.clip(rounded(x * (np.float32(127) / m)), -127, 127).astype(np.int64)
            return summed(self.w @ q), m / np.float32(127)

    return Wrong


if __name__ == "__main__":
    folder, kv_type, mistake = sys.argv[1:]
    spec.BitLinear = bit_linear(mistake)
    spec_answers.main(Path(folder), kv_type)
