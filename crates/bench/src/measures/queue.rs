//! Draining many marks of few buckets.

use super::Bench;
use crate::Result;
use crate::data::{Set, Shape};
use crate::report::{Goal, Line, Section};
use crate::sample::{interleaved, timed};

const DRAIN: &str = "drain_marks";

pub async fn measure(bench: &Bench, done: &mut dyn FnMut(Section)) -> Result<()> {
    if !bench.wants(&[DRAIN]) {
        return Ok(());
    }
    let set = bench
        .set(bench.spec(Shape::Busy, (bench.rows / 10).min(1_000_000), 90))
        .await?;
    set.build().await?;
    // As capture writes them.
    let marks = |n: u64| {
        format!(
            "insert into tidemark.mark (rollup_id, kind, input, lo, hi)
select (select id from tidemark.rollup), 'c', 0, b, b + interval '1 minute'
from generate_series(1, {n}) i, lateral (select date_bin('15 minutes', now() - interval '20 days', '2001-01-01') + i % 500 * interval '15 minutes') x (b)"
        )
    };
    let many = (bench.rows / 100).clamp(1_000, 100_000);
    let run = |n: u64| {
        let (sql, set) = (marks(n), &set);
        async move {
            set.sql(&sql).await?;
            timed(set.drain()).await
        }
    };
    let pairs = interleaved(bench.repeats, || run(many), || run(500)).await?;
    let mut section = Section::new(
        "Draining the queue",
        format!(
            "{}. Marks are written as capture writes them, then drained.",
            set.spec.describe()
        ),
    );
    section.lines.push(Line::new(
        DRAIN,
        &format!("a drain of {many} marks over 500 buckets"),
        "of 500 marks over the same",
        Goal::AtMost(1.5),
        &pairs,
    ));
    section.statement("The marks", &marks(many));
    done(section);
    Set::remove(set, &bench.server).await
}
