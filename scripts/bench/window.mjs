// Measures the real window through WebDriver, beside an empty one and beside the query. Started by scripts/bench.sh.
//
//   node scripts/bench/window.mjs URL [--repeats N] [--only WORD,…] [--json]

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session, pause } from '../driver.mjs';

const [url, ...flags] = process.argv.slice(2);
const json = flags.includes('--json');
const flag = (name) => (flags.includes(name) ? flags[flags.indexOf(name) + 1] : undefined);
const wants = (measure) => (flag('--only') ?? '').split(',').some((word) => measure.includes(word));
const BIN = process.env.TIDEMARK_BIN;
const APP = join(BIN, 'tidemark-app');
const EMPTY = join(BIN, 'examples/empty-window');
const ROUNDS = Number(flag('--repeats') ?? 5);
const PATIENCE = 60_000;
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Processes that were started with this home: the window's, and WebKit's children. */
function processes(home) {
  return readdirSync('/proc').filter((pid) => {
    try { return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`HOME=${home}`); } catch { return false; }
  }).map((pid) => ({ pid, name: readFileSync(`/proc/${pid}/comm`, 'latin1').trim() })).filter(({ name }) => !/driver/i.test(name));
}

/** Lets `work` have a window of a program, on a home of its own, and ends it. */
async function inWindow(program, args, work) {
  const home = mkdtempSync(join(tmpdir(), 'tidemark-bench-'));
  let session;
  try {
    session = await Session.start({ application: program, args, environment: { HOME: home, TZ: 'UTC', TIDEMARK_DATA_DIR: join(home, 'data') }, patience: PATIENCE });
    const until = async (what) => {
      for (const begun = Date.now(); !(await session.script(`return ${what}`));) {
        if (Date.now() - begun > PATIENCE) throw new Error(`waited in vain for: ${what}`);
        await pause(30);
      }
    };
    return await work({ home, session, until });
  } finally {
    // The driver answers before it has ended the window.
    for (const begun = Date.now(); processes(home).some(({ name }) => name.startsWith('tidemark') || name.startsWith('empty')) && Date.now() - begun < 3000;) await pause(30);
    await session?.end();
    for (const { pid } of processes(home)) try { process.kill(Number(pid), 'SIGKILL'); } catch { /* gone */ }
    rmSync(home, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** When a process began, in milliseconds since the epoch. */
function born(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const ticks = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
  return Date.now() - (Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) - ticks / 100) * 1000;
}

/** Proportional share of memory in MB: what is shared with other programs counts in part. */
function memory(home) {
  return processes(home).reduce((sum, { pid }) => {
    try { return sum + Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0) / 1024; } catch { return sum; }
  }, 0);
}

/** From the start of the process to the first paint, and what it holds once it has come to rest. */
function start(program, args, ready) {
  return inWindow(program, args, async ({ home, session, until }) => {
    await until("performance.getEntriesByName('first-contentful-paint').length > 0");
    const painted = await session.script("return performance.timeOrigin + performance.getEntriesByName('first-contentful-paint')[0].startTime");
    const window = processes(home).find(({ name }) => program.includes(name.slice(0, 12)));
    const paint = painted - born(window.pid);
    if (ready !== undefined) await until(ready);
    await pause(3000);
    const held = memory(home);
    await session.close();
    return { paint, held };
  });
}

async function starts() {
  const found = { app: [], empty: [] };
  for (let round = 0; round < ROUNDS; round++) {
    found.empty.push(await start(EMPTY, []));
    found.app.push(await start(APP, ['--database-url', url], "document.querySelector('.trust')?.innerText.includes('Exact')"));
  }
  return found;
}

/** In the page: reads the board again and again; gives the query's own milliseconds and those until its picture is drawn. */
const REFRESH = `
  const done = arguments[0];
  const { fetch } = window;
  const found = [];
  const frame = () => new Promise((next) => requestAnimationFrame(next));
  const settled = async () => { do await frame(); while (document.querySelector('.scroll[aria-busy=true]')); };
  (async () => {
    for (let n = 0; n < ${ROUNDS + 2}; n++) {
      await settled();
      await new Promise((next) => setTimeout(next, 300));
      const begun = performance.now();
      let given;
      window.fetch = async (address, ...rest) => {
        const response = await fetch(address, ...rest);
        // A copy, looked into when all is drawn.
        if (/localhost\\/boards$/.test(String(address))) given ??= response.clone();
        return response;
      };
      document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'r', bubbles: true }));
      while (given === undefined) await frame();
      await settled();
      await frame();
      const drawn = performance.now() - begun;
      window.fetch = fetch;
      const bytes = await given.arrayBuffer();
      // As src-tauri/src/packed.rs has it: a length, and so much JSON.
      const head = new TextDecoder().decode(new Uint8Array(bytes, 4, new DataView(bytes).getUint32(0, true)));
      found.push({ drawn, took: JSON.parse(head)[0].Ok.took_ms, bytes: bytes.byteLength });
    }
    done(found.slice(2));
  })();`;

function board() {
  return inWindow(APP, ['--database-url', url], async ({ session, until }) => {
    await until("document.querySelector('.trust')?.innerText.includes('Exact')");
    await session.script("location.hash = '#/board/hits?range=90d&grain=15m&compare=none'");
    await until("location.hash.includes('15m') && document.querySelector('.trust')?.innerText.includes('Exact') && !document.querySelector('.scroll[aria-busy=true]')");
    const found = await session.scriptAsync(REFRESH);
    await session.close();
    return found;
  });
}

/** Of pairs that were measured in turns. */
function line(measure, goal, ours, base, unit) {
  const ratios = ours.map((value, i) => value / base[i]).sort((a, b) => a - b);
  const ratio = median(ratios);
  return { measure, ratio, low: ratios[0], high: ratios.at(-1), goal, met: ratio <= goal, ours: median(ours), base: median(base), unit };
}

const WORDS = {
  app_first_paint: 'from the start of the process to the first paint | an empty Tauri window',
  app_memory: 'memory (PSS) of all its processes at rest, a board open | an empty Tauri window',
  app_board: 'what a refresh takes besides the query: asking, handing over, drawing | the query',
};
const lines = [];
if (wants('app_first_paint') || wants('app_memory')) {
  const { app, empty } = await starts();
  if (wants('app_first_paint')) lines.push(line('app_first_paint', 1.5, app.map((s) => s.paint), empty.map((s) => s.paint), 'ms'));
  if (wants('app_memory')) lines.push(line('app_memory', 1.3, app.map((s) => s.held), empty.map((s) => s.held), 'MB'));
}
if (wants('app_board')) {
  const found = await board();
  lines.push(line('app_board', 1.0, found.map((f) => f.drawn - f.took), found.map((f) => f.took), 'ms'));
}
const digits = (value) => Number(value.toPrecision(3));
if (json) {
  for (const { measure, ratio, low, high, goal, met } of lines) console.log(JSON.stringify({ measure, ratio: digits(ratio), low: digits(low), high: digits(high), goal, met }));
} else {
  console.log("## The window\n\nThe real window of 1440 × 900 under Xvfb, driven by WebDriver, beside an empty Tauri window (`src-tauri/examples/empty-window`) that is started in turn with it. The board has 90 days of quarter hours of ten series (8,640 buckets, a stack and ten lines); the query is the one that the refresh itself asks, as the app timed it.\n");
  console.log('| measure | what | beside | ours | theirs | ratio (low–high) | goal | |\n|---|---|---|---|---|---|---|---|');
  for (const l of lines) console.log(`| \`${l.measure}\` | ${WORDS[l.measure]} | ${digits(l.ours)} ${l.unit} | ${digits(l.base)} ${l.unit} | **${digits(l.ratio)} ×** (${digits(l.low)}–${digits(l.high)}) | ≤ ${l.goal} × | ${l.met ? 'met' : '**missed**'} |`);
  console.log('');
}
