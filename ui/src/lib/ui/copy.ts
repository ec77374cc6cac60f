/** Copies text and says so. */

import { toasts } from '../state/toasts.svelte';

export async function copyText(text: string, title: string, note: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toasts.show({ tone: 'info', title, text: note });
  } catch {
    toasts.show({ tone: 'bad', title: 'Not copied', text: 'The system refused access to the clipboard.' });
  }
}
