/** Why numbers are pending, in words. */

import type { BoardAnswer } from '../api/BoardAnswer';
import type { PendingKind } from '../api/PendingKind';
import { grouped, plural } from '../format';

const WHY: Record<Exclude<PendingKind, 'polled'>, string> = {
  too_many: 'too many raw rows to read live',
  too_slow: 'reading them live took too long',
  locked: 'a raw table is locked just now',
  forbidden: 'a right to read raw rows is missing',
  failed: 'reading them live failed',
};

/** `12 of 96 buckets in view wait, too many raw rows to read live`. */
export function pendingWords(answer: Pick<BoardAnswer, 'buckets' | 'pending_reason'>): string {
  const waiting = answer.buckets.filter((b) => b.state === 'pending').length;
  const some = `${grouped(waiting)} of ${plural(answer.buckets.length, 'bucket')} in view`;
  const kind = answer.pending_reason?.kind;
  if (kind === 'polled') return `${some} may lack changes that no poll has found yet`;
  return `${some} wait${waiting === 1 ? 's' : ''}${kind === undefined ? '' : `, ${WHY[kind]}`}`;
}
