//! What the database says of one table.

use std::collections::{BTreeMap, BTreeSet};

/// A table, as far as a declaration for it needs to know it.
#[derive(Debug, Clone, Default)]
pub struct TableFacts {
    pub schema: String,
    pub name: String,
    /// `schema.table`, quoted where SQL needs it.
    pub sql: String,
    pub comment: Option<String>,
    /// Triggers can't go on it: its changes are found by polls.
    pub view: bool,
    /// Rows, as the planner estimates them; those of the sample where it can't.
    pub rows: f64,
    /// Rows that [`ColumnFacts::sample`] holds.
    pub sampled: usize,
    pub columns: Vec<ColumnFacts>,
    pub references: Vec<Reference>,
    /// SQL's reserved words: names that need quotes.
    pub reserved: BTreeSet<String>,
    /// The server's TimeZone for sessions that set none.
    pub zone: String,
    /// Names of rollups that exist here already.
    pub rollups: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub struct ColumnFacts {
    pub name: String,
    /// Quoted where SQL needs it.
    pub sql: String,
    pub kind: ColumnKind,
    /// As PostgreSQL writes the type, for people.
    pub type_name: String,
    pub not_null: bool,
    /// The default's SQL.
    pub default: Option<String>,
    pub comment: Option<String>,
    /// It is the first column of a valid, whole index.
    pub leads_index: bool,
    /// It alone is unique.
    pub unique: bool,
    /// The table is partitioned by it.
    pub partition_key: bool,
    /// How many different values there are, where statistics say.
    pub distinct: Option<f64>,
    /// Values of the sample as text; times as seconds since 1970; long texts are cut.
    pub sample: Vec<Option<String>>,
    /// Values that statistics call common, beside the sample's.
    pub common: Vec<String>,
}

/// A type's family, domains taken for what they are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColumnKind {
    Timestamptz,
    Timestamp,
    Date,
    /// smallint, integer.
    Integer,
    Bigint,
    Numeric,
    Float,
    Boolean,
    Text,
    Enum,
    Uuid,
    Interval,
    Json,
    #[default]
    Other,
}

/// A foreign key.
#[derive(Debug, Clone, Default)]
pub struct Reference {
    /// Names of this table's columns, in the key's order.
    pub columns: Vec<String>,
    /// The parent, qualified and quoted.
    pub table: String,
    /// The parent's bare name.
    pub name: String,
    /// The parent's key columns, quoted.
    pub keys: Vec<String>,
    pub rows: f64,
    /// The parent's text columns: name, and quoted.
    pub texts: Vec<(String, String)>,
}

impl TableFacts {
    pub(super) fn column(&self, name: &str) -> Option<&ColumnFacts> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether the sample is all there is.
    pub(super) fn seen_whole(&self) -> bool {
        self.sampled as f64 >= self.rows
    }

    /// A name as it stands in SQL.
    pub(super) fn word(&self, name: &str) -> String {
        if self.reserved.contains(name) {
            crate::spec::on::quote(name)
        } else {
            name.to_owned()
        }
    }
}

impl ColumnFacts {
    /// The sample's values with how often each occurs, most frequent first; statistics' common ones after them.
    pub(super) fn values(&self) -> Vec<(String, usize)> {
        let mut counts: BTreeMap<&str, usize> = self.common.iter().map(|value| (value.as_str(), 0)).collect();
        for value in self.sample.iter().flatten() {
            *counts.entry(value).or_default() += 1;
        }
        let mut values: Vec<(String, usize)> = counts.into_iter().map(|(value, n)| (value.to_owned(), n)).collect();
        values.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        values
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = f64> {
        self.sample
            .iter()
            .flatten()
            .filter_map(|value| value.parse::<f64>().ok())
            .filter(|number| number.is_finite())
    }

    pub(super) fn null_share(&self) -> f64 {
        let nulls = self.sample.iter().filter(|value| value.is_none()).count();
        nulls as f64 / self.sample.len().max(1) as f64
    }

    /// Estimate how many different values the table holds; `None` where nothing is known.
    ///
    /// From a sample by the estimator of ANALYZE (Haas and Stokes, `Duj1`): n·d / (n − f1 + f1·n/N).
    pub(super) fn groups(&self, rows: f64) -> Option<f64> {
        if let Some(known) = self.distinct {
            return Some(known);
        }
        let values = self.values();
        let n = self.sample.iter().flatten().count() as f64;
        if n == 0.0 {
            return None;
        }
        let d = values.len() as f64;
        if n >= rows {
            return Some(d);
        }
        let once = values.iter().filter(|(_, count)| *count == 1).count() as f64;
        Some((n * d / (n - once + once * n / rows).max(1.0)).clamp(d, rows.max(d)))
    }

    pub(super) fn words(&self) -> Vec<String> {
        super::names::words(&self.name)
    }

    /// Whether the name has one of these words.
    pub(super) fn says(&self, any: &[&str]) -> bool {
        self.words().iter().any(|word| any.contains(&word.as_str()))
    }
}
