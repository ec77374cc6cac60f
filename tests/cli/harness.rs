//! Runs the binary, in a database of its own for each test.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// The operator's tables of the ops_metrics system, without rows.
const RAW: &str = include_str!("../engine/raw.sql");

/// Three days of requests that every test knows: 10 in each hour, one in five failed, one group NULL and one empty.
const ROWS: &str = "
insert into usage_logs (created_at, account_id, group_id, duration_ms)
select h + n * interval '1 minute', 1 + n % 4, nullif(n % 3, 0), 100 + n
from generate_series(timestamptz '2026-03-27 00:00Z', '2026-03-29 23:00Z', interval '1 hour') h, generate_series(1, 8) n;
insert into ops_error_logs (created_at, platform, account_id, status_code, error_type)
select h + n * interval '1 minute', 'openai', 2, case n when 1 then 500 else 429 end, null
from generate_series(timestamptz '2026-03-27 00:00Z', '2026-03-29 23:00Z', interval '1 hour') h, generate_series(1, 2) n;";

static NEXT: AtomicU32 = AtomicU32::new(0);

pub fn server_url() -> String {
    std::env::var("TIDEMARK_TEST_URL")
        .expect("TIDEMARK_TEST_URL is not set: run scripts/test.sh, or export TIDEMARK_TEST_URL=$(scripts/test-server.sh start)")
}

/// What a run of the binary came to.
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// The one JSON document on standard output.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("no JSON document: {error}\n{}\n{}", self.out, self.err))
    }

    #[track_caller]
    pub fn exits(self, status: i32) -> Ran {
        assert_eq!(
            self.status, status,
            "standard output:\n{}\nstandard error:\n{}",
            self.out, self.err
        );
        self
    }

    /// One message on standard error, with these words; nothing on standard output.
    #[track_caller]
    pub fn says(self, words: &[&str]) -> Ran {
        assert_eq!(self.out, "", "data where only a message belongs");
        for word in words {
            assert!(self.err.contains(word), "{word:?} is missing in: {}", self.err);
        }
        assert!(
            !self.err.contains("panicked") && !self.err.contains("Error {"),
            "{}",
            self.err
        );
        self
    }
}

/// A folder that goes away with its test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tidemark-cli-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// The binary, with nothing of the caller's in its environment: no database, no settings, no terminal.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidemark"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command
        .args(arguments)
        .env_remove("DATABASE_URL")
        .env_remove("TIDEMARK_LOG")
        .env("HOME", "/nonexistent")
        .env("XDG_CONFIG_HOME", "/nonexistent")
        .env("TZ", "UTC")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

pub fn finish(child: Child) -> Ran {
    let done = child.wait_with_output().unwrap();
    Ran {
        status: done.status.code().unwrap_or(-1),
        out: String::from_utf8(done.stdout).unwrap(),
        err: String::from_utf8(done.stderr).unwrap(),
    }
}

pub fn run(arguments: &[&str]) -> Ran {
    finish(command(arguments).spawn().unwrap())
}

/// A database of its own, dropped with the test.
pub struct Scratch {
    pub name: String,
    pub url: String,
}

impl Scratch {
    pub fn empty() -> Scratch {
        let name = format!("cli{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        execute(&server_url(), &format!("create database {name} template template0"));
        let url = server_url().replacen("///postgres?", &format!("///{name}?"), 1);
        Scratch { name, url }
    }

    /// With the operator's tables and rows.
    pub fn raw() -> Scratch {
        let scratch = Scratch::empty();
        scratch.sql(RAW);
        scratch.sql(ROWS);
        scratch
    }

    /// With `ops_metrics` installed and all of it computed.
    pub fn ops() -> Scratch {
        let scratch = Scratch::raw();
        scratch.run(&["rollup", "apply", "ops_metrics"]).exits(0);
        scratch.run(&["tick", "--drain"]).exits(0);
        scratch
    }

    pub fn as_role(&self, role: &str) -> String {
        self.url.replacen("user=postgres", &format!("user={role}"), 1)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.env("DATABASE_URL", &self.url);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        finish(self.command(arguments).spawn().unwrap())
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.push("--json");
        self.run(&all).exits(0).json()
    }

    pub fn sql(&self, sql: &str) {
        execute(&self.url, sql);
    }

    pub fn one<T>(&self, sql: &str) -> T
    where
        T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + 'static,
    {
        one_of(&self.url, sql)
    }

    /// Every object of the database outside schema `tidemark`, and every trigger: what must not change.
    pub fn operators_things(&self) -> String {
        self.one(
            "select coalesce(string_agg(thing, E'\\n' order by thing), '') from (
               select relkind::text || ' ' || oid::regclass::text || ' ' || coalesce(relacl::text, '') as thing from pg_class
                 where relnamespace not in (select oid from pg_namespace where nspname in ('tidemark', 'pg_catalog', 'information_schema', 'pg_toast'))
               union all select 'trigger ' || tgname || ' ' || tgrelid::regclass from pg_trigger where not tgisinternal
               union all select 'function ' || p.oid::regprocedure from pg_proc p join pg_namespace n on n.oid = pronamespace and nspname = 'public') t",
        )
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let (url, name) = (server_url(), self.name.clone());
        std::thread::spawn(move || execute(&url, &format!("drop database if exists {name} with (force)")))
            .join()
            .ok();
    }
}

/// The one value of a query.
pub fn one_of<T>(url: &str, sql: &str) -> T
where
    T: Send + Unpin + for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + 'static,
{
    let (url, sql) = (url.to_owned(), sql.to_owned());
    block_on(async move {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        sqlx::query_scalar(AssertSqlSafe(sql.clone()))
            .fetch_one(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{error}\n{sql}"))
    })
}

/// The SQLSTATE with which statements are refused.
pub fn refusal_of(url: &str, sql: &str) -> String {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    block_on(async move {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let error = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(&mut connection).await;
        let error = error.map(drop).expect_err(&sql);
        error.as_database_error().unwrap().code().unwrap().into_owned()
    })
}

/// Run statements as the server's owner.
pub fn execute(url: &str, sql: &str) {
    let (url, sql) = (url.to_owned(), sql.to_owned());
    block_on(async move {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.clone()))
            .execute(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{error}\n{sql}"));
        connection.close().await.ok();
    });
}

pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// The keys of an object, in order.
pub fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Look again and again, for half a minute.
#[track_caller]
pub fn wait_until(what: &str, mut seen: impl FnMut() -> bool) {
    for _ in 0..300 {
        if seen() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("waited in vain: {what}");
}

/// Send a signal by the system's own `kill`.
pub fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(sent.success());
    std::io::stderr().flush().ok();
}
