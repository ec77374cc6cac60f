import { screen, waitFor } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';
import { accessible, open } from './open';

describe('the explorer', () => {
  it('draws a panel, changes it, adds, moves and removes, accessibly', async () => {
    await open('calm', '#/explore');
    await waitFor(() => { expect(screen.getByRole('group', { name: /^requests\. Arrow keys/ })).toBeTruthy(); }, { timeout: 10_000 });
    await accessible();
    screen.getByRole('button', { name: 'Add panel' }).click();
    await waitFor(() => { expect(screen.getAllByRole('button', { name: /^Remove: / })).toHaveLength(2); });
    screen.getByRole('checkbox', { name: /^errors/ }).click();
    await waitFor(() => { expect(screen.getByRole('group', { name: /^requests, errors\. Arrow keys/ })).toBeTruthy(); }, { timeout: 10_000 });
    screen.getByRole('button', { name: 'Move up: requests, errors' }).click();
    await waitFor(() => { expect(screen.getAllByRole('button', { name: /^Remove: / }).map((b) => b.getAttribute('aria-label'))).toEqual(['Remove: requests, errors', 'Remove: requests']); });
    screen.getByRole('button', { name: 'Remove: requests' }).click();
    await waitFor(() => { expect(screen.getAllByRole('button', { name: /^Remove: / })).toHaveLength(1); });
  });
  it('saves a board, which is then in the navigation and opens', async () => {
    await open('calm', '#/explore');
    const title = await screen.findByRole<HTMLInputElement>('textbox', { name: 'Board' }, { timeout: 10_000 });
    title.value = 'Night shift';
    title.dispatchEvent(new Event('input', { bubbles: true }));
    screen.getByRole('button', { name: 'Save board' }).click();
    const link = await screen.findByRole('link', { name: /Night shift/ }, { timeout: 10_000 });
    expect(link.getAttribute('href')).toBe('#/saved/night-shift');
    await waitFor(() => { expect(screen.getByRole('heading', { name: 'Change a board' })).toBeTruthy(); });
    link.click();
    await waitFor(() => { expect(screen.getByRole('heading', { name: 'Night shift', level: 1 })).toBeTruthy(); }, { timeout: 10_000 });
    await waitFor(() => { expect(screen.getByRole('group', { name: /^requests\. Arrow keys/ })).toBeTruthy(); }, { timeout: 10_000 });
    await accessible();
  });
  it('says what is wrong with a file that is imported', async () => {
    await open('calm', '#/explore');
    const field = await screen.findByLabelText<HTMLInputElement>('Board file', {}, { timeout: 10_000 });
    const file = new File(['title = 1'], 'wrong.toml');
    Object.defineProperty(file, 'text', { value: () => Promise.resolve('title = 1') });
    Object.defineProperty(field, 'files', { value: [file] });
    field.dispatchEvent(new Event('change', { bubbles: true }));
    await waitFor(() => { expect(screen.getByRole('alert').textContent).toContain('wrong.toml:1: this is no board file'); }, { timeout: 10_000 });
  });
  it('offers a filter’s values from the data', async () => {
    await open('calm', '#/explore');
    (await screen.findByRole('button', { name: 'Only Platform: all' }, { timeout: 10_000 })).click();
    // jsdom has no layout: what floats is never placed, so it counts as hidden.
    (await screen.findByText('gemini', { selector: '.filter .cut' }, { timeout: 10_000 })).closest('button')?.click();
    await waitFor(() => { expect(screen.getByText(/^platform gemini, per/)).toBeTruthy(); }, { timeout: 10_000 });
    expect(screen.getByRole('button', { name: 'Only Platform: gemini', hidden: true })).toBeTruthy();
  });
});
