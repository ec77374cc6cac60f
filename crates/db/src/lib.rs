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
mod error;
mod introspect;
mod jobs;
mod purge;
mod read;
mod schema;
mod status;
mod tick;

pub use connect::ConnectOptions;
pub use declaration::Declaration;
pub use error::{Error, ErrorInfo, Result};

/// A connection pool to one database, with the time-outs and settings that every Tidemark connection has.
#[derive(Debug, Clone)]
pub struct Db {
    pool: sqlx::PgPool,
    options: sqlx::postgres::PgConnectOptions,
    label: String,
    ticker: String,
}

/// How far a longer operation is.
#[derive(Debug, Clone)]
pub struct Progress {
    pub what: String,
    pub done: u64,
    pub total: u64,
}
