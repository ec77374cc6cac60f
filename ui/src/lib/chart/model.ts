/** What a chart draws, as plain data. Nothing here knows how it is painted. */

import type { BoardAnswer } from '../api/BoardAnswer';
import type { BoardBucket } from '../api/BoardBucket';
import type { State } from '../api/State';
import type { Tick } from '../api/Tick';
import { valueScale } from './scale';
import type { ValueScale } from './scale';

export type Column = readonly (number | null)[];

export interface Series {
  key: string;
  label: string;
  /** A token's name, such as `--series-1`. */
  color: string;
  /** A darker top edge, for the sea of a stack. */
  edge?: string;
  values: Column;
  /** Behind a rate: how many it is of. */
  samples?: Column;
  emphasis?: boolean;
}

export interface Lane {
  kind: 'stack' | 'lines' | 'area';
  series: Series[];
  unit: string;
  scale: ValueScale;
  /** Part of the plot's height, from the top. */
  top: number;
  bottom: number;
  label: string | null;
  /** The compared range: a dashed ghost. */
  ghost: Column | null;
  limit: { value: number; label: string } | null;
}

export interface Band {
  from: number;
  to: number;
  label: string;
}

export interface ChartModel {
  from: number;
  to: number;
  buckets: readonly BoardBucket[];
  /** There were rows in this bucket. */
  filled: readonly boolean[];
  /** The trust line, worked out once: it is painted in every frame of a movement. */
  trust: readonly Run[];
  ticks: readonly Tick[];
  lanes: Lane[];
  band: Band | null;
  /** Complete up to here. */
  tide: number | null;
  clock24: boolean;
  label: string;
  /** Said at the right edge while the connection is lost. */
  staleNote: string | null;
}

/** Where the column of a measure is in an answer; −1 where there is none. */
export function columnOf(answer: Pick<BoardAnswer, 'measures'>, measure: string): number {
  return answer.measures.findIndex((m) => m.name === measure);
}

export function unitOf(answer: Pick<BoardAnswer, 'measures'>, measure: string): string {
  return answer.measures.find((m) => m.name === measure)?.unit ?? '';
}

export function labelOf(answer: Pick<BoardAnswer, 'measures'>, measure: string): string {
  return answer.measures.find((m) => m.name === measure)?.label ?? measure;
}

/** Sums of stacked columns, bucket by bucket; null where none has a value. */
export function sums(columns: readonly Column[], length: number): (number | null)[] {
  return Array.from({ length }, (_, i) => {
    let total: number | null = null;
    for (const column of columns) {
      const v = column[i];
      if (v !== null && v !== undefined) total = (total ?? 0) + v;
    }
    return total;
  });
}

/** A rate of fewer than this many does not set the scale: one failure of one is no 100 % to measure the rest by. */
const FEW = 20;

/** Values that the axis reaches; where all are rates of few, all of them. */
function reached(series: readonly Series[]): Column[] {
  const firm = series.map((s) => (s.samples === undefined ? s.values : s.values.map((v, i) => ((s.samples?.[i] ?? 0) < FEW ? null : v))));
  return firm.some((column) => column.some((v) => v !== null)) ? firm : series.map((s) => s.values);
}

function extremes(columns: readonly Column[]): [number, number] {
  let low = 0;
  let high = 0;
  for (const column of columns) {
    for (const v of column) {
      if (v === null || !Number.isFinite(v)) continue;
      if (v > high) high = v;
      if (v < low) low = v;
    }
  }
  return [low, high];
}

export interface LaneInput {
  kind: Lane['kind'];
  series: Series[];
  unit: string;
  ghost?: Column | null;
  label?: string | null;
  limit?: Lane['limit'];
}

export const LANE_SPLIT = { upper: 0.6, lower: 0.74 } as const;

/** Puts one lane on the whole plot, or two above each other with a gap for the second one's label. */
export function lanes(inputs: LaneInput[], buckets: number): Lane[] {
  return inputs.map((input, i) => {
    const stacked = input.kind !== 'lines';
    const columns = stacked ? [sums(input.series.map((s) => s.values), buckets)] : reached(input.series);
    const seen = input.ghost ? [...columns, input.ghost] : columns;
    const [low, high] = extremes(seen);
    const limited = input.limit ? Math.max(high, input.limit.value * 1.1) : high;
    const single = inputs.length === 1;
    return {
      kind: input.kind,
      series: input.series,
      unit: input.unit,
      scale: valueScale(low, limited, single ? 4 : i === 0 ? 2 : 1, input.unit === ''),
      top: single || i === 0 ? 0 : LANE_SPLIT.lower,
      bottom: single || i === 1 ? 1 : LANE_SPLIT.upper,
      label: input.label ?? null,
      ghost: input.ghost ?? null,
      limit: input.limit ?? null,
    };
  });
}

/** Which buckets have rows: any additive measure above zero, or any value of one that is null without rows. */
export function filledBuckets(answer: BoardAnswer): boolean[] {
  return answer.buckets.map((_, b) =>
    answer.overall.columns.some((column, m) => {
      const v = column[b];
      return v !== null && v !== undefined && answer.measures[m] !== undefined;
    }),
  );
}

export interface Run {
  from: number;
  to: number;
  look: State | 'partial' | 'absent';
}

/** The trust line: stretches of buckets that look alike. */
export function trustRuns(buckets: readonly BoardBucket[], filled: readonly boolean[]): Run[] {
  const runs: Run[] = [];
  buckets.forEach((b, i) => {
    const look = filled[i] !== true ? 'absent' : b.state !== 'exact' ? b.state : b.partial ? 'partial' : 'exact';
    const last = runs.at(-1);
    if (last?.look === look && last.to === b.start_ms) last.to = b.end_ms;
    else runs.push({ from: b.start_ms, to: b.end_ms, look });
  });
  return runs;
}

/** The bucket that holds an instant. */
export function bucketAt(model: Pick<ChartModel, 'buckets'>, ms: number): number | null {
  let low = 0;
  let high = model.buckets.length - 1;
  while (low <= high) {
    const mid = (low + high) >> 1;
    const b = model.buckets[mid];
    if (b === undefined) return null;
    if (ms < b.start_ms) high = mid - 1;
    else if (ms >= b.end_ms) low = mid + 1;
    else return mid;
  }
  return null;
}
