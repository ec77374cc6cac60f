/** Keys that work everywhere, except while one types. */

import { router, type Page } from './state/route.svelte';
import { shellUi } from './state/ui.svelte';

export interface KeyContext {
  refresh: () => void;
  back: () => void;
  boards: { page: Page; name: string }[];
}

function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.closest('input, textarea, select, [contenteditable="true"], [role="spinbutton"]') !== null);
}

function floating(): boolean {
  return document.querySelector('[role="dialog"], [role="menu"], [data-popover-content]') !== null;
}

/** Whether what a key opens is on this page. */
export function onPage(name: 'Time range' | 'Time zone'): boolean {
  return document.querySelector(`main [aria-label^="${name}:"]`) !== null;
}

export function globalKey(event: KeyboardEvent, ctx: KeyContext): void {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    shellUi.palette = !shellUi.palette;
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || floating()) return;
  const done = act(event.key, ctx);
  if (done) event.preventDefault();
}

function act(key: string, ctx: KeyContext): boolean {
  if (key === 'r') ctx.refresh();
  else if (key === 't' && onPage('Time range')) shellUi.range = true;
  else if (key === 'z' && onPage('Time zone')) shellUi.zone = true;
  else if (key === '?') shellUi.help = true;
  else if (key === '/') {
    const field = document.querySelector<HTMLInputElement>('main .search input, main [role="combobox"]');
    if (field === null) shellUi.palette = true;
    else field.focus();
  } else if (key === 'Escape') ctx.back();
  else if (/^[1-9]$/.test(key)) {
    const board = ctx.boards[Number(key) - 1];
    if (board === undefined) return false;
    router.go(board.page, board.name);
  } else return false;
  return true;
}
