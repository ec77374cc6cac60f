import { describe, expect, it } from 'vitest';
import type { Board } from '../api/Board';
import type { BoardAnswer } from '../api/BoardAnswer';
import type { BoardRequest } from '../api/BoardRequest';
import type { PendingKind } from '../api/PendingKind';
import type { RollupStatus } from '../api/RollupStatus';
import { answer } from '../fixture/board';
import { statuses } from '../fixture/health';
import { OPS_BOARD } from '../fixture/opsBoard';
import { percentParts, text } from '../format';
import { Clock } from '../time';
import { latestIndex, MOST_SERIES, panelSeries, sameContext, toChartData, toCsv } from './charts';
import type { ChartContext } from './charts';
import { cutFor, filterText, groupingsOf } from './grouping';
import { cellAfter, heat, overRuns } from './heat';
import { groupColour, groupId } from './palette';
import { pendingWords } from './pending';
import { firstSorting, numbersCsv, sorted, table, tableCsv } from './table';
import { beside, tip } from './tooltip';
import { sinceWords, verdicts } from './verdict';

const LIMITS = { error_rate_percent: 2, p99_ms: 5000, min_samples: 200 };
const TWIST = { calm: false, pending: false, frozen: false, empty: false, hostile: false };
const CONTEXT: ChartContext = { scope: 'r.platform', hidden: new Set(), band: null, limit: null, emphasis: undefined, clock24: true, staleNote: null };

function request(rest: Partial<BoardRequest> = {}): BoardRequest {
  return { rollup: 'r', range: '24h', grain: null, tz: 'Europe/Berlin', week_start: 'monday', by: 'platform', filters: [], groupings: [], mode: 'exact', compare: 'last-week', ...rest };
}

function panel(i: number): NonNullable<(typeof OPS_BOARD.panels)[number]> {
  const p = OPS_BOARD.panels[i];
  if (p === undefined) throw new Error('no such panel');
  return p;
}

describe('what a chart is drawn with', () => {
  it('is the same where nothing that it says has changed', () => {
    const band = { from: 1, to: 2, label: 'since 01:00' };
    expect(sameContext(CONTEXT, { ...CONTEXT, hidden: new Set() })).toBe(true);
    expect(sameContext({ ...CONTEXT, band }, { ...CONTEXT, band: { ...band } })).toBe(true);
    for (const other of [{ hidden: new Set(['a']) }, { band }, { limit: 2 }, { emphasis: null }, { clock24: false }, { staleNote: '' }, { scope: 'r.account' }]) expect(sameContext(CONTEXT, { ...CONTEXT, ...other })).toBe(false);
  });
});

describe('the verdict', () => {
  const day = answer(request(), TWIST);
  it('names the failing group, since when and how many', () => {
    const first = verdicts(OPS_BOARD, day, [], LIMITS)[0];
    expect(first?.where).toBe('openai');
    expect(first?.what).toMatch(/^error rate \d/);
    expect(first?.sinceMs).toBe(Date.parse('2026-10-26T11:15:00Z'));
    expect(first?.detail.join()).toMatch(/of .* failed.*9\d.% of them 5xx.*latest 1\d/);
  });
  it('has its rate, its counts and its beginning of the same buckets', () => {
    for (const min_samples of [1, 200, 20_000]) {
      const first = verdicts(OPS_BOARD, day, [], { ...LIMITS, min_samples })[0];
      const [failed, of] = (/([\d\u202f]+) of ([\d\u202f]+) failed/.exec(first?.detail.join() ?? '') ?? []).slice(1).map((n) => Number(n.replaceAll('\u202f', '')));
      expect(first?.what).toBe(`error rate ${text(percentParts(((failed ?? 0) / (of ?? 1)) * 100))}`);
      expect(of).toBeGreaterThanOrEqual(min_samples);
      const openai = day.groups.find((g) => g.key === 'openai');
      const within = (name: string): number => (openai?.columns[day.measures.findIndex((m) => m.name === name)] ?? []).reduce<number>((n, v, i) => { const b = day.buckets[i]; return b === undefined || b.partial || b.start_ms < (first?.sinceMs ?? 0) ? n : n + (v ?? 0); }, 0);
      expect([failed, of]).toEqual([within('error_count'), within('request_count')]);
    }
  });
  it('says that it may have begun before the day that is looked at, and only then', () => {
    const clock = new Clock('Europe/Berlin', true);
    const now = day.as_of_ms;
    const of = (name: string): number => day.measures.findIndex((m) => m.name === name);
    /** With one request in ten failing from bucket `from` on, and none before. */
    const since = (from: number): string => {
      const groups = day.groups.map((g) => ({ ...g, columns: g.columns.map((c, m) => c.map((v, b) => (m === of('error_rate') ? (b < from ? 0 : 10) : m === of('request_count') ? 1000 : m === of('error_count') ? (b < from ? 0 : 100) : v))) }));
      const first = verdicts(OPS_BOARD, { ...day, groups }, [], LIMITS).find((v) => v.where === 'openai');
      return first === undefined ? '' : sinceWords(first, clock, now);
    };
    const start = (bucket: number): string => clock.when(day.buckets[bucket]?.start_ms ?? 0, now);
    expect(since(0)).toBe(`since ${start(0)} or before`);
    expect(since(1)).toBe(`since ${start(1)}`);
    expect(since(40)).toBe(`since ${start(40)}`);
  });
  it('says nothing on a calm day', () => {
    expect(verdicts(OPS_BOARD, answer(request(), { ...TWIST, calm: true }), statuses(true), LIMITS)).toEqual([]);
  });
  it('says nothing with too few samples', () => {
    expect(verdicts(OPS_BOARD, day, [], { ...LIMITS, min_samples: 1e9 })).toEqual([]);
  });
  it('says nothing of what is over, however few samples came since', () => {
    const rate = day.measures.findIndex((m) => m.name === 'error_rate');
    const samples = day.measures.findIndex((m) => m.name === 'request_count');
    const last = latestIndex(day);
    const groups = day.groups.map((g) => ({ ...g, columns: g.columns.map((c, m) => c.map((v, b) => (b < last ? v : m === rate ? 0 : m === samples ? 5 : 0))) }));
    expect(verdicts(OPS_BOARD, { ...day, groups, overall: { ...day.overall, columns: day.overall.columns.map((c, m) => (m === rate ? c.map(() => 0) : c)) } }, [], LIMITS)).toEqual([]);
  });
  it('speaks of a p99 over its limit', () => {
    expect(verdicts(OPS_BOARD, day, [], { ...LIMITS, error_rate_percent: 100, p99_ms: 100 }).map((v) => v.measure)).toEqual(['p99_latency_ms']);
  });
  it('speaks of a p99 that is more than twice last week’s, from enough samples of then on', () => {
    const last = latestIndex(day);
    const [p99, samples] = ['p99_latency_ms', 'success_count'].map((name) => day.measures.findIndex((m) => m.name === name));
    /** All day 1 s, and from the last three buckets on as much as `now`; last week 1 s of `then` successes each. */
    const found = (now: number, then: number): string[] => {
      const of = (late: number, many: number): BoardAnswer['overall'] => ({ ...day.overall, columns: day.overall.columns.map((c, m) => c.map((v, b) => (m === p99 ? (b > last - 3 ? late : 1000) : m === samples ? many : v))) });
      const answered = { ...day, overall: of(now, 1000), compare: day.compare === null ? null : { ...day.compare, overall: of(1000, then) } };
      return verdicts(OPS_BOARD, answered, [], { ...LIMITS, error_rate_percent: 100 }).map((v) => [v.what, v.sinceMs === day.buckets[last - 2]?.start_ms, ...v.detail].join('; '));
    };
    expect(found(2001, 1000)).toEqual(['p99 2.0\u202fs; true; limit 5.0\u202fs or ×2 of last week; ×2.0, was 1.0\u202fs']);
    expect(found(2000, 1000)).toEqual([]);
    expect(found(4000, 199)).toEqual([]);
  });
  it('speaks of a rollup that lags more than five minutes while something waits', () => {
    const [status] = statuses(true);
    if (status === undefined) throw new Error('no status');
    const found = (change: Partial<RollupStatus>): string[] => verdicts(OPS_BOARD, null, [{ ...status, ...change }], LIMITS).map((v) => [v.where, v.what, v.sinceMs, ...v.detail].join('; '));
    const late: Partial<RollupStatus> = { watermark_at: '2026-10-26T13:00:00Z', lag_seconds: 301, pending_buckets: 1 };
    expect(found(late)).toEqual([`ops_metrics; 5\u202fmin 1\u202fs behind; ${Date.parse('2026-10-26T13:00:00Z')}; 5\u202fmin 1\u202fs behind, limit 5\u202fmin`]);
    expect(found({ ...late, lag_seconds: 300 })).toEqual([]);
    expect(found({ ...late, pending_buckets: 0 })).toEqual([]);
    // What polls is behind by what it was told to be; the server says when that is too much.
    expect(found({ ...late, capture: 'poll' })).toEqual([]);
    expect(found({ ...late, capture: 'poll', status: 'lagging' })).toEqual([`ops_metrics; lags; ${Date.parse('2026-10-26T13:00:00Z')}; 5\u202fmin 1\u202fs behind`]);
  });
  it('speaks of a rollup that nothing ticks', () => {
    expect(verdicts(OPS_BOARD, null, statuses(false), LIMITS).map((v) => `${v.where} ${v.what}`)).toEqual(['forecast_accuracy nothing ticks it']);
  });
  it('names what is wrong with a capture without the SQL that mends it', () => {
    const [first, ...rest] = statuses(true);
    if (first === undefined) throw new Error('no status');
    const broken = { ...first, status: 'not_trusted' as const, capture_findings: ['trigger t_ins on public.t is disabled; alter table public.t enable always trigger t_ins;', 'another'] };
    expect(verdicts(OPS_BOARD, null, [broken, ...rest], LIMITS)[0]?.detail[0]).toBe('trigger t_ins on public.t is disabled, and 1 more');
  });
  it('"latest" is the last complete bucket, never the partial one', () => {
    expect(day.buckets[latestIndex(day)]?.partial).toBe(false);
    expect(day.buckets[latestIndex(day) + 1]?.partial).toBe(true);
  });
});

describe('a chart', () => {
  const day = answer(request(), TWIST);
  it('leaves out outcomes that never happened', () => {
    expect(panelSeries(panel(0), day, CONTEXT).map((s) => s.label)).toEqual(['success', '4xx', 'timeout', '5xx']);
  });
  it('has failures in a lane of their own scale', () => {
    const [upper, lower] = toChartData(panel(0), day, CONTEXT).lanes;
    expect(upper?.scale.max).toBeGreaterThan((lower?.scale.max ?? Infinity) * 5);
  });
  it('shows only what its legend left on', () => {
    expect(toChartData(panel(1), day, { ...CONTEXT, hidden: new Set([groupId('openai')]) }).lanes[0]?.series.map((s) => s.label)).not.toContain('openai');
  });
  it('draws the rest of a rate as the rate of their counts together', () => {
    const of = (name: string): number => day.measures.findIndex((m) => m.name === name);
    const group = (key: string, failed: number, requests: number): BoardAnswer['groups'][number] => {
      const columns = day.overall.columns.map((c, m) => c.map(() => (m === of('error_count') ? failed : m === of('request_count') ? requests : m === of('error_rate') ? (failed / requests) * 100 : 0)));
      return { key, columns, total: day.overall.total };
    };
    const groups = [...Array.from({ length: 7 }, (_, i) => group(`big${i}`, 1, 1000)), group('few', 1, 2), group('more', 1, 98)];
    const rest = panelSeries(panel(1), { ...day, groups }, CONTEXT).at(-1);
    expect([rest?.label, rest?.latest]).toEqual(['2 others', 2]);
  });
  it('keeps NULL, the empty text and groups that are called like them apart', () => {
    const groups = [null, '', '(null)', '(empty)'].map((key) => ({ key, columns: day.overall.columns, total: day.overall.total }));
    const list = panelSeries(panel(1), { ...day, groups }, CONTEXT);
    expect(list.map((s) => s.label)).toEqual(['(null)', '(empty)', '(null)', '(empty)']);
    expect(new Set(list.map((s) => s.key)).size).toBe(4);
  });
  it('draws more than eight groups as seven and the rest', () => {
    const groups = Array.from({ length: 40 }, (_, i) => ({ key: `g${i}`, columns: day.overall.columns, total: day.overall.total }));
    const list = panelSeries(panel(1), { ...day, groups }, CONTEXT).filter((s) => s.label !== '');
    expect(list).toHaveLength(MOST_SERIES);
    expect(list.at(-1)?.label).toBe('33 others');
  });
  it('keeps a name’s colour whatever else is shown', () => {
    const before = groupColour('r.platform', 'openai');
    const alone = answer(request({ filters: [{ dimension: 'platform', values: ['openai'] }] }), TWIST);
    expect(panelSeries(panel(1), alone, CONTEXT)[0]?.color).toBe(before);
    expect(groupColour('r.platform', '')).toBe('--series-8');
  });
  it('gives its data as CSV, missing values empty', () => {
    const lines = toCsv(panel(1), answer(request({ range: '2026-10-22T00:00:00Z..2026-10-22T03:00:00Z' }), TWIST), CONTEXT).trim().split('\n');
    expect(lines[0]).toBe('bucket_start,bucket_end,state,partial,anthropic (%),openai (%),gemini (%),bedrock (%),azure (%),(empty) (%)');
    expect(lines.some((l) => l.endsWith(',,,,,,'))).toBe(true);
  });
});

describe('the tooltip', () => {
  it('has the zone’s offset, every value with its unit, and the kind of bucket', () => {
    const day = answer(request(), TWIST);
    const t = tip(panel(1), day, CONTEXT, day.buckets.length - 1, new Clock('Europe/Berlin', true), day.as_of_ms);
    expect(t?.span).toMatch(/^14:15–14:30 \+01:00$/);
    expect(t?.rows.every((r) => r.value.endsWith('%'))).toBe(true);
    expect(t?.state.text).toMatch(/^partial: 7 of 15.min so far$/);
    expect(t?.counts).toMatch(/ of .* failed$/);
  });
  it('has the series in bold that is pointed at, not the one of the verdict', () => {
    const day = answer(request(), TWIST);
    const bold = (near: string | null): (string | undefined)[] | undefined => tip(panel(1), day, { ...CONTEXT, emphasis: 'openai' }, 3, new Clock('UTC', true), day.as_of_ms, near)?.rows.filter((r) => r.strong).map((r) => r.label);
    expect(bold(groupId('gemini'))).toEqual(['gemini']);
    expect(bold(null)).toEqual([]);
  });
});

describe('the tooltip’s place', () => {
  const at = { x: 500, y: 0, left: 400, right: 700 };
  it('is outside the bucket where there is room, on either side', () => {
    expect(beside(at, 200, 1400)).toBe(712);
    expect(beside(at, 200, 900)).toBe(188);
    expect(beside({ ...at, left: 490, right: 510 }, 200, 1400)).toBe(522);
  });
  it('is beside the pointer where the bucket leaves none', () => {
    expect(beside({ ...at, left: 40, right: 1380 }, 200, 1400)).toBe(512);
    expect(beside({ ...at, x: 1300, left: 40, right: 1380 }, 200, 1400)).toBe(1088);
  });
});

describe('what is pending', () => {
  const day = answer(request(), { ...TWIST, pending: true });
  const because = (kind: PendingKind | null): BoardAnswer => ({ ...day, pending_reason: kind === null ? null : { kind, text: '', rows: null } });
  it('says why, and does not say that it waits where a poll is what is missing', () => {
    const waiting = day.buckets.filter((b) => b.state === 'pending').length;
    const some = `${waiting} of ${day.buckets.length} buckets in view`;
    const kinds: (PendingKind | null)[] = [null, 'too_many', 'too_slow', 'locked', 'forbidden', 'failed', 'polled'];
    expect(kinds.map((k) => pendingWords(because(k)))).toEqual([
      `${some} wait`, `${some} wait, too many raw rows to read live`, `${some} wait, reading them live took too long`, `${some} wait, a raw table is locked just now`,
      `${some} wait, a right to read raw rows is missing`, `${some} wait, reading them live failed`, `${some} may lack changes that no poll has found yet`,
    ]);
  });
  it('is told of a bucket, too', () => {
    const index = day.buckets.findIndex((b) => b.state === 'pending');
    const said = (kind: PendingKind | null): string | undefined => tip(panel(1), because(kind), CONTEXT, index, new Clock('Europe/Berlin', true), day.as_of_ms)?.state.text;
    expect([said(null), said('too_many'), said('polled')]).toEqual(['pending: marks wait, this is the rollup’s number', 'pending: marks wait, this is the rollup’s number', 'pending: a poll may still find changes']);
  });
});

describe('the table', () => {
  const day = answer(request(), TWIST);
  const columns = OPS_BOARD.panels.at(-1)?.columns ?? [];
  it('is sorted by the latest value, worst first, and by a click otherwise', () => {
    const data = table(columns, day, 'vs 19 Oct');
    expect(data.head[firstSorting(data.head).column]?.label).toBe('Latest');
    expect(sorted(data.rows, firstSorting(data.head))[0]?.name).toBe('openai');
    expect(sorted(data.rows, { column: -1, descending: false }).map((r) => r.name)).toEqual(['(empty)', 'anthropic', 'azure', 'bedrock', 'gemini', 'openai']);
  });
  it('shares add up', () => {
    const data = table(columns, day, '');
    expect(data.rows.reduce((sum, r) => sum + (r.cells[1]?.share ?? 0), 0)).toBeCloseTo(1);
  });
  it('leaves as CSV with its units and its total, without little charts', () => {
    const data = table(columns, day, 'vs 19 Oct');
    const lines = tableCsv('Platform', { ...data, rows: sorted(data.rows, { column: -1, descending: false }), total: { ...data.total, name: 'All, "every one"' } }, day).trimEnd().split('\n');
    expect(lines[0]).toBe('Platform,Requests,Share (%),vs 19 Oct (factor),Errors,4xx,5xx,Timeouts,Rate (%),Latest (%),p50 (ms),p95 (ms),p99 (ms)');
    expect(lines).toHaveLength(8);
    expect(lines[1]).toBe(lines[1]?.replaceAll('\u202f', ''));
    expect(lines[2]?.split(',').slice(0, 2)).toEqual(['anthropic', String(day.groups.find((g) => g.key === 'anthropic')?.total[day.measures.findIndex((m) => m.name === 'request_count')])]);
    expect(lines.slice(1, -1).reduce((sum, l) => sum + Number(l.split(',')[2]), 0)).toBeCloseTo(100);
    expect(lines.at(-1)).toMatch(/^"All, ""every one""",\d+,100,/);
  });
  it('has its figures as CSV too, with what they are compared with', () => {
    const lines = numbersCsv(['request_count', 'error_rate'], day).trimEnd().split('\n');
    expect(lines[0]).toBe('measure,unit,value,compared');
    expect(lines[1]).toMatch(/^requests,,\d+,\d+$/);
    expect(lines[2]).toMatch(/^rate,%,0\.\d+,0\.\d+$/);
    expect(numbersCsv(['p50_latency_ms'], { ...day, compare: null })).toMatch(/^measure,unit,value\np50,ms,[\d.]+\n$/);
  });
  it('has no change without a comparison', () => {
    expect(table(columns, answer(request({ compare: null }), TWIST), '').head.some((h) => h.column.show === 'change')).toBe(false);
  });
});

describe('a panel with a cut of its own', () => {
  const board: Board = { ...OPS_BOARD, panels: [
    { ...panel(1), title: 'own', by: 'platform' },
    { ...panel(1), title: 'by region', split: false, by: 'region' },
    { ...panel(1), title: 'openai by region', by: 'region', where: { platform: ['openai'] } },
    { ...panel(2), title: 'openai', where: { platform: ['openai'] } },
    { ...panel(3), title: 'by region again', kind: 'table', by: 'region' },
  ] };
  const day = answer(request({ range: '2026-10-22T00:00:00Z..2026-10-23T00:00:00Z', groupings: groupingsOf(board) }), TWIST);
  const count = day.measures.findIndex((m) => m.name === 'request_count');
  const cut = (i: number): BoardAnswer => {
    const p = board.panels[i];
    const found = p === undefined ? null : cutFor(board, p, day);
    if (found === null) throw new Error('no such cut');
    return found;
  };
  it('is asked for once, and not at all where it is the board’s own', () => {
    expect(groupingsOf(board)).toEqual([{ by: 'region', where: {} }, { by: 'region', where: { platform: ['openai'] } }, { by: null, where: { platform: ['openai'] } }]);
    expect(cut(0)).toBe(day);
  });
  it('shows its own groups, which together are what all panels show', () => {
    expect(cut(1).groups.map((g) => g.key)).toEqual(['eu', 'us', null]);
    expect(cut(1).groups.reduce((n, g) => n + (g.total[count] ?? 0), 0)).toBe(day.overall.total[count]);
    expect(panelSeries({ ...panel(1), split: false, by: 'region' }, cut(1), CONTEXT).map((s) => s.label)).toEqual(['eu', 'us', '(null)']);
  });
  it('shows its own rows only, whichever way they are grouped', () => {
    expect(cut(2).overall.total).toEqual(cut(3).overall.total);
    expect(cut(3).overall.total).toEqual(day.groups.find((g) => g.key === 'openai')?.total);
    expect(filterText({ ...panel(0), where: { platform: ['openai', null], region: [''] } })).toBe('platform openai or (null), region (empty)');
  });
  it('waits where the answer is to a question before it', () => {
    const p = board.panels[2];
    expect(p && cutFor(board, p, answer(request(), TWIST))).toBeNull();
  });
});

describe('the heatmap', () => {
  const week = answer(request({ range: '2026-10-20..now', grain: 'hour', compare: null }), TWIST);
  const rule = OPS_BOARD.rules[0];
  it('has a row a day; the day of 25 hours shares a cell and says so', () => {
    const map = heat('request_count', week, rule, LIMITS);
    expect(map.rows).toHaveLength(7);
    const odd = map.rows.find((r) => r.odd !== null);
    expect(odd?.odd).toBe(25);
    expect(odd?.cells.filter((c) => c.hour === 2).map((c) => c.half)).toEqual([0, 1]);
  });
  it('tells no data from zero, and outlines hours over a limit', () => {
    const map = heat('request_count', week, rule, LIMITS);
    expect(map.rows.flatMap((r) => r.cells).some((c) => c.value === null)).toBe(true);
    expect(overRuns(map.rows.at(-1)?.cells ?? [])).toEqual([{ from: 12, to: 14 }]);
  });
  it('leads by keys from hour to hour and day to day, and never out', () => {
    const map = heat('request_count', week, rule, LIMITS);
    const last = week.buckets.length - 1;
    const at = (index: number | null): string => (index === null ? '' : (week.buckets[index]?.start ?? ''));
    expect(['ArrowLeft', 'ArrowUp', 'End'].map((key) => cellAfter(map, null, key))).toEqual([last, last, last]);
    expect(['ArrowRight', 'ArrowDown', 'End'].map((key) => cellAfter(map, last, key))).toEqual([last, last, last]);
    expect(['ArrowLeft', 'ArrowUp', 'Home'].map((key) => cellAfter(map, 0, key))).toEqual([0, 0, 0]);
    expect(at(cellAfter(map, last, 'ArrowUp'))).toBe('2026-10-25T14:00:00+01:00');
    expect(at(cellAfter(map, cellAfter(map, 0, 'ArrowDown'), 'ArrowRight'))).toBe('2026-10-21T01:00:00+02:00');
    const late = week.buckets.findIndex((b) => b.start.startsWith('2026-10-25T23'));
    expect(cellAfter(map, late, 'ArrowDown')).toBe(last);
    expect(cellAfter(map, last, 'x')).toBeNull();
  });
});
