/** Lines and stacked areas. They break where there is no data, and are dashed into what is partial or pending. */

import type { ChartModel, Column, Lane, Series } from './model';
import type { Frame, LaneBox } from './paint';
import { laneBox } from './paint';

interface Point {
  x: number;
  y: number;
  firm: boolean;
}

/** Points of a column in stretches without a gap; more than two a pixel become their lowest and highest. */
export function stretches(frame: Pick<Frame, 'x'>, model: Pick<ChartModel, 'buckets'>, values: Column, y: (v: number) => number): Point[][] {
  const { buckets } = model;
  const first = buckets[0];
  const last = buckets.at(-1);
  if (first === undefined || last === undefined) return [];
  const dense = buckets.length > 2 && buckets.length >= (frame.x(last.end_ms) - frame.x(first.start_ms)) * 2;
  const out: Point[][] = [];
  let open: Point[] | null = null;
  // Of a crowded pixel column only the lowest and the highest value are kept, by index: 90 days of quarter hours are
  // drawn sixty times a second while one pans, and a point for each would be more work for the collector than for us.
  let column = NaN;
  let low = -1;
  let high = -1;
  const add = (i: number): void => {
    const b = buckets[i];
    if (b !== undefined) open?.push({ x: frame.x((b.start_ms + b.end_ms) / 2), y: y(values[i] ?? 0), firm: !b.partial && b.state !== 'pending' });
  };
  const flush = (): void => {
    if (low < 0) return;
    add(Math.min(low, high));
    add(Math.max(low, high));
    low = high = -1;
  };
  for (let i = 0; i < buckets.length; i++) {
    const v = values[i] ?? null;
    const b = buckets[i];
    if (v === null || !Number.isFinite(v) || b === undefined) {
      flush();
      open = null;
      continue;
    }
    if (open === null) {
      open = [];
      out.push(open);
    }
    if (!dense) {
      add(i);
      continue;
    }
    const at = Math.round(frame.x((b.start_ms + b.end_ms) / 2));
    if (at !== column) flush();
    column = at;
    if (low < 0 || v < (values[low] ?? 0)) low = i;
    if (high < 0 || v > (values[high] ?? 0)) high = i;
  }
  flush();
  return out;
}

export function paintLines(frame: Frame, model: ChartModel, lane: Lane): void {
  const box = laneBox(frame, lane);
  if (lane.kind === 'area') {
    paintAreas(frame, model, lane, box);
    return;
  }
  const order = [...lane.series].reverse().sort((a, b) => Number(a.emphasis ?? false) - Number(b.emphasis ?? false));
  for (const series of order) paintLine(frame, model, series, series.values, box);
}

function paintLine(frame: Frame, model: ChartModel, series: Series, values: Column, box: LaneBox): void {
  const { ctx } = frame;
  const firm = new Path2D();
  const loose = new Path2D();
  const width = series.emphasis === true ? 2 : 1.5;
  ctx.strokeStyle = frame.css(series.color);
  ctx.fillStyle = frame.css(series.color);
  ctx.lineWidth = width;
  for (const points of stretches(frame, model, values, box.y)) {
    // Where every pixel column goes up and down, boxes are cheaper than strokes; one by one, since a path of a thousand takes
    // a tenth of a second to fill.
    const dense = points.length > 2 && points.length > (points.at(-1)?.x ?? 0) - (points[0]?.x ?? 0);
    points.forEach((p, i) => {
      if (p.y < frame.top && !dense) beyond(frame, p.x);
      const before = points[i - 1];
      if (before === undefined) {
        if (points.length === 1) dot(frame, p, width, p.firm);
        return;
      }
      if (dense && p.firm && before.firm) {
        ctx.fillRect(before.x - width / 2, Math.min(before.y, p.y) - width / 2, p.x - before.x + width, Math.abs(p.y - before.y) + width);
        return;
      }
      const path = p.firm && before.firm ? firm : loose;
      path.moveTo(before.x, before.y);
      path.lineTo(p.x, p.y);
    });
    const last = points.at(-1);
    if (last !== undefined && !last.firm && points.length > 1) dot(frame, last, width, false);
  }
  ctx.setLineDash([]);
  ctx.stroke(firm);
  ctx.setLineDash([2, 2]);
  ctx.stroke(loose);
  ctx.setLineDash([]);
}

/** Where a value is above what the axis reaches. */
function beyond(frame: Frame, x: number): void {
  const { ctx, top } = frame;
  ctx.beginPath();
  ctx.moveTo(x, top);
  ctx.lineTo(x + 3.5, top + 5);
  ctx.lineTo(x - 3.5, top + 5);
  ctx.fill();
}

/** A full dot where a value stands alone, a hollow one where it is not final. */
function dot(frame: Frame, p: Point, width: number, full: boolean): void {
  const { ctx } = frame;
  ctx.save();
  ctx.setLineDash([]);
  ctx.beginPath();
  ctx.arc(p.x, p.y, full ? width + 0.5 : 2, 0, 2 * Math.PI);
  if (full) {
    ctx.fill();
  } else {
    ctx.fillStyle = frame.css('--surface-1');
    ctx.fill();
    ctx.lineWidth = 1.25;
    ctx.stroke();
  }
  ctx.restore();
}

function paintAreas(frame: Frame, model: ChartModel, lane: Lane, box: LaneBox): void {
  const { ctx } = frame;
  const base = new Float64Array(model.buckets.length);
  for (const series of lane.series) {
    const tops = series.values.map((v, i) => (v === null && model.filled[i] !== true ? null : (base[i] ?? 0) + (v ?? 0)));
    const floor = Float64Array.from(base);
    let run: number[] = [];
    const close = (): void => {
      if (run.length > 0) fillRun(frame, model, run, tops, floor, box, series.color);
      run = [];
    };
    tops.forEach((v, i) => {
      if (v === null) close();
      else run.push(i);
    });
    close();
    paintLine(frame, model, series, tops, box);
    series.values.forEach((v, i) => { base[i] = (base[i] ?? 0) + (v ?? 0); });
  }
  ctx.setLineDash([]);
}

function fillRun(frame: Frame, model: ChartModel, run: number[], tops: Column, floor: Float64Array, box: LaneBox, token: string): void {
  const { ctx } = frame;
  const x = (i: number): number => {
    const b = model.buckets[i];
    return b === undefined ? 0 : frame.x((b.start_ms + b.end_ms) / 2);
  };
  ctx.beginPath();
  run.forEach((i, n) => { if (n === 0) ctx.moveTo(x(i), box.y(tops[i] ?? 0)); else ctx.lineTo(x(i), box.y(tops[i] ?? 0)); });
  for (const i of [...run].reverse()) ctx.lineTo(x(i), box.y(floor[i] ?? 0));
  ctx.closePath();
  ctx.save();
  ctx.globalAlpha = 0.28;
  ctx.fillStyle = frame.css(token);
  ctx.fill();
  ctx.restore();
}
