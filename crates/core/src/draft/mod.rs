//! A first declaration for a table of one's own: what `tidemark rollup new` writes.
//!
//! [`TableFacts`] is what the database says of the table (`tidemark_db` asks); [`draft`] chooses the time column,
//! dimensions, values and grains by types, names, statistics and a sample, and writes a commented TOML that applies as
//! it stands. What was not chosen stands in it as comments, to be taken instead.

mod board;
mod dimensions;
mod facts;
mod measures;
mod names;
mod roles;
mod text;
mod time;
mod values;
mod write;

pub use facts::{ColumnFacts, ColumnKind, Reference, TableFacts};
pub use names::fits_a_rollup;

use serde::Serialize;
use ts_rs::TS;

/// What a person asks for besides the table.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// The rollup's name; `None`: from the table's.
    pub name: Option<String>,
    /// The time column; `None`: the likeliest.
    pub time: Option<String>,
}

/// A declaration that was written for a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct Draft {
    /// The table, qualified and quoted.
    pub table: String,
    /// The rollup that it would become.
    pub rollup: String,
    /// The TOML.
    pub declaration: String,
    /// What a person should know before applying it: a missing index, a guess that may be wrong.
    pub notes: Vec<String>,
}

/// Why no declaration can be written, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    #[error("{0}")]
    NoTime(String),
    #[error("{0}")]
    BadTime(String),
    #[error("{0}")]
    BadName(String),
}

impl DraftError {
    /// Stable and short, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            DraftError::NoTime(_) => "no_time_column",
            DraftError::BadTime(_) => "bad_time_column",
            DraftError::BadName(_) => "bad_name",
        }
    }
}

/// Write a declaration for a table.
pub fn draft(facts: &TableFacts, wish: &Wish) -> Result<Draft, DraftError> {
    let name = match &wish.name {
        Some(name) if fits_a_rollup(name) => name.clone(),
        Some(name) => {
            return Err(DraftError::BadName(format!(
                "{name:?} can't be the name of a rollup; write lower-case letters, digits and single underscores, at most 30, a letter first"
            )));
        }
        None => names::free(&names::rollup(&facts.name), &facts.rollups),
    };
    let time = time::choose(facts, wish.time.as_deref())?;
    let roles = roles::assign(facts, &time);
    write::write(facts, name, &time, roles)
}

#[cfg(test)]
mod tests;
