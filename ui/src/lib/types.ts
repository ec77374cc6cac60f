/** Shapes of the shell's own commands that core does not know. */

import type { RollupSummary } from './api/RollupSummary';
import type { ServerInfo } from './api/ServerInfo';

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
export type Rollup = RollupSummary;

export interface AppError {
  code: string;
  message: string;
  details: string | null;
}
