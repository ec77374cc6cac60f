//! Declarations that are written for tables: each applies as it stands, and every number equals the raw rows.

use std::collections::BTreeMap;

use tidemark_core::api::{BoardRequest, Grain, ReadMode, State, WeekStart};
use tidemark_core::draft::{Draft, Wish};

use crate::agree::Raw;
use crate::ask::{FROM, TO, code, declaration, question};
use crate::harness::{TestDb, at};

async fn drafted(test: &TestDb, table: &str) -> Draft {
    let draft = test
        .db
        .draft(table, &Wish::default())
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    test.db
        .apply(&declaration(&draft.declaration), true)
        .await
        .unwrap_or_else(|error| panic!("{error}\n{}", draft.declaration));
    test.drain_of(&draft.rollup).await;
    draft
}

/// Every number from the rollup alone, by day, month and in all; then the board and the audit.
async fn agrees(raw: &Raw<'_>, test: &TestDb, draft: &Draft) {
    let grains = [Grain::Day, Grain::Month, Grain::Total];
    raw.agrees_now_and_drained(test, &grains, &draft.declaration).await;
    let board = BoardRequest {
        rollup: draft.rollup.clone(),
        range: format!("{FROM}..{TO}"),
        grain: Some(Grain::Day),
        tz: "UTC".to_owned(),
        week_start: WeekStart::Monday,
        by: raw.by.first().map(|(name, _)| (*name).to_owned()),
        filters: Vec::new(),
        groupings: Vec::new(),
        mode: ReadMode::Exact,
        compare: None,
    };
    let drawn = test.db.board(&board).await.unwrap();
    assert_eq!(drawn.state, State::Exact, "{}", draft.declaration);
    let summary = test.db.list().await.unwrap();
    let board = &summary[0].board;
    assert!(board.panels.len() >= 2 && !board.tiles.is_empty(), "{board:?}");
}

const SHOP: &str = r#"
create type carrier as enum ('dhl', 'ups', 'gls');
create domain sku as text check (length(value) > 2);
create table customers (id bigint primary key, name text not null, email text);
create table orders (
  id bigint generated always as identity primary key, created_at timestamptz not null default now(), updated_at timestamptz,
  customer_id bigint references customers, status text not null, carrier carrier, article sku, amount numeric(10, 2), quantity smallint,
  duration_ms integer, is_gift boolean, deleted_at timestamptz, note text);
create index on orders (created_at);
insert into customers select n, 'customer ' || n from generate_series(1, 7) n;
select setseed(0.3);
insert into orders (created_at, updated_at, customer_id, status, carrier, article, amount, quantity, duration_ms, is_gift, note)
select '2026-03-01'::timestamptz + i * interval '37 minutes', now(), nullif(i % 8, 0), (array['paid', 'shipped', 'failed', 'it''s odd'])[1 + i / 3 % 4],
  (array['dhl', 'ups', null]::carrier[])[1 + i % 3], 'sku' || i % 5, nullif(round((random() * 100)::numeric, 2), 5), i % 4,
  nullif(i % 800, 5), (array[true, false, null])[1 + i % 3], md5(i::text)
from generate_series(1, 3000) i;"#;

#[tokio::test]
async fn a_shops_table_gives_lookups_counts_sums_and_percentiles_that_equal_the_raw_rows() {
    let test = TestDb::empty().await;
    test.sql(SHOP).await;
    let draft = drafted(&test, "orders").await;
    assert_eq!(
        (draft.table.as_str(), draft.rollup.as_str(), draft.notes.len()),
        ("public.orders", "orders", 0)
    );
    let raw = Raw {
        rollup: &draft.rollup,
        from: "orders o left join customers c on c.id = o.customer_id",
        instant: "o.created_at",
        by: &[
            ("carrier", "o.carrier"),
            ("status", "o.status"),
            ("customer", "c.name"),
            ("article", "o.article"),
        ],
        measures: &[
            ("order_count", "count(*)"),
            ("paid_count", "count(*) filter (where status = 'paid')"),
            ("it_s_odd_count", "count(*) filter (where status = 'it''s odd')"),
            ("failed_count", "count(*) filter (where status = 'failed')"),
            (
                "other_count",
                "count(*) filter (where status not in ('paid', 'shipped', 'failed', 'it''s odd'))",
            ),
            (
                "error_rate",
                "100.0 * count(*) filter (where status = 'failed') / count(*)",
            ),
            ("is_gift_count", "count(*) filter (where is_gift)"),
            ("amount_sum", "sum(amount)"),
            ("quantity_sum", "sum(quantity)"),
            ("avg_duration_ms", "avg(duration_ms)"),
        ],
        quantiles: &[
            ("p50_duration_ms", "duration_ms", 0.5),
            ("p99_duration_ms", "duration_ms", 0.99),
        ],
    };
    agrees(&raw, &test, &draft).await;
    // And after changes of rows and of what they look up.
    test.sql(
        "update customers set name = 'renamed' where id = 3; delete from customers where false;
         update orders set carrier = 'gls', amount = amount + 1 where id % 7 = 0; delete from orders where id % 11 = 0;
         insert into orders (created_at, status) values ('2026-04-01 00:00Z', 'failed'), ('2026-07-01', 'new')",
    )
    .await;
    test.drain_of("orders").await;
    agrees(&raw, &test, &draft).await;
    let hourly: i64 = test
        .one("select sum(order_count)::bigint from tidemark.orders_hourly")
        .await;
    assert_eq!(hourly, test.one::<i64>("select count(*) from orders").await);
}

#[tokio::test]
async fn a_view_gives_a_declaration_that_polls_and_equals_its_rows() {
    let test = TestDb::empty().await;
    test.sql(
        "create table parcel (id bigint primary key, sent_at timestamptz not null, updated_at timestamptz, city text, gone boolean not null default false);
         create index on parcel (sent_at); create index on parcel (updated_at);
         insert into parcel select i, '2026-03-01 00:00Z'::timestamptz + i * interval '21 minutes', case when i % 3 > 0 then now() end, (array['Lyon', 'Porto'])[1 + i % 2], i % 50 = 0
         from generate_series(1, 2000) i;
         create view parcels as select id, sent_at, updated_at, city from parcel where not gone",
    )
    .await;
    let draft = drafted(&test, "parcels").await;
    assert!(
        draft.declaration.contains("capture     = \"poll\""),
        "{}",
        draft.declaration
    );
    assert!(
        draft.declaration.contains("change = [\"p.updated_at\", \"p.sent_at\"]"),
        "{}",
        draft.declaration
    );
    for change in [
        "",
        "update parcel set city = 'Graz', updated_at = now() where id % 7 = 0",
    ] {
        test.sql(change).await;
        test.drain_of(&draft.rollup).await;
        // What is newer than the watermark is never called exact, so up to a day before now.
        let mut request = question(
            &draft.rollup,
            at(FROM),
            at("2026-06-01T00:00:00Z"),
            Grain::Total,
            chrono_tz::UTC,
        );
        request.by = vec!["city".to_owned()];
        let answer = test.ask(&request).await;
        assert_eq!(answer.state, State::Exact);
        let told: BTreeMap<String, i64> = answer
            .rows
            .iter()
            .map(|row| {
                (
                    row.values["city"].as_str().unwrap().to_owned(),
                    row.values["parcel_count"].as_i64().unwrap(),
                )
            })
            .collect();
        let raw: Vec<(String, i64)> = sqlx::query_as("select city, count(*) from parcels group by 1")
            .fetch_all(test.pool())
            .await
            .unwrap();
        assert_eq!(told, raw.into_iter().collect());
    }
    // A view without such a column gets an explanation.
    test.sql("create view dated as select sent_at::date as sent_on, city from parcel")
        .await;
    let error = test.db.draft("dated", &Wish::default()).await.unwrap_err();
    assert!(error.to_string().contains("such as updated_at"), "{error}");
    assert_eq!(code::<Draft>(Err(error)), "no_time_column");
}

#[tokio::test]
async fn a_log_with_an_epoch_in_milliseconds_gives_an_error_rate_that_equals_the_raw_rows() {
    let test = TestDb::empty().await;
    test.sql(
        "create table \"access log\" (ts_ms bigint, method text, path text, http_status integer, response_bytes bigint, took interval, trace uuid);
         create index on \"access log\" (ts_ms);
         insert into \"access log\" select 1772323200000 + i * 600123, (array['GET', 'POST', 'PUT'])[1 + i % 3], '/p/' || i, (array[200, 200, 301, 404, 503])[1 + i % 5],
           i * 1000, i * interval '3 milliseconds', md5(i::text)::uuid from generate_series(1, 2000) i;
         insert into \"access log\" values (null, 'GET', null, null, null, null, null), (1772323200000, null, null, null, null, null, null);
         analyze",
    )
    .await;
    let draft = drafted(&test, "access log").await;
    let raw = Raw {
        rollup: &draft.rollup,
        from: "\"access log\"",
        instant: "to_timestamp(ts_ms / 1000.0)",
        by: &[("method", "method")],
        measures: &[
            ("access_log_count", "count(*)"),
            (
                "status_4xx_count",
                "count(*) filter (where http_status between 400 and 499)",
            ),
            ("status_5xx_count", "count(*) filter (where http_status >= 500)"),
            (
                "error_rate",
                "100.0 * count(*) filter (where http_status >= 400) / count(*)",
            ),
            ("response_bytes_sum", "sum(response_bytes)"),
        ],
        quantiles: &[("p95_took", "extract(epoch from took)", 0.95)],
    };
    agrees(&raw, &test, &draft).await;
}

#[tokio::test]
async fn reserved_mixed_case_and_quoted_names_are_quoted_right() {
    let test = TestDb::empty().await;
    test.sql(
        r#"create schema "Shop ""East"" 100%";
         create table "Shop ""East"" 100%"."user" ("a = b and c" integer primary key, "Name" text);
         create table "Shop ""East"" 100%"."Group" ("Sent At" timestamp not null, "order" text, "State" text, "bucket" boolean, "user" integer references "Shop ""East"" 100%"."user",
           "Größe kg" double precision, "it's" boolean, "limit" boolean, "Élan" boolean);
         create index on "Shop ""East"" 100%"."Group" ("Sent At");
         insert into "Shop ""East"" 100%"."user" select n, 'u' || n from generate_series(1, 3) n;
         insert into "Shop ""East"" 100%"."Group" select timestamp '2026-05-01' + i * interval '1 hour', 'o' || i % 3, (array['ok', 'error', null])[1 + i % 3], i % 2 = 0, nullif(i % 4, 0),
           i * 0.5, i % 5 = 0, i % 6 = 0, i % 7 = 0 from generate_series(1, 400) i"#,
    )
    .await;
    let draft = drafted(&test, r#""Shop ""East"" 100%"."Group""#).await;
    let raw = Raw {
        rollup: &draft.rollup,
        from: r#""Shop ""East"" 100%"."Group" g left join "Shop ""East"" 100%"."user" u on u."a = b and c" = g."user""#,
        instant: r#""Sent At" at time zone 'UTC'"#,
        by: &[
            ("order", r#""order""#),
            ("group_state", r#""State""#),
            ("user_name", r#"u."Name""#),
        ],
        measures: &[
            ("group_count", "count(*)"),
            ("error_count", r#"count(*) filter (where "State" = 'error')"#),
            ("it_s_count", r#"count(*) filter (where "it's")"#),
            ("limit_count", r#"count(*) filter (where "limit")"#),
            ("lan_count", r#"count(*) filter (where "Élan")"#),
        ],
        quantiles: &[("p50_gre_kg", r#""Größe kg""#, 0.5)],
    };
    agrees(&raw, &test, &draft).await;
}

#[tokio::test]
async fn a_partitioned_table_and_one_of_dates_are_drafted_by_their_own_key() {
    let test = TestDb::empty().await;
    test.sql(
        "create table readings (taken_on date not null, seen_at timestamptz, sensor smallint, kind text, celsius real) partition by range (taken_on);
         create table readings_1 partition of readings for values from ('2026-01-01') to ('2026-03-01');
         create table readings_2 partition of readings for values from ('2026-03-01') to ('2027-01-01');
         create index on readings (taken_on);
         insert into readings select date '2026-01-15' + i % 90, now(), i % 5, 'k' || i % 3, i % 40 from generate_series(1, 900) i",
    )
    .await;
    let draft = drafted(&test, "readings").await;
    assert!(
        draft.declaration.contains("grains = [\"day\", \"week\", \"month\"]"),
        "{}",
        draft.declaration
    );
    let raw = Raw {
        rollup: &draft.rollup,
        from: "readings",
        instant: "taken_on::timestamp at time zone 'UTC'",
        by: &[("kind", "kind")],
        measures: &[("reading_count", "count(*)"), ("avg_celsius", "avg(celsius)")],
        quantiles: &[("p95_celsius", "celsius", 0.95)],
    };
    agrees(&raw, &test, &draft).await;
}

#[tokio::test]
async fn an_empty_table_is_drafted_from_its_types_and_names() {
    let test = TestDb::empty().await;
    test.sql("create table jobs (id uuid primary key, queued_at timestamptz, state text, queue text, error text, run_seconds double precision)").await;
    let draft = drafted(&test, "jobs").await;
    assert!(
        draft
            .notes
            .iter()
            .any(|note| note.contains("create index concurrently on public.jobs (queued_at)")),
        "{draft:?}"
    );
    test.sql("insert into jobs select md5(i::text)::uuid, timestamptz '2026-02-01' + i * interval '1 hour', 's' || i % 2, 'q', null, i from generate_series(1, 50) i").await;
    test.drain_of("jobs").await;
    let raw = Raw {
        rollup: &draft.rollup,
        from: "jobs",
        instant: "queued_at",
        by: &[("job_state", "state")],
        measures: &[("job_count", "count(*)")],
        quantiles: &[("p50_run_seconds", "run_seconds", 0.5)],
    };
    agrees(&raw, &test, &draft).await;
}

#[tokio::test]
async fn a_large_table_is_never_read_whole() {
    let test = TestDb::empty().await;
    test.sql(
        "create table wide (at timestamptz not null, kind text, filler text);
         insert into wide select timestamptz '2026-01-01' + i * interval '1 second', 'k' || i % 7, repeat('x', 900) from generate_series(1, 30000) i;
         analyze wide",
    )
    .await;
    let read = "select coalesce(sum(heap_blks_read + heap_blks_hit), 0)::bigint from pg_statio_user_tables where relname = 'wide'";
    test.sql("select pg_stat_force_next_flush()").await;
    let before: i64 = test.one(read).await;
    let pages: i64 = test
        .one("select relpages::bigint from pg_class where relname = 'wide'")
        .await;
    let draft = test.db.draft("wide", &Wish::default()).await.unwrap();
    assert!(
        draft.declaration.contains("of about 30 000 rows"),
        "{}",
        draft.declaration
    );
    // Statistics of a backend are written when it ends; the look has a connection of its own.
    let mut seen = 0;
    for _ in 0..100 {
        seen = test.one::<i64>(read).await - before;
        if seen > 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert!(seen > 0 && seen < pages / 5, "{seen} of {pages} pages");
}

#[tokio::test]
async fn what_cannot_be_drafted_says_why_and_what_to_do() {
    let test = TestDb::empty().await;
    test.sql(
        "create schema sales; create schema hidden; create table sales.invoices (id bigint, issued timestamptz);
         create table hidden.things (at timestamptz); create table notes (id bigint primary key, body text, written_on text)",
    )
    .await;
    let error = test.db.draft("notes", &Wish::default()).await.unwrap_err();
    assert!(
        error.to_string().contains("written_on is text") && error.to_string().contains("add column created_at"),
        "{error}"
    );
    assert_eq!(code::<Draft>(Err(error)), "no_time_column");
    for (asked, near) in [
        ("invoices", "sales.invoices"),
        ("sales.invoice", "sales.invoices"),
        ("note", "public.notes"),
    ] {
        let error = test.db.draft(asked, &Wish::default()).await.unwrap_err();
        assert!(
            error.to_string().contains(&format!("Did you mean {near}?")),
            "{asked}: {error}"
        );
    }
    test.sql("create materialized view kept as select * from sales.invoices")
        .await;
    let error = test.db.draft("kept", &Wish::default()).await.unwrap_err();
    assert!(
        error.to_string().contains("Take a table that it reads: sales.invoices"),
        "{error}"
    );
    assert_eq!(code::<Draft>(Err(error)), "not_a_table");
    let role = test.login("tidemark_test_stranger").await;
    test.sql("grant usage on schema sales to tidemark_test_stranger").await;
    let stranger = crate::harness::connect(&role).await;
    for (table, right) in [
        (
            "sales.invoices",
            "grant select on sales.invoices to tidemark_test_stranger",
        ),
        (
            "hidden.things",
            "grant usage on schema \"hidden\" to tidemark_test_stranger",
        ),
    ] {
        let error = stranger.draft(table, &Wish::default()).await.unwrap_err();
        assert!(error.to_string().contains(right), "{error}");
        assert_eq!(code::<Draft>(Err(error)), "forbidden");
    }
}
