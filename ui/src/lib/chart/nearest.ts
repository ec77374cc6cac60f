/** Which series is meant by a place in a chart. */

import type { ChartModel, Lane } from './model';
import { laneBox, type Frame } from './paint';

/** The series of a bucket that is drawn at `y`, else the one that is drawn closest to it; null where there is none. */
export function nearest(model: Pick<ChartModel, 'lanes'>, index: number, y: number, frame: Pick<Frame, 'top' | 'height'>): string | null {
  const away = (top: number, bottom: number): number => Math.max(top - y, y - bottom, 0);
  let lane: Lane | undefined;
  let least = Infinity;
  for (const l of model.lanes) {
    const box = laneBox(frame, l);
    const distance = away(box.top, box.bottom);
    if (distance < least) [lane, least] = [l, distance];
  }
  if (lane === undefined) return null;
  const box = laneBox(frame, lane);
  let found: string | null = null;
  let base = 0;
  least = Infinity;
  for (const series of lane.series) {
    const v = series.values[index] ?? null;
    if (v === null || (lane.kind !== 'lines' && v === 0)) continue;
    const distance = lane.kind === 'lines' ? Math.abs(box.y(v) - y) : away(box.y(base + v), box.y(base));
    if (distance < least) [found, least] = [series.key, distance];
    base += v;
  }
  return found;
}
