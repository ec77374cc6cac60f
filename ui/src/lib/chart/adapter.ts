/** The only file that knows uPlot: canvas, time scale, drag selection. Ticks and marks are painted by us, where the core says. */

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { movedLanes } from './layer';
import { bucketAt } from './model';
import type { ChartModel } from './model';
import { nearest } from './nearest';
import { panning } from './panning';
import { paint } from './paint';

/** A bucket under the crosshair, and what is meant in it, in pixels of the window. */
export interface Hovered {
  index: number;
  x: number;
  y: number;
  /** The bucket's edges. */
  left: number;
  right: number;
  /** The series that the pointer is on or closest to; null without a pointer. */
  series: string | null;
}

export interface ChartHandlers {
  /** Null when the pointer leaves. */
  hover: (at: Hovered | null) => void;
  zoom: (fromMs: number, toMs: number) => void;
  reset: () => void;
  /** Shift and drag, or a sideways wheel: how far from where it was, and whether that was all. */
  pan: (byMs: number, done: boolean) => void;
  /** A bucket was clicked, not dragged. */
  pick: (index: number) => void;
}

export interface ChartHandle {
  update: (model: ChartModel) => void;
  resize: (width: number, height: number) => void;
  /** Left edge and width of a bucket, in CSS pixels from the chart's left edge. */
  place: (index: number) => { left: number; width: number; centre: number } | null;
  /** Shows what lies so many milliseconds later, until the next model. */
  pan: (byMs: number) => void;
  repaint: () => void;
  destroy: () => void;
}

export const PLOT = { left: 40, right: 8, top: 6, bottom: 20 } as const;

/** Moved by less, a press is a click. */
const DRAG = 5;

function centres(model: ChartModel): number[] {
  return model.buckets.map((b) => (b.start_ms + b.end_ms) / 2);
}

/** uPlot's options: one hidden series, no axes of its own. */
export function options(width: number, height: number, span: () => [number, number], handlers: ChartHandlers, draw: (u: uPlot) => void): uPlot.Options {
  return {
    width,
    height,
    padding: [PLOT.top, PLOT.right, PLOT.bottom, PLOT.left],
    legend: { show: false },
    axes: [{ show: false }, { show: false }],
    series: [{}, { show: true, paths: () => null, points: { show: false } }],
    scales: { x: { time: false, range: span }, y: { range: () => [0, 1] } },
    cursor: { x: false, y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: DRAG }, bind: { dblclick: () => () => { handlers.reset(); return null; } } },
    select: { show: true, left: 0, top: 0, width: 0, height: 0 },
    hooks: {
      draw: [draw],
      setSelect: [
        (u) => {
          if (u.select.width < 4) return;
          const from = u.posToVal(u.select.left, 'x');
          const to = u.posToVal(u.select.left + u.select.width, 'x');
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          handlers.zoom(from, to);
        },
      ],
    },
  };
}

export function mountChart(target: HTMLElement, first: ChartModel, size: { width: number; height: number }, handlers: ChartHandlers): ChartHandle {
  let model = first;
  let shift = 0;
  const lanesMoved = movedLanes();
  const span = (): [number, number] => [model.from + shift, model.to + shift];
  const draw = (u: uPlot): void => {
    const style = getComputedStyle(target);
    const ratio = uPlot.pxRatio;
    const left = u.bbox.left / ratio;
    // Time is linear here, and asked for tens of thousands of times a frame.
    const [from, to] = span();
    const scale = u.bbox.width / ratio / (to - from);
    const frame = {
      ctx: u.ctx, left, top: u.bbox.top / ratio, width: u.bbox.width / ratio, height: u.bbox.height / ratio, dpr: ratio,
      x: (ms: number) => left + (ms - from) * scale,
      css: (token: string) => style.getPropertyValue(token).trim(),
      font: style.fontFamily,
    };
    if (shift === 0) paint(frame, model);
    else paint(frame, model, (f, m) => { lanesMoved.draw(f, m, shift); });
  };
  const data = (): uPlot.AlignedData => {
    const xs = centres(model);
    return [xs, xs.map(() => null)];
  };
  const plot = new uPlot(options(size.width, size.height, span, handlers, draw), data(), target);
  const at = (index: number): { left: number; width: number; centre: number } | null => {
    const b = model.buckets[index];
    if (b === undefined) return null;
    const left = plot.bbox.left / uPlot.pxRatio;
    const x0 = plot.valToPos(b.start_ms, 'x');
    const x1 = plot.valToPos(b.end_ms, 'x');
    return { left: left + x0, width: x1 - x0, centre: left + (x0 + x1) / 2 };
  };
  const move = (event: MouseEvent): void => {
    const ms = plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, 'x');
    const index = bucketAt(model, ms);
    const spot = index === null ? null : at(index);
    if (index === null || spot === null) { handlers.hover(null); return; }
    const box = target.getBoundingClientRect();
    const frame = { top: plot.bbox.top / uPlot.pxRatio, height: plot.bbox.height / uPlot.pxRatio };
    handlers.hover({
      index, x: event.clientX, y: event.clientY, left: box.left + spot.left, right: box.left + spot.left + spot.width, series: nearest(model, index, event.clientY - box.top, frame),
    });
  };
  const leave = (): void => { handlers.hover(null); };
  let pressed = 0;
  const press = (event: MouseEvent): void => { pressed = event.clientX; };
  const click = (event: MouseEvent): void => {
    // What ends a drag is a click too, and the second one of two belongs to the double click.
    if (event.detail > 1 || Math.abs(event.clientX - pressed) >= DRAG) return;
    const index = bucketAt(model, plot.posToVal(event.clientX - plot.over.getBoundingClientRect().left, 'x'));
    if (index !== null) handlers.pick(index);
  };
  const stopPanning = panning(target, (px) => (px / plot.over.clientWidth) * (model.to - model.from), handlers);
  plot.over.addEventListener('mousemove', move);
  plot.over.addEventListener('mouseleave', leave);
  plot.over.addEventListener('mousedown', press);
  plot.over.addEventListener('click', click);
  return {
    update: (next) => { model = next; shift = 0; lanesMoved.forget(); plot.setData(data()); },
    pan: (byMs) => {
      if (byMs === shift) return;
      shift = byMs;
      const [min, max] = span();
      plot.setScale('x', { min, max });
    },
    resize: (width, height) => { lanesMoved.forget(); plot.setSize({ width, height }); },
    place: at,
    repaint: () => { lanesMoved.forget(); plot.redraw(false); },
    destroy: () => {
      stopPanning();
      plot.destroy();
    },
  };
}
