//! Capture: every way of writing is marked, no write ever fails, and what goes by unmarked is found.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sqlx::Connection;
use tidemark_core::api::{Grain, PendingKind, Severity, State, StatusWord, TickOutcome};

use crate::ask::{FROM, ROWS, TO, code, declaration, ops, question, run, the};
use crate::harness::{TestDb, at, connect};

#[tokio::test]
async fn every_way_of_writing_marks_its_buckets() {
    let test = TestDb::with_rows().await;
    let mut copier = test.actor().await;
    let mut copy = copier
        .copy_in_raw("copy usage_logs (created_at, account_id, duration_ms) from stdin")
        .await
        .unwrap();
    copy.send("2026-03-15 10:00:00+00\t1\t5\n2026-03-16 11:00:00+00\t2\t7\n".as_bytes())
        .await
        .unwrap();
    copy.finish().await.unwrap();
    test.exact_now("COPY").await;
    for (what, sql) in [
        ("INSERT … SELECT", "insert into usage_logs (created_at, account_id, duration_ms) select created_at + interval '1 day', account_id, 3 from usage_logs where id < 9"),
        ("ON CONFLICT DO UPDATE", "insert into usage_logs (id, created_at, account_id, duration_ms) values (3, '2026-05-01', 2, 8), (9001, '2026-05-02', 2, 8) on conflict (id) do update set created_at = excluded.created_at, duration_ms = excluded.duration_ms"),
        ("ON CONFLICT DO NOTHING", "insert into usage_logs (id, created_at, account_id, duration_ms) values (3, '2026-05-03', 2, 8), (9002, '2026-05-04', 2, 8) on conflict do nothing"),
        (
            "MERGE",
            "merge into usage_logs u using (values (4, 1), (5, 2), (9003, 3)) as n (id, duration_ms) on u.id = n.id
             when matched and u.id = 4 then delete when matched then update set created_at = '2026-06-01', duration_ms = n.duration_ms
             when not matched then insert (id, created_at, account_id, duration_ms) values (n.id, '2026-06-02', 1, n.duration_ms)",
        ),
        ("a writable CTE", "with moved as (delete from usage_logs where id in (6, 7) returning *) insert into ops_error_logs (created_at, account_id, status_code) select created_at + interval '2 days', account_id, 500 from moved"),
        ("UPDATE of the time", "update usage_logs set created_at = created_at + interval '30 days' where id = 8"),
        ("UPDATE of the key", "update usage_logs set group_id = 4 where id = 10; update usage_logs set account_id = null where id = 11"),
        ("UPDATE of a lookup", "update groups set platform = 'moved' where id = 1; update accounts set platform = null where id = 2"),
        ("UPDATE of a lookup's key", "update groups set id = 77 where id = 4; update usage_logs set group_id = 77 where id = 12"),
        ("a new lookup row", "insert into usage_logs (created_at, group_id, duration_ms) values ('2026-07-01', 500, 1); insert into groups (id, platform) values (500, 'late')"),
        ("DELETE of a lookup row", "delete from groups where id = 500"),
        ("a cascade", "delete from accounts where id = 1"),
        ("a cascade after its rows were ticked away", "delete from accounts where id = 3"),
        ("TRUNCATE of one source", "truncate ops_error_logs"),
        ("TRUNCATE and COPY", "begin; truncate usage_logs; insert into usage_logs (created_at, account_id, duration_ms) values ('2026-08-01', 2, 9); commit"),
        ("TRUNCATE of a lookup", "truncate groups"),
    ] {
        test.sql(sql).await;
        let answer = test.exact_now(what).await;
        assert!(answer.live_buckets > 0, "{what} is in the answer before any tick");
        test.exact_now_and_after_a_drain(what).await;
    }
    // What is rolled back leaves nothing.
    test.sql("begin; delete from usage_logs; rollback").await;
    assert_eq!(test.status_of("ops_metrics").await.pending_buckets, 0);
    test.exact_now("rolled back").await;
}

#[tokio::test]
async fn a_replica_session_and_session_user_tricks_do_not_get_by() {
    let test = TestDb::with_rows().await;
    let mut replica = test.actor().await;
    run(&mut replica, "set session_replication_role = replica; insert into usage_logs (created_at, account_id, duration_ms) values ('2026-04-01', 1, 3); delete from usage_logs where id = 2; set session_replication_role = local; update groups set platform = 'z' where id = 1").await;
    let answer = test.exact_now("replica").await;
    assert!(answer.live_buckets > 0);
    test.exact_now_and_after_a_drain("replica").await;
    assert_eq!(test.word().await, StatusWord::Healthy);
}

#[tokio::test]
async fn a_disabled_trigger_is_shown_and_its_writes_are_not_lost() {
    let test = TestDb::with_rows().await;
    let triggers: Vec<String> = sqlx::query_scalar("select tgname::text from pg_trigger where tgrelid = 'usage_logs'::regclass and tgname like 'tidemark%' order by 1").fetch_all(test.pool()).await.unwrap();
    assert_eq!(triggers.len(), 4);
    for ticks in [false, true] {
        test.sql("alter table usage_logs disable trigger user").await;
        if ticks {
            test.db.tick("ops_metrics").await.unwrap();
        }
        test.sql("insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-20', 1, 3); update usage_logs set duration_ms = duration_ms + 1 where id < 5").await;
        test.exact_now("disabled").await;
        let status = test.status_of("ops_metrics").await;
        assert_eq!((status.status, status.capture_intact), (StatusWord::NotTrusted, false));
        assert!(
            status
                .capture_findings
                .iter()
                .any(|finding| finding.contains("disabled")),
            "{status:?}"
        );
        assert!(
            test.db
                .doctor()
                .await
                .unwrap()
                .iter()
                .any(|finding| finding.code == "capture_broken" && finding.severity == Severity::Problem)
        );
        if ticks {
            test.drain_of("ops_metrics").await;
            assert_eq!(
                test.word().await,
                StatusWord::NotTrusted,
                "a tick does not make it whole"
            );
            test.sql("update usage_logs set duration_ms = duration_ms + 1 where id < 5")
                .await;
            test.exact_now("still disabled").await;
        }
        // Not ENABLE ALWAYS is not whole either; the fix that doctor names is.
        test.sql("alter table usage_logs enable trigger user").await;
        assert!(!test.status_of("ops_metrics").await.capture_intact);
        let fixes: Vec<String> =
            sqlx::query_scalar("select fix from tidemark.rollup r, tidemark.capture_findings(r.id)")
                .fetch_all(test.pool())
                .await
                .unwrap();
        assert_eq!(fixes.len(), 4);
        for fix in fixes {
            test.sql(&fix).await;
        }
        test.exact_now("enabled, not ticked").await;
        test.exact_now_and_after_a_drain("enabled").await;
        assert_eq!(test.word().await, StatusWord::Healthy);
    }
}

#[tokio::test]
async fn disable_write_enable_is_found_though_all_looks_as_before() {
    let test = TestDb::with_rows().await;
    test.sql(
        "alter table usage_logs disable trigger tidemark_ops_metrics_usage_upd; update usage_logs set duration_ms = 1; alter table usage_logs enable always trigger tidemark_ops_metrics_usage_upd",
    )
    .await;
    assert_eq!(
        test.db.status(None).await.unwrap().rollups[0].capture_findings,
        Vec::<String>::new()
    );
    assert_eq!(test.word().await, StatusWord::NotTrusted);
    test.exact_now("before a tick").await;
    test.exact_now_and_after_a_drain("after it").await;
    assert_eq!(test.word().await, StatusWord::Healthy);
}

#[tokio::test]
async fn a_table_swapped_by_rename_is_found() {
    let test = TestDb::with_rows().await;
    test.sql(
        "begin; create table fresh (like usage_logs including all); insert into fresh select * from usage_logs where id > 5; update fresh set duration_ms = 2 * duration_ms;
         alter table usage_logs rename to usage_old; alter table fresh rename to usage_logs; commit",
    )
    .await;
    test.exact_now("swapped").await;
    let status = test.status_of("ops_metrics").await;
    assert_eq!(
        (status.status, status.capture_findings.len()),
        (StatusWord::NotTrusted, 4),
        "{status:?}"
    );
    test.drain_of("ops_metrics").await;
    test.sql("insert into usage_logs (id, created_at, account_id, duration_ms) values (70001, '2026-03-20', 1, 3)")
        .await;
    test.exact_now("unmarked writes").await;
    test.db.apply(&ops(), true).await.unwrap();
    test.exact_now_and_after_a_drain("applied again").await;
    assert_eq!(test.word().await, StatusWord::Healthy);
    test.sql("insert into usage_logs (id, created_at, account_id, duration_ms) values (70002, '2026-03-20', 1, 3)")
        .await;
    assert_eq!(test.status_of("ops_metrics").await.pending_buckets, 1, "marked again");
}

/// usage_logs partitioned by month, as the operator's own.
async fn partitioned() -> TestDb {
    let test = TestDb::raw().await;
    test.sql(
        "drop table usage_logs;
         create table usage_logs (id bigint generated by default as identity, created_at timestamptz, account_id bigint, group_id bigint, model text, duration_ms integer) partition by range (created_at);
         create index on usage_logs (created_at);
         create table usage_03 partition of usage_logs for values from ('2026-03-01') to ('2026-04-01');
         create table usage_04 partition of usage_logs for values from ('2026-04-01') to ('2026-05-01') partition by range (created_at);
         create table usage_04a partition of usage_04 for values from ('2026-04-01') to ('2026-04-15');
         create table usage_04b partition of usage_04 default",
    )
    .await;
    test.sql(ROWS).await;
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) select timestamptz '2026-04-01 00:00+00' + i * interval '1 day', 1, i from generate_series(0, 29) i").await;
    test.db.apply(&ops(), true).await.unwrap();
    test.drain_of("ops_metrics").await;
    test.exact_now_and_after_a_drain("partitioned").await;
    test
}

#[tokio::test]
async fn a_write_straight_to_a_partition_is_marked() {
    let test = partitioned().await;
    for sql in [
        "insert into usage_03 (id, created_at, account_id, duration_ms) values (9001, '2026-03-20', 1, 5)",
        "update usage_04a set duration_ms = duration_ms + 1",
        "delete from usage_04 where created_at > '2026-04-20'",
        "update usage_logs set created_at = created_at + interval '20 days' where created_at between '2026-03-11' and '2026-03-12 10:00'",
        "truncate usage_04b",
    ] {
        test.sql(sql).await;
        assert!(test.exact_now(sql).await.live_buckets > 0, "{sql}");
        test.exact_now_and_after_a_drain(sql).await;
    }
    assert_eq!(test.word().await, StatusWord::Healthy);
}

#[tokio::test]
async fn attached_detached_and_dropped_partitions_are_found() {
    let test = partitioned().await;
    // ATTACH: rows come without a statement on the table, and later writes to it would go by unmarked.
    test.sql(
        "create table usage_05 (like usage_logs including all); insert into usage_05 (id, created_at, account_id, duration_ms) select i, '2026-05-10', 1, 4 from generate_series(80001, 80010) i;
         alter table usage_logs attach partition usage_05 for values from ('2026-05-01') to ('2026-06-01')",
    )
    .await;
    test.exact_now("attached").await;
    let status = test.status_of("ops_metrics").await;
    assert_eq!(
        (status.status, status.capture_findings.len()),
        (StatusWord::NotTrusted, 4),
        "{status:?}"
    );
    test.drain_of("ops_metrics").await;
    test.sql("insert into usage_05 (id, created_at, account_id, duration_ms) values (80011, '2026-05-11', 1, 4)")
        .await;
    test.exact_now("a write straight to it").await;
    test.db.apply(&ops(), true).await.unwrap();
    test.exact_now_and_after_a_drain("applied again").await;
    assert_eq!(test.word().await, StatusWord::Healthy);
    test.sql("insert into usage_05 (id, created_at, account_id, duration_ms) values (80012, '2026-05-11', 1, 4)")
        .await;
    assert_eq!(test.status_of("ops_metrics").await.pending_buckets, 1);

    for (what, sql) in [
        ("DETACH", "alter table usage_logs detach partition usage_05"),
        ("DROP of a partition", "drop table usage_03"),
        ("DROP of a subtree", "drop table usage_04"),
    ] {
        test.sql(sql).await;
        test.exact_now(what).await;
        assert_eq!(
            test.word().await,
            StatusWord::NotTrusted,
            "{what}: until a tick has looked at it"
        );
        test.exact_now_and_after_a_drain(what).await;
        assert_eq!(test.word().await, StatusWord::Healthy, "{what}");
    }
    // What was detached is nobody's any more, and can be written.
    test.sql("delete from usage_05").await;
    test.exact_now_and_after_a_drain("detached and emptied").await;
    test.sql("create table usage_06 partition of usage_logs for values from ('2026-06-01') to ('2026-07-01')")
        .await;
    assert_eq!(
        test.word().await,
        StatusWord::NotTrusted,
        "a new partition has no triggers of its own yet"
    );
    test.db.apply(&ops(), true).await.unwrap();
    test.exact_now_and_after_a_drain("a new partition").await;
    assert_eq!(test.word().await, StatusWord::Healthy);
}

#[tokio::test]
async fn times_that_are_out_of_range_break_no_insert_and_are_counted() {
    let test = TestDb::with_rows().await;
    test.sql(
        "insert into usage_logs (created_at, account_id, duration_ms)
         select t, 1, 5 from unnest(array[null, 'infinity', '-infinity', '294276-12-31', '4713-01-01 BC', '1899-12-31', '2300-01-01 00:00+00']::timestamptz[]) t;
         update usage_logs set created_at = 'infinity' where created_at = '1899-12-31';
         update usage_logs set created_at = '2026-03-22' where created_at is null;
         delete from usage_logs where created_at = '294276-12-31'",
    )
    .await;
    test.exact_now_and_after_a_drain("odd times").await;
    assert_eq!(test.db.audit("ops_metrics", None, false).await.unwrap().outside_rows, 5);
    // Values at the very edges of what counts.
    test.sql("insert into usage_logs (created_at, account_id) values ('1900-01-01 00:00+00', 1), ('2299-12-31 23:59:59.999999+00', 1)").await;
    assert_eq!(test.status_of("ops_metrics").await.pending_buckets, 2);
}

#[tokio::test]
async fn a_renamed_retyped_or_dropped_column_breaks_no_insert_and_is_shown() {
    for (what, break_it, insert, mend) in [
        (
            "the time renamed",
            "alter table usage_logs rename created_at to made_at",
            "made_at, account_id, duration_ms",
            "alter table usage_logs rename made_at to created_at",
        ),
        (
            "the time retyped to text",
            "alter table usage_logs alter created_at drop default, alter created_at type text",
            "created_at, account_id, duration_ms",
            "alter table usage_logs alter created_at type timestamptz using created_at::timestamptz",
        ),
        (
            "the time retyped to timestamp",
            "alter table usage_logs alter created_at type timestamp using created_at at time zone 'UTC'",
            "created_at, account_id, duration_ms",
            "alter table usage_logs alter created_at type timestamptz using created_at at time zone 'UTC'",
        ),
        (
            "a value renamed",
            "alter table usage_logs rename duration_ms to took",
            "created_at, account_id, took",
            "alter table usage_logs rename took to duration_ms",
        ),
        (
            "a value dropped",
            "alter table usage_logs drop duration_ms",
            "created_at, account_id, input_tokens",
            "alter table usage_logs add duration_ms integer; update usage_logs set duration_ms = 7",
        ),
        (
            "a key retyped",
            "alter table usage_logs alter group_id type text",
            "created_at, account_id, duration_ms",
            "alter table usage_logs alter group_id type bigint using group_id::bigint",
        ),
        (
            "the table renamed",
            "alter table usage_logs rename to usage_x",
            "",
            "alter table usage_x rename to usage_logs",
        ),
        (
            "a lookup's column renamed",
            "alter table groups rename platform to kind",
            "created_at, account_id, duration_ms",
            "alter table groups rename kind to platform",
        ),
        (
            "a lookup renamed",
            "alter table groups rename to teams",
            "created_at, account_id, duration_ms",
            "alter table teams rename to groups",
        ),
        (
            "a schema of its own",
            "create schema s2; alter table groups set schema s2",
            "created_at, account_id, duration_ms",
            "alter table s2.groups set schema public",
        ),
    ] {
        let test = TestDb::with_rows().await;
        test.sql("set timezone = 'Asia/Kolkata'").await;
        test.sql(break_it).await;
        if insert.is_empty() {
            test.sql("insert into usage_x (created_at, account_id, duration_ms) values ('2026-03-20 10:00+00', 1, 7)")
                .await;
        } else {
            test.sql(&format!("insert into usage_logs ({insert}) values ('2026-03-20 10:00+00', 1, 7); update usage_logs set model = 'm' where id < 4; delete from usage_logs where id = 4")).await;
        }
        test.sql("insert into ops_error_logs (created_at, account_id, status_code) values ('2026-03-20', 1, 500)")
            .await;
        let status = test.status_of("ops_metrics").await;
        assert_eq!(
            (status.status, status.capture_intact),
            (StatusWord::NotTrusted, false),
            "{what}: {status:?}"
        );
        assert!(!status.capture_findings.is_empty(), "{what}");
        let doctor = test.db.doctor().await.unwrap();
        assert!(
            doctor
                .iter()
                .any(|finding| finding.code == "capture_broken" && finding.fix.is_some()),
            "{what}: {doctor:?}"
        );
        // Nothing is called exact that can't be computed.
        let answer = test
            .db
            .query(&question("ops_metrics", at(FROM), at(TO), Grain::Total, chrono_tz::UTC))
            .await
            .unwrap();
        assert!(
            answer.state == State::Pending || what.contains("timestamp"),
            "{what}: {answer:?}"
        );
        let report = test.db.tick("ops_metrics").await;
        assert!(report.is_ok(), "{what}: {report:?}");
        assert_eq!(test.word().await, StatusWord::NotTrusted, "{what}: after a tick");
        test.sql(mend).await;
        test.db.apply(&ops(), true).await.unwrap();
        test.exact_now_and_after_a_drain(&format!("{what}, mended")).await;
        assert_eq!(test.word().await, StatusWord::Healthy, "{what}, mended");
    }
}

#[tokio::test]
async fn the_operators_own_ddl_goes_through() {
    let test = TestDb::with_rows().await;
    for sql in [
        "alter table usage_logs add note text",
        "alter table usage_logs drop model",
        "alter table usage_logs alter duration_ms type bigint",
        "alter table usage_logs alter duration_ms type integer",
        "alter table usage_logs alter account_id set not null",
        "create index on usage_logs (duration_ms)",
        "cluster usage_logs using usage_logs_created_at_idx",
        "vacuum full usage_logs",
        "alter table groups add unique (name)",
        "alter table accounts drop constraint accounts_pkey cascade",
        "alter table ops_error_logs drop platform cascade",
        "drop table groups",
        "drop table accounts cascade",
        "alter table usage_logs rename to u2",
        "drop table u2",
        "drop table ops_error_logs",
    ] {
        test.sql(sql).await;
        test.db.tick("ops_metrics").await.unwrap();
        let status = test.status_of("ops_metrics").await;
        assert!(
            status.capture_intact || !status.capture_findings.is_empty(),
            "{sql}: {status:?}"
        );
        if sql.starts_with("vacuum") || sql.starts_with("cluster") {
            test.drain_of("ops_metrics").await;
            assert_eq!(
                test.word().await,
                StatusWord::Healthy,
                "{sql} changes nothing that matters"
            );
        }
    }
    // Everything is gone, and Tidemark can still be asked, repaired and removed.
    assert_eq!(test.word().await, StatusWord::NotTrusted);
    test.db.uninstall().await.unwrap();
}

#[tokio::test]
async fn a_dropped_table_made_again_heals_by_apply() {
    let test = TestDb::with_rows().await;
    test.sql("create table kept as table groups; drop table groups").await;
    assert_eq!(test.db.tick("ops_metrics").await.unwrap().outcome, TickOutcome::Failed);
    let status = test.status_of("ops_metrics").await;
    assert_eq!(status.status, StatusWord::NotTrusted);
    assert!(status.last_error.unwrap().contains("groups"));
    test.sql("create table groups (id bigint primary key, name text, platform text); insert into groups select * from kept; update groups set platform = 'again' where id = 1").await;
    test.exact_now("made again").await;
    test.db.apply(&ops(), true).await.unwrap();
    test.exact_now_and_after_a_drain("applied").await;
    assert_eq!(test.word().await, StatusWord::Healthy);
}

#[tokio::test]
async fn row_level_security_is_an_error_and_never_a_silent_zero() {
    let test = TestDb::raw().await;
    let owner = test.login("tidemark_test_owner").await;
    test.sql(&format!(
        "grant create on database {} to tidemark_test_owner; alter table usage_logs owner to tidemark_test_owner; alter table ops_error_logs owner to tidemark_test_owner;
         alter table groups owner to tidemark_test_owner; alter table accounts owner to tidemark_test_owner",
        test.name()
    ))
    .await;
    test.sql(ROWS).await;
    let db = connect(&owner).await;
    db.apply(&ops(), true).await.unwrap();
    db.drain("ops_metrics", &mut |_| {}).await.unwrap();
    test.exact_now("before").await;
    test.sql("alter table usage_logs enable row level security; alter table usage_logs force row level security; create policy own_rows on usage_logs using (account_id = 1)").await;
    // The writer's row is not hidden from capture.
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-20', 2, 3)")
        .await;
    let hidden = db
        .query(&question(
            "ops_metrics",
            at("2026-03-20T00:00:00Z"),
            at("2026-03-21T00:00:00Z"),
            Grain::Total,
            chrono_tz::UTC,
        ))
        .await
        .unwrap();
    assert_eq!(hidden.state, State::Pending, "not an exact 0");
    assert_eq!(hidden.pending_reason.unwrap().kind, PendingKind::Forbidden);
    db.tick("ops_metrics").await.unwrap();
    let status = test.status_of("ops_metrics").await;
    assert_eq!(status.status, StatusWord::Failing, "{status:?}");
    assert!(status.last_error.unwrap().contains("row-level security"));
    let before = question(
        "ops_metrics",
        at("2026-03-10T00:00:00Z"),
        at("2026-03-14T00:00:00Z"),
        Grain::Total,
        chrono_tz::UTC,
    );
    assert_eq!(
        the(&db.query(&before).await.unwrap(), "request_count"),
        50,
        "what was computed stays"
    );
    test.sql("alter role tidemark_test_owner bypassrls").await;
    test.exact_now_and_after_a_drain("exempt").await;
    test.sql("alter role tidemark_test_owner nobypassrls").await;
}

#[tokio::test]
async fn a_publication_for_all_tables_is_refused_and_found_later() {
    let test = TestDb::raw().await;
    test.sql("create publication everything for all tables").await;
    assert_eq!(code(test.db.apply(&ops(), true).await), "publication_for_all_tables");
    let made: i64 = test
        .one("select count(*) from pg_trigger where tgname like 'tidemark%'")
        .await;
    let schema: bool = test.one("select to_regnamespace('tidemark') is not null").await;
    assert_eq!((made, schema), (0, false), "nothing was made");
    test.sql("drop publication everything").await;
    test.sql(ROWS).await;
    test.db.apply(&ops(), true).await.unwrap();
    test.drain_of("ops_metrics").await;
    test.sql("create publication everything for all tables").await;
    assert!(
        test.db
            .doctor()
            .await
            .unwrap()
            .iter()
            .any(|finding| finding.code == "publication_for_all_tables" && finding.severity == Severity::Problem)
    );
    // The operator's writes go on; ticks fail and say why.
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-20', 2, 3)")
        .await;
    test.exact_now("published").await;
    assert_eq!(test.db.tick("ops_metrics").await.unwrap().outcome, TickOutcome::Failed);
    let status = test.status_of("ops_metrics").await;
    assert_eq!(status.status, StatusWord::Failing, "{status:?}");
    test.sql("drop publication everything").await;
    test.exact_now_and_after_a_drain("unpublished").await;
    // A publication of some tables, or of a schema, is none of our business.
    test.sql("create publication some_tables for tables in schema public")
        .await;
    assert!(
        test.db
            .doctor()
            .await
            .unwrap()
            .iter()
            .all(|finding| finding.code != "publication_for_all_tables")
    );
}

#[tokio::test]
async fn a_snapshot_older_than_a_truncate_a_rewrite_or_a_detach_knows_that_it_is_stale() {
    for (stale, sql) in [
        (true, "truncate usage_logs"),
        (
            true,
            "begin; truncate usage_logs; insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-20', 1, 1); commit",
        ),
        (true, "alter table usage_logs alter input_tokens type bigint"),
        (
            true,
            "alter table usage_logs add extra double precision default random()",
        ),
        (true, "alter table groups add extra double precision default random()"),
        (
            true,
            "alter table usage_logs set unlogged; alter table usage_logs set logged",
        ),
        (
            false,
            "insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-20', 1, 1)",
        ),
        (false, "alter table usage_logs add extra integer default 7"),
        (false, "analyze usage_logs"),
    ] {
        let test = TestDb::with_rows().await;
        let mut reader = test.actor().await;
        run(
            &mut reader,
            "begin isolation level repeatable read read only; select count(*) from tidemark.rollup",
        )
        .await;
        test.sql(sql).await;
        // As a read does: raw rows first, which locks the tables, then the question.
        run(
            &mut reader,
            "select count(*) from usage_logs u left join groups g on g.id = u.group_id",
        )
        .await;
        let told: bool = sqlx::query_scalar("select tidemark.snapshot_is_stale((select id from tidemark.rollup))")
            .fetch_one(&mut reader)
            .await
            .unwrap();
        assert_eq!(told, stale, "{sql}");
        run(&mut reader, "rollback").await;
        let told: bool = test
            .one("select tidemark.snapshot_is_stale((select id from tidemark.rollup))")
            .await;
        assert!(!told, "{sql}: a new snapshot is not");
        test.exact_now_and_after_a_drain(sql).await;
    }
    let test = partitioned().await;
    let mut reader = test.actor().await;
    run(
        &mut reader,
        "begin isolation level repeatable read read only; select count(*) from tidemark.rollup",
    )
    .await;
    test.sql("alter table usage_logs detach partition usage_03").await;
    run(&mut reader, "select count(*) from usage_logs").await;
    let told: bool = sqlx::query_scalar("select tidemark.snapshot_is_stale((select id from tidemark.rollup))")
        .fetch_one(&mut reader)
        .await
        .unwrap();
    assert!(told, "DETACH");
}

#[tokio::test]
async fn answers_stay_exact_while_tables_are_truncated_rewritten_and_frozen_under_them() {
    let test = TestDb::ops().await;
    let folder = std::env::temp_dir().join(format!("tidemark-freeze-{}", std::process::id()));
    std::fs::write(&folder, "2026-03-10 10:00+00\t1\t5\n".repeat(10)).unwrap();
    let file = folder.display().to_string();
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) select '2026-03-10 10:00+00', 1, 5 from generate_series(1, 10)").await;
    let url = test.url.clone();
    let enough = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&enough);
    let writer = tokio::spawn(async move {
        let mut writer = sqlx::PgConnection::connect(&url).await.unwrap();
        // Ten rows before and after each of these, so ten rows in every snapshot.
        for round in 0.. {
            if round >= 60 && told.load(Ordering::Relaxed) {
                break;
            }
            let sql = match round % 4 {
                0 => "begin; truncate usage_logs; insert into usage_logs (created_at, account_id, duration_ms) select '2026-03-10 10:00+00', 1, 5 from generate_series(1, 10); commit".to_owned(),
                1 => format!("begin; truncate usage_logs; copy usage_logs (created_at, account_id, duration_ms) from '{file}' (freeze); commit"),
                2 => "alter table usage_logs alter input_tokens type bigint using 0".to_owned(),
                _ => "alter table usage_logs alter input_tokens type integer using 0".to_owned(),
            };
            // A deadlock with a reader is the operator's to try again.
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut writer).await.ok();
            sqlx::raw_sql("rollback").execute(&mut writer).await.ok();
            tokio::time::sleep(Duration::from_millis(7)).await;
        }
    });
    let (mut exact, mut others) = (0, 0);
    let deadline = Instant::now() + Duration::from_secs(90);
    while !writer.is_finished() {
        // On a busy machine most reads find a table locked for longer than they wait.
        enough.store(exact > 10 || Instant::now() > deadline, Ordering::Relaxed);
        match test
            .db
            .query(&question("ops_metrics", at(FROM), at(TO), Grain::Total, chrono_tz::UTC))
            .await
        {
            Ok(answer) if answer.state == State::Exact => {
                assert_eq!(the(&answer, "request_count"), 10);
                exact += 1;
            }
            Ok(_) | Err(_) => others += 1,
        }
        if exact % 5 == 0 {
            test.db.tick("ops_metrics").await.ok();
        }
    }
    writer.await.unwrap();
    std::fs::remove_file(&folder).ok();
    assert!(exact > 10, "{exact} exact, {others} others");
    test.exact_now_and_after_a_drain("all is quiet").await;
}

#[tokio::test]
async fn columns_that_the_declaration_does_not_use_leave_no_mark_on_lookups() {
    let test = TestDb::with_rows().await;
    test.sql("update accounts set last_used_at = now(); update groups set name = 'x'; update accounts set platform = platform").await;
    let marks: i64 = test.one("select count(*) from tidemark.mark").await;
    assert_eq!(marks, 0);
    // And a statement that changes no row leaves none either.
    test.sql("update usage_logs set model = 'x' where false; delete from accounts where false; insert into usage_logs select * from usage_logs where false").await;
    let marks: i64 = test.one("select count(*) from tidemark.mark").await;
    assert_eq!(marks, 0);
}

#[tokio::test]
async fn a_source_that_left_the_declaration_keeps_no_trigger() {
    let test = TestDb::empty().await;
    test.sql("create table a (at timestamptz, n integer); create table b (at timestamptz, n integer)")
        .await;
    let text = |sources: &[&str]| {
        let sources: String = sources
            .iter()
            .map(|name| format!("[[source]]\nname = \"{name}\"\ntable = \"{name} x\"\ntime = \"x.at\"\n"))
            .collect();
        format!("name = \"two\"\ngrains = [\"hour\"]\n{sources}[measures]\nn = {{ count = \"a\" }}\n")
    };
    test.db.apply(&declaration(&text(&["a", "b"])), true).await.unwrap();
    test.db.apply(&declaration(&text(&["a"])), true).await.unwrap();
    test.sql("insert into a values ('2026-03-01'); insert into b values ('2026-03-01')")
        .await;
    test.drain_of("two").await;
    let left: i64 = test
        .one("select count(*) from pg_trigger where tgrelid = 'b'::regclass")
        .await;
    assert_eq!(left, 0);
    assert_eq!(
        the(
            &test
                .ask(&question("two", at(FROM), at(TO), Grain::Total, chrono_tz::UTC))
                .await,
            "n"
        ),
        1
    );
}
