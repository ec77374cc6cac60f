//! What can be typed.

use std::time::Duration;

use clap::{Args, Parser, Subcommand};

mod asked;
mod help;
mod rollup;

pub use asked::{GrainArg, Query, Recompute, Report, ThemeArg, WeekStartArg};
pub use rollup::{New, Rollup};

/// Rollups in your own PostgreSQL whose every number equals the raw rows.
///
/// Tidemark keeps counts, rates and percentiles by minute, hour, day and month in tables of its own (schema tidemark),
/// notices every change of the raw rows, and answers for any range and time zone. It needs no extension.
#[derive(Debug, Parser)]
#[command(name = "tidemark", version, max_term_width = 110, after_help = help::SHORT, after_long_help = help::LONG)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Before or after the subcommand.
#[derive(Debug, Args)]
pub struct Global {
    /// Where the database is: postgres://user@host:5432/database. Else DATABASE_URL, else the PG* variables
    #[arg(long, global = true, value_name = "URL", help_heading = "Everywhere")]
    pub database_url: Option<String>,
    /// A connection from the settings, by its name
    #[arg(long, global = true, value_name = "NAME", help_heading = "Everywhere")]
    pub profile: Option<String>,
    /// Answer with one JSON document on standard output
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
    /// Answer every question with yes
    #[arg(long, short, global = true, help_heading = "Everywhere")]
    pub yes: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create or upgrade schema tidemark in the database
    #[command(
        after_help = "Examples:\n  tidemark install\n  tidemark install --dry-run > for-the-dba.sql\n\n`rollup apply` does it too where it is missing."
    )]
    Install {
        /// Make the roles tidemark_viewer and tidemark_operator too; they belong to the whole cluster
        #[arg(long)]
        roles: bool,
        /// Print the SQL for a DBA to run, and change nothing; needs no connection
        #[arg(long)]
        dry_run: bool,
    },
    /// Take Tidemark's triggers off your tables and drop its schema; your tables stay as they were
    Uninstall,
    /// Declared rollups: what would be installed, install, list, show, drop, pause
    #[command(subcommand)]
    Rollup(Rollup),
    /// Bring rollups up to date: one slice of at most two seconds each
    #[command(
        after_help = "Examples:\n  tidemark tick                        one slice of every rollup, for cron\n  tidemark tick ops_metrics --drain    until nothing waits"
    )]
    Tick {
        /// All rollups when left out
        name: Option<String>,
        /// Go on until nothing waits, jobs included; waits for other tickers. Exit status 1 when something is left
        #[arg(long)]
        drain: bool,
    },
    /// Tick every rollup until stopped; SIGTERM or Ctrl-C ends it between slices
    #[command(
        after_help = "Run it as a service. When the database goes away it tries again, at most a minute apart.\n\nExample:\n  tidemark worker --interval 5s"
    )]
    Worker {
        /// Rest between rounds when nothing waits
        #[arg(long, default_value = "5s", value_parser = crate::duration::parse, value_name = "TIME")]
        interval: Duration,
    },
    /// Compute buckets anew from raw rows: makes a job that the ticks work off
    #[command(
        after_help = "Examples:\n  tidemark recompute ops_metrics --from today --dry-run\n  tidemark recompute ops_metrics --from -7d --reason 'import corrected' --wait\n\nNumbers stay exact while it runs. Frozen buckets are left out."
    )]
    Recompute(Recompute),
    /// Show recompute and build jobs with their progress
    Jobs,
    /// End a job; what it has done stays
    Cancel {
        /// Number of the job, see `tidemark jobs`
        #[arg(value_parser = job_id)]
        id: i64,
    },
    /// Let a job rest (a rollup: `rollup pause NAME`)
    Pause {
        /// Number of the job, see `tidemark jobs`
        #[arg(value_parser = job_id)]
        id: i64,
    },
    /// Let a job go on (a rollup: `rollup resume NAME`)
    Resume {
        /// Number of the job, see `tidemark jobs`
        #[arg(value_parser = job_id)]
        id: i64,
    },
    /// Let ticks spend only a part of the time on a job, so that they leave the server to others
    #[command(
        after_help = "After each batch the job rests until it has had its part of the time. What changed is kept fresh as ever.\n\nExamples:\n  tidemark pace 3 20     a fifth of the time: four seconds of rest after each second of work\n  tidemark pace 3 100    no rest"
    )]
    Pace {
        /// Number of the job, see `tidemark jobs`
        #[arg(value_parser = job_id)]
        id: i64,
        /// 1 to 100
        percent: i16,
    },
    /// Show how far rollups can be trusted: watermark, lag, what waits, errors, capture, audit
    #[command(
        after_help = "Status words, worst first: not_trusted, failing, stalled, lagging, catching_up, paused, never_run, frozen_marks, healthy.\n\nExample, for monitoring:\n  tidemark status --check || notify"
    )]
    Status {
        /// All rollups when left out
        name: Option<String>,
        /// Exit status 1 unless every rollup is healthy
        #[arg(long)]
        check: bool,
    },
    /// Look for everything that could be wrong, and say for each how to put it right
    Doctor,
    /// Compare rollups with their raw rows in one snapshot
    #[command(
        after_help = "Examples:\n  tidemark audit\n  tidemark audit ops_metrics --from -7d --repair\n\nBuckets that wait for a tick are counted apart and are never differences. Exit status 1 when something differs."
    )]
    Audit {
        /// All rollups when left out
        name: Option<String>,
        /// Default: everything that is not frozen
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        from: Option<String>,
        /// Default: everything that is not frozen
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        to: Option<String>,
        /// Zone of the times [default: the settings', else the system's]
        #[arg(long, value_name = "ZONE")]
        tz: Option<String>,
        /// Mark what differs, so that the next ticks compute it anew
        #[arg(long)]
        repair: bool,
    },
    /// Ask for numbers
    #[command(after_help = help::QUERY)]
    Query(Query),
    /// Draw a rollup's board as PNG, SVG or one HTML page
    #[command(
        after_help = "Examples:\n  tidemark report ops_metrics --from today --to now --out today.png\n  tidemark report ops_metrics --from 2026-10-01 --to 2026-11-01 --tz Europe/Berlin --out october.html"
    )]
    Report(Report),
    /// Freeze everything before a time, so that raw rows from before may be deleted
    #[command(
        after_help = "What is frozen is never computed again: the rollup is all there is.\n\nExample:\n  tidemark purge ops_metrics --before 2026-01-01 --raw"
    )]
    Purge {
        /// The rollup, see `tidemark rollup list`
        name: String,
        /// The new frozen line; rounded down to a bucket that can stand alone
        #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
        before: String,
        /// Delete the raw rows before it too, in batches
        #[arg(long)]
        raw: bool,
        /// Zone of the time [default: the settings', else the system's]
        #[arg(long, value_name = "ZONE")]
        tz: Option<String>,
    },
    /// Start an embedded server with demo data, print its URL, and stay up until stopped
    Demo,
    /// Print a completion script
    #[command(
        after_help = "Example:\n  tidemark completions bash > ~/.local/share/bash-completion/completions/tidemark"
    )]
    Completions { shell: clap_complete::Shell },
}

fn job_id(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| {
        format!("'{text}' is no job's number, see `tidemark jobs`; to pause a rollup: tidemark rollup pause NAME")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_grammar_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_options_stand_before_and_after_the_subcommand() {
        for words in [
            ["tidemark", "--json", "--database-url", "postgres://x/y", "status"],
            ["tidemark", "status", "--json", "--database-url", "postgres://x/y"],
            ["tidemark", "--json", "status", "--database-url", "postgres://x/y"],
        ] {
            let cli = Cli::try_parse_from(words).unwrap();
            assert!(
                cli.global.json && cli.global.database_url.as_deref() == Some("postgres://x/y"),
                "{words:?}"
            );
        }
    }

    #[test]
    fn a_time_ago_is_a_value_and_no_option() {
        let words = [
            "tidemark",
            "query",
            "ops_metrics",
            "--from",
            "-24h",
            "--to",
            "-1h",
            "--grain",
            "15m",
        ];
        let Command::Query(query) = Cli::try_parse_from(words).unwrap().command else {
            panic!("no query")
        };
        assert_eq!((query.from.as_str(), query.to.as_str()), ("-24h", "-1h"));
    }
}
