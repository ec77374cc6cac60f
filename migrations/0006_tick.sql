-- The tick: one READ COMMITTED transaction that takes marks and recomputes their buckets.

-- Merges the coarser levels' buckets around targets, each level once. p_touched has the targets level by level, the finest
-- first: what was recomputed there goes into all levels above. A bucket is merged only from a complete set of finer ones: not
-- while part of it was never built.
create function tidemark.merge(p_rollup integer, p_storage text, p_touched tstzmultirange[], p_scopes text[] default null) returns void
language plpgsql
as $$
declare
  l record;
  targets tstzmultirange := '{}';
  starts timestamptz[];
  nexts timestamptz[];
  problem text;
begin
  for l in select v.* from tidemark.level v where v.rollup_id = p_rollup order by v.level loop
    select array_agg(s order by s), array_agg(tidemark.bucket_next(l.grain, s) order by s) into starts, nexts
    from unnest(tidemark.align(l.grain, targets)) t, tidemark.bucket_starts(l.grain, t) s
    where not exists (
      select from tidemark.dirty d
      where d.rollup_id = p_rollup and d.kind in ('b', 'u') and d.span && tstzrange(s, tidemark.bucket_next(l.grain, s)));
    if starts is not null then
      begin
        execute format('select tidemark.%I($1, $2, false, $3)', p_storage || '__replace_' || l.grain) using starts, nexts, p_scopes;
      exception
        when lock_not_available or deadlock_detected then
          raise;
        when others then
          -- One of them is the poison one. What it is merged from backs off with it, so that it is read from raw rows.
          for i in 1 .. cardinality(starts) loop
            begin
              execute format('select tidemark.%I($1, $2, false, $3)', p_storage || '__replace_' || l.grain) using starts[i:i], nexts[i:i], p_scopes;
            exception
              when lock_not_available or deadlock_detected then
                raise;
              when others then
                problem := sqlerrm;
                insert into tidemark.dirty (rollup_id, kind, span, since, attempts, next_try_at, last_error)
                select p_rollup, 'c', t, clock_timestamp(), 1, clock_timestamp() + interval '1 minute', problem
                from unnest(targets * tstzmultirange(tstzrange(starts[i], nexts[i]))) t;
                update tidemark.health set last_error = problem, last_error_at = clock_timestamp() where rollup_id = p_rollup;
            end;
          end loop;
      end;
    end if;
    targets := targets + coalesce(p_touched[l.level + 1], '{}');
  end loop;
end
$$;
comment on function tidemark.merge(integer, text, tstzmultirange[], text[]) is 'Merge coarser buckets from what was recomputed.';

-- Recomputes the targets of one level from raw rows, in one subtransaction with the deletion of their marks; with scopes, the
-- groups of these only, and the coarser levels, too. A batch that fails is halved until the poison bucket, and in it the poison
-- scope, stands alone; that one backs off.
create function tidemark.work(p_rollup integer, p_storage text, p_level smallint, p_targets tstzmultirange, p_scopes text[],
                              out buckets bigint, out raw_rows bigint, out failed bigint, out canceled boolean,
                              -- what of it went into raw rows, and not into merging coarser levels
                              out own_time interval)
language plpgsql
as $$
declare
  own record;
  starts timestamptz[];
  nexts timestamptz[];
  half record;
  part record;
  problem text;
  own_started timestamptz;
  touched tstzmultirange[];
begin
  buckets := 0; raw_rows := 0; failed := 0; canceled := false; own_time := '0';
  begin
    perform tidemark.consume(p_rollup, p_targets, p_scopes);
    select v.grain, r.base_grain into own from tidemark.level v join tidemark.rollup r on r.id = v.rollup_id
    where v.rollup_id = p_rollup and v.level = p_level;
    select array_agg(s order by s), array_agg(tidemark.bucket_next(own.grain, s) order by s) into starts, nexts
    from unnest(tidemark.align(own.grain, p_targets)) t, tidemark.bucket_starts(own.grain, t) s;
    if starts is not null then
      buckets := tidemark.bucket_count(own.base_grain, p_targets);
      own_started := clock_timestamp();
      execute format('select tidemark.%I($1, $2, true, $3)', p_storage || '__replace_' || own.grain) into raw_rows using starts, nexts, p_scopes;
      own_time := clock_timestamp() - own_started;
    end if;
    if p_scopes is not null then
      touched[p_level + 1] := p_targets;
      perform tidemark.merge(p_rollup, p_storage, touched, p_scopes);
    end if;
    return;
  exception
    -- A person, or a statement time-out: make way, keep the marks, come back with less.
    when query_canceled then
      canceled := true;
      problem := sqlerrm;
    when lock_not_available or deadlock_detected then
      raise;
    when others then
      problem := sqlerrm;
  end;
  buckets := 0; raw_rows := 0; own_time := '0';
  select array_agg(s order by s) into starts
  from tidemark.level v, unnest(p_targets) t, tidemark.bucket_starts(v.grain, t) s
  where v.rollup_id = p_rollup and v.level = p_level;
  if canceled or (cardinality(starts) <= 1 and coalesce(cardinality(p_scopes), 1) <= 1) then
    perform tidemark.consume(p_rollup, p_targets, p_scopes, problem);
    failed := cardinality(starts);
    update tidemark.health set last_error = problem, last_error_at = clock_timestamp() where rollup_id = p_rollup;
    return;
  end if;
  for half in
    select range_agg(tstzrange(s, tidemark.bucket_next(v.grain, s))) as targets, p_scopes as scopes, n > cardinality(starts) / 2 as upper_half
    from unnest(starts) with ordinality u (s, n), tidemark.level v
    where v.rollup_id = p_rollup and v.level = p_level and cardinality(starts) > 1
    group by n > cardinality(starts) / 2
    union all
    select p_targets, array_agg(s), n > cardinality(p_scopes) / 2
    from unnest(p_scopes) with ordinality u (s, n) where cardinality(starts) <= 1
    group by n > cardinality(p_scopes) / 2
    order by upper_half desc
  loop
    select * into part from tidemark.work(p_rollup, p_storage, p_level, half.targets, half.scopes);
    buckets := buckets + part.buckets;
    raw_rows := raw_rows + part.raw_rows;
    failed := failed + part.failed;
    own_time := own_time + part.own_time;
    canceled := part.canceled;
    exit when canceled;
  end loop;
end
$$;
comment on function tidemark.work(integer, text, smallint, tstzmultirange, text[]) is 'Recompute a batch of buckets.';

create function tidemark.somebody_waits(p_rollup integer) returns boolean
language sql stable
as $$
  select exists (
    select from pg_catalog.pg_locks w
    where not w.granted and w.locktype = 'relation' and w.mode = 'AccessExclusiveLock'
      and w.relation in (select relid from tidemark.beneath(p_rollup)))
$$;
comment on function tidemark.somebody_waits(integer) is 'Whether somebody waits for an exclusive lock on one of the rollup''s raw tables.';

-- Looks at capture; where changes may have gone by unmarked, everything becomes dirty. Returns a reason not to go on.
create function tidemark.watch_capture(p_rollup integer, p_storage text, out intact boolean, out blocked text)
language plpgsql
as $$
declare
  h tidemark.health%rowtype;
  now_looks text := tidemark.fingerprint(p_rollup);
  f record;
  extent tstzmultirange;
  states jsonb;
  lost tstzmultirange := '{(,)}';
begin
  select * into h from tidemark.health where rollup_id = p_rollup;
  intact := h.capture_broken_at is null;
  if not tidemark.fingerprint_differs(h.fingerprint_seen, now_looks) and intact then
    return;
  end if;
  select count(*) as n, string_agg(message, '; ') filter (where fatal) as fatal into f from tidemark.capture_findings(p_rollup);
  intact := f.n = 0;
  blocked := f.fatal;
  if blocked is null and tidemark.fingerprint_differs(h.fingerprint_seen, now_looks) then
    execute format('select tidemark.%I()', p_storage || '__extent') into extent;
    states := tidemark.member_states(p_rollup);
    -- Columns and file nodes changed together: a rewrite, which fires no trigger. A view's definition can hide anything.
    if exists (select from tidemark.rollup where id = p_rollup and capture = 'trigger') and (split_part(h.fingerprint_seen, '|', 2) = split_part(now_looks, '|', 2) or split_part(h.fingerprint_seen, '|', 3) = split_part(now_looks, '|', 3)) then
      lost := coalesce(tidemark.gap(h.members, states, (select base_grain from tidemark.rollup where id = p_rollup)), '{(,)}');
    end if;
    insert into tidemark.dirty (rollup_id, kind, span, since) select p_rollup, 'c', e, clock_timestamp()
    from tidemark.rollup r, unnest(extent * lost * tstzmultirange(tstzrange(r.frozen_before, null))) e where r.id = p_rollup;
  end if;
  update tidemark.health set
    members = coalesce(states, members),
    fingerprint_seen = case when blocked is null then now_looks else fingerprint_seen end,
    fingerprint = case when intact then now_looks else fingerprint end,
    capture_broken_at = case when not intact then coalesce(capture_broken_at, clock_timestamp()) end
  where rollup_id = p_rollup;
end
$$;
comment on function tidemark.watch_capture(integer, text) is 'Compare capture with what it was; a gap makes dirty what it could hide.';

-- Moves the line below which a short-lived level is no longer complete, then drops its rows there.
create function tidemark.move_lines(p_rollup integer, p_now timestamptz) returns void
language plpgsql
as $$
declare
  l record;
begin
  for l in
    select v.level, v.table_name, v.complete_from, tidemark.bucket_floor(parent.grain, p_now - v.keep) as line
    from tidemark.level v join tidemark.level parent on parent.rollup_id = v.rollup_id and parent.level = v.level + 1
    where v.rollup_id = p_rollup and v.keep is not null
  loop
    if l.line > l.complete_from then
      update tidemark.level set complete_from = l.line where rollup_id = p_rollup and level = l.level;
      execute format('delete from tidemark.%I where bucket < $1', l.table_name) using l.line;
    end if;
  end loop;
end
$$;
comment on function tidemark.move_lines(integer, timestamptz) is 'Let the hot tail move on.';

create function tidemark.tick_one(p_rollup integer, p_ticker text, p_slice interval) returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set row_security = off
set jit = off
set work_mem = '64MB'
set lock_timeout = '300ms'
as $$
declare
  r tidemark.rollup%rowtype;
  h tidemark.health%rowtype;
  started timestamptz;
  batch_started timestamptz;
  took interval;
  i record;
  b record;
  w record;
  watch record;
  who text := coalesce(p_ticker, nullif(current_setting('application_name'), ''), 'sql');
  outcome text;
  problem text;
  marks bigint := 0;
  done_buckets bigint := 0;
  done_rows bigint := 0;
  still bigint := 0;
  turn bigint;
  oldest timestamptz;
  new_extent tstzmultirange;
  touched tstzmultirange[];
  paced bigint[] := '{}';
  rest interval;
  failing boolean;
begin
  -- In a statement of its own: what comes later takes its snapshots under the lock.
  if not pg_try_advisory_xact_lock(1953064293, p_rollup) then
    return jsonb_build_object('outcome', 'busy', 'marks', 0, 'buckets', 0, 'raw_rows', 0, 'left', 0, 'took_ms', 0, 'error', null);
  end if;
  select * into r from tidemark.rollup where id = p_rollup;
  if not found or r.paused or not r.active or r.stage = 'retired' then
    return jsonb_build_object('outcome', 'paused', 'marks', 0, 'buckets', 0, 'raw_rows', 0, 'left', 0, 'took_ms', 0, 'error', null);
  end if;
  perform set_config('synchronous_commit', 'local', true);
  started := clock_timestamp();
  insert into tidemark.ticker values (r.id, who, started)
    on conflict on constraint ticker_pkey do update set last_seen_at = excluded.last_seen_at;
  update tidemark.health set last_attempt_at = started, tick_no = tick_no + 1 where rollup_id = r.id returning * into h;
  turn := h.tick_no;

  begin
    select * into watch from tidemark.watch_capture(r.id, r.storage);
    if watch.blocked is not null then
      raise exception '%', watch.blocked using errcode = 'TM001';
    end if;
    -- From here on no TRUNCATE and no rewrite can slip between a statement's snapshot and its scan.
    for i in select distinct schema_name, table_name from tidemark.input where rollup_id = r.id loop
      execute format('lock table only %I.%I in access share mode', i.schema_name, i.table_name);
    end loop;
    perform tidemark.move_lines(r.id, started);
    perform tidemark.poll(r.id, r.storage, started);
    marks := tidemark.intake(r.id, r.storage);

    loop
      select * into b from tidemark.next_batch(r.id, turn, h.batch_units);
      exit when b.targets is null;
      turn := turn + 1;
      batch_started := clock_timestamp();
      select * into w from tidemark.work(r.id, r.storage, b.level, b.targets, b.scopes);
      took := clock_timestamp() - batch_started;
      if b.scopes is null then
        touched[b.level + 1] := coalesce(touched[b.level + 1], '{}') + b.targets;
      end if;
      done_buckets := done_buckets + w.buckets;
      done_rows := done_rows + w.raw_rows;
      -- With scopes, merging a month costs the same for one of its buckets as for many: where raw rows took little time, a batch
      -- does not become smaller than a few.
      h.batch_units := case when w.failed > 0 then greatest(1, h.batch_units / 2)
                            when took > interval '800 ms' then greatest(case when w.own_time < interval '200 ms' then 32 else 1 end, h.batch_units / 2)
                            when took < interval '200 ms' then least(20000, h.batch_units * 2) else h.batch_units end;
      if w.canceled then
        problem := 'canceled, or the statement time-out: the batch comes back smaller';
        exit;
      end if;
      paced := paced || array(select j.id from tidemark.job j where j.id = any (b.jobs) and j.pace < 100);
      -- The rest of the slice is for merging; and a job that shall rest does so after each batch.
      exit when clock_timestamp() >= started + p_slice * 0.8 or cardinality(paced) > 0;
      if tidemark.somebody_waits(r.id) then
        outcome := 'yielded';
        exit;
      end if;
    end loop;
    -- Once a tick, however many batches it took: a month is merged from the same days each time.
    begin
      perform tidemark.merge(r.id, r.storage, touched);
    exception when query_canceled then
      problem := 'canceled, or the statement time-out, while merging: what was recomputed comes back smaller';
      h.batch_units := greatest(1, h.batch_units / 2);
      insert into tidemark.dirty (rollup_id, kind, span, since) select r.id, 'c', t, started
      from unnest(touched) m, unnest(m) t;
    end;

    update tidemark.job j set rests_until = clock_timestamp() + (clock_timestamp() - started) * ((100 - j.pace)::double precision / j.pace)
    where j.id = any (paced) and j.state = 'running';
    update tidemark.job j set state = 'done', finished_at = clock_timestamp()
    where j.rollup_id = r.id and j.state = 'running' and not exists (select from tidemark.dirty d where d.job_id = j.id);
    update tidemark.health set unrepaired = 0, repair_job_id = null
    where rollup_id = r.id and repair_job_id in (select id from tidemark.job where state = 'done');

    -- What was committed before `started` was seen by the intake, so what is left of it says how far the rollup is; a poll
    -- says so of what was committed before the lag.
    select min(a.since) filter (where a.kind = 'c') into oldest from tidemark.applicable(r.id) a;
    select tidemark.bucket_count(r.base_grain, range_agg(a.span)), greatest(min(a.next_try_at), clock_timestamp()) - clock_timestamp(),
           bool_and(a.attempts > 0)
    into still, rest, failing from tidemark.applicable(r.id) a;
    execute format('select tidemark.%I()', r.storage || '__extent') into new_extent;
    update tidemark.health set
      watermark_at = case when watch.intact then greatest(watermark_at, least(oldest, started - coalesce(r.poll_lag, '0'))) else watermark_at end,
      last_success_at = case when problem is null then clock_timestamp() else last_success_at end,
      batch_units = h.batch_units,
      extent = new_extent
    where rollup_id = r.id;
  exception
    when lock_not_available or deadlock_detected then
      outcome := 'yielded';
    when others then
      problem := sqlerrm;
  end;

  if problem is not null then
    update tidemark.health set last_error = problem, last_error_at = clock_timestamp() where rollup_id = r.id;
  end if;
  outcome := case when problem is not null then 'failed'
                  else coalesce(outcome, case when coalesce(still, 0) = 0 then 'drained' when rest <= '0' then 'more'
                                              when failing then 'backing_off' else 'resting' end) end;
  took := clock_timestamp() - started;
  if marks > 0 or done_buckets > 0 or problem is not null then
    insert into tidemark.run (rollup_id, started_at, took_ms, ticker, marks, buckets, raw_rows, lag_seconds, error)
    values (r.id, started, extract(epoch from took) * 1000, who, marks, done_buckets, done_rows,
            extract(epoch from started - h.watermark_at), problem);
  end if;
  if turn % 1000 = 0 then
    delete from tidemark.run where rollup_id = r.id and started_at < started - interval '7 days';
    delete from tidemark.ticker where rollup_id = r.id and last_seen_at < started - interval '7 days';
  end if;
  return jsonb_build_object('outcome', outcome, 'marks', marks, 'buckets', done_buckets,
    'raw_rows', done_rows, 'left', coalesce(still, 0), 'took_ms', extract(epoch from took) * 1000, 'error', problem,
    'rest_ms', case when outcome in ('resting', 'backing_off') then extract(epoch from rest) * 1000 end);
end
$$;
comment on function tidemark.tick_one(integer, text, interval) is 'One slice of one declaration of a rollup. Called by tidemark.tick.';

-- A changed declaration takes the place of the one it was built beside. Readers of a snapshot from before go on with the
-- old tables; its triggers, tables and functions are dropped later, one table a transaction, by whoever ticks and may.
create function tidemark.promote(p_old integer, p_new integer) returns void
language plpgsql
as $$
declare view_name text;
begin
  for view_name in select v ->> 'name' from tidemark.rollup r, jsonb_array_elements(r.model -> 'relations') v where r.id = p_old loop
    execute format('drop view if exists tidemark.%I', view_name);
  end loop;
  update tidemark.rollup set stage = 'retired' where id = p_old;
  update tidemark.rollup set stage = 'serving' where id = p_new;
  execute (select views from tidemark.rollup where id = p_new);
  update tidemark.job set state = 'cancelled', finished_at = clock_timestamp() where rollup_id = p_old and state in ('running', 'paused');
  delete from tidemark.dirty where rollup_id = p_old;
  delete from tidemark.mark where rollup_id = p_old;
  -- Its history goes on under the same name.
  update tidemark.job set rollup_id = p_new where rollup_id = p_old;
  update tidemark.run set rollup_id = p_new where rollup_id = p_old;
  update tidemark.audit set rollup_id = p_new where rollup_id = p_old;
  update tidemark.ticker t set last_seen_at = greatest(t.last_seen_at, o.last_seen_at)
  from tidemark.ticker o where t.rollup_id = p_new and o.rollup_id = p_old and o.name = t.name;
  update tidemark.health n set tick_no = n.tick_no + o.tick_no
  from tidemark.health o where n.rollup_id = p_new and o.rollup_id = p_old;
  perform tidemark.grant_roles();
end
$$;
comment on function tidemark.promote(integer, integer) is 'Let a changed declaration that is built take the place of the old one. Called by tidemark.tick.';

create function tidemark.tick(p_rollup text, p_ticker text default null, p_slice interval default '2 seconds') returns jsonb
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '300ms'
as $$
declare
  serving tidemark.rollup%rowtype;
  next tidemark.rollup%rowtype;
  report jsonb;
  other jsonb;
  hindrance text;
  retired integer;
  worst constant text[] := '{failed,more,yielded,busy,resting,backing_off,paused,drained}';
begin
  if current_setting('transaction_isolation') not in ('read committed', 'read uncommitted') then
    raise exception 'tidemark.tick needs READ COMMITTED, this transaction is %', current_setting('transaction_isolation')
      using errcode = 'invalid_transaction_state', hint = 'Call it in a transaction of its own, without SET TRANSACTION ISOLATION LEVEL.';
  end if;
  select * into serving from tidemark.rollup where name = p_rollup and stage = 'serving';
  if not found then
    raise exception 'there is no rollup %', quote_literal(p_rollup) using errcode = 'undefined_object';
  end if;
  report := tidemark.tick_one(serving.id, p_ticker, p_slice);
  select * into next from tidemark.rollup where name = p_rollup and stage = 'next' and active and not serving.paused;
  if found then
    other := tidemark.tick_one(next.id, p_ticker, p_slice);
    if other ->> 'outcome' in ('drained', 'more', 'resting', 'backing_off') and pg_try_advisory_xact_lock(1953064293, serving.id)
       and not exists (select from tidemark.dirty where rollup_id = next.id and kind = 'b')
       and not exists (select from tidemark.job where rollup_id = next.id and kind = 'build' and state = 'cancelled') then
      begin
        perform tidemark.promote(serving.id, next.id);
      exception when others then
        get stacked diagnostics hindrance = pg_exception_detail;
        hindrance := concat_ws(': ', 'it is built, but can''t take the place of the old one', sqlerrm, nullif(hindrance, ''));
        update tidemark.health set last_error = hindrance, last_error_at = clock_timestamp() where rollup_id = next.id;
        other := other || jsonb_build_object('outcome', 'failed', 'error', hindrance);
      end;
    end if;
    report := jsonb_build_object(
      'outcome', worst[least(array_position(worst, report ->> 'outcome'), array_position(worst, other ->> 'outcome'))],
      'marks', (report ->> 'marks')::bigint + (other ->> 'marks')::bigint,
      'buckets', (report ->> 'buckets')::bigint + (other ->> 'buckets')::bigint,
      'raw_rows', (report ->> 'raw_rows')::bigint + (other ->> 'raw_rows')::bigint,
      'left', (report ->> 'left')::bigint + (other ->> 'left')::bigint,
      'took_ms', (report ->> 'took_ms')::double precision + (other ->> 'took_ms')::double precision,
      'error', coalesce(report ->> 'error', other ->> 'error'),
      'rest_ms', case when 'more' not in (report ->> 'outcome', other ->> 'outcome')
                   then least((report ->> 'rest_ms')::double precision, (other ->> 'rest_ms')::double precision) end);
  end if;
  select id into retired from tidemark.rollup where name = p_rollup and stage = 'retired';
  if retired is not null then
    -- Its triggers go on marking until somebody who may drops them.
    delete from tidemark.mark where rollup_id = retired;
  end if;
  -- New partitions have no triggers of their own yet: whoever ticks and may puts them on.
  return report || jsonb_build_object('rollup', p_rollup, 'retired', retired is not null,
    'unwatched', exists (
      select from tidemark.rollup r join tidemark.health h on h.rollup_id = r.id and h.capture_broken_at is not null
      cross join lateral tidemark.members(r.id) m join tidemark.input i on i.rollup_id = r.id and i.ordinal = m.ordinal
      where r.name = p_rollup and r.stage <> 'retired' and not m.is_root
        and not exists (select from pg_catalog.pg_trigger t where t.tgrelid = m.relid and starts_with(t.tgname, i.trigger_prefix))));
end
$$;
comment on function tidemark.tick(text, text, interval) is 'Take marks and recompute their buckets, for at most about a slice. Call it from the app, a worker or pg_cron.';

-- For callers whose tick ended with an error that took its transaction along.
create function tidemark.record_failure(p_rollup text, p_error text) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  update tidemark.health set last_error = p_error, last_error_at = clock_timestamp(), last_attempt_at = clock_timestamp(),
    batch_units = greatest(1, batch_units / 2)
  where rollup_id = (select id from tidemark.rollup where name = p_rollup and stage = 'serving')
$$;
comment on function tidemark.record_failure(text, text) is 'Record why a tick failed, in a transaction of its own.';
