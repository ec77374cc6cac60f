// The scenes: which address or clicks lead to each, and what must be seen before it is pictured.

const OPS = '#/board/ops_metrics';
const BOARD = `const text = (s) => document.querySelector(s)?.innerText ?? '';
  return location.hash.startsWith(arguments[0]) && text('.verdict').trim() !== '' && document.querySelector('.tile [data-measure]') !== null && /Exact|Pending|frozen|Rollup only|Not trusted/.test(text('.trust'))
    && document.querySelector('.outdated, [aria-busy=true]:not([role=status]), .sk') === null`;

/** Opens a board and waits for its numbers. From elsewhere, so that no older answer passes for the new one. */
export async function board(w, query = '') {
  const address = `${OPS}${query === '' ? '' : `?${query}`}`;
  await w.clear();
  await w.go('#/jobs');
  await w.until('the jobs', 'return document.querySelector("main h1")?.innerText === "Jobs"');
  await w.go(address);
  await w.until('the numbers', BOARD, OPS);
}

async function crosshair(w, back) {
  await w.script('document.querySelector("[aria-roledescription=chart]").focus()');
  for (let i = 0; i < back; i++) await w.key('ArrowLeft');
  await w.until('the tooltip', 'return document.querySelector(".tip") !== null');
}

/** What every size and scale has. */
export async function pages(w) {
  await w.keep('overview', () => board(w, 'range=24h'));
  await w.keep('overview-tooltip', async () => { await board(w, 'range=24h'); await crosshair(w, 6); });
  await w.keep('rollups', async () => { await w.clear(); await w.go('#/rollups'); await w.see('Last success'); await w.see('healthy'); });
  await w.keep('rollup-open', async () => { await w.go('#/rollups/ops_metrics'); await w.see('Recent runs'); });
  await w.keep('jobs', async () => { await w.go('#/jobs'); await w.see('History'); });
  await w.keep('settings', async () => { await w.go('#/settings'); await w.see('prod-eu'); });
}

export async function more(w) {
  for (const range of ['1h', '7d', '30d']) await w.keep(`overview-${range}`, () => board(w, `range=${range}`));
  await w.keep('overview-one-platform', () => board(w, 'range=24h&only=%3Dopenai'));
  await w.keep('overview-25-hours', () => board(w, 'range=2026-10-25T00:00:00%2B02:00..2026-10-26T00:00:00%2B01:00'));
  await w.keep('overview-heatmap-keys', async () => {
    await board(w, 'range=24h');
    await w.script('document.querySelector("[aria-roledescription=heatmap]").focus()');
    for (const key of ['End', 'ArrowUp', 'ArrowLeft']) await w.key(key);
    await w.until('the tooltip', 'return document.querySelector(".tip") !== null');
  });
  await w.keep('overview-no-rows', async () => { await w.go(`${OPS}?range=2020-01-01..2020-01-02`); await w.see('No rows in this range'); });
  await w.keep('rows', async () => {
    await board(w, 'range=24h');
    await crosshair(w, 3);
    await w.key('Enter');
    await w.until('the rows', 'return document.querySelector("[role=dialog] tbody tr") !== null');
  });
  await w.keep('explore', async () => { await w.clear(); await w.go('#/explore/ops_metrics?range=24h'); await w.until('the chart', 'return document.querySelector("[aria-label=Preview] [aria-roledescription=chart]") !== null'); });
  await w.keep('explore-table', async () => {
    await w.click('Add panel');
    await w.script('[...document.querySelectorAll("button")].find((b) => b.innerText.includes("Drawn as"))?.focus()');
    await w.script('document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }))');
    await w.click('Table');
    await w.until('the table', 'return document.querySelector("[aria-label=Preview] table tbody tr") !== null');
  });
  await w.keep('newtab', async () => { await w.go('#/newtab'); await w.see('usage_logs'); });
  await w.keep('newtab-numbers', async () => { await w.click('public.usage_logs'); await w.until('the numbers', 'return /The newest .* before/.test(document.body.innerText)'); });
  await w.keep('recompute', async () => { await w.go('#/rollups/ops_metrics'); await w.click('Recompute…'); await w.click('Last 7 days'); await w.until('a preview', 'return /Recompute [0-9]/.test(document.body.innerText)'); });
  await w.keep('show-sql', async () => { await w.clear(); await w.go('#/rollups/ops_metrics'); await w.click('Show SQL'); await w.see('create table'); });
  await w.keep('schedule', async () => { await w.clear(); await w.go('#/rollups/ops_metrics'); await w.click('Schedule'); await w.see('cron.schedule'); });
  await w.keep('audit', async () => { await w.clear(); await w.go('#/rollups/ops_metrics'); await w.key('k', { ctrlKey: true }); await w.until('the palette', 'return document.querySelector("[role=combobox]") !== null'); await w.fill('[role=dialog] [role=combobox]', 'audit ops'); await w.key('Enter'); await w.see('0 differences'); });
  await w.keep('connection-form', async () => {
    await w.clear();
    await w.go('#/settings');
    await w.click('New connection');
    await w.until('the form', 'return document.querySelector("[role=dialog] input") !== null');
    await w.fill('[role=dialog] input', 'postgres://dash@db-eu.internal/gateway');
    await w.see('the default for another machine');
  });
  await w.keep('connection-test', async () => { await w.clear(); await w.go('#/settings'); await w.click('Test'); await w.until('the result', 'return /median of 5|no connection/.test(document.body.innerText)'); });
  await w.keep('zone-picker', async () => { await w.go('#/settings'); await w.fill('input[role=combobox]', 'ist'); await w.see('Kolkata'); });
  await w.keep('palette', async () => { await board(w, 'range=24h'); await w.key('k', { ctrlKey: true }); await w.until('the palette', 'return document.querySelector("[role=dialog] [role=combobox]") !== null'); });
  await w.keep('palette-search', async () => { await w.fill('[role=dialog] [role=combobox]', 'rec'); await w.see('America/Recife'); });
  await w.keep('keys', async () => { await w.clear(); await w.key('?'); await w.see('Crosshair off'); });
  await w.keep('range-picker', async () => { await board(w, 'range=24h'); await w.key('t'); await w.see('Yesterday'); });
}

/** Before there is anything: the first start, and a server that can't be reached. */
export async function start(w) {
  await w.keep('start', () => w.see('Your own database'));
  await w.keep('start-connection', async () => { await w.click('New connection'); await w.until('the form', 'return document.querySelector("[role=dialog] input") !== null'); });
  await w.clear();
  await w.keep('no-connection', async () => { await w.fill('form input', 'postgres://dash@127.0.0.1:1/gateway'); await w.click('Connect'); await w.see("can't be reached"); });
}

export async function firstStart(w) {
  await w.keep('first-start', async () => { await w.click('Open the demo'); await w.until('some of it', 'return Number(document.querySelector("[role=progressbar]")?.getAttribute("aria-valuenow") ?? 0) > 8'); }, { busy: true });
}

export async function viewer(w) {
  await w.keep('viewer', () => board(w, 'range=24h'));
  await w.keep('viewer-rollups', async () => { await w.go('#/rollups/ops_metrics'); await w.see('needs tidemark_operator'); await w.see('Recent runs'); });
  await w.keep('viewer-rows', async () => { await board(w, 'range=24h'); await crosshair(w, 2); await w.key('Enter'); await w.see('may not read'); });
}

/** Through a proxy that goes silent, then cuts. */
export async function lost(w, proxy) {
  await w.keep('loading', async () => {
    await w.until('the numbers', BOARD, '');
    proxy.hush();
    // A board that was not open yet.
    await w.go('#/board/task_usage');
    await w.until('the skeleton', 'return document.querySelector(".sk") !== null');
  }, { busy: true });
}

export async function cut(w, proxy) {
  await w.keep('lost', async () => { await board(w, 'range=24h'); proxy.cut(); await w.see('Disconnected since'); await w.see('Stale'); });
  await w.keep('lost-rollups', async () => { await w.go('#/rollups'); await w.see('Disconnected'); });
}

export async function building(w) {
  await w.keep('job-running', async () => { await w.go('#/jobs'); await w.see('Paused'); await w.see('Cancelled'); await w.until('the bars', 'return document.querySelector("section .strip svg") !== null'); });
  await w.keep('pending', () => board(w, 'range=-60d..now&grain=day&mode=rollup-only'));
}

export async function frozen(w) {
  await w.keep('frozen', () => board(w, 'range=-60d..now&grain=day'));
  await w.keep('frozen-rollup', async () => { await w.go('#/rollups/ops_metrics'); await w.see('frozen before'); });
}

export async function broken(w) {
  await w.keep('not-trusted', async () => { await board(w, 'range=24h'); await w.see('Not trusted'); });
  await w.keep('not-trusted-rollup', async () => { await w.go('#/rollups/ops_metrics'); await w.see('Put capture right'); });
}

/** One board of another database. */
export const only = (scene, query) => (w) => w.keep(scene, () => board(w, query));
