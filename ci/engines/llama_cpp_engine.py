"""llama-cpp-python as an engine for Bitreceipt; the protocol is ../ENGINE_PROTOCOL.md.

pip install llama-cpp-python, and then
bitreceipt benchmark --model M.gguf --engine 'lcpp=python3 llama_cpp_engine.py {model} {threads} {context}'
"""

import json
import sys

import llama_cpp
import numpy as np

model, threads, context = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])


def send(message):
    print(json.dumps(message), flush=True)


llm = llama_cpp.Llama(model, n_ctx=context, n_batch=context, n_ubatch=context, n_threads=threads,
                      n_threads_batch=threads, verbose=False)
send({"ready": 1, "name": "llama-cpp-python", "version": llama_cpp.__version__})

for line in sys.stdin:
    request = json.loads(line)
    llm.reset()
    feed, k = request["prompt_ids"], request["top_logits"]
    for _ in range(request["n"]):
        llm.eval(feed)
        logits = np.ctypeslib.as_array(llm._ctx.get_logits_ith(-1), (llm.n_vocab(),))
        best = int(logits.argmax())  # of equal ones the lowest id
        message = {"token": best}
        if k:
            top = np.argsort(-logits, kind="stable")[:k]
            message["top_logits"] = [[int(i), float(logits[i])] for i in top]
        send(message)
        feed = [best]
    send({"end": True})
