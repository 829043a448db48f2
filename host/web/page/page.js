'use strict';
(async () => {
  const found = await Bitreceipt.verify(await Bitreceipt.example());
  document.getElementById('verdict').textContent = found.text;
})();
