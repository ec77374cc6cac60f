/** One board: its question, kept in the address, and the answers that its panels are drawn from. */

import type { BoardAnswer } from '../api/BoardAnswer';
import type { BoardPanel } from '../api/BoardPanel';
import type { BoardRequest } from '../api/BoardRequest';
import { groupingsOf, heatmapNeeds } from '../board/grouping';
import type { Hovered } from '../chart/adapter';
import type { Compare } from '../api/Compare';
import type { DimensionFilter } from '../api/DimensionFilter';
import type { Grain } from '../api/Grain';
import type { ReadMode } from '../api/ReadMode';
import { call, toAppError, type BoardRead } from '../ipc';
import { boardKey, type AppError, type Rollup } from '../types';
import { app } from './app.svelte';
import { DEFAULT_RANGE, between, reachesNow, stepped } from './ranges';
import type { RowsQuestion } from '../board/rows';
import { kept } from './boards';
import { decoded, router } from './route.svelte';
import { serverTime } from './time.svelte';

const GRAINS: readonly string[] = ['1m', '5m', '15m', 'hour', 'day', 'week', 'month', 'year'];
const COMPARES: readonly string[] = ['previous-period', 'yesterday', 'last-week'];

/** The code of an error that somebody asked for. */
export const CANCELLED = 'cancelled';

function isGrain(s: string | undefined): s is Grain {
  return s !== undefined && GRAINS.includes(s);
}

function isCompare(s: string | undefined): s is Compare {
  return s !== undefined && COMPARES.includes(s);
}

/** In an address a group is its name after `=`, and the NULL group is `~`. By hand one writes the name alone. */
function readGroups(text: string | undefined): (string | null)[] {
  if (text === undefined || text === '') return [];
  return text.split(',').map((g) => (g === '~' ? null : decoded(g.startsWith('=') ? g.slice(1) : g)));
}

function writeGroups(groups: (string | null)[]): string {
  return groups.map((g) => (g === null ? '~' : `=${encodeURIComponent(g)}`)).join(',');
}

/** A question without the zone that it is asked in. */
function zoneless(question: string): string {
  return question.replace(/"tz":"[^"]*",?/, '');
}

/** Counts readings on from those of the page before, should this one be loaded anew: the shell knows them by number. */
let newest = Date.now();

/** Asks for boards at one moment and tells of each. In another zone what was read is cut again, told at once, and not asked for. Null is no question. */
async function readBoards(requests: (BoardRequest | null)[], reading: number, zoned: boolean, hear: (at: number, read: BoardRead) => void): Promise<void> {
  const cut = await Promise.all(requests.map((request) => (zoned && request !== null ? call('recut', { request }).catch(() => null) : null)));
  cut.forEach((answer, at) => { if (answer !== null) hear(at, { Ok: answer }); });
  const open = requests.flatMap((request, at) => (request !== null && (cut[at] ?? null) === null ? [{ request, at }] : []));
  if (open.length === 0) return;
  const failed = (error: unknown): BoardRead[] => open.map(() => ({ Err: toAppError(error) }));
  const read = await call('boards', { requests: open.map((o) => o.request), reading }).catch(failed);
  open.forEach(({ at }, i) => { const one = read[i]; if (one !== undefined) hear(at, one); });
}

export class BoardState {
  answer = $state.raw<BoardAnswer | null>(null);
  error = $state.raw<AppError | null>(null);
  /** Always hourly, over the last seven days: for the heatmap. */
  week = $state.raw<BoardAnswer | null>(null);
  weekError = $state.raw<AppError | null>(null);
  /** Always the last 24 hours against last week: for the verdict. */
  watch = $state.raw<BoardAnswer | null>(null);
  watchError = $state.raw<AppError | null>(null);
  /** When the reading under way began, by this machine's clock. */
  since = $state<number | null>(null);
  /** The answer on the screen is to another question than the one under way. */
  asking = $state(false);
  #answered = '';
  /** Somebody waited for what is shown: all of it was read live, however many rows that took. */
  patient = $state(false);
  /** Every group seen without a filter. */
  known = $state.raw<(string | null)[]>([]);
  /** The bucket under the crosshair; where it comes from says which panel shows the tooltip. */
  hover = $state.raw<(Hovered & { panel: string }) | null>(null);
  #zooms = $state.raw<{ opened: number; ranges: string[] }>({ opened: 0, ranges: [] });
  /** How far the charts are being moved sideways, in milliseconds, until what is there has been read. */
  pan = $state(0);
  /** The bucket whose raw rows are listed. */
  rows = $state.raw<RowsQuestion | null>(null);
  /** The reading under way. */
  #reading: number | null = null;

  /** With the board that is shown: its own, or a saved one. */
  rollup: Rollup;

  constructor(rollup: Rollup) {
    this.rollup = $state.raw(rollup);
  }

  range = $derived(router.route.params['range'] ?? DEFAULT_RANGE);
  grain = $derived.by<Grain | null>(() => { const g = router.route.params['grain']; return isGrain(g) ? g : null; });
  compare = $derived.by<Compare | null>(() => {
    const c = router.route.params['compare'];
    return c === 'none' ? null : isCompare(c) ? c : 'last-week';
  });
  mode = $derived<ReadMode>(router.route.params['mode'] === 'rollup-only' ? 'rollup-only' : 'exact');
  groups = $derived(readGroups(router.route.params['only']));

  /** The ranges that one zoomed in from, since the last address that was opened. */
  get zooms(): string[] {
    return this.#zooms.opened === router.opened ? this.#zooms.ranges : [];
  }

  set zooms(ranges: string[]) {
    this.#zooms = { opened: router.opened, ranges };
  }

  get by(): string | null {
    return this.rollup.board.by;
  }

  /** The groups that a dimension is filtered by: the board's own under `only`, another under `only.NAME`. */
  chosen(dimension: string | null): (string | null)[] {
    return dimension === null ? [] : readGroups(router.route.params[dimension === this.by ? 'only' : `only.${dimension}`]);
  }

  get filters(): DimensionFilter[] {
    return this.rollup.dimensions.map((dimension) => ({ dimension, values: this.chosen(dimension) })).filter((f) => f.values.length > 0);
  }

  request(): BoardRequest {
    return { rollup: this.rollup.rollup, range: this.range, grain: this.grain, tz: app.zone, week_start: app.settings.week_start, by: this.by, filters: this.filters, groupings: groupingsOf(this.rollup.board), mode: this.mode, compare: this.compare };
  }

  /** The question that what is shown answers. */
  shown(): BoardRequest {
    return this.patient ? { ...this.request(), mode: 'patient' } : this.request();
  }

  private get heatmaps(): BoardPanel[] {
    return heatmapNeeds(this.rollup) === null ? this.rollup.board.panels.filter((p) => p.kind === 'heatmap') : [];
  }

  /** A heatmap is on the board, and hours can be shown. */
  get mapped(): boolean {
    return this.heatmaps.length > 0;
  }

  private weekRequest(): BoardRequest {
    return { ...this.request(), range: 'today-6d..now', grain: 'hour', groupings: groupingsOf(this.rollup.board, this.heatmaps), compare: null };
  }

  private watchRequest(): BoardRequest {
    const finest = this.rollup.grains[0] ?? 'hour';
    return { ...this.request(), range: '24h', grain: finest === '1m' || finest === '5m' ? '15m' : finest, compare: 'last-week', filters: [], groupings: [], mode: 'exact' };
  }

  /** Reads all that is shown, at one moment, instead of what is being read. Another zone alone is no question to the database.
   * With patience what waits is read live even where that takes long, once. */
  async load(patience = false): Promise<void> {
    this.#drop();
    const reading = ++newest;
    this.#reading = reading;
    this.since = Date.now();
    const request = this.request();
    const question = JSON.stringify(request);
    const zoned = question !== this.#answered && zoneless(question) === zoneless(this.#answered);
    const patient = patience || (zoned && this.patient);
    this.asking = this.answer !== null && question !== this.#answered;
    const watching = this.rollup.board.rules.length !== 0;
    const main = (answer: BoardAnswer | null, error: AppError | null): void => {
      this.error = error;
      this.pan = 0;
      this.since = null;
      this.asking = false;
      if (answer === null) return;
      this.answer = answer;
      this.patient = patient;
      this.#answered = question;
      if (request.filters.length === 0) this.known = answer.groups.map((g) => g.key);
      serverTime.hear(answer.as_of_ms);
    };
    const watch = (answer: BoardAnswer | null, error: AppError | null): void => {
      this.watchError = error;
      if (answer === null) return;
      this.watch = answer;
      if (this.known.length === 0) this.known = answer.groups.map((g) => g.key);
    };
    const week = (answer: BoardAnswer | null, error: AppError | null): void => {
      this.week = answer ?? this.week;
      this.weekError = error;
    };
    const requests = [patient ? { ...request, mode: 'patient' as const } : request, watching ? this.watchRequest() : null, this.mapped ? this.weekRequest() : null];
    await readBoards(requests, reading, zoned, (at, read) => {
      if (reading !== this.#reading) return;
      [main, watch, week][at]?.('Ok' in read ? read.Ok : null, 'Err' in read ? read.Err : null);
    });
    if (reading === this.#reading) this.#reading = null;
  }

  get loading(): boolean {
    return this.since !== null;
  }

  /** Waits no longer; what was there stays. */
  cancel(): void {
    const another = this.asking ? ' The charts still answer the question before.' : '';
    this.#drop();
    this.pan = 0;
    this.error = { code: CANCELLED, message: `Reading was cancelled.${another}`, details: null };
    if (this.rollup.board.rules.length > 0) this.watchError = this.error;
  }

  /** Nobody waits for what is being read: it ends on the server, and what comes back of it is not heard. */
  #drop(): void {
    if (this.#reading !== null) void call('stop_reading', { reading: this.#reading }).catch(() => undefined);
    this.#reading = null;
    this.since = null;
    this.asking = false;
  }

  stop(): void {
    this.#drop();
    this.hover = null;
    this.rows = null;
  }

  setRange(range: string): void {
    this.zooms = [];
    router.set({ range });
  }

  zoom(fromMs: number, toMs: number): void {
    const base = this.answer?.buckets.filter((b) => b.end_ms > fromMs && b.start_ms < toMs);
    const from = base?.[0]?.start_ms ?? fromMs;
    const to = base?.at(-1)?.end_ms ?? toMs;
    this.zooms = [...this.zooms, this.range];
    router.set({ range: between(from, to) });
  }

  /** Moves all charts by whole buckets, never past now; `done` reads what is there. */
  panBy(byMs: number, done: boolean): void {
    const a = this.answer;
    const [first, second] = [a?.buckets[0], a?.buckets[1]];
    if (a === null || first === undefined) return;
    const width = (second ?? first).end_ms - (second ?? first).start_ms;
    const most = Math.max(0, Math.ceil((serverTime.now - a.to_ms) / width) * width);
    this.hover = null;
    this.pan = Math.min(most, done ? Math.round(byMs / width) * width : byMs);
    if (!done || this.pan === 0) return;
    this.zooms = [...this.zooms, this.range];
    router.set({ range: between(a.from_ms + this.pan, a.to_ms + this.pan) });
  }

  unzoom(): void {
    const last = this.zooms.at(-1);
    if (last === undefined) return;
    this.zooms = this.zooms.slice(0, -1);
    router.set({ range: last });
  }

  step(direction: -1 | 1): void {
    if (this.answer === null) return;
    const next = stepped(this.answer.from_ms, this.answer.to_ms, direction, serverTime.now);
    if (next !== null) this.setRange(next);
  }

  get canStepOn(): boolean {
    return this.answer !== null && !reachesNow(this.range) && this.answer.to_ms < serverTime.now;
  }

  setGroups(groups: (string | null)[], dimension: string | null = this.by): void {
    if (dimension !== null) router.set({ [dimension === this.by ? 'only' : `only.${dimension}`]: writeGroups(groups) });
  }

  toggleGroup(key: string | null, dimension: string | null = this.by): void {
    const groups = this.chosen(dimension);
    this.setGroups(groups.includes(key) ? groups.filter((g) => g !== key) : [...groups, key], dimension);
  }
}

/** One state a rollup for as long as the connection lasts, so that coming back shows at once what was there. */
export function boardState(rollup: Rollup): BoardState {
  const name = boardKey(rollup);
  const known = kept.get(name);
  if (known instanceof BoardState && known.rollup.applied_at === rollup.applied_at && JSON.stringify(known.rollup.board) === JSON.stringify(rollup.board)) return known;
  const state = freshBoard(rollup);
  kept.set(name, state);
  return state;
}

/** A state that outlives whoever makes it. */
export function freshBoard(rollup: Rollup): BoardState {
  let made: BoardState | undefined;
  $effect.root(() => { made = new BoardState(rollup); });
  return made ?? new BoardState(rollup);
}
