// A worker: a stage of the replay with a guest of its own, or the one that hashes the model. The
// bindings stand before this text. Rust computes; this only moves bytes.
'use strict';

/** Bytes of the model that are hashed at once. */
const SLICE = 8 << 20;

/** Milliseconds between two reports of progress. */
const REPORT_EVERY = 100;

/** Gives messages a chance, between two pieces of work. */
const breath = (() => {
  const { port1, port2 } = new MessageChannel();
  let resume;
  port1.onmessage = () => resume();
  return () => new Promise((resolve) => {
    resume = resolve;
    port2.postMessage(null);
  });
})();

/** Residual streams that have come in and are not yet taken, in the order of positions. */
class Inbox {
  #waiting = [];
  #taker = null;

  put(residual) {
    if (this.#taker) {
      const taker = this.#taker;
      this.#taker = null;
      taker(residual);
    } else {
      this.#waiting.push(residual);
    }
  }

  take() {
    if (this.#waiting.length > 0) return Promise.resolve(this.#waiting.shift());
    return new Promise((resolve) => { this.#taker = resolve; });
  }
}

/**
 * Reads a file piece by piece into one buffer, which is used again: a browser frees buffers of its own only
 * when it sees fit, and those of a large file add up to its size until then.
 */
class Pieces {
  #buffer = new ArrayBuffer(0);

  /** The bytes from `start` to `end` of `file`, until the next call. */
  async read(file, start, end) {
    const slice = file.slice(start, end);
    const n = end - start;
    let reader;
    try {
      reader = slice.stream().getReader({ mode: 'byob' });
    } catch {
      // A browser that cannot read into a buffer of ours.
      return new Uint8Array(await slice.arrayBuffer());
    }
    if (this.#buffer.byteLength < n) this.#buffer = new ArrayBuffer(n);
    let at = 0;
    while (at < n) {
      const { done, value } = await reader.read(new Uint8Array(this.#buffer, at, n - at));
      if (done) throw new DOMException('it ends too early', 'NotReadableError');
      at += value.byteLength;
      this.#buffer = value.buffer;
    }
    await reader.cancel();
    return new Uint8Array(this.#buffer, 0, n);
  }
}

/** An error of a file has the name of the file in front of it. */
function ofFile(error, file) {
  if (!(error instanceof DOMException)) return error;
  const message = `${file.name ?? 'model'}: the file cannot be read: ${error.message}`;
  return Object.assign(new Error(message), { name: 'BadInput' });
}

/** Says how much was done, now and then. */
function reporter(done) {
  let last = 0;
  return (isLast) => {
    const now = performance.now();
    if (!isLast && now - last < REPORT_EVERY) return;
    last = now;
    self.postMessage({ type: 'progress', work: done() });
  };
}

/**
 * Computes the layers that are dealt to the stage `index` of `n`: each at all positions, handed on one by
 * one. Then computes its share of the head.
 */
async function runStage({ index, n, receipt, guest, model, pass, next, previous }) {
  // What of the work fails first, in the order of layers, decides. Opening stands before all layers.
  let unit = -1;
  try {
    const [ofLayer, ofHead] = [new Inbox(), new Inbox()];
    if (previous) previous.onmessage = ({ data }) => ofLayer.put(data);
    self.onmessage = ({ data }) => ofHead.put(data);
    const stage = new wasm_bindgen.GuestStage(receipt, guest, model, pass);
    const { nLayers, nPositions, phase, work } = stage;
    self.postMessage({ type: 'open', nLayers, nPositions, phase, work });

    const report = reporter(() => stage.workDone());
    const pieces = new Pieces();
    const load = async (nRanges) => {
      for (let i = 0; i < nRanges; i++) {
        const [start, end] = stage.range(i);
        stage.loadRange(i, await pieces.read(model, start, end));
      }
    };
    const lastStage = (nLayers - 1) % n;
    const starts = stage.headShares(n);
    // The stage that is done with its layers first gets the first share.
    const ownerOf = (share) => (lastStage + 1 + share) % n;
    const shareOf = (position) => starts.findLastIndex((start) => start <= position);
    for (let layer = index; layer < nLayers; layer += n) {
      unit = layer;
      await load(stage.planLayer(layer));
      for (let position = 0; position < nPositions; position++) {
        if (layer === 0) stage.embed(position);
        else stage.enter(position, await ofLayer.take());
        const leaving = stage.layer(position);
        if (layer < nLayers - 1) {
          if (next) next.postMessage(leaving, [leaving.buffer]);
          else ofLayer.put(leaving);
        } else {
          const to = ownerOf(shareOf(position));
          if (to === index) ofHead.put(leaving);
          else self.postMessage({ type: 'head', to, residual: leaving }, [leaving.buffer]);
        }
        report(false);
        await breath();
      }
      const digests = stage.releaseLayer(layer);
      self.postMessage({ type: 'layer', layer, digests }, [digests.buffer]);
    }

    const share = (index - lastStage - 1 + 2 * n) % n;
    if (share < starts.length - 1) {
      unit = nLayers + share;
      const [start, end] = [starts[share], starts[share + 1]];
      for (let position = start; position < end; position++) {
        stage.enter(position, await ofHead.take());
      }
      stage.beginHead(start, end);
      for (let chunk = 0; chunk < stage.nChunks; chunk++) {
        await load(stage.planHead(chunk));
        stage.headChunk(chunk);
        report(false);
      }
      const heads = stage.endHead();
      const { hidden, choices, kept } = heads;
      report(true);
      const message = { type: 'heads', share, nPositions: end - start, hidden, choices, kept };
      self.postMessage(message, [hidden.buffer, choices.buffer, kept.buffer]);
    }
    report(true);
  } catch (error) {
    fail(unit, ofFile(error, model));
  }
}

/** A browser says that it has no more memory in several ways, and Rust stops without a word. */
function fail(unit, error) {
  const isMemory = error instanceof RangeError || error instanceof WebAssembly.RuntimeError;
  const name = isMemory ? 'Memory' : error.name;
  const message = isMemory ? `the browser gave no more memory (${error.message})` : error.message;
  self.postMessage({ type: 'failed', unit, name, message });
}

/** Hashes the model, slice by slice. */
async function hashModel({ model }) {
  try {
    const pieces = new Pieces();
    const digest = new wasm_bindgen.FileDigest();
    let done = 0;
    const report = reporter(() => {
      const work = done;
      done = 0;
      return work;
    });
    for (let at = 0; at < model.size; at += SLICE) {
      const bytes = await pieces.read(model, at, Math.min(model.size, at + SLICE));
      digest.update(bytes);
      done += bytes.length;
      report(at + SLICE >= model.size);
    }
    self.postMessage({ type: 'digest', sha256: digest.finish() });
  } catch (error) {
    fail(-1, ofFile(error, model));
  }
}

self.onmessage = ({ data }) => {
  try {
    wasm_bindgen.initSync({ module: data.module });
  } catch (error) {
    fail(-1, error);
    return;
  }
  if (data.role === 'hash') hashModel(data);
  else runStage(data);
};
