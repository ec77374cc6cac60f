/** What one reading could not read, while the rest was read. */

import { screen, waitFor, within } from '@testing-library/svelte';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { Broken } from '../lib/fixture/backend';
import { accessible, open } from './open';

const LONG = { timeout: 10_000 };

/** Of a refresh's three questions, only the verdict's asks for quarter hours and only the heatmap's for hours. */
let lost: { board: boolean; watch: boolean; week: boolean };
let broken: Broken;
beforeEach(() => {
  lost = { board: false, watch: false, week: false };
  broken = { board: (request) => (request.grain === '15m' ? lost.watch : request.grain === 'hour' ? lost.week : lost.board), status: false };
});

function refresh(): void {
  screen.getByRole('button', { name: 'Refresh now' }).click();
}

function verdict(): string {
  return document.querySelector('.verdict')?.textContent ?? '';
}

describe('a verdict that can’t be read', () => {
  it('is not that nothing is wrong, nor nothing at all', async () => {
    lost.watch = true;
    await open('calm', '', broken);
    await waitFor(() => { expect(verdict()).toMatch(/^\s*Not known whether anything is wrong.*the last day could not be read: This role lacks a right/); }, LONG);
    expect(screen.getByText('Exact', { selector: '.status' })).toBeTruthy();
    await accessible();
    lost.watch = false;
    screen.getByRole('button', { name: 'Try again' }).click();
    await waitFor(() => { expect(verdict()).toContain('Nothing is wrong'); }, LONG);
    lost.watch = true;
    refresh();
    await waitFor(() => { expect(verdict()).toMatch(/Nothing was wrong.*the last day as of \d\d:\d\d:\d\d, not read since/); }, LONG);
  });
  it('keeps its alarm and says as of when', async () => {
    await open('incident', '', broken);
    await waitFor(() => { expect(verdict()).toMatch(/openai: error rate.*since 12:15, \d/); }, LONG);
    lost.watch = true;
    refresh();
    await waitFor(() => { expect(verdict()).toMatch(/openai: error rate.*since 12:15\s+the last day as of \d\d:\d\d:\d\d, not read since/); }, LONG);
  });
  it('says so of the rollup’s health, as does the trust line', async () => {
    broken.status = true;
    const app = await open('calm', '', broken);
    await waitFor(() => { expect(verdict()).toMatch(/Nothing was wrong.*health could not be read/); }, LONG);
    const trust = screen.getByRole('status', { name: /trusted/ });
    expect(trust.textContent).toContain('health could not be read');
    await accessible();
    broken.status = false;
    await app.readHealth();
    await waitFor(() => { expect(verdict()).toContain('Nothing is wrong'); }, LONG);
    broken.status = true;
    await app.readHealth();
    await waitFor(() => { expect(trust.textContent).toMatch(/health as of \d\d:\d\d:\d\d, not read since/); }, LONG);
  });
});

describe('a rollup that can’t be trusted', () => {
  it('has no footer that says its numbers equal the raw rows', async () => {
    const app = await open('calm');
    const foot = (): string => document.querySelector('footer')?.textContent ?? '';
    await waitFor(() => { expect(foot()).toContain('Every number equals the raw rows'); }, LONG);
    app.health = app.health.map((h) => ({ ...h, status: 'not_trusted' }));
    await waitFor(() => { expect(foot()).toMatch(/Read at \d\d:\d\d:\d\d/); }, LONG);
    expect(foot()).not.toContain('equals');
  });
});

describe('a heatmap that can’t be read', () => {
  it('says why beside the picture of before', async () => {
    await open('calm', '', broken);
    const map = await screen.findByRole('group', { name: /^Hour × weekday/ }, LONG);
    lost.week = true;
    refresh();
    await waitFor(() => { expect(screen.getByRole('region', { name: 'Hour × weekday' }).textContent).toMatch(/This role lacks a right.*What you see below is from \d\d:\d\d:\d\d/); }, LONG);
    expect(map.closest('.stale')).not.toBeNull();
    lost.week = false;
    screen.getByRole('button', { name: 'Try again' }).click();
    await waitFor(() => { expect(map.closest('.stale')).toBeNull(); }, LONG);
  });
});

describe('what goes wrong in one part of a board', () => {
  it('leaves the heatmap, which is read by a question of its own', async () => {
    lost.board = true;
    await open('calm', '', broken);
    await screen.findByRole('group', { name: /^Hour × weekday/ }, LONG);
    expect(screen.getByRole('alert').textContent).toContain('This role lacks a right');
    expect(screen.queryByRole('region', { name: 'Requests' })).toBeNull();
    await accessible();
    lost.board = false;
    screen.getByRole('button', { name: 'Try again' }).click();
    await screen.findByRole('region', { name: 'Requests' }, LONG);
  });
  it('while it is drawn stands in its place, and leaves the others', async () => {
    let odd = true;
    vi.doMock('../lib/board/heat', async (real) => {
      const heat = await real<typeof import('../lib/board/heat')>();
      return { ...heat, overRuns: (cells: Parameters<typeof heat.overRuns>[0]) => { if (odd) throw new Error('an hour too many'); return heat.overRuns(cells); } };
    });
    await open('calm');
    vi.doUnmock('../lib/board/heat');
    const panel = await screen.findByRole('region', { name: 'Hour × weekday' }, LONG);
    await waitFor(() => { expect(panel.textContent).toMatch(/This panel could not be drawn.*an hour too many/); }, LONG);
    expect(within(panel).getByRole('button', { name: 'Copy details' })).toBeTruthy();
    expect(screen.getByRole('group', { name: /^Requests\. Arrow keys/ })).toBeTruthy();
    expect(screen.getByRole('button', { name: 'gemini', pressed: false })).toBeTruthy();
    await accessible();
    odd = false;
    within(panel).getByRole('button', { name: 'Try again' }).click();
    await within(panel).findByRole('group', { name: /^Hour × weekday/ }, LONG);
  });
});
