//! Schema tidemark comes, is upgraded, shared between roles, and goes without a trace.

use sqlx::migrate::Migrator;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tidemark_core::api::{Grain, RecomputeRequest, State, StatusWord};

use crate::ask::{FROM, ROWS, TO, code, ops, question, run};
use crate::harness::{TestDb, at, connect};

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// Everything in a database but extensions and statistics, as text: tables, columns, triggers, functions, rights.
const CATALOG: &str = "
  select string_agg(line, E'\\n' order by line) from (
    select format('class %s.%s %s %s %s', n.nspname, c.relname, c.relkind, c.reltoastrelid <> 0, c.relacl) as line from pg_class c join pg_namespace n on n.oid = c.relnamespace
    union all select format('column %s %s %s %s %s', a.attrelid::regclass, a.attname, a.atttypid::regtype, a.attnotnull, a.attacl) from pg_attribute a where a.attnum > 0 and not a.attisdropped
    union all select format('trigger %s %s %s', t.tgrelid::regclass, pg_get_triggerdef(t.oid), t.tgenabled) from pg_trigger t where not t.tgisinternal
    union all select format('constraint %s %s', c.conrelid::regclass, pg_get_constraintdef(c.oid)) from pg_constraint c
    union all select format('function %s', p.oid::regprocedure) from pg_proc p
    union all select format('type %s.%s', t.typnamespace::regnamespace, t.typname) from pg_type t where t.typname !~ '^_?pg_'
    union all select format('schema %s %s', n.nspname, n.nspacl) from pg_namespace n where n.nspname !~ '^pg_(temp|toast_temp)'
  ) x where line !~ 'pg_(toast|temp)'";

const OWN: &str = "
  create function own_trigger() returns trigger language plpgsql as $$ begin return null; end $$;
  create trigger own after insert on usage_logs for each statement execute function own_trigger();
  create trigger tidemark_not_ours after update on usage_logs for each row execute function own_trigger();
  alter table usage_logs disable trigger own";

#[tokio::test]
async fn installing_again_and_five_at_once_is_installing_once() {
    let test = TestDb::raw().await;
    let done = tokio::join!(
        test.db.install(false),
        test.db.install(false),
        test.db.install(false),
        test.db.install(false),
        test.db.install(false)
    );
    for result in [done.0, done.1, done.2, done.3, done.4] {
        result.unwrap();
    }
    let before: String = test.one(CATALOG).await;
    test.db.install(false).await.unwrap();
    assert_eq!(test.one::<String>(CATALOG).await, before);
    assert!(test.db.is_installed().await.unwrap());
}

#[tokio::test]
async fn every_earlier_state_is_upgraded_to_the_same_schema() {
    let fresh = TestDb::raw().await;
    fresh.db.install(false).await.unwrap();
    let wanted: String = fresh.one(CATALOG).await;
    for prefix in 1..MIGRATIONS.iter().count() {
        let test = TestDb::raw().await;
        test.sql("create schema tidemark").await;
        let mut earlier = Migrator::with_migrations(MIGRATIONS.iter().take(prefix).cloned().collect());
        earlier.dangerous_set_table_name("tidemark._migration");
        earlier.run(&mut test.actor().await).await.unwrap();
        assert!(!test.db.is_installed().await.unwrap());
        assert_eq!(code(test.db.status(None).await), "schema_older", "{prefix}");
        test.db.install(false).await.unwrap();
        assert_eq!(test.one::<String>(CATALOG).await, wanted, "from {prefix}");
    }
}

#[tokio::test]
async fn somebody_elses_schema_and_a_newer_one_are_left_alone() {
    let test = TestDb::raw().await;
    test.sql("create schema tidemark; create table tidemark.moon (phase integer)")
        .await;
    assert_eq!(code(test.db.install(false).await), "schema_not_ours");
    assert_eq!(code(test.db.apply(&ops(), true).await), "schema_not_ours");
    assert_eq!(code(test.db.uninstall().await), "schema_not_ours");
    assert_eq!(
        test.one::<i64>("select count(*) from pg_class where relnamespace = 'tidemark'::regnamespace")
            .await,
        1
    );
    let test = TestDb::with_rows().await;
    test.sql("insert into tidemark._migration (version, description, success, checksum, execution_time) values (9999, 'the future', true, '', 0)").await;
    assert_eq!(code(test.db.install(false).await), "schema_newer");
    assert_eq!(
        code(test.db.tick("ops_metrics").await.and_then(|_| test_unreachable())),
        "schema_newer"
    );
}

fn test_unreachable() -> tidemark_db::Result<()> {
    Err(tidemark_db::Error::input(
        "schema_newer",
        "ticked by the engine that is installed",
    ))
}

#[tokio::test]
async fn uninstalling_and_dropping_the_schema_leave_the_operators_tables_as_they_were() {
    for way in ["uninstall", "drop schema", "drop rollup"] {
        let test = TestDb::raw().await;
        test.sql(OWN).await;
        test.sql(ROWS).await;
        let before: String = test.one(CATALOG).await;
        if way == "drop rollup" {
            test.db.install(false).await.unwrap();
        }
        let installed: String = test.one(CATALOG).await;
        test.db.apply(&ops(), true).await.unwrap();
        test.drain_of("ops_metrics").await;
        assert_ne!(test.one::<String>(CATALOG).await, installed);
        match way {
            "uninstall" => test.db.uninstall().await.unwrap(),
            "drop schema" => test.sql("drop schema tidemark cascade").await,
            _ => test.db.drop_rollup("ops_metrics").await.unwrap(),
        }
        assert_eq!(
            test.one::<String>(CATALOG).await,
            if way == "drop rollup" { installed } else { before },
            "{way}"
        );
        test.sql("insert into usage_logs (account_id) values (1); update usage_logs set model = 'x'; delete from usage_logs; truncate groups").await;
        // And it can come back.
        test.db.apply(&ops(), true).await.unwrap();
        test.drain_of("ops_metrics").await;
        test.exact_now_and_after_a_drain(way).await;
    }
}

#[tokio::test]
async fn applying_again_changes_nothing_and_two_at_once_are_one() {
    let test = TestDb::raw().await;
    test.sql(ROWS).await;
    let (db, declaration) = (connect(&test.url).await, ops());
    let (a, b) = tokio::join!(test.db.apply(&declaration, true), db.apply(&declaration, true));
    a.unwrap();
    b.unwrap();
    test.exact_now_and_after_a_drain("two at once").await;
    assert_eq!(test.word().await, StatusWord::Healthy);
    assert_eq!(
        test.one::<i64>("select count(*) from pg_trigger where tgname like 'tidemark\\_%'")
            .await,
        16
    );
    let before: String = test.one(CATALOG).await;
    let xmin = "select string_agg(xmin::text, ' ' order by oid) from pg_trigger where not tgisinternal";
    let triggers: String = test.one(xmin).await;
    let plan = test.db.apply(&ops(), true).await.unwrap();
    assert!(plan.steps.is_empty(), "{plan:?}");
    assert_eq!(
        (test.one::<String>(CATALOG).await, test.one::<String>(xmin).await),
        (before, triggers)
    );
    assert_eq!(test.status_of("ops_metrics").await.pending_buckets, 0);
}

#[tokio::test]
async fn a_viewer_reads_exact_answers_without_rights_to_raw_tables_and_changes_nothing() {
    let test = TestDb::raw().await;
    let viewer_url = test.login("tidemark_test_viewer").await;
    let operator_url = test.login("tidemark_test_operator").await;
    test.sql(ROWS).await;
    {
        // Roles belong to the whole server: one at a time.
        let mut lock = test.actor().await;
        run(&mut lock, "begin; select pg_advisory_xact_lock(7)").await;
        test.db.install(true).await.unwrap();
        run(
            &mut lock,
            "grant tidemark_viewer to tidemark_test_viewer; grant tidemark_operator to tidemark_test_operator; commit",
        )
        .await;
    }
    test.db.apply(&ops(), true).await.unwrap();
    let (viewer, operator) = (connect(&viewer_url).await, connect(&operator_url).await);
    let request = question("ops_metrics", at(FROM), at(TO), Grain::Total, chrono_tz::UTC);
    for when in ["nothing built", "drained", "changed", "a lookup changed"] {
        match when {
            "drained" => drop(operator.drain("ops_metrics", &mut |_| {}).await.unwrap()),
            "changed" => test.sql("insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-20', 1, 5); delete from usage_logs where id = 3").await,
            "a lookup changed" => test.sql("update groups set platform = 'z' where id = 1").await,
            _ => {}
        }
        let seen = viewer.query(&request).await.unwrap();
        assert_eq!(seen.state, State::Exact, "{when}");
        assert_eq!(
            serde_json::to_value(&seen.rows).unwrap(),
            serde_json::to_value(test.ask(&request).await.rows).unwrap(),
            "{when}"
        );
        assert_eq!(viewer.status(None).await.unwrap().rollups.len(), 1, "{when}");
        viewer.detail("ops_metrics").await.unwrap();
        viewer.doctor().await.unwrap();
        viewer.jobs().await.unwrap();
    }
    operator.drain("ops_metrics", &mut |_| {}).await.unwrap();
    let all = RecomputeRequest {
        rollup: "ops_metrics".to_owned(),
        from: None,
        to: None,
        scope: None,
        reason: None,
        pace: 100,
    };
    for (what, refused) in [
        ("tick", code(viewer.tick("ops_metrics").await)),
        ("recompute", code(viewer.recompute(&all).await)),
        ("pause", code(viewer.set_paused("ops_metrics", true).await)),
        (
            "purge",
            code(
                viewer
                    .purge("ops_metrics", at("2026-03-11T00:00:00Z"), false, &mut |_| {})
                    .await,
            ),
        ),
        ("apply", code(viewer.drop_rollup("ops_metrics").await)),
    ] {
        assert_eq!(refused, "forbidden", "{what}");
    }
    let mut raw = PgConnection::connect(&viewer_url).await.unwrap();
    for sql in [
        "select * from usage_logs",
        "delete from tidemark.mark",
        "update tidemark.health set watermark_at = now()",
        "delete from tidemark.ops_metrics__day",
        "select tidemark.record_failure('ops_metrics', 'x')",
        "select tidemark.forget_frozen()",
        "select tidemark.ops_metrics__replace_hour('{}', '{}', true)",
        "create table tidemark.mine ()",
    ] {
        let refused = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&mut raw)
            .await
            .unwrap_err();
        assert_eq!(
            refused.as_database_error().and_then(|error| error.code()).as_deref(),
            Some("42501"),
            "{sql}"
        );
    }
    // The operator works, also without a right to raw tables.
    operator.recompute(&all).await.unwrap();
    operator.drain("ops_metrics", &mut |_| {}).await.unwrap();
    operator.set_paused("ops_metrics", true).await.unwrap();
    operator.set_paused("ops_metrics", false).await.unwrap();
    assert_eq!(
        operator
            .audit("ops_metrics", None, true)
            .await
            .unwrap()
            .difference_count,
        0
    );
    let job = operator.recompute(&all).await.unwrap();
    operator.cancel_job(job.id).await.unwrap();
    test.exact_now_and_after_a_drain("operated").await;
    // Anybody else may nothing.
    let nobody = connect(&test.login("tidemark_test_nobody").await).await;
    assert_eq!(code(nobody.status(None).await), "forbidden");
}

#[tokio::test]
async fn a_role_without_rights_is_told_which_and_nothing_is_made() {
    let test = TestDb::raw().await;
    let url = test.login("tidemark_test_nobody").await;
    let db = connect(&url).await;
    let untouched: String = test.one(CATALOG).await;
    for (grant, expect) in [
        ("select", "usage_logs"),
        (
            "grant select on all tables in schema public to tidemark_test_nobody",
            "own",
        ),
        (
            "alter table usage_logs owner to tidemark_test_nobody; alter table ops_error_logs owner to tidemark_test_nobody; alter table groups owner to tidemark_test_nobody; alter table accounts owner to tidemark_test_nobody",
            "create",
        ),
    ] {
        test.sql(grant).await;
        let error = db.apply(&ops(), true).await.unwrap_err();
        assert_eq!(error.info().code, "forbidden", "{error}");
        assert!(error.to_string().contains(expect), "{error}");
        assert!(!test.one::<bool>("select to_regnamespace('tidemark') is not null").await);
        assert_eq!(
            test.one::<i64>("select count(*) from pg_trigger where not tgisinternal")
                .await,
            0
        );
    }
    assert_eq!(code(db.install(false).await), "forbidden");
    assert_eq!(
        test.one::<String>(CATALOG).await.lines().count(),
        untouched.lines().count()
    );
    test.sql(&format!(
        "grant create on database {} to tidemark_test_nobody",
        test.name()
    ))
    .await;
    db.apply(&ops(), true).await.unwrap();
    db.drain("ops_metrics", &mut |_| {}).await.unwrap();
    test.sql(&format!(
        "revoke create on database {} from tidemark_test_nobody",
        test.name()
    ))
    .await;
}

#[tokio::test]
async fn the_engine_speaks_sql_to_whoever_schedules_and_watches_it() {
    let test = TestDb::with_rows().await;
    test.sql("insert into usage_logs (created_at, account_id) values ('2026-03-20', 1)")
        .await;
    let outcome: String = test.one("select tidemark.tick('ops_metrics') ->> 'outcome'").await;
    assert_eq!(outcome, "drained");
    let lag: f64 = test.one("select tidemark.lag_seconds('ops_metrics')").await;
    assert!((0.0..60.0).contains(&lag));
    assert_eq!(
        test.one::<Option<f64>>("select tidemark.lag_seconds('nothing')").await,
        None
    );
    let columns: Vec<String> = sqlx::query_scalar("select attname::text from pg_attribute where attrelid = 'tidemark.status'::regclass and attnum > 0 order by attnum").fetch_all(test.pool()).await.unwrap();
    for name in [
        "rollup",
        "engine",
        "capture",
        "capture_intact",
        "status",
        "watermark_at",
        "lag_seconds",
        "pending_buckets",
        "oldest_pending_seconds",
        "last_attempt_at",
        "last_success_at",
        "last_error",
        "last_error_at",
        "frozen_before",
        "frozen_marks",
        "queue_bytes",
        "tickers",
        "last_audit_at",
        "last_audit_differences",
    ] {
        assert!(columns.iter().any(|column| column == name), "{name}");
    }
    let mut strict = test.actor().await;
    run(&mut strict, "begin isolation level repeatable read").await;
    let refused = sqlx::raw_sql("select tidemark.tick('ops_metrics')")
        .execute(&mut strict)
        .await
        .unwrap_err();
    assert_eq!(
        refused.as_database_error().and_then(|error| error.code()).as_deref(),
        Some("25000")
    );
    run(&mut strict, "rollback").await;
    let unknown = sqlx::raw_sql("select tidemark.tick('nothing')")
        .execute(&mut strict)
        .await
        .unwrap_err();
    assert_eq!(
        unknown.as_database_error().and_then(|error| error.code()).as_deref(),
        Some("42704")
    );
}

#[tokio::test]
async fn everything_in_the_schema_has_a_comment() {
    let test = TestDb::with_rows().await;
    let bare: Option<String> = test
        .one(
            "select string_agg(what, ', ' order by what) from (
               select c.oid::regclass::text as what from pg_class c where c.relnamespace = 'tidemark'::regnamespace and c.relkind in ('r', 'v', 'p', 'S', 'm') and obj_description(c.oid, 'pg_class') is null
                 and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'i')
               union all select p.oid::regprocedure::text from pg_proc p where p.pronamespace = 'tidemark'::regnamespace and obj_description(p.oid, 'pg_proc') is null
               union all select 'schema' where obj_description('tidemark'::regnamespace, 'pg_namespace') is null
             ) x",
        )
        .await;
    assert_eq!(bare, None);
}
