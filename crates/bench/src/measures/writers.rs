//! What writers pay: for capture, and for a backfill beside them.

use std::time::Duration;

use super::Bench;
use crate::data::{ROLLUP, Set, Shape};
use crate::pgbench::{Pgbench, Run, median};
use crate::report::{Goal, Line, Section};
use crate::sample::{Pairs, interleaved, spread, timed};
use crate::{Error, Result};

const INSERTS: [(&str, u32); 2] = [("inserts_1", 1), ("inserts_8", 8)];
const COPY: &str = "bulk_copy";
const SELECT: &str = "bulk_insert_select";
const LATENCY: &str = "writers_p99";
const PACED: &str = "writers_p99_paced";
const CONTROL: &str = "writers_p99_computing";

/// As an application's driver sends it: prepared, one row, one transaction.
const INSERT: &str = "insert into usage_logs (account_id, group_id, model, duration_ms, input_tokens, output_tokens)
values (1 + (random() * 39)::integer, 1, 'model-1', (random() * 1000)::integer, 1000, 200);
";

pub async fn measure(bench: &Bench, done: &mut dyn FnMut(Section)) -> Result<()> {
    if bench.wants(&[INSERTS[0].0, INSERTS[1].0, COPY, SELECT]) {
        let set = bench
            .set(bench.spec(Shape::Busy, (bench.rows / 10).min(1_000_000), 90))
            .await?;
        set.build().await?;
        if bench.wants(&[INSERTS[0].0, INSERTS[1].0]) {
            done(inserts(bench, &set).await?);
        }
        if bench.wants(&[COPY, SELECT]) {
            done(bulk(bench, &set).await?);
        }
        set.remove(&bench.server).await?;
    }
    if bench.wants(&[LATENCY, PACED, CONTROL]) {
        let set = bench
            .set(bench.spec(Shape::Busy, (bench.rows / 2).min(5_000_000), 90))
            .await?;
        set.build().await?;
        done(latency(bench, &set).await?);
        set.remove(&bench.server).await?;
    }
    Ok(())
}

/// Switch capture on or off. Off is what there was before Tidemark: no trigger fires.
async fn capture(set: &Set, on: bool) -> Result<()> {
    let how = if on { "enable always" } else { "disable" };
    set.sql(&format!(
        "do $$ declare t record; begin
           for t in select tgrelid::regclass as on_table, tgname from pg_trigger where starts_with(tgname, 'tidemark_') loop
             execute format('alter table %s {how} trigger %I', t.on_table, t.tgname);
           end loop;
         end $$"
    ))
    .await
}

async fn inserts(bench: &Bench, set: &Set) -> Result<Section> {
    let load = Pgbench::new(set, INSERT)?;
    let mut section = Section::new(
        "Single-row inserts",
        format!(
            "{} beforehand; indexes on id, created_at, account_id and group_id, a foreign key to accounts; pgbench over a socket, prepared, in turn with and without the triggers, fsync and full page writes on. On two cores that pgbench shares. A statement of many rows pays once.",
            set.spec.describe()
        ),
    );
    section
        .figures
        .push_str("| a row | without | with capture |\n|---|---|---|\n");
    for (name, clients) in INSERTS {
        if !bench.wants(&[name]) {
            continue;
        }
        let seconds = if bench.rows < 1_000_000 { 1 } else { 5 };
        let (mut with, mut without): (Vec<Run>, Vec<Run>) = (Vec::new(), Vec::new());
        for round in 0..=bench.repeats.max(2) {
            for (on, runs) in [(false, &mut without), (true, &mut with)] {
                capture(set, on).await?;
                let run = load.run(set.pool(), clients, seconds, None).await?;
                if round > 0 {
                    runs.push(run);
                }
            }
            set.drain().await?;
            set.settle().await?;
        }
        let pairs = Pairs {
            ours: with.iter().map(|run| run.tps).collect(),
            theirs: without.iter().map(|run| run.tps).collect(),
        };
        section.lines.push(
            Line::new(
                name,
                &format!("single-row inserts at {clients} clients, with capture"),
                "without",
                Goal::AtLeast(0.9),
                &pairs,
            )
            .unit("a second"),
        );
        for (what, of) in [
            (
                "processor time of the back ends, µs",
                (|run: &Run| run.cpu) as fn(&Run) -> f64,
            ),
            ("WAL, bytes", |run: &Run| run.wal),
        ] {
            section.figures.push_str(&format!(
                "| {what}, {clients} clients | {:.0} | {:.0} |\n",
                median(&without, of),
                median(&with, of)
            ));
        }
    }
    section.statement("The insert", INSERT);
    Ok(section)
}

async fn bulk(bench: &Bench, set: &Set) -> Result<Section> {
    let rows = (bench.rows / 10).min(1_000_000);
    let folder: String = set.one("select current_setting('data_directory')").await?;
    let columns = "created_at, account_id, group_id, model, duration_ms, input_tokens, output_tokens";
    let select = format!(
        "select now() - interval '90 days' + i * interval '90 days' / {rows}, 1 + i % 40, null::bigint, 'model-1', i % 1000, 1000, 200 from generate_series(0, {rows} - 1) i"
    );
    set.sql(&format!("copy ({select}) to '{folder}/bench.copy'")).await?;
    let statements = [
        (
            COPY,
            format!("copy usage_logs ({columns}) from '{folder}/bench.copy'"),
            "COPY",
        ),
        (
            SELECT,
            format!("insert into usage_logs ({columns}) {select}"),
            "INSERT … SELECT",
        ),
    ];
    let mut section = Section::new(
        "Bulk loads",
        format!(
            "One statement of {rows} rows over 90 days, into a table of as many with four indexes and a foreign key; rows and marks are removed after each."
        ),
    );
    let last: i64 = set.one("select max(id) from usage_logs").await?;
    for (name, statement, what) in &statements {
        if !bench.wants(&[name]) {
            continue;
        }
        let load = |on: bool| async move {
            capture(set, on).await?;
            let took = timed(set.sql(statement)).await?;
            capture(set, false).await?;
            set.sql(&format!("delete from usage_logs where id > {last}")).await?;
            set.sql("truncate tidemark.mark").await?;
            set.settle().await?;
            Ok(took)
        };
        let pairs = interleaved(bench.repeats.min(7), || load(true), || load(false)).await?;
        section.lines.push(Line::new(
            name,
            &format!("{rows}-row {what} with capture"),
            "without",
            Goal::AtMost(1.5),
            &pairs,
        ));
        section.statement(name, &statement.replace(&folder, "…"));
    }
    capture(set, true).await?;
    Ok(section)
}

/// What four writers at half of their maximum rate have beside them.
#[derive(Debug, Clone, Copy)]
enum Beside {
    Nothing,
    /// A session that computes and neither reads nor writes: what any work on the server costs them.
    Computing,
    /// Ticks, with a job of this pace.
    Backfill(i16),
}

async fn latency(bench: &Bench, set: &Set) -> Result<Section> {
    let load = Pgbench::new(set, INSERT)?;
    let seconds = if bench.rows < 1_000_000 { 1 } else { 8 };
    let most = load.run(set.pool(), 4, seconds.min(4), None).await?.tps;
    let ours = [
        (LATENCY, Beside::Backfill(100), "during a backfill"),
        (PACED, Beside::Backfill(20), "during a backfill at a pace of 20 %"),
        (CONTROL, Beside::Computing, "beside a session that only computes"),
    ];
    let mut pairs = [Pairs::default(), Pairs::default(), Pairs::default()];
    for _ in 0..bench.repeats.min(7) {
        let without = p99(bench, set, &load, Beside::Nothing, seconds, most / 2.0).await?;
        for ((_, beside, _), pairs) in ours.iter().zip(&mut pairs) {
            pairs.theirs.push(without);
            pairs
                .ours
                .push(p99(bench, set, &load, *beside, seconds, most / 2.0).await?);
        }
    }
    let mut section = Section::new(
        "Writers beside a backfill",
        format!(
            "{}. Four pgbench clients at {:.0} inserts a second, half of what they can at most ({most:.0}); p99 of the time from when an insert was due to its commit, capture on, without and with ticks that rebuild everything one after the other. Two cores for all of them.",
            set.spec.describe(),
            most / 2.0
        ),
    );
    for ((name, beside, what), pairs) in ours.iter().zip(&pairs) {
        let what = format!("p99 of 4 writers {what}");
        section.lines.push(match beside {
            Beside::Backfill(_) => Line::new(name, &what, "without", Goal::AtMost(2.0), pairs),
            _ => {
                let middle = |times: &[f64]| spread(times.to_vec()).median;
                let ratio = pairs.ratio(|ours, theirs| ours / theirs);
                Line::of(
                    name,
                    &what,
                    "without",
                    ratio,
                    "ms",
                    middle(&pairs.ours),
                    middle(&pairs.theirs),
                )
            }
        });
    }
    Ok(section)
}

/// In milliseconds. The queue is drained before.
async fn p99(bench: &Bench, set: &Set, load: &Pgbench, beside: Beside, seconds: u64, rate: f64) -> Result<f64> {
    set.drain().await?;
    set.settle().await?;
    let db = set.db.clone();
    let work = match beside {
        Beside::Nothing => None,
        Beside::Computing => Some(tokio::spawn(async move {
            let computed = sqlx::query("select sum(i % 7) from generate_series(1, 1000000000) as i")
                .execute(db.pool())
                .await;
            Error::Wrong(format!("the computing ended before the writers did: {computed:?}"))
        })),
        Beside::Backfill(pace) => {
            // As if nothing had been built: everything is computed and written anew.
            set.sql(&format!(
                "truncate tidemark.{ROLLUP}__15m, tidemark.{ROLLUP}__hour, tidemark.{ROLLUP}__day, tidemark.{ROLLUP}__month"
            ))
            .await?;
            set.recompute(pace).await?;
            Some(tokio::spawn(async move {
                loop {
                    match db.tick(ROLLUP).await {
                        Ok(report) => tokio::time::sleep(report.rest().max(Duration::from_millis(1))).await,
                        Err(error) => return error.into(),
                    }
                }
            }))
        }
    };
    let run = load.run(set.pool(), 4, seconds, Some(rate)).await?;
    if let Some(work) = work {
        let left: i64 = set
            .one("select count(*) from tidemark.job where state = 'running'")
            .await?;
        if work.is_finished() || (left == 0 && matches!(beside, Beside::Backfill(_)) && bench.rows >= 10_000_000) {
            return Err(Error::Wrong(
                "what is beside the writers ended before they did".to_owned(),
            ));
        }
        work.abort();
        // A query goes on when its client is gone.
        set.sql("select pg_cancel_backend(pid) from pg_stat_activity where query like 'select sum(i %' and pid <> pg_backend_pid()")
            .await?;
        set.sql("update tidemark.job set pace = 100, rests_until = '-infinity'")
            .await?;
    }
    Ok(run.p99)
}
