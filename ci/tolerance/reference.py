"""The reference's logits, from `bitreceipt logits`: the native engine's, which are the guest's bit for bit."""

import subprocess
import tempfile
from pathlib import Path

import numpy as np

# Positions and logits that a model's sensitivity is measured over, as host::judge does.
SENSITIVITY_POSITIONS = 128
SENSITIVITY_LOGITS = 9


def logits(program, path, ids, n, kv):
    """Decodes n tokens greedily: f32 [ids + n - 1, n_vocab]."""
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.npy"
        subprocess.run(
            [program, "logits", path, "--prompt-ids", ",".join(map(str, ids)), "--tokens", str(n),
             "--kv-type", kv, "--output", rows, "--quiet"],
            check=True, stdout=subprocess.DEVNULL,
        )
        return np.load(rows)


def sensitivity(program, path, prompt, n):
    """How far the gaps below the largest logit move when the KV cache is f16 instead of f32, in spreads:
    root mean square over the first 32, 64 and 128 positions."""
    wide = logits(program, path, prompt, n, "f32").astype(np.float64)
    tokens = wide[len(prompt) - 1 :].argmax(-1)
    narrow = logits(program, path, [*prompt, *tokens[:-1]], 1, "f16").astype(np.float64)
    order = np.argsort(-wide, axis=-1, kind="stable")[:, :SENSITIVITY_LOGITS]
    of = [np.take_along_axis(rows, order, -1) for rows in (wide, narrow)]
    gaps = [rows[:, :1] - rows[:, 1:] for rows in of]
    squares = ((gaps[0] - gaps[1]) / wide.std(-1, keepdims=True)) ** 2
    return [np.sqrt(squares[:m].mean()) for m in (32, 64, SENSITIVITY_POSITIONS)]
