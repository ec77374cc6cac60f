/** Opens the whole app on the fixture, for tests of its pages. */

import axe from 'axe-core';
import { afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import type { Broken, Scenario } from '../lib/fixture/backend';

vi.setConfig({ testTimeout: 60_000 });

const NOTHING: Broken = { board: () => false, status: false };

let cleanup: () => void = () => undefined;

/** A fresh app on the fixture, some of it broken: modules hold state, so all are loaded anew, the framework with them. */
export async function open(scenario: Scenario, hash = '', broken: Broken = NOTHING): Promise<(typeof import('../lib/state/app.svelte'))['app']> {
  vi.resetModules();
  globalThis.history.replaceState(null, '', `/${hash}`);
  const [{ useBackend }, { fixture }, { default: App }, library, { app }] = await Promise.all([import('../lib/ipc'), import('../lib/fixture/backend'), import('../App.svelte'), import('@testing-library/svelte'), import('../lib/state/app.svelte')]);
  useBackend(fixture(scenario, broken));
  library.render(App);
  cleanup = () => {
    library.cleanup();
    // Its clock goes on after the test, and asks nothing any more.
    app.connection = { ...app.connection, phase: 'none' };
  };
  return app;
}

/** jsdom has no layout, so contrast is checked by the tokens' own table and by eye. */
export async function accessible(): Promise<void> {
  const result = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false }, region: { enabled: false } } });
  expect(result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).join(' | ')}`)).toEqual([]);
}

// The first import compiles every component.
beforeAll(async () => { await import('../App.svelte'); }, 180_000);

beforeEach(() => {
  Object.defineProperty(HTMLElement.prototype, 'clientWidth', { configurable: true, get: () => 600 });
});
afterEach(() => {
  cleanup();
  document.body.replaceChildren();
});
