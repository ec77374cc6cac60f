/** What leaves the window as a file: a board or a chart, drawn by the code that draws reports, and what is made here. */

import type { Board } from '../api/Board';
import type { BoardPanel } from '../api/BoardPanel';
import type { BoardRequest } from '../api/BoardRequest';
import { call, toAppError, type MadeKind, type ReportFormat } from '../ipc';
import { toasts } from '../state/toasts.svelte';
import { copyText } from '../ui/copy';

/** Asks where, saves, and says where that is. Whoever closes the dialog gets no toast: nothing happened. */
export async function saving(save: () => Promise<string | null>, title = 'Saved'): Promise<void> {
  try {
    const path = await save();
    if (path === null) return;
    toasts.show({ tone: 'ok', title, text: path, action: { label: 'Copy path', run: () => { void copyText(path, 'Path copied', path); } } });
  } catch (error) {
    toasts.show({ tone: 'bad', title: 'Not saved', text: toAppError(error).message });
  }
}

/** `panel` null is the whole board. */
export async function savePicture(request: BoardRequest, board: Board, format: ReportFormat, panel: BoardPanel | null): Promise<void> {
  await saving(() => call('save_report', { request, board, format, panel }));
}

export async function saveMade(name: string, kind: MadeKind, make: () => Promise<Uint8Array>): Promise<void> {
  await saving(async () => call('save_made', { name: name.toLowerCase(), kind, bytes: [...(await make())] }));
}
