/** The board that somebody is building. It outlives a look at another page. */

import type { Board } from '../api/Board';
import { moved, newBoard, newPanel } from '../explore/panels';
import { call } from '../ipc';
import type { Rollup } from '../types';
import { app } from './app.svelte';

class Explorer {
  rollup = $state<string | null>(null);
  board = $state.raw<Board | null>(null);
  /** The saved board that is being changed; null for a new one. */
  saved = $state<string | null>(null);
  /** The panel in the editor. */
  chosen = $state(0);
  dirty = $state(false);

  over = $derived<Rollup | undefined>(app.rollups.find((r) => r.rollup === this.rollup));

  begin(rollup: Rollup): void {
    Object.assign(this, { rollup: rollup.rollup, board: newBoard(rollup), saved: null, chosen: 0, dirty: false });
  }

  edit(saved: Rollup): void {
    Object.assign(this, { rollup: saved.rollup, board: saved.board, saved: saved.saved ?? null, chosen: 0, dirty: false });
  }

  change(change: Partial<Board>): void {
    if (this.board === null) return;
    this.board = { ...this.board, ...change };
    this.dirty = true;
  }

  add(): void {
    if (this.over === undefined || this.board === null) return;
    this.change({ panels: [...this.board.panels, newPanel(this.over)] });
    this.chosen = this.board.panels.length - 1;
  }

  remove(at: number): void {
    if (this.board === null) return;
    this.change({ panels: this.board.panels.filter((_, i) => i !== at) });
    this.chosen = Math.max(0, Math.min(this.chosen, this.board.panels.length - 1));
  }

  move(at: number, step: -1 | 1): void {
    if (this.board === null || this.board.panels[at + step] === undefined) return;
    this.change({ panels: moved(this.board.panels, at, step) });
    this.chosen = at + step;
  }

  /** Gives the name under which it is saved. */
  async save(): Promise<string> {
    if (this.rollup === null || this.board === null) throw new Error('there is no board to save');
    this.saved = await call('save_board', { name: this.saved, rollup: this.rollup, board: this.board });
    this.dirty = false;
    await app.readSaved();
    return this.saved;
  }
}

export const explorer = new Explorer();
