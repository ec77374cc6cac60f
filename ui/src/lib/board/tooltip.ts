/** What the tooltip says about a bucket. Plain text throughout. */

import type { BoardAnswer } from '../api/BoardAnswer';
import type { BoardBucket } from '../api/BoardBucket';
import type { BoardPanel } from '../api/BoardPanel';
import type { PendingReason } from '../api/PendingReason';
import { columnOf } from '../chart/model';
import type { MarkName } from '../ui/icons';
import { full, grouped } from '../format';
import type { Clock } from '../time';
import { spelledOffset } from '../time';
import { legendKey, panelSeries } from './charts';
import type { ChartContext } from './charts';

export interface TipRow {
  key: string;
  color: string;
  line: boolean;
  label: string;
  value: string;
  strong: boolean;
}

export interface Tip {
  day: string;
  span: string;
  rows: TipRow[];
  more: number;
  counts: string | null;
  state: { mark: MarkName; tone: string; text: string };
}

/** What a tooltip is about: a point, and the edges of the bucket round it. */
export interface Place {
  x: number;
  y: number;
  left: number;
  right: number;
}

const MOST_ROWS = 10;
const BESIDE = 12;
const MARGIN = 8;

/** Where a tooltip begins: right of the bucket, else left of it, else beside the pointer, where neither has room. */
export function beside({ x, left, right }: Place, width: number, windowWidth: number): number {
  const fits = (at: number): boolean => at >= MARGIN && at + width <= windowWidth - MARGIN;
  const sides = [right + BESIDE, left - BESIDE - width, x + BESIDE];
  return sides.find(fits) ?? x - BESIDE - width;
}

export function bucketState(b: BoardBucket, filled: boolean, nowMs: number, reason: PendingReason | null): Tip['state'] {
  if (b.start_ms > nowMs) return { mark: 'never', tone: 'c-mute', text: 'still to come' };
  if (b.state === 'pending') return { mark: 'pending', tone: 'c-pending', text: reason?.kind === 'polled' ? 'pending: a poll may still find changes' : 'pending: marks wait, this is the rollup’s number' };
  if (b.state === 'frozen') return { mark: 'frozen', tone: 'c-frozen', text: 'frozen: raw rows may be gone' };
  if (b.partial) {
    const minutes = Math.floor((nowMs - b.start_ms) / 60_000);
    const whole = Math.round((b.end_ms - b.start_ms) / 60_000);
    const said = whole <= 120 ? `${minutes} of ${whole}\u202fmin so far` : `${Math.floor(minutes / 60)} of ${Math.round(whole / 60)}\u202fh so far`;
    return { mark: 'partial', tone: 'c-partial', text: minutes >= 0 && minutes < whole ? `partial: ${said}` : 'partial: the range cuts it' };
  }
  return filled ? { mark: 'ok', tone: 'c-ok', text: 'exact' } : { mark: 'ok', tone: 'c-ok', text: 'exact: no rows at all' };
}

/** Day and span of a bucket; the span carries the zone's offset. */
export function bucketTitle(b: BoardBucket, answer: Pick<BoardAnswer, 'grain'>, clock: Clock, nowMs: number): { day: string; span: string } {
  const fine = answer.grain !== 'day' && answer.grain !== 'week' && answer.grain !== 'month' && answer.grain !== 'year';
  const offsets = [spelledOffset(b.start), spelledOffset(b.end)];
  if (fine) return { day: clock.spelledDate(b.start, nowMs), span: `${clock.bucket(b, answer.grain, nowMs)} ${offsets[0] ?? ''}` };
  const odd = b.odd_hours === null ? '' : `, ${b.odd_hours}\u202fh`;
  const offset = offsets[0] === offsets[1] ? (offsets[0] ?? '') : `${offsets[0] ?? ''} to ${offsets[1] ?? ''}`;
  return { day: clock.bucket(b, answer.grain, nowMs), span: `${offset}${odd}` };
}

/** `near` is the series that is pointed at. */
export function tip(panel: BoardPanel, answer: BoardAnswer, ctx: ChartContext, index: number, clock: Clock, nowMs: number, near: string | null = null): Tip | null {
  const b = answer.buckets[index];
  if (b === undefined) return null;
  const series = panelSeries(panel, answer, ctx).filter((s) => !ctx.hidden.has(s.key) && s.label !== '');
  const all = series
    .map((s) => ({ s, v: s.values[index] ?? null }))
    .sort((x, y) => (y.v ?? -Infinity) - (x.v ?? -Infinity))
    .map(({ s, v }) => ({ key: s.key, color: s.edge ?? s.color, line: s.shape === 'line', label: s.label, value: full(v, s.unit), strong: near !== null && s.key === legendKey(near) }));
  let counts: string | null = null;
  if (panel.counts !== null) {
    const part = answer.overall.columns[columnOf(answer, panel.counts.part)]?.[index] ?? null;
    const whole = answer.overall.columns[columnOf(answer, panel.counts.whole)]?.[index] ?? null;
    if (part !== null && whole !== null) counts = `${grouped(part)} of ${grouped(whole)} ${panel.counts.word}`;
  }
  const filled = answer.overall.columns.some((c) => (c[index] ?? null) !== null);
  return { ...bucketTitle(b, answer, clock, nowMs), rows: all.slice(0, MOST_ROWS), more: Math.max(0, all.length - MOST_ROWS), counts, state: bucketState(b, filled, nowMs, answer.pending_reason) };
}

/** What a picture says of its moment: `Europe/Berlin, as of 26 Oct 2026 14:22:06`. */
export function asOf(answer: Pick<BoardAnswer, 'tz' | 'as_of_ms'>, clock: Clock): string {
  return `${answer.tz}, as of ${clock.fullDate(answer.as_of_ms)} ${clock.timeSeconds(answer.as_of_ms)}`;
}

/** A tooltip for a screen reader. */
export function spoken(t: Tip): string {
  return [`${t.day} ${t.span}`, ...t.rows.map((r) => `${r.label} ${r.value}`), t.counts, t.state.text].filter((s) => s !== null).join('; ');
}
