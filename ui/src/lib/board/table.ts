/** The table of groups: cells as text, and what they sort by. */

import type { BoardAnswer } from '../api/BoardAnswer';
import type { BoardColumn } from '../api/BoardColumn';
import type { BoardSeries } from '../api/BoardSeries';
import { columnOf, labelOf, unitOf } from '../chart/model';
import type { Column } from '../chart/model';
import { MISSING, change, percentParts, text, value } from '../format';
import { latestIndex } from './charts';
import { cellText, csv, headed } from './csv';
import { groupLabel } from './palette';

export interface Cell {
  text: string;
  sort: number | null;
  /** Part of all, 0 to 1, for the little bar. */
  share: number | null;
  spark: Column | null;
}

export interface Row {
  key: string | null;
  name: string;
  cells: Cell[];
}

export interface Table {
  head: { label: string; column: BoardColumn }[];
  rows: Row[];
  total: Row;
}

function cell(c: BoardColumn, answer: BoardAnswer, series: BoardSeries, then: BoardSeries | null, last: number): Cell {
  const m = columnOf(answer, c.measure);
  const unit = unitOf(answer, c.measure);
  const blank: Cell = { text: MISSING, sort: null, share: null, spark: null };
  if (m < 0) return blank;
  const total = series.total[m] ?? null;
  switch (c.show) {
    case 'total': return { ...blank, text: value(total, { unit }), sort: total };
    case 'latest': {
      const v = series.columns[m]?.[last] ?? null;
      return { ...blank, text: value(v, { unit }), sort: v };
    }
    case 'share': {
      const all = answer.overall.total[m] ?? null;
      const share = total === null || all === null || all === 0 ? null : total / all;
      return { ...blank, text: share === null ? MISSING : share >= 0.9995 ? '100\u202f%' : `${(share * 100).toFixed(1)}\u202f%`, sort: share, share };
    }
    case 'change': {
      const before = then?.total[m] ?? null;
      const said = change(total, before);
      return { ...blank, text: said === '' ? MISSING : said, sort: total === null || before === null || before === 0 ? null : total / before };
    }
    case 'spark': return { ...blank, text: '', spark: (series.columns[m] ?? []).map((v, i) => (answer.buckets[i]?.partial === true ? null : v)) };
  }
}

export function table(columns: BoardColumn[], answer: BoardAnswer, compared: string): Table {
  const last = latestIndex(answer);
  const then = (key: string | null): BoardSeries | null => answer.compare?.groups.find((g) => g.key === key) ?? null;
  const shown = columns.filter((c) => c.show !== 'change' || answer.compare !== null);
  return {
    head: shown.map((c) => ({ label: c.show === 'change' && c.label === null ? compared : (c.label ?? labelOf(answer, c.measure)), column: c })),
    rows: answer.groups.map((g) => ({ key: g.key, name: groupLabel(g.key), cells: shown.map((c) => cell(c, answer, g, then(g.key), last)) })),
    total: { key: null, name: 'All', cells: shown.map((c) => cell(c, answer, answer.overall, answer.compare?.overall ?? null, last)) },
  };
}

/** The table as CSV, without its little charts: shares in percent, changes as a factor. */
export function tableCsv(first: string, { head, rows, total }: Table, answer: BoardAnswer): string {
  const shown = head.flatMap((h, i) => (h.column.show === 'spark' ? [] : [{ ...h, i }]));
  const unit = ({ show, measure }: BoardColumn): string => (show === 'share' ? '%' : show === 'change' ? 'factor' : unitOf(answer, measure));
  const line = (row: Row): string[] => [row.name, ...shown.map(({ column, i }) => { const v = row.cells[i]?.sort ?? null; return cellText(v !== null && column.show === 'share' ? v * 100 : v); })];
  return csv([[first, ...shown.map((h) => headed(h.label, unit(h.column)))], ...rows.map(line), line(total)]);
}

/** Figures over the whole range as CSV, with what they are compared with. */
export function numbersCsv(measures: readonly string[], answer: BoardAnswer): string {
  const then = answer.compare === null ? [] : [answer.compare.overall];
  const line = (name: string): string[] => [labelOf(answer, name), unitOf(answer, name), ...[answer.overall, ...then].map((s) => cellText(s.total[columnOf(answer, name)] ?? null))];
  return csv([['measure', 'unit', 'value', ...then.map(() => 'compared')], ...measures.map(line)]);
}

export interface Sorting {
  /** −1 is the name. */
  column: number;
  descending: boolean;
}

/** By the first "latest" column, else by the first, largest first. */
export function firstSorting(columns: { column: BoardColumn }[]): Sorting {
  const latest = columns.findIndex((c) => c.column.show === 'latest');
  return { column: Math.max(0, latest), descending: true };
}

export function sorted(rows: Row[], by: Sorting): Row[] {
  const direction = by.descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    if (by.column < 0) return direction * a.name.localeCompare(b.name);
    const x = a.cells[by.column]?.sort ?? null;
    const y = b.cells[by.column]?.sort ?? null;
    if (x === null || y === null) return x === y ? a.name.localeCompare(b.name) : x === null ? 1 : -1;
    return direction * (x - y) || a.name.localeCompare(b.name);
  });
}

export function rateText(v: number | null): string {
  return v === null ? MISSING : text(percentParts(v));
}
