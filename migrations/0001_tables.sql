-- Tidemark's tables.
--
-- capture → mark → (tick: intake) → dirty → (tick: recompute) → rollup tables → views
--
-- Everything lives in schema tidemark; the only things outside it are the triggers on the operator's tables.
-- Per rollup the compiler adds rollup tables named ROLLUP__GRAIN and functions named ROLLUP__WHAT.

create schema if not exists tidemark;
comment on schema tidemark is 'Tidemark: rollups, their queue and their health. Remove with "tidemark uninstall".';

create table tidemark.rollup (
  id integer generated always as identity constraint rollup_pkey primary key,
  name text not null,
  -- which of a rollup's declarations this is: the one that is read, the one that is being built to take its place, or
  -- the one whose place was taken and whose triggers and tables wait to be dropped
  stage text not null default 'serving' constraint rollup_stage_check check (stage in ('serving', 'next', 'retired')),
  -- what the names of its tables, functions and triggers begin with: the name, or the name and a tilde, in turn
  storage text not null constraint rollup_storage_key unique,
  title text not null,
  declaration text not null,
  declaration_no integer not null default 1,
  model jsonb not null,
  sql text not null,
  base_grain text not null,
  -- false while its triggers are being put on; nothing reads or ticks it until then
  active boolean not null default false,
  paused boolean not null default false,
  capture text not null default 'trigger' constraint rollup_capture_check check (capture in ('trigger', 'poll')),
  -- poll capture: what is newer than now minus the lag is never called exact; each poll looks further back by the overlap
  poll_lag interval,
  poll_overlap interval,
  -- raw rows before this instant may be gone: those buckets are never recomputed
  frozen_before timestamptz not null default '-infinity',
  applied_at timestamptz not null default clock_timestamp(),
  -- since when there is a rollup of this name
  installed_at timestamptz not null default clock_timestamp(),
  -- the statements that make its relations, for when it takes its place
  views text not null default '',
  constraint rollup_name_key unique (name, stage)
);
comment on table tidemark.rollup is 'One row per installed rollup, and one more while a changed declaration is being built: the declaration, the compiled model and the SQL that was installed for it.';
comment on column tidemark.rollup.frozen_before is 'Raw rows before this instant may be gone: those buckets are never recomputed.';

create table tidemark.level (
  rollup_id integer not null constraint level_rollup_fkey references tidemark.rollup on delete cascade,
  level smallint not null,
  grain text not null,
  table_name text not null,
  keep interval,
  -- the line of invariant 6, aligned to the next coarser grain: rows of this level are complete from here on
  complete_from timestamptz not null default '-infinity',
  -- the level that this one is merged from; null for the base
  merge_from smallint,
  constraint level_pkey primary key (rollup_id, level)
);
comment on table tidemark.level is 'The grains of a rollup, finest first, and from when on each is complete.';

create table tidemark.input (
  rollup_id integer not null constraint input_rollup_fkey references tidemark.rollup on delete cascade,
  ordinal smallint not null,
  kind text not null constraint input_kind_check check (kind in ('source', 'lookup')),
  name text not null,
  schema_name text not null,
  table_name text not null,
  time_column text,
  -- the columns that the declaration uses: {"name": "type"}
  columns jsonb not null,
  -- what the triggers on it are called: tidemark_ROLLUP_INPUT_{ins,upd,del,trunc}
  trigger_prefix text not null,
  trigger_events text not null default 'IUDT',
  -- poll capture: what says when a row changed
  change_columns text[] not null default '{}',
  constraint input_pkey primary key (rollup_id, ordinal)
);
comment on table tidemark.input is 'The operator''s tables that a rollup reads: sources (fact rows) and lookups.';

create table tidemark.mark (
  rollup_id integer not null,
  kind "char" not null, -- c: buckets [lo, hi) changed; l: lookup rows with these keys changed; w: anything may have changed
  input smallint,
  lo timestamptz,
  hi timestamptz,
  keys jsonb,
  scope text, -- only this value of the rollup's scope dimension; null: all groups of the buckets
  at timestamptz not null default clock_timestamp()
) with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 5000);
comment on table tidemark.mark is 'The queue''s append-only end: capture triggers write here in the transaction of the change. No key, no conflict, no lock between writers.';

create table tidemark.job (
  id bigint generated always as identity constraint job_pkey primary key,
  rollup_id integer not null constraint job_rollup_fkey references tidemark.rollup on delete cascade,
  kind text not null constraint job_kind_check check (kind in ('build', 'request')),
  state text not null default 'running' constraint job_state_check check (state in ('running', 'paused', 'done', 'cancelled')),
  span tstzrange not null,
  scope text, -- as DIMENSION=VALUE; null: all groups
  reason text,
  requested_by text not null default session_user,
  buckets_total bigint not null,
  buckets_left bigint, -- of a cancelled job: those that it had not come to
  pace smallint not null default 100 constraint job_pace_check check (pace between 1 and 100), -- percent of the time that ticks may spend on it
  rests_until timestamptz not null default '-infinity',
  created_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz
);
comment on table tidemark.job is 'Recomputes that a person asked for, and first builds. The work itself is rows of tidemark.dirty; ticks do it.';

create table tidemark.dirty (
  id bigint generated always as identity constraint dirty_pkey primary key,
  rollup_id integer not null constraint dirty_rollup_fkey references tidemark.rollup on delete cascade,
  kind "char" not null, -- c: changed; b: to be built by a job; u: never built, nobody asked; r: recompute requested, served as exact meanwhile
  span tstzrange not null,
  scope text, -- only this value of the rollup's scope dimension; null: all groups of the buckets
  job_id bigint constraint dirty_job_fkey references tidemark.job on delete cascade,
  since timestamptz not null,
  attempts integer not null default 0,
  next_try_at timestamptz not null default '-infinity',
  last_error text
) with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);
create index dirty_rollup_idx on tidemark.dirty (rollup_id, kind);
create index dirty_job_idx on tidemark.dirty (job_id) where job_id is not null;
comment on table tidemark.dirty is 'The queue''s compacted end: spans of buckets that wait for a tick. Written only under the rollup''s tick lock and by new jobs.';

create table tidemark.health (
  rollup_id integer constraint health_pkey primary key constraint health_rollup_fkey references tidemark.rollup on delete cascade,
  watermark_at timestamptz,
  last_attempt_at timestamptz,
  last_success_at timestamptz,
  last_error text,
  last_error_at timestamptz,
  tick_no bigint not null default 0,
  batch_units integer not null default 64,
  -- what capture looked like when it was last known to be whole, and when it was last looked at
  fingerprint text,
  fingerprint_seen text,
  -- the tables behind it as they looked then, see tidemark.member_states
  members jsonb,
  capture_broken_at timestamptz,
  -- poll capture: everything committed before this instant was found, as far as change columns tell
  polled_to timestamptz,
  -- where data lies, as of the last tick
  extent tstzmultirange not null default '{}',
  last_audit_at timestamptz,
  last_audit_differences bigint,
  -- differences of the last audit that have not been recomputed since
  unrepaired bigint not null default 0,
  repair_job_id bigint,
  future_rows bigint
);
comment on table tidemark.health is 'One row per rollup, written by each tick. See the view tidemark.status.';

create table tidemark.ticker (
  rollup_id integer not null constraint ticker_rollup_fkey references tidemark.rollup on delete cascade,
  name text not null,
  last_seen_at timestamptz not null,
  constraint ticker_pkey primary key (rollup_id, name)
);
comment on table tidemark.ticker is 'Who has ticked a rollup, and when last: app, worker, cli, pg_cron.';

create table tidemark.run (
  rollup_id integer not null constraint run_rollup_fkey references tidemark.rollup on delete cascade,
  started_at timestamptz not null,
  took_ms double precision not null,
  ticker text not null,
  marks bigint not null default 0,
  buckets bigint not null default 0,
  raw_rows bigint not null default 0,
  lag_seconds double precision,
  error text
);
create index run_rollup_idx on tidemark.run (rollup_id, started_at);
comment on table tidemark.run is 'Ticks that did something or failed, for a week.';

create table tidemark.audit (
  id bigint generated always as identity constraint audit_pkey primary key,
  rollup_id integer not null constraint audit_rollup_fkey references tidemark.rollup on delete cascade,
  at timestamptz not null default clock_timestamp(),
  took_ms double precision not null,
  buckets bigint not null,
  differences bigint not null,
  waiting bigint not null,
  report jsonb not null
);
comment on table tidemark.audit is 'Comparisons of a rollup with its raw rows in one snapshot.';
