/** What floats: opened by a key from anywhere. */

class ShellUi {
  palette = $state(false);
  help = $state(false);
  range = $state(false);
  zone = $state(false);
  /** The rollup that the recompute dialog is open for. */
  recompute = $state<string | null>(null);
  /** What the opened row of Rollups should do at once: asked for from anywhere, taken by that row. */
  ask = $state<{ rollup: string; what: 'audit' | 'sql' } | null>(null);
  /** The job that a person is about to cancel. */
  cancel = $state<number | null>(null);
  /** The form for a new connection, wherever one was. */
  connect = $state(false);
}

export const shellUi = new ShellUi();
