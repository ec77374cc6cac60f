//! Schema `tidemark`: install, upgrade, uninstall.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};

use crate::{Db, Error, Result};

/// The ordered migrations of schema `tidemark`.
static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

const MIGRATION_TABLE: &str = "tidemark._migration";

/// Held while the schema is made or upgraded; transaction-level, so that nothing can leak it.
const INSTALL_LOCK: i64 = 0x7469_6465_0001;

const ROLES: &str = "do $$ begin
  if to_regrole('tidemark_viewer') is null then create role tidemark_viewer nologin; end if;
  if to_regrole('tidemark_operator') is null then create role tidemark_operator nologin; end if;
end $$;
comment on role tidemark_viewer is 'Reads Tidemark''s rollups and health; needs no right to raw tables.';
comment on role tidemark_operator is 'Ticks, recomputes, pauses; reads what a viewer reads.';
";

impl Db {
    /// Create or upgrade schema `tidemark`. Safe to call twice and concurrently. `roles` also makes the two roles.
    pub async fn install(&self, roles: bool) -> Result<()> {
        let mut connection = self.dedicated().await?;
        let done = install_on(&mut connection, roles).await;
        connection.close().await.ok();
        done
    }

    /// The SQL that `install` would run on a database without schema `tidemark`: in one transaction, and with the
    /// record of migrations, so that Tidemark knows the schema as its own afterwards.
    #[must_use]
    pub fn install_sql(roles: bool) -> String {
        let mut sql = String::from(
            "-- Schema tidemark, as \"tidemark install\" makes it.\n\nbegin;\ncreate schema if not exists tidemark;\n\
             create table tidemark._migration (\n  version bigint primary key,\n  description text not null,\n  \
             installed_on timestamptz not null default now(),\n  success boolean not null,\n  checksum bytea not null,\n  \
             execution_time bigint not null\n);\n",
        );
        for migration in MIGRATIONS.iter() {
            let checksum: String = migration.checksum.iter().map(|byte| format!("{byte:02x}")).collect();
            sql.push_str(&format!(
                "\n-- {} {}\n{}\n",
                migration.version,
                migration.description,
                migration.sql.as_str()
            ));
            sql.push_str(&format!(
                "insert into tidemark._migration (version, description, success, checksum, execution_time)\n  values ({}, '{}', true, '\\x{checksum}', 0);\n",
                migration.version,
                migration.description.replace('\'', "''"),
            ));
        }
        if roles {
            sql.push_str(&format!("\n{ROLES}"));
        }
        sql.push_str("\nselect tidemark.grant_roles();\ncommit;\n");
        sql
    }

    /// Whether schema `tidemark` is there, ours, and of this version. An error where it is somebody else's or newer.
    pub async fn is_installed(&self) -> Result<bool> {
        let mut connection = self.pool.acquire().await?;
        look(&mut connection).await.map(|found| found == Some(newest()))
    }

    /// Error with what to do where the schema is missing or of another version.
    pub(crate) async fn require_installed(&self) -> Result<()> {
        let mut connection = self.pool.acquire().await?;
        match look(&mut connection).await? {
            Some(version) if version == newest() => Ok(()),
            Some(_) => Err(Error::input(
                "schema_older",
                "Schema tidemark is older than this program. Run: tidemark install",
            )),
            None => Err(Error::input(
                "not_installed",
                "Tidemark is not installed in this database. Run: tidemark install, or tidemark rollup apply FILE",
            )),
        }
    }

    /// Take the triggers off table by table, then drop the schema. The operator's tables stay as they were.
    pub async fn uninstall(&self) -> Result<()> {
        let mut connection = self.dedicated().await?;
        if look(&mut connection).await?.is_none() {
            return Err(Error::input(
                "not_installed",
                "Tidemark is not installed in this database; there is nothing to remove.",
            ));
        }
        drop_triggers(&mut connection, None, Patience::Minute).await?;
        with_patience(
            &mut connection,
            "begin; drop schema tidemark cascade; commit",
            Patience::Minute,
        )
        .await?;
        connection.close().await.ok();
        Ok(())
    }
}

pub(crate) fn newest() -> i64 {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default()
}

/// The version of schema `tidemark`; `None` where there is none.
async fn look(connection: &mut PgConnection) -> Result<Option<i64>> {
    let (schema, table): (bool, bool) = sqlx::query_as(
        "select to_regnamespace('tidemark') is not null, to_regclass('tidemark._migration') is not null",
    )
    .fetch_one(&mut *connection)
    .await?;
    if !schema {
        return Ok(None);
    }
    if !table {
        let empty: bool = sqlx::query_scalar(
            "select not exists (select from pg_class where relnamespace = to_regnamespace('tidemark'))",
        )
        .fetch_one(&mut *connection)
        .await?;
        if empty {
            return Ok(None);
        }
        return Err(Error::input(
            "schema_not_ours",
            "There is a schema tidemark here that Tidemark did not make. Rename or drop it, or use another database. Nothing was changed.",
        ));
    }
    let version: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
        "select coalesce(max(version), 0) from {MIGRATION_TABLE}"
    )))
    .fetch_one(connection)
    .await?;
    if version > newest() {
        return Err(Error::input(
            "schema_newer",
            format!(
                "Schema tidemark is of version {version}, newer than this program knows ({}). Use a newer Tidemark. Nothing was changed.",
                newest()
            ),
        ));
    }
    Ok((version > 0).then_some(version))
}

async fn install_on(connection: &mut PgConnection, roles: bool) -> Result<()> {
    let mut transaction = connection.begin().await?;
    sqlx::query("select pg_advisory_xact_lock($1)")
        .bind(INSTALL_LOCK)
        .execute(&mut *transaction)
        .await?;
    let found = look(&mut transaction).await?;
    if found.is_none() {
        let may: bool = sqlx::query_scalar("select has_database_privilege(current_database(), 'create')")
            .fetch_one(&mut *transaction)
            .await?;
        if !may {
            return Err(Error::Forbidden {
                message: "This role may not create a schema here. Ask for: grant create on database … to …; or give a DBA the output of: tidemark install --dry-run".to_owned(),
            });
        }
        sqlx::raw_sql("create schema if not exists tidemark")
            .execute(&mut *transaction)
            .await?;
    }
    // Everything in this one transaction: a crash leaves the old version or the new one.
    let mut migrations = Migrator::with_migrations(MIGRATIONS.iter().cloned().collect());
    migrations.dangerous_set_table_name(MIGRATION_TABLE);
    migrations.set_locking(false);
    // Not `run`: its future is not `Send` as far as the compiler can tell, and the app spawns this.
    migrations.run_direct(None, &mut *transaction, false).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(cause) | sqlx::migrate::MigrateError::ExecuteMigration(cause, _) => Error::from(cause),
        other => Error::input("schema_mismatch", format!("Schema tidemark does not fit this program: {other}. Use the version that installed it, or uninstall first.")),
    })?;
    sqlx::raw_sql("comment on table tidemark._migration is 'Which migrations made this schema.'")
        .execute(&mut *transaction)
        .await?;
    if roles {
        sqlx::raw_sql(ROLES).execute(&mut *transaction).await?;
    }
    sqlx::query("select tidemark.grant_roles()")
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// Take Tidemark's triggers off, one table a transaction; of one declaration, by its storage name, or all.
pub(crate) async fn drop_triggers(
    connection: &mut PgConnection,
    storage: Option<&str>,
    patience: Patience,
) -> Result<()> {
    let prefix = storage.map(|storage| format!("{storage}__capture_"));
    let tables = sqlx::query(
        "select format('%I.%I', n.nspname, c.relname) as table_name,
           string_agg(format('drop trigger if exists %I on %I.%I;', t.tgname, n.nspname, c.relname), ' ') as sql
         from pg_trigger t
         join pg_proc p on p.oid = t.tgfoid and p.pronamespace = to_regnamespace('tidemark')
         join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
         where not t.tgisinternal and t.tgparentid = 0 and ($1::text is null or starts_with(p.proname, $1))
         group by 1 order by 1",
    )
    .bind(prefix)
    .fetch_all(&mut *connection)
    .await?;
    for table in tables {
        let sql = format!("begin; {} commit", table.get::<String, _>("sql"));
        with_patience(connection, &sql, patience).await?;
    }
    Ok(())
}

/// How long to try for a lock that somebody else has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    Once,
    Minute,
}

/// Run DDL with a short lock_timeout and retries, so that nobody's writes queue behind it for long.
pub(crate) async fn with_patience(connection: &mut PgConnection, sql: &str, patience: Patience) -> Result<()> {
    // Above deadlock_timeout (1 s) now and then: an autovacuum gives way only to somebody who waited that long.
    let waits = [300, 300, 300, 1_500];
    let attempts = if patience == Patience::Once { 1 } else { 60 };
    for attempt in 0..attempts {
        let wait = waits[attempt % waits.len()];
        let statement = format!("set lock_timeout = '{wait}ms'; {sql}");
        match sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await {
            Ok(_) => return Ok(()),
            Err(sqlx::Error::Database(refusal)) if matches!(refusal.code().as_deref(), Some("55P03" | "40P01")) => {
                sqlx::raw_sql("rollback").execute(&mut *connection).await?;
                tokio::time::sleep(Duration::from_millis(200 + 50 * attempt as u64)).await;
            }
            Err(error) => {
                sqlx::raw_sql("rollback").execute(&mut *connection).await.ok();
                return Err(error.into());
            }
        }
    }
    Err(Error::input(
        "locked",
        "A raw table stayed locked for a minute, so its triggers could not be changed. Look for long transactions in pg_stat_activity and run this again; it goes on where it stopped.",
    ))
}
