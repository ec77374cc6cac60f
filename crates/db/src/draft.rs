//! A look at one of the operator's tables, for a first declaration: catalogs, statistics and a bounded sample, in one
//! read-only transaction with a time-out. A large table is never read whole.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use tidemark_core::draft::{ColumnFacts, ColumnKind, Draft, Reference, TableFacts, Wish, draft};
use tidemark_core::spec::on::table_ref;
use tidemark_core::suggest::closest;

use crate::{Db, Error, Result};

/// Rows of the sample, at most.
const ROWS: u32 = 4_000;
/// A table of fewer pages may be read from its beginning; of a larger one pages are drawn.
const PAGES: f64 = 200.0;

struct Found {
    oid: sqlx::postgres::types::Oid,
    schema: String,
    name: String,
    sql: String,
    kind: String,
    comment: Option<String>,
}

impl Db {
    /// Write a declaration for a table: `[schema.]table`, as SQL writes it or as it is called. Changes nothing.
    pub async fn draft(&self, table: &str, wish: &Wish) -> Result<Draft> {
        let mut connection = self.dedicated().await?;
        sqlx::raw_sql("begin read only; set local statement_timeout = '10s'; set local lock_timeout = '2s'")
            .execute(&mut connection)
            .await?;
        let facts = facts(&mut connection, table).await;
        connection.close().await.ok();
        draft(&facts?, wish).map_err(|error| Error::input(error.code(), error.to_string()))
    }
}

async fn facts(connection: &mut PgConnection, asked: &str) -> Result<TableFacts> {
    let found = locate(connection, asked).await?;
    readable(connection, &found).await?;
    captured(connection, &found).await?;
    // Types are written with their schema, as a function of Tidemark's has to name them.
    sqlx::raw_sql("set local search_path = pg_catalog, pg_temp")
        .execute(&mut *connection)
        .await?;
    let (rows, pages) = size(connection, &found).await?;
    let mut columns = columns(connection, &found).await?;
    let drawn = pages > PAGES;
    let part = if drawn {
        format!(
            " tablesample system ({}) repeatable (1)",
            (100.0 * PAGES / pages).clamp(1e-4, 100.0)
        )
    } else {
        String::new()
    };
    let sampled = sample(connection, &found, &mut columns, &part).await?;
    statistics(connection, &found, &mut columns, rows.unwrap_or(sampled as f64)).await?;
    let rollups = match sqlx::query_scalar::<_, bool>("select to_regclass('tidemark.rollup') is not null")
        .fetch_one(&mut *connection)
        .await?
    {
        true => {
            sqlx::query_scalar("select name from tidemark.rollup")
                .fetch_all(&mut *connection)
                .await?
        }
        false => Vec::new(),
    };
    let row = sqlx::query(
        "select array(select word::text from pg_get_keywords() where catcode <> 'U') as reserved,
           (select reset_val from pg_settings where name = 'TimeZone') as zone",
    )
    .fetch_one(&mut *connection)
    .await?;
    Ok(TableFacts {
        rows: match rows {
            // Not analyzed, or smaller than it was: what was seen is there.
            Some(rows) => rows.max(sampled as f64),
            None => sampled as f64,
        },
        references: references(connection, &found).await?,
        schema: found.schema,
        name: found.name,
        sql: found.sql,
        comment: found.comment,
        view: found.kind == "v",
        sampled,
        columns,
        reserved: row.get::<Vec<String>, _>("reserved").into_iter().collect(),
        zone: row.get("zone"),
        rollups,
    })
}

/// Find a table by the search path or its schema; as SQL reads the name, else exactly as it was typed.
async fn locate(connection: &mut PgConnection, asked: &str) -> Result<Found> {
    let mut ways: Vec<(Option<String>, String)> = Vec::new();
    if let Some(named) = table_ref(asked).filter(|named| named.alias == named.table) {
        ways.push((named.schema, named.table));
    }
    ways.push((None, asked.to_owned()));
    if let Some((schema, table)) = asked.split_once('.') {
        ways.push((Some(schema.to_owned()), table.to_owned()));
    }
    for (schema, table) in &ways {
        // Of several in the search path, the first, as a query would find it.
        let found = sqlx::query(
            "select c.oid, n.nspname::text as schema, c.relname::text as name, format('%I.%I', n.nspname, c.relname) as sql,
               c.relkind::text as kind, obj_description(c.oid, 'pg_class') as comment
             from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where c.relname = $2 and c.relkind in ('r', 'p', 'v', 'm', 'f')
               and case when $1::text is null then n.nspname = any (current_schemas(true)) else n.nspname = $1 end
             order by array_position(current_schemas(true), n.nspname) limit 1",
        )
        .bind(schema)
        .bind(table)
        .fetch_optional(&mut *connection)
        .await?;
        if let Some(row) = found {
            return Ok(Found {
                oid: row.get("oid"),
                schema: row.get("schema"),
                name: row.get("name"),
                sql: row.get("sql"),
                kind: row.get("kind"),
                comment: row.get("comment"),
            });
        }
    }
    Err(unknown(connection, asked, ways.first()).await?)
}

/// Near names: of this schema and the search path, and the same name elsewhere.
async fn unknown(connection: &mut PgConnection, asked: &str, way: Option<&(Option<String>, String)>) -> Result<Error> {
    let known: Vec<(String, String, String)> = sqlx::query_as(
        "select n.nspname::text, c.relname::text, format('%I.%I', n.nspname, c.relname)
         from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where c.relkind in ('r', 'p', 'v', 'm', 'f') and not c.relispartition and n.nspname not in ('tidemark', 'pg_catalog', 'information_schema')
           and n.nspname !~ '^pg_(toast|temp)' and has_schema_privilege(n.oid, 'usage')
         order by n.nspname = any (current_schemas(false)) desc, 1, 2",
    )
    .fetch_all(connection)
    .await?;
    let (schema, table) = way.map_or((None, asked), |(schema, table)| (schema.as_ref(), table.as_str()));
    let elsewhere = known
        .iter()
        .find(|(_, name, _)| name.to_lowercase() == table.to_lowercase());
    let here = known
        .iter()
        .filter(|(place, ..)| schema.is_none_or(|schema| schema == place));
    let near = closest(table, here.map(|(_, name, _)| name.as_str())).and_then(|near| {
        known
            .iter()
            .find(|(place, name, _)| name == near && schema.is_none_or(|schema| schema == place))
    });
    let hint = match (elsewhere.or(near), known.as_slice()) {
        (Some((.., sql)), _) => format!("Did you mean {sql}?"),
        (None, []) => "This role sees no table in this database.".to_owned(),
        (None, some) => {
            let names: Vec<&str> = some.iter().take(8).map(|(.., sql)| sql.as_str()).collect();
            let more = if some.len() > 8 { ", …" } else { "." };
            format!("There are {}{more}", names.join(", "))
        }
    };
    Ok(Error::input(
        "unknown_table",
        format!("There is no table {asked} in this database. {hint}"),
    ))
}

async fn readable(connection: &mut PgConnection, found: &Found) -> Result<()> {
    let row = sqlx::query(
        "select has_schema_privilege(relnamespace, 'usage') as usable, has_table_privilege(oid, 'select') as readable,
           quote_ident(current_user) as role from pg_class where oid = $1",
    )
    .bind(found.oid)
    .fetch_one(connection)
    .await?;
    let role: String = row.get("role");
    let missing = if !row.get::<bool, _>("usable") {
        format!(
            "grant usage on schema {} to {role};",
            table_ref(&found.sql)
                .and_then(|named| named.schema)
                .map_or_else(String::new, |schema| tidemark_core::spec::on::quote(&schema))
        )
    } else if !row.get::<bool, _>("readable") {
        format!("grant select on {} to {role};", found.sql)
    } else {
        return Ok(());
    };
    Err(Error::Forbidden {
        message: format!(
            "Role {role} may not read {}. Ask its owner for: {missing} Nothing was changed.",
            found.sql
        ),
    })
}

/// Changes are captured by triggers, or by polls of tables and views. For anything else, the tables that it reads are named.
async fn captured(connection: &mut PgConnection, found: &Found) -> Result<()> {
    let what = match found.kind.as_str() {
        "m" => "a materialized view",
        "f" => "a foreign table",
        _ => return Ok(()),
    };
    let reads: Vec<String> = sqlx::query_scalar(
        "select distinct format('%I.%I', n.nspname, c.relname)
         from pg_rewrite w join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid and d.refclassid = 'pg_class'::regclass
         join pg_class c on c.oid = d.refobjid and c.oid <> w.ev_class and c.relkind in ('r', 'p') join pg_namespace n on n.oid = c.relnamespace
         where w.ev_class = $1 order by 1",
    )
    .bind(found.oid)
    .fetch_all(connection)
    .await?;
    let instead = if reads.is_empty() {
        "Run this where its rows are written.".to_owned()
    } else {
        format!(
            "Take a table that it reads: {}; joins become lookups.",
            reads.join(", ")
        )
    };
    Err(Error::input(
        "not_a_table",
        format!(
            "{} is {what}: no trigger goes on it, and a poll would see its rows long after they changed. {instead}",
            found.sql
        ),
    ))
}

/// Estimated rows, where anything says how many, and pages; with all partitions and children.
async fn size(connection: &mut PgConnection, found: &Found) -> Result<(Option<f64>, f64)> {
    let row = sqlx::query(
        "with recursive member as (select $1::oid as oid union select h.inhrelid from member m join pg_inherits h on h.inhparent = m.oid)
         select sum(case when c.reltuples >= 0 and c.relpages > 0 then c.reltuples / c.relpages * p.pages end)::double precision as rows,
           coalesce(sum(p.pages), 0)::double precision as pages
         from member m join pg_class c on c.oid = m.oid
         cross join lateral (select pg_relation_size(c.oid) / current_setting('block_size')::integer as pages where c.relkind in ('r', 'm')) p",
    )
    .bind(found.oid)
    .fetch_one(connection)
    .await?;
    let pages: f64 = row.get("pages");
    // Never analyzed: a page holds some 60 rows, more or less.
    let rows = row
        .get::<Option<f64>, _>("rows")
        .or((pages > PAGES).then_some(pages * 60.0));
    Ok((rows, pages))
}

async fn columns(connection: &mut PgConnection, found: &Found) -> Result<Vec<ColumnFacts>> {
    let rows = sqlx::query(
        "select a.attname::text as name, quote_ident(a.attname) as sql, format_type(a.atttypid, a.atttypmod) as type, base.name as base,
           base.kind as base_kind, a.attnotnull as not_null, pg_get_expr(d.adbin, d.adrelid) as default, col_description(a.attrelid, a.attnum) as comment,
           exists (select from pg_index i where i.indrelid = a.attrelid and i.indkey[0] = a.attnum and i.indisvalid and i.indpred is null) as leads_index,
           exists (select from pg_index i where i.indrelid = a.attrelid and i.indkey[0] = a.attnum and i.indnkeyatts = 1 and i.indisunique and i.indisvalid and i.indpred is null) as unique,
           exists (select from pg_partitioned_table p where p.partrelid = a.attrelid and p.partattrs[0] = a.attnum) as partition_key
         from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum and a.attgenerated = ''
         cross join lateral (
           with recursive made_of as (
             select t.oid, t.typtype, t.typbasetype, t.typcategory from pg_type t where t.oid = a.atttypid
             union all
             select t.oid, t.typtype, t.typbasetype, t.typcategory from made_of m join pg_type t on t.oid = m.typbasetype where m.typtype = 'd'
           ) select format_type(oid, null) as name, case when typtype = 'e' then 'e' else typcategory::text end as kind from made_of where typtype <> 'd'
         ) base
         where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum",
    )
    .bind(found.oid)
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ColumnFacts {
            name: row.get("name"),
            sql: row.get("sql"),
            kind: kind(row.get("base"), row.get("base_kind")),
            type_name: row.get("type"),
            not_null: row.get("not_null"),
            default: row.get("default"),
            comment: row.get("comment"),
            leads_index: row.get("leads_index"),
            unique: row.get("unique"),
            partition_key: row.get("partition_key"),
            ..ColumnFacts::default()
        })
        .collect())
}

fn kind(base: &str, category: &str) -> ColumnKind {
    match (base, category) {
        ("timestamp with time zone", _) => ColumnKind::Timestamptz,
        ("timestamp without time zone", _) => ColumnKind::Timestamp,
        ("date", _) => ColumnKind::Date,
        ("smallint" | "integer", _) => ColumnKind::Integer,
        ("bigint", _) => ColumnKind::Bigint,
        ("numeric", _) => ColumnKind::Numeric,
        ("real" | "double precision", _) => ColumnKind::Float,
        ("boolean", _) => ColumnKind::Boolean,
        ("uuid", _) => ColumnKind::Uuid,
        ("interval", _) => ColumnKind::Interval,
        ("json" | "jsonb", _) => ColumnKind::Json,
        (_, "e") => ColumnKind::Enum,
        (_, "S") => ColumnKind::Text,
        _ => ColumnKind::Other,
    }
}

/// Read the sample into the columns; gives its rows. Where that takes too long, as of a view that sorts a large table,
/// there is none.
async fn sample(
    connection: &mut PgConnection,
    found: &Found,
    columns: &mut [ColumnFacts],
    part: &str,
) -> Result<usize> {
    let texts: Vec<String> = columns
        .iter()
        .map(|column| match column.kind {
            ColumnKind::Timestamptz | ColumnKind::Timestamp | ColumnKind::Date => {
                format!("extract(epoch from {})::text", column.sql)
            }
            ColumnKind::Json => format!("left({}::text, 2000)", column.sql),
            ColumnKind::Other => "null".to_owned(),
            _ => format!("left({}::text, 80)", column.sql),
        })
        .collect();
    if texts.is_empty() {
        return Ok(0);
    }
    sqlx::raw_sql("savepoint sample").execute(&mut *connection).await?;
    let read = sqlx::query_scalar::<_, Vec<Option<String>>>(AssertSqlSafe(format!(
        "select array[{}]::text[] from {}{part} limit {ROWS}",
        texts.join(", "),
        found.sql
    )))
    .fetch_all(&mut *connection)
    .await;
    let rows = match read {
        Ok(rows) => rows,
        Err(sqlx::Error::Database(refusal)) if refusal.code().as_deref() == Some("57014") => {
            sqlx::raw_sql("rollback to sample").execute(&mut *connection).await?;
            Vec::new()
        }
        Err(error) => return Err(error.into()),
    };
    let sampled = rows.len();
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.sample.push(value);
        }
    }
    Ok(sampled)
}

/// What ANALYZE knows: how many values, and which are common.
async fn statistics(
    connection: &mut PgConnection,
    found: &Found,
    columns: &mut [ColumnFacts],
    rows: f64,
) -> Result<()> {
    let known: BTreeMap<String, (f64, Option<Vec<String>>)> = sqlx::query(
        "select distinct on (attname) attname::text as name, n_distinct::double precision as n_distinct, most_common_vals::text::text[] as common
         from pg_stats where schemaname = $1 and tablename = $2 order by attname, inherited desc",
    )
    .bind(&found.schema)
    .bind(&found.name)
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| (row.get("name"), (row.get("n_distinct"), row.get("common"))))
    .collect();
    for column in columns {
        let Some((distinct, common)) = known.get(&column.name) else {
            continue;
        };
        column.distinct = match *distinct {
            // Minus a share of the rows; zero is not known.
            share if share < 0.0 => Some(-share * rows),
            0.0 => None,
            number => Some(number),
        };
        if matches!(column.kind, ColumnKind::Text | ColumnKind::Enum | ColumnKind::Integer) {
            column.common = common
                .iter()
                .flatten()
                .filter(|value| value.chars().count() <= 80)
                .cloned()
                .collect();
        }
    }
    Ok(())
}

/// Foreign keys, and what their parents could be called by.
async fn references(connection: &mut PgConnection, found: &Found) -> Result<Vec<Reference>> {
    let rows = sqlx::query(
        "select c.conname, array(select a.attname::text from unnest(c.conkey) with ordinality k (n, at) join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.n order by k.at) as columns,
           array(select quote_ident(a.attname) from unnest(c.confkey) with ordinality k (n, at) join pg_attribute a on a.attrelid = c.confrelid and a.attnum = k.n order by k.at) as keys,
           format('%I.%I', n.nspname, p.relname) as table, p.relname::text as name,
           case when p.reltuples >= 0 then p.reltuples::double precision else pg_relation_size(p.oid) / 60.0 end::double precision as rows,
           array(select a.attname::text from pg_attribute a join pg_type t on t.oid = a.atttypid where a.attrelid = p.oid and a.attnum > 0 and not a.attisdropped and t.typcategory = 'S' order by a.attnum) as names,
           array(select quote_ident(a.attname) from pg_attribute a join pg_type t on t.oid = a.atttypid where a.attrelid = p.oid and a.attnum > 0 and not a.attisdropped and t.typcategory = 'S' order by a.attnum) as quoted
         from pg_constraint c join pg_class p on p.oid = c.confrelid join pg_namespace n on n.oid = p.relnamespace
         where c.conrelid = $1 and c.contype = 'f' and c.conparentid = 0 and p.relkind in ('r', 'p') and has_table_privilege(p.oid, 'select')
           and has_schema_privilege(n.oid, 'usage')
         order by c.conname",
    )
    .bind(found.oid)
    .fetch_all(&mut *connection)
    .await?;
    let mut references = Vec::new();
    for row in rows {
        let (names, quoted): (Vec<String>, Vec<String>) = (row.get("names"), row.get("quoted"));
        let table: String = row.get("table");
        let mut parent = Reference {
            columns: row.get("columns"),
            keys: row.get("keys"),
            name: row.get("name"),
            rows: row.get("rows"),
            texts: names.into_iter().zip(quoted).collect(),
            table,
        };
        // Exact where it is small; not analyzed, nothing else is known of it.
        let counted: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
            "select count(*) from (select from {} limit 1000) as parent",
            parent.table
        )))
        .fetch_one(&mut *connection)
        .await?;
        parent.rows = if counted < 1000 {
            counted as f64
        } else {
            parent.rows.max(counted as f64)
        };
        references.push(parent);
    }
    Ok(references)
}
