//! Which column says when a row happened.

use super::{ColumnFacts, ColumnKind, DraftError, TableFacts};
use crate::suggest::closest;

/// The chosen column and how to read it.
pub(super) struct Time<'a> {
    pub column: &'a ColumnFacts,
    /// `s`, `ms` or `us` of an integer.
    pub unit: Option<&'static str>,
    /// Of a wall clock.
    pub zone: Option<String>,
    /// What else could be taken, likeliest first.
    pub others: Vec<(&'a ColumnFacts, Option<&'static str>)>,
    /// Days between the sample's first and last row.
    pub days: Option<f64>,
}

/// Said by columns that tell when a row came into being.
const BEGINS: [&str; 26] = [
    "created",
    "inserted",
    "occurred",
    "happened",
    "event",
    "time",
    "timestamp",
    "ts",
    "logged",
    "recorded",
    "measured",
    "observed",
    "received",
    "placed",
    "started",
    "submitted",
    "requested",
    "issued",
    "sent",
    "taken",
    "delivered",
    "ordered",
    "posted",
    "paid",
    "sold",
    "captured",
];
const CHANGES: [&str; 7] = ["updated", "modified", "changed", "last", "seen", "synced", "refreshed"];
/// Said by columns that tell of something else than the row's own moment.
const ELSEWHEN: [&str; 18] = [
    "deleted",
    "expires",
    "expire",
    "expiry",
    "expiration",
    "expired",
    "due",
    "until",
    "valid",
    "end",
    "ended",
    "birth",
    "birthday",
    "birthdate",
    "dob",
    "scheduled",
    "next",
    "archived",
];
const TIMELIKE: [&str; 12] = [
    "at",
    "on",
    "date",
    "day",
    "when",
    "epoch",
    "time",
    "timestamp",
    "ts",
    "stamp",
    "created",
    "occurred",
];

/// 2000 to 2100, in seconds.
const PLAUSIBLE: std::ops::Range<f64> = 946_684_800.0..4_102_444_800.0;

enum Fit {
    Yes(Option<&'static str>),
    /// It could be meant, but can't be taken, for this reason.
    No(String),
    Unrelated,
}

pub(super) fn choose<'a>(facts: &'a TableFacts, wished: Option<&str>) -> Result<Time<'a>, DraftError> {
    if let Some(wished) = wished {
        return asked_for(facts, wished);
    }
    let mut found: Vec<(i32, &ColumnFacts, Option<&'static str>)> = Vec::new();
    let mut reasons = Vec::new();
    for column in &facts.columns {
        match fit(column, false) {
            Fit::Yes(unit) => {
                let score = score(column);
                if score < 0 {
                    reasons.push(format!(
                        "{} does not seem to say when the row happened; --time {} takes it all the same",
                        column.name,
                        shell(&column.name)
                    ));
                }
                found.push((score, column, unit));
            }
            Fit::No(why) => reasons.push(why),
            Fit::Unrelated => {}
        }
    }
    // The first of equals: as the table has them.
    found.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
    match found.first() {
        Some((score, column, unit)) if *score >= 0 => Ok(time(
            facts,
            column,
            *unit,
            found[1..].iter().map(|(_, other, unit)| (*other, *unit)).collect(),
        )),
        _ => Err(DraftError::NoTime(none(facts, &reasons))),
    }
}

fn asked_for<'a>(facts: &'a TableFacts, wished: &str) -> Result<Time<'a>, DraftError> {
    let named = |name: &str| facts.columns.iter().find(|column| column.name == name);
    let Some(column) = named(wished)
        .or_else(|| named(&wished.to_lowercase()))
        .or_else(|| facts.columns.iter().find(|column| column.sql == wished))
    else {
        let names = facts.columns.iter().map(|column| column.name.as_str());
        let hint = closest(wished, names).map_or(String::new(), |near| format!("; did you mean {near:?}?"));
        return Err(DraftError::BadTime(format!(
            "{} has no column {wished:?}{hint}",
            facts.sql
        )));
    };
    match fit(column, true) {
        Fit::Yes(unit) => Ok(time(facts, column, unit, Vec::new())),
        Fit::No(why) => Err(DraftError::BadTime(format!(
            "{} of {} can't be the time: {why}",
            column.name, facts.sql
        ))),
        Fit::Unrelated => Err(DraftError::BadTime(format!(
            "{} of {} is {}; the time must be a timestamp, a date, or an integer that counts seconds, milliseconds or microseconds since 1970",
            column.name, facts.sql, column.type_name
        ))),
    }
}

fn time<'a>(
    facts: &TableFacts,
    column: &'a ColumnFacts,
    unit: Option<&'static str>,
    others: Vec<(&'a ColumnFacts, Option<&'static str>)>,
) -> Time<'a> {
    let per_second = match unit {
        Some("ms") => 1e3,
        Some("us") => 1e6,
        _ => 1.0,
    };
    let (lo, hi) = column
        .numbers()
        .map(|number| number / per_second)
        .fold((f64::MAX, f64::MIN), |(lo, hi), t| (lo.min(t), hi.max(t)));
    Time {
        column,
        unit,
        zone: zone(facts, column),
        others,
        days: (hi > lo).then(|| (hi - lo) / 86_400.0),
    }
}

/// A wall clock is UTC, unless its default is a clock of the server's own zone.
fn zone(facts: &TableFacts, column: &ColumnFacts) -> Option<String> {
    match column.kind {
        ColumnKind::Timestamp | ColumnKind::Date => {}
        _ => return None,
    }
    let default = column.default.as_deref().unwrap_or_default().to_lowercase();
    let local = is_clock(&default) && !default.contains("utc") && !default.contains("gmt");
    let known = facts.zone.parse::<chrono_tz::Tz>().is_ok();
    let utc = ["UTC", "Etc/UTC", "GMT", "Etc/GMT", "Universal", "Zulu"].contains(&facts.zone.as_str());
    Some(if local && known && !utc {
        facts.zone.clone()
    } else {
        "UTC".to_owned()
    })
}

fn is_clock(default: &str) -> bool {
    [
        "now()",
        "current_timestamp",
        "localtimestamp",
        "_timestamp()",
        "current_date",
        "extract(epoch",
    ]
    .iter()
    .any(|clock| default.contains(clock))
}

fn fit(column: &ColumnFacts, asked: bool) -> Fit {
    let timelike = column.says(&TIMELIKE) || column.says(&BEGINS);
    let whole = column.sample.iter().flatten().count();
    let name = &column.name;
    match column.kind {
        ColumnKind::Timestamptz | ColumnKind::Timestamp | ColumnKind::Date => {
            if whole == 0 && !column.sample.is_empty() {
                return Fit::No(format!("{name} is NULL in every row looked at"));
            }
            Fit::Yes(None)
        }
        ColumnKind::Integer | ColumnKind::Bigint if asked || timelike => match unit(column) {
            Some("s") if column.kind == ColumnKind::Integer => Fit::Yes(Some("s")),
            Some(unit) if column.kind == ColumnKind::Bigint => Fit::Yes(Some(unit)),
            _ if whole == 0 => Fit::No(format!(
                "{name} is {} and has no rows to tell its unit by; end its name in _s, _ms or _us, or declare time_unit by hand",
                column.type_name
            )),
            _ => Fit::No(format!(
                "{name} is {} and its numbers are no seconds, milliseconds or microseconds since 1970",
                column.type_name
            )),
        },
        ColumnKind::Text | ColumnKind::Numeric | ColumnKind::Float | ColumnKind::Json if asked || timelike => {
            Fit::No(format!(
                "{name} is {}; only timestamps, dates and integers can be read in the order of an index",
                column.type_name
            ))
        }
        _ => Fit::Unrelated,
    }
}

/// The unit of an epoch, by magnitude; by name where there are no rows.
fn unit(column: &ColumnFacts) -> Option<&'static str> {
    let numbers: Vec<f64> = column.numbers().collect();
    if numbers.is_empty() {
        return match column.words().last().map(String::as_str) {
            Some("ms" | "millis") => Some("ms"),
            Some("us" | "micros") => Some("us"),
            Some("s" | "sec" | "secs" | "seconds" | "epoch") => Some("s"),
            _ => None,
        };
    }
    [("s", 1.0), ("ms", 1e3), ("us", 1e6)]
        .into_iter()
        .find(|(_, per_second)| {
            let inside = numbers
                .iter()
                .filter(|n| PLAUSIBLE.contains(&(**n / per_second)))
                .count();
            inside * 100 >= numbers.len() * 95
        })
        .map(|(unit, _)| unit)
}

fn score(column: &ColumnFacts) -> i32 {
    let mut score = match column.kind {
        ColumnKind::Timestamptz => 40,
        ColumnKind::Timestamp => 35,
        ColumnKind::Date => 15,
        _ => 25,
    };
    let mut add = |when: bool, points: i32| score += if when { points } else { 0 };
    add(column.says(&BEGINS), 25);
    add(column.says(&BEGINS[..8]), 10);
    add(column.says(&CHANGES), -40);
    add(column.says(&ELSEWHEN), -90);
    add(column.leads_index, 30);
    add(column.partition_key, 40);
    add(column.not_null, 15);
    add(
        is_clock(&column.default.as_deref().unwrap_or_default().to_lowercase()),
        20,
    );
    add(column.null_share() > 0.5, -30);
    score
}

pub(super) fn changes_later(column: &ColumnFacts) -> bool {
    column.says(&CHANGES)
}

fn none(facts: &TableFacts, reasons: &[String]) -> String {
    let mut text = format!(
        "{} has no column that says when a row happened, and a rollup needs one: a timestamp, a date, or an integer that counts seconds, milliseconds or microseconds since 1970.",
        facts.sql
    );
    for reason in reasons {
        text += &format!("\n  {reason}");
    }
    text += &format!(
        "\nAdd one and try again:\n  alter table {0} add column created_at timestamptz;\n  alter table {0} alter column created_at set default now();\n  create index concurrently on {0} (created_at);\nRows that are there already have no time then and count nowhere, until you fill it in from what you know of them.",
        facts.sql
    );
    text
}

/// As one word of a command line.
fn shell(name: &str) -> String {
    if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', "'\\''"))
    }
}
