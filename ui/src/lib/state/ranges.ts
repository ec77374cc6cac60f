/** The ranges one can choose, and stepping through them. */

import { isoUtc } from '../time';

export interface Preset {
  range: string;
  label: string;
}

export const PRESETS: Preset[] = [
  { range: '1h', label: 'Last hour' }, { range: '6h', label: 'Last 6 hours' }, { range: '24h', label: 'Last 24 hours' }, { range: '7d', label: 'Last 7 days' },
  { range: '30d', label: 'Last 30 days' }, { range: '90d', label: 'Last 90 days' }, { range: 'today', label: 'Today' }, { range: 'yesterday', label: 'Yesterday' }, { range: 'this-week', label: 'This week' },
];

export const DEFAULT_RANGE = '24h';

export function presetLabel(range: string): string | null {
  return PRESETS.find((p) => p.range === range)?.label ?? null;
}

/** Presets move with the clock; only yesterday does not reach it. */
export function reachesNow(range: string): boolean {
  return range !== 'yesterday' && presetLabel(range) !== null;
}

export function between(fromMs: number, toMs: number): string {
  return `${isoUtc(fromMs)}..${isoUtc(toMs)}`;
}

/** The instants of a range that names both of its ends. Without an offset they are the viewer's, and the answer knows. */
export function ends(range: string): { from: number; to: number } | null {
  const [a, b] = range.split('..');
  if (![a, b].every((end) => end !== undefined && /T.*(?:Z|[+-]\d\d:?\d\d)$/.test(end))) return null;
  const from = Date.parse(a ?? '');
  const to = Date.parse(b ?? '');
  return Number.isNaN(from) || Number.isNaN(to) ? null : { from, to };
}

/** The range as long as this one, before (−1) or after (1) it. Null when it would begin after now. */
export function stepped(fromMs: number, toMs: number, direction: -1 | 1, now: number): string | null {
  const span = toMs - fromMs;
  const from = fromMs + direction * span;
  return direction === 1 && toMs >= now ? null : between(from, from + span);
}
