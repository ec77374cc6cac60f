import { describe, expect, it } from 'vitest';
import type { BoardAnswer } from './api/BoardAnswer';
import { answer } from './fixture/board';
import { unpack } from './packed';

/** As `src-tauri/src/packed.rs` does, of an answer whose buckets need no runs to be told apart. */
function packed(of: BoardAnswer, error: unknown): ArrayBuffer {
  const numbers = [...of.buckets.map((b) => b.start_ms), of.buckets.at(-1)?.end_ms ?? 0];
  const bare = JSON.parse(JSON.stringify(of, (key, value: unknown) => (key === 'columns' || key === 'buckets' ? [] : value))) as object;
  for (const { overall, groups, compare } of [of, ...of.groupings]) {
    for (const series of [overall, ...groups, ...(compare === null ? [] : [compare.overall, ...compare.groups])]) numbers.push(...series.columns.flat().map((n) => n ?? NaN));
  }
  const each = <T>(value: (b: BoardAnswer['buckets'][number]) => T): [number, T][] => of.buckets.map((b, i) => [i, value(b)]);
  const runs = { count: of.buckets.length, offset: [...each((b) => b.start.slice(-6)), [of.buckets.length, of.buckets.at(-1)?.end.slice(-6)]], state: each((b) => b.state), partial: each((b) => b.partial), odd_hours: each((b) => b.odd_hours) };
  const text = new TextEncoder().encode(JSON.stringify([{ Err: error }, { Ok: { ...bare, packed: runs } }]));
  const length = Math.ceil((text.length + 4) / 8) * 8 - 4;
  const bytes = new ArrayBuffer(4 + length + numbers.length * 8);
  new DataView(bytes).setUint32(0, length, true);
  new Uint8Array(bytes, 4, length).fill(32).set(text);
  new Float64Array(bytes, 4 + length).set(numbers);
  return bytes;
}

describe('packed boards', () => {
  it('are what was packed', () => {
    const twist = { calm: false, pending: true, frozen: true, empty: false, hostile: true };
    for (const [range, grain, tz] of [['7d', 'hour', 'Europe/Berlin'], ['14d', 'day', 'Asia/Kolkata'], ['24h', '15m', 'America/St_Johns']] as const) {
      const before = answer({ rollup: 'r', range, grain, tz, week_start: 'monday', by: 'platform', filters: [], groupings: [], mode: 'exact', compare: 'last-week' }, twist);
      const [error, read] = unpack(packed(before, { code: 'c', message: 'm', details: null }));
      expect(error).toEqual({ Err: { code: 'c', message: 'm', details: null } });
      const after = read !== undefined && 'Ok' in read ? read.Ok : null;
      expect({ ...after, buckets: after?.buckets.map(({ start_ms, end_ms, start, end, state, partial, odd_hours }) => ({ start_ms, end_ms, start, end, state, partial, odd_hours })) }).toEqual(before);
    }
  });
  it('may be none, or without a bucket', () => {
    const bytes = new ArrayBuffer(8);
    new DataView(bytes).setUint32(0, 4, true);
    new Uint8Array(bytes, 4).set(new TextEncoder().encode('[]  '));
    expect(unpack(bytes)).toEqual([]);
  });
});
