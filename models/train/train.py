"""Trains the tiny model, with ternary weights and int8 activations or, to compare, in float.

Resumable: stop it at any time, or after `--minutes`, and start it again. Two runs have the same
loss to about 0.01 bits, not the same bytes: the order of PyTorch's sums depends on the machine.

    python train.py CORPUS_FOLDER WORK_FOLDER [--float] [--minutes 90]
"""

import argparse
import csv
import math
import os
import pathlib
import time

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

import vocabulary
from model import Model, Shape

STEPS = 3000
TOKENS_PER_STEP = 8192
SHORT, LONG = 256, Shape().context
# The last steps see the whole context.
LONG_FROM = 0.9
WARM_UP = 100
PEAK_RATE, PEAK_RATE_OTHERS = 1.5e-2, 3e-3
# Weight decay ends in the middle, as in the paper of BitNet b1.58 2B4T.
DECAY, DECAY_UNTIL = 0.1, 0.5
SEED = 19
SAVED_EVERY_S = 120
LOGGED_EVERY = 20


def rate(step: int) -> float:
    """Part of the peak learning rate: warm-up, then a cosine down to nothing."""
    if step < WARM_UP:
        return (step + 1) / WARM_UP
    return 0.5 * (1 + math.cos(math.pi * (step - WARM_UP) / (STEPS - WARM_UP)))


def batch(ids: np.ndarray, step: int) -> tuple[Tensor, Tensor]:
    """Random windows of the text. They depend on the step alone."""
    time_steps = SHORT if step < LONG_FROM * STEPS else LONG
    random = np.random.default_rng([SEED, step])
    starts = random.integers(0, len(ids) - time_steps, TOKENS_PER_STEP // time_steps)
    windows = np.stack([ids[s : s + time_steps + 1] for s in starts]).astype(np.int64)
    windows = torch.from_numpy(windows)
    return windows[:, :-1], windows[:, 1:].flatten()


def optimizers_of(model: Model) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for the embedding and the norms."""
    matrices = [p for p in model.layers.parameters() if p.dim() == 2]
    is_matrix = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in is_matrix]
    muon = torch.optim.Muon(matrices, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw")
    adam = torch.optim.AdamW(others, betas=(0.9, 0.95), weight_decay=0.0, fused=True)
    for optimizer, peak in ((muon, PEAK_RATE), (adam, PEAK_RATE_OTHERS)):
        optimizer.param_groups[0]["peak"] = peak
    return [muon, adam]


def train(ids: np.ndarray, is_ternary: bool, folder: pathlib.Path, minutes: float) -> bool:
    """Trains until the end or for `minutes`; whether it came to the end."""
    torch.manual_seed(SEED)
    model = Model(Shape(), is_ternary)
    optimizers = optimizers_of(model)
    name = "ternary" if is_ternary else "float"
    checkpoint, log = folder / f"{name}.pt", folder / f"{name}.csv"
    first, trained_s = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        for optimizer, saved_state in zip(optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved_state)
        first, trained_s = state["step"], state["seconds"]

    def save(step: int) -> None:
        state = {"model": model.state_dict(), "step": step, "seconds": trained_s}
        state["optimizers"] = [optimizer.state_dict() for optimizer in optimizers]
        torch.save(state, checkpoint.with_suffix(".part"))
        os.replace(checkpoint.with_suffix(".part"), checkpoint)

    loss_of = torch.compile(lambda x, y: F.cross_entropy(model(x), y), dynamic=False)
    begun, saved, losses = trained_s, trained_s, []
    for step in range(first, STEPS):
        start = time.process_time()
        optimizers[0].param_groups[0]["weight_decay"] = DECAY * (step < DECAY_UNTIL * STEPS)
        loss = loss_of(*batch(ids, step))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in optimizers:
            optimizer.param_groups[0]["lr"] = optimizer.param_groups[0]["peak"] * rate(step)
            optimizer.step()
            optimizer.zero_grad()
        losses.append(loss.item())
        trained_s += time.process_time() - start
        if (step + 1) % LOGGED_EVERY == 0:
            append(log, step + 1, PEAK_RATE * rate(step), sum(losses) / len(losses), trained_s)
            losses = []
        if trained_s - saved > SAVED_EVERY_S or step + 1 == STEPS:
            save(step + 1)
            saved = trained_s
        if trained_s - begun > minutes * 60:
            save(step + 1)
            return step + 1 == STEPS
    return True


def append(log: pathlib.Path, step: int, rate_now: float, loss: float, seconds: float) -> None:
    """Adds a row: steps done, learning rate, nats per token since the last row, CPU seconds."""
    is_new = not log.exists()
    with log.open("a", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        if is_new:
            rows.writerow(["step", "tokens", "rate", "loss_nats_per_token", "cpu_seconds"])
        tokens = step * TOKENS_PER_STEP
        rows.writerow([step, tokens, f"{rate_now:.6f}", f"{loss:.4f}", f"{seconds:.0f}"])


def main() -> None:
    """Learns or reads the vocabulary, then trains."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--float", action="store_true", help="no quantization: for comparison")
    parser.add_argument("--minutes", type=float, default=90, help="of CPU time")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    args.work.mkdir(parents=True, exist_ok=True)
    texts = vocabulary.pages(args.corpus / "train.txt")
    tokenizer = vocabulary.learn(texts)
    ids = vocabulary.encode(tokenizer, texts)
    print(len(ids), "tokens of", len("\n\n".join(texts).encode()), "bytes", flush=True)
    tokenizer.save(str(args.work / "tokenizer.json"))
    is_done = train(ids, not args.float, args.work, args.minutes)
    print("done" if is_done else "not done: start it again to go on")


if __name__ == "__main__":
    main()
