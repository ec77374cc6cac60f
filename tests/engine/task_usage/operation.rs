//! Backfill, health and schedules: what the predecessors had to learn.

use chrono::{DateTime, Utc};
use tidemark_core::api::{Grain, JobState, StatusWord, TickOutcome};

use super::{ROWS, all_by, exact, job, with_rows};
use crate::harness::{TestDb, at};
use crate::stop::{Stops, Victim, run};
use crate::systems::TASK_USAGE;

const TICK: &str = "select tidemark.tick('task_usage', 'test', interval '2 seconds') ->> 'outcome'";
const SLICE: &str = "select tidemark.tick('task_usage', 'test', interval '0')";

/// How much is queued, by number of rows.
const QUEUED: &str = "select (select count(*) from tidemark.mark) + (select count(*) from tidemark.dirty) + (select count(*) from tidemark.job)";

#[tokio::test]
async fn backfill_in_slices_with_dry_run_range_and_pause_between_slices() {
    let test = TestDb::raw_of(&TASK_USAGE).await;
    test.sql(ROWS).await;
    let declaration = tidemark_db::Declaration::load("task_usage").unwrap();
    test.db.apply(&declaration, false).await.unwrap();
    all_by(Grain::Day).check(&test, "nothing is built yet").await;

    let range = Some(("2026-02-10T00:00:00Z", "2026-02-20T00:00:00Z"));
    let before: i64 = test.one(QUEUED).await;
    let preview = test.db.recompute_preview(&job(range)).await.unwrap();
    assert_eq!(preview.buckets, 10 * 96);
    assert_eq!(test.one::<i64>(QUEUED).await, before, "a dry run changes nothing");

    let made = test.db.recompute(&job(range)).await.unwrap();
    assert_eq!(
        (made.from, made.to),
        (at("2026-02-10T00:00:00Z"), at("2026-02-20T00:00:00Z"))
    );
    // One batch a slice, of a few buckets.
    let mut slices = 0;
    let mut done = 0;
    loop {
        test.sql("update tidemark.health set batch_units = 100").await;
        test.sql(SLICE).await;
        slices += 1;
        let now = test.db.job(made.id).await.unwrap();
        assert!(now.buckets_done > done, "each slice brings it on");
        done = now.buckets_done;
        all_by(Grain::Day).check(&test, &format!("after slice {slices}")).await;
        if now.state == JobState::Done {
            break;
        }
        if slices == 3 {
            test.db.pause_job(made.id).await.unwrap();
            test.sql(SLICE).await;
            assert_eq!(test.db.job(made.id).await.unwrap().buckets_done, done, "paused");
            test.db.resume_job(made.id).await.unwrap();
        }
    }
    assert!((5..20).contains(&slices), "{slices} slices");
    let built: (Option<DateTime<Utc>>, Option<DateTime<Utc>>) =
        sqlx::query_as("select min(bucket), max(bucket) from tidemark.task_usage__15m")
            .fetch_one(test.pool())
            .await
            .unwrap();
    assert!(
        built.0.unwrap() >= made.from && built.1.unwrap() < made.to,
        "the range and no more: {built:?}"
    );
    // All the rest.
    test.db.recompute(&job(None)).await.unwrap();
    exact(&test, "backfilled").await;
}

/// The origin's pair of times was written in the transaction that then failed, and its lag was the time since the last
/// run: ten days behind, it said "healthy".
#[tokio::test]
async fn the_lag_shown_is_the_watermarks_and_a_failed_run_leaves_its_error() {
    let test = with_rows().await;
    let fine = test.status_of("task_usage").await;
    assert_eq!((fine.status, fine.last_error.as_deref()), (StatusWord::Healthy, None));
    assert!(fine.lag_seconds.unwrap() < 60.0 && fine.last_success_at >= fine.watermark_at);

    // Ten days without a tick that got through, while ticks are tried all the time.
    test.sql(
        "insert into task_usage (task_id, provider, model, created_at) values (1, 'p', 'late', '2026-02-11 10:00+00');
         update tidemark.mark set at = at - interval '10 days';
         update tidemark.health set watermark_at = watermark_at - interval '10 days';
         create function refuse() returns trigger language plpgsql as $$ begin raise exception 'disk full'; end $$;
         create trigger refuse before insert on tidemark.task_usage__15m for each row execute function refuse()",
    )
    .await;
    let report = test.db.tick("task_usage").await.unwrap();
    assert!(report.left > 0, "{report:?}");
    let failing = test.status_of("task_usage").await;
    assert_eq!(failing.status, StatusWord::Failing);
    assert!(failing.last_error.unwrap().contains("disk full"));
    assert!(failing.last_error_at >= failing.last_attempt_at);
    let lag = failing.lag_seconds.unwrap();
    assert!((864_000.0..864_100.0).contains(&lag), "{lag}");
    let spoken: f64 = test.one("select tidemark.lag_seconds('task_usage')").await;
    assert!((spoken - lag).abs() < 60.0);
    all_by(Grain::Day).check(&test, "right all the while").await;

    test.sql("drop function refuse() cascade; update tidemark.dirty set next_try_at = now()")
        .await;
    test.drain().await;
    let well = test.status_of("task_usage").await;
    assert_eq!(well.status, StatusWord::Healthy);
    assert!(
        well.watermark_at > failing.watermark_at && well.lag_seconds.unwrap() < 60.0,
        "the watermark advances"
    );
    assert!(
        well.last_error_at < well.last_success_at,
        "the last error is still told, with its time"
    );
    exact(&test, "after the failure").await;
}

#[tokio::test]
async fn a_mark_of_each_table_that_arrives_during_a_tick_survives_it() {
    let test = with_rows().await;
    let mut stops = Stops::install(&test).await;
    for change in [
        "insert into task_usage (task_id, provider, model, output_tokens, created_at) values (3, 'p', 'q', 5, '2026-02-12 10:00+00')",
        "update agent_task_queue set runtime_id = 'r3' where id = 3",
        "update issue set project_id = 'p3' where id = 3",
        "update agent set workspace_id = 'w3' where id = 'a4'",
        "delete from agent where id = 'a1'",
    ] {
        test.sql("update task_usage set output_tokens = output_tokens + 1 where id % 3 = 0")
            .await;
        let tick = Victim::start(&test, "stop.before = 'task_usage__15m insert'", TICK).await;
        assert!(tick.stopped(&test).await, "{change}");
        let mut writer = test.actor().await;
        run(&mut writer, &format!("set lock_timeout = '1ms'; {change}")).await;
        stops.open().await;
        tick.end().await.unwrap();
        assert!(
            test.one::<i64>("select count(*) from tidemark.mark").await > 0,
            "{change}"
        );
        exact(&test, change).await;
        stops.close().await;
    }
}

/// "Prune-free queue": the origin deleted marks by age.
#[tokio::test]
async fn marks_of_any_age_are_worked_off_after_a_pause() {
    let test = with_rows().await;
    test.db.set_paused("task_usage", true).await.unwrap();
    test.sql("update task_usage set output_tokens = 0; update agent_task_queue set runtime_id = 'r1' where id = 2; update tidemark.mark set at = at - interval '2 years'").await;
    assert_eq!(test.db.tick("task_usage").await.unwrap().outcome, TickOutcome::Paused);
    test.db.set_paused("task_usage", false).await.unwrap();
    exact(&test, "after two years").await;
}

/// Nothing is scheduled by itself; what a person puts into pg_cron, in the database's own SQL, is all that it takes.
#[tokio::test]
async fn a_schedule_is_set_up_by_a_person_and_is_one_line_of_sql() {
    let test = TestDb::raw_of(&TASK_USAGE).await;
    test.sql(
        "create schema cron; create table cron.job (schedule text, command text);
         create function cron.schedule(schedule text, command text) returns void language sql as $$ insert into cron.job values (schedule, command) $$",
    )
    .await;
    test.sql(ROWS).await;
    test.apply().await;
    assert!(!test.db.server_info().await.unwrap().pg_cron);
    assert_eq!(
        test.one::<i64>("select count(*) from cron.job").await,
        0,
        "apply schedules nothing"
    );
    assert_eq!(test.status_of("task_usage").await.status, StatusWord::NeverRun);

    test.sql("select cron.schedule('* * * * *', $$select tidemark.tick('task_usage')$$)")
        .await;
    let command: String = test.one("select command from cron.job").await;
    // A worker of pg_cron: a connection of its own, autocommit, some time zone.
    let mut cron = test.actor().await;
    run(
        &mut cron,
        "set timezone = 'Asia/Tokyo'; set application_name = 'pg_cron'",
    )
    .await;
    run(&mut cron, &command).await;
    let status = test.status_of("task_usage").await;
    assert_eq!(status.status, StatusWord::Healthy);
    assert!(
        status.tickers.iter().any(|ticker| ticker.name == "pg_cron"),
        "{status:?}"
    );
    exact(&test, "ticked by a schedule").await;

    // Another extension under its name: the real one needs a server that was started with it.
    test.sql("begin; set local allow_system_table_mods = on; update pg_extension set extname = 'pg_cron'; commit")
        .await;
    assert!(test.db.server_info().await.unwrap().pg_cron);
}

/// An index that is built in the ordinary way keeps every writer waiting. Tidemark makes none on raw tables: it says
/// which would help, as a statement that blocks nobody.
#[tokio::test]
async fn no_index_build_blocks_writers() {
    let test = TestDb::raw_of(&TASK_USAGE).await;
    test.sql(ROWS).await;
    test.sql("drop index task_usage_created_at_idx").await;
    let indexes = "select string_agg(indexrelid::regclass::text, ' ' order by 1) from pg_index i join pg_class c on c.oid = i.indrelid where c.relnamespace = 'public'::regnamespace";
    let before: String = test.one(indexes).await;
    let plan = test
        .db
        .plan(&tidemark_db::Declaration::load("task_usage").unwrap())
        .await
        .unwrap();
    let sql = plan.sql.to_lowercase();
    assert!(
        !sql.contains("create index") && !sql.contains("create unique index"),
        "none in what apply runs"
    );
    let words = plan.warnings.join("\n").to_lowercase().replace('"', "");
    assert!(
        words.contains("create index concurrently on public.task_usage (created_at)"),
        "{words}"
    );

    // A writer that has the tables for itself, in a transaction that stays open: apply gets by without them.
    let mut writer = test.actor().await;
    test.apply().await;
    run(
        &mut writer,
        "begin; insert into task_usage (task_id, provider, model) values (1, 'p', 'q')",
    )
    .await;
    test.drain().await;
    let mut other = test.actor().await;
    run(&mut other, "set lock_timeout = '1ms'; insert into task_usage (task_id, provider, model) values (2, 'p', 'q'); update issue set project_id = null").await;
    run(&mut writer, "commit").await;
    assert_eq!(test.one::<String>(indexes).await, before);
    exact(&test, "without the index").await;
}
