import { screen, waitFor, within } from '@testing-library/svelte';
import { describe, expect, it, vi } from 'vitest';
import { accessible, open } from './open';

describe('the overview', () => {
  it('shows figures, verdict, charts and table, and is accessible', async () => {
    await open('incident');
    await waitFor(() => { expect(screen.getByText(/openai: error rate/)).toBeTruthy(); }, { timeout: 10_000 });
    await waitFor(() => { expect(screen.getByRole('group', { name: /^Hour × weekday: .*Arrow keys/ })).toBeTruthy(); }, { timeout: 10_000 });
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
  it('has a heatmap whose hours are read by keys, and whose rows Enter lists', async () => {
    await open('calm');
    const map = await screen.findByRole('group', { name: /^Hour × weekday: .*Arrow keys/ }, { timeout: 10_000 });
    const said = (): string => map.querySelector('[aria-live]')?.textContent.replaceAll('\u202f', ' ') ?? '';
    const press = async (...keys: string[]): Promise<void> => { for (const key of keys) { map.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true })); await Promise.resolve(); } };
    expect(map.tabIndex).toBe(0);
    await press('ArrowLeft');
    await waitFor(() => { expect(said()).toMatch(/^Mon 26 Oct 14:00–14:30 .*partial/); });
    await press('ArrowLeft', 'ArrowUp');
    await waitFor(() => { expect(said()).toMatch(/^Sun 25 Oct 13:00–14:00 \+01:00; requests [\d.]+/); });
    expect(map.querySelectorAll('.at')).toHaveLength(1);
    expect(document.querySelector('.tip')?.textContent).toContain('13:00–14:00');
    await press('Enter');
    await screen.findByRole('dialog', { name: /^Rows of .*13:00/ }, { timeout: 10_000 });
    await press('Escape');
    await waitFor(() => { expect([said(), document.querySelector('.tip')]).toEqual(['', null]); });
  });
  it('hides a series of a legend by a key', async () => {
    await open('calm');
    const entry = await screen.findByRole('button', { name: /^4xx/, pressed: true }, { timeout: 10_000 });
    entry.dispatchEvent(new KeyboardEvent('keydown', { key: 'h', bubbles: true }));
    await waitFor(() => { expect(entry.getAttribute('aria-pressed')).toBe('false'); });
    expect(entry.title).toContain('h hides it');
  });
  it('saves and copies its table too', async () => {
    await open('calm');
    await screen.findByRole('button', { name: 'gemini', pressed: false }, { timeout: 10_000 });
    expect(screen.getByRole('button', { name: 'Save or copy Platforms' })).toBeTruthy();
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
    await waitFor(() => { expect(screen.getByText(/took too long: .* Ask for a shorter range/, { selector: '.title' })).toBeTruthy(); }, { timeout: 10_000 });
    expect(screen.getByRole('button', { name: 'Copy details' })).toBeTruthy();
    await accessible();
  });
  it('says how long it has been reading, and stops when asked to', async () => {
    await open('slow');
    await waitFor(() => { expect(screen.getByRole('status', { name: /trusted/ }).textContent).toMatch(/Reading, [1-9]\u202fs/); }, { timeout: 10_000 });
    screen.getByRole('button', { name: 'Cancel' }).click();
    await screen.findByText('Reading was cancelled.');
    expect(screen.getByRole('status', { name: /trusted/ }).textContent).not.toContain('Reading');
    await accessible();
    screen.getByRole('button', { name: 'Show the rollup alone' }).click();
    await waitFor(() => { expect(globalThis.location.hash).toContain('mode=rollup-only'); });
  });
  it('shows what waits where it is too much to read live', async () => {
    await open('pending');
    await waitFor(() => { expect(screen.getByText(/buckets in view wait, too many raw rows to read live/).title).toMatch(/4112000 raw rows/); }, { timeout: 10_000 });
    screen.getByRole('button', { name: 'Show them' }).click();
    await waitFor(() => { expect(globalThis.location.hash).toMatch(/range=2026.*\.\.2026/); });
  });
  it('reads what waits live for whoever waits for it, once', async () => {
    await open('pending');
    const trust = (): string => screen.getByRole('status', { name: /trusted/ }).textContent;
    (await screen.findByRole('button', { name: 'Read 4.11\u202fM rows live' }, { timeout: 10_000 })).click();
    await waitFor(() => { expect(trust()).toMatch(/read once, as of .*\d/); }, { timeout: 10_000 });
    expect(trust()).not.toContain('Pending');
    await accessible();
    // Asked again without patience, it waits again.
    globalThis.dispatchEvent(new KeyboardEvent('keydown', { key: 'r', bubbles: true }));
    await waitFor(() => { expect(trust()).toContain('Pending'); }, { timeout: 10_000 });
    expect(trust()).not.toContain('read once');
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
  it('says what its rules watch', async () => {
    await open('calm', '#/board/ops_metrics');
    await waitFor(() => { expect(screen.getByText(/^error rate ≤ 2.*p99 ≤.*lag ≤.*from 200 samples on$/)).toBeTruthy(); }, { timeout: 10_000 });
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
  it('rollups: where nothing ticks one, the SQL that schedules it, to copy', async () => {
    const copied = vi.fn(() => Promise.resolve());
    Object.defineProperty(globalThis.navigator, 'clipboard', { configurable: true, value: { writeText: copied } });
    await open('incident', '#/rollups/forecast_accuracy');
    (await screen.findByRole('button', { name: 'schedule it with pg_cron' }, { timeout: 10_000 })).click();
    const dialog = await screen.findByRole('dialog', { name: 'Schedule forecast_accuracy with pg_cron' });
    const sql = "select cron.schedule('* * * * *', $$select tidemark.tick('forecast_accuracy')$$);";
    expect(dialog.querySelector('pre')?.textContent).toBe(sql);
    expect(dialog.querySelector('pre .word')?.textContent).toBe('select');
    expect(dialog.textContent).toContain('pg_cron is installed in this database.');
    expect(dialog.textContent).not.toContain('a second time');
    await accessible();
    screen.getByRole('button', { name: 'Copy' }).click();
    await waitFor(() => { expect(copied).toHaveBeenCalledWith(sql); });
  });
  it('rollups: what to do where there is no pg_cron, from the palette', async () => {
    await open('viewer');
    await screen.findByRole('button', { name: 'gemini', pressed: false }, { timeout: 10_000 });
    const { commands } = await import('../lib/ui/commands');
    commands(undefined, () => undefined, '', []).find((c) => c.title === 'Schedule ops_metrics with pg_cron…')?.run();
    const dialog = await screen.findByRole('dialog', { name: 'Schedule ops_metrics with pg_cron' }, { timeout: 10_000 });
    expect(dialog.textContent).toContain('create extension pg_cron');
    expect(dialog.textContent).toContain('a second time');
  });
  it('rollups: what the last audit found is shown again, and marked to be recomputed', async () => {
    await open('incident', '#/rollups/task_usage');
    (await screen.findByRole('button', { name: 'Show the differences' }, { timeout: 10_000 })).click();
    let dialog = await screen.findByRole('dialog', { name: 'Audit of task_usage: 2 differences' }, { timeout: 10_000 });
    expect(within(dialog).getByRole('row', { name: /openai, eu requests 4120 4121/ })).toBeTruthy();
    await accessible();
    const { useBackend } = await import('../lib/ipc');
    const { fixture } = await import('../lib/fixture/backend');
    const backend = fixture('incident');
    const heard = vi.fn();
    useBackend({ ...backend, call: (command, args) => { heard(command, args); return backend.call(command, args); } });
    within(dialog).getByRole('button', { name: 'Mark and recompute these' }).click();
    await screen.findByText('Job 43 recomputes what differs.', {}, { timeout: 10_000 });
    const asked = heard.mock.calls.find(([command]) => command === 'audit') as [string, { from: string; to: string }];
    expect(asked[1]).toMatchObject({ rollup: 'task_usage', repair: true });
    expect(Date.parse(asked[1].to) - Date.parse(asked[1].from)).toBeGreaterThan(6 * 86_400_000);
    await waitFor(() => { expect(dialog.isConnected).toBe(false); }, { timeout: 10_000 });
    (await screen.findByRole('button', { name: 'Show the differences' })).click();
    dialog = await screen.findByRole('dialog', { name: /^Audit of task_usage/ }, { timeout: 10_000 });
    within(dialog).getByRole('button', { name: /^Open job 43/ }).click();
    await waitFor(() => { expect(globalThis.location.hash).toContain('jobs/43'); });
  });
  it('recompute says what it will do before it does it', async () => {
    await open('incident', '#/rollups/ops_metrics');
    (await screen.findByRole('button', { name: 'Recompute…' }, { timeout: 10_000 })).click();
    await waitFor(() => { expect(screen.getByRole('button', { name: /^Recompute \d+ buckets$/ })).toBeTruthy(); }, { timeout: 10_000 });
    await accessible();
    screen.getByRole('button', { name: /^Recompute \d+ buckets$/ }).click();
    await waitFor(() => { expect(screen.getByText(/^Job 43 runs$/)).toBeTruthy(); }, { timeout: 10_000 });
    screen.getByRole('button', { name: 'Open' }).click();
    // So short a job has ended by now.
    expect((await screen.findByRole('row', { current: true }, { timeout: 10_000 })).textContent).toMatch(/^43/);
  });
  it('jobs: running, paused and history, accessible', async () => {
    await open('incident', '#/jobs');
    await waitFor(() => { expect(screen.getByText('wrong range')).toBeTruthy(); }, { timeout: 10_000 });
    expect(screen.getAllByRole('progressbar').length).toBe(2);
    // How far a cancelled one came.
    expect(screen.getByText(/^of 4 301$/)).toBeTruthy();
    await accessible();
    const { paceJob } = await import('../lib/pages/job');
    await paceJob(41, 20);
    await waitFor(() => { expect(screen.getByRole('button', { name: /^Pace of job 41: A fifth of the time/ })).toBeTruthy(); }, { timeout: 10_000 });
    const { shellUi } = await import('../lib/state/ui.svelte');
    shellUi.cancel = 41;
    (await screen.findByRole('button', { name: 'Cancel job 41' }, { timeout: 10_000 })).click();
    await waitFor(() => { expect(screen.getAllByRole('progressbar').length).toBe(1); }, { timeout: 10_000 });
    expect(shellUi.cancel).toBe(null);
  });
  it('jobs: the one that an address names is pointed out', async () => {
    await open('incident', '#/jobs/37');
    const row = await screen.findByRole('row', { current: true }, { timeout: 10_000 });
    expect(row.textContent).toContain('wrong range');
  });
  it('jobs: a finished one is opened from its message, whatever was filtered', async () => {
    await open('incident', '#/jobs');
    const search = await screen.findByRole<HTMLInputElement>('textbox', { name: /^Search jobs/ }, { timeout: 10_000 });
    await screen.findByText('wrong range', {}, { timeout: 10_000 });
    search.value = 'wrong';
    search.dispatchEvent(new Event('input', { bubbles: true }));
    const { setJob } = await import('../lib/fixture/work');
    const seen: string[] = [];
    vi.spyOn(Element.prototype, 'scrollIntoView').mockImplementation(function see(this: Element) { seen.push(this.textContent); });
    setJob(41, 'done');
    await screen.findByText('Job 41 done', {}, { timeout: 10_000 });
    screen.getByRole('button', { name: 'Open' }).click();
    const row = await screen.findByRole('row', { current: true }, { timeout: 10_000 });
    expect(row.textContent).toContain('issues moved to another project');
    expect(seen.some((text) => text.includes('issues moved'))).toBe(true);
    expect(search.value).toBe('');
  });
  it.each(['#/jobs', '#/rollups/ops_metrics'])('no button is off without its reason: %s', async (hash) => {
    await open('viewer', hash);
    await screen.findByRole('button', { name: /Recompute…/ }, { timeout: 10_000 });
    await screen.findAllByText(hash === '#/jobs' ? 'wrong range' : 'Recent runs', {}, { timeout: 10_000 });
    const off = [...document.querySelectorAll<HTMLButtonElement>('button:disabled')];
    expect(off.length).toBeGreaterThan(0);
    expect(off.filter((b) => b.title === '').map((b) => b.textContent)).toEqual([]);
  });
  it('settings: the limits are where the verdict bar’s button leads', async () => {
    await open('calm');
    (await screen.findByRole('button', { name: 'Limits' }, { timeout: 10_000 })).click();
    await waitFor(() => { expect(document.activeElement).toBe(screen.getByRole('region', { name: 'Limits of the verdict bar' })); }, { timeout: 10_000 });
  });
  it('settings: zones tell their time in the person’s clock, and it goes on', async () => {
    const app = await open('calm', '#/settings');
    const option = await screen.findByRole('option', { name: /Asia\/Kolkata/ }, { timeout: 10_000 });
    const time = (): string => option.querySelector('.clock')?.textContent ?? '';
    expect(time()).toMatch(/^\d\d:\d\d[A-Z]/);
    await app.save({ clock_24h: false });
    await waitFor(() => { expect(time()).toMatch(/^\d+:\d\d\s[ap]m[A-Z]/); });
    const before = time();
    const { serverTime } = await import('../lib/state/time.svelte');
    serverTime.hear(serverTime.now + 7_200_000);
    await waitFor(() => { expect(time()).not.toBe(before); });
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

describe('connections', () => {
  it('are listed with their TLS in effect, tested, and accessible', async () => {
    await open('calm', '#/settings');
    const row = await screen.findByRole('row', { name: /prod-eu/ }, { timeout: 10_000 });
    expect(row.textContent).toContain('verify-full');
    expect(screen.getByRole('row', { name: /staging/ }).querySelector('.c-warn')?.textContent).toContain('require');
    [...row.querySelectorAll('button')].find((b) => b.textContent.trim() === 'Test')?.click();
    await screen.findByText('grant select on public.deviations to dash;', {}, { timeout: 10_000 });
    expect(screen.getByText(/^3\.1\sms, median of 5$/)).toBeTruthy();
    await accessible();
    [...screen.getByRole('row', { name: /staging/ }).querySelectorAll('button')].find((b) => b.textContent.trim() === 'Test')?.click();
    await screen.findByText(/can’t be reached: connection refused/, {}, { timeout: 10_000 });
  });
  it('a pasted URL fills the form, and its password goes nowhere else', async () => {
    await open('calm', '#/settings');
    (await screen.findByRole('button', { name: 'New connection' }, { timeout: 10_000 })).click();
    const url = await screen.findByRole<HTMLInputElement>('textbox', { name: /Paste a URL/ });
    url.value = 'postgres://ann:s3cret@db.example.com:6432/gateway';
    url.dispatchEvent(new Event('input', { bubbles: true }));
    url.dispatchEvent(new Event('change', { bubbles: true }));
    await waitFor(() => { expect(screen.getByRole<HTMLInputElement>('textbox', { name: /^Host/ }).value).toBe('db.example.com'); });
    expect(url.value).toBe('');
    expect(screen.getByLabelText<HTMLInputElement>('Password').type).toBe('password');
    await screen.findByText(/verify-full, the default for another machine/);
    await waitFor(() => { expect(screen.getByRole('radio', { name: 'Production', checked: true })).toBeTruthy(); });
    await accessible();
    expect(document.body.textContent).not.toContain('s3cret');
    screen.getByRole('button', { name: 'Save' }).click();
    const row = await screen.findByRole('row', { name: /gateway.*db\.example\.com/ }, { timeout: 10_000 });
    [...row.querySelectorAll<HTMLButtonElement>('button.name')][0]?.click();
    await waitFor(() => { expect(document.querySelector<HTMLElement>('.env')?.style.background).toContain('--env-1'); });
    expect(JSON.stringify(Object.entries(globalThis.localStorage))).not.toContain('s3cret');
  });
  it('a name that is taken is refused, and what was typed stays', async () => {
    await open('calm', '#/settings');
    (await screen.findByRole('button', { name: 'New connection' }, { timeout: 10_000 })).click();
    const name = await screen.findByRole<HTMLInputElement>('textbox', { name: 'Name' });
    expect(screen.getByRole('button', { name: 'Save' }).title).toBe('needs a name');
    name.value = 'staging';
    name.dispatchEvent(new Event('input', { bubbles: true }));
    await waitFor(() => { expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Save' }).disabled).toBe(false); });
    screen.getByRole('button', { name: 'Save' }).click();
    await screen.findByText(/another connection has this name/);
    expect(screen.getByRole<HTMLInputElement>('textbox', { name: 'Name' }).value).toBe('staging');
  });
  it('without a keychain it says so, and what remains', async () => {
    await open('nokeychain', '#/settings');
    await screen.findByText(/no keychain here/, {}, { timeout: 10_000 });
    screen.getByRole('button', { name: 'New connection' }).click();
    await waitFor(() => { expect(screen.getByRole('radio', { name: 'Ask each time', checked: true })).toBeTruthy(); });
    screen.getByRole('radio', { name: 'System keychain' }).click();
    await screen.findByText(/\.pgpass or PGPASSWORD/);
  });
  it('are made on the start page too, by keys alone', async () => {
    await open('none');
    const make = await screen.findByRole('button', { name: 'New connection…' }, { timeout: 10_000 });
    make.focus();
    expect(document.activeElement).toBe(make);
    make.click();
    const dialog = await screen.findByRole('dialog', { name: 'New connection' });
    const url = await screen.findByRole<HTMLInputElement>('textbox', { name: /Paste a URL/ });
    await waitFor(() => { expect(document.activeElement).toBe(url); });
    await accessible();
    url.value = 'postgres://ann@db.example.com/gateway';
    url.dispatchEvent(new Event('input', { bubbles: true }));
    url.dispatchEvent(new Event('change', { bubbles: true }));
    await waitFor(() => { expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Save' }).disabled).toBe(false); });
    screen.getByRole('button', { name: 'Save' }).click();
    await screen.findByRole('button', { name: 'Edit gateway' }, { timeout: 10_000 });
    await waitFor(() => { expect(dialog.isConnected).toBe(false); });
  });
  it('are made from the palette wherever one is', async () => {
    await open('none');
    await screen.findByText('Look around with made-up data', {}, { timeout: 10_000 });
    const { commands } = await import('../lib/ui/commands');
    commands(undefined, () => undefined, '', []).find((c) => c.title === 'New connection…')?.run();
    await screen.findByRole('dialog', { name: 'New connection' }, { timeout: 10_000 });
  });
  it('are mended where they can’t be opened', async () => {
    await open('password');
    (await screen.findByRole('button', { name: 'Edit prod-us' }, { timeout: 10_000 })).click();
    await screen.findByRole('dialog', { name: 'Connection prod-us' });
    expect(screen.getByRole<HTMLInputElement>('textbox', { name: /^Host/ }).value).toBe('db-us.internal');
    await accessible();
    screen.getByRole('button', { name: 'Save' }).click();
    await waitFor(() => { expect(screen.getByText('Nothing is wrong')).toBeTruthy(); }, { timeout: 10_000 });
  });
  it('asks for the password that the server wants', async () => {
    await open('password');
    const field = await screen.findByLabelText<HTMLInputElement>('Password for prod-us', {}, { timeout: 10_000 });
    await accessible();
    field.value = 's3cret';
    field.dispatchEvent(new Event('input', { bubbles: true }));
    await waitFor(() => { expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Connect' }).disabled).toBe(false); });
    screen.getByRole('button', { name: 'Connect' }).click();
    await waitFor(() => { expect(screen.getByText('Nothing is wrong')).toBeTruthy(); }, { timeout: 10_000 });
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

describe('keys', () => {
  it.each([['none', ''], ['calm', '#/newtab']] as const)('z does nothing where no zone is shown: %s %s', async (scenario, hash) => {
    await open(scenario, hash);
    await screen.findByText(scenario === 'none' ? 'Look around with made-up data' : 'New rollup from a table', {}, { timeout: 10_000 });
    globalThis.dispatchEvent(new KeyboardEvent('keydown', { key: 'z' }));
    const { shellUi } = await import('../lib/state/ui.svelte');
    expect(shellUi.zone).toBe(false);
  });
  it('z and t open zone and range where a board is made', async () => {
    await open('calm', '#/explore');
    await screen.findByRole('button', { name: /^Time range:/ }, { timeout: 10_000 });
    globalThis.dispatchEvent(new KeyboardEvent('keydown', { key: 't' }));
    await screen.findByRole('group', { name: 'Ranges' }, { timeout: 10_000 });
    const { shellUi } = await import('../lib/state/ui.svelte');
    shellUi.range = false;
    await waitFor(() => { expect(screen.queryByRole('group', { name: 'Ranges' })).toBeNull(); }, { timeout: 10_000 });
    globalThis.dispatchEvent(new KeyboardEvent('keydown', { key: 'z' }));
    await screen.findByRole('combobox', { name: /^Time zone/ }, { timeout: 10_000 });
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
  it('opens an address that was copied: the same board, range, grain, zone, comparison and filter, and no way back to older zooms', async () => {
    const app = await open('incident');
    await screen.findByRole('button', { name: 'gemini', pressed: false }, { timeout: 10_000 });
    const [{ commands, matching }, { boardState }, { router }] = await Promise.all([import('../lib/ui/commands'), import('../lib/state/board.svelte'), import('../lib/state/route.svelte')]);
    const rollup = app.rollups[0];
    if (rollup === undefined) throw new Error('no rollup');
    const board = boardState(rollup);
    const found = (query: string): ReturnType<typeof commands> => matching(commands(board, () => undefined, query, []), query);
    const run = (query: string, id: string): void => { found(query).find((c) => c.id === id)?.run(); };
    let copied = '';
    Object.defineProperty(navigator, 'clipboard', { configurable: true, value: { writeText: (text: string) => { copied = text; return Promise.resolve(); } } });
    router.set({ range: '7d', grain: 'hour', tz: 'Asia/Kolkata', compare: 'yesterday' });
    board.setGroups(['gemini', null]);
    const asked = board.request();
    run('', 'copy address');
    expect(copied).toMatch(/^#\/board\/ops_metrics\?.*tz=Asia/);
    router.go('board', 'task_usage', { tz: 'UTC', range: '30d' });
    board.zoom(Date.parse('2026-10-26T10:00:00Z'), Date.parse('2026-10-26T11:00:00Z'));
    expect(board.zooms).toEqual(['30d']);
    expect(found(copied).map((c) => c.title)).toEqual([`Open ${copied}`]);
    run(copied, 'address');
    expect([router.route.page, router.route.rollup, board.zooms]).toEqual(['board', 'ops_metrics', []]);
    expect(board.request()).toEqual(asked);
    expect(asked).toMatchObject({ range: '7d', grain: 'hour', tz: 'Asia/Kolkata', compare: 'yesterday', filters: [{ dimension: 'platform', values: ['gemini', null] }] });
    board.unzoom();
    expect(board.range).toBe('7d');
  });
  it('has every action, also those with a place of their own', async () => {
    const app = await open('incident');
    await screen.findByRole('button', { name: 'gemini', pressed: false }, { timeout: 10_000 });
    const { commands, matching } = await import('../lib/ui/commands');
    const { boardState } = await import('../lib/state/board.svelte');
    const rollup = app.rollups[0];
    if (rollup === undefined) throw new Error('no rollup');
    const titles = (query: string): string[] => matching(commands(boardState(rollup), () => undefined, query, []), query).map((c) => c.title);
    const all = titles('');
    for (const wanted of ['Only gemini', 'Bucket width: hour', 'Compare with yesterday', 'No comparison', 'Earlier, by the length of the range', 'Save a report as HTML', 'Copy the address of this view', 'Audit the last 7 days of ops_metrics', 'Show the SQL of ops_metrics', 'Refresh boards: every 5\u202fs', 'Clock: 12 h', 'Weeks start on Saturday', 'Weeks start on Sunday', 'New connection…', 'New board…', 'Keys']) expect(all).toContain(wanted);
    expect(new Set(commands(boardState(rollup), () => undefined, '', []).map((c) => c.id)).size).toBe(all.length);
    expect(titles('last 7')[0]).toBe('Last 7 days');
    expect(titles('rec')[0]).toMatch(/^Recompute/);
    expect(titles('cancel job')).toContain('Cancel job 41, task_usage…');
  });
});
