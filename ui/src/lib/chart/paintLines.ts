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
  const out: Point[][] = [];
  let open: Point[] | null = null;
  model.buckets.forEach((b, i) => {
    const v = values[i] ?? null;
    if (v === null || !Number.isFinite(v)) {
      open = null;
      return;
    }
    if (open === null) {
      open = [];
      out.push(open);
    }
    open.push({ x: frame.x((b.start_ms + b.end_ms) / 2), y: y(v), firm: !b.partial && b.state !== 'pending' });
  });
  return out.map(thinned);
}

function thinned(points: Point[]): Point[] {
  const first = points[0];
  const last = points.at(-1);
  if (first === undefined || last === undefined || points.length < 3 || points.length < (last.x - first.x) * 2) return points;
  const out: Point[] = [];
  let column: Point[] = [];
  const flush = (): void => {
    const low = column.reduce((a, p) => (p.y < a.y ? p : a), column[0] ?? first);
    const high = column.reduce((a, p) => (p.y > a.y ? p : a), column[0] ?? first);
    out.push(...(low.x <= high.x ? [low, high] : [high, low]));
    column = [];
  };
  for (const p of points) {
    if (column.length > 0 && Math.round(column[0]?.x ?? 0) !== Math.round(p.x)) flush();
    column.push(p);
  }
  if (column.length > 0) flush();
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
    points.forEach((p, i) => {
      const before = points[i - 1];
      if (before === undefined) {
        if (points.length === 1) dot(frame, p, width, p.firm);
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
