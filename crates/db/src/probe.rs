//! The test of a connection: what answers, what this role may do there, and what is missing, each with what to do.

use std::time::Instant;

use sqlx::Row;
use tidemark_core::probe::{Aim, ConnectionTest, Right, TlsMode, TlsReason};

use crate::{ConnectOptions, Db, Result};

/// What the role may do with schema `tidemark` and with the database.
const RIGHTS: &str = "select
  quote_ident(current_user) as role, quote_ident(current_database()) as database,
  to_regnamespace('tidemark') is not null as schema,
  coalesce(has_schema_privilege(to_regnamespace('tidemark'), 'usage'), false) as may_read,
  has_database_privilege(current_database(), 'create') as may_create,
  to_regrole('tidemark_viewer') is not null and to_regrole('tidemark_operator') is not null as roles";

/// The declared sources, and whether their raw rows may be read or written.
const SOURCES: &str =
    "select distinct format('%I.%I', i.schema_name, i.table_name) as name, c.oid is not null as there,
  coalesce(has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'), false) as readable,
  coalesce(has_table_privilege(c.oid, 'insert, update, delete, truncate'), false) as writable
  from tidemark.input i left join pg_namespace n on n.nspname = i.schema_name
  left join pg_class c on c.relnamespace = n.oid and c.relname = i.table_name
  where i.kind = 'source' order by 1";

impl Db {
    /// Connect, ask what is there, and leave. Changes nothing.
    pub async fn test(options: &ConnectOptions) -> Result<ConnectionTest> {
        let db = Db::connect(options).await?;
        let tested = db.probe(options.read_only).await;
        db.pool.close().await;
        tested
    }

    async fn probe(&self, asked_read_only: bool) -> Result<ConnectionTest> {
        let server = self.server_info().await?;
        let mut trips = Vec::new();
        let mut connection = self.pool.acquire().await?;
        for _ in 0..5 {
            let started = Instant::now();
            sqlx::query("select 1").execute(&mut *connection).await?;
            trips.push(started.elapsed().as_secs_f64() * 1000.0);
        }
        drop(connection);
        trips.sort_by(f64::total_cmp);
        let mut rights = self.rights(server.can_operate, asked_read_only).await?;
        rights.extend(tls_right(&self.aim));
        Ok(ConnectionTest {
            round_trip_ms: trips[2],
            version: server.version,
            role: server.role,
            aim: self.aim.clone(),
            tls: server.tls,
            read_only: server.read_only,
            demo: server.demo,
            rights,
        })
    }

    async fn rights(&self, can_operate: bool, asked_read_only: bool) -> Result<Vec<Right>> {
        let row = sqlx::query(RIGHTS).fetch_one(&self.pool).await?;
        let (role, database): (String, String) = (row.get("role"), row.get("database"));
        if !row.get::<bool, _>("schema") {
            return Ok(vec![if row.get("may_create") {
                missing(
                    "Tidemark is not installed here yet; this role may install it".to_owned(),
                    "tidemark install",
                )
            } else {
                missing(
                    "Tidemark is not installed here, and this role may not create a schema".to_owned(),
                    &format!(
                        "grant create on database {database} to {role};\n-- or let a DBA run what this prints: tidemark install --dry-run"
                    ),
                )
            }]);
        }
        if !row.get::<bool, _>("may_read") {
            return Ok(vec![missing(
                "This role may not read rollups".to_owned(),
                &format!("grant tidemark_viewer to {role};"),
            )]);
        }
        let mut rights = Vec::new();
        rights.push(match self.is_installed().await {
            Ok(true) => fine("Schema tidemark is there, of this version"),
            Ok(false) => missing(
                "Schema tidemark is older than this program".to_owned(),
                "tidemark install",
            ),
            Err(error) => Right {
                ok: false,
                text: error.to_string(),
                fix: None,
            },
        });
        if !rights[0].ok {
            return Ok(rights);
        }
        if !row.get::<bool, _>("roles") {
            rights.push(missing(
                "The roles tidemark_viewer and tidemark_operator are missing".to_owned(),
                "tidemark install --roles",
            ));
        }
        rights.push(match (can_operate, asked_read_only) {
            (true, _) => fine("Read rollups, tick, recompute, audit"),
            (false, true) => fine("Read rollups"),
            (false, false) => missing(
                "Read rollups; to tick and recompute it needs tidemark_operator".to_owned(),
                &format!("grant tidemark_operator to {role};"),
            ),
        });
        let writable = self.raw_rows_right(&role, &mut rights).await?;
        if asked_read_only {
            rights.push(self.read_only_right(writable).await?);
        }
        Ok(rights)
    }

    /// Raw rows are only needed for what lies behind a bucket: numbers come without. Says whether some may be written.
    async fn raw_rows_right(&self, role: &str, rights: &mut Vec<Right>) -> Result<bool> {
        let (mut count, mut unreadable, mut writable) = (0, Vec::new(), false);
        for row in sqlx::query(SOURCES).fetch_all(&self.pool).await? {
            let name: String = row.get("name");
            count += 1;
            writable |= row.get::<bool, _>("writable");
            if !row.get::<bool, _>("there") {
                rights.push(missing(format!("Source {name} is gone"), "tidemark doctor"));
            } else if !row.get::<bool, _>("readable") {
                unreadable.push(name);
            }
        }
        if count == 0 {
            rights.push(missing(
                "No rollup is applied yet".to_owned(),
                "tidemark rollup new --table SCHEMA.TABLE",
            ));
        } else if unreadable.is_empty() {
            rights.push(fine(&format!(
                "Read the raw rows of {count} {}",
                if count == 1 { "source" } else { "sources" }
            )));
        } else {
            let names = unreadable.join(", ");
            rights.push(missing(
                format!("No right to the raw rows of {names}: numbers are exact without, but the rows behind them can't be listed"),
                &format!("grant select on {names} to {role};"),
            ));
        }
        Ok(writable)
    }

    /// The server refuses writes of such a session. A role that may write could still ask for a session that may.
    async fn read_only_right(&self, writable: bool) -> Result<Right> {
        let more = writable
            || sqlx::query_scalar("select has_table_privilege('tidemark.dirty', 'insert') or has_table_privilege('tidemark.mark', 'insert')")
                .fetch_one(&self.pool)
                .await?;
        Ok(if more {
            missing(
                "The server refuses every write of this connection; the role itself may write, so use one that only reads".to_owned(),
                "create role dashboard login password '…';\ngrant tidemark_viewer to dashboard;",
            )
        } else {
            fine("Read-only by the server, and the role itself may not write")
        })
    }
}

/// A connection that believes whoever answers.
fn tls_right(aim: &Aim) -> Option<Right> {
    let weak = aim.tls_reason == TlsReason::Asked && !matches!(aim.tls, TlsMode::VerifyFull);
    let remote = !["localhost:", "127.0.0.1:", "::1:", "[::1]:"]
        .iter()
        .any(|host| aim.server.starts_with(host));
    (weak && remote).then(|| {
        let text = match aim.tls {
            TlsMode::VerifyCa => "sslmode=verify-ca does not check the server's name",
            TlsMode::Require => "sslmode=require encrypts, and believes whoever answers",
            _ => "this sslmode may send the password and the numbers in clear",
        };
        missing(
            text.to_owned(),
            "sslmode=verify-full, with sslrootcert=FILE for a CA of your own",
        )
    })
}

fn fine(text: &str) -> Right {
    Right {
        ok: true,
        text: text.to_owned(),
        fix: None,
    }
}

fn missing(text: String, fix: &str) -> Right {
    Right {
        ok: false,
        text,
        fix: Some(fix.to_owned()),
    }
}
