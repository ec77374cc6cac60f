/** Value axes: from zero, two to four ticks at 1, 2 or 5. */

export interface ValueScale {
  min: number;
  max: number;
  ticks: number[];
}

const BASES = [1, 2, 5];

/** The smallest step of 1, 2 or 5 that leaves at most `most` ticks above zero. */
function step(span: number, most: number): number {
  let power = Math.pow(10, Math.floor(Math.log10(span)) - 1);
  for (let tries = 0; tries < 4; tries++) {
    for (const base of BASES) {
      const s = base * power;
      if (Math.floor(span / s + 1e-9) <= most) return s;
    }
    power *= 10;
  }
  return power;
}

export function valueScale(lowest: number, highest: number, most: number, whole: boolean): ValueScale {
  const min = Math.min(0, lowest);
  const top = Math.max(0, highest);
  if (top === 0 && min === 0) return { min: 0, max: 1, ticks: [0] };
  const span = Math.max(top - min, Number.MIN_VALUE);
  const s = whole ? Math.max(1, step(span * 1.04, most)) : step(span * 1.04, most);
  const ticks: number[] = [];
  for (let i = Math.ceil(min / s); i * s <= top * 1.04; i++) ticks.push(Number((i * s).toPrecision(12)));
  return { min: min * 1.04, max: Math.max(top * 1.04, s * 0.25), ticks };
}
