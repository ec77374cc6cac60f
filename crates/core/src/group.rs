//! What a group is called where people read: the window, reports, tables of the command, generated labels.
//!
//! NULL and the empty text are groups like any other, and never look alike. In JSON and CSV they are what they are.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What stands for a value without a text of its own, whatever other groups there are beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub enum Unnamed {
    #[serde(rename = "(null)")]
    Null,
    #[serde(rename = "(empty)")]
    Empty,
}

impl Unnamed {
    pub const fn text(self) -> &'static str {
        match self {
            Unnamed::Null => "(null)",
            Unnamed::Empty => "(empty)",
        }
    }
}

/// Name a group: `(null)`, `(empty)`, else the value itself.
pub fn name(value: Option<&str>) -> &str {
    match value {
        None => Unnamed::Null.text(),
        Some("") => Unnamed::Empty.text(),
        Some(text) => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_and_the_empty_text_never_look_alike() {
        assert_eq!(
            [name(None), name(Some("")), name(Some("a"))],
            ["(null)", "(empty)", "a"]
        );
    }

    #[test]
    fn the_window_writes_them_as_the_command_does() {
        for unnamed in [Unnamed::Null, Unnamed::Empty] {
            assert_eq!(serde_json::json!(unnamed), unnamed.text());
        }
    }
}
