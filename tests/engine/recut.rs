//! A board that was read is cut again for another zone without asking the database, and says what a new reading would.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use tidemark_core::api::{BoardAnswer, BoardRequest, Compare, Grain, ReadMode, WeekStart};

use crate::harness::TestDb;

fn request(range: &str, grain: Grain, tz: &str) -> BoardRequest {
    BoardRequest {
        rollup: "ops_metrics".to_owned(),
        range: range.to_owned(),
        grain: Some(grain),
        tz: tz.to_owned(),
        week_start: WeekStart::Monday,
        by: Some("platform".to_owned()),
        filters: Vec::new(),
        groupings: Vec::new(),
        mode: ReadMode::Exact,
        compare: Some(Compare::LastWeek),
    }
}

async fn logs() -> TestDb {
    let test = TestDb::ops().await;
    test.sql(
        "insert into usage_logs (created_at, account_id, duration_ms)
         select timestamptz '2026-10-15 00:00+00' + i * interval '97 seconds', 1 + i % 4, (i * 7919) % 4000 from generate_series(0, 14000) i;
         insert into ops_error_logs (created_at, account_id, status_code) select timestamptz '2026-10-15 00:00+00' + i * interval '31 minutes', 1 + i % 4, 503 from generate_series(0, 700) i",
    )
    .await;
    test.drain().await;
    test
}

/// Everything that is drawn; how it was read and when is not.
fn drawn(mut answer: BoardAnswer) -> serde_json::Value {
    (
        answer.as_of_ms,
        answer.took_ms,
        answer.rollup_buckets,
        answer.live_buckets,
    ) = (0.0, 0.0, 0, 0);
    answer.watermark_ms = None;
    serde_json::to_value(answer).unwrap()
}

/// Two days around the end of summer time, spelled out.
const TWO_DAYS: &str = "2026-10-24T12:00Z..2026-10-26T12:00Z";
/// Zones at whole hours, at :30 and at :45, with and without a change of clocks in the range.
const ZONES: [&str; 6] = [
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/New_York",
];

#[tokio::test]
async fn quarter_hours_that_were_read_are_cut_again_for_every_zone() {
    let test = logs().await;
    let loaded = test
        .db
        .load_board(&request(TWO_DAYS, Grain::QuarterHour, "Europe/Berlin"))
        .await
        .unwrap();
    for zone in ZONES {
        let asked = request(TWO_DAYS, Grain::QuarterHour, zone);
        let recut = loaded.recut(&asked);
        let read = test.db.board(&asked).await.unwrap();
        // A week before by wall clock is an hour off where the clocks changed in between: those rows were not read.
        let same_week = read.compare.as_ref().unwrap().from_ms >= loaded.answer().compare.unwrap().from_ms
            && read.compare.as_ref().unwrap().to_ms <= loaded.answer().compare.unwrap().to_ms;
        assert_eq!(recut.is_some(), same_week, "{zone}");
        if let Some(recut) = recut {
            assert_eq!(drawn(recut), drawn(read), "{zone}");
        }
        let plain = BoardRequest { compare: None, ..asked };
        let loaded = test
            .db
            .load_board(&BoardRequest {
                tz: "Europe/Berlin".to_owned(),
                ..plain.clone()
            })
            .await
            .unwrap();
        let recut = loaded
            .recut(&plain)
            .unwrap_or_else(|| panic!("{zone} is made of quarter hours"));
        assert_eq!(drawn(recut), drawn(test.db.board(&plain).await.unwrap()), "{zone}");
    }
}

#[tokio::test]
async fn hours_are_cut_again_where_the_zones_are_whole_hours_apart_and_days_never() {
    let test = logs().await;
    let hours = |zone: &str| BoardRequest {
        compare: None,
        ..request(TWO_DAYS, Grain::Hour, zone)
    };
    let loaded = test.db.load_board(&hours("Europe/Berlin")).await.unwrap();
    for zone in ZONES {
        let fits = ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"].contains(&zone);
        let recut = loaded.recut(&hours(zone));
        assert_eq!(recut.is_some(), fits, "{zone}");
        if let Some(recut) = recut {
            assert_eq!(
                drawn(recut),
                drawn(test.db.board(&hours(zone)).await.unwrap()),
                "{zone}"
            );
        }
    }
    let days = |zone: &str| BoardRequest {
        grain: Some(Grain::Day),
        ..hours(zone)
    };
    let loaded = test.db.load_board(&days("Europe/Berlin")).await.unwrap();
    assert!(loaded.recut(&days("UTC")).is_none());
    assert!(
        loaded.recut(&days("Europe/Paris")).is_some(),
        "the same days under another name"
    );
    // Another question is another question.
    assert!(
        loaded
            .recut(&BoardRequest {
                by: None,
                ..days("Europe/Paris")
            })
            .is_none()
    );
}

#[tokio::test]
async fn quarter_hours_of_a_zone_whose_clock_moves_by_half_an_hour_serve_every_other() {
    let test = logs().await;
    let range = "2026-10-03T10:00Z..2026-10-04T20:00Z";
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) select timestamptz '2026-10-03 10:00+00' + i * interval '11 seconds', 1, (i * 104729) % 9000 from generate_series(0, 11000) i").await;
    test.drain().await;
    let quarters = |zone: &str| BoardRequest {
        compare: None,
        ..request(range, Grain::QuarterHour, zone)
    };
    let loaded = test.db.load_board(&quarters("Australia/Lord_Howe")).await.unwrap();
    for zone in ZONES {
        assert_eq!(
            drawn(loaded.recut(&quarters(zone)).unwrap()),
            drawn(test.db.board(&quarters(zone)).await.unwrap()),
            "{zone}"
        );
    }
}

#[tokio::test]
async fn a_range_that_reaches_now_is_cut_from_what_was_read_and_asks_nothing() {
    let test = TestDb::ops().await;
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) select now() - i * interval '61 seconds', 1 + i % 4, i % 3000 from generate_series(0, 14000) i").await;
    let loaded = test
        .db
        .load_board(&request("24h", Grain::QuarterHour, "Europe/Berlin"))
        .await
        .unwrap();
    let first: DateTime<Utc> = DateTime::from_timestamp_millis(loaded.answer().from_ms as i64).unwrap();
    assert!(Utc::now() - first < TimeDelta::hours(25));
    // Nobody can read anything now.
    let mut other = test.actor().await;
    sqlx::raw_sql("begin; lock table tidemark.rollup, tidemark.ops_metrics__15m, tidemark.ops_metrics__1m in access exclusive mode").execute(&mut other).await.unwrap();
    let begun = Instant::now();
    let recut = loaded
        .recut(&request("24h", Grain::QuarterHour, "Asia/Kathmandu"))
        .unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert_eq!(recut.tz, "Asia/Kathmandu");
    assert!(recut.buckets[0].start.ends_with("+05:45"));
    assert_eq!(recut.overall.total, loaded.answer().overall.total);
    sqlx::raw_sql("rollback").execute(&mut other).await.unwrap();
    let today = |zone: &str| request("today", Grain::QuarterHour, zone);
    // Kiritimati's day begins at 10:00 UTC: until then yesterday's, which is longer than what was read; from then on today's,
    // which is shorter than UTC's.
    let (read, other) = match Utc::now().hour() {
        ..10 => ("UTC", "Pacific/Kiritimati"),
        _ => ("Pacific/Kiritimati", "UTC"),
    };
    let loaded = test.db.load_board(&today(read)).await.unwrap();
    assert!(
        loaded.recut(&today(other)).is_none(),
        "another day than the one that was read"
    );
}
