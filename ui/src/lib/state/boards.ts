/** Boards that were opened on this connection, by rollup. Apart, so that the app can forget them without knowing them. */

export const kept = new Map<string, unknown>();

export function forgetBoards(): void {
  kept.clear();
}
