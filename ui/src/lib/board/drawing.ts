/** A drawing on the page as a file of its own, as SVG or as pixels: what the page's styles say is written into it. */

const SVG = 'http://www.w3.org/2000/svg';
const KEPT = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'font-family', 'font-size', 'font-weight', 'text-anchor'];
const HEAD = 32;

function element(name: string, attributes: Record<string, string>): SVGElement {
  const made = document.createElementNS(SVG, name);
  if (!(made instanceof SVGElement)) throw new TypeError(`${name} is no part of a drawing`);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** The drawing with its title above it, on the page's ground. */
export function standalone(drawing: SVGSVGElement, title: string): string {
  const copy = element('svg', {});
  for (const child of drawing.childNodes) copy.append(child.cloneNode(true));
  const originals = drawing.querySelectorAll('*');
  copy.querySelectorAll('*').forEach((part, i) => {
    const original = originals[i];
    if (original === undefined) return;
    const style = getComputedStyle(original);
    for (const key of KEPT) part.setAttribute(key, style.getPropertyValue(key));
    for (const own of ['class', 'style', 'role', 'data-cell']) part.removeAttribute(own);
  });
  const { width, height } = size(drawing);
  const page = getComputedStyle(drawing);
  const token = (name: string): string => page.getPropertyValue(name).trim();
  const words = element('text', { x: '16', y: '-12', fill: token('--text-1'), 'font-family': page.fontFamily, 'font-size': '13px', 'font-weight': '600' });
  words.textContent = title;
  copy.prepend(element('rect', { x: '0', y: String(-HEAD), width: String(width), height: String(height), fill: token('--surface-1') }), words);
  for (const [key, value] of Object.entries({ width, height, viewBox: `0 ${-HEAD} ${width} ${height}` })) copy.setAttribute(key, String(value));
  return new XMLSerializer().serializeToString(copy);
}

function size(drawing: SVGSVGElement): { width: number; height: number } {
  return { width: Number(drawing.getAttribute('width')), height: Number(drawing.getAttribute('height')) + HEAD };
}

/** The same as PNG, with two pixels for each of the screen's. */
export async function pixels(drawing: SVGSVGElement, title: string): Promise<Uint8Array> {
  const image = new Image();
  const loaded = new Promise((done, failed) => { image.onload = done; image.onerror = () => { failed(new Error('The drawing could not be turned into pixels.')); }; });
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(drawing, title))}`;
  await loaded;
  const canvas = document.createElement('canvas');
  const { width, height } = size(drawing);
  canvas.width = width * 2;
  canvas.height = height * 2;
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((done) => { canvas.toBlob(done, 'image/png'); });
  if (blob === null) throw new Error('The drawing could not be turned into pixels.');
  return new Uint8Array(await blob.arrayBuffer());
}
