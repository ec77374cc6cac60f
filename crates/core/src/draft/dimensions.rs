//! What rows are grouped by: columns, lookups, keys of jsonb.

use super::names::singular;
use super::roles::{Dimension, Lookup, Roles, is_code, is_key};
use super::{ColumnFacts, ColumnKind, Reference, TableFacts, names};

/// Dimensions at most, and groups that they may make together.
const DIMENSIONS: usize = 4;
const GROUPS: f64 = 2_000.0;
/// A dimension alone, chosen or worth a comment.
const MANY: f64 = 200.0;
const TOO_MANY: f64 = 20_000.0;

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

impl Roles {
    /// Grouping columns and lookups, best first, as long as their groups stay few together.
    pub(super) fn dimensions(&mut self, facts: &TableFacts, columns: &[&ColumnFacts]) {
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

    pub(super) fn dimension(&self, facts: &TableFacts, column: &ColumnFacts) -> Option<(i32, Dimension)> {
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

    pub(super) fn lookup(&self, facts: &TableFacts, reference: &Reference, at: usize) -> Option<Lookup> {
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
    pub(super) fn paths(&mut self, columns: &[&ColumnFacts]) {
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
}
