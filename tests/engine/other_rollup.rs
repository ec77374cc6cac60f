//! Other declarations over other tables: the engine knows none by name.

use chrono::Utc;
use serde_json::Value;
use sqlx::AssertSqlSafe;
use tidemark_core::api::{DimensionFilter, Grain, State};

use crate::ask::{FROM, TO, declaration, question, within_one_percent};
use crate::harness::{TestDb, at};

const PARCELS: &str = include_str!("other_rollup.toml");

/// Mixed case, spaces, quotes, a percent sign; a time without a zone; two-column lookup key.
const TABLES: &str = r#"
create schema "Shop ""East"" 100%";
set search_path = "Shop ""East"" 100%";
create table "Site's" ("Tenant" text, "No" integer, "Region" text, "Seen At" timestamptz, unique ("Tenant", "No"));
create table "Parcel Events" ("Id" bigint generated always as identity primary key, "Sent At" timestamp, "Tenant" text, "Site No" integer, "Carrier" uuid,
  "Is Express" boolean, "is deleted" boolean not null default false, "Weight kg" double precision, "Price" numeric(20, 4), "Units" bigint, "Steps" smallint);
create index on "Parcel Events" ("Sent At");
insert into "Site's" select t, n, 'r' || (n % 3) from unnest(array['a', 'b']) t, generate_series(1, 4) n;
select setseed(0.7);
insert into "Parcel Events" ("Sent At", "Tenant", "Site No", "Carrier", "Is Express", "is deleted", "Weight kg", "Price", "Units", "Steps")
select timestamp '2026-02-27 00:00' + i * interval '31 minutes', (array['a', 'b', null])[1 + i % 4 % 3], nullif(i % 6, 0), nullif(md5((i % 3)::text), md5('1'))::uuid,
  (array[true, false, null])[1 + i % 3], i % 11 = 0, case when i % 17 = 0 then -1 when i % 13 = 0 then null else random() * 100 end, nullif(i % 9, 4) * 1234567890.1234, (i % 7) * 3000000000, nullif(i % 5, 2)
from generate_series(1, 1500) i;
reset search_path;
"#;

async fn parcels() -> TestDb {
    let test = TestDb::empty().await;
    test.sql(TABLES).await;
    test.db.apply(&declaration(PARCELS), true).await.unwrap();
    test
}

const SQL: [(&str, &str); 15] = [
    ("events", "count(*)"),
    ("heavy", r#"count(*) filter (where "Weight kg" > 50)"#),
    ("weight_sum", r#"sum("Weight kg")"#),
    ("weight_min", r#"min("Weight kg")"#),
    ("weight_max", r#"max("Weight kg")"#),
    ("price_sum", r#"sum("Price")"#),
    ("price_min", r#"min("Price")"#),
    ("price_max", r#"max("Price") filter (where "Units" > 3)"#),
    ("units_sum", r#"sum("Units")"#),
    ("units_max", r#"max("Units")"#),
    ("steps_sum", r#"sum("Steps")"#),
    ("steps_min", r#"min("Steps")"#),
    ("price_mean", r#"avg("Price")"#),
    (
        "heavy_share",
        r#"100 * (count(*) filter (where "Weight kg" > 50))::float8 / count(*)"#,
    ),
    ("per_event", r#"(sum("Units") - sum("Steps")) / count(*)"#),
];

/// Every number of every group, against an independent GROUP BY.
async fn equals_the_raw_rows(test: &TestDb, drained: bool) {
    for (grain, unit) in [
        (Grain::Hour, "hour"),
        (Grain::Day, "day"),
        (Grain::Week, "week"),
        (Grain::Month, "month"),
        (Grain::Year, "year"),
    ] {
        for by in [
            vec!["site", "carrier", "express", "region"],
            vec!["carrier"],
            vec!["express", "site"],
            vec![],
        ] {
            let mut request = question("parcels", at(FROM), at(TO), grain, chrono_tz::UTC);
            request.by = by.iter().map(|name| (*name).to_owned()).collect();
            let answer = test.ask(&request).await;
            assert_eq!(
                (answer.state, answer.live_buckets == 0),
                (State::Exact, drained),
                "{grain} {by:?}"
            );
            let keys: Vec<String> = by
                .iter()
                .map(|name| match *name {
                    "site" => r#"p."Site No"::text"#.to_owned(),
                    "carrier" => r#"p."Carrier"::text"#.to_owned(),
                    "express" => r#"p."Is Express"::text"#.to_owned(),
                    _ => r#"s."Region""#.to_owned(),
                })
                .collect();
            let sql = format!(
                r#"select date_trunc('{unit}', p."Sent At") as t, array[{keys}]::text[] as k, array[{values}]::float8[] as v, percentile_disc(0.9) within group (order by p."Price")::float8 as p90
                   from "Shop ""East"" 100%"."Parcel Events" p left join "Shop ""East"" 100%"."Site's" s on s."No" = p."Site No" and s."Tenant" = p."Tenant"
                   where not p."is deleted" and p."Weight kg" is distinct from -1 and p."Sent At" >= '2026-01-01' and p."Sent At" < '2027-01-01' group by 1, 2"#,
                keys = keys.join(", "),
                values = SQL.map(|(_, sql)| format!("({sql})::float8")).join(", "),
            );
            type Row = (
                chrono::NaiveDateTime,
                Vec<Option<String>>,
                Vec<Option<f64>>,
                Option<f64>,
            );
            let truth: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(test.pool()).await.unwrap();
            assert_eq!(answer.rows.len(), truth.len(), "{grain} {by:?}");
            for (start, key, values, p90) in truth {
                let group = |row: &tidemark_core::api::QueryRow| -> Vec<Option<String>> {
                    by.iter()
                        .map(|name| match &row.values[*name] {
                            Value::Null => None,
                            Value::String(text) => Some(text.clone()),
                            other => Some(other.to_string()),
                        })
                        .collect()
                };
                let row = answer
                    .rows
                    .iter()
                    .find(|row| row.bucket_start.with_timezone(&Utc).naive_utc() == start && group(row) == key)
                    .unwrap_or_else(|| panic!("{grain} {by:?}: no row for {start} {key:?}"));
                for ((name, _), value) in SQL.iter().zip(values) {
                    let told = row.values[*name].as_f64();
                    let same = match (told, value) {
                        (None, None) => true,
                        (Some(told), Some(value)) => (told - value).abs() <= 1e-9 * value.abs(),
                        _ => false,
                    };
                    assert!(same, "{grain} {by:?} {start} {key:?} {name}: {told:?} for {value:?}");
                }
                match (row.values["price_p90"].as_f64(), p90) {
                    (None, None) => {}
                    (told, truth) => assert!(
                        within_one_percent(told.unwrap(), truth.unwrap()),
                        "{told:?} for {truth:?}"
                    ),
                }
            }
        }
    }
}

#[tokio::test]
async fn a_declaration_with_other_names_types_and_grains_is_exact_through_every_change() {
    let test = parcels().await;
    equals_the_raw_rows(&test, false).await;
    test.drain_of("parcels").await;
    equals_the_raw_rows(&test, true).await;
    for change in [
        r#"update "Shop ""East"" 100%"."Parcel Events" set "is deleted" = not "is deleted" where "Id" % 19 = 0"#,
        r#"update "Shop ""East"" 100%"."Site's" set "Region" = null where "No" = 2"#,
        r#"update "Shop ""East"" 100%"."Site's" set "No" = 5 where "No" = 4 and "Tenant" = 'a'"#,
        r#"delete from "Shop ""East"" 100%"."Site's" where "No" = 1"#,
        r#"insert into "Shop ""East"" 100%"."Site's" values ('a', 1, 'new')"#,
        r#"update "Shop ""East"" 100%"."Parcel Events" set "Sent At" = "Sent At" + interval '40 days', "Carrier" = null where "Id" % 23 = 0"#,
        r#"delete from "Shop ""East"" 100%"."Parcel Events" where "Id" % 29 = 0"#,
    ] {
        test.sql(change).await;
        let waits = test.status_of("parcels").await.pending_buckets;
        assert!(waits > 0, "{change}");
        equals_the_raw_rows(&test, false).await;
        test.drain_of("parcels").await;
        equals_the_raw_rows(&test, true).await;
    }
    // A column that the declaration does not use.
    test.sql(r#"update "Shop ""East"" 100%"."Site's" set "Seen At" = now()"#)
        .await;
    assert_eq!(test.status_of("parcels").await.pending_buckets, 0);
    let audit = test.db.audit("parcels", None, false).await.unwrap();
    assert_eq!((audit.difference_count, audit.waiting_buckets), (0, 0), "{audit:?}");
    let weekly: (chrono::NaiveDate, i64) = sqlx::query_as(
        "select week_date, sum(events)::bigint from tidemark.parcels_weekly group by 1 order by 1 limit 1",
    )
    .fetch_one(test.pool())
    .await
    .unwrap();
    assert_eq!(chrono::Datelike::weekday(&weekly.0), chrono::Weekday::Mon);
}

#[tokio::test]
async fn the_null_group_can_be_asked_for_alone_and_values_keep_their_types() {
    let test = parcels().await;
    test.drain_of("parcels").await;
    let mut request = question("parcels", at(FROM), at(TO), Grain::Total, chrono_tz::UTC);
    request.by = vec!["site".to_owned(), "express".to_owned()];
    let all = test.ask(&request).await;
    assert!(
        all.rows.iter().any(|row| row.values["site"].is_i64())
            && all.rows.iter().any(|row| row.values["site"].is_null())
    );
    assert!(
        all.rows.iter().any(|row| row.values["express"].is_boolean())
            && all.rows.iter().any(|row| row.values["express"].is_null())
    );
    assert!(
        all.rows.iter().all(|row| row.values["units_sum"].is_i64()),
        "beyond 2^31 and whole"
    );
    request.filters = vec![DimensionFilter {
        dimension: "express".to_owned(),
        values: vec![None, Some("true".to_owned())],
    }];
    let some = test.ask(&request).await;
    let expected: Vec<_> = all
        .rows
        .iter()
        .filter(|row| row.values["express"] != false)
        .map(|row| row.values.clone())
        .collect();
    assert_eq!(
        some.rows.into_iter().map(|row| row.values).collect::<Vec<_>>(),
        expected
    );
}

#[tokio::test]
async fn other_clocks_are_read_as_what_they_say() {
    let test = TestDb::empty().await;
    test.sql(
        "create table beats (ms bigint, local timestamp(3), day date, s integer, host text);
         create index on beats (ms); create index on beats (local); create index on beats (day); create index on beats (s);
         insert into beats select extract(epoch from t)::bigint * 1000 + i % 1000, t at time zone 'Europe/Berlin', (t at time zone 'Asia/Tokyo')::date, extract(epoch from t)::int, 'h' || i % 3
         from generate_series(1, 2000) i, lateral (select timestamptz '2026-03-20 00:00:03+00' + i * interval '17 minutes' as t) x;
         -- What belongs to no bucket.
         insert into beats (ms, local, day, s) values (null, null, null, null), (100000000000000, 'infinity', '-infinity', null), (-100000000000000, '294000-01-01', '5000000-01-01', null), (9223372036854775807, '0044-03-15 BC', '4000-01-01 BC', null)",
    )
    .await;
    for (name, grains, source, truth) in [
        (
            "by_ms",
            r#"["15m", "day"]"#,
            "time = \"b.ms\"\ntime_unit = \"ms\"",
            "to_timestamp(ms / 1000)",
        ),
        (
            "by_local",
            r#"["hour", "day", "week"]"#,
            "time = \"b.local\"\ntime_zone = \"Europe/Berlin\"",
            "local at time zone 'Europe/Berlin'",
        ),
        (
            "by_local_utc",
            r#"["day", "year"]"#,
            "time = \"b.local\"",
            "local at time zone 'UTC'",
        ),
        (
            "by_day",
            r#"["day", "month"]"#,
            "time = \"b.day\"",
            "day::timestamp at time zone 'UTC'",
        ),
        (
            "by_s",
            r#"["1m", "hour", "day"]"#,
            "time = \"b.s\"\ntime_unit = \"s\"",
            "to_timestamp(s)",
        ),
    ] {
        let text = format!(
            "name = \"{name}\"\ngrains = {grains}\n[[source]]\nname = \"beat\"\ntable = \"beats b\"\n{source}\ndimensions = {{ host = \"b.host\" }}\n[dimensions.host]\n[measures]\nn = {{ count = \"beat\" }}\n"
        );
        test.db.apply(&declaration(&text), true).await.unwrap();
        test.drain_of(name).await;
        for round in 0..2 {
            let sql = format!(
                "select date_trunc('day', {truth}, 'UTC') as t, count(*) from beats where ms between 1500000000000 and 2000000000000 and {truth} >= '2026-01-01' and {truth} < '2027-01-01' group by 1 order by 1"
            );
            let raw: Vec<(chrono::DateTime<Utc>, i64)> =
                sqlx::query_as(AssertSqlSafe(sql)).fetch_all(test.pool()).await.unwrap();
            let answer = test
                .ask(&question(name, at(FROM), at(TO), Grain::Day, chrono_tz::UTC))
                .await;
            let told: Vec<(chrono::DateTime<Utc>, i64)> = answer
                .rows
                .iter()
                .map(|row| (row.bucket_start.with_timezone(&Utc), row.values["n"].as_i64().unwrap()))
                .collect();
            assert_eq!(told, raw, "{name}, round {round}");
            assert_eq!(
                answer.live_buckets > 0,
                round == 1,
                "{name}: the change is marked in its own buckets"
            );
            test.sql("update beats set ms = ms + 3600000, local = local + interval '1 hour', day = day + 1, s = s + 3600 where host = 'h1' and ms % 2 = 0").await;
        }
        test.drain_of(name).await;
        let audit = test.db.audit(name, None, false).await.unwrap();
        assert_eq!(audit.difference_count, 0, "{name}: {audit:?}");
        assert!(audit.outside_rows >= 3, "{name}: {audit:?}");
    }
    // A raw column's own index serves them.
    for name in ["by_ms", "by_local", "by_local_utc", "by_day", "by_s"] {
        let estimate: f64 = test.one(&format!("select tidemark.{name}__estimate(array[timestamptz '2026-03-22 00:00+00'], array[timestamptz '2026-03-23 00:00+00'])")).await;
        assert!(estimate < 1500.0, "{name}: {estimate}");
    }
}

#[tokio::test]
async fn types_and_functions_of_other_schemas_work_and_unknown_ones_are_refused_by_line() {
    let test = TestDb::empty().await;
    test.sql(
        "create type mood as enum ('good', 'bad');
         create function doubled(n integer) returns integer language sql immutable return n * 2;
         create table diary (at timestamptz, mood mood, n integer); create index on diary (at);
         insert into diary select timestamptz '2026-03-01 00:00+00' + i * interval '1 hour', (array['good', 'bad']::mood[])[1 + i % 2], i from generate_series(1, 50) i",
    )
    .await;
    let text = |dimension: &str, function: &str| {
        format!(
            "name = \"moods\"\ngrains = [\"hour\", \"day\"]\n[[source]]\nname = \"d\"\ntable = \"diary d\"\ntime = \"d.at\"\ndimensions = {{ mood = \"d.mood\" }}\nvalues = {{ n = \"{function}(d.n)\" }}\n[dimensions.mood]\ntype = \"{dimension}\"\n[measures]\ns = {{ sum = \"d.n\" }}\n"
        )
    };
    let refused = test
        .db
        .apply(&declaration(&text("public.mood", "doubled")), true)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("test.toml:8"), "{refused}");
    let installed: bool = test.one("select to_regclass('tidemark.rollup') is not null").await;
    assert!(!installed, "nothing is made");
    test.db
        .apply(&declaration(&text("public.mood", "public.doubled")), true)
        .await
        .unwrap();
    test.drain_of("moods").await;
    let status = test.status_of("moods").await;
    assert!(
        status.capture_intact && status.capture_findings.is_empty(),
        "{status:?}"
    );
    let mut request = question("moods", at(FROM), at(TO), Grain::Total, chrono_tz::UTC);
    request.by = vec!["mood".to_owned()];
    let sums: Vec<Value> = test
        .ask(&request)
        .await
        .rows
        .iter()
        .map(|row| row.values["s"].clone())
        .collect();
    assert_eq!(sums, [1250, 1300]);
}

#[tokio::test]
async fn dropping_a_rollup_leaves_its_neighbours_alone() {
    let test = TestDb::empty().await;
    test.sql("create table beats (at timestamptz, n integer); create index on beats (at)")
        .await;
    // An underscore must not match any character.
    for name in ["a_b", "axb", "a_b_c"] {
        let text = format!(
            "name = \"{name}\"\ngrains = [\"hour\"]\n[[source]]\nname = \"beat\"\ntable = \"beats b\"\ntime = \"b.at\"\n[measures]\nn = {{ count = \"beat\" }}\n"
        );
        test.db.apply(&declaration(&text), true).await.unwrap();
        test.drain_of(name).await;
    }
    test.db.drop_rollup("a_b").await.unwrap();
    test.sql("insert into beats values ('2026-03-01', 1)").await;
    for name in ["axb", "a_b_c"] {
        test.drain_of(name).await;
        let status = test.status_of(name).await;
        assert!(status.capture_intact, "{status:?}");
        let answer = test
            .ask(&question(name, at(FROM), at(TO), Grain::Total, chrono_tz::UTC))
            .await;
        assert_eq!(answer.rows[0].values["n"], 1);
    }
    let left: i64 = test.one("select (select count(*) from pg_class where relname like 'a\\_b\\_\\_%') + (select count(*) from pg_proc where proname like 'a\\_b\\_\\_%') + (select count(*) from pg_trigger where tgname like 'tidemark\\_a\\_b\\_beat%')").await;
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_dimension_without_a_type_is_of_its_expressions_type() {
    let test = TestDb::empty().await;
    test.sql(
        "create type mood as enum ('good', 'bad');
         create table visits (at timestamptz not null, shop uuid, till bigint, staff varchar(20), felt mood, paid boolean);
         create index on visits (at);
         insert into visits values ('2026-03-01', '6f1c2f64-13f3-4c5f-8f2c-0d6a0c9b2a11', 9007199254740993, 'Ada', 'good', true), ('2026-03-01', null, null, null, null, null)",
    )
    .await;
    test.db
        .apply(
            &declaration(
                "name = \"visits\"\ngrains = [\"hour\"]\n[[source]]\nname = \"v\"\ntable = \"visits v\"\ntime = \"v.at\"\n\
                 dimensions = { shop = \"v.shop\", till = \"v.till\", staff = \"v.staff\", felt = \"v.felt\", paid = \"v.paid\" }\n\
                 [dimensions]\nshop = {}\ntill = {}\nstaff = {}\nfelt = {}\npaid = {}\n[measures]\nn = { count = \"v\" }\n",
            ),
            true,
        )
        .await
        .unwrap();
    test.drain_of("visits").await;
    let types: Vec<(String, String)> = sqlx::query_as(
        "select attname::text, format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'tidemark.visits__hour'::regclass and attnum between 2 and 6",
    )
    .fetch_all(test.pool())
    .await
    .unwrap();
    let types: Vec<&str> = types.iter().map(|(_, kind)| kind.as_str()).collect();
    assert_eq!(types, ["uuid", "bigint", "text", "text", "boolean"]);
    let mut request = question("visits", at(FROM), at(TO), Grain::Total, chrono_tz::UTC);
    request.by = vec!["till".to_owned(), "paid".to_owned()];
    let answer = test.ask(&request).await;
    assert_eq!(answer.rows.len(), 2);
    assert!(
        answer
            .rows
            .iter()
            .any(|row| row.values["till"] == 9_007_199_254_740_993_i64 && row.values["paid"] == true)
    );
    // Nothing of Tidemark's stands in the way of the operator's own DROP.
    test.sql("alter table visits drop column felt; drop type mood").await;
}
