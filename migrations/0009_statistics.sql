-- Statistics that merge by addition, and distinct counts that merge by union.
--
-- Moments are stored as n, Σv and Σv² in exact numeric, a trend also as Σt, Σt² and Σtv, with t the row's instant in whole
-- microseconds since 2001-01-01. Sums of decimals have no rounding, so any composition equals the whole to the last digit, and
-- what is lost to cancellation in n Σv² − (Σv)² is nothing. Only the last division or root is rounded.

-- In plpgsql: in SQL it could not be inlined where its argument costs something, and would take three times as long.
create function tidemark.to_double(x numeric) returns double precision
language plpgsql immutable strict parallel safe
as $$
begin
  -- A cast would raise where there is no such double.
  if abs(x) < 5e-324 then
    return 0;
  elsif abs(x) > 1.7976931348623157e308 and x <> 'NaN' then
    return sign(x)::double precision * 'Infinity'::double precision;
  end if;
  return x;
end
$$;
comment on function tidemark.to_double(numeric) is 'The nearest double; infinity or zero where there is none.';

create function tidemark.mean(n bigint, sum_v numeric) returns double precision
language sql immutable parallel safe
return tidemark.to_double(sum_v / nullif(n, 0));
comment on function tidemark.mean(bigint, numeric) is 'The mean, from n and a sum.';

create function tidemark.sd(n bigint, sum_v numeric, sum_v2 numeric) returns double precision
language sql immutable parallel safe
return tidemark.to_double(sqrt((n * sum_v2 - sum_v * sum_v) / nullif(n::numeric * (n - 1), 0)));
comment on function tidemark.sd(bigint, numeric, numeric) is 'The sample standard deviation as stddev_samp gives it, from n, Σv and Σv²: 0 of equal values, NULL of one.';

create function tidemark.slope(n bigint, sum_v numeric, sum_t numeric, sum_t2 numeric, sum_tv numeric) returns double precision
language sql immutable parallel safe
return tidemark.to_double(86400000000 * (n * sum_tv - sum_t * sum_v) / nullif(n * sum_t2 - sum_t * sum_t, 0));
comment on function tidemark.slope(bigint, numeric, numeric, numeric, numeric) is 'The slope per day as regr_slope gives it, from sums with t in microseconds: NULL where all t are equal.';

create function tidemark.r2(n bigint, sum_v numeric, sum_v2 numeric, sum_t numeric, sum_t2 numeric, sum_tv numeric) returns double precision
language sql immutable parallel safe
return case
  when n * sum_t2 = sum_t * sum_t then null
  when n * sum_v2 = sum_v * sum_v then 1
  else tidemark.to_double((n * sum_tv - sum_t * sum_v) * (n * sum_tv - sum_t * sum_v)
    / ((n * sum_t2 - sum_t * sum_t) * (n * sum_v2 - sum_v * sum_v))) end;
comment on function tidemark.r2(bigint, numeric, numeric, numeric, numeric, numeric) is 'The share of the variance that the line explains, as regr_r2 gives it: NULL where all t are equal, 1 where all v are.';

-- Distinct counts: the k = 16,384 least 64-bit hashes of the values ("k minimum values", Bar-Yossef and others 2002), stored as
-- 8-byte big-endian entries in ascending order. Up to k values it is the set itself, and exact; above, the k-th least of n hashes
-- lies near k/n of all there are, which gives n with a standard error of 0.78 %.

create function tidemark.kmv_hash(value text) returns bytea
language sql immutable parallel safe
-- Hash partitioning keeps this hash the same from version to version.
return int8send(hashtextextended(value collate "C", 0));
comment on function tidemark.kmv_hash(text) is 'One entry of a distinct count.';

-- The bytes are copied once (|| ''), see sketch_entries.
create function tidemark.kmv_entries(hashes bytea) returns setof bytea
language plpgsql immutable strict parallel safe rows 1000
as $$
declare bytes constant bytea := hashes || ''::bytea;
begin
  return query select substring(bytes from i for 8) from generate_series(1, length(bytes), 8) i;
end
$$;
comment on function tidemark.kmv_entries(bytea) is 'The entries of a distinct count.';

create function tidemark.kmv_least(hashes bytea) returns bytea
language plpgsql immutable strict parallel safe
as $$
begin
  return (select string_agg(e, ''::bytea order by e) from (select distinct e from tidemark.kmv_entries(hashes) e order by e limit 16384) x);
end
$$;
comment on function tidemark.kmv_least(bytea) is 'The union of distinct counts whose bytes stand one after the other.';

create function tidemark.kmv_count(hashes bytea) returns bigint
language sql immutable parallel safe
return (case
  -- Neither length nor the last entry fetches more than it needs of an out-of-line value.
  when hashes is null then 0
  when octet_length(hashes) < 131072 then octet_length(hashes) / 8
  else div(16383 * 18446744073709551616, 1 + mod(18446744073709551616 + ('x' || encode(substring(hashes from 131065 for 8), 'hex'))::bit(64)::bigint, 18446744073709551616)) end)::bigint;
comment on function tidemark.kmv_count(bytea) is 'How many different values: exact below 16,384, above within 0.78 % (standard error).';
