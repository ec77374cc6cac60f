/** What floats: opened by a key from anywhere. */

import type { Connection } from '../api/Connection';

class ShellUi {
  palette = $state(false);
  help = $state(false);
  range = $state(false);
  zone = $state(false);
  /** The rollup that the recompute dialog is open for. */
  recompute = $state<string | null>(null);
  /** What the opened row of Rollups should do at once: asked for from anywhere, taken by that row. */
  ask = $state<{ rollup: string; what: 'audit' | 'sql' | 'schedule' } | null>(null);
  /** The job that a person is about to cancel. */
  cancel = $state<number | null>(null);
  /** The connection that its form is open for. */
  connection = $state.raw<Connection | 'new' | null>(null);
}

export const shellUi = new ShellUi();
