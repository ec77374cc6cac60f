//! Errors of a declaration, with file and line.

use std::fmt;
use std::ops::Range;

/// Where in a declaration something is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    pub file: String,
    /// From one.
    pub line: usize,
    pub column: usize,
}

impl Location {
    /// Turn a byte offset into a line and a column.
    #[must_use]
    pub fn of(file: &str, text: &str, offset: usize) -> Location {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        Location {
            file: file.to_owned(),
            line,
            column,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A declaration that can't be used: file, line, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {message}")]
pub struct SpecError {
    pub location: Location,
    pub message: String,
}

impl SpecError {
    pub(crate) fn syntax(origin: &str, text: &str, error: &toml::de::Error) -> SpecError {
        SpecError::at(
            origin,
            text,
            error.span().unwrap_or(0..0),
            error.message().replace('\n', ", "),
        )
    }

    /// An error at a byte range of the text.
    #[must_use]
    pub fn at(origin: &str, text: &str, span: Range<usize>, message: impl Into<String>) -> SpecError {
        SpecError {
            location: Location::of(origin, text, span.start),
            message: message.into(),
        }
    }
}
