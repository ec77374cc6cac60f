import { screen, waitFor } from '@testing-library/svelte';
import { describe, expect, it } from 'vitest';
import type { BoardRequest } from '../lib/api/BoardRequest';
import { open } from './open';

const PATIENCE = { timeout: 10_000 };

/** Opens a board in Berlin, moves to Kathmandu, and tells how each question was asked from then on. */
async function moved(address: string): Promise<string[]> {
  const app = await open('calm', address);
  await screen.findByRole('group', { name: /^Hour × weekday: / }, PATIENCE);
  const { useBackend } = await import('../lib/ipc');
  const { fixture } = await import('../lib/fixture/backend');
  const backend = fixture('calm');
  const asked: string[] = [];
  useBackend({
    ...backend,
    call: (command, args) => {
      const requests = 'requests' in args ? args.requests : 'request' in args ? [args.request] : [];
      for (const request of requests as BoardRequest[]) asked.push(`${command} ${request.grain ?? 'auto'} ${request.tz}`);
      return backend.call(command, args);
    },
  });
  await app.save({ time_zone: 'Asia/Kathmandu' });
  await waitFor(() => { expect(asked.some((a) => a === 'boards hour Asia/Kathmandu')).toBe(true); }, PATIENCE);
  return asked;
}

describe('a change of zone', () => {
  it('cuts quarter hours again without a query, and asks where hours were read', async () => {
    const asked = await moved('');
    expect(asked).toContain('recut auto Asia/Kathmandu');
    expect(asked).not.toContain('boards auto Asia/Kathmandu');
    const chart = screen.getByRole('group', { name: /^Requests\. Arrow keys/ });
    chart.dispatchEvent(new KeyboardEvent('keydown', { key: 'End', bubbles: true }));
    await waitFor(() => { expect(chart.querySelector('[aria-live]')?.textContent).toContain('+05:45'); });
  });
  it('asks anew for a board of hours', async () => {
    const asked = await moved('#/board/ops_metrics?grain=hour');
    expect(asked.indexOf('recut hour Asia/Kathmandu')).toBeLessThan(asked.indexOf('boards hour Asia/Kathmandu'));
    expect(asked).toContain('recut hour Asia/Kathmandu');
  });
});
