/** Colours of series. A name keeps its colour for ever on this machine; status colours are never among them. */

import type { Palette } from '../api/Palette';
import type { Unnamed } from '../api/Unnamed';

const NAMED = 7;
const STORE = 'tidemark.colours';
/** For the group without a name, and for the rest beyond eight. */
export const GREY = '--series-8';

function read(): Record<string, number> {
  try {
    const stored: unknown = JSON.parse(globalThis.localStorage.getItem(STORE) ?? '{}');
    if (typeof stored !== 'object' || stored === null) return {};
    return Object.fromEntries(Object.entries(stored).filter((e): e is [string, number] => typeof e[1] === 'number'));
  } catch {
    return {};
  }
}

const slots = read();

function slotOf(scope: string, key: string): number {
  const name = `${scope}\u0000${key}`;
  const known = slots[name];
  if (known !== undefined) return known;
  const taken = Object.entries(slots).filter(([k]) => k.startsWith(`${scope}\u0000`)).length;
  slots[name] = (taken % NAMED) + 1;
  try {
    globalThis.localStorage.setItem(STORE, JSON.stringify(slots));
  } catch {
    // Without storage colours last as long as the window.
  }
  return slots[name];
}

/** The colour of a group; `scope` is the rollup and dimension, so that names don't share slots by accident. */
export function groupColour(scope: string, key: string | null): string {
  return key === null || key === '' ? GREY : `--series-${slotOf(scope, key)}`;
}

const INK = ['--class-4xx', '--class-timeout', '--class-5xx'];

/** The colour of the i-th of n measures drawn together. */
export function measureColour(palette: Palette, i: number, n: number): { color: string; edge?: string } {
  if (palette === 'ordered') {
    const step = n <= 1 ? 1 : 1 + Math.round((i * 2) / (n - 1));
    return { color: `--ord-${step}` };
  }
  if (palette === 'outcomes') {
    if (i === 0) return { color: '--class-success', edge: '--class-success-edge' };
    const fromEnd = n - i;
    return { color: INK[INK.length - fromEnd] ?? '--line-2' };
  }
  return { color: `--series-${(i % NAMED) + 1}` };
}

const NULL: Unnamed = '(null)';
const EMPTY: Unnamed = '(empty)';

/** A group's name for people, as the core writes it: NULL and the empty text never look alike. */
export function groupLabel(key: string | null): string {
  return key === null ? NULL : key === '' ? EMPTY : key;
}

/** What a group is known by beside others: one may really be called `(null)`. */
export function groupId(key: string | null): string {
  return key === null ? '\u0000null' : `=${key}`;
}
