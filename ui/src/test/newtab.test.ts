import { screen, waitFor } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';
import { accessible, open } from './open';

describe('a rollup from a table of one’s own', () => {
  it('shows the numbers, what is made and the SQL before it makes anything, accessibly', async () => {
    await open('calm', '#/newtab');
    const search = await screen.findByRole<HTMLInputElement>('textbox', { name: /Search tables/ }, { timeout: 10_000 });
    await accessible();
    search.value = 'ord';
    search.dispatchEvent(new Event('input', { bubbles: true }));
    await waitFor(() => { expect(screen.queryByRole('button', { name: 'public.countries' })).toBeNull(); });
    screen.getByRole('button', { name: 'public.orders' }).click();
    await waitFor(() => { expect(screen.getByText(/The newest day before/)).toBeTruthy(); }, { timeout: 10_000 });
    expect(screen.getByRole('row', { name: /paid 17\.0/ })).toBeTruthy();
    await accessible();
    screen.getByRole('radio', { name: 'What is made' }).click();
    await waitFor(() => { expect(screen.getByText(/put capture triggers/)).toBeTruthy(); });
    screen.getByRole('radio', { name: 'SQL' }).click();
    await waitFor(() => { expect(document.querySelector('pre.code')?.textContent).toContain('create table tidemark.orders__15m'); });
    screen.getByRole('button', { name: 'Apply orders' }).click();
    await waitFor(() => { expect(screen.getByText('orders is applied')).toBeTruthy(); }, { timeout: 10_000 });
  });
  it('names the line of a bad edit, and applies nothing that was not looked at', async () => {
    await open('calm', '#/newtab');
    (await screen.findByRole('button', { name: 'public.orders' }, { timeout: 10_000 })).click();
    const field = await screen.findByRole<HTMLTextAreaElement>('textbox', { name: 'Declaration' }, { timeout: 10_000 });
    await screen.findByText(/The newest day before/, {}, { timeout: 10_000 });
    field.value = field.value.replace('t.status', 't.contry');
    field.dispatchEvent(new Event('input', { bubbles: true }));
    await waitFor(() => { expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Apply orders' }).disabled).toBe(true); });
    screen.getByRole('button', { name: 'Look again' }).click();
    (await screen.findByRole('button', { name: 'Go to line 8' }, { timeout: 10_000 })).click();
    expect(field.value.slice(field.selectionStart, field.selectionEnd)).toBe('dimensions = { status = "t.contry" }');
  });
  it('explains a table that can tell no time, and one that may not be read', async () => {
    await open('calm', '#/newtab');
    expect((await screen.findByRole<HTMLButtonElement>('button', { name: 'public.payroll' }, { timeout: 10_000 })).disabled).toBe(true);
    screen.getByRole('button', { name: 'public.countries' }).click();
    await waitFor(() => { expect(screen.getByText('A time that no column has.')).toBeTruthy(); }, { timeout: 10_000 });
    await accessible();
  });
  it('is offered at the first start', async () => {
    await open('setup');
    (await screen.findByRole('button', { name: 'A table of your own…' }, { timeout: 10_000 })).click();
    await screen.findByRole('button', { name: 'public.orders' }, { timeout: 10_000 });
    await accessible();
  });
});
