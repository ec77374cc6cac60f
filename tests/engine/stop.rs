//! Stop a tick at a chosen statement, and let it go on, or kill it there.
//!
//! Statement triggers on Tidemark's own tables wait for an advisory lock that the test holds, in sessions that ask
//! for it. The engine is as shipped; only its tables have these triggers, and only in the test's database.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, PgConnection, Row};
use tokio::task::JoinHandle;

use crate::harness::TestDb;

const STOPS: &str = "
create schema stop;
create function stop.here() returns trigger language plpgsql set lock_timeout = 0 as $$
declare
  wanted text := nullif(current_setting('stop.before', true), '');
  n integer := nullif(current_setting('stop.at', true), '')::integer;
begin
  if wanted = tg_table_name || ' ' || lower(tg_op) or n = 1 then
    perform set_config('stop.before', '', false), set_config('stop.at', '', false);
    perform pg_advisory_xact_lock_shared(4711);
  elsif n > 1 then
    perform set_config('stop.at', (n - 1)::text, false);
  end if;
  return null;
end $$;
do $$ declare t record; begin
  for t in select c.oid::regclass as name from pg_class c where c.relnamespace = 'tidemark'::regnamespace and c.relkind = 'r' and c.relname <> '_migration' loop
    execute format('create trigger stop before insert or update or delete on %s for each statement execute function stop.here()', t.name);
  end loop;
end $$";

/// Stops are in place while this lives.
pub struct Stops {
    gate: PgConnection,
}

/// A statement under way in a session of its own.
pub struct Victim {
    pub pid: i32,
    running: JoinHandle<Result<Option<String>, sqlx::Error>>,
}

impl Stops {
    pub async fn install(test: &TestDb) -> Stops {
        test.sql(STOPS).await;
        let mut gate = test.actor().await;
        run(&mut gate, "select pg_advisory_lock(4711)").await;
        Stops { gate }
    }

    /// Let everybody who waits go on.
    pub async fn open(&mut self) {
        run(&mut self.gate, "select pg_advisory_unlock(4711)").await;
    }

    pub async fn close(&mut self) {
        run(&mut self.gate, "select pg_advisory_lock(4711)").await;
    }
}

impl Victim {
    /// Start a statement that returns one text; `setting` is `stop.before = 'TABLE EVENT'` or `stop.at = 'N'`.
    pub async fn start(test: &TestDb, setting: &str, sql: &str) -> Victim {
        let mut connection = test.actor().await;
        run(&mut connection, &format!("set {setting}")).await;
        let pid: i32 = sqlx::query_scalar("select pg_backend_pid()")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        let sql = sql.to_owned();
        let running = tokio::spawn(async move {
            let row = sqlx::query(AssertSqlSafe(sql)).fetch_one(&mut connection).await?;
            Ok(row.get::<Option<String>, _>(0))
        });
        Victim { pid, running }
    }

    /// Wait until it waits for a lock (true) or is through (false).
    pub async fn stopped(&self, test: &TestDb) -> bool {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            if self.running.is_finished() {
                return false;
            }
            if test
                .one::<bool>(&format!(
                    "select exists (select from pg_locks where pid = {} and not granted)",
                    self.pid
                ))
                .await
            {
                return true;
            }
            assert!(Instant::now() < until, "neither waits nor ends");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Its result, when it has ended.
    pub async fn end(self) -> Result<Option<String>, sqlx::Error> {
        tokio::time::timeout(Duration::from_secs(20), self.running)
            .await
            .unwrap()
            .unwrap()
    }

    /// Kill its backend, and wait until that is gone.
    pub async fn kill(self, test: &TestDb) {
        test.sql(&format!("select pg_terminate_backend({})", self.pid)).await;
        until(
            test,
            &format!("not exists (select from pg_stat_activity where pid = {})", self.pid),
        )
        .await;
        self.running.await.unwrap().unwrap_err();
    }
}

/// Poll a condition.
pub async fn until(test: &TestDb, condition: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !test.one::<bool>(&format!("select {condition}")).await {
        assert!(Instant::now() < deadline, "never came true: {condition}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{error}\n{sql}"));
}
