/** How a panel cuts the numbers: the board's own way, or by a dimension and a filter of its own. One answer holds all. */

import type { Board } from '../api/Board';
import type { BoardAnswer } from '../api/BoardAnswer';
import type { BoardPanel } from '../api/BoardPanel';
import type { Grouping } from '../api/Grouping';
import type { Rollup } from '../types';
import { groupLabel } from './palette';

/** Is this drawn group by group? */
export function splits(panel: BoardPanel): boolean {
  if (panel.kind === 'table') return true;
  return panel.kind !== 'number' && panel.kind !== 'heatmap' && (panel.split || panel.by !== null);
}

/** Null where a panel shows the numbers as the whole board does. */
export function groupingOf(board: Board, panel: BoardPanel): Grouping | null {
  const by = splits(panel) ? (panel.by ?? board.by) : null;
  const own = Object.keys(panel.where).length === 0 && (!splits(panel) || by === board.by);
  return own ? null : { by, where: panel.where };
}

function key(grouping: Grouping): string {
  return JSON.stringify([grouping.by, Object.entries(grouping.where).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

/** Every way in which panels cut the numbers beside the board's own, once. */
export function groupingsOf(board: Board, panels: BoardPanel[] = board.panels): Grouping[] {
  const found = new Map<string, Grouping>();
  for (const panel of panels) {
    const grouping = groupingOf(board, panel);
    if (grouping !== null) found.set(key(grouping), grouping);
  }
  return [...found.values()];
}

/** The board's answer as one panel cuts it. Null where the answer is to an older question that did not ask for this. */
export function cutFor(board: Board, panel: BoardPanel, answer: BoardAnswer): BoardAnswer | null {
  const wanted = groupingOf(board, panel);
  if (wanted === null) return answer;
  const found = answer.groupings.find((g) => key(g) === key(wanted));
  return found === undefined ? null : { ...answer, by: found.by, overall: found.overall, groups: found.groups, compare: found.compare };
}

/** Why this rollup can have no heatmap; null where it can. */
export function heatmapNeeds(rollup: Pick<Rollup, 'rollup' | 'grains'>): string | null {
  const finest = rollup.grains[0] ?? 'hour';
  return ['1m', '5m', '15m', 'hour'].includes(finest) ? null : `A heatmap shows hours of the day, and the finest buckets of ${rollup.rollup} are of a ${finest}. Bars or lines work.`;
}

/** What a panel's own filter leaves: `platform openai`. */
export function filterText(panel: BoardPanel): string | null {
  const words = Object.entries(panel.where).map(([dimension, values]) => `${dimension} ${values.map(groupLabel).join(' or ')}`);
  return words.length === 0 ? null : words.join(', ');
}

/** A dimension's name for people. */
export function dimensionLabel(rollup: Rollup, dimension: string | null): string {
  if (dimension === null) return '';
  if (dimension === rollup.board.by && rollup.board.by_label !== null) return rollup.board.by_label;
  return rollup.dimension_labels[rollup.dimensions.indexOf(dimension)] ?? dimension;
}

/** Several groups of a dimension, for people: `platforms`. */
export function groupsWord(rollup: Rollup, dimension: string | null): string {
  if (dimension === null) return 'groups';
  return dimension === rollup.board.by && rollup.board.by_plural !== null ? rollup.board.by_plural.toLowerCase() : `${dimensionLabel(rollup, dimension).toLowerCase()} groups`;
}
