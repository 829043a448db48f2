"""Bits per byte of text that was held out: the exported file, the float network, the 5-gram.

python evaluate.py CORPUS_FOLDER WORK_FOLDER ../tiny-rust.gguf [--float]
"""

import argparse
import math
import pathlib

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional as F

import vocabulary
from exported import read
from model import Model, Shape
from ngram import KneserNey

# Most of the training saw the first, its end the second.
CONTEXTS = (256, Shape().context)


@torch.inference_mode()
def nats(model: Model, ids: np.ndarray, context: int) -> float:
    """Minus the logarithm of the probability of all tokens but those that begin a page.

    Each window adds half of it, so that all but the first tokens have at least as many before them.
    """
    total, stride = 0.0, context // 2
    for start in range(0, len(ids) - 1, stride):
        end = min(start + stride, len(ids) - 1)
        first = max(end - context, 0)
        window = torch.from_numpy(ids[first : end + 1].astype(np.int64))
        losses = F.cross_entropy(model(window[None, :-1]), window[1:], reduction="none")
        kept = losses[start - first :].double()
        total += kept[window[1:][start - first :] != vocabulary.BEGIN].sum().item()
    return total


def main() -> None:
    """Prints what it found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("--float", action="store_true", help="the float network as well")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = Tokenizer.from_file(str(args.work / "tokenizer.json"))
    texts = {name: vocabulary.pages(args.corpus / f"{name}.txt") for name in ("train", "held-out")}
    ids = {name: vocabulary.encode(tokenizer, pages) for name, pages in texts.items()}
    n_bytes = sum(len(page.encode()) for page in texts["held-out"])
    print(f"held out: {n_bytes} bytes, {len(ids['held-out'])} tokens")

    def report(name: str, found: float) -> None:
        print(f"{name}: {found / math.log(2) / n_bytes:.3f} bits per byte", flush=True)

    states = {"exported": (read(args.model), True)}
    if args.float:
        states["float"] = (torch.load(args.work / "float.pt")["model"], False)
    for name, (state, is_ternary) in states.items():
        model = Model(Shape(), is_ternary, torch.float32)
        model.load_state_dict(state)
        for context in CONTEXTS:
            found = nats(model.eval(), ids["held-out"], context)
            report(f"{name}, windows of {context}", found)
    baseline = KneserNey(ids["train"], vocabulary.BEGIN, vocabulary.N_VOCAB)
    report("5-gram", baseline.nats(ids["held-out"]))


if __name__ == "__main__":
    main()
