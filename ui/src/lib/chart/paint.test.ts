import { describe, expect, it } from 'vitest';
import type { BoardBucket } from '../api/BoardBucket';
import type { Tick } from '../api/Tick';
import { lanes, trustRuns } from './model';
import type { ChartModel } from './model';
import { HEADROOM, paint, type Frame } from './paint';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NARROW = '\u202f';

interface Drawn {
  what: string;
  args: unknown[];
  fill: unknown;
  stroke: unknown;
  dash: number[];
}

/** A canvas that writes down what is drawn on it, with what; tokens stand for their colours. */
function recording(from: number, to: number): { frame: Frame; drawn: Drawn[] } {
  const drawn: Drawn[] = [];
  const state: Record<string, unknown> = { fillStyle: '', strokeStyle: '', measureText: () => ({ width: 40 }), createPattern: () => ({ setTransform: () => undefined }) };
  let dash: number[] = [];
  state['setLineDash'] = (d: number[]) => { dash = d; };
  const ctx = new Proxy(state, {
    get: (target, key: string) => target[key] ?? ((...args: unknown[]) => { drawn.push({ what: key, args, fill: target['fillStyle'], stroke: target['strokeStyle'], dash }); }),
    set: (target, key: string, value) => { target[key] = value; return true; },
  });
  const frame = { ctx, left: 0, top: 0, width: 1000, height: 100, dpr: 1, x: (ms: number) => ((ms - from) / (to - from)) * 1000, css: (token: string) => token, font: 'sans' };
  return { frame: frame as unknown as Frame, drawn };
}

function bucket(start_ms: number, rest: Partial<BoardBucket> = {}, width = HOUR): BoardBucket {
  return { start_ms, end_ms: start_ms + width, start: new Date(start_ms).toISOString(), end: new Date(start_ms + width).toISOString(), state: 'exact', partial: false, odd_hours: null, ...rest };
}

function painted(buckets: BoardBucket[], values: (number | null)[], ticks: Tick[] = []): Drawn[] {
  const filled = values.map((v) => v !== null);
  const [from, to] = [buckets[0]?.start_ms ?? 0, buckets.at(-1)?.end_ms ?? 0];
  const series = [{ key: 'a', label: 'a', color: '--class-success', edge: '--class-success-edge', values }];
  const model: ChartModel = { from, to, buckets, filled, trust: trustRuns(buckets, filled), ticks, lanes: lanes([{ kind: 'stack', series, unit: '' }], buckets.length), band: null, tide: null, clock24: true, label: '', staleNote: null };
  const { frame, drawn } = recording(from, to);
  paint(frame, model);
  return drawn;
}

/** Rectangles that are filled with what, as their left edges. */
function filled(drawn: Drawn[], fill: unknown): number[] {
  return drawn.filter((d) => d.what === 'fillRect' && d.fill === fill).map((d) => Number(d.args[0]));
}

describe('bars', () => {
  const four = [0, 1, 2, 3].map((h) => bucket(h * HOUR));
  it('mark a zero on the line, and nothing where there is no data', () => {
    const marks = painted(four, [5, 0, null, 5]).filter((d) => d.what === 'fillRect' && d.args[3] === 1.5);
    expect(marks.map((d) => [d.args[0], d.args[1], d.fill])).toEqual([[250, 98.5, '--class-success-edge']]);
  });
  it('are filled with an edge where they are exact', () => {
    expect(filled(painted(four, [5, 5, 5, 5]), '--class-success')).toEqual([0, 250, 500, 750]);
  });
  it('are dotted where they are frozen, without an edge', () => {
    const drawn = painted([bucket(0, { state: 'frozen' }), bucket(HOUR)], [5, 5]);
    expect(drawn.filter((d) => d.what === 'fillRect' && typeof d.fill === 'object').map((d) => d.args[0])).toEqual([0]);
    expect(filled(drawn, '--class-success')).toEqual([500]);
    expect(filled(drawn, '--class-success-edge')).toEqual([500]);
  });
  it('have one dashed outline where they are pending', () => {
    const drawn = painted([bucket(0), bucket(HOUR, { state: 'pending' })], [5, 5]);
    expect(drawn.filter((d) => d.what === 'rect' && d.dash.length === 2).map((d) => [d.args[0], d.stroke, d.dash])).toEqual([[500.5, '--pending', [3, 2]]]);
    expect(filled(drawn, '--pending-tint')).toEqual([500]);
    expect(filled(drawn, '--class-success')).toEqual([0]);
  });
  it('are hatched where they are partial', () => {
    const drawn = painted([bucket(0), bucket(HOUR, { partial: true })], [5, 5]);
    expect(drawn.filter((d) => d.what === 'fillRect' && typeof d.fill === 'object').map((d) => d.args[0])).toEqual([500]);
  });
});

describe('the trust line', () => {
  it('has a stroke of its own for every kind of bucket, and none without data', () => {
    const drawn = painted([bucket(0, { state: 'frozen' }), bucket(HOUR), bucket(2 * HOUR), bucket(3 * HOUR, { state: 'pending' }), bucket(4 * HOUR, { partial: true })], [1, 1, null, 1, 1]);
    const runs = drawn.filter((d) => d.what === 'moveTo' && d.args[1] === 100).map((d) => [d.args[0], d.stroke, d.dash]);
    expect(runs).toEqual([[0, '--frozen', [1, 3]], [200, '--chart-axis', []], [600, '--pending', [3, 2]], [800, '--chart-axis', [2, 2]]]);
  });
});

describe('a day that is not 24 hours long', () => {
  // Berlin, from Saturday 22:00 UTC, which is its midnight.
  const midnight = Date.parse('2026-10-24T22:00:00Z');
  const shift = Date.parse('2026-10-25T01:00:00Z');
  const spelled = (ms: number): string => new Date(ms + (ms < shift ? 2 : 1) * HOUR).toISOString().replace('.000Z', ms < shift ? '+02:00' : '+01:00');
  const day = Array.from({ length: 26 }, (_, h) => midnight + h * HOUR).map((ms) => bucket(ms, { start: spelled(ms), end: spelled(ms + HOUR) }));
  const ticks: Tick[] = [{ at_ms: midnight, label: 'Sun 25 Oct', kind: 'day' }, { at_ms: shift, label: '02 02', kind: 'shift' }, { at_ms: midnight + 25 * HOUR, label: 'Mon 26 Oct', kind: 'day' }];
  const drawn = painted(day, day.map(() => 5), ticks);
  const written = drawn.filter((d) => d.what === 'fillText').map((d) => `${String(d.args[0])} in ${String(d.fill)}`);
  it('says how long it is', () => {
    expect(written).toContain(`25${NARROW}h in --accent`);
    expect(written.filter((w) => w.includes(`${NARROW}h`))).toHaveLength(1);
  });
  it('says where the clocks went back, and shades the hour that came twice behind the bars', () => {
    expect(written).toEqual(expect.arrayContaining(['+02:00 in --accent', '+01:00, clocks went back in --accent']));
    const shades = drawn.filter((d) => d.what === 'fillRect' && d.fill === '--accent-tint');
    expect(shades.map((d) => d.args.map((v) => Math.round(Number(v) * 100) / 100))).toEqual([[76.92, HEADROOM, 76.92, 100 - HEADROOM]]);
    expect(drawn.findIndex((d) => d.fill === '--accent-tint')).toBeLessThan(drawn.findIndex((d) => d.fill === '--class-success'));
  });
  it('shades nothing where the clocks went forward', () => {
    const at = Date.parse('2026-03-29T01:00:00Z');
    const spring = [bucket(at - HOUR, { start: '2026-03-29T01:00:00+01:00', end: '2026-03-29T03:00:00+02:00' }), bucket(at, { start: '2026-03-29T03:00:00+02:00', end: '2026-03-29T04:00:00+02:00' })];
    const marks = painted(spring, [5, 5], [{ at_ms: at, label: '01 03', kind: 'shift' }]);
    expect(filled(marks, '--accent-tint')).toEqual([]);
    expect(marks.filter((d) => d.what === 'fillText').map((d) => d.args[0])).toContain('+02:00, clocks went forward');
  });
});
