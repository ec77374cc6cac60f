/** Boards as the shell hands them over: JSON, and the numbers as columns of doubles. `src-tauri/src/packed.rs` says how. */

import type { BoardAnswer } from './api/BoardAnswer';
import type { BoardBucket } from './api/BoardBucket';
import type { BoardSeries } from './api/BoardSeries';
import type { State } from './api/State';
import type { BoardRead } from './ipc';
import type { AppError } from './types';

/** Each value, and the first bucket that it holds of. */
type Runs<T> = [number, T][];

interface Packed extends BoardAnswer {
  packed: { count: number; offset: Runs<string>; state: Runs<State>; partial: Runs<boolean>; odd_hours: Runs<number | null> };
}

/** Spelled when somebody asks: of thousands of buckets few are. */
class Bucket implements BoardBucket {
  constructor(
    readonly start_ms: number, private readonly startOffset: string, readonly end_ms: number, private readonly endOffset: string,
    readonly state: State, readonly partial: boolean, readonly odd_hours: number | null,
  ) {}

  get start(): string {
    return rfc(this.start_ms, this.startOffset);
  }

  get end(): string {
    return rfc(this.end_ms, this.endOffset);
  }
}

function rfc(ms: number, offset: string): string {
  const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4));
  return `${new Date(ms + (offset.startsWith('-') ? -minutes : minutes) * 60_000).toISOString().slice(0, 19)}${offset}`;
}

function spread<T>(runs: Runs<T>, count: number): T[] {
  return runs.flatMap(([from, value], i) => new Array<T>((runs[i + 1]?.[0] ?? count) - from).fill(value));
}

/** Every series, in the order in which their columns follow. */
function series(answer: BoardAnswer): BoardSeries[] {
  return [answer, ...answer.groupings].flatMap(({ overall, groups, compare }) => [overall, ...groups, ...(compare === null ? [] : [compare.overall, ...compare.groups])]);
}

export function unpack(bytes: ArrayBuffer): BoardRead[] {
  const length = new DataView(bytes).getUint32(0, true);
  const reads = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length))) as ({ Ok: Packed } | { Err: AppError })[];
  const numbers = new Float64Array(bytes, 4 + length);
  let at = 0;
  const take = (count: number): Float64Array => numbers.subarray(at, (at += count));
  return reads.map((read) => {
    if ('Err' in read) return read;
    const { packed, ...answer } = read.Ok;
    const { count } = packed;
    const instants = take(count === 0 ? 0 : count + 1);
    const offsets = spread(packed.offset, count + 1);
    const [states, partial, odd] = [spread(packed.state, count), spread(packed.partial, count), spread(packed.odd_hours, count)];
    const of = <T>(list: ArrayLike<T>, i: number): T => list[i] as T;
    answer.buckets = states.map((state, i) => new Bucket(of(instants, i), of(offsets, i), of(instants, i + 1), of(offsets, i + 1), state, of(partial, i), of(odd, i)));
    for (const one of series(answer)) {
      one.columns = answer.measures.map(() => {
        const column: (number | null)[] = [];
        for (const number of take(count)) column.push(Number.isNaN(number) ? null : number);
        return column;
      });
    }
    return { Ok: answer };
  });
}
