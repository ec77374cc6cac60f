-- Rows for states that the demo does not have, into the tables of tests/engine/raw.sql. Called by state.sh.
--
--   :names     platforms, an array of text
--   :days      how far back
--   :per_hour  requests an hour, at noon
select setseed(0.42);

insert into accounts (id, name, platform)
select 99 + n, 'account ' || n, name from unnest(:names::text[]) with ordinality as p (name, n);

create temporary table request as
select at, 99 + ceil(power(random(), 1.6) * cardinality(:names::text[]))::int as account, random() as fate, random() as speed
from (
  select h + random() * interval '1 hour' as at
  from generate_series(date_trunc('hour', now()) - make_interval(days => :days), now(), interval '1 hour') as h
  cross join lateral generate_series(1, (:per_hour * (0.6 - 0.4 * cos(extract(hour from h) / 24 * 2 * pi())))::int)
) as hours
where at < now();

insert into usage_logs (created_at, account_id, model, duration_ms)
select at, account, 'demo', 120 + exp(4 + 2.6 * speed * speed)::int from request where fate >= 0.008;

insert into ops_error_logs (created_at, account_id, status_code, error_type, error_message)
select at, account,
       case when fate < 0.004 then 429 when fate < 0.007 then 503 else 504 end,
       case when fate < 0.004 then 'rate_limit' when fate < 0.007 then 'overloaded' else 'timeout' end,
       case when fate < 0.004 then 'rate limit reached' when fate < 0.007 then 'upstream is overloaded' else 'deadline exceeded' end
from request where fate < 0.008;

analyze;
