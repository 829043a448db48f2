"""BitNet b1.58 with the architecture of 2B4T, as `guest-reference/NUMERICS.md` specifies it.

In training, products run in bfloat16, which holds ternary weights and int8 activations exactly, and
everything else in float32. Gradients pass through the roundings as if these were not there
(straight-through).
"""

import dataclasses
import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

RMS_EPSILON = 1e-5


@dataclasses.dataclass(frozen=True)
class Shape:
    """Sizes of a model. Columns of ternary matrices are multiples of 128, as I2_S wants them."""

    n_vocab: int = 1024
    n_embd: int = 256
    n_layers: int = 4
    n_heads: int = 4
    n_kv_heads: int = 2
    n_ff: int = 768
    context: int = 512
    rope_base: float = 10000.0

    @property
    def head_dim(self) -> int:
        """Elements of a head."""
        return self.n_embd // self.n_heads


def ternary(weight: Tensor) -> tuple[Tensor, Tensor]:
    """Weights as -1, 0, +1, and their scale: the mean magnitude."""
    scale = weight.abs().mean().clamp(min=1e-5)
    return (weight / scale).round().clamp(-1, 1), scale


class TernaryProduct(torch.autograd.Function):
    """`x` [n, columns] times ternary `weights` [rows, columns], one below the other: [n, rows]."""

    @staticmethod
    def forward(ctx, x: Tensor, dtype: torch.dtype, *weights: Tensor) -> Tensor:
        largest = x.abs().amax(-1, keepdim=True).clamp(min=1e-5)
        q = (x * (127 / largest)).round().clamp(-127, 127).to(dtype)
        a = largest / 127
        parts = [ternary(w) for w in weights]
        w = torch.cat([values.to(dtype) for values, _ in parts])
        s = torch.cat([scale.expand(values.shape[0]) for values, scale in parts])
        ctx.save_for_backward(q, a, w, s)
        ctx.rows = [values.shape[0] for values, _ in parts]
        return F.linear(q, w).float() * a * s

    @staticmethod
    def backward(ctx, grad: Tensor):
        q, a, w, s = ctx.saved_tensors
        dx = (grad * s).to(w.dtype) @ w
        dw = (grad * a).to(w.dtype).T @ q
        return dx.float(), None, *dw.float().split(ctx.rows)


def norm(x: Tensor, weight: Tensor) -> Tensor:
    """RMSNorm over the last dimension."""
    return F.rms_norm(x, weight.shape, weight, RMS_EPSILON)


class Layer(nn.Module):
    """One layer. Parameters have the names of the tensors of a GGUF file."""

    def __init__(self, shape: Shape, is_ternary: bool, dtype: torch.dtype):
        super().__init__()
        self.shape, self.is_ternary, self.dtype = shape, is_ternary, dtype
        n_kv = shape.n_kv_heads * shape.head_dim

        def matrix(rows: int, columns: int, std: float = 0.03) -> nn.Parameter:
            return nn.Parameter(torch.randn(rows, columns) * std)

        into_stream = 0.03 / math.sqrt(2 * shape.n_layers)
        self.attn_q = matrix(shape.n_embd, shape.n_embd)
        self.attn_k = matrix(n_kv, shape.n_embd)
        self.attn_v = matrix(n_kv, shape.n_embd)
        self.attn_output = matrix(shape.n_embd, shape.n_embd, into_stream)
        self.ffn_gate = matrix(shape.n_ff, shape.n_embd)
        self.ffn_up = matrix(shape.n_ff, shape.n_embd)
        self.ffn_down = matrix(shape.n_embd, shape.n_ff, into_stream)
        for name in ("attn_norm", "attn_sub_norm", "ffn_norm"):
            self.register_parameter(name, nn.Parameter(torch.ones(shape.n_embd)))
        self.ffn_sub_norm = nn.Parameter(torch.ones(shape.n_ff))

    def product(self, x: Tensor, *weights: Tensor) -> Tensor:
        """`x` [n, columns] times `weights`, one below the other: [n, rows]."""
        if self.is_ternary:
            return TernaryProduct.apply(x, self.dtype, *weights)
        return F.linear(x.to(self.dtype), torch.cat(weights).to(self.dtype)).float()

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """The residual stream [batch, time, n_embd] behind this layer."""
        batch, time, n_embd = x.shape
        x = x.flatten(0, 1)
        h = norm(x, self.attn_norm)
        qkv = self.product(h, self.attn_q, self.attn_k, self.attn_v)
        heads = qkv.view(batch, time, -1, self.shape.head_dim).transpose(1, 2)
        n, n_kv = self.shape.n_heads, self.shape.n_kv_heads
        q, k, v = heads.split([n, n_kv, n_kv], dim=1)
        q, k, v = (t.to(self.dtype) for t in (rotate(q, cos, sin), rotate(k, cos, sin), v))
        o = attention(q, k, v)
        o = o.transpose(1, 2).reshape(batch * time, n_embd).float()
        x = x + self.product(norm(o, self.attn_sub_norm), self.attn_output)
        h = norm(x, self.ffn_norm)
        gate, up = self.product(h, self.ffn_gate, self.ffn_up).chunk(2, dim=-1)
        g = F.relu(gate).square() * up
        x = x + self.product(norm(g, self.ffn_sub_norm), self.ffn_down)
        return x.view(batch, time, n_embd)


def attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Causal attention [batch, heads, time, head_dim]. Faster than PyTorch's own on one core."""
    batch, n, time, head_dim = q.shape
    q = q.reshape(batch, k.shape[1], -1, head_dim)
    scores = (q @ k.transpose(2, 3)).view(batch, n, time, time).float() / math.sqrt(head_dim)
    is_later = torch.ones(time, time, dtype=torch.bool).triu(1)
    p = scores.masked_fill(is_later, -torch.inf).softmax(-1).to(v.dtype)
    return (p.view(batch, k.shape[1], -1, time) @ v).view(batch, n, time, head_dim)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """RoPE on pairs of halves."""
    x0, x1 = x.chunk(2, dim=-1)
    return torch.cat([x0 * cos - x1 * sin, x0 * sin + x1 * cos], dim=-1)


class Model(nn.Module):
    """The whole model; the output matrix is the embedding."""

    def __init__(self, shape: Shape, is_ternary: bool, dtype: torch.dtype = torch.bfloat16):
        super().__init__()
        self.shape, self.dtype = shape, dtype
        self.token_embd = nn.Parameter(torch.randn(shape.n_vocab, shape.n_embd) * 0.02)
        self.output_norm = nn.Parameter(torch.ones(shape.n_embd))
        self.layers = nn.ModuleList(Layer(shape, is_ternary, dtype) for _ in range(shape.n_layers))
        pairs = torch.arange(0, shape.head_dim, 2, dtype=torch.float64)
        frequency = shape.rope_base ** (-pairs / shape.head_dim)
        angle = torch.outer(torch.arange(shape.context), frequency)
        self.register_buffer("cos", angle.cos().float(), persistent=False)
        self.register_buffer("sin", angle.sin().float(), persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits [batch * time, n_vocab] for ids [batch, time]."""
        time = ids.shape[1]
        x = F.embedding(ids, self.token_embd)
        for layer in self.layers:
            x = layer(x, self.cos[:time], self.sin[:time])
        hidden = norm(x.flatten(0, 1), self.output_norm)
        return F.linear(hidden.to(self.dtype), self.token_embd.to(self.dtype)).float()
