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

  /** Whose key a dropped one is: a guess would refute a good signature. */
  function ownerOfKey(roles) {
    const isThere = id => roles.includes(id) || byId(id).files.length > 0;
    const nKeys = roles.filter(role => role === 'public-key').length;
    if (nKeys > 1 || (isThere('bundle') && isThere('challenged'))) return 'unknown key';
    return isThere('challenged') ? 'challenger-key' : 'public-key';
  }

  /** Puts dropped files into their choosers. Gives what each is: a chooser, or 'unknown key'. */
  async function deal(files) {
    const roles = await Promise.all(files.map(role));
    const places = roles.map(role => (role === 'public-key' ? ownerOfKey(roles) : role));
    places.forEach((place, i) => {
      if (place !== 'unknown key') put(place, files[i]);
    });
    return places;
  }

  /** What was chosen, as `Bitreceipt.verify` takes it. */
  function chosen() {
    const [receipt, model, bundle, publicKey, challenged, challengerKey, policy] = CHOOSERS.map(
      id => byId(id).files[0],
    );
    const challenge = byId('challenge').value.trim() || undefined;
    return { receipt, model, bundle, publicKey, challenged, challengerKey, policy, challenge };
  }

  const PAIRS = [['bundle', 'public-key'], ['challenged', 'challenger-key']];
  const NAMES = {
    bundle: 'a bundle',
    'public-key': 'a signer’s public key',
    challenged: 'a challenger’s statement',
    'challenger-key': 'a challenger’s public key',
  };

  /** The first file that is chosen without the one that belongs to it; null if there is none. */
  function missing() {
    const isChosen = id => byId(id).files.length > 0;
    const half = PAIRS.find(([a, b]) => isChosen(a) !== isChosen(b));
    if (!half) return null;
    const [has, id] = isChosen(half[0]) ? half : half.toReversed();
    return { has: NAMES[has][0].toUpperCase() + NAMES[has].slice(1), lacks: NAMES[id], id };
  }

  return { deal, chosen, missing };
})();
