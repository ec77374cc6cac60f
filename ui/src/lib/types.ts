/** Shapes that are not generated: names for what is, and the error that crosses the boundary. */

import type { RollupSummary } from './api/RollupSummary';

export type { ConnectionState } from './api/ConnectionState';
export type { Phase } from './api/Phase';
export type { Progress } from './api/Progress';

/** A rollup with the board of its declaration, where it has one. */
export type Rollup = RollupSummary & {
  /** The name of a saved board, which then stands in for the rollup's own. */
  saved?: string;
};

/** Tells boards apart: saved ones from each other and from their rollup's own. */
export function boardKey(board: Pick<Rollup, 'rollup' | 'saved'>): string {
  return board.saved === undefined ? board.rollup : `saved ${board.saved}`;
}

/** Where a board is in the app. */
export function boardPlace(board: Pick<Rollup, 'rollup' | 'saved'>): { page: 'board' | 'saved'; name: string } {
  return board.saved === undefined ? { page: 'board', name: board.rollup } : { page: 'saved', name: board.saved };
}

export interface AppError {
  code: string;
  message: string;
  details: string | null;
}
