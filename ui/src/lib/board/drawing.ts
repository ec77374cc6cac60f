/** A drawing on the page as a file of its own, as SVG or as pixels: what the page's styles say is written into it. */

import { inks, toPng, type Heading } from './picture';

const SVG = 'http://www.w3.org/2000/svg';
const KEPT = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'font-family', 'font-size', 'font-weight', 'text-anchor'];
const HEAD = 48;
const FOOT = 24;

/** What a picture says beside what is drawn: it is looked at far from the window, and later. */
export interface Caption extends Heading {
  /** From pale to dark, and what either end means. */
  scale: { colors: string[]; least: string; most: string };
  /** What else the drawing needs to be read. */
  note: string;
}

function element(name: string, attributes: Record<string, string>): SVGElement {
  const made = document.createElementNS(SVG, name);
  if (!(made instanceof SVGElement)) throw new TypeError(`${name} is no part of a drawing`);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

/** The drawing with its caption above and below it, on the page's ground. */
export function standalone(drawing: SVGSVGElement, caption: Caption): string {
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
  copy.prepend(element('rect', { x: '0', y: String(-HEAD), width: String(width), height: String(height), fill: inks(drawing)('--surface-1') }), ...captioned(drawing, caption));
  for (const [key, value] of Object.entries({ width, height, viewBox: `0 ${-HEAD} ${width} ${height}` })) copy.setAttribute(key, String(value));
  return new XMLSerializer().serializeToString(copy);
}

function captioned(drawing: SVGSVGElement, { title, said, demo, scale, note }: Caption): SVGElement[] {
  const token = inks(drawing);
  const { width, height } = size(drawing);
  const words = (text: string, x: number, y: number, rest: Record<string, string>): SVGElement => {
    const made = element('text', { x: String(x), y: String(y), fill: token('--text-2'), 'font-family': getComputedStyle(drawing).fontFamily, 'font-size': '11px', ...rest });
    made.textContent = text;
    return made;
  };
  const foot = height - HEAD - 8;
  const from = width - 16 - 12 * scale.colors.length;
  const strong = { 'font-weight': '600' };
  return [
    words(title, 16, -28, { ...strong, fill: token('--text-1'), 'font-size': '13px' }),
    ...(demo ? [words('DEMO DATA', 16, -10, { ...strong, fill: token('--env-3') })] : []),
    words(said, demo ? 92 : 16, -10, {}),
    words(note, 16, foot, {}),
    words(scale.least, from - 100, foot, { 'text-anchor': 'end' }),
    ...scale.colors.map((color, i) => element('rect', { x: String(from - 94 + 12 * i), y: String(foot - 8), width: '11', height: '8', fill: token(color) })),
    words(scale.most, from - 94 + 12 * scale.colors.length + 6, foot, {}),
  ];
}

function size(drawing: SVGSVGElement): { width: number; height: number } {
  return { width: Number(drawing.getAttribute('width')), height: Number(drawing.getAttribute('height')) + HEAD + FOOT };
}

/** The same as PNG, with two pixels for each of the screen's. */
export async function pixels(drawing: SVGSVGElement, caption: Caption): Promise<Blob> {
  const image = new Image();
  const loaded = new Promise((done, failed) => { image.onload = done; image.onerror = () => { failed(new Error('The drawing could not be turned into pixels.')); }; });
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(standalone(drawing, caption))}`;
  await loaded;
  const canvas = document.createElement('canvas');
  const { width, height } = size(drawing);
  canvas.width = width * 2;
  canvas.height = height * 2;
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return toPng(canvas);
}
