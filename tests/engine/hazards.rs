//! Hazards of those who wait: a job without a clue, and readers of ours that hold the operator's tables.

use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use futures_util::TryStreamExt;
use sqlx::{Connection, PgConnection};
use tidemark_core::api::{Grain, JobState, RecomputeRequest, TickOutcome};
use tidemark_db::{ConnectOptions, Db};
use tokio::time::timeout;

use crate::ask::{FROM, TO, question, run};
use crate::harness::{TestDb, at};
use crate::proxy::{Behind, Proxy};
use crate::server::OwnServer;

/// Minutes that a job still has to do, from the queue itself.
async fn left(test: &TestDb, job: i64) -> i64 {
    let minutes = "select coalesce(sum(extract(epoch from upper(span) - lower(span)) / 60), 0)::bigint from tidemark.dirty where job_id";
    test.one(&format!("{minutes} = {job}")).await
}

/// Hazard 30: a refresh that runs for hours without a clue.
#[tokio::test]
async fn hazard_30_a_job_says_how_far_it_is_and_is_paused_resumed_and_cancelled() {
    // A row in each quarter of an hour: so many minutes.
    let minutes = 6_000 * 15;
    let test = TestDb::raw().await;
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) select timestamptz '2026-01-01' + i * interval '15 minutes', 1, i from generate_series(0, 5999) i").await;
    test.db.apply(&crate::ask::ops(), true).await.unwrap();
    test.drain_of("ops_metrics").await;
    let request = RecomputeRequest {
        rollup: "ops_metrics".to_owned(),
        from: None,
        to: None,
        scope: None,
        reason: Some("a correction".to_owned()),
        pace: 100,
    };
    let made = test.db.recompute(&request).await.unwrap();
    assert_eq!((made.buckets_done, made.buckets_total, made.rate), (0, minutes, None));
    let slice = "select tidemark.tick('ops_metrics', 'test', interval '0')";
    let mut before = 0;
    for _ in 0..2 {
        test.sql(slice).await;
        let job = test.db.job(made.id).await.unwrap();
        assert_eq!(job.state, JobState::Running, "one batch is not all of it");
        assert!(job.buckets_done > before && job.buckets_total == minutes, "{job:?}");
        assert_eq!(
            job.buckets_total - job.buckets_done,
            left(&test, made.id).await,
            "the progress is what is gone from the queue"
        );
        // The rate is over the time since it was made, and the time left follows from it.
        let rate = job.rate.unwrap();
        let since = (Utc::now() - job.created_at).as_seconds_f64();
        assert!(
            (rate * since / job.buckets_done as f64 - 1.0).abs() < 0.5,
            "{rate} a second over {since} s: {job:?}"
        );
        let expected = left(&test, made.id).await as f64 / rate;
        assert!(
            (job.seconds_left.unwrap() - expected).abs() < 1e-6 * expected.max(1.0),
            "{job:?}"
        );
        before = job.buckets_done;
    }
    let paused = test.db.pause_job(made.id).await.unwrap();
    assert_eq!((paused.state, paused.seconds_left), (JobState::Paused, None));
    test.sql(slice).await;
    assert_eq!(
        test.db.job(made.id).await.unwrap().buckets_done,
        before,
        "a paused job rests"
    );
    // What it has not done yet goes on being served as exact, without reading raw rows.
    let answer = test
        .ask(&question("ops_metrics", at(FROM), at(TO), Grain::Total, chrono_tz::UTC))
        .await;
    assert_eq!((answer.live_buckets, answer.pending_buckets), (0, 0));
    assert_eq!(answer.rows[0].values["success_count"], 6_000);
    test.db.resume_job(made.id).await.unwrap();
    test.sql(slice).await;
    assert!(
        test.db.job(made.id).await.unwrap().buckets_done > before,
        "it goes on where it was"
    );
    let came_to = test.db.job(made.id).await.unwrap().buckets_done;
    let ended = test.db.cancel_job(made.id).await.unwrap();
    assert_eq!(
        (ended.state, ended.buckets_done, ended.buckets_total),
        (JobState::Cancelled, came_to, minutes),
        "how far it came is kept"
    );
    assert!(ended.finished_at.is_some() && left(&test, made.id).await == 0);
    let again = test.db.recompute(&request).await.unwrap();
    test.drain_of("ops_metrics").await;
    let done = test.db.job(again.id).await.unwrap();
    assert_eq!((done.state, done.buckets_done), (JobState::Done, minutes));
}

/// Hazard 30: a refresh that leaves the server to nobody else.
#[tokio::test]
async fn hazard_30_a_job_keeps_its_pace_whoever_ticks_and_holds_up_no_change() {
    let test = TestDb::raw().await;
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) select timestamptz '2026-01-01' + i * interval '15 minutes', 1, i from generate_series(0, 5999) i").await;
    test.db.apply(&crate::ask::ops(), true).await.unwrap();
    test.drain_of("ops_metrics").await;
    let mut request = RecomputeRequest {
        rollup: "ops_metrics".to_owned(),
        from: None,
        to: None,
        scope: None,
        reason: None,
        pace: 0,
    };
    for pace in [0, 101] {
        request.pace = pace;
        let refused = test.db.recompute(&request).await.unwrap_err();
        assert_eq!(refused.info().code, "bad_pace");
    }
    request.pace = 2;
    let made = test.db.recompute(&request).await.unwrap();
    // One batch, and a rest of 49 times what it took.
    let worked = test.db.tick("ops_metrics").await.unwrap();
    assert_eq!(worked.outcome, TickOutcome::Resting, "{worked:?}");
    let times = worked.rest_ms.unwrap() / worked.took_ms;
    assert!((20.0..=49.0).contains(&times), "{times}: {worked:?}");
    let before = test.db.job(made.id).await.unwrap();
    assert!(before.buckets_done > 0 && before.buckets_done < before.buckets_total);
    // No clock decides from here on.
    test.sql("update tidemark.job set rests_until = now() + interval '1 day' where state = 'running'")
        .await;
    test.sql("update usage_logs set duration_ms = duration_ms + 1 where id = (select min(id) from usage_logs)")
        .await;
    let between = test.db.tick("ops_metrics").await.unwrap();
    assert_eq!(
        (between.marks, between.buckets),
        (1, 15),
        "a change is worked off meanwhile"
    );
    assert_eq!(between.outcome, TickOutcome::Resting);
    let idle = test.db.tick("ops_metrics").await.unwrap();
    assert_eq!((idle.outcome, idle.buckets), (TickOutcome::Resting, 0));
    assert!(idle.rest() > Duration::from_secs(3000), "{idle:?}");
    let resting = test.db.job(made.id).await.unwrap();
    assert!(
        (0..=15).contains(&(resting.buckets_done - before.buckets_done)),
        "what served the change served it too"
    );
    // Another pace ends the rest.
    let hurried = test.db.pace_job(made.id, 90).await.unwrap();
    assert_eq!(hurried.pace, 90);
    test.drain_of("ops_metrics").await;
    let done = test.db.job(made.id).await.unwrap();
    assert_eq!((done.state, done.buckets_done), (JobState::Done, done.buckets_total));
    assert_eq!(
        test.db
            .audit("ops_metrics", None, false)
            .await
            .unwrap()
            .difference_count,
        0
    );
}

/// Hazard 40: an open read makes ALTER TABLE queue, and every INSERT behind it.
#[tokio::test]
async fn hazard_40_a_slow_read_of_ours_does_not_hold_the_operators_table_for_long() {
    let test = TestDb::with_rows().await;
    // The live part takes for ever: a thousand times the bound.
    test.sql("update tidemark.rollup set paused = true; update usage_logs set duration_ms = duration_ms + 1;
              do $$ declare reader regprocedure; begin
                select oid::regprocedure into strict reader from pg_proc where proname = 'ops_metrics__raw';
                execute regexp_replace(pg_get_functiondef(reader), E'\\nbegin\\n', E'\\nbegin\\n  perform 1 from usage_logs limit 1; perform pg_sleep(10000);\\n');
                execute format('alter function %s set search_path = public, pg_catalog, pg_temp', reader);
              end $$").await;
    let db = test.db.clone();
    let read = tokio::spawn(async move {
        db.query(&question("ops_metrics", at(FROM), at(TO), Grain::Day, chrono_tz::UTC))
            .await
    });
    crate::stop::until(&test, "exists (select from pg_locks where relation = 'usage_logs'::regclass and granted and mode = 'AccessShareLock' and pid <> pg_backend_pid())").await;
    let (mut owner, mut writer) = (test.actor().await, test.actor().await);
    let begun = Instant::now();
    let altered = tokio::spawn(async move { run(&mut owner, "alter table usage_logs add column note text").await });
    crate::stop::until(
        &test,
        "exists (select from pg_locks where relation = 'usage_logs'::regclass and not granted)",
    )
    .await;
    run(
        &mut writer,
        "insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-11', 1, 1)",
    )
    .await;
    altered.await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(14),
        "they waited for {:?}",
        begun.elapsed()
    );
    // It is answered, or told why not; it does not hang.
    match timeout(Duration::from_secs(20), read).await.unwrap().unwrap() {
        Ok(answer) => assert!(answer.pending_buckets > 0, "what could not be read live is pending"),
        Err(error) => assert!(
            error.to_string().contains("too long") || error.to_string().contains("range"),
            "{error}"
        ),
    }
}

/// Hazard 40: a client that stops reading sits in ClientWrite, where no time-out of a statement fires.
#[tokio::test]
async fn hazard_40_a_client_that_stops_reading_frees_the_operators_table() {
    let server = OwnServer::start("deaf");
    let mut owner = PgConnection::connect(&server.admin_url("postgres")).await.unwrap();
    run(&mut owner, "create table usage_logs (id bigint); insert into usage_logs select generate_series(1, 100); create role ann login password 'x'; grant select on usage_logs to ann").await;
    let proxy = Proxy::before(Behind::Port(server.port)).await;
    let db = Db::connect(&ConnectOptions {
        url: Some(format!(
            "postgres://ann@127.0.0.1:{}/postgres?sslmode=disable",
            proxy.port
        )),
        password: Some("x".to_owned()),
        ..ConnectOptions::default()
    })
    .await
    .unwrap();
    let reading = tokio::spawn(async move {
        // An answer without an end: however late the proxy falls silent, there is more to come.
        let mut rows =
            sqlx::query("select repeat('x', 100000), generate_series(1, 1000000000) from usage_logs").fetch(db.pool());
        while rows.try_next().await?.is_some() {}
        Ok::<(), sqlx::Error>(())
    });
    wait(
        &mut owner,
        "the answer is under way",
        "select exists (select from pg_stat_activity where usename = 'ann' and query like '%repeat%')",
    )
    .await;
    proxy.swallow(true);
    wait(
        &mut owner,
        "the server can't get rid of it",
        "select exists (select from pg_stat_activity where usename = 'ann' and wait_event = 'ClientWrite')",
    )
    .await;
    let begun = Instant::now();
    // Bounded by tcp_user_timeout, 30 s, and the kernel's next look after that.
    let altered = timeout(
        Duration::from_secs(90),
        sqlx::raw_sql("alter table usage_logs add column note text").execute(&mut owner),
    );
    altered.await.expect("the table is freed").unwrap();
    eprintln!("freed after {:?}", begun.elapsed());
    reading.abort();
}

async fn wait(owner: &mut PgConnection, what: &str, sql: &'static str) {
    let until = Utc::now() + TimeDelta::seconds(30);
    while !sqlx::query_scalar::<_, bool>(sql).fetch_one(&mut *owner).await.unwrap() {
        assert!(Utc::now() < until, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
