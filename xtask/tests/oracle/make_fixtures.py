"""Makes the fixtures of families D to J: small random models as GGUF files, and what Hugging Face
transformers computes for them. README.md says what the families are.

    python3 -m venv venv
    venv/bin/pip install torch==2.15.0 transformers==5.23.0 gguf==0.19.0 numpy==2.4.6
    venv/bin/python make_fixtures.py            writes all files beside this script
    venv/bin/python make_fixtures.py D G        only these families
    venv/bin/python make_fixtures.py --verify   changes nothing: see verify_fixtures.py

The same script on the same processor writes the same bytes. The GGUF files follow from the seeds
alone; logits may differ in their last bits from one processor to another.
"""

import argparse
import hashlib
import json
import os
import sys
from importlib.metadata import version
from pathlib import Path

sys.dont_write_bytecode = True
# One arithmetic on more than one processor, as far as the libraries allow.
os.environ["MKL_CBWR"] = "COMPATIBLE"
os.environ["ATEN_CPU_CAPABILITY"] = "default"
os.environ["TORCHDYNAMO_DISABLE"] = "1"

import gguf_files  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
import transformers  # noqa: E402
import verify_fixtures  # noqa: E402
from families import FAMILIES, random_weights  # noqa: E402
from grouped_linear import GroupedLinear  # noqa: E402
from strict_prompts import N_SPECIAL, logits, strict_prompts  # noqa: E402
from transformers import (  # noqa: E402
    AutoModelForCausalLM,
    BitNetConfig,
    DynamicCache,
    LlamaConfig,
    Qwen3Config,
)
from transformers.integrations.bitnet import ActQuant, AutoBitLinear  # noqa: E402

HERE = Path(__file__).parent
N_PROMPT, N_GENERATE = 24, 40
# Smallest lead of a chosen token, in standard deviations.
MARGIN = 0.1
MODULES = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm",
    "attn_sub_norm": "self_attn.attn_sub_norm", "ffn_norm": "post_attention_layernorm",
    "ffn_sub_norm": "mlp.ffn_sub_norm", "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
}
CONFIGS = {"llama": LlamaConfig, "qwen3": Qwen3Config}


def config(family):
    """The configuration that transformers needs for this family."""
    rope = {"rope_type": "default", "rope_theta": family.rope_base}
    if family.linear_factor not in (0, 1):
        rope |= {"rope_type": "linear", "factor": family.linear_factor}
    if family.llama3:
        factor, low, high, n_original = family.llama3
        rope |= {"rope_type": "llama3", "factor": factor, "low_freq_factor": low,
                 "high_freq_factor": high, "original_max_position_embeddings": n_original}
    context = 2048
    if family.yarn:
        context = int(family.yarn[0] * family.yarn[1])
        names = ("factor", "original_max_position_embeddings", "beta_fast", "beta_slow")
        rope |= {"rope_type": "yarn"} | dict(zip(names, family.yarn))
    return CONFIGS.get(family.architecture, BitNetConfig)(
        vocab_size=family.n_vocab, hidden_size=family.n_embd, intermediate_size=family.n_ff,
        num_hidden_layers=family.n_layers, num_attention_heads=family.n_heads,
        num_key_value_heads=family.n_kv_heads, head_dim=family.head_dim,
        hidden_act=family.activation, rms_norm_eps=family.eps, max_position_embeddings=context,
        tie_word_embeddings=not family.output, rope_parameters=rope,
        bos_token_id=1, eos_token_id=2, pad_token_id=0,
    )


def module_name(tensor):
    """transformers' module for a tensor `blk.N.NAME.weight`."""
    _, layer, name, _ = tensor.split(".")
    return f"model.layers.{layer}.{MODULES[name]}"


def build(family, weights):
    """transformers' own model with the weights of the family."""
    model = AutoModelForCausalLM.from_config(
        config(family), attn_implementation="eager", dtype=torch.float32
    )
    with torch.no_grad():
        for name, projection in weights.projections.items():
            rows, columns = projection.weights.shape
            if family.group:
                linear = GroupedLinear(projection.values)
            else:
                linear = AutoBitLinear(columns, rows, bias=False, dtype=torch.float32)
                linear.weight.copy_(torch.from_numpy(projection.weights))
                linear.weight_scale.fill_(float(projection.scale))
            assert model.get_submodule(module_name(name)).weight.shape == (rows, columns)
            model.set_submodule(module_name(name), linear)
        for name, norm in weights.norms.items():
            at = "model.norm" if name == "output_norm.weight" else module_name(name)
            model.get_submodule(at).weight.copy_(torch.from_numpy(norm))
        tables = {name: torch.from_numpy(t.values) for name, t in weights.tables.items()}
        embedding = tables["token_embd.weight"]
        model.model.embed_tokens.weight.copy_(embedding)
        model.lm_head.weight.copy_(tables.get("output.weight", embedding))
    assert (model.lm_head.weight is model.model.embed_tokens.weight) == (not family.output)
    if family.group:
        output = weights.tables.get("output.weight", weights.tables["token_embd.weight"])
        model.lm_head = GroupedLinear(output.values)
    return model.eval()


def margins(rows):
    """Lead of the largest logit of each row over the next."""
    ordered = np.sort(rows, axis=-1)
    return ordered[..., -1] - ordered[..., -2]


def decode(model, prompts):
    """Greedy continuation of prompts [n, N_PROMPT], [n, N_GENERATE], and the least lead of each in
    standard deviations. Gives up when all leads are too small."""
    cache, ids, tokens = DynamicCache(), torch.as_tensor(prompts), []
    least, std = np.full(len(prompts), np.inf), None
    for _ in range(N_GENERATE):
        rows = model(ids, past_key_values=cache, use_cache=True).logits
        last = rows[:, -1].numpy()
        std = std or rows.numpy().std()
        least = np.minimum(least, margins(last) / std)
        if least.max() < MARGIN:
            break
        ids = torch.as_tensor(last.argmax(-1)[:, None])
        tokens.append(ids.numpy())
    return np.concatenate(tokens or [ids.numpy()], axis=1), least


def greedy_run(family, model):
    """A prompt, its greedy continuation, and the logits of all its positions, such that every
    choice is clear and the continuation does not only repeat itself."""
    rng = np.random.default_rng([family.seed, 1])
    for _ in range(200):
        prompts = rng.integers(N_SPECIAL, family.n_vocab, (256, N_PROMPT))
        continuations, least = decode(model, prompts)
        for i in np.flatnonzero(least >= MARGIN):
            prompt, tokens = prompts[i], continuations[i]
            rows = logits(model, [np.concatenate([prompt, tokens[:-1]])])[0]
            std = rows[:N_PROMPT].std()
            choices = rows[N_PROMPT - 1 :]
            clear = margins(choices).min() >= MARGIN * std
            if clear and (choices.argmax(-1) == tokens).all() and len(set(tokens)) >= 16:
                return prompt, tokens, rows
    raise SystemExit(f"{family.name}: no greedy run with clear choices")


def without_activation_quantization(model, prompts):
    """Logits of the same model with float activations: what a wrong program might compute."""
    quantize = ActQuant.apply, GroupedLinear.quantize
    ActQuant.apply = lambda activation: activation
    GroupedLinear.quantize = staticmethod(ActQuant.apply)
    try:
        return logits(model, prompts)
    finally:
        ActQuant.apply, GroupedLinear.quantize = quantize[0], staticmethod(quantize[1])


def sha256(path):
    return {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


@torch.no_grad()
def make(family, folder):
    """Writes the files of one family."""
    weights = random_weights(family)
    for file in family.files:
        gguf_files.write(folder / file.name, family, weights, file)
    model = build(family, weights)
    strict, distances = strict_prompts(family, model)
    prompt, tokens, rows = greedy_run(family, model)
    fed = [np.concatenate([prompt, tokens[:-1]])]
    arrays = {
        "prompt": prompt.astype(np.int32),
        "prompt_logits": rows[:N_PROMPT],
        "tokens": tokens.astype(np.int32),
        "step_logits": rows[N_PROMPT - 1 :],
        "strict_prompts": strict,
        "strict_logits": np.concatenate([logits(model, [p]) for p in strict]),
        "strict_boundary": distances,
        "noactq_step_logits": without_activation_quantization(model, fed)[0, N_PROMPT - 1 :],
    }
    archive = folder / f"{family.name}-oracle.npz"
    np.savez_compressed(archive, **arrays)
    std = float(arrays["prompt_logits"].std())
    lead = margins(arrays["step_logits"]) / std
    report = {
        "model": family.name,
        "spec": family.spec(),
        "generator": f"make_fixtures.py: transformers {transformers.__version__}, torch "
        f"{torch.__version__.split('+')[0]} CPU, float32, eager attention, "
        f"{'GroupedLinear' if family.group else 'AutoBitLinear offline'}, "
        f"1 thread, gguf {version('gguf')}, numpy {np.__version__}",
        "prompt": prompt.tolist(),
        "tokens": tokens.tolist(),
        "step_margin_over_std": [round(float(x), 5) for x in lead],
        "logit_std": std,
        "strict_prompts": strict.tolist(),
        "strict_boundary_quanta": distances.tolist(),
        "tolerance": {
            "strict_max_abs_over_std": 5e-05,
            "long_max_abs_over_std": 0.35,
            "long_rms_over_std": 0.04,
            "greedy_tokens": "identical",
        },
        "files": {},
    }
    for path in sorted([archive, *(folder / file.name for file in family.files)]):
        report["files"][path.name] = sha256(path)
    text = json.dumps(report, indent=1) + "\n"
    (folder / f"{family.name}-oracle.json").write_text(text)
    least = f"least lead {lead.min():.3f}, boundary {distances.min():.1e}"
    print(f"{family.name}: std {std:.3f}, {least}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("families", nargs="*", metavar="FAMILY", help="default: all")
    parser.add_argument("--out", type=Path, default=HERE, help="default: beside this script")
    parser.add_argument("--verify", action="store_true", help="compare existing files instead")
    arguments = parser.parse_args()
    names = [family.name for family in FAMILIES]
    if unknown := set(arguments.families) - set(names):
        parser.error(f"unknown family {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for family in FAMILIES:
        if not arguments.families or family.name in arguments.families:
            act = verify_fixtures.check if arguments.verify else make
            act(family, arguments.out)


if __name__ == "__main__":
    main()
