//! The viewer's hours, days, weeks and months, against raw rows that PostgreSQL itself dates with `at time zone`.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDateTime, TimeDelta, Utc, Weekday};
use chrono_tz::{Africa, America, Antarctica, Asia, Australia, Europe, Pacific, TZ_VARIANTS, Tz};
use sqlx::AssertSqlSafe;
use tidemark_core::api::{Grain, WeekStart};
use tidemark_core::zone::offset_at;

use crate::ask::{code, ops, question, run};
use crate::harness::{TestDb, at};

/// Zones, and UTC instants around something that happens there.
const CASES: [(Tz, &str, &str); 13] = [
    (Asia::Kolkata, "2018-03-01T00:00:00Z", "2018-03-05T00:00:00Z"),
    (Asia::Kathmandu, "2018-03-01T00:00:00Z", "2018-03-05T00:00:00Z"),
    // +12:45 and +13:45; the change is at 02:45.
    (Pacific::Chatham, "2018-03-29T00:00:00Z", "2018-04-04T00:00:00Z"),
    (Pacific::Chatham, "2018-09-27T00:00:00Z", "2018-10-02T00:00:00Z"),
    // Half an hour back, half an hour forth.
    (Australia::Lord_Howe, "2018-03-30T00:00:00Z", "2018-04-03T00:00:00Z"),
    (Australia::Lord_Howe, "2018-10-05T00:00:00Z", "2018-10-09T00:00:00Z"),
    // No midnight on 4 November.
    (America::Sao_Paulo, "2018-11-02T00:00:00Z", "2018-11-07T00:00:00Z"),
    // No midnight on 28 April 2023.
    (Africa::Cairo, "2023-04-26T00:00:00Z", "2023-05-01T00:00:00Z"),
    // No 30 December.
    (Pacific::Apia, "2011-12-28T00:00:00Z", "2012-01-02T00:00:00Z"),
    // Two hours at once.
    (Antarctica::Troll, "2018-03-23T00:00:00Z", "2018-03-28T00:00:00Z"),
    // Back for Ramadan, and forth.
    (Africa::Casablanca, "2019-05-03T00:00:00Z", "2019-05-07T00:00:00Z"),
    (America::New_York, "2018-03-09T00:00:00Z", "2018-03-13T00:00:00Z"),
    (America::New_York, "2018-11-02T00:00:00Z", "2018-11-07T00:00:00Z"),
];

const EVERY: i64 = 5;

/// A row every five minutes in all those ranges, latency telling them apart.
async fn rows() -> TestDb {
    let test = TestDb::raw().await;
    for (from, to) in CASES
        .iter()
        .map(|case| (case.1, case.2))
        .collect::<std::collections::BTreeSet<_>>()
    {
        test.sql(&format!(
            "insert into usage_logs (created_at, account_id, duration_ms) select t, 1, extract(epoch from t)::bigint % 9973
             from generate_series(timestamptz '{from}', timestamptz '{to}' - interval '1 second', '{EVERY} minutes') t
             where not exists (select from usage_logs u where u.created_at = t)"
        ))
        .await;
    }
    test.db.apply(&ops(), true).await.unwrap();
    test.drain().await;
    test
}

/// Local label of a bucket → rows and mean latency.
type Labels = BTreeMap<NaiveDateTime, (i64, i64)>;

async fn by_postgres(test: &TestDb, tz: Tz, from: &str, to: &str, label: &str) -> Labels {
    let sql = format!(
        "select {}, count(*), sum(duration_ms)::bigint from (select created_at at time zone '{tz}' as l, duration_ms from usage_logs where created_at >= '{from}' and created_at < '{to}') x group by 1",
        label
    );
    let rows: Vec<(NaiveDateTime, i64, i64)> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(test.pool()).await.unwrap();
    rows.into_iter().map(|(label, n, sum)| (label, (n, sum))).collect()
}

#[tokio::test]
async fn hours_days_weeks_and_months_are_those_of_the_zone_as_postgres_dates_the_raw_rows() {
    let test = rows().await;
    for (tz, from, to) in CASES {
        for (grain, week, label) in [
            (Grain::Hour, WeekStart::Monday, "date_trunc('hour', l)"),
            (Grain::Day, WeekStart::Monday, "date_trunc('day', l)"),
            (Grain::Week, WeekStart::Monday, "date_trunc('week', l)"),
            (
                Grain::Week,
                WeekStart::Saturday,
                "date_trunc('week', l + interval '2 days') - interval '2 days'",
            ),
            (
                Grain::Week,
                WeekStart::Sunday,
                "date_trunc('week', l + interval '1 day') - interval '1 day'",
            ),
            (Grain::Month, WeekStart::Monday, "date_trunc('month', l)"),
            (Grain::Year, WeekStart::Monday, "date_trunc('year', l)"),
        ] {
            let mut request = question("ops_metrics", at(from), at(to), grain, tz);
            request.week_start = week;
            let answer = test.ask(&request).await;
            assert_eq!(answer.live_buckets, 0);
            let mut told = Labels::new();
            let mut end = at(from);
            for row in &answer.rows {
                let n = row.values["success_count"].as_i64().unwrap();
                let sum = (row.values["avg_latency_ms"].as_f64().unwrap() * n as f64).round() as i64;
                // Where a day begins after a gap, or an hour is cut by a change, the label is that of its day or hour.
                let start = row.bucket_start.naive_local();
                let label = if grain == Grain::Hour {
                    start.date().and_hms_opt(chrono::Timelike::hour(&start), 0, 0)
                } else {
                    start.date().and_hms_opt(0, 0, 0)
                }
                .unwrap();
                let whole = told.entry(label).or_default();
                whole.0 += n;
                whole.1 += sum;
                // Buckets tile the range, and each has as many rows as it is long.
                let (lo, hi) = (
                    row.bucket_start.with_timezone(&Utc).max(at(from)),
                    row.bucket_end.with_timezone(&Utc).min(at(to)),
                );
                assert_eq!(lo, end, "{tz} {grain}: a gap or an overlap");
                assert_eq!(n * EVERY, (hi - lo).num_minutes(), "{tz} {grain} {}", row.bucket_start);
                assert_eq!(row.partial, lo > row.bucket_start || hi < row.bucket_end);
                if grain == Grain::Week && !row.partial {
                    assert_eq!(
                        row.bucket_start.weekday(),
                        match week {
                            WeekStart::Monday => Weekday::Mon,
                            WeekStart::Saturday => Weekday::Sat,
                            WeekStart::Sunday => Weekday::Sun,
                        }
                    );
                }
                end = hi;
            }
            assert_eq!(end, at(to), "{tz} {grain}");
            // Where the clock goes back from 03:45, an hour of 60 minutes shows 03:00 to 03:45 and then 02:45 to 03:00.
            if grain != Grain::Hour || tz != Pacific::Chatham {
                assert_eq!(
                    told,
                    by_postgres(&test, tz, from, to, label).await,
                    "{tz} {grain} {week:?} {from}"
                );
            }
        }
    }
    odd_days_are_as_long_as_they_are(&test).await;
}

async fn odd_days_are_as_long_as_they_are(test: &TestDb) {
    for (tz, day, hours, minutes) in [
        (America::New_York, "2018-03-11", 23, 0),
        (America::New_York, "2018-11-04", 25, 0),
        (America::Sao_Paulo, "2018-11-04", 23, 0),
        (Africa::Cairo, "2023-04-28", 23, 0),
        (Australia::Lord_Howe, "2018-04-01", 24, 30),
        (Australia::Lord_Howe, "2018-10-07", 23, 30),
        (Antarctica::Troll, "2018-03-25", 22, 0),
        (Africa::Casablanca, "2019-05-05", 25, 0),
        (Pacific::Chatham, "2018-09-30", 23, 0),
        (Pacific::Apia, "2011-12-29", 24, 0),
        (Pacific::Apia, "2011-12-31", 24, 0),
    ] {
        let (_, from, to) = CASES
            .into_iter()
            .find(|(zone, from, to)| *zone == tz && *from <= day && day < *to)
            .unwrap();
        let answer = test
            .ask(&question("ops_metrics", at(from), at(to), Grain::Day, tz))
            .await;
        let row = answer
            .rows
            .iter()
            .find(|row| row.bucket_start.date_naive().to_string() == day)
            .unwrap_or_else(|| panic!("{tz} {day}"));
        assert_eq!(
            row.bucket_end - row.bucket_start,
            TimeDelta::minutes(60 * hours + minutes),
            "{tz} {day}"
        );
        assert_eq!(
            row.values["success_count"],
            (60 * hours + minutes) / EVERY,
            "{tz} {day}"
        );
        if tz == Pacific::Apia {
            assert!(
                answer
                    .rows
                    .iter()
                    .all(|row| row.bucket_start.date_naive().to_string() != "2011-12-30"),
                "a day that never was"
            );
        }
    }
}

#[tokio::test]
async fn only_the_viewers_tz_data_cut_days() {
    let test = TestDb::raw().await;
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) select t, 1, 1 from generate_series(timestamptz '1947-06-01 00:00+00', '1947-06-08 00:00+00', '5 minutes') t").await;
    test.db.apply(&ops(), true).await.unwrap();
    test.drain().await;
    // Debian keeps the history before 1970 that others leave out, so the two sides' data do differ there: Stockholm
    // had no summer time in 1947, Berlin did.
    let noon = at("1947-06-04T12:00:00Z");
    let mut differing = Vec::new();
    for tz in TZ_VARIANTS {
        let server: Option<f64> = sqlx::query_scalar(AssertSqlSafe(format!("select extract(epoch from $1::timestamptz at time zone n.name - $1::timestamptz at time zone 'UTC')::float8 from pg_timezone_names n where n.name = '{tz}'")))
            .bind(noon)
            .fetch_optional(test.pool())
            .await
            .unwrap()
            .flatten();
        let client = offset_at(noon, tz).local_minus_utc();
        // Whole quarter hours only: local mean times don't fit any grain.
        if server != Some(f64::from(client)) && client % 900 == 0 {
            differing.push(tz);
        }
        if differing.len() == 3 {
            break;
        }
    }
    for tz in differing.iter().copied().chain([Europe::Stockholm, Asia::Kolkata]) {
        let (from, to) = (at("1947-06-02T00:00:00Z"), at("1947-06-07T00:00:00Z"));
        let answer = test.ask(&question("ops_metrics", from, to, Grain::Day, tz)).await;
        for row in answer.rows.iter().filter(|row| !row.partial) {
            assert_eq!(row.bucket_start.time(), chrono::NaiveTime::MIN, "{tz}");
            assert_eq!(
                *row.bucket_start.offset(),
                offset_at(row.bucket_start.with_timezone(&Utc), tz)
            );
            assert_eq!(
                row.values["success_count"],
                (row.bucket_end - row.bucket_start).num_minutes() / EVERY,
                "{tz}"
            );
        }
        let all: i64 = answer
            .rows
            .iter()
            .map(|row| row.values["success_count"].as_i64().unwrap())
            .sum();
        assert_eq!(all, 5 * 24 * 12, "{tz}: no row twice, none lost");
    }
    // And a server that lives elsewhere answers the same.
    let before = test
        .ask(&question(
            "ops_metrics",
            at("1947-06-02T00:00:00Z"),
            at("1947-06-07T00:00:00Z"),
            Grain::Hour,
            Asia::Kathmandu,
        ))
        .await;
    let name: String = test.one("select current_database()::text").await;
    test.sql(&format!(
        "alter database {name} set timezone = 'America/St_Johns'; update usage_logs set duration_ms = 2"
    ))
    .await;
    let mut ticker = test.actor().await;
    run(&mut ticker, "select tidemark.tick('ops_metrics')").await;
    let after = test
        .ask(&question(
            "ops_metrics",
            at("1947-06-02T00:00:00Z"),
            at("1947-06-07T00:00:00Z"),
            Grain::Hour,
            Asia::Kathmandu,
        ))
        .await;
    let starts = |answer: &tidemark_core::api::QueryAnswer| {
        answer
            .rows
            .iter()
            .map(|row| (row.bucket_start, row.values["success_count"].clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(starts(&before), starts(&after));
}

#[tokio::test]
async fn a_zone_whose_days_the_base_grain_can_not_make_is_refused() {
    let test = TestDb::raw().await;
    test.sql("insert into usage_logs (created_at, account_id) values ('2018-03-01 12:00+00', 1)")
        .await;
    let daily = crate::ask::declaration(
        "name = \"daily\"\ngrains = [\"day\"]\n[[source]]\nname = \"u\"\ntable = \"usage_logs u\"\ntime = \"u.created_at\"\n[measures]\nn = { count = \"u\" }\n",
    );
    test.db.apply(&daily, true).await.unwrap();
    test.drain_of("daily").await;
    let (from, to) = (at("2018-03-01T00:00:00Z"), at("2018-03-03T00:00:00Z"));
    assert_eq!(
        code(
            test.db
                .query(&question("daily", from, to, Grain::Day, Asia::Kolkata))
                .await
        ),
        "zone_does_not_fit"
    );
    assert_eq!(
        code(
            test.db
                .query(&question("daily", from, to, Grain::Hour, chrono_tz::UTC))
                .await
        ),
        "grain_too_fine"
    );
    assert_eq!(
        test.ask(&question("daily", from, to, Grain::Day, chrono_tz::UTC))
            .await
            .rows
            .len(),
        1
    );
}
