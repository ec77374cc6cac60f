-- Ten kinds of hits in every quarter hour of 200 days, some of them bad. 90 days are ten series of 8,640 buckets; the test of
-- panning moves on from them, twice, and still has rows.
create table hits (at timestamptz not null, kind text, bad boolean, ms integer);
insert into hits
select date_bin('15 minutes', now(), '2001-01-01') - q * interval '15 minutes' + interval '1 minute', 'kind ' || k,
  (q * 7 + k * 13 + n) % 5 = 0, 50 + (q * 31 + k * 17 + n * 7) % 900
from generate_series(1, 200 * 96) q, generate_series(1, 10) k, generate_series(1, 1 + q % 3) n;
create index on hits (at);
analyze hits;
