//! A week of live traffic with ticks, compressed in time: do queue, tables and ticks stay as small as on the first day?

use tidemark_core::api::TickOutcome;

use super::Bench;
use crate::data::{ROLLUP, Set, Shape};
use crate::report::{Line, Section, figure};
use crate::sample::{Spread, ms, spread, timed};
use crate::{Error, Result};

const WEEK: &str = "week_tick";
const STEPS: usize = 7 * 96;

/// How much room is taken at the end of a day, and what its ticks cost.
struct Day {
    ticks: Vec<f64>,
    queue: i64,
    health: i64,
    minutes: i64,
    quarters: i64,
}

pub async fn measure(bench: &Bench, done: &mut dyn FnMut(Section)) -> Result<()> {
    if !bench.wants(&[WEEK]) {
        return Ok(());
    }
    let (statements, days) = if bench.rows < 1_000_000 { (5, 1) } else { (300, 7) };
    let set = bench
        .set(bench.spec(Shape::Busy, (bench.rows / 10).min(1_000_000), 30))
        .await?;
    set.build().await?;
    let mut week: Vec<Day> = Vec::new();
    for step in 0..STEPS / 7 * days {
        if step % 96 == 0 {
            week.push(Day {
                ticks: Vec::new(),
                queue: 0,
                health: 0,
                minutes: 0,
                quarters: 0,
            });
        }
        // A quarter hour later: the hot tail moves on, and rows come one at a time, some of them late.
        set.sql(&format!(
            "select tidemark.move_lines((select id from tidemark.rollup), now() + {step} * interval '15 minutes')"
        ))
        .await?;
        set.sql(&format!(
            "do $$ begin
  for i in 1..{statements} loop
    insert into usage_logs (created_at, account_id, duration_ms)
    values (now() + {step} * interval '15 minutes' + random() * interval '15 minutes' - case when random() < 0.01 then random() * interval '2 days' else '0' end, 1 + i % 40, (random() * 1000)::integer);
    commit;
  end loop;
end $$"
        ))
        .await?;
        let started = std::time::Instant::now();
        let report = set.db.tick(ROLLUP).await?;
        if report.outcome == TickOutcome::Failed {
            return Err(Error::Wrong(format!("a tick failed: {:?}", report.error)));
        }
        let Some(day) = week.last_mut() else { continue };
        day.ticks.push(ms(started.elapsed()));
        if step % 96 == 95 {
            let size = |tables: &str| {
                format!("select sum(pg_total_relation_size(x::regclass))::bigint from unnest('{{{tables}}}'::text[]) x")
            };
            day.queue = set.one(&size("tidemark.mark,tidemark.dirty")).await?;
            day.health = set.one(&size("tidemark.health,tidemark.run,tidemark.ticker")).await?;
            day.minutes = set.one(&size(&format!("tidemark.{ROLLUP}__1m"))).await?;
            day.quarters = set.one(&size(&format!("tidemark.{ROLLUP}__15m"))).await?;
        }
    }
    timed(set.drain()).await?;
    let audit = set.db.audit(ROLLUP, None, false).await?;
    if !audit.differences.is_empty() {
        return Err(Error::Wrong(format!(
            "after the week {} buckets differ from the raw rows",
            audit.differences.len()
        )));
    }
    done(section(&set, statements, &week));
    set.remove(&bench.server).await
}

fn section(set: &Set, statements: usize, week: &[Day]) -> Section {
    let ticks = |day: &Day| spread(day.ticks.clone()).median;
    let mut section = Section::new(
        "A week, compressed",
        format!(
            "{} beforehand. Then {} quarter hours, dated from now on: {statements} single-row inserts each, one in a hundred up to two days late, the hot tail moved on, one tick. Autovacuum runs as the server has it, once a second instead of once a minute, so by the traffic's clock hundreds of times more rarely than it would. An audit at the end finds no difference.",
            set.spec.describe(),
            week.len() * 96
        ),
    );
    if let (Some(first), Some(last)) = (week.first(), week.last()) {
        let ratio = ticks(last) / ticks(first);
        section.lines.push(
            Line::of(
                WEEK,
                "median tick on the last day",
                "on the first day",
                Spread::of(ratio),
                "ms",
                ticks(last),
                ticks(first),
            )
            .with_goal("flat: ≤ 1.25 ×".to_owned(), ratio <= 1.25),
        );
    }
    section.figures.push_str("| day | median tick, ms | slowest, ms | queue | health, runs | minutes | quarter hours |\n|---|---|---|---|---|---|---|\n");
    for (at, day) in week.iter().enumerate() {
        let all = spread(day.ticks.clone());
        let mb = |bytes: i64| format!("{:.2} MB", bytes as f64 / 1e6);
        section.figures.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            at + 1,
            figure(all.median),
            figure(all.high),
            mb(day.queue),
            mb(day.health),
            mb(day.minutes),
            mb(day.quarters)
        ));
    }
    section
}
