"""transformers as an engine for Bitreceipt; the protocol is ../ENGINE_PROTOCOL.md.

FOLDER has the checkpoint that model.gguf was converted from. pip install torch transformers, and then
bitreceipt benchmark --model model.gguf --engine 'hf=python3 transformers_engine.py FOLDER {threads} float32'
"""

import json
import sys

import torch
import transformers

folder, threads, dtype = sys.argv[1], int(sys.argv[2]), getattr(torch, sys.argv[3])
torch.set_num_threads(threads)
model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()


def send(message):
    print(json.dumps(message), flush=True)


# The KV cache has the type of the activations; the reference has f16 and f32.
kv_type = "f32" if dtype == torch.float32 else "f16"
send({"ready": 1, "name": "transformers", "version": transformers.__version__, "kv_type": kv_type})

for line in sys.stdin:
    request = json.loads(line)
    feed, cache, k = request["prompt_ids"], None, request["top_logits"]
    for _ in range(request["n"]):
        with torch.inference_mode():
            out = model(torch.tensor([feed]), past_key_values=cache, use_cache=True, logits_to_keep=1)
        logits, cache = out.logits[0, -1].float(), out.past_key_values
        best = int(logits.argmax())
        message = {"token": best}
        if k:
            top = logits.topk(k)
            message["top_logits"] = [[int(i), float(x)] for x, i in zip(top.values, top.indices)]
        send(message)
        feed = [best]
    send({"end": True})
