//! Tidemark's database side: everything that talks to PostgreSQL. The app, the command line and the tests call
//! the same functions of [`Db`].

mod error;

pub use error::{Error, ErrorInfo, Result};

use chrono::{DateTime, Utc};
use tidemark_core::api::*;

/// A connection pool to one database, with the time-outs and settings that every Tidemark connection has.
#[derive(Clone)]
pub struct Db {
    _pool: sqlx::PgPool,
}

/// How to connect.
#[derive(Debug, Clone, Default)]
pub struct ConnectOptions {
    /// `None`: the usual `PG*` variables.
    pub url: Option<String>,
    /// Enforced by the server (`default_transaction_read_only`).
    pub read_only: bool,
    /// Shown in `tidemark.status` as the ticker: `app`, `worker`, `cli`.
    pub ticker: String,
}

/// A declaration as it was given: a file's text, and the name to use in messages.
#[derive(Debug, Clone)]
pub struct Declaration {
    pub origin: String,
    pub text: String,
}

impl Declaration {
    /// One of the declarations that ship with Tidemark, or a file.
    pub fn load(_file_or_name: &str) -> Result<Declaration> {
        todo!()
    }
    /// Names that ship with Tidemark.
    #[must_use]
    pub fn shipped() -> Vec<&'static str> {
        todo!()
    }
}

/// How far a longer operation is.
#[derive(Debug, Clone)]
pub struct Progress {
    pub what: String,
    pub done: u64,
    pub total: u64,
}

#[expect(clippy::unused_async, reason = "signatures first, bodies follow")]
impl Db {
    /// Open a pool; checks the server's version (15 or later). Does not create anything.
    pub async fn connect(_options: &ConnectOptions) -> Result<Db> {
        todo!()
    }
    pub async fn server_info(&self) -> Result<ServerInfo> {
        todo!()
    }

    /// Create or upgrade schema `tidemark`. Safe to call twice and concurrently. `roles` also makes the two roles.
    pub async fn install(&self, _roles: bool) -> Result<()> {
        todo!()
    }
    /// The SQL that `install` would run.
    #[must_use]
    pub fn install_sql(_roles: bool) -> String {
        todo!()
    }
    /// Take the triggers off table by table, then drop the schema.
    pub async fn uninstall(&self) -> Result<()> {
        todo!()
    }

    pub async fn plan(&self, _declaration: &Declaration) -> Result<Plan> {
        todo!()
    }
    /// Install the schema where it is missing, then the rollup; marks all raw rows as to be built unless `backfill` is false.
    pub async fn apply(&self, _declaration: &Declaration, _backfill: bool) -> Result<Plan> {
        todo!()
    }
    pub async fn list(&self) -> Result<Vec<RollupSummary>> {
        todo!()
    }
    pub async fn detail(&self, _rollup: &str) -> Result<RollupDetail> {
        todo!()
    }
    pub async fn drop_rollup(&self, _rollup: &str) -> Result<()> {
        todo!()
    }
    pub async fn set_paused(&self, _rollup: &str, _paused: bool) -> Result<()> {
        todo!()
    }

    /// One slice of one rollup.
    pub async fn tick(&self, _rollup: &str) -> Result<TickReport> {
        todo!()
    }
    /// Tick until no applicable mark remains; waits for other tickers.
    pub async fn drain(&self, _rollup: &str, _progress: &mut (dyn FnMut(Progress) + Send)) -> Result<TickReport> {
        todo!()
    }

    pub async fn recompute_preview(&self, _request: &RecomputeRequest) -> Result<RecomputePreview> {
        todo!()
    }
    pub async fn recompute(&self, _request: &RecomputeRequest) -> Result<Job> {
        todo!()
    }
    pub async fn jobs(&self) -> Result<Vec<Job>> {
        todo!()
    }
    pub async fn job(&self, _id: i64) -> Result<Job> {
        todo!()
    }
    pub async fn cancel_job(&self, _id: i64) -> Result<Job> {
        todo!()
    }
    pub async fn pause_job(&self, _id: i64) -> Result<Job> {
        todo!()
    }
    pub async fn resume_job(&self, _id: i64) -> Result<Job> {
        todo!()
    }

    /// `None`: all rollups, worst first.
    pub async fn status(&self, _rollup: Option<&str>) -> Result<StatusReport> {
        todo!()
    }
    pub async fn doctor(&self) -> Result<Vec<Finding>> {
        todo!()
    }
    pub async fn audit(
        &self,
        _rollup: &str,
        _range: Option<(DateTime<Utc>, DateTime<Utc>)>,
        _repair: bool,
    ) -> Result<AuditReport> {
        todo!()
    }

    pub async fn query(&self, _request: &QueryRequest) -> Result<QueryAnswer> {
        todo!()
    }
    /// `now` is the instant that relative ranges start from; the server's clock is used where it is `None`.
    pub async fn board(&self, _request: &BoardRequest) -> Result<BoardAnswer> {
        todo!()
    }

    /// Move the frozen line to `before`, then delete rollup buckets? No: with `raw`, delete raw rows before it, in batches.
    pub async fn purge(
        &self,
        _rollup: &str,
        _before: DateTime<Utc>,
        _raw: bool,
        _progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<u64> {
        todo!()
    }
}
