//! Connecting: one pool per database, with the settings that every Tidemark connection has.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection, PgConnection, PgPool, Row};
use tidemark_core::api::ServerInfo;
use tidemark_core::probe::Aim;

use crate::target::driver_options;
use crate::{Db, Error, Result};

/// How to connect.
#[derive(Clone, Default)]
pub struct ConnectOptions {
    /// `None`: the usual `PG*` variables. Either may name a service of `pg_service.conf`.
    pub url: Option<String>,
    /// Goes before one in the URL, `PGPASSWORD` and `.pgpass`.
    pub password: Option<String>,
    /// Enforced by the server (`default_transaction_read_only`).
    pub read_only: bool,
    /// Shown in `tidemark.status` as the ticker: `app`, `worker`, `cli`.
    pub ticker: String,
}

impl ConnectOptions {
    /// Where this would connect to, without doing so.
    pub fn aim(&self) -> Result<Aim> {
        driver_options(self).map(|(_, aim)| aim)
    }
}

/// Without the URL, which may hold a password, and without the password.
impl std::fmt::Debug for ConnectOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectOptions")
            .field("read_only", &self.read_only)
            .field("ticker", &self.ticker)
            .finish_non_exhaustive()
    }
}

/// The oldest server that Tidemark works with: NULLS NOT DISTINCT came with it.
const OLDEST: i32 = 150_000;

impl Db {
    /// Open a pool; checks the server's version (15 or later). Does not create anything.
    pub async fn connect(options: &ConnectOptions) -> Result<Db> {
        let (connect, aim) = pg_options(options)?;
        // Never a password.
        let label = format!("{}@{}", aim.user, aim.server);
        let pool = PgPoolOptions::new()
            .max_connections(6)
            .acquire_timeout(Duration::from_secs(10))
            .idle_timeout(Duration::from_secs(120))
            .test_before_acquire(true)
            .connect_lazy_with(connect.clone());
        // A connection of its own first: its error says why, where the pool's would only say that time ran out.
        let mut first = tokio::time::timeout(Duration::from_secs(10), connect.connect())
            .await
            .map_err(|_| Error::Unreachable {
                message: format!("{label} did not answer within 10 s. Check host, port and firewall."),
            })?
            .map_err(|error| Error::on_connect(&label, error))?;
        let version: i32 = sqlx::query_scalar("select current_setting('server_version_num')::integer")
            .fetch_one(&mut first)
            .await?;
        first.close().await.ok();
        if version < OLDEST {
            return Err(Error::input(
                "server_too_old",
                format!(
                    "{label} runs PostgreSQL {}; Tidemark needs 15 or later. Nothing was changed.",
                    version / 10_000
                ),
            ));
        }
        Ok(Db {
            pool,
            options: connect,
            aim,
            label,
            ticker: if options.ticker.is_empty() {
                "cli".to_owned()
            } else {
                options.ticker.clone()
            },
            known: std::sync::Arc::default(),
        })
    }

    /// Who and what is at the other end, and what this role may do.
    pub async fn server_info(&self) -> Result<ServerInfo> {
        let started = std::time::Instant::now();
        // By the catalog: `to_regclass` is an error for a role that may not use the schema.
        let row = sqlx::query(
            "select current_setting('server_version') as version, current_user::text as role,
               current_setting('transaction_read_only') = 'on' as read_only,
               coalesce((select version || ', ' || cipher from pg_stat_ssl where pid = pg_backend_pid() and ssl), 'no TLS') as tls,
               exists (select from pg_class c where c.relnamespace = to_regnamespace('tidemark') and c.relname = 'health') as installed,
               exists (select from pg_class c where c.relnamespace = to_regnamespace('tidemark_demo') and c.relname = 'plan') as demo,
               exists (select from pg_extension where extname = 'pg_cron') as pg_cron",
        )
        .fetch_one(&self.pool)
        .await?;
        let round_trip_ms = started.elapsed().as_secs_f64() * 1000.0;
        let installed: bool = row.get("installed");
        let read_only: bool = row.get("read_only");
        let can_operate = installed
            && !read_only
            && sqlx::query_scalar::<_, Option<bool>>(
                "select has_function_privilege('tidemark.tick(text, text, interval)', 'execute')",
            )
            .fetch_one(&self.pool)
            .await
            .unwrap_or(Some(false))
            .unwrap_or(false);
        Ok(ServerInfo {
            label: self.label.clone(),
            version: row.get("version"),
            role: row.get("role"),
            tls: row.get("tls"),
            round_trip_ms,
            read_only,
            installed,
            can_operate,
            demo: row.get("demo"),
            pg_cron: row.get("pg_cron"),
        })
    }

    /// A connection outside the pool, for work that takes minutes or holds state; closed when dropped.
    pub(crate) async fn dedicated(&self) -> Result<PgConnection> {
        let mut connection = self
            .options
            .connect()
            .await
            .map_err(|error| Error::on_connect(&self.label, error))?;
        sqlx::query("set statement_timeout = 0")
            .execute(&mut connection)
            .await?;
        Ok(connection)
    }

    /// The pool, for tests and the demo.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}

fn pg_options(options: &ConnectOptions) -> Result<(PgConnectOptions, Aim)> {
    let (connect, aim) = driver_options(options)?;
    let mut connect = connect.application_name("tidemark").options([
        ("statement_timeout", "60s"),
        ("lock_timeout", "5s"),
        // Short queries over small tables: compiling them costs more than running them.
        ("jit", "off"),
        ("idle_in_transaction_session_timeout", "60s"),
        // A client that vanished is noticed by the server: time-outs of statements do not fire in ClientWrite.
        ("tcp_keepalives_idle", "30"),
        ("tcp_keepalives_interval", "10"),
        ("tcp_keepalives_count", "3"),
        ("tcp_user_timeout", "30s"),
    ]);
    if options.read_only {
        connect = connect.options([("default_transaction_read_only", "on")]);
    }
    let connect = connect
        .log_statements(tracing::log::LevelFilter::Trace)
        .log_slow_statements(tracing::log::LevelFilter::Off, Duration::ZERO);
    Ok((connect, aim))
}
