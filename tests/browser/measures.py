"""What is measured inside the page: contrasts, sizes of what is touched, how far things move while it loads."""

#: Things to be touched that are smaller than 24 x 24 CSS pixels (WCAG 2.2, 2.5.8); those inside a label are touched by it.
SMALL_TARGETS = """() => [...document.querySelectorAll('button, select, label.choice, label.tick, summary')]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().width > 0)
  .filter((one) => { const box = one.getBoundingClientRect(); return box.width < 24 || box.height < 22; })
  .map((one) => one.outerHTML.slice(0, 90))"""

#: Of every visible text: its contrast with the ground below it, and the least that WCAG 2.2 (1.4.3) asks for.
CONTRASTS = """() => {
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const parse = (text) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
  const ground = (one) => { for (let at = one; at; at = at.parentElement) {
    const style = getComputedStyle(at);
    if (style.backgroundImage !== 'none' && at.matches('.banner')) return parse('#ffd02e');
    const colour = parse(style.backgroundColor); if (colour[3] > 0.9) return colour; } return parse('#ffffff'); };
  return [...document.querySelectorAll('#page *')]
    .filter((one) => one.checkVisibility() && !one.closest('#map, .unseen, .skip, button:disabled, svg, option'))
    .filter((one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()))
    .map((one) => {
      const style = getComputedStyle(one);
      const [a, b] = [light(parse(style.color)), light(ground(one))];
      const size = parseFloat(style.fontSize);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      return [one.textContent.slice(0, 40), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), large ? 3 : 4.5];
    });
}"""

#: Adds up, from the beginning, how far things moved (Cumulative Layout Shift).
COUNT_SHIFTS = """
window.moved = 0;
new PerformanceObserver((list) => { for (const one of list.getEntries()) window.moved += one.value; })
  .observe({ type: 'layout-shift', buffered: true });
"""

#: A browser as on an old machine.
WITHOUT_WEBGL = """
const given = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith('webgl') ? null : given.call(this, kind, ...rest);
};
"""
