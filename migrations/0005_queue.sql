-- The queue's compacted end.

-- Takes targets out of the rollup's dirty spans, of every kind: what is recomputed now is as new as can be. With an
-- error, the targets stay and back off instead: 1 s, 2 s, 4 s … 10 min.
create function tidemark.consume(p_rollup integer, p_targets tstzmultirange, p_error text default null) returns void
language sql
as $$
  with gone as (
    delete from tidemark.dirty d where d.rollup_id = p_rollup and d.span && p_targets returning *
  ), piece as (
    select g.*, rest as part, false as failed from gone g, unnest(tstzmultirange(g.span) - p_targets) rest
    union all
    select g.*, hit as part, true as failed from gone g, unnest(tstzmultirange(g.span) * p_targets) hit where p_error is not null
  )
  insert into tidemark.dirty (rollup_id, kind, span, scope, job_id, since, attempts, next_try_at, last_error)
  select rollup_id, kind, part, scope, job_id, since,
         attempts + failed::integer,
         case when failed then clock_timestamp() + least(interval '10 minutes', interval '1 second' * 2 ^ least(attempts, 10)) else next_try_at end,
         case when failed then p_error else last_error end
  from piece
$$;
comment on function tidemark.consume(integer, tstzmultirange, text) is 'Take spans out of the dirty queue, or make them back off.';

-- For purge, in the transaction that deletes raw rows: the buckets are frozen, and nobody needs to hear of it.
create function tidemark.forget_frozen() returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  delete from tidemark.mark m using tidemark.rollup r
  where r.id = m.rollup_id and m.kind = 'c' and m.hi <= r.frozen_before and m.xmin = pg_current_xact_id()::xid
$$;
comment on function tidemark.forget_frozen() is 'Remove the marks of this very transaction that lie in frozen buckets. Called by purge.';

-- Moves the marks that are visible now into tidemark.dirty, compacted. One statement deletes the marks and expands those
-- of lookups, so that no state between the two can be seen (invariant 4). Returns how many marks there were.
create function tidemark.intake(p_rollup integer, p_storage text) returns bigint
language plpgsql
as $$
declare taken_count bigint;
begin
  execute format($q$
    with taken as materialized (
      delete from tidemark.mark where rollup_id = $1 returning kind, input, lo, hi, keys, at
    ), lookup as (
      select input, jsonb_agg(key) as keys from taken, jsonb_array_elements(keys) key where kind = 'l' group by input
    ), change as (
      select tstzrange(lo, hi) as span from taken where kind = 'c'
      union all select e from lookup l, tidemark.%1$I(l.input, l.keys) e
      -- Of a gap nobody knows what it hid; frozen buckets are not suspected, since they can't be recomputed.
      union all select unnest(e * tstzmultirange(tstzrange(r.frozen_before, null)))
      from (select from taken where kind = 'w' limit 1) w, tidemark.%2$I() e, tidemark.rollup r where r.id = $1
    ), known as (
      select coalesce(range_agg(span), '{}') as spans from tidemark.dirty where rollup_id = $1 and kind = 'c'
    ), fresh as (
      select unnest(range_agg(span) - (select spans from known)) as span from change where not isempty(span)
    ), retry as (
      update tidemark.dirty d set next_try_at = '-infinity'
      where d.rollup_id = $1 and d.attempts > 0 and exists (select from change c where c.span && d.span)
    ), added as (
      insert into tidemark.dirty (rollup_id, kind, span, since)
      select $1, 'c', span, (select min(at) from taken) from fresh
    )
    select count(*) from taken
  $q$, p_storage || '__expand', p_storage || '__extent') into taken_count using p_rollup;
  return taken_count;
end
$$;
comment on function tidemark.intake(integer, text) is 'Move marks into the dirty queue.';

-- What of a rollup's queue a tick could work on now.
create function tidemark.applicable(p_rollup integer)
returns table (id bigint, kind "char", span tstzrange, job_id bigint, since timestamptz, attempts integer, next_try_at timestamptz)
language sql stable
as $$
  select d.id, d.kind, d.span * tstzrange(r.frozen_before, null), d.job_id, d.since, d.attempts, d.next_try_at
  from tidemark.dirty d
  join tidemark.rollup r on r.id = d.rollup_id
  left join tidemark.job j on j.id = d.job_id
  where d.rollup_id = p_rollup and (d.kind = 'c' or (d.kind in ('b', 'r') and j.state = 'running'))
    and d.span && tstzrange(r.frozen_before, null)
$$;
comment on function tidemark.applicable(integer) is 'Dirty spans that ticks work on: not frozen, not of a paused or cancelled job.';

-- Chooses what to do next: newest change first; every fourth turn the change that has waited longest, every fourth the
-- newest piece of a job, so that nothing starves. Of one level at a time; what failed before goes alone, and smaller
-- each time.
create function tidemark.next_batch(p_rollup integer, p_turn bigint, p_units integer, out level smallint, out grain text, out targets tstzmultirange)
language plpgsql
as $$
declare
  modes text[] := case p_turn % 4 when 3 then '{oldest,job}' when 2 then '{job,newest}' else '{newest,job}' end;
  mode text;
  d record;
  l record;
  base text := (select base_grain from tidemark.rollup where id = p_rollup);
  units bigint := p_units;
  own_units bigint;
  top timestamptz;
  bottom timestamptz;
  piece tstzmultirange;
begin
  foreach mode in array modes loop
    for d in
      select a.* from tidemark.applicable(p_rollup) a
      where a.next_try_at <= clock_timestamp() and (a.kind = 'c') = (mode <> 'job')
      order by case when mode = 'oldest' then a.since end, a.kind, upper(a.span) desc
      limit 500
    loop
      continue when d.attempts > 0 and targets is not null;
      top := upper(d.span);
      select v.level, v.grain, v.complete_from into l from tidemark.level v
      where v.rollup_id = p_rollup and v.complete_from <= top - interval '1 microsecond' order by v.level limit 1;
      continue when targets is not null and l.level <> level;
      if d.attempts > 0 then units := greatest(1, units >> least(d.attempts, 20)); end if;
      level := l.level;
      grain := l.grain;
      top := tidemark.bucket_ceil(grain, top);
      -- The budget is in base buckets, so that a batch means as much time whatever the level.
      own_units := greatest(1, units * extract(epoch from tidemark.grain_step(base)) / extract(epoch from tidemark.grain_step(grain)));
      bottom := greatest(tidemark.bucket_floor(grain, greatest(lower(d.span), l.complete_from)),
                         tidemark.bucket_floor(grain, top - own_units * tidemark.grain_step(grain)));
      piece := tstzmultirange(tstzrange(bottom, top));
      units := units - tidemark.bucket_count(base, piece);
      targets := coalesce(targets, '{}') + piece;
      exit when units <= 0 or d.attempts > 0;
    end loop;
    exit when targets is not null;
  end loop;
end
$$;
comment on function tidemark.next_batch(integer, bigint, integer) is 'Choose the buckets that a tick recomputes next.';
