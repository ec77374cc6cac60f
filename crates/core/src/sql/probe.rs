//! Probes: views that are made and rolled back, by which PostgreSQL itself says what a declaration's expressions mean,
//! what types they have, and which columns of which table they use.

use super::source::from;
use crate::model::{Join, SourceModel};
use crate::spec::Source;
use crate::spec::on::{column_ref, key_pairs, quote, table_ref};

/// One expression of a declaration, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probe {
    /// Column of the probing view.
    pub column: String,
    pub sql: String,
    /// Byte offsets in the declaration.
    pub span: std::ops::Range<usize>,
    /// For messages: `value "duration_ms" of source "usage"`.
    pub what: String,
}

/// What is shown of a raw row. Apart from the rest: what is only shown is not watched, and a change of it marks nothing.
#[must_use]
pub fn row_probes(source: &Source) -> Vec<Probe> {
    let probe = |(at, (label, sql)): (usize, (&String, &toml::Spanned<String>))| Probe {
        column: format!("r_{at}"),
        sql: format!("({})::text", sql.get_ref()),
        span: sql.span(),
        what: format!("rows, \"{label}\" of source \"{}\"", source.name.get_ref()),
    };
    source.rows.iter().enumerate().map(probe).collect()
}

/// The FROM clause of a source, and all expressions over it. Schemas are those of `resolved`, in order: the source's own
/// table, then its lookups.
#[must_use]
pub fn probe(source: &Source, resolved: &[(String, String)]) -> (String, Vec<Probe>) {
    let name = source.name.get_ref();
    let table = table_ref(source.table.get_ref());
    let named = |at: usize| resolved.get(at).cloned().unwrap_or_default();
    let (schema, raw) = named(0);
    let joins = source
        .lookups
        .iter()
        .enumerate()
        .map(|(at, lookup)| {
            let (schema, table) = named(at + 1);
            let alias = table_ref(lookup.table.get_ref()).map_or_else(String::new, |table| table.alias);
            Join {
                schema,
                table,
                alias,
                on: lookup.on.get_ref().clone(),
                expressions: Vec::new(),
                input: 0,
            }
        })
        .collect::<Vec<_>>();
    let model = SourceModel {
        name: name.clone(),
        schema,
        table: raw,
        alias: table.map_or_else(String::new, |table| table.alias),
        time_column: String::new(),
        time: crate::model::TimeKind::Timestamptz,
        joins: Vec::new(),
        filter: None,
        scope_column: None,
        change: Vec::new(),
        dimensions: Vec::new(),
        values: Vec::new(),
        rows: Vec::new(),
        rows_first: false,
        used: std::collections::BTreeMap::new(),
    };
    let mut probes = Vec::new();
    let mut add = |column: String, sql: String, span: std::ops::Range<usize>, what: String| {
        probes.push(Probe {
            column,
            sql,
            span,
            what,
        })
    };
    let time = column_ref(source.time.get_ref()).map_or_else(
        || source.time.get_ref().clone(),
        |(alias, column)| format!("{}.{}", quote(&alias), quote(&column)),
    );
    add(
        "time".to_owned(),
        time,
        source.time.span(),
        format!("time of source \"{name}\""),
    );
    for (dimension, sql) in &source.dimensions {
        add(
            format!("d_{dimension}"),
            sql.get_ref().clone(),
            sql.span(),
            format!("dimension \"{dimension}\" of source \"{name}\""),
        );
    }
    for (value, sql) in &source.values {
        add(
            format!("v_{value}"),
            sql.get_ref().clone(),
            sql.span(),
            format!("value \"{value}\" of source \"{name}\""),
        );
    }
    if let Some(filter) = &source.filter {
        add(
            "filter".to_owned(),
            format!("({})::boolean", filter.get_ref()),
            filter.span(),
            format!("where of source \"{name}\""),
        );
    }
    for (at, lookup) in source.lookups.iter().enumerate() {
        let alias = table_ref(lookup.table.get_ref()).map_or_else(String::new, |table| table.alias);
        for (pair, key) in key_pairs(lookup.on.get_ref(), &alias)
            .unwrap_or_default()
            .into_iter()
            .enumerate()
        {
            add(
                format!("k_{at}_{pair}"),
                format!("{}.{}", quote(&alias), quote(&key.column)),
                lookup.on.span(),
                format!("on of lookup \"{alias}\" of source \"{name}\""),
            );
            add(
                format!("e_{at}_{pair}"),
                key.expression,
                lookup.on.span(),
                format!("on of lookup \"{alias}\" of source \"{name}\""),
            );
        }
    }
    (from(&model, &joins), probes)
}
