//! Kinds of time columns, daylight-saving days included.

use tidemark_core::api::Grain;

use crate::agree::Raw;
use crate::ask::declaration;
use crate::harness::TestDb;

/// One row every 23 minutes of March and of the days around the end of summer time, told in every way; some have no time.
const TABLE: &str = "
create table ticks (id bigint generated always as identity, tz timestamptz, utc timestamp, berlin timestamp, day date, s bigint, ms bigint, us bigint, s4 integer, kind text, v integer);
insert into ticks (tz, utc, berlin, day, s, ms, us, s4, kind, v)
select t, t at time zone 'UTC', t at time zone 'Europe/Berlin', (t at time zone 'UTC')::date, floor(extract(epoch from t)), floor(extract(epoch from t) * 1000), extract(epoch from t) * 1000000, extract(epoch from t)::integer,
  (array['a', 'b', null])[1 + n % 3], n % 17
from (select t + interval '0.123456 seconds' as t, row_number() over (order by t) as n from (
  select generate_series(timestamptz '2026-03-26 00:00Z', '2026-04-02', '23 minutes') as t
  union all select generate_series(timestamptz '2026-10-23 00:00Z', '2026-10-28', '23 minutes')) x) y;
insert into ticks (kind, v) values ('none', 1), (null, 2);
insert into ticks (tz, utc, berlin, day, s, ms, us, s4) values ('infinity', 'infinity', '-infinity', 'infinity', 9223372036854775807, -9223372036854775808, 0, -2147483648);
create index on ticks (tz); create index on ticks (utc); create index on ticks (berlin); create index on ticks (day); create index on ticks (s); create index on ticks (ms); create index on ticks (us); create index on ticks (s4);";

async fn is_exact(column: &str, extra: &str, instant: &str, base: Grain) {
    let test = TestDb::empty().await;
    test.sql(TABLE).await;
    let grains = if base == Grain::Day {
        "\"day\", \"month\""
    } else {
        "\"15m\", \"hour\", \"day\", \"month\""
    };
    let text = format!(
        "name = \"ticks\"\ngrains = [{grains}]\n[[source]]\nname = \"tick\"\ntable = \"ticks t\"\ntime = \"t.{column}\"\n{extra}\ndimensions = {{ kind = \"t.kind\" }}\nvalues = {{ v = \"t.v\" }}\n[dimensions.kind]\n[measures]\nn = {{ count = \"tick\" }}\nv = {{ sum = \"tick.v\" }}\n"
    );
    test.db.apply(&declaration(&text), true).await.unwrap();
    let raw = Raw {
        rollup: "ticks",
        from: "ticks t",
        instant,
        by: &[("kind", "kind")],
        measures: &[("n", "count(*)"), ("v", "sum(v)")],
        quantiles: &[],
    };
    let grains: &[Grain] = if base == Grain::Day {
        &[Grain::Day, Grain::Month]
    } else {
        &[Grain::QuarterHour, Grain::Hour, Grain::Day, Grain::Total]
    };
    raw.agrees_now_and_drained(&test, grains, column).await;
    if base != Grain::Day {
        for tz in [chrono_tz::Europe::Berlin, chrono_tz::Asia::Kolkata] {
            raw.agrees(&test, &[Grain::Hour, Grain::Day], tz, true, column).await;
        }
    }
    // Rows move between times, to none and back; a session of another zone writes.
    test.sql(&format!(
        "set timezone = 'America/New_York'; update ticks set {column} = (select {column} from ticks where id = 5) where id % 31 = 0;
         update ticks set {column} = null where id % 37 = 0; update ticks set {column} = (select {column} from ticks where id = 300) where kind = 'none';
         delete from ticks where id % 41 = 0; update ticks set v = v + 1 where id % 43 = 0; reset timezone"
    ))
    .await;
    raw.agrees_now_and_drained(&test, grains, column).await;
}

macro_rules! times {
    ($($name:ident: $column:literal, $extra:literal, $instant:literal, $base:ident;)*) => {
        $(#[tokio::test] async fn $name() { is_exact($column, $extra, $instant, Grain::$base).await; })*
    };
}

times! {
    a_timestamptz_is_exact: "tz", "", "t.tz", QuarterHour;
    a_timestamp_in_utc_is_exact: "utc", "", "t.utc at time zone 'UTC'", QuarterHour;
    a_timestamp_in_a_zone_is_exact_on_days_of_23_and_25_hours: "berlin", "time_zone = \"Europe/Berlin\"", "t.berlin at time zone 'Europe/Berlin'", QuarterHour;
    a_date_in_utc_is_exact: "day", "", "t.day::timestamp at time zone 'UTC'", Day;
    a_date_in_a_zone_is_its_midnight: "day", "time_zone = \"Europe/Berlin\"", "t.day::timestamp at time zone 'Europe/Berlin'", QuarterHour;
    an_epoch_in_seconds_is_exact: "s", "time_unit = \"s\"", "case when abs(t.s::numeric) < 1e10 then to_timestamp(t.s) end", QuarterHour;
    an_epoch_in_milliseconds_is_exact: "ms", "time_unit = \"ms\"", "case when abs(t.ms::numeric) < 1e13 then timestamptz 'epoch' + t.ms * interval '1 millisecond' end", QuarterHour;
    an_epoch_in_microseconds_is_exact: "us", "time_unit = \"us\"", "(timestamptz 'epoch' + t.us * interval '1 microsecond')", QuarterHour;
    an_integer_of_seconds_is_exact: "s4", "time_unit = \"s\"", "to_timestamp(t.s4)", QuarterHour;
}
