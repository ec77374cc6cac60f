//! The property test: whatever is written, in whatever order, however it is interleaved with ticks, jobs, audits and
//! pauses, an answer that is called exact equals the raw rows; and after a drain every table equals a fresh GROUP BY.
//!
//! The driver runs one statement at a time over many connections, whose transactions stay open across steps, prepared
//! ones and a tick's own included. Between two steps nothing moves, so the engine's snapshot and that of the truth are
//! the same, and a seed replays the same statements.
//!
//! `TIDEMARK_SEED=n` runs that seed only; `TIDEMARK_SEEDS=n` and `TIDEMARK_STEPS=n` run longer.

mod concurrent;
pub mod random;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tidemark_core::api::{Grain, JobState, RecomputeRequest};

use crate::harness::TestDb;
use crate::systems::{FORECAST_ACCURACY, MEASUREMENTS, OPS_METRICS, System, TASK_USAGE};
use crate::truth::{BY_ALL, Question, assert_drained_tables_equal_raw_rows};
use random::Random;

/// Seeds that found something once.
const ONCE_FAILED: [u64; 0] = [];

pub fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |value| {
        value.parse().unwrap_or_else(|_| panic!("{name} must be a number"))
    })
}

#[tokio::test]
async fn an_exact_answer_equals_the_raw_rows_whatever_was_written() {
    seeds(&OPS_METRICS).await;
}

#[tokio::test]
async fn an_exact_answer_of_task_usage_equals_the_raw_rows_whatever_was_written() {
    seeds(&TASK_USAGE).await;
}

#[tokio::test]
async fn an_exact_answer_of_measurements_equals_the_raw_rows_whatever_was_written() {
    seeds(&MEASUREMENTS).await;
}

#[tokio::test]
async fn an_exact_answer_of_forecast_accuracy_equals_the_raw_rows_whatever_was_written() {
    seeds(&FORECAST_ACCURACY).await;
}

async fn seeds(system: &'static System) {
    let steps = setting("TIDEMARK_STEPS", 120);
    let seeds: Vec<u64> = match std::env::var("TIDEMARK_SEED") {
        Ok(_) => vec![setting("TIDEMARK_SEED", 0)],
        Err(_) => ONCE_FAILED
            .into_iter()
            .chain(1..=setting("TIDEMARK_SEEDS", 6))
            .collect(),
    };
    for pair in seeds.chunks(2) {
        let first = run(system, pair[0], steps);
        match pair.get(1) {
            Some(second) => drop(tokio::join!(first, run(system, *second, steps))),
            None => first.await,
        }
    }
}

/// Somebody with a connection, and how deep in a transaction.
struct Actor {
    connection: PgConnection,
    open: bool,
    savepoints: u32,
}

struct World {
    test: TestDb,
    random: Random,
    actors: Vec<Actor>,
    /// A connection whose tick has not been committed yet.
    ticker: PgConnection,
    ticking: bool,
    prepared: Vec<String>,
    /// Statements so far, for whoever has to find out.
    log: Vec<String>,
}

async fn run(system: &'static System, seed: u64, steps: u64) {
    let started = std::time::Instant::now();
    let mut world = World::new(system, seed).await;
    let mut checks = 0;
    for step in 0..steps {
        world.step(step).await;
        if world.random.chance(60) {
            world.check(&format!("seed {seed}, step {step}")).await;
            checks += 1;
        }
        if step % 60 == 59 {
            world.settle().await;
            world.test.drain().await;
            assert_drained_tables_equal_raw_rows(&world.test, &format!("seed {seed}, step {step}")).await;
            world.log.push("settled and drained".to_owned());
        }
    }
    world.settle().await;
    world.test.drain().await;
    assert_drained_tables_equal_raw_rows(&world.test, &format!("seed {seed}, at the end")).await;
    let (written, failed) = (
        world.log.len(),
        world.log.iter().filter(|line| line.contains(" -- ")).count(),
    );
    println!(
        "{} seed {seed}: {steps} steps, {failed} of {written} statements refused, {checks} comparisons, {:.1} s",
        system.name,
        started.elapsed().as_secs_f64()
    );
}

impl World {
    async fn new(system: &'static System, seed: u64) -> World {
        let mut random = Random::new(seed);
        let test = TestDb::raw_of(system).await;
        for _ in 0..30 {
            let statement = (system.statement)(&mut random);
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(test.pool()).await.ok();
        }
        test.apply().await;
        let mut actors = Vec::new();
        for _ in 0..4 {
            let mut connection = test.actor().await;
            // Rows that another actor holds: this one gives up at once, and the driver goes on.
            run_sql(&mut connection, "set lock_timeout = '20ms'").await.unwrap();
            actors.push(Actor {
                connection,
                open: false,
                savepoints: 0,
            });
        }
        let ticker = test.actor().await;
        World {
            test,
            random,
            actors,
            ticker,
            ticking: false,
            prepared: Vec::new(),
            log: Vec::new(),
        }
    }

    async fn step(&mut self, step: u64) {
        match self.random.below(100) {
            0..60 => self.write(step).await,
            60..64 => {
                let sql = (self.test.system().sweeping)(&mut self.random);
                self.sweep(sql).await;
            }
            64..68 => self.finish_prepared().await,
            68..84 => self.tick().await,
            84..95 => self.operate().await,
            95 => self.age().await,
            _ => self.audit().await,
        }
    }

    /// One actor opens, writes, or ends a transaction.
    async fn write(&mut self, step: u64) {
        let at = self.random.below(self.actors.len() as u64) as usize;
        let open = self.actors[at].open;
        let choice = self.random.below(100);
        let sql = match choice {
            0..14 => if open { "commit" } else { "begin" }.to_owned(),
            14..20 if open => "rollback".to_owned(),
            20..28 if open => format!("savepoint s{}", self.actors[at].savepoints + 1),
            28..36 if open && self.actors[at].savepoints > 0 => format!("rollback to s{}", self.actors[at].savepoints),
            36..42 if open => format!("prepare transaction 'p{step}_{}'", self.test.name()),
            _ => (self.test.system().statement)(&mut self.random),
        };
        let actor = &mut self.actors[at];
        // A failed statement must not take the whole transaction along, or little would ever be committed.
        let guarded = open && (choice >= 42 || sql.starts_with("insert") || sql.starts_with("update"));
        if guarded {
            run_sql(&mut actor.connection, "savepoint statement").await.unwrap();
        }
        let done = run_sql(&mut actor.connection, &sql).await;
        self.log.push(format!(
            "{at}: {sql}{}",
            done.as_ref()
                .err()
                .map_or(String::new(), |error| format!(" -- {error}"))
        ));
        match (&done, sql.split(' ').next().unwrap_or_default()) {
            (Ok(()), "begin") => actor.open = true,
            (Ok(()), "commit") => (actor.open, actor.savepoints) = (false, 0),
            (Ok(()), "savepoint") => actor.savepoints += 1,
            (Ok(()), "prepare") => {
                (actor.open, actor.savepoints) = (false, 0);
                self.prepared.push(format!("p{step}_{}", self.test.name()));
            }
            (Ok(()), "rollback") if sql == "rollback" => (actor.open, actor.savepoints) = (false, 0),
            (Ok(()), "rollback") => actor.savepoints -= 1,
            (Err(_), "prepare" | "commit") => {
                run_sql(&mut actor.connection, "rollback").await.ok();
                (actor.open, actor.savepoints) = (false, 0);
            }
            (Err(_), _) if guarded => run_sql(&mut actor.connection, "rollback to statement").await.unwrap(),
            (Err(_), _) if open => {
                run_sql(&mut actor.connection, "rollback").await.unwrap();
                (actor.open, actor.savepoints) = (false, 0);
            }
            _ => {}
        }
    }

    async fn sweep(&mut self, sql: String) {
        let mut connection = self.test.actor().await;
        let done = run_sql(&mut connection, &format!("set lock_timeout = '20ms'; {sql}")).await;
        self.log.push(format!(
            "{sql}{}",
            done.err().map_or(String::new(), |error| format!(" -- {error}"))
        ));
        connection.close().await.ok();
    }

    async fn finish_prepared(&mut self) {
        if self.prepared.is_empty() {
            return;
        }
        let at = self.random.below(self.prepared.len() as u64) as usize;
        let gid = self.prepared.swap_remove(at);
        let sql = format!(
            "{} prepared '{gid}'",
            if self.random.chance(70) { "commit" } else { "rollback" }
        );
        self.test.sql(&sql).await;
        self.log.push(sql);
    }

    /// A slice as small as can be, committed at once, or left open for others to write meanwhile.
    async fn tick(&mut self) {
        let tick = format!(
            "select tidemark.tick('{}', 'property', interval '0')",
            self.test.system().name
        );
        let sql = match (self.ticking, self.random.below(10)) {
            (true, 0..5) => "commit".to_owned(),
            (true, 5..7) => "rollback".to_owned(),
            (true, _) => {
                // Another ticker finds the lock taken.
                self.test.sql(&tick).await;
                return;
            }
            (false, 0..4) => format!("begin; {tick}"),
            (false, 4) => tick.replace("'0'", "'2 seconds'"),
            (false, _) => tick,
        };
        run_sql(&mut self.ticker, &sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
        self.ticking = if self.ticking { false } else { sql.starts_with("begin") };
        self.log.push(sql);
    }

    /// What a person does: jobs and pauses.
    async fn operate(&mut self) {
        let db = &self.test.db;
        let jobs = db.jobs().await.unwrap();
        let current: Vec<i64> = jobs
            .iter()
            .filter(|job| matches!(job.state, JobState::Running | JobState::Paused))
            .map(|job| job.id)
            .collect();
        let choice = self.random.below(6);
        self.log.push(format!("operate {choice}, jobs {current:?}"));
        match choice {
            0 | 1 => {
                let to = Utc::now() - TimeDelta::minutes(self.random.below(3_000) as i64);
                let from =
                    (!self.random.chance(20)).then(|| to - TimeDelta::minutes(1 + self.random.below(30_000) as i64));
                let request = RecomputeRequest {
                    rollup: self.test.system().name.to_owned(),
                    from,
                    to: Some(to),
                    scope: None,
                    reason: None,
                    pace: 100,
                };
                // Nothing lies in that range: said, and nothing done.
                db.recompute(&request)
                    .await
                    .map_or_else(|error| assert_eq!(error.info().code, "no_data", "{error}"), drop);
            }
            2 => db.set_paused(self.test.system().name, true).await.unwrap(),
            3 => db.set_paused(self.test.system().name, false).await.unwrap(),
            // These wait for the tick's lock.
            _ if self.ticking || current.is_empty() => {}
            choice => {
                let id = *self.random.pick(&current);
                match (choice, self.random.chance(50)) {
                    (4, _) => db.cancel_job(id).await.map(drop).unwrap(),
                    (_, true) => db.pause_job(id).await.map(drop).unwrap(),
                    (_, false) => db.resume_job(id).await.map(drop).unwrap(),
                }
            }
        }
    }

    /// Time passes: the hot tail gets shorter, and the next tick moves its line.
    async fn age(&mut self) {
        self.log.push("age".to_owned());
        self.test
            .sql("update tidemark.level set keep = keep - interval '5 hours' where keep > interval '6 hours'")
            .await;
    }

    async fn audit(&mut self) {
        if self.ticking {
            return;
        }
        let db = &self.test.db;
        // What was written while capture was off is a difference, until a tick has seen the gap.
        let intact = db.status(Some(self.test.system().name)).await.unwrap().rollups[0].capture_intact;
        let report = db
            .audit(self.test.system().name, None, self.random.chance(50))
            .await
            .unwrap();
        self.log.push("audit".to_owned());
        assert!(
            report.difference_count == 0 || !intact,
            "{report:?}\n{}",
            self.log.join("\n")
        );
    }

    /// Ask a few questions and compare.
    async fn check(&mut self, context: &str) {
        let now = Utc::now().duration_trunc(TimeDelta::minutes(1)).unwrap();
        let question = self.question(now);
        let context = format!(
            "{context}\n{}\n",
            self.log[self.log.len().saturating_sub(40)..].join("\n")
        );
        question.check(&self.test, &context).await;
    }

    fn question(&mut self, now: DateTime<Utc>) -> Question {
        let base = self.test.system().base;
        let width = base.fixed().unwrap();
        let minutes = |n: u64| TimeDelta::minutes(n as i64);
        // Where the hot tail is gone, quarter hours are the finest that the rollup can cut at.
        let quarter = |at: DateTime<Utc>| at.duration_trunc(TimeDelta::minutes(15)).unwrap();
        let (from, to, grain) = match self.random.below(6) {
            0 => (now - minutes(60), now + minutes(1), Grain::Minute),
            1 => (
                quarter(now - minutes(self.random.below(3_000))),
                now + minutes(1),
                Grain::QuarterHour,
            ),
            2 => (
                now - minutes(1 + self.random.below(4 * 1_440)),
                now + minutes(self.random.below(4_000)),
                Grain::Hour,
            ),
            3 => (
                quarter(now - minutes(50 * 1_440)),
                quarter(now + minutes(3 * 1_440)),
                Grain::Day,
            ),
            4 => (
                quarter(now - minutes(100 * 1_440)),
                quarter(now + minutes(3 * 1_440)),
                Grain::Month,
            ),
            _ => (
                now - minutes(1 + self.random.below(60 * 1_440)),
                now + minutes(1),
                Grain::Total,
            ),
        };
        let zones = [
            chrono_tz::UTC,
            chrono_tz::UTC,
            chrono_tz::Asia::Kolkata,
            chrono_tz::Asia::Kathmandu,
        ];
        Question {
            from: from.duration_trunc(width).unwrap(),
            to: (to + width - minutes(1)).duration_trunc(width).unwrap(),
            grain: grain.max(base),
            // Days of UTC make no other zone's days.
            tz: if base < Grain::Day {
                *self.random.pick(&zones)
            } else {
                chrono_tz::UTC
            },
            by: if self.random.chance(60) {
                BY_ALL
            } else {
                self.random.next() as u32
            },
        }
    }

    /// End all that is open, resume what is paused.
    async fn settle(&mut self) {
        for actor in &mut self.actors {
            if actor.open {
                run_sql(&mut actor.connection, "commit").await.unwrap();
                (actor.open, actor.savepoints) = (false, 0);
            }
        }
        if self.ticking {
            run_sql(&mut self.ticker, "commit").await.unwrap();
            self.ticking = false;
        }
        for gid in std::mem::take(&mut self.prepared) {
            self.test.sql(&format!("commit prepared '{gid}'")).await;
        }
        self.test.db.set_paused(self.test.system().name, false).await.unwrap();
        for job in self.test.db.jobs().await.unwrap() {
            if job.state == JobState::Paused {
                self.test.db.resume_job(job.id).await.unwrap();
            }
        }
    }
}

async fn run_sql(connection: &mut PgConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .map(drop)
}
