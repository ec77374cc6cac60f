/** Light, dark or the system's; what paints on canvas listens to `version`. */

import { untrack } from 'svelte';
import type { Theme } from '../api/Theme';

class ThemeSignal {
  version = $state(0);
  #dark = globalThis.matchMedia('(prefers-color-scheme: dark)');

  constructor() {
    this.#dark.addEventListener('change', () => { this.version += 1; });
  }

  apply(theme: Theme): void {
    const root = document.documentElement;
    if (theme === 'system') delete root.dataset['theme'];
    else root.dataset['theme'] = theme;
    this.version = untrack(() => this.version) + 1;
  }
}

export const themeSignal = new ThemeSignal();
