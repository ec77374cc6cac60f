-- Writes the successful requests of one stretch of time.
--
-- $1, $2   the stretch, half-open              $9, $10  an incident's start and end, or null
-- $3       requests a minute at full pace      $11, $12 the routes that it hits, first and last
-- $4–$7    routes: account, group (0 is none), model, ln of the median latency
-- $8       the share of rows that arrive late
--
-- The caller has called setseed(), so the same stretch has the same rows. The pace follows the hour and the weekday
-- (see demo::traffic::pace, which has the same formula), the mix of platforms shifts with the hour, the latency is
-- log-normal with a Pareto tail, and longer when much is going on.
with minute as materialized (
    select b as starts,
           least(b + interval '1 minute', $2) - b as width,
           -- the epoch began on a Thursday: these count from a Monday
           extract(epoch from b)::double precision / 3600 - 96 as hours,
           mod((extract(epoch from b) / 3600 - 96), 168)::double precision as week_hour
    from generate_series($1, $2 - interval '1 microsecond', interval '1 minute') as b
), shaped as materialized (
    select m.*,
           (0.35 + 0.65 * power(0.5 - 0.5 * cos(2 * pi() * (m.hours - 3.5) / 24), 1.2))
           -- the weekend comes between Friday 20:00 and Saturday 6:00, and goes as slowly
           * (1 - 0.45 * (least(1, greatest(0, (m.week_hour - 116) / 10)) - least(1, greatest(0, (m.week_hour - 164) / 10))
                          + greatest(0, (6 - m.week_hour) / 10)))
           -- no day is like another
           * (1 + 0.06 * sin(m.hours * 0.071) + 0.05 * sin(m.hours * 0.0254) + 0.03 * sin(m.hours * 2.1)) as pace
    from minute m
), paced as materialized (
    select s.*, $3 * (extract(epoch from s.width)::double precision / 60) * s.pace as expected
    from shaped s
), counted as materialized (
    -- four uniform numbers are near enough to a normal one
    select p.*,
           greatest(0, floor(p.expected
               + sqrt(p.expected) * 1.7 * (random() + random() + random() + random() - 2)
               + random()))::int as requests
    from paced p
), request as materialized (
    select c.starts + c.width * random() as at,
           1 + floor(array_length($4::bigint[], 1) * power(random(), 1 + 0.12 * sin(2 * pi() * c.hours / 24)))::int as route,
           c.pace,
           sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) as z,
           random() as luck,
           random() as size
    from counted c
    cross join lateral generate_series(1, c.requests)
), struck as (
    select r.*,
           coalesce(r.at >= $9::timestamptz and r.at < $10::timestamptz and r.route between $11::int and $12::int, false) as in_incident
    from request r
), timed as (
    select s.*,
           -- a cache answers a few at once, and some rows never learned how long they took
           case
               when s.luck < 0.015 then null
               when s.luck < 0.0155 then 0
               else least(600000, exp(($7::double precision[])[s.route] + 0.55 * s.z + 0.25 * (s.pace - 0.6))
                   * case when s.luck > 0.988 then power(1 - random(), -1 / 1.4) else 1 end
                   * case when s.in_incident then 2 + 4 * random() else 1 end)::int
           end as duration_ms
    from struck s
    where not (s.in_incident and s.size < 0.3)
)
insert into usage_logs (created_at, user_id, api_key_id, account_id, group_id, model, stream, input_tokens,
                        output_tokens, cache_read_tokens, cost_micro_usd, first_token_ms, duration_ms)
select t.at - case when random() < $8 then interval '1 minute' * (1 + 9 * random()) else interval '0' end,
       1 + (t.route * 37) % 211,
       1 + (t.route * 53) % 467,
       ($4::bigint[])[t.route],
       nullif(($5::bigint[])[t.route], 0),
       ($6::text[])[t.route],
       t.size < 0.7,
       (40 + 6000 * power(t.size, 3))::int,
       (10 + 900 * t.luck * t.luck)::int,
       case when t.size > 0.6 then (4000 * t.luck)::int else 0 end,
       (120 + 18000 * power(t.size, 3) + 13500 * t.luck * t.luck)::bigint,
       (t.duration_ms * (0.2 + 0.3 * t.size))::int,
       t.duration_ms
from timed t
