//! Tidemark's database side: everything that talks to PostgreSQL. The app, the command line and the tests call
//! the same functions of [`Db`].
//!
//! `apply` puts capture on → triggers write marks → `tick` takes them in and recomputes → `read` answers from rollup
//! tables and, where they are dirty, from raw rows.

mod apply;
mod audit;
mod connect;
mod declaration;
mod doctor;
mod draft;
mod error;
mod introspect;
mod jobs;
mod look;
mod polls;
mod probe;
mod purge;
mod read;
mod rollups;
mod schema;
mod status;
mod target;
mod tick;

pub use connect::ConnectOptions;
pub use declaration::Declaration;
pub use error::{Error, ErrorInfo, Result};
pub use read::LoadedBoard;

/// A connection pool to one database, with the time-outs and settings that every Tidemark connection has.
#[derive(Clone)]
pub struct Db {
    pool: sqlx::PgPool,
    options: sqlx::postgres::PgConnectOptions,
    aim: tidemark_core::probe::Aim,
    label: String,
    ticker: String,
    /// The declarations that were read last, by rollup.
    known: std::sync::Arc<std::sync::Mutex<std::collections::HashMap<String, read::Chosen>>>,
}

/// Without the connection's options: they hold the password.
impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Db")
            .field("label", &self.label)
            .field("ticker", &self.ticker)
            .finish_non_exhaustive()
    }
}

/// How far a longer operation is.
#[derive(Debug, Clone)]
pub struct Progress {
    pub what: String,
    pub done: u64,
    pub total: u64,
}
