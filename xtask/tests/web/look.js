(() => {
  const channels = colour => colour.match(/[\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => {
    const linear = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  };
  const paperOf = element => {
    for (; element; element = element.parentElement) {
      const colour = channels(getComputedStyle(element).backgroundColor);
      if (colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
  };
  const contrast = (a, b) => {
    const [x, y] = [luminance(a), luminance(b)];
    return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
  };
  const name = element => `${element.tagName}#${element.id}.${element.className}`;
  const seen = [...document.body.querySelectorAll('*')].filter(e => e.checkVisibility());
  const withText = seen.filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim() !== ''));
  const clickable = seen.filter(e => e.matches('button, input, summary'));
  return {
    width: document.documentElement.scrollWidth,
    paper: getComputedStyle(document.body).backgroundColor,
    // WCAG 2.2 AA: 4.5 to 1 for text, targets of 24 pixels.
    faint: withText.filter(e => contrast(channels(getComputedStyle(e).color), paperOf(e)) < 4.5).map(name),
    small: [
      ...withText.filter(e => parseFloat(getComputedStyle(e).fontSize) < 11).map(name),
      ...clickable.filter(e => e.getBoundingClientRect().height < 24).map(name),
    ],
    outside: withText.filter(e => !e.closest('.scroll')).filter(e => {
      const box = e.getBoundingClientRect();
      return box.left < -1 || box.right > document.documentElement.clientWidth + 1;
    }).map(name),
  };
})()
