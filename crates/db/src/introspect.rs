//! What the database says about a declaration: PostgreSQL itself reads its expressions, in views that are rolled back.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, PgConnection, Row};
use tidemark_core::model::{LookupFacts, Model, ModelError, SourceFacts};
use tidemark_core::spec::on::{column_ref, quote, table_ref};
use tidemark_core::spec::{Change, Location, Source, Spec};
use tidemark_core::sql::{Probe, probe, row_probes};

use crate::{Declaration, Error, Result};

/// Read a declaration and resolve it against this database. Changes nothing.
pub(crate) async fn resolve(connection: &mut PgConnection, declaration: &Declaration) -> Result<(Spec, Model)> {
    let spec = Spec::parse(&declaration.origin, &declaration.text)
        .map_err(|error| Error::input("bad_declaration", error.to_string()))?;
    let mut facts = Vec::new();
    for source in &spec.source {
        facts.push(source_facts(connection, declaration, &spec, source).await?);
    }
    for dimension in spec.dimensions.values() {
        let Some(sql_type) = &dimension.get_ref().sql_type else {
            continue;
        };
        let known: bool = sqlx::query_scalar("select to_regtype($1) is not null")
            .bind(sql_type)
            .fetch_one(&mut *connection)
            .await?;
        if !known {
            return Err(at(
                declaration,
                dimension.span(),
                format!(
                    "there is no type {sql_type:?}; write a PostgreSQL type such as text, uuid or integer, or leave it out"
                ),
            ));
        }
    }
    let model = Model::resolve(&spec, &facts).map_err(|error| {
        let span = match &error {
            ModelError::TimeType { source_name, .. } => spec
                .source
                .iter()
                .find(|source| source.name.get_ref() == source_name)
                .map(|source| source.time.span()),
            ModelError::ChangeType { source_name, .. } => spec
                .source
                .iter()
                .find(|source| source.name.get_ref() == source_name)
                .and_then(|source| source.change.as_ref())
                .map(|change| change.span()),
            ModelError::ScopeType { .. } => spec.scope.as_ref().map(|scope| scope.span()),
            ModelError::NotANumber { source_name, value, .. } => spec
                .source
                .iter()
                .find(|source| source.name.get_ref() == source_name)
                .and_then(|source| source.values.get(value))
                .map(|value| value.span()),
        };
        at(declaration, span.unwrap_or(0..0), error.to_string())
    })?;
    Ok((spec, model))
}

fn at(declaration: &Declaration, span: std::ops::Range<usize>, message: String) -> Error {
    let location = Location::of(&declaration.origin, &declaration.text, span.start);
    Error::input("bad_declaration", format!("{location}: {message}"))
}

/// Find a table by search path, as a query would.
async fn locate(
    connection: &mut PgConnection,
    declaration: &Declaration,
    text: &toml::Spanned<String>,
    poll: bool,
) -> Result<(String, String)> {
    let named =
        table_ref(text.get_ref()).ok_or_else(|| at(declaration, text.span(), "table can't be read".to_owned()))?;
    let full = named.schema.as_ref().map_or_else(
        || quote(&named.table),
        |schema| format!("{}.{}", quote(schema), quote(&named.table)),
    );
    let found = sqlx::query(
        "select n.nspname::text as schema, c.relname::text as name, c.relkind::text as kind,
           has_table_privilege(c.oid, 'select') as readable
         from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1)",
    )
    .bind(&full)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(found) = found else {
        let names: Vec<String> = sqlx::query_scalar("select c.relname::text from pg_class c where c.relkind in ('r', 'p') and pg_table_is_visible(c.oid) and c.relnamespace <> 'pg_catalog'::regnamespace")
            .fetch_all(connection)
            .await?;
        let hint = tidemark_core::suggest::closest(&named.table, names.iter().map(String::as_str))
            .map_or(String::new(), |near| format!("; did you mean {near:?}?"));
        return Err(at(
            declaration,
            text.span(),
            format!("there is no table {full} here{hint}"),
        ));
    };
    match found.get::<String, _>("kind").as_str() {
        "r" | "p" => {}
        "v" if poll => {}
        "v" => {
            return Err(at(
                declaration,
                text.span(),
                format!(
                    "{full} is a view; capture by triggers needs a table. Name the tables behind it, or write capture = \"poll\" at top level and change = … for each source"
                ),
            ));
        }
        "m" => {
            return Err(at(
                declaration,
                text.span(),
                format!(
                    "{full} is a materialized view: its rows appear at REFRESH, with no trigger and long after their own change columns say so. Name the tables behind it, or an ordinary view with capture = \"poll\""
                ),
            ));
        }
        "f" => {
            return Err(at(
                declaration,
                text.span(),
                format!(
                    "{full} is a foreign table: it can't be read at one instant together with tables of this database. Install Tidemark where its rows are"
                ),
            ));
        }
        _ => return Err(at(declaration, text.span(), format!("{full} is not a table"))),
    }
    if !found.get::<bool, _>("readable") {
        return Err(Error::Forbidden {
            message: format!(
                "This role may not read {full}. Ask its owner for: grant select on {full} to current_user; (see docs/OPERATIONS.md)"
            ),
        });
    }
    Ok((found.get("schema"), found.get("name")))
}

async fn source_facts(
    connection: &mut PgConnection,
    declaration: &Declaration,
    spec: &Spec,
    source: &Source,
) -> Result<SourceFacts> {
    let poll = spec.capture.as_ref().is_some_and(|capture| capture.get_ref() == "poll");
    let mut tables = vec![locate(connection, declaration, &source.table, poll).await?];
    for lookup in &source.lookups {
        tables.push(locate(connection, declaration, &lookup.table, poll).await?);
    }
    let mut changes = vec![change_types(connection, declaration, &tables[0], source.change.as_ref()).await?];
    for (lookup, table) in source.lookups.iter().zip(&tables[1..]) {
        changes.push(change_types(connection, declaration, table, lookup.change.as_ref()).await?);
    }
    let (from, probes) = probe(source, &tables);
    let shown = row_probes(source);
    if !shown.is_empty() {
        sqlx::raw_sql("begin; set local search_path = pg_catalog, pg_temp")
            .execute(&mut *connection)
            .await?;
        let read = probe_all(connection, declaration, &from, &shown).await;
        sqlx::raw_sql("rollback").execute(&mut *connection).await?;
        read?;
    }
    // Under the search path that the engine's functions have: a function or type that it doesn't find is named now, not
    // at the first tick, and types are written as they will be written then.
    sqlx::raw_sql("begin; set local search_path = pg_catalog, pg_temp")
        .execute(&mut *connection)
        .await?;
    let found = match probe_all(connection, declaration, &from, &probes).await {
        Ok(found) => probe_filters(connection, declaration, spec, source)
            .await
            .map(|()| found),
        Err(error) => Err(error),
    };
    sqlx::raw_sql("rollback").execute(&mut *connection).await?;
    let (types, used) = found?;
    for (at_lookup, lookup) in source.lookups.iter().enumerate() {
        unique_key(connection, declaration, lookup, &tables[at_lookup + 1]).await?;
    }
    let named = |prefix: &str| {
        types
            .iter()
            .filter_map(|(column, kind)| column.strip_prefix(prefix).map(|name| (name.to_owned(), kind.clone())))
            .collect()
    };
    let used_of = |table: &(String, String)| used.get(table).cloned().unwrap_or_default();
    Ok(SourceFacts {
        schema: tables[0].0.clone(),
        time_type: types.get("time").cloned().unwrap_or_default(),
        change_types: changes.remove(0),
        value_types: named("v_"),
        dimension_types: named("d_"),
        used: used_of(&tables[0]),
        lookups: tables[1..]
            .iter()
            .zip(changes)
            .map(|(table, change_types)| LookupFacts {
                schema: table.0.clone(),
                change_types,
                used: used_of(table),
            })
            .collect(),
    })
}

/// The types of change columns, by name.
async fn change_types(
    connection: &mut PgConnection,
    declaration: &Declaration,
    table: &(String, String),
    change: Option<&toml::Spanned<Change>>,
) -> Result<BTreeMap<String, String>> {
    let mut types = BTreeMap::new();
    let Some(change) = change else { return Ok(types) };
    let rows = sqlx::query(
        "select a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type from pg_attribute a
         where a.attrelid = format('%I.%I', $1::text, $2::text)::regclass and a.attnum > 0 and not a.attisdropped",
    )
    .bind(&table.0)
    .bind(&table.1)
    .fetch_all(connection)
    .await?;
    let known: BTreeMap<String, String> = rows.iter().map(|row| (row.get("name"), row.get("type"))).collect();
    for (_, column) in change.get_ref().columns().into_iter().filter_map(column_ref) {
        let Some(kind) = known.get(&column) else {
            let hint = tidemark_core::suggest::closest(&column, known.keys().map(String::as_str))
                .map_or(String::new(), |near| format!("; did you mean {near:?}?"));
            return Err(at(
                declaration,
                change.span(),
                format!("change: {}.{} has no column {column:?}{hint}", table.0, table.1),
            ));
        };
        types.insert(column, kind.clone());
    }
    Ok(types)
}

type Types = BTreeMap<String, String>;
type Used = BTreeMap<(String, String), BTreeMap<String, String>>;

/// One view over all expressions; where it fails, one view each to find the culprit.
async fn probe_all(
    connection: &mut PgConnection,
    declaration: &Declaration,
    from: &str,
    probes: &[Probe],
) -> Result<(Types, Used)> {
    let view = |probes: &[&Probe]| {
        let columns: Vec<String> = probes
            .iter()
            .map(|probe| format!("({}) as {}", probe.sql, quote(&probe.column)))
            .collect();
        format!(
            "create temp view tidemark_probe as select {} from {from}",
            columns.join(", ")
        )
    };
    sqlx::raw_sql("savepoint probe").execute(&mut *connection).await?;
    let all: Vec<&Probe> = probes.iter().collect();
    if let Err(error) = sqlx::raw_sql(AssertSqlSafe(view(&all))).execute(&mut *connection).await {
        for probe in probes {
            sqlx::raw_sql("rollback to probe").execute(&mut *connection).await?;
            if let Err(culprit) = sqlx::raw_sql(AssertSqlSafe(view(&[probe])))
                .execute(&mut *connection)
                .await
            {
                return Err(explain(declaration, probe, culprit));
            }
        }
        return Err(error.into());
    }
    // A domain is what it is made of: the engine stores and compares it as such.
    let types = sqlx::query(
        "with recursive made_of as (
           select attname, atttypid as type, atttypmod as modifier from pg_attribute where attrelid = 'pg_temp.tidemark_probe'::regclass and attnum > 0
           union all
           select m.attname, t.typbasetype, t.typtypmod from made_of m join pg_type t on t.oid = m.type where t.typtype = 'd'
         )
         select attname::text as name, format_type(type, modifier) as type from made_of where (select typtype from pg_type t where t.oid = type) <> 'd'",
    )
        .fetch_all(&mut *connection)
        .await?
        .into_iter()
        .map(|row| (row.get("name"), row.get("type")))
        .collect();
    let mut used: Used = BTreeMap::new();
    for row in sqlx::query(
        "select n.nspname::text as schema, c.relname::text as name, a.attname::text as attribute, format_type(a.atttypid, a.atttypmod) as type
         from pg_rewrite w join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
         join pg_class c on c.oid = d.refobjid and d.refclassid = 'pg_class'::regclass and c.oid <> w.ev_class
         join pg_namespace n on n.oid = c.relnamespace
         join pg_attribute a on a.attrelid = c.oid and a.attnum = d.refobjsubid and a.attnum > 0
         where w.ev_class = 'pg_temp.tidemark_probe'::regclass",
    )
    .fetch_all(&mut *connection)
    .await?
    {
        used.entry((row.get("schema"), row.get("name"))).or_default().insert(row.get("attribute"), row.get("type"));
    }
    Ok((types, used))
}

/// The `where` of each measure over this source, over the view that [`probe_all`] left: values and dimensions by name.
async fn probe_filters(
    connection: &mut PgConnection,
    declaration: &Declaration,
    spec: &Spec,
    source: &Source,
) -> Result<()> {
    let values = source.values.keys().map(|value| (format!("v_{value}"), value));
    let dimensions = source.dimensions.keys().map(|name| (format!("d_{name}"), name));
    let columns: Vec<String> = values
        .chain(dimensions)
        .map(|(column, name)| format!("{} as {}", quote(&column), quote(name)))
        .collect();
    for (name, declared) in &spec.measures {
        let measure = declared.get_ref();
        let over = measure.count.as_deref().or_else(|| {
            let value = [&measure.sum, &measure.min, &measure.max, &measure.distribution];
            let value = value.into_iter().flatten().next()?;
            value.split_once('.').map(|(source, _)| source)
        });
        let Some(filter) = measure.filter.as_ref().filter(|_| over == Some(source.name.get_ref())) else {
            continue;
        };
        let probe = Probe {
            column: "keep".to_owned(),
            sql: format!("({filter})::boolean"),
            span: declared.span(),
            what: format!("where of measure \"{name}\""),
        };
        let sql = format!(
            "create temp view tidemark_filter as select {} as keep from (select {} from pg_temp.tidemark_probe) as facts; drop view pg_temp.tidemark_filter",
            probe.sql,
            columns.join(", ")
        );
        if let Err(culprit) = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await {
            return Err(explain(declaration, &probe, culprit));
        }
    }
    Ok(())
}

/// A culprit in the words of the server, with a near name where it knows one.
fn explain(declaration: &Declaration, probe: &Probe, culprit: sqlx::Error) -> Error {
    let sqlx::Error::Database(refusal) = &culprit else {
        return culprit.into();
    };
    if refusal.code().as_deref() == Some("42501") {
        return culprit.into();
    }
    let hint = refusal
        .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
        .and_then(|pg| pg.hint())
        .map_or(String::new(), |hint| format!(". {hint}"));
    at(
        declaration,
        probe.span.clone(),
        format!("{}: {}{hint}", probe.what, refusal.message()),
    )
}

/// A lookup's key must be unique, or one raw row would count several times.
async fn unique_key(
    connection: &mut PgConnection,
    declaration: &Declaration,
    lookup: &tidemark_core::spec::Lookup,
    table: &(String, String),
) -> Result<()> {
    let alias = table_ref(lookup.table.get_ref()).map_or_else(String::new, |table| table.alias);
    let keys: Vec<String> = tidemark_core::spec::on::key_pairs(lookup.on.get_ref(), &alias)
        .unwrap_or_default()
        .into_iter()
        .map(|pair| pair.column)
        .collect();
    let unique: bool = sqlx::query_scalar(
        // Of a view nobody can say; plan warns of it.
        "select (select relkind = 'v' from pg_class where oid = format('%I.%I', $1::text, $2::text)::regclass) or exists (
           select from pg_index i
           where i.indrelid = format('%I.%I', $1::text, $2::text)::regclass and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
             and (select array_agg(a.attname::text) from unnest(i.indkey[0 : i.indnkeyatts - 1]) k join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k) <@ $3)",
    )
    .bind(&table.0)
    .bind(&table.1)
    .bind(&keys)
    .fetch_one(connection)
    .await?;
    if unique {
        return Ok(());
    }
    let keys = keys.iter().map(|key| quote(key)).collect::<Vec<_>>().join(", ");
    Err(at(
        declaration,
        lookup.on.span(),
        format!(
            "{}.{} has no unique index on ({keys}), so a raw row could be counted twice; make one: create unique index concurrently on {}.{} ({keys});",
            table.0,
            table.1,
            quote(&table.0),
            quote(&table.1)
        ),
    ))
}
