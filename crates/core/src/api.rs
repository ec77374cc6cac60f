//! The types that cross a boundary: the command line's `--json`, the app's IPC and the tests all speak these.
//!
//! Names are those of `docs/` and of the command line's contract. Instants are UTC unless a field says otherwise.
//! TypeScript definitions in `ui/src/lib/api/` are generated from this file.

use std::time::Duration;

use chrono::{DateTime, FixedOffset, Utc};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use crate::board_spec::Grouping;

/// Bucket width that a query can ask for. `Total` is one bucket over the whole range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "lowercase")]
pub enum Grain {
    #[serde(rename = "1m")]
    Minute,
    #[serde(rename = "5m")]
    FiveMinutes,
    #[serde(rename = "15m")]
    QuarterHour,
    Hour,
    Day,
    /// Starts on Monday in rollup tables; in queries on the day that the viewer asks for.
    Week,
    Month,
    Year,
    Total,
}

/// First day of the viewer's week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "lowercase")]
pub enum WeekStart {
    #[default]
    Monday,
    Saturday,
    Sunday,
}

/// Where a figure turns from calm to bad.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Error rate in percent.
    pub error_rate_percent: f64,
    /// 99th percentile of the latency, in milliseconds.
    pub p99_ms: f64,
    /// Fewer requests than this in a bucket say nothing.
    pub min_samples: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            error_rate_percent: 2.0,
            p99_ms: 5000.0,
            min_samples: 200,
        }
    }
}

/// Where an answer's numbers come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "kebab-case")]
pub enum ReadMode {
    /// Rollup rows for clean buckets, raw rows for dirty ones: equals the raw rows at one snapshot.
    #[default]
    Exact,
    /// The same for somebody who waits for it: however many raw rows that reads, for up to a minute.
    Patient,
    /// Rollup rows only; buckets that wait are `pending`.
    RollupOnly,
    /// Raw rows only.
    Live,
}

/// Can a bucket or an answer be trusted?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Equals the raw rows at `as_of`.
    Exact,
    /// Waits for a tick; the number is what the rollup last held.
    Pending,
    /// Lies before the frozen line: raw rows may be gone, the rollup is all there is.
    Frozen,
}

/// Why buckets of an answer are pending.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PendingReason {
    pub kind: PendingKind,
    /// For people, to go on after a colon.
    pub text: String,
    /// About how many raw rows would have to be read, where that is known.
    pub rows: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "snake_case")]
pub enum PendingKind {
    /// More raw rows than are read live.
    TooMany,
    /// Reading raw rows took too long.
    TooSlow,
    /// Somebody holds a lock on a raw table.
    Locked,
    /// Raw rows may not be read.
    Forbidden,
    /// Reading raw rows failed in another way.
    Failed,
    /// What waits was read live, but changes after the watermark are found by polling and may be missing.
    Polled,
}

/// Keep only rows whose dimension has one of these values; `None` is the NULL group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DimensionFilter {
    pub dimension: String,
    pub values: Vec<Option<String>>,
}

/// One question to a rollup. `from` and `to` are resolved instants; see [`crate::times`] for the notations people type.
#[derive(Debug, Clone)]
pub struct QueryRequest {
    pub rollup: String,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub grain: Grain,
    pub tz: chrono_tz::Tz,
    pub week_start: WeekStart,
    /// Dimensions to group by; the others are merged.
    pub by: Vec<String>,
    pub filters: Vec<DimensionFilter>,
    /// Measures to answer; empty means all.
    pub measures: Vec<String>,
    pub mode: ReadMode,
}

/// The answer of `tidemark query`.
#[derive(Debug, Clone, Serialize)]
pub struct QueryAnswer {
    pub rollup: String,
    pub grain: Grain,
    pub tz: String,
    /// The range that was answered, rounded outwards to the base grain, with the viewer's offset.
    pub from: DateTime<FixedOffset>,
    pub to: DateTime<FixedOffset>,
    /// The server's clock when the snapshot was taken.
    pub as_of: DateTime<Utc>,
    pub state: State,
    /// Distinct base buckets in the range that wait and were not computed live.
    pub pending_buckets: u64,
    /// Distinct base buckets in the range that were computed from raw rows for this answer.
    pub live_buckets: u64,
    pub rows: Vec<QueryRow>,
    #[serde(skip)]
    pub pending_reason: Option<PendingReason>,
    /// Units and kinds of the measures in `rows`, for tables and charts.
    #[serde(skip)]
    pub measures: Vec<MeasureInfo>,
    #[serde(skip)]
    pub dimensions: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct QueryRow {
    pub bucket_start: DateTime<FixedOffset>,
    pub bucket_end: DateTime<FixedOffset>,
    pub state: State,
    /// The range or `now` cuts this bucket.
    pub partial: bool,
    /// Dimensions, then measures, by name.
    #[serde(flatten)]
    pub values: Named,
}

/// Values by name, in order. All rows of an answer share the names.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    names: std::sync::Arc<[String]>,
    values: Vec<serde_json::Value>,
}

impl Named {
    /// As many values as names.
    #[must_use]
    pub fn new(names: &std::sync::Arc<[String]>, values: Vec<serde_json::Value>) -> Named {
        debug_assert_eq!(names.len(), values.len());
        Named {
            names: names.clone(),
            values,
        }
    }

    #[must_use]
    pub fn get(&self, name: &str) -> Option<&serde_json::Value> {
        self.names
            .iter()
            .position(|own| own == name)
            .and_then(|at| self.values.get(at))
    }
}

/// `null` for a name that is none of them, as with `serde_json::Value`.
impl std::ops::Index<&str> for Named {
    type Output = serde_json::Value;

    fn index(&self, name: &str) -> &serde_json::Value {
        self.get(name).unwrap_or(&serde_json::Value::Null)
    }
}

impl Serialize for Named {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.names.iter().zip(&self.values))
    }
}

/// What a measure is, for people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MeasureInfo {
    pub name: String,
    /// `ms`, `%`, `""` for a plain count, or whatever the declaration says.
    pub unit: String,
    pub label: String,
    /// A count or a sum: zero where there are no rows. Others are null there.
    pub additive: bool,
}

/// One question of a board: every panel is drawn from its answer, so all of them show one snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BoardRequest {
    pub rollup: String,
    /// A preset (`1h 6h 24h 7d 30d 90d today yesterday this-week`) or `FROM..TO` in the notations of the command line.
    pub range: String,
    /// `None`: the finest grain that leaves at most about 200 buckets.
    pub grain: Option<Grain>,
    pub tz: String,
    pub week_start: WeekStart,
    /// The dimension that splits series and the table.
    pub by: Option<String>,
    pub filters: Vec<DimensionFilter>,
    /// Further ways in which panels cut the same numbers, each on top of `filters`.
    #[serde(default)]
    pub groupings: Vec<Grouping>,
    pub mode: ReadMode,
    pub compare: Option<Compare>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "kebab-case")]
pub enum Compare {
    PreviousPeriod,
    Yesterday,
    LastWeek,
}

/// Everything a board draws, as columns. Times are milliseconds since the epoch.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BoardAnswer {
    pub rollup: String,
    pub tz: String,
    pub grain: Grain,
    pub base_grain: Grain,
    /// Grains that this range can be shown in.
    pub grains: Vec<Grain>,
    pub from_ms: f64,
    pub to_ms: f64,
    pub as_of_ms: f64,
    pub state: State,
    #[ts(type = "number")]
    pub pending_buckets: u64,
    /// `None` where nothing is pending, or where the rollup alone was asked for.
    pub pending_reason: Option<PendingReason>,
    #[ts(type = "number")]
    pub live_buckets: u64,
    /// Buckets of rollup tables that were read.
    #[ts(type = "number")]
    pub rollup_buckets: u64,
    pub took_ms: f64,
    pub watermark_ms: Option<f64>,
    /// End of the last complete bucket that is exact.
    pub complete_through_ms: Option<f64>,
    pub measures: Vec<MeasureInfo>,
    /// Every bucket of the range, with or without data.
    pub buckets: Vec<BoardBucket>,
    pub ticks: Vec<Tick>,
    /// The dimension of `groups`.
    pub by: Option<String>,
    /// All groups together.
    pub overall: BoardSeries,
    /// One per value of `by`, largest first by the first measure.
    pub groups: Vec<BoardSeries>,
    pub compare: Option<BoardCompare>,
    /// What the request's further groupings ask for, in its order, from the same snapshot.
    pub groupings: Vec<BoardGrouping>,
}

/// The same buckets and measures, cut in another way.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BoardGrouping {
    #[serde(flatten)]
    pub grouping: Grouping,
    pub overall: BoardSeries,
    pub groups: Vec<BoardSeries>,
    pub compare: Option<BoardCompare>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BoardBucket {
    pub start_ms: f64,
    pub end_ms: f64,
    /// RFC 3339 with the viewer's offset.
    pub start: String,
    pub end: String,
    pub state: State,
    pub partial: bool,
    /// Length where a day has other than 24 hours, in hours.
    pub odd_hours: Option<f64>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BoardSeries {
    /// The group's value; `None` is the NULL group, or all groups together.
    pub key: Option<String>,
    /// `columns[m][b]`: measure m in bucket b. Null where there is no data.
    pub columns: Vec<Vec<Option<f64>>>,
    /// `total[m]`: measure m over the whole range, merged and not averaged.
    pub total: Vec<Option<f64>>,
}

/// The same board, earlier by wall clock, aligned bucket by bucket.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BoardCompare {
    pub kind: Compare,
    pub from_ms: f64,
    pub to_ms: f64,
    pub state: State,
    pub overall: BoardSeries,
    pub groups: Vec<BoardSeries>,
}

/// What a report is drawn from, all of it read at one moment.
#[derive(Debug, Clone)]
pub struct ReportAnswer {
    pub board: BoardAnswer,
    /// What the board's heatmaps show. `None` where it has none, or no buckets that are fine enough.
    pub week: Option<BoardAnswer>,
}

impl ReportAnswer {
    /// Can all of it be trusted?
    #[must_use]
    pub fn state(&self) -> State {
        match &self.week {
            Some(week) if week.state == State::Pending => State::Pending,
            _ => self.board.state,
        }
    }
}

/// A place on a time axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Tick {
    pub at_ms: f64,
    pub label: String,
    pub kind: TickKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "lowercase")]
pub enum TickKind {
    Plain,
    /// Midnight in the viewer's zone: full-height line and bold date.
    Day,
    /// The zone's offset changes here: a repeated or missing hour.
    Shift,
}

/// Which raw rows to list: those that some measures count, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RowsRequest {
    pub rollup: String,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// The zone that times are written in.
    pub tz: String,
    /// Only rows that one of these counts; all rows where it is empty.
    pub measures: Vec<String>,
    pub filters: Vec<DimensionFilter>,
    /// Only rows of this source.
    pub source: Option<String>,
    /// Only rows that show exactly this.
    pub labels: Vec<RowFilter>,
    /// At most this many rows, and never more than 1,000.
    pub limit: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RowFilter {
    pub label: String,
    /// `None` is NULL.
    pub value: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RowsAnswer {
    pub rollup: String,
    /// In the order in which their rows are listed.
    pub sources: Vec<RowSource>,
    /// Source by source, newest first.
    pub rows: Vec<RawRow>,
    /// There are more than were listed.
    pub more: bool,
    pub took_ms: f64,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RowSource {
    pub name: String,
    /// With its schema.
    pub table: String,
    pub labels: Vec<String>,
    /// Row security applies to this role: rows may be missing here that the numbers count.
    pub row_security: bool,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RawRow {
    /// Index into the answer's sources.
    #[ts(type = "number")]
    pub source: usize,
    /// RFC 3339 with the viewer's offset.
    pub at: String,
    /// One for each of the source's labels, as PostgreSQL writes them; the first 4,000 characters.
    pub values: Vec<Option<String>>,
}

// ---------------------------------------------------------------------------------------------------------------- health

/// Status words, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "snake_case")]
pub enum StatusWord {
    NotTrusted,
    Failing,
    Stalled,
    Lagging,
    CatchingUp,
    Paused,
    NeverRun,
    FrozenMarks,
    Healthy,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StatusReport {
    pub server_time: DateTime<Utc>,
    pub rollups: Vec<RollupStatus>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RollupStatus {
    pub rollup: String,
    /// `tidemark`, later also `timescaledb`.
    pub engine: String,
    /// `trigger` or `poll`.
    pub capture: String,
    pub capture_intact: bool,
    /// What is wrong with capture, one line each, empty when intact.
    pub capture_findings: Vec<String>,
    pub status: StatusWord,
    pub watermark_at: Option<DateTime<Utc>>,
    pub lag_seconds: Option<f64>,
    #[ts(type = "number")]
    pub pending_buckets: i64,
    pub oldest_pending_seconds: Option<f64>,
    pub last_attempt_at: Option<DateTime<Utc>>,
    pub last_success_at: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
    pub last_error_at: Option<DateTime<Utc>>,
    pub frozen_before: Option<DateTime<Utc>>,
    #[ts(type = "number")]
    pub frozen_marks: i64,
    #[ts(type = "number")]
    pub queue_bytes: i64,
    pub tickers: Vec<Ticker>,
    pub last_audit_at: Option<DateTime<Utc>>,
    #[ts(type = "number | null")]
    pub last_audit_differences: Option<i64>,
    /// Buckets that failed and wait for their next try.
    #[ts(type = "number")]
    pub backing_off: i64,
    /// Raw rows dated after the server's clock, as the last audit counted them.
    #[ts(type = "number | null")]
    pub future_rows: Option<i64>,
    pub paused: bool,
    /// A changed declaration that is being built beside this one.
    pub rebuilding: Option<Rebuilding>,
}

/// A changed declaration that is being built and takes the installed one's place when it is.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Rebuilding {
    pub applied_at: DateTime<Utc>,
    /// Base buckets; `None` where nothing is to be built.
    #[ts(type = "number | null")]
    pub buckets_total: Option<i64>,
    #[ts(type = "number")]
    pub pending_buckets: i64,
    pub last_error: Option<String>,
}

/// Something that ticked a rollup lately.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Ticker {
    /// `app`, `worker`, `cli`, `pg_cron` or the application_name of whoever called `tidemark.tick`.
    pub name: String,
    pub last_seen_at: DateTime<Utc>,
}

/// One rollup opened: all that the Rollups page shows beside its status.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RollupDetail {
    pub rollup: String,
    pub declaration: String,
    /// The SQL that is installed for it.
    pub sql: String,
    pub applied_at: DateTime<Utc>,
    pub dimensions: Vec<String>,
    pub measures: Vec<MeasureInfo>,
    pub grains: Vec<GrainDetail>,
    pub sources: Vec<SourceDetail>,
    pub runs: Vec<Run>,
    /// The worst lag in each half hour of the last day, in seconds, oldest first; `None` before the first tick.
    pub lag: Vec<Option<f64>>,
    pub audits: Vec<AuditSummary>,
    /// Views in schema tidemark, without the schema.
    pub relations: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct GrainDetail {
    pub grain: Grain,
    pub table: String,
    /// Estimated from statistics.
    #[ts(type = "number")]
    pub rows: i64,
    #[ts(type = "number")]
    pub bytes: i64,
    pub oldest: Option<DateTime<Utc>>,
    pub newest: Option<DateTime<Utc>>,
    /// How long buckets of this grain are kept; `None` is for ever.
    pub keep: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SourceDetail {
    pub name: String,
    pub table: String,
    /// The time column of a source; `None` for a lookup.
    pub time: Option<String>,
    pub time_indexed: Option<bool>,
    /// Estimated from statistics; negative where there are none yet.
    #[ts(type = "number")]
    pub rows: i64,
    /// Which of insert, update, delete and truncate are captured, as `IUDT`.
    pub triggers: String,
    pub intact: bool,
}

/// One tick.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Run {
    pub started_at: DateTime<Utc>,
    pub took_ms: f64,
    pub by: String,
    #[ts(type = "number")]
    pub marks: i64,
    #[ts(type = "number")]
    pub buckets: i64,
    #[ts(type = "number")]
    pub raw_rows: i64,
    pub error: Option<String>,
}

/// What one call of tick did.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TickReport {
    pub rollup: String,
    pub outcome: TickOutcome,
    #[ts(type = "number")]
    pub marks: i64,
    #[ts(type = "number")]
    pub buckets: i64,
    #[ts(type = "number")]
    pub raw_rows: i64,
    /// Applicable buckets that still wait.
    #[ts(type = "number")]
    pub left: i64,
    pub took_ms: f64,
    /// How long until something of what is left may be worked on; with [`TickOutcome::Resting`] and
    /// [`TickOutcome::BackingOff`].
    #[serde(default)]
    pub rest_ms: Option<f64>,
    pub error: Option<String>,
    /// A changed declaration has taken the place of another, whose triggers and tables are still to be dropped. For the
    /// caller in Rust, which drops them.
    #[serde(default, skip_serializing)]
    #[ts(skip)]
    pub retired: bool,
    /// A new partition or child has no triggers yet.
    #[serde(default, skip_serializing)]
    #[ts(skip)]
    pub unwatched: bool,
}

impl TickReport {
    /// How long a ticker waits before it comes back for what is left; nothing where that may be worked on now.
    #[must_use]
    pub fn rest(&self) -> Duration {
        Duration::from_secs_f64((self.rest_ms.unwrap_or(0.0) / 1000.0).clamp(0.0, 3600.0))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "snake_case")]
pub enum TickOutcome {
    /// Nothing waits any more.
    Drained,
    /// The slice ended; more waits.
    More,
    /// Another ticker holds this rollup.
    Busy,
    Paused,
    /// Stood aside for somebody who waits for an exclusive lock on a source.
    Yielded,
    /// What is left belongs to jobs that rest, as their pace says.
    Resting,
    /// What is left has failed, and is tried again later.
    BackingOff,
    Failed,
}

// ------------------------------------------------------------------------------------------------------------------ jobs

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    Running,
    Paused,
    Done,
    Cancelled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Buckets that were never computed.
    Build,
    /// A recompute that a person asked for.
    Request,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Job {
    #[ts(type = "number")]
    pub id: i64,
    pub rollup: String,
    pub kind: JobKind,
    pub state: JobState,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub scope: Option<String>,
    pub reason: Option<String>,
    /// Percent of the time that ticks may spend on it; 100: no rest.
    pub pace: i16,
    pub requested_by: String,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    /// Base buckets.
    #[ts(type = "number")]
    pub buckets_total: i64,
    #[ts(type = "number")]
    pub buckets_done: i64,
    /// Base buckets a second since it started, pauses and rests included.
    pub rate: Option<f64>,
    pub seconds_left: Option<f64>,
}

#[derive(Debug, Clone)]
pub struct RecomputeRequest {
    pub rollup: String,
    /// `None`: from the first bucket.
    pub from: Option<DateTime<Utc>>,
    /// `None`: to the last.
    pub to: Option<DateTime<Utc>>,
    pub scope: Option<(String, String)>,
    pub reason: Option<String>,
    /// Percent of the time that ticks may spend on it, from 1; 100: no rest.
    pub pace: i16,
}

/// What a recompute would do.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RecomputePreview {
    pub rollup: String,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    /// Base buckets.
    #[ts(type = "number")]
    pub buckets: i64,
    /// The planner's estimate.
    #[ts(type = "number")]
    pub raw_rows: i64,
    pub seconds: f64,
    /// Base buckets left out because they are frozen.
    #[ts(type = "number")]
    pub frozen_buckets: i64,
}

// ----------------------------------------------------------------------------------------------------------------- audit

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuditReport {
    pub rollup: String,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
    pub as_of: DateTime<Utc>,
    pub took_ms: f64,
    /// Buckets compared, all grains.
    #[ts(type = "number")]
    pub buckets: i64,
    #[ts(type = "number")]
    pub groups: i64,
    #[ts(type = "number")]
    pub difference_count: i64,
    /// The first hundred.
    pub differences: Vec<AuditDifference>,
    /// Base buckets that wait and were therefore not compared.
    #[ts(type = "number")]
    pub waiting_buckets: i64,
    /// Raw rows whose time is NULL, infinite or outside 1900–2300: they belong to no bucket.
    #[ts(type = "number")]
    pub outside_rows: i64,
    /// Raw rows dated after the server's clock.
    #[ts(type = "number")]
    pub future_rows: i64,
    /// The job that recomputes what differs, with `--repair`.
    #[ts(type = "number | null")]
    pub repair_job: Option<i64>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuditDifference {
    pub grain: Grain,
    pub bucket_start: DateTime<Utc>,
    /// Dimension values as one text.
    pub group: String,
    /// `missing`, `extra` or the columns that differ.
    pub what: String,
    pub rollup_value: Option<String>,
    pub raw_value: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct AuditSummary {
    pub at: DateTime<Utc>,
    #[ts(type = "number")]
    pub buckets: i64,
    #[ts(type = "number")]
    pub differences: i64,
    pub took_ms: f64,
}

// ---------------------------------------------------------------------------------------------------------------- doctor

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    Problem,
    Warning,
    Note,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Finding {
    pub severity: Severity,
    /// Stable and short: `no_time_index`, `row_security`, …
    pub code: String,
    pub rollup: Option<String>,
    pub message: String,
    /// SQL, or a command, that puts it right.
    pub fix: Option<String>,
}

// ------------------------------------------------------------------------------------------------------------ declaration

/// A rollup that is installed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RollupSummary {
    pub rollup: String,
    pub title: String,
    pub sources: Vec<String>,
    pub dimensions: Vec<String>,
    /// What each is called, for people.
    pub dimension_labels: Vec<String>,
    pub grains: Vec<Grain>,
    pub measures: Vec<MeasureInfo>,
    /// The declared one, else one made from measures and dimensions.
    pub board: crate::board_spec::Board,
    pub applied_at: DateTime<Utc>,
    pub paused: bool,
}

/// A table, view or foreign table that a rollup could be made of.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TableInfo {
    /// Qualified and quoted, as a declaration names it.
    pub sql: String,
    pub schema: String,
    pub name: String,
    /// `table`, `partitioned table`, `view`, `materialized view` or `foreign table`.
    pub kind: String,
    /// Estimated from statistics; `None` where nothing is known.
    pub rows: Option<f64>,
    #[ts(type = "number")]
    pub bytes: i64,
    /// Whether this role may read it.
    pub readable: bool,
    /// Columns that can tell a time, with their types.
    pub times: Vec<TimeColumn>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TimeColumn {
    pub name: String,
    pub sql_type: String,
    /// An index begins with it.
    pub indexed: bool,
}

/// Numbers that a declaration would give, computed from raw rows without making anything.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Preview {
    pub rollup: String,
    /// What was read: the newest part of the data, as much as the bound allows.
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    #[ts(type = "number")]
    pub raw_rows: i64,
    /// The dimension of `groups`.
    pub by: Option<String>,
    /// All groups, those left out too.
    #[ts(type = "number")]
    pub group_count: usize,
    pub measures: Vec<MeasureInfo>,
    /// All rows together, measure by measure; `None` where there is no data, or only the built rollup can say.
    pub overall: Vec<Option<f64>>,
    /// Those with most rows.
    pub groups: Vec<PreviewGroup>,
    /// Why no more was read.
    pub bound: String,
    pub took_ms: f64,
}

#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PreviewGroup {
    pub key: Option<String>,
    pub values: Vec<Option<f64>>,
}

/// A board that somebody saved.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SavedBoard {
    /// Its file is `NAME.toml`.
    pub name: String,
    /// `None` where the file can't be read as a board.
    pub rollup: Option<String>,
    pub board: Option<crate::board_spec::Board>,
    /// What is wrong with the file, with its line.
    pub error: Option<String>,
}

/// What `apply` would do.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Plan {
    pub rollup: String,
    /// In words, one step each; empty when nothing would change.
    pub steps: Vec<String>,
    pub warnings: Vec<String>,
    pub sql: String,
    /// Whether schema `tidemark` would be made first.
    pub installs_schema: bool,
}

/// The server and what this connection may do.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ServerInfo {
    /// Host, port, database and user, without the password.
    pub label: String,
    pub version: String,
    pub role: String,
    pub tls: String,
    pub round_trip_ms: f64,
    pub read_only: bool,
    /// Schema `tidemark` is there and of a version this program can use.
    pub installed: bool,
    /// May tick, recompute, pause.
    pub can_operate: bool,
    /// The database holds demo data.
    pub demo: bool,
    /// Extension pg_cron is installed in this database.
    pub pg_cron: bool,
}
