//! Hazards 24, 27 and 47: what a tick leaves behind when it fails, is cancelled, or is slow.

use super::{TICK, last_month, two, value};
use crate::harness::TestDb;
use crate::stop::{Stops, run, until};
use crate::truth::assert_drained_tables_equal_raw_rows;

/// Hazard 24. Written inside the transaction that then fails, an error is rolled back with it.
#[tokio::test]
async fn an_error_survives_the_transaction_that_failed() {
    let test = TestDb::ops().await;
    test.sql(
        "create function fail() returns trigger language plpgsql as $$ begin raise exception 'the disk is on fire'; end $$;
         create trigger fail before insert on tidemark.run for each statement execute function fail();
         insert into usage_logs (duration_ms) values (1)",
    )
    .await;
    // Outside every exception block: the whole tick is undone.
    test.db.tick("ops_metrics").await.unwrap_err();
    let status = test.db.status(Some("ops_metrics")).await.unwrap().rollups.remove(0);
    assert!(status.last_error.unwrap().contains("the disk is on fire"));
    assert!(status.last_error_at > status.last_success_at);
    assert_eq!(
        test.one::<i64>("select count(*) from tidemark.mark").await,
        1,
        "and the mark is still there"
    );
    test.sql("drop trigger fail on tidemark.run").await;
    test.drain().await;
    let status = test.db.status(Some("ops_metrics")).await.unwrap().rollups.remove(0);
    assert!(
        status.last_success_at > status.last_error_at,
        "health is good again, and the error can still be read: {status:?}"
    );
    assert!(status.last_error.is_some());
    assert_drained_tables_equal_raw_rows(&test, "after the failure").await;
}

/// The same for what fails inside: a bucket that can't be computed.
#[tokio::test]
async fn an_error_inside_a_tick_is_kept_and_the_tick_goes_on() {
    let test = TestDb::ops().await;
    test.sql("alter table usage_logs rename column duration_ms to duration; insert into ops_error_logs (status_code) values (500)").await;
    let report = test.db.tick("ops_metrics").await.unwrap();
    assert!(
        report.error.as_ref().is_some_and(|error| error.contains("duration_ms")),
        "{report:?}"
    );
    let status = test.db.status(Some("ops_metrics")).await.unwrap().rollups.remove(0);
    assert!(status.last_error.unwrap().contains("duration_ms"));
    let run: Option<String> = test
        .one("select error from tidemark.run order by started_at desc limit 1")
        .await;
    assert!(run.unwrap().contains("duration_ms"), "and in the log of runs");
    test.sql("alter table usage_logs rename column duration to duration_ms")
        .await;
    test.drain().await;
    assert_drained_tables_equal_raw_rows(&test, "renamed back").await;
}

/// Hazard 24. now() is the transaction's start, so both ends of a run would be the same.
#[tokio::test]
async fn a_tick_ends_after_it_started_even_in_an_older_transaction() {
    let test = TestDb::ops().await;
    let mut ticker = test.actor().await;
    run(&mut ticker, "begin").await;
    let began: chrono::DateTime<chrono::Utc> = value(&mut ticker, "select now()").await;
    test.sql("insert into usage_logs (duration_ms) values (1)").await;
    run(&mut ticker, &format!("{TICK}; commit")).await;
    let (started, took): (chrono::DateTime<chrono::Utc>, f64) =
        sqlx::query_as("select started_at, took_ms from tidemark.run order by started_at desc limit 1")
            .fetch_one(test.pool())
            .await
            .unwrap();
    assert!(started > began && took > 0.0);
    assert!(
        test.one::<bool>("select last_attempt_at < last_success_at from tidemark.health")
            .await
    );
}

/// Hazard 27. The wrong design takes a session-level lock and gives it back in an exception handler; a cancelled query
/// does not come by there, and the pool's next user of the session holds a lock that nobody knows of.
#[tokio::test]
async fn a_cancelled_tick_leaves_no_advisory_lock() {
    let test = TestDb::ops().await;
    let mut stops = Stops::install(&test).await;
    test.sql(
        "create function wrong_tick() returns text language plpgsql as $$ begin
           perform pg_advisory_lock(42);
           begin
             perform pg_advisory_xact_lock_shared(4711); -- its work
           exception when others then
             perform pg_advisory_unlock(42);
             raise;
           end;
           perform pg_advisory_unlock(42);
           return 'done';
         end $$",
    )
    .await;
    let session = |pid: i32| format!("select count(*) from pg_locks where locktype = 'advisory' and pid = {pid}");
    // Both go on living after the cancel: a pool's session.
    let mut wrong = test.actor().await;
    let pid: i32 = value(&mut wrong, "select pg_backend_pid()").await;
    let waiting = tokio::spawn(async move {
        let cancelled = sqlx::query("select wrong_tick()")
            .execute(&mut wrong)
            .await
            .unwrap_err();
        (cancelled, wrong)
    });
    until(
        &test,
        &format!("exists (select from pg_locks where pid = {pid} and not granted)"),
    )
    .await;
    test.sql(&format!("select pg_cancel_backend({pid})")).await;
    let (cancelled, _wrong) = waiting.await.unwrap();
    assert_eq!(cancelled.as_database_error().unwrap().code().as_deref(), Some("57014"));
    assert_eq!(
        test.one::<i64>(&session(pid)).await,
        1,
        "the wrong design's lock has leaked into the session"
    );

    for stop in [
        "ticker insert",
        "mark delete",
        "dirty insert",
        "ops_metrics__1m insert",
        "job update",
        "run insert",
    ] {
        test.sql("insert into usage_logs (duration_ms) values (1)").await;
        let mut session_of_pool = test.actor().await;
        let pid: i32 = value(&mut session_of_pool, "select pg_backend_pid()").await;
        run(&mut session_of_pool, &format!("set stop.before = '{stop}'")).await;
        let tick = tokio::spawn(async move {
            // Cancelled in its work, it keeps its marks and says so; elsewhere the statement fails.
            sqlx::query(TICK).execute(&mut session_of_pool).await.ok();
            session_of_pool
        });
        until(
            &test,
            &format!("exists (select from pg_locks where pid = {pid} and not granted)"),
        )
        .await;
        test.sql(&format!("select pg_cancel_backend({pid})")).await;
        // The error is sent before the transaction has ended: the next statement comes after that.
        let mut session_of_pool = tick.await.unwrap();
        run(&mut session_of_pool, "select").await;
        assert_eq!(test.one::<i64>(&session(pid)).await, 0, "{stop}");
        last_month().check(&test, stop).await;
    }
    stops.open().await;
    test.drain().await;
    assert_drained_tables_equal_raw_rows(&test, "at the end").await;
}

/// Hazard 47. A tick that waited for a synchronous standby would hold its lock meanwhile; the session's setting comes back.
#[tokio::test]
async fn a_tick_commits_without_waiting_for_a_standby() {
    let test = TestDb::ops().await;
    let (mut ticker, _) = two(&test).await;
    run(&mut ticker, &format!("set synchronous_commit = on; begin; {TICK}")).await;
    assert_eq!(
        value::<String>(&mut ticker, "show synchronous_commit").await,
        "local",
        "as it will be when the tick's transaction commits"
    );
    run(&mut ticker, "commit").await;
    assert_eq!(value::<String>(&mut ticker, "show synchronous_commit").await, "on");
}
