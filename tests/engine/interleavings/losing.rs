//! Hazards 1 to 4: a change that commits at the wrong moment.

use super::{TICK, last_month, two, value};
use crate::harness::TestDb;
use crate::stop::{Stops, Victim, run, until};
use crate::truth::assert_drained_tables_equal_raw_rows;

/// Hazard 1. The wrong design takes rows whose `updated_at` lies after its watermark, then moves the watermark to now:
/// a row that was written before and is committed after is never seen.
#[tokio::test]
async fn a_row_committed_after_the_watermark_passed_its_time_is_not_lost() {
    let test = TestDb::ops().await;
    let (mut writer, mut ticker) = two(&test).await;
    test.sql(
        "create table wrong_raw (updated_at timestamptz); create table wrong_state (watermark timestamptz, n bigint);
         insert into wrong_state values ('-infinity', 0);
         create procedure wrong_tick() language sql as
         $$ update wrong_state set n = n + (select count(*) from wrong_raw where updated_at > watermark and updated_at <= clock_timestamp()), watermark = clock_timestamp() $$",
    )
    .await;
    run(&mut writer, "begin; insert into wrong_raw values (clock_timestamp()); insert into usage_logs (account_id, duration_ms) values (1, 10)").await;
    run(&mut ticker, "call wrong_tick()").await;
    assert_eq!(value::<String>(&mut ticker, TICK).await, "drained");
    run(&mut writer, "commit").await;
    run(&mut ticker, "call wrong_tick(); call wrong_tick()").await;
    assert_eq!(
        test.one::<i64>("select n from wrong_state").await,
        0,
        "the wrong design never sees the row"
    );

    last_month().check(&test, "committed late, before any tick").await;
    value::<String>(&mut ticker, TICK).await;
    assert_eq!(
        test.one::<i64>("select success_count from tidemark.ops_metrics__1m")
            .await,
        1
    );
    assert_drained_tables_equal_raw_rows(&test, "after a tick").await;
}

/// Hazard 2. The wrong design recomputes, then deletes all marks older than the moment it began: a mark that was written
/// before and committed in between goes with them.
#[tokio::test]
async fn a_mark_that_arrives_during_a_tick_survives_it() {
    let test = TestDb::ops().await;
    let mut stops = Stops::install(&test).await;
    let (mut writer, mut ticker) = two(&test).await;
    test.sql(
        "create table wrong_raw (t timestamptz); create table wrong_queue (enqueued_at timestamptz default clock_timestamp()); create table wrong_rollup (n bigint)",
    )
    .await;
    let insert = "insert into usage_logs (account_id, duration_ms) values (1, 10)";
    test.sql(insert).await;
    run(
        &mut writer,
        &format!("begin; insert into wrong_raw values (now()); insert into wrong_queue default values; {insert}"),
    )
    .await;

    // Tidemark's tick stands between taking its marks and recomputing; the wrong one has recomputed.
    let victim = Victim::start(&test, "stop.before = 'ops_metrics__1m insert'", TICK).await;
    assert!(victim.stopped(&test).await);
    run(&mut ticker, "create temp table w as select clock_timestamp() as began; insert into wrong_rollup select count(*) from wrong_raw").await;
    run(&mut writer, "commit").await;
    run(&mut ticker, "delete from wrong_queue using w where enqueued_at < began").await;
    stops.open().await;
    assert_eq!(victim.end().await.unwrap().as_deref(), Some("drained"));

    let lost: (i64, i64) = (
        test.one("select n from wrong_rollup").await,
        test.one("select count(*) from wrong_queue").await,
    );
    assert_eq!(lost, (0, 0), "the wrong design holds no row, and no mark says so");
    assert_eq!(
        test.one::<i64>("select count(*) from tidemark.mark").await,
        1,
        "Tidemark's mark is still there"
    );
    last_month().check(&test, "with the mark waiting").await;
    test.drain().await;
    assert_drained_tables_equal_raw_rows(&test, "after the next tick").await;
}

/// Hazard 3. The wrong design keeps one queue row a bucket by upsert, and deletes and recomputes in one statement. The
/// delete waits for a writer's upsert, then deletes the newer version of the row, and the recompute still has the older
/// snapshot. (And every writer into a bucket waits for the one before it.)
#[tokio::test]
async fn a_change_between_a_ticks_snapshot_and_its_delete_is_not_lost() {
    let test = TestDb::ops().await;
    let mut writer = test.actor().await;
    test.sql(
        "create table wrong_raw (b integer); create table wrong_queue (b integer primary key, at timestamptz); create table wrong_rollup (b integer primary key, n bigint);
         insert into wrong_raw values (1); insert into wrong_queue values (1, now())",
    )
    .await;
    let insert = "insert into usage_logs (account_id, duration_ms) values (1, 10)";
    test.sql(insert).await;
    run(
        &mut writer,
        &format!("begin; insert into wrong_raw values (1); insert into wrong_queue values (1, now()) on conflict (b) do update set at = excluded.at; {insert}"),
    )
    .await;
    let wrong_tick = "with taken as (delete from wrong_queue returning b)
        insert into wrong_rollup select b, (select count(*) from wrong_raw r where r.b = taken.b) from taken returning n::text";
    let wrong = Victim::start(&test, "stop.at = ''", wrong_tick).await;
    assert!(wrong.stopped(&test).await, "the wrong design waits for the writer");
    // Tidemark's tick waits for nobody: the writer's mark is a row of its own.
    let right = Victim::start(&test, "stop.at = ''", TICK).await;
    assert!(!right.stopped(&test).await);
    assert_eq!(right.end().await.unwrap().as_deref(), Some("drained"));
    run(&mut writer, "commit").await;
    assert_eq!(
        wrong.end().await.unwrap().as_deref(),
        Some("1"),
        "the wrong design counts one row of two"
    );
    assert_eq!(
        test.one::<i64>("select count(*) from wrong_queue").await,
        0,
        "and no mark says so"
    );

    last_month().check(&test, "with the mark waiting").await;
    test.drain().await;
    assert_eq!(
        test.one::<i64>("select sum(success_count)::bigint from tidemark.ops_metrics__1m")
            .await,
        2
    );
    assert_drained_tables_equal_raw_rows(&test, "after the next tick").await;
}

/// Two writers into one bucket do not wait for each other, nor for a tick that stands in the middle of its work.
#[tokio::test]
async fn a_writer_waits_for_nobody() {
    let test = TestDb::ops().await;
    let mut stops = Stops::install(&test).await;
    let insert = "insert into usage_logs (duration_ms) values (10)";
    test.sql(insert).await;
    let tick = Victim::start(&test, "stop.before = 'ops_metrics__hour insert'", TICK).await;
    assert!(tick.stopped(&test).await);
    let (mut a, mut b) = two(&test).await;
    run(
        &mut a,
        &format!("set lock_timeout = '1ms'; begin; {insert}; update groups set platform = 'x' where id = 1"),
    )
    .await;
    run(
        &mut b,
        &format!("set lock_timeout = '1ms'; begin; {insert}; update groups set platform = 'y' where id = 2; commit"),
    )
    .await;
    run(&mut a, "commit").await;
    stops.open().await;
    tick.end().await.unwrap();
    test.drain().await;
    assert_drained_tables_equal_raw_rows(&test, "after all").await;
}

/// Hazard 4. The wrong design lets two tickers share a queue by SKIP LOCKED: the one that read first writes last.
#[tokio::test]
async fn an_older_snapshot_never_overwrites_a_newer_result() {
    let test = TestDb::ops().await;
    let mut stops = Stops::install(&test).await;
    let (mut first, mut second) = two(&test).await;
    test.sql(
        "create table wrong_raw (b integer); create table wrong_queue (b integer); create table wrong_rollup (b integer primary key, n bigint);
         insert into wrong_raw values (1); insert into wrong_queue values (1)",
    )
    .await;
    let insert = "insert into usage_logs (account_id, duration_ms) values (1, 10)";
    test.sql(insert).await;
    let take = "delete from wrong_queue where ctid = any (array(select ctid from wrong_queue for update skip locked))";
    let compute = "create temp table fresh as select b, count(*) as n from wrong_raw group by b";
    let write = "insert into wrong_rollup select * from fresh on conflict (b) do update set n = excluded.n; drop table fresh; commit";

    run(&mut first, &format!("begin; {take}; {compute}")).await;
    let tick = Victim::start(&test, "stop.before = 'ops_metrics__1m insert'", TICK).await;
    assert!(tick.stopped(&test).await);
    test.sql(&format!(
        "{insert}; insert into wrong_raw values (1); insert into wrong_queue values (1)"
    ))
    .await;
    run(&mut second, &format!("begin; {take}; {compute}; {write}")).await;
    assert_eq!(value::<String>(&mut second, TICK).await, "busy", "one ticker a rollup");
    run(&mut first, write).await;
    stops.open().await;
    tick.end().await.unwrap();
    assert_eq!(
        test.one::<i64>("select n from wrong_rollup").await,
        1,
        "the wrong design goes back to the older number"
    );

    last_month().check(&test, "between the two").await;
    assert_eq!(value::<String>(&mut second, TICK).await, "drained");
    assert_eq!(
        test.one::<i64>("select sum(success_count)::bigint from tidemark.ops_metrics__1m")
            .await,
        2
    );
    until(&test, "not exists (select from tidemark.mark)").await;
    assert_drained_tables_equal_raw_rows(&test, "after both").await;
}

/// The lock and the reading of the queue are two statements. In one, the statement's snapshot is older than the lock:
/// a tick that waited would work on marks that the tick before it has taken, with rows as they were then.
#[tokio::test]
async fn a_tick_refuses_a_snapshot_older_than_its_lock() {
    let test = TestDb::ops().await;
    let mut ticker = test.actor().await;
    for level in ["repeatable read", "serializable"] {
        run(&mut ticker, &format!("begin isolation level {level}")).await;
        let refused = sqlx::query(TICK).execute(&mut ticker).await.unwrap_err();
        assert_eq!(
            refused.as_database_error().and_then(|error| error.code()).as_deref(),
            Some("25000"),
            "{level}"
        );
        run(&mut ticker, "rollback").await;
    }
}
