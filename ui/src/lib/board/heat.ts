/** Hour of the day by day: rows are local days, columns local hours. A repeated hour shares its cell. */

import type { BoardAnswer } from '../api/BoardAnswer';
import type { BoardRule } from '../api/BoardRule';
import { columnOf } from '../chart/model';
import { spelled } from '../time';
import type { Limits } from '../api/Limits';

export interface HeatCell {
  index: number;
  hour: number;
  /** 0 to 6, or null where there are no rows. */
  step: number | null;
  value: number | null;
  partial: boolean;
  pending: boolean;
  over: boolean;
  /** First or second half of a repeated hour. */
  half: 0 | 1 | null;
}

export interface HeatRow {
  start: string;
  cells: HeatCell[];
  /** 23 or 25, where the day has that many hours. */
  odd: number | null;
  today: boolean;
}

export interface Heat {
  rows: HeatRow[];
  max: number;
}

export const STEPS = 7;

function over(answer: BoardAnswer, b: number, rule: BoardRule | undefined, limits: Limits): boolean {
  if (rule === undefined) return false;
  const rate = columnOf(answer, rule.measure);
  const samples = columnOf(answer, rule.samples);
  return answer.groups.some((g) => (g.columns[samples]?.[b] ?? 0) >= limits.min_samples && (g.columns[rate]?.[b] ?? 0) > limits.error_rate_percent);
}

export function heat(measure: string, answer: BoardAnswer, rule: BoardRule | undefined, limits: Limits): Heat {
  const column = answer.overall.columns[columnOf(answer, measure)] ?? [];
  const max = Math.max(0, ...column.map((v, i) => (answer.buckets[i]?.partial === true ? 0 : (v ?? 0))));
  const rows: HeatRow[] = [];
  let day = '';
  answer.buckets.forEach((b, index) => {
    const date = b.start.slice(0, 10);
    if (date !== day) rows.push({ start: b.start, cells: [], odd: null, today: false });
    day = date;
    const v = column[index] ?? null;
    const hour = spelled(b.start).hour;
    const cells = rows.at(-1)?.cells ?? [];
    const before = cells.at(-1);
    const repeated = before !== undefined && before.hour === hour;
    if (repeated) before.half = 0;
    cells.push({
      index, hour, value: v, step: v === null ? null : max === 0 ? 0 : Math.min(STEPS - 1, Math.max(0, Math.ceil((v / max) * STEPS) - 1)),
      partial: b.partial, pending: b.state === 'pending', over: over(answer, index, rule, limits), half: repeated ? 1 : null,
    });
  });
  rows.forEach((r, i) => {
    r.today = i === rows.length - 1;
    const hours = r.cells.length;
    const whole = r.cells[0]?.hour === 0 && r.cells.at(-1)?.hour === 23;
    if (whole && (hours === 23 || hours === 25)) r.odd = hours;
  });
  return { rows, max };
}

/** The cell that a key leads to: by an hour, by a day, to either end; the last one where none is chosen. Null is no such key. */
export function cellAfter({ rows }: Heat, from: number | null, key: string): number | null {
  const cells = rows.flatMap((r) => r.cells);
  const last = cells.length - 1;
  const row = rows.findIndex((r) => r.cells.some((c) => c.index === from));
  const hour = cells[from ?? last]?.hour ?? 0;
  const day = (by: -1 | 1): number => rows[row + by]?.cells.findLast((c) => c.hour <= hour)?.index ?? from ?? last;
  if (last < 0 || !['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End'].includes(key)) return null;
  if (key === 'Home') return 0;
  if (key === 'End' || from === null || row < 0) return last;
  if (key === 'ArrowUp' || key === 'ArrowDown') return day(key === 'ArrowUp' ? -1 : 1);
  return Math.min(last, Math.max(0, from + (key === 'ArrowLeft' ? -1 : 1)));
}

/** Neighbouring cells over a limit, as stretches of hours. */
export function overRuns(cells: HeatCell[]): { from: number; to: number }[] {
  const runs: { from: number; to: number }[] = [];
  for (const c of cells) {
    if (!c.over) continue;
    const last = runs.at(-1);
    if (last !== undefined && c.hour <= last.to + 1) last.to = c.hour;
    else runs.push({ from: c.hour, to: c.hour });
  }
  return runs;
}
