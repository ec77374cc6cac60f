/** Every command of the palette: what it is called, where it belongs, what it does. */

import type { ZoneMatch } from '../api/ZoneMatch';
import { connections } from '../connections/connections.svelte';
import { call, toAppError } from '../ipc';
import { app } from '../state/app.svelte';
import type { BoardState } from '../state/board.svelte';
import { PRESETS } from '../state/ranges';
import { parse, router } from '../state/route.svelte';
import { toasts } from '../state/toasts.svelte';
import { shellUi } from '../state/ui.svelte';
import { statusLook } from '../pages/status';
import { took } from '../format';
import { offsetWord } from '../time';
import { boardKey, boardPlace } from '../types';
import type { IconName } from './icons';

export interface Command {
  id: string;
  section: 'Actions' | 'Go to' | 'Time range' | 'Time zones';
  title: string;
  hint: string;
  icon: IconName;
  run: () => void;
}

export async function tickNow(rollup: string): Promise<void> {
  try {
    const report = await call('tick', { rollup });
    const bad = report.outcome === 'failed';
    const words = { drained: 'nothing waits any more', more: `${report.left} buckets still wait`, busy: 'another ticker holds it right now', paused: 'it is paused', yielded: 'stood aside for somebody who waits for a lock', failed: report.error ?? 'it failed' }[report.outcome];
    toasts.show({ tone: bad ? 'bad' : 'ok', title: bad ? `Tick of ${rollup} failed` : `Ticked ${rollup}`, text: bad ? words : `${report.buckets} buckets in ${took(report.took_ms)}, ${words}`, action: bad ? { label: 'Tick again', run: () => { void tickNow(rollup); } } : null });
    app.epoch += 1;
    await app.refresh();
  } catch (error) {
    toasts.show({ tone: 'bad', title: `Tick of ${rollup} failed`, text: toAppError(error).message, action: { label: 'Tick again', run: () => { void tickNow(rollup); } } });
  }
}

export async function pauseRollup(rollup: string, paused: boolean): Promise<void> {
  try {
    await call('set_paused', { rollup, paused });
    toasts.show({ tone: 'ok', title: paused ? `${rollup} is paused` : `${rollup} ticks again`, text: paused ? 'Changes are still marked; nothing is lost.' : 'What waited is worked off now.' });
    await app.refresh();
  } catch (error) {
    toasts.show({ tone: 'bad', title: 'Not possible now', text: toAppError(error).message });
  }
}

function go(id: string, title: string, icon: IconName, run: () => void, hint = ''): Command {
  return { id, section: 'Go to', title, icon, run, hint };
}

export function commands(board: BoardState | undefined, refresh: () => void, query: string, zones: ZoneMatch[]): Command[] {
  const list: Command[] = [];
  const act = (id: string, title: string, icon: IconName, run: () => void, hint = ''): void => { list.push({ id, section: 'Actions', title, icon, run, hint }); };
  if (/^#\/\w+/.test(query.trim())) {
    const to = parse(query.trim());
    list.push(go('address', `Open ${query.trim()}`, 'right', () => { router.go(to.page, to.rollup, to.params); }));
  }
  for (const { rollup, status } of app.health) {
    const hint = app.canOperate ? '' : 'needs tidemark_operator';
    const operate = (run: () => void): (() => void) => (app.canOperate ? run : () => { toasts.show({ tone: 'bad', title: 'You can look, not change', text: `${app.connection.server?.role ?? 'This role'} may only read. Connect as a role that has tidemark_operator.` }); });
    act(`recompute ${rollup}`, `Recompute ${rollup}…`, 'recompute', operate(() => { shellUi.recompute = rollup; }), hint);
    act(`tick ${rollup}`, `Tick ${rollup} now`, 'clock', operate(() => { void tickNow(rollup); }), hint);
    act(`pause ${rollup}`, `${status === 'paused' ? 'Resume' : 'Pause'} ${rollup}`, status === 'paused' ? 'play' : 'pause', operate(() => { void pauseRollup(rollup, status !== 'paused'); }), hint);
    list.push(go(`rollup ${rollup}`, `Rollup ${rollup}`, 'rollups', () => { router.go('rollups', rollup); }, statusLook(status).word));
  }
  act('refresh', 'Refresh', 'refresh', refresh, 'r');
  act('reconnect', 'Reconnect', 'plug', () => { void call('retry', {}); });
  for (const { name } of connections.list) list.push(go(`connection ${name}`, `Connection ${name}`, 'database', () => { void connections.open(name); }, app.connection.profile === name ? 'open' : ''));
  act('other', 'Connect to another database…', 'database', () => { void call('disconnect', {}); });
  for (const theme of ['system', 'light', 'dark'] as const) act(`theme ${theme}`, `Theme: ${theme}`, 'settings', () => { void app.save({ theme }); }, app.settings.theme === theme ? 'in use' : '');
  act('help', 'Keys', 'help', () => { shellUi.help = true; }, '?');
  if (board !== undefined) {
    act('exact', board.mode === 'exact' ? 'Show the rollup only' : 'Show exact numbers', 'rollups', () => { router.set({ mode: board.mode === 'exact' ? 'rollup-only' : '' }); });
    for (const p of PRESETS) list.push({ id: `range ${p.range}`, section: 'Time range', title: p.label, hint: board.range === p.range ? 'in use' : '', icon: 'calendar', run: () => { board.setRange(p.range); } });
  }
  app.boards.forEach((b, i) => { list.push(go(`board ${boardKey(b)}`, b.board.title, 'board', () => { const to = boardPlace(b); router.go(to.page, to.name); }, i < 9 ? String(i + 1) : '')); });
  act('explore', 'New board…', 'plus', () => { router.go('explore'); });
  act('newtab', 'New rollup from a table…', 'database', () => { router.go('newtab'); });
  list.push(go('rollups', 'Rollups', 'rollups', () => { router.go('rollups'); }), go('jobs', 'Jobs', 'jobs', () => { router.go('jobs'); }), go('settings', 'Settings', 'settings', () => { router.go('settings'); }));
  for (const z of zones) list.push({ id: `zone ${z.zone}`, section: 'Time zones', title: z.zone.replaceAll('_', ' '), hint: `${offsetWord(z.offset)}, ${z.local_time}`, icon: 'globe', run: () => { void app.chooseZone(z.zone); } });
  return list;
}

/** Commands that match every word, each section in order. */
export function matching(list: Command[], query: string): Command[] {
  const words = query.trim().toLowerCase().split(/\s+/).filter((w) => w !== '');
  const fits = (c: Command): boolean => c.section === 'Time zones' || c.id === 'address' || words.every((w) => c.title.toLowerCase().includes(w));
  const order = ['Actions', 'Go to', 'Time range', 'Time zones'];
  const found = list.filter(fits);
  const starts = (c: Command): number => (words[0] !== undefined && c.title.toLowerCase().startsWith(words[0]) ? 0 : 1);
  return found.sort((a, b) => order.indexOf(a.section) - order.indexOf(b.section) || starts(a) - starts(b));
}
