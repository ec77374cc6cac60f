//! What `rollup` can be asked.

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Rollup {
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
