//! The views for SQL readers.

use super::{ROWS, exact, job, with_rows};
use crate::harness::TestDb;
use crate::systems::TASK_USAGE;

/// Rows that one of two queries has and the other has not.
async fn difference(test: &TestDb, a: &str, b: &str) -> i64 {
    test.one(&format!(
        "select count(*) from ((({a}) except all ({b})) union all (({b}) except all ({a}))) x"
    ))
    .await
}

const SUMS: &str = "sum(input_tokens), sum(output_tokens), sum(cache_read_tokens), sum(cache_write_tokens), count(*), count(distinct task_id)";
const COLUMNS: &str = "input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, event_count, task_count";

#[tokio::test]
async fn task_usage_hourly_equals_a_group_by_over_the_raw_rows() {
    let test = with_rows().await;
    for change in [
        "",
        "update issue set project_id = null where id = 2",
        "delete from agent where id = 'a2'",
    ] {
        test.sql(change).await;
        test.drain().await;
        let raw = format!(
            "select date_trunc('hour', u.created_at, 'UTC'), a.workspace_id, q.runtime_id, a.id, i.project_id, provider, model, {SUMS}
             from task_usage u join agent_task_queue q on q.id = task_id join agent a on a.id = agent_id left join issue i on i.id = issue_id group by 1, 2, 3, 4, 5, 6, 7"
        );
        let told = format!(
            "select bucket_hour, workspace_id, runtime_id, agent_id, project_id, provider, model, {COLUMNS} from tidemark.task_usage_hourly"
        );
        assert_eq!(difference(&test, &raw, &told).await, 0, "{change}");
    }
}

/// Fewer dimensions than the rollup has: agents and projects are added up, and NULL keys stay one group.
#[tokio::test]
async fn task_usage_daily_has_a_row_for_each_utc_day_workspace_runtime_provider_and_model() {
    let test = with_rows().await;
    // All tasks on one day, with one model: several agents and projects behind each row of the view.
    test.sql("insert into task_usage (task_id, provider, model, output_tokens, created_at) select id, 'p', 'same', id, '2026-02-20 10:00+00' from agent_task_queue")
        .await;
    for change in [
        "",
        "update agent_task_queue set runtime_id = 'r3' where id % 3 = 0",
        "update agent set workspace_id = 'w3' where id = 'a1'",
    ] {
        test.sql(change).await;
        test.drain().await;
        let raw = format!(
            "select (u.created_at at time zone 'UTC')::date, a.workspace_id, q.runtime_id, provider, model, {SUMS}
             from task_usage u join agent_task_queue q on q.id = task_id join agent a on a.id = agent_id group by 1, 2, 3, 4, 5"
        );
        let told = format!(
            "select bucket_date, workspace_id, runtime_id, provider, model, {COLUMNS} from tidemark.task_usage_daily"
        );
        assert_eq!(difference(&test, &raw, &told).await, 0, "{change}");
    }
    let columns: String = test
        .one("select string_agg(attname, ' ' order by attnum) from pg_attribute where attrelid = 'tidemark.task_usage_daily'::regclass and attnum > 0")
        .await;
    assert!(
        columns.starts_with("bucket_date workspace_id runtime_id provider model "),
        "{columns}"
    );
    assert!(columns.ends_with(" computed_at"), "{columns}");
}

/// The predecessor's hourly workers overlapped: what one had added, the next added again.
#[tokio::test]
async fn overlapping_runs_do_not_double_count() {
    let test = TestDb::raw_of(&TASK_USAGE).await;
    test.sql(ROWS).await;
    test.sql(
        "create table wrong_daily (d date primary key, n bigint);
         create procedure wrong_run(since interval) language sql as $$
           insert into wrong_daily select created_at::date, sum(output_tokens) from task_usage where created_at > timestamptz '2026-03-18' - since group by 1
           on conflict (d) do update set n = wrong_daily.n + excluded.n $$;
         call wrong_run('60 days'); call wrong_run('2 days')",
    )
    .await;
    let twice: i64 = test
        .one("select (select sum(n)::bigint from wrong_daily) - (select sum(output_tokens)::bigint from task_usage)")
        .await;
    assert!(twice > 0, "the wrong design counts the overlap twice");

    test.apply().await;
    // Three jobs and the first build over the same buckets, worked on by three tickers at once.
    for range in [None, Some(("2026-02-20T00:00:00Z", "2026-03-01T00:00:00Z")), None] {
        test.db.recompute(&job(range)).await.unwrap();
    }
    tokio::join!(test.drain(), test.drain(), test.drain());
    exact(&test, "overlapping jobs").await;
    let told: i64 = test
        .one("select sum(output_tokens)::bigint from tidemark.task_usage_daily")
        .await;
    assert_eq!(
        told,
        test.one::<i64>("select sum(output_tokens)::bigint from task_usage")
            .await
    );
}
