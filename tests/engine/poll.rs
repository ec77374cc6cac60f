//! Poll capture: ops_metrics and task_usage over tables without triggers of Tidemark's.

use chrono::{DurationRound, TimeDelta, Utc};
use tidemark_core::api::{Grain, PendingKind, ReadMode, Severity, State};
use tidemark_db::Declaration;

use crate::ask::{declaration, ops, question, run};
use crate::harness::{TestDb, at};
use crate::property::random::Random;
use crate::property::setting;
use crate::systems::{OPS_METRICS, System, TASK_USAGE};
use crate::truth::{BY_ALL, Question, assert_drained_tables_equal_raw_rows};

/// The operator's own bookkeeping: every insert and update says when.
const BUMPED: &str = "
  create function bump() returns trigger language plpgsql as $$ begin new.updated_at := clock_timestamp(); return new; end $$;
  create index on usage_logs (updated_at); create index on ops_error_logs (updated_at);
  create trigger bump before insert or update on usage_logs for each row execute function bump();
  create trigger bump before insert or update on ops_error_logs for each row execute function bump();
  create trigger bump before insert or update on accounts for each row execute function bump();
  create trigger bump before insert or update on groups for each row execute function bump();";

const COLUMNS: &str = "
  alter table usage_logs add updated_at timestamptz not null default now(); alter table ops_error_logs add updated_at timestamptz not null default now();
  alter table accounts add updated_at timestamptz not null default '2020-01-01'; alter table groups add updated_at timestamptz not null default '2020-01-01';";

/// ops_metrics as it ships, captured by polling.
fn polled() -> Declaration {
    let text = ops()
        .text
        .replacen("[[source]]", "capture = \"poll\"\n\n[[source]]", 1)
        .replacen(
            "time       = \"u.created_at\"",
            "time       = \"u.created_at\"\nchange     = \"u.updated_at\"",
            1,
        )
        .replacen(
            "time       = \"e.created_at\"",
            "time       = \"e.created_at\"\nchange     = \"e.updated_at\"",
            1,
        )
        .replace(
            "on = \"g.id = u.group_id\" }",
            "on = \"g.id = u.group_id\", change = \"g.updated_at\" }",
        )
        .replace(
            "on = \"g.id = e.group_id\" }",
            "on = \"g.id = e.group_id\", change = \"g.updated_at\" }",
        )
        .replace(
            "on = \"a.id = u.account_id\" }",
            "on = \"a.id = u.account_id\", change = \"a.updated_at\" }",
        )
        .replace(
            "on = \"a.id = e.account_id\" }",
            "on = \"a.id = e.account_id\", change = \"a.updated_at\" }",
        );
    assert_eq!(text.matches("updated_at\"").count(), 6);
    declaration(&text)
}

/// 400 old successes and 100 errors of March, long settled; drained.
async fn settled() -> TestDb {
    let test = TestDb::raw().await;
    test.sql(COLUMNS).await;
    test.sql(
        "insert into usage_logs (created_at, updated_at, account_id, group_id, duration_ms) select t, t, 1 + i % 4, nullif(i % 5, 0), i from generate_series(1, 400) i, lateral (select timestamptz '2026-03-01 00:00+00' + i * interval '47 minutes' as t) x;
         insert into ops_error_logs (created_at, updated_at, account_id, status_code) select t, t, 1 + i % 4, 500 from generate_series(1, 100) i, lateral (select timestamptz '2026-03-01 00:00+00' + i * interval '3 hours' as t) x",
    )
    .await;
    test.db.apply(&polled(), true).await.unwrap();
    test.drain().await;
    test
}

fn march(grain: Grain) -> Question {
    Question {
        from: at("2026-02-01T00:00:00Z"),
        to: at("2026-05-01T00:00:00Z"),
        grain,
        tz: chrono_tz::UTC,
        by: BY_ALL,
    }
}

/// Numbers of March from raw rows, live or from the rollup; all of it is older than the watermark.
async fn right(test: &TestDb, live: bool, context: &str) {
    for grain in [Grain::Hour, Grain::Month] {
        let question = march(grain);
        let answer = question.ask(test, ReadMode::Exact).await;
        assert_eq!(
            (answer.state, answer.live_buckets > 0),
            (State::Exact, live),
            "{context}"
        );
        question.assert_same(test, &answer, &question.truth(test).await, context);
    }
}

/// Not seen by a poll: the answer is the old one, the audit says so, and its repair puts it right.
async fn found_by_the_audit(test: &TestDb, context: &str) {
    test.drain().await;
    let question = march(Grain::Day);
    let before = question.ask(test, ReadMode::Exact).await;
    let told = question.groups(test, &before);
    assert_ne!(
        told,
        question.exactly(test, &question.truth(test).await),
        "{context}: no poll can see it"
    );
    let audit = test.db.audit("ops_metrics", None, true).await.unwrap();
    assert!(audit.difference_count > 0, "{context}: {audit:?}");
    right(test, true, context).await;
    test.drain().await;
    right(test, false, context).await;
    assert_eq!(
        test.db
            .audit("ops_metrics", None, false)
            .await
            .unwrap()
            .difference_count,
        0,
        "{context}"
    );
}

const NEW: &str = "insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-10 10:00+00', 1, 77)";

#[tokio::test]
async fn inserts_updates_and_lookup_changes_are_in_the_next_answer_and_the_next_tick() {
    let test = settled().await;
    let triggers: i64 = test
        .one("select count(*) from pg_trigger where tgname like 'tidemark%'")
        .await;
    assert_eq!(triggers, 0);
    let status = test.status_of("ops_metrics").await;
    assert_eq!((status.capture.as_str(), status.capture_intact), ("poll", true));
    right(&test, false, "settled").await;
    for change in [
        NEW,
        "insert into ops_error_logs (created_at, account_id, status_code) values ('2026-03-10 10:00+00', 2, 404)",
        "update usage_logs set duration_ms = duration_ms + 1000, group_id = 4, updated_at = now() where id % 7 = 0",
        "update accounts set platform = 'mistral', updated_at = now() where id = 2",
        "update groups set platform = 'xai', updated_at = now() where id = 1",
        "insert into groups (id, platform, updated_at) values (9, 'new', now()); update usage_logs set group_id = 9, updated_at = now() where id % 31 = 0",
        // Seen lately, so its place is remembered: deleted, moved in time, changed again in the same instant.
        "delete from usage_logs where id % 7 = 0 and id % 2 = 0",
        "update usage_logs set created_at = created_at + interval '3 days', updated_at = now() where id % 31 = 0",
        "update usage_logs set duration_ms = 1 where id % 31 = 0",
    ] {
        test.sql(change).await;
        right(&test, true, change).await;
        test.drain().await;
        right(&test, false, change).await;
    }
    assert_drained_tables_equal_raw_rows(&test, "at the end").await;
}

#[tokio::test]
async fn a_tick_recomputes_nothing_while_nothing_changes_though_the_window_is_full() {
    let test = settled().await;
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) select now() - i * interval '1 minute', 1, i from generate_series(1, 300) i; update accounts set platform = 'mistral', updated_at = now() where id = 3").await;
    test.drain().await;
    for _ in 0..3 {
        // A gateway that touches its account on every request changes nothing that is used.
        test.sql("update accounts set last_used_at = now(), updated_at = clock_timestamp() where id = 3")
            .await;
        let report = test.db.tick("ops_metrics").await.unwrap();
        assert_eq!((report.marks, report.buckets, report.raw_rows), (0, 0, 0), "{report:?}");
    }
    right(&test, false, "idle").await;
}

#[tokio::test]
async fn hazard_1_a_commit_later_than_its_change_time_is_found_within_lag_and_overlap_and_by_the_audit_beyond() {
    let test = settled().await;
    let mut writer = test.actor().await;
    run(&mut writer, &format!("begin; {NEW}")).await;
    test.drain().await;
    right(&test, false, "not committed yet").await;
    run(&mut writer, "commit").await;
    right(
        &test,
        true,
        "committed after a poll that began later than its change time",
    )
    .await;
    test.drain().await;
    right(&test, false, "and ticked").await;
    // As long as lag and overlap are: 15 minutes. The transaction's own clock says when it began.
    for (ago, seen) in [(13, true), (40, false)] {
        test.sql(&format!("insert into usage_logs (created_at, updated_at, account_id, duration_ms) values ('2026-03-11 10:00+00', now() - interval '{ago} minutes', 1, 77)")).await;
        if seen {
            right(&test, true, "committed within lag and overlap").await;
        } else {
            found_by_the_audit(&test, "committed beyond lag and overlap").await;
        }
        test.drain().await;
    }
}

#[tokio::test]
async fn hazard_8_an_update_that_leaves_the_change_column_as_it_was_is_found_by_the_audit() {
    let test = settled().await;
    test.sql("update usage_logs set duration_ms = duration_ms * 3 where id % 10 = 0")
        .await;
    found_by_the_audit(&test, "an unbumped update").await;
    test.sql("delete from ops_error_logs where id % 10 = 0").await;
    found_by_the_audit(&test, "a delete").await;
    // A lookup leaves no trace either, and what was remembered of it is forgotten with the repair: the way back is seen.
    test.sql("update groups set platform = 'one', updated_at = now() where id = 1")
        .await;
    test.drain().await;
    test.sql("update tidemark.health set polled_to = now() + interval '1 hour'; update groups set platform = 'two' where id = 1").await;
    found_by_the_audit(&test, "an unbumped lookup row").await;
    test.sql("update tidemark.health set polled_to = now() - interval '5 minutes'; update groups set platform = 'one', updated_at = now() where id = 1").await;
    right(&test, true, "the way back").await;
    test.drain().await;
    test.sql("delete from groups where id = 2").await;
    test.sql("update accounts set platform = 'shown' where id = 1; delete from groups where id = 4")
        .await;
    found_by_the_audit(&test, "a deleted lookup row").await;
}

#[tokio::test]
async fn hazard_12_what_triggers_would_miss_a_poll_sees_and_what_it_misses_the_audit_finds() {
    let test = settled().await;
    let mut replica = test.actor().await;
    run(&mut replica, &format!("set session_replication_role = replica; {NEW}")).await;
    right(&test, true, "no trigger fires for a replica").await;
    test.drain().await;
    test.sql("truncate ops_error_logs").await;
    found_by_the_audit(&test, "TRUNCATE").await;
    // A partitioned table: written straight to a partition is seen, attached is not.
    test.sql(
        "alter table usage_logs rename to usage_old;
         create table usage_logs (like usage_old including defaults) partition by range (created_at);
         create table usage_p1 partition of usage_logs for values from ('2026-01-01') to ('2026-03-15');
         insert into usage_logs select * from usage_old where created_at < '2026-03-15';
         create index on usage_logs (created_at); create index on usage_logs (updated_at);
         create table usage_p2 (like usage_old including defaults); insert into usage_p2 select * from usage_old where created_at >= '2026-03-15'",
    )
    .await;
    // Another table has the name: a gap, which makes everything dirty.
    right(&test, true, "swapped by rename").await;
    test.drain().await;
    right(&test, false, "swapped by rename").await;
    test.sql(
        "insert into usage_p1 (id, created_at, account_id, duration_ms) values (9000, '2026-03-02 10:00+00', 1, 5)",
    )
    .await;
    right(&test, true, "straight into a partition").await;
    test.drain().await;
    test.sql("insert into usage_p2 (id, created_at, updated_at, account_id, duration_ms) values (9001, '2026-03-20 10:00+00', '2026-03-20 10:00+00', 1, 5); alter table usage_logs attach partition usage_p2 for values from ('2026-03-15') to ('2027-01-01')").await;
    assert!(
        test.status_of("ops_metrics").await.capture_intact,
        "partitions come and go"
    );
    found_by_the_audit(&test, "ATTACH PARTITION").await;
}

#[tokio::test]
async fn hazard_14_an_outage_of_any_length_leaves_no_gap() {
    let test = settled().await;
    // Nobody polled for three days, and somebody wrote all the while.
    test.sql(
        "update tidemark.health set polled_to = now() - interval '3 days', watermark_at = now() - interval '3 days'; delete from tidemark.polled;
         insert into usage_logs (created_at, updated_at, account_id, duration_ms) select timestamptz '2026-03-10 00:00+00' + i * interval '10 minutes', now() - i * interval '40 minutes', 1, i from generate_series(1, 105) i",
    )
    .await;
    let status = test.status_of("ops_metrics").await;
    assert!(status.lag_seconds.unwrap() > 2.9 * 86_400.0, "{status:?}");
    right(&test, true, "the first answer after it").await;
    test.drain().await;
    right(&test, false, "the first drain after it").await;
    assert!(test.status_of("ops_metrics").await.lag_seconds.unwrap() < 400.0);
}

#[tokio::test]
async fn nothing_newer_than_the_watermark_is_called_exact_and_the_watermark_stays_behind_by_the_lag() {
    let test = settled().await;
    test.sql("insert into usage_logs (created_at, account_id, duration_ms) select now() - i * interval '5 minutes', 1, i from generate_series(0, 60) i").await;
    test.drain().await;
    let status = test.status_of("ops_metrics").await;
    let (watermark, lag) = (status.watermark_at.unwrap(), status.lag_seconds.unwrap());
    assert!((300.0..360.0).contains(&lag), "{status:?}");
    assert_eq!(
        status.status,
        tidemark_core::api::StatusWord::Healthy,
        "the declared lag is no fault: {status:?}"
    );
    let now = Utc::now().duration_trunc(TimeDelta::minutes(1)).unwrap();
    let question = Question {
        from: now - TimeDelta::hours(5),
        to: now + TimeDelta::minutes(1),
        grain: Grain::QuarterHour,
        tz: chrono_tz::UTC,
        by: BY_ALL,
    };
    for mode in [ReadMode::Exact, ReadMode::RollupOnly] {
        let answer = question.ask(&test, mode).await;
        assert_eq!(answer.state, State::Pending);
        assert!(
            (5..=7).contains(&answer.pending_buckets),
            "minutes since the watermark: {}",
            answer.pending_buckets
        );
        let reason = answer.pending_reason.unwrap();
        assert!(
            reason.kind == PendingKind::Polled && reason.text.contains("polling"),
            "{reason:?}"
        );
        for row in &answer.rows {
            let newer = row.bucket_end.with_timezone(&Utc) > watermark;
            assert_eq!(row.state == State::Pending, newer, "{row:?}");
        }
    }
    let answer = question.ask(&test, ReadMode::Exact).await;
    question.assert_same(
        &test,
        &answer,
        &question.truth(&test).await,
        "pending numbers are live all the same",
    );
    // What is left over holds the watermark back to the end of the poll before.
    let mut poison = test.actor().await;
    run(
        &mut poison,
        "alter function tidemark.\"ops_metrics__raw\" rename to hidden",
    )
    .await;
    test.sql(NEW).await;
    test.db.tick("ops_metrics").await.unwrap();
    let held = test.status_of("ops_metrics").await.watermark_at.unwrap();
    assert!(held - watermark < TimeDelta::seconds(30), "{held} {watermark}");
    assert!(held <= Utc::now() - TimeDelta::seconds(300));
}

#[tokio::test]
async fn legacy_rows_without_a_change_time_are_served_by_a_second_column() {
    let test = TestDb::empty().await;
    test.sql("create table beats (at timestamptz not null, updated_at bigint, created_at timestamp not null default (now() at time zone 'UTC'), host text); create index on beats (at)").await;
    let text = "name = \"beats\"\ngrains = [\"hour\", \"day\"]\ncapture = \"poll\"\n[poll]\nlag = \"1 minute\"\noverlap = \"2 minutes\"\n[[source]]\nname = \"b\"\ntable = \"beats b\"\ntime = \"b.at\"\ntime_unit = \"ms\"\nchange = [\"b.updated_at\", \"b.created_at\"]\ndimensions = { host = \"b.host\" }\n[dimensions.host]\n[measures]\nn = { count = \"b\" }\n";
    test.db.apply(&declaration(text), true).await.unwrap();
    test.drain_of("beats").await;
    let count = async || {
        let answer = test
            .ask(&question(
                "beats",
                at("2026-03-01T00:00:00Z"),
                at("2026-04-01T00:00:00Z"),
                Grain::Total,
                chrono_tz::UTC,
            ))
            .await;
        (
            answer.rows.first().map_or(0, |row| row.values["n"].as_i64().unwrap()),
            answer.live_buckets > 0,
        )
    };
    test.sql("insert into beats (at) values ('2026-03-10 10:00+00')").await;
    assert_eq!(count().await, (1, true));
    test.drain_of("beats").await;
    test.sql("update beats set at = at + interval '1 hour', created_at = '2020-01-01', updated_at = extract(epoch from now()) * 1000; insert into beats (at, created_at, updated_at) values ('2026-03-12 10:00+00', 'infinity', 9223372036854775807)").await;
    assert_eq!(count().await, (2, true));
    test.drain_of("beats").await;
    let status = test.status_of("beats").await;
    assert_eq!(count().await, (2, false), "{status:?}");
    assert_eq!(test.db.audit("beats", None, false).await.unwrap().difference_count, 0);
    let report = test.db.tick("beats").await.unwrap();
    assert_eq!(
        report.marks, 0,
        "a row dated for ever stays in the window and is recomputed once"
    );
}

#[tokio::test]
async fn views_are_sources_and_lookups_and_a_new_definition_makes_everything_dirty() {
    let test = TestDb::raw().await;
    test.sql(COLUMNS).await;
    test.sql(
        "alter table usage_logs rename to usage_table; alter table groups rename to group_table;
         create view usage_logs as select * from usage_table where model is distinct from 'test';
         create view groups as select * from group_table;
         insert into usage_logs (created_at, account_id, group_id, duration_ms) select timestamptz '2026-03-01 00:00+00' + i * interval '47 minutes', 1 + i % 4, nullif(i % 5, 0), i from generate_series(1, 100) i",
    )
    .await;
    let plan = test.db.plan(&polled()).await.unwrap();
    assert!(
        plan.warnings
            .iter()
            .any(|warning| warning.contains("is a view, so nobody can check that (id) is unique")),
        "{:?}",
        plan.warnings
    );
    test.db.apply(&polled(), true).await.unwrap();
    test.drain().await;
    right(&test, false, "built").await;
    for change in [
        "insert into usage_table (created_at, account_id, model) values ('2026-03-10 10:00+00', 1, 'test'), ('2026-03-10 10:00+00', 1, null)",
        "update groups set platform = 'xai', updated_at = now() where id = 1",
        "create or replace view usage_logs as select * from usage_table where account_id <> 3",
        "create or replace view groups as select id, name, upper(platform) as platform, updated_at from group_table",
    ] {
        test.sql(change).await;
        right(&test, true, change).await;
        test.drain().await;
        right(&test, false, change).await;
    }
    test.sql("drop view groups cascade").await;
    let status = test.status_of("ops_metrics").await;
    assert!(
        !status.capture_intact && status.capture_findings[0].contains("gone"),
        "{status:?}"
    );
    // Tables below a view can be swapped and truncated under a reader; that is looked for as with tables.
    let beneath: i64 = test.one("select count(*) from tidemark.beneath(1) b join pg_class c on c.oid = b.relid where c.relname in ('usage_logs', 'usage_table', 'accounts')").await;
    assert_eq!(beneath, 3);
}

#[tokio::test]
async fn what_can_not_be_polled_is_refused_and_what_is_dear_or_blind_is_said() {
    let test = TestDb::raw().await;
    test.sql(COLUMNS).await;
    let text = polled().text;
    for (from, to, words) in [
        (
            "change     = \"u.updated_at\"\n",
            "",
            "does not say how a poll finds its changed rows: write change = \"u.COLUMN\"",
        ),
        (
            "\"u.updated_at\"",
            "\"u.updated\"",
            "has no column \"updated\"; did you mean \"updated_at\"?",
        ),
        ("\"u.updated_at\"", "\"a.updated_at\"", "change: write u.COLUMN"),
        ("\"u.updated_at\"", "\"u.model\"", "change: model is text"),
        ("\"u.updated_at\"", "[]", "change is empty"),
        (
            "capture = \"poll\"",
            "capture = \"pull\"",
            "write \"trigger\" or \"poll\"",
        ),
        ("capture = \"poll\"\n", "", "change goes with capture = \"poll\""),
        (
            "capture = \"poll\"\n",
            "capture = \"poll\"\n[poll]\nlag = \"soon\"\n",
            "lag: can't use \"soon\"",
        ),
        (
            "capture = \"poll\"\n",
            "capture = \"poll\"\n[poll]\noverlap = \"9 weeks\"\n",
            "at most 7 days",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        let refused = test
            .db
            .plan(&declaration(&text.replacen(from, to, 1)))
            .await
            .unwrap_err()
            .to_string();
        assert!(refused.contains("test.toml:") && refused.contains(words), "{refused}");
    }
    test.sql("create materialized view stale as select * from usage_logs")
        .await;
    let refused = test
        .db
        .plan(&declaration(&text.replacen("usage_logs u", "stale u", 1)))
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("materialized view"), "{refused}");
    let refused = test
        .db
        .plan(&declaration(&ops().text.replacen("usage_logs u", "shown u", 1)))
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("no table"), "{refused}");
    test.sql("create view shown as select * from usage_logs").await;
    let refused = test
        .db
        .plan(&declaration(&ops().text.replacen("usage_logs u", "shown u", 1)))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("is a view; capture by triggers needs a table") && refused.contains("capture = \"poll\""),
        "{refused}"
    );
    let blind = text.replace(", change = \"a.updated_at\"", "");
    let plan = test.db.plan(&declaration(&blind)).await.unwrap();
    for words in [
        "run tidemark audit ops_metrics --repair every day",
        "create index concurrently on \"public\".\"usage_logs\" (\"updated_at\")",
        "\"accounts\" has no change column",
    ] {
        assert!(
            plan.warnings.iter().any(|warning| warning.contains(words)),
            "{words}: {:?}",
            plan.warnings
        );
    }
    assert!(
        plan.steps
            .iter()
            .any(|step| step.contains("put nothing on the raw tables"))
    );
    test.db.apply(&declaration(&blind), true).await.unwrap();
    test.drain().await;
    let codes = async || -> Vec<(String, Severity)> {
        test.db
            .doctor()
            .await
            .unwrap()
            .into_iter()
            .map(|finding| (finding.code, finding.severity))
            .collect()
    };
    let found = codes().await;
    for code in ["poll_unaudited", "no_change_index"] {
        assert!(found.contains(&(code.to_owned(), Severity::Warning)), "{found:?}");
    }
    test.db.audit("ops_metrics", None, false).await.unwrap();
    test.sql("create index on usage_logs (updated_at); create index on ops_error_logs (updated_at)")
        .await;
    let found = codes().await;
    assert!(
        found
            .iter()
            .all(|(code, _)| code != "poll_unaudited" && code != "no_change_index"),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_declaration_goes_from_triggers_to_polls_and_back_without_a_wrong_answer() {
    let test = TestDb::raw().await;
    test.sql(COLUMNS).await;
    test.sql(NEW).await;
    let triggers = "select count(*) from pg_trigger where tgname like 'tidemark%'";
    for (declaration, count) in [(ops(), 16), (polled(), 0), (ops(), 16)] {
        test.db.apply(&declaration, true).await.unwrap();
        test.sql(NEW).await;
        right(&test, true, "applied").await;
        test.drain().await;
        test.sql(NEW).await;
        right(&test, true, "drained").await;
        test.drain().await;
        right(&test, false, "drained again").await;
        // The old one's triggers go with a later tick.
        test.drain().await;
        assert_eq!(test.one::<i64>(triggers).await, count);
    }
}

/// Lookup rows that are deleted or get another key leave no trace.
fn leaves_no_trace(statement: &str) -> bool {
    ["delete from accounts", "delete from groups", "update groups set id"]
        .iter()
        .any(|start| statement.contains(start))
}

#[tokio::test]
async fn whatever_bumps_its_change_column_is_exact_while_it_is_written_and_after_a_drain() {
    for seed in 1..=setting("TIDEMARK_SEEDS", 2) {
        let seed = setting("TIDEMARK_SEED", seed);
        let mut random = Random::new(seed);
        let test = TestDb::raw().await;
        test.sql(COLUMNS).await;
        test.sql(BUMPED).await;
        test.db.apply(&polled(), true).await.unwrap();
        let system: &System = &OPS_METRICS;
        for step in 0..setting("TIDEMARK_STEPS", 50) {
            let statement = (system.statement)(&mut random);
            if !leaves_no_trace(&statement) {
                // Some break a foreign key.
                sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
                    .execute(test.pool())
                    .await
                    .ok();
            }
            if random.chance(40) {
                test.db.tick("ops_metrics").await.unwrap();
            }
            if random.chance(40) {
                let now = Utc::now().duration_trunc(TimeDelta::minutes(1)).unwrap();
                let question = Question {
                    from: now - TimeDelta::days(45),
                    to: now + TimeDelta::days(3),
                    grain: *random.pick(&[Grain::Hour, Grain::Day, Grain::Total]),
                    tz: *random.pick(&[chrono_tz::UTC, chrono_tz::Asia::Kolkata]),
                    by: BY_ALL,
                };
                let answer = question.ask(&test, ReadMode::Exact).await;
                question.assert_same(
                    &test,
                    &answer,
                    &question.truth(&test).await,
                    &format!("seed {seed}, step {step}"),
                );
            }
            if random.chance(10) {
                let audit = test.db.audit("ops_metrics", None, false).await.unwrap();
                assert_eq!(audit.difference_count, 0, "seed {seed}, step {step}: {audit:?}");
            }
        }
        test.drain().await;
        assert_drained_tables_equal_raw_rows(&test, &format!("seed {seed}, at the end")).await;
    }
}

#[tokio::test]
async fn task_usage_is_right_by_polling_corrections_and_moves_included() {
    let test = TestDb::raw_of(&TASK_USAGE).await;
    let mut random = Random::new(setting("TIDEMARK_SEED", 1));
    let text = Declaration::load("task_usage")
        .unwrap()
        .text
        .replacen("[[source]]", "capture = \"poll\"\n\n[[source]]", 1)
        .replacen(
            "time  = \"u.created_at\"",
            "time  = \"u.created_at\"\nchange = [\"u.updated_at\", \"u.created_at\"]",
            1,
        );
    let text = [
        ("q.id = u.task_id\"", "q"),
        ("a.id = q.agent_id\"", "a"),
        ("i.id = q.issue_id\"", "i"),
    ]
    .iter()
    .fold(text, |text, (on, alias)| {
        text.replacen(on, &format!("{on}, change = \"{alias}.updated_at\""), 1)
    });
    test.sql("create function bump() returns trigger language plpgsql as $$ begin new.updated_at := clock_timestamp(); return new; end $$").await;
    for table in ["task_usage", "agent_task_queue", "agent", "issue"] {
        test.sql(&format!("alter table {table} add column if not exists updated_at timestamptz; create trigger bump before insert or update on {table} for each row execute function bump()")).await;
    }
    for _ in 0..25 {
        sqlx::raw_sql(sqlx::AssertSqlSafe((TASK_USAGE.statement)(&mut random)))
            .execute(test.pool())
            .await
            .ok();
    }
    test.db.apply(&declaration(&text), true).await.unwrap();
    test.drain().await;
    for step in 0..40 {
        let statement = (TASK_USAGE.statement)(&mut random);
        // Deleted lookup rows leave no trace.
        if !statement.contains("delete") {
            sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone()))
                .execute(test.pool())
                .await
                .ok();
        }
        if step % 5 == 4 {
            let now = Utc::now().duration_trunc(TimeDelta::minutes(15)).unwrap();
            let question = Question {
                from: now - TimeDelta::days(45),
                to: now + TimeDelta::days(3),
                grain: Grain::Day,
                tz: chrono_tz::UTC,
                by: BY_ALL,
            };
            let answer = question.ask(&test, ReadMode::Exact).await;
            question.assert_same(
                &test,
                &answer,
                &question.truth(&test).await,
                &format!("step {step}: {statement}"),
            );
        }
    }
    test.drain().await;
    assert_drained_tables_equal_raw_rows(&test, "task_usage").await;
}
