/** The lanes as they were painted once, shown further left or right: what a chart needs in each frame while it is moved. */

import type { ChartModel } from './model';
import { paintLanes, type Frame } from './paint';

export interface MovedLanes {
  /** Puts the lanes where they are when the chart shows what lies `shift` milliseconds later. */
  draw: (frame: Frame, model: ChartModel, shift: number) => void;
  /** Another model, size or theme: they are painted again when next needed. */
  forget: () => void;
}

export function movedLanes(): MovedLanes {
  let picture: HTMLCanvasElement | null = null;
  return {
    draw: (frame, model, shift) => {
      const pixels = frame.x(model.from + shift) - frame.x(model.from);
      picture ??= painted(frame, model, pixels);
      if (picture === null) return;
      // Whole pixels of the screen, or all that is sharp would blur.
      const left = -Math.round(pixels * frame.dpr) / frame.dpr;
      frame.ctx.drawImage(picture, left, 0, picture.width / frame.dpr, picture.height / frame.dpr);
    },
    forget: () => { picture = null; },
  };
}

function painted(frame: Frame, model: ChartModel, pixels: number): HTMLCanvasElement | null {
  const canvas = document.createElement('canvas');
  canvas.width = frame.ctx.canvas.width;
  canvas.height = frame.ctx.canvas.height;
  const ctx = canvas.getContext('2d');
  if (ctx === null) return null;
  ctx.scale(frame.dpr, frame.dpr);
  ctx.lineJoin = 'round';
  paintLanes({ ...frame, ctx, x: (ms) => frame.x(ms) + pixels }, model);
  return canvas;
}
