//! The raw rows behind a number, as a person sees them.

use super::source::{between, from, instant};
use crate::model::{Model, Stat};
use crate::spec::on::quote;

/// Longer values are cut, so that a list of rows can't fill a window's memory.
const LONGEST: usize = 4_000;

/// What is asked of one source.
#[derive(Debug, Clone, Copy)]
pub struct RowsWanted<'a> {
    /// Statistics (indices into [`Model::stats`]) whose rows are meant; `None` is all rows.
    pub stats: Option<&'a [usize]>,
    /// Dimensions that are filtered, in the order of their parameters.
    pub dimensions: &'a [&'a str],
    /// Labels that are filtered, in the order of their parameters.
    pub labels: &'a [&'a str],
}

/// The newest rows of one source: the instant, then each label as text. `None` where it has no such rows.
///
/// Parameters: `$1`, `$2` the range, `$3` how many, then an array of texts for each dimension (NULL in it stands for the
/// NULL group), then a text for each label (NULL is NULL).
#[must_use]
pub fn rows(model: &Model, source: usize, wanted: &RowsWanted) -> Option<String> {
    let at = source;
    let source = model.sources.get(at)?;
    let mut outputs = vec![format!("{} as tidemark_at", instant(source))];
    for (sql, dimension) in source.dimensions.iter().zip(&model.dimensions) {
        outputs.push(format!("({sql})::{} as {}", dimension.sql_type, quote(&dimension.name)));
    }
    for value in &source.values {
        outputs.push(format!("({}) as {}", value.expression, quote(&value.name)));
    }
    for (place, row) in source.rows.iter().enumerate() {
        outputs.push(format!(
            "left(({})::text, {LONGEST}) as tidemark_r{place}",
            row.expression
        ));
    }
    let mut conditions = Vec::new();
    if let Some(stats) = wanted.stats {
        let own: Vec<String> = stats
            .iter()
            .filter_map(|stat| model.stats.get(*stat))
            .filter(|stat| stat.source == at)
            .map(counts)
            .collect();
        if own.is_empty() {
            return None;
        }
        conditions.push(format!("({})", own.join(" or ")));
    }
    let mut parameter = 3;
    for dimension in wanted.dimensions {
        parameter += 1;
        let name = quote(dimension);
        conditions.push(format!(
            "({name}::text = any (${parameter}::text[]) or ({name} is null and array_position(${parameter}::text[], null) is not null))"
        ));
    }
    for label in wanted.labels {
        parameter += 1;
        let place = source.rows.iter().position(|row| row.label == *label)?;
        conditions.push(format!("tidemark_r{place} is not distinct from ${parameter}::text"));
    }
    let shown: String = (0..source.rows.len())
        .map(|place| format!(", tidemark_r{place}"))
        .collect();
    let filter = source
        .filter
        .as_ref()
        .map_or(String::new(), |filter| format!(" and ({filter})"));
    let conditions = if conditions.is_empty() {
        "true".to_owned()
    } else {
        conditions.join(" and ")
    };
    Some(format!(
        "select tidemark_at{shown}\nfrom (select {} from {}\n  where {}{filter}) as tidemark_row\nwhere {conditions}\norder by tidemark_at desc limit $3",
        outputs.join(",\n  "),
        from(source, &source.joins),
        between(source, "$1::timestamptz", "$2::timestamptz"),
    ))
}

/// The rows that a statistic is over.
fn counts(stat: &Stat) -> String {
    let value = stat.value.as_ref().map(|value| format!("{} is not null", quote(value)));
    let filter = stat.filter.as_ref().map(|filter| format!("({filter})"));
    let both: Vec<String> = value.into_iter().chain(filter).collect();
    if both.is_empty() {
        "true".to_owned()
    } else {
        format!("({})", both.join(" and "))
    }
}
