//! What the commands with many options are asked.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

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
    /// Percent of the time that ticks may spend on it, 1 to 100: below 100 they rest after each batch
    #[arg(long, value_name = "PERCENT", default_value_t = 100)]
    pub pace: i16,
    /// Say how many buckets and raw rows it is and how long it takes, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Tick until the job is done
    #[arg(long)]
    pub wait: bool,
}

#[derive(Debug, Args)]
pub struct Query {
    /// The rollup, see `tidemark rollup list`
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
    /// The rollup, see `tidemark rollup list`
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
    /// A board file instead of the rollup's own board, as the app exports it
    #[arg(long, value_name = "FILE")]
    pub board: Option<PathBuf>,
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
    Saturday,
    Sunday,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ThemeArg {
    Light,
    Dark,
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(format!("'{text}' is no KEY=VALUE; write for example user_id=42")),
    }
}
