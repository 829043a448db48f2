'use strict';

// Shows what was found. Every text of a stranger becomes a text node, and nothing else.
const Shown = (() => {
  const byId = id => document.getElementById(id);
  const OF_CONCLUSION = { accepted: ['✓', 'good'], rejected: ['✗', 'bad'], unverifiable: ['?', 'open'] };
  const OF_OUTCOME = { pass: '✓ holds', fail: '✗ broken', unverifiable: '? open', note: '→ note' };
  const CLASS_OF_OUTCOME = { pass: 'holds', fail: 'broken', unverifiable: 'open', note: 'note' };
  const INVISIBLE = /[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

  /** A stranger's text on one line, without characters that nobody sees: as the command shows it. */
  function plain(text) {
    return String(text).replace(/[\p{Cc}\p{White_Space}]+/gu, ' ').replace(INVISIBLE, '\ufffd');
  }

  function element(name, text, className) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  /** A list of names and values; what is not there is left out. */
  function describe(list, pairs) {
    const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '');
    list.replaceChildren(...known.flatMap(([name, value]) => {
      const described = element('dd');
      described.append(element('bdi', plain(value)));
      return [element('dt', name), described];
    }));
  }

  function counted(n, what) {
    return `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;
  }

  function rate(perSecond) {
    if (perSecond === null || perSecond === undefined) return null;
    const digits = perSecond < 10 ? 3 : perSecond < 1000 ? 1 : 0;
    return `${perSecond.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })} per second`;
  }

  function size(bytes) {
    const [unit, name] = bytes < 1e6 ? [1e3, 'kB'] : bytes < 1e9 ? [1e6, 'MB'] : [1e9, 'GB'];
    return `${(bytes / unit).toFixed(2)} ${name}`;
  }

  function sentence(verdict) {
    const n = verdict.rules.filter(rule => rule.outcome === 'fail').length;
    switch (verdict.conclusion) {
      case 'accepted':
        if (verdict.judgement) {
          return 'This page replayed the whole run of another engine: its tokens are consistent with the reference. '
            + 'Its numbers behind them were not shown, and how fast they came is the writer’s claim.';
        }
        return 'This page replayed the whole run and got the same bits. The tokens are right; how fast they came '
          + 'is the writer’s claim.';
      case 'rejected':
        return `${n === 1 ? 'A rule is' : `${n} rules are`} broken. No number of this receipt counts.`;
      default:
        if (verdict.judgement?.conclusion === 'unverifiable') {
          return 'No rule is broken. This page replayed the whole run of another engine, but this model makes so '
            + 'much of rounding that nobody can tell whether its tokens are right.';
        }
        return 'No rule is broken, but something that has to be checked was not checked here.';
    }
  }

  /** What the replay says of the tokens. */
  function ofTokens(rules) {
    const found = (names, outcome) => rules.some(rule => names.includes(rule.rule) && rule.outcome === outcome);
    if (found(['parity_replay', 'parity_tokens', 'parity_judgement', 'parity_counts', 'parity_checksum'], 'fail')) return 'Refuted by the replay here';
    if (found(['parity_judgement'], 'pass')) return 'Consistent with the replay here';
    if (found(['parity_judgement'], 'unverifiable')) return 'Not proved here';
    if (found(['parity_checksum'], 'pass')) return 'Proved by the replay here';
    return 'Not proved here';
  }

  function lead(found) {
    const { verdict } = found;
    const [mark, className] = OF_CONCLUSION[verdict.conclusion];
    byId('badge').textContent = `${mark} ${verdict.conclusion}`;
    byId('result').querySelector('.lead').className = `lead ${className}`;
    byId('place').textContent = plain(found.place);
    byId('sentence').textContent = sentence(verdict);
    byId('tokens').textContent = `Tokens: ${plain(verdict.tokens)}.`;
    byId('took').textContent = `Checked in ${found.seconds.toFixed(found.seconds < 10 ? 2 : 0)} s`
      + (verdict.guest_sha256 ? `, with the reference guest ${verdict.guest_sha256.slice(0, 16)}…` : '.');
  }

  function run(verdict) {
    const summary = verdict.receipt;
    byId('run-title').textContent = ofTokens(verdict.rules);
    if (!summary) {
      describe(byId('run'), [['receipt', 'could not be read']]);
      describe(byId('claims'), []);
      return;
    }
    const { model, claimed } = summary;
    describe(byId('run'), [
      ['tokens', `${counted(summary.tokens, 'token')}, after a prompt of ${summary.prompt_tokens.toLocaleString('en')} (${summary.prompt})`],
      ['model', `${model.file_name}, ${size(model.file_bytes)}, ${model.architecture}`],
      ['its SHA-256', model.sha256],
      ['transcript', summary.checksum],
      ['signed by', verdict.signed_by],
    ]);
    const { engine } = summary;
    describe(byId('claims'), [
      ['engine', engine && `${engine.name} ${engine.version ?? ''}`],
      ['speed', claimed.tokens_per_sec === undefined ? 'none: the receipt is rejected' : null],
      ['decode', rate(claimed.decode_tokens_per_sec)],
      ['prefill', rate(claimed.prefill_tokens_per_sec)],
      ['both', rate(claimed.tokens_per_sec)],
      ['run', `${counted(claimed.threads, 'thread')}, ${engine ? '' : `${claimed.isas.join('+')} kernels, `}${counted(claimed.repetitions, 'repetition')}`],
      ...claimed.warnings.map(warning => ['warning', warning.found]),
      ['machine', `${claimed.cpu}, ${counted(claimed.physical_cores, 'core')}, ${claimed.os}`],
      ['made', `${claimed.created} by build ${claimed.build.slice(0, 12)}`],
    ]);
  }

  function marked(rule, name) {
    return element(name, OF_OUTCOME[rule.outcome], 'mark');
  }

  function findings(rules) {
    const items = rules.filter(rule => rule.outcome !== 'pass').map(rule => {
      const item = element('li', undefined, CLASS_OF_OUTCOME[rule.outcome]);
      item.append(marked(rule, 'span'), ' ', element('code', rule.rule), ' ', element('bdi', plain(rule.evidence)));
      return item;
    });
    byId('findings').replaceChildren(...items);
    byId('findings').hidden = items.length === 0;
  }

  function table(rules) {
    byId('rules-title').textContent = `All ${counted(rules.length, 'rule')}`;
    byId('rules').tBodies[0].replaceChildren(...rules.map(rule => {
      const row = element('tr', undefined, CLASS_OF_OUTCOME[rule.outcome]);
      const name = element('th');
      name.scope = 'row';
      name.append(element('code', rule.rule));
      const evidence = element('td');
      evidence.append(element('bdi', plain(rule.evidence)));
      row.append(name, marked(rule, 'td'), evidence);
      return row;
    }));
  }

  function explanation(explain) {
    byId('explanation').hidden = !explain;
    if (!explain) return;
    byId('paragraph').textContent = plain(explain.paragraph);
    const list = (title, key) => {
      if (!explain[key]?.length) return [];
      const part = element('div', undefined, key);
      const lines = element('ul', undefined, 'rules');
      lines.append(...explain[key].map(line => element('li', plain(line))));
      part.append(element('h4', title), lines);
      return [part];
    };
    const [certain, claimed] = [element('div'), element('div')];
    certain.append(...list('Certain', 'certain'), ...list('Bounded', 'bounded'));
    claimed.append(...list('Claimed', 'claimed'));
    byId('explained').replaceChildren(certain, claimed);
  }

  /** Shows `found`, which `Bitreceipt.verify` gave, of the receipt called `found.place`. */
  function show(found) {
    lead(found);
    explanation(found.explain);
    findings(found.verdict.rules);
    run(found.verdict);
    table(found.verdict.rules);
    byId('text').textContent = found.text;
    // Not from the object: JavaScript has no integers of 64 bits.
    byId('json').textContent = found.json;
    byId('result').hidden = false;
  }

  return { show };
})();
