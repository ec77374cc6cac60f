/** Stacked bars: exact ones filled, pending outlined, frozen dotted, partial hatched; zero is a mark on the line, no data is nothing. */

import type { ChartModel, Lane } from './model';
import type { Frame, LaneBox } from './paint';
import { laneBox } from './paint';
import { dots, hatch } from './patterns';

/** Narrower buckets join into steps. A day by quarter hours, begun within one, has 97 of 5.9. */
const BAR_WIDTH = 5.75;

interface Look {
  fill: (token: string) => string | CanvasPattern;
  edge: boolean;
  outline: string | null;
}

function looks(frame: Frame): Record<'exact' | 'pending' | 'frozen' | 'partial', Look> {
  return {
    exact: { fill: (t) => frame.css(t), edge: true, outline: null },
    partial: { fill: (t) => hatch(frame, t), edge: true, outline: null },
    frozen: { fill: () => dots(frame, '--frozen', '--frozen-tint'), edge: false, outline: null },
    pending: { fill: () => frame.css('--pending-tint'), edge: false, outline: '--pending' },
  };
}

/** The buckets that are drawn: all, or where several share a pixel column, the tallest of each. */
export function drawnBuckets(frame: Pick<Frame, 'x'>, model: Pick<ChartModel, 'buckets'>, lane: Pick<Lane, 'series'>): number[] {
  const { buckets } = model;
  const first = buckets[0];
  const last = buckets.at(-1);
  const all = buckets.map((_, i) => i);
  if (first === undefined || last === undefined || buckets.length <= frame.x(last.end_ms) - frame.x(first.start_ms)) return all;
  const out: number[] = [];
  let column = NaN;
  let tallest = -1;
  for (const i of all) {
    const at = Math.floor(frame.x(buckets[i]?.start_ms ?? 0));
    let total = 0;
    for (const s of lane.series) total += s.values[i] ?? 0;
    if (at !== column) out.push(i);
    else if (total > tallest) out[out.length - 1] = i;
    tallest = at === column ? Math.max(tallest, total) : total;
    column = at;
  }
  return out;
}

export function paintBars(frame: Frame, model: ChartModel, lane: Lane): void {
  const box = laneBox(frame, lane);
  const styles = looks(frame);
  const widest = model.buckets.reduce((w, b) => Math.max(w, frame.x(b.end_ms) - frame.x(b.start_ms)), 0);
  const barred = widest >= BAR_WIDTH;
  const base = new Float64Array(model.buckets.length);
  const drawn = drawnBuckets(frame, model, lane);
  const zeros: [number, number][] = [];
  drawn.forEach((i) => {
    const b = model.buckets[i];
    if (b !== undefined && model.filled[i] === true && lane.series.every((s) => (s.values[i] ?? 0) === 0)) zeros.push(edges(frame, b.start_ms, b.end_ms, barred));
  });
  for (const series of lane.series) {
    for (const kind of ['exact', 'partial', 'frozen', 'pending'] as const) {
      // One by one: a path of all of them takes longer to fill than it has any right to.
      const bars: [x: number, y: number, width: number, height: number][] = [];
      drawn.forEach((i) => {
        const b = model.buckets[i];
        if (b === undefined) return;
        const look = b.state !== 'exact' ? b.state : b.partial ? 'partial' : 'exact';
        const v = series.values[i] ?? null;
        if (look !== kind || v === null || v === 0) return;
        const [x0, x1] = edges(frame, b.start_ms, b.end_ms, barred);
        const y1 = box.y((base[i] ?? 0) + v);
        bars.push([x0, y1, x1 - x0, box.y(base[i] ?? 0) - y1]);
      });
      if (bars.length === 0) continue;
      frame.ctx.fillStyle = styles[kind].fill(series.color);
      for (const [x, y, width, height] of bars) frame.ctx.fillRect(x, y, width, height);
      if (styles[kind].edge && series.edge !== undefined) {
        frame.ctx.fillStyle = frame.css(series.edge);
        for (const [x, y, width, height] of bars) frame.ctx.fillRect(x, y, width, Math.min(1.25, height));
      }
    }
    series.values.forEach((v, i) => { base[i] = (base[i] ?? 0) + (v ?? 0); });
  }
  outlinePending(frame, model, box, base, barred);
  markZeros(frame, box, zeros);
}

function edges(frame: Frame, start: number, end: number, barred: boolean): [number, number] {
  const x0 = frame.x(start);
  const x1 = frame.x(end);
  // Narrower than a pixel, it stands for all that share its column.
  if (!barred) return [x0, Math.max(x1, x0 + 1) + 0.35];
  return [Math.round(x0), Math.max(Math.round(x0) + 1, Math.round(x1) - 1)];
}

/** One dashed outline round each pending bar, or round a stretch of narrow ones. */
function outlinePending(frame: Frame, model: ChartModel, box: LaneBox, tops: Float64Array, barred: boolean): void {
  const { ctx } = frame;
  ctx.strokeStyle = frame.css('--pending');
  ctx.lineWidth = 1;
  ctx.setLineDash([3, 2]);
  ctx.beginPath();
  model.buckets.forEach((b, i) => {
    if (b.state !== 'pending' || (tops[i] ?? 0) === 0) return;
    const [x0, x1] = edges(frame, b.start_ms, b.end_ms, barred);
    const y = box.y(tops[i] ?? 0);
    if (barred) {
      ctx.rect(x0 + 0.5, y + 0.5, x1 - x0 - 1, box.y(0) - y);
    } else {
      ctx.moveTo(x0, y);
      ctx.lineTo(x1, y);
    }
  });
  ctx.stroke();
  ctx.setLineDash([]);
}

function markZeros(frame: Frame, box: LaneBox, zeros: [number, number][]): void {
  frame.ctx.fillStyle = frame.css('--class-success-edge');
  for (const [x0, x1] of zeros) frame.ctx.fillRect(x0, box.y(0) - 1.5, x1 - x0, 1.5);
}
