//! What each column is for: grouping, counting, summing, ranking, or nothing.

use super::names::{Names, singular};
use super::time::Time;
use super::{ColumnFacts, ColumnKind, Reference, TableFacts, names};

/// Dimensions at most, and groups that they may make together.
const DIMENSIONS: usize = 4;
const GROUPS: f64 = 2_000.0;
/// A dimension alone, chosen or worth a comment.
const MANY: f64 = 200.0;
const TOO_MANY: f64 = 20_000.0;

/// How many of each kind are measured; the rest stand as comments.
const SPREADS: usize = 3;
const SUMS: usize = 5;
const FLAGS: usize = 4;

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
    told: Option<String>,
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
const GROUPING: [&str; 29] = [
    "platform",
    "provider",
    "region",
    "country",
    "city",
    "type",
    "kind",
    "category",
    "channel",
    "status",
    "state",
    "model",
    "plan",
    "source",
    "method",
    "service",
    "tenant",
    "currency",
    "tier",
    "level",
    "severity",
    "device",
    "os",
    "browser",
    "team",
    "zone",
    "env",
    "environment",
    "outcome",
];
const FREE_TEXT: [&str; 30] = [
    "email",
    "mail",
    "name",
    "title",
    "description",
    "message",
    "url",
    "uri",
    "path",
    "ip",
    "token",
    "hash",
    "comment",
    "body",
    "note",
    "notes",
    "text",
    "content",
    "phone",
    "address",
    "password",
    "secret",
    "key",
    "payload",
    "trace",
    "stack",
    "query",
    "subject",
    "firstname",
    "lastname",
];
const NO_VALUE: [&str; 21] = [
    "id",
    "no",
    "nr",
    "number",
    "zip",
    "phone",
    "lat",
    "lon",
    "lng",
    "latitude",
    "longitude",
    "year",
    "month",
    "port",
    "version",
    "seq",
    "sequence",
    "position",
    "index",
    "rank",
    "offset",
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
    fn own(&self, column: &ColumnFacts) -> String {
        format!("{}.{}", self.alias, column.sql)
    }

    /// Grouping columns and lookups, best first, as long as their groups stay few together.
    fn dimensions(&mut self, facts: &TableFacts, columns: &[&ColumnFacts]) {
        let mut candidates: Vec<(i32, Dimension, Option<Lookup>)> = Vec::new();
        for (at, reference) in facts.references.iter().enumerate() {
            if let Some(lookup) = self.lookup(facts, reference, at) {
                candidates.push((55, lookup.dimension.clone(), Some(lookup)));
            }
        }
        for column in columns {
            if let Some((score, dimension)) = self.dimension(facts, column) {
                candidates.push((score, dimension, None));
            }
        }
        candidates.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
        let mut product = 1.0;
        for (score, mut dimension, lookup) in candidates {
            let groups = dimension.groups.unwrap_or(10.0);
            let fits = score > 0
                && self.dimensions.len() < DIMENSIONS
                && groups <= MANY
                && product * groups <= GROUPS
                // One value is no grouping; but nobody knows what an empty table will hold.
                && dimension.groups.is_none_or(|groups| groups > 1.0)
                && !self.dimensions.iter().any(|chosen| chosen.column == dimension.column);
            if fits {
                product *= groups.max(1.0);
                dimension.name = self.names.give(&dimension.name);
                self.dimensions.push(dimension.clone());
                if let Some(lookup) = lookup {
                    self.lookups.push(Lookup { dimension, ..lookup });
                }
            } else if let Some(lookup) = lookup {
                self.other_lookups.push(lookup);
            } else if groups <= TOO_MANY {
                self.other_dimensions.push(dimension);
            }
        }
    }

    fn dimension(&self, facts: &TableFacts, column: &ColumnFacts) -> Option<(i32, Dimension)> {
        let groups = column.groups(facts.rows);
        let named = column.says(&GROUPING);
        let mut score = match column.kind {
            ColumnKind::Enum => 60,
            ColumnKind::Boolean => 20,
            ColumnKind::Text => 30,
            ColumnKind::Uuid => 10,
            ColumnKind::Integer | ColumnKind::Bigint if is_key(column) || named || column.says(&["code"]) => 10,
            _ => return None,
        };
        if column.unique {
            return None;
        }
        let number = matches!(column.kind, ColumnKind::Integer | ColumnKind::Bigint);
        if number && (column.says(&["version"]) || is_code(column)) {
            return None;
        }
        score += if named { 25 } else { 0 };
        score -= if column.says(&FREE_TEXT) { 45 } else { 0 };
        score += match groups {
            Some(groups) if (2.0..=20.0).contains(&groups) => 15,
            Some(groups) if groups > MANY => -60,
            // Of an empty table only what is meant for grouping.
            None if !named && !matches!(column.kind, ColumnKind::Enum | ColumnKind::Boolean) => -60,
            _ => 0,
        };
        let own = self.own(column);
        let (sql, sql_type) = match column.kind {
            // Not of the type itself: a rollup table must not stand in the way of its ALTER or DROP.
            ColumnKind::Enum => (format!("{own}::text"), "text"),
            ColumnKind::Boolean => (own, "boolean"),
            ColumnKind::Uuid => (own, "uuid"),
            ColumnKind::Integer => (own, "integer"),
            ColumnKind::Bigint => (own, "bigint"),
            _ => (own, "text"),
        };
        Some((
            score,
            Dimension {
                name: names::plain(&column.name, 44),
                sql,
                sql_type,
                label: names::title(&column.name),
                groups: groups.map(|groups| groups + f64::from(column.null_share() > 0.0)),
                column: column.name.clone(),
            },
        ))
    }

    fn lookup(&self, facts: &TableFacts, reference: &Reference, at: usize) -> Option<Lookup> {
        const LABELS: [&str; 7] = ["name", "title", "label", "display_name", "slug", "code", "key"];
        let (label, label_sql) = LABELS
            .iter()
            .find_map(|wanted| reference.texts.iter().find(|(name, _)| name.to_lowercase() == *wanted))
            .or_else(|| {
                reference
                    .texts
                    .iter()
                    .find(|(name, _)| names::words(name).contains(&"name".to_owned()))
            })?;
        let columns: Vec<&ColumnFacts> = reference.columns.iter().filter_map(|name| facts.column(name)).collect();
        let initial = names::plain(&reference.name, 1);
        let alias = if initial == self.alias || initial.len() != 1 || at > 0 {
            format!("l{}", at + 1)
        } else {
            initial
        };
        let pairs = columns
            .iter()
            .zip(&reference.keys)
            .map(|(column, key)| format!("{alias}.{key} = {}", self.own(column)));
        let on = pairs.collect::<Vec<_>>().join(" and ");
        let column = columns.last()?;
        let stem = match column.words().split_last() {
            Some((last, rest)) if ["id", "uuid", "no", "key", "code"].contains(&last.as_str()) && !rest.is_empty() => {
                rest.join("_")
            }
            _ => format!("{}_{label}", singular(&names::plain(&reference.name, 30))),
        };
        let known = column.groups(facts.rows).unwrap_or(reference.rows);
        Some(Lookup {
            table: format!("{} {alias}", reference.table),
            on,
            dimension: Dimension {
                label: names::title(&stem),
                name: stem,
                sql: format!("{alias}.{label_sql}"),
                sql_type: "text",
                groups: Some(known.min(reference.rows).max(1.0) + f64::from(!column.not_null)),
                column: column.name.clone(),
            },
            rows: reference.rows,
        })
    }

    /// Keys inside jsonb columns that hold few different texts.
    fn paths(&mut self, columns: &[&ColumnFacts]) {
        for column in columns.iter().filter(|column| column.kind == ColumnKind::Json) {
            let mut keys: std::collections::BTreeMap<String, std::collections::BTreeSet<String>> = Default::default();
            let objects = column
                .sample
                .iter()
                .flatten()
                .filter_map(|text| serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).ok());
            for object in objects {
                for (key, value) in object {
                    if let serde_json::Value::String(text) = value {
                        keys.entry(key).or_default().insert(text);
                    }
                }
            }
            for (key, values) in keys.into_iter().filter(|(_, values)| values.len() <= 50).take(4) {
                self.other_dimensions.push(Dimension {
                    name: names::plain(&key, 44),
                    sql: format!("{} ->> {}", self.own(column), crate::spec::on::literal(&key)),
                    sql_type: "text",
                    label: names::title(&key),
                    groups: Some(values.len() as f64),
                    column: column.name.clone(),
                });
            }
        }
    }

    fn outcome(&mut self, columns: &[&ColumnFacts]) {
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

    fn values(&mut self, facts: &TableFacts, columns: &[&ColumnFacts]) {
        for column in columns {
            let keyed = facts
                .references
                .iter()
                .any(|reference| reference.columns.contains(&column.name));
            let grouped = self.dimensions.iter().any(|dimension| dimension.column == column.name);
            let told = self.told.as_ref() == Some(&column.name);
            if column.unique || keyed || grouped || told || is_code(column) {
                continue;
            }
            let own = self.own(column);
            match column.kind {
                ColumnKind::Boolean => {
                    let value = self.value(column, own, "");
                    self.flags.push(value);
                }
                ColumnKind::Interval => {
                    let value = self.value(column, format!("extract(epoch from {own})"), "s");
                    self.spreads.insert(0, value);
                }
                ColumnKind::Integer | ColumnKind::Bigint | ColumnKind::Numeric | ColumnKind::Float => {
                    if is_key(column) || column.says(&NO_VALUE) || column.says(&["code"]) {
                        continue;
                    }
                    self.number(column, own);
                }
                _ => {}
            }
        }
        let mut rest = self.spreads.split_off(self.spreads.len().min(SPREADS));
        rest.extend(self.sums.split_off(self.sums.len().min(SUMS)));
        rest.extend(self.flags.split_off(self.flags.len().min(FLAGS)));
        self.other_values.extend(rest);
    }

    fn number(&mut self, column: &ColumnFacts, own: String) {
        const LASTING: [&str; 11] = [
            "duration", "latency", "elapsed", "took", "runtime", "wait", "waited", "delay", "ttfb", "lag", "age",
        ];
        const SIZES: [&str; 5] = ["bytes", "byte", "size", "octets", "filesize"];
        const AMOUNTS: [&str; 24] = [
            "price", "amount", "total", "cost", "costs", "revenue", "fee", "fees", "tax", "paid", "quantity", "qty",
            "count", "tokens", "units", "items", "num", "points", "credits", "discount", "net", "gross", "sum",
            "sales",
        ];
        let last = column.words().pop().unwrap_or_default();
        let unit = match last.as_str() {
            "ms" | "millis" | "milliseconds" | "msec" => Some("ms"),
            "us" | "micros" | "microseconds" => Some("µs"),
            "ns" | "nanos" | "nanoseconds" => Some("ns"),
            "s" | "sec" | "secs" | "seconds" => Some("s"),
            "min" | "mins" | "minutes" => Some("min"),
            "hours" | "hrs" => Some("h"),
            "kg" => Some("kg"),
            "km" => Some("km"),
            "celsius" => Some("°C"),
            "pct" | "percent" | "percentage" => Some("%"),
            _ => None,
        };
        if column.says(&SIZES) {
            let value = self.value(column, own, "B");
            self.sums.push(value);
        } else if column.says(&AMOUNTS) && unit.is_none() {
            let value = self.value(column, own, "");
            self.sums.push(value);
        } else if unit.is_some() || column.says(&LASTING) {
            let value = self.value(column, own, unit.unwrap_or_default());
            // Durations before other spreads.
            self.spreads.insert(0, value);
        } else {
            let value = self.value(column, own, "");
            self.spreads.push(value);
        }
    }

    fn value(&mut self, column: &ColumnFacts, sql: String, unit: &'static str) -> Value {
        Value {
            name: self.names.give(&names::plain(&column.name, 30)),
            sql,
            unit,
            label: said(column, !unit.is_empty()),
        }
    }
}

/// The name of something else's key.
fn is_key(column: &ColumnFacts) -> bool {
    column
        .words()
        .last()
        .is_some_and(|last| ["id", "uuid", "key", "fk"].contains(&last.as_str()))
}

/// An HTTP status: numbers of 100 to 599, called status or code.
fn is_code(column: &ColumnFacts) -> bool {
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

/// A column's name for people, without the unit that is said anyway and the `is` of a flag.
fn said(column: &ColumnFacts, unit: bool) -> String {
    let words = column.words();
    let mut words = words.as_slice();
    if let [first, rest @ ..] = words
        && first == "is"
        && !rest.is_empty()
    {
        words = rest;
    }
    if let [rest @ .., last] = words
        && unit
        && !rest.is_empty()
        && !["duration", "latency", "size"].contains(&last.as_str())
    {
        words = rest;
    }
    words.join(" ")
}
