"""The engines that are compared.

right    sums in f32, activations quantized as the text says, the reference's type of KV cache
reduced  right engines of less precision: bf16, attention in f16, one activation scale for 256 columns
other    something else on purpose: float activations, another type of KV cache
wrong    one mistake in the arithmetic of `torch f32, KV f16`
"""

from dataclasses import dataclass, replace

import torch
from engine import SCALE_ERROR, Engine, Rules, decode
from peers import LlamaCpp, Transformers

F32, F16, BF16 = torch.float32, torch.float16, torch.bfloat16


@dataclass(frozen=True)
class Candidate:
    """kind: see above. reference_kv: type of the reference's KV cache. start(weights,
    path, n_positions) gives something with `decode(prompts, n)`."""

    name: str
    kind: str
    reference_kv: str
    start: object


class Torch:
    def __init__(self, weights, rules, n_positions):
        self.engine = Engine(weights, rules, n_positions)

    def decode(self, prompts, n):
        self.engine.start()
        return decode(self.engine.feed, prompts, n)


def plain(name, kind, rules, reference_kv="f16"):
    return Candidate(name, kind, reference_kv, lambda w, _, n: Torch(w, rules, n))


def right():
    bf16 = Rules(dtype=BF16, kv=BF16)
    yield plain("torch f32, KV f32", "right", Rules(kv=F32), "f32")
    yield plain("torch f32, KV f16", "right", Rules())
    yield plain("torch bf16, exact sums", "reduced", bf16, "f32")
    yield plain("torch bf16", "reduced", replace(bf16, integer_sums=False), "f32")
    for name, kind, dtype in (("f32", "right", F32), ("bf16", "reduced", BF16)):
        yield Candidate(
            f"transformers {name}", kind, "f32", lambda w, _, n, d=dtype: Transformers(w, d, n)
        )


def llama_cpp(w, program):
    """Its flash attention works in f16; with TQ1_0 and TQ2_0, 256 activations share a scale; dense
    weights get float activations."""
    packed = w["blk.0.attn_q"].lane
    for kv in ("f32", "f16"):
        kind = "other" if not packed else "right" if w.grouped and kv == "f32" else "reduced"
        yield Candidate(
            f"llama.cpp, KV {kv}", kind, kv, lambda w, path, n, kv=kv: LlamaCpp(program, path, kv)
        )


def other():
    yield plain("other KV type: f32 for f16", "other", Rules(kv=F32))
    yield plain("other KV type: bf16 for f16", "other", Rules(dtype=BF16, kv=BF16, integer_sums=False))
    yield plain("activation scale for 256", "other", Rules(activation_block=256))
    yield plain("float activations", "other", Rules(activation_block=-1))


def wrong(w):
    rules = Rules()
    name = "SiLU for squared ReLU" if w.relu2 else "squared ReLU for SiLU"
    yield plain(name, "wrong", replace(rules, other_activation=True))
    if any(m.lane for m in w.tensors.values()):
        yield plain("lanes swapped", "wrong", replace(rules, swapped_lanes="all"))
        yield plain("lanes swapped in one tensor", "wrong", replace(rules, swapped_lanes="one"))
    for factor in (1.1, SCALE_ERROR, 1.001):
        yield plain(f"weight scales x {factor}", "wrong", replace(rules, weight_scale=factor))
    yield plain("activation scales x 1.01", "wrong", replace(rules, quantization_scale=SCALE_ERROR))
    if w.sub_norms:
        for norm in ("attn_sub_norm", "ffn_sub_norm"):
            yield plain(f"{norm} skipped", "wrong", replace(rules, skipped_norms=(norm,)))
    if w.head_norms:
        skipped = ("attn_q_norm", "attn_k_norm")
        yield plain("head norms skipped", "wrong", replace(rules, skipped_norms=skipped))
    yield plain("RoPE pairs swapped", "wrong", replace(rules, other_pairs=True))
    if not w.grouped:
        yield plain("int16 sums", "wrong", replace(rules, int16=True))
    yield plain("one layer left out", "wrong", replace(rules, skipped_layers=1))


def candidates(w, llama_logits):
    yield from right()
    if llama_logits:
        yield from llama_cpp(w, llama_logits)
    yield from other()
    yield from wrong(w)
