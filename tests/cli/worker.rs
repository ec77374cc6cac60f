//! `worker`: ticks until stopped, and outlives its database's absence.

use std::io::{BufRead, BufReader};
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Scratch, execute, finish, run, server_url, signal, wait_until};

/// A worker whose messages are read as they come.
struct Worker {
    child: Child,
    said: Arc<Mutex<String>>,
}

impl Worker {
    fn start(scratch: &Scratch) -> Worker {
        let mut child = scratch
            .command(&["worker", "--interval", "200ms", "--json"])
            .spawn()
            .unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        let (lines, kept) = (BufReader::new(child.stderr.take().unwrap()), said.clone());
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                kept.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Worker { child, said }
    }

    fn said(&self, word: &str) -> bool {
        self.said.lock().unwrap().contains(word)
    }
}

fn pending(scratch: &Scratch) -> i64 {
    scratch.json(&["status"])["rollups"][0]["pending_buckets"]
        .as_i64()
        .unwrap()
}

#[test]
fn a_worker_ticks_until_sigterm_and_ends_well() {
    let scratch = Scratch::raw();
    scratch.run(&["rollup", "apply", "ops_metrics"]).exits(0);
    let worker = Worker::start(&scratch);
    wait_until("the first build is done", || pending(&scratch) == 0);
    scratch.sql("insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-27 10:30Z', 1, 5)");
    wait_until("a write is taken in", || pending(&scratch) == 0);
    let status = scratch.json(&["status"]);
    let tickers: Vec<_> = status["rollups"][0]["tickers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ticker| ticker["name"].clone())
        .collect();
    assert!(tickers.contains(&json!("worker")), "{tickers:?}");
    let begun = Instant::now();
    signal(&worker.child, "TERM");
    let ran = finish(worker.child).exits(0);
    assert!(begun.elapsed() < Duration::from_secs(5), "it ends between slices");
    assert_eq!(ran.json()["stopped_by"], "SIGTERM");
    scratch.run(&["audit"]).exits(0);
}

#[test]
fn a_worker_does_not_spin_where_a_bucket_fails_or_a_job_rests() {
    let scratch = Scratch::ops();
    // A bucket that has failed, and is tried again in an hour.
    scratch.sql("insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-27 10:30Z', 1, 5)");
    scratch.sql("select tidemark.intake(id, storage) from tidemark.rollup");
    scratch.sql("update tidemark.dirty set attempts = 1, next_try_at = now() + interval '1 hour'");
    // A job that rests for an hour.
    scratch.run(&["recompute", "ops_metrics", "--pace", "20"]).exits(0);
    scratch.sql("update tidemark.job set rests_until = now() + interval '1 hour' where state = 'running'");
    let begun = Instant::now();
    let worker = Worker::start(&scratch);
    for _ in 0..5 {
        let seen = || {
            scratch.one::<Option<String>>("select max(last_seen_at)::text from tidemark.ticker where name = 'worker'")
        };
        let before = seen();
        wait_until("another tick", || seen() != before);
    }
    signal(&worker.child, "TERM");
    let ticks = finish(worker.child).exits(0).json()["ticks"].as_f64().unwrap();
    let most = begun.elapsed().as_secs_f64() / 0.2 + 1.0;
    assert!(ticks >= 5.0 && ticks <= most, "{ticks} of at most {most}");
    assert_eq!(scratch.json(&["tick"])["rollups"][0]["outcome"], "resting");
}

#[test]
fn a_worker_waits_for_a_database_that_goes_away_and_goes_on() {
    let scratch = Scratch::ops();
    let worker = Worker::start(&scratch);
    // Its first connection is not retried: it has to be through with that.
    wait_until("it ticks", || worker.said("Ticking every"));
    let name = &scratch.name;
    execute(
        &server_url(),
        &format!("alter database {name} with allow_connections false"),
    );
    execute(
        &server_url(),
        &format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"),
    );
    wait_until("it says that it tries again", || worker.said("Trying again in"));
    execute(
        &server_url(),
        &format!("alter database {name} with allow_connections true"),
    );
    wait_until("it is back", || worker.said("The database is back"));
    scratch.sql("insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-27 10:30Z', 1, 5)");
    wait_until("it goes on", || pending(&scratch) == 0);
    signal(&worker.child, "TERM");
    finish(worker.child).exits(0);
}

#[test]
fn a_worker_that_can_not_connect_at_first_says_so_and_ends() {
    run(&["worker", "--database-url", "postgres://u@127.0.0.1:1/x"])
        .exits(3)
        .says(&["can't be reached"]);
}
