"""Lets right and wrong engines decode, and compares each choice with the reference's logits.

    measure.py --program bitreceipt --work FOLDER [--llama-logits PROGRAM] MODEL...

Writes FOLDER/MODEL/KIND, ENGINE.npz with arrays [prompts, tokens] of what `records` says, and
FOLDER/MODEL/sensitivity.npy. Engines that are there already are not run again.
"""

import argparse
import hashlib
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True

import numpy as np  # noqa: E402
import torch  # noqa: E402
from engines import candidates  # noqa: E402
from reference import logits, sensitivity  # noqa: E402
from weights import Weights  # noqa: E402

TOP = 8
RIVALS = 32
SEED = 20


def records(tokens, theirs, ours):
    """What one run shows, [tokens]; all but ids in standard deviations of the reference's row.

    token, choice: the engine's and the reference's
    deficit: of the engine's token behind the reference's choice; 0 means the same token
    rivals, gaps: the next best tokens, [tokens, RIVALS], and how far they are behind
    rms, largest: of the differences of all logits, without their mean
    top_rms, top: of the engine's TOP best logits, as differences from its best
    pair: error of the difference between the reference's two best logits
    """
    spread = ours.std(-1, keepdims=True)
    order = np.argsort(-ours, axis=-1, kind="stable")[:, : RIVALS + 1]
    best = np.take_along_axis(ours, order[:, :1], -1)
    own = np.take_along_axis(ours, tokens[:, None], -1)
    error = (theirs - ours) / spread
    centred = error - error.mean(-1, keepdims=True)
    top = np.take_along_axis(error, np.argsort(-theirs, axis=-1, kind="stable")[:, :TOP], -1)
    off = np.abs(top - top[:, :1])[:, 1:]
    pair = np.take_along_axis(error, order[:, :2], -1)
    found = {
        "deficit": ((best - own) / spread)[:, 0],
        "gaps": (best - np.take_along_axis(ours, order[:, 1:], -1)) / spread,
        "rms": centred.std(-1),
        "largest": np.abs(centred).max(-1),
        "top_rms": np.sqrt((off**2).mean(-1)),
        "top": off.max(-1),
        "pair": pair[:, 0] - pair[:, 1],
    }
    found = {name: values.astype(np.float32) for name, values in found.items()}
    ids = {"token": tokens, "choice": order[:, 0], "rivals": order[:, 1:]}
    return found | {name: values.astype(np.int32) for name, values in ids.items()}


def prompts_for(name, n_vocab, n, length):
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
    return np.random.default_rng([SEED, seed]).integers(0, n_vocab, (n, length))


def measure(arguments, path):
    weights = Weights(path)
    prompts = prompts_for(path.stem, weights.n_vocab, arguments.prompts, arguments.prompt_length)
    n_positions = arguments.prompt_length + arguments.tokens
    folder = arguments.work / path.stem
    folder.mkdir(parents=True, exist_ok=True)
    amplified = folder / "sensitivity.npy"
    if not amplified.exists():
        run = arguments.program, path
        np.save(amplified, [sensitivity(*run, p, arguments.tokens) for p in prompts.tolist()])
    print(f"{path.stem}: sensitivity {np.load(amplified).mean(0)}", flush=True)
    for candidate in candidates(weights, arguments.llama_logits):
        if arguments.only and not any(word in candidate.name for word in arguments.only):
            continue
        target = folder / f"{candidate.kind}, {candidate.name}.npz"
        if target.exists():
            continue
        try:
            engine = candidate.start(weights, path, n_positions)
            tokens, rows = engine.decode(torch.from_numpy(prompts), arguments.tokens)
        except subprocess.CalledProcessError:
            print(f"{path.stem}: {candidate.name} does not run this file", flush=True)
            continue
        runs = []
        for prompt, chosen, theirs in zip(prompts.tolist(), tokens, rows):
            fed = [*prompt, *chosen[:-1]]
            ours = logits(arguments.program, path, fed, 1, candidate.reference_kv)
            ours = ours[len(prompt) - 1 :].astype(np.float64)
            runs.append(records(chosen, theirs.astype(np.float64), ours))
        together = {name: np.stack([run[name] for run in runs]) for name in runs[0]}
        np.savez_compressed(target, **together)
        show(path.stem, candidate, together)


def show(model, candidate, found):
    deficit = found["deficit"]
    other = (deficit > 0).mean()
    quantiles = " ".join(f"{q:.1e}" for q in np.quantile(found["rms"], [0.1, 0.5, 0.9, 1]))
    print(
        f"{model}: {candidate.kind}: {candidate.name}: rms 10/50/90/100 % {quantiles}, "
        f"other token {other:.3f}, largest deficit {deficit.max():.2f}, "
        f"pair {found['pair'].std():.4f}", flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL")
    parser.add_argument("--program", type=Path, required=True, help="bitreceipt")
    parser.add_argument("--work", type=Path, required=True, help="where the records go")
    parser.add_argument("--llama-logits", type=Path, help="llama_logits.c, built")
    parser.add_argument("--prompts", type=int, default=24)
    parser.add_argument("--prompt-length", type=int, default=24)
    parser.add_argument("--tokens", type=int, default=128)
    parser.add_argument("--only", nargs="*", help="engines whose name has one of these words")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    for path in arguments.models:
        measure(arguments, path)


if __name__ == "__main__":
    main()
