"""What a program has to get right about `qwen3` with grouped ternary weights, in numpy and float64:
the counterpart of `verify_fixtures.Rules` for these families."""

from dataclasses import dataclass, replace

import numpy as np

TYPES = (42, 142, 143)


def values(data, rows, columns, type_id, layout):
    """f64 [rows, columns]: looks every weight up in the byte where its type puts it."""
    block = 64 if layout == "q2_0" and type_id == 42 else 128
    n_bytes = 28 if type_id == 143 else 2 + block // 4
    raw = np.frombuffer(data, np.uint8, rows * columns // block * n_bytes).reshape(-1, n_bytes)
    w = np.arange(block)
    if type_id == 143:
        d, bytes_ = raw[:, 26:], raw[:, :26]
        byte = np.select([w < 80, w < 120], [w % 16, 16 + w % 8], 24 + w % 2)
        place = np.select([w < 80, w < 120], [w // 16, (w - 80) // 8], (w - 120) // 2)
        codes = (bytes_[:, byte] * 3**place % 256 * 3) >> 8
    else:
        d, bytes_ = raw[:, :2], raw[:, 2:]
        codes = bytes_[:, w // 4] >> (2 * (w % 4)) & 3
    assert codes.max() <= 2
    scales = np.ascontiguousarray(d).view(np.float16).astype(np.float64)
    return ((codes.astype(np.float64) - 1) * scales).reshape(rows, columns)


@dataclass(frozen=True)
class GroupedRules:
    """A mistake is one of these replaced. `block`: activations with one scale; 0: a position."""

    block: int = 32
    quantize: bool = True
    quantize_hidden: bool = True
    rounded_scale: bool = True
    head_norms: str = "before RoPE"
    yarn_ramp: bool = True
    yarn_attention: bool = True
    yarn_betas: bool = True

    def quantized(self, x):
        """What quantized activations stand for."""
        if not self.quantize:
            return x
        blocks = x.reshape(len(x), -1, self.block or x.shape[-1])
        largest = np.abs(blocks).max(-1, keepdims=True)
        scale = largest / 127
        if self.rounded_scale:
            scale = scale.astype(np.float16).astype(np.float64)
        quanta = np.rint(blocks * (127 / np.where(largest == 0, 1, largest)))
        return (quanta * scale).reshape(x.shape)

    def yarn(self, keys, inverse, dim):
        """Frequencies and the factor of cos and sin."""
        factor = keys["rope.scaling.factor"]
        n_original = keys["rope.scaling.original_context_length"]
        fast, slow = 32.0, 1.0
        if self.yarn_betas:
            fast = keys.get("rope.scaling.yarn_beta_fast", fast)
            slow = keys.get("rope.scaling.yarn_beta_slow", slow)
        base = keys["rope.freq_base"]
        low, high = (
            dim * np.log(n_original / (beta * 2 * np.pi)) / (2 * np.log(base))
            for beta in (fast, slow)
        )
        low, high = max(np.floor(low), 0), min(np.ceil(high), dim - 1)
        ramp = np.clip((np.arange(dim // 2) - low) / (high - low), 0, 1)
        if not self.yarn_ramp:
            ramp = np.ones(dim // 2)
        scale = 0.1 * np.log(factor) + 1 if self.yarn_attention else 1.0
        return inverse / factor * ramp + inverse * (1 - ramp), scale


def mistakes(family, rules):
    """Name and rules of every mistake that this family is to show."""
    yield "no activation quantization", replace(rules, quantize=False)
    yield "one activation scale", replace(rules, block=0)
    yield "activation blocks of 64", replace(rules, block=64)
    yield "block scales not rounded", replace(rules, rounded_scale=False)
    yield "hidden not quantized", replace(rules, quantize_hidden=False)
    yield "no head norms", replace(rules, head_norms="never")
    yield "head norms after RoPE", replace(rules, head_norms="after RoPE")
    if family.yarn:
        yield "YaRN as linear scaling", replace(rules, yarn_ramp=False)
        yield "YaRN without attention factor", replace(rules, yarn_attention=False)
    if len(family.yarn) > 2:
        yield "YaRN with the default betas", replace(rules, yarn_betas=False)
