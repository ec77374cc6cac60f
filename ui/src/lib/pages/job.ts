/** What a job is called, and what can be done to it. */

import type { Job } from '../api/Job';
import { call, toAppError } from '../ipc';
import { app } from '../state/app.svelte';
import { toasts } from '../state/toasts.svelte';

export function jobTitle(job: Job): string {
  return `${job.kind === 'build' ? 'Backfill' : 'Recompute'} ${job.rollup}`;
}

/** Brings the job that a toast, or an address, leads to into view. */
export function intoView(node: HTMLElement): void {
  node.scrollIntoView({ block: 'nearest' });
}

export function percent(job: Job): number {
  return job.buckets_total === 0 ? 100 : Math.min(100, (job.buckets_done / job.buckets_total) * 100);
}

export function jobSpan(job: Job, now: number): string {
  return `${app.clock.shortDate(Date.parse(job.from), now)} – ${app.clock.shortDate(Date.parse(job.to), now)}`;
}

export const PACES: { value: string; label: string; hint: string }[] = [
  { value: '100', label: 'No pause between ticks', hint: '' },
  { value: '50', label: 'Half of the time', hint: 'rests as long as it worked' },
  { value: '20', label: 'A fifth of the time', hint: 'rests four times as long' },
  { value: '5', label: 'A twentieth of the time', hint: 'rests nineteen times as long' },
];

export function paceText(pace: number): string {
  return PACES.find((p) => p.value === String(pace))?.label ?? `${pace}\u202f% of the time`;
}

async function change(id: number, ask: () => Promise<Job>): Promise<void> {
  try {
    await ask();
    await app.readJobs();
  } catch (error) {
    toasts.show({ tone: 'bad', title: `Job ${id} did not change`, text: toAppError(error).message });
  }
}

export async function changeJob(command: 'pause_job' | 'resume_job' | 'cancel_job', id: number): Promise<void> {
  await change(id, () => call(command, { id }));
}

export async function paceJob(id: number, pace: number): Promise<void> {
  await change(id, () => call('pace_job', { id, pace }));
}

/** Whether it recomputes what an audit found; the engine gives this reason. */
export function repairs(job: Job): boolean {
  return job.kind === 'request' && job.reason === 'audit repair';
}
