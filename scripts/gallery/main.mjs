// Keeps a picture of every screen and state of the real window. Started by gallery.sh.
//
//   node scripts/gallery/main.mjs OUT DEMO_URL
//
// Each session is one start of the app with a home of its own: a theme, a scale, a database in some state (state.sh).
// In it, every scene is opened, waited for until it shows what it should, and pictured in each size.

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { proxy } from './proxy.mjs';
import * as scenes from './scenes.mjs';
import { failures, taken, wanted, Window } from './window.mjs';

const [out, demo] = process.argv.slice(2);
const STATE = join(dirname(fileURLToPath(import.meta.url)), 'state.sh');
const place = new URL(demo.replace(/^postgres:/, 'http:').replace('///', '//x/'));
const [host, port, user] = ['host', 'port', 'user'].map((key) => place.searchParams.get(key));
const at = (database) => demo.replace(/^postgres:\/\/\/[^?]*/, `postgres:///${database}`);
const VIEWER = `${demo}&options=-c%20role%3Dgallery_viewer`;

function state(name) {
  const { status, stderr } = spawnSync(STATE, [name, demo], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`state ${name}: ${stderr}`);
}

const ago = (minutes) => new Date(Date.now() - minutes * 60_000).toISOString().slice(0, 19);
const connections = () => `[connections.demo]\nhost = "${host}"\nport = ${port ?? 5432}\ndatabase = "${place.pathname.slice(1)}"\nuser = "${user}"\ncolour = "blue"
[connections.prod-eu]\nhost = "db-eu.internal"\ndatabase = "gateway"\nuser = "dash"\ncolour = "magenta"\nread_only = true\nlast_used = "${ago(12)}Z"
[connections.staging]\nhost = "stage.internal"\ndatabase = "gateway"\nuser = "dash"\ntls = "require"\ncolour = "ochre"\nlast_used = "${ago(4000)}Z"\n`;
const QUIET = 'tick_while_open = false\n';

/** Scenes that are left out are not prepared for either. */
async function session({ names, before = [], ...start }, show) {
  if (!names.some(wanted)) return;
  let window;
  try {
    for (const name of before) state(name);
    window = await Window.open({ out, scale: 1, ...start });
    await show(window);
  } catch (error) {
    failures.push(`${names[0]} and what follows (${start.theme}): ${error.message}`);
  } finally {
    await window?.close();
  }
}

async function behindProxy(theme, names, show) {
  if (!names.some(wanted)) return;
  const between = await proxy(`${host}/.s.PGSQL.${port ?? 5432}`);
  const url = `postgres://${user}@127.0.0.1:${between.port}/${place.pathname.slice(1)}?sslmode=disable`;
  await session({ names, url, theme, settings: QUIET }, (w) => show(w, between));
  between.close();
}

const PAGES = ['overview', 'overview-tooltip', 'rollups', 'rollup-open', 'jobs', 'settings'];
const MORE = ['overview-1h', 'overview-7d', 'overview-30d', 'overview-one-platform', 'overview-25-hours', 'overview-no-rows', 'rows', 'explore', 'explore-table', 'newtab', 'newtab-numbers', 'recompute', 'show-sql', 'audit', 'connection-form', 'connection-test', 'zone-picker', 'palette', 'palette-search', 'keys', 'range-picker'];

/** The last app may still be writing into its home on its way out; what it leaves goes with the next run. */
function forget() {
  try {
    rmSync(join(out, '.home'), { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  } catch (error) {
    console.error(`  left behind: ${error.path}`);
  }
}

mkdirSync(out, { recursive: true });
forget();
for (const theme of ['light', 'dark']) {
  console.error(`${theme}:`);
  const settings = connections();
  await session({ names: PAGES, before: ['outage'], profile: 'demo', theme, settings }, scenes.pages);
  await session({ names: PAGES, before: ['outage'], profile: 'demo', theme, scale: 2, settings }, scenes.pages);
  await session({ names: MORE, before: ['outage'], profile: 'demo', theme, settings }, scenes.more);
  await session({ names: ['viewer', 'viewer-rollups', 'viewer-rows'], before: ['calm'], url: VIEWER, theme }, scenes.viewer);
  await behindProxy(theme, ['loading'], scenes.lost);
  await behindProxy(theme, ['lost', 'lost-rollups'], scenes.cut);
  await session({ names: ['start', 'no-connection'], theme, settings }, scenes.start);
  await session({ names: ['first-start'], theme, environment: { TIDEMARK_DATA_DIR: `${process.env.TIDEMARK_DATA_DIR}-first` } }, scenes.firstStart);
  rmSync(`${process.env.TIDEMARK_DATA_DIR}-first`, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
  await session({ names: ['before-anything-is-created'], before: ['plain'], url: at('gallery_plain'), theme }, (w) => w.keep('before-anything-is-created', () => w.see('Before anything is created')));
  await session({ names: ['no-table-of-ours'], before: ['empty'], url: at('gallery_empty'), theme }, (w) => w.keep('no-table-of-ours', () => w.see('A table of your own')));
  await session({ names: ['platforms-40'], before: ['many'], url: at('gallery_many'), theme }, scenes.only('platforms-40', 'range=24h'));
  await session({ names: ['platforms-none'], before: ['unnamed'], url: at('gallery_unnamed'), theme }, scenes.only('platforms-none', 'range=24h'));
  await session({ names: ['one-row'], before: ['one'], url: at('gallery_one'), theme }, scenes.only('one-row', 'range=24h'));
  await session({ names: ['no-rows-at-all'], before: ['no-rows'], url: at('gallery_no_rows'), theme }, scenes.only('no-rows-at-all', 'range=24h'));
  const states = { url: at('gallery_states'), theme, settings: QUIET };
  const late = ['frozen', 'frozen-rollup', 'not-trusted', 'not-trusted-rollup'];
  await session({ names: ['job-running', 'pending', ...late], before: ['building'], ...states }, scenes.building);
  await session({ names: late, before: ['frozen'], ...states }, scenes.frozen);
  await session({ names: late.slice(2), before: ['broken'], ...states }, scenes.broken);
}

const all = [...new Set(taken.map((t) => t.scene))];
const text = (s) => s.replace(/[&<"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '"': '&quot;' })[c]);
const figures = (scene) => taken.filter((t) => t.scene === scene).map((t) => `<figure><a href="${text(t.name)}"><img loading="lazy" src="${text(t.name)}" alt="${text(`${scene}, ${t.size}, ${t.theme}`)}"></a><figcaption>${text(`${t.size}, ${t.theme}`)}</figcaption></figure>`).join('\n');
writeFileSync(join(out, 'index.html'), `<!doctype html><html lang="en"><meta charset="utf-8"><title>Tidemark, every screen</title>
<style>body{font:14px/1.5 system-ui,sans-serif;margin:24px;background:#8882}section{margin-bottom:32px}div{display:flex;flex-wrap:wrap;gap:12px;align-items:end}figure{margin:0}img{width:440px;border:1px solid #8886;display:block}figcaption{font-size:12px}</style>
<h1>Tidemark, every screen</h1><p>${taken.length} pictures of the real window on demo data, ${new Date().toISOString().slice(0, 16)} UTC.</p>
${all.map((s) => `<section id="${text(s)}"><h2>${text(s)}</h2><div>\n${figures(s)}</div></section>`).join('\n')}</html>\n`);
forget();
for (const failure of failures) console.error(`FAILED  ${failure}`);
console.error(`${taken.length} pictures of ${all.length} screens, ${failures.length} failed: ${join(out, 'index.html')}`);
process.exitCode = failures.length === 0 ? 0 : 1;
