//! A look before anything is made: tables, and the numbers that a declaration would give.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;
use tidemark_db::Error;

use crate::ask::declaration;
use crate::harness::TestDb;

const VISITS: &str = r#"
name   = "visits"
grains = ["hour", "day"]
[[source]]
name       = "visit"
table      = '"Web Shop"."Visits" v'
time       = 'v."At"'
time_zone  = "Europe/Berlin"
where      = "v.\"Kind\" <> 'bot'"
lookups    = [{ table = '"Web Shop".places p', on = 'p.id = v.place' }]
dimensions = { place = "p.name", kind = 'v."Kind"' }
values     = { ms = "v.ms" }
[dimensions.place]
[dimensions.kind]
[measures]
visits   = { count = "visit" }
slow     = { count = "visit", where = "ms > 700" }
ms_sum   = { sum = "visit.ms", unit = "ms" }
ms_max   = { max = "visit.ms", where = "kind = 'buy'", unit = "ms" }
times    = { distribution = "visit.ms", unit = "ms" }
ms_mean  = { mean = "times", unit = "ms" }
ms_p90   = { quantile = 0.9, of = "times", unit = "ms" }
share    = { ratio = ["slow", "visits"], unit = "%" }
each     = { expr = "ms_sum / visits + 2 * slow" }
"#;

const ROWS: &str = r#"
create schema "Web Shop";
create table "Web Shop".places (id integer primary key, name text);
insert into "Web Shop".places values (1, 'Köln'), (2, 'Ulm');
create table "Web Shop"."Visits" ("At" timestamp, place integer, "Kind" text, ms double precision);
insert into "Web Shop"."Visits" select timestamp '2026-02-27 00:00' + i * interval '3 minutes', i % 4, (array['buy', 'look', 'bot'])[1 + i % 3], nullif(i * 7919 % 1000, 5) from generate_series(1, 2000) i;
insert into "Web Shop"."Visits" values ('infinity', 1, 'buy', 1), (null, 1, 'buy', 1), ('2026-03-03 02:00', 1, 'buy', 'NaN');
create index on "Web Shop"."Visits" ("At");
create view "Web Shop".recent as select * from "Web Shop"."Visits";
create table parts (at date, n bigint) partition by range (at);
create table parts_1 partition of parts for values from ('2026-01-01') to ('2027-01-01');
"#;

/// The same by plain SQL, over the newest 24 hours.
const TRUTH: &str = r#"
select p.name as place, count(*)::float8, count(*) filter (where ms > 700)::float8, sum(ms), max(ms) filter (where "Kind" = 'buy'),
  avg(ms) filter (where ms <> 'NaN'), percentile_disc(0.9) within group (order by ms) filter (where ms <> 'NaN'), 100 * count(*) filter (where ms > 700)::float8 / count(*), sum(ms) / count(*) + 2 * count(*) filter (where ms > 700)
from "Web Shop"."Visits" v left join "Web Shop".places p on p.id = v.place
where "Kind" <> 'bot' and "At" > timestamp '2026-03-03 04:00' - interval '24 hours' and "At" <= '2026-03-03 04:00'"#;

type Row = (
    Option<String>,
    f64,
    f64,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
);

#[tokio::test]
async fn a_preview_shows_the_numbers_of_the_newest_day_and_makes_nothing() {
    let test = TestDb::empty().await;
    test.sql(ROWS).await;
    let before: i64 = test.one("select count(*) from pg_class").await;
    let told = test.db.preview(&declaration(VISITS)).await.unwrap();
    assert_eq!((told.by.as_deref(), told.group_count), (Some("place"), 3));
    assert_eq!(told.to - told.from, chrono::TimeDelta::days(1));
    assert!(
        told.bound.starts_with("The newest day before 2026-03-03 03:00 UTC"),
        "{}",
        told.bound
    );
    let groups: Vec<Row> = sqlx::query_as(AssertSqlSafe(format!("{TRUTH} group by 1")))
        .fetch_all(test.pool())
        .await
        .unwrap();
    let truth: BTreeMap<Option<String>, Row> = groups.into_iter().map(|row| (row.0.clone(), row)).collect();
    assert_eq!(told.groups.len(), truth.len());
    for group in &told.groups {
        same(&group.values, &truth[&group.key]);
    }
    let all: Row = sqlx::query_as(AssertSqlSafe(TRUTH.replace("p.name as place", "null::text")))
        .fetch_one(test.pool())
        .await
        .unwrap();
    assert_eq!(told.raw_rows as f64, all.1);
    same(&told.overall, &all);
    assert_eq!(test.one::<i64>("select count(*) from pg_class").await, before);
}

fn same(told: &[Option<f64>], truth: &Row) {
    let (_, n, slow, sum, max, mean, p90, share, each) = truth;
    let truth = [Some(*n), Some(*slow), *sum, *max, *mean, *p90, *share, *each];
    for (at, (told, truth)) in told.iter().zip(truth).enumerate() {
        // JSON has no NaN: what is none is not shown.
        let truth = truth.filter(|value| value.is_finite());
        let near = match (told, truth) {
            (Some(told), Some(truth)) => (told - truth).abs() <= 1e-9 * truth.abs(),
            (None, None) => true,
            _ => false,
        };
        assert!(near, "measure {at}: {told:?} for {truth:?}");
    }
}

#[tokio::test]
async fn a_preview_joins_the_sources_of_a_rollup_and_shortens_what_is_too_much() {
    let test = TestDb::ops().await;
    test.sql(
        "insert into usage_logs (created_at, account_id, duration_ms) select timestamptz '2026-03-01 00:00Z' + i * interval '40 milliseconds', 1 + i % 2, 5 from generate_series(1, 700000) i;
         insert into ops_error_logs (created_at, platform, status_code) select timestamptz '2026-03-01 07:46:40Z' - i * interval '30 seconds', 'openai', 500 from generate_series(1, 100) i;
         analyze usage_logs, ops_error_logs",
    )
    .await;
    let told = test
        .db
        .preview(&tidemark_db::Declaration::load("ops_metrics").unwrap())
        .await
        .unwrap();
    assert_eq!(told.to - told.from, chrono::TimeDelta::hours(1));
    assert!(
        told.bound.contains("raw rows, and the preview reads at most 500000"),
        "{}",
        told.bound
    );
    let of = |name: &str| told.overall[told.measures.iter().position(|measure| measure.name == name).unwrap()];
    assert_eq!((of("success_count"), of("error_count")), (Some(90_000.0), Some(100.0)));
    assert_eq!((of("request_count"), of("p99_latency_ms")), (Some(90_100.0), Some(5.0)));
    assert!((of("error_rate").unwrap() - 10_000.0 / 90_100.0).abs() < 1e-9);
}

#[tokio::test]
async fn a_preview_of_an_empty_table_is_empty_and_a_bad_edit_names_its_line() {
    let test = TestDb::empty().await;
    test.sql(ROWS).await;
    test.sql(r#"truncate "Web Shop"."Visits""#).await;
    let told = test.db.preview(&declaration(VISITS)).await.unwrap();
    assert_eq!(
        (told.raw_rows, told.overall[0], told.overall[5], told.groups.len()),
        (0, Some(0.0), None, 0)
    );
    let wrong = VISITS.replace("v.ms\" }", "v.mss\" }");
    let refused = test.db.preview(&declaration(&wrong)).await.unwrap_err();
    assert!(
        matches!(refused, Error::Input { .. }) && refused.to_string().starts_with("test.toml:12:"),
        "{refused}"
    );
}

#[tokio::test]
async fn tables_are_listed_with_what_can_tell_a_time_and_partitions_under_their_parent() {
    let test = TestDb::empty().await;
    test.sql(ROWS).await;
    test.sql("insert into parts select '2026-01-01', 1 from generate_series(1, 5000); analyze")
        .await;
    let tables = test.db.tables().await.unwrap();
    let names: Vec<&str> = tables.iter().map(|table| table.sql.as_str()).collect();
    assert!(
        !names.contains(&"public.parts_1") && names.contains(&"public.parts") && names.contains(&"\"Web Shop\".recent"),
        "{names:?}"
    );
    let visits = tables.iter().find(|table| table.name == "Visits").unwrap();
    assert_eq!(
        (visits.kind.as_str(), visits.rows, visits.readable),
        ("table", Some(2003.0), true)
    );
    let times: Vec<(&str, bool)> = visits
        .times
        .iter()
        .map(|time| (time.name.as_str(), time.indexed))
        .collect();
    assert_eq!(times, [("At", true), ("place", false)]);
    let parts = tables.iter().find(|table| table.name == "parts").unwrap();
    assert_eq!((parts.kind.as_str(), parts.rows), ("partitioned table", Some(5000.0)));
    assert!(parts.bytes > 100_000);
}
