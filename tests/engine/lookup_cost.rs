//! A change of one lookup row that moves a million raw rows: what it costs the writer, the tick and the reader.

use std::time::{Duration, Instant};

use chrono::{DurationRound, TimeDelta, Utc};
use sqlx::PgConnection;
use tidemark_core::api::{Grain, ReadMode, State};

use crate::harness::TestDb;
use crate::stop::{Stops, Victim, run};
use crate::systems::TASK_USAGE;
use crate::truth::{BY_ALL, Question};

const TICK: &str = "select tidemark.tick('ops_metrics', 'test', interval '2 seconds') ->> 'outcome'";

/// How often this transaction has read a table whole, by an index, and how many rows the latter gave.
async fn reads(connection: &mut PgConnection, table: &str) -> (i64, i64, i64) {
    sqlx::query_as("select seq_scan, coalesce(idx_scan, 0), coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables where relname = $1")
        .bind(table)
        .fetch_one(connection)
        .await
        .unwrap()
}

/// The platform of an account changes, under which there are a million requests, or one.
async fn rename(connection: &mut PgConnection, account: i64, platform: &str) -> Duration {
    let started = Instant::now();
    run(
        connection,
        &format!("update accounts set platform = '{platform}' where id = {account}"),
    )
    .await;
    started.elapsed()
}

#[tokio::test]
async fn a_lookup_change_that_touches_a_million_rows_costs_its_writer_nothing() {
    let test = TestDb::raw().await;
    // Account 1 has a million requests over twenty days, account 2 has one; another hundred thousand are account 3's.
    test.sql(
        "set session_replication_role = replica; drop index usage_logs_created_at_idx, usage_logs_account_id_idx, usage_logs_group_id_idx;
         insert into usage_logs (id, created_at, account_id, duration_ms)
           select i, now() - interval '20 days' * i / 1100000, case when i % 11 = 0 then 3 else 1 end, i % 997 from generate_series(1, 1100000) i;
         insert into usage_logs (id, created_at, account_id, duration_ms) values (0, now() - interval '9 days', 2, 5);
         create index on usage_logs (created_at); create index on usage_logs (account_id);
         reset session_replication_role; analyze usage_logs",
    )
    .await;
    test.apply().await;
    test.drain().await;

    // The writer: a million rows or one, it reads none of them, waits for nothing, and leaves one mark.
    let mut writer = test.actor().await;
    run(&mut writer, "set lock_timeout = '1ms'").await;
    let (mut one, mut million) = (Duration::MAX, Duration::MAX);
    for round in 0..5 {
        one = one.min(rename(&mut writer, 2, &format!("one {round}")).await);
        million = million.min(rename(&mut writer, 1, &format!("million {round}")).await);
    }
    assert!(
        million < one * 10 + Duration::from_millis(5),
        "{million:?} for a million rows, {one:?} for one"
    );
    assert_eq!(test.one::<i64>("select count(*) from tidemark.mark").await, 10);
    assert_eq!(
        test.one::<i64>("select max(jsonb_array_length(keys))::bigint from tidemark.mark")
            .await,
        1
    );
    run(&mut writer, "begin").await;
    rename(&mut writer, 1, "read by nobody").await;
    assert_eq!(reads(&mut writer, "usage_logs").await, (0, 0, 0));
    run(&mut writer, "commit").await;

    // Before any tick: the answer is right, or says that it isn't.
    let now = Utc::now().duration_trunc(TimeDelta::minutes(15)).unwrap();
    let total = Question {
        from: now - TimeDelta::days(21),
        to: now + TimeDelta::days(1),
        grain: Grain::Total,
        tz: chrono_tz::UTC,
        by: BY_ALL,
    };
    let answer = total.check(&test, "before any tick").await;
    assert!(answer.live_buckets > 0);
    assert_eq!(total.ask(&test, ReadMode::RollupOnly).await.state, State::Pending);

    // The tick: it takes the key's rows from an index, not the table from its beginning to its end.
    let mut stops = Stops::install(&test).await;
    let mut ticker = test.actor().await;
    run(&mut ticker, "begin").await;
    let started = Instant::now();
    run(&mut ticker, "select tidemark.intake(1, 'ops_metrics')").await;
    let expanded = started.elapsed();
    let (whole, by_index, rows) = reads(&mut ticker, "usage_logs").await;
    assert_eq!(whole, 0, "the raw table is never read whole");
    assert!(
        by_index > 0 && rows < 1_050_000,
        "the keys' rows and no others: {rows} by {by_index} scans"
    );
    run(&mut ticker, "rollback").await;

    // While a tick is in the middle of it, the writer still waits for nothing, and the answer is still right.
    let tick = Victim::start(&test, "stop.before = 'ops_metrics__15m insert'", TICK).await;
    assert!(tick.stopped(&test).await);
    let meanwhile = rename(&mut writer, 1, "during a tick").await;
    let day = Question {
        from: now - TimeDelta::days(12),
        to: now - TimeDelta::days(11),
        grain: Grain::Hour,
        ..total
    };
    day.check(&test, "in the middle of a tick").await;
    stops.open().await;
    tick.end().await.unwrap();
    day.check(&test, "after one slice").await;

    let started = Instant::now();
    test.drain().await;
    println!(
        "a million rows under one key: the writer {million:?} (one row {one:?}, during a tick {meanwhile:?}), expansion {expanded:?}, drain {:?}",
        started.elapsed()
    );
    let answer = total.check(&test, "drained").await;
    assert_eq!(answer.live_buckets, 0);
}

/// One hop and two: the usage of a task, of an issue's tasks, of an agent's tasks, out of a hundred thousand rows.
#[tokio::test]
async fn each_lookup_of_task_usage_finds_its_rows_by_an_index() {
    let test = TestDb::raw_of(&TASK_USAGE).await;
    test.sql(
        "set session_replication_role = replica;
         insert into issue (id, workspace_id, project_id) select i, 'w1', 'p1' from generate_series(1000, 2999) i;
         insert into agent (id, workspace_id, name) select 'a' || i, 'w1', 'n' from generate_series(100, 299) i;
         insert into agent_task_queue (id, agent_id, runtime_id, issue_id) select i, 'a' || 100 + i % 200, 'r1', 1000 + i % 2000 from generate_series(10000, 59999) i;
         insert into task_usage (task_id, provider, model, output_tokens, created_at) select 10000 + i % 50000, 'p', 'm' || i / 50000, i, now() - i * interval '1 minute' from generate_series(1, 99999) i;
         reset session_replication_role; analyze",
    )
    .await;
    test.apply().await;
    test.drain().await;
    for (change, most) in [
        ("update agent_task_queue set runtime_id = 'r2' where id = 12345", 2),
        ("update issue set project_id = 'p2' where id = 1234", 50),
        ("update agent set workspace_id = 'w2' where id = 'a123'", 500),
    ] {
        test.sql(change).await;
        let mut ticker = test.actor().await;
        run(&mut ticker, "begin; select tidemark.intake(1, 'task_usage')").await;
        let (whole, _, rows) = reads(&mut ticker, "task_usage").await;
        assert_eq!(whole, 0, "{change}");
        // The two ends of the extent are looked up, too.
        assert!(rows >= 1 && rows <= most + 10, "{change}: {rows} rows read");
        run(&mut ticker, "commit").await;
        let found: i64 = test
            .one("select sum(tidemark.bucket_count('15m', tstzmultirange(span)))::bigint from tidemark.dirty")
            .await;
        assert!(found >= 1 && found <= most, "{change}: {found} buckets");
        test.drain().await;
    }
    crate::truth::assert_drained_tables_equal_raw_rows(&test, "all moved").await;
}
