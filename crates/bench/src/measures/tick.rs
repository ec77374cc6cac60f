//! What a tick costs: one dirty bucket, and the open one.

use std::time::Duration;

use super::Bench;
use crate::data::{ROLLUP, Set, Shape};
use crate::report::{Goal, Line, Section};
use crate::sample::{interleaved, timed};
use crate::{Error, Result};

const ONE: &str = "tick_one_bucket";
const OPEN: &str = "tick_open_bucket";

pub async fn measure(bench: &Bench, done: &mut dyn FnMut(Section)) -> Result<()> {
    if bench.wants(&[ONE]) {
        done(one_bucket(bench).await?);
    }
    if bench.wants(&[OPEN]) {
        done(open_bucket(bench).await?);
    }
    Ok(())
}

/// The same dirty quarter hour among 36 days and among 360: more than the month that it is in.
async fn one_bucket(bench: &Bench) -> Result<Section> {
    let rows = bench.rows.min(10_000_000);
    let long = bench.set(bench.spec(Shape::Busy, rows, 360)).await?;
    let short = bench.set(bench.spec(Shape::Busy, rows / 10, 36)).await?;
    for set in [&long, &short] {
        set.build().await?;
    }
    let change = "update usage_logs set duration_ms = duration_ms + 1 where id = (select min(id) from usage_logs
  where created_at >= date_trunc('day', now()) - interval '5 days' + interval '12 hours')";
    let pairs = interleaved(
        bench.repeats.max(25),
        || changed(&long, change),
        || changed(&short, change),
    )
    .await?;
    let mut section = Section::new(
        "A tick of one dirty bucket",
        format!(
            "{}, beside {}: as many rows a bucket. A row of five days ago is changed, then one tick by `tidemark.tick`.",
            long.spec.describe(),
            short.spec.describe()
        ),
    );
    section.lines.push(Line::new(
        ONE,
        "tick of one dirty bucket, ten times the days",
        "the same among a tenth of the days",
        Goal::AtMost(1.1),
        &pairs,
    ));
    section.statement("The change", change);
    long.remove(&bench.server).await?;
    short.remove(&bench.server).await?;
    Ok(section)
}

/// A quarter hour of the hot tail: full, and with its last minute only.
async fn open_bucket(bench: &Bench) -> Result<Section> {
    let million = (bench.rows / 10).clamp(15_000, 1_000_000);
    let full = bench.set(bench.spec(Shape::Busy, 30_000, 9)).await?;
    let begun = bench.set(bench.spec(Shape::Busy, 30_001, 9)).await?;
    let quarter = "(date_bin('15 minutes', now(), '2001-01-01') - interval '15 minutes')";
    let fill = |rows: u64, minute: &str| {
        format!(
            "insert into usage_logs (created_at, account_id, duration_ms)
select {quarter} + {minute}, 1 + i % 40, (random() * 2000)::integer from generate_series(1, {rows}) i"
        )
    };
    full.build().await?;
    begun.build().await?;
    full.sql(&fill(million, "random() * interval '15 minutes'")).await?;
    begun
        .sql(&fill(
            million / 15,
            "interval '14 minutes' + random() * interval '1 minute'",
        ))
        .await?;
    for set in [&full, &begun] {
        set.drain().await?;
        set.settle().await?;
    }
    let rows = fill(100, "interval '14 minutes' + random() * interval '1 minute'");
    let pairs = interleaved(
        bench.repeats.max(15),
        || changed(&full, &rows),
        || changed(&begun, &rows),
    )
    .await?;
    let mut section = Section::new(
        "A tick of the open bucket",
        format!(
            "A quarter hour with {million} rows in it, and one that has just begun with {} in its first minute: the same minute is open in both, so what a tick reads of raw rows is the same, and the rest of the quarter hour should cost next to nothing. 100 rows are inserted into that minute, then one tick.",
            million / 15
        ),
    );
    section.lines.push(Line::new(
        OPEN,
        &format!("tick after 100 new rows, {million} in the quarter hour"),
        &format!("the same, {} in it", million / 15),
        Goal::AtMost(1.2),
        &pairs,
    ));
    full.remove(&bench.server).await?;
    begun.remove(&bench.server).await?;
    Ok(section)
}

/// How long one tick takes after a change.
async fn changed(set: &Set, change: &str) -> Result<Duration> {
    set.sql(change).await?;
    timed(async {
        let report = set.db.tick(ROLLUP).await?;
        match (report.buckets, report.error) {
            (1.., None) => Ok(()),
            (buckets, error) => Err(Error::Wrong(format!("a tick recomputed {buckets} buckets: {error:?}"))),
        }
    })
    .await
}
