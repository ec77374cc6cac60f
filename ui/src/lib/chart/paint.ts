/** Paints a chart model on a canvas. Takes positions and colours from a frame, so that it needs no chart library. */

import type { BoardBucket } from '../api/BoardBucket';
import { axisLabels } from '../format';
import { spelled, spelledOffset } from '../time';
import { bucketAt } from './model';
import type { ChartModel, Lane } from './model';
import { paintBars } from './paintBars';
import { paintLines } from './paintLines';
import { fitting, tickLabel } from './ticks';

export interface Frame {
  ctx: CanvasRenderingContext2D;
  /** The plot's box in CSS pixels. */
  left: number;
  top: number;
  width: number;
  height: number;
  dpr: number;
  /** From an instant to a CSS pixel. */
  x: (ms: number) => number;
  /** A token's value. */
  css: (token: string) => string;
  font: string;
}

/** Room above the topmost lane for the band's label and the tide's triangle. */
export const HEADROOM = 14;

export interface LaneBox {
  top: number;
  bottom: number;
  y: (value: number) => number;
}

export function laneBox(frame: Pick<Frame, 'top' | 'height'>, lane: Lane): LaneBox {
  const top = lane.top === 0 ? frame.top + HEADROOM : frame.top + frame.height * lane.top;
  const bottom = frame.top + frame.height * lane.bottom;
  const { min, max } = lane.scale;
  return { top, bottom, y: (v) => bottom - ((v - min) / (max - min || 1)) * (bottom - top) };
}

/** The middle of a pixel, so that a line of one pixel is sharp. */
export function crisp(v: number): number {
  return Math.round(v) + 0.5;
}

function rule(frame: Frame, x1: number, y1: number, x2: number, y2: number): void {
  frame.ctx.beginPath();
  frame.ctx.moveTo(x1, y1);
  frame.ctx.lineTo(x2, y2);
  frame.ctx.stroke();
}

function stroke(frame: Frame, token: string, width: number, dash: number[] = []): void {
  frame.ctx.strokeStyle = frame.css(token);
  frame.ctx.lineWidth = width;
  frame.ctx.setLineDash(dash);
}

export function write(frame: Frame, words: string, x: number, y: number, token: string, align: CanvasTextAlign, weight = 400, most?: number): void {
  const { ctx } = frame;
  ctx.font = `${weight} 11px ${frame.font}`;
  ctx.fillStyle = frame.css(token);
  ctx.textAlign = align;
  ctx.textBaseline = 'alphabetic';
  if (most === undefined) ctx.fillText(words, x, y);
  else ctx.fillText(words, x, y, most);
}

/** Over what is drawn: with a rim of paper. */
function writeOver(frame: Frame, words: string, x: number, y: number, token: string, align: CanvasTextAlign, weight = 400): void {
  const { ctx } = frame;
  ctx.font = `${weight} 11px ${frame.font}`;
  ctx.textAlign = align;
  ctx.textBaseline = 'alphabetic';
  stroke(frame, '--surface-1', 3);
  ctx.strokeText(words, x, y);
  write(frame, words, x, y, token, align, weight);
}

/** Paints all of a chart; the lanes, which are most of the work, by `lanes`. */
export function paint(frame: Frame, model: ChartModel, lanes = paintLanes): void {
  const { ctx } = frame;
  ctx.save();
  ctx.scale(frame.dpr, frame.dpr);
  ctx.lineJoin = 'round';
  paintTimeAxis(frame, model);
  if (model.band !== null) paintBand(frame, model.band.from, model.band.to);
  for (const lane of model.lanes) paintValueAxis(frame, lane);
  ctx.save();
  ctx.beginPath();
  ctx.rect(frame.left, 0, frame.width + 4, frame.top + frame.height + 2);
  ctx.clip();
  lanes(frame, model);
  ctx.restore();
  for (const lane of model.lanes) paintLimitLabel(frame, lane);
  paintTrust(frame, model);
  if (model.band !== null) paintBandTop(frame, model);
  paintTide(frame, model);
  ctx.restore();
}

/** Bars, lines and the compared range: what moves as one picture. */
export function paintLanes(frame: Frame, model: ChartModel): void {
  for (const lane of model.lanes) {
    if (lane.kind === 'stack') paintBars(frame, model, lane);
    else paintLines(frame, model, lane);
    if (lane.ghost !== null) paintGhost(frame, model, lane);
  }
}

function paintTimeAxis(frame: Frame, model: ChartModel): void {
  const bottom = frame.top + frame.height;
  const right = frame.left + frame.width;
  // A long day's length may take the place of the hour that makes it long.
  let taken = -Infinity;
  const shown = (ms: number): number => Math.min(Math.max(frame.x(ms), frame.left), right - 26);
  for (const tick of fitting(model.ticks.filter((t) => frame.x(t.at_ms) >= frame.left - 0.5 && frame.x(t.at_ms) <= right + 0.5), shown, frame.left, right)) {
    const x = crisp(frame.x(tick.at_ms));
    if (tick.kind === 'day') {
      stroke(frame, '--chart-day', 1);
      rule(frame, x, frame.top, x, bottom);
    } else if (tick.kind === 'shift') {
      paintRepeated(frame, model, tick.at_ms);
      stroke(frame, '--accent', 1);
      rule(frame, x, frame.top, x, bottom);
    } else {
      stroke(frame, '--chart-axis', 1);
      rule(frame, x, bottom, x, bottom + 3);
    }
    const token = tick.kind === 'day' ? '--text-1' : tick.kind === 'shift' ? '--accent' : '--text-3';
    const words = tickLabel(tick.label, model.clock24);
    frame.ctx.font = `${tick.kind === 'day' ? 600 : 400} 11px ${frame.font}`;
    const half = frame.ctx.measureText(words).width / 2;
    if (tick.kind === 'shift') paintShift(frame, model, tick.at_ms, x);
    if (tick.kind === 'shift' && frame.x(tick.at_ms) - half < taken) continue;
    const at = Math.min(Math.max(frame.x(tick.at_ms), half + 4), right + 8 - half);
    write(frame, words, at, bottom + 14, token, 'center', tick.kind === 'day' ? 600 : 400);
    const odd = tick.kind === 'day' ? oddHours(model, tick.at_ms) : null;
    if (tick.kind === 'day') taken = at + half + (odd === null ? 6 : 34);
    if (odd !== null) write(frame, `${odd}\u202fh`, at + half + 5, bottom + 14, '--accent', 'left');
  }
}

/** How long the day is that begins here, where it is neither 24 hours nor unknown. */
export function oddHours(model: Pick<ChartModel, 'ticks' | 'buckets'>, start: number): number | null {
  const own = model.buckets[bucketAt(model, start) ?? -1]?.odd_hours ?? null;
  if (own !== null) return own;
  const next = model.ticks.find((t) => t.kind === 'day' && t.at_ms > start);
  const hours = next === undefined ? 24 : (next.at_ms - start) / 3_600_000;
  return hours !== 24 && hours > 22 && hours < 26 ? hours : null;
}

/** By how much a bucket's clock is ahead of UTC, in milliseconds. */
function ahead(b: BoardBucket): number {
  const l = spelled(b.start);
  return Date.UTC(l.year, l.month - 1, l.day, l.hour, l.minute, l.second) - b.start_ms;
}

/** A change of the clocks, and by how much they went back, while the days are wide enough to tell. */
function shiftAt(model: ChartModel, at: number): { back: number; was: string; is: string } | null {
  const i = model.buckets.findIndex((b) => b.start_ms === at);
  const [before, after] = [model.buckets[i - 1], model.buckets[i]];
  if (before === undefined || after === undefined || model.to - model.from > 3.1 * 86_400_000) return null;
  const back = ahead(before) - ahead(after);
  return back === 0 ? null : { back, was: spelledOffset(before.start), is: spelledOffset(after.start) };
}

/** The hour that comes twice, both times, behind all that is drawn. */
function paintRepeated(frame: Frame, model: ChartModel, at: number): void {
  const back = shiftAt(model, at)?.back ?? 0;
  if (back <= 0) return;
  const x0 = Math.max(frame.left, frame.x(at - back));
  const x1 = Math.min(frame.left + frame.width, frame.x(at + back));
  frame.ctx.fillStyle = frame.css('--accent-tint');
  frame.ctx.fillRect(x0, frame.top + HEADROOM, x1 - x0, frame.height - HEADROOM);
}

/** Where the clocks change: both offsets. */
function paintShift(frame: Frame, model: ChartModel, at: number, x: number): void {
  const shift = shiftAt(model, at);
  if (shift === null) return;
  writeOver(frame, shift.was, x - 5, frame.top + 9, '--accent', 'right');
  writeOver(frame, `${shift.is}, clocks went ${shift.back > 0 ? 'back' : 'forward'}`, x + 5, frame.top + 9, '--accent', 'left');
}

function paintValueAxis(frame: Frame, lane: Lane): void {
  const box = laneBox(frame, lane);
  const labels = axisLabels(lane.scale.ticks, lane.unit);
  lane.scale.ticks.forEach((t, i) => {
    const y = crisp(box.y(t));
    if (y < box.top - 2) return;
    stroke(frame, t === 0 ? '--chart-axis' : '--chart-grid', 1);
    rule(frame, frame.left, y, frame.left + frame.width, y);
    write(frame, labels[i] ?? '', frame.left - 6, y + 3.5, '--text-3', 'right', 400, frame.left - 8);
  });
  if (lane.label !== null) write(frame, lane.label, frame.left, frame.top + frame.height * 0.6 + 14, '--text-3', 'left');
  if (lane.limit !== null) {
    const y = crisp(box.y(lane.limit.value));
    stroke(frame, '--bad', 1, [4, 3]);
    rule(frame, frame.left, y, frame.left + frame.width, y);
    frame.ctx.setLineDash([]);
  }
}

/** A key at the top of the plot, where lines are rare: a limit lies low, and over it they are thick. With a rim of paper. */
function paintLimitLabel(frame: Frame, lane: Lane): void {
  if (lane.limit === null) return;
  const y = laneBox(frame, lane).top + 10;
  stroke(frame, '--surface-1', 3);
  rule(frame, frame.left + 4, crisp(y - 4), frame.left + 19, crisp(y - 4));
  stroke(frame, '--bad', 1, [4, 3]);
  rule(frame, frame.left + 4, crisp(y - 4), frame.left + 19, crisp(y - 4));
  frame.ctx.setLineDash([]);
  writeOver(frame, lane.limit.label, frame.left + 24, y, '--bad', 'left');
}

function paintBand(frame: Frame, from: number, to: number): void {
  const x0 = Math.max(frame.left, frame.x(from));
  const x1 = Math.min(frame.left + frame.width, frame.x(to));
  if (x1 <= x0) return;
  frame.ctx.fillStyle = frame.css('--band-bad');
  frame.ctx.fillRect(x0, frame.top + 7, x1 - x0, frame.height - 7);
}

function paintBandTop(frame: Frame, model: ChartModel): void {
  const { band } = model;
  if (band === null) return;
  const x0 = Math.max(frame.left, frame.x(band.from));
  const x1 = Math.min(frame.left + frame.width, frame.x(band.to));
  if (x1 <= x0) return;
  frame.ctx.fillStyle = frame.css('--bad');
  frame.ctx.fillRect(x0, frame.top + 6, x1 - x0, 2);
  if (band.label === '') return;
  frame.ctx.font = `600 11px ${frame.font}`;
  const width = frame.ctx.measureText(band.label).width;
  if (x0 - width - 6 > frame.left) writeOver(frame, band.label, x0 - 5, frame.top + 11, '--bad', 'right', 600);
  // Below the limit's key, where there is one.
  else if (x1 - x0 > width + 16) writeOver(frame, band.label, x0 + 5, frame.top + (model.lanes[0]?.limit == null ? 20 : 40), '--bad', 'left', 600);
}

function paintGhost(frame: Frame, model: ChartModel, lane: Lane): void {
  const box = laneBox(frame, lane);
  const { ctx } = frame;
  stroke(frame, '--chart-ghost', 1, [3, 2]);
  ctx.beginPath();
  let open = false;
  model.buckets.forEach((b, i) => {
    const v = lane.ghost?.[i] ?? null;
    if (v === null) {
      open = false;
      return;
    }
    const x = frame.x((b.start_ms + b.end_ms) / 2);
    if (open) ctx.lineTo(x, box.y(v));
    else ctx.moveTo(x, box.y(v));
    open = true;
  });
  ctx.stroke();
  ctx.setLineDash([]);
}

/** The axis line says how far what stands on it can be trusted. */
function paintTrust(frame: Frame, model: ChartModel): void {
  const y = frame.top + frame.height;
  const right = frame.left + frame.width;
  for (const run of model.trust) {
    if (run.look === 'absent') continue;
    const x0 = Math.max(frame.left, frame.x(run.from));
    const x1 = Math.min(right, frame.x(run.to));
    if (x1 <= x0) continue;
    if (run.look === 'pending') stroke(frame, '--pending', 2, [3, 2]);
    else if (run.look === 'frozen') stroke(frame, '--frozen', 2, [1, 3]);
    else if (run.look === 'partial') stroke(frame, '--chart-axis', 2, [2, 2]);
    else stroke(frame, '--chart-axis', 2);
    rule(frame, x0, y, x1, y);
  }
  frame.ctx.setLineDash([]);
}

function paintTide(frame: Frame, model: ChartModel): void {
  if (model.tide === null || model.tide < model.from || model.tide > model.to) return;
  const stale = model.staleNote !== null;
  const x = crisp(frame.x(model.tide)) ;
  const token = stale ? '--warn' : '--accent';
  stroke(frame, token, 1);
  rule(frame, x, frame.top + 6, x, frame.top + frame.height);
  const { ctx } = frame;
  ctx.fillStyle = frame.css(token);
  ctx.beginPath();
  ctx.moveTo(x - 4, frame.top - 1);
  ctx.lineTo(x + 4, frame.top - 1);
  ctx.lineTo(x, frame.top + 5);
  ctx.closePath();
  ctx.fill();
  if (model.staleNote === null || model.staleNote === '') return;
  ctx.font = `400 11px ${frame.font}`;
  const width = ctx.measureText(model.staleNote).width;
  ctx.fillStyle = frame.css('--surface-1');
  ctx.fillRect(x - width - 10, frame.top - 2, width + 5, 14);
  write(frame, model.staleNote, x - 8, frame.top + 9, '--warn', 'right');
}
