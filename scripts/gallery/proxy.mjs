// Stands between the app and its database: passes on, goes silent, or cuts.

import { createConnection, createServer } from 'node:net';

/** `target` is the path of the server's socket. */
export async function proxy(target) {
  const open = new Set();
  let silent = false;
  let closed = false;
  const server = createServer((client) => {
    if (closed) { client.destroy(); return; }
    const upstream = createConnection(target);
    const pair = { client, upstream };
    open.add(pair);
    const end = () => { client.destroy(); upstream.destroy(); open.delete(pair); };
    for (const side of [client, upstream]) { side.on('error', end); side.on('close', end); }
    client.pipe(upstream);
    upstream.pipe(client);
    if (silent) upstream.pause();
  });
  await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
  return {
    port: server.address().port,
    /** Nothing comes back from the server any more; nobody is told. */
    hush() { silent = true; for (const { upstream, client } of open) { upstream.unpipe(client); upstream.pause(); } },
    cut() { closed = true; for (const { client, upstream } of open) { client.destroy(); upstream.destroy(); } },
    close() { this.cut(); server.close(); },
  };
}
