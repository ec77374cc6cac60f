//! What `plan` says of poll capture: what it can't see, and what would make it cheap.

use sqlx::{PgConnection, Row};
use tidemark_core::capture::{ChangeColumn, PollModel};
use tidemark_core::model::Model;
use tidemark_core::spec::on::quote;

use crate::Result;

/// A lookup with fewer rows needs no index on its change column.
const SMALL: f32 = 10_000.0;

/// What a person who applies this should know. The audit is the net under all of it.
pub(super) async fn warnings(connection: &mut PgConnection, model: &Model, poll: &PollModel) -> Result<Vec<String>> {
    let mut warnings = vec![format!(
        "poll capture sees no change that leaves the change column as it was, no delete of a row that changed more than {} ago, no TRUNCATE, no attached partition, not where a row was before its time moved, and no transaction that took longer than that. Only an audit finds these: run tidemark audit {} --repair every day",
        minutes(poll.lag + poll.overlap),
        model.name
    )];
    for source in &model.sources {
        of_table(
            connection,
            &source.schema,
            &source.table,
            &source.change,
            true,
            &mut warnings,
        )
        .await?;
    }
    for lookup in &model.lookups {
        let full = format!("{}.{}", quote(&lookup.schema), quote(&lookup.table));
        if lookup.change.is_empty() {
            warnings.push(format!(
                "lookup {full} has no change column: when a row of it changes, history stays where it was until an audit repairs it. If it has such a column, write change = \"ALIAS.COLUMN\" beside its on"
            ));
        }
        if of_table(
            connection,
            &lookup.schema,
            &lookup.table,
            &lookup.change,
            false,
            &mut warnings,
        )
        .await?
        {
            let keys = lookup.keys.join(", ");
            warnings.push(format!(
                "{full} is a view, so nobody can check that ({keys}) is unique in it: where it is not, raw rows count several times"
            ));
        }
    }
    Ok(warnings)
}

/// Says whether it is a view.
async fn of_table(
    connection: &mut PgConnection,
    schema: &str,
    table: &str,
    change: &[ChangeColumn],
    source: bool,
    warnings: &mut Vec<String>,
) -> Result<bool> {
    let full = format!("{}.{}", quote(schema), quote(table));
    let (view, rows): (bool, f32) =
        sqlx::query_as("select relkind = 'v', reltuples from pg_class where oid = $1::regclass")
            .bind(&full)
            .fetch_one(&mut *connection)
            .await?;
    if view {
        return Ok(true);
    }
    let columns: Vec<&str> = change.iter().map(|change| change.column.as_str()).collect();
    for row in sqlx::query(
        "select a.attname::text as name, a.attnotnull as not_null,
           exists (select from pg_index i where i.indrelid = a.attrelid and i.indkey[0] = a.attnum and i.indisvalid and i.indpred is null) as indexed
         from pg_attribute a where a.attrelid = $1::regclass and a.attname = any ($2) and not a.attisdropped order by 1",
    )
    .bind(&full)
    .bind(&columns)
    .fetch_all(connection)
    .await?
    {
        let column = quote(&row.get::<String, _>("name"));
        if !row.get::<bool, _>("indexed") && (source || rows > SMALL) {
            warnings.push(format!("{full} has no index on {column}: every tick and every answer reads the whole table to find what changed. Make one: create index concurrently on {full} ({column});"));
        }
        if !row.get::<bool, _>("not_null") && columns.len() == 1 {
            warnings.push(format!("{full}.{column} may be NULL, and a poll never sees a row where it is. If there is a second column, such as created_at, write change = [\"ALIAS.{column}\", \"ALIAS.created_at\"]"));
        }
    }
    Ok(false)
}

fn minutes(seconds: i64) -> String {
    match seconds {
        whole if whole % 60 == 0 => format!("{} minutes", whole / 60),
        _ => format!("{seconds} seconds"),
    }
}
