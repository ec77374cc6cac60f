//! What `rollup` can be asked.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::help;

#[derive(Debug, Subcommand)]
pub enum Rollup {
    /// Write a first declaration for a table of your own; changes nothing in the database
    #[command(after_help = help::NEW)]
    New(New),
    /// Show what `apply` would do, with the SQL
    #[command(after_help = "Example:\n  tidemark rollup plan rollups/mine.toml > plan.sql")]
    Plan {
        /// A TOML file, or the name of a rollup that ships with Tidemark, such as ops_metrics
        #[arg(value_name = "FILE|NAME")]
        file: String,
    },
    /// Install a rollup, and schema tidemark where it is missing; all raw rows are marked as to be built
    Apply {
        /// A TOML file, or the name of a rollup that ships with Tidemark, such as ops_metrics
        #[arg(value_name = "FILE|NAME")]
        file: String,
        /// Leave history alone: only what changes from now on is computed
        #[arg(long)]
        no_backfill: bool,
    },
    /// List installed rollups
    List,
    /// Show one rollup: grains, sources, runs, audits
    Show {
        /// The rollup, see `tidemark rollup list`
        name: String,
        /// Only the SQL that is installed for it
        #[arg(long, conflicts_with = "declaration")]
        sql: bool,
        /// Only its declaration
        #[arg(long)]
        declaration: bool,
    },
    /// Take a rollup away with its tables and triggers; raw rows stay
    Drop {
        /// The rollup, see `tidemark rollup list`
        name: String,
    },
    /// Stop ticking a rollup; changes go on being marked
    Pause {
        /// The rollup, see `tidemark rollup list`
        name: String,
    },
    /// Tick a rollup again
    Resume {
        /// The rollup, see `tidemark rollup list`
        name: String,
    },
}

#[derive(Debug, Args)]
pub struct New {
    /// The table, as SQL writes it or as it is called; the search path finds it without a schema
    #[arg(long, value_name = "[SCHEMA.]TABLE")]
    pub table: String,
    /// Write to this file instead of standard output; one that is there is left alone without --yes
    #[arg(long, value_name = "FILE.toml")]
    pub out: Option<PathBuf>,
    /// What to call the rollup [default: from the table's name]
    #[arg(long)]
    pub name: Option<String>,
    /// The column that says when a row happened [default: the likeliest by type, name and index]
    #[arg(long, value_name = "COLUMN")]
    pub time: Option<String>,
}
