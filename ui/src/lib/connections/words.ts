/** What the numbers and modes of a connection are called. */

import type { Aim } from '../api/Aim';
import type { PasswordFrom } from '../api/PasswordFrom';
import type { ConnectionState } from '../types';
import { colourOf } from './connections.svelte';

/** The TLS mode in effect, and why it is that. */
export function tlsWords(aim: Aim): string {
  switch (aim.tls_reason) {
    case 'socket': return 'socket';
    case 'asked': return `${aim.tls}, as asked`;
    case 'remote': return `${aim.tls}, the default for another machine`;
    case 'this_machine': return `${aim.tls}, the default on this machine`;
  }
}

/** The window’s frame: the connection’s colour; a database that nobody gave a colour may be production. */
export function frameColour(state: ConnectionState, demo: boolean): string {
  if (state.colour !== null) return colourOf(state.colour);
  return demo ? 'var(--env-3)' : state.profile === null ? 'var(--env-1)' : 'var(--env-4)';
}

/** Whether somebody in between could read along, or answer in the server's place. */
export function weakTls(aim: Aim): boolean {
  const here = /^(localhost|127\.0\.0\.1|\[?::1\]?):/.test(aim.server);
  return !here && aim.tls_reason === 'asked' && aim.tls !== 'verify-full';
}

export const PASSWORDS: { value: PasswordFrom; label: string }[] = [
  { value: 'keychain', label: 'System keychain' },
  { value: 'ask', label: 'Ask each time' },
  { value: 'elsewhere', label: '.pgpass, PGPASSWORD, none' },
];
