/** Hatches and dots, made once for each colour and pixel ratio. */

import type { Frame } from './paint';

const made = new Map<string, CanvasPattern>();

function tile(frame: Frame, key: string, size: number, draw: (ctx: CanvasRenderingContext2D) => void, fallback: string): CanvasPattern | string {
  const known = made.get(key);
  if (known !== undefined) return known;
  const canvas = document.createElement('canvas');
  canvas.width = size * frame.dpr;
  canvas.height = size * frame.dpr;
  const ctx = canvas.getContext('2d');
  if (ctx === null) return fallback;
  ctx.scale(frame.dpr, frame.dpr);
  draw(ctx);
  const pattern = frame.ctx.createPattern(canvas, 'repeat');
  if (pattern === null) return fallback;
  pattern.setTransform(new DOMMatrix().scale(1 / frame.dpr));
  made.set(key, pattern);
  return pattern;
}

export function hatch(frame: Frame, token: string): CanvasPattern | string {
  const ink = frame.css(token === '--class-success' ? '--class-success-edge' : token);
  const paper = frame.css('--surface-1');
  return tile(frame, `hatch ${ink} ${paper} ${frame.dpr}`, 5, (ctx) => {
    ctx.fillStyle = paper;
    ctx.fillRect(0, 0, 5, 5);
    ctx.strokeStyle = ink;
    ctx.lineWidth = 1.4;
    ctx.lineCap = 'square';
    ctx.beginPath();
    for (const shift of [-5, 0, 5]) {
      ctx.moveTo(shift, 5);
      ctx.lineTo(shift + 5, 0);
    }
    ctx.stroke();
  }, ink);
}

export function dots(frame: Frame, token: string, ground: string): CanvasPattern | string {
  const ink = frame.css(token);
  const paper = frame.css(ground);
  return tile(frame, `dots ${ink} ${paper} ${frame.dpr}`, 6, (ctx) => {
    ctx.fillStyle = paper;
    ctx.fillRect(0, 0, 6, 6);
    ctx.fillStyle = ink;
    for (const at of [1.5, 4.5]) {
      ctx.beginPath();
      ctx.arc(at, at, 0.9, 0, 2 * Math.PI);
      ctx.fill();
    }
  }, ink);
}
