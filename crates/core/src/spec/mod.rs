//! The declaration of a rollup: one TOML file.
//!
//! [`Spec::parse`] reads and checks all that can be checked without a database; [`crate::model::Model::resolve`] adds
//! what the database knows (schemas, column types) and is what the compiler in [`crate::sql`] turns into SQL.

mod check;
pub(crate) mod check_poll;
mod check_scope;
mod error;
pub mod expr;
pub mod on;

use indexmap::IndexMap;
use serde::Deserialize;
use toml::Spanned;

pub use error::{Location, SpecError};

use crate::api::Grain;
use crate::board_spec::Board;
use crate::model::StatKind;

/// A declaration as written. Field order and names are those of `docs/ROLLUPS.md`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    pub name: Spanned<String>,
    pub title: Option<String>,
    #[serde(default)]
    pub description: String,
    /// Finest first; the first is the base grain.
    pub grains: Vec<Spanned<String>>,
    /// How long buckets of a fine grain are kept: `{ "1m" = "2 days" }`.
    #[serde(default)]
    pub keep: IndexMap<String, Spanned<String>>,
    /// The dimension whose value a mark carries beside its time, so that a change recomputes that value's groups only.
    pub scope: Option<Spanned<String>>,
    /// How changes become marks: `trigger`, which is exact, or `poll`, for tables that may not get triggers.
    pub capture: Option<Spanned<String>>,
    pub poll: Option<Spanned<Poll>>,
    pub source: Vec<Source>,
    #[serde(default)]
    pub dimensions: IndexMap<String, Spanned<Dimension>>,
    pub measures: IndexMap<String, Spanned<Measure>>,
    #[serde(default)]
    pub relation: Vec<Spanned<Relation>>,
    pub board: Option<Spanned<Board>>,
}

/// A raw table that feeds the rollup.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub name: Spanned<String>,
    /// `[schema.]table alias`; quote names that need it.
    pub table: Spanned<String>,
    /// The time column, `alias.column`.
    pub time: Spanned<String>,
    /// The zone of a `timestamp without time zone`; UTC where it is not said.
    pub time_zone: Option<Spanned<String>>,
    /// The unit of an integer time column: `s`, `ms` or `us`.
    pub time_unit: Option<Spanned<String>>,
    /// Poll capture: the columns that an insert or update sets to the time of the change.
    pub change: Option<Spanned<Change>>,
    #[serde(default)]
    pub lookups: Vec<Lookup>,
    /// Rows that count: SQL over the source and its lookups.
    #[serde(rename = "where")]
    pub filter: Option<Spanned<String>>,
    #[serde(default)]
    pub dimensions: IndexMap<String, Spanned<String>>,
    #[serde(default)]
    pub values: IndexMap<String, Spanned<String>>,
    /// What a person sees of one raw row: SQL over the source and its lookups by label.
    #[serde(default)]
    pub rows: IndexMap<String, Spanned<String>>,
    /// Listed before the rows of other sources.
    #[serde(default)]
    pub rows_first: bool,
}

/// A table that is joined with LEFT JOIN on a unique key; a change of a used column moves history.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lookup {
    pub table: Spanned<String>,
    /// `alias.key = expression over what comes before`.
    pub on: Spanned<String>,
    /// Poll capture: as a source's.
    pub change: Option<Spanned<Change>>,
}

/// `"u.updated_at"`, or several columns: a row counts as changed when the latest of them is.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Change {
    One(String),
    Several(Vec<String>),
}

impl Change {
    /// As written, `alias.column` each.
    #[must_use]
    pub fn columns(&self) -> Vec<&str> {
        match self {
            Change::One(column) => vec![column],
            Change::Several(columns) => columns.iter().map(String::as_str).collect(),
        }
    }
}

/// How poll capture looks back.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// What is newer than now minus this is never called exact.
    pub lag: Option<String>,
    /// How much further back each poll looks again.
    pub overlap: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dimension {
    /// `None`: what the expression is, where all sources agree; else text.
    #[serde(rename = "type")]
    pub sql_type: Option<String>,
    pub label: Option<String>,
}

/// A measure: exactly one form of `count`, `sum`, `min`, `max`, `moments`, `trend`, `distribution`, `distinct` (stored),
/// `expr`, `ratio`, `mean`, `sd`, `slope`, `r2`, `quantile` (derived).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    pub count: Option<String>,
    pub sum: Option<String>,
    pub min: Option<String>,
    pub max: Option<String>,
    /// n, Σv and Σv², exactly.
    pub moments: Option<String>,
    /// The same, and Σt, Σt² and Σtv over the row's instant t.
    pub trend: Option<String>,
    pub distribution: Option<String>,
    /// How many different values.
    pub distinct: Option<String>,
    pub expr: Option<String>,
    pub ratio: Option<[String; 2]>,
    /// Of moments, a trend or a distribution.
    pub mean: Option<String>,
    /// Sample standard deviation of moments or a trend.
    pub sd: Option<String>,
    /// Of a trend, per day.
    pub slope: Option<String>,
    /// Of a trend.
    pub r2: Option<String>,
    pub quantile: Option<f64>,
    /// The distribution that `quantile` reads.
    pub of: Option<String>,
    /// SQL over the source's values: only these rows count.
    #[serde(rename = "where")]
    pub filter: Option<String>,
    #[serde(default)]
    pub unit: String,
    pub label: Option<String>,
}

/// A view for SQL readers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relation {
    pub name: String,
    pub grain: Option<String>,
    /// Several grains in one view, told apart by `grain_column`.
    #[serde(default)]
    pub grains: Vec<String>,
    pub grain_column: Option<String>,
    /// `bucket_start` is timestamptz; a name that ends in `_date` is the UTC date.
    #[serde(default = "bucket_start")]
    pub time_column: String,
    /// Dimensions, in this order; all where it is left out. The others are merged over.
    pub dimensions: Option<Vec<String>>,
    /// Measures, in this order; all where it is left out.
    #[serde(default)]
    pub measures: Vec<String>,
}

fn bucket_start() -> String {
    "bucket_start".to_owned()
}

impl Measure {
    /// The stored forms over a value, by the keys they are written with.
    #[must_use]
    pub fn stored(&self) -> [(StatKind, &Option<String>); 7] {
        [
            (StatKind::Sum, &self.sum),
            (StatKind::Min, &self.min),
            (StatKind::Max, &self.max),
            (StatKind::Moments, &self.moments),
            (StatKind::Trend, &self.trend),
            (StatKind::Distribution, &self.distribution),
            (StatKind::Distinct, &self.distinct),
        ]
    }

    /// What is stored, where it is no number by itself but feeds measures that are.
    #[must_use]
    pub fn feeds(&self) -> Option<StatKind> {
        self.stored()
            .into_iter()
            .find_map(|(kind, form)| (form.is_some() && !kind.is_number()).then_some(kind))
    }
}

impl Spec {
    /// Read a declaration. `origin` is the file's name for messages.
    pub fn parse(origin: &str, text: &str) -> Result<Spec, SpecError> {
        let spec: Spec = toml::from_str(text).map_err(|error| SpecError::syntax(origin, text, &error))?;
        check::check(&spec, text).map_err(|(span, message)| SpecError::at(origin, text, span, message))?;
        Ok(spec)
    }

    /// The grains, finest first. Checked by [`Spec::parse`].
    #[must_use]
    pub fn grain_list(&self) -> Vec<Grain> {
        self.grains
            .iter()
            .filter_map(|grain| Grain::parse(grain.get_ref()))
            .collect()
    }
}

#[cfg(test)]
mod tests;
