//! The views that SQL readers get.

use super::{Kind, Statement, own};
use crate::model::{MeasureForm, Model, RelationModel, StatKind};
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
    columns.extend(model.dimensions.iter().map(|dimension| quote(&dimension.name)));
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
            own(&model.table(level)),
            literal(&format!(
                "{} by {}: what ticks have computed, the current bucket included.",
                model.title,
                relation.grain.label()
            )),
            own = own(&relation.name),
        ),
    }
}
