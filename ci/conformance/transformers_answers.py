#!/usr/bin/env python3
"""The answers of Hugging Face's transformers in f32, with the weights that ../tolerance/weights.py reads: so
nothing is said of reading files. Models with other I2_S layouts than block128 are left out. Needs what
../tolerance/requirements.txt lists.

    transformers_answers.py CORPUS > answers.json
"""
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tolerance"))
import peers
import torch
import transformers
import weights

N_TOP = 8


@torch.no_grad()
def run(model, prompt, n):
    cache, feed, tokens, top_logits = transformers.DynamicCache(), prompt, [], []
    for _ in range(n):
        logits = model(torch.tensor([feed]), past_key_values=cache, use_cache=True).logits[0, -1]
        top = logits.topk(N_TOP)
        top_logits.append([[int(i), float(x)] for x, i in zip(top.values, top.indices)])
        tokens.append(top_logits[-1][0][0])
        feed = tokens[-1:]
    return {"tokens": tokens, "top_logits": top_logits}


def main(folder):
    answers = {}
    for path in sorted(folder.glob("cases/*.json")):
        case = json.loads(path.read_text())
        if case["model"]["i2s_layout"] not in (None, "block128"):
            continue
        of_file = weights.Weights(folder / "models" / case["model"]["file_name"])
        model = peers.model(of_file, torch.float32, max(map(len, case["prompts"])) + case["n_tokens"])
        answers[path.stem] = {"runs": [run(model, prompt, case["n_tokens"]) for prompt in case["prompts"]]}
    engine = {"name": "transformers", "version": transformers.__version__, "kv_type": "f32"}
    print(json.dumps({"version": 1, "engine": engine, "answers": answers}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
