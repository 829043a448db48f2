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
async function runStage({ index, n, receipt, guest, model, next, previous }) {
  // What of the work fails first, in the order of layers, decides. Opening stands before all layers.
  let unit = -1;
  try {
    const [ofLayer, ofHead] = [new Inbox(), new Inbox()];
    if (previous) previous.onmessage = ({ data }) => ofLayer.put(data);
    self.onmessage = ({ data }) => ofHead.put(data);
    const stage = new wasm_bindgen.GuestStage(receipt, guest, model);
    const { nLayers, nPositions } = stage;
    self.postMessage({ type: 'open', nLayers, nPositions, work: stage.work });

    const report = reporter(() => stage.workDone());
    const lastStage = (nLayers - 1) % n;
    const starts = stage.headShares(n);
    // The stage that is done with its layers first gets the first share.
    const ownerOf = (share) => (lastStage + 1 + share) % n;
    const shareOf = (position) => starts.findLastIndex((start) => start <= position);
    for (let layer = index; layer < nLayers; layer += n) {
      unit = layer;
      stage.loadLayer(layer);
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
        stage.headChunk(chunk);
        report(false);
      }
      const heads = stage.endHead();
      const { hidden, choices } = heads;
      report(true);
      const message = { type: 'heads', share, nPositions: end - start, hidden, choices };
      self.postMessage(message, [hidden.buffer, choices.buffer]);
    }
    report(true);
  } catch (error) {
    fail(unit, error);
  }
}

/** A browser says that it has no more memory in several ways; all of them are this error. */
function fail(unit, error) {
  const name = error instanceof RangeError ? 'Memory' : error.name;
  self.postMessage({ type: 'failed', unit, name, message: error.message });
}

/** Hashes the model, slice by slice. */
function hashModel({ model }) {
  try {
    const reader = new FileReaderSync();
    const digest = new wasm_bindgen.FileDigest();
    let done = 0;
    const report = reporter(() => {
      const work = done;
      done = 0;
      return work;
    });
    for (let at = 0; at < model.size; at += SLICE) {
      const slice = model.slice(at, Math.min(model.size, at + SLICE));
      const bytes = new Uint8Array(reader.readAsArrayBuffer(slice));
      digest.update(bytes);
      done += bytes.length;
      report(at + SLICE >= model.size);
    }
    self.postMessage({ type: 'digest', sha256: digest.finish() });
  } catch (error) {
    const isFile = error instanceof DOMException;
    const message = `${model.name ?? 'model'}: the file cannot be read: ${error.message}`;
    fail(-1, isFile ? Object.assign(new Error(message), { name: 'BadInput' }) : error);
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
