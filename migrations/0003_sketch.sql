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

-- The bytes are copied once (|| '', kept apart by OFFSET 0), because get_byte on an out-of-line value would fetch it anew for
-- every byte. Not STRICT, so that the planner can inline it.
create function tidemark.sketch_entries(sketch bytea) returns setof bigint
language sql immutable parallel safe rows 100
as $$
  select (get_byte(bytes, i)::bigint << 56) | (get_byte(bytes, i + 1)::bigint << 48) | (get_byte(bytes, i + 2)::bigint << 40)
    | (get_byte(bytes, i + 3)::bigint << 32) | (get_byte(bytes, i + 4)::bigint << 24) | (get_byte(bytes, i + 5) << 16)
    | (get_byte(bytes, i + 6) << 8) | get_byte(bytes, i + 7)
  from (select sketch || ''::bytea offset 0) copy (bytes), generate_series(0, length(bytes) - 8, 8) i
$$;
comment on function tidemark.sketch_entries(bytea) is 'The bins of a sketch as stored numbers: key = e >> 45, count = e & 35184372088831.';

-- Two loops over an array: windows over so few rows cost three times as much, and a tick needs one for each row it writes.
create function tidemark.sketch_quantile(sketch bytea, q double precision, least_value double precision, greatest_value double precision)
returns double precision
language plpgsql immutable strict parallel safe
as $$
declare
  entries constant bigint[] := array(select e from tidemark.sketch_entries(sketch) e);
  n bigint := 0;
  left_over bigint;
  e bigint;
  key bigint;
begin
  foreach e in array entries loop
    n := n + (e & 35184372088831);
  end loop;
  left_over := greatest(1, ceil(q * n));
  foreach e in array entries loop
    left_over := left_over - (e & 35184372088831);
    if left_over <= 0 then
      key := e >> 45;
      return least(greatest_value, greatest(least_value,
        case when key = 0 then 0
             when key > 0 then 2 * exp((key - 65536) * 0.020000666706669435) / (1.01::float8 / 0.99::float8 + 1)
             else -2 * exp((-key - 65536) * 0.020000666706669435) / (1.01::float8 / 0.99::float8 + 1) end));
    end if;
  end loop;
  return null;
end
$$;
comment on function tidemark.sketch_quantile(bytea, double precision, double precision, double precision) is
  'The value at quantile q, as percentile_disc ranks it, within 1 %.';
