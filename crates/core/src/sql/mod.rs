//! The compiler: a [`Model`] becomes static SQL. Nothing here knows a rollup by name.
//!
//! Per rollup: a table per level (`ROLLUP__GRAIN`), and functions
//! `ROLLUP__raw` (statistics of any spans from raw rows: ticks, live reads and audits share it),
//! `ROLLUP__fresh_GRAIN`, `ROLLUP__replace_GRAIN`, `ROLLUP__diff_GRAIN` (recompute, write, compare a level),
//! `ROLLUP__extent`, `ROLLUP__expand` (where data lies; which spans a lookup key touches),
//! `ROLLUP__capture_INPUT` (the trigger functions).
//!
//! Raw tables are named in function bodies only, which PostgreSQL does not track: the operator's own ALTER and DROP
//! go through.

mod capture;
mod live;
mod poll;
mod preview;
mod probe;
mod relation;
mod rollup;
mod rows;
mod scope;
mod source;

pub use capture::{Trigger, trigger_prefix, triggers};
pub use live::merged_sql;
pub use preview::{newest, preview, rows_between};
pub use probe::{Probe, probe, row_probes};
pub use relation::measure_sql;
pub use rows::{RowsWanted, rows};

use crate::model::Model;
use crate::spec::on::{literal, quote};

/// The SQL of a rollup, in the order in which it is run, triggers not included ([`triggers`] has those). Marks carry
/// `rollup_id`, the rollup's id in `tidemark.rollup`.
#[must_use]
pub fn compile(model: &Model, rollup_id: i32) -> Vec<Statement> {
    let mut all = rollup::tables(model);
    all.push(live::raw(model));
    all.push(live::extent(model));
    all.push(live::outside(model));
    all.push(live::estimate(model));
    all.push(live::expand(model));
    all.extend(poll::poll(model));
    for level in 0..model.levels.len() {
        all.extend(rollup::level(model, level));
    }
    if model.poll.is_none() {
        all.extend(capture::functions(model, rollup_id));
    }
    all.extend(model.relations.iter().map(|relation| relation::view(model, relation)));
    all
}

/// One object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub kind: Kind,
    /// The object's name in schema tidemark.
    pub name: String,
    pub sql: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Table,
    Function,
    View,
}

/// Time bounds of what counts as a time at all: [1900, 2300).
pub(crate) const FIRST: &str = "1900-01-01 00:00+00";
pub(crate) const LAST: &str = "2300-01-01 00:00+00";

/// An object of schema tidemark, quoted.
pub(crate) fn own(name: &str) -> String {
    format!("tidemark.{}", quote(name))
}

/// A function's frame: search path and settings that make it mean the same for every caller.
pub(crate) fn function(
    name: &str,
    arguments: &str,
    returns: &str,
    attributes: &str,
    comment: &str,
    body: &str,
) -> Statement {
    let types: Vec<&str> = arguments
        .split(',')
        .filter_map(|argument| argument.trim().split_once(' '))
        .map(|(_, kind)| kind.split(" default ").next().unwrap_or(kind))
        .collect();
    Statement {
        kind: Kind::Function,
        name: name.to_owned(),
        sql: format!(
            "create or replace function {own}({arguments}) returns {returns}\nlanguage plpgsql {attributes}\nset search_path = pg_catalog, pg_temp{timezone}\nas $tidemark$\n#variable_conflict use_column\n{body}\n$tidemark$;\ncomment on function {own}({types}) is {comment};\n",
            own = own(name),
            // Setting it costs a writer more than the rest of its trigger; what triggers compute does not depend on it.
            timezone = if returns == "trigger" {
                ""
            } else {
                " set timezone = 'UTC'"
            },
            types = types.join(", "),
            comment = literal(comment),
        ),
    }
}

/// `"a", "b"` with a prefix before each.
pub(crate) fn list<'a>(prefix: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    names
        .into_iter()
        .map(|name| format!("{prefix}{}", quote(name)))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The key columns of a rollup table: bucket, then the dimensions.
pub(crate) fn key_names(model: &Model) -> Vec<&str> {
    std::iter::once("bucket")
        .chain(model.dimensions.iter().map(|dimension| dimension.name.as_str()))
        .collect()
}

/// Settings of functions that read raw tables on somebody's behalf. The planner guesses that a span whose ends it can't
/// see holds a ninth of the table, and would read all of it for one minute; with sequential scans off it takes the time
/// index where there is one. The second line is how values become text: the same for every caller.
pub(crate) const READER: &str =
    "stable security definer\nset row_security = off set jit = off set work_mem = '64MB' set enable_seqscan = off
set extra_float_digits = 1 set datestyle = 'ISO, YMD' set intervalstyle = 'postgres' set bytea_output = 'hex'";

#[cfg(test)]
mod tests;
