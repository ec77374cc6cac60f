-- Health, for the app, the command line and any monitoring system.

create function tidemark.waiting(p_rollup integer) returns tstzmultirange
language sql stable
as $$
  select coalesce(range_agg(span) * tstzmultirange(tstzrange(max(r.frozen_before), null)), '{}')
  from tidemark.rollup r
  cross join lateral (
    select d.span from tidemark.dirty d left join tidemark.job j on j.id = d.job_id
    where d.rollup_id = r.id and (d.kind = 'c' or (d.kind in ('b', 'r') and j.state in ('running', 'paused')))
    union all
    select tstzrange(m.lo, m.hi) from tidemark.mark m where m.rollup_id = r.id and m.kind = 'c'
    union all
    select unnest(h.extent) from tidemark.health h
    where h.rollup_id = r.id and exists (select from tidemark.mark m where m.rollup_id = r.id and m.kind = 'w')
  ) s
  where r.id = p_rollup
$$;
comment on function tidemark.waiting(integer) is 'The spans that wait for a tick, job marks included and frozen ones not.';

create view tidemark.status as
with figure as (
  select r.id, r.name, r.capture, r.poll_lag, r.paused, r.active, r.frozen_before, r.base_grain, h.*,
    nx.id as next_id, nx.applied_at as next_applied_at, nx.base_grain as next_grain, nh.last_error as next_error,
    nh.last_error_at as next_error_at,
    nh.last_error_at > coalesce(nh.last_success_at, '-infinity') as next_fails,
    h.capture_broken_at is null and not tidemark.fingerprint_differs(h.fingerprint, tidemark.fingerprint(r.id)) as capture_intact,
    tidemark.bucket_count(r.base_grain, tidemark.waiting(r.id))
      + (select count(*) from tidemark.mark m where m.rollup_id = r.id and m.kind = 'l') as pending_buckets,
    least((select min(m.at) from tidemark.mark m where m.rollup_id = r.id),
          (select min(a.since) from tidemark.applicable(r.id) a)) as oldest_pending_at,
    (select count(*) from tidemark.dirty d where d.rollup_id = r.id and d.attempts > 0) as backing_off,
    exists (select from tidemark.applicable(r.id)) as backlog,
    (select tidemark.bucket_count(r.base_grain, coalesce(range_agg(d.span * tstzrange(null, r.frozen_before)), '{}'))
     from tidemark.dirty d where d.rollup_id = r.id and d.kind = 'c' and d.span && tstzrange(null, r.frozen_before)) as frozen_marks,
    (select coalesce(jsonb_agg(jsonb_build_object('name', t.name, 'last_seen_at', t.last_seen_at) order by t.last_seen_at desc), '[]')
     from tidemark.ticker t where t.rollup_id = r.id) as tickers
  from tidemark.rollup r join tidemark.health h on h.rollup_id = r.id
  left join tidemark.rollup nx on nx.name = r.name and nx.stage = 'next'
  left join tidemark.health nh on nh.rollup_id = nx.id
  where r.stage = 'serving'
), worded as (
  select *,
    extract(epoch from clock_timestamp() - watermark_at)::double precision as lag_seconds,
    case
      when not capture_intact or unrepaired > 0 then 'not_trusted'
      when last_error_at > coalesce(last_success_at, '-infinity') or backing_off > 0 or next_fails then 'failing'
      when paused then 'paused'
      when last_attempt_at is null then 'never_run'
      when last_attempt_at < clock_timestamp() - interval '5 minutes' then 'stalled'
      when watermark_at is null or watermark_at < clock_timestamp() - interval '5 minutes' - coalesce(poll_lag, '0') then 'lagging'
      when backlog then 'catching_up'
      when frozen_marks > 0 then 'frozen_marks'
      else 'healthy'
    end as status
  from figure
)
select name as rollup, 'tidemark'::text as engine, capture, capture_intact, status, watermark_at, lag_seconds,
  pending_buckets, extract(epoch from clock_timestamp() - oldest_pending_at)::double precision as oldest_pending_seconds,
  last_attempt_at, last_success_at,
  case when next_fails then 'the changed declaration that is being built: ' || next_error else last_error end as last_error,
  case when next_fails then next_error_at else last_error_at end as last_error_at,
  nullif(frozen_before, '-infinity') as frozen_before, frozen_marks::bigint as frozen_marks,
  pg_total_relation_size('tidemark.mark') + pg_total_relation_size('tidemark.dirty') as queue_bytes,
  tickers, last_audit_at, last_audit_differences, backing_off, future_rows, paused,
  -- a changed declaration that is being built beside this one
  case when next_id is not null then jsonb_build_object('applied_at', next_applied_at, 'last_error', next_error,
    'buckets_total', (select sum(j.buckets_total) from tidemark.job j where j.rollup_id = next_id and j.kind = 'build'),
    'pending_buckets', tidemark.bucket_count(next_grain, tidemark.waiting(next_id))) end as rebuilding
from worded
where active;
comment on view tidemark.status is 'Health of every rollup: one row each, times in UTC, lag by the server''s clock. See docs/OPERATIONS.md for the words.';

create function tidemark.lag_seconds(p_rollup text) returns double precision
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select extract(epoch from clock_timestamp() - h.watermark_at)::double precision
  from tidemark.rollup r join tidemark.health h on h.rollup_id = r.id where r.name = p_rollup and r.stage = 'serving'
$$;
comment on function tidemark.lag_seconds(text) is 'Seconds between the server''s clock and the rollup''s watermark; null where it never ticked.';
