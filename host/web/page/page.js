'use strict';

(() => {
  const byId = id => document.getElementById(id);
  const SAID_EVERY_MS = 1000;
  const TITLES = {
    NotAReceipt: 'This is not a receipt',
    BadInput: 'A file is not what it should be',
    NoWebAssembly: 'This browser cannot check receipts',
    Memory: 'There is not enough memory',
  };
  let running = null;

  function hide(...ids) {
    for (const id of ids) byId(id).hidden = true;
  }

  function fail(title, message) {
    hide('work', 'result');
    byId('failure-title').textContent = title;
    byId('failure-text').textContent = message;
    byId('failure').hidden = false;
    byId('failure').scrollIntoView({ block: 'nearest' });
  }

  function lasting(seconds) {
    if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
    return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
  }

  /** Says how far the check is: the bar at once, the words no more often than people can hear them. */
  function progress() {
    let phase = 'starting', begun = performance.now(), said = -Infinity;
    const say = (done, total) => {
      const now = performance.now();
      const share = total > 0 ? Math.min(done / total, 1) : null;
      if (share === null) byId('bar').removeAttribute('value');
      else byId('bar').value = 100 * share;
      const isLast = share === 1;
      if (now - said < SAID_EVERY_MS && !isLast) return;
      said = now;
      const left = (now - begun) / 1000 * (1 - share) / share;
      const eta = share > 0.02 && now - begun > 1000 && !isLast ? `, about ${lasting(left)} left` : '';
      byId('status').textContent = share === null ? phase : `${phase}: ${Math.floor(100 * share)} %${eta}`;
    };
    return {
      onPhase(name) {
        [phase, begun, said] = [name, performance.now(), -Infinity];
        say(0, 0);
      },
      onProgress: say,
    };
  }

  /** Checks what `given` resolves to, and gives the focus back to `starter` if that fails. */
  async function check(given, starter) {
    running?.abort();
    const own = running = new AbortController();
    hide('failure', 'result');
    byId('work').hidden = false;
    byId('bar').removeAttribute('value');
    byId('status').textContent = '';
    byId('work-title').focus();
    try {
      const input = await given;
      const found = await Bitreceipt.verify(input, { ...progress(), signal: own.signal });
      if (running !== own) return;
      hide('work');
      Shown.show({ ...found, place: input.receipt.name || 'receipt' });
      byId('verdict').focus();
      scrollTo({ top: 0 });
    } catch (error) {
      if (running !== own) return;
      hide('work');
      if (error.name === 'AbortError') {
        fail('Cancelled', 'Nothing is known of the receipt.');
      } else {
        fail(TITLES[error.name] ?? 'The page failed', error.message);
      }
      starter.focus({ preventScroll: true });
    } finally {
      if (running === own) running = null;
    }
  }

  function checkExample() {
    // It may be under way already: a second click begins again.
    check(Bitreceipt.example(), byId('try'));
  }

  function checkOwn(event) {
    event.preventDefault();
    const input = Files.chosen();
    if (!input.receipt) {
      fail('There is no receipt', 'Choose the JSON file that benchmark wrote, or try the built-in example.');
      byId('receipt').focus({ preventScroll: true });
      return;
    }
    const missing = Files.missing();
    if (missing) {
      fail('A file is missing', `${missing.has} needs ${missing.lacks}: choose both or neither.`);
      byId('more').open = true;
      byId(missing.id).focus({ preventScroll: true });
      return;
    }
    check(input, byId('check'));
  }

  function acceptDrops() {
    const over = isOver => byId('drop').classList.toggle('over', isOver);
    // Wherever it falls: beside the frame, a browser would leave the page and open the file.
    addEventListener('dragover', event => {
      event.preventDefault();
      over(true);
    });
    addEventListener('dragleave', event => over(event.relatedTarget !== null));
    addEventListener('drop', async event => {
      event.preventDefault();
      over(false);
      try {
        const dealt = await Files.deal([...event.dataTransfer.files]);
        if (dealt.includes('unknown key')) {
          fail('Whose key is it?', 'Choose the key below: the signer’s, or the challenger’s.');
          byId('more').open = true;
        } else if (dealt.includes('receipt')) byId('form').requestSubmit();
        else if (dealt.length > 0) byId('check').focus();
      } catch (error) {
        fail('A file cannot be read', `${error.message} Drop files, not folders.`);
      }
    });
  }

  function save() {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([byId('json').textContent], { type: 'application/json' }));
    link.download = 'verdict.json';
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  async function showGuest() {
    const { sha256, expected } = await Bitreceipt.guest();
    byId('guest').textContent = sha256;
    byId('guest-outcome').textContent = sha256 === expected
      ? '✓ hashed here: it is the one that this verifier expects'
      : `✗ this verifier expects ${expected}: do not trust this page`;
  }

  acceptDrops();
  byId('form').addEventListener('submit', checkOwn);
  byId('try').addEventListener('click', checkExample);
  byId('cancel').addEventListener('click', () => running?.abort());
  byId('save').addEventListener('click', save);
  byId('print').addEventListener('click', () => print());
  byId('made-by').textContent = Bitreceipt.version;
  if (typeof WebAssembly === 'undefined') {
    fail(TITLES.NoWebAssembly, 'It has no WebAssembly, or it is switched off. Use another browser, or bitreceipt verify-receipt.');
    byId('guest').textContent = 'not hashed';
  } else {
    showGuest().catch(error => fail('The page failed', error.message));
  }
})();
