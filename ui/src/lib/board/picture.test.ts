import { describe, expect, it, vi } from 'vitest';
import { chartPicture, placed } from './picture';

describe('a chart’s picture', () => {
  it('puts what has no room in a line on the next', () => {
    expect(placed([50, 50, 50, 200, 10], 120)).toEqual([{ x: 0, line: 0 }, { x: 50, line: 0 }, { x: 0, line: 1 }, { x: 0, line: 2 }, { x: 0, line: 3 }]);
    expect(placed([], 120)).toEqual([]);
  });
  it('has its chart whole, and above it what it is of, as of when, and that it is made up', async () => {
    const written: unknown[][] = [];
    const drawn: unknown[][] = [];
    const ctx = { measureText: () => ({ width: 40 }), fillText: (...a: unknown[]) => { written.push(a); }, drawImage: (...a: unknown[]) => { drawn.push(a); }, fillRect: () => undefined, scale: () => undefined };
    const blob = new Blob(['x']);
    let size: number[] = [];
    vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(ctx as never);
    vi.spyOn(HTMLCanvasElement.prototype, 'toBlob').mockImplementation(function done(this: HTMLCanvasElement, give) { size = [this.width, this.height]; give(blob); });
    vi.spyOn(HTMLCanvasElement.prototype, 'clientWidth', 'get').mockReturnValue(600);
    const chart = document.createElement('canvas');
    chart.width = 1200;
    chart.height = 392;
    expect(await chartPicture(chart, { title: 'Requests: per 15 min', said: 'UTC, as of now', demo: true }, [{ label: 'success', color: '--class-success' }])).toBe(blob);
    expect(written.map(([text]) => text)).toEqual(['Requests: per 15 min', 'DEMO DATA', 'UTC, as of now', 'success']);
    expect(size).toEqual([1200, 392 + 2 * 66]);
    expect(drawn).toEqual([[chart, 0, 132]]);
    vi.restoreAllMocks();
  });
});
