//! What may happen to a usage row, and to what it belongs to.

use tidemark_core::api::{Grain, ReadMode};

use super::{all_by, exact, job, with_rows};
use crate::harness::TestDb;
use crate::truth::Groups;

/// Do it, and see that it changed something, at once and after a tick.
async fn moves(test: &TestDb, what: &str, sql: &str) {
    let before = told(test).await;
    test.sql(sql).await;
    assert_ne!(told(test).await, before, "{what} shows in the next read");
    exact(test, what).await;
}

async fn told(test: &TestDb) -> Groups {
    let question = all_by(Grain::Day);
    question.groups(test, &question.ask(test, ReadMode::Exact).await)
}

#[tokio::test]
async fn a_recompute_replaces_and_is_idempotent_and_safe_to_overlap() {
    let test = with_rows().await;
    let contents = "select md5(string_agg(d::text, '' order by d::text)) from tidemark.task_usage__day d";
    let before: String = test.one(contents).await;
    for range in [
        None,
        Some(("2026-02-10T07:20:00Z", "2026-02-20T00:00:00Z")),
        Some(("2026-02-15T00:00:00Z", "2026-03-10T00:00:00Z")),
    ] {
        test.db.recompute(&job(range)).await.unwrap();
    }
    test.drain().await;
    assert_eq!(
        test.one::<String>(contents).await,
        before,
        "nothing is written again, computed_at included"
    );
    exact(&test, "recomputed twice").await;
    // Whatever stood there is replaced, groups that no row is in included.
    test.sql(
        "update tidemark.task_usage__15m set output_tokens = output_tokens + 1 where model = 'm1';
         insert into tidemark.task_usage__15m select bucket, workspace_id, runtime_id, agent_id, 'ghost', provider, model, raw_rows, input_tokens, output_tokens, cache_read_tokens, cache_write_tokens, event_count, task_count__kmv, computed_at from tidemark.task_usage__15m where model = 'm2'",
    )
    .await;
    test.db.recompute(&job(None)).await.unwrap();
    test.drain().await;
    exact(&test, "a rollup that was tampered with").await;
}

#[tokio::test]
async fn a_correction_with_a_bumped_updated_at_is_seen() {
    let test = with_rows().await;
    moves(
        &test,
        "a correction",
        "update task_usage set output_tokens = output_tokens * 3, updated_at = now() where id % 5 = 0",
    )
    .await;
    moves(
        &test,
        "a correction by upsert",
        "insert into task_usage (task_id, provider, model, input_tokens, created_at) select task_id, provider, model, 7, created_at from task_usage where id < 9
         on conflict (task_id, provider, model) do update set input_tokens = task_usage.input_tokens + excluded.input_tokens, updated_at = now()",
    )
    .await;
}

#[tokio::test]
async fn a_correction_without_a_bumped_updated_at_is_seen() {
    let test = with_rows().await;
    moves(
        &test,
        "a silent correction",
        "update task_usage set output_tokens = output_tokens + 1 where id % 7 = 0",
    )
    .await;
    moves(
        &test,
        "a correction that clears updated_at",
        "update task_usage set input_tokens = 0, updated_at = null where id % 11 = 0",
    )
    .await;
}

#[tokio::test]
async fn a_row_whose_created_at_moves_leaves_its_old_bucket() {
    let test = with_rows().await;
    moves(
        &test,
        "another time",
        "update task_usage set created_at = created_at + interval '9 days' where id % 13 = 0",
    )
    .await;
}

#[tokio::test]
async fn deletion_of_a_task_takes_its_usage_out() {
    let test = with_rows().await;
    moves(&test, "a task", "delete from agent_task_queue where id = 5").await;
    moves(&test, "many tasks", "delete from agent_task_queue where id % 4 = 0").await;
}

#[tokio::test]
async fn deletion_of_an_issue_takes_its_tasks_and_their_usage_out() {
    let test = with_rows().await;
    moves(&test, "an issue", "delete from issue where id = 3").await;
}

/// Hazard 6. The origin's trigger on usage rows joined the task and its agent for the bucket's key. In a cascade from the
/// agent both are gone before the usage rows: nothing was marked.
#[tokio::test]
async fn deletion_of_an_agent_takes_everything_it_did_out() {
    let test = with_rows().await;
    test.sql(
        "create table wrong_mark (t timestamptz, workspace text);
         create function wrong_capture() returns trigger language plpgsql as $$ begin
           insert into wrong_mark select date_trunc('hour', o.created_at), a.workspace_id from old_rows o join agent_task_queue q on q.id = o.task_id join agent a on a.id = q.agent_id;
           return null; end $$;
         create trigger wrong after delete on task_usage referencing old table as old_rows for each statement execute function wrong_capture()",
    )
    .await;
    moves(&test, "an agent", "delete from agent where id = 'a2'").await;
    assert_eq!(
        test.one::<i64>("select count(*) from wrong_mark").await,
        0,
        "the wrong design marks nothing"
    );
    moves(&test, "a runtime", "delete from agent_runtime where id = 'r2'").await;
    moves(&test, "a workspace", "delete from workspace where id = 'w1'").await;
}

#[tokio::test]
async fn reassignment_of_a_tasks_runtime_moves_its_history() {
    let test = with_rows().await;
    moves(
        &test,
        "a runtime",
        "update agent_task_queue set runtime_id = 'r3' where id in (1, 2, 3, 4)",
    )
    .await;
    moves(
        &test,
        "an agent",
        "update agent_task_queue set agent_id = 'a4' where id % 5 = 1",
    )
    .await;
}

#[tokio::test]
async fn reassignment_of_a_tasks_issue_moves_its_history() {
    let test = with_rows().await;
    moves(
        &test,
        "another issue",
        "update agent_task_queue set issue_id = 5 where issue_id = 1",
    )
    .await;
    moves(
        &test,
        "no issue",
        "update agent_task_queue set issue_id = null where issue_id = 2",
    )
    .await;
    moves(&test, "a usage row's task", "update task_usage set task_id = 7, model = 'from 6' where task_id = 6 and model = 'm1'; update task_usage set task_id = 8, model = model || ' from 9' where task_id = 9").await;
}

#[tokio::test]
async fn a_change_of_an_issues_project_moves_its_history() {
    let test = with_rows().await;
    moves(
        &test,
        "another project",
        "update issue set project_id = 'p3' where id = 1",
    )
    .await;
    moves(&test, "no project", "update issue set project_id = null where id = 2").await;
    moves(
        &test,
        "a project where there was none",
        "update issue set project_id = 'p1' where id = 3",
    )
    .await;
    moves(
        &test,
        "a project that is deleted",
        "delete from project where id = 'p3'",
    )
    .await;
    // In one transaction that changes both ends of the path.
    moves(&test, "issue and task at once", "begin; update issue set project_id = 'p2' where id in (5, 6); update agent_task_queue set issue_id = 6 where issue_id = 5; commit").await;
}

/// Hazard 7. The origin's trigger took the workspace from the issue, its recompute from the agent. Where they differ the
/// wrong bucket was dropped, and the right one stayed as it was.
#[tokio::test]
async fn workspace_is_the_agents_even_where_the_issue_says_another() {
    let test = with_rows().await;
    let mismatches: i64 = test
        .one("select count(*) from task_usage u join agent_task_queue q on q.id = u.task_id join agent a on a.id = q.agent_id join issue i on i.id = q.issue_id where i.workspace_id <> a.workspace_id")
        .await;
    assert!(mismatches > 10);
    test.sql("update issue set workspace_id = 'w3'").await;
    assert_eq!(
        test.one::<i64>("select count(*) from tidemark.mark").await,
        0,
        "the issue's workspace counts for nothing, so it marks nothing"
    );
    exact(&test, "issues of another workspace").await;
    moves(
        &test,
        "an agent that moves to another workspace",
        "update agent set workspace_id = 'w3' where id = 'a1'",
    )
    .await;
    moves(&test, "usage of such an agent", "update task_usage set output_tokens = 1 where task_id in (select id from agent_task_queue where agent_id = 'a1')").await;
    moves(&test, "deletion of such usage", "delete from task_usage where task_id in (select q.id from agent_task_queue q join issue i on i.id = q.issue_id where agent_id = 'a1')").await;
}

#[tokio::test]
async fn legacy_rows_without_updated_at_count_like_any_other() {
    let test = with_rows().await;
    let legacy: i64 = test
        .one("select count(*) from task_usage where updated_at is null")
        .await;
    assert!(legacy > 40);
    moves(&test, "a legacy row more", "insert into task_usage (task_id, provider, model, output_tokens, created_at) values (1, 'x', 'y', 5, '2026-02-15 10:00+00')").await;
    moves(
        &test,
        "a legacy row deleted",
        "delete from task_usage where updated_at is null and id % 2 = 0",
    )
    .await;
    moves(
        &test,
        "none has it",
        "update task_usage set updated_at = null, output_tokens = output_tokens + 1",
    )
    .await;
}

#[tokio::test]
async fn no_project_is_one_group_like_any_other() {
    let test = with_rows().await;
    let mut request = crate::ask::question(
        "task_usage",
        all_by(Grain::Total).from,
        all_by(Grain::Total).to,
        Grain::Total,
        chrono_tz::UTC,
    );
    request.by = vec!["project_id".to_owned()];
    for live in [true, false] {
        let answer = test.ask(&request).await;
        let none: Vec<_> = answer
            .rows
            .iter()
            .filter(|row| row.values["project_id"].is_null())
            .collect();
        assert_eq!(none.len(), 1, "{answer:?}");
        let raw: i64 = test
            .one("select sum(output_tokens)::bigint from task_usage u join agent_task_queue q on q.id = u.task_id left join issue i on i.id = q.issue_id where i.project_id is null")
            .await;
        assert_eq!(
            none[0].values["output_tokens"], raw,
            "without an issue, or with one that has no project"
        );
        let groups: i64 = test
            .one("select count(*) from (select from tidemark.task_usage__day where project_id is null group by bucket, workspace_id, runtime_id, agent_id, provider, model having count(*) > 1) x")
            .await;
        assert_eq!(groups, 0, "no key stands there twice");
        if live {
            test.sql("update issue set project_id = null where id = 1").await;
        }
    }
    // It can be asked for alone.
    request.filters = vec![tidemark_core::api::DimensionFilter {
        dimension: "project_id".to_owned(),
        values: vec![None],
    }];
    assert_eq!(test.ask(&request).await.rows.len(), 1);
}

/// What the tick does not use may change as often as it likes.
#[tokio::test]
async fn a_task_that_only_changes_its_status_leaves_no_mark() {
    let test = with_rows().await;
    test.sql("update agent_task_queue set status = 'done'; update issue set title = 'x'; update agent set status = 'busy', name = 'n'; update project set title = 'y'").await;
    assert_eq!(test.one::<i64>("select count(*) from tidemark.mark").await, 0);
}
