#!/usr/bin/env python3
"""Answers of spec.py with one mistake in its quantized products, or with none. Needs numpy.

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


SUMMING = {
    "wraps": lambda acc: acc.astype(np.int16).astype(np.int64),
    "saturates": lambda acc: np.clip(acc, INT16.min, INT16.max),
}


def bit_linear(summed):
    """The class BitLinear with other sums."""

    class Wrong(spec.BitLinear):
        def sums(self, x):
            acc, a = super().sums(x)
            return summed(acc), a

    return Wrong


if __name__ == "__main__":
    folder, kv_type, mistake = sys.argv[1:]
    if mistake in SUMMING:
        spec.BitLinear = bit_linear(SUMMING[mistake])
    elif mistake == "away":
        np.rint = away_from_zero
    elif mistake != "right":
        sys.exit(__doc__)
    spec_answers.main(Path(folder), kv_type)
