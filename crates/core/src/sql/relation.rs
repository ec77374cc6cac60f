//! The views that SQL readers get.

use super::live::merged;
use super::{Kind, Statement, list, own};
use crate::model::{MeasureForm, Merge, Model, RelationModel, StatKind};
use crate::spec::on::{literal, quote};

/// A measure as SQL over the columns of one row of a rollup table. Quantiles must be stored there.
#[must_use]
pub fn measure_sql(model: &Model, name: &str) -> String {
    let Some(measure) = model.measures.iter().find(|measure| measure.name == name) else {
        return "null".to_owned();
    };
    match &measure.form {
        MeasureForm::Stat(at) => match model.stats[*at].kind {
            StatKind::Distribution => "null".to_owned(),
            _ => quote(name),
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
        MeasureForm::Mean(stat) => {
            let stat = &model.stats[*stat].name;
            format!(
                "({}::double precision / nullif({}, 0))",
                quote(&format!("{stat}__sum")),
                quote(&format!("{stat}__n"))
            )
        }
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
        .filter(|column| column.merge != Merge::Sketch)
        .map(|column| format!("\n      {},", merged(column)))
        .collect();
    format!(
        "(\n    select {keys},{merged}\n      max(computed_at) as computed_at\n    from {}\n    group by {keys}\n  ) as tidemark_group",
        own(table)
    )
}

pub(super) fn view(model: &Model, relation: &RelationModel) -> Statement {
    let level = model
        .levels
        .iter()
        .position(|level| level.grain == relation.grain)
        .unwrap_or_default();
    let time = if relation.time_column.ends_with("_date") {
        "(bucket at time zone 'UTC')::date"
    } else {
        "bucket"
    };
    let mut columns = vec![format!("{time} as {}", quote(&relation.time_column))];
    columns.extend(relation.dimensions.iter().map(|name| quote(name)));
    columns.extend(
        relation
            .measures
            .iter()
            .map(|measure| format!("{} as {}", measure_sql(model, measure), quote(measure))),
    );
    columns.push("computed_at".to_owned());
    Statement {
        kind: Kind::View,
        name: relation.name.clone(),
        sql: format!(
            "create or replace view {own} as\n  select {}\n  from {};\ncomment on view {own} is {};\n",
            columns.join(",\n    "),
            rows(model, relation, &model.table(level)),
            literal(&format!(
                "{} by {}: what ticks have computed, the current bucket included.",
                model.title,
                relation.grain.label()
            )),
            own = own(&relation.name),
        ),
    }
}
