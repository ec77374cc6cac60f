//! A backend that is killed in the middle of a tick or a job loses no mark and leaves nothing behind.

use tidemark_core::api::{Grain, JobState, RecomputeRequest, TickOutcome};

use chrono::{DurationRound, TimeDelta, Utc};

use crate::harness::TestDb;
use crate::stop::{Stops, Victim, until};
use crate::truth::{BY_ALL, Question, assert_drained_tables_equal_raw_rows};

const TICK: &str = "select tidemark.tick('ops_metrics', 'victim', interval '2 seconds') ->> 'outcome'";

fn last_days() -> Question {
    let now = Utc::now().duration_trunc(TimeDelta::minutes(15)).unwrap();
    Question {
        from: now - TimeDelta::days(40),
        to: now + TimeDelta::days(1),
        grain: Grain::Day,
        tz: chrono_tz::Asia::Kolkata,
        by: BY_ALL,
    }
}

/// Something for every statement of a tick to do: new and vanished groups, a lookup, a wildcard, a line to move.
async fn make_work(test: &TestDb, round: i64) {
    test.sql(&format!(
        "insert into usage_logs (created_at, account_id, group_id, duration_ms)
           select now() - i * interval '37 minutes', 1 + i % 4, nullif(i % 3, 0), {round} + i from generate_series(1, 40) i;
         delete from usage_logs where id % 7 = {round} % 7;
         update accounts set platform = 'p' || {round} where id = 1 + {round} % 4;
         update tidemark.level set keep = keep - interval '31 minutes' where keep is not null"
    ))
    .await;
}

async fn assert_nothing_is_left(test: &TestDb, context: &str) {
    let locks: i64 = test.one("select count(*) from pg_locks where locktype = 'advisory' and classid = 1953064293 and database = (select oid from pg_database where datname = current_database())").await;
    assert_eq!(locks, 0, "{context}: the tick lock is gone");
    let open: i64 = test.one("select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'").await;
    assert_eq!(open, 0, "{context}: no transaction is left open");
}

#[tokio::test]
async fn a_tick_killed_at_any_of_its_statements_loses_nothing() {
    let test = TestDb::ops().await;
    let _stops = Stops::install(&test).await;
    let mut statement = 1;
    loop {
        make_work(&test, statement).await;
        let victim = Victim::start(&test, &format!("stop.at = '{statement}'"), TICK).await;
        if !victim.stopped(&test).await {
            victim.end().await.unwrap();
            break;
        }
        victim.kill(&test).await;
        let context = format!("killed at statement {statement}");
        assert_nothing_is_left(&test, &context).await;
        last_days().check(&test, &context).await;
        if statement % 8 == 0 {
            test.drain().await;
            assert_drained_tables_equal_raw_rows(&test, &context).await;
        }
        statement += 1;
    }
    test.drain().await;
    assert_drained_tables_equal_raw_rows(&test, "at the end").await;
    println!("killed at each of {} statements", statement - 1);
    assert!(
        statement > 20,
        "the tick has more statements than {statement} that write"
    );
}

#[tokio::test]
async fn a_tick_killed_while_it_waits_for_a_raw_table_loses_nothing() {
    let test = TestDb::ops().await;
    // As long as the test needs, instead of giving way after 300 ms.
    test.sql("alter function tidemark.tick(text, text, interval) set lock_timeout = 0")
        .await;
    for table in ["usage_logs", "ops_error_logs", "accounts", "groups"] {
        make_work(&test, 3).await;
        let mut blocker = test.actor().await;
        crate::stop::run(
            &mut blocker,
            &format!("begin; lock table {table} in access exclusive mode"),
        )
        .await;
        let victim = Victim::start(&test, "stop.at = ''", TICK).await;
        assert!(victim.stopped(&test).await, "{table}");
        victim.kill(&test).await;
        crate::stop::run(&mut blocker, "rollback").await;
        assert_nothing_is_left(&test, table).await;
        last_days().check(&test, table).await;
    }
    test.drain().await;
    assert_drained_tables_equal_raw_rows(&test, "at the end").await;
}

#[tokio::test]
async fn a_job_whose_tick_is_killed_goes_on_and_ends() {
    let test = TestDb::ops().await;
    make_work(&test, 1).await;
    test.drain().await;
    let _stops = Stops::install(&test).await;
    for statement in 1.. {
        let request = RecomputeRequest {
            rollup: "ops_metrics".to_owned(),
            from: None,
            to: None,
            scope: None,
            reason: None,
            pace: 100,
        };
        let job = test.db.recompute(&request).await.unwrap();
        let victim = Victim::start(&test, &format!("stop.at = '{statement}'"), TICK).await;
        if !victim.stopped(&test).await {
            victim.end().await.unwrap();
            break;
        }
        victim.kill(&test).await;
        let context = format!("killed at statement {statement}");
        assert_nothing_is_left(&test, &context).await;
        let after = test.db.job(job.id).await.unwrap();
        assert_eq!(
            (after.state, after.buckets_done),
            (JobState::Running, 0),
            "{context}: what the killed tick did is undone, the job is not"
        );
        test.drain().await;
        let done = test.db.job(job.id).await.unwrap();
        assert_eq!(
            (done.state, done.buckets_done),
            (JobState::Done, done.buckets_total),
            "{context}"
        );
    }
    test.drain().await;
    assert_drained_tables_equal_raw_rows(&test, "at the end").await;
}

#[tokio::test]
async fn asking_for_a_job_happens_whole_or_not_at_all() {
    let test = TestDb::ops().await;
    make_work(&test, 1).await;
    test.drain().await;
    let request = RecomputeRequest {
        rollup: "ops_metrics".to_owned(),
        from: None,
        to: None,
        scope: None,
        reason: None,
        pace: 100,
    };
    test.db.recompute(&request).await.unwrap();
    let stops = Stops::install(&test).await;
    // The statements that recompute and cancel run, in the sessions of a pool: each is killed at each of them.
    let dirty_and_jobs =
        "select count(*) || ' ' || (select string_agg(state, ',' order by id) from tidemark.job) from tidemark.dirty";
    let before: String = test.one(dirty_and_jobs).await;
    for statement in 1..=2 {
        let victim = Victim::start(
            &test,
            &format!("stop.at = '{statement}'"),
            "with job as (insert into tidemark.job (rollup_id, kind, span, buckets_total) values (1, 'request', '[2026-01-01, 2026-01-02)', 96) returning id, span),
               dirty as (insert into tidemark.dirty (rollup_id, kind, span, job_id, since) select 1, 'r', span, id, now() from job) select 'made'",
        )
        .await;
        assert!(victim.stopped(&test).await);
        victim.kill(&test).await;
        assert_eq!(test.one::<String>(dirty_and_jobs).await, before);
    }
    drop(stops);
    test.drain().await;
    assert_eq!(
        test.one::<i64>("select count(*) from tidemark.job where state = 'running'")
            .await,
        0
    );
}

#[tokio::test]
async fn a_reader_is_exact_while_a_tick_is_stuck_at_any_of_its_statements() {
    let test = TestDb::ops().await;
    let mut stops = Stops::install(&test).await;
    for statement in (1..).step_by(3) {
        make_work(&test, statement).await;
        let victim = Victim::start(&test, &format!("stop.at = '{statement}'"), TICK).await;
        let stopped = victim.stopped(&test).await;
        // Written while it stands there: its mark must not go with those that the tick has taken.
        test.sql("insert into usage_logs (account_id, duration_ms) values (1, 77); update groups set platform = 'late' || random() where id = 1").await;
        last_days()
            .check(&test, &format!("stuck at statement {statement}"))
            .await;
        stops.open().await;
        assert_eq!(victim.end().await.unwrap().as_deref(), Some("drained"));
        last_days().check(&test, &format!("after statement {statement}")).await;
        stops.close().await;
        if !stopped {
            break;
        }
    }
    test.drain().await;
    assert_drained_tables_equal_raw_rows(&test, "at the end").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_tickers_at_once_do_every_bucket_once() {
    let test = std::sync::Arc::new(TestDb::ops().await);
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) select now() - i * interval '3 minutes', 1 + i % 4, i from generate_series(1, 300) i").await;
    let dirty: i64 = test
        .one("select count(distinct date_trunc('minute', created_at)) from usage_logs")
        .await;
    let mut tickers = Vec::new();
    for _ in 0..3 {
        let test = test.clone();
        tickers.push(tokio::spawn(async move {
            let mut connection = test.actor().await;
            let (mut buckets, mut busy) = (0, 0);
            loop {
                let report: sqlx::types::Json<tidemark_core::api::TickReport> =
                    sqlx::query_scalar("select tidemark.tick('ops_metrics', 'one of three', interval '0')")
                        .fetch_one(&mut connection)
                        .await
                        .unwrap();
                buckets += report.buckets;
                match report.outcome {
                    TickOutcome::Drained => return (buckets, busy),
                    TickOutcome::Busy => busy += 1,
                    _ => {}
                }
                tokio::task::yield_now().await;
            }
        }));
    }
    let mut total = 0;
    for ticker in tickers {
        total += ticker.await.unwrap().0;
    }
    assert_eq!(total, dirty, "each dirty minute is recomputed once");
    until(&test, "not exists (select from tidemark.dirty)").await;
    assert_drained_tables_equal_raw_rows(&test, "after three tickers").await;
}
