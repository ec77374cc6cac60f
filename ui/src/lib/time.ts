/** Instants as the viewer reads them. Buckets carry their own local time and offset from the core; this is for all other instants. */

import type { BoardBucket } from './api/BoardBucket';
import type { Grain } from './api/Grain';
import type { WeekStart } from './api/WeekStart';

const MINUS = '\u2212';
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];

export interface Local {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  weekday: number;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(tz: string): Intl.DateTimeFormat {
  let f = formatters.get(tz);
  if (f === undefined) {
    f = new Intl.DateTimeFormat('en-GB', {
      timeZone: tz, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
    });
    formatters.set(tz, f);
  }
  return f;
}

export function isZone(tz: string): boolean {
  try {
    formatter(tz);
    return true;
  } catch {
    return false;
  }
}

export function local(ms: number, tz: string): Local {
  const p: Record<string, number> = {};
  for (const part of formatter(tz).formatToParts(ms)) p[part.type] = Number(part.value);
  const year = p['year'] ?? 0;
  const month = p['month'] ?? 1;
  const day = p['day'] ?? 1;
  return { year, month, day, hour: p['hour'] ?? 0, minute: p['minute'] ?? 0, second: p['second'] ?? 0, weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay() };
}

/** Minutes east of UTC. */
export function offsetMinutes(ms: number, tz: string): number {
  const l = local(ms, tz);
  const whole = Math.floor(ms / 1000) * 1000;
  return Math.round((Date.UTC(l.year, l.month - 1, l.day, l.hour, l.minute, l.second) - whole) / 60000);
}

/** The local time that an RFC 3339 text spells out, whatever its offset. */
export function spelled(rfc: string): Local {
  const m = /^(-?\d+)-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d))?/.exec(rfc);
  const n = (i: number): number => Number(m?.[i] ?? 0);
  return { year: n(1), month: n(2), day: n(3), hour: n(4), minute: n(5), second: n(6), weekday: new Date(Date.UTC(n(1), n(2) - 1, n(3))).getUTCDay() };
}

/** `+01:00`, from an RFC 3339 text. */
export function spelledOffset(rfc: string): string {
  const m = /([+-]\d\d:\d\d|Z)$/.exec(rfc);
  const o = m?.[1] ?? '';
  return o === 'Z' ? '+00:00' : o.replace('-', MINUS);
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}

export function offsetText(minutes: number): string {
  const abs = Math.abs(minutes);
  const h = Math.floor(abs / 60);
  const m = abs % 60;
  return `UTC${minutes < 0 ? MINUS : '+'}${h}${m === 0 ? '' : `:${two(m)}`}`;
}

/** `+05:30` as `UTC+5:30`. */
export function offsetWord(offset: string): string {
  const minutes = offsetSpelled(offset);
  return minutes === null ? offset : offsetText(minutes);
}

/** `+05:30` as minutes east of UTC. */
function offsetSpelled(offset: string): number | null {
  const m = /^([+-])(\d\d):(\d\d)/.exec(offset);
  return m === null ? null : (m[1] === '-' ? -1 : 1) * (Number(m[2]) * 60 + Number(m[3]));
}

/** Time and day where clocks are `+05:30` from UTC. */
export function clockAt(offset: string, ms: number, h24: boolean): { time: string; day: string } {
  const at = ms + (offsetSpelled(offset) ?? 0) * 60_000;
  const clock = new Clock('UTC', h24);
  return { time: clock.time(at), day: clock.date(at, at) };
}

export function offsetColon(minutes: number): string {
  const abs = Math.abs(minutes);
  return `${minutes < 0 ? MINUS : '+'}${two(Math.floor(abs / 60))}:${two(abs % 60)}`;
}

/** How this viewer reads time: a zone and a clock. */
export class Clock {
  constructor(readonly tz: string, readonly h24: boolean) {}

  private hm(l: Local, seconds: boolean): string {
    const tail = seconds ? `:${two(l.second)}` : '';
    if (this.h24) return `${two(l.hour)}:${two(l.minute)}${tail}`;
    return `${((l.hour + 11) % 12) + 1}:${two(l.minute)}${tail}\u202f${l.hour < 12 ? 'am' : 'pm'}`;
  }

  time(ms: number): string {
    return this.hm(local(ms, this.tz), false);
  }

  midnight(ms: number): boolean {
    const l = local(ms, this.tz);
    return l.hour === 0 && l.minute === 0 && l.second === 0;
  }

  timeSeconds(ms: number): string {
    return this.hm(local(ms, this.tz), true);
  }

  spelledTime(rfc: string): string {
    return this.hm(spelled(rfc), false);
  }

  spelledSeconds(rfc: string): string {
    return this.hm(spelled(rfc), true);
  }

  private dmy(l: Local, now: number, withDay: boolean): string {
    const year = l.year === local(now, this.tz).year ? '' : ` ${l.year}`;
    return `${withDay && year === '' ? `${DAYS[l.weekday] ?? ''} ` : ''}${l.day} ${MONTHS[l.month - 1] ?? ''}${year}`;
  }

  /** `Mon 26 Oct`; the year instead of the weekday where it is not this one. */
  date(ms: number, now: number): string {
    return this.dmy(local(ms, this.tz), now, true);
  }

  shortDate(ms: number, now: number): string {
    return this.dmy(local(ms, this.tz), now, false);
  }

  fullDate(ms: number): string {
    const l = local(ms, this.tz);
    return `${l.day} ${MONTHS[l.month - 1] ?? ''} ${l.year}`;
  }

  spelledDate(rfc: string, now: number): string {
    return this.dmy(spelled(rfc), now, true);
  }

  dateTime(ms: number, now: number): string {
    return `${this.shortDate(ms, now)} ${this.time(ms)}`;
  }

  /** Time alone today, with its date otherwise. */
  when(ms: number, now: number): string {
    return this.sameDay(ms, now) ? this.time(ms) : this.dateTime(ms, now);
  }

  whenSeconds(ms: number, now: number): string {
    return this.sameDay(ms, now) ? this.timeSeconds(ms) : `${this.shortDate(ms, now)} ${this.time(ms)}`;
  }

  /** `today`, `yesterday` or the date. */
  dayWord(ms: number, now: number): string {
    if (this.sameDay(ms, now)) return 'today';
    if (this.sameDay(ms + 86_400_000, now)) return 'yesterday';
    return this.date(ms, now);
  }

  sameDay(a: number, b: number): boolean {
    const x = local(a, this.tz);
    const y = local(b, this.tz);
    return x.year === y.year && x.month === y.month && x.day === y.day;
  }

  offset(ms: number): string {
    return offsetText(offsetMinutes(ms, this.tz));
  }

  /** `Europe/Berlin (UTC+1)`. */
  zone(ms: number): string {
    return this.tz === 'UTC' || this.tz === 'Etc/UTC' ? 'UTC' : `${this.tz.replaceAll('_', ' ')} (${this.offset(ms)})`;
  }

  /** `13:00–13:15`, `Mon 26 Oct`, `Oct 2026`: what a bucket is called. */
  bucket(b: Pick<BoardBucket, 'start' | 'end'>, grain: Grain, now: number): string {
    const s = spelled(b.start);
    if (grain === 'year') return String(s.year);
    if (grain === 'month') return `${MONTHS[s.month - 1] ?? ''} ${s.year}`;
    if (grain === 'day') return this.spelledDate(b.start, now);
    if (grain === 'week') return `week of ${this.spelledDate(b.start, now)}`;
    return `${this.spelledTime(b.start)}–${this.spelledTime(b.end)}`;
  }
}

export function isoUtc(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

const GRAINS: Record<Grain, string> = {
  '1m': '1\u202fmin', '5m': '5\u202fmin', '15m': '15\u202fmin', hour: 'hour', day: 'day', week: 'week', month: 'month', year: 'year', total: 'range',
};

export function grainText(grain: Grain): string {
  return GRAINS[grain];
}

/** What a stored bucket of days or more is called: `28 Nov`, `Oct 2026`, `2026`. Stored buckets begin in UTC. Null for finer ones. */
export function storedName(iso: string, grain: Grain, now: number): string | null {
  const at = new Date(iso);
  const year = at.getUTCFullYear();
  if (grain === 'year') return String(year);
  const month = monthName(at.getUTCMonth() + 1);
  if (grain === 'month') return `${month} ${year}`;
  if (grain !== 'day' && grain !== 'week') return null;
  return year === new Date(now).getUTCFullYear() ? `${at.getUTCDate()} ${month}` : `${at.getUTCDate()} ${month} ${year}`;
}

/** Where months begin between two instants, or Mondays where it is less than two months; nothing within some days. */
export function landmarks(from: number, to: number, tz: string): { ms: number; label: string }[] {
  const DAY = 86_400_000;
  const span = to - from;
  if (span < 4 * DAY) return [];
  const found: { ms: number; label: string }[] = [];
  const l = local(from, tz);
  for (let i = 1; i * DAY < span + DAY; i++) {
    const day = new Date(Date.UTC(l.year, l.month - 1, l.day + i));
    const guess = day.getTime();
    const ms = guess - offsetMinutes(guess - offsetMinutes(guess, tz) * 60_000, tz) * 60_000;
    if (ms >= to) break;
    const name = monthName(day.getUTCMonth() + 1);
    if (span > 60 * DAY ? day.getUTCDate() === 1 && (span < 800 * DAY || day.getUTCMonth() === 0) : span > 10 * DAY ? day.getUTCDay() === 1 : true) {
      found.push({ ms, label: span <= 60 * DAY ? `${day.getUTCDate()} ${name}` : day.getUTCMonth() === 0 ? `${name} ${day.getUTCFullYear()}` : name });
    }
  }
  return found;
}

export const WEEK_STARTS: { value: WeekStart; label: string }[] = [{ value: 'monday', label: 'Monday' }, { value: 'saturday', label: 'Saturday' }, { value: 'sunday', label: 'Sunday' }];

export function weekdayName(day: number): string {
  return DAYS[day] ?? '';
}

export function monthName(month: number): string {
  return MONTHS[month - 1] ?? '';
}
