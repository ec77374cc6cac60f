import { describe, expect, it } from 'vitest';
import { between, ends, presetLabel, stepped } from './ranges';
import { format, parse, router } from './route.svelte';
import type { Grain } from '../api/Grain';
import { fixture } from '../fixture/backend';
import { useBackend } from '../ipc';
import { app } from './app.svelte';
import { freshBoard } from './board.svelte';
import { toasts } from './toasts.svelte';
import { Clock, offsetWord } from '../time';
import { marked } from '../ui/marked';
import { pieces } from '../ui/sql';
import { sparkPath } from '../ui/spark';

describe('an address', () => {
  it('holds page, range, grain and filter, and reads back the same', () => {
    const route = { page: 'board' as const, rollup: 'a "b"/c', params: { range: '7d', only: '=x%2Cy,~' } };
    expect(parse(format(route))).toEqual(route);
  });
  it('holds the zone, which goes along until another is chosen', async () => {
    router.go('board', 'x', { tz: 'Asia/Kolkata' });
    expect(app.zone).toBe('Asia/Kolkata');
    router.go('rollups');
    expect([app.zone, globalThis.location.hash]).toEqual(['Asia/Kolkata', '#/rollups?tz=Asia%2FKolkata']);
    expect(parse(router.address('Europe/Berlin', { page: 'saved', name: 'a/b' }))).toEqual({ page: 'saved', rollup: 'a/b', params: { tz: 'Europe/Berlin' } });
    router.set({ tz: 'Mars/Olympus' });
    expect(app.zone).toBe(app.systemZone);
    router.set({ tz: '' });
    expect(globalThis.location.hash).toBe('#/rollups');
    router.go('board');
  });
  it('falls back to the board when it makes no sense', () => {
    expect(parse('#/nonsense')).toEqual({ page: 'board', rollup: null, params: {} });
    expect(parse('#/board/%?only=%')).toEqual({ page: 'board', rollup: '%', params: { only: '%' } });
  });
});

describe('a board', () => {
  it('asks for the verdict in quarter hours, or in the finest buckets that its rollup has', async () => {
    const [rollup] = await fixture('calm').call('rollups', {});
    if (rollup === undefined) throw new Error('no rollup');
    const grains: unknown[] = [];
    useBackend({ call: (_, args) => { if ('requests' in args) grains.push(args.requests[1]?.grain); return Promise.reject(new Error('not read')); }, onConnection: () => Promise.resolve(() => undefined) });
    for (const own of [['1m', 'hour'], ['5m', 'hour'], ['15m', 'hour'], ['hour', 'day'], ['day', 'month']] satisfies Grain[][]) await freshBoard({ ...rollup, grains: own }).load();
    expect(grains).toEqual(['15m', '15m', '15m', 'hour', 'day']);
  });
});

describe('a reading that is cancelled', () => {
  it('leaves what was there, and is dropped when it comes back', async () => {
    const server = fixture('calm');
    const [rollup] = await server.call('rollups', {});
    if (rollup === undefined) throw new Error('no rollup');
    useBackend(server);
    const board = freshBoard(rollup);
    await board.load();
    const before = board.answer;
    expect([before === null, board.loading, board.error]).toEqual([false, false, null]);
    const again = board.load();
    expect(board.loading).toBe(true);
    board.cancel();
    await again;
    expect([board.answer === before, board.loading, board.error?.message]).toEqual([true, false, 'Reading was cancelled.']);
    // Nor does the verdict stand as if it had been read.
    expect(board.watchError).toEqual(board.error);
    router.set({ range: '7d' });
    const another = board.load();
    board.cancel();
    await another;
    expect([board.answer === before, board.error?.message]).toEqual([true, 'Reading was cancelled. The charts still answer the question before.']);
    await board.load();
    expect([board.answer === before, board.error, board.watchError]).toEqual([false, null, null]);
    router.set({ range: '' });
  });
  it('ends in the shell, as one does that another takes the place of', async () => {
    const server = fixture('calm');
    const [rollup] = await server.call('rollups', {});
    if (rollup === undefined) throw new Error('no rollup');
    const [begun, stopped]: [(number | null)[], number[]] = [[], []];
    useBackend({
      ...server,
      call: (command, args) => {
        if ('requests' in args) begun.push(args.reading);
        if (command === 'stop_reading' && 'reading' in args && args.reading !== null) stopped.push(args.reading);
        return server.call(command, args);
      },
    });
    const board = freshBoard(rollup);
    await board.load();
    const replaced = board.load();
    const cancelled = board.load();
    await Promise.resolve();
    board.cancel();
    await Promise.all([replaced, cancelled]);
    await board.load();
    expect(begun).toHaveLength(4);
    // Neither the first nor the last: both were heard.
    expect(stopped).toEqual(begun.slice(1, 3));
    expect([...begun].sort()).toEqual(begun);
  });
});

describe('what somebody waited for', () => {
  it('is cut again for another zone, and is not waited for again otherwise', async () => {
    const server = fixture('pending');
    const [rollup] = await server.call('rollups', {});
    if (rollup === undefined) throw new Error('no rollup');
    const asked: string[] = [];
    useBackend({
      ...server,
      call: (command, args) => {
        if ('requests' in args) asked.push(`boards ${String(args.requests[0]?.mode)}`);
        if (command === 'recut' && 'request' in args && 'mode' in args.request) asked.push(`recut ${args.request.mode}`);
        return server.call(command, args);
      },
    });
    router.set({ range: '24h', tz: 'Europe/Berlin' });
    const board = freshBoard(rollup);
    await board.load();
    expect([board.answer?.state, board.patient]).toEqual(['pending', false]);
    await board.load(true);
    expect([board.answer?.state, board.patient, board.shown().mode]).toEqual(['exact', true, 'patient']);
    expect(asked.splice(0)).toEqual(['boards exact', 'boards patient']);
    router.set({ tz: 'Asia/Kathmandu' });
    await board.load();
    expect([board.answer?.state, board.patient]).toEqual(['exact', true]);
    expect(asked.splice(0)[0]).toBe('recut patient');
    router.set({ range: '7d' });
    await board.load();
    expect([board.answer?.state, board.patient, board.shown().mode]).toEqual(['pending', false, 'exact']);
    router.set({ range: '', tz: '' });
  });
});

describe('ranges', () => {
  it('step by their own length and never into what has not begun', () => {
    const hour = 3_600_000;
    expect(stepped(0, hour, -1, hour)).toBe(between(-hour, 0));
    expect(stepped(0, hour, 1, hour)).toBeNull();
    expect(stepped(0, hour, 1, 5 * hour)).toBe(between(hour, 2 * hour));
  });
  it('name both ends or a preset', () => {
    expect(ends('2026-10-26T00:00:00Z..2026-10-27T00:00:00Z')).toEqual({ from: Date.parse('2026-10-26T00:00:00Z'), to: Date.parse('2026-10-27T00:00:00Z') });
    expect(ends('24h')).toBeNull();
    expect(presetLabel('24h')).toBe('Last 24 hours');
  });
});

describe('the viewer’s clock', () => {
  const at = Date.parse('2026-10-26T13:22:06Z');
  it('reads in its zone', () => {
    expect(new Clock('Europe/Berlin', true).timeSeconds(at)).toBe('14:22:06');
    expect(new Clock('Asia/Kathmandu', true).time(at)).toBe('19:07');
    expect(new Clock('America/New_York', false).time(at)).toBe('9:22\u202fam');
    expect(new Clock('Europe/Berlin', true).zone(at)).toBe('Europe/Berlin (UTC+1)');
    expect(new Clock('Asia/Kolkata', true).offset(at)).toBe('UTC+5:30');
  });
  it('says the year only where it is another one', () => {
    const clock = new Clock('UTC', true);
    expect(clock.date(at, at)).toBe('Mon 26 Oct');
    expect(clock.date(Date.parse('2025-10-26T12:00:00Z'), at)).toBe('26 Oct 2025');
  });
  it('keeps both repeated hours apart by their offset', () => {
    const clock = new Clock('Europe/Berlin', true);
    expect(clock.bucket({ start: '2026-10-25T02:15:00+02:00', end: '2026-10-25T02:30:00+02:00' }, '15m', at)).toBe('02:15–02:30');
  });
  it('reads offsets as people write them', () => {
    expect([offsetWord('+05:30'), offsetWord('-03:00'), offsetWord('+00:00')]).toEqual(['UTC+5:30', 'UTC−3', 'UTC+0']);
  });
});

describe('text from the database', () => {
  it('is marked as text, never as HTML', () => {
    expect(marked('<img src=x onerror=…>', 'img')).toEqual([{ text: '<', hit: false }, { text: 'img', hit: true }, { text: ' src=x onerror=…>', hit: false }]);
  });
  it('is whole again after SQL is coloured', () => {
    const sql = "-- a 'comment'\nselect 'it''s', 1.5 from \"T x\" /* end */ where a = 'b'";
    expect(pieces(sql).map((p) => p.text).join('')).toBe(sql);
    expect(pieces(sql)[0]).toEqual({ text: "-- a 'comment'", kind: 'comment' });
  });
});

describe('a sparkline', () => {
  it('breaks at gaps and ends at the last value', () => {
    const shape = sparkPath([1, null, 2, null], null, 30, 10);
    expect(shape.line.match(/M/g)).toHaveLength(2);
    expect(shape.end).toEqual({ x: 20, y: 0 });
  });
  it('survives nothing at all', () => {
    expect(sparkPath([], null, 30, 10)).toEqual({ line: '', ghost: '', end: null });
  });
});

describe('messages', () => {
  it('of the same success take one place, those of failures stay', () => {
    for (const [tone, title] of [['bad', 'Not saved'], ['ok', 'Saved'], ['bad', 'Not saved'], ['ok', 'Saved'], ['info', 'Copied']] as const) toasts.show({ tone, title, text: '' });
    expect(toasts.list.map((t) => t.title)).toEqual(['Not saved', 'Not saved', 'Saved', 'Copied']);
    for (const { id } of toasts.list) toasts.close(id);
  });
});
