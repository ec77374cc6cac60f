//! Numbers of a rollup that is not there yet: plain SQL over raw rows that needs nothing of Tidemark's, for a look before
//! anything is made.

use super::source::{between, from, instant, valid};
use crate::model::{MeasureForm, MeasureModel, Model, StatKind};
use crate::spec::on::quote;

/// Groups that are shown, those with most rows.
const GROUPS: usize = 12;

/// The raw rows of each source in [`$1`, `$2`), for the planner to estimate.
#[must_use]
pub fn rows_between(model: &Model) -> Vec<String> {
    let rows = |source| {
        format!(
            "select from {} where {}",
            from(source, &[]),
            between(source, "$1", "$2")
        )
    };
    model.sources.iter().map(rows).collect()
}

/// The newest instant of any source that is not after `$1`; each source is asked by its own time column.
#[must_use]
pub fn newest(model: &Model) -> String {
    let parts: Vec<String> = model
        .sources
        .iter()
        .map(|source| {
            let column = source.time_sql();
            let (instant, table) = (instant(source), from(source, &[]));
            format!(
                "(select {instant} as at from {table} where {} and {instant} <= $1 order by {column} desc limit 1)",
                valid(source)
            )
        })
        .collect();
    format!("select max(at) from ({}) as newest", parts.join(" union all "))
}

/// One row per value of the first dimension, and one for all rows together, over [`$1`, `$2`): `is_all`, the group as text,
/// raw rows, the number of all rows of this answer, then the measures as double precision, in the order of [`Model::numbers`]. What a plain aggregate can't give
/// is NULL. Percentiles are exact here: they are read from the rows themselves.
#[must_use]
pub fn preview(model: &Model) -> String {
    let mut atoms = Vec::new();
    let measures: Vec<String> = model
        .numbers()
        .map(|measure| measure_sql(model, measure, &mut atoms).unwrap_or_else(|| "null".to_owned()))
        .collect();
    let branches: Vec<String> = model
        .sources
        .iter()
        .enumerate()
        .map(|(at, source)| {
            let group = source.dimensions.first().map_or("null::text", String::as_str);
            let values: String = source
                .values
                .iter()
                .map(|value| format!(", ({}) as {}", value.expression, quote(&value.name)))
                .collect();
            let dimensions: String = source
                .dimensions
                .iter()
                .zip(&model.dimensions)
                .map(|(sql, dimension)| format!(", ({sql})::{} as {}", dimension.sql_type, quote(&dimension.name)))
                .collect();
            let filter = source
                .filter
                .as_ref()
                .map_or(String::new(), |filter| format!(" and ({filter})"));
            let aggregates: String = atoms
                .iter()
                .enumerate()
                .map(|(place, (of, sql))| {
                    let sql = if *of == at { sql.as_str() } else { "null" };
                    format!(", ({sql})::double precision as tidemark_a{place}")
                })
                .collect();
            format!(
                "select grouping(tidemark_group) = 1 as is_all, tidemark_group, count(*) as tidemark_rows{aggregates}
  from (select ({group})::text as tidemark_group{dimensions}{values}
    from {}
    where {}{filter}) as tidemark_fact
  group by grouping sets ((), (tidemark_group))",
                from(source, &source.joins),
                between(source, "$1", "$2"),
            )
        })
        .collect();
    let merged: String = (0..atoms.len())
        .map(|place| format!(", max(tidemark_a{place}) as tidemark_a{place}"))
        .collect();
    let outputs: String = measures
        .iter()
        .map(|sql| format!(", ({sql})::double precision"))
        .collect();
    format!(
        "select is_all, tidemark_group, tidemark_rows::bigint, count(*) over (){outputs}
from (
  select is_all, tidemark_group, sum(tidemark_rows) as tidemark_rows{merged}
  from (
{}
  ) as tidemark_part group by is_all, tidemark_group
) as tidemark_all
order by is_all desc, tidemark_rows desc, tidemark_group limit {}",
        branches.join("\n  union all\n"),
        GROUPS + 1,
    )
}

/// A measure over atoms: aggregates of one source each.
fn measure_sql(model: &Model, measure: &MeasureModel, atoms: &mut Vec<(usize, String)>) -> Option<String> {
    let named = |name: &str| model.measures.iter().find(|known| known.name == name);
    let mut atom = |source: usize, sql: String| {
        atoms.push((source, sql));
        format!("tidemark_a{}", atoms.len() - 1)
    };
    let filtered = |aggregate: String, conditions: &[&str]| {
        if conditions.is_empty() {
            aggregate
        } else {
            format!("{aggregate} filter (where ({}))", conditions.join(") and ("))
        }
    };
    match &measure.form {
        MeasureForm::Stat(at) => {
            let stat = &model.stats[*at];
            let value = quote(stat.value.as_deref().unwrap_or_default());
            let conditions: Vec<&str> = stat.filter.iter().map(String::as_str).collect();
            let count = filtered("count(*)".to_owned(), &conditions);
            match stat.kind {
                StatKind::Count => Some(format!("coalesce({}, 0)", atom(stat.source, count))),
                StatKind::Sum => Some(atom(stat.source, filtered(format!("sum({value})"), &conditions))),
                StatKind::Min => Some(atom(stat.source, filtered(format!("min({value})"), &conditions))),
                StatKind::Max => Some(atom(stat.source, filtered(format!("max({value})"), &conditions))),
                _ => None,
            }
        }
        MeasureForm::Mean(at) | MeasureForm::Quantile(at, _) => {
            let stat = &model.stats[*at];
            let value = format!("{}::double precision", quote(stat.value.as_deref()?));
            let finite = format!("{value} > '-Infinity' and {value} < 'Infinity'");
            let conditions: Vec<&str> = stat
                .filter
                .iter()
                .map(String::as_str)
                .chain([finite.as_str()])
                .collect();
            let aggregate = match &measure.form {
                MeasureForm::Quantile(_, q) => format!("percentile_disc({q}) within group (order by {value})"),
                _ => format!("avg({value})"),
            };
            Some(atom(stat.source, filtered(aggregate, &conditions)))
        }
        MeasureForm::Ratio(part, whole) => {
            let part = measure_sql(model, named(part)?, atoms)?;
            let whole = measure_sql(model, named(whole)?, atoms)?;
            let times = if measure.unit == "%" { " * 100" } else { "" };
            Some(format!("({part}){times} / nullif({whole}, 0)"))
        }
        // Whatever else only the built rollup can say.
        other => {
            let MeasureForm::Expr(expr) = other else { return None };
            let mut parts = Vec::new();
            for name in expr.measures() {
                parts.push((name, measure_sql(model, named(name)?, atoms)?));
            }
            let sql = |name: &str| {
                let found = parts.iter().find(|(known, _)| *known == name);
                found.map_or_else(|| "null".to_owned(), |(_, sql)| format!("({sql})"))
            };
            Some(expr.sql(&sql))
        }
    }
}
