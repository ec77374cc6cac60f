//! Statistics that merge by sums or by union: moments, trends, distinct counts, and relations over several grains.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tidemark_core::api::{Grain, QueryAnswer, ReadMode, State};

use crate::ask::{FROM, TO, declaration, question};
use crate::harness::{TestDb, at, url_of};

const READINGS: &str = include_str!("statistics.toml");

const TABLE: &str = "
create type shade as enum ('light', 'dark');
create table readings (id bigint generated always as identity primary key, at timestamptz, kind text,
  v double precision, small real, price numeric, i integer, who text, shade shade);
create index on readings (at);
";

async fn empty() -> TestDb {
    let test = TestDb::empty().await;
    test.sql(TABLE).await;
    test.db.apply(&declaration(READINGS), true).await.unwrap();
    test.drain_of("readings").await;
    test
}

/// Kinds: one easy, one of 1e9 with a spread of 1e-3, one with NULLs, and a NULL kind.
const ROWS: &str = "
select setseed(0.11);
insert into readings (at, kind, v, small, price, i, who, shade)
select timestamptz '2026-02-27 00:00+00' + i * interval '41 minutes 13.000007 seconds', kind,
  case kind when 'far' then 1e9 + random() * 1e-3 when 'gaps' then nullif(floor(random() * 5), 0) else (random() - 0.5) * 1000 end,
  (random() * 3)::real, round((random() * 9)::numeric, 1 + i % 3), (random() * 1000000)::int, 'u' || floor(random() * 400), (array['light', 'dark', null]::shade[])[1 + i % 3]
from generate_series(1, 2500) i, lateral (select (array['easy', 'far', 'gaps', null])[1 + i % 4] as kind) k;
";

/// Everything by an independent two-pass computation in numeric: centred sums around means of 60 decimals, to 40.
fn truth_sql(bucket: &str) -> String {
    let centred = |name: &str, value: &str, filter: &str| {
        format!(
            "m_{name} as (
               select b, kind, count(*) as n, (sum(x) + 0::numeric(80, 60)) / count(*) as mx, (sum(t) + 0::numeric(80, 60)) / count(*) as mt
               from (select b, kind, t, {value} as x from r where {filter}) s group by 1, 2
             ), s_{name} as (
               select m.b, m.kind, m.n, m.mx, round(sum((x - mx) * (x - mx)), 40) as xx, round(sum((t - mt) * (t - mt)), 40) as tt, round(sum((t - mt) * (x - mx)), 40) as tx
               from (select b, kind, t, {value} as x from r where {filter}) s join m_{name} m on m.b = s.b and m.kind is not distinct from s.kind group by 1, 2, 3, 4
             )"
        )
    };
    let each = [
        centred("v", "v::text::numeric", "v is not null"),
        centred("size", "v::text::numeric", "abs(v) > 1"),
        centred("small", "small::text::numeric", "small is not null"),
        centred("price", "price", "price is not null"),
        centred("i", "i::numeric", "i is not null"),
    ];
    let join =
        |name: &str| format!("left join s_{name} on s_{name}.b = k.b and s_{name}.kind is not distinct from k.kind");
    let sd = |name: &str| format!("sqrt(s_{name}.xx / nullif(s_{name}.n - 1, 0))");
    format!(
        "with r as (select {bucket} as b, extract(epoch from at) as t, * from readings),
         {}, k as (
           select b, kind, count(*) as rows, count(distinct who) as people, count(distinct who) filter (where v > 0) as strong,
             count(distinct price) as prices, count(distinct v) as values, count(distinct shade) as shades from r group by 1, 2
         )
         select k.b::timestamptz as bucket, k.kind, json_build_object('rows', rows, 'people', people, 'strong', strong, 'prices', prices, 'values', values, 'shades', shades,
           'v_mean', s_v.mx::float8, 'v_sd', {}::float8, 'v_slope', (86400 * s_v.tx / nullif(s_v.tt, 0))::float8,
           'v_r2', case when s_v.tt = 0 then null when s_v.xx = 0 then 1 else ((s_v.tx * s_v.tx) / (s_v.tt * s_v.xx))::float8 end,
           'size_mean', s_size.mx::float8, 'size_sd', {}::float8, 'small_sd', {}::float8, 'price_sd', {}::float8, 'i_sd', {}::float8,
           'i_slope', (86400 * s_i.tx / nullif(s_i.tt, 0))::float8, 'per_head', rows::float8 / nullif(people, 0))
         from k {}",
        each.join(", "),
        sd("v"),
        sd("size"),
        sd("small"),
        sd("price"),
        sd("i"),
        ["v", "size", "small", "price", "i"].map(join).join(" ")
    )
}

type Rows = BTreeMap<(DateTime<Utc>, Option<String>), serde_json::Map<String, Value>>;

async fn truth(test: &TestDb, bucket: &str) -> Rows {
    let mut connection = test.actor().await;
    crate::ask::run(&mut connection, "set timezone = 'UTC'").await;
    let rows = sqlx::query(AssertSqlSafe(truth_sql(bucket)))
        .fetch_all(&mut connection)
        .await
        .unwrap();
    rows.into_iter()
        .map(|row| {
            let Value::Object(values) = row.get(2) else { panic!() };
            ((row.get(0), row.get(1)), values)
        })
        .collect()
}

fn told(answer: &QueryAnswer) -> Rows {
    let kind = |row: &tidemark_core::api::QueryRow| row.values["kind"].as_str().map(str::to_owned);
    answer
        .rows
        .iter()
        .map(|row| {
            let Value::Object(values) = serde_json::to_value(&row.values).unwrap() else {
                panic!()
            };
            ((row.bucket_start.with_timezone(&Utc), kind(row)), values)
        })
        .collect()
}

fn same(told: &Rows, truth: &Rows, what: &str) {
    assert_eq!(
        told.keys().collect::<Vec<_>>(),
        truth.keys().collect::<Vec<_>>(),
        "{what}"
    );
    for (key, truth) in truth {
        for (name, wanted) in truth {
            let found = &told[key][name];
            let near = match (found.as_f64(), wanted.as_f64()) {
                (Some(found), Some(wanted)) => (found - wanted).abs() <= 1e-9 * wanted.abs(),
                (None, None) => true,
                _ => false,
            };
            assert!(near, "{what} {key:?} {name}: {found} for {wanted}");
        }
    }
}

async fn by_kind(test: &TestDb, grain: Grain, tz: chrono_tz::Tz, mode: ReadMode) -> QueryAnswer {
    let mut request = question("readings", at(FROM), at(TO), grain, tz);
    request.by = vec!["kind".to_owned()];
    request.mode = mode;
    let answer = test.ask(&request).await;
    assert_eq!(answer.state, State::Exact);
    answer
}

#[tokio::test]
async fn every_composition_equals_the_raw_rows_in_numeric_to_nine_digits() {
    let test = empty().await;
    test.sql(ROWS).await;
    let kolkata = chrono_tz::Asia::Kolkata;
    for drained in [false, true] {
        for (grain, tz, bucket) in [
            (
                Grain::QuarterHour,
                chrono_tz::UTC,
                "date_bin('15 min', at, '2001-01-01')",
            ),
            (Grain::Day, chrono_tz::UTC, "date_trunc('day', at)"),
            (Grain::Day, kolkata, "date_trunc('day', at, 'Asia/Kolkata')"),
            (Grain::Week, chrono_tz::UTC, "date_trunc('week', at)"),
            (Grain::Month, kolkata, "date_trunc('month', at, 'Asia/Kolkata')"),
            (Grain::Total, chrono_tz::UTC, "date_trunc('year', at)"),
        ] {
            let answer = by_kind(&test, grain, tz, ReadMode::Exact).await;
            assert_eq!(answer.live_buckets == 0, drained);
            same(
                &told(&answer),
                &truth(&test, bucket).await,
                &format!("{grain} {tz} drained {drained}"),
            );
        }
        test.drain_of("readings").await;
        assert_eq!(
            test.db.audit("readings", None, false).await.unwrap().difference_count,
            0
        );
    }
}

#[tokio::test]
async fn a_relation_over_several_grains_has_the_same_numbers() {
    let test = empty().await;
    test.sql(ROWS).await;
    test.drain_of("readings").await;
    for (grain, unit) in [("DAY", "day"), ("WEEK", "week"), ("MONTH", "month")] {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "select bucket_start, kind, to_json(r) from tidemark.readings_rollup r where granularity = '{grain}'"
        )))
        .fetch_all(test.pool())
        .await
        .unwrap();
        let told: Rows = rows
            .into_iter()
            .map(|row| {
                let Value::Object(values) = row.get(2) else { panic!() };
                ((row.get(0), row.get(1)), values)
            })
            .collect();
        same(&told, &truth(&test, &format!("date_trunc('{unit}', at)")).await, grain);
    }
    let columns: Vec<String> = sqlx::query_scalar("select attname::text from pg_attribute where attrelid = 'tidemark.readings_rollup'::regclass order by attnum limit 4")
        .fetch_all(test.pool())
        .await
        .unwrap();
    assert_eq!(columns, ["kind", "granularity", "bucket_start", "rows"]);
    assert_eq!(
        test.one::<i64>("select count(*) from tidemark.readings_rollup").await,
        test.one::<i64>("select count(distinct (kind, granularity, bucket_start)) from tidemark.readings_rollup")
            .await
    );
}

#[tokio::test]
async fn whoever_may_read_a_relation_can_read_its_deviations_and_distinct_counts() {
    let test = empty().await;
    test.sql(ROWS).await;
    test.drain_of("readings").await;
    let role = format!("reader_{}", test.name());
    test.sql(&format!("create role {role} login; grant usage on schema tidemark to {role}; grant select on tidemark.readings_rollup to {role}")).await;
    let mut reader = PgConnection::connect(&url_of(test.name(), Some(&role))).await.unwrap();
    let rows: i64 = sqlx::query_scalar("select count(*) from tidemark.readings_rollup where v_sd > 0 and people > 0 and v_r2 >= 0 and v_slope is not null and v_mean is not null")
        .fetch_one(&mut reader)
        .await
        .unwrap();
    assert!(rows > 0);
    reader.close().await.unwrap();
    test.sql(&format!("drop owned by {role}; drop role {role}")).await;
}

#[tokio::test]
async fn a_spread_of_a_thousandth_around_a_billion_is_right_where_float8_is_not() {
    let test = empty().await;
    test.sql(ROWS).await;
    test.drain_of("readings").await;
    let truth = truth(&test, "date_trunc('year', at)").await;
    let (_, far) = truth
        .iter()
        .find(|((_, kind), _)| kind.as_deref() == Some("far"))
        .unwrap();
    let own: f64 = test.one("select stddev_samp(v) from readings where kind = 'far'").await;
    let off = |value: f64| (value / far["v_sd"].as_f64().unwrap() - 1.0).abs();
    let answer = by_kind(&test, Grain::Total, chrono_tz::UTC, ReadMode::Exact).await;
    let told = answer
        .rows
        .iter()
        .find(|row| row.values["kind"] == "far")
        .unwrap()
        .values["v_sd"]
        .as_f64()
        .unwrap();
    let view: f64 = test
        .one("select v_sd from tidemark.readings_rollup where granularity = 'MONTH' and kind = 'far' and bucket_start = '2026-03-01 00:00+00'")
        .await;
    let month: f64 = test
        .one("select stddev_samp(v::text::numeric)::float8 from readings where kind = 'far' and date_trunc('month', at, 'UTC') = '2026-03-01 00:00+00'")
        .await;
    assert!(off(told) < 1e-14, "{}", off(told));
    assert!((view / month - 1.0).abs() < 1e-14);
    assert!(off(own) > 1e-9, "float8 has become better: {}", off(own));
}

#[tokio::test]
async fn none_one_two_and_equal_rows_give_what_postgres_gives() {
    let test = empty().await;
    test.sql(
        "insert into readings (at, kind, v) values
           ('2026-03-01 00:00+00', 'none', null), ('2026-03-01 00:00+00', 'one', 5),
           ('2026-03-01 00:00+00', 'two', 1), ('2026-03-01 06:00+00', 'two', 4),
           ('2026-03-01 00:00+00', 'level', 0.1), ('2026-03-01 07:00+00', 'level', 0.1), ('2026-03-01 09:00+00', 'level', 0.1),
           ('2026-03-01 00:00+00', 'upright', 1), ('2026-03-01 00:00+00', 'upright', 2),
           ('2026-03-01 00:00+00', 'point', 3), ('2026-03-01 00:00+00', 'point', 3)",
    )
    .await;
    for _ in ["live", "drained"] {
        let answer = by_kind(&test, Grain::Month, chrono_tz::UTC, ReadMode::Exact).await;
        let rows = sqlx::query("select kind, avg(v), stddev_samp(v), regr_slope(v, extract(epoch from at)::float8 / 86400), regr_r2(v, extract(epoch from at)::float8 / 86400) from readings group by 1")
            .fetch_all(test.pool())
            .await
            .unwrap();
        for truth in rows {
            let kind: String = truth.get(0);
            let row = answer
                .rows
                .iter()
                .find(|row| row.values["kind"] == kind.as_str())
                .unwrap();
            for (at, name) in ["v_mean", "v_sd", "v_slope", "v_r2"].into_iter().enumerate() {
                let (found, wanted) = (row.values[name].as_f64(), truth.get::<Option<f64>, _>(at + 1));
                assert_eq!(
                    found.is_some(),
                    wanted.is_some(),
                    "{kind} {name}: {found:?} for {wanted:?}"
                );
                let (found, wanted) = (found.unwrap_or(0.0), wanted.unwrap_or(0.0));
                assert!(
                    (found - wanted).abs() <= 1e-9 * wanted.abs(),
                    "{kind} {name}: {found} for {wanted}"
                );
            }
        }
        test.drain_of("readings").await;
        let sql =
            sqlx::query("select kind, v_sd, v_slope, v_r2 from tidemark.readings_rollup where granularity = 'MONTH'")
                .fetch_all(test.pool())
                .await
                .unwrap();
        for truth in sql {
            let kind: String = truth.get("kind");
            let row = answer
                .rows
                .iter()
                .find(|row| row.values["kind"] == kind.as_str())
                .unwrap();
            for name in ["v_sd", "v_slope", "v_r2"] {
                assert_eq!(row.values[name].as_f64(), truth.get(name), "{kind} {name}");
            }
        }
    }
}

#[tokio::test]
async fn nan_and_infinity_are_counted_apart_and_poison_nothing() {
    let test = empty().await;
    test.sql(
        "insert into readings (at, kind, v, price, i, who) select timestamptz '2026-03-01 00:00+00' + i * interval '1 hour', 'x', v, p, null, w
         from unnest(array[1, -2, 0, 'NaN', 'Infinity', '-Infinity', null, '-0', 1.7e308, -1.7e308, 5e-324]::float8[],
                     array[1.50, 1.5, 0, 'NaN', 'Infinity', '-Infinity', null, 0.0, 1e300, -3, 2]::numeric[],
                     array['a', 'a', '', 'b', null, 'c', null, 'ä', 'd', 'e', 'f']) with ordinality u (v, p, w, i)",
    )
    .await;
    for _ in ["live", "drained"] {
        let answer = by_kind(&test, Grain::Month, chrono_tz::UTC, ReadMode::Exact).await;
        let values = &answer.rows[0].values;
        let finite = "v > '-Infinity' and v < 'Infinity'";
        let sd: f64 = test
            .one(&format!(
                "select stddev_samp(v::text::numeric)::float8 from readings where {finite}"
            ))
            .await;
        let near = |name: &str, wanted: f64| {
            let found = values[name].as_f64().unwrap();
            assert!(
                (found - wanted).abs() <= 1e-9 * wanted.abs(),
                "{name}: {found} for {wanted}"
            );
        };
        near("v_sd", sd);
        near(
            "v_mean",
            test.one(&format!(
                "select avg(v::text::numeric)::float8 from readings where {finite}"
            ))
            .await,
        );
        near(
            "price_sd",
            test.one(
                "select stddev_samp(price)::float8 from readings where price > '-Infinity' and price < 'Infinity'",
            )
            .await,
        );
        // Distinct counts count NaN and infinities as values, 1.5 and 1.50 as one, -0 and 0 as one, and NULL not at all.
        for (name, sql) in [
            ("values", "count(distinct v)"),
            ("prices", "count(distinct price)"),
            ("people", "count(distinct who)"),
            ("shades", "count(distinct shade)"),
        ] {
            assert_eq!(
                values[name],
                test.one::<i64>(&format!("select {sql} from readings")).await,
                "{name}"
            );
        }
        assert_eq!(values["i_sd"], Value::Null);
        test.drain_of("readings").await;
        assert_eq!(
            test.one::<i64>("select sum(v__odd)::bigint from tidemark.readings__month")
                .await,
            3
        );
        assert_eq!(
            test.one::<i64>("select count(*) from tidemark.readings_rollup where v_sd > 0 and v_sd < 'Infinity'")
                .await,
            3
        );
        assert_eq!(
            test.db.audit("readings", None, false).await.unwrap().difference_count,
            0
        );
    }
}

#[tokio::test]
async fn the_audit_finds_an_edit_in_the_thirteenth_digit() {
    let test = empty().await;
    test.sql(
        "insert into readings (at, kind, v, price) values ('2026-03-01 00:00+00', 'x', 1e9, 12345678901234567.25)",
    )
    .await;
    test.drain_of("readings").await;
    for (column, change) in [("v", "v + 0.0001"), ("price", "price + 0.01")] {
        test.sql(&format!("begin; alter table readings disable trigger tidemark_readings_r_upd; update readings set {column} = {change}; alter table readings enable always trigger tidemark_readings_r_upd; commit"))
            .await;
        let mut quiet = test.actor().await;
        // The fingerprint is taken as it stands, so that nothing but the audit can tell.
        crate::ask::run(&mut quiet, "update tidemark.health set fingerprint = tidemark.fingerprint(rollup_id), fingerprint_seen = tidemark.fingerprint(rollup_id)").await;
        let report = test.db.audit("readings", None, true).await.unwrap();
        assert!(report.difference_count > 0, "{column}");
        assert!(
            report
                .differences
                .iter()
                .any(|found| found.what.contains(&format!("{column}__sum"))),
            "{report:?}"
        );
        test.drain_of("readings").await;
        assert_eq!(
            test.db.audit("readings", None, false).await.unwrap().difference_count,
            0
        );
    }
}

/// Users by day and month alone.
const USERS: &str = r#"
name   = "readings"
grains = ["day", "month"]

[[source]]
name       = "r"
table      = "readings r"
time       = "r.at"
dimensions = { kind = "r.kind" }
values     = { who = "r.who" }

[dimensions.kind]

[measures]
people = { distinct = "r.who" }

[[relation]]
name  = "readings_monthly"
grain = "month"
"#;

#[tokio::test]
async fn a_distinct_count_is_exact_below_k_and_within_two_percent_above() {
    let test = TestDb::empty().await;
    test.sql(TABLE).await;
    // Every value on several days, so that days overlap and nothing adds up.
    test.sql(
        "insert into readings (at, kind, who) select timestamptz '2026-03-01 00:00+00' + (i::bigint * 7919 % 400000) * interval '1 second', 'k' || n, 'user ' || i % n
         from unnest(array[16000, 50000, 200000]) n, generate_series(1, n * 2) i;
         insert into readings (at, kind, who) select timestamptz '2026-03-01 00:00+00' + (i % 86400) * interval '1 second', 'k1000000', 'user ' || i from generate_series(1, 1000000) i;
         analyze readings",
    )
    .await;
    test.db.apply(&declaration(USERS), true).await.unwrap();
    test.drain_of("readings").await;
    for (grain, bucket) in [
        (Grain::Total, "date_trunc('year', at, 'UTC')"),
        (Grain::Day, "date_trunc('day', at, 'UTC')"),
    ] {
        let mut request = question("readings", at(FROM), at(TO), grain, chrono_tz::UTC);
        request.by = vec!["kind".to_owned()];
        let answer = test.ask(&request).await;
        assert_eq!(answer.live_buckets, 0);
        let told: Vec<i64> = answer
            .rows
            .iter()
            .map(|row| row.values["people"].as_i64().unwrap())
            .collect();
        let truth: Vec<i64> = sqlx::query_scalar(AssertSqlSafe(format!(
            "select count(distinct who) from readings group by {bucket}, kind order by {bucket}, kind collate \"C\""
        )))
        .fetch_all(test.pool())
        .await
        .unwrap();
        assert_eq!(told.len(), truth.len());
        for (told, truth) in told.into_iter().zip(truth) {
            let off = (told as f64 / truth as f64 - 1.0).abs();
            assert!(
                off <= if truth < 16_384 { 0.0 } else { 0.02 },
                "{told} for {truth}: {off}"
            );
        }
    }
    let views: Vec<(i64, i64)> =
        sqlx::query_as("select people, substr(kind, 2)::bigint from tidemark.readings_monthly")
            .fetch_all(test.pool())
            .await
            .unwrap();
    assert_eq!(views.len(), 4);
    assert!(
        views
            .iter()
            .all(|(told, truth)| told.abs_diff(*truth) * 50 <= *truth as u64),
        "{views:?}"
    );
}

#[tokio::test]
async fn the_same_values_in_any_order_and_composition_are_the_same_bytes() {
    let test = empty().await;
    for (kind, order) in [("a", "i"), ("b", "-i"), ("c", "md5(i::text)")] {
        test.sql(&format!(
            "insert into readings (at, kind, who, v) select timestamptz '2026-03-02 00:00+00' + (i % {spread}) * interval '1 second', '{kind}', 'u' || i % 30000, (i % 30000) / 7.0::float8
             from generate_series(1, 60000) i order by {order}",
            spread = if kind == "c" { 900 } else { 86_400 },
        ))
        .await;
    }
    test.drain_of("readings").await;
    for grain in ["day", "month"] {
        let different: i64 = test
            .one(&format!(
                "select count(distinct people__kmv) from tidemark.readings__{grain}"
            ))
            .await;
        assert_eq!(different, 1, "{grain}");
        assert_eq!(
            test.one::<i32>(&format!(
                "select octet_length(people__kmv) from tidemark.readings__{grain} limit 1"
            ))
            .await,
            131_072
        );
    }
    // From raw rows at once, under settings that write values in another way.
    let mut actor = test.actor().await;
    crate::ask::run(&mut actor, "set extra_float_digits = -15; set datestyle = 'German'; set timezone = 'Asia/Kolkata'; set bytea_output = 'escape'").await;
    let same: bool = sqlx::query_scalar(
        "select bool_and(r.people__kmv = d.people__kmv and r.values__kmv = d.values__kmv and r.v__sum2 = d.v__sum2) from tidemark.readings__raw(array[timestamptz '2026-03-02 00:00+00'], array[timestamptz '2026-03-03 00:00+00']) r
         join tidemark.readings__day d on d.kind = r.kind",
    )
    .fetch_one(&mut actor)
    .await
    .unwrap();
    assert!(same);
}

/// Bins are counted by a hash table where a batch has hundreds of rows a group, by sorting where it has few: either way each
/// holds as many values as the formula puts into it, and they are stored in ascending order.
#[tokio::test]
async fn bins_of_crowded_and_of_sparse_buckets_hold_what_the_formula_says() {
    let test = TestDb::raw().await;
    test.db.apply(&crate::ask::ops(), true).await.unwrap();
    for (hour, rows) in [(3, 5_000), (5, 40)] {
        test.sql(&format!(
            "insert into usage_logs (created_at, account_id, duration_ms)
             select '2026-03-10 0{hour}:00Z'::timestamptz + i % 900 * interval '1 second', 1, 1 + i * i % 7919 from generate_series(1, {rows}) i"
        ))
        .await;
        test.drain_of("ops_metrics").await;
        let differing: i64 = test
            .one(&format!(
                "with stored as (
                   select e >> 45 as key, e & ((1::bigint << 45) - 1) as n from tidemark.ops_metrics__15m, tidemark.sketch_entries(latency__sketch) e
                   where bucket = '2026-03-10 0{hour}:00Z'
                 ), told as (
                   select (65536 + ceil(ln(duration_ms) / ln(1.01 / 0.99)))::bigint as key, count(*) as n from usage_logs
                   where created_at >= '2026-03-10 0{hour}:00Z' and created_at < '2026-03-10 0{hour}:15Z' group by 1
                 )
                 select count(*) from stored full join told using (key, n) where stored.key is null or told.key is null"
            ))
            .await;
        assert_eq!(differing, 0, "{rows} rows");
        let unsorted: i64 = test
            .one(&format!(
                "select count(*) from (
                   select e, lag(e) over (order by at) as before from tidemark.ops_metrics__15m, tidemark.sketch_entries(latency__sketch) with ordinality as t (e, at)
                   where bucket = '2026-03-10 0{hour}:00Z') s where before >> 45 >= e >> 45"
            ))
            .await;
        assert_eq!(unsorted, 0, "{rows} rows");
    }
}
