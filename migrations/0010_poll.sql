-- Poll capture, for tables that may not get triggers: a tick looks for rows whose change column lies in a window that
-- begins where the last poll ended, less the lag and an overlap, and marks their buckets. Then it drains like any other.

create table tidemark.polled (
  rollup_id integer not null constraint polled_rollup_fkey references tidemark.rollup on delete cascade,
  input smallint not null,
  -- a source's place: a bucket, and the minute of the change; a lookup's: a key, at slot infinity
  bucket timestamptz not null,
  keys jsonb not null,
  slot timestamptz not null,
  row_count bigint not null,
  digest numeric not null
);
create index polled_slot_idx on tidemark.polled (rollup_id, slot);
comment on table tidemark.polled is 'What the last poll found: rows changed in the window, as a count and a digest of their used columns per place. Lookup keys stay, so that a row touched often but never changed is marked once.';

-- From when on the next poll looks: null where capture is not poll. Rows whose transaction took longer than lag and
-- overlap from the time in their change column to its commit are missed; the audit finds them.
create function tidemark.poll_from(p_rollup integer) returns timestamptz
language sql stable
as $$
  select tidemark.bucket_floor('1m', coalesce(h.polled_to, r.applied_at - r.poll_lag) - r.poll_overlap)
  from tidemark.rollup r join tidemark.health h on h.rollup_id = r.id where r.id = p_rollup and r.capture = 'poll'
$$;
comment on function tidemark.poll_from(integer) is 'The beginning of the window in which the next poll looks for changed rows.';

-- Places whose content is not what the last poll found. row_count is null where nothing is left of it in the window: the row
-- was changed again, or is gone. The keys of a lookup that are not in the window say nothing.
create function tidemark.poll_changes(p_rollup integer, p_storage text, p_from timestamptz)
returns table (input smallint, bucket timestamptz, keys jsonb, slot timestamptz, row_count bigint, digest numeric)
language plpgsql stable
as $$
begin
  return query execute format($q$
    with look as materialized (
      select * from tidemark.%I($2)
    ), known as (
      select p.* from tidemark.polled p where p.rollup_id = $1 and p.slot >= $2
    )
    select input, bucket, keys, slot, l.row_count, l.digest
    from look l full join known k using (input, bucket, keys, slot)
    where (l.row_count, l.digest) is distinct from (k.row_count, k.digest) and (l.row_count is not null or isfinite(slot))
  $q$, p_storage || '__poll') using p_rollup, p_from;
end
$$;
comment on function tidemark.poll_changes(integer, text, timestamptz) is 'What changed since the last poll, as far as change columns tell.';

-- For reads and audits, in their own snapshot.
create function tidemark.unpolled(p_rollup integer, p_storage text) returns tstzmultirange
language plpgsql stable
as $$
declare
  spans tstzmultirange;
  since timestamptz := tidemark.poll_from(p_rollup);
begin
  if since is not null then
    execute format($q$
      with change as materialized (
        select c.* from tidemark.poll_changes($1, $2, $3) c
      )
      select range_agg(span) from (
        select tstzrange(c.bucket, tidemark.bucket_next(r.base_grain, c.bucket)) as span
        from change c, tidemark.rollup r where r.id = $1 and isfinite(c.slot)
        union all
        select e from (select input, jsonb_agg(keys) as keys from change where not isfinite(slot) group by input) l, tidemark.%I(l.input, l.keys) e
      ) s
    $q$, p_storage || '__expand') into spans using p_rollup, p_storage, since;
  end if;
  return coalesce(spans, '{}');
end
$$;
comment on function tidemark.unpolled(integer, text) is 'The spans that the next poll would mark; empty where capture is not poll.';

-- Called by the tick under its lock, before the intake. Marks are as old as the end of the last poll: what was committed
-- before that, the last poll saw.
create function tidemark.poll(p_rollup integer, p_storage text, p_started timestamptz) returns void
language plpgsql
as $$
declare
  since timestamptz := tidemark.poll_from(p_rollup);
  base text;
  lag interval;
  last_end timestamptz;
begin
  if since is null then
    return;
  end if;
  select r.base_grain, r.poll_lag, coalesce(h.polled_to, r.applied_at - r.poll_lag) into base, lag, last_end
  from tidemark.rollup r join tidemark.health h on h.rollup_id = r.id where r.id = p_rollup;
  with change as materialized (
    select * from tidemark.poll_changes(p_rollup, p_storage, since)
  ), left_behind as (
    delete from tidemark.polled where rollup_id = p_rollup and slot < since
  ), replaced as (
    delete from tidemark.polled p using change c
    where p.rollup_id = p_rollup and p.slot = c.slot and p.input = c.input and p.bucket = c.bucket and p.keys = c.keys
  ), remembered as (
    insert into tidemark.polled (rollup_id, input, bucket, keys, slot, row_count, digest)
    select p_rollup, input, bucket, keys, slot, row_count, digest from change where row_count is not null
  ), bucket_mark as (
    insert into tidemark.mark (rollup_id, kind, input, lo, hi, at)
    select p_rollup, 'c', input, lower(span), upper(span), last_end
    from (select input, unnest(range_agg(tstzrange(bucket, tidemark.bucket_next(base, bucket)))) as span from change where isfinite(slot) group by input) s
  )
  insert into tidemark.mark (rollup_id, kind, input, keys, at)
  select p_rollup, case when count(*) > 100000 then 'w'::"char" else 'l'::"char" end, input,
    case when count(*) <= 100000 then jsonb_agg(keys) end, last_end
  from change where not isfinite(slot) group by input;
  update tidemark.health set polled_to = greatest(last_end, p_started - lag) where rollup_id = p_rollup;
end
$$;
comment on function tidemark.poll(integer, text, timestamptz) is 'Mark what changed since the last poll. Called by tidemark.tick.';
