import { describe, expect, it } from 'vitest';
import { age, axisLabels, bytes, change, count, duration, grouped, latencyParts, percentParts, text, value } from './format';

const plain = (s: string): string => s.replaceAll('\u202f', ' ');

describe('numbers', () => {
  it.each([[0, '0'], [950, '950'], [9950, '9 950'], [10_000, '10.0 k'], [50_900, '50.9 k'], [344_000, '344 k'], [999_600, '1.00 M'], [1_240_000, '1.24 M'], [-1500, '−1 500']])('writes the count %d as %s', (n, said) => {
    expect(plain(count(n))).toBe(said);
  });
  it.each([[0, '0 %'], [0.83, '0.83 %'], [9.994, '9.99 %'], [11.84, '11.8 %'], [100, '100 %']])('writes the rate %d as %s', (n, said) => {
    expect(plain(text(percentParts(n)))).toBe(said);
  });
  it.each([[0.25, '0.25 ms'], [3.14, '3.1 ms'], [310, '310 ms'], [999.7, '1.0 s'], [1900, '1.9 s'], [12_000, '12 s'], [150_000, '2 min 30 s']])('writes the latency %d as %s', (n, said) => {
    expect(plain(text(latencyParts(n)))).toBe(said);
  });
  it.each([[49, '49 s'], [71, '1 min 11 s'], [7620, '2 h 07 min'], [44_220, '12 h 17 min'], [90_000, '1 d 01 h']])('writes %d seconds as %s', (n, said) => {
    expect(plain(duration(n))).toBe(said);
    expect(plain(age(n))).toBe(said);
  });
  it('says a missing value with a dash, never with zero', () => {
    expect(value(null, { unit: 'ms' })).toBe('–');
    expect(count(null)).toBe('–');
  });
  it('writes sizes in powers of ten', () => {
    expect(plain(bytes(171_000_000))).toBe('171 MB');
    expect(plain(bytes(512))).toBe('512 B');
  });
  it.each([[104, 100, '+4 %'], [99, 100, '−1 %'], [100, 100, '±0 %'], [190, 100, '×1.9'], [5, 0, 'new'], [null, 1, '']])('writes the change of %s against %s as %s', (a, b, said) => {
    expect(plain(change(a, b))).toBe(said);
  });
  it('groups digits in threes', () => {
    expect(plain(grouped(1_234_567))).toBe('1 234 567');
  });
  it('gives all labels of an axis one unit', () => {
    expect(axisLabels([0, 10_000, 20_000], '').map(plain)).toEqual(['0', '10 k', '20 k']);
    expect(axisLabels([0, 500], '').map(plain)).toEqual(['0', '500']);
    expect(axisLabels([0, 1000, 2000], 'ms').map(plain)).toEqual(['0', '1 s', '2 s']);
    expect(axisLabels([0, 100, 200], 'ms').map(plain)).toEqual(['0', '0.1 s', '0.2 s']);
    expect(axisLabels([0, 20, 40], 'ms').map(plain)).toEqual(['0', '20 ms', '40 ms']);
    expect(axisLabels([0, 0.5, 1], '%').map(plain)).toEqual(['0', '0.5 %', '1 %']);
  });
});
