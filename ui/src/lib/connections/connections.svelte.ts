/** The connections of the settings, and what tests of them found. */

import type { Connection } from '../api/Connection';
import type { ConnectionList } from '../api/ConnectionList';
import type { ConnectionTest } from '../api/ConnectionTest';
import type { Colour } from '../api/Colour';
import type { Profile } from '../api/Profile';
import { call, toAppError } from '../ipc';
import type { AppError } from '../types';
import { toasts } from '../state/toasts.svelte';

export type Tested = { at: number; result: ConnectionTest } | { at: number; error: AppError };

/** Which custom property of tokens.css a colour is. */
export const COLOURS: Record<Colour, { token: string; label: string }> = {
  magenta: { token: 'var(--env-1)', label: 'Production' },
  ochre: { token: 'var(--env-2)', label: 'Staging' },
  blue: { token: 'var(--env-3)', label: 'Development' },
  grey: { token: 'var(--env-4)', label: 'Other' },
};

export function colourOf(colour: Colour | null | undefined): string {
  return colour == null ? 'var(--env-4)' : COLOURS[colour].token;
}

export const EMPTY: Profile = { host: null, port: null, database: null, user: null, service: null, tls: null, ca: null, certificate: null, key: null, colour: null, read_only: false, password: 'elsewhere', last_used: null };

class Connections {
  list = $state.raw<Connection[]>([]);
  default = $state<string | null>(null);
  file = $state('');
  error = $state.raw<AppError | null>(null);
  /** Why there is no keychain; null where there is one, or while nobody asked. */
  noKeychain = $state<string | null>(null);
  tested = $state.raw<Record<string, Tested>>({});
  testing = $state<string | null>(null);

  async read(): Promise<void> {
    try {
      this.take(await call('connections', {}));
    } catch (e) {
      this.error = toAppError(e);
    }
  }

  async readKeychain(): Promise<void> {
    try {
      this.noKeychain = await call('no_keychain', {});
    } catch (e) {
      this.noKeychain = toAppError(e).message;
    }
  }

  take(list: ConnectionList): void {
    this.list = list.connections;
    this.default = list.default;
    this.file = list.file;
    this.error = null;
  }

  async open(name: string, password: string | null = null): Promise<void> {
    await this.#try('Not possible now', async () => { await call('connect_profile', { name, password }); });
  }

  async makeDefault(name: string | null): Promise<void> {
    await this.#try('Not saved', async () => { this.take(await call('default_connection', { name })); });
  }

  async remove(name: string): Promise<void> {
    await this.#try('Not deleted', async () => {
      this.take(await call('delete_connection', { name }));
      toasts.show({ tone: 'ok', title: `Connection ${name} is deleted`, text: 'The database stays as it is.' });
    });
  }

  async test(name: string, profile: Profile): Promise<void> {
    this.testing = name;
    const tested = await probe(name, profile, null);
    this.tested = { ...this.tested, [name]: tested };
    this.testing = null;
  }

  async #try(title: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (e) {
      toasts.show({ tone: 'bad', title, text: toAppError(e).message });
    }
  }
}

/** Tries a connection, saved or not. */
export async function probe(name: string | null, profile: Profile, password: string | null): Promise<Tested> {
  try {
    return { at: Date.now(), result: await call('test_connection', { name, profile, password }) };
  } catch (e) {
    return { at: Date.now(), error: toAppError(e) };
  }
}

export const connections = new Connections();
