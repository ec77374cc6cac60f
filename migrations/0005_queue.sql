-- The queue's compacted end.

-- Takes targets out of the rollup's dirty spans, of every kind: what is recomputed now is as new as can be. With scopes,
-- only those of these scopes: the rest of the buckets was not recomputed. With an error, the targets stay and back off
-- instead: 1 s, 2 s, 4 s … 10 min.
create function tidemark.consume(p_rollup integer, p_targets tstzmultirange, p_scopes text[] default null, p_error text default null)
returns void
language sql
as $$
  with gone as (
    delete from tidemark.dirty d where d.rollup_id = p_rollup and d.span && p_targets
      and (p_scopes is null or d.scope = any (p_scopes)) returning *
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
comment on function tidemark.consume(integer, tstzmultirange, text[], text) is 'Take spans out of the dirty queue, or make them back off.';

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
-- of lookups, so that no state between the two can be seen (invariant 4). Scopes are kept apart, but where more than a
-- hundred share a bucket it becomes dirty as a whole. Returns how many marks there were.
create function tidemark.intake(p_rollup integer, p_storage text) returns bigint
language plpgsql
as $$
declare taken_count bigint;
begin
  execute format($q$
    with taken as materialized (
      delete from tidemark.mark where rollup_id = $1 returning kind, input, lo, hi, keys, scope, at
    ), lookup as (
      select input, jsonb_agg(key) as keys from taken, jsonb_array_elements(keys) key where kind = 'l' group by input
    ), change as (
      select tstzrange(lo, hi) as span, scope from taken where kind = 'c'
      union all select e, null from lookup l, tidemark.%1$I(l.input, l.keys) e
      -- Of a gap nobody knows what it hid; frozen buckets are not suspected, since they can't be recomputed.
      union all select unnest(e * tstzmultirange(tstzrange(r.frozen_before, null))), null
      from (select from taken where kind = 'w' limit 1) w, tidemark.%2$I() e, tidemark.rollup r where r.id = $1
    ), changed as materialized (
      select scope, range_agg(span) as spans from change where not isempty(span) group by scope
    ), edge as (
      select at, sum(step) as step from changed, unnest(spans) u, lateral (values (lower(u), 1), (upper(u), -1)) e (at, step)
      where scope is not null group by at
    ), crowd as (
      select range_agg(tstzrange(at, next_at)) as spans
      from (select at, lead(at) over (order by at) as next_at, sum(step) over (order by at) as scopes from edge) e where scopes > 100
    ), known as (
      select scope, range_agg(span) as spans from tidemark.dirty where rollup_id = $1 and kind = 'c' group by scope
    ), whole as (
      select coalesce((select spans from changed where scope is null), '{}') + coalesce((select spans from crowd), '{}') as spans,
        coalesce((select spans from known where scope is null), '{}') as known
    ), fresh as (
      select unnest(spans - known) as span, null as scope from whole
      union all
      select unnest(c.spans - whole.spans - whole.known - coalesce(k.spans, '{}')), c.scope
      from changed c left join known k on k.scope = c.scope, whole where c.scope is not null
    ), retry as (
      update tidemark.dirty d set next_try_at = '-infinity'
      where d.rollup_id = $1 and d.attempts > 0 and exists (
        select from changed c where c.spans && d.span and (c.scope is null or d.scope is null or c.scope = d.scope))
    ), added as (
      insert into tidemark.dirty (rollup_id, kind, span, scope, since)
      select $1, 'c', span, scope, (select min(at) from taken) from fresh
    )
    select count(*) from taken
  $q$, p_storage || '__expand', p_storage || '__extent') into taken_count using p_rollup;
  return taken_count;
end
$$;
comment on function tidemark.intake(integer, text) is 'Move marks into the dirty queue.';

-- What of a rollup's queue a tick could work on now.
create function tidemark.applicable(p_rollup integer)
returns table (id bigint, kind "char", span tstzrange, scope text, job_id bigint, since timestamptz, attempts integer, next_try_at timestamptz)
language sql stable
as $$
  select d.id, d.kind, d.span * tstzrange(r.frozen_before, null), d.scope, d.job_id, d.since, d.attempts, greatest(d.next_try_at, j.rests_until)
  from tidemark.dirty d
  join tidemark.rollup r on r.id = d.rollup_id
  left join tidemark.job j on j.id = d.job_id
  where d.rollup_id = p_rollup and (d.kind = 'c' or (d.kind in ('b', 'r') and j.state = 'running'))
    and d.span && tstzrange(r.frozen_before, null)
$$;
comment on function tidemark.applicable(integer) is 'Dirty spans that ticks work on: not frozen, not of a paused or cancelled job. Not before next_try_at: it failed, or its job rests.';

-- Chooses what to do next: newest change first; every fourth turn the change that has waited longest, every fourth the
-- newest piece of a job, so that nothing starves. Of one level at a time; what failed before goes alone, and smaller
-- each time. With scopes, what is recomputed is every one of them in every target, and that product is what the budget
-- bounds; spans with a scope and without go into different batches.
create function tidemark.next_batch(p_rollup integer, p_turn bigint, p_units integer, out level smallint, out grain text,
                                    out targets tstzmultirange, out scopes text[], out jobs bigint[])
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
  chosen bigint := 0;
  all_scopes text[];
  top timestamptz;
  bottom timestamptz;
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
      continue when targets is not null and (l.level <> level or (d.scope is null) <> (scopes is null));
      if d.attempts > 0 then units := greatest(1, units >> least(d.attempts, 20)); end if;
      all_scopes := case when d.scope is null or d.scope = any (scopes) then scopes else coalesce(scopes, '{}') || d.scope end;
      own_units := units / greatest(1, coalesce(cardinality(all_scopes), 1)) - chosen;
      continue when targets is not null and own_units < 0;
      top := tidemark.bucket_ceil(l.grain, top);
      bottom := tidemark.bucket_floor(l.grain, greatest(lower(d.span), l.complete_from));
      if targets is null or not tstzrange(bottom, top) <@ targets then
        continue when targets is not null and own_units = 0;
        -- The budget is in base buckets, so that a batch means as much time whatever the level.
        own_units := greatest(1, own_units * extract(epoch from tidemark.grain_step(base)) / extract(epoch from tidemark.grain_step(l.grain)));
        bottom := greatest(bottom, tidemark.bucket_floor(l.grain, top - own_units * tidemark.grain_step(l.grain)));
        targets := coalesce(targets, '{}') + tstzmultirange(tstzrange(bottom, top));
        chosen := tidemark.bucket_count(base, targets);
      end if;
      level := l.level;
      grain := l.grain;
      scopes := all_scopes;
      if d.job_id is not null then jobs := coalesce(jobs, '{}') || d.job_id; end if;
      exit when chosen * coalesce(cardinality(scopes), 1) >= units or d.attempts > 0;
    end loop;
    exit when targets is not null;
  end loop;
end
$$;
comment on function tidemark.next_batch(integer, bigint, integer) is 'Choose the buckets that a tick recomputes next.';
