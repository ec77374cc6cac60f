//! Whatever is written by whomever, moves between users, deletes and rows without a user included: an answer for one user or
//! for all equals the raw rows, and after a drain the tables do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, PgConnection};
use tidemark_core::api::{Grain, ReadMode, RecomputeRequest, State};

use super::{PULSE, TABLE, ask, check, drained_equals_raw, pulse};
use crate::ask::declaration;
use crate::harness::TestDb;
use crate::property::{random::Random, setting};

fn user(random: &mut Random) -> String {
    if random.chance(12) {
        "null".to_owned()
    } else {
        random.below(6).to_string()
    }
}

fn time(random: &mut Random) -> String {
    match random.below(20) {
        0 => "null".to_owned(),
        1 => "'infinity'".to_owned(),
        2..6 => format!(
            "timestamp '2026-03-01' + interval '{} minutes'",
            random.below(60 * 24 * 60)
        ),
        _ => format!("timestamp '2026-03-14' + interval '{} minutes'", random.below(600)),
    }
}

fn statement(random: &mut Random) -> String {
    let some = format!("id % 17 = {} and id % 2 = {}", random.below(17), random.below(2));
    match random.below(12) {
        0..3 => {
            let rows: Vec<String> = (0..=random.below(4))
                .map(|_| {
                    format!(
                        "({}, '{}', {}, {})",
                        user(random),
                        random.pick(&["hr", "bp"]),
                        random.below(500),
                        time(random)
                    )
                })
                .collect();
            format!(
                "insert into samples (user_id, kind, v, measured_at) values {}",
                rows.join(", ")
            )
        }
        3 => format!(
            "insert into samples (user_id, kind, v, measured_at) select {}, 'hr', i, timestamp '2026-03-05' + i * interval '{} minutes' from generate_series(1, {}) i",
            user(random),
            1 + random.below(40),
            5 + random.below(300)
        ),
        // More marks than are left as they are.
        4 => format!(
            "insert into samples (user_id, kind, v, measured_at) select i % {}, 'bp', i, timestamp '2026-03-02' + i * interval '31 minutes' from generate_series(1, 1100) i",
            1 + random.below(150)
        ),
        5 => format!("update samples set user_id = {} where {some}", user(random)),
        6 => format!(
            "update samples set user_id = {}, measured_at = {} where {some}",
            user(random),
            time(random)
        ),
        7 => format!("update samples set v = v + 1, kind = 'hr' where {some}"),
        8 => format!("update samples set deleted_at = case when deleted_at is null then now() end where {some}"),
        9 => format!("delete from samples where {some}"),
        10 => format!(
            "delete from samples where user_id = {} and measured_at < '2026-03-14 0{}:00'",
            random.below(6),
            random.below(9)
        ),
        _ => format!(
            "with gone as (delete from samples where {some} returning *) insert into samples (user_id, kind, v, measured_at) select {}, kind, v, measured_at from gone",
            user(random)
        ),
    }
}

async fn attempt(connection: &mut PgConnection, sql: &str) -> bool {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .is_ok()
}

#[tokio::test]
async fn an_answer_for_one_user_or_all_equals_the_raw_rows_whatever_was_written() {
    for seed in 1..=setting("TIDEMARK_SEEDS", 2) {
        let seed = setting("TIDEMARK_SEED", seed);
        let mut random = Random::new(seed);
        let test = TestDb::empty().await;
        test.sql(TABLE).await;
        for _ in 0..6 {
            test.sql(&statement(&mut random)).await;
        }
        test.db.apply(&declaration(PULSE), true).await.unwrap();
        let mut actors = Vec::new();
        for _ in 0..3 {
            let mut connection = test.actor().await;
            crate::ask::run(&mut connection, "set lock_timeout = '20ms'").await;
            actors.push((connection, false));
        }
        for step in 0..setting("TIDEMARK_STEPS", 70) {
            let context = format!("seed {seed}, step {step}");
            match random.below(10) {
                0..6 => {
                    let at = random.below(3) as usize;
                    let sql = statement(&mut random);
                    let (connection, open) = &mut actors[at];
                    if !*open {
                        *open = attempt(connection, "begin").await;
                    }
                    // A transaction that failed stays open until its end, as with any program.
                    attempt(connection, &sql).await;
                    if random.chance(60) {
                        let end = if random.chance(85) { "commit" } else { "rollback" };
                        attempt(connection, end).await;
                        *open = false;
                    }
                }
                6 | 7 => {
                    let slice = *random.pick(&["0 seconds", "10 milliseconds", "2 seconds"]);
                    let outcome: String = test
                        .one(&format!(
                            "select tidemark.tick('pulse', 'test', interval '{slice}') ->> 'outcome'"
                        ))
                        .await;
                    assert_ne!(outcome, "failed", "{context}");
                }
                8 => {
                    let request = RecomputeRequest {
                        rollup: "pulse".to_owned(),
                        from: None,
                        to: None,
                        scope: random
                            .chance(80)
                            .then(|| ("person".to_owned(), random.below(6).to_string())),
                        reason: None,
                        pace: 100,
                    };
                    // A user without rows has nothing to recompute.
                    test.db.recompute(&request).await.ok();
                }
                _ => {
                    let audit = test.db.audit("pulse", None, false).await.unwrap();
                    assert_eq!(audit.difference_count, 0, "{context}: {audit:?}");
                }
            }
            if random.chance(25) {
                check(&test, &context).await;
            }
        }
        for (connection, open) in &mut actors {
            if *open {
                attempt(connection, "commit").await;
            }
        }
        drained_equals_raw(&test, &format!("seed {seed}, at the end")).await;
    }
}

/// Rows move between users, buckets and kinds, so their number is the same at every instant: an answer made of two instants
/// would count some twice or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exact_answer_is_one_instant_while_rows_move_between_users() {
    let test = Arc::new(pulse().await);
    let stop = Arc::new(AtomicBool::new(false));
    let ticks = Arc::new(AtomicU64::new(0));
    let mut tasks = Vec::new();
    for writer in 0..3 {
        let (test, stop) = (test.clone(), stop.clone());
        tasks.push(tokio::spawn(async move {
            let mut random = Random::new(setting("TIDEMARK_SEED", 1) * 100 + writer);
            let mut connection = test.actor().await;
            while !stop.load(Ordering::Relaxed) {
                let some = format!("id % 97 = {}", random.below(97));
                let to = user(&mut random);
                let sql = match random.below(3) {
                    0 => format!("update samples set user_id = {to} where {some}"),
                    1 => format!("update samples set user_id = {to}, measured_at = timestamp '2026-03-01' + interval '{} minutes' where {some}", random.below(50_000)),
                    _ => format!("with gone as (delete from samples where {some} returning *) insert into samples (user_id, kind, v, measured_at) select {to}, kind, v, measured_at from gone"),
                };
                // Deadlocks between writers are theirs.
                attempt(&mut connection, &sql).await;
                tokio::time::sleep(Duration::from_millis(random.below(30))).await;
            }
        }));
    }
    for _ in 0..2 {
        let (test, stop, ticks) = (test.clone(), stop.clone(), ticks.clone());
        tasks.push(tokio::spawn(async move {
            let mut connection = test.actor().await;
            while !stop.load(Ordering::Relaxed) {
                attempt(
                    &mut connection,
                    "select tidemark.tick('pulse', 'concurrent', interval '20 milliseconds')",
                )
                .await;
                ticks.fetch_add(1, Ordering::Relaxed);
                tokio::task::yield_now().await;
            }
        }));
    }
    let started = Instant::now();
    let mut answers = 0;
    while started.elapsed() < Duration::from_secs(setting("TIDEMARK_SECONDS", 6)) || answers < 12 {
        assert!(
            started.elapsed() < Duration::from_secs(120),
            "too slow to mean anything"
        );
        let grain = [Grain::Total, Grain::Day, Grain::Month][answers % 3];
        let (answer, rows) = ask(&test, grain, None, ReadMode::Exact).await;
        assert_eq!(answer.state, State::Exact);
        assert_eq!(rows.iter().map(|row| row.3).sum::<i64>(), 2000, "{grain}");
        answers += 1;
    }
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    println!("{answers} answers, {} ticks", ticks.load(Ordering::Relaxed));
    drained_equals_raw(&test, "after everybody stopped").await;
}
