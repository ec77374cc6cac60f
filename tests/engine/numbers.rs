//! The numbers are right: percentiles, outcomes, relations, and the ways in which others went wrong.

use std::time::Duration;

use chrono::{TimeDelta, Timelike, Utc};
use chrono_tz::{America, Asia, Australia, Tz};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use tidemark_core::api::{Grain, ReadMode, RecomputeRequest, State, StatusWord, TickOutcome};

use crate::ask::{FROM, TO, code, declaration, only, ops, question, run, the, within_one_percent};
use crate::harness::{TestDb, at, minutes};

/// A declaration over double precision and numeric values.
const SAMPLES: &str = r#"
name   = "samples"
grains = ["15m", "hour", "day", "month"]

[[source]]
name       = "sample"
table      = "samples s"
time       = "s.taken_at"
dimensions = { kind = "s.kind" }
values     = { v = "s.v", amount = "s.amount" }

[dimensions.kind]

[measures]
n        = { count = "sample" }
total    = { sum = "sample.v" }
amounts  = { sum = "sample.amount" }
least    = { min = "sample.v" }
greatest = { max = "sample.v" }
spread   = { distribution = "sample.v" }
mean     = { mean = "spread" }
p0       = { quantile = 0.0, of = "spread" }
p1       = { quantile = 0.01, of = "spread" }
p50      = { quantile = 0.5, of = "spread" }
p95      = { quantile = 0.95, of = "spread" }
p100     = { quantile = 1.0, of = "spread" }
exact    = { distribution = "sample.amount" }
a50      = { quantile = 0.5, of = "exact" }
"#;

async fn samples(rows: &str) -> TestDb {
    let test = TestDb::empty().await;
    test.sql("create table samples (taken_at timestamptz, kind text, v double precision, amount numeric); create index on samples (taken_at)").await;
    test.sql(rows).await;
    test.db.apply(&declaration(SAMPLES), true).await.unwrap();
    test
}

#[tokio::test]
async fn the_p99_of_a_day_is_not_the_p99_of_its_worst_hour() {
    let test = TestDb::raw().await;
    test.sql(
        "insert into usage_logs (created_at, account_id, duration_ms) select '2026-03-10 03:00+00', 1, 10000 from generate_series(1, 10);
         insert into usage_logs (created_at, account_id, duration_ms) select timestamptz '2026-03-10 00:00+00' + i % 24 * interval '1 hour', 1, 100 from generate_series(1, 4800) i where i % 24 <> 3",
    )
    .await;
    test.db.apply(&ops(), true).await.unwrap();
    test.drain().await;
    let (from, to) = (at("2026-03-10T00:00:00Z"), at("2026-03-11T00:00:00Z"));
    let hours = test
        .ask(&question("ops_metrics", from, to, Grain::Hour, chrono_tz::UTC))
        .await;
    let worst = hours
        .rows
        .iter()
        .map(|row| row.values["p99_latency_ms"].as_f64().unwrap())
        .fold(0.0, f64::max);
    assert_eq!(worst, 10_000.0);
    for grain in [Grain::Day, Grain::Month, Grain::Total] {
        let whole = test
            .ask(&question("ops_metrics", from, to, grain, chrono_tz::UTC))
            .await;
        assert!(
            within_one_percent(the(&whole, "p99_latency_ms").as_f64().unwrap(), 100.0),
            "{grain}: {whole:?}"
        );
    }
    // What SQL readers see is merged as well.
    let day: f64 = test.one("select p99_latency_ms from tidemark.ops_metrics_daily").await;
    assert!(within_one_percent(day, 100.0), "{day}");
}

#[tokio::test]
async fn the_time_zones_of_writer_ticker_and_reader_make_no_difference() {
    // The driver asks for UTC; whoever comes from elsewhere gets what the database says.
    let test = TestDb::empty().await;
    let name: String = test.one("select current_database()::text").await;
    test.sql(&format!(
        "alter database {name} set timezone = 'Pacific/Chatham'; set timezone = 'Pacific/Chatham'"
    ))
    .await;
    test.sql(crate::harness::RAW).await;
    test.db.apply(&ops(), true).await.unwrap();
    let mut writer = test.actor().await;
    run(&mut writer, "set timezone = 'America/St_Johns'").await;
    run(&mut writer, crate::ask::ROWS).await;
    test.exact_now("written").await;
    let mut ticker = test.actor().await;
    run(
        &mut ticker,
        "set timezone = 'Asia/Kathmandu'; select tidemark.tick('ops_metrics')",
    )
    .await;
    test.exact_now_and_after_a_drain("ticked").await;
    run(
        &mut writer,
        "update usage_logs set created_at = created_at + interval '1 day' where id % 3 = 0",
    )
    .await;
    test.exact_now_and_after_a_drain("updated").await;
    // A reader in another zone: the pool's own connections, turned over.
    let mut reader = test.actor().await;
    run(&mut reader, "set timezone = 'Pacific/Apia'").await;
    let stored: Vec<i64> = sqlx::query_scalar("select n from (select sum(success_count)::bigint as n, bucket from tidemark.ops_metrics__day group by 2 order by 2) x").fetch_all(&mut reader).await.unwrap();
    let live: Vec<i64> = sqlx::query_scalar(
        "select sum(success_count)::bigint from tidemark.ops_metrics__raw((select array_agg(distinct bucket order by bucket) from tidemark.ops_metrics__day),
           (select array_agg(distinct bucket + interval '24 hours') from tidemark.ops_metrics__day)) group by bucket order by bucket",
    )
    .fetch_all(&mut reader)
    .await
    .unwrap();
    assert_eq!(stored, live);
    let days: Vec<(chrono::NaiveDate, i64)> = sqlx::query_as(
        "select bucket_date, sum(request_count)::bigint from tidemark.ops_metrics_daily group by 1 order by 1",
    )
    .fetch_all(test.pool())
    .await
    .unwrap();
    let truth: Vec<(chrono::NaiveDate, i64)> =
        sqlx::query_as("select (created_at at time zone 'UTC')::date, count(*) from (select created_at from usage_logs union all select created_at from ops_error_logs) x group by 1 order by 1")
            .fetch_all(test.pool())
            .await
            .unwrap();
    assert_eq!(days, truth);
}

#[tokio::test]
async fn a_quarter_past_midnight_in_kolkata_is_on_its_own_day() {
    let test = TestDb::raw().await;
    test.sql(
        "insert into usage_logs (created_at, account_id) values ('2026-03-09 18:45+00', 1), ('2026-03-09 18:15+00', 1)",
    )
    .await;
    test.db.apply(&ops(), true).await.unwrap();
    test.drain().await;
    for grain in [Grain::Day, Grain::Hour] {
        let answer = test
            .ask(&question(
                "ops_metrics",
                at("2026-03-01T00:00:00Z"),
                at("2026-03-20T00:00:00Z"),
                grain,
                Asia::Kolkata,
            ))
            .await;
        let starts: Vec<String> = answer.rows.iter().map(|row| row.bucket_start.to_rfc3339()).collect();
        let first = if grain == Grain::Day {
            "2026-03-09T00:00:00+05:30"
        } else {
            "2026-03-09T23:00:00+05:30"
        };
        assert_eq!(starts, [first, "2026-03-10T00:00:00+05:30"]);
        assert!(answer.rows.iter().all(|row| row.values["request_count"] == 1));
        assert_eq!(answer.live_buckets, 0);
    }
}

#[tokio::test]
async fn a_day_of_25_hours_has_25_and_a_week_seven_days() {
    let test = TestDb::raw().await;
    test.sql("insert into usage_logs (created_at, account_id) select t, 1 from generate_series(timestamptz '2026-10-20 00:00+00', '2026-11-10 00:00+00', '1 hour') t").await;
    test.db.apply(&ops(), true).await.unwrap();
    test.drain().await;
    let tz: Tz = America::New_York;
    let days = test
        .ask(&question(
            "ops_metrics",
            at("2026-10-26T04:00:00Z"),
            at("2026-11-02T05:00:00Z"),
            Grain::Day,
            tz,
        ))
        .await;
    let counts: Vec<i64> = days
        .rows
        .iter()
        .map(|row| row.values["request_count"].as_i64().unwrap())
        .collect();
    assert_eq!(counts, [24, 24, 24, 24, 24, 24, 25]);
    assert!(days.rows.iter().all(|row| !row.partial));
    let week = test
        .ask(&question(
            "ops_metrics",
            at("2026-10-26T04:00:00Z"),
            at("2026-11-02T05:00:00Z"),
            Grain::Week,
            tz,
        ))
        .await;
    assert_eq!(the(&week, "request_count"), 169);
    assert!(!week.rows[0].partial);
}

#[tokio::test]
async fn rows_without_a_group_or_an_account_count() {
    let test = TestDb::ops().await;
    test.sql(
        "insert into usage_logs (created_at, account_id, group_id, duration_ms) values
           ('2026-03-10', 1, null, 10), ('2026-03-10', null, null, 10), ('2026-03-10', 1, 99, 10), ('2026-03-10', 2, 2, 10), ('2026-03-10', 4, 3, 10);
         insert into ops_error_logs (created_at, account_id, group_id, platform) values ('2026-03-10', 77, 88, null), ('2026-03-10', null, null, 'azure')",
    )
    .await;
    test.exact_now_and_after_a_drain("without lookups").await;
    let answer = test
        .ask(&question("ops_metrics", at(FROM), at(TO), Grain::Total, chrono_tz::UTC))
        .await;
    assert_eq!(the(&answer, "request_count"), 7);
}

#[tokio::test]
async fn a_hole_is_read_live_and_never_taken_for_zero() {
    let test = TestDb::raw().await;
    test.sql(crate::ask::ROWS).await;
    test.db.apply(&ops(), false).await.unwrap();
    test.exact_now("nothing was built").await;
    let request = question("ops_metrics", at(FROM), at(TO), Grain::Total, chrono_tz::UTC);
    let mut rollup_only = request.clone();
    rollup_only.mode = ReadMode::RollupOnly;
    let answer = test.ask(&rollup_only).await;
    assert_eq!((answer.state, answer.rows.len()), (State::Pending, 0));
    // Half of it built: the newer rows.
    let half = RecomputeRequest {
        rollup: "ops_metrics".to_owned(),
        from: Some(at("2026-03-11T00:00:00Z")),
        to: None,
        scope: None,
        reason: None,
        pace: 100,
    };
    test.db.recompute(&half).await.unwrap();
    test.drain().await;
    let answer = test.exact_now("half was built").await;
    assert!(answer.live_buckets > 0);
    assert_eq!(test.ask(&rollup_only).await.state, State::Pending);
    // An hour without rows is no row.
    let empty = test
        .ask(&question(
            "ops_metrics",
            at("2026-04-01T00:00:00Z"),
            at("2026-04-02T00:00:00Z"),
            Grain::Hour,
            chrono_tz::UTC,
        ))
        .await;
    assert!(empty.rows.is_empty());
}

#[tokio::test]
async fn one_row_dated_in_the_future_freezes_nothing() {
    let test = TestDb::ops().await;
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) values (now() + interval '40 days', 1, 5), (now(), 1, 5)").await;
    test.drain().await;
    let status = test.status_of("ops_metrics").await;
    assert!(
        status.watermark_at.unwrap() <= Utc::now() && status.lag_seconds.unwrap() < 60.0,
        "{status:?}"
    );
    assert_eq!(status.status, StatusWord::Healthy);
    test.sql("insert into usage_logs (account_id, duration_ms) values (1, 7)")
        .await;
    let now = test
        .ask(&question(
            "ops_metrics",
            Utc::now() - minutes(60),
            Utc::now() + minutes(1),
            Grain::Total,
            chrono_tz::UTC,
        ))
        .await;
    assert_eq!((now.state, the(&now, "request_count")), (State::Exact, 2.into()));
    test.drain().await;
    let audit = test.db.audit("ops_metrics", None, false).await.unwrap();
    assert_eq!((audit.future_rows, audit.difference_count), (1, 0));
    assert_eq!(test.status_of("ops_metrics").await.future_rows, Some(1));
}

#[tokio::test]
async fn a_group_whose_raw_rows_are_gone_is_gone() {
    let test = TestDb::with_rows().await;
    test.sql("delete from usage_logs where account_id = 3; delete from ops_error_logs where account_id = 3")
        .await;
    test.exact_now_and_after_a_drain("deleted").await;
    test.sql("delete from usage_logs; delete from ops_error_logs").await;
    test.exact_now_and_after_a_drain("all deleted").await;
    let left: i64 = test.one("select (select count(*) from tidemark.ops_metrics_hourly) + (select count(*) from tidemark.ops_metrics_daily)").await;
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_recompute_from_the_middle_of_a_bucket_takes_the_whole_bucket() {
    let test = TestDb::with_rows().await;
    let request = RecomputeRequest {
        rollup: "ops_metrics".to_owned(),
        from: Some(at("2026-03-10T05:41:30Z")),
        to: Some(at("2026-03-11T05:41:31Z")),
        scope: None,
        reason: None,
        pace: 100,
    };
    let job = test.db.recompute(&request).await.unwrap();
    assert!(
        job.from <= at("2026-03-10T05:41:00Z") && job.to >= at("2026-03-11T05:42:00Z"),
        "{job:?}"
    );
    test.exact_now("asked").await;
    test.exact_now_and_after_a_drain("done").await;
}

#[tokio::test]
async fn the_audit_finds_an_edited_value_behind_an_equal_count() {
    let test = TestDb::with_rows().await;
    // A change whose mark was lost: nothing but a comparison of values can find it.
    test.sql("begin; update usage_logs set duration_ms = duration_ms + 100000 where id = 7; delete from tidemark.mark; commit").await;
    let audit = test.db.audit("ops_metrics", None, false).await.unwrap();
    assert!(audit.difference_count > 0);
    assert!(
        audit
            .differences
            .iter()
            .any(|difference| difference.what.contains("latency__sum") && difference.what.contains("latency__sketch")),
        "{audit:?}"
    );
    assert_eq!(test.word().await, StatusWord::NotTrusted);
    test.db.audit("ops_metrics", None, true).await.unwrap();
    test.exact_now_and_after_a_drain("repaired").await;
    assert_eq!(test.word().await, StatusWord::Healthy);
}

#[tokio::test]
async fn history_survives_a_purge_and_any_recompute_after_it() {
    let test = TestDb::with_rows().await;
    let before = test.raw_truth().await;
    let line = at("2026-03-11T00:00:00Z");
    let deleted = test.db.purge("ops_metrics", line, true, &mut |_| {}).await.unwrap();
    assert!(deleted > 20);
    let left: i64 = test
        .one("select count(*) from usage_logs where created_at < '2026-03-11'")
        .await;
    assert_eq!(left, 0);
    let ask = |from, to| RecomputeRequest {
        rollup: "ops_metrics".to_owned(),
        from,
        to,
        scope: None,
        reason: None,
        pace: 100,
    };
    assert_eq!(
        code(test.db.recompute(&ask(Some(at(FROM)), Some(line))).await),
        "frozen"
    );
    test.db.recompute(&ask(None, None)).await.unwrap();
    test.drain_of("ops_metrics").await;
    for grain in [Grain::Hour, Grain::Day, Grain::Month, Grain::Total] {
        assert_eq!(test.told(grain).await.1, before, "{grain}");
    }
    // What purge itself deleted is no change that somebody should look at.
    let status = test.status_of("ops_metrics").await;
    assert_eq!(
        (status.frozen_marks, status.status),
        (0, StatusWord::Healthy),
        "{status:?}"
    );
    // A late row in the frozen range is shown, not applied; a late row above it is both.
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-10 12:00+00', 1, 1), ('2026-03-12 12:00+00', 1, 1)").await;
    test.drain_of("ops_metrics").await;
    let status = test.status_of("ops_metrics").await;
    assert_eq!((status.frozen_marks, status.status), (1, StatusWord::FrozenMarks));
    assert!(
        status.lag_seconds.unwrap() < 60.0,
        "a frozen mark does not hold the watermark: {status:?}"
    );
    let day = test
        .ask(&question(
            "ops_metrics",
            at("2026-03-10T00:00:00Z"),
            line,
            Grain::Day,
            chrono_tz::UTC,
        ))
        .await;
    assert_eq!(day.rows[0].state, State::Frozen);
    // Finer than what is kept there, nothing can answer: an error, not a zero.
    assert_eq!(
        code(
            test.db
                .query(&question(
                    "ops_metrics",
                    at("2026-03-10T00:00:00Z"),
                    line,
                    Grain::Minute,
                    chrono_tz::UTC
                ))
                .await
        ),
        "grain_not_kept"
    );
    let edge = test
        .ask(&question(
            "ops_metrics",
            at("2026-03-10T01:20:00Z"),
            line,
            Grain::Total,
            chrono_tz::UTC,
        ))
        .await;
    assert_eq!(
        edge.from,
        at("2026-03-10T01:15:00Z"),
        "rounded outwards to what is kept there"
    );
}

#[tokio::test]
async fn a_purge_of_a_partitioned_table_deletes_old_rows_only() {
    let test = TestDb::empty().await;
    test.sql(
        "create table samples (taken_at timestamptz, kind text, v double precision, amount numeric) partition by range (taken_at);
         create table samples_1 partition of samples for values from ('2026-01-01') to ('2026-02-01');
         create table samples_2 partition of samples for values from ('2026-02-01') to ('2026-03-01');
         insert into samples select timestamptz '2026-01-01 00:00+00' + i * interval '1 hour', 'a', i from generate_series(0, 1400) i",
    )
    .await;
    test.db.apply(&declaration(SAMPLES), true).await.unwrap();
    test.drain_of("samples").await;
    test.db
        .purge("samples", at("2026-01-15T00:00:00Z"), true, &mut |_| {})
        .await
        .unwrap();
    let left: i64 = test.one("select count(*) from samples").await;
    assert_eq!(left, 1401 - 14 * 24);
    let answer = test
        .ask(&question(
            "samples",
            at("2026-01-01T00:00:00Z"),
            at("2026-03-01T00:00:00Z"),
            Grain::Total,
            chrono_tz::UTC,
        ))
        .await;
    assert_eq!(the(&answer, "n"), 1401);
}

struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

#[tokio::test]
async fn percentiles_are_within_one_percent_for_any_range_platforms_and_zone() {
    let test = TestDb::raw().await;
    // Heavy tails: 10^(0…7) ms, some zeros, some NULL.
    test.sql(
        "select setseed(0.42);
         insert into usage_logs (created_at, account_id, group_id, duration_ms)
         select timestamptz '2026-03-01 00:00+00' + random() * interval '40 days', 1 + (random() * 3)::int, nullif((random() * 5)::int, 0),
           case when random() < 0.02 then null when random() < 0.02 then 0 else power(10, 7 * power(random(), 3))::int end
         from generate_series(1, 12000)",
    )
    .await;
    test.db.apply(&ops(), true).await.unwrap();
    test.drain().await;
    let mut random = Random(0x5eed_0001);
    let zones: [Tz; 5] = [
        chrono_tz::UTC,
        Asia::Kathmandu,
        America::Sao_Paulo,
        Australia::Lord_Howe,
        chrono_tz::Pacific::Chatham,
    ];
    let platforms = ["anthropic", "openai", "gemini", "azure", ""];
    for round in 0..40 {
        let from = at("2026-03-01T00:00:00Z") + minutes(15 * random.below(96 * 39) as i64);
        let to = from + minutes(15 * (1 + random.below(if round % 3 == 0 { 8 } else { 96 * 30 })) as i64);
        let some: Vec<&str> = platforms.iter().copied().filter(|_| random.below(2) == 0).collect();
        let tz = zones[random.below(5) as usize];
        let grain = [Grain::Total, Grain::Day, Grain::Week, Grain::Month][random.below(4) as usize];
        let mut request = question("ops_metrics", from, to, grain, tz);
        request.filters = vec![only("platform", &some)];
        let answer = test.ask(&request).await;
        for row in &answer.rows {
            let (lo, hi) = (
                row.bucket_start.with_timezone(&Utc).max(from),
                row.bucket_end.with_timezone(&Utc).min(to),
            );
            let truth: Option<Vec<i32>> = sqlx::query_scalar(
                "select percentile_disc(array[0.5, 0.9, 0.95, 0.99, 0.999]) within group (order by u.duration_ms)
                 from usage_logs u left join groups g on g.id = u.group_id left join accounts a on a.id = u.account_id
                 where u.created_at >= $1 and u.created_at < $2 and coalesce(nullif(g.platform, ''), a.platform, '') = any ($3)",
            )
            .bind(lo)
            .bind(hi)
            .bind(&some)
            .fetch_one(test.pool())
            .await
            .unwrap();
            let told: Vec<Option<f64>> = ["p50", "p90", "p95", "p99", "p999"]
                .iter()
                .map(|p| row.values[&format!("{p}_latency_ms")].as_f64())
                .collect();
            match truth {
                None => assert!(told.iter().all(Option::is_none), "round {round}: {row:?}"),
                Some(truth) => {
                    for (told, truth) in told.iter().zip(&truth) {
                        assert!(
                            within_one_percent(told.unwrap(), f64::from(*truth)),
                            "round {round}, {tz} {lo}..{hi} {some:?}: {told:?} for {truth}"
                        );
                    }
                }
            }
        }
        assert_eq!(answer.live_buckets, 0, "round {round}");
    }
}

#[tokio::test]
async fn percentiles_of_floats_hold_for_constants_zeros_negatives_and_single_rows() {
    let test = samples(
        "insert into samples select timestamptz '2026-03-10 00:00+00' + i * interval '13 minutes', k.kind,
           case k.kind when 'constant' then 42.5 when 'zeros' then case when i % 3 = 0 then 1e-3 else 0 end when 'negative' then -exp(i / 20.0)
             when 'both' then (i - 100) * 1e6 when 'tiny' then 1e-300 * i when 'huge' then 1e300 * i when 'tail' then exp(random() * random() * 40) end
         from generate_series(1, 200) i, unnest(array['constant', 'zeros', 'negative', 'both', 'tiny', 'huge', 'tail']) k (kind);
         insert into samples values ('2026-03-10 00:00+00', 'one', -7.25), ('2026-03-10 00:00+00', 'nulls', null),
           ('2026-03-10 00:00+00', 'odd', 'NaN'), ('2026-03-10 00:00+00', 'odd', 'Infinity'), ('2026-03-10 00:00+00', 'odd', '-Infinity'), ('2026-03-10 00:00+00', 'odd', 5),
           ('2026-03-10 00:00+00', 'nan', 'NaN')",
    )
    .await;
    for drained in [false, true] {
        if drained {
            test.drain_of("samples").await;
        }
        for grain in [Grain::Hour, Grain::Day, Grain::Total] {
            let mut request = question(
                "samples",
                at("2026-03-10T00:00:00Z"),
                at("2026-03-13T00:00:00Z"),
                grain,
                chrono_tz::UTC,
            );
            request.by = vec!["kind".to_owned()];
            let answer = test.ask(&request).await;
            assert_eq!(answer.live_buckets == 0, drained);
            for row in &answer.rows {
                let kind = row.values["kind"].as_str().unwrap();
                let truth: Option<Vec<f64>> = sqlx::query_scalar(
                    "select percentile_disc(array[0, 0.01, 0.5, 0.95, 1]) within group (order by v) from samples
                     where kind = $1 and taken_at >= $2 and taken_at < $3 and v > '-Infinity' and v < 'Infinity'",
                )
                .bind(kind)
                .bind(row.bucket_start)
                .bind(row.bucket_end)
                .fetch_one(test.pool())
                .await
                .unwrap();
                for (at, name) in ["p0", "p1", "p50", "p95", "p100"].iter().enumerate() {
                    match &truth {
                        None => assert_eq!(row.values[*name], Value::Null, "{kind}"),
                        Some(truth) => assert!(
                            within_one_percent(row.values[*name].as_f64().unwrap(), truth[at]),
                            "{kind} {name} {grain}: {} for {}",
                            row.values[*name],
                            truth[at]
                        ),
                    }
                }
            }
        }
    }
    let (n, odd): (i64, i64) =
        sqlx::query_as("select spread__n, spread__odd from tidemark.samples__day where kind = 'odd'")
            .fetch_one(test.pool())
            .await
            .unwrap();
    assert_eq!((n, odd), (1, 3), "NaN and infinities are counted apart");
    let mut odd = question(
        "samples",
        at("2026-03-10T00:00:00Z"),
        at("2026-03-13T00:00:00Z"),
        Grain::Total,
        chrono_tz::UTC,
    );
    odd.filters = vec![only("kind", &["odd"])];
    let odd = test.ask(&odd).await;
    assert_eq!(
        (the(&odd, "n"), the(&odd, "p50"), the(&odd, "mean")),
        (4.into(), 5.0.into(), 5.0.into())
    );
    odd_maximum_is_the_same_from_every_level(&test).await;
    let none = test
        .ask(&question(
            "samples",
            at("2026-05-10T00:00:00Z"),
            at("2026-05-13T00:00:00Z"),
            Grain::Total,
            chrono_tz::UTC,
        ))
        .await;
    assert!(none.rows.is_empty());
}

/// NaN is the greatest value, as in PostgreSQL, whether SQL merges or Rust does.
async fn odd_maximum_is_the_same_from_every_level(test: &TestDb) {
    test.sql("insert into samples values ('2026-03-11 00:05+00', 'nan', 9)")
        .await;
    test.drain_of("samples").await;
    for (from, to) in [
        ("2026-03-10T00:00:00Z", "2026-03-12T00:00:00Z"),
        ("2026-03-10T00:00:00Z", "2026-03-11T00:15:00Z"),
    ] {
        let mut request = question("samples", at(from), at(to), Grain::Total, chrono_tz::UTC);
        request.filters = vec![only("kind", &["nan"])];
        let answer = test.ask(&request).await;
        assert_eq!(
            (the(&answer, "greatest"), the(&answer, "least")),
            (Value::Null, 9.0.into()),
            "JSON has no NaN"
        );
    }
}

#[tokio::test]
async fn a_poison_bucket_backs_off_and_stalls_nothing_else() {
    for poison in [
        "('2026-03-10 10:01+00', 'a', 1.7e308, 1), ('2026-03-10 10:02+00', 'a', 1.7e308, 1)",
        "('2026-03-10 10:01+00', 'a', 1, 1e400)",
    ] {
        let test = samples("insert into samples select timestamptz '2026-03-01 00:00+00' + i * interval '1 hour', 'a', i, i from generate_series(1, 400) i").await;
        test.drain_of("samples").await;
        test.sql(&format!("insert into samples values {poison}, ('2026-03-10 10:16+00', 'a', 5, 5), ('2026-03-12 10:16+00', 'a', 5, 5)")).await;
        let report = test.db.tick("samples").await.unwrap();
        assert_eq!(
            (report.left, report.outcome),
            (1, TickOutcome::BackingOff),
            "{poison}: {report:?}"
        );
        assert!(
            report.rest() > Duration::ZERO && report.rest() <= Duration::from_secs(1),
            "{report:?}"
        );
        let status = test.status_of("samples").await;
        assert_eq!(
            (status.status, status.backing_off, status.pending_buckets),
            (StatusWord::Failing, 1, 1),
            "{poison}: {status:?}"
        );
        assert!(status.last_error.is_some() && status.last_success_at.is_some());
        let clean = test
            .ask(&question(
                "samples",
                at("2026-03-10T10:15:00Z"),
                at("2026-03-20T00:00:00Z"),
                Grain::Total,
                chrono_tz::UTC,
            ))
            .await;
        let truth: i64 = test
            .one("select count(*) from samples where taken_at >= '2026-03-10 10:15+00'")
            .await;
        assert_eq!(
            (clean.state, clean.live_buckets, the(&clean, "n")),
            (State::Exact, 0, truth.into()),
            "{poison}"
        );
        let day = test
            .ask(&question(
                "samples",
                at("2026-03-10T00:00:00Z"),
                at("2026-03-11T00:00:00Z"),
                Grain::Day,
                chrono_tz::UTC,
            ))
            .await;
        assert_eq!(
            day.rows[0].state,
            State::Pending,
            "{poison}: it can't be computed live either, and says so"
        );
        test.sql("delete from samples where v > 1e300 or amount > 1e300").await;
        test.drain_of("samples").await;
        assert_eq!(test.status_of("samples").await.status, StatusWord::Healthy, "{poison}");
        assert_eq!(test.db.audit("samples", None, false).await.unwrap().difference_count, 0);
    }
}

#[tokio::test]
async fn what_can_be_computed_but_not_merged_is_read_from_raw_rows_and_stalls_nothing_else() {
    let test = samples("insert into samples select timestamptz '2026-03-01 00:00+00' + i * interval '1 hour', 'a', i, i from generate_series(1, 400) i").await;
    test.drain_of("samples").await;
    // Each quarter hour has a sum, and their hour has none.
    test.sql("insert into samples values ('2026-03-10 10:01+00', 'a', 1.7e308, 1), ('2026-03-10 10:31+00', 'a', 1.7e308, 1), ('2026-03-12 10:16+00', 'a', 5, 5)").await;
    let report = test.db.tick("samples").await.unwrap();
    assert_eq!((report.buckets, report.left), (3, 2), "{report:?}");
    let status = test.status_of("samples").await;
    assert_eq!(
        (status.status, status.backing_off),
        (StatusWord::Failing, 2),
        "{status:?}"
    );
    let quarters = question(
        "samples",
        at("2026-03-10T10:00:00Z"),
        at("2026-03-10T11:00:00Z"),
        Grain::QuarterHour,
        chrono_tz::UTC,
    );
    let quarters = test.ask(&quarters).await;
    assert_eq!((quarters.state, quarters.live_buckets), (State::Exact, 2));
    let mut hours = question(
        "samples",
        at("2026-03-10T11:00:00Z"),
        at("2026-03-20T00:00:00Z"),
        Grain::Total,
        chrono_tz::UTC,
    );
    let clean = test.ask(&hours).await;
    let truth: i64 = test
        .one("select count(*) from samples where taken_at >= '2026-03-10 11:00+00'")
        .await;
    assert_eq!((clean.state, the(&clean, "n")), (State::Exact, truth.into()));
    // Its hour is counted from raw rows, too; their sum is no number.
    hours.from = at("2026-03-10T10:00:00Z");
    let poisoned = test.ask(&hours).await;
    assert_eq!(
        (poisoned.live_buckets, the(&poisoned, "n"), the(&poisoned, "total")),
        (2, (truth + 3).into(), Value::Null)
    );
    test.sql("delete from samples where v > 1e300").await;
    test.drain_of("samples").await;
    assert_eq!(test.status_of("samples").await.status, StatusWord::Healthy);
    assert_eq!(test.ask(&hours).await.state, State::Exact);
    assert_eq!(test.db.audit("samples", None, false).await.unwrap().difference_count, 0);
}

#[tokio::test]
async fn a_sketch_out_of_line_is_copied_once() {
    let test = TestDb::raw().await;
    test.db.install(false).await.unwrap();
    test.sql(
        "create table sketches (s bytea); alter table sketches alter column s set storage external;
         insert into sketches select string_agg(int8send(i), '' order by i) from generate_series(1, 6000) i, generate_series(1, 5) k group by k",
    )
    .await;
    let out_of_line: bool = test
        .one("select bool_and(pg_column_size(s) > 40000) and pg_relation_size('sketches') < 10000 from sketches")
        .await;
    assert!(out_of_line);
    let mut fastest = [f64::MAX; 3];
    let ways = [
        "select count(*) from sketches, tidemark.sketch_entries(s)",
        "with copy as materialized (select s || ''::bytea as s from sketches) select count(*) from copy, tidemark.sketch_entries(s)",
        // What it would cost to fetch it anew for every bin.
        "select count(*) from sketches, generate_series(1, length(s), 8) i where ('x' || encode(substring(s from i for 8), 'hex'))::bit(64)::bigint is not null",
    ];
    for _ in 0..5 {
        for (at, sql) in ways.iter().enumerate() {
            let started = std::time::Instant::now();
            let n: i64 = test.one(sql).await;
            assert_eq!(n, 30_000);
            fastest[at] = fastest[at].min(started.elapsed().as_secs_f64());
        }
    }
    assert!(fastest[0] < 2.5 * fastest[1], "{fastest:?}");
    assert!(fastest[0] < fastest[2], "{fastest:?}");
}

#[tokio::test]
async fn timeouts_ignore_case_null_is_no_match_and_outcomes_are_disjoint() {
    let test = TestDb::ops().await;
    test.sql(
        "insert into ops_error_logs (created_at, account_id, status_code, error_type, error_message)
         select '2026-03-10 10:00+00', 1, s, t, m
         from unnest(array[400, 404, 499, 500, 504, 599, 200, 399, null]) s, unnest(array['timeout', 'timeout_error', 'Timeout', 'overloaded', '', null]) t,
           unnest(array['upstream TIMEOUT after 5 s', 'context Deadline Exceeded', 'time out', 'ok', '', null]) m",
    )
    .await;
    test.drain().await;
    let answer = test
        .ask(&question("ops_metrics", at(FROM), at(TO), Grain::Total, chrono_tz::UTC))
        .await;
    let truth = |condition: &'static str| {
        let test = &test;
        async move {
            Value::from(
                test.one::<i64>(&format!("select count(*) from ops_error_logs where {condition}"))
                    .await,
            )
        }
    };
    let timeout = "(error_type = 'timeout' or error_type = 'timeout_error' or lower(error_message) like '%timeout%' or lower(error_message) like '%deadline exceeded%')";
    assert_eq!(the(&answer, "timeout_count"), truth("(error_type = 'timeout' or error_type = 'timeout_error' or lower(error_message) like '%timeout%' or lower(error_message) like '%deadline exceeded%')").await);
    assert_eq!(
        the(&answer, "error_4xx_count"),
        truth("status_code between 400 and 499").await
    );
    assert_eq!(the(&answer, "error_5xx_count"), truth("status_code >= 500").await);
    let count = |name: &str| the(&answer, name).as_i64().unwrap();
    assert_eq!(count("outcome_timeout_count"), count("timeout_count"));
    let apart: i64 = test
        .one(&format!(
            "select count(*) from ops_error_logs where {timeout} is not true and status_code between 400 and 499"
        ))
        .await;
    assert_eq!(count("outcome_4xx_count"), apart);
    assert!(
        count("error_4xx_count") > count("outcome_4xx_count"),
        "the columns overlap, the outcomes don't"
    );
    let sum: i64 = ["timeout", "4xx", "5xx", "other"]
        .iter()
        .map(|outcome| count(&format!("outcome_{outcome}_count")))
        .sum();
    assert_eq!((sum, count("error_count")), (9 * 6 * 6, 9 * 6 * 6));
}

#[tokio::test]
async fn the_relations_have_their_columns_types_and_the_values_of_the_raw_rows() {
    let test = TestDb::raw().await;
    test.sql(
        "insert into usage_logs (created_at, account_id, group_id, duration_ms)
         select timestamptz '2026-03-10 00:00+00' + i * interval '11 minutes', 1 + i % 4, nullif(i % 5, 0), nullif((i * 7919) % 20011, 17) from generate_series(1, 600) i;
         insert into ops_error_logs (created_at, account_id, platform, status_code, error_type, error_message)
         select timestamptz '2026-03-10 00:00+00' + i * interval '57 minutes', 1 + i % 5, (array['openai', '', null])[1 + i % 3], (array[400, 429, 500, 504, null])[1 + i % 5],
           (array['timeout', 'x', null])[1 + i % 3], (array['context Deadline Exceeded', 'ok', null, 'no'])[1 + i % 4] from generate_series(1, 100) i",
    )
    .await;
    test.db.apply(&ops(), true).await.unwrap();
    test.drain().await;
    for (view, time, kind, cut) in [
        (
            "ops_metrics_hourly",
            "bucket_start",
            "timestamp with time zone",
            "date_trunc('hour', t, 'UTC')",
        ),
        (
            "ops_metrics_daily",
            "bucket_date",
            "date",
            "(t at time zone 'UTC')::date",
        ),
    ] {
        let columns: Vec<(String, String)> = sqlx::query_as(AssertSqlSafe(format!(
            "select attname::text, format_type(atttypid, atttypmod) from pg_attribute where attrelid = 'tidemark.{view}'::regclass and attnum > 0 order by attnum"
        )))
        .fetch_all(test.pool())
        .await
        .unwrap();
        let number = |names: &[&str], kind: &str| {
            names
                .iter()
                .map(|name| ((*name).to_owned(), kind.to_owned()))
                .collect::<Vec<_>>()
        };
        let wanted = [
            number(&[time], kind),
            number(&["platform"], "text"),
            number(
                &[
                    "request_count",
                    "success_count",
                    "error_count",
                    "error_4xx_count",
                    "error_5xx_count",
                    "timeout_count",
                ],
                "bigint",
            ),
            number(&["avg_latency_ms", "p99_latency_ms", "error_rate"], "double precision"),
            number(&["computed_at"], "timestamp with time zone"),
        ]
        .concat();
        assert_eq!(columns, wanted, "{view}");
        let wrong: i64 = test
            .one(&format!(
                "with fact as (
                   select u.created_at as t, coalesce(nullif(g.platform, ''), a.platform, '') as platform, 1 as s, null::int as code, false as timeout, u.duration_ms as d
                   from usage_logs u left join groups g on g.id = u.group_id left join accounts a on a.id = u.account_id
                   union all
                   select e.created_at, coalesce(nullif(e.platform, ''), g.platform, a.platform, ''), 0, e.status_code,
                     coalesce(e.error_type in ('timeout', 'timeout_error') or e.error_message ilike '%timeout%' or e.error_message ilike '%deadline exceeded%', false)
                       or e.error_type in ('timeout', 'timeout_error') is true or e.error_message ilike '%deadline exceeded%' is true, null
                   from ops_error_logs e left join groups g on g.id = e.group_id left join accounts a on a.id = e.account_id
                 ), truth as (
                   select {cut} as bucket, platform, count(*) as request_count, sum(s) as success_count, sum(1 - s) as error_count,
                     count(*) filter (where code between 400 and 499) as e4, count(*) filter (where code >= 500) as e5, count(*) filter (where timeout) as timeouts,
                     avg(d)::float8 as mean, percentile_disc(0.99) within group (order by d)::float8 as p99, 100 * sum(1 - s)::float8 / count(*) as rate
                   from fact group by 1, 2
                 )
                 select count(*) from truth t full join tidemark.{view} v on v.{time} = t.bucket and v.platform = t.platform
                 where (t.request_count, t.success_count, t.error_count, t.e4, t.e5, t.timeouts) is distinct from
                       (v.request_count, v.success_count, v.error_count, v.error_4xx_count, v.error_5xx_count, v.timeout_count)
                   or abs(t.mean - v.avg_latency_ms) > 1e-9 * t.mean or abs(t.p99 - v.p99_latency_ms) > 0.01000001 * t.p99 or abs(t.rate - v.error_rate) > 1e-9
                   or (t.mean is null) <> (v.avg_latency_ms is null) or (t.p99 is null) <> (v.p99_latency_ms is null) or v.computed_at is null"
            ))
            .await;
        assert_eq!(wrong, 0, "{view}");
    }
    // The same from query, and an unchanged row is not rewritten.
    let sum: i64 = test
        .one("select sum(request_count)::bigint from tidemark.ops_metrics_daily")
        .await;
    let answer = test
        .ask(&question("ops_metrics", at(FROM), at(TO), Grain::Total, chrono_tz::UTC))
        .await;
    assert_eq!(the(&answer, "request_count"), sum);
    let newest = "select max(computed_at)::text from tidemark.ops_metrics_hourly where bucket_start < '2026-03-12'";
    let before: String = test.one(newest).await;
    test.sql("update usage_logs set model = 'x'").await;
    test.drain().await;
    assert_eq!(test.one::<String>(newest).await, before);
}

#[tokio::test]
async fn the_bucket_that_now_is_in_and_those_that_the_range_cuts_are_partial() {
    let test = TestDb::ops().await;
    test.sql("insert into usage_logs (created_at, account_id) select now() - i * interval '10 minutes', 1 from generate_series(0, 60) i").await;
    test.drain().await;
    let now = Utc::now();
    let hour = now
        .with_minute(0)
        .unwrap()
        .with_second(0)
        .unwrap()
        .with_nanosecond(0)
        .unwrap();
    let from = hour - TimeDelta::hours(4) + minutes(30);
    let answer = test
        .ask(&question(
            "ops_metrics",
            from,
            hour + TimeDelta::hours(2),
            Grain::Hour,
            chrono_tz::UTC,
        ))
        .await;
    let partial: Vec<bool> = answer.rows.iter().map(|row| row.partial).collect();
    assert_eq!(partial, [true, false, false, false, true]);
    let half: i64 = test.one(&format!("select count(*) from usage_logs where created_at >= '{0}' and created_at < timestamptz '{0}' + interval '30 minutes'", from.to_rfc3339())).await;
    assert_eq!(answer.rows[0].values["request_count"], half, "it covers only the range");
}
