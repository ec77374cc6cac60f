/** Shapes that are not generated: names for what is, and the error that crosses the boundary. */

export type { ConnectionState } from './api/ConnectionState';
export type { Phase } from './api/Phase';
export type { Progress } from './api/Progress';

/** A rollup with the board of its declaration, where it has one. */
export type { RollupSummary as Rollup } from './api/RollupSummary';

export interface AppError {
  code: string;
  message: string;
  details: string | null;
}
