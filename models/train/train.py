"""Trains the tiny model, with ternary weights and int8 activations or, to compare, in float.

Resumable: stop it at any time, or after `--minutes`, and start it again. Two runs have about the
same loss, not the same bytes: the order of PyTorch's sums depends on the machine.

    python train.py CORPUS_FOLDER WORK_FOLDER [--float] [--minutes 90]
"""

import argparse
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
LOG_HEADER = "step,tokens,rate,loss_nats_per_token,cpu_seconds\n"


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


class Training:
    """A model on its way, and where it is saved."""

    def __init__(self, is_ternary: bool, folder: pathlib.Path):
        torch.manual_seed(SEED)
        model = Model(Shape(), is_ternary)
        self.model, self.optimizers = model, optimizers_of(model)
        self.loss_of = torch.compile(lambda x, y: F.cross_entropy(model(x), y), dynamic=False)
        name = "ternary" if is_ternary else "float"
        self.checkpoint, self.log = folder / f"{name}.pt", folder / f"{name}.csv"
        self.n_steps, self.seconds = 0, 0.0
        if self.checkpoint.exists():
            self.load()
        else:
            self.log.write_text(LOG_HEADER)

    def load(self) -> None:
        """Goes on where a run before was saved."""
        state = torch.load(self.checkpoint)
        self.model.load_state_dict(state["model"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.n_steps, self.seconds = state["step"], state["seconds"]
        # What was logged behind it will be trained again.
        header, *rows = self.log.read_text().splitlines(keepends=True)
        kept = [row for row in rows if int(row.split(",")[0]) <= self.n_steps]
        self.log.write_text("".join([header, *kept]))

    def save(self) -> None:
        """Writes everything, or nothing."""
        state = {"model": self.model.state_dict(), "step": self.n_steps, "seconds": self.seconds}
        state["optimizers"] = [optimizer.state_dict() for optimizer in self.optimizers]
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        os.replace(part, self.checkpoint)

    def step(self, ids: np.ndarray) -> float:
        """Learns from one batch; its loss before that, in nats per token."""
        start = time.process_time()
        decay = DECAY if self.n_steps < DECAY_UNTIL * STEPS else 0.0
        self.optimizers[0].param_groups[0]["weight_decay"] = decay
        loss = self.loss_of(*batch(ids, self.n_steps))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            (group,) = optimizer.param_groups
            group["lr"] = group["peak"] * rate(self.n_steps)
            optimizer.step()
            optimizer.zero_grad()
        self.n_steps += 1
        self.seconds += time.process_time() - start
        return loss.item()

    def append_to_log(self, loss: float) -> None:
        """Adds a row: the rate is Muon's, the loss the mean since the last row."""
        row = f"{self.n_steps},{self.n_steps * TOKENS_PER_STEP},"
        row += f"{PEAK_RATE * rate(self.n_steps - 1):.6f},{loss:.4f},{self.seconds:.0f}\n"
        with self.log.open("a") as file:
            file.write(row)

    def run(self, ids: np.ndarray, minutes: float) -> bool:
        """Trains until the end or for `minutes`; whether it came to the end."""
        until, saved, losses = self.seconds + minutes * 60, self.seconds, []
        while self.n_steps < STEPS and self.seconds < until:
            losses.append(self.step(ids))
            if self.n_steps % LOGGED_EVERY == 0:
                self.append_to_log(sum(losses) / len(losses))
                losses = []
            if self.seconds - saved > SAVED_EVERY_S:
                self.save()
                saved = self.seconds
        self.save()
        return self.n_steps == STEPS


def main() -> None:
    """Learns the vocabulary, then trains."""
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
    is_done = Training(not args.float, args.work).run(ids, args.minutes)
    print("done" if is_done else "not done: start it again to go on")


if __name__ == "__main__":
    main()
