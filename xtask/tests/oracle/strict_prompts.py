"""Short prompts that no rounding of activations makes doubtful."""

import gguf_files
import numpy as np
import torch
from grouped_linear import GroupedLinear
from transformers.integrations.bitnet import AutoBitLinear

N_STRICT, STRICT_LEN = 4, 6
N_SPECIAL = len(gguf_files.SPECIAL_TOKENS)
# Smallest distance of a scaled activation of a strict prompt from a rounding boundary.
BOUNDARY = 1e-3


def bit_linear_boundary(x):
    """Smallest distance of a scaled activation from a rounding boundary, f32 [batch, positions]."""
    scaled = x * (127 / x.abs().amax(-1, keepdim=True).clamp(min=1e-5))
    return (scaled - scaled.floor() - 0.5).abs().amin(-1)


class BoundaryDistance:
    """While entered, `least` is the smallest distance of a scaled activation from a rounding
    boundary, f32 [batch, positions], over the projections of the last forward pass."""

    def __init__(self, model):
        kinds = (AutoBitLinear, GroupedLinear)
        self.linears = [m for m in model.modules() if isinstance(m, kinds)]

    def __enter__(self):
        self.hooks = [m.register_forward_pre_hook(self.measure) for m in self.linears]
        self.least = torch.tensor(torch.inf)
        return self

    def measure(self, linear, inputs):
        of = linear.boundary if isinstance(linear, GroupedLinear) else bit_linear_boundary
        self.least = torch.minimum(self.least, of(inputs[0]))

    def __exit__(self, *_):
        for hook in self.hooks:
            hook.remove()


def logits(model, prompts):
    """f32 [prompts, positions, n_vocab]."""
    ids = torch.from_numpy(np.array(prompts, np.int64))
    return model(ids, use_cache=False).logits.numpy()


def strict_prompts(family, model):
    """Prompts without an activation near a rounding boundary, int32 [N_STRICT, STRICT_LEN], and the
    distance of each. What a position computes depends on earlier ones only, so that a prompt can be
    extended token by token."""
    tokens = np.arange(N_SPECIAL, family.n_vocab)

    def candidates(prefix):
        prompts = np.concatenate([np.tile(prefix, (len(tokens), 1)), tokens[:, None]], axis=1)
        with BoundaryDistance(model) as boundary:
            logits(model, prompts)
        least = boundary.least[:, -1].numpy()
        order = np.argsort(-least, kind="stable")
        # A repeated token repeats activations: it is an easy find, and says less.
        return [tokens[i] for i in order if least[i] >= BOUNDARY and tokens[i] not in prefix]

    def extended(prefix):
        if len(prefix) == STRICT_LEN:
            return prefix
        for token in candidates(prefix):
            if found := extended([*prefix, token]):
                return found
        return None

    starts = [
        (rank, [first, second])
        for first in candidates([])
        for rank, second in enumerate(candidates([first]))
    ]
    prompts = []
    # Different first tokens before a second prompt with the same one.
    for _, start in sorted(starts, key=lambda ranked: ranked[0]):
        if len(prompts) < N_STRICT and (prompt := extended(start)):
            prompts.append(prompt)
    assert len(prompts) == N_STRICT, f"{family.name}: {len(prompts)} strict prompts"
    distances = []
    for prompt in prompts:
        with BoundaryDistance(model) as boundary:
            logits(model, [prompt])
        distances.append(float(boundary.least.min()))
    return np.array(prompts, np.int32), np.array(distances)
