//! What of a model is about capture: the scope that marks carry, and how poll capture looks back.

use serde::{Deserialize, Serialize};

use crate::model::{Model, ModelError, TimeKind};
use crate::spec::{Spec, check_poll};

/// How poll capture looks back, in seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PollModel {
    pub lag: i64,
    pub overlap: i64,
}

/// A column that says when a row changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeColumn {
    pub column: String,
    pub sql_type: String,
    pub time: TimeKind,
}

/// `None` where capture is by triggers.
pub(crate) fn poll_model(spec: &Spec) -> Option<PollModel> {
    spec.capture.as_ref().filter(|capture| capture.get_ref() == "poll")?;
    let declared = spec
        .poll
        .as_ref()
        .map(|poll| poll.get_ref().clone())
        .unwrap_or_default();
    Some(PollModel {
        lag: check_poll::seconds(declared.lag.as_ref(), check_poll::LAG),
        overlap: check_poll::seconds(declared.overlap.as_ref(), check_poll::OVERLAP),
    })
}

/// A dimension that marks carry, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeModel {
    pub dimension: String,
    /// The type that scopes are compared in: `bigint`, `text`, `uuid` or `boolean`. Of each, equal values have equal texts.
    pub compared_as: String,
}

impl ScopeModel {
    /// A value as marks write it, PostgreSQL's own text of it; `None` where no such value can be.
    #[must_use]
    pub fn read(&self, value: &str) -> Option<String> {
        match self.compared_as.as_str() {
            "bigint" => value.trim().parse::<i64>().ok().map(|number| number.to_string()),
            "boolean" => match value {
                "true" | "t" => Some("true".to_owned()),
                "false" | "f" => Some("false".to_owned()),
                _ => None,
            },
            "uuid" => {
                let hex: String = value
                    .chars()
                    .filter(|c| *c != '-')
                    .collect::<String>()
                    .to_ascii_lowercase();
                (hex.len() == 32 && hex.chars().all(|c| c.is_ascii_hexdigit())).then(|| {
                    format!(
                        "{}-{}-{}-{}-{}",
                        &hex[..8],
                        &hex[8..12],
                        &hex[12..16],
                        &hex[16..20],
                        &hex[20..]
                    )
                })
            }
            _ => Some(value.to_owned()),
        }
    }
}

/// Both sides of every comparison must agree on which values are equal, and on their text.
pub(crate) fn scope_model(model: &Model, dimension: &str) -> Result<ScopeModel, ModelError> {
    // A length is fine for the column; a dimension of one would cut values off.
    let width = |kind: &str| match kind {
        "smallint" | "int2" => Some(("bigint", 2)),
        "integer" | "int" | "int4" => Some(("bigint", 4)),
        "bigint" | "int8" => Some(("bigint", 8)),
        "text" | "character varying" | "varchar" => Some(("text", 0)),
        "uuid" => Some(("uuid", 0)),
        "boolean" | "bool" => Some(("boolean", 0)),
        _ => None,
    };
    let declared = model
        .dimensions
        .iter()
        .find(|known| known.name == dimension)
        .map_or("unknown", |known| known.sql_type.as_str());
    for source in &model.sources {
        let found = source
            .scope_column
            .as_ref()
            .and_then(|column| source.used.get(column))
            .map_or("unknown", String::as_str);
        match (width(found.split('(').next().unwrap_or_default()), width(declared)) {
            (Some((kind, own)), Some((wanted, room))) if kind == wanted && own <= room => {}
            _ => {
                return Err(ModelError::ScopeType {
                    source_name: source.name.clone(),
                    dimension: dimension.to_owned(),
                    found: found.to_owned(),
                    declared: declared.to_owned(),
                });
            }
        }
    }
    Ok(ScopeModel {
        dimension: dimension.to_owned(),
        compared_as: width(declared).map_or("text", |(kind, _)| kind).to_owned(),
    })
}
