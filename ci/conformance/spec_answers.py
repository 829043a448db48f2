#!/usr/bin/env python3
"""An example of an engine's answers: those of guest-reference/spec.py, which shows every tier. Needs numpy.

    spec_answers.py CORPUS f16|f32 > answers.json
"""
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "guest-reference"))
import spec

N_TOP = 8


def sums(product, given):
    """Integer sums of a projection, as the case has them."""
    x = np.array(given["input"], np.float32)
    if isinstance(product, spec.BitLinear):
        return product.sums(x)[0]
    blocks = x.reshape(-1, 32)
    m = np.abs(blocks).max(axis=1, keepdims=True)
    a = (m / np.float32(127)).astype(np.float16)
    s = np.where(a == 0, np.float32(0), np.float32(127) / m)
    q = np.clip(np.rint(blocks * s), -127, 127).astype(np.int64)
    return (product.w.reshape(len(product.w), -1, 32)[:16] * q).sum(axis=2)


def row(model, tensor, at):
    if tensor == "token_embd.weight":
        return model.embedding.row(at)
    _, layer, name, _ = tensor.split(".")
    product = model.layers[int(layer)][name]
    scale = product.scale if isinstance(product, spec.BitLinear) else np.repeat(product.d[at], 64)
    return product.w[at].astype(np.float32) * scale


def answer(path, case, kv_type):
    layout = (case["model"]["i2s_layout"] if case else None) or "block128"
    try:
        model = spec.Model(spec.File(str(path), layout))
    except (spec.Refused, UnicodeError) as e:
        return {"refused": str(e)}
    if not case:
        return {"runs": []}
    runs = []
    for prompt in case["prompts"]:
        tokens, logits, checksum = spec.generate(model, prompt, case["n_tokens"], kv_type, b"")
        top = [[[int(id), float(x[id])] for id in np.argsort(-x, kind="stable")[:N_TOP]] for x in logits]
        runs.append({"tokens": tokens, "top_logits": top, "checksum": checksum})
    of = {f["name"]: model.layers[int(f["tensor"].split(".")[1])][f["tensor"].split(".")[2]] for f in case["sums"]}
    return {
        "runs": runs,
        "sums": [{"name": f["name"], "sums": sums(of[f["name"]], f).ravel().tolist()} for f in case["sums"]],
        "rows": [{"tensor": f["tensor"], "row": f["row"], "values": row(model, f["tensor"], f["row"]).tolist()}
                 for f in case["rows"]],
    }


def main(folder, kv_type):
    np.seterr(all="ignore")
    answers = {}
    for path in sorted([*folder.glob("models/*.gguf"), *folder.glob("refused/*.gguf")]):
        of_case = folder / "cases" / f"{path.stem}.json"
        case = json.loads(of_case.read_text()) if path.parent.name == "models" else None
        answers[path.stem] = answer(path, case, kv_type)
    engine = {"name": "spec.py", "version": None, "kv_type": kv_type}
    print(json.dumps({"version": 1, "engine": engine, "answers": answers}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
