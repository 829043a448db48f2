"""Reads fixtures back and computes their logits again, with numpy alone and in float64.

Every file has to agree with its oracle, and every typical mistake has to disagree: an oracle that
cannot tell is worth nothing. `make_fixtures.py --verify` runs this.
"""

import hashlib
import json
from dataclasses import dataclass, replace

import grouped_rules
import numpy as np
from read_fixtures import Header

# A mistake has to move a logit by this many standard deviations, 200 times the strict tolerance.
VISIBLE = 0.01
PROJECTIONS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")


@dataclass(frozen=True)
class Rules:
    """What a program has to get right; a mistake is one of these replaced."""

    activation: str
    pairs: str
    sub_norms: bool
    eps: float
    smallest_maximum: float = 1e-5
    quantize_activations: bool = True
    activation_blocks: int = 1
    rope_factors: bool = True
    rope_scaling: bool = True
    consecutive_kv: bool = True
    own_output: bool = True
    unscaled: tuple = ()
    layout: str = "block128"
    grouped: grouped_rules.GroupedRules | None = None


def rms_norm(x, weight, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * weight


class Model:
    """A forward pass over all positions of a prompt at once."""

    def __init__(self, header, rules):
        self.header, self.rules = header, rules
        self.tensors = {name: header.tensor(name, rules.layout) for name in header.tensors}
        prefix = header.keys["general.architecture"]
        self.keys = {k.removeprefix(prefix + "."): v for k, v in header.keys.items()}
        self.n_heads = self.keys["attention.head_count"]
        self.n_kv_heads = self.keys.get("attention.head_count_kv", self.n_heads)
        self.head_dim = self.keys.get(
            "attention.key_length", self.keys["embedding_length"] // self.n_heads
        )

    def linear(self, layer, name, x):
        values = self.tensors[f"blk.{layer}.{name}.weight"]
        if self.rules.grouped:
            if name in self.rules.unscaled:
                values = np.sign(values) * np.abs(values[values != 0]).mean()
            return self.rules.grouped.quantized(x) @ values.T
        scale = 1.0 if name in self.rules.unscaled else np.abs(values).max()
        if not self.rules.quantize_activations:
            return x @ np.sign(values).T * scale
        blocks = x.reshape(len(x), self.rules.activation_blocks, -1)
        maximum = np.maximum(np.abs(blocks).max(-1, keepdims=True), self.rules.smallest_maximum)
        quantized = np.rint(blocks * (127 / maximum)) * (maximum / 127)
        return quantized.reshape(x.shape) @ np.sign(values).T * scale

    def rope(self, x):
        """x: [positions, heads, head_dim]."""
        inverse = self.keys["rope.freq_base"] ** (-np.arange(0, self.head_dim, 2) / self.head_dim)
        if self.rules.rope_factors and "rope_freqs.weight" in self.tensors:
            inverse = inverse / self.tensors["rope_freqs.weight"]
        if self.rules.rope_scaling and self.keys.get("rope.scaling.type") == "linear":
            inverse = inverse / self.keys["rope.scaling.factor"]
        scale = 1.0
        if self.keys.get("rope.scaling.type") == "yarn":
            inverse, scale = self.rules.grouped.yarn(self.keys, inverse, self.head_dim)
        angle = (np.arange(len(x))[:, None] * inverse)[:, None]
        first, second = slice(0, None, 2), slice(1, None, 2)
        if self.rules.pairs == "halves":
            first, second = slice(self.head_dim // 2), slice(self.head_dim // 2, None)
        out = np.empty_like(x)
        cos, sin = scale * np.cos(angle), scale * np.sin(angle)
        out[..., first] = x[..., first] * cos - x[..., second] * sin
        out[..., second] = x[..., first] * sin + x[..., second] * cos
        return out

    def placed(self, layer, name, x):
        """Heads of queries or keys, normalized and rotated. x: [positions, heads, head_dim]."""
        when = self.rules.grouped.head_norms if self.rules.grouped else "never"
        if when == "before RoPE":
            x = self.norm(f"blk.{layer}.{name}_norm", x)
        x = self.rope(x)
        return self.norm(f"blk.{layer}.{name}_norm", x) if when == "after RoPE" else x

    def attention(self, layer, x):
        heads = [
            self.linear(layer, name, x).reshape(len(x), -1, self.head_dim)
            for name in ("attn_q", "attn_k", "attn_v")
        ]
        q, k = self.placed(layer, "attn_q", heads[0]), self.placed(layer, "attn_k", heads[1])
        v = heads[2]
        group = self.n_heads // self.n_kv_heads
        of = np.arange(self.n_heads)
        of = of // group if self.rules.consecutive_kv else of % self.n_kv_heads
        scores = np.einsum("phd,thd->hpt", q, k[:, of]) / np.sqrt(self.head_dim)
        scores = np.where(np.tri(len(x), dtype=bool), scores, -np.inf)
        e = np.exp(scores - scores.max(-1, keepdims=True))
        return np.einsum("hpt,thd->phd", e / e.sum(-1, keepdims=True), v[:, of]).reshape(len(x), -1)

    def norm(self, name, x):
        return rms_norm(x, self.tensors[f"{name}.weight"], self.rules.eps)

    def sub_norm(self, name, x):
        return self.norm(name, x) if self.rules.sub_norms else x

    def logits(self, ids):
        """f64 [positions, n_vocab]."""
        x = self.tensors["token_embd.weight"][ids]
        for layer in range(self.keys["block_count"]):
            blk = f"blk.{layer}"
            o = self.attention(layer, self.norm(f"{blk}.attn_norm", x))
            o = self.sub_norm(f"{blk}.attn_sub_norm", o)
            x = x + self.linear(layer, "attn_output", o)
            h = self.norm(f"{blk}.ffn_norm", x)
            gate, up = self.linear(layer, "ffn_gate", h), self.linear(layer, "ffn_up", h)
            silu = self.rules.activation == "silu"
            gate = gate / (1 + np.exp(-gate)) if silu else np.maximum(gate, 0) ** 2
            g = self.sub_norm(f"{blk}.ffn_sub_norm", gate * up)
            x = x + self.linear(layer, "ffn_down", g)
        output = self.tensors.get("output.weight") if self.rules.own_output else None
        output = self.tensors["token_embd.weight"] if output is None else output
        hidden = self.norm("output_norm", x)
        if self.rules.grouped and self.rules.grouped.quantize_hidden:
            hidden = self.rules.grouped.quantized(hidden)
        return hidden @ output.T


def mistakes(family, rules):
    """Name and rules of every mistake that this family is to show."""
    other = {"silu": "relu2", "relu2": "silu", "halves": "neighbours", "neighbours": "halves"}
    yield "activation", replace(rules, activation=other[rules.activation])
    yield "rotary pairs", replace(rules, pairs=other[rules.pairs])
    if family.group:
        for name, mistake in grouped_rules.mistakes(family, rules.grouped):
            yield name, replace(rules, grouped=mistake)
    else:
        yield "no activation quantization", replace(rules, quantize_activations=False)
        yield "two activation scales", replace(rules, activation_blocks=2)
    if family.llama3:
        yield "no frequency factors", replace(rules, rope_factors=False)
    if family.linear_factor > 1:
        yield "no linear scaling", replace(rules, rope_scaling=False)
    if 1 < family.n_kv_heads < family.n_heads:
        yield "KV heads in turn", replace(rules, consecutive_kv=False)
    if family.output:
        yield "embedding as output", replace(rules, own_output=False)
    if family.has_sub_norms:
        yield "no sub-norms", replace(rules, sub_norms=False)
    if family.epsilon_matters:
        yield "no epsilon", replace(rules, eps=0.0)
    if family.smallest_maximum_matters:
        yield "no smallest maximum", replace(rules, smallest_maximum=1e-30)
    # A sub-norm cancels the scales before it, all but epsilon's share.
    cancelled = set()
    if family.has_sub_norms and not family.epsilon_matters:
        cancelled = {"attn_v", "ffn_up"} | ({"ffn_gate"} if rules.activation == "relu2" else set())
    for name in PROJECTIONS:
        if name not in cancelled:
            yield f"{name} without its scale", replace(rules, unscaled=(name,))


def difference(found, oracle, std):
    """Largest and root mean square difference, in standard deviations."""
    delta = np.abs(found - oracle) / std
    return delta.max(), np.sqrt((delta**2).mean())


def strict_difference(model, oracle, std):
    found = np.stack([model.logits(prompt) for prompt in oracle["strict_prompts"]])
    return difference(found, oracle["strict_logits"], std)[0]


def check_file(path, rules, oracle, report):
    """Digest, strict and long tier of one file."""
    recorded = report["files"][path.name]["sha256"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == recorded, f"{path.name}: digest"
    std, allowed = report["logit_std"], report["tolerance"]
    model = Model(Header(path), rules)
    strict = strict_difference(model, oracle, std)
    found = model.logits(np.concatenate([oracle["prompt"], oracle["tokens"][:-1]]))
    want = np.concatenate([oracle["prompt_logits"], oracle["step_logits"][1:]])
    largest, rms = difference(found, want, std)
    same = (found[len(oracle["prompt"]) - 1 :].argmax(-1) == oracle["tokens"]).all()
    print(f"{path.name}: strict {strict:.1e}, long {largest:.1e}, rms {rms:.1e}, tokens {same}")
    assert same and strict <= allowed["strict_max_abs_over_std"]
    assert largest <= allowed["long_max_abs_over_std"] and rms <= allowed["long_rms_over_std"]


def check(family, folder):
    """Checks all files of a family, and that mistakes are seen."""
    oracle = np.load(folder / f"{family.name}-oracle.npz")
    report = json.loads((folder / f"{family.name}-oracle.json").read_text())
    rules = Rules(family.activation, family.pairs, family.has_sub_norms, family.eps)
    if family.group:
        rules = replace(rules, grouped=grouped_rules.GroupedRules())
    for file in family.files:
        layout = file.projections.partition("i2s_")[2] or "block128"
        if family.group:
            layout = file.projections
        check_file(folder / file.name, replace(rules, layout=layout), oracle, report)
        if "block64" in layout or "row4" in layout:
            wrong = Model(Header(folder / file.name), rules)
            assert strict_difference(wrong, oracle, report["logit_std"]) >= VISIBLE
    header = Header(folder / family.files[0].name)
    if family.group:
        rules = replace(rules, layout=family.files[0].projections)
    seen = {}
    for name, mistake in mistakes(family, rules):
        seen[name] = strict_difference(Model(header, mistake), oracle, report["logit_std"])
    print("  mistakes: " + ", ".join(f"{name} {delta:.2g}" for name, delta in seen.items()))
    missed = [name for name, delta in seen.items() if not delta >= VISIBLE]
    assert not missed, f"{family.name} does not show: {', '.join(missed)}"
