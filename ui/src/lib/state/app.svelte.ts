/** What every page shares: connection, settings, rollups with their health, jobs. */

import type { Job } from '../api/Job';
import type { RollupStatus } from '../api/RollupStatus';
import type { SavedBoard } from '../api/SavedBoard';
import { call, onConnection, toAppError } from '../ipc';
import { Clock } from '../time';
import type { Settings } from '../api/Settings';
import type { AppError, ConnectionState, Rollup } from '../types';
import { count } from '../format';
import { forgetBoards } from './boards';
import { serverTime } from './time.svelte';
import { router } from './route.svelte';
import { toasts } from './toasts.svelte';

const UNKNOWN: ConnectionState = { phase: 'starting', kind: null, profile: null, colour: null, server: null, message: null, code: null, progress: null, since_ms: null };

const DEFAULTS: Settings = {
  time_zone: null, week_start: 'monday', clock_24h: true, theme: 'system', refresh_seconds: 30, tick_while_open: true, tick_seconds: 10, tray_icon: true, last_connection: null, default_connection: null,
  limits: { error_rate_percent: 2, p99_ms: 5000, min_samples: 200 }, connections: {},
};

/** How often health and jobs are asked for. */
const HEALTH_MS = 5000;
const JOBS_BUSY_MS = 1000;

/** A zone that this machine can tell the time in. */
function knownZone(name: string | undefined): string | undefined {
  if (name === undefined || name === '') return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone === '' ? undefined : name;
  } catch {
    return undefined;
  }
}

class App {
  connection = $state<ConnectionState>(UNKNOWN);
  settings = $state<Settings>(DEFAULTS);
  systemZone = $state('UTC');
  rollups = $state.raw<Rollup[]>([]);
  rollupsError = $state<AppError | null>(null);
  saved = $state.raw<SavedBoard[]>([]);
  health = $state<RollupStatus[]>([]);
  /** The server's clock when health was read. */
  healthMs = $state<number | null>(null);
  healthError = $state<AppError | null>(null);
  jobs = $state<Job[]>([]);
  jobsError = $state<AppError | null>(null);
  /** Rollups and jobs have been read at least once. */
  loaded = $state(false);
  /** Grows when everything should be read anew. */
  epoch = $state(0);

  /** The address’s zone, else the chosen one, else this machine’s. */
  zone = $derived(knownZone(router.route.params['tz']) ?? this.settings.time_zone ?? this.systemZone);
  clock = $derived(new Clock(this.zone, this.settings.clock_24h));
  lost = $derived(this.connection.phase === 'lost');
  live = $derived(this.connection.phase === 'ready' || this.connection.phase === 'lost');
  canOperate = $derived(this.connection.server?.can_operate ?? false);
  /** Why nothing can be changed over this connection now. */
  off = $derived(this.lost ? 'disconnected' : this.canOperate ? null : 'needs tidemark_operator');
  /** Made-up numbers: the embedded server’s, or another one that holds the demo. */
  demo = $derived(this.connection.kind === 'demo' || (this.connection.server?.demo ?? false));
  /** One a rollup, then those that were saved over one of them. */
  boards = $derived<Rollup[]>([...this.rollups, ...this.saved.flatMap((s) => { const over = this.rollups.find((r) => r.rollup === s.rollup); return over === undefined || s.board === null || s.error !== null ? [] : [{ ...over, board: s.board, saved: s.name }]; })]);
  runningJobs = $derived(this.jobs.filter((j) => j.state === 'running' || j.state === 'paused'));

  #timer: ReturnType<typeof setTimeout> | undefined;
  #healthAt = 0;

  /** A zone that is chosen holds from now on, whatever the address said; null is this machine’s. */
  async chooseZone(zone: string | null): Promise<void> {
    router.set({ tz: '' });
    await this.save({ time_zone: zone });
  }

  async start(): Promise<void> {
    try {
      [this.settings, this.systemZone] = await Promise.all([call('settings', {}), call('system_zone', {})]);
    } catch (error) {
      toasts.show({ tone: 'bad', title: 'Settings could not be read', text: toAppError(error).message });
    }
    await onConnection((state) => { this.connected(state); });
    this.connected(await call('connection_state', {}));
    this.#loop();
  }

  connected(state: ConnectionState): void {
    const before = this.connection;
    this.connection = state;
    if (state.phase === 'ready' && before.phase !== 'ready') {
      if (before.phase === 'lost') toasts.show({ tone: 'ok', title: 'Connected again', text: 'Everything is read anew.' });
      this.epoch += 1;
      void this.refresh();
    }
    if (!this.live) {
      this.rollups = [];
      this.health = [];
      this.healthMs = null;
      this.jobs = [];
      this.loaded = false;
      forgetBoards();
    }
  }

  /** Reads rollups, health and jobs once. */
  async refresh(): Promise<void> {
    await Promise.all([this.readRollups(), this.readSaved(), this.readHealth(), this.readJobs()]);
    this.loaded = true;
  }

  async readRollups(): Promise<void> {
    try {
      const read = await call('rollups', {});
      // What is the same stays the same, and no board is drawn anew for it.
      if (JSON.stringify(read) !== JSON.stringify(this.rollups)) this.rollups = read;
      this.rollupsError = null;
    } catch (error) {
      this.rollupsError = toAppError(error);
    }
  }

  async readSaved(): Promise<void> {
    try {
      this.saved = await call('saved_boards', {});
    } catch (error) {
      // Without a rollup there is nothing to check them against: the pages say what is missing.
      if (toAppError(error).code === 'board_file') toasts.show({ tone: 'bad', title: 'Saved boards can’t be read', text: toAppError(error).message });
    }
  }

  async readHealth(): Promise<void> {
    try {
      const report = await call('status', {});
      this.healthMs = Date.parse(report.server_time);
      serverTime.hear(this.healthMs);
      this.health = report.rollups;
      this.healthError = null;
    } catch (error) {
      this.healthError = toAppError(error);
    }
    this.#healthAt = Date.now();
  }

  async readJobs(): Promise<void> {
    try {
      this.heard(await call('jobs', {}));
      this.jobsError = null;
    } catch (error) {
      this.jobsError = toAppError(error);
    }
  }

  /** Keeps a job list and says what finished since the last one. */
  heard(list: Job[]): void {
    for (const job of list) {
      const before = this.jobs.find((j) => j.id === job.id);
      if (before !== undefined && before.state !== 'done' && job.state === 'done') {
        toasts.show({
          tone: 'ok', title: `Job ${job.id} done`, text: `${job.rollup}, ${count(job.buckets_total)} buckets recomputed`,
          action: { label: 'Open', run: () => { router.go('jobs', String(job.id)); } },
        });
        this.epoch += 1;
      }
    }
    this.jobs = list;
  }

  async save(change: Partial<Settings>): Promise<void> {
    const before = this.settings;
    this.settings = { ...before, ...change };
    try {
      this.settings = await call('save_settings', { settings: $state.snapshot(this.settings) });
    } catch (error) {
      this.settings = before;
      toasts.show({ tone: 'bad', title: 'Not saved', text: toAppError(error).message });
    }
  }

  #loop(): void {
    clearTimeout(this.#timer);
    const busy = this.jobs.some((j) => j.state === 'running');
    this.#timer = setTimeout(() => {
      void this.#turn().finally(() => { this.#loop(); });
    }, busy ? JOBS_BUSY_MS : HEALTH_MS);
  }

  async #turn(): Promise<void> {
    if (this.connection.phase !== 'ready' || document.hidden) return;
    const stale = Date.now() - this.#healthAt >= HEALTH_MS - 200;
    await Promise.all([this.readJobs(), stale ? this.readHealth() : Promise.resolve()]);
  }
}

export const app = new App();
