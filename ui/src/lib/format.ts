/** Numbers as the whole app writes them: narrow no-break spaces, a real minus, "–" for what is missing. */

import type { MeasureInfo } from './api/MeasureInfo';

const NNBSP = '\u202f';
const MINUS = '\u2212';
export const MISSING = '–';

/** A number and its unit apart, for tiles that set the unit smaller. */
export interface Quantity {
  value: string;
  unit: string;
}

export function text(q: Quantity): string {
  return q.unit === '' ? q.value : `${q.value}${NNBSP}${q.unit}`;
}

function sign(n: number): string {
  return n < 0 ? MINUS : '';
}

export function grouped(n: number): string {
  const digits = Math.round(Math.abs(n)).toString();
  return sign(Math.round(n)) + digits.replace(/\B(?=(\d{3})+$)/g, NNBSP);
}

/** Three figures: 1.24, 50.9, 344. */
function three(n: number): string {
  if (n >= 99.95) return n.toFixed(0);
  if (n >= 9.995) return n.toFixed(1);
  return n.toFixed(2);
}

export function countParts(n: number): Quantity {
  const abs = Math.abs(n);
  if (abs < 10_000) {
    if (Number.isInteger(n)) return { value: grouped(n), unit: '' };
    return { value: sign(n) + (abs < 10 ? three(abs) : grouped(abs)), unit: '' };
  }
  const steps: [number, string][] = [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k']];
  for (const [size, unit] of steps) {
    if (abs >= size * 0.9995) return { value: sign(n) + three(abs / size), unit };
  }
  return { value: grouped(n), unit: '' };
}

export function percentParts(n: number): Quantity {
  const abs = Math.abs(n);
  const digits = abs >= 99.95 ? 0 : abs >= 9.995 ? 1 : 2;
  return { value: sign(n) + (abs === 0 ? '0' : abs.toFixed(digits)), unit: '%' };
}

export function latencyParts(ms: number): Quantity {
  const abs = Math.abs(ms);
  if (abs < 0.9995) return { value: sign(ms) + (abs === 0 ? '0' : abs.toFixed(2)), unit: 'ms' };
  if (abs < 9.95) return { value: sign(ms) + abs.toFixed(1), unit: 'ms' };
  if (abs < 999.5) return { value: sign(ms) + abs.toFixed(0), unit: 'ms' };
  if (abs < 9_950) return { value: sign(ms) + (abs / 1000).toFixed(1), unit: 's' };
  if (abs < 119_500) return { value: sign(ms) + (abs / 1000).toFixed(0), unit: 's' };
  return { value: duration(abs / 1000), unit: '' };
}

export function bytes(n: number): string {
  const steps: [number, string][] = [[1e12, 'TB'], [1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']];
  for (const [size, unit] of steps) {
    if (n >= size) {
      const v = n / size;
      return `${v >= 99.95 ? v.toFixed(0) : v.toFixed(1)}${NNBSP}${unit}`;
    }
  }
  return `${grouped(n)}${NNBSP}B`;
}

export function count(n: number | null): string {
  return n === null ? MISSING : text(countParts(n));
}

/** A measure's value in its own unit. */
export function parts(n: number | null, unit: string): Quantity {
  if (n === null || !Number.isFinite(n)) return { value: MISSING, unit: '' };
  if (unit === '%') return percentParts(n);
  if (unit === 'ms') return latencyParts(n);
  const q = countParts(n);
  return unit === '' ? q : { value: text(q), unit };
}

export function value(n: number | null, measure: Pick<MeasureInfo, 'unit'>): string {
  return text(parts(n, measure.unit));
}

/** In full, for tooltips: counts are not shortened. */
export function full(n: number | null, unit: string): string {
  if (n === null) return MISSING;
  if (unit === '' && Number.isInteger(n)) return grouped(n);
  return text(parts(n, unit));
}

/** The two largest units: `2 h 07 min`, `1 min 11 s`, `49 s`. */
export function duration(seconds: number): string {
  if (seconds < 0) return MINUS + duration(-seconds);
  if (seconds < 1) return `${Math.round(seconds * 1000)}${NNBSP}ms`;
  if (seconds < 9.95) return `${Number.isInteger(seconds) ? seconds : seconds.toFixed(1)}${NNBSP}s`;
  const s = Math.round(seconds);
  if (s < 60) return `${s}${NNBSP}s`;
  if (s < 3600) return `${Math.floor(s / 60)}${NNBSP}min${s % 60 === 0 ? '' : ` ${s % 60}${NNBSP}s`}`;
  const minutes = Math.round(s / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)}${NNBSP}h ${String(minutes % 60).padStart(2, '0')}${NNBSP}min`;
  const hours = Math.round(s / 3600);
  return `${Math.floor(hours / 24)}${NNBSP}d ${String(hours % 24).padStart(2, '0')}${NNBSP}h`;
}

/** Ages and lags in whole seconds. */
export function age(seconds: number): string {
  return seconds < 10 ? `${Math.max(0, Math.round(seconds))}${NNBSP}s` : duration(Math.round(seconds));
}

export function took(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)}${NNBSP}ms` : duration(ms / 1000);
}

/** Change against an earlier value: `+4 %`, from half as much again on a factor. */
export function change(now: number | null, then: number | null): string {
  if (now === null || then === null || !Number.isFinite(now) || !Number.isFinite(then)) return '';
  if (then === 0) return now === 0 ? `±0${NNBSP}%` : 'new';
  const ratio = now / then;
  if (ratio >= 1.5) return `×${ratio >= 9.95 ? ratio.toFixed(0) : ratio.toFixed(1)}`;
  const percent = Math.round((ratio - 1) * 100);
  if (percent === 0) return `±0${NNBSP}%`;
  return `${percent > 0 ? '+' : MINUS}${Math.abs(percent)}${NNBSP}%`;
}

/** Labels of a y axis share one unit: `0`, `10 k`, `20 k`. */
export function axisLabels(ticks: number[], unit: string): string[] {
  const top = Math.max(0, ...ticks.map(Math.abs));
  const plain = (n: number): string => {
    const s = Number.isInteger(n) ? grouped(n) : n.toFixed(Math.abs(n) < 0.1 ? 2 : 1).replace(/0$/, (z) => (Math.abs(n) < 0.1 ? '' : z));
    return s.replace('-', MINUS);
  };
  const scaled = (size: number, u: string): string[] => ticks.map((t) => (t === 0 ? '0' : `${plain(Number((t / size).toPrecision(6)))}${u === '' ? '' : NNBSP + u}`));
  if (unit === '%') return scaled(1, '%');
  if (unit === 'ms') return top >= 100 ? scaled(1000, 's') : scaled(1, 'ms');
  const steps: [number, string][] = [[1e9, 'G'], [1e6, 'M'], [1e3, 'k']];
  for (const [size, u] of steps) if (top >= 10 * size || (size > 1e3 && top >= size)) return scaled(size, unit === '' ? u : `${u}${NNBSP}${unit}`);
  return scaled(1, unit);
}

/** `PostgreSQL 15.18`, whatever else the server says about its build. */
export function serverVersion(version: string): string {
  const bare = version.replace(/\s*\(.*$/, '').replace(/^PostgreSQL\s+/i, '');
  return `PostgreSQL ${bare}`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${grouped(n)} ${n === 1 ? one : many}`;
}
