"""Engines that others wrote: Hugging Face's transformers, and llama.cpp through llama_logits.c."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["TORCHDYNAMO_DISABLE"] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402
from engine import decode  # noqa: E402
from torch.nn.functional import linear  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[2] / "xtask/tests/oracle"))
from grouped_linear import GroupedLinear  # noqa: E402

MODULES = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm",
    "attn_sub_norm": "self_attn.attn_sub_norm", "ffn_norm": "post_attention_layernorm",
    "ffn_sub_norm": "mlp.ffn_sub_norm", "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
}


class Grouped(GroupedLinear):
    """The same in any dtype: activations are quantized in f32."""

    def forward(self, x):
        return linear(self.quantize(x.float()).to(self.weight.dtype), self.weight)


def config(w):
    from transformers import BitNetConfig, LlamaConfig, Qwen3Config

    kind = {"llama": LlamaConfig, "qwen3": Qwen3Config}.get(w.architecture, BitNetConfig)
    return kind(
        vocab_size=w.n_vocab, hidden_size=w.n_embd, num_hidden_layers=w.n_layers,
        intermediate_size=w.keys["feed_forward_length"], num_attention_heads=w.n_heads,
        num_key_value_heads=w.n_kv_heads, head_dim=w.head_dim,
        hidden_act="relu2" if w.relu2 else "silu", rms_norm_eps=w.eps,
        tie_word_embeddings=w.get("output") is None,
        bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )


def halves(values, head_dim):
    """Rows of q or k whose partners of a rotation are neighbours, as transformers orders them."""
    heads = values.unflatten(0, (-1, head_dim // 2, 2))
    return heads.transpose(1, 2).flatten(0, 2)


def projection(w, name, m):
    from transformers.integrations.bitnet import AutoBitLinear

    values = m.values
    if w.neighbours and name in ("attn_q", "attn_k"):
        values = halves(values, w.head_dim)
    if m.grouped:
        return Grouped(values.numpy())
    module = AutoBitLinear(values.shape[1], values.shape[0], bias=False, dtype=torch.float32)
    module.weight.data.copy_(values)
    module.weight_scale.fill_(m.scale)
    return module


def model(w, dtype, n_positions):
    """transformers' own model with the weights of a file."""
    from transformers import AutoModelForCausalLM

    made = AutoModelForCausalLM.from_config(
        config(w), attn_implementation="eager", dtype=torch.float32
    )
    for tensor, m in w.tensors.items():
        parts = tensor.split(".")
        if parts[0] != "blk":
            continue
        at = f"model.layers.{parts[1]}.{MODULES[parts[2]]}"
        if m.values.ndim == 1:
            made.get_submodule(at).weight.data.copy_(m.values)
        else:
            made.set_submodule(at, projection(w, parts[2], m))
    made.model.norm.weight.data.copy_(w["output_norm"].values)
    made.model.embed_tokens.weight.data.copy_(w["token_embd"].values)
    output = w.get("output") or w["token_embd"]
    if output.grouped:
        made.lm_head = Grouped(output.values.numpy())
    else:
        made.lm_head.weight.data.copy_(output.values)
    made = made.to(dtype).eval()
    rotary = made.model.rotary_emb
    rotary.inv_freq, rotary.attention_scaling = frequencies(w)
    return made


def frequencies(w):
    """Frequencies f32 [head_dim / 2] and the factor of cos and sin."""
    cos, sin, _ = w.rope(2, False)
    scale = float(w.rope(1, False)[0][0, 0])
    return torch.atan2(sin[1], cos[1]), scale


class Transformers:
    """Decodes a batch of prompts."""

    def __init__(self, w, dtype, n_positions):
        self.model = model(w, dtype, n_positions)

    @torch.no_grad()
    def decode(self, prompts, n):
        from transformers import DynamicCache

        cache = DynamicCache()

        def feed(ids):
            return self.model(ids, past_key_values=cache, use_cache=True).logits[:, -1].float()

        return decode(feed, prompts, n)


class LlamaCpp:
    """program: llama_logits.c, built. kv: f16 or f32."""

    def __init__(self, program, path, kv):
        self.program, self.path, self.kv = program, path, kv

    def decode(self, prompts, n):
        with tempfile.TemporaryDirectory() as folder:
            rows = Path(folder) / "rows"
            lines = "".join(",".join(map(str, p)) + "\n" for p in prompts.tolist())
            done = subprocess.run(
                [self.program, self.path, str(n), rows, self.kv],
                input=lines, capture_output=True, text=True, check=True,
            )
            tokens = np.array([line.split(",") for line in done.stdout.split()], np.int64)
            return tokens, np.fromfile(rows, np.float32).reshape(*tokens.shape, -1)

