'use strict';

// Which of the choosers a file belongs to, by its content: what people drop comes in any order.
const Files = (() => {
  const byId = id => document.getElementById(id);
  const CHOOSERS = [
    'receipt', 'model', 'bundle', 'public-key', 'challenged', 'challenger-key', 'policy',
  ];
  // Enough to tell: a bundle's payload comes first, a receipt begins with its versions.
  const LOOK_BYTES = 4096;

  /** The chooser for a file: 'model', 'public-key', 'bundle', 'challenged', 'policy', or 'receipt' for anything else. */
  async function role(file) {
    const text = await file.slice(0, LOOK_BYTES).text();
    const start = text.trimStart();
    if (start.startsWith('GGUF') || /\.gguf$/i.test(file.name)) return 'model';
    if (start.startsWith('-----BEGIN ') || start.startsWith('ssh-')) return 'public-key';
    if (/\.challenged\.dsse\.json$/i.test(file.name)) return 'challenged';
    if (/"payload(Type)?"\s*:/.test(text)) return 'bundle';
    if (!start.startsWith('{') && /\.toml$/i.test(file.name)) return 'policy';
    return 'receipt';
  }

  function put(id, file) {
    const list = new DataTransfer();
    list.items.add(file);
    byId(id).files = list.files;
    if (!['receipt', 'model'].includes(id)) byId('more').open = true;
  }

  /** Puts dropped files into their choosers. Gives what was put where, for people. */
  async function deal(files) {
    const dealt = [];
    for (const file of files) {
      const id = await role(file);
      put(id, file);
      dealt.push(id.replace('-', ' '));
    }
    return dealt;
  }

  /** What was chosen, as `Bitreceipt.verify` takes it. */
  function chosen() {
    const [receipt, model, bundle, publicKey, challenged, challengerKey, policy] = CHOOSERS.map(
      id => byId(id).files[0],
    );
    const challenge = byId('challenge').value.trim() || undefined;
    return { receipt, model, bundle, publicKey, challenged, challengerKey, policy, challenge };
  }

  return { deal, chosen };
})();
