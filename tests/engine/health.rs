//! Health that does not lie: each status word by a real situation, each figure what it says.

use chrono::{TimeDelta, Utc};
use tidemark_core::api::{Grain, State, StatusWord, TickOutcome};
use tidemark_db::{ConnectOptions, Db};

use crate::ask::{FROM, ROWS, TO, code, ops, question};
use crate::harness::{TestDb, at};

#[tokio::test]
async fn every_status_word_is_reached_by_its_situation() {
    let test = TestDb::raw().await;
    test.sql(ROWS).await;
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) select timestamptz '2026-01-01 00:00+00' + i * interval '15 minutes', 1, 1 from generate_series(1, 6000) i").await;
    test.db.apply(&ops(), true).await.unwrap();
    let status = test.status_of("ops_metrics").await;
    assert_eq!(
        (status.status, status.watermark_at, status.last_attempt_at),
        (StatusWord::NeverRun, None, None),
        "nothing ever scheduled it"
    );
    assert!(
        test.db
            .doctor()
            .await
            .unwrap()
            .iter()
            .any(|finding| finding.code == "never_run" && finding.fix.is_some())
    );
    // One batch of many: the backfill is under way.
    test.sql("select tidemark.tick('ops_metrics', 'test', interval '0')")
        .await;
    assert_eq!(test.word().await, StatusWord::CatchingUp);
    test.db.set_paused("ops_metrics", true).await.unwrap();
    assert_eq!(test.word().await, StatusWord::Paused);
    assert_eq!(test.db.tick("ops_metrics").await.unwrap().outcome, TickOutcome::Paused);
    test.db.set_paused("ops_metrics", false).await.unwrap();
    test.drain_of("ops_metrics").await;
    assert_eq!(test.word().await, StatusWord::Healthy);
    // The last tick was long ago.
    test.sql("update tidemark.health set last_attempt_at = now() - interval '6 minutes', last_success_at = now() - interval '6 minutes'").await;
    assert_eq!(test.word().await, StatusWord::Stalled);
    assert!(
        test.db
            .doctor()
            .await
            .unwrap()
            .iter()
            .any(|finding| finding.code == "stalled")
    );
    test.db.tick("ops_metrics").await.unwrap();
    // Ticks run, and what they leave is old: a change from before that waits behind newer ones.
    test.sql(
        "insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-10', 1, 1); update tidemark.mark set at = now() - interval '20 minutes';
         update tidemark.health set watermark_at = now() - interval '30 minutes'; select tidemark.intake(id, storage) from tidemark.rollup; update tidemark.dirty set next_try_at = now() + interval '1 hour'",
    )
    .await;
    test.db.tick("ops_metrics").await.unwrap();
    let status = test.status_of("ops_metrics").await;
    assert_eq!(status.status, StatusWord::Lagging);
    let lag = status.lag_seconds.unwrap();
    assert!(
        (1150.0..1300.0).contains(&lag),
        "the watermark's lag, though it ticked just now: {lag}"
    );
    assert!(status.last_attempt_at.unwrap() > Utc::now() - TimeDelta::seconds(30));
    assert!(status.oldest_pending_seconds.unwrap() > 1150.0);
    test.sql("update tidemark.dirty set next_try_at = '-infinity'").await;
    test.drain_of("ops_metrics").await;
    test.db
        .purge("ops_metrics", at("2026-03-10T00:00:00Z"), false, &mut |_| {})
        .await
        .unwrap();
    test.sql("delete from usage_logs where created_at < '2026-01-02'").await;
    test.drain_of("ops_metrics").await;
    assert_eq!(test.word().await, StatusWord::FrozenMarks);
    // A tick that can't work.
    test.sql("alter table tidemark.ops_metrics__15m rename to hidden; insert into usage_logs (created_at, account_id) values ('2026-03-11', 1)").await;
    test.db.tick("ops_metrics").await.unwrap();
    assert_eq!(test.word().await, StatusWord::Failing);
    test.sql("alter table tidemark.hidden rename to ops_metrics__15m").await;
    test.drain_of("ops_metrics").await;
    test.sql("alter table usage_logs disable trigger user").await;
    assert_eq!(test.word().await, StatusWord::NotTrusted);
}

#[tokio::test]
async fn an_error_outlives_the_transaction_that_failed() {
    let test = TestDb::with_rows().await;
    test.sql("insert into usage_logs (created_at, account_id) values ('2026-03-11', 1); alter function tidemark.ops_metrics__raw rename to hidden").await;
    let report = test.db.tick("ops_metrics").await.unwrap();
    assert!(report.left > 0);
    let status = test.status_of("ops_metrics").await;
    assert!(
        status
            .last_error
            .as_deref()
            .unwrap_or_default()
            .contains("ops_metrics__raw"),
        "{status:?}"
    );
    assert!(status.last_error_at.unwrap() > Utc::now() - TimeDelta::seconds(60));
    assert_eq!((status.status, status.backing_off), (StatusWord::Failing, 1));
    // A tick that loses its whole transaction.
    test.sql("alter function tidemark.hidden rename to ops_metrics__raw; alter function tidemark.move_lines(integer, timestamptz) rename to gone; alter table tidemark.ticker rename to gone").await;
    assert!(test.db.tick("ops_metrics").await.is_err());
    let error: Option<String> = test.one("select last_error from tidemark.health").await;
    assert!(
        error.unwrap().contains("ticker"),
        "recorded in a transaction of its own"
    );
    test.sql("alter table tidemark.gone rename to ticker; alter function tidemark.gone(integer, timestamptz) rename to move_lines; update tidemark.dirty set next_try_at = '-infinity'").await;
    test.drain_of("ops_metrics").await;
    assert_eq!(test.word().await, StatusWord::Healthy);
    // Runs have a length: started is not finished.
    let took: f64 = test.one("select max(took_ms) from tidemark.run").await;
    assert!(took > 0.0);
}

#[tokio::test]
async fn pending_buckets_are_distinct_base_buckets_and_the_oldest_counts_from_its_mark() {
    let test = TestDb::with_rows().await;
    assert_eq!(test.status_of("ops_metrics").await.pending_buckets, 0);
    for _ in 0..3 {
        test.sql("insert into usage_logs (created_at, account_id) values ('2026-03-20 10:03:10', 1), ('2026-03-20 10:03:50', 1), ('2026-03-20 10:09', 1)").await;
    }
    let status = test.status_of("ops_metrics").await;
    assert_eq!(status.pending_buckets, 2, "two minutes, however often");
    assert!(status.oldest_pending_seconds.unwrap() < 60.0);
    test.sql(
        "update tidemark.mark set at = at - interval '100 seconds' where ctid = (select min(ctid) from tidemark.mark)",
    )
    .await;
    assert!(test.status_of("ops_metrics").await.oldest_pending_seconds.unwrap() > 100.0);
    test.drain_of("ops_metrics").await;
    let status = test.status_of("ops_metrics").await;
    assert_eq!((status.pending_buckets, status.oldest_pending_seconds), (0, None));
    assert!(status.queue_bytes > 0 && status.tickers.iter().any(|ticker| ticker.name == "test"));
}

#[tokio::test]
async fn a_job_that_runs_for_long_is_not_dead() {
    let test = TestDb::raw().await;
    test.sql(ROWS).await;
    test.db.apply(&ops(), true).await.unwrap();
    test.sql("update tidemark.job set created_at = now() - interval '3 days'")
        .await;
    test.drain_of("ops_metrics").await;
    let job = &test.db.jobs().await.unwrap()[0];
    assert_eq!(
        (job.state, job.buckets_done),
        (tidemark_core::api::JobState::Done, job.buckets_total)
    );
}

#[tokio::test]
async fn frozen_buckets_keep_their_numbers_and_their_marks() {
    let test = TestDb::with_rows().await;
    let before = test.told(Grain::Day).await.1;
    test.db
        .purge("ops_metrics", at("2026-03-11T00:00:00Z"), false, &mut |_| {})
        .await
        .unwrap();
    test.sql(
        "delete from usage_logs where created_at < '2026-03-11'; update groups set platform = 'renamed' where id = 4",
    )
    .await;
    test.drain_of("ops_metrics").await;
    let status = test.status_of("ops_metrics").await;
    assert_eq!(
        (status.status, status.pending_buckets, status.frozen_before),
        (StatusWord::FrozenMarks, 0, Some(at("2026-03-11T00:00:00Z"))),
        "{status:?}"
    );
    assert!(status.frozen_marks > 0 && status.lag_seconds.unwrap() < 60.0);
    let marks: i64 = test.one("select count(*) from tidemark.dirty where kind = 'c'").await;
    assert!(marks > 0, "kept");
    let (answer, told) = test.told(Grain::Day).await;
    let frozen: Vec<State> = answer.rows.iter().map(|row| row.state).collect();
    assert!(frozen.contains(&State::Frozen) && frozen.contains(&State::Exact) && !frozen.contains(&State::Pending));
    let sum = |groups: &std::collections::BTreeMap<String, (i64, i64, Option<i64>)>| {
        groups.values().map(|group| group.0 + group.1).sum::<i64>()
    };
    assert_eq!(sum(&told), sum(&before));
    let day = test
        .ask(&question(
            "ops_metrics",
            at("2026-03-10T00:00:00Z"),
            at("2026-03-11T00:00:00Z"),
            Grain::Day,
            chrono_tz::UTC,
        ))
        .await;
    assert_eq!(day.rows[0].values["request_count"], 26);
    let audit = test.db.audit("ops_metrics", None, false).await.unwrap();
    assert_eq!(
        (audit.difference_count, audit.from),
        (0, Some(at("2026-03-11T00:00:00Z"))),
        "frozen buckets are not compared"
    );
    // A purge can't freeze what was never right, or what is not over.
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-11 05:00', 1, 9)")
        .await;
    assert_eq!(
        code(
            test.db
                .purge("ops_metrics", at("2026-03-12T00:00:00Z"), false, &mut |_| {})
                .await
        ),
        "not_built"
    );
    assert_eq!(
        code(
            test.db
                .purge("ops_metrics", Utc::now() + TimeDelta::days(1), false, &mut |_| {})
                .await
        ),
        "bad_range"
    );
}

#[tokio::test]
async fn audit_differences_are_distrusted_until_they_are_repaired() {
    let test = TestDb::with_rows().await;
    test.sql("update tidemark.ops_metrics__15m set success_count = success_count + 1 where bucket = (select min(bucket) from tidemark.ops_metrics__15m); update tidemark.ops_metrics__month set error_count = 0; delete from tidemark.ops_metrics__hour where bucket = (select max(bucket) from tidemark.ops_metrics__hour)").await;
    assert!(test.db.last_audit("ops_metrics").await.unwrap().is_none());
    let found = test.db.audit("ops_metrics", None, false).await.unwrap();
    assert!(found.difference_count >= 3 && found.repair_job.is_none(), "{found:?}");
    let kept = test.db.last_audit("ops_metrics").await.unwrap().unwrap();
    assert_eq!(
        (kept.from, kept.to, kept.difference_count),
        (found.from, found.to, found.difference_count)
    );
    assert_eq!(
        serde_json::to_value(&kept.differences).unwrap(),
        serde_json::to_value(&found.differences).unwrap()
    );
    assert!(
        found
            .differences
            .iter()
            .any(|difference| difference.grain == Grain::Month)
            && found.differences.iter().any(|difference| difference.what == "missing")
    );
    let status = test.status_of("ops_metrics").await;
    assert_eq!(
        (status.status, status.last_audit_differences),
        (StatusWord::NotTrusted, Some(found.difference_count))
    );
    test.drain_of("ops_metrics").await;
    assert_eq!(
        test.word().await,
        StatusWord::NotTrusted,
        "ticks do not make it go away"
    );
    // Waiting buckets are no differences.
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-11 05:00', 1, 9)")
        .await;
    let again = test.db.audit("ops_metrics", None, true).await.unwrap();
    assert!(again.waiting_buckets > 0 && again.repair_job.is_some(), "{again:?}");
    let kept = test.db.last_audit("ops_metrics").await.unwrap().unwrap();
    assert_eq!(kept.repair_job, again.repair_job);
    test.exact_now("marked for repair, read live").await;
    test.exact_now_and_after_a_drain("repaired").await;
    assert_eq!(test.word().await, StatusWord::Healthy);
}

#[tokio::test]
async fn a_password_is_in_no_error_and_no_debug_output() {
    let secret = "s3cr3t-Pa55";
    for url in [
        format!("postgres://me:{secret}@127.0.0.1:1/db"),
        format!("postgres://me:{secret}@127.0.0.1:notaport/db"),
        format!("mysql://me:{secret}@127.0.0.1/db"),
        format!("postgres://me:{secret}@[broken/db"),
        format!("postgres://me:{secret}@no.such.host.invalid/db?sslmode=disable"),
        format!(
            "{}&password={secret}",
            crate::harness::server_url().replacen("user=postgres", "user=no_such_role", 1)
        ),
    ] {
        let options = ConnectOptions {
            url: Some(url),
            ..ConnectOptions::default()
        };
        assert!(!format!("{options:?}").contains(secret));
        let error = Db::connect(&options).await.unwrap_err();
        let info = error.info();
        assert!(!format!("{error} {error:?} {info:?}").contains(secret), "{error}");
        assert!(
            ["bad_url", "unreachable", "log_in"].contains(&info.code.as_str()),
            "{info:?}"
        );
    }
    let test = TestDb::empty().await;
    let db = Db::connect(&ConnectOptions {
        url: Some(format!("{}&password={secret}", test.url)),
        ..ConnectOptions::default()
    })
    .await
    .unwrap();
    assert!(!format!("{db:?}").contains(secret));
    assert!(!db.server_info().await.unwrap().label.contains(secret));
}

#[tokio::test]
async fn refusals_name_what_is_wrong_and_change_nothing() {
    let test = TestDb::raw().await;
    assert_eq!(code(test.db.status(None).await), "not_installed");
    assert_eq!(code(test.db.uninstall().await), "not_installed");
    test.db.install(false).await.unwrap();
    assert_eq!(code(test.db.tick("ops_metrics").await), "unknown_rollup");
    test.db.apply(&ops(), true).await.unwrap();
    let mut request = question("ops_metrics", at(TO), at(FROM), Grain::Day, chrono_tz::UTC);
    assert_eq!(code(test.db.query(&request).await), "bad_range");
    request = question(
        "ops_metrics",
        at("1950-01-01T00:00:00Z"),
        at("1950-02-01T00:00:00Z"),
        Grain::Day,
        chrono_tz::UTC,
    );
    assert!(
        test.ask(&request).await.rows.is_empty(),
        "before the first row there is nothing, exactly"
    );
    request.measures = vec!["request_cuont".to_owned()];
    assert_eq!(code(test.db.query(&request).await), "unknown_measure");
    request.measures = vec![];
    request.by = vec!["plat\"form".to_owned()];
    assert_eq!(code(test.db.query(&request).await), "unknown_dimension");
    request.rollup = "ops\"; drop schema tidemark cascade; --".to_owned();
    assert_eq!(code(test.db.query(&request).await), "unknown_rollup");
    assert_eq!(code(test.db.job(4711).await), "unknown_job");
}

#[tokio::test]
async fn the_worst_lag_of_each_half_hour_shows_a_stall_while_it_grew() {
    let test = TestDb::ops().await;
    // Ticked ten hours ago, then not for four hours, then every now and then; the rollup is as of two minutes ago.
    test.sql(
        "delete from tidemark.run;
         insert into tidemark.run (rollup_id, started_at, took_ms, ticker, lag_seconds)
         select id, now() - ago, 1, 'test', lag from tidemark.rollup, (values (interval '10 hours 10 minutes', 5), (interval '6 hours 10 minutes', 4 * 3600), (interval '6 hours 5 minutes', 10), (interval '55 minutes', 20)) t (ago, lag);
         update tidemark.health set watermark_at = now() - interval '2 minutes'",
    )
    .await;
    let lag = test.db.detail("ops_metrics").await.unwrap().lag;
    assert_eq!(lag.len(), 48);
    // Half hours by how long ago they began, in halves of an hour: what is known of the hours before is nothing.
    let ago = |halves: usize| lag[48 - halves];
    let near = |halves: usize, expected: f64| {
        let found = ago(halves).unwrap_or(-1.0);
        assert!((found - expected).abs() < 5.0, "{halves}: {found}, not {expected}");
    };
    assert_eq!([ago(48), ago(22)], [None, None]);
    near(21, 600.0); // ended ten minutes after the watermark stood still
    near(20, 2400.0);
    near(15, 11_400.0);
    near(13, 4.0 * 3600.0);
    near(12, 0.0);
    near(3, 0.0);
    near(2, 20.0);
    near(1, 120.0);
}
