/** The only file that knows how the app is reached. Every call is a command of the shell, or of the fixture while developing. */

import { invoke, isTauri } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import type { Aim } from './api/Aim';
import type { AuditReport } from './api/AuditReport';
import type { BoardAnswer } from './api/BoardAnswer';
import type { Board } from './api/Board';
import type { BoardPanel } from './api/BoardPanel';
import type { BoardRequest } from './api/BoardRequest';
import type { ConnectionList } from './api/ConnectionList';
import type { ConnectionTest } from './api/ConnectionTest';
import type { Draft } from './api/Draft';
import type { Preview } from './api/Preview';
import type { SavedBoard } from './api/SavedBoard';
import type { TableInfo } from './api/TableInfo';
import type { Job } from './api/Job';
import type { PastedConnection } from './api/PastedConnection';
import type { Plan } from './api/Plan';
import type { Profile } from './api/Profile';
import type { RecomputePreview } from './api/RecomputePreview';
import type { RollupDetail } from './api/RollupDetail';
import type { RowsAnswer } from './api/RowsAnswer';
import type { RowsRequest } from './api/RowsRequest';
import type { StatusReport } from './api/StatusReport';
import type { TickReport } from './api/TickReport';
import type { Settings } from './api/Settings';
import type { ZoneMatch } from './api/ZoneMatch';
import { unpack } from './packed';
import type { AppError, ConnectionState, Rollup } from './types';

export type ReportFormat = 'png' | 'svg' | 'html';
/** What the window makes itself. */
export type MadeKind = 'csv' | 'png' | 'svg';

/** One board of several that were read at one moment; what is wrong with one leaves the others. */
export type BoardRead = { Ok: BoardAnswer } | { Err: AppError };

export interface RecomputeArgs {
  rollup: string;
  range: string;
  reason: string | null;
  /** Percent of the time that ticks may spend on it. */
  pace: number;
}

/** Every command: what it takes and what it gives. */
export interface Commands {
  connection_state: { args: Record<string, never>; gives: ConnectionState };
  connect_demo: { args: Record<string, never>; gives: null };
  connect_url: { args: { url: string }; gives: null };
  connect_profile: { args: { name: string; password: string | null }; gives: null };
  connections: { args: Record<string, never>; gives: ConnectionList };
  no_keychain: { args: Record<string, never>; gives: string | null };
  paste_connection: { args: { url: string }; gives: PastedConnection };
  aim_connection: { args: { profile: Profile }; gives: Aim };
  test_connection: { args: { name: string | null; profile: Profile; password: string | null }; gives: ConnectionTest };
  save_connection: { args: { before: string | null; name: string; profile: Profile; password: string | null }; gives: ConnectionList };
  delete_connection: { args: { name: string }; gives: ConnectionList };
  default_connection: { args: { name: string | null }; gives: ConnectionList };
  disconnect: { args: Record<string, never>; gives: null };
  retry: { args: Record<string, never>; gives: null };
  settings: { args: Record<string, never>; gives: Settings };
  save_settings: { args: { settings: Settings }; gives: Settings };
  system_zone: { args: Record<string, never>; gives: string };
  search_zones: { args: { query: string }; gives: ZoneMatch[] };
  rollups: { args: Record<string, never>; gives: Rollup[] };
  status: { args: Record<string, never>; gives: StatusReport };
  detail: { args: { rollup: string }; gives: RollupDetail };
  boards: { args: { requests: BoardRequest[]; reading: number | null }; gives: BoardRead[] };
  stop_reading: { args: { reading: number }; gives: null };
  recut: { args: { request: BoardRequest }; gives: BoardAnswer | null };
  rows: { args: { request: RowsRequest }; gives: RowsAnswer };
  close_rows: { args: Record<string, never>; gives: null };
  tick: { args: { rollup: string }; gives: TickReport };
  set_paused: { args: { rollup: string; paused: boolean }; gives: null };
  audit: { args: { rollup: string; from: string | null; to: string | null; repair: boolean }; gives: AuditReport };
  last_audit: { args: { rollup: string }; gives: AuditReport | null };
  recompute_preview: { args: RecomputeArgs; gives: RecomputePreview };
  recompute: { args: RecomputeArgs; gives: Job };
  jobs: { args: Record<string, never>; gives: Job[] };
  cancel_job: { args: { id: number }; gives: Job };
  pause_job: { args: { id: number }; gives: Job };
  resume_job: { args: { id: number }; gives: Job };
  pace_job: { args: { id: number; pace: number }; gives: Job };
  setup_plan: { args: Record<string, never>; gives: Plan };
  setup_apply: { args: Record<string, never>; gives: null };
  saved_boards: { args: Record<string, never>; gives: SavedBoard[] };
  save_board: { args: { name: string | null; rollup: string; board: Board }; gives: string };
  rename_board: { args: { name: string; title: string }; gives: string };
  delete_board: { args: { name: string }; gives: null };
  import_board: { args: { origin: string; text: string }; gives: string };
  export_board: { args: { name: string }; gives: string | null };
  tables: { args: Record<string, never>; gives: TableInfo[] };
  draft_table: { args: { table: string; time: string | null }; gives: Draft };
  preview_declaration: { args: { text: string }; gives: Preview };
  plan_declaration: { args: { text: string }; gives: Plan };
  apply_declaration: { args: { text: string }; gives: Plan };
  save_report: { args: { request: BoardRequest; board: Board; format: ReportFormat; panel: BoardPanel | null }; gives: string | null };
  save_made: { args: { name: string; kind: MadeKind; bytes: number[] }; gives: string | null };
  numbers_on_screen: { args: { board: string }; gives: null };
}

export type CommandName = keyof Commands;

export interface Backend {
  call<C extends CommandName>(command: C, args: Commands[C]['args']): Promise<Commands[C]['gives']>;
  onConnection(handler: (state: ConnectionState) => void): Promise<() => void>;
}

/** Commands that answer with packed boards. */
const UNPACKED: Partial<Record<CommandName, (reads: BoardRead[]) => unknown>> = {
  boards: (reads) => reads,
  recut: ([read]) => (read !== undefined && 'Ok' in read ? read.Ok : null),
};

const shell: Backend = {
  call: async (command, args) => {
    const answer = await invoke(command, { ...args });
    const given = UNPACKED[command];
    return (given === undefined ? answer : given(unpack(answer as ArrayBuffer))) as never;
  },
  onConnection: async (handler) => listen<ConnectionState>('connection', (event) => { handler(event.payload); }),
};

let backend: Promise<Backend> | undefined;

function reach(): Promise<Backend> {
  backend ??= import.meta.env.DEV && !isTauri() ? import('./fixture/backend').then((m) => m.fixture()) : Promise.resolve(shell);
  return backend;
}

/** Lets a test stand in for the shell. */
export function useBackend(stand: Backend): void {
  backend = Promise.resolve(stand);
}

export function isAppError(error: unknown): error is AppError {
  return typeof error === 'object' && error !== null && 'code' in error && 'message' in error;
}

/** Whatever was thrown, as the error that the UI shows. */
export function toAppError(error: unknown): AppError {
  if (isAppError(error)) return { code: String(error.code), message: String(error.message), details: error.details ?? null };
  return { code: 'unexpected', message: error instanceof Error ? error.message : String(error), details: null };
}

export async function call<C extends CommandName>(command: C, args: Commands[C]['args']): Promise<Commands[C]['gives']> {
  const b = await reach();
  try {
    return await b.call(command, args);
  } catch (error) {
    throw toAppError(error);
  }
}

/** One board alone. */
export async function callBoard(request: BoardRequest): Promise<BoardAnswer> {
  const [read] = await call('boards', { requests: [request], reading: null });
  if (read === undefined) throw toAppError('nothing was read');
  if ('Err' in read) throw toAppError(read.Err);
  return read.Ok;
}

export async function onConnection(handler: (state: ConnectionState) => void): Promise<() => void> {
  return (await reach()).onConnection(handler);
}
