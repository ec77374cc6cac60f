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

-- The bytes are copied once (|| '') because substring on an out-of-line value would fetch it anew for every bin.
create function tidemark.sketch_entries(sketch bytea) returns setof bigint
language plpgsql immutable strict parallel safe rows 100
as $$
declare bytes constant bytea := sketch || ''::bytea;
begin
  return query select ('x' || encode(substring(bytes from i for 8), 'hex'))::bit(64)::bigint
  from generate_series(1, length(bytes), 8) i;
end
$$;
comment on function tidemark.sketch_entries(bytea) is 'The bins of a sketch as stored numbers: key = e >> 45, count = e & 35184372088831.';

create function tidemark.sketch_quantile(sketch bytea, q double precision, least_value double precision, greatest_value double precision)
returns double precision
language sql immutable strict parallel safe
as $$
  with bin as (
    select (e >> 45)::integer as key, sum(e & 35184372088831) over (order by e >> 45) as upto, sum(e & 35184372088831) over () as n
    from tidemark.sketch_entries(sketch) e
  )
  select least(greatest_value, greatest(least_value,
    case when key = 0 then 0
         when key > 0 then 2 * exp((key - 65536) * 0.020000666706669435) / (1.01::float8 / 0.99::float8 + 1)
         else -2 * exp((-key - 65536) * 0.020000666706669435) / (1.01::float8 / 0.99::float8 + 1) end))
  from bin where upto >= greatest(1, ceil(q * n)) order by key limit 1
$$;
comment on function tidemark.sketch_quantile(bytea, double precision, double precision, double precision) is
  'The value at quantile q, as percentile_disc ranks it, within 1 %.';
