/** Panels as a person builds them: what a rollup allows, and what a choice changes. */

import type { Board } from '../api/Board';
import type { BoardPanel } from '../api/BoardPanel';
import type { PanelKind } from '../api/PanelKind';
import { dimensionLabel, heatmapNeeds, splits } from '../board/grouping';
import type { Rollup } from '../types';

export const KINDS: { kind: PanelKind; label: string }[] = [
  { kind: 'lines', label: 'Lines' }, { kind: 'area', label: 'Stacked areas' }, { kind: 'bars', label: 'Bars' }, { kind: 'stack', label: 'Stacked measures' },
  { kind: 'heatmap', label: 'Hour × weekday' }, { kind: 'table', label: 'Table' }, { kind: 'number', label: 'Numbers' },
];

/** Why a rollup can't have such a panel; null where it can. */
export function whyNot(rollup: Rollup, kind: PanelKind): string | null {
  if (kind === 'heatmap') return heatmapNeeds(rollup);
  if (kind === 'area' && rollup.dimensions.length === 0) return `Areas stack groups, and ${rollup.rollup} has no dimension.`;
  return null;
}

/** The measures that a panel shows, in its order. */
export function shown(panel: BoardPanel): string[] {
  return panel.kind === 'table' ? [...new Set(panel.columns.map((c) => c.measure))] : panel.measures;
}

/** How many measures a kind draws: split by groups, it is the first. */
export function most(panel: BoardPanel): number {
  return panel.kind === 'heatmap' || (splits(panel) && panel.kind !== 'table') ? 1 : 12;
}

export function withMeasures(panel: BoardPanel, names: string[]): BoardPanel {
  if (panel.kind !== 'table') return { ...panel, measures: names, lane: panel.lane.filter((n) => names.includes(n)) };
  const kept = panel.columns.filter((c) => names.includes(c.measure));
  const fresh = names.filter((n) => !kept.some((c) => c.measure === n));
  return { ...panel, columns: [...kept, ...fresh.map((measure) => ({ measure, label: null, show: 'total' as const, leaves: null }))] };
}

/** Another kind keeps what it can show. */
export function withKind(panel: BoardPanel, kind: PanelKind, rollup: Rollup): BoardPanel {
  const names = shown(panel);
  const whole = kind === 'heatmap' || kind === 'number';
  const changed: BoardPanel = {
    ...panel, kind, measures: [], columns: [], lane: [], lane_label: null, counts: null, by: whole ? null : panel.by, split: whole || kind === 'table' ? false : panel.split,
    width: kind === 'table' ? 'full' : panel.width,
  };
  if (kind === 'area' && !splits(changed)) changed.by = rollup.board.by ?? rollup.dimensions[0] ?? null;
  return withMeasures(changed, names.slice(0, most(changed)));
}

/** Split by a dimension, or not. */
export function withBy(panel: BoardPanel, by: string | null): BoardPanel {
  const changed = { ...panel, by, split: false };
  return withMeasures(changed, shown(panel).slice(0, most(changed)));
}

export function withFilter(panel: BoardPanel, dimension: string, values: (string | null)[]): BoardPanel {
  const where = Object.fromEntries(Object.entries(panel.where).filter(([d]) => d !== dimension));
  return { ...panel, where: values.length === 0 ? where : { ...where, [dimension]: values } };
}

/** What a panel is called until somebody calls it something else. */
export function ownTitle(rollup: Rollup, panel: BoardPanel): string {
  const labels = shown(panel).map((name) => rollup.measures.find((m) => m.name === name)?.label ?? name);
  const by = splits(panel) ? panel.by : null;
  const what = labels.length > 3 ? `${labels.slice(0, 2).join(', ')} and ${labels.length - 2} more` : labels.join(', ');
  return `${what}${by === null ? '' : ` by ${dimensionLabel(rollup, by).toLowerCase()}`}`;
}

/** A change keeps a title that somebody wrote, and renews one that nobody did. */
export function changed(rollup: Rollup, before: BoardPanel, after: BoardPanel): BoardPanel {
  return before.title === ownTitle(rollup, before) && after.title === before.title ? { ...after, title: ownTitle(rollup, after) } : after;
}

export function newPanel(rollup: Rollup): BoardPanel {
  const measure = rollup.measures[0]?.name;
  const panel: BoardPanel = {
    title: '', kind: 'lines', subtitle: null, measures: measure === undefined ? [] : [measure], lane: [], lane_label: null, split: false, by: null, where: {}, palette: 'names', counts: null, columns: [], width: 'half',
  };
  return { ...panel, title: ownTitle(rollup, panel) };
}

export function newBoard(rollup: Rollup): Board {
  return { title: 'New board', by: rollup.board.by, by_label: rollup.board.by_label, by_plural: rollup.board.by_plural, tiles: [], panels: [newPanel(rollup)], rules: [] };
}

/** The list with one thing a place up or down. */
export function moved<T>(list: readonly T[], from: number, step: -1 | 1): T[] {
  const to = from + step;
  const thing = list[from];
  if (thing === undefined || to < 0 || to >= list.length) return [...list];
  const rest = list.filter((_, i) => i !== from);
  return [...rest.slice(0, to), thing, ...rest.slice(to)];
}
