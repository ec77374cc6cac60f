/** A chart as it stands in the window, for the clipboard: its canvas below what its panel says. */

const LINE = 18;

export interface Heading {
  title: string;
  /** Filter, zone, as of when. */
  said: string;
  demo: boolean;
}

export interface Key {
  label: string;
  /** A token. */
  color: string;
}

export function inks(on: Element): (token: string) => string {
  const style = getComputedStyle(on);
  return (token) => style.getPropertyValue(token).trim();
}

export async function toPng(canvas: HTMLCanvasElement): Promise<Blob> {
  const blob = await new Promise<Blob | null>((done) => { canvas.toBlob(done, 'image/png'); });
  if (blob === null) throw new Error('The drawing could not be turned into pixels.');
  return blob;
}

/** Where each key of a legend begins; those without room begin a line. */
export function placed(widths: readonly number[], room: number): { x: number; line: number }[] {
  let x = 0;
  let line = 0;
  return widths.map((width) => {
    if (x > 0 && x + width > room) { x = 0; line += 1; }
    const place = { x, line };
    x += width;
    return place;
  });
}

export function chartPicture(chart: HTMLCanvasElement, { title, said, demo }: Heading, keys: readonly Key[]): Promise<Blob> {
  const ink = inks(chart);
  const font = (weight: number, size: number): string => `${weight} ${size}px ${getComputedStyle(chart).fontFamily}`;
  const width = chart.clientWidth;
  const ratio = chart.width / width;
  const canvas = document.createElement('canvas');
  const ctx = canvas.getContext('2d');
  if (ctx === null) return Promise.reject(new Error('The drawing could not be turned into pixels.'));
  ctx.font = font(400, 11);
  const places = placed(keys.map((k) => 16 + ctx.measureText(k.label).width + 12), width - 32);
  const head = 48 + (keys.length === 0 ? 0 : ((places.at(-1)?.line ?? 0) + 1) * LINE);
  canvas.width = chart.width;
  canvas.height = chart.height + Math.round(head * ratio);
  ctx.fillStyle = ink('--surface-1');
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.drawImage(chart, 0, canvas.height - chart.height);
  ctx.scale(ratio, ratio);
  const write = (text: string, x: number, y: number, token: string, face: string): void => {
    ctx.font = face;
    ctx.fillStyle = ink(token);
    ctx.fillText(text, x, y);
  };
  write(title, 16, 20, '--text-1', font(600, 13));
  if (demo) write('DEMO DATA', 16, 38, '--env-3', font(600, 11));
  write(said, demo ? 92 : 16, 38, '--text-2', font(400, 11));
  keys.forEach((key, i) => {
    const { x, line } = places[i] ?? { x: 0, line: 0 };
    ctx.fillStyle = ink(key.color);
    ctx.fillRect(16 + x, 49 + line * LINE, 8, 8);
    write(key.label, 16 + x + 13, 57 + line * LINE, '--text-2', font(400, 11));
  });
  return toPng(canvas);
}
