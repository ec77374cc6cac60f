-- Writes the forecasts that come due in [$1, $2): fourteen sites, three models, three parameters (temperature, wind,
-- pressure), three horizons, twice a day. Every number comes from the forecast's own, so that any two stretches fit together.
with forecast as (
    select h * 378 + s * 27 + m * 9 + p * 3 + z as n, h, s, m, p, z,
           timestamptz '1970-01-01 00:00+00' + interval '12 hours' * (h + (s * 27 + m * 9 + p * 3 + z) / 378.0) as at
    from generate_series(floor(extract(epoch from $1::timestamptz) / 43200)::bigint,
                         floor(extract(epoch from $2::timestamptz) / 43200)::bigint) as h,
         generate_series(0, 13) as s, generate_series(0, 2) as m, generate_series(0, 2) as p, generate_series(0, 2) as z
), due as (
    select n, s, m, p, z, at,
           -- What was observed: a year, a day, and weather that all forecasts of one site share.
           (array[11, 6, 1013])[p + 1] + (array[9, 1.5, 3])[p + 1] * sin(2 * pi() * (h - 230) / 730) + (array[3, 0.8, 1])[p + 1] * sin(pi() * h + s)
               + (array[4, 3, 9])[p + 1] * (tidemark_demo.dice(h * 14 + s, 81) + tidemark_demo.dice(h * 14 + s, 82) - 1) as observed,
           -- How far off: further ahead is worse, and each model has a lean of its own.
           (array[0.9, 0.7, 1.1])[p + 1] * ((array[0.25, -0.1, 0.6])[m + 1] + (1 + 0.55 * z) * (array[1, 1.25, 0.8])[m + 1]
               * 1.6 * (tidemark_demo.dice(n, 83) + tidemark_demo.dice(n, 84) + tidemark_demo.dice(n, 85) - 1.5)) as off
    from forecast
    where at >= $1 and at < $2
)
insert into deviations ("timestamp", site_id, model_id, parameter_id, horizon, forecast_value, observed_value, deviation)
select at, s + 1, m + 1, p + 1, 24 * (z + 1), round((observed + off)::numeric, 2), round(observed::numeric, 2), round(off::numeric, 2)
from due
