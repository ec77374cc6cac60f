//! A changed declaration: built beside the installed one, which is read until the new one takes its place.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use tidemark_core::api::{Grain, JobKind, JobState, QueryAnswer, State};

use crate::ask::{FROM, TO, code, declaration, question, run};
use crate::harness::{TestDb, at};

const TABLE: &str = "
    create table orders (id bigint generated always as identity primary key, at timestamptz not null, city text, kind text, amount integer);
    create index on orders (at);
    insert into orders (at, city, kind, amount)
    select timestamptz '2026-03-01 00:00+00' + i * interval '11 minutes', (array['Lyon', 'Porto', null])[1 + i % 3], (array['web', 'shop'])[1 + i % 2], i % 997
    from generate_series(1, 6000) i";

/// A declaration of `shop`: its grains, its filter, whether it groups by kind, its measures.
fn shop(grains: &str, filter: &str, by_kind: bool, measures: &str) -> String {
    let (kind, dimension) = if by_kind {
        (", kind = \"o.kind\"", "[dimensions.kind]\n")
    } else {
        ("", "")
    };
    format!(
        "name = \"shop\"\ngrains = [{grains}]\n[[source]]\nname = \"orders\"\ntable = \"orders o\"\ntime = \"o.at\"\n{filter}\n\
         dimensions = {{ city = \"o.city\"{kind} }}\nvalues = {{ amount = \"o.amount\" }}\n[dimensions.city]\n{dimension}\
         [measures]\n{measures}\n[[relation]]\nname = \"shop_daily\"\ngrain = \"day\"\n"
    )
}

const OLD: &str = "n = { count = \"orders\" }\ntotal = { sum = \"orders.amount\" }";
const NEW: &str = "n = { count = \"orders\" }\nbig = { count = \"orders\", where = \"amount > 500\" }\ntotal = { sum = \"orders.amount\" }";

fn old() -> String {
    shop("\"hour\", \"day\"", "", false, OLD)
}

async fn installed() -> TestDb {
    let test = TestDb::empty().await;
    test.sql(TABLE).await;
    test.db.apply(&declaration(&old()), true).await.unwrap();
    test.drain_of("shop").await;
    test
}

async fn ask(test: &TestDb, measures: &[&str], by: &[&str], grain: Grain) -> QueryAnswer {
    let mut request = question("shop", at(FROM), at(TO), grain, chrono_tz::UTC);
    request.measures = measures.iter().map(|name| (*name).to_owned()).collect();
    request.by = by.iter().map(|name| (*name).to_owned()).collect();
    test.ask(&request).await
}

/// What the raw rows say, by an independent GROUP BY: one measure, by one column.
async fn truth(actor: &mut PgConnection, sql: &str, by: &str) -> BTreeMap<Option<String>, i64> {
    let rows: Vec<(Option<String>, i64)> = sqlx::query_as(AssertSqlSafe(format!(
        "select {by}, ({sql})::bigint from orders group by 1"
    )))
    .fetch_all(actor)
    .await
    .unwrap();
    rows.into_iter().collect()
}

fn told(answer: &QueryAnswer, measure: &str, by: &str) -> BTreeMap<Option<String>, i64> {
    let mut all = BTreeMap::new();
    for row in &answer.rows {
        let group = row.values[by].as_str().map(str::to_owned);
        *all.entry(group).or_insert(0) += row.values[measure].as_i64().unwrap_or_default();
    }
    all
}

async fn triggers(test: &TestDb) -> i64 {
    test.one("select count(*) from pg_trigger where tgname like 'tidemark%' and tgrelid = 'orders'::regclass")
        .await
}

/// Everything that was made for a declaration that is no longer there is gone.
async fn nothing_is_left_over(test: &TestDb) {
    assert_eq!(triggers(test).await, 4, "one set of triggers");
    let rows: i64 = test.one("select count(*) from tidemark.rollup").await;
    let tables: i64 = test
        .one("select count(distinct split_part(relname, '__', 1)) from pg_class where relnamespace = 'tidemark'::regnamespace and relkind = 'r' and relname like 'shop%'")
        .await;
    assert_eq!((rows, tables), (1, 1));
}

#[tokio::test]
async fn the_old_measures_go_on_being_read_while_a_new_one_is_built() {
    let test = installed().await;
    let mut other = test.actor().await;
    let plan = test
        .db
        .plan(&declaration(&shop("\"hour\", \"day\"", "", false, NEW)))
        .await
        .unwrap();
    assert_eq!(plan.steps[0], "add measure big", "{:?}", plan.steps);
    assert!(plan.sql.contains("shop~__hour"), "the SQL says where it will lie");
    test.db
        .apply(&declaration(&shop("\"hour\", \"day\"", "", false, NEW)), true)
        .await
        .unwrap();
    // Nothing was ticked: the old one answers from its tables, as exactly as before.
    let answer = ask(&test, &["n", "total"], &["city"], Grain::Day).await;
    assert_eq!((answer.state, answer.live_buckets), (State::Exact, 0));
    assert_eq!(told(&answer, "n", "city"), truth(&mut other, "count(*)", "city").await);
    let rebuilding = test
        .status_of("shop")
        .await
        .rebuilding
        .expect("it says that it is being built");
    assert!(rebuilding.pending_buckets > 0 && rebuilding.buckets_total == Some(rebuilding.pending_buckets));
    // The new one is right, live, or says pending; from the rollup alone it says pending.
    let mut request = question("shop", at(FROM), at(TO), Grain::Total, chrono_tz::UTC);
    request.measures = vec!["big".to_owned()];
    request.by = vec!["city".to_owned()];
    let live = test.ask(&request).await;
    assert_eq!(live.state, State::Exact);
    assert_eq!(
        told(&live, "big", "city"),
        truth(&mut other, "count(*) filter (where amount > 500)", "city").await
    );
    request.mode = tidemark_core::api::ReadMode::RollupOnly;
    assert_eq!(test.ask(&request).await.state, State::Pending);
    // What is written meanwhile is in both.
    test.sql("insert into orders (at, city, kind, amount) values ('2026-03-02 12:00+00', 'Lyon', 'web', 900)")
        .await;
    let answer = ask(&test, &["n"], &["city"], Grain::Total).await;
    assert_eq!(answer.state, State::Exact);
    assert_eq!(told(&answer, "n", "city"), truth(&mut other, "count(*)", "city").await);
    test.drain_of("shop").await;
    let answer = ask(&test, &["n", "big"], &["city"], Grain::Day).await;
    assert_eq!((answer.state, answer.live_buckets), (State::Exact, 0));
    assert_eq!(
        told(&answer, "big", "city"),
        truth(&mut other, "count(*) filter (where amount > 500)", "city").await
    );
    let relation: i64 = test.one("select sum(big)::bigint from tidemark.shop_daily").await;
    let raw: i64 = test.one("select count(*) from orders where amount > 500").await;
    assert_eq!(relation, raw, "the relation has the new column");
    assert!(test.status_of("shop").await.rebuilding.is_none());
    assert_eq!(test.db.audit("shop", None, false).await.unwrap().difference_count, 0);
    nothing_is_left_over(&test).await;
}

#[tokio::test]
async fn a_new_dimension_grain_and_filter_are_right_or_pending_at_every_step() {
    let test = installed().await;
    let mut other = test.actor().await;
    let new = shop("\"15m\", \"hour\", \"day\"", "where = \"o.amount <> 13\"", true, NEW);
    test.db.apply(&declaration(&new), true).await.unwrap();
    let steps = [
        "insert into orders (at, city, kind, amount) select '2026-03-20 00:00+00'::timestamptz + i * interval '1 hour', 'Graz', 'web', 700 from generate_series(1, 50) i",
        "update orders set city = 'Porto' where id % 17 = 0",
        "delete from orders where id % 29 = 0",
        "update orders set at = at + interval '3 days', kind = 'shop' where id % 31 = 0",
    ];
    let mut promoted = false;
    for round in 0..200 {
        if let Some(step) = steps.get(round) {
            test.sql(step).await;
        }
        // A question that both can answer, and one for the new one only.
        let answer = ask(&test, &["total"], &["city"], Grain::Day).await;
        if !promoted && answer.state == State::Exact {
            promoted = test.status_of("shop").await.rebuilding.is_none();
            if !promoted {
                let raw = truth(&mut other, "coalesce(sum(amount), 0)", "city").await;
                assert_eq!(told(&answer, "total", "city"), raw, "round {round}");
            }
        }
        let new = ask(&test, &["n"], &["kind"], Grain::Day).await;
        if new.state == State::Exact {
            let raw = truth(&mut other, "count(*) filter (where amount <> 13)", "kind").await;
            assert_eq!(told(&new, "n", "kind"), raw, "round {round}");
        }
        if promoted && round >= steps.len() {
            break;
        }
        test.db.tick("shop").await.unwrap();
    }
    assert!(promoted);
    test.drain_of("shop").await;
    let new = ask(&test, &["n"], &["kind"], Grain::QuarterHour).await;
    assert_eq!((new.state, new.live_buckets), (State::Exact, 0));
    assert_eq!(
        told(&new, "n", "kind"),
        truth(&mut other, "count(*) filter (where amount <> 13)", "kind").await
    );
    nothing_is_left_over(&test).await;
}

#[tokio::test]
async fn readers_never_fail_and_never_err_while_one_takes_the_others_place() {
    let test = installed().await;
    let raw = truth(&mut test.actor().await, "coalesce(sum(amount), 0)", "city").await;
    for measures in [NEW, OLD, NEW] {
        test.db
            .apply(&declaration(&shop("\"hour\", \"day\"", "", false, measures)), true)
            .await
            .unwrap();
        let db = test.db.clone();
        let drain = tokio::spawn(async move { db.drain("shop", &mut |_| {}).await.map(|report| report.left) });
        let mut asked = 0;
        while !drain.is_finished() || asked < 5 {
            let answer = ask(&test, &["total"], &["city"], Grain::Day).await;
            assert_eq!(answer.state, State::Exact);
            assert_eq!(told(&answer, "total", "city"), raw);
            asked += 1;
        }
        assert_eq!(drain.await.unwrap().unwrap(), 0);
    }
    test.drain_of("shop").await;
    nothing_is_left_over(&test).await;
}

#[tokio::test]
async fn the_old_declaration_applied_again_drops_the_new_one() {
    let test = installed().await;
    test.db
        .apply(&declaration(&shop("\"hour\", \"day\"", "", false, NEW)), true)
        .await
        .unwrap();
    assert_eq!(triggers(&test).await, 8);
    let plan = test.db.apply(&declaration(&old()), true).await.unwrap();
    assert_eq!(
        plan.steps,
        ["drop the changed declaration that is being built; the installed one stays"]
    );
    nothing_is_left_over(&test).await;
    let answer = ask(&test, &["n"], &["city"], Grain::Day).await;
    assert_eq!((answer.state, answer.live_buckets), (State::Exact, 0));
}

#[tokio::test]
async fn a_third_declaration_takes_the_seconds_place_in_the_queue() {
    let test = installed().await;
    let second = declaration(&shop("\"hour\", \"day\"", "", false, NEW));
    test.db.apply(&second, true).await.unwrap();
    let again = test.db.apply(&second, true).await.unwrap();
    assert!(again.steps.is_empty(), "it is being built already: {:?}", again.steps);
    let third = declaration(&shop("\"hour\", \"day\", \"month\"", "", true, OLD));
    test.db.apply(&third, true).await.unwrap();
    test.drain_of("shop").await;
    nothing_is_left_over(&test).await;
    let mut request = question("shop", at(FROM), at(TO), Grain::Total, chrono_tz::UTC);
    request.measures = vec!["big".to_owned()];
    assert_eq!(code(test.db.query(&request).await), "unknown_measure");
    let answer = ask(&test, &["n"], &["kind"], Grain::Month).await;
    let raw = truth(&mut test.actor().await, "count(*)", "kind").await;
    assert_eq!(told(&answer, "n", "kind"), raw);
}

#[tokio::test]
async fn a_cancelled_build_leaves_the_installed_declaration_and_its_history() {
    let test = installed().await;
    test.db
        .apply(&declaration(&shop("\"hour\", \"day\"", "", false, NEW)), true)
        .await
        .unwrap();
    let jobs = test.db.jobs().await.unwrap();
    let build = jobs
        .iter()
        .find(|job| job.kind == JobKind::Build && job.state == JobState::Running)
        .unwrap();
    let job = test.db.cancel_job(build.id).await.unwrap();
    assert_eq!((job.state, job.rollup.as_str()), (JobState::Cancelled, "shop"));
    nothing_is_left_over(&test).await;
    test.drain_of("shop").await;
    assert_eq!(ask(&test, &["n"], &[], Grain::Total).await.live_buckets, 0);
}

#[tokio::test]
async fn a_declaration_that_is_not_built_takes_nobodys_place() {
    let test = installed().await;
    test.db
        .apply(&declaration(&shop("\"hour\", \"day\"", "", false, NEW)), true)
        .await
        .unwrap();
    let build = test
        .db
        .jobs()
        .await
        .unwrap()
        .into_iter()
        .find(|job| job.state == JobState::Running)
        .unwrap();
    test.db.pause_job(build.id).await.unwrap();
    for _ in 0..3 {
        test.sql("insert into orders (at, city, amount) values ('2026-03-05 00:00+00', 'Lyon', 501)")
            .await;
        test.db.tick("shop").await.unwrap();
    }
    assert!(test.status_of("shop").await.rebuilding.is_some());
    let answer = ask(&test, &["n"], &["city"], Grain::Day).await;
    assert_eq!(
        (answer.state, answer.live_buckets),
        (State::Exact, 0),
        "the old one keeps up"
    );
    let error = test
        .db
        .purge("shop", at("2026-03-03T00:00:00Z"), true, &mut |_| {})
        .await;
    assert_eq!(code(error), "being_rebuilt");
    test.db.resume_job(build.id).await.unwrap();
    test.drain_of("shop").await;
    let answer = ask(&test, &["big"], &["city"], Grain::Day).await;
    assert_eq!((answer.state, answer.live_buckets), (State::Exact, 0));
    nothing_is_left_over(&test).await;
}

#[tokio::test]
async fn a_busy_raw_table_holds_up_the_clearing_and_not_the_new_declaration() {
    let test = installed().await;
    test.db
        .apply(&declaration(&shop("\"hour\", \"day\"", "", false, NEW)), true)
        .await
        .unwrap();
    let mut writer = test.actor().await;
    run(
        &mut writer,
        "begin; insert into orders (at, city, amount) values ('2026-03-03 00:00+00', 'Lyon', 501)",
    )
    .await;
    test.drain_of("shop").await;
    assert!(
        test.status_of("shop").await.rebuilding.is_none(),
        "it has taken its place"
    );
    assert_eq!(triggers(&test).await, 8, "the old triggers wait for the writer");
    let findings = test.db.doctor().await.unwrap();
    assert!(
        findings.iter().any(|finding| finding.code == "retired"),
        "doctor says so: {findings:?}"
    );
    run(&mut writer, "commit").await;
    test.drain_of("shop").await;
    nothing_is_left_over(&test).await;
    let marks: i64 = test.one("select count(*) from tidemark.mark").await;
    assert_eq!(marks, 0, "nobody marks for what is gone");
    let answer = ask(&test, &["big"], &["city"], Grain::Total).await;
    let raw = truth(&mut test.actor().await, "count(*) filter (where amount > 500)", "city").await;
    assert_eq!(told(&answer, "big", "city"), raw);
}

#[tokio::test]
async fn a_view_of_the_operators_own_on_a_relation_refuses_the_change() {
    let test = installed().await;
    test.sql("create view mine as select * from tidemark.shop_daily").await;
    let new = declaration(&shop("\"hour\", \"day\"", "", false, NEW));
    assert_eq!(code(test.db.plan(&new).await), "views_depend");
    assert_eq!(code(test.db.apply(&new, true).await), "views_depend");
    assert_eq!(triggers(&test).await, 4, "nothing was changed");
    // One that is made while the new declaration is built: it waits, and says why.
    test.sql("drop view mine").await;
    test.db.apply(&new, true).await.unwrap();
    test.sql("create view mine as select * from tidemark.shop_daily").await;
    for _ in 0..20 {
        test.db.tick("shop").await.unwrap();
    }
    let status = test.status_of("shop").await;
    assert!(
        status.last_error.as_deref().is_some_and(|error| error.contains("mine")),
        "{status:?}"
    );
    assert_eq!(ask(&test, &["n"], &[], Grain::Total).await.state, State::Exact);
    test.sql("drop view mine").await;
    test.drain_of("shop").await;
    nothing_is_left_over(&test).await;
}

#[tokio::test]
async fn an_apply_that_was_cut_short_is_done_again() {
    let test = installed().await;
    let new = declaration(&shop("\"hour\", \"day\"", "", false, NEW));
    test.db.apply(&new, true).await.unwrap();
    // As a crash between tables and triggers leaves it.
    test.sql(
        "do $$ declare t text; begin
           for t in select tgname from pg_trigger where tgname like 'tidemark_shop~%' loop execute format('drop trigger %I on orders', t); end loop;
         end $$;
         delete from tidemark.dirty where rollup_id = (select id from tidemark.rollup where stage = 'next');
         delete from tidemark.job where rollup_id = (select id from tidemark.rollup where stage = 'next');
         update tidemark.rollup set active = false where stage = 'next'",
    )
    .await;
    test.drain_of("shop").await;
    assert_eq!(
        ask(&test, &["n"], &[], Grain::Total).await.live_buckets,
        0,
        "the old one is read"
    );
    test.db.apply(&new, true).await.unwrap();
    test.drain_of("shop").await;
    nothing_is_left_over(&test).await;
    let answer = ask(&test, &["big"], &["city"], Grain::Total).await;
    assert_eq!((answer.state, answer.live_buckets), (State::Exact, 0));
    assert_eq!(
        told(&answer, "big", "city"),
        truth(&mut test.actor().await, "count(*) filter (where amount > 500)", "city").await
    );
    let total = ask(&test, &["total"], &[], Grain::Total).await;
    assert_eq!(
        total.rows[0].values["total"],
        Value::from(test.one::<i64>("select sum(amount) from orders").await)
    );
}

/// A reader keeps what it knows of a declaration; each change of it is seen by the next question.
#[tokio::test]
async fn a_reader_that_knows_a_declaration_sees_each_that_takes_its_place() {
    let test = installed().await;
    let reader = crate::harness::connect(&crate::harness::url_of(test.name(), None)).await;
    let days = |measure: &str| {
        let mut request = question("shop", at(FROM), at(TO), Grain::Total, chrono_tz::UTC);
        request.measures = vec![measure.to_owned()];
        request
    };
    let mut told = Vec::new();
    for (measures, name) in [
        (OLD, "n"),
        // The same name for something else: the tables are made anew.
        ("n = { count = \"orders\", where = \"amount > 500\" }", "n"),
        // The same tables under another title of the unit: changed in place.
        (
            "n = { count = \"orders\", where = \"amount > 500\", unit = \"orders\" }",
            "n",
        ),
        (
            "n = { count = \"orders\" }\ntotal = { sum = \"orders.amount\" }",
            "total",
        ),
    ] {
        let changed = declaration(&shop("\"hour\", \"day\"", "", false, measures));
        test.db.apply(&changed, true).await.unwrap();
        test.drain_of("shop").await;
        let answer = reader.query(&days(name)).await.unwrap();
        let total: i64 = answer.rows.iter().filter_map(|row| row.values[name].as_i64()).sum();
        told.push((answer.measures[0].unit.clone(), total));
    }
    let raw = |sql: &str| format!("select ({sql})::bigint from orders");
    let all: i64 = test.one(&raw("count(*)")).await;
    let big: i64 = test.one(&raw("count(*) filter (where amount > 500)")).await;
    let sum: i64 = test.one(&raw("sum(amount)")).await;
    let numbers: Vec<i64> = told.iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers, [all, big, big, sum]);
    assert_eq!((told[1].0.as_str(), told[2].0.as_str()), ("", "orders"));
    test.db.drop_rollup("shop").await.unwrap();
    assert_eq!(code(reader.query(&days("total")).await), "unknown_rollup");
    test.db.uninstall().await.unwrap();
    assert_eq!(code(reader.query(&days("total")).await), "not_installed");
}
