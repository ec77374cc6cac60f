-- What a read needs to know before it reads, in one snapshot.

-- p_filters: the values that a dimension is filtered to, {"DIM": ["VALUE", …]}. Where that is the scope dimension, what is
-- dirty for other scopes does not count.
create function tidemark.read_state(p_rollup integer, p_lo timestamptz, p_hi timestamptz, p_filters jsonb default null)
returns table (id integer, applied_at timestamptz, at timestamptz, intact boolean, frozen_before timestamptz,
               watermark_at timestamptz, complete_from timestamptz[], dirty_lo timestamptz[], dirty_hi timestamptz[])
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set row_security = off
set plan_cache_mode = force_generic_plan -- planning takes longer than reading these few rows
as $$
#variable_conflict use_column
declare
  r record;
  range tstzrange := tstzrange(p_lo, p_hi);
  dirty tstzmultirange;
  scopes text[];
begin
  select u.*, h.watermark_at,
    h.capture_broken_at is null and not tidemark.fingerprint_differs(h.fingerprint, tidemark.fingerprint(u.id)) as intact
  into r
  from tidemark.rollup u join tidemark.health h on h.rollup_id = u.id where u.id = p_rollup and u.active and u.stage <> 'retired';
  if not found then
    return;
  end if;
  if p_filters ? (r.model -> 'scope' ->> 'dimension') then
    scopes := array(select jsonb_array_elements_text(p_filters -> (r.model -> 'scope' ->> 'dimension')));
  end if;
  if not r.intact or exists (select from tidemark.mark m where m.rollup_id = r.id and m.kind = 'w') then
    dirty := tstzmultirange(range);
  else
    select range_agg(span * range) into dirty from (
      select d.span from tidemark.dirty d where d.rollup_id = r.id and d.kind in ('c', 'b', 'u')
        and (scopes is null or d.scope is null or d.scope = any (scopes))
      union all
      select tstzrange(m.lo, m.hi) from tidemark.mark m where m.rollup_id = r.id and m.kind = 'c'
        and (scopes is null or m.scope is null or m.scope = any (scopes))
    ) s where span && range;
    -- Lookup marks that no tick has expanded yet are expanded here, in this snapshot.
    if exists (select from tidemark.mark m where m.rollup_id = r.id and m.kind = 'l') then
      declare expanded tstzmultirange;
      begin
        execute format($q$
          select range_agg(e * $2) from (
            select input, jsonb_agg(key) as keys from tidemark.mark, jsonb_array_elements(keys) key
            where rollup_id = $1 and kind = 'l' group by input
          ) l, tidemark.%I(l.input, l.keys) e where e && $2
        $q$, r.storage || '__expand') into expanded using r.id, range;
        dirty := coalesce(dirty, '{}') + coalesce(expanded, '{}');
        -- Emptied under this snapshot, the raw tables said nothing of where the keys are. Everything is dirty then: the
        -- reader goes for raw rows, finds the same, and starts again.
        if tidemark.snapshot_is_stale(r.id) then
          dirty := tstzmultirange(range);
        end if;
      exception when others then
        dirty := tstzmultirange(range);
      end;
    end if;
  end if;
  -- What changed since the last poll is found in this snapshot as a tick would find it.
  if r.capture = 'poll' and dirty is distinct from tstzmultirange(range) then
    begin
      dirty := coalesce(dirty, '{}') + tidemark.unpolled(r.id, r.storage) * tstzmultirange(range);
    exception when others then
      dirty := tstzmultirange(range);
    end;
  end if;
  -- Clients know no infinite times: "always" is null to them.
  return query select r.id, r.applied_at, now(), r.intact, nullif(r.frozen_before, '-infinity'), r.watermark_at,
    (select array_agg(nullif(v.complete_from, '-infinity') order by v.level) from tidemark.level v where v.rollup_id = r.id),
    (select coalesce(array_agg(lower(s)), '{}') from unnest(dirty) s), (select coalesce(array_agg(upper(s)), '{}') from unnest(dirty) s);
end
$$;
comment on function tidemark.read_state(integer, timestamptz, timestamptz, jsonb) is 'Which buckets of a range are dirty, which levels are complete, whether capture is intact.';

-- Roles, where they exist: viewers read and can change nothing; operators also tick, recompute and pause.
create function tidemark.grant_roles() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  revoke all on all functions in schema tidemark from public;
  -- Relations call these, and whoever may read a relation must be able to: they compute and read nothing.
  grant execute on function tidemark.to_double(numeric), tidemark.mean(bigint, numeric), tidemark.sd(bigint, numeric, numeric),
    tidemark.slope(bigint, numeric, numeric, numeric, numeric), tidemark.r2(bigint, numeric, numeric, numeric, numeric, numeric),
    tidemark.kmv_entries(bytea), tidemark.kmv_least(bytea), tidemark.kmv_count(bytea) to public;
  if to_regrole('tidemark_viewer') is not null then
    grant usage on schema tidemark to tidemark_viewer;
    grant select on all tables in schema tidemark to tidemark_viewer;
    grant execute on all functions in schema tidemark to tidemark_viewer;
    revoke execute on function tidemark.tick(text, text, interval), tidemark.tick_one(integer, text, interval), tidemark.promote(integer, integer),
      tidemark.record_failure(text, text), tidemark.grant_roles(),
      tidemark.consume(integer, tstzmultirange, text[], text), tidemark.intake(integer, text),
      tidemark.work(integer, text, smallint, tstzmultirange, text[]), tidemark.merge(integer, text, tstzmultirange[], text[]), tidemark.watch_capture(integer, text), tidemark.poll(integer, text, timestamptz),
      tidemark.move_lines(integer, timestamptz), tidemark.forget_frozen() from tidemark_viewer;
  end if;
  if to_regrole('tidemark_operator') is not null then
    grant usage on schema tidemark to tidemark_operator;
    grant select on all tables in schema tidemark to tidemark_operator;
    grant execute on all functions in schema tidemark to tidemark_operator;
    grant insert, update, delete on tidemark.job, tidemark.dirty, tidemark.audit to tidemark_operator;
    grant delete on tidemark.polled to tidemark_operator;
    grant update on tidemark.rollup, tidemark.health to tidemark_operator;
  end if;
end
$$;
comment on function tidemark.grant_roles() is 'Give tidemark_viewer and tidemark_operator, where they exist, what they need.';
