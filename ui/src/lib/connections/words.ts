/** What the numbers and modes of a connection are called. */

import type { Aim } from '../api/Aim';
import type { PasswordFrom } from '../api/PasswordFrom';
import type { ConnectionState } from '../types';
import type { Clock } from '../time';
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

/** When a connection was opened last: minutes, then the time, the weekday, the date. */
export function lastUsed(ms: number, now: number, clock: Clock): string {
  const minutes = Math.floor((now - ms) / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes}\u202fmin ago`;
  if (clock.sameDay(ms, now)) return clock.time(ms);
  return now - ms < 6 * 86_400_000 ? clock.date(ms, now) : clock.shortDate(ms, now);
}

export const PASSWORDS: { value: PasswordFrom; label: string }[] = [
  { value: 'keychain', label: 'System keychain' },
  { value: 'ask', label: 'Ask each time' },
  { value: 'elsewhere', label: '.pgpass, PGPASSWORD, none' },
];
