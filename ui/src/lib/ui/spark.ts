/** The little line: from zero, breaking where there is no data. */

import type { Column } from '../chart/model';

export interface SparkShape {
  line: string;
  ghost: string;
  end: { x: number; y: number } | null;
}

const POINTS = 120;

/** Long columns are thinned to their means, so that the line stays light. */
function thin(values: Column): Column {
  if (values.length <= POINTS) return values;
  return Array.from({ length: POINTS }, (_, i) => {
    const part = values.slice(Math.floor((i * values.length) / POINTS), Math.floor(((i + 1) * values.length) / POINTS)).filter((v): v is number => v !== null);
    return part.length === 0 ? null : part.reduce((a, b) => a + b, 0) / part.length;
  });
}

function path(values: Column, x: (i: number) => number, y: (v: number) => number): string {
  let out = '';
  let open = false;
  values.forEach((v, i) => {
    if (v === null) {
      open = false;
      return;
    }
    out += `${open ? 'L' : 'M'}${x(i).toFixed(1)} ${y(v).toFixed(1)}`;
    open = true;
  });
  return out;
}

export function sparkPath(values: Column, ghost: Column | null, width: number, height: number): SparkShape {
  const line = thin(values);
  const back = ghost === null ? [] : thin(ghost);
  const max = Math.max(0, ...line.map((v) => v ?? 0), ...back.map((v) => v ?? 0));
  const n = Math.max(line.length, 2);
  const x = (i: number): number => (i / (n - 1)) * width;
  const y = (v: number): number => (max === 0 ? height : height - (Math.max(0, v) / max) * height);
  let last = -1;
  line.forEach((v, i) => { if (v !== null) last = i; });
  const v = line[last];
  return { line: path(line, x, y), ghost: path(back, x, y), end: v === undefined || v === null ? null : { x: x(last), y: y(v) } };
}
