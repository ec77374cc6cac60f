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

/** Whether this web view takes pictures on its clipboard. */
export function picturesCopied(): boolean {
  return typeof ClipboardItem !== 'undefined' && (!('supports' in ClipboardItem) || ClipboardItem.supports('image/png'));
}

/** The picture may still be in the making: the clipboard is only open while a click is answered. */
export async function copyPicture(png: Promise<Blob>, note: string): Promise<void> {
  try {
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': png })]);
    toasts.show({ tone: 'info', title: 'Copied as picture', text: note });
  } catch {
    toasts.show({ tone: 'bad', title: 'Not copied', text: 'The system refused a picture on its clipboard. Save it as PNG instead.' });
  }
}
