/** From a panel of a declaration and an answer to what its chart draws. */

import type { BoardAnswer } from '../api/BoardAnswer';
import type { BoardPanel } from '../api/BoardPanel';
import type { BoardSeries } from '../api/BoardSeries';
import { columnOf, filledBuckets, labelOf, lanes, sums, trustRuns, unitOf } from '../chart/model';
import type { Band, ChartModel, LaneInput, Series } from '../chart/model';
import { cellText, csv, headed } from './csv';
import { splits } from './grouping';
import { GREY, groupColour, groupId, groupLabel, measureColour } from './palette';

/** More groups than this are one grey series. */
export const MOST_SERIES = 8;

export interface ChartContext {
  scope: string;
  /** What the panel's legend has switched off. */
  hidden: ReadonlySet<string>;
  band: Band | null;
  limit: number | null;
  /** The group that the verdict names. */
  emphasis: string | null | undefined;
  clock24: boolean;
  staleNote: string | null;
}

/** Whether both draw the same. */
export function sameContext(a: ChartContext, b: ChartContext): boolean {
  const text = ({ hidden, ...rest }: ChartContext): string => JSON.stringify([...hidden].sort().concat(JSON.stringify(rest)));
  return a === b || text(a) === text(b);
}

export interface PanelSeries extends Series {
  /** Behind the legend: the value in the latest complete bucket, and over the whole range. */
  latest: number | null;
  total: number | null;
  unit: string;
  shape: 'square' | 'line';
  group: string | null | undefined;
}

/** The last complete bucket: never the partial one, never one to come. */
export function latestIndex(answer: BoardAnswer): number {
  for (let i = answer.buckets.length - 1; i >= 0; i--) {
    const b = answer.buckets[i];
    if (b !== undefined && !b.partial && b.end_ms <= answer.as_of_ms) return i;
  }
  return answer.buckets.length - 1;
}

function column(series: BoardSeries, m: number): (number | null)[] {
  return series.columns[m] ?? [];
}

function split(panel: BoardPanel, answer: BoardAnswer, ctx: ChartContext): PanelSeries[] {
  const measure = panel.measures[0] ?? '';
  const m = columnOf(answer, measure);
  if (m < 0) return [];
  const last = latestIndex(answer);
  const unit = unitOf(answer, measure);
  const shape = panel.kind === 'lines' ? 'line' : 'square';
  const own = answer.groups.length > MOST_SERIES ? answer.groups.slice(0, MOST_SERIES - 1) : answer.groups;
  const rest = answer.groups.slice(own.length);
  const whole = panel.counts === null ? -1 : columnOf(answer, panel.counts.whole);
  const list: PanelSeries[] = own.map((g) => ({
    key: groupId(g.key), label: groupLabel(g.key), color: groupColour(ctx.scope, g.key), values: column(g, m), latest: column(g, m)[last] ?? null, total: g.total[m] ?? null,
    unit, shape, group: g.key, ...(whole < 0 ? {} : { samples: column(g, whole) }), emphasis: ctx.emphasis !== undefined && ctx.emphasis === g.key,
  }));
  const additive = answer.measures[m]?.additive === true;
  const part = panel.counts === null ? -1 : columnOf(answer, panel.counts.part);
  if (rest.length > 0 && additive) {
    const values = sums(rest.map((g) => column(g, m)), answer.buckets.length);
    list.push({ key: '\u0000rest', label: `${rest.length} others`, color: GREY, values, latest: values[last] ?? null, total: null, unit, shape, group: undefined });
  } else if (rest.length > 0 && part >= 0 && whole >= 0) {
    // A rate of several groups is that of their counts together.
    const samples = sums(rest.map((g) => column(g, whole)), answer.buckets.length);
    const parts = sums(rest.map((g) => column(g, part)), answer.buckets.length);
    const values = samples.map((n, i) => (n === null || n === 0 ? null : ((parts[i] ?? 0) / n) * 100));
    list.push({ key: '\u0000rest', label: `${rest.length} others`, color: GREY, values, samples, latest: values[last] ?? null, total: null, unit, shape, group: undefined });
  } else {
    rest.forEach((g, i) => {
      list.push({ key: i === 0 ? '\u0000rest' : `\u0000rest${i}`, label: i === 0 ? `${rest.length} others` : '', color: GREY, values: column(g, m), ...(whole < 0 ? {} : { samples: column(g, whole) }), latest: null, total: null, unit, shape, group: undefined });
    });
  }
  return list;
}

function byMeasure(panel: BoardPanel, names: string[], answer: BoardAnswer, all: string[]): PanelSeries[] {
  const last = latestIndex(answer);
  return names.flatMap((name) => {
    const m = columnOf(answer, name);
    if (m < 0) return [];
    const values = column(answer.overall, m);
    return [{
      key: name, label: labelOf(answer, name), ...measureColour(all.length === 1 && panel.kind !== 'lines' ? 'outcomes' : panel.palette, all.indexOf(name), all.length), values, latest: values[last] ?? null, total: answer.overall.total[m] ?? null,
      unit: unitOf(answer, name), shape: panel.kind === 'lines' ? ('line' as const) : ('square' as const), group: undefined,
    }];
  });
}

/** All series of a panel, hidden ones too. Outcomes that never happen are left out. */
export function panelSeries(panel: BoardPanel, answer: BoardAnswer, ctx: ChartContext): PanelSeries[] {
  if (splits(panel)) return split(panel, answer, ctx);
  const list = byMeasure(panel, panel.measures, answer, panel.measures);
  return panel.kind === 'stack' ? list.filter((s, i) => i === 0 || s.values.some((v) => (v ?? 0) > 0)) : list;
}

function ghost(panel: BoardPanel, answer: BoardAnswer, ctx: ChartContext): (number | null)[] | null {
  const then = answer.compare;
  if (then === null || (panel.kind !== 'stack' && panel.kind !== 'bars') || ctx.hidden.size > 0) return null;
  const columns = panel.measures.map((name) => columnOf(answer, name)).filter((m) => m >= 0).map((m) => column(then.overall, m));
  return sums(columns, answer.buckets.length).map((v, i) => (answer.buckets[i]?.partial === true ? null : v));
}

/** The legend's key of a series: the rest of the groups may be several, and is one there. */
export function legendKey(key: string): string {
  return key.startsWith('\u0000rest') ? '\u0000rest' : key;
}

export function toChartData(panel: BoardPanel, answer: BoardAnswer, ctx: ChartContext): ChartModel {
  const shown = panelSeries(panel, answer, ctx).filter((s) => !ctx.hidden.has(legendKey(s.key)));
  const kind: LaneInput['kind'] = panel.kind === 'lines' ? 'lines' : panel.kind === 'area' ? 'area' : 'stack';
  const inputs: LaneInput[] = [{
    kind, series: shown, unit: shown[0]?.unit ?? unitOf(answer, panel.measures[0] ?? ''), ghost: ghost(panel, answer, ctx),
    limit: ctx.limit === null ? null : { value: ctx.limit, label: `limit ${ctx.limit}\u202f%` },
  }];
  if (panel.lane.length > 0) {
    const lane = byMeasure(panel, panel.lane, answer, panel.measures).filter((s) => !ctx.hidden.has(s.key));
    inputs.push({ kind: 'stack', series: lane, unit: lane[0]?.unit ?? '', label: panel.lane_label });
  }
  const filled = filledBuckets(answer);
  return {
    from: answer.buckets[0]?.start_ms ?? answer.from_ms, to: answer.buckets.at(-1)?.end_ms ?? answer.to_ms, buckets: answer.buckets, filled, trust: trustRuns(answer.buckets, filled), ticks: answer.ticks, lanes: lanes(inputs, answer.buckets.length),
    band: ctx.band, tide: answer.complete_through_ms, clock24: ctx.clock24, label: panel.title, staleNote: ctx.staleNote,
  };
}

/** The chart's data as CSV: one row a bucket, local start with its offset. */
export function toCsv(panel: BoardPanel, answer: BoardAnswer, ctx: ChartContext): string {
  const list = panelSeries(panel, answer, { ...ctx, hidden: new Set() }).filter((s) => s.label !== '');
  const head = ['bucket_start', 'bucket_end', 'state', 'partial', ...list.map((s) => headed(s.label, s.unit))];
  return csv([head, ...answer.buckets.map((b, i) => [b.start, b.end, b.state, String(b.partial), ...list.map((s) => cellText(s.values[i] ?? null))])]);
}
