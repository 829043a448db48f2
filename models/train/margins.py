"""What a model can show of an engine: how far greedy choices lead, and when a fault is seen.

The lead of a choice is the difference of the two largest logits, in standard deviations of the
row. The fault is a dequantization scale that is 1 % too large in every ternary product: the same
tokens are fed to the right and to the wrong model, and what counts is how many tokens it takes
until their greedy choices differ for the first time.

    python margins.py CORPUS_FOLDER WORK_FOLDER
"""

import argparse
import pathlib

import numpy as np
import torch
from tokenizers import Tokenizer

import vocabulary
from exported import read
from model import Layer, Model, Shape

MODELS = pathlib.Path(__file__).parent.parent
# The preset `tiny` of `make-model`.
RANDOM = Shape(n_vocab=512, n_layers=6, rope_base=500000.0)
PROMPTS, PROMPT_TOKENS, TOKENS = 2, 16, 240
FAULT = 1.01
SEED = 19
QUANTILES = (0.01, 0.1, 0.25, 0.5, 0.75, 0.9)


class FaultyLayer(Layer):
    """A layer whose products are too large."""

    def product(self, x: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
        """The product, times the fault."""
        return super().product(x, *weights) * FAULT


def load(path: pathlib.Path, shape: Shape) -> Model:
    """The model of a file, in f32."""
    model = Model(shape, True, torch.float32)
    model.load_state_dict(read(path))
    return model.eval()


def greedy(model: Model, prompts: torch.Tensor) -> torch.Tensor:
    """The prompts [n, 16] with what the model says next: [n, 256]."""
    ids = prompts
    for _ in range(TOKENS):
        logits = model(ids).view(*ids.shape, -1)
        ids = torch.cat([ids, logits[:, -1].argmax(-1, keepdim=True)], dim=1)
    return ids


@torch.inference_mode()
def examine(name: str, model: Model, prompts: torch.Tensor) -> None:
    """Prints one row of each table."""
    ids = greedy(model, prompts)[:, :-1]
    kept = slice(PROMPT_TOKENS - 1, None)
    logits = model(ids).view(*ids.shape, -1)[:, kept]
    for layer in model.layers:
        layer.__class__ = FaultyLayer
    wrong = model(ids).view(*ids.shape, -1)[:, kept]
    for layer in model.layers:
        layer.__class__ = Layer
    top = logits.topk(2).values
    leads = ((top[..., 0] - top[..., 1]) / logits.std(-1)).flatten().numpy()
    print(name, "leads", *(f"{q:.0%} {np.quantile(leads, q):.4f}" for q in QUANTILES))
    differs = (logits.argmax(-1) != wrong.argmax(-1)).numpy()
    first = np.where(differs.any(1), differs.argmax(1) + 1, TOKENS + 1)
    found = (f"{q:.0%} {np.quantile(first, q, method='higher')}" for q in (0.5, 0.9))
    print(name, "tokens until the fault is seen", *found, f"never {np.mean(first > TOKENS):.0%}")


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    random = torch.Generator().manual_seed(SEED)

    def random_ids(n_vocab: int) -> torch.Tensor:
        return torch.randint(n_vocab, (PROMPTS, PROMPT_TOKENS), generator=random)

    tokenizer = Tokenizer.from_file(str(args.work / "tokenizer.json"))
    pages = vocabulary.encode(tokenizer, vocabulary.pages(args.corpus / "held-out.txt"))
    starts = np.flatnonzero(pages == vocabulary.BEGIN)
    starts = starts[np.diff(starts, append=len(pages)) > PROMPT_TOKENS][:PROMPTS]
    text = np.stack([pages[s : s + PROMPT_TOKENS] for s in starts]).astype(np.int64)
    tiny, trained = load(MODELS / "tiny.gguf", RANDOM), load(MODELS / "tiny-rust.gguf", Shape())
    examine("tiny, random ids", tiny, random_ids(RANDOM.n_vocab))
    examine("tiny-rust, random ids", trained, random_ids(Shape().n_vocab))
    examine("tiny-rust, text", trained, torch.from_numpy(text))


if __name__ == "__main__":
    main()
