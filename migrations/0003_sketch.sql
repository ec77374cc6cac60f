-- DDSketch (Masson, Rim, Lee 2019), relative error 1 %: gamma = 1.01 / 0.99.
--
-- A value v > 0 falls into bin ceil(ln(v) / ln(gamma)), and is later read as 2 gamma^bin / (gamma + 1).
-- Stored bytes: one big-endian int8 per bin, (key << 45) | count, ascending by key, where key is 0 for zero,
-- 65536 + bin for positive and -(65536 + bin) for negative values, so that keys order as values do.

-- Not STRICT, here and below, so that the planner can inline it.
create function tidemark.sketch_key(v double precision) returns integer
language sql immutable parallel safe
return case
  when v > 0 then 65536 + ceil(ln(v) / 0.020000666706669435::double precision)::integer
  when v < 0 then -(65536 + ceil(ln(-v) / 0.020000666706669435::double precision)::integer)
  else 0 end;
comment on function tidemark.sketch_key(double precision) is 'The key of the sketch bin that a finite value falls into.';

create function tidemark.sketch_entry(key integer, n bigint) returns bytea
language sql immutable parallel safe
return int8send((key::bigint << 45) | n);
comment on function tidemark.sketch_entry(integer, bigint) is 'One bin as stored.';

-- Two OFFSET 0 keep apart what would be worked out again and again: the copy of the bytes (|| ''), because get_byte on an
-- out-of-line value fetches it anew for every byte, and the entry, of which callers want key and count. Not STRICT, so that the
-- planner can inline it.
create function tidemark.sketch_entries(sketch bytea) returns setof bigint
language sql immutable parallel safe rows 100
as $$
  select (get_byte(bytes, i)::bigint << 56) | (get_byte(bytes, i + 1)::bigint << 48) | (get_byte(bytes, i + 2)::bigint << 40)
    | (get_byte(bytes, i + 3)::bigint << 32) | (get_byte(bytes, i + 4)::bigint << 24) | (get_byte(bytes, i + 5) << 16)
    | (get_byte(bytes, i + 6) << 8) | get_byte(bytes, i + 7)
  from (select sketch || ''::bytea offset 0) copy (bytes), generate_series(0, length(bytes) - 8, 8) i
  offset 0
$$;
comment on function tidemark.sketch_entries(bytea) is 'The bins of a sketch as stored numbers: key = e >> 45, count = e & 35184372088831.';

-- Counts from the nearer end until the rank is passed, since a tick needs one for each row that it writes: a query over the
-- bins costs ten times as much.
create function tidemark.sketch_quantile(sketch bytea, n bigint, q double precision, least_value double precision, greatest_value double precision)
returns double precision
language plpgsql immutable strict parallel safe
as $$
declare
  bytes constant bytea := sketch || ''::bytea;
  rank constant bigint := greatest(1, least(n, ceil(q * n)));
  from_below constant boolean := rank <= n / 2;
  at integer := case when from_below then 0 else length(bytes) - 8 end;
  -- so many values are still to be passed
  waiting bigint := case when from_below then rank - 1 else n - rank end;
  key integer;
begin
  loop
    if at < 0 or at >= length(bytes) then
      return null;
    end if;
    waiting := waiting - (((get_byte(bytes, at + 2) & 31)::bigint << 40) | (get_byte(bytes, at + 3)::bigint << 32)
      | (get_byte(bytes, at + 4)::bigint << 24) | (get_byte(bytes, at + 5) << 16) | (get_byte(bytes, at + 6) << 8) | get_byte(bytes, at + 7));
    exit when waiting < 0;
    at := at + case when from_below then 8 else -8 end;
  end loop;
  key := (get_byte(bytes, at) << 11) | (get_byte(bytes, at + 1) << 3) | (get_byte(bytes, at + 2) >> 5);
  -- 19 bits and a sign.
  key := case when key >= 262144 then key - 524288 else key end;
  return least(greatest_value, greatest(least_value,
    case when key = 0 then 0
         when key > 0 then 2 * exp((key - 65536) * 0.020000666706669435) / (1.01::float8 / 0.99::float8 + 1)
         else -2 * exp((-key - 65536) * 0.020000666706669435) / (1.01::float8 / 0.99::float8 + 1) end));
end
$$;
comment on function tidemark.sketch_quantile(bytea, bigint, double precision, double precision, double precision) is
  'The value at quantile q of n, as percentile_disc ranks it, within 1 %.';
