//! The views that SQL readers get.

use super::live::merged;
use super::{Kind, Statement, list, own};
use crate::api::Grain;
use crate::model::{MeasureForm, Merge, Model, RelationModel, StatKind};
use crate::spec::on::{literal, quote};

/// A measure as SQL over the columns of one row of a rollup table. Quantiles must be stored there.
#[must_use]
pub fn measure_sql(model: &Model, name: &str) -> String {
    let Some(measure) = model.measures.iter().find(|measure| measure.name == name) else {
        return "null".to_owned();
    };
    let of = |stat: usize, function: &str, suffixes: &[&str]| {
        let columns: Vec<String> = suffixes
            .iter()
            .map(|suffix| quote(&format!("{}__{suffix}", model.stats[stat].name)))
            .collect();
        format!("tidemark.{function}({})", columns.join(", "))
    };
    match &measure.form {
        MeasureForm::Stat(at) => match model.stats[*at].kind {
            StatKind::Count | StatKind::Sum | StatKind::Min | StatKind::Max => quote(name),
            StatKind::Distinct => of(*at, "kmv_count", &["kmv"]),
            StatKind::Moments | StatKind::Trend | StatKind::Distribution => "null".to_owned(),
        },
        MeasureForm::Expr(expr) => expr.sql(&|other| measure_sql(model, other)),
        MeasureForm::Ratio(part, whole) => {
            let scale = if measure.unit == "%" { "100 * " } else { "" };
            format!(
                "({scale}{}::double precision / nullif({}, 0))",
                measure_sql(model, part),
                measure_sql(model, whole)
            )
        }
        MeasureForm::Mean(stat) if model.stats[*stat].kind == StatKind::Distribution => {
            let stat = &model.stats[*stat].name;
            format!(
                "({}::double precision / nullif({}, 0))",
                quote(&format!("{stat}__sum")),
                quote(&format!("{stat}__n"))
            )
        }
        MeasureForm::Mean(stat) => of(*stat, "mean", &["n", "sum"]),
        MeasureForm::Sd(stat) => of(*stat, "sd", &["n", "sum", "sum2"]),
        MeasureForm::Slope(stat) => of(*stat, "slope", &["n", "sum", "t", "t2", "tv"]),
        MeasureForm::R2(stat) => of(*stat, "r2", &["n", "sum", "sum2", "t", "t2", "tv"]),
        MeasureForm::Quantile(..) => quote(name),
    }
}

/// The rows that a relation shows: the table's own, or merged over the dimensions that it leaves out.
fn rows(model: &Model, relation: &RelationModel, table: &str) -> String {
    if relation.dimensions.len() == model.dimensions.len() {
        return own(table);
    }
    let keys = list(
        "",
        std::iter::once("bucket").chain(relation.dimensions.iter().map(String::as_str)),
    );
    let merged: String = model
        .columns()
        .iter()
        .filter_map(|column| match column.merge {
            Merge::Sketch => None,
            Merge::Kmv => Some(format!(
                "tidemark.kmv_least(string_agg({name}, ''::bytea)) as {name}",
                name = quote(&column.name)
            )),
            _ => Some(merged(column)),
        })
        .map(|sql| format!("\n      {sql},"))
        .collect();
    format!(
        "(\n    select {keys},{merged}\n      max(computed_at) as computed_at\n    from {}\n    group by {keys}\n  ) as tidemark_group",
        own(table)
    )
}

pub(super) fn view(model: &Model, relation: &RelationModel) -> Statement {
    let parts: Vec<String> = relation
        .grains
        .iter()
        .map(|grain| select(model, relation, *grain))
        .collect();
    let grains: Vec<&str> = relation.grains.iter().map(|grain| grain.label()).collect();
    Statement {
        kind: Kind::View,
        name: relation.name.clone(),
        sql: format!(
            "create or replace view {own} as\n  {};\ncomment on view {own} is {};\n",
            parts.join("\n  union all\n  "),
            literal(&format!(
                "{} by {}: what ticks have computed, the current bucket included.",
                model.title,
                grains.join(", ")
            )),
            own = own(&relation.name),
        ),
    }
}

/// One grain of a relation. Where there are several, the grain and the time stand after the dimensions: that is the key.
fn select(model: &Model, relation: &RelationModel, grain: Grain) -> String {
    let level = model
        .levels
        .iter()
        .position(|level| level.grain == grain)
        .unwrap_or_default();
    let time = if relation.time_column.ends_with("_date") {
        "(bucket at time zone 'UTC')::date"
    } else {
        "bucket"
    };
    let time = format!("{time} as {}", quote(&relation.time_column));
    let dimensions = relation.dimensions.iter().map(|name| quote(name));
    let mut columns: Vec<String> = Vec::new();
    match &relation.grain_column {
        None => {
            columns.push(time);
            columns.extend(dimensions);
        }
        Some(column) => {
            columns.extend(dimensions);
            columns.push(format!(
                "{}::text as {}",
                literal(&grain.name().to_uppercase()),
                quote(column)
            ));
            columns.push(time);
        }
    }
    columns.extend(
        relation
            .measures
            .iter()
            .map(|measure| format!("{} as {}", measure_sql(model, measure), quote(measure))),
    );
    columns.push("computed_at".to_owned());
    format!(
        "select {}\n  from {}",
        columns.join(",\n    "),
        rows(model, relation, &model.table(level))
    )
}
