// Drives the real window through WebDriver and keeps a picture of every screen and state. Started by gallery.sh.
//
//   node scripts/gallery.mjs OUT DEMO_URL VIEWER_URL EMPTY_URL PLAIN_URL
//
// Each session is one start of the app with a home of its own: a theme, a scale, a database. In it, every scene is
// opened by its address or by clicks, waited for until it shows what it should, and pictured in each size.

import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';

const [out, demo, viewer, empty, plain] = process.argv.slice(2);
const BIN = process.env.TIDEMARK_BIN;
const ONLY = process.env.TIDEMARK_GALLERY_ONLY;
const PATIENCE = 60_000;
const SIZES = [[1000, 700], [1440, 900], [1920, 1080]];
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const taken = [];
let starts = 0;

function freePort() {
  return new Promise((done) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => { done(port); }); });
  });
}

/** One start of the app. */
class Window {
  static async open({ url, profile, theme, scale, settings = '' }) {
    // A home each: the app of the session before may still be on its way out of its own.
    const home = resolve(out, '.home', String(++starts));
    mkdirSync(join(home, '.config/tidemark'), { recursive: true });
    writeFileSync(join(home, '.config/tidemark/settings.toml'), `theme = "${theme}"\ntime_zone = "Europe/Berlin"\nrefresh_seconds = 0\n${settings}`);
    const [port, native] = [await freePort(), await freePort()];
    const { XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_CACHE_HOME, DATABASE_URL, ...rest } = process.env;
    const environment = { ...rest, HOME: home, DBUS_SESSION_BUS_ADDRESS: 'disabled:', GDK_SCALE: String(scale), LIBGL_ALWAYS_SOFTWARE: '1', NO_AT_BRIDGE: '1' };
    const driver = spawn('tauri-driver', ['--port', String(port), '--native-port', String(native)], { env: environment, stdio: 'ignore' });
    const window = new Window();
    Object.assign(window, { driver, home, base: `http://127.0.0.1:${port}`, theme, scale });
    const args = profile !== undefined ? ['--profile', profile] : url === undefined ? [] : ['--database-url', url];
    const capabilities = { alwaysMatch: { 'tauri:options': { application: join(BIN, 'tidemark-app'), args } } };
    for (let tries = 0; ; tries++) {
      try {
        window.session = (await window.#ask('POST', '/session', { capabilities })).sessionId;
        return window;
      } catch (error) {
        if (tries > 40) { driver.kill('SIGTERM'); throw error; }
        await pause(250);
      }
    }
  }

  async #ask(method, path, body) {
    const answer = await fetch(this.base + path, { method, body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(PATIENCE) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(value?.message ?? answer.statusText);
    return value;
  }
  script(script, ...args) { return this.#ask('POST', `/session/${this.session}/execute/sync`, { script, args }); }

  async until(what, script, ...args) {
    const begun = Date.now();
    while (!(await this.script(script, ...args))) {
      if (Date.now() - begun > PATIENCE) throw new Error(`waited in vain for: ${what}`);
      await pause(60);
    }
  }
  see(text) { return this.until(text, 'return document.body.innerText.includes(arguments[0])', text); }
  go(address) { return this.script('location.hash = arguments[0]', address); }
  async click(name) {
    const find = `const named = [...document.querySelectorAll('button, a, [role=radio], [role=option], [role=menuitem]')].find((e) => !e.disabled && e.offsetParent !== null && [e.innerText?.trim(), e.getAttribute('aria-label')].some((n) => n === arguments[0] || n?.startsWith(arguments[0])));`;
    await this.until(`something called ${name}`, `${find} return named !== undefined`, name);
    await this.script(`${find} named.click()`, name);
  }
  key(key, more = {}) { return this.script(`(document.activeElement ?? document.body).dispatchEvent(new KeyboardEvent('keydown', { key: arguments[0], bubbles: true, cancelable: true, ...arguments[1] }))`, key, more); }
  fill(selector, text) { return this.script(`const e = document.querySelector(arguments[0]); e.focus(); e.value = arguments[1]; for (const type of ['input', 'change']) e.dispatchEvent(new Event(type, { bubbles: true }))`, selector, text); }

  async picture(scene, width, height) {
    await this.script('for (const a of document.getAnimations()) if (a.effect?.getComputedTiming().iterations !== Infinity) a.finish()');
    await this.#ask('POST', `/session/${this.session}/execute/async`, { script: 'const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60)))', args: [] });
    const png = await this.#ask('GET', `/session/${this.session}/screenshot`);
    const name = `${scene}-${width}x${height}${this.scale === 1 ? '' : `@${this.scale}`}-${this.theme}.png`;
    writeFileSync(join(out, name), Buffer.from(png, 'base64'));
    taken.push({ scene, size: `${width} × ${height}${this.scale === 1 ? '' : `, ${this.scale * 100} %`}`, theme: this.theme, name });
  }

  /** Shows a scene and keeps it in every size that this session has. */
  async keep(scene, show) {
    if (ONLY !== undefined && !new RegExp(ONLY).test(scene)) return;
    const sizes = this.scale === 1 ? SIZES : [[1000, 700]];
    try {
      for (const [i, [width, height]] of sizes.entries()) {
        await this.#ask('POST', `/session/${this.session}/window/rect`, { x: 0, y: 0, width, height });
        await this.until(`the size ${width}`, 'return Math.abs(innerWidth - arguments[0]) <= 2', width);
        if (i === 0) {
          // In the sidebar, on no link: what lies under the pointer looks chosen.
          await this.#ask('POST', `/session/${this.session}/actions`, { actions: [{ type: 'pointer', id: 'mouse', actions: [{ type: 'pointerMove', duration: 0, x: 20, y: height - 200 }] }] });
          await show();
        }
        await this.until('things to come to rest', `return document.querySelector('[aria-busy=true]:not([role=status]), .sk') === null`);
        await this.picture(scene, width, height);
      }
      console.error(`  ${scene}`);
    } catch (error) {
      failures.push(`${scene} (${this.theme}, ${this.scale * 100} %): ${error.message}`);
      console.error(`  ${scene}: ${error.message}`);
      await this.picture(`failed-${scene}`, 0, 0).catch(() => undefined);
    }
  }

  async close() {
    await this.#ask('DELETE', `/session/${this.session}`).catch(() => undefined);
    this.driver.kill('SIGTERM');
    await new Promise((done) => { this.driver.once('exit', done); });
    // The driver may leave the app behind, which would be one more ticker for the next session.
    for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
      try {
        if (readlinkSync(`/proc/${pid}/exe`) === realpathSync(join(BIN, 'tidemark-app')) && readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`HOME=${this.home}`)) process.kill(Number(pid), 'SIGTERM');
      } catch { /* it is gone, or another user's */ }
    }
  }
}

const failures = [];
const BOARD = 'return /Nothing is wrong|limit/.test(document.querySelector("main")?.innerText ?? "") && document.querySelector(".tile [data-measure]") !== null && /Exact|Pending|Frozen/.test(document.querySelector(".trust")?.innerText ?? "")';

async function board(w, address) {
  await w.go(address);
  await w.until('the numbers', BOARD);
}

async function demoScenes(w, full) {
  const ops = '#/board/ops_metrics';
  await w.keep('overview', () => board(w, `${ops}?range=24h`));
  await w.keep('overview-tooltip', async () => {
    await board(w, `${ops}?range=24h`);
    await w.script('document.querySelector("[aria-roledescription=chart]").focus()');
    for (let i = 0; i < 6; i++) await w.key('ArrowLeft');
    await w.until('the tooltip', 'return document.querySelector(".tip") !== null');
  });
  await w.keep('rollups', async () => { await w.key('Escape'); await w.go('#/rollups'); await w.see('healthy'); });
  await w.keep('rollup-open', async () => { await w.go('#/rollups/ops_metrics'); await w.see('Recent runs'); });
  await w.keep('jobs', async () => { await w.go('#/jobs'); await w.see('History'); });
  await w.keep('settings', async () => { await w.go('#/settings'); await w.see('prod-eu'); });
  if (!full) return;
  for (const range of ['1h', '7d', '30d']) await w.keep(`overview-${range}`, () => board(w, `${ops}?range=${range}`));
  await w.keep('overview-one-platform', () => board(w, `${ops}?range=24h&only=openai`));
  await w.keep('overview-no-rows', async () => { await w.go(`${ops}?range=2020-01-01..2020-01-02`); await w.see('No rows in this range'); });
  await w.keep('rows', async () => {
    await board(w, `${ops}?range=24h`);
    await w.script('document.querySelector("[aria-roledescription=chart]").focus()');
    for (let i = 0; i < 3; i++) await w.key('ArrowLeft');
    await w.key('Enter');
    await w.see('Rows');
  });
  await w.keep('explore', async () => { await w.go('#/explore/ops_metrics?range=24h'); await w.until('the chart', 'return document.querySelector("[aria-label=Preview] [aria-roledescription=chart]") !== null'); });
  await w.keep('explore-table', async () => {
    await w.click('Add panel');
    await w.script('[...document.querySelectorAll("button")].find((b) => b.innerText.includes("Drawn as"))?.focus()');
    await w.script('document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }))');
    await w.click('Table');
    await w.until('the table', 'return document.querySelector("[aria-label=Preview] table tbody tr") !== null');
  });
  await w.keep('newtab', async () => { await w.go('#/newtab'); await w.see('usage_logs'); });
  await w.keep('newtab-numbers', async () => { await w.click('public.usage_logs'); await w.until('the numbers', 'return /The newest .* before/.test(document.body.innerText)'); });
  await w.keep('recompute', async () => { await w.go('#/rollups/ops_metrics'); await w.click('Recompute…'); await w.until('a preview', 'return /Recompute [0-9]/.test(document.body.innerText)'); });
  await w.keep('show-sql', async () => { await w.click('Cancel'); await w.click('Show SQL'); await w.see('create table'); });
  await w.keep('connection-form', async () => {
    await w.go('#/settings');
    await w.click('Close').catch(() => undefined);
    await w.click('New connection');
    await w.until('the form', 'return document.querySelector("[role=dialog] input") !== null');
    await w.fill('[role=dialog] input', 'postgres://dash@db-eu.internal/gateway');
    await w.see('the default for another machine');
  });
  await w.keep('connection-test', async () => { await w.click('Cancel'); await w.click('Test'); await w.until('the result', 'return /median of 5|no connection/.test(document.body.innerText)'); });
  await w.keep('zone-picker', async () => { await w.fill('input[role=combobox]', 'ist'); await w.see('Kolkata'); });
  await w.keep('palette', async () => { await board(w, `${ops}?range=24h`); await w.key('k', { ctrlKey: true }); await w.until('the palette', 'return document.querySelector("[role=dialog] [role=combobox]") !== null'); });
  await w.keep('keys', async () => { await w.key('Escape'); await w.script('document.activeElement?.blur()'); await w.key('?'); await w.until('the help', 'return document.querySelector("[role=dialog]") !== null'); });
}

const connections = (url) => {
  const at = new URL(url.replace(/^postgres:/, 'http:').replace('///', '//x/'));
  const [host, port, user] = ['host', 'port', 'user'].map((key) => at.searchParams.get(key));
  return `[connections.demo]\nhost = "${host}"\nport = ${port ?? 5432}\ndatabase = "${at.pathname.slice(1)}"\nuser = "${user}"\ncolour = "blue"\n[connections.prod-eu]\nhost = "db-eu.internal"\ndatabase = "gateway"\nuser = "dash"\ncolour = "magenta"\nread_only = true\n[connections.staging]\nhost = "stage.internal"\ndatabase = "gateway"\nuser = "dash"\ntls = "require"\ncolour = "ochre"\n`;
};

async function session(start, scenes) {
  let window;
  try {
    window = await Window.open(start);
    await scenes(window);
  } catch (error) {
    failures.push(`a session (${start.theme}): ${error.message}`);
  } finally {
    await window?.close();
  }
}

mkdirSync(out, { recursive: true });
rmSync(join(out, '.home'), { recursive: true, force: true, maxRetries: 10 });
for (const theme of ['light', 'dark']) {
  const settings = connections(demo);
  console.error(`${theme}:`);
  await session({ profile: 'demo', theme, scale: 1, settings }, (w) => demoScenes(w, true));
  await session({ profile: 'demo', theme, scale: 2, settings }, (w) => demoScenes(w, false));
  await session({ theme, scale: 1, settings }, async (w) => {
    await w.keep('start', () => w.see('Your own database'));
    await w.keep('no-connection', async () => { await w.fill('form input', 'postgres://dash@127.0.0.1:1/gateway'); await w.click('Connect'); await w.see("can't be reached"); });
  });
  await session({ url: plain, theme, scale: 1 }, (w) => w.keep('before-anything-is-created', () => w.see('Before anything is created')));
  await session({ url: empty, theme, scale: 1 }, (w) => w.keep('no-rollup', () => w.until('a page', 'return document.body.innerText.length > 80')));
  await session({ url: viewer, theme, scale: 1 }, async (w) => {
    await w.keep('viewer', () => board(w, '#/board/ops_metrics?range=24h'));
    await w.keep('viewer-rollups', async () => { await w.go('#/rollups/ops_metrics'); await w.see('needs tidemark_operator'); });
  });
}
rmSync(join(out, '.home'), { recursive: true, force: true, maxRetries: 10 });

const scenes = [...new Set(taken.map((t) => t.scene))];
const text = (s) => s.replace(/[&<"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '"': '&quot;' })[c]);
const figures = (scene) => taken.filter((t) => t.scene === scene).map((t) => `<figure><a href="${text(t.name)}"><img loading="lazy" src="${text(t.name)}" alt="${text(`${scene}, ${t.size}, ${t.theme}`)}"></a><figcaption>${text(`${t.size}, ${t.theme}`)}</figcaption></figure>`).join('\n');
writeFileSync(join(out, 'index.html'), `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tidemark, every screen</title>
<style>body{font:14px/1.5 system-ui,sans-serif;margin:24px;background:#8882}section{margin-bottom:32px}div{display:flex;flex-wrap:wrap;gap:12px;align-items:end}figure{margin:0}img{width:440px;border:1px solid #8886;display:block}figcaption{font-size:12px}</style>
<h1>Tidemark, every screen</h1><p>${taken.length} pictures of the real window on demo data, ${new Date().toISOString().slice(0, 16)} UTC.</p>
${scenes.map((s) => `<section id="${text(s)}"><h2>${text(s)}</h2><div>\n${figures(s)}</div></section>`).join('\n')}</html>\n`);
for (const failure of failures) console.error(`FAILED  ${failure}`);
console.error(`${taken.length} pictures of ${scenes.length} screens, ${failures.length} failed: ${join(out, 'index.html')}`);
process.exitCode = failures.length === 0 ? 0 : 1;
