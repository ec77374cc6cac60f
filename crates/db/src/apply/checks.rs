//! What is looked at before anything is made: refusals, warnings, rights.

use sqlx::PgConnection;
use tidemark_core::model::{Model, TimeKind};
use tidemark_core::spec::on::quote;
use tidemark_core::sql::triggers;

use super::poll;
use crate::introspect::resolve;
use crate::{Declaration, Error, Result};

/// Refusals, as errors, and warnings.
pub(super) async fn checks(connection: &mut PgConnection, model: &Model) -> Result<Vec<String>> {
    let all: Option<String> =
        sqlx::query_scalar("select string_agg(quote_ident(pubname), ', ') from pg_publication where puballtables")
            .fetch_one(&mut *connection)
            .await?;
    if let Some(all) = all {
        return Err(Error::input(
            "publication_for_all_tables",
            format!(
                "Publication {all} is FOR ALL TABLES: it would publish Tidemark's own tables, and subscribers would stop. Make it FOR TABLE … or FOR TABLES IN SCHEMA … first. Nothing was changed."
            ),
        ));
    }
    let mut warnings = match &model.poll {
        Some(declared) => poll::warnings(connection, model, declared).await?,
        None => Vec::new(),
    };
    for source in &model.sources {
        let full = source.table_sql();
        let subscribed: Option<String> = sqlx::query_scalar(
            "select string_agg(r.srsubid::text, ', ') from pg_subscription_rel r where r.srrelid = $1::regclass",
        )
        .bind(&full)
        .fetch_one(&mut *connection)
        .await?;
        if subscribed.is_some() && model.poll.is_none() {
            return Err(Error::input(
                "subscribed",
                format!(
                    "{full} is filled by a logical subscription, which fires no statement triggers. Install Tidemark on the publisher instead, or use capture = \"poll\". Nothing was changed."
                ),
            ));
        }
        let indexed: bool = sqlx::query_scalar(
            "select (select relkind = 'v' from pg_class where oid = $1::regclass) or exists (select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
               where i.indrelid = $1::regclass and i.indisvalid and i.indpred is null and a.attname = $2)",
        )
        .bind(&full)
        .bind(&source.time_column)
        .fetch_one(&mut *connection)
        .await?;
        if !indexed {
            warnings.push(format!("{full} has no index on {}: every tick reads the whole table. Make one: create index concurrently on {full} ({});", source.time_column, quote(&source.time_column)));
        }
        if matches!(source.time, TimeKind::Timestamp { ref zone } | TimeKind::Date { ref zone } if zone != "UTC") {
            warnings.push(format!(
                "{full}.{} is a wall clock in a zone: rows of a repeated hour can't be told apart",
                source.time_column
            ));
        }
    }
    Ok(warnings)
}

/// CREATE TRIGGER and CREATE SCHEMA need rights; ask before anything is made.
pub(super) async fn may_trigger(connection: &mut PgConnection, declaration: &Declaration) -> Result<()> {
    let (_, model) = resolve(connection, declaration).await?;
    let mut tables: Vec<(String, String)> = triggers(&model)
        .into_iter()
        .map(|trigger| (trigger.schema, trigger.table))
        .collect();
    tables.dedup();
    for (schema, table) in tables {
        let full = format!("{}.{}", quote(&schema), quote(&table));
        // ENABLE ALWAYS takes ownership, or membership in the owning role.
        let may: bool =
            sqlx::query_scalar("select pg_has_role(relowner, 'usage') from pg_class where oid = $1::regclass")
                .bind(&full)
                .fetch_one(&mut *connection)
                .await?;
        if !may {
            return Err(Error::Forbidden {
                message: format!(
                    "This role may not put triggers on {full}: it must own the table, or be a member of the role that does. Let the owner run this, or: grant OWNER to this role. Nothing was changed."
                ),
            });
        }
    }
    let schema: Option<bool> = sqlx::query_scalar(
        "select has_schema_privilege('tidemark', 'create') from pg_namespace where nspname = 'tidemark'",
    )
    .fetch_optional(&mut *connection)
    .await?;
    let database: bool = sqlx::query_scalar("select has_database_privilege(current_database(), 'create')")
        .fetch_one(&mut *connection)
        .await?;
    if !schema.unwrap_or(database) {
        return Err(Error::Forbidden { message: "This role may not create anything in schema tidemark, or the schema itself. Let its owner run this, or ask for: grant create on database … to …. Nothing was changed.".to_owned() });
    }
    Ok(())
}
