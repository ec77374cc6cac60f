//! One snapshot: what is dirty, the clean buckets, the live rest.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, Row};
use tidemark_core::api::{DimensionFilter, Grain, PendingKind, PendingReason, ReadMode, State};
use tidemark_core::cover::{Level, cover};
use tidemark_core::model::Model;
use tidemark_core::spec::on::quote;
use tidemark_core::zone::{ViewerBucket, base_fits, viewer_buckets};

use super::cell::Shape;
use super::cells::Cells;
use super::choose::Chosen;
use super::gather::{Gathered, Source};
use super::moment::{Moment, READING};
use super::scope::{filtered, scopes};
use crate::{Db, Error, Result};

/// Most raw rows that an answer may read live, by the planner's estimate, and how long that may take.
pub(crate) const LIVE_ROWS: f64 = 3_000_000.0;
const LIVE_TIME: &str = "10s";
/// How long it may take where somebody waits for it.
const PATIENT_TIME: &str = "60s";

/// What to read.
#[derive(Debug, Clone)]
pub(crate) struct Ask<'a> {
    pub rollup: &'a str,
    /// The declaration that was chosen to answer.
    pub chosen: &'a Chosen,
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub grain: Grain,
    pub tz: chrono_tz::Tz,
    pub week: tidemark_core::api::WeekStart,
    /// Each is answered from the same buckets of the same snapshot.
    pub cuts: Vec<Cut>,
    pub mode: ReadMode,
}

/// Which groups, of which rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cut {
    pub by: Vec<String>,
    pub filters: Vec<DimensionFilter>,
}

/// What was read: cells by viewer bucket and group, and how far they can be trusted.
pub(crate) struct Snapshot {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub as_of: DateTime<Utc>,
    pub watermark: Option<DateTime<Utc>>,
    pub buckets: Vec<ViewerBucket>,
    /// One per bucket.
    pub states: Vec<State>,
    /// One list per cut.
    pub cells: Vec<Cells>,
    /// `None` where nothing is pending, or where the rollup alone was asked for.
    pub pending_reason: Option<PendingReason>,
    pub pending_buckets: u64,
    pub live_buckets: u64,
    pub rollup_buckets: u64,
}

/// A rollup as the first statement of the snapshot found it.
pub(crate) struct Found {
    id: i32,
    pub model: Arc<Model>,
    at: DateTime<Utc>,
    frozen: Option<DateTime<Utc>>,
    watermark: Option<DateTime<Utc>>,
    levels: Vec<Level>,
    /// What the question is about, as marks write it; `None`: any scope.
    scopes: Option<Vec<String>>,
    /// Sorted and disjoint.
    dirty: Vec<(DateTime<Utc>, DateTime<Utc>)>,
}

type Span = (DateTime<Utc>, DateTime<Utc>);

impl Db {
    /// The model of a rollup as it is read.
    pub(crate) async fn model(&self, rollup: &str) -> Result<Model> {
        let id = self.rollup_id(rollup).await?;
        let model: sqlx::types::Json<Model> = sqlx::query_scalar("select model from tidemark.rollup where id = $1")
            .bind(id)
            .fetch_one(&self.pool)
            .await?;
        Ok(model.0)
    }

    /// Read in one REPEATABLE READ transaction; again from the start where a TRUNCATE or a rewrite slipped in. At a moment
    /// that others read at too there is no again: they would have to be read again with it.
    pub(crate) async fn snapshot(&self, ask: &Ask<'_>, shape: &Shape, at: Option<&Moment>) -> Result<Snapshot> {
        for _ in 0..4 {
            if let Some(snapshot) = self.try_snapshot(ask, shape, at).await? {
                return Ok(snapshot);
            }
            if at.is_some() {
                return Err(Error::applied_meanwhile());
            }
        }
        Err(Error::Server {
            message: "A raw table is being truncated or rewritten again and again; try again in a moment.".to_owned(),
            sqlstate: None,
        })
    }

    async fn try_snapshot(&self, ask: &Ask<'_>, shape: &Shape, at: Option<&Moment>) -> Result<Option<Snapshot>> {
        let begin = at.map_or_else(|| READING.to_owned(), Moment::joining);
        let mut reading = self.reading(&begin).await?;
        let read = read(reading.connection(), ask, shape, at).await;
        reading.end().await;
        read
    }
}

/// Read in a transaction that has just begun. `None` where it has to begin again.
async fn read(
    connection: &mut PgConnection,
    ask: &Ask<'_>,
    shape: &Shape,
    at: Option<&Moment>,
) -> Result<Option<Snapshot>> {
    let found = state(connection, ask, at).await?;
    let base = found.model.base();
    if ask.grain < base {
        return Err(Error::input(
            "grain_too_fine",
            format!(
                "{} keeps buckets of {} or more; ask for --grain {} or coarser.",
                ask.rollup,
                base.label(),
                base
            ),
        ));
    }
    // Where raw rows may be gone, the finest grain that is kept for ever is all there is.
    let kept = found
        .levels
        .iter()
        .find(|level| level.from.is_none())
        .map_or(base, |level| level.grain);
    let grid = |at: DateTime<Utc>| {
        if ask.mode != ReadMode::Live && found.frozen.is_some_and(|line| at < line) {
            kept
        } else {
            base
        }
    };
    let (from, to) = (grid(ask.from).utc_floor(ask.from), ceil(grid(ask.to), ask.to));
    let buckets = viewer_buckets(from, to, ask.grain, ask.tz, ask.week);
    let clipped: Vec<ViewerBucket> = buckets
        .iter()
        .map(|bucket| ViewerBucket {
            start: bucket.start.max(from),
            end: bucket.end.min(to),
        })
        .collect();
    if let Err(at) = base_fits(base, &clipped) {
        return Err(Error::input(
            "zone_does_not_fit",
            format!(
                "{} is kept in buckets of {} (UTC), which can't make {} buckets in {}: {} is not where one starts. Use a zone whose days start there, or --tz UTC.",
                ask.rollup,
                base.label(),
                ask.grain,
                ask.tz,
                at.to_rfc3339()
            ),
        ));
    }
    let dirty = match ask.mode {
        ReadMode::Live => vec![(from, to)],
        _ => found.dirty.clone(),
    };
    // Dirty spans below a short-lived level's line are wider than the mark: its whole parent bucket.
    let dirty = normalize(dirty.into_iter().map(|span| widen(span, &found.levels)).collect());
    let frozen = found
        .frozen
        .map_or_else(Vec::new, |line| vec![(DateTime::<Utc>::MIN_UTC, line)]);
    let live_wanted = if ask.mode == ReadMode::Live {
        dirty.clone()
    } else {
        subtract(&dirty, &frozen)
    };

    let plan = |live: &[Span]| pieces(&clipped, &found.levels, live);
    let (mut stored, mut raw) = plan(&live_wanted);
    let mut pending: Vec<Span> = Vec::new();
    let mut pending_reason = None;
    let mut gathered = Gathered::new(&found.model, shape, &ask.cuts);
    if ask.mode == ReadMode::RollupOnly && !live_wanted.is_empty() {
        pending.clone_from(&live_wanted);
        (stored, raw) = plan(&[]);
    }
    if let Some(lost) = raw
        .iter()
        .find(|part| ask.mode != ReadMode::Live && found.frozen.is_some_and(|line| part.lo < line))
    {
        return Err(Error::input(
            "grain_not_kept",
            format!(
                "At {} raw rows may be gone and only buckets of {} or more are kept. Ask for --grain {kept} or coarser, in a zone whose buckets start there.",
                lost.lo.to_rfc3339(),
                kept.label()
            ),
        ));
    }
    if !raw.is_empty() {
        match live(connection, &found, ask, &raw, &mut gathered).await? {
            Live::Read => {}
            Live::Stale => return Ok(None),
            Live::TooMuch(why) => {
                if ask.mode == ReadMode::Live {
                    return Err(Error::input(
                        "too_much",
                        format!(
                            "Reading raw rows only is too much here: {}. Ask for a shorter range.",
                            why.text
                        ),
                    ));
                }
                gathered.clear();
                pending.clone_from(&live_wanted);
                (stored, raw) = plan(&[]);
                if !raw.is_empty() {
                    return Err(Error::input(
                        "grain_not_kept",
                        format!(
                            "Buckets of {} are kept from {} on, and computing older ones from raw rows is too much here ({}). Ask for --grain {} or coarser, or a shorter range.",
                            ask.grain.label(),
                            kept_from(&found.levels),
                            why.text,
                            coarser(&found.levels)
                        ),
                    ));
                }
                pending_reason = Some(why);
            }
        }
    }
    read_stored(connection, &found, &stored, &mut gathered).await?;
    let cells = gathered.cells();

    // A poll can't say what was committed lately: numbers may be live, but nobody calls them exact.
    if found.model.poll.is_some() && ask.mode != ReadMode::Live {
        let known = found.watermark.map_or(from, |at| base.utc_floor(at).max(from));
        if known < to {
            pending.push((known, DateTime::<Utc>::MAX_UTC));
            pending = normalize(pending);
            pending_reason.get_or_insert_with(|| PendingReason {
                kind: PendingKind::Polled,
                text: match found.watermark {
                    Some(at) => format!(
                        "changes after {} are found by polling and may not all be seen yet",
                        at.format("%Y-%m-%dT%H:%M:%SZ")
                    ),
                    None => "no poll has looked for changes yet".to_owned(),
                },
                rows: None,
            });
        }
    }
    let states = clipped
        .iter()
        .map(|bucket| {
            if overlaps(&pending, bucket) {
                State::Pending
            } else if found.frozen.is_some_and(|line| bucket.start < line) && ask.mode != ReadMode::Live {
                State::Frozen
            } else {
                State::Exact
            }
        })
        .collect();
    let count = |spans: &[Span]| {
        spans
            .iter()
            .map(|(lo, hi)| base.utc_count(*lo.max(&from), *hi.min(&to)))
            .sum()
    };
    Ok(Some(Snapshot {
        from,
        to,
        as_of: found.at,
        watermark: found.watermark,
        states,
        buckets,
        pending_reason,
        pending_buckets: count(&pending),
        live_buckets: raw.iter().map(|piece| base.utc_count(piece.lo, piece.hi)).sum(),
        rollup_buckets: stored
            .iter()
            .map(|piece| found.levels[piece.level].grain.utc_count(piece.lo, piece.hi))
            .sum(),
        cells,
    }))
}

/// A run of stored buckets, or a span to compute live, inside one viewer bucket.
pub(super) struct Part {
    pub bucket: usize,
    level: usize,
    pub lo: DateTime<Utc>,
    pub hi: DateTime<Utc>,
}

/// Cut the clipped buckets into clean runs and live spans.
fn pieces(clipped: &[ViewerBucket], levels: &[Level], live: &[Span]) -> (Vec<Part>, Vec<Part>) {
    let (mut stored, mut raw) = (Vec::new(), Vec::new());
    let mut clean = Vec::new();
    let mut owner = Vec::new();
    for (at, bucket) in clipped.iter().enumerate() {
        let whole = [(bucket.start, bucket.end)];
        for (start, end) in subtract(&whole, live) {
            clean.push(ViewerBucket { start, end });
            owner.push(at);
        }
        raw.extend(intersect(&whole, live).into_iter().map(|(lo, hi)| Part {
            bucket: at,
            level: usize::MAX,
            lo,
            hi,
        }));
    }
    let all = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    for piece in cover(&clean, all, levels) {
        let part = Part {
            bucket: owner[piece.bucket],
            level: piece.level.unwrap_or(usize::MAX),
            lo: piece.start,
            hi: piece.end,
        };
        if piece.level.is_some() {
            stored.push(part)
        } else {
            raw.push(part)
        }
    }
    raw.sort_by_key(|part| part.lo);
    (stored, raw)
}

async fn state(connection: &mut PgConnection, ask: &Ask<'_>, at: Option<&Moment>) -> Result<Found> {
    // A day more on each side: dirty spans there may widen into the range.
    let row = sqlx::query("select * from tidemark.read_state($1, $2, $3, $4)")
        .bind(ask.chosen.id)
        .bind(ask.from - chrono::TimeDelta::days(1))
        .bind(ask.to + chrono::TimeDelta::days(1))
        .bind(sqlx::types::Json(filtered(&ask.cuts)))
        .fetch_optional(&mut *connection)
        .await?
        .filter(|row| row.get::<DateTime<Utc>, _>("applied_at") == ask.chosen.applied_at)
        .ok_or_else(Error::applied_meanwhile)?;
    let model = ask.chosen.model.clone();
    let instant = |column: &str| row.try_get::<Option<DateTime<Utc>>, _>(column).ok().flatten();
    let lines: Vec<Option<DateTime<Utc>>> = row.get("complete_from");
    let levels = model
        .levels
        .iter()
        .zip(lines)
        .map(|(level, from)| Level {
            grain: level.grain,
            from,
        })
        .collect();
    let (lo, hi): (Vec<DateTime<Utc>>, Vec<DateTime<Utc>>) = (row.get("dirty_lo"), row.get("dirty_hi"));
    Ok(Found {
        id: row.get("id"),
        // As with a moment, what was committed by then is in the snapshot.
        at: at.map_or_else(|| row.get("at"), |moment| moment.now),
        frozen: instant("frozen_before"),
        watermark: instant("watermark_at"),
        levels,
        scopes: scopes(&model, &ask.cuts),
        dirty: lo.into_iter().zip(hi).collect(),
        model,
    })
}

enum Live {
    Read,
    /// The snapshot is older than a TRUNCATE or a rewrite: start again.
    Stale,
    TooMuch(PendingReason),
}

async fn live(
    connection: &mut PgConnection,
    found: &Found,
    ask: &Ask<'_>,
    raw: &[Part],
    gathered: &mut Gathered<'_>,
) -> Result<Live> {
    let lo: Vec<DateTime<Utc>> = raw.iter().map(|part| part.lo).collect();
    let hi: Vec<DateTime<Utc>> = raw.iter().map(|part| part.hi).collect();
    // Who asks for raw rows alone waits for them, too.
    let patient = matches!(ask.mode, ReadMode::Patient | ReadMode::Live);
    let mut rows = None;
    sqlx::raw_sql("savepoint live").execute(&mut *connection).await?;
    let read = async {
        let function = |what: &str| format!("tidemark.{}", quote(&format!("{}__{what}", found.model.storage)));
        // Short: an operator's ALTER must not queue behind a read that itself waits.
        sqlx::raw_sql(AssertSqlSafe(format!(
            "set local lock_timeout = '500ms'; set local statement_timeout = '{LIVE_TIME}'"
        )))
        .execute(&mut *connection)
        .await?;
        let estimate: f64 = sqlx::query_scalar(AssertSqlSafe(format!("select {}($1, $2, $3)", function("estimate"))))
            .bind(&lo)
            .bind(&hi)
            .bind(&found.scopes)
            .fetch_one(&mut *connection)
            .await?;
        rows = Some(estimate);
        if !patient && estimate > LIVE_ROWS {
            return Ok(Live::TooMuch(PendingReason {
                kind: PendingKind::TooMany,
                text: format!("about {estimate:.0} raw rows would have to be read, the bound is {LIVE_ROWS:.0}"),
                rows,
            }));
        }
        if patient {
            sqlx::raw_sql(AssertSqlSafe(format!("set local statement_timeout = '{PATIENT_TIME}'")))
                .execute(&mut *connection)
                .await?;
        }
        // Raw rows are read once, however many cuts are made of them.
        let source = Source {
            from: "tidemark_raw as t".to_owned(),
            with: Some(format!(
                "tidemark_raw as (select * from {}($1, $2, $3))",
                function("raw")
            )),
            parts: &raw.iter().collect::<Vec<_>>(),
            free: 4,
        };
        gathered
            .read(&mut *connection, &source, |query| {
                query.bind(hi.clone()).bind(found.scopes.clone())
            })
            .await?;
        let stale: bool = sqlx::query_scalar("select tidemark.snapshot_is_stale($1)")
            .bind(found.id)
            .fetch_one(&mut *connection)
            .await?;
        Ok(if stale { Live::Stale } else { Live::Read })
    }
    .await;
    match read {
        Err(error @ (Error::Unreachable { .. } | Error::Input { .. })) => Err(error),
        Err(error) => {
            sqlx::raw_sql("rollback to live").execute(connection).await?;
            Ok(Live::TooMuch(PendingReason {
                kind: match (&error, error.sqlstate()) {
                    (Error::Forbidden { .. }, _) => PendingKind::Forbidden,
                    (_, Some("57014")) => PendingKind::TooSlow,
                    (_, Some("55P03")) => PendingKind::Locked,
                    _ => PendingKind::Failed,
                },
                text: error.to_string(),
                rows,
            }))
        }
        Ok(live) => {
            sqlx::raw_sql("set local lock_timeout = '5s'; set local statement_timeout = '60s'")
                .execute(connection)
                .await?;
            Ok(live)
        }
    }
}

async fn read_stored(
    connection: &mut PgConnection,
    found: &Found,
    stored: &[Part],
    gathered: &mut Gathered<'_>,
) -> Result<()> {
    for level in 0..found.levels.len() {
        let parts: Vec<&Part> = stored.iter().filter(|part| part.level == level).collect();
        if parts.is_empty() {
            continue;
        }
        // Neighbours are one range of the table.
        let spans = normalize(parts.iter().map(|part| (part.lo, part.hi)).collect());
        let (lo, hi): (Vec<_>, Vec<_>) = spans.into_iter().unzip();
        let source = Source {
            from: format!(
                "unnest($2::timestamptz[], $3::timestamptz[]) as s (lo, hi)
                 join tidemark.{} as t on t.bucket >= s.lo and t.bucket < s.hi",
                quote(&found.model.table(level))
            ),
            with: None,
            parts: &parts,
            free: 4,
        };
        gathered
            .read(&mut *connection, &source, |query| query.bind(lo).bind(hi))
            .await?;
    }
    Ok(())
}

pub(super) fn ceil(grain: Grain, at: DateTime<Utc>) -> DateTime<Utc> {
    if grain.starts_at(at) { at } else { grain.utc_next(at) }
}

/// A dirty span, rounded outwards to what a tick would recompute.
fn widen(span: Span, levels: &[Level]) -> Span {
    let unit = |at: DateTime<Utc>| {
        levels
            .iter()
            .find(|level| level.from.is_none_or(|line| line <= at))
            .or(levels.last())
            .map_or(Grain::Minute, |level| level.grain)
    };
    let last = span.1 - chrono::TimeDelta::microseconds(1);
    (unit(span.0).utc_floor(span.0), ceil(unit(last), span.1))
}

fn kept_from(levels: &[Level]) -> String {
    levels
        .first()
        .and_then(|level| level.from)
        .map_or_else(|| "the beginning".to_owned(), |line| line.to_rfc3339())
}

fn coarser(levels: &[Level]) -> Grain {
    levels
        .iter()
        .find(|level| level.from.is_none())
        .map_or(Grain::Hour, |level| level.grain)
}

/// Sort and join spans.
fn normalize(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut out: Vec<Span> = Vec::with_capacity(spans.len());
    for (lo, hi) in spans {
        match out.last_mut() {
            Some(last) if lo <= last.1 => last.1 = last.1.max(hi),
            _ => out.push((lo, hi)),
        }
    }
    out
}

/// What of sorted, disjoint `a` is not in sorted, disjoint `b`.
fn subtract(a: &[Span], b: &[Span]) -> Vec<Span> {
    let mut out = Vec::new();
    for &(mut lo, hi) in a {
        let first = b.partition_point(|span| span.1 <= lo);
        for &(cut_lo, cut_hi) in b[first..].iter().take_while(|span| span.0 < hi) {
            if lo < cut_lo {
                out.push((lo, cut_lo));
            }
            lo = lo.max(cut_hi);
        }
        if lo < hi {
            out.push((lo, hi));
        }
    }
    out
}

fn intersect(a: &[Span], b: &[Span]) -> Vec<Span> {
    a.iter()
        .flat_map(|&(lo, hi)| {
            let first = b.partition_point(|span| span.1 <= lo);
            b[first..]
                .iter()
                .take_while(move |span| span.0 < hi)
                .map(move |span| (lo.max(span.0), hi.min(span.1)))
        })
        .collect()
}

fn overlaps(spans: &[Span], bucket: &ViewerBucket) -> bool {
    let first = spans.partition_point(|span| span.1 <= bucket.start);
    spans.get(first).is_some_and(|span| span.0 < bucket.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(minute * 60, 0).unwrap()
    }

    fn spans(list: &[(i64, i64)]) -> Vec<Span> {
        list.iter().map(|(lo, hi)| (at(*lo), at(*hi))).collect()
    }

    #[test]
    fn subtracting_leaves_what_is_outside() {
        let a = spans(&[(0, 10), (20, 30)]);
        assert_eq!(
            subtract(&a, &spans(&[(2, 4), (8, 22), (29, 40)])),
            spans(&[(0, 2), (4, 8), (22, 29)])
        );
        assert_eq!(subtract(&a, &[]), a);
        assert_eq!(
            intersect(&a, &spans(&[(2, 4), (8, 22)])),
            spans(&[(2, 4), (8, 10), (20, 22)])
        );
    }

    #[test]
    fn a_dirty_minute_below_the_line_is_a_dirty_quarter_hour() {
        let levels = [
            Level {
                grain: Grain::Minute,
                from: Some(at(60)),
            },
            Level {
                grain: Grain::QuarterHour,
                from: None,
            },
        ];
        assert_eq!(widen((at(20), at(21)), &levels), (at(15), at(30)));
        assert_eq!(widen((at(70), at(71)), &levels), (at(70), at(71)));
        assert_eq!(widen((at(20), at(71)), &levels), (at(15), at(71)));
    }
}
