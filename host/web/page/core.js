// The global `Bitreceipt`: verifies a receipt in this page, without any network. The data that it needs
// stands before it in the page, and so do the bindings of the Rust module, which judges.
'use strict';

self.Bitreceipt = (() => {
  const text = (id) => document.getElementById(`data-${id}`).textContent;

  /** What an element of the page holds, deflated and in base64. */
  async function bytes(id) {
    const decoded = atob(text(id));
    const deflated = new Uint8Array(decoded.length);
    for (let i = 0; i < decoded.length; i++) deflated[i] = decoded.charCodeAt(i);
    const inflated = new Blob([deflated]).stream().pipeThrough(new DecompressionStream('deflate'));
    return new Response(inflated).arrayBuffer();
  }

  const named = (name, message) => Object.assign(new Error(message), { name });

  const aborted = () => new DOMException('cancelled', 'AbortError');

  /** The modules, compiled once: the verifier, and the guest inside of it. */
  let modules = null;

  async function load() {
    if (typeof WebAssembly !== 'object' || typeof BigInt64Array !== 'function') {
      throw named('NoWebAssembly', 'this browser has no WebAssembly: open the page in another one');
    }
    try {
      const verifier = await WebAssembly.compile(await bytes('verifier'));
      wasm_bindgen.initSync({ module: verifier });
      return { verifier, guest: await WebAssembly.compile(wasm_bindgen.guestModule()) };
    } catch (error) {
      throw named('NoWebAssembly', `this browser cannot compile the verifier: ${error.message}`);
    }
  }

  function ready() {
    modules ??= load().catch((error) => {
      modules = null;
      throw error;
    });
    return modules;
  }

  /** The source of every worker, as a place that is inside of this page. */
  let workerPlace = null;

  function startWorker() {
    workerPlace ??= URL.createObjectURL(
      new Blob([text('bindings'), '\n', text('worker')], { type: 'text/javascript' }),
    );
    return new Worker(workerPlace);
  }

  const content = async (blob) => new Uint8Array(await blob.arrayBuffer());

  /** More than any bundle, key or policy has: whatever somebody drops here, no more of it is read. */
  const SMALL = 1 << 20;

  /** The model that is part of the page. */
  let embedded = null;

  function embeddedModel() {
    embedded ??= bytes('tiny').then((tiny) => new File([tiny], 'tiny.gguf'));
    return embedded;
  }

  const embeddedSha256 = () => text('tiny-sha256').trim();

  /** Shows phases and progress, of the replay first and then of what the hash still takes. */
  class Progress {
    #done = 0;
    #total = 0;
    constructor({ onPhase, onProgress }) {
      this.onPhase = onPhase ?? (() => {});
      this.onProgress = onProgress ?? (() => {});
    }
    begin(phase, done, total) {
      [this.#done, this.#total] = [done, total];
      this.onPhase(phase);
      this.onProgress(done, total);
    }
    advance(work) {
      this.#done = Math.min(this.#total, this.#done + work);
      this.onProgress(this.#done, this.#total);
    }
  }

  /** Workers that are ended together. */
  class Crew {
    #workers = [];
    #teams = [];
    #isEnded = false;
    /** Workers that may be ended before the others. */
    team() {
      const team = new Crew();
      if (this.#isEnded) team.end();
      this.#teams.push(team);
      return team;
    }
    start(message, transfer, onMessage, onError) {
      // Somebody cancelled while a file was read.
      if (this.#isEnded) throw aborted();
      const worker = startWorker();
      this.#workers.push(worker);
      worker.onmessage = ({ data }) => onMessage(data, worker);
      worker.onerror = (event) => {
        event.preventDefault();
        onError(named('Error', event.message || 'a worker could not be started'));
      };
      worker.onmessageerror = () => onError(named('Memory', 'a message between workers was lost'));
      worker.postMessage(message, transfer);
      return worker;
    }
    end() {
      this.#isEnded = true;
      for (const worker of this.#workers) worker.terminate();
      for (const team of this.#teams) team.end();
    }
  }

  /** Resolves to the SHA-256 of the model. */
  function hash(crew, { verifier }, model, onWork) {
    return new Promise((resolve, reject) => {
      crew.start({ role: 'hash', module: verifier, model }, [], (data) => {
        if (data.type === 'progress') onWork(data.work);
        else if (data.type === 'digest') resolve(data.sha256);
        else reject(named(data.name, data.message));
      }, reject);
    });
  }

  /**
   * Runs a pass with `n` stages. Resolves to `{ boundaries, hidden, choices, kept }`, or to `{ failure }` where
   * the reference has an answer that is no result.
   */
  function runPass(crew, { verifier, guest }, { pass, receipt, model }, n, progress) {
    return new Promise((resolve, reject) => {
      const layers = [];
      const shares = [];
      let nHeads = 0;
      let size = null;
      let failure = null;
      const settle = () => {
        const isWhole = (upTo) => {
          for (let unit = 0; unit < upTo; unit++) {
            const done = unit < size.nLayers ? layers[unit] : shares[unit - size.nLayers];
            if (!done) return false;
          }
          return true;
        };
        if (failure) {
          // Another stage may still find something in a layer below.
          if (failure.unit < 0 || isWhole(failure.unit)) resolve({ failure });
          return;
        }
        if (!size || nHeads < size.nPositions) return;
        const join = (Array, parts) => {
          const joined = new Array(parts.reduce((sum, part) => sum + part.length, 0));
          let at = 0;
          for (const part of parts) {
            joined.set(part, at);
            at += part.length;
          }
          return joined;
        };
        resolve({
          boundaries: join(Uint8Array, layers),
          hidden: join(Float32Array, shares.map((share) => share.hidden)),
          choices: join(Uint32Array, shares.map((share) => share.choices)),
          kept: join(Float64Array, shares.map((share) => share.kept)),
        });
      };
      const onMessage = (data) => {
        switch (data.type) {
          case 'open':
            if (!size) {
              size = data;
              progress.begin(data.phase, 0, data.work);
            }
            break;
          case 'progress':
            progress.advance(data.work);
            break;
          case 'head':
            stages[data.to].postMessage(data.residual, [data.residual.buffer]);
            break;
          case 'layer':
            layers[data.layer] = data.digests;
            settle();
            break;
          case 'heads':
            shares[data.share] = data;
            nHeads += data.nPositions;
            settle();
            break;
          case 'failed':
            if (data.name !== 'Refuted' && data.name !== 'Unanswered') {
              reject(named(data.name, data.message));
            } else if (!failure || data.unit < failure.unit) {
              failure = data;
              settle();
            }
            break;
        }
      };
      // A ring: what leaves a stage enters the next one.
      const channels = n > 1 ? Array.from({ length: n }, () => new MessageChannel()) : [];
      const stages = Array.from({ length: n }, (_, index) => {
        const next = channels[index]?.port1;
        const previous = channels[(index + n - 1) % n]?.port2;
        const ports = n > 1 ? [next, previous] : [];
        const message = {
          role: 'stage', module: verifier, guest, index, n, receipt, model, pass, next, previous,
        };
        return crew.start(message, ports, onMessage, reject);
      });
    });
  }

  /** Replays with `n` stages, pass by pass. Resolves to the passes. */
  async function replay(crew, loaded, passes, receipt, model, n, progress) {
    for (let pass = passes.begin(); pass !== undefined; pass = passes.begin()) {
      const team = crew.team();
      const found = await runPass(team, loaded, { pass, receipt, model }, n, progress);
      // The next pass needs the memory.
      team.end();
      if (found.failure) passes.fail(found.failure.name, found.failure.message);
      else passes.end(found.boundaries, found.hidden, found.choices, found.kept);
    }
    return passes;
  }

  /** Reads the model's header, and no more than that. */
  async function readHeader(verification, model) {
    let start = new Uint8Array();
    for (;;) {
      const needed = verification.readHeader(start);
      if (needed === 0) return;
      start = await content(model.slice(0, needed));
    }
  }

  /** Stages that work at once: no more than there are layers. */
  const nStages = (jobs, layers) => Math.max(1, Math.min(jobs, layers));

  /** Checks the receipt against its model: the digest, and a replay of everything. */
  async function examine(crew, loaded, verification, receipt, input, progress) {
    const sha256 = verification.modelSha256;
    if (sha256 === undefined) return;
    const isWanted = input.replay !== false;
    const isEmbedded = !input.model && isWanted && sha256 === embeddedSha256();
    const model = input.model ?? (isEmbedded ? await embeddedModel() : null);
    if (!model) {
      if (isWanted) verification.withoutModel();
      else verification.leaveOutReplay();
      return;
    }
    if (!verification.withModelFile(model.name ?? 'model', model.size)) return;
    await readHeader(verification, model);

    let hashed = 0;
    let isReplayed = false;
    const onHashed = (work) => {
      hashed += work;
      if (isReplayed) progress.advance(work);
    };
    const hashing = hash(crew, loaded, model, onHashed);
    const showHashing = () => {
      isReplayed = true;
      progress.begin('hash the model', hashed, model.size);
    };
    const begin = () => {
      const n = nStages(input.jobs ?? navigator.hardwareConcurrency ?? 1, verification.nLayers);
      return replay(crew, loaded, verification.passes(), receipt, model, n, progress);
    };
    const isOfTask = isWanted && verification.isTask && model.size === verification.modelBytes;
    let replaying = null;
    if (isOfTask) {
      replaying = begin();
      // A failure counts only once the model is known to be the receipt's.
      replaying.catch(() => {});
      replaying.then(showHashing, () => {});
    } else {
      showHashing();
    }
    const isModel = verification.withModelDigest(await hashing);
    if (!isWanted) {
      verification.leaveOutReplay();
    } else if (!isModel) {
      verification.withoutModel();
    } else if (verification.hasTask()) {
      // A receipt may give its own model another size.
      replaying ??= begin();
      verification.withReplay(await replaying);
    }
  }

  /** Verifies what `input` has, and calls `watch` on the way. */
  async function verify(input, watch = {}) {
    const begun = performance.now();
    const { signal } = watch;
    if (signal?.aborted) throw aborted();
    const crew = new Crew();
    const progress = new Progress(watch);
    const work = async () => {
      const loaded = await ready();
      progress.begin('check the receipt', 0, 0);
      const most = wasm_bindgen.Verification.maxReceiptBytes();
      const receipt = await content(input.receipt.slice(0, most + 1));
      const policy = input.policy ? await content(input.policy.slice(0, SMALL)) : undefined;
      const verification = new wasm_bindgen.Verification(
        receipt, input.receipt.name ?? 'receipt', input.now ?? Date.now(), policy, input.challenge,
      );
      if (input.bundle && input.publicKey) {
        const key = await input.publicKey.slice(0, SMALL).text();
        const name = input.publicKey.name ?? 'public key';
        verification.withBundle(await content(input.bundle.slice(0, SMALL)), key, name);
      }
      if (input.challenged && input.challengerKey) {
        const key = await input.challengerKey.slice(0, SMALL).text();
        const name = input.challengerKey.name ?? 'challenger key';
        verification.withChallenger(await content(input.challenged.slice(0, SMALL)), key, name);
      }
      await examine(crew, loaded, verification, receipt, input, progress);
      const { exit, text, json, explain } = JSON.parse(verification.finish());
      const seconds = (performance.now() - begun) / 1000;
      const parsed = JSON.parse(new TextDecoder().decode(receipt));
      return { exit, text, json, explain, verdict: JSON.parse(json), receipt: parsed, seconds };
    };
    const cancelled = new Promise((_, reject) => {
      signal?.addEventListener('abort', () => reject(aborted()), { once: true });
    });
    try {
      return await Promise.race([work(), cancelled]);
    } catch (error) {
      throw error instanceof RangeError ? named('Memory', error.message) : error;
    } finally {
      crew.end();
    }
  }

  return {
    verify,
    async example() {
      const receipt = new File([text('example')], 'inference.json', { type: 'application/json' });
      return { receipt, model: await embeddedModel() };
    },
    async guest() {
      await ready();
      return { sha256: wasm_bindgen.guestSha256(), expected: wasm_bindgen.pinnedGuestSha256() };
    },
    version: text('version').trim(),
  };
})();
