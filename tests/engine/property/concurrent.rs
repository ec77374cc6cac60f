//! The same property with everybody at once: writers, tickers and readers that nobody coordinates.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DurationRound, TimeDelta, Utc};
use sqlx::Row;
use tidemark_core::api::{Grain, ReadMode, State};

use super::random::Random;
use super::{run_sql, setting};
use crate::harness::TestDb;
use crate::truth::{BY_ALL, Question, assert_drained_tables_equal_raw_rows};

const ROWS: i64 = 600;

/// Each transaction moves rows (in time, between groups, through lookups) or replaces them, so their number is the same
/// at every instant: an answer made of two instants would count some twice or not at all. Now and then the writers hold
/// still, the tickers don't; where no writer committed between two looks, the answer is compared number by number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exact_answer_is_one_instant_while_everybody_writes_and_ticks() {
    let seed = setting("TIDEMARK_SEED", 1);
    let test = Arc::new(TestDb::ops().await);
    test.sql(&format!(
        "create table commits (id bigint generated always as identity);
         insert into usage_logs (created_at, account_id, group_id, duration_ms)
         select now() - i * interval '7 minutes', 1 + i % 4, nullif(i % 5, 0), i * 17 from generate_series(1, {ROWS}) i"
    ))
    .await;
    test.sql("update tidemark.level set keep = '20 hours' where keep is not null")
        .await;
    let stop = Arc::new(AtomicBool::new(false));
    let quiet = Arc::new(AtomicBool::new(false));
    let ticks = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for writer in 0..3 {
        tasks.push(tokio::spawn(write(
            test.clone(),
            Random::new(seed * 100 + writer),
            stop.clone(),
            quiet.clone(),
        )));
    }
    for _ in 0..2 {
        tasks.push(tokio::spawn(tick(test.clone(), stop.clone(), ticks.clone())));
    }
    let started = Instant::now();
    let least = Duration::from_secs(setting("TIDEMARK_SECONDS", 12));
    let mut random = Random::new(seed);
    let (mut answers, mut compared) = (0, 0);
    // Longer on a machine that is busy with something else.
    let enough = |answers, compared| answers > 20 && compared > 5 && ticks.load(Ordering::Relaxed) > 20;
    while started.elapsed() < least || !enough(answers, compared) {
        assert!(
            started.elapsed() < least + Duration::from_secs(120),
            "too slow to mean anything: {answers} answers, {compared} compared"
        );
        let now = Utc::now().duration_trunc(TimeDelta::minutes(15)).unwrap();
        let grain = *random.pick(&[Grain::Total, Grain::Hour, Grain::Day, Grain::Month]);
        let question = Question {
            from: now - TimeDelta::days(7),
            to: now + TimeDelta::days(3),
            grain,
            tz: *random.pick(&[chrono_tz::UTC, chrono_tz::Asia::Kolkata]),
            by: BY_ALL,
        };
        quiet.store(answers % 3 == 2, Ordering::Relaxed);
        let before: i64 = test.one("select count(*) from commits").await;
        let answer = question.ask(&test, ReadMode::Exact).await;
        let truth = question.truth(&test).await;
        let after: i64 = test.one("select count(*) from commits").await;
        assert_eq!(answer.state, State::Exact);
        let rows: i64 = answer
            .rows
            .iter()
            .map(|row| row.values["request_count"].as_i64().unwrap())
            .sum();
        assert_eq!(rows, ROWS, "seed {seed}: {question:?}: {answer:?}");
        answers += 1;
        if before == after {
            compared += 1;
            question.assert_same(&test, &answer, &truth, &format!("seed {seed}"));
        }
    }
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    println!(
        "{answers} answers, {compared} of them compared number by number, {} ticks",
        ticks.load(Ordering::Relaxed)
    );
    test.drain().await;
    assert_drained_tables_equal_raw_rows(&test, "after everybody stopped").await;
}

async fn write(test: Arc<TestDb>, mut random: Random, stop: Arc<AtomicBool>, quiet: Arc<AtomicBool>) {
    let mut connection = test.actor().await;
    run_sql(&mut connection, "set lock_timeout = '2s'").await.unwrap();
    while !stop.load(Ordering::Relaxed) {
        if quiet.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        let time = format!("now() - interval '{} minutes'", random.below(9_000) as i64 - 2_000);
        let some = format!("id % 97 = {} and id % 3 = {}", random.below(97), random.below(3));
        let sql = match random.below(8) {
            0..3 => format!("update usage_logs set created_at = {time} where {some}"),
            3 => format!(
                "update usage_logs set group_id = {}, account_id = {}, duration_ms = {} where {some}",
                random.below(6),
                1 + random.below(4),
                random.below(9_000)
            ),
            4 => format!(
                "update accounts set platform = 'p{}' where id = {}",
                random.below(4),
                1 + random.below(4)
            ),
            5 => format!(
                "update groups set platform = nullif('p{}', 'p0') where id = {}",
                random.below(4),
                1 + random.below(4)
            ),
            6 => format!(
                "with gone as (delete from usage_logs where {some} returning *) insert into usage_logs (created_at, account_id, duration_ms) select {time}, account_id, duration_ms from gone"
            ),
            _ => format!(
                "delete from groups where id = {0}; insert into groups (id, platform) values ({1}, 'q') on conflict do nothing",
                1 + random.below(4),
                1 + random.below(5)
            ),
        };
        let end = if random.chance(85) { "commit" } else { "rollback" };
        // Rows and deadlocks between writers are theirs; what counts is that each transaction is whole or not at all.
        if run_sql(
            &mut connection,
            &format!("begin; insert into commits default values; {sql}; {end}"),
        )
        .await
        .is_err()
        {
            run_sql(&mut connection, "rollback").await.unwrap();
        }
        tokio::time::sleep(Duration::from_millis(random.below(60))).await;
    }
}

async fn tick(test: Arc<TestDb>, stop: Arc<AtomicBool>, ticks: Arc<AtomicU64>) {
    let mut connection = test.actor().await;
    while !stop.load(Ordering::Relaxed) {
        let row =
            sqlx::query("select tidemark.tick('ops_metrics', 'concurrent', interval '20 milliseconds') ->> 'outcome'")
                .fetch_one(&mut connection)
                .await
                .unwrap();
        if row.get::<&str, _>(0) != "busy" {
            ticks.fetch_add(1, Ordering::Relaxed);
        }
        tokio::task::yield_now().await;
    }
}
