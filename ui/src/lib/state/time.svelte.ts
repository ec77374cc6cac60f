/** The server's clock, as far as this machine knows it, ticking once a second. */

class ServerTime {
  /** Server minus this machine, in milliseconds. */
  skew = $state(0);
  #local = $state(Date.now());

  constructor() {
    setInterval(() => { this.#local = Date.now(); }, 1000);
  }

  get now(): number {
    return this.#local + this.skew;
  }

  hear(serverMs: number): void {
    this.skew = serverMs - Date.now();
    this.#local = Date.now();
  }
}

export const serverTime = new ServerTime();
