//! Hazards 5, 45, 46, 47: marks that wait long, that wait for ever, or that stand in each other's way.

use chrono::{DurationRound, TimeDelta, Utc};
use tidemark_core::api::RecomputeRequest;

use super::{TICK, last_month, value};
use crate::harness::TestDb;
use crate::stop::run;
use crate::truth::assert_drained_tables_equal_raw_rows;

/// Hazard 5. The wrong design prunes marks older than its retention: after a longer pause their buckets are stale for ever.
#[tokio::test]
async fn marks_survive_a_pause_of_any_length() {
    let test = TestDb::ops().await;
    test.db.set_paused("ops_metrics", true).await.unwrap();
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) select now() - i * interval '7 hours', 1, i from generate_series(1, 50) i").await;
    test.sql("update groups set platform = 'moved' where id = 1").await;
    test.sql("update tidemark.mark set at = at - interval '400 days'; update tidemark.health set tick_no = 999")
        .await;
    let mut ticker = test.actor().await;
    assert_eq!(value::<String>(&mut ticker, TICK).await, "paused");
    assert!(test.one::<i64>("select count(*) from tidemark.mark").await >= 50);
    let status = test.db.status(Some("ops_metrics")).await.unwrap();
    assert!(
        status.rollups[0].oldest_pending_seconds.unwrap() > 399.0 * 86_400.0,
        "{status:?}"
    );
    last_month().check(&test, "paused").await;
    test.db.set_paused("ops_metrics", false).await.unwrap();
    // This tick is a multiple of a thousand: it tidies up its own log, and nothing else.
    test.sql("update tidemark.health set tick_no = 999").await;
    test.drain().await;
    assert_drained_tables_equal_raw_rows(&test, "after the pause").await;
}

/// Hazard 45. The wrong design merges a quarter hour from the minutes that exist. Below the line minutes are gone: one
/// that a late change brings back would make the whole quarter hour.
#[tokio::test]
async fn a_late_change_below_the_hot_tail_recomputes_the_whole_quarter_hour() {
    let test = TestDb::ops().await;
    let quarter = (Utc::now() - TimeDelta::hours(30))
        .duration_trunc(TimeDelta::minutes(15))
        .unwrap();
    let insert = |minute: i64| {
        format!(
            "insert into usage_logs (created_at, account_id, duration_ms) values ('{}', 1, 5)",
            (quarter + TimeDelta::minutes(minute)).to_rfc3339()
        )
    };
    for minute in [1, 6, 14] {
        test.sql(&insert(minute)).await;
    }
    test.drain().await;
    assert_eq!(
        test.one::<i64>("select count(*) from tidemark.ops_metrics__1m").await,
        3
    );
    // The line comes to lie inside that quarter hour's hour, at a minute that no grid has; it is rounded to the parent's.
    test.sql(&format!(
        "update tidemark.level set keep = clock_timestamp() - timestamptz '{}' where keep is not null",
        (quarter + TimeDelta::minutes(22)).to_rfc3339()
    ))
    .await;
    test.drain().await;
    let line: chrono::DateTime<Utc> = test
        .one("select complete_from from tidemark.level where level = 0")
        .await;
    assert_eq!(
        line,
        quarter + TimeDelta::minutes(15),
        "aligned to the next coarser grain"
    );
    assert_eq!(
        test.one::<i64>("select count(*) from tidemark.ops_metrics__1m").await,
        0,
        "minutes below the line are dropped"
    );

    test.sql(&insert(8)).await;
    last_month().check(&test, "with the late change waiting").await;
    test.drain().await;
    let stored: i64 = test
        .one(&format!(
            "select success_count from tidemark.ops_metrics__15m where bucket = '{}'",
            quarter.to_rfc3339()
        ))
        .await;
    assert_eq!(
        stored, 4,
        "from raw rows; from the one minute that changed it would be 1"
    );
    assert_eq!(
        test.one::<i64>(&format!(
            "select count(*) from tidemark.ops_metrics__1m where bucket < '{}'",
            line.to_rfc3339()
        ))
        .await,
        0
    );
    assert_drained_tables_equal_raw_rows(&test, "after the late change").await;
}

/// Hazard 46. Two hot buckets that change before each tick are always newer than the oldest mark.
#[tokio::test]
async fn newest_first_does_not_starve_the_oldest() {
    let test = TestDb::ops().await;
    test.sql("insert into usage_logs (created_at, duration_ms) values (now() - interval '20 days', 5)")
        .await;
    let mut ticker = test.actor().await;
    let mut ticks = 0;
    loop {
        // One bucket a tick, and two that change before each.
        test.sql(
            "update tidemark.health set batch_units = 1;
             insert into usage_logs (created_at, duration_ms) values (now() - interval '1 minute', 1), (now() - interval '20 minutes', 1)",
        )
        .await;
        run(&mut ticker, "select tidemark.tick('ops_metrics', 'test', interval '0')").await;
        ticks += 1;
        if test
            .one::<bool>(
                "select exists (select from tidemark.ops_metrics__15m where bucket < now() - interval '19 days')",
            )
            .await
        {
            break;
        }
        assert!(
            ticks < 12,
            "the oldest mark still waits after {ticks} ticks; newest first alone would never come to it"
        );
    }
    assert!(
        test.one::<bool>(
            "select exists (select from tidemark.ops_metrics__1m where bucket > now() - interval '1 hour')"
        )
        .await,
        "and the newest did not wait for it"
    );
    test.drain().await;
    assert_drained_tables_equal_raw_rows(&test, "at the end").await;
}

/// Hazard 47. Marks that no tick applies, or that a person asked for, say nothing of how far the rollup is.
#[tokio::test]
async fn frozen_and_job_marks_do_not_hold_the_watermark_back() {
    let test = TestDb::ops().await;
    test.sql("insert into usage_logs (created_at, duration_ms) select now() - i * interval '6 hours', i from generate_series(1, 120) i").await;
    test.drain().await;
    let line = (Utc::now() - TimeDelta::days(20))
        .duration_trunc(TimeDelta::minutes(15))
        .unwrap();
    test.db.purge("ops_metrics", line, true, &mut |_| {}).await.unwrap();
    // A change below the frozen line, and a job that waits for a person.
    test.sql("insert into usage_logs (created_at, duration_ms) values (now() - interval '25 days', 1)")
        .await;
    let request = RecomputeRequest {
        rollup: "ops_metrics".to_owned(),
        from: None,
        to: None,
        scope: None,
        reason: None,
        pace: 100,
    };
    let job = test.db.recompute(&request).await.unwrap();
    test.db.pause_job(job.id).await.unwrap();
    let before: chrono::DateTime<Utc> = test.one("select clock_timestamp()").await;
    test.drain().await;
    let status = test.db.status(Some("ops_metrics")).await.unwrap().rollups.remove(0);
    assert!(status.watermark_at.unwrap() > before, "{status:?}");
    assert!(status.frozen_marks >= 1, "kept, counted and shown: {status:?}");
    assert_eq!(
        test.one::<i64>("select count(*) from tidemark.dirty where kind = 'r'")
            .await,
        1,
        "the job's marks still wait"
    );
    // An applied change moves it on, one that waits holds it.
    test.sql("insert into usage_logs (duration_ms) values (1)").await;
    test.drain().await;
    let after: chrono::DateTime<Utc> = test.one("select watermark_at from tidemark.health").await;
    assert!(after > status.watermark_at.unwrap());
}

/// A mark that waits keeps the watermark at or before its time; the watermark never moves back.
#[tokio::test]
async fn the_watermark_never_claims_a_change_that_waits_and_never_moves_back() {
    let test = TestDb::ops().await;
    let mut ticker = test.actor().await;
    let mut last: chrono::DateTime<Utc> = test.one("select watermark_at from tidemark.health").await;
    for round in 0..12 {
        test.sql(&format!("insert into usage_logs (created_at, duration_ms) select now() - i * interval '3 hours' - interval '{round} minutes', 1 from generate_series(1, 30) i")).await;
        let written: chrono::DateTime<Utc> = test.one("select clock_timestamp()").await;
        test.sql("update tidemark.health set batch_units = 5").await;
        run(&mut ticker, "select tidemark.tick('ops_metrics', 'test', interval '0')").await;
        let now: chrono::DateTime<Utc> = test.one("select watermark_at from tidemark.health").await;
        assert!(now >= last, "never back");
        if test
            .one::<i64>("select count(*) from tidemark.dirty where kind = 'c'")
            .await
            > 0
        {
            assert!(
                now < written,
                "round {round}: changes wait, so the watermark is older than they are"
            );
        }
        last = now;
    }
    test.drain().await;
    assert!(
        test.one::<bool>("select watermark_at <= clock_timestamp() from tidemark.health")
            .await
    );
}

/// One row dated centuries away makes the span of the data centuries long. Where nothing lies there is nothing to do.
#[tokio::test]
async fn rows_dated_centuries_away_do_not_make_everything_dirty_for_ever() {
    let test = TestDb::ops().await;
    test.sql(
        "insert into usage_logs (created_at, duration_ms) select now() - i * interval '6 hours', i from generate_series(1, 50) i;
         insert into usage_logs (created_at, duration_ms) values ('2299-06-01 00:00+00', 1), ('1900-03-01 00:00+00', 1)",
    )
    .await;
    test.drain().await;
    // Everything may have changed.
    test.sql("truncate ops_error_logs").await;
    let waiting: i64 = test.one("select pending_buckets from tidemark.status").await;
    assert!(
        waiting < 20_000,
        "{waiting} minutes wait where rows lie within twelve days"
    );
    let mut ticker = test.actor().await;
    let mut ticks = 0;
    while value::<String>(&mut ticker, TICK).await != "drained" {
        ticks += 1;
        assert!(ticks < 20, "not drained after {ticks} ticks");
    }
    assert_drained_tables_equal_raw_rows(&test, "with rows far away").await;
}

/// The day and the month that have only begun are buckets like any other.
#[tokio::test]
async fn an_audit_compares_the_current_day_and_month_too() {
    let test = TestDb::ops().await;
    test.sql("insert into usage_logs (created_at, duration_ms) select now() - i * interval '5 hours', i from generate_series(0, 20) i").await;
    test.drain().await;
    for grain in ["15m", "hour", "day", "month"] {
        let newest = format!("bucket = (select max(bucket) from tidemark.\"ops_metrics__{grain}\")");
        test.sql(&format!(
            "update tidemark.\"ops_metrics__{grain}\" set success_count = success_count + 1 where {newest}"
        ))
        .await;
        let report = test.db.audit("ops_metrics", None, true).await.unwrap();
        assert!(report.difference_count >= 1, "{grain}: {report:?}");
        test.drain().await;
        assert_drained_tables_equal_raw_rows(&test, grain).await;
    }
}
