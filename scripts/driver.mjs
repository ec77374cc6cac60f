// A program with a window under WebDriver, by tauri-driver: started, asked, ended. Gallery and benchmarks drive it with this.

import { spawn } from 'node:child_process';
import { createServer } from 'node:net';

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function freePort() {
  return new Promise((done) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => { done(port); }); });
  });
}

export class Session {
  /** `environment` goes on top of this process's own, of which what would lead to its home or database is left out. */
  static async start({ application, args = [], environment, patience }) {
    const [port, native] = [await freePort(), await freePort()];
    const { XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_CACHE_HOME, DATABASE_URL, ...rest } = process.env;
    const env = { ...rest, DBUS_SESSION_BUS_ADDRESS: 'disabled:', LIBGL_ALWAYS_SOFTWARE: '1', NO_AT_BRIDGE: '1', ...environment };
    const session = new Session();
    session.driver = spawn('tauri-driver', ['--port', String(port), '--native-port', String(native)], { env, stdio: 'ignore' });
    Object.assign(session, { base: `http://127.0.0.1:${port}/session`, patience });
    const capabilities = { alwaysMatch: { 'tauri:options': { application, args } } };
    for (let tries = 0; ; tries++) {
      try {
        const { sessionId } = await session.ask('POST', '', { capabilities });
        session.base += `/${sessionId}`;
        return session;
      } catch (error) {
        if (tries > 40) { session.driver.kill('SIGTERM'); throw error; }
        await pause(250);
      }
    }
  }

  async ask(method, path, body) {
    const answer = await fetch(this.base + path, { method, body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(this.patience) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(value?.message ?? answer.statusText);
    return value;
  }

  script(script, ...args) { return this.ask('POST', '/execute/sync', { script, args }); }
  /** `arguments[0]` of the script takes its answer. */
  scriptAsync(script) { return this.ask('POST', '/execute/async', { script, args: [] }); }
  close() { return this.ask('DELETE', ''); }

  /** Ends the driver; the program may outlive it. */
  async end() {
    if (this.driver.exitCode !== null) return;
    this.driver.kill('SIGTERM');
    await new Promise((done) => { this.driver.once('exit', done); });
  }
}
