-- Capture, watched: what the triggers, the used columns and the partition trees look like now, compared with what
-- they looked like when capture was last known to be whole.

-- Every table behind an input: itself, its partitions and its inheritance children. By name, so that a table that was
-- swapped by rename is found. A view counts with poll capture only: it can have no triggers of the kind that see every row.
create function tidemark.members(p_rollup integer) returns table (ordinal smallint, relid oid, is_root boolean)
language sql stable
as $$
  with recursive member as (
    select i.ordinal, c.oid as relid, true as is_root
    from tidemark.input i
    join tidemark.rollup r on r.id = i.rollup_id
    join pg_catalog.pg_namespace n on n.nspname = i.schema_name
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = i.table_name
      and (c.relkind in ('r', 'p') or (c.relkind = 'v' and r.capture = 'poll'))
    where i.rollup_id = p_rollup
    union all
    select m.ordinal, h.inhrelid, false from member m join pg_catalog.pg_inherits h on h.inhparent = m.relid
  )
  select distinct on (ordinal, relid) ordinal, relid, is_root from member
$$;
comment on function tidemark.members(integer) is 'The tables behind a rollup''s inputs, partitions and inheritance children included.';

-- The members, and what the views among them read, as far down as it goes.
create function tidemark.beneath(p_rollup integer) returns table (relid oid)
language sql stable
as $$
  with recursive below as (
    select m.relid from tidemark.members(p_rollup) m
    union
    select next.relid from below b cross join lateral (
      select d.refobjid as relid
      from pg_catalog.pg_rewrite w
      join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = w.oid
        and d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid <> w.ev_class
      where w.ev_class = b.relid
      union all
      select h.inhrelid from pg_catalog.pg_inherits h where h.inhparent = b.relid
    ) next
  )
  select b.relid from below b
$$;
comment on function tidemark.beneath(integer) is 'The tables and views that a rollup reads, directly or through views.';

-- Three parts, joined by '|': structure (tables, triggers with xmin and enabled state, column types), the xmin of used
-- columns, and file nodes. A rewrite by ALTER COLUMN changes the last two together; VACUUM FULL or SET NOT NULL only one.
-- With poll capture there are no triggers, partitions come and go unseen, and a view's definition is part of the structure.
create function tidemark.fingerprint(p_rollup integer) returns text
language plpgsql stable -- whose plan is kept, as a query's in SQL is not
set plan_cache_mode = force_generic_plan -- and never made anew: that takes longer than to look
as $$
begin
  return (
  with member as materialized (select * from tidemark.members(p_rollup)),
  trigger_line as (
    select format('t %s %s %s %s %s', m.ordinal, m.relid, t.oid, t.xmin, t.tgenabled) as line
    from member m
    join tidemark.input i on i.rollup_id = p_rollup and i.ordinal = m.ordinal
    join pg_catalog.pg_trigger t on t.tgrelid = m.relid and left(t.tgname, length(i.trigger_prefix)) = i.trigger_prefix
  ),
  used as (
    select m.ordinal, m.relid, a.attname, a.atttypid, a.atttypmod, a.xmin as attxmin
    from member m
    join tidemark.input i on i.rollup_id = p_rollup and i.ordinal = m.ordinal
    join pg_catalog.pg_attribute a on a.attrelid = m.relid and a.attnum > 0 and not a.attisdropped and i.columns ? a.attname
    where m.is_root
  ),
  structure as (
    select line from trigger_line
    union all select format('c %s %s %s %s %s', ordinal, relid, attname, atttypid, atttypmod) from used
    union all
    select format('m %s %s', ordinal, relid) from member
    where is_root or exists (select from tidemark.rollup where id = p_rollup and capture = 'trigger')
    union all
    select format('v %s %s', w.ev_class, w.xmin) from pg_catalog.pg_rewrite w
    where exists (select from tidemark.rollup where id = p_rollup and capture = 'poll')
      and w.ev_class in (select b.relid from tidemark.beneath(p_rollup) b) and w.rulename = '_RETURN'
  )
  select concat_ws('|',
    (select md5(string_agg(line, E'\n' order by line)) from structure),
    (select md5(string_agg(concat_ws(' ', relid, attname, attxmin), E'\n' order by relid, attname)) from used),
    (select md5(string_agg(concat_ws(' ', c.oid, c.relfilenode), E'\n' order by c.oid, m.ordinal))
     from member m join pg_catalog.pg_class c on c.oid = m.relid))
  );
end
$$;
comment on function tidemark.fingerprint(integer) is 'What capture looks like now.';

create function tidemark.fingerprint_differs(a text, b text) returns boolean
language sql immutable parallel safe
return a is null or b is null or split_part(a, '|', 1) <> split_part(b, '|', 1)
  or (split_part(a, '|', 2) <> split_part(b, '|', 2) and split_part(a, '|', 3) <> split_part(b, '|', 3));
comment on function tidemark.fingerprint_differs(text, text) is 'Whether changes may have gone by unmarked between two looks at capture.';

-- A partition's bound as an instant, by the kind of its time column; null where it is none within reach.
create function tidemark.bound_instant(p_bound text, p_time jsonb) returns timestamptz
language sql stable
as $$
  select case
    when p_time ? 'Epoch' then
      case when abs(p_bound::numeric / (p_time -> 'Epoch' ->> 'per_second')::numeric) < 1e11
        then to_timestamp((p_bound::numeric / (p_time -> 'Epoch' ->> 'per_second')::numeric)::double precision) end
    when p_time ?| '{Timestamp,Date}' then
      case when isfinite(p_bound::timestamp) then p_bound::timestamp at time zone (coalesce(p_time -> 'Timestamp', p_time -> 'Date') ->> 'zone') end
    when isfinite(p_bound::timestamptz) then p_bound::timestamptz
  end
$$;
comment on function tidemark.bound_instant(text, jsonb) is 'A bound of a partition as an instant.';

-- What each table behind a rollup looks like, and between which instants all its rows lie, where the bounds of a
-- partition by the time column say so: {"ordinal oid": {"state", "bounded", "lo", "hi"}}. A wall clock's bounds are
-- widened by what its zone may do.
create function tidemark.member_states(p_rollup integer) returns jsonb
language sql stable
set timezone = 'UTC'
as $$
  with recursive tree as (
    select m.ordinal, m.relid, null::text collate "C" as bound from tidemark.members(p_rollup) m where m.is_root
    union all
    -- Of a default partition, and of one by something else, what is known of its parent.
    select t.ordinal, h.inhrelid,
      coalesce((select nullif(pg_get_expr(c.relpartbound, c.oid), 'DEFAULT')
                from pg_catalog.pg_partitioned_table p
                join pg_catalog.pg_attribute a on a.attrelid = p.partrelid and a.attnum = p.partattrs[0]
                where p.partrelid = t.relid and p.partstrat = 'r' and i.kind = 'source' and a.attname = i.time_column), t.bound)
    from tree t
    join tidemark.input i on i.rollup_id = p_rollup and i.ordinal = t.ordinal
    join pg_catalog.pg_inherits h on h.inhparent = t.relid
    join pg_catalog.pg_class c on c.oid = h.inhrelid
  ), parsed as (
    select t.*, i.trigger_prefix, i.columns, r.model -> 'sources' -> t.ordinal::integer -> 'time' as time_kind,
      case when r.model -> 'sources' -> t.ordinal::integer -> 'time' ?| '{Timestamp,Date}' then interval '3 hours' else '0' end as doubt,
      substring(t.bound from $b$^FOR VALUES FROM \('([^']*)'$b$) as lo, substring(t.bound from $b$ TO \('([^']*)'$b$) as hi
    from tree t
    join tidemark.input i on i.rollup_id = p_rollup and i.ordinal = t.ordinal
    join tidemark.rollup r on r.id = p_rollup
  )
  select jsonb_object_agg(p.ordinal || ' ' || p.relid, jsonb_build_object(
    'state', md5(concat_ws(E'\n',
      (select string_agg(concat_ws(' ', t.oid, t.xmin, t.tgenabled), E'\n' order by t.oid) from pg_catalog.pg_trigger t
       where t.tgrelid = p.relid and starts_with(t.tgname, p.trigger_prefix)),
      (select string_agg(concat_ws(' ', a.attname, a.atttypid, a.atttypmod), E'\n' order by a.attname) from pg_catalog.pg_attribute a
       where p.bound is null and a.attrelid = p.relid and a.attnum > 0 and not a.attisdropped and p.columns ? a.attname))),
    'bounded', p.bound is not null,
    'lo', tidemark.bound_instant(p.lo, p.time_kind) - p.doubt,
    'hi', tidemark.bound_instant(p.hi, p.time_kind) + p.doubt))
  from parsed p
$$;
comment on function tidemark.member_states(integer) is 'What each table behind a rollup looks like, and when its rows can be.';

-- When the rows can be that changed unmarked between two looks: within the bounds of the partitions that came, went, or
-- had their triggers changed, since a write to any other table fires that one's. What has no bounds can be anywhere.
create function tidemark.gap(p_before jsonb, p_after jsonb, p_grain text) returns tstzmultirange
language sql stable
as $$
  with differs as (
    select b.value as line from jsonb_each(p_before) b where p_after -> b.key is distinct from b.value
    union all
    select a.value from jsonb_each(p_after) a where p_before -> a.key is distinct from a.value
  )
  select case when bool_and((line ->> 'bounded')::boolean) then
      range_agg(tstzrange(tidemark.bucket_floor(p_grain, (line ->> 'lo')::timestamptz),
                          tidemark.bucket_next(p_grain, tidemark.bucket_floor(p_grain, (line ->> 'hi')::timestamptz))))
    end
  from differs
$$;
comment on function tidemark.gap(jsonb, jsonb, text) is 'When the rows can be that changed unmarked between two looks at capture; null for anywhere.';

-- With a search path of its own: format_type leaves out the schema of a type that is on it, as it was when the
-- declaration was applied.
create function tidemark.capture_findings(p_rollup integer)
returns table (input text, fatal boolean, message text, fix text)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with i as (
    select i.*, format('%I.%I', schema_name, table_name) as full_name, r.name as rollup
    from tidemark.input i join tidemark.rollup r on r.id = i.rollup_id where i.rollup_id = p_rollup
  ),
  member as materialized (select * from tidemark.members(p_rollup)),
  wanted as (
    select i.name, i.full_name, i.rollup, m.relid, i.trigger_prefix || e.suffix as trigger_name
    from i join member m on m.ordinal = i.ordinal
    cross join lateral (values ('I', 'ins'), ('U', 'upd'), ('D', 'del'), ('T', 'trunc')) e (letter, suffix)
    where position(e.letter in i.trigger_events) > 0
  )
  select i.name, true, format('table %s is gone or was renamed', i.full_name),
         format('rename it back, or change the declaration and run: tidemark rollup apply %s', i.rollup)
  from i where not exists (select from member m where m.ordinal = i.ordinal and m.is_root)
  union all
  select i.name, true, format('column %I of %s is gone or was renamed', u.key, i.full_name),
         format('rename it back, or change the declaration and run: tidemark rollup apply %s', i.rollup)
  from i join member m on m.ordinal = i.ordinal and m.is_root cross join lateral jsonb_each_text(i.columns) u
  where not exists (select from pg_catalog.pg_attribute a where a.attrelid = m.relid and a.attname = u.key and not a.attisdropped)
  union all
  select i.name, false,
         format('column %I of %s is now %s, was %s', u.key, i.full_name, format_type(a.atttypid, a.atttypmod), u.value),
         format('tidemark rollup apply %s', i.rollup)
  from i join member m on m.ordinal = i.ordinal and m.is_root cross join lateral jsonb_each_text(i.columns) u
  join pg_catalog.pg_attribute a on a.attrelid = m.relid and a.attname = u.key and not a.attisdropped
  where format_type(a.atttypid, a.atttypmod) <> u.value
  union all
  select w.name, false, format('trigger %I on %s is missing', w.trigger_name, w.relid::regclass),
         format('tidemark rollup apply %s', w.rollup)
  from wanted w
  where not exists (select from pg_catalog.pg_trigger t where t.tgrelid = w.relid and t.tgname = w.trigger_name)
  union all
  select w.name, false,
         format('trigger %I on %s is %s', w.trigger_name, w.relid::regclass,
                case t.tgenabled when 'D' then 'disabled' else 'not ENABLE ALWAYS' end),
         format('alter table %s enable always trigger %I;', w.relid::regclass, w.trigger_name)
  from wanted w join pg_catalog.pg_trigger t on t.tgrelid = w.relid and t.tgname = w.trigger_name
  where t.tgenabled <> 'A'
$$;
comment on function tidemark.capture_findings(integer) is 'What is wrong with capture, in words, and what puts it right.';

-- TRUNCATE, rewrites and DETACH are not MVCC-safe. In a REPEATABLE READ transaction that holds locks on the raw tables
-- by now, the catalog as of its snapshot and the catalog as it stands differ where one of them slipped in between.
create function tidemark.snapshot_is_stale(p_rollup integer) returns boolean
language sql stable security definer
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from tidemark.beneath(p_rollup) m join pg_catalog.pg_class c on c.oid = m.relid
    where c.relkind in ('r', 'm') and c.relfilenode is distinct from pg_relation_filenode(c.oid)
  ) or exists (
    select from tidemark.members(p_rollup) m join pg_catalog.pg_class c on c.oid = m.relid
    where m.is_root and c.relkind = 'p'
      and (select count(*) from pg_partition_tree(m.relid)) is distinct from
          (select count(*) from tidemark.members(p_rollup) x where x.ordinal = m.ordinal)
  ) or exists (
    -- Another table has the name by now, and its rows may be newer than this snapshot. to_regclass sees the present.
    select from tidemark.input i left join tidemark.members(p_rollup) m on m.ordinal = i.ordinal and m.is_root
    where i.rollup_id = p_rollup and to_regclass(format('%I.%I', i.schema_name, i.table_name)) is distinct from m.relid
  )
$$;
comment on function tidemark.snapshot_is_stale(integer) is 'Whether a raw table was truncated, rewritten, detached or swapped after this transaction''s snapshot.';
