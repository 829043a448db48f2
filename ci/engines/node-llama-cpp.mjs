// node-llama-cpp as an engine for Bitreceipt; the protocol is ../ENGINE_PROTOCOL.md.
// npm install node-llama-cpp, and then
// bitreceipt benchmark --model M.gguf --engine 'node-llama-cpp=node node-llama-cpp.mjs {model} {threads} {context}'
import {createInterface} from "node:readline";
import {writeSync} from "node:fs";
import {getLlama, LlamaLogLevel} from "node-llama-cpp";

const [modelPath, threads, contextSize] = process.argv.slice(2);
const send = (message) => writeSync(1, JSON.stringify(message) + "\n");

const llama = await getLlama({gpu: false, build: "never", logLevel: LlamaLogLevel.error, maxThreads: +threads,
    logger: (_, text) => console.error(text)});
const model = await llama.loadModel({modelPath});
const context = await model.createContext({contextSize: +contextSize, threads: +threads});
const sequence = context.getSequence();
send({ready: 1, name: "llama.cpp", version: llama.llamaCppRelease.release});

for await (const line of createInterface({input: process.stdin})) {
    const {prompt_ids: prompt, n, top_logits: k} = JSON.parse(line);
    await sequence.clearHistory();
    const options = {generateNext: {token: true, probabilities: k > 0, options: {temperature: 0}}};
    let input = [...prompt.slice(0, -1), [prompt.at(-1), options]];
    for (let i = 0; i < n; i++) {
        const next = (await sequence.controlledEvaluate(input)).at(-1).next;
        const top = k > 0 && {top_logits: [...next.probabilities].slice(0, k).map(([id, p]) => [id, Math.log(p)])};
        send({token: next.token, ...top});
        input = [[next.token, options]];
    }
    send({end: true});
}
process.exit(0);
