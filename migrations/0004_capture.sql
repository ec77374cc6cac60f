-- Capture, watched: what the triggers, the used columns and the partition trees look like now, compared with what
-- they looked like when capture was last known to be whole.

-- Every table behind an input: itself, its partitions and its inheritance children. By name, so that a table that was
-- swapped by rename is found.
create function tidemark.members(p_rollup integer) returns table (ordinal smallint, relid oid, is_root boolean)
language sql stable
as $$
  with recursive member as (
    select i.ordinal, c.oid as relid, true as is_root
    from tidemark.input i
    join pg_catalog.pg_namespace n on n.nspname = i.schema_name
    join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = i.table_name and c.relkind in ('r', 'p')
    where i.rollup_id = p_rollup
    union all
    select m.ordinal, h.inhrelid, false from member m join pg_catalog.pg_inherits h on h.inhparent = m.relid
  )
  select distinct on (ordinal, relid) ordinal, relid, is_root from member
$$;
comment on function tidemark.members(integer) is 'The tables behind a rollup''s inputs, partitions and inheritance children included.';

-- Three parts, joined by '|': structure (tables, triggers with xmin and enabled state, column types), the xmin of used
-- columns, and file nodes. A rewrite by ALTER COLUMN changes the last two together; VACUUM FULL or SET NOT NULL only one.
create function tidemark.fingerprint(p_rollup integer) returns text
language plpgsql stable -- whose plan is kept, as a query's in SQL is not
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
    union all select format('m %s %s', ordinal, relid) from member
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
    select from tidemark.members(p_rollup) m join pg_catalog.pg_class c on c.oid = m.relid
    where c.relkind = 'r' and c.relfilenode is distinct from pg_relation_filenode(c.oid)
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
