//! A board's panels: each cuts the numbers its own way, and all of them show one snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::AssertSqlSafe;
use tidemark_core::api::{
    BoardAnswer, BoardRequest, BoardSeries, Compare, Grain, PendingKind, ReadMode, State, WeekStart,
};
use tidemark_core::board_check::check_installed;
use tidemark_core::board_spec::{Board, Grouping};

use crate::ask::{declaration, run, within_one_percent};
use crate::harness::TestDb;

const CALLS: &str = r#"
name   = "calls"
grains = ["15m", "hour", "day"]
[[source]]
name       = "call"
table      = "calls c"
time       = "c.at"
dimensions = { region = "c.region", model = "c.model" }
values     = { ms = "c.ms", cost = "c.cost" }
[dimensions.region]
[dimensions.model]
[measures]
calls = { count = "call" }
cost  = { sum = "call.cost", unit = "€" }
times = { distribution = "call.ms", unit = "ms" }
p90   = { quantile = 0.9, of = "times", unit = "ms" }
"#;

/// Two days of calls; NULL and empty models; costs whose sum depends on the order of adding.
const ROWS: &str = "
create table calls (id bigint generated always as identity primary key, at timestamptz not null, region text, model text, ms integer, cost double precision);
create index on calls (at);
insert into calls (at, region, model, ms, cost)
select timestamptz '2026-03-01 00:00Z' + i * interval '61 seconds', (array['eu', 'us', 'ap'])[1 + i % 3], (array['a', 'b', '', null, 'c'])[1 + i % 5], i * 7919 % 1000, 0.1 * (i % 97) + 1e9 * (i % 2)
from generate_series(0, 2800) i;";

pub async fn calls() -> TestDb {
    let test = TestDb::empty().await;
    test.sql(ROWS).await;
    test.db.apply(&declaration(CALLS), true).await.unwrap();
    test.drain_of("calls").await;
    test
}

fn grouping(by: Option<&str>, filter: &str) -> Grouping {
    let by = by.map_or(String::new(), |by| format!("by = \"{by}\"\n"));
    toml::from_str(&format!("{by}where = {{ {filter} }}")).unwrap()
}

pub fn question(rollup: &str, range: &str, groupings: Vec<Grouping>) -> BoardRequest {
    BoardRequest {
        rollup: rollup.to_owned(),
        range: range.to_owned(),
        grain: Some(Grain::Hour),
        tz: "Asia/Kathmandu".to_owned(),
        week_start: WeekStart::Monday,
        by: Some("region".to_owned()),
        filters: vec![],
        groupings,
        mode: ReadMode::Exact,
        compare: None,
    }
}

pub const RANGE: &str = "2026-03-01T06:00Z..2026-03-02T18:00Z";

/// Group, hour in Kathmandu, calls, costs and p90 by plain SQL.
async fn truth(test: &TestDb, by: &str, filter: &str) -> BTreeMap<(Option<String>, String), (f64, f64, f64)> {
    let sql = format!(
        "select {by}, to_char(date_trunc('hour', at at time zone 'Asia/Kathmandu'), 'YYYY-MM-DD\"T\"HH24'), count(*)::float8, sum(cost), percentile_disc(0.9) within group (order by ms)::float8
         from calls where at >= '2026-03-01 06:00Z' and at < '2026-03-02 18:00Z' and {filter} group by 1, 2"
    );
    type Row = (Option<String>, String, f64, f64, f64);
    let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql)).fetch_all(test.pool()).await.unwrap();
    rows.into_iter()
        .map(|(key, hour, n, cost, p90)| ((key, hour), (n, cost, p90)))
        .collect()
}

/// Every bucket of some series equals what SQL says of it, and none is missing.
async fn same(test: &TestDb, answer: &BoardAnswer, series: &[BoardSeries], by: &str, filter: &str) {
    let mut truth = truth(test, by, filter).await;
    for one in series {
        for (at, bucket) in answer.buckets.iter().enumerate() {
            let Some((n, cost, p90)) = truth.remove(&(one.key.clone(), bucket.start[..13].to_owned())) else {
                assert!(
                    one.columns
                        .iter()
                        .all(|column| column[at].is_none_or(|value| value == 0.0)),
                    "{bucket:?} {:?}",
                    one.key
                );
                continue;
            };
            let told: Vec<f64> = one.columns.iter().map(|column| column[at].unwrap()).collect();
            assert_eq!(told[0], n, "{by} {filter} {:?} {}", one.key, bucket.start);
            assert!((told[1] - cost).abs() <= 1e-9 * cost, "{told:?} for {cost}");
            assert!(within_one_percent(told[2], p90), "{told:?} for {p90}");
        }
    }
    assert!(truth.is_empty(), "{by} {filter}: not on the board: {truth:?}");
}

#[tokio::test]
async fn every_panel_equals_the_raw_rows_in_its_own_cut_clean_and_dirty() {
    let test = calls().await;
    let cuts = [
        (Some("model"), "", "model", "true"),
        (None, "region = \"eu\"", "null::text", "region = 'eu'"),
        (
            Some("model"),
            "region = [\"eu\", \"us\"]",
            "model",
            "region in ('eu', 'us')",
        ),
        (Some("region"), "model = { null = true }", "region", "model is null"),
        (
            Some("region"),
            "model = [\"a\", { null = true }], region = \"ap\"",
            "region",
            "(model = 'a' or model is null) and region = 'ap'",
        ),
    ];
    let groupings: Vec<Grouping> = cuts.iter().map(|(by, filter, ..)| grouping(*by, filter)).collect();
    for change in [
        "select 1",
        "update calls set model = 'd', region = 'us' where id % 50 = 7",
        "delete from calls where id between 1000 and 1100",
    ] {
        test.sql(change).await;
        let answer = test
            .db
            .board(&question("calls", RANGE, groupings.clone()))
            .await
            .unwrap();
        assert_eq!(
            (answer.state, answer.live_buckets > 0),
            (State::Exact, change != "select 1")
        );
        same(&test, &answer, &answer.groups, "region", "true").await;
        same(
            &test,
            &answer,
            std::slice::from_ref(&answer.overall),
            "null::text",
            "true",
        )
        .await;
        for (got, (by, _, key, filter)) in answer.groupings.iter().zip(cuts) {
            same(&test, &answer, std::slice::from_ref(&got.overall), "null::text", filter).await;
            assert_eq!(got.groups.is_empty(), by.is_none());
            if by.is_some() {
                same(&test, &answer, &got.groups, key, filter).await;
            }
        }
    }
}

/// Puts a statement at the beginning of one of the rollup's functions.
pub async fn begin_with(test: &TestDb, function: &str, statement: &str) {
    test.sql(&format!(
        "do $do$ begin execute (select regexp_replace(pg_get_functiondef(oid), E'\\nbegin\\n', E'\\nbegin\\n  {statement};\\n') from pg_proc where proname = '{function}'); end $do$"
    ))
    .await;
}

#[tokio::test]
async fn a_board_says_why_buckets_that_wait_were_not_read_live() {
    let test = calls().await;
    test.sql("update calls set cost = 0 where id between 1000 and 1100")
        .await;
    let told = async |mode| {
        let request = BoardRequest {
            mode,
            ..question("calls", RANGE, vec![])
        };
        let answer = test.db.board(&request).await.unwrap();
        (answer.state, answer.pending_reason.map(|reason| reason.kind))
    };
    assert_eq!(told(ReadMode::Exact).await, (State::Exact, None));
    assert_eq!(told(ReadMode::RollupOnly).await, (State::Pending, None));

    let mut altering = test.actor().await;
    run(&mut altering, "begin; lock table calls").await;
    assert_eq!(told(ReadMode::Exact).await, (State::Pending, Some(PendingKind::Locked)));
    run(&mut altering, "rollback").await;

    for (condition, kind) in [
        ("query_canceled", PendingKind::TooSlow),
        ("insufficient_privilege", PendingKind::Forbidden),
        ("division_by_zero", PendingKind::Failed),
    ] {
        begin_with(&test, "calls__raw", &format!("raise {condition}")).await;
        assert_eq!(told(ReadMode::Exact).await, (State::Pending, Some(kind)), "{condition}");
    }
    begin_with(&test, "calls__estimate", "return 4000000").await;
    assert_eq!(
        told(ReadMode::Exact).await,
        (State::Pending, Some(PendingKind::TooMany))
    );
}

#[tokio::test]
async fn panels_of_one_filter_agree_to_the_last_digit_and_with_what_they_are_compared_with() {
    let test = calls().await;
    let mut request = question(
        "calls",
        RANGE,
        vec![
            grouping(Some("model"), ""),
            grouping(None, ""),
            grouping(Some("model"), "region = \"eu\""),
        ],
    );
    request.compare = Some(Compare::PreviousPeriod);
    let answer = test.db.board(&request).await.unwrap();
    for got in &answer.groupings[..2] {
        assert_eq!(
            (&got.overall.columns, &got.overall.total),
            (&answer.overall.columns, &answer.overall.total)
        );
        let (own, other) = (answer.compare.as_ref().unwrap(), got.compare.as_ref().unwrap());
        assert_eq!((own.from_ms, &own.overall.total), (other.from_ms, &other.overall.total));
        assert!(own.overall.total[0].unwrap() > 0.0);
    }
    let filtered = answer.groupings[2].compare.as_ref().unwrap();
    assert_eq!(filtered.groups.len(), 5);
    assert!(filtered.overall.total[0] < answer.compare.as_ref().unwrap().overall.total[0]);
}

/// Write rows until it is stopped, as many of the last hours as of the range; gives how many came.
fn writing(test: &Arc<TestDb>) -> (Arc<AtomicBool>, tokio::task::JoinHandle<u32>) {
    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn({
        let (test, stop) = (Arc::clone(test), Arc::clone(&stop));
        async move {
            let mut written = 0;
            while !stop.load(Ordering::Relaxed) {
                test.sql(
                    "insert into calls (at, region, model, ms, cost) select at, 'eu', 'a', 1, 1 from unnest(array['2026-03-02 10:07Z', now() - interval '1 hour']) at",
                )
                .await;
                written += 1;
            }
            written
        }
    });
    (stop, writer)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_panel_contradicts_another_while_rows_are_written() {
    let test = Arc::new(calls().await);
    let (stop, writer) = writing(&test);
    let cuts = vec![
        grouping(Some("model"), ""),
        grouping(Some("model"), "region = \"eu\""),
        grouping(None, "region = [\"us\", \"ap\"]"),
    ];
    let request = question("calls", RANGE, cuts);
    let mut seen = Vec::new();
    for _ in 0..25 {
        let answer = test.db.board(&request).await.unwrap();
        let all = answer.overall.total[0].unwrap();
        let sum = |groups: &[BoardSeries]| groups.iter().filter_map(|group| group.total[0]).sum::<f64>();
        let [by_model, eu, others] = &answer.groupings[..] else {
            panic!("three groupings")
        };
        assert_eq!((sum(&answer.groups), sum(&by_model.groups)), (all, all));
        assert_eq!(
            sum(&eu.groups) + others.overall.total[0].unwrap(),
            all,
            "eu and the others are all"
        );
        seen.push(all);
    }
    stop.store(true, Ordering::Relaxed);
    assert!(
        writer.await.unwrap() > 0 && seen.first() < seen.last(),
        "rows came meanwhile: {seen:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn boards_of_one_refresh_are_read_at_one_moment_while_rows_are_written() {
    let test = Arc::new(calls().await);
    let (stop, writer) = writing(&test);
    let hours = question("calls", RANGE, vec![]);
    let days = BoardRequest {
        grain: Some(Grain::Total),
        ..hours.clone()
    };
    let missing = BoardRequest {
        by: Some("planet".to_owned()),
        ..hours.clone()
    };
    let mut seen = Vec::new();
    for _ in 0..25 {
        let mut read = test
            .db
            .load_boards(&[hours.clone(), missing.clone(), days.clone()])
            .await
            .unwrap();
        let [hours, missing, days] = &mut read[..] else {
            panic!("three boards")
        };
        assert!(missing.is_err(), "what is wrong with one leaves the others");
        let told = |board: &mut tidemark_db::Result<tidemark_db::LoadedBoard>| {
            let answer = board.as_ref().unwrap().answer();
            (answer.overall.total[0].unwrap(), answer.as_of_ms)
        };
        assert_eq!(told(hours), told(days), "one moment, and the same is said of both");
        seen.push(told(hours).0);
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    assert!(seen.first() < seen.last(), "rows came meanwhile: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_and_its_heatmap_are_read_at_one_moment_while_rows_are_written() {
    let test = Arc::new(calls().await);
    let heat = "title = \"T\"\nby = \"region\"\npanels = [{ title = \"Hours\", kind = \"heatmap\", measures = [\"calls\"], where = { region = \"eu\" } }]";
    let board: Board = toml::from_str(heat).unwrap();
    let request = question("calls", RANGE, board.groupings());
    let total = |answer: &BoardAnswer| answer.groupings[0].overall.total[0].unwrap_or_default();
    let before = total(&test.db.board(&request).await.unwrap());
    let (stop, writer) = writing(&test);
    let mut seen = Vec::new();
    for _ in 0..25 {
        let report = test.db.report(&request, &board).await.unwrap();
        let week = report.week.as_ref().unwrap();
        assert_eq!(total(&report.board) - before, total(week));
        assert_eq!(week.grain, Grain::Hour);
        seen.push(total(week));
    }
    stop.store(true, Ordering::Relaxed);
    writer.await.unwrap();
    assert!(seen.first() < seen.last(), "rows came meanwhile: {seen:?}");
}

#[tokio::test]
async fn an_unknown_dimension_of_a_panel_is_said_before_anything_is_read() {
    let test = calls().await;
    for wrong in [grouping(Some("modle"), ""), grouping(None, "modle = \"a\"")] {
        let failed = test.db.board(&question("calls", RANGE, vec![wrong])).await.unwrap_err();
        assert!(failed.to_string().contains("no dimension \"modle\""), "{failed}");
    }
}

const WEATHER: &str = r#"
name   = "weather"
title  = "Weather"
grains = ["day", "month"]
[[source]]
name      = "reading"
table     = "readings r"
time      = "r.day"
time_zone = "UTC"
values    = { celsius = "r.celsius" }
[measures]
temperature = { distribution = "reading.celsius" }
mean_c      = { mean = "temperature", unit = "°C", label = "mean" }
max_c       = { quantile = 1.0, of = "temperature", unit = "°C", label = "max" }
"#;

#[tokio::test]
async fn a_rollup_of_days_without_dimensions_has_a_board_and_can_have_no_heatmap() {
    let test = TestDb::empty().await;
    test.sql("create table readings (day date, celsius numeric); insert into readings select date '2026-03-01' + i, i - 10 from generate_series(0, 20) i").await;
    test.db.apply(&declaration(WEATHER), true).await.unwrap();
    test.drain_of("weather").await;
    let rollup = test.db.list().await.unwrap().remove(0);
    assert_eq!((rollup.board.title.as_str(), &rollup.board.by), ("Weather", &None));
    assert!(!rollup.board.panels.is_empty());
    check_installed(&rollup.board, &rollup).unwrap();
    let request = BoardRequest {
        by: None,
        grain: None,
        tz: "UTC".to_owned(),
        ..question("weather", "2026-03-01..2026-03-22", rollup.board.groupings())
    };
    let answer = test.db.board(&request).await.unwrap();
    assert_eq!(
        (answer.grain, answer.buckets.len(), answer.groups.len()),
        (Grain::Day, 21, 0)
    );
    assert_eq!(answer.overall.columns[0][4], Some(-6.0));
    assert_eq!(answer.measures[0].unit, "°C");

    let heat = "[board]\ntitle = \"Weather\"\n[[board.panels]]\ntitle = \"Hours\"\nkind = \"heatmap\"\nmeasures = [\"mean_c\"]\n";
    let refused = test
        .db
        .plan(&declaration(&format!("{WEATHER}{heat}")))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        refused.starts_with("test.toml:19:") && refused.contains("hours of the day"),
        "{refused}"
    );
    let board: Board = toml::from_str("title = \"T\"\npanels = [{ title = \"Hours\", kind = \"heatmap\" }]").unwrap();
    assert!(
        check_installed(&board, &rollup)
            .unwrap_err()
            .message
            .contains("of a day")
    );
    // Saved when there were hours, the rest of it is still drawn.
    let report = test.db.report(&request, &board).await.unwrap();
    assert!(report.week.is_none() && report.board.buckets.len() == 21);
}
