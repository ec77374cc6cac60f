import { describe, expect, it } from 'vitest';
import { standalone } from './drawing';

const SCALE = { colors: ['--seq-0', '--seq-1', '--seq-2'], least: '0', most: '105\u202fk / h' };

function said(demo: boolean): Document {
  const drawing = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  drawing.setAttribute('width', '600');
  drawing.setAttribute('height', '172');
  drawing.innerHTML = '<rect class="cell" data-cell="3" width="9" height="9"/>';
  document.body.append(drawing);
  return new DOMParser().parseFromString(standalone(drawing, { title: 'Hours: requests', said: 'Europe/Berlin, as of 26 Oct 2026 14:22:06', demo, scale: SCALE, note: 'outlined: <b>' }), 'image/svg+xml');
}

describe('a heatmap’s picture', () => {
  const words = (demo: boolean): string[] => [...said(demo).querySelectorAll('text')].map((t) => t.textContent);
  it('says what it is of, as of when, and what pale and dark mean', () => {
    expect(words(false)).toEqual(['Hours: requests', 'Europe/Berlin, as of 26 Oct 2026 14:22:06', 'outlined: <b>', '0', '105\u202fk / h']);
    expect(said(false).querySelectorAll('rect[height="8"]')).toHaveLength(3);
  });
  it('is labelled where its numbers are made up', () => {
    expect(words(true)).toContain('DEMO DATA');
  });
  it('has room for all that, and nothing of the page in it', () => {
    const root = said(false).documentElement;
    expect(root.getAttribute('viewBox')).toBe('0 -48 600 244');
    expect(root.querySelector('[class], [data-cell]')).toBeNull();
  });
});
