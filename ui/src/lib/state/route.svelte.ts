/** Where one is: page, range, grain, filter, all in one address that can be copied and opened again. */

export type Page = 'board' | 'saved' | 'explore' | 'newtab' | 'rollups' | 'jobs' | 'settings';

const PAGES: readonly string[] = ['saved', 'explore', 'newtab', 'rollups', 'jobs', 'settings'];

function isPage(s: string): s is Page {
  return PAGES.includes(s);
}

export interface Route {
  page: Page;
  /** A board's rollup, a saved board's name, or the opened row of Rollups. */
  rollup: string | null;
  params: Record<string, string>;
}

/** What was encoded; what can't have been is as it stands. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function parse(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [page = '', rollup] = path.split('/');
  const params = Object.fromEntries(new URLSearchParams(query));
  const known: Page = isPage(page) ? page : 'board';
  return { page: known, rollup: rollup === undefined || rollup === '' ? null : decoded(rollup), params };
}

export function format(route: Route): string {
  const query = new URLSearchParams(Object.entries(route.params).filter(([, v]) => v !== '')).toString();
  const path = route.rollup === null ? route.page : `${route.page}/${encodeURIComponent(route.rollup)}`;
  return `#/${path}${query === '' ? '' : `?${query}`}`;
}

class Router {
  route = $state<Route>(parse(globalThis.location.hash));
  /** How many addresses were opened: none leads back to what was before it. */
  opened = $state(0);

  constructor() {
    globalThis.addEventListener('hashchange', () => { this.route = parse(globalThis.location.hash); this.opened += 1; });
  }

  /** Shows what an address names, as if one came from nowhere. */
  open({ page, rollup, params }: Route): void {
    this.go(page, rollup, params);
    this.opened += 1;
  }

  /** The zone of an address that was opened goes along, until another is chosen. */
  go(page: Page, rollup: string | null = null, params: Record<string, string> = {}): void {
    const tz = this.route.params['tz'];
    const next = { page, rollup, params: tz === undefined || tz === '' ? params : { tz, ...params } };
    this.route = next;
    const hash = format(next);
    if (globalThis.location.hash !== hash) globalThis.history.pushState(null, '', hash);
  }

  /** What others can open to see the same board, in this zone: where none is named, another may come first there. */
  address(tz: string, board: { page: Page; name: string }): string {
    return format({ page: board.page, rollup: board.name, params: { ...this.route.params, tz } });
  }

  /** Changes parameters of the page one is on. */
  set(params: Record<string, string>): void {
    this.go(this.route.page, this.route.rollup, { ...this.route.params, ...params });
  }
}

export const router = new Router();
