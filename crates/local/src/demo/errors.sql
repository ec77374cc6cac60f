-- Writes the failed requests of one stretch of time.
--
-- $1, $2   the stretch, half-open                $8       the share of rows that arrive late
-- $3       requests a minute at full pace        $9, $10  an incident's start and end, or null
-- $4–$7    routes: account, group, model,        $11, $12 the routes that it hits, first and last
--          platform                              $13–$15  error kinds: status (-1 is none), type, message
--                                                $16, $17 the kinds of every day: how many; and those of the incident
--                                                $18      the last kind of the incident
--
-- About eight in a thousand requests fail on any day. In an incident close to half of those on its routes do.
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
), usual as materialized (
    select p.starts, p.width, floor(p.expected * 0.0076 + random())::int as failures, false as in_incident
    from paced p
), unusual as materialized (
    -- it rises fast and fades slowly
    select p.starts, p.width,
           floor(p.expected * 0.5 * ($12::int - $11::int + 1) / array_length($4::bigint[], 1)
               * sqrt(greatest(0, sin(pi() * power(extract(epoch from p.starts - $9::timestamptz)::double precision
                   / extract(epoch from $10::timestamptz - $9::timestamptz)::double precision, 0.7))))
               + random())::int as failures,
           true as in_incident
    from paced p
    where p.starts >= $9::timestamptz and p.starts < $10::timestamptz
), failure as materialized (
    select u.starts + u.width * random() as at,
           u.in_incident,
           case when u.in_incident
               then $11::int + floor(($12::int - $11::int + 1) * random())::int
               else 1 + floor(array_length($4::bigint[], 1) * random())::int end as route,
           case when u.in_incident
               then $17::int + floor(($18::int - $17::int + 1) * random())::int
               else 1 + floor($16::int * random())::int end as kind,
           random() as luck,
           random() as size
    from (select * from usual union all select * from unusual) u
    cross join lateral generate_series(1, u.failures)
), told as (
    select f.*,
           nullif(($13::int[])[f.kind], -1) as status_code,
           ($14::text[])[f.kind] as error_type,
           ($15::text[])[f.kind] as error_message
    from failure f
)
insert into ops_error_logs (created_at, request_id, user_id, platform, model, account_id, group_id, status_code,
                            error_type, error_message, is_retryable, duration_ms)
select t.at - case when random() < $8 then interval '1 minute' * (1 + 9 * random()) else interval '0' end,
       'req_' || substr(md5(t.at::text || t.luck::text), 1, 16),
       case when t.status_code = 401 then null else 1 + (t.route * 37) % 211 end,
       -- most rows say their platform; in some it is empty, in some it is missing
       case when t.luck < 0.7 or t.status_code = 401 and t.luck < 0.97 then ($7::text[])[t.route] when t.luck < 0.85 then '' end,
       ($6::text[])[t.route],
       -- a request that was refused at the door never got an account
       case when t.status_code = 401 or t.luck < 0.04 then null else ($4::bigint[])[t.route] end,
       case when t.status_code = 401 or t.luck < 0.02 then null else nullif(($5::bigint[])[t.route], 0) end,
       t.status_code,
       t.error_type,
       t.error_message,
       coalesce(t.status_code >= 500 or t.status_code = 429, true),
       case
           when t.size < 0.3 then null
           when t.error_type like 'timeout%' or t.status_code = 504 then (30000 + 30000 * t.size)::int
           else (8 + 2500 * power(t.size, 4))::int
       end
from told t
