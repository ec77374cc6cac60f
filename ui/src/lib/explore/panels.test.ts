import { describe, expect, it } from 'vitest';
import type { BoardPanel } from '../api/BoardPanel';
import { OPS_BOARD } from '../fixture/opsBoard';
import { MEASURES } from '../fixture/board';
import type { Rollup } from '../types';
import { KINDS, changed, moved, most, newBoard, newPanel, ownTitle, shown, whyNot, withBy, withFilter, withKind, withMeasures } from './panels';

const ROLLUP: Rollup = { rollup: 'r', title: 'R', sources: [], dimensions: ['platform', 'region'], dimension_labels: ['Platform', 'Region'], grains: ['15m', 'hour'], measures: MEASURES, board: OPS_BOARD, applied_at: '', paused: false };
const DAYS: Rollup = { ...ROLLUP, rollup: 'days', grains: ['day', 'month'], dimensions: [], dimension_labels: [], board: { ...OPS_BOARD, by: null } };

function of(kind: BoardPanel['kind'], names: string[]): BoardPanel {
  return withMeasures(withKind(newPanel(ROLLUP), kind, ROLLUP), names);
}

describe('what a rollup allows', () => {
  it('a heatmap needs hours, and says so', () => {
    expect(whyNot(DAYS, 'heatmap')).toBe('A heatmap shows hours of the day, and the finest buckets of days are of a day. Bars or lines work.');
    expect(whyNot(DAYS, 'area')).toContain('no dimension');
    expect(KINDS.map(({ kind }) => whyNot(ROLLUP, kind)).every((why) => why === null)).toBe(true);
  });
  it('a new board has a panel that can be drawn', () => {
    expect(newBoard(ROLLUP).panels.map((p) => [p.title, p.measures])).toEqual([['requests', ['request_count']]]);
    expect(newPanel({ ...ROLLUP, measures: [] }).measures).toEqual([]);
  });
});

describe('changing a panel', () => {
  it('another kind keeps the measures that it can show', () => {
    const lines = of('lines', ['request_count', 'error_count']);
    const table = withKind(lines, 'table', ROLLUP);
    expect(table.columns.map((c) => c.measure)).toEqual(['request_count', 'error_count']);
    expect([table.measures, table.width, shown(withKind(table, 'lines', ROLLUP))]).toEqual([[], 'full', ['request_count', 'error_count']]);
    expect(withKind(lines, 'heatmap', ROLLUP).measures).toEqual(['request_count']);
    expect(withKind({ ...lines, by: 'region' }, 'number', ROLLUP).by).toBeNull();
    expect(withKind(lines, 'area', ROLLUP).by).toBe('platform');
  });
  it('split by a dimension it shows one measure', () => {
    const split = withBy(of('lines', ['request_count', 'error_count']), 'region');
    expect([split.by, split.measures, most(split)]).toEqual(['region', ['request_count'], 1]);
    expect(most(withBy(split, null))).toBeGreaterThan(1);
  });
  it('a table keeps what was said of its columns', () => {
    const table = { ...of('table', ['request_count']), columns: [{ measure: 'request_count', label: 'Share', show: 'share' as const, leaves: 1 }] };
    expect(withMeasures(table, ['request_count', 'error_rate']).columns.map((c) => c.show)).toEqual(['share', 'total']);
  });
  it('an empty filter is none', () => {
    const only = withFilter(newPanel(ROLLUP), 'region', ['eu', null]);
    expect(only.where).toEqual({ region: ['eu', null] });
    expect(withFilter(only, 'region', []).where).toEqual({});
  });
  it('a title follows the choices until somebody writes one', () => {
    const panel = newPanel(ROLLUP);
    const split = changed(ROLLUP, panel, withBy(panel, 'region'));
    expect(split.title).toBe('requests by region');
    const named = changed(ROLLUP, split, { ...split, title: 'Mine' });
    expect(changed(ROLLUP, named, withBy(named, null)).title).toBe('Mine');
    expect(ownTitle(ROLLUP, of('lines', ['request_count', 'error_count', 'success_count', 'error_rate']))).toBe('requests, errors and 2 more');
  });
  it('moves by one place and not beyond the ends', () => {
    expect([moved([1, 2, 3], 0, 1), moved([1, 2, 3], 2, -1), moved([1, 2], 0, -1), moved([1, 2], 1, 1)]).toEqual([[2, 1, 3], [1, 3, 2], [1, 2], [1, 2]]);
  });
});
