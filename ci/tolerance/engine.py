"""A plain forward pass in torch, from the text of guest-reference/NUMERICS.md. It is a right engine:
it differs from the reference by the rounding and order of its sums. Every field of `Rules` that is
replaced makes it another engine, wrong or of another precision."""

import math
from dataclasses import dataclass

import torch
from torch.nn.functional import linear, silu

SCALE_ERROR = 1.01


@dataclass(frozen=True)
class Rules:
    """dtype: of everything between operations. kv: what the KV cache holds. integer_sums: sums of a projection are exact and its
    scale is f32; otherwise dequantized activations and scale are rounded to dtype, as transformers
    does. activation_block: columns with one activation scale, 0 for a position, -1 for float
    activations, None for what the text says."""

    dtype: torch.dtype = torch.float32
    kv: torch.dtype = torch.float16
    integer_sums: bool = True
    activation_block: int | None = None
    other_activation: bool = False
    swapped_lanes: str = ""
    quantization_scale: float = 1.0
    weight_scale: float = 1.0
    skipped_norms: tuple = ()
    other_pairs: bool = False
    int16: bool = False
    skipped_layers: int = 0


class Engine:
    def __init__(self, weights, rules, n_positions):
        self.w, self.rules = weights, rules
        neighbours = weights.neighbours != rules.other_pairs
        self.cos, self.sin, self.pairs = weights.rope(n_positions, neighbours)
        middle = weights.n_layers // 2
        skipped = range(middle, middle + rules.skipped_layers)
        self.layers = [n for n in range(weights.n_layers) if n not in skipped]
        self.prepared = {}

    def start(self):
        self.cache = {n: None for n in self.layers}
        self.position = 0

    def matrix(self, name):
        """Values in the dtype of the sums; the mistakes that concern weights are made here."""
        if name not in self.prepared:
            m, rules = self.w[name], self.rules
            values = m.values
            one = f"blk.{self.w.n_layers // 2}.ffn_down"
            if m.lane and (rules.swapped_lanes == "all" or rules.swapped_lanes == "one" and name == one):
                values = swap_lanes(values, m.lane)
            exact = rules.dtype == torch.float32 or (rules.integer_sums and not m.grouped)
            self.prepared[name] = values if exact else values.to(rules.dtype)
        return self.prepared[name]

    def quantized(self, x):
        """Integers as f32 [..., columns] and what one of them stands for, f32 [..., blocks, 1]."""
        block = self.rules.activation_block
        if block is None:
            block = 32 if self.w.grouped else 0
        columns = x.shape[-1]
        blocks = x.float().unflatten(-1, (-1, math.gcd(block, columns) or columns))
        largest = blocks.abs().amax(-1, keepdim=True)
        if self.w.grouped:
            step = (largest / 127).half().float()
            times = torch.where(step == 0, 0, 127 / largest)
        else:
            largest = largest.clamp(min=1e-5)
            step, times = largest / 127, 127 / largest
        q = (blocks * (times * self.rules.quantization_scale)).round().clamp(-127, 127)
        return q, step

    def bit_linear(self, name, x):
        m, rules, values = self.w[name], self.rules, self.matrix(name)
        scale = m.scale * rules.weight_scale
        if rules.activation_block == -1:
            return linear(x.to(values.dtype), values).to(rules.dtype) * scale
        q, step = self.quantized(x)
        if not m.grouped and q.shape[-2] == 1 and rules.integer_sums:
            q = q.flatten(-2)
            acc = linear(q, values)
            if rules.int16:
                acc = wrapped(acc, q)
            return (acc * (scale * step[..., 0])).to(rules.dtype)
        x = (q * step).flatten(-2).to(values.dtype)
        if rules.dtype != torch.float32 and not rules.integer_sums:
            scale = torch.tensor(scale).to(rules.dtype)
        return (linear(x, values) * scale).to(rules.dtype)

    def norm(self, name, x):
        if name.split(".")[-1] in self.rules.skipped_norms:
            return x
        y = x.float()
        y = y * torch.rsqrt((y * y).mean(-1, keepdim=True) + self.w.eps)
        return y.to(self.rules.dtype) * self.w[name].values.to(self.rules.dtype)

    def turned(self, x):
        """x: [batch, positions, heads, head_dim]."""
        at = slice(self.position, self.position + x.shape[1])
        cos, sin = (t[at, None].to(self.rules.dtype) for t in (self.cos, self.sin))
        first, second = self.pairs
        a, b, out = x[..., first], x[..., second], torch.empty_like(x)
        out[..., first], out[..., second] = a * cos - b * sin, a * sin + b * cos
        return out

    def attention(self, n, h):
        heads = [
            self.bit_linear(f"blk.{n}.{name}", h).unflatten(-1, (-1, self.w.head_dim))
            for name in ("attn_q", "attn_k", "attn_v")
        ]
        for i, name in enumerate(("attn_q_norm", "attn_k_norm")):
            if self.w.head_norms:
                heads[i] = self.norm(f"blk.{n}.{name}", heads[i])
            heads[i] = self.turned(heads[i])
        q, k, v = (t.transpose(1, 2) for t in heads)
        k, v = (t.to(self.rules.kv).to(self.rules.dtype) for t in (k, v))
        if self.cache[n] is not None:
            k, v = (torch.cat(both, dim=2) for both in zip(self.cache[n], (k, v)))
        self.cache[n] = k, v
        groups = self.w.n_heads // self.w.n_kv_heads
        k, v = (t.repeat_interleave(groups, 1) for t in (k, v))
        scores = q @ k.transpose(-1, -2) / math.sqrt(self.w.head_dim)
        queries, keys = scores.shape[-2:]
        scores = scores.masked_fill(torch.ones(queries, keys).triu(keys - queries + 1) > 0, -torch.inf)
        p = scores.float().softmax(-1).to(self.rules.dtype)
        return (p @ v).transpose(1, 2).flatten(2)

    @torch.no_grad()
    def feed(self, ids):
        """ids [batch, positions] -> logits f32 [batch, n_vocab] of the last position."""
        w, rules = self.w, self.rules
        x = w["token_embd"].values[ids].to(rules.dtype)
        for n in self.layers:
            o = self.attention(n, self.norm(f"blk.{n}.attn_norm", x))
            if w.sub_norms:
                o = self.norm(f"blk.{n}.attn_sub_norm", o)
            x = x + self.bit_linear(f"blk.{n}.attn_output", o)
            h = self.norm(f"blk.{n}.ffn_norm", x)
            gate, up = (self.bit_linear(f"blk.{n}.{name}", h) for name in ("ffn_gate", "ffn_up"))
            relu2 = w.relu2 != rules.other_activation
            g = (gate.relu() ** 2 if relu2 else silu(gate)) * up
            if w.sub_norms:
                g = self.norm(f"blk.{n}.ffn_sub_norm", g)
            x = x + self.bit_linear(f"blk.{n}.ffn_down", g)
        self.position += ids.shape[1]
        hidden = self.norm("output_norm", x[:, -1])
        return self.output(hidden).float()

    def output(self, hidden):
        name = "output" if self.w.get("output") is not None else "token_embd"
        values = self.matrix(name).to(self.rules.dtype)
        if self.w[name].grouped and self.rules.activation_block != -1:
            q, step = self.quantized(hidden)
            hidden = (q * step).flatten(-2).to(self.rules.dtype)
        return linear(hidden, values)


def swap_lanes(values, lane):
    """The first two of four weights that share a byte, exchanged."""
    lanes = values.unflatten(-1, (-1, 4, lane))
    return lanes[:, :, [1, 0, 2, 3]].flatten(1)


def wrapped(acc, q):
    """Sums of the codes 0, 1, 2 in 16 bits; what the offset adds is taken off afterwards."""
    offset = q.sum(-1, keepdim=True)
    return torch.remainder(acc + offset + 32768, 65536) - 32768 - offset


def decode(feed, prompts, n):
    """Greedy continuation of prompts [batch, length]: tokens [batch, n], logits f32 [batch, n, n_vocab].
    feed: see Engine.feed."""
    ids, tokens, rows = prompts, [], []
    for _ in range(n):
        last = feed(ids)
        ids = last.argmax(-1, keepdim=True)
        tokens.append(ids)
        rows.append(last)
    return torch.cat(tokens, 1).numpy(), torch.stack(rows, 1).numpy()
