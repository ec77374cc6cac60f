/** Is something wrong, where, since when: fixed limits from the settings over the last day's answer. */

import type { Board } from '../api/Board';
import type { BoardAnswer } from '../api/BoardAnswer';
import type { BoardRule } from '../api/BoardRule';
import type { BoardSeries } from '../api/BoardSeries';
import type { RollupStatus } from '../api/RollupStatus';
import { columnOf, labelOf, unitOf } from '../chart/model';
import { age, change, grouped, percentParts, text, value } from '../format';
import { finding } from '../pages/status';
import type { Clock } from '../time';
import type { Limits } from '../api/Limits';
import { groupId, groupLabel } from './palette';

export interface Verdict {
  id: string;
  /** First word: what it is about. */
  where: string;
  what: string;
  sinceMs: number | null;
  /** It may have begun before `sinceMs`, where the day that is looked at begins. */
  orBefore: boolean;
  detail: string[];
  measure: string | null;
  /** Undefined where it is not about one group. */
  group: string | null | undefined;
  rollup: string | null;
}

/** Fixed until alert rules come; shown with every verdict. */
export const LATENCY_FACTOR = 2;
export const LAG_SECONDS = 300;

/** Trailing complete buckets that together have enough samples, four at most. */
const WINDOW = 4;

function lastComplete(answer: BoardAnswer): number {
  for (let i = answer.buckets.length - 1; i >= 0; i--) {
    const b = answer.buckets[i];
    if (b !== undefined && !b.partial && b.start_ms < answer.as_of_ms) return i;
  }
  return -1;
}

function at(series: BoardSeries, column: number, bucket: number): number | null {
  return series.columns[column]?.[bucket] ?? null;
}

function sum(series: BoardSeries, column: number, from: number, to: number): number {
  let total = 0;
  for (let i = from; i <= to; i++) total += at(series, column, i) ?? 0;
  return total;
}

/** The first bucket of the stretch up to `last` in which `bad` holds; buckets without data neither begin nor end it. `open` where no bucket before it ends it. */
function beginning(last: number, bad: (i: number) => boolean | null): { first: number; open: boolean } {
  let first = last;
  for (let i = last; i >= 0; i--) {
    const b = bad(i);
    if (b === false) return { first, open: false };
    if (b === true) first = i;
  }
  return { first, open: true };
}

/** One stretch of buckets gives all that is said: its rate, how many failed of how many, and since when. */
function errorRate(rule: BoardRule, answer: BoardAnswer, series: BoardSeries, name: string | null | undefined, limits: Limits): Verdict | null {
  const last = lastComplete(answer);
  const rate = columnOf(answer, rule.measure);
  const samples = columnOf(answer, rule.samples);
  if (last < 0 || rate < 0 || samples < 0) return null;
  let from = last;
  while (from > 0 && from > last - WINDOW + 1 && sum(series, samples, from, last) < limits.min_samples) from--;
  if (sum(series, samples, from, last) < limits.min_samples) return null;
  const limit = limits.error_rate_percent;
  // Few samples are looked at together, but what is over is over: the newest bucket with any must pass the limit, too.
  let newest = last;
  while (newest > from && (at(series, samples, newest) ?? 0) === 0) newest--;
  const latest = at(series, rate, newest);
  if (latest === null || latest <= limit) return null;
  // Never fewer buckets than were needed to have enough samples.
  const begun = beginning(last, (i) => { const v = at(series, rate, i); return v === null ? null : v > limit; });
  from = Math.min(from, begun.first);
  const part = rule.counts === null ? -1 : columnOf(answer, rule.counts.part);
  const whole = rule.counts === null ? -1 : columnOf(answer, rule.counts.whole);
  const detail = [`limit ${limit}\u202f%`];
  let said = latest;
  if (rule.counts !== null && part >= 0 && whole >= 0) {
    const failed = sum(series, part, from, last);
    const of = sum(series, whole, from, last);
    said = (failed / Math.max(1, of)) * 100;
    if (said <= limit) return null;
    detail.push(`${grouped(failed)} of ${grouped(of)} ${rule.counts.word}`);
    const parts = rule.parts.map((p) => ({ label: labelOf(answer, p), n: sum(series, columnOf(answer, p), from, last) })).sort((a, b) => b.n - a.n);
    const most = parts[0];
    if (most !== undefined && failed > 0 && most.n > 0) detail.push(`${Math.round((most.n / failed) * 100)}\u202f% of them ${most.label}`);
    if (from < newest) detail.push(`latest ${text(percentParts(latest))}`);
  }
  return {
    id: `${rule.measure}:${name === undefined ? '' : groupId(name)}`, where: name === undefined ? '' : groupLabel(name), what: `error rate ${text(percentParts(said))}`,
    sinceMs: answer.buckets[from]?.start_ms ?? null, orBefore: begun.open, detail, measure: rule.measure, group: name, rollup: null,
  };
}

function latency(rule: BoardRule, answer: BoardAnswer, limits: Limits): Verdict | null {
  const last = lastComplete(answer);
  const column = columnOf(answer, rule.measure);
  const samples = columnOf(answer, rule.samples);
  const then = answer.compare?.overall;
  if (last < 0 || column < 0 || samples < 0) return null;
  if ((at(answer.overall, samples, last) ?? 0) < limits.min_samples) return null;
  const before = (i: number): number | null => (then === undefined || (at(then, samples, i) ?? 0) < limits.min_samples ? null : at(then, column, i));
  const bad = (i: number): boolean | null => {
    const a = at(answer.overall, column, i);
    const b = before(i);
    return a === null ? null : a > limits.p99_ms || (b !== null && a > b * LATENCY_FACTOR);
  };
  if (bad(last) !== true) return null;
  const begun = beginning(last, bad);
  const now = at(answer.overall, column, last);
  const unit = unitOf(answer, rule.measure);
  return {
    id: rule.measure, where: '', what: `${labelOf(answer, rule.measure)} ${value(now, { unit })}`, sinceMs: answer.buckets[begun.first]?.start_ms ?? null, orBefore: begun.open,
    detail: [`limit ${value(limits.p99_ms, { unit })} or ×${LATENCY_FACTOR} of last week`, ...(before(last) === null ? [] : [`${change(now, before(last))}, was ${value(before(last), { unit })}`])], measure: rule.measure, group: undefined, rollup: null,
  };
}

const WORDS: Partial<Record<RollupStatus['status'], string>> = { not_trusted: 'can’t be trusted', failing: 'ticks fail', stalled: 'nothing ticks it', lagging: 'lags' };

function aboutRollup(status: RollupStatus): Verdict | null {
  const word = WORDS[status.status];
  // What polls is behind by its safety lag at the least; the server knows that lag and says when it is more.
  const limited = status.capture === 'trigger';
  const late = limited && status.lag_seconds !== null && status.lag_seconds > LAG_SECONDS && status.pending_buckets > 0;
  if (word === undefined && !late) return null;
  const detail: string[] = [];
  if (status.lag_seconds !== null) detail.push(`${age(status.lag_seconds)} behind${limited ? `, limit ${age(LAG_SECONDS)}` : ''}`);
  if (status.capture_findings[0] !== undefined) detail.unshift(`${finding(status.capture_findings[0]).what}${status.capture_findings.length > 1 ? `, and ${status.capture_findings.length - 1} more` : ''}`);
  else if (status.status === 'failing' && status.last_error !== null) detail.unshift(status.last_error);
  return {
    id: `rollup:${status.rollup}`, where: status.rollup, what: word ?? `${age(status.lag_seconds ?? 0)} behind`,
    sinceMs: status.watermark_at === null || status.status === 'not_trusted' ? null : Date.parse(status.watermark_at), orBefore: false, detail, measure: null, group: undefined, rollup: status.rollup,
  };
}

/** `since 11:15`, or `since 11:15 or before` where that is as far back as was looked. */
export function sinceWords(v: Verdict, clock: Clock, nowMs: number): string {
  return v.sinceMs === null ? '' : `since ${clock.when(v.sinceMs, nowMs)}${v.orBefore ? ' or before' : ''}`;
}

/** `the last day as of 14:20:05, not read since`, or that it was never read. */
export function notReadWords(what: string, asOfMs: number | null, clock: Clock): string {
  return asOfMs === null ? `${what} could not be read` : `${what} as of ${clock.timeSeconds(asOfMs)}, not read since`;
}

/** Everything that passes its limit, worst first: what the numbers say, then what may be wrong with the numbers. */
export function verdicts(board: Board, answer: BoardAnswer | null, health: RollupStatus[], limits: Limits): Verdict[] {
  const found: Verdict[] = [];
  for (const rule of answer === null ? [] : board.rules) {
    if (answer === null) continue;
    if (rule.watch === 'latency') {
      const v = latency(rule, answer, limits);
      if (v !== null) found.push(v);
      continue;
    }
    const groups = answer.groups.map((g) => errorRate(rule, answer, g, g.key, limits)).filter((v) => v !== null);
    const all = errorRate(rule, answer, answer.overall, undefined, limits);
    if (groups.length > 0) found.push(...groups);
    else if (all !== null) found.push(all);
  }
  for (const status of health) {
    const v = aboutRollup(status);
    if (v !== null) found.push(v);
  }
  return found;
}
