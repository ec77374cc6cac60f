// One start of the app under WebDriver: opened on a database, driven by addresses, clicks and keys, pictured.

import { mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Session, pause } from '../driver.mjs';

const BIN = process.env.TIDEMARK_BIN;
const ONLY = process.env.TIDEMARK_GALLERY_ONLY;
// A machine may have other things to do.
const PATIENCE = 180_000;
const SIZES = [[1000, 700], [1440, 900], [1920, 1080]];
let starts = 0;

export const taken = [];
export const failures = [];

/** Whether a scene was asked for. */
export const wanted = (scene) => ONLY === undefined || new RegExp(ONLY).test(scene);

export class Window {
  static async open({ out, url, profile, theme, scale, settings = '', environment = {} }) {
    // A home each: the app of the session before may still be on its way out of its own.
    const home = resolve(out, '.home', String(++starts));
    mkdirSync(join(home, '.config/tidemark'), { recursive: true });
    writeFileSync(join(home, '.config/tidemark/settings.toml'), `theme = "${theme}"\ntime_zone = "Europe/Berlin"\nrefresh_seconds = 0\n${settings}`);
    const args = profile !== undefined ? ['--profile', profile] : url === undefined ? [] : ['--database-url', url];
    const session = await Session.start({ application: join(BIN, 'tidemark-app'), args, environment: { HOME: home, GDK_SCALE: String(scale), ...environment }, patience: PATIENCE });
    return Object.assign(new Window(), { out, session, home, theme, scale });
  }

  script(script, ...args) { return this.session.script(script, ...args); }

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
  /** Closes whatever floats, so that the next scene begins on a bare page. */
  async clear() {
    for (let i = 0; i < 3 && (await this.script('return document.querySelector("[role=dialog], [role=menu]") !== null')); i++) {
      await this.key('Escape');
      await pause(250);
    }
    await this.script('document.activeElement?.blur()');
  }

  async picture(scene, width, height) {
    await this.script('for (const a of document.getAnimations()) if (a.effect?.getComputedTiming().iterations !== Infinity) a.finish()');
    await this.session.scriptAsync('const done = arguments[0]; document.fonts.ready.then(() => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 60))))');
    // WebKit gives a picture with the next thing that it paints, and on a page at rest it paints nothing.
    await this.script("const dot = document.createElement('i'); dot.id = 'painting'; dot.style.cssText = 'position:fixed;left:0;top:0;width:1px;height:1px;pointer-events:none'; document.body.append(dot); let n = 0; window.painting = setInterval(() => { dot.style.background = n++ % 2 ? '#00000001' : '#00000002'; }, 30)");
    const png = await this.session.ask('GET', `/screenshot`);
    await this.script("clearInterval(window.painting); document.getElementById('painting').remove()");
    const name = `${scene}-${width}x${height}${this.scale === 1 ? '' : `@${this.scale}`}-${this.theme}.png`;
    writeFileSync(join(this.out, name), Buffer.from(png, 'base64'));
    taken.push({ scene, size: `${width} × ${height}${this.scale === 1 ? '' : `, ${this.scale * 100} %`}`, theme: this.theme, name });
  }

  /** Shows a scene and keeps it in every size that this session has. `busy`: what is pictured is the waiting itself. */
  async keep(scene, show, { busy = false } = {}) {
    if (!wanted(scene)) return;
    const sizes = this.scale === 1 ? SIZES : [[1000, 700]];
    try {
      for (const [i, [width, height]] of sizes.entries()) {
        await this.session.ask('POST', `/window/rect`, { x: 0, y: 0, width, height });
        await this.until(`the size ${width}`, 'return Math.abs(innerWidth - arguments[0]) <= 2', width);
        if (i === 0) {
          // In the sidebar, on no link: what lies under the pointer looks chosen.
          await this.session.ask('POST', `/actions`, { actions: [{ type: 'pointer', id: 'mouse', actions: [{ type: 'pointerMove', duration: 0, x: 20, y: height - 200 }] }] });
          await show();
        }
        if (!busy) await this.until('things to come to rest', `return document.querySelector('[aria-busy=true]:not([role=status]), .sk, .outdated') === null`);
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
    await this.session.close().catch(() => undefined);
    await this.session.end();
    // The driver may leave the app behind, which would be one more ticker for the next session.
    for (const pid of readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name))) {
      try {
        if (readlinkSync(`/proc/${pid}/exe`) === realpathSync(join(BIN, 'tidemark-app')) && readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`HOME=${this.home}`)) process.kill(Number(pid), 'SIGTERM');
      } catch { /* it is gone, or another user's */ }
    }
  }
}
