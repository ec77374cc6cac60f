import { screen, waitFor, within } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';
import type { RowsAnswer } from '../lib/api/RowsAnswer';
import { rowsCsv } from '../lib/board/rows';
import { accessible, open } from './open';

const PATIENCE = { timeout: 10_000 };

/** Opens the rows of the last bucket of a chart by keys alone. */
async function rowsOf(chart: RegExp): Promise<HTMLElement> {
  const group = await screen.findByRole('group', { name: chart }, PATIENCE);
  for (const key of ['End', 'Enter']) group.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
  const dialog = await screen.findByRole('dialog', { name: /^Rows of / }, PATIENCE);
  await within(dialog).findAllByRole('row', {}, PATIENCE);
  return dialog;
}

describe('the rows behind a bucket', () => {
  it('are listed by Enter at the crosshair, failures first, and are accessible', async () => {
    await open('calm');
    const dialog = await rowsOf(/^Requests\. Arrow keys/);
    const rows = within(dialog).getAllByRole('row');
    expect(rows).toHaveLength(201);
    expect(rows[1]?.textContent).toContain('errors');
    expect(rows.at(-1)?.textContent).toContain('usage');
    expect(within(dialog).getByRole('status').textContent).toBe('the newest 200; there are more');
    await accessible();
  });
  it('show NULL, the empty text and HTML as what they are', async () => {
    await open('calm');
    const dialog = await rowsOf(/^Requests\. Arrow keys/);
    expect(within(dialog).getAllByRole('button', { name: 'message is NULL: show only these' }).length).toBeGreaterThan(3);
    expect(within(dialog).getAllByRole('button', { name: 'message is the empty text: show only these' }).length).toBeGreaterThan(3);
    expect(within(dialog).getAllByText('<img src=x onerror=alert(1)>').length).toBeGreaterThan(3);
    expect(document.querySelector('img')).toBeNull();
  });
  it('are filtered by a click on a value, and freed of the filter again', async () => {
    await open('calm');
    const dialog = await rowsOf(/^Requests\. Arrow keys/);
    within(dialog).getAllByRole('button', { name: '529' })[0]?.click();
    const chip = await within(dialog).findByRole('button', { name: 'Remove filter status = 529' }, PATIENCE);
    await waitFor(() => { expect(within(dialog).getByRole('status').textContent).toBe('all 15 rows'); });
    within(dialog).getAllByRole('button', { name: 'message is NULL: show only these' })[0]?.click();
    await within(dialog).findByRole('button', { name: 'Remove filter message is NULL' }, PATIENCE);
    chip.click();
    await waitFor(() => { expect(within(dialog).queryByRole('button', { name: 'Remove filter status = 529' })).toBeNull(); });
    within(dialog).getByRole('button', { name: 'Remove filter message is NULL' }).click();
    await waitFor(() => { expect(within(dialog).getByRole('status').textContent).toBe('the newest 200; there are more'); });
  });
  it('say what is missing where the role may not read them', async () => {
    await open('viewer');
    const group = await screen.findByRole('group', { name: /^Requests\. Arrow keys/ }, PATIENCE);
    for (const key of ['End', 'Enter']) group.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }));
    await screen.findByText('The role tidemark_viewer may not read these raw rows', {}, PATIENCE);
    expect(screen.getAllByRole('alert').some((alert) => alert.textContent.includes('grant select on'))).toBe(true);
  });
  it('ask for what the legend shows and the filter keeps', async () => {
    await open('calm', '#/board/ops_metrics?only=%3Dgemini');
    const heard = vi.fn();
    const { useBackend } = await import('../lib/ipc');
    const { fixture } = await import('../lib/fixture/backend');
    const backend = fixture('calm');
    useBackend({ ...backend, call: (command, args) => { heard(command, args); return backend.call(command, args); } });
    await waitFor(() => { expect(screen.getByRole('button', { name: '4xx' })).toBeTruthy(); }, PATIENCE);
    screen.getByRole('button', { name: '4xx' }).click();
    await rowsOf(/^Requests\. Arrow keys/);
    const asked = heard.mock.calls.find(([command]) => command === 'rows') as [string, { request: { measures: string[]; filters: unknown } }];
    expect(asked[1].request.measures).toEqual(['outcome_4xx_count']);
    expect(asked[1].request.filters).toEqual([{ dimension: 'platform', values: ['gemini'] }]);
  });
});

describe('rows as CSV', () => {
  it('keep NULL and the empty text apart, and quote what needs it', () => {
    const answer: RowsAnswer = {
      rollup: 'r', more: false, took_ms: 1,
      sources: [{ name: 'a', table: 't', labels: ['x', 'y'], row_security: false }, { name: 'b', table: 't', labels: ['z'], row_security: false }],
      rows: [{ source: 0, at: '2026-01-01T00:00:00+00:00', values: [null, ''] }, { source: 1, at: '2026-01-01T00:00:00+00:00', values: ['a "b", c'] }],
    };
    expect(rowsCsv(answer)).toBe('time,source,x,y,z\n2026-01-01T00:00:00+00:00,a,,"",\n2026-01-01T00:00:00+00:00,b,,,"a ""b"", c"\n');
  });
});
