/** A board, or one of its charts, as a file: drawn by the code that draws reports. */

import type { Board } from '../api/Board';
import type { BoardPanel } from '../api/BoardPanel';
import type { BoardRequest } from '../api/BoardRequest';
import { call, toAppError, type ReportFormat } from '../ipc';
import { toasts } from '../state/toasts.svelte';
import { copyText } from '../ui/copy';

/** Saves where downloads go and says where; `panel` null is the whole board. */
export async function savePicture(request: BoardRequest, board: Board, format: ReportFormat, panel: BoardPanel | null): Promise<void> {
  try {
    const path = await call('save_report', { request, board, format, panel });
    toasts.show({ tone: 'ok', title: 'Saved', text: path, action: { label: 'Copy path', run: () => { void copyText(path, 'Path copied', path); } } });
  } catch (error) {
    toasts.show({ tone: 'bad', title: 'Not saved', text: toAppError(error).message });
  }
}
