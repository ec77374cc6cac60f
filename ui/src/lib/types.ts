/** Shapes of the shell's own commands that core does not know. */

import type { Board } from './api/Board';
import type { RollupSummary } from './api/RollupSummary';
import type { ServerInfo } from './api/ServerInfo';
import type { WeekStart } from './api/WeekStart';

export type Phase = 'none' | 'starting' | 'loading_demo' | 'needs_setup' | 'ready' | 'lost' | 'error';

export interface Progress {
  what: string;
  done: number;
  total: number;
}

export interface ConnectionState {
  phase: Phase;
  kind: 'demo' | 'url' | null;
  server: ServerInfo | null;
  message: string | null;
  code: string | null;
  progress: Progress | null;
  /** Since when the connection is lost, and numbers are old. */
  since_ms: number | null;
}

/** A rollup with the board of its declaration, where it has one. */
export type Rollup = Omit<RollupSummary, 'board'> & { board: Board | null };

export type Theme = 'system' | 'light' | 'dark';

/** What the verdict bar compares with. */
export interface Limits {
  error_rate_percent: number;
  p99_factor: number;
  lag_seconds: number;
  min_samples: number;
}

export interface Settings {
  time_zone: string | null;
  week_start: WeekStart;
  clock_24h: boolean;
  theme: Theme;
  refresh_seconds: number;
  tick_while_open: boolean;
  tick_seconds: number;
  limits: Limits;
}

export interface ZoneMatch {
  zone: string;
  city: string;
  country: string;
  abbreviation: string;
  offset: string;
  local_time: string;
}

export interface AppError {
  code: string;
  message: string;
  details: string | null;
}
