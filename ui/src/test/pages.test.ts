import { screen, waitFor } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';
import { accessible, open } from './open';

describe('the overview', () => {
  it('shows figures, verdict, charts and table, and is accessible', async () => {
    await open('incident');
    await waitFor(() => { expect(screen.getByText(/openai: error rate/)).toBeTruthy(); }, { timeout: 10_000 });
    await waitFor(() => { expect(screen.getByRole('img', { name: /Hour × weekday/ })).toBeTruthy(); }, { timeout: 10_000 });
    expect(screen.getByText('Exact', { selector: '.status' })).toBeTruthy();
    expect(screen.getByRole('group', { name: /^Requests\. Arrow keys/ })).toBeTruthy();
    expect(screen.getAllByRole('row').length).toBeGreaterThan(6);
    await accessible();
  });
  it('says that nothing is wrong when nothing is', async () => {
    await open('calm');
    await waitFor(() => { expect(screen.getByText('Nothing is wrong')).toBeTruthy(); }, { timeout: 10_000 });
  });
  it('filters by a click on a row, in the address', async () => {
    await open('calm');
    const name = await screen.findByRole('button', { name: 'gemini', pressed: false }, { timeout: 10_000 });
    name.click();
    await waitFor(() => { expect(globalThis.location.hash).toContain('only='); });
    await waitFor(() => { expect(screen.getByText('Show all platforms')).toBeTruthy(); }, { timeout: 10_000 });
  });
  it('moves its crosshair by keys and says the bucket', async () => {
    await open('calm');
    const chart = await screen.findByRole('group', { name: /^Requests\. Arrow keys/ }, { timeout: 10_000 });
    chart.dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true }));
    await waitFor(() => { expect(chart.querySelector('[aria-live]')?.textContent).toMatch(/success .*partial/); });
  });
  it('shows a group called like HTML as text', async () => {
    await open('hostile');
    await screen.findByRole('button', { name: '<img src=x onerror=alert(1)>', pressed: false }, { timeout: 10_000 });
    const chart = screen.getByRole('group', { name: /^Error rate by platform\. Arrow keys/ });
    chart.dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true }));
    await waitFor(() => { expect(document.querySelector('.tip')?.textContent).toContain('<img src=x'); });
    expect(document.querySelector('img')).toBeNull();
  });
  it('says what went wrong and what to do when it can’t be read', async () => {
    await open('boarderror');
    await waitFor(() => { expect(screen.getByText('The live part took too long')).toBeTruthy(); }, { timeout: 10_000 });
    expect(screen.getByRole('button', { name: 'Show the rollup alone' })).toBeTruthy();
    await accessible();
  });
  it('says so when there are no rows', async () => {
    await open('norows');
    await waitFor(() => { expect(screen.getByText(/^No rows in this range\.$/)).toBeTruthy(); }, { timeout: 10_000 });
  });
  it('is labelled when it shows demo data', async () => {
    await open('demo');
    await waitFor(() => { expect(screen.getByText('DEMO DATA')).toBeTruthy(); }, { timeout: 10_000 });
    expect(document.title).toContain('demo');
  });
  it('says since when numbers are old when the connection goes away, and recovers', async () => {
    const app = await open('calm');
    await waitFor(() => { expect(screen.getByText('Nothing is wrong')).toBeTruthy(); }, { timeout: 10_000 });
    app.connected({ ...app.connection, phase: 'lost', since_ms: Date.parse('2026-10-26T13:22:31Z'), message: 'cut' });
    await waitFor(() => { expect(screen.getByText(/Disconnected.*since 14:22:31/)).toBeTruthy(); });
    expect(document.querySelector('.stale [data-measure]')).not.toBeNull();
    app.connected({ ...app.connection, phase: 'ready', since_ms: null, message: null });
    await waitFor(() => { expect(screen.getByText('Connected again')).toBeTruthy(); });
    await waitFor(() => { expect(screen.getByText('Nothing is wrong')).toBeTruthy(); }, { timeout: 10_000 });
  });
});

describe('a board of another rollup', () => {
  it('draws panels by a dimension and with a filter of their own, accessibly', async () => {
    await open('incident', '#/board/task_usage');
    await waitFor(() => { expect(screen.getByText(/platform openai, per/)).toBeTruthy(); }, { timeout: 10_000 });
    expect(screen.getByRole('columnheader', { name: /Region/ })).toBeTruthy();
    expect(screen.getByRole('group', { name: /^By region\. Arrow keys/ })).toBeTruthy();
    await accessible();
  });
  it('filters by a row of another dimension, and shows all again', async () => {
    await open('incident', '#/board/task_usage');
    const rows = await screen.findAllByRole('button', { name: 'us', pressed: false }, { timeout: 10_000 });
    rows.find((r) => r.closest('td'))?.click();
    await waitFor(() => { expect(globalThis.location.hash).toContain('only.region='); });
    (await screen.findByRole('button', { name: 'Show all of Region' }, { timeout: 10_000 })).click();
    await waitFor(() => { expect(globalThis.location.hash).not.toContain('only.region='); });
  });
});

describe('the other pages', () => {
  it('rollups: worst first, one opened, accessible', async () => {
    await open('incident', '#/rollups/ops_metrics');
    await waitFor(() => { expect(screen.getByText('Recent runs')).toBeTruthy(); }, { timeout: 10_000 });
    expect([...document.querySelectorAll('.rt > tbody > tr:not(.detail) .nm')].map((n) => n.textContent)).toEqual(['forecast_accuracy', 'task_usage', 'measurements', 'ops_metrics']);
    expect(screen.getByRole('button', { name: 'Tick now' })).toBeTruthy();
    await accessible();
  });
  it('rollups: without the right to, nothing can be pressed, and it says why', async () => {
    await open('viewer', '#/rollups/ops_metrics');
    const button = await screen.findByRole<HTMLButtonElement>('button', { name: 'Tick now' }, { timeout: 10_000 });
    expect(button.disabled).toBe(true);
    expect(screen.getByText('off: needs tidemark_operator')).toBeTruthy();
  });
  it('recompute says what it will do before it does it', async () => {
    await open('incident', '#/rollups/ops_metrics');
    (await screen.findByRole('button', { name: 'Recompute…' }, { timeout: 10_000 })).click();
    await waitFor(() => { expect(screen.getByRole('button', { name: /^Recompute \d+ buckets$/ })).toBeTruthy(); }, { timeout: 10_000 });
    await accessible();
    screen.getByRole('button', { name: /^Recompute \d+ buckets$/ }).click();
    await waitFor(() => { expect(screen.getByText(/^Job 43 runs$/)).toBeTruthy(); }, { timeout: 10_000 });
  });
  it('jobs: running, paused and history, accessible', async () => {
    await open('incident', '#/jobs');
    await waitFor(() => { expect(screen.getByText('wrong range, cancelled at 61 %')).toBeTruthy(); }, { timeout: 10_000 });
    expect(screen.getAllByRole('progressbar').length).toBe(2);
    await accessible();
  });
  it('settings: a zone is found by its abbreviation and taken over everywhere', async () => {
    await open('calm', '#/settings');
    const field = await screen.findByRole<HTMLInputElement>('combobox', {}, { timeout: 10_000 });
    await accessible();
    field.value = 'ist';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    const option = await screen.findByRole('option', { name: /Asia\/Kolkata/ }, { timeout: 10_000 });
    option.click();
    await waitFor(() => { expect(screen.getByText(/Asia\/Kolkata, \d\d:\d\d, UTC\+5:30/)).toBeTruthy(); });
  });
});

describe('before there is a board', () => {
  it.each([['none', 'Look around with made-up data'], ['loading', 'Preparing the demo database'], ['setup', 'What Tidemark would create for ops_metrics'], ['error', 'No connection'], ['empty', 'No rollup in this database yet']] as const)('%s: says “%s”, accessibly', async (scenario, words) => {
    await open(scenario);
    await waitFor(() => { expect(screen.getByText(words)).toBeTruthy(); }, { timeout: 10_000 });
    await accessible();
  });
  it('refuses a malformed URL with what to write instead', async () => {
    await open('none');
    const field = await screen.findByRole<HTMLInputElement>('textbox', { name: /Connection URL/ }, { timeout: 10_000 });
    field.value = 'localhost';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    await waitFor(() => { expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Connect' }).disabled).toBe(false); });
    screen.getByRole('button', { name: 'Connect' }).click();
    await waitFor(() => { expect(screen.getByRole('alert').textContent).toContain('postgres://'); });
  });
});

describe('the command palette', () => {
  it('finds actions, ranges and zones by keyboard', async () => {
    await open('calm');
    await screen.findByRole('button', { name: 'gemini', pressed: false }, { timeout: 10_000 });
    globalThis.dispatchEvent(new KeyboardEvent('keydown', { key: 'k', ctrlKey: true }));
    const field = await screen.findByRole<HTMLInputElement>('combobox', { name: 'Command' });
    field.value = 'last 7';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    await screen.findByRole('option', { name: /Last 7 days/ });
    await accessible();
    field.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
    await waitFor(() => { expect(globalThis.location.hash).toContain('range=7d'); });
  });
});
