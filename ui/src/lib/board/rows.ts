/** The raw rows behind a bucket: which to ask for, and how they leave as CSV. */

import type { BoardAnswer } from '../api/BoardAnswer';
import type { BoardPanel } from '../api/BoardPanel';
import type { DimensionFilter } from '../api/DimensionFilter';
import type { RowsAnswer } from '../api/RowsAnswer';
import type { BoardState } from '../state/board.svelte';
import type { PanelSeries } from './charts';
import { splits } from './grouping';

/** What a click on a bucket asks. */
export interface RowsQuestion {
  panel: string;
  from: string;
  to: string;
  measures: string[];
  filters: DimensionFilter[];
  /** Raw rows may be gone there. */
  frozen: boolean;
}

/** As many as one looks through. */
export const ROWS = 200;

/** Rows that the drawn series count; null for a bucket outside the answer, which is the one that the panel is drawn from. */
export function rowsBehind(panel: BoardPanel, answer: BoardAnswer, board: Pick<BoardState, 'filters'>, index: number, shown: readonly PanelSeries[]): RowsQuestion | null {
  const bucket = answer.buckets[index];
  if (bucket === undefined) return null;
  const filters: DimensionFilter[] = [...board.filters, ...Object.entries(panel.where).map(([dimension, values]) => ({ dimension, values }))];
  // With the rest of the groups drawn as one series, all are.
  const drawn = shown.flatMap((s) => (s.group === undefined ? [] : [s.group]));
  if (splits(panel) && answer.by !== null && drawn.length > 0 && drawn.length === shown.length && drawn.length < answer.groups.length) {
    filters.push({ dimension: answer.by, values: drawn });
  }
  const measures = splits(panel) || shown.length === 0 ? panel.measures : [...new Set(shown.map((s) => s.key))];
  return {
    panel: panel.title, measures, filters, frozen: bucket.state === 'frozen',
    from: bucket.start_ms < answer.from_ms ? new Date(answer.from_ms).toISOString() : bucket.start, to: bucket.end_ms > answer.to_ms ? new Date(answer.to_ms).toISOString() : bucket.end,
  };
}

/** Every label of the listed sources, once. */
export function labelsOf(answer: RowsAnswer): string[] {
  return [...new Set(answer.sources.flatMap((s) => s.labels))];
}

/** NULL is null; a label that the row's source does not have is undefined. */
export function valueOf(answer: RowsAnswer, row: RowsAnswer['rows'][number], label: string): string | null | undefined {
  const place = answer.sources[row.source]?.labels.indexOf(label) ?? -1;
  return place < 0 ? undefined : (row.values[place] ?? null);
}

/** As PostgreSQL's COPY writes it: NULL is nothing at all, the empty text is `""`. */
export function rowsCsv(answer: RowsAnswer): string {
  const labels = labelsOf(answer);
  const cell = (v: string | null | undefined): string => (v === null || v === undefined ? '' : v === '' || /[",\r\n]/.test(v) ? `"${v.replaceAll('"', '""')}"` : v);
  const lines = answer.rows.map((row) => [row.at, answer.sources[row.source]?.name, ...labels.map((l) => valueOf(answer, row, l))].map(cell).join(','));
  return [['time', 'source', ...labels].map(cell).join(','), ...lines, ''].join('\n');
}
