//! `tidemark query`: the answer as rows.

use std::sync::Arc;

use serde_json::Value;
use tidemark_core::api::{Grain, Named, QueryAnswer, QueryRequest, QueryRow, State};
use tidemark_core::model::{MeasureModel, Model};
use tidemark_core::zone::to_local;

use super::cell::Shape;
use super::snapshot::{Ask, Cut, Snapshot};
use crate::{Db, Error, Result};

impl Db {
    /// Numbers by bucket and group. Equals the raw rows at one snapshot where `state` is exact.
    pub async fn query(&self, request: &QueryRequest) -> Result<QueryAnswer> {
        for _ in 0..3 {
            match self.try_query(request).await {
                Err(error) if error.is_applied_meanwhile() => self.forget(&request.rollup),
                answer => return answer,
            }
        }
        self.try_query(request).await
    }

    async fn try_query(&self, request: &QueryRequest) -> Result<QueryAnswer> {
        if request.from >= request.to {
            return Err(Error::input(
                "bad_range",
                "The range is empty: --from must be before --to.",
            ));
        }
        let dimensions: Vec<&String> = request
            .by
            .iter()
            .chain(request.filters.iter().map(|filter| &filter.dimension))
            .collect();
        let chosen = self
            .choose_known(&request.rollup, &request.measures, &dimensions)
            .await?;
        let model = &*chosen.model;
        let measures = wanted(model, &request.measures)?;
        check_dimensions(model, dimensions.into_iter())?;
        let shape = Shape::of(model, &measures);
        let ask = Ask {
            rollup: &request.rollup,
            chosen: &chosen,
            from: request.from,
            to: request.to,
            grain: request.grain,
            tz: request.tz,
            week: request.week_start,
            cuts: vec![Cut {
                by: request.by.clone(),
                filters: request.filters.clone(),
            }],
            mode: request.mode,
        };
        let snapshot = self.snapshot(&ask, &shape, None).await?;
        let rows = rows(model, &shape, &measures, request, &snapshot);
        Ok(QueryAnswer {
            rollup: request.rollup.clone(),
            grain: request.grain,
            tz: request.tz.name().to_owned(),
            from: to_local(snapshot.from, request.tz),
            to: to_local(snapshot.to, request.tz),
            as_of: snapshot.as_of,
            state: if snapshot.pending_buckets > 0 {
                State::Pending
            } else {
                State::Exact
            },
            pending_buckets: snapshot.pending_buckets,
            live_buckets: snapshot.live_buckets,
            rows,
            pending_reason: snapshot.pending_reason,
            measures: measures.iter().map(|measure| model.info(measure)).collect(),
            dimensions: request.by.clone(),
        })
    }
}

/// The measures that were asked for; all where none was named.
pub(super) fn wanted<'a>(model: &'a Model, names: &[String]) -> Result<Vec<&'a MeasureModel>> {
    if names.is_empty() {
        return Ok(model.numbers().collect());
    }
    names
        .iter()
        .map(|name| {
            model.numbers().find(|measure| measure.name == *name).ok_or_else(|| {
                let known: Vec<&str> = model.numbers().map(|measure| measure.name.as_str()).collect();
                let hint = tidemark_core::suggest::closest(name, known.iter().copied()).map_or_else(
                    || format!("It has: {}.", known.join(", ")),
                    |near| format!("Did you mean {near}?"),
                );
                Error::input(
                    "unknown_measure",
                    format!("{} has no measure {name:?}. {hint}", model.name),
                )
            })
        })
        .collect()
}

pub(super) fn check_dimensions<'a>(model: &Model, names: impl Iterator<Item = &'a String>) -> Result<()> {
    for name in names {
        if !model.dimensions.iter().any(|dimension| dimension.name == *name) {
            let known: Vec<&str> = model
                .dimensions
                .iter()
                .map(|dimension| dimension.name.as_str())
                .collect();
            return Err(Error::input(
                "unknown_dimension",
                format!(
                    "{} has no dimension {name:?}. It has: {}.",
                    model.name,
                    known.join(", ")
                ),
            ));
        }
    }
    Ok(())
}

fn rows(
    model: &Model,
    shape: &Shape,
    measures: &[&MeasureModel],
    request: &QueryRequest,
    snapshot: &Snapshot,
) -> Vec<QueryRow> {
    let measured = measures.iter().map(|measure| measure.name.clone());
    let names: Arc<[String]> = request.by.iter().cloned().chain(measured).collect();
    // The same for all groups of a bucket, and a look at the zone's rules each.
    let ends: Vec<_> = snapshot
        .buckets
        .iter()
        .map(|cut| {
            let start = match request.grain {
                Grain::Total => cut.start.max(snapshot.from),
                _ => cut.start,
            };
            (to_local(start, request.tz), to_local(cut.end, request.tz))
        })
        .collect();
    let cells = snapshot.cells.iter();
    cells
        .flat_map(|cells| {
            cells
                .iter()
                .map(|(bucket, group, cell)| (bucket, &cells.groups()[group], cell))
        })
        .map(|(bucket, group, cell)| {
            let cut = snapshot.buckets[bucket];
            let (start, end) = (cut.start.max(snapshot.from), cut.end.min(snapshot.to));
            let mut values = Vec::with_capacity(names.len());
            values.extend(
                request
                    .by
                    .iter()
                    .zip(group.iter())
                    .map(|(name, value)| dimension_json(model, name, value.as_deref())),
            );
            values.extend(
                shape
                    .measures(cell)
                    .map(|value| value.map_or(Value::Null, |number| number.to_json())),
            );
            QueryRow {
                bucket_start: ends[bucket].0,
                bucket_end: ends[bucket].1,
                state: snapshot.states[bucket],
                partial: start > cut.start
                    || end < cut.end
                    || (cut.start <= snapshot.as_of && snapshot.as_of < cut.end),
                values: Named::new(&names, values),
            }
        })
        .collect()
}

/// Integers and booleans as such, the rest as text.
fn dimension_json(model: &Model, name: &str, value: Option<&str>) -> Value {
    let Some(value) = value else { return Value::Null };
    let kind = model
        .dimensions
        .iter()
        .find(|dimension| dimension.name == name)
        .map_or("text", |dimension| dimension.sql_type.as_str());
    match kind {
        "smallint" | "integer" | "bigint" => value.parse::<i64>().map_or_else(|_| value.into(), Value::from),
        "boolean" => (value == "true" || value == "t").into(),
        _ => value.into(),
    }
}
