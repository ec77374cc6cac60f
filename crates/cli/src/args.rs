//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Rollups in your own PostgreSQL whose every number equals the raw rows.
///
/// Tidemark keeps counts, rates and percentiles by minute, hour, day and month in tables of its own (schema tidemark),
/// notices every change of the raw rows, and answers for any range and time zone. It needs no extension.
#[derive(Debug, Parser)]
#[command(name = "tidemark", version, max_term_width = 110, after_help = EXAMPLES, after_long_help = AFTER)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  tidemark demo                                        a server with demo data, to try everything on
  export DATABASE_URL=postgres://ann@db.example.com/gateway
  tidemark rollup plan ops_metrics                     what would be installed, as SQL
  tidemark rollup apply ops_metrics                    install it, and mark all raw rows as to be built
  tidemark tick --drain                                do the work now; `tidemark worker` goes on doing it
  tidemark query ops_metrics --from today --grain hour --by platform
  tidemark report ops_metrics --from -7d --out week.html
  tidemark status --check && tidemark audit            health, and proof

`tidemark help COMMAND` says more about each.";

const AFTER: &str = "\
Examples:
  tidemark demo                                        a server with demo data, to try everything on
  export DATABASE_URL=postgres://ann@db.example.com/gateway
  tidemark rollup plan ops_metrics                     what would be installed, as SQL
  tidemark rollup apply ops_metrics                    install it, and mark all raw rows as to be built
  tidemark tick --drain                                do the work now; `tidemark worker` goes on doing it
  tidemark query ops_metrics --from today --grain hour --by platform
  tidemark report ops_metrics --from -7d --out week.html
  tidemark status --check && tidemark audit            health, and proof

Connection:
  --database-url, else DATABASE_URL, else PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE, PGSSLMODE and .pgpass.
  A remote host is reached with TLS and its certificate is checked (sslmode=verify-full) unless the URL says otherwise.

Times:
  2026-10-26 (midnight in --tz), 2026-10-26T14:15, 2026-10-26T14:15:00+01:00, now, today, yesterday, -30m, -24h, -7d, -2w.
  Ranges are [from, to) and are rounded outwards to the rollup's finest grain; the answer says which range it has.

Output:
  Data go to standard output, messages to standard error. With --json standard output is one JSON document; a failure is
  one too: {\"error\": {\"code\", \"message\", \"details\"}}. Nothing asks without a terminal; --yes answers.

Exit status:
  0  fine
  1  a finding: audit differences, a problem for doctor, status --check not healthy, marks left after --drain
  2  bad usage or input, or the server refused
  3  the database can't be reached";

/// Before or after the subcommand.
#[derive(Debug, Args)]
pub struct Global {
    /// Where the database is: postgres://user@host:5432/database. Else DATABASE_URL, else the PG* variables
    #[arg(long, global = true, value_name = "URL", help_heading = "Everywhere")]
    pub database_url: Option<String>,
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
    #[command(after_help = QUERY)]
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

const QUERY: &str = "\
Examples:
  tidemark query ops_metrics --from today --grain hour --by platform
  tidemark query ops_metrics --from -7d --grain day --measure request_count --measure p99_latency_ms
  tidemark query ops_metrics --from 2026-10-01 --to 2026-11-01 --grain total --where platform=openai --json

Filters: several --where of one dimension mean any of them, of several dimensions all of them. `--where platform=` is the
empty text, `--where platform` without `=` is NULL. There is no row where there is no data.";

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
        name: String,
        /// Only the SQL that is installed for it
        #[arg(long, conflicts_with = "declaration")]
        sql: bool,
        /// Only its declaration
        #[arg(long)]
        declaration: bool,
    },
    /// Take a rollup away with its tables and triggers; raw rows stay
    Drop { name: String },
    /// Stop ticking a rollup; changes go on being marked
    Pause { name: String },
    /// Tick a rollup again
    Resume { name: String },
}

#[derive(Debug, Args)]
pub struct Recompute {
    /// All rollups when left out
    pub name: Option<String>,
    /// Default: the first bucket
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// Default: the last bucket
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub to: Option<String>,
    /// Zone of the times [default: the settings', else the system's]
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
    /// Only this part, where the declaration has a scope: user_id=42
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    pub scope: Option<(String, String)>,
    /// Kept with the job
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Say how many buckets and raw rows it is and how long it takes, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Tick until the job is done
    #[arg(long)]
    pub wait: bool,
}

#[derive(Debug, Args)]
pub struct Query {
    pub name: String,
    /// First instant
    #[arg(long, value_name = "TIME", default_value = "-24h", allow_hyphen_values = true)]
    pub from: String,
    /// First instant that is not in the range any more
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    pub to: String,
    /// Width of the buckets
    #[arg(long, default_value = "hour")]
    pub grain: GrainArg,
    /// Zone in which days and hours are cut [default: the settings', else the system's]
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
    /// Group by a dimension; repeat for several
    #[arg(long, value_name = "DIM", value_delimiter = ',')]
    pub by: Vec<String>,
    /// Only rows whose dimension has this value; repeat for several
    #[arg(long = "where", value_name = "DIM=VALUE")]
    pub filters: Vec<String>,
    /// A measure to show; repeat for several. All when left out
    #[arg(long = "measure", value_name = "M", value_delimiter = ',')]
    pub measures: Vec<String>,
    /// First day of a week
    #[arg(long, default_value = "monday", value_name = "DAY")]
    pub week_start: WeekStartArg,
    /// Never read raw rows: buckets that wait are pending
    #[arg(long, conflicts_with = "live")]
    pub rollup_only: bool,
    /// Read raw rows only
    #[arg(long)]
    pub live: bool,
}

#[derive(Debug, Args)]
pub struct Report {
    pub name: String,
    /// First instant
    #[arg(long, value_name = "TIME", default_value = "-24h", allow_hyphen_values = true)]
    pub from: String,
    /// First instant that is not in the range any more
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    pub to: String,
    /// Zone of days, hours and labels [default: the settings', else the system's]
    #[arg(long, value_name = "ZONE")]
    pub tz: Option<String>,
    /// Where to write: the ending says what, .png, .svg or .html
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Width of the buckets [default: the finest that leaves about 200]
    #[arg(long)]
    pub grain: Option<GrainArg>,
    /// Only rows whose dimension has this value; repeat for several
    #[arg(long = "where", value_name = "DIM=VALUE")]
    pub filters: Vec<String>,
    /// First day of a week
    #[arg(long, default_value = "monday", value_name = "DAY")]
    pub week_start: WeekStartArg,
    /// Colours of PNG and SVG; a page follows its reader
    #[arg(long, default_value = "light")]
    pub theme: ThemeArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum GrainArg {
    #[value(name = "1m")]
    Minute,
    #[value(name = "5m")]
    FiveMinutes,
    #[value(name = "15m")]
    QuarterHour,
    Hour,
    Day,
    Week,
    Month,
    Year,
    Total,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum WeekStartArg {
    Monday,
    Sunday,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ThemeArg {
    Light,
    Dark,
}

fn job_id(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| {
        format!("'{text}' is no job's number, see `tidemark jobs`; to pause a rollup: tidemark rollup pause NAME")
    })
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("'{text}' is no KEY=VALUE; write for example user_id=42")),
    }
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
