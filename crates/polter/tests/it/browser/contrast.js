// The texts of the page that are too faint on their ground (WCAG AA), each with its contrast.
const channels = (color) => color.match(/[\d.]+/g).map(Number);
const luminance = ([red, green, blue]) => {
  const [r, g, b] = [red, green, blue].map((value) => value / 255).map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element) => {
  for (let at = element; at; at = at.parentElement) {
    const color = channels(getComputedStyle(at).backgroundColor);
    if (color.length < 4 || color[3] > 0) return color;
  }
  return [255, 255, 255];
};
const faint = [];
for (const element of document.body.querySelectorAll('*')) {
  const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
  if (!hasText || element.closest('script, title, [hidden]')) continue;
  const style = getComputedStyle(element);
  let behind = ground(element);
  // A box of a graph has its own ground.
  if (element.closest('.box')) behind = channels(getComputedStyle(element.closest('.box').querySelector('rect')).fill);
  const text = channels(element instanceof SVGElement ? style.fill : style.color);
  const [a, b] = [luminance(text), luminance(behind)];
  const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  if (contrast < 4.5) faint.push(`${element.tagName}.${element.getAttribute('class')}: ${contrast.toFixed(2)}`);
}
return [document.body.querySelectorAll('*').length > 100, [...new Set(faint)]];
