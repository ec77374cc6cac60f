-- Bucket arithmetic in UTC, whatever the session's TimeZone. All grids start on Monday 2001-01-01 00:00 UTC.

-- Not STRICT, nor is bucket_next, so that the planner can inline them: null gives null all the same.
create function tidemark.grain_step(grain text) returns interval
language sql immutable parallel safe
return case grain
  when '1m' then interval '1 minute' when '5m' then interval '5 minutes' when '15m' then interval '15 minutes'
  when 'hour' then interval '1 hour' when 'day' then interval '1 day' when 'week' then interval '7 days'
  when 'month' then interval '1 month' when 'year' then interval '1 year' end;
comment on function tidemark.grain_step(text) is 'The width of a grain.';

create function tidemark.bucket_floor(grain text, t timestamptz) returns timestamptz
language sql immutable strict parallel safe
return case
  when not isfinite(t) then t
  when grain in ('month', 'year') then date_trunc(grain, t, 'UTC')
  else date_bin(tidemark.grain_step(grain), t, timestamptz '2001-01-01 00:00+00') end;
comment on function tidemark.bucket_floor(text, timestamptz) is 'The start of the bucket that t is in.';

create function tidemark.bucket_next(grain text, t timestamptz) returns timestamptz
language sql immutable parallel safe
return case when not isfinite(t) then t else (t at time zone 'UTC' + tidemark.grain_step(grain)) at time zone 'UTC' end;
comment on function tidemark.bucket_next(text, timestamptz) is 'The start of the bucket after the one that starts at t.';

create function tidemark.bucket_ceil(grain text, t timestamptz) returns timestamptz
language sql immutable strict parallel safe
return case when tidemark.bucket_floor(grain, t) = t then t else tidemark.bucket_next(grain, tidemark.bucket_floor(grain, t)) end;
comment on function tidemark.bucket_ceil(text, timestamptz) is 'The first bucket start at or after t.';

create function tidemark.bucket_starts(grain text, span tstzrange) returns setof timestamptz
language sql immutable strict parallel safe rows 100
as $$
  select s at time zone 'UTC'
  from generate_series(tidemark.bucket_floor(grain, lower(span)) at time zone 'UTC',
                       upper(span) at time zone 'UTC' - interval '1 microsecond', tidemark.grain_step(grain)) s
  where not isempty(span)
$$;
comment on function tidemark.bucket_starts(text, tstzrange) is 'The starts of all buckets that overlap a finite span.';

create function tidemark.bucket_count(grain text, spans tstzmultirange) returns bigint
language sql immutable strict parallel safe
as $$
  select coalesce(sum(
    case when grain in ('month', 'year') then (select count(*) from tidemark.bucket_starts(grain, r))
    else ceil(extract(epoch from upper(r) - lower(r)) / extract(epoch from tidemark.grain_step(grain))) end), 0)::bigint
  from unnest(spans) r
  where isfinite(lower(r)) and isfinite(upper(r))
$$;
comment on function tidemark.bucket_count(text, tstzmultirange) is 'How many buckets of a grain some aligned spans hold.';

create function tidemark.align(grain text, spans tstzmultirange) returns tstzmultirange
language sql immutable strict parallel safe
as $$
  select coalesce(range_agg(tstzrange(tidemark.bucket_floor(grain, lower(r)), tidemark.bucket_ceil(grain, upper(r)))), '{}'::tstzmultirange)
  from unnest(spans) r
$$;
comment on function tidemark.align(text, tstzmultirange) is 'Spans rounded outwards to whole buckets.';
