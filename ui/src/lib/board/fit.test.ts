import { describe, expect, it } from 'vitest';
import { OPS_BOARD } from '../fixture/opsBoard';
import { sparePerRow } from './fit';

/** What the whole board takes, as the drawing gives it: 146 of frame, tiles, two rows of charts, the table. */
function whole(groups: number, height: number): number {
  const spare = sparePerRow(height, OPS_BOARD, groups);
  return 146 + 84 + (33 + 196 + spare) + (33 + 172 + spare) + 52 + (groups + 1) * 26;
}

describe('the height of charts', () => {
  it('leaves all of Overview visible in the drawing’s window, with up to seven groups', () => {
    for (const groups of [1, 2, 6, 7]) expect(whole(groups, 900)).toBeLessThanOrEqual(900 + (groups === 1 ? 26 : 0));
    expect(sparePerRow(900, OPS_BOARD, 6)).toBeGreaterThanOrEqual(0);
    expect(sparePerRow(900, OPS_BOARD, 7)).toBeLessThan(0);
  });
  it('is the usual one where the table is too long for any window', () => {
    expect(sparePerRow(900, OPS_BOARD, 40)).toBe(0);
  });
  it('grows with the window, to a limit', () => {
    expect(sparePerRow(1080, OPS_BOARD, 6)).toBeGreaterThan(60);
    expect(sparePerRow(4000, OPS_BOARD, 6)).toBe(120);
  });
  it('does not change while the groups are not known', () => {
    expect(sparePerRow(900, OPS_BOARD, 0)).toBe(sparePerRow(900, OPS_BOARD, 6));
  });
});
