//! The raw rows behind a number, listed as the role that asks.

use std::collections::BTreeMap;

use sqlx::Row;
use tidemark_core::api::{DimensionFilter, RowFilter, RowsAnswer, RowsRequest};
use tidemark_db::{Db, Error, Result};

use crate::ask::declaration;
use crate::harness::{TestDb, at, connect, url_of};
use crate::stop::until;

const LOGS: &str = "
    insert into usage_logs (created_at, account_id, model, duration_ms)
    select timestamptz '2026-11-20 12:00+00' + i * interval '7 seconds', 1 + i % 4, case i % 3 when 0 then 'm' when 1 then '' end, i from generate_series(0, 299) i;
    insert into ops_error_logs (created_at, account_id, platform, status_code, error_type, error_message)
    select timestamptz '2026-11-20 12:00+00' + i * interval '41 seconds', 1 + i % 4, case i % 5 when 0 then 'azure' end, (array[429, 500, 503, null])[1 + i % 4],
      case i % 6 when 0 then 'timeout' end, case i % 3 when 0 then '' when 1 then 'it \"broke\", twice' end from generate_series(0, 49) i;";

fn request() -> RowsRequest {
    RowsRequest {
        rollup: "ops_metrics".to_owned(),
        from: at("2026-11-20T12:00:00Z"),
        to: at("2026-11-20T12:15:00Z"),
        tz: "Asia/Kolkata".to_owned(),
        measures: Vec::new(),
        filters: Vec::new(),
        source: None,
        labels: Vec::new(),
        limit: 1_000,
    }
}

async fn list(db: &Db, request: &RowsRequest) -> Result<RowsAnswer> {
    db.rows(request).await
}

/// Each row as source, time and values by label.
fn told(answer: &RowsAnswer) -> Vec<(String, String, BTreeMap<String, Option<String>>)> {
    answer
        .rows
        .iter()
        .map(|row| {
            let source = &answer.sources[row.source];
            let values = source.labels.iter().cloned().zip(row.values.iter().cloned()).collect();
            (source.name.clone(), row.at.clone(), values)
        })
        .collect()
}

/// Independent of the engine: a text with what a row is, in the order of the list.
const BY_HAND: &str = "
    with r as (
      select 1 as o, e.created_at as t, 'errors ' || coalesce(quote_literal(e.error_message), 'NULL') || coalesce(e.status_code::text, 'NULL') || coalesce(e.error_type, 'NULL') as said,
        coalesce(nullif(e.platform, ''), g.platform, a.platform, '') as platform, e.status_code
      from ops_error_logs e left join groups g on g.id = e.group_id left join accounts a on a.id = e.account_id
      union all
      select 2, u.created_at, 'usage ' || coalesce(quote_literal(u.model), 'NULL') || u.duration_ms, coalesce(nullif(g.platform, ''), a.platform, ''), null
      from usage_logs u left join groups g on g.id = u.group_id left join accounts a on a.id = u.account_id
    ) select said from r where t >= '2026-11-20 12:00+00' and t < '2026-11-20 12:15+00' and ";

fn in_words(answer: &RowsAnswer) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "NULL".to_owned());
    let literal = |value: &Option<String>| {
        value
            .as_ref()
            .map_or_else(|| "NULL".to_owned(), |text| format!("'{}'", text.replace('\'', "''")))
    };
    told(answer)
        .iter()
        .map(|(source, _, values)| {
            if source == "errors" {
                format!(
                    "errors {}{}{}",
                    literal(&values["message"]),
                    text(&values["status"]),
                    text(&values["type"])
                )
            } else {
                format!("usage {}{}", literal(&values["model"]), text(&values["duration_ms"]))
            }
        })
        .collect()
}

async fn by_hand(test: &TestDb, condition: &str) -> Vec<String> {
    let sql = format!("{BY_HAND} {condition} order by o, t desc");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .fetch_all(test.pool())
        .await
        .unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn rows_are_those_that_the_number_counts_errors_first_and_newest_first() {
    let test = TestDb::ops().await;
    test.sql(LOGS).await;
    let all = list(&test.db, &request()).await.unwrap();
    assert_eq!(in_words(&all), by_hand(&test, "true").await);
    assert!(!all.more && all.rows.len() > 100);
    assert_eq!(told(&all)[0].1, "2026-11-20T17:44:21+05:30", "the viewer's clock");

    let platform = DimensionFilter {
        dimension: "platform".to_owned(),
        values: vec![Some("openai".to_owned()), Some(String::new())],
    };
    let some = list(
        &test.db,
        &RowsRequest {
            filters: vec![platform],
            ..request()
        },
    )
    .await
    .unwrap();
    assert_eq!(in_words(&some), by_hand(&test, "platform in ('openai', '')").await);

    let measures = vec!["outcome_5xx_count".to_owned()];
    let failed = list(&test.db, &RowsRequest { measures, ..request() }).await.unwrap();
    assert_eq!(
        in_words(&failed),
        by_hand(&test, "status_code >= 500 and said !~ 'timeout'").await
    );
    assert_eq!(failed.sources.len(), 1, "no success is a 5xx");

    let measures = vec!["p99_latency_ms".to_owned()];
    let latency = list(&test.db, &RowsRequest { measures, ..request() }).await.unwrap();
    assert_eq!(in_words(&latency), by_hand(&test, "o = 2").await);
}

#[tokio::test]
async fn a_list_that_is_cut_says_so_and_keeps_the_errors() {
    let test = TestDb::ops().await;
    test.sql(LOGS).await;
    let all = in_words(&list(&test.db, &request()).await.unwrap());
    for limit in [1, 5, 22, 30, all.len() - 1, all.len()] {
        let cut = list(
            &test.db,
            &RowsRequest {
                limit: limit as u32,
                ..request()
            },
        )
        .await
        .unwrap();
        assert_eq!(in_words(&cut), all[..limit]);
        assert_eq!(cut.more, limit < all.len(), "{limit}");
    }
}

#[tokio::test]
async fn null_the_empty_text_and_a_text_are_three_things_to_filter_by() {
    let test = TestDb::ops().await;
    test.sql(LOGS).await;
    for (value, condition) in [
        (None, "is null"),
        (Some(""), "= ''"),
        (Some("it \"broke\", twice"), "<> ''"),
    ] {
        let labels = vec![RowFilter {
            label: "message".to_owned(),
            value: value.map(str::to_owned),
        }];
        let answer = list(&test.db, &RowsRequest { labels, ..request() }).await.unwrap();
        let expected: i64 = test.one(&format!("select count(*) from ops_error_logs where error_message {condition} and created_at < '2026-11-20 12:15+00'")).await;
        assert_eq!(answer.rows.len() as i64, expected, "{value:?}");
        assert!(
            told(&answer)
                .iter()
                .all(|(source, _, values)| source == "errors" && values["message"].as_deref() == value)
        );
    }
    // A label of one source only: rows of the other have no such thing, and are not NULL there.
    let only = list(
        &test.db,
        &RowsRequest {
            source: Some("usage".to_owned()),
            ..request()
        },
    )
    .await
    .unwrap();
    assert!(
        told(&only)
            .iter()
            .all(|(source, _, values)| source == "usage" && !values.contains_key("message"))
    );
    let labels = vec![RowFilter {
        label: "mesage".to_owned(),
        value: None,
    }];
    let error = list(&test.db, &RowsRequest { labels, ..request() }).await.unwrap_err();
    assert!(error.to_string().contains("Did you mean message?"), "{error}");
}

#[tokio::test]
async fn without_the_right_to_raw_rows_it_says_which_grant_is_missing() {
    let test = TestDb::ops().await;
    test.sql(LOGS).await;
    let role = format!("rows_{}", test.name());
    test.sql(&format!(
        "create role {role} login; grant usage on schema tidemark to {role}; grant select on all tables in schema tidemark to {role};
         grant execute on all functions in schema tidemark to {role}; grant select on ops_error_logs, groups to {role}"
    ))
    .await;
    let viewer = connect(&url_of(test.name(), Some(&role))).await;
    let refused = list(&viewer, &request()).await.unwrap_err();
    assert!(matches!(refused, Error::Forbidden { .. }), "{refused:?}");
    let grant = format!("grant select on public.accounts, public.usage_logs to {role};");
    assert!(refused.to_string().contains(&grant), "{refused}");
    test.sql(&grant).await;
    assert_eq!(
        in_words(&list(&viewer, &request()).await.unwrap()),
        by_hand(&test, "true").await
    );

    // Row security applies to whoever asks, and is said.
    test.sql(
        "alter table usage_logs enable row level security; create policy few on usage_logs using (duration_ms < 10)",
    )
    .await;
    let few = list(&viewer, &request()).await.unwrap();
    assert_eq!(told(&few).iter().filter(|row| row.0 == "usage").count(), 10);
    assert_eq!(
        few.sources.iter().map(|source| source.row_security).collect::<Vec<_>>(),
        [false, true]
    );
    drop(viewer);
    test.sql(&format!("drop owned by {role}; drop role {role}")).await;
}

const SLOW: &str = r#"
name = "slow"
grains = ["15m", "hour"]
[[source]]
name = "usage"
table = "usage_logs u"
time = "u.created_at"
rows = { nap = "pg_sleep(60)::text" }
[measures]
n = { count = "usage" }
"#;

/// Whether somebody naps in the test's database.
const NAPS: &str =
    "exists (select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep')";

#[tokio::test]
async fn a_list_that_nobody_waits_for_any_more_ends_on_the_server_too() {
    let test = TestDb::raw().await;
    test.sql(LOGS).await;
    test.db.apply(&declaration(SLOW), true).await.unwrap();
    let asked = RowsRequest {
        rollup: "slow".to_owned(),
        ..request()
    };
    let db = test.db.clone();
    let reading = tokio::spawn(async move { db.rows(&asked).await });
    until(&test, NAPS).await;
    reading.abort();
    let begun = std::time::Instant::now();
    until(&test, &format!("not {NAPS}")).await;
    assert!(
        begun.elapsed().as_secs() < 4,
        "ended by its time-out, not by whoever waited"
    );
}

#[tokio::test]
async fn a_list_that_takes_too_long_is_stopped_and_says_so() {
    let test = TestDb::raw().await;
    test.sql(LOGS).await;
    test.db.apply(&declaration(SLOW), true).await.unwrap();
    let error = list(
        &test.db,
        &RowsRequest {
            rollup: "slow".to_owned(),
            ..request()
        },
    )
    .await
    .unwrap_err();
    assert_eq!(error.info().code, "rows_too_slow", "{error}");
    assert!(!test.one::<bool>(&format!("select {NAPS}")).await);
}

#[tokio::test]
async fn what_is_only_shown_is_checked_but_not_watched() {
    let test = TestDb::raw().await;
    let text = SLOW.replace("pg_sleep(60)::text", "a.name").replace(
        "time = \"u.created_at\"",
        "time = \"u.created_at\"\nlookups = [{ table = \"accounts a\", on = \"a.id = u.account_id\" }]",
    );
    let wrong = test
        .db
        .plan(&declaration(&text.replace("a.name", "a.nam")))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        wrong.starts_with("test.toml:9: rows, \"nap\" of source \"usage\": column a.nam does not exist"),
        "{wrong}"
    );
    test.db.apply(&declaration(&text), true).await.unwrap();
    test.drain_of("slow").await;
    test.sql("update accounts set name = 'other'").await;
    assert_eq!(test.one::<i64>("select count(*) from tidemark.mark").await, 0);
    // Showing something else builds nothing anew.
    let plan = test
        .db
        .plan(&declaration(&text.replace("a.name", "a.platform")))
        .await
        .unwrap();
    assert_eq!(
        plan.steps,
        ["store the declaration; names, labels or the board changed, numbers did not"]
    );
}
