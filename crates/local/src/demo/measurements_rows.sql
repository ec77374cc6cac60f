-- Writes the samples of [$1, $2): forty people, of whom each measures a few times a day. Every number comes from the
-- sample's own, so that any two stretches fit together.
with place as (
    select d * 400 + p * 10 + k as n, d, p, k,
           timestamp '1970-01-01 00:00' + interval '1 day' * (d + (6.5 + 16 * tidemark_demo.dice(d * 400 + p * 10 + k, 71)) / 24) as at
    from generate_series(floor(extract(epoch from $1::timestamptz) / 86400)::bigint,
                         floor(extract(epoch from $2::timestamptz) / 86400)::bigint) as d,
         generate_series(0, 39) as p, generate_series(0, 7) as k
), sample as (
    select n, p, at,
           case when k < 4 then 'heart_rate' when k < 6 then 'steps' when k = 6 then 'weight' else 'sleep_hours' end as type,
           -- Nobody is like another, and nobody stays as he is.
           tidemark_demo.dice(p, 72) as person,
           sin(d / 55.0 + p) as season,
           tidemark_demo.dice(n, 73) + tidemark_demo.dice(n, 74) + tidemark_demo.dice(n, 75) - 1.5 as noise
    from place
    where at >= $1::timestamptz at time zone 'UTC' and at < $2::timestamptz at time zone 'UTC'
      -- Some measure everything, some almost nothing.
      and tidemark_demo.dice(n, 76) < 0.35 + 0.6 * tidemark_demo.dice(p * 8 + k, 77)
)
insert into measurements (user_id, type, value, measured_at, deleted_at, updated_at)
select 'user-' || lpad((p + 1)::text, 2, '0'), type,
       case type
           when 'heart_rate' then round((62 + 22 * person + 2 * season + 16 * noise)::numeric)
           when 'steps' then greatest(0, round((5200 + 4200 * person + 900 * season + 3000 * noise)::numeric))
           when 'weight' then round((58 + 34 * person + 1.8 * season + 0.5 * noise)::numeric, 1)
           else round((7.1 + 0.8 * person + 0.2 * season + 1.1 * noise)::numeric, 2) end,
       date_trunc('milliseconds', at),
       case when tidemark_demo.dice(n, 78) < 0.01 then date_trunc('milliseconds', at) end,
       date_trunc('milliseconds', at)
from sample
