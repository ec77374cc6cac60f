//! What each column is for: grouping, counting, summing, ranking, or nothing.

use super::names::{Names, singular};
use super::time::Time;
use super::{ColumnFacts, ColumnKind, TableFacts, names};

pub(super) struct Roles {
    /// Named after one row.
    pub source: String,
    pub alias: String,
    pub rows: Measured,
    pub dimensions: Vec<Dimension>,
    pub other_dimensions: Vec<Dimension>,
    pub lookups: Vec<Lookup>,
    pub other_lookups: Vec<Lookup>,
    pub outcome: Option<Outcome>,
    /// The column that tells it.
    pub told: Option<String>,
    pub flags: Vec<Value>,
    pub sums: Vec<Value>,
    pub spreads: Vec<Value>,
    pub other_values: Vec<Value>,
    /// SQL of rows that a person might not want to count, and why.
    pub not_counted: Option<(String, String)>,
    pub names: Names,
}

pub(super) struct Measured {
    pub name: String,
    pub label: String,
}

#[derive(Clone)]
pub(super) struct Dimension {
    pub name: String,
    pub sql: String,
    pub sql_type: &'static str,
    pub label: String,
    pub groups: Option<f64>,
    /// Of the column it came from.
    pub column: String,
}

pub(super) struct Lookup {
    pub table: String,
    pub on: String,
    /// What it would give, and how many rows it has.
    pub dimension: Dimension,
    pub rows: f64,
}

pub(super) struct Value {
    pub name: String,
    pub sql: String,
    pub unit: &'static str,
    pub label: String,
}

/// How rows ended, told by one column.
pub(super) enum Outcome {
    /// An HTTP status.
    Code { value: String, sql: String },
    /// A text of few values, most frequent first, and which of them mean failure.
    Words {
        name: String,
        own_value: Option<String>,
        values: Vec<(String, bool)>,
    },
    /// SQL that is true for a failure.
    Fails { value: String, sql: String },
}

const FAILURES: [&str; 20] = [
    "error",
    "errored",
    "err",
    "failed",
    "fail",
    "failure",
    "timeout",
    "timed_out",
    "rejected",
    "declined",
    "denied",
    "aborted",
    "crashed",
    "lost",
    "bounced",
    "fatal",
    "critical",
    "exception",
    "broken",
    "dead",
];
const STATUS: [&str; 9] = [
    "status",
    "state",
    "outcome",
    "result",
    "level",
    "severity",
    "phase",
    "disposition",
    "verdict",
];
pub(super) fn assign(facts: &TableFacts, time: &Time<'_>) -> Roles {
    let plural = names::plain(&facts.name, 30);
    let source = names::plain(&singular(&plural), 16);
    let alias = plural.chars().next().unwrap_or('t').to_string();
    let mut given = Names::new(&source);
    let rows = Measured {
        name: given.give(&format!("{source}_count")),
        label: names::title(&plural).to_lowercase(),
    };
    let columns: Vec<&ColumnFacts> = facts
        .columns
        .iter()
        .filter(|column| column.name != time.column.name)
        .collect();
    let mut roles = Roles {
        source,
        alias,
        rows,
        dimensions: Vec::new(),
        other_dimensions: Vec::new(),
        lookups: Vec::new(),
        other_lookups: Vec::new(),
        outcome: None,
        told: None,
        flags: Vec::new(),
        sums: Vec::new(),
        spreads: Vec::new(),
        other_values: Vec::new(),
        not_counted: None,
        names: given,
    };
    roles.dimensions(facts, &columns);
    roles.paths(&columns);
    roles.outcome(&columns);
    roles.values(facts, &columns);
    roles.not_counted = columns
        .iter()
        .find_map(|column| not_counted(column, &roles.own(column)));
    roles
}

impl Roles {
    pub(super) fn own(&self, column: &ColumnFacts) -> String {
        format!("{}.{}", self.alias, column.sql)
    }

    pub(super) fn outcome(&mut self, columns: &[&ColumnFacts]) {
        let code = columns.iter().find(|column| is_code(column));
        let fails = columns
            .iter()
            .find_map(|column| failing(column, &self.own(column)).map(|sql| (*column, sql)));
        let words = columns
            .iter()
            .find(|column| {
                matches!(column.kind, ColumnKind::Text | ColumnKind::Enum)
                    && column.says(&STATUS)
                    && (2..=12).contains(&column.values().len())
            })
            .map(|column| (*column, column.values()));
        self.told = match (code, &fails, &words) {
            (Some(code), ..) => Some(code.name.clone()),
            (_, Some((column, _)), _) => Some(column.name.clone()),
            (.., Some((column, _))) => Some(column.name.clone()),
            _ => None,
        };
        self.outcome = if let Some(code) = code {
            let value = self.names.give(&code.name);
            Some(Outcome::Code {
                value,
                sql: self.own(code),
            })
        } else if let Some((column, sql)) = fails {
            let value = self.names.give(&format!("{}_failed", names::plain(&column.name, 30)));
            Some(Outcome::Fails { value, sql })
        } else if let Some((column, values)) = words {
            let chosen = self.dimensions.iter().find(|dimension| dimension.column == column.name);
            let own = self.own(column);
            let (name, own_value) = match chosen {
                Some(dimension) => (dimension.name.clone(), None),
                None => (self.names.give(&column.name), Some(own)),
            };
            let mut values: Vec<(String, bool)> = values
                .into_iter()
                .map(|(value, _)| {
                    let failed = FAILURES.contains(&names::plain(&value, 30).as_str());
                    (value, failed)
                })
                .collect();
            // What is fine first, as a stack wants it; failures are never cut off.
            values.sort_by_key(|(_, failed)| *failed);
            while values.len() > 6 && values.iter().any(|(_, failed)| !failed) {
                let last = values.iter().rposition(|(_, failed)| !failed).unwrap_or_default();
                values.remove(last);
            }
            Some(Outcome::Words {
                name,
                own_value,
                values,
            })
        } else {
            None
        };
    }
}

/// The name of something else's key.
pub(super) fn is_key(column: &ColumnFacts) -> bool {
    column
        .words()
        .last()
        .is_some_and(|last| ["id", "uuid", "key", "fk"].contains(&last.as_str()))
}

/// An HTTP status: numbers of 100 to 599, called status or code.
pub(super) fn is_code(column: &ColumnFacts) -> bool {
    let http = column.says(&["status", "code", "http"]);
    let number = matches!(column.kind, ColumnKind::Integer | ColumnKind::Bigint);
    let fits = column.numbers().all(|code| (100.0..600.0).contains(&code));
    http && number && fits && (column.numbers().next().is_some() || column.says(&["status"]))
}

/// SQL that is true for a failure, where one column says it.
fn failing(column: &ColumnFacts, own: &str) -> Option<String> {
    let bad = column.says(&[
        "error",
        "errored",
        "failed",
        "failure",
        "failing",
        "exception",
        "crashed",
    ]);
    let good = column.says(&["ok", "success", "successful", "succeeded"]);
    match column.kind {
        ColumnKind::Boolean if bad => Some(own.to_owned()),
        ColumnKind::Boolean if good => Some(format!("not {own}")),
        // A text that is there only where something went wrong.
        ColumnKind::Text | ColumnKind::Json if bad && !column.not_null && column.null_share() > 0.0 => {
            Some(format!("{own} is not null"))
        }
        _ => None,
    }
}

fn not_counted(column: &ColumnFacts, own: &str) -> Option<(String, String)> {
    if !column.says(&["deleted", "removed", "archived", "draft", "test"]) {
        return None;
    }
    match column.kind {
        ColumnKind::Boolean => Some((format!("{own} is not true"), column.name.clone())),
        ColumnKind::Timestamptz | ColumnKind::Timestamp | ColumnKind::Date if !column.not_null => {
            Some((format!("{own} is null"), column.name.clone()))
        }
        _ => None,
    }
}
