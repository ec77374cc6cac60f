import { describe, expect, it, vi } from 'vitest';
import type { BoardBucket } from '../api/BoardBucket';
import type { Tick } from '../api/Tick';
import { movedLanes } from './layer';
import { bucketAt, lanes, sums, trustRuns } from './model';
import type { ChartModel } from './model';
import { nearest } from './nearest';
import type { Frame } from './paint';
import { stretches } from './paintLines';
import { valueScale } from './scale';
import { fitting, tickLabel } from './ticks';

function bucket(i: number, rest: Partial<BoardBucket> = {}): BoardBucket {
  return { start_ms: i * 10, end_ms: i * 10 + 10, start: '', end: '', state: 'exact', partial: false, odd_hours: null, ...rest };
}

describe('value axes', () => {
  it.each([[23_000, 2, [0, 10_000, 20_000]], [3.1, 4, [0, 1, 2, 3]], [812, 1, [0, 500]], [14.9, 4, [0, 5, 10, 15]]])('cut 0 to %d into at most %d steps of 1, 2 or 5', (top, most, ticks) => {
    expect(valueScale(0, top, most, false).ticks).toEqual(ticks);
  });
  it('start at zero and survive an empty chart', () => {
    expect(valueScale(0, 0, 4, true)).toEqual({ min: 0, max: 1, ticks: [0] });
  });
  it('never cut counts into parts of one', () => {
    expect(valueScale(0, 2, 4, true).ticks).toEqual([0, 1, 2]);
  });
});

describe('a stack', () => {
  it('adds what is there and stays empty where nothing is', () => {
    expect(sums([[1, null, null], [2, 3, null]], 3)).toEqual([3, 3, null]);
  });
  it('scales to the sum, not to the tallest part', () => {
    const series = [[60], [60]].map((values, i) => ({ key: String(i), label: '', color: '', values }));
    expect(lanes([{ kind: 'stack', series, unit: '' }], 1)[0]?.scale.max).toBeGreaterThan(119);
  });
});

describe('rates', () => {
  const rate = (values: number[], samples: number[]): Parameters<typeof lanes>[0] => [{ kind: 'lines', series: [{ key: 'a', label: '', color: '', values, samples }], unit: '%' }];
  it('of a few do not set the scale', () => {
    expect(lanes(rate([2, 100], [500, 1]), 2)[0]?.scale.max).toBeLessThan(3);
  });
  it('set it where there are none but those', () => {
    expect(lanes(rate([50, 100], [2, 1]), 2)[0]?.scale.max).toBeGreaterThan(99);
  });
});

describe('the trust line', () => {
  it('tells exact, pending, frozen, partial and absent apart', () => {
    const buckets = [bucket(0, { state: 'frozen' }), bucket(1), bucket(2), bucket(3, { state: 'pending' }), bucket(4), bucket(5, { partial: true })];
    const runs = trustRuns(buckets, [true, true, false, true, true, true]);
    expect(runs.map((r) => r.look)).toEqual(['frozen', 'exact', 'absent', 'pending', 'exact', 'partial']);
  });
});

describe('lines', () => {
  it('break where there is no data and are not firm into a partial bucket', () => {
    const model = { buckets: [bucket(0), bucket(1), bucket(2), bucket(3, { partial: true })] };
    const parts = stretches({ x: (ms) => ms }, model, [1, null, 3, 4], (v) => v);
    expect(parts.map((p) => p.length)).toEqual([1, 2]);
    expect(parts[1]?.map((p) => p.firm)).toEqual([true, false]);
  });
  it('keep the extremes when more buckets than pixels are drawn', () => {
    const buckets = Array.from({ length: 5000 }, (_, i) => bucket(i));
    const values = buckets.map((_, i) => (i === 2345 ? 99 : 1));
    const [points = []] = stretches({ x: (ms) => ms / 500 }, { buckets }, values, (v) => v);
    expect(points.length).toBeLessThan(500);
    expect(Math.max(...points.map((p) => p.y))).toBe(99);
  });
});

describe('ticks', () => {
  const at = (h: number, kind: Tick['kind'] = 'plain'): Tick => ({ at_ms: h, label: kind === 'day' ? 'Mon 26 Oct' : `${String(h % 24).padStart(2, '0')}:00`, kind });
  const day = [15, 18, 21].map((h) => at(h)).concat([at(24, 'day')], [27, 30, 33, 36].map((h) => at(h)));
  it('all stay where there is room', () => {
    expect(fitting(day, (ms) => (ms - 14) * 24, 0, 600)).toHaveLength(8);
  });
  it('leave by regular strides from the day boundary, which stays', () => {
    expect(fitting(day, (ms) => (ms - 14) * 16, 0, 400).map((t) => t.at_ms)).toEqual([18, 24, 30, 36]);
  });
  it('read as the viewer’s clock', () => {
    expect(tickLabel('15:00', true)).toBe('15:00');
    expect(tickLabel('15:00', false)).toBe('3\u202fpm');
    expect(tickLabel('00:15', false)).toBe('12:15\u202fam');
    expect(tickLabel('Mon 26 Oct', false)).toBe('Mon 26 Oct');
  });
});

describe('the bucket under the pointer', () => {
  it('is the one that holds the instant', () => {
    const model = { buckets: [bucket(0), bucket(1), bucket(2)] };
    expect(bucketAt(model, 0)).toBe(0);
    expect(bucketAt(model, 19.9)).toBe(1);
    expect(bucketAt(model, 20)).toBe(2);
    expect(bucketAt(model, 31)).toBeNull();
  });
});

describe('the series under the pointer', () => {
  const series = (key: string, v: number | null): { key: string; label: string; color: string; values: (number | null)[] } => ({ key, label: key, color: '', values: [v] });
  const frame = { top: 0, height: 114 };
  const at = (kind: 'stack' | 'lines', values: (number | null)[], y: number): string | null => {
    const made = lanes([{ kind, series: values.map((v, i) => series('abc'[i] ?? '', v)), unit: '' }], 1);
    return nearest({ lanes: made.map((l) => ({ ...l, scale: { min: 0, max: 100, ticks: [0] } })) }, 0, y, frame);
  };
  // 100 pixels for 100, from 14 down to 114.
  it('is the part of a stack that it is in, or the closest', () => {
    expect([110, 60, 20].map((y) => at('stack', [50, 0, 30], y))).toEqual(['a', 'c', 'c']);
    expect(at('stack', [50, null, 0], 20)).toBe('a');
  });
  it('is the closest line', () => {
    expect([100, 60, 0].map((y) => at('lines', [10, 50, null], y))).toEqual(['a', 'b', 'b']);
  });
  it('is none where nothing is', () => {
    expect(at('lines', [null, null], 50)).toBeNull();
  });
  it('is sought in the lane that the pointer is in', () => {
    const made = lanes([{ kind: 'stack', series: [series('a', 5)], unit: '' }, { kind: 'stack', series: [series('b', 5)], unit: '', label: null }], 1);
    expect([20, 112].map((y) => nearest({ lanes: made }, 0, y, frame))).toEqual(['a', 'b']);
  });
});

describe('a chart that is moved', () => {
  it('paints its lanes once, and shows them by whole pixels until they are others', () => {
    let painted = 0;
    const model = { from: 0, to: 1000, get lanes() { painted += 1; return []; } } as unknown as ChartModel;
    const drawImage = vi.fn();
    const moved = movedLanes();
    const show = (shift: number): void => {
      const frame = { ctx: { canvas: { width: 200, height: 100 }, drawImage }, dpr: 2, x: (ms: number) => 40 + (ms - shift) / 10 } as unknown as Frame;
      moved.draw(frame, model, shift);
    };
    for (const shift of [100, 104, 250]) show(shift);
    expect(painted).toBe(1);
    expect(drawImage.mock.calls.map((call: unknown[]) => call[1])).toEqual([-10, -10.5, -25]);
    moved.forget();
    show(250);
    expect(painted).toBe(2);
  });
});
