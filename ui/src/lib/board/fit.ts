/** How high the charts of a board are, so that all of it is seen without scrolling where that can be. */

import type { Board } from '../api/Board';

/** Toolbar, trust line, verdict and footer. */
const FRAME = 48 + 32 + 40 + 26;
const TILES = 84;
const CHART_HEAD = 32 + 1;
const FIRST_ROW = 196;
const OTHER_ROW = 172;
/** A table's head, the names of its columns, and each of its rows. */
const TABLE_HEAD = 28 + 24;
const TABLE_ROW = 26;
/** As low as charts are in a narrow window. */
const LEAST = -22;
const MOST = 120;
/** As many rows as are expected before they are known. */
const USUAL = 6;

/** What each row of charts has beside its usual height; negative where a few rows of the table need it. */
export function sparePerRow(windowHeight: number, board: Pick<Board, 'panels' | 'tiles'>, groups: number): number {
  const rows = Math.ceil(board.panels.filter((p) => p.width === 'half').length / 2);
  if (rows === 0) return 0;
  const listed = groups === 0 ? USUAL : groups;
  const tables = board.panels.filter((p) => p.width === 'full' && p.kind === 'table').length;
  const taken = FRAME + (board.tiles.length > 0 ? TILES : 0) + tables * (TABLE_HEAD + (listed > 1 ? listed + 1 : 1) * TABLE_ROW) + rows * CHART_HEAD + FIRST_ROW + (rows - 1) * OTHER_ROW;
  const each = Math.floor((windowHeight - taken) / rows);
  if (each >= 0) return Math.min(MOST, each);
  // With so many rows one scrolls anyway.
  return each >= LEAST ? each : 0;
}
