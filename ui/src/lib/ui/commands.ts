/** Every command of the palette: what it is called, where it belongs, what it does. */

import type { Compare } from '../api/Compare';
import type { Job } from '../api/Job';
import type { RollupStatus } from '../api/RollupStatus';
import type { Settings } from '../api/Settings';
import type { ZoneMatch } from '../api/ZoneMatch';
import { groupsWord } from '../board/grouping';
import { groupId, groupLabel } from '../board/palette';
import { savePicture } from '../board/save';
import { connections } from '../connections/connections.svelte';
import { call, toAppError } from '../ipc';
import { onPage } from '../keys';
import { app } from '../state/app.svelte';
import type { BoardState } from '../state/board.svelte';
import { PRESETS } from '../state/ranges';
import { parse, router } from '../state/route.svelte';
import { serverTime } from '../state/time.svelte';
import { toasts } from '../state/toasts.svelte';
import { shellUi } from '../state/ui.svelte';
import { changeJob, percent } from '../pages/job';
import { statusLook } from '../pages/status';
import { plural, took } from '../format';
import { WEEK_STARTS, clockAt, grainText, offsetWord } from '../time';
import { boardKey, boardPlace } from '../types';
import { copyText } from './copy';
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
    const words = { drained: 'nothing waits any more', more: `${report.left} buckets still wait`, busy: 'another ticker holds it right now', paused: 'it is paused', yielded: 'stood aside for somebody who waits for a lock', resting: `${plural(report.left, 'bucket')} of a job that rests`, backing_off: `${plural(report.left, 'bucket')} failed and ${report.left === 1 ? 'is' : 'are'} tried again later`, failed: report.error ?? 'it failed' }[report.outcome];
    toasts.show({ tone: bad ? 'bad' : 'ok', title: bad ? `Tick of ${rollup} failed` : `Ticked ${rollup}`, text: bad ? words : `${plural(report.buckets, 'bucket')} in ${took(report.took_ms)}, ${words}`, action: bad ? { label: 'Tick again', run: () => { void tickNow(rollup); } } : null });
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

const COMPARES: Record<Compare, string> = { 'previous-period': 'the previous period', yesterday: 'yesterday', 'last-week': 'last week' };
const REFRESHES = [0, 5, 10, 30, 60, 300];

/** What one may do only as an operator says so instead, where one is not. */
function operate(run: () => void): () => void {
  return app.canOperate ? run : () => { toasts.show({ tone: 'bad', title: 'You can look, not change', text: `${app.connection.server?.role ?? 'This role'} may only read. Connect as a role that has tidemark_operator.` }); };
}

function ofBoard(board: BoardState): Command[] {
  const act = (id: string, title: string, icon: IconName, run: () => void, hint = ''): Command => ({ id, section: 'Actions', title, hint, icon, run });
  const used = (is: boolean): string => (is ? 'in use' : '');
  const grains = board.answer?.grains ?? [];
  return [
    ...PRESETS.map((p): Command => ({ id: `range ${p.range}`, section: 'Time range', title: p.label, hint: used(board.range === p.range), icon: 'calendar', run: () => { board.setRange(p.range); } })),
    { id: 'range own', section: 'Time range', title: 'From … to …', hint: 't', icon: 'calendar', run: () => { shellUi.range = true; } },
    { id: 'earlier', section: 'Time range', title: 'Earlier, by the length of the range', hint: '', icon: 'left', run: () => { board.step(-1); } },
    ...(board.canStepOn ? [{ id: 'later', section: 'Time range' as const, title: 'Later, by the length of the range', hint: '', icon: 'right' as const, run: () => { board.step(1); } }] : []),
    ...(board.zooms.length > 0 ? [{ id: 'unzoom', section: 'Time range' as const, title: 'Back from the zoom', hint: 'Esc', icon: 'zoom' as const, run: () => { board.unzoom(); } }] : []),
    act('grain auto', 'Bucket width: auto', 'board', () => { router.set({ grain: '' }); }, used(board.grain === null)),
    ...grains.map((g) => act(`grain ${g}`, `Bucket width: ${grainText(g)}`, 'board', () => { router.set({ grain: g }); }, used(board.grain === g))),
    ...Object.entries(COMPARES).map(([c, label]) => act(`compare ${c}`, `Compare with ${label}`, 'board', () => { router.set({ compare: c }); }, used(board.compare === c))),
    act('compare none', 'No comparison', 'board', () => { router.set({ compare: 'none' }); }, used(board.compare === null)),
    act('exact', board.mode === 'exact' ? 'Show the rollup only' : 'Show exact numbers', 'rollups', () => { router.set({ mode: board.mode === 'exact' ? 'rollup-only' : '' }); }),
    ...(board.by === null ? [] : board.known.map((g) => act(`only ${groupId(g)}`, `Only ${groupLabel(g)}`, 'filter', () => { board.setGroups([g]); }, used(board.groups.length === 1 && board.groups[0] === g)))),
    ...(board.groups.length > 0 ? [act('only all', `Show all ${groupsWord(board.rollup, board.by)}`, 'filter', () => { board.setGroups([]); })] : []),
    act('copy address', 'Copy the address of this view', 'copy', () => { void copyText(router.address(app.zone, boardPlace(board.rollup)), 'Address copied', 'Paste it into the command palette to open this view again.'); }),
    ...(['html', 'png', 'svg'] as const).map((format) => act(`save ${format}`, format === 'html' ? 'Save a report as HTML' : `Save the board as ${format.toUpperCase()}`, 'save', () => { void savePicture(board.shown(), board.rollup.board, format, null); })),
  ];
}

function ofRollup({ rollup, status, paused }: RollupStatus): Command[] {
  const hint = app.canOperate ? '' : 'needs tidemark_operator';
  const job = app.jobs.find((j) => j.rollup === rollup && j.state === 'running');
  const act = (id: string, title: string, icon: IconName, run: () => void, said = hint): Command => ({ id: `${id} ${rollup}`, section: 'Actions', title, hint: said, icon, run });
  const ask = (what: 'audit' | 'sql' | 'schedule') => (): void => { router.go('rollups', rollup); shellUi.ask = { rollup, what }; };
  return [
    act('recompute', `Recompute ${rollup}…`, 'recompute', operate(() => { shellUi.recompute = rollup; }), job === undefined ? hint : `job ${job.id} runs`),
    act('tick', `Tick ${rollup} now`, 'clock', operate(() => { void tickNow(rollup); })),
    act('audit', `Audit the last 7 days of ${rollup}`, 'audit', ask('audit'), ''),
    act('pause', `${paused ? 'Resume' : 'Pause'} ${rollup}`, paused ? 'play' : 'pause', operate(() => { void pauseRollup(rollup, !paused); })),
    act('schedule', `Schedule ${rollup} with pg_cron…`, 'calendar', ask('schedule'), ''),
    act('sql', `Show the SQL of ${rollup}`, 'code', ask('sql'), ''),
    { id: `rollup ${rollup}`, section: 'Go to', title: `Rollup ${rollup}`, icon: 'rollups', run: () => { router.go('rollups', rollup); }, hint: statusLook(status).word },
  ];
}

function ofJob(job: Job): Command[] {
  const act = (id: string, title: string, icon: IconName, run: () => void): Command => ({ id: `${id} ${job.id}`, section: 'Actions', title, hint: app.canOperate ? '' : 'needs tidemark_operator', icon, run });
  const title = `job ${job.id}, ${job.rollup}`;
  return [
    job.state === 'paused' ? act('resume job', `Resume ${title}`, 'play', operate(() => { void changeJob('resume_job', job.id); })) : act('pause job', `Pause ${title}`, 'pause', operate(() => { void changeJob('pause_job', job.id); })),
    act('cancel job', `Cancel ${title}…`, 'close', operate(() => { router.go('jobs', String(job.id)); shellUi.cancel = job.id; })),
    { id: `job ${job.id}`, section: 'Go to', title: `Job ${job.id}, ${job.rollup}`, hint: `${Math.floor(percent(job))}\u202f%`, icon: 'jobs', run: () => { router.go('jobs', String(job.id)); } },
  ];
}

function ofSettings(): Command[] {
  const s = app.settings;
  const act = (id: string, title: string, is: boolean, change: Partial<Settings>): Command => ({ id, section: 'Actions', title, hint: is ? 'in use' : '', icon: 'settings', run: () => { void app.save(change); } });
  const every = (n: number): string => (n === 0 ? 'off' : n < 60 ? `every ${n}\u202fs` : `every ${n / 60}\u202fmin`);
  return [
    ...(['system', 'light', 'dark'] as const).map((theme) => act(`theme ${theme}`, `Theme: ${theme}`, s.theme === theme, { theme })),
    ...REFRESHES.map((n) => act(`refresh ${n}`, `Refresh boards: ${every(n)}`, s.refresh_seconds === n, { refresh_seconds: n })),
    act('clock 24', 'Clock: 24 h', s.clock_24h, { clock_24h: true }), act('clock 12', 'Clock: 12 h', !s.clock_24h, { clock_24h: false }),
    ...WEEK_STARTS.map(({ value, label }) => act(`week ${value}`, `Weeks start on ${label}`, s.week_start === value, { week_start: value })),
    { id: 'ticking', section: 'Actions', title: s.tick_while_open ? 'Stop ticking rollups from this app' : 'Keep rollups fresh while this app is open', hint: '', icon: 'clock', run: () => { void app.save({ tick_while_open: !s.tick_while_open }); } },
    { id: 'tray', section: 'Actions', title: s.tray_icon ? 'Take the icon out of the tray' : 'Show the worst state in the tray', hint: '', icon: 'settings', run: () => { void app.save({ tray_icon: !s.tray_icon }); } },
  ];
}

export function commands(board: BoardState | undefined, refresh: () => void, query: string, zones: ZoneMatch[]): Command[] {
  const list: Command[] = [];
  const act = (id: string, title: string, icon: IconName, run: () => void, hint = ''): void => { list.push({ id, section: 'Actions', title, icon, run, hint }); };
  const go = (id: string, title: string, icon: IconName, run: () => void, hint = ''): void => { list.push({ id, section: 'Go to', title, icon, run, hint }); };
  if (/^#\/\w+/.test(query.trim())) {
    go('address', `Open ${query.trim()}`, 'right', () => { router.open(parse(query.trim())); });
  }
  app.boards.forEach((b, i) => { go(`board ${boardKey(b)}`, b.board.title, 'board', () => { const to = boardPlace(b); router.go(to.page, to.name); }, i < 9 ? String(i + 1) : ''); });
  go('rollups', 'Rollups', 'rollups', () => { router.go('rollups'); });
  go('jobs', 'Jobs', 'jobs', () => { router.go('jobs'); });
  go('settings', 'Settings', 'settings', () => { router.go('settings'); });
  act('refresh', 'Refresh', 'refresh', refresh, 'r');
  if (board !== undefined) list.push(...ofBoard(board));
  list.push(...app.health.flatMap(ofRollup), ...app.runningJobs.flatMap(ofJob));
  act('explore', 'New board…', 'plus', () => { router.go('explore'); });
  act('newtab', 'New rollup from a table…', 'database', () => { router.go('newtab'); });
  act('connect', 'New connection…', 'database', () => { shellUi.connection = 'new'; });
  act('reconnect', 'Reconnect', 'plug', () => { void call('retry', {}); });
  act('other', 'Connect to another database…', 'database', () => { void call('disconnect', {}); });
  if (!app.demo) act('demo', 'Open the demo database', 'database', () => { void call('connect_demo', {}); });
  for (const { name } of connections.list) go(`connection ${name}`, `Connection ${name}`, 'database', () => { void connections.open(name); }, app.connection.profile === name ? 'open' : '');
  list.push(...ofSettings());
  if (onPage('Time zone')) act('zone', 'Time zone…', 'globe', () => { shellUi.zone = true; }, 'z');
  act('zone system', `Time zone of this machine, ${app.systemZone}`, 'globe', () => { void app.chooseZone(null); }, app.settings.time_zone === null ? 'in use' : '');
  act('help', 'Keys', 'help', () => { shellUi.help = true; }, '?');
  for (const z of zones) list.push({ id: `zone ${z.zone}`, section: 'Time zones', title: z.zone.replaceAll('_', ' '), hint: `${offsetWord(z.offset)}, ${clockAt(z.offset, serverTime.now, app.settings.clock_24h).time}`, icon: 'globe', run: () => { void app.chooseZone(z.zone); } });
  return list;
}

/** Commands that match every word, each section in order. */
export function matching(list: Command[], query: string): Command[] {
  const words = query.trim().toLowerCase().split(/\s+/).filter((w) => w !== '');
  const fits = (c: Command): boolean => c.section === 'Time zones' || c.id === 'address' || words.every((w) => c.title.toLowerCase().includes(w));
  // Before anything is typed places come first; then what can be done.
  const order = words.length === 0 ? ['Go to', 'Time range', 'Actions', 'Time zones'] : ['Actions', 'Go to', 'Time range', 'Time zones'];
  const found = list.filter(fits);
  const typed = words.join(' ');
  const starts = (c: Command): number => (typed !== '' && c.title.toLowerCase().startsWith(typed) ? 0 : 1);
  // A section with a title that begins as typed stands before those that only have the words somewhere.
  const best = new Map<string, number>();
  for (const c of found) best.set(c.section, Math.min(best.get(c.section) ?? 1, starts(c)));
  const rank = (c: Command): number => (best.get(c.section) ?? 1) * order.length + order.indexOf(c.section);
  return found.sort((a, b) => rank(a) - rank(b) || starts(a) - starts(b));
}
