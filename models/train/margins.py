"""What a model can show of an engine: how far greedy choices lead, and when a fault is seen.

The lead of a choice is the difference of the two largest logits, in standard deviations of the
row. The fault is a dequantization scale that is 1 % too large in every ternary product: the same
tokens are fed to the right and to the wrong model, and what counts is how many tokens it takes
until their greedy choices differ for the first time.

    python margins.py CORPUS_FOLDER WORK_FOLDER --program "cargo run -q -p xtask --"
"""

import argparse
import pathlib
import shlex
import subprocess
import tempfile

import numpy as np
import torch
from tokenizers import Tokenizer

import vocabulary
from exported import read
from model import Layer, Model, Shape

MODELS = pathlib.Path(__file__).parent.parent
# The preset `tiny` of `make-model`.
RANDOM = Shape(n_vocab=512, n_layers=6, rope_base=500000.0)
PROMPTS, PROMPT_TOKENS, TOKENS = 64, 16, 240
FAULT = 1.01
SEED = 19
QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9)


class FaultyLayer(Layer):
    """A layer whose products are too large."""

    def product(self, x: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        """The product, times the fault."""
        return super().product(x, *weights) * FAULT


def engine_logits(program: list[str], path: pathlib.Path, prompt: np.ndarray) -> np.ndarray:
    """What the engine computes for a prompt and its greedy continuation: [255, n_vocab]."""
    with tempfile.TemporaryDirectory() as folder:
        output = pathlib.Path(folder) / "logits.npy"
        ids = ",".join(map(str, prompt))
        words = f"logits {path} --prompt-ids {ids} --tokens {TOKENS} --kv-type f32 --quiet"
        subprocess.run([*program, *words.split(), "--output", output], check=True)
        return np.load(output)


@torch.inference_mode()
def examine(name: str, program: list[str], path: pathlib.Path, shape: Shape, prompts) -> None:
    """Prints one row of each table."""
    faulty = Model(shape, True, torch.float32)
    faulty.load_state_dict(read(path))
    for layer in faulty.layers:
        layer.__class__ = FaultyLayer
    leads, first = [], []
    for prompt in prompts:
        right = engine_logits(program, path, prompt)[PROMPT_TOKENS - 1 :]
        choices = right.argmax(-1)
        ids = torch.from_numpy(np.concatenate([prompt, choices[:-1]]))
        wrong = faulty(ids[None])[PROMPT_TOKENS - 1 :].numpy()
        top = np.sort(right, axis=-1)
        leads.append((top[:, -1] - top[:, -2]) / right.std(-1))
        differs = wrong.argmax(-1) != choices
        first.append(differs.argmax() + 1 if differs.any() else TOKENS + 1)
    print(name, "leads", *(f"{q:.0%} {np.quantile(leads, q):.4f}" for q in QUANTILES))
    found = (f"{q:.0%} {np.quantile(first, q, method='higher')}" for q in (0.5, 0.9))
    never = np.mean(np.array(first) > TOKENS)
    print(name, "tokens until the fault is seen", *found, f"never {never:.0%}", flush=True)


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--program", default="bitreceipt", help="how to call it")
    args = parser.parse_args()
    torch.set_num_threads(1)
    program = shlex.split(args.program)
    random = np.random.default_rng(SEED)

    def random_ids(n_vocab: int) -> np.ndarray:
        return random.integers(0, n_vocab, (PROMPTS, PROMPT_TOKENS))

    tokenizer = Tokenizer.from_file(str(args.work / "tokenizer.json"))
    pages = vocabulary.encode(tokenizer, vocabulary.pages(args.corpus / "held-out.txt"))
    starts = np.flatnonzero(pages == vocabulary.BEGIN)
    starts = starts[np.diff(starts, append=len(pages)) > PROMPT_TOKENS][:PROMPTS]
    text = np.stack([pages[s : s + PROMPT_TOKENS] for s in starts]).astype(np.int64)
    tiny, trained, shape = MODELS / "tiny.gguf", MODELS / "tiny-rust.gguf", Shape()
    examine("tiny, random ids", program, tiny, RANDOM, random_ids(RANDOM.n_vocab))
    examine("tiny-rust, random ids", program, trained, shape, random_ids(shape.n_vocab))
    examine("tiny-rust, text", program, trained, shape, text)


if __name__ == "__main__":
    main()
