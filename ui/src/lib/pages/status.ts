/** Status words, with their shape and colour. */

import type { JobState } from '../api/JobState';
import type { StatusWord } from '../api/StatusWord';
import type { MarkName } from '../ui/icons';

export interface Look {
  word: string;
  mark: MarkName;
  tone: string;
  means: string;
}

const STATUS: Record<StatusWord, Look> = {
  not_trusted: { word: 'Not trusted', mark: 'bad', tone: 'c-bad', means: 'capture is broken, or an audit difference is not repaired' },
  failing: { word: 'Failing', mark: 'bad', tone: 'c-bad', means: 'the last ticks failed' },
  stalled: { word: 'Stalled', mark: 'stalled', tone: 'c-bad', means: 'nothing ticks it' },
  lagging: { word: 'Lagging', mark: 'warn', tone: 'c-warn', means: 'older than its limit' },
  catching_up: { word: 'Catching up', mark: 'pending', tone: 'c-pending', means: 'marks wait and shrink' },
  paused: { word: 'Paused', mark: 'paused', tone: 'c-mute', means: 'somebody paused it' },
  never_run: { word: 'Never run', mark: 'never', tone: 'c-mute', means: 'installed, no tick yet' },
  frozen_marks: { word: 'Frozen marks', mark: 'frozen', tone: 'c-frozen', means: 'marks kept, not applied' },
  healthy: { word: 'Healthy', mark: 'ok', tone: 'c-ok', means: 'nothing waits, or only live marks' },
};

export const ORDER = Object.keys(STATUS);

export function statusLook(word: StatusWord): Look {
  return STATUS[word];
}

export const BAD: ReadonlySet<StatusWord> = new Set<StatusWord>(['not_trusted', 'failing', 'stalled']);

const JOBS: Record<JobState, Look> = {
  running: { word: 'Running', mark: 'pending', tone: 'c-pending', means: '' },
  paused: { word: 'Paused', mark: 'paused', tone: 'c-mute', means: '' },
  done: { word: 'Done', mark: 'ok', tone: 'c-ok', means: '' },
  cancelled: { word: 'Cancelled', mark: 'never', tone: 'c-mute', means: '' },
};

export function jobLook(state: JobState): Look {
  return JOBS[state];
}

/** What is wrong with a capture, and apart from it the SQL that puts it right, where the server names some. */
export function finding(text: string): { what: string; sql: string | null } {
  const m = /^(.*?); (alter .*;)$/s.exec(text);
  return m === null ? { what: text, sql: null } : { what: m[1] ?? text, sql: m[2] ?? null };
}
