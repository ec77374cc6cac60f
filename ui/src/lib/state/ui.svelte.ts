/** What floats: opened by a key from anywhere. */

class ShellUi {
  palette = $state(false);
  help = $state(false);
  range = $state(false);
  zone = $state(false);
  /** The rollup that the recompute dialog is open for. */
  recompute = $state<string | null>(null);
}

export const shellUi = new ShellUi();
