/** The core says where ticks are; here only those that have room are kept. */

import type { Tick } from '../api/Tick';

export const ROOM = 56;
/** Half a label, less the margin beside the plot. */
const EDGE = 10;

const STRIDES = [1, 2, 3, 4, 6, 8, 12, 24];

/** Plain ticks by regular strides, counted from a day boundary where there is one; days and shifts come first. */
export function fitting(ticks: readonly Tick[], x: (ms: number) => number, left: number, right: number, room = ROOM): Tick[] {
  const inside = ticks.filter((t) => x(t.at_ms) >= left - 0.5 && x(t.at_ms) <= right + 0.5);
  const special = inside.filter((t) => t.kind !== 'plain');
  const kept = thin(special, x, room);
  const anchors = inside.map((t, i) => (t.kind === 'day' ? i : -1)).filter((i) => i >= 0);
  for (const stride of STRIDES) {
    // Close to the right edge a label would be cut off.
    const chosen = inside.filter((t, i) => t.kind === 'plain' && x(t.at_ms) <= right - EDGE && distance(i, anchors) % stride === 0);
    const clear = chosen.filter((t) => kept.every((k) => Math.abs(x(k.at_ms) - x(t.at_ms)) >= room));
    if (gaps(clear, x) >= room) return [...kept, ...clear].sort((a, b) => a.at_ms - b.at_ms);
  }
  return kept;
}

/** Ticks back to the last day boundary, or on to the first. */
function distance(i: number, anchors: number[]): number {
  const before = anchors.filter((a) => a <= i).at(-1);
  if (before !== undefined) return i - before;
  const after = anchors[0];
  return after === undefined ? i : after - i;
}

function thin(ticks: Tick[], x: (ms: number) => number, room: number): Tick[] {
  for (const stride of [1, 2, 3, 4, 5, 7, 14, 28]) {
    const kept = ticks.filter((_, i) => i % stride === 0);
    if (gaps(kept, x) >= (kept.some((t) => t.kind === 'shift') ? room / 2 : room * 1.25)) return kept;
  }
  return ticks.slice(0, 1);
}

function gaps(ticks: Tick[], x: (ms: number) => number): number {
  let least = Infinity;
  ticks.forEach((t, i) => {
    const last = ticks[i - 1];
    if (last !== undefined) least = Math.min(least, x(t.at_ms) - x(last.at_ms));
  });
  return least;
}

/** The core writes 24-hour labels; a 12-hour viewer reads `3 pm`. */
export function tickLabel(label: string, h24: boolean): string {
  if (h24) return label;
  const m = /^(\d\d):(\d\d)$/.exec(label);
  if (m === null) return label;
  const hour = Number(m[1]);
  const minutes = m[2] === '00' ? '' : `:${m[2] ?? ''}`;
  return `${((hour + 11) % 12) + 1}${minutes}\u202f${hour < 12 ? 'am' : 'pm'}`;
}
