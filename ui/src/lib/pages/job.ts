/** What a job is called, and what can be done to it. */

import type { Job } from '../api/Job';
import { call, toAppError } from '../ipc';
import { app } from '../state/app.svelte';
import { toasts } from '../state/toasts.svelte';

export function jobTitle(job: Job): string {
  return `${job.kind === 'build' ? 'Backfill' : 'Recompute'} ${job.rollup}`;
}

export function percent(job: Job): number {
  return job.buckets_total === 0 ? 100 : Math.min(100, (job.buckets_done / job.buckets_total) * 100);
}

export function jobSpan(job: Job, now: number): string {
  return `${app.clock.shortDate(Date.parse(job.from), now)} – ${app.clock.shortDate(Date.parse(job.to), now)}`;
}

export async function changeJob(command: 'pause_job' | 'resume_job' | 'cancel_job', id: number): Promise<void> {
  try {
    await call(command, { id });
    await app.readJobs();
  } catch (error) {
    toasts.show({ tone: 'bad', title: `Job ${id} did not change`, text: toAppError(error).message });
  }
}
