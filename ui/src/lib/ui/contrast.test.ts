import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const css = readFileSync('src/tokens.css', 'utf8');
const sqlText = readFileSync('src/lib/ui/SqlText.svelte', 'utf8');

/** WCAG's AA for text. */
const LEAST = 4.5;

/** The tokens of a block, over those that it changes. */
function tokens(selector: string, over: ReadonlyMap<string, string> = new Map()): Map<string, string> {
  const from = css.indexOf(`${selector} {`);
  const block = css.slice(from, css.indexOf('}', from));
  return new Map([...over, ...[...block.matchAll(/(--[\w-]+):\s*(#[0-9a-f]{6});/g)].map((m): [string, string] => [m[1] ?? '', m[2] ?? ''])]);
}

const LIGHT = tokens('\n:root');
const THEMES = { light: LIGHT, 'dark by the system': tokens(':root:not([data-theme="light"])', LIGHT), 'dark forced': tokens(':root[data-theme="dark"]', LIGHT) };

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

/** Pairs of text and ground that can't be read well enough. */
function weak(theme: ReadonlyMap<string, string>, texts: string[], grounds: string[]): string[] {
  // What is not a colour of the theme has no contrast to anything.
  return texts.flatMap((text) => grounds.map((ground) => ({ pair: `${text} on ${ground}`, ratio: contrast(theme.get(text) ?? '', theme.get(ground) ?? '') }))).filter((p) => !(p.ratio >= LEAST)).map((p) => `${p.pair} ${p.ratio.toFixed(2)}`);
}

const SURFACES = ['--surface-0', '--surface-1', '--surface-2', '--surface-sunken', '--surface-hover', '--surface-active'];
const STATES = ['ok', 'warn', 'bad', 'pending', 'frozen', 'partial', 'accent'];

describe('contrast', () => {
  it('is measured as WCAG has it', () => {
    expect(contrast('#000000', '#ffffff')).toBe(21);
    expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.48, 2);
    expect(LIGHT.size).toBeGreaterThan(70);
  });
  it.each(Object.entries(THEMES))('of every text on every surface is enough, %s', (_, theme) => {
    expect(weak(theme, ['--text-1', '--text-2', '--text-3', ...STATES.map((s) => `--${s}`)], SURFACES)).toEqual([]);
    expect(weak(theme, ['--text-1', '--text-2', '--text-3'], STATES.map((s) => `--${s}-tint`))).toEqual([]);
    expect(STATES.flatMap((s) => weak(theme, [`--${s}`], [`--${s}-tint`]))).toEqual([]);
    expect([...weak(theme, ['--text-on-accent'], ['--accent']), ...weak(theme, ['--text-on-bad'], ['--bad-fill'])]).toEqual([]);
  });
  it.each(Object.entries(THEMES))('of SQL’s words, strings, numbers and comments is enough, %s', (_, theme) => {
    const used = [...sqlText.matchAll(/\.(word|comment|string|number) \{ color: var\((--[\w-]+)\)/g)].map((m) => m[2] ?? '');
    expect(used).toHaveLength(4);
    expect(weak(theme, used, ['--surface-sunken'])).toEqual([]);
  });
});
