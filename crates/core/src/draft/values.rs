//! What is counted, summed and ranked.

use super::roles::{Roles, Value, is_code, is_key};
use super::{ColumnFacts, ColumnKind, TableFacts, names};

/// How many of each kind are measured; the rest stand as comments.
const SPREADS: usize = 3;
const SUMS: usize = 5;
const FLAGS: usize = 4;

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

impl Roles {
    pub(super) fn values(&mut self, facts: &TableFacts, columns: &[&ColumnFacts]) {
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

    pub(super) fn number(&mut self, column: &ColumnFacts, own: String) {
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

    pub(super) fn value(&mut self, column: &ColumnFacts, sql: String, unit: &'static str) -> Value {
        Value {
            name: self.names.give(&names::plain(&column.name, 30)),
            sql,
            unit,
            label: said(column, !unit.is_empty()),
        }
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
