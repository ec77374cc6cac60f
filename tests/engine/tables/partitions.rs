//! Partitioned tables and inheritance: writes by any way in, and partitions that come and go.

use tidemark_core::api::{Grain, StatusWord};

use crate::agree::Raw;
use crate::ask::declaration;
use crate::harness::TestDb;

const GRAINS: [Grain; 3] = [Grain::Hour, Grain::Day, Grain::Total];

const TOML: &str = "name = \"events\"\ngrains = [\"hour\", \"day\", \"month\"]\n[[source]]\nname = \"event\"\ntable = \"\\\"My Events\\\" e\"\ntime = \"e.at\"\ndimensions = { kind = \"e.kind\" }\nvalues = { v = \"e.v\" }\n[dimensions.kind]\n[measures]\nn = { count = \"event\" }\nv = { sum = \"event.v\" }\nlongest = { distribution = \"event.v\" }\np90 = { quantile = 0.9, of = \"longest\" }\n";

const RAW: Raw<'static> = Raw {
    rollup: "events",
    from: "\"My Events\"",
    instant: "at",
    by: &[("kind", "kind")],
    measures: &[("n", "count(*)"), ("v", "sum(v)")],
    quantiles: &[("p90", "v", 0.9)],
};

const ROWS: &str = "insert into \"My Events\" select timestamptz '2026-01-20' + i * interval '2 hours', (array['a', 'b', null])[1 + i % 3], nullif(i % 100, 5) from generate_series(1, 900) i";

async fn with(tables: &str) -> TestDb {
    let test = TestDb::empty().await;
    test.sql(tables).await;
    test.sql(ROWS).await;
    test.db.apply(&declaration(TOML), true).await.unwrap();
    RAW.agrees_now_and_drained(&test, &GRAINS, "as it came").await;
    test
}

/// Each change leaves a mark, and every answer is right before and after the drain.
async fn through(test: &TestDb, changes: &[&str]) {
    for change in changes {
        test.sql(change).await;
        assert!(test.status_of("events").await.pending_buckets > 0, "{change}");
        RAW.agrees_now_and_drained(test, &GRAINS, change).await;
        assert_eq!(test.status_of("events").await.status, StatusWord::Healthy, "{change}");
    }
}

/// By month, and April by halves again.
const BY_MONTH: &str = "
create table \"My Events\" (at timestamptz, kind text, v integer) partition by range (at);
create table e_01 partition of \"My Events\" for values from ('2026-01-01') to ('2026-02-01');
create table e_02 partition of \"My Events\" for values from ('2026-02-01') to ('2026-03-01');
create table \"E 03\" partition of \"My Events\" for values from ('2026-03-01') to ('2026-04-01') partition by list (kind);
create table e_03_a partition of \"E 03\" for values in ('a');
create table e_03_rest partition of \"E 03\" default;
create table e_rest partition of \"My Events\" default;
create index on \"My Events\" (at);";

#[tokio::test]
async fn a_partitioned_table_is_exact_by_every_way_in() {
    let test = with(BY_MONTH).await;
    through(
        &test,
        &[
            "insert into \"My Events\" values ('2026-02-02', 'a', 1000), ('2026-08-01', 'b', 3)",
            "insert into e_01 values ('2026-01-03', 'a', 2000)",
            "insert into e_03_a values ('2026-03-03', 'a', 3000)",
            "update \"E 03\" set v = v + 1 where kind is null",
            "update e_03_rest set v = 7 where kind = 'b'",
            // Between partitions and sub-partitions.
            "update \"My Events\" set at = at + interval '1 month' where v % 10 = 3",
            "update \"My Events\" set kind = 'a' where kind is null and at >= '2026-03-05'",
            "delete from e_02 where v < 10",
            "copy \"My Events\" from program 'printf \"2026-03-20 00:00Z\\ta\\t5\\n2026-01-20 00:00Z\\tb\\t6\\n\"'",
            "truncate e_01",
            "truncate \"E 03\"",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_table_partitioned_by_something_else_is_exact() {
    let test = with(
        "create table \"My Events\" (at timestamptz, kind text, v integer) partition by hash (v);
         create table e_0 partition of \"My Events\" for values with (modulus 2, remainder 0);
         create table e_1 partition of \"My Events\" for values with (modulus 2, remainder 1);
         create index on \"My Events\" (at);",
    )
    .await;
    through(
        &test,
        &[
            "update \"My Events\" set v = v + 1 where kind = 'a'",
            "delete from e_1 where kind = 'b'",
            "truncate e_0",
        ],
    )
    .await;
}

#[tokio::test]
async fn children_by_inheritance_count_and_are_watched() {
    let test = with(
        "create table \"My Events\" (at timestamptz, kind text, v integer); create index on \"My Events\" (at);
         create table archive (reason text) inherits (\"My Events\"); create table attic () inherits (archive); create index on archive (at); create index on attic (at);
         insert into attic values ('2026-01-05', 'a', 77, 'old')",
    )
    .await;
    through(
        &test,
        &[
            "insert into archive values ('2026-02-02', 'b', 5, 'x')",
            "insert into attic select at, kind, v + 500, 'y' from only \"My Events\" where v < 5",
            "update \"My Events\" set v = v + 1 where kind = 'a'",
            "update archive set kind = 'c'",
            "delete from only \"My Events\" where kind = 'b'",
            "truncate attic",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_table_swapped_by_rename_is_exact_again_after_apply() {
    let test =
        with("create table \"My Events\" (at timestamptz, kind text, v integer); create index on \"My Events\" (at);")
            .await;
    test.sql(
        "begin; create table fresh (like \"My Events\" including all); insert into fresh select at, 'new', v + 1 from \"My Events\" where kind = 'a';
         alter table \"My Events\" rename to before; alter table fresh rename to \"My Events\"; insert into \"My Events\" values ('2026-02-03', 'late', 1); commit",
    )
    .await;
    let status = test.status_of("events").await;
    assert_eq!(status.status, StatusWord::NotTrusted, "{status:?}");
    RAW.agrees(&test, &GRAINS, chrono_tz::UTC, false, "swapped").await;
    test.db.apply(&declaration(TOML), true).await.unwrap();
    RAW.agrees_now_and_drained(&test, &GRAINS, "swapped and applied").await;
    through(&test, &["insert into \"My Events\" values ('2026-02-03', 'late', 2)"]).await;
}

/// Raw rows that ticks have read so far.
async fn read_so_far(test: &TestDb) -> i64 {
    test.one("select coalesce(sum(raw_rows), 0)::bigint from tidemark.run")
        .await
}

#[tokio::test]
async fn the_tick_watches_a_new_partition_and_only_its_own_range_becomes_dirty() {
    let test = with(BY_MONTH).await;
    for (change, rows) in [
        (
            "create table e_06 partition of \"My Events\" for values from ('2026-06-01') to ('2026-07-01')",
            0,
        ),
        (
            "create table e_05 (at timestamptz, kind text, v integer); insert into e_05 select timestamptz '2026-05-03' + i * interval '1 hour', 'may', i from generate_series(1, 40) i;
             alter table \"My Events\" attach partition e_05 for values from ('2026-05-01') to ('2026-06-01')",
            40,
        ),
        ("alter table \"My Events\" detach partition e_05", 0),
        ("drop table e_02", 0),
        ("drop table e_03_a", 248),
    ] {
        test.sql(change).await;
        assert_eq!(test.status_of("events").await.status, StatusWord::NotTrusted, "{change}: not before a tick has looked");
        RAW.agrees(&test, &GRAINS, chrono_tz::UTC, false, change).await;
        let before = read_so_far(&test).await;
        test.drain_of("events").await;
        assert_eq!(test.status_of("events").await.status, StatusWord::Healthy, "{change}");
        // Once when it came, and once when it got its triggers; with the hour in which its bounds end.
        let read = read_so_far(&test).await - before;
        assert!(read <= 2 * rows + 2, "{change}: {read} raw rows were read again");
        RAW.agrees_now_and_drained(&test, &GRAINS, change).await;
    }
    through(
        &test,
        &[
            "insert into e_06 values ('2026-06-02', 'straight', 5)",
            "insert into \"My Events\" values ('2026-06-03', 'a', 6)",
        ],
    )
    .await;
}

#[tokio::test]
async fn what_was_written_to_a_partition_before_it_was_watched_is_found() {
    let test = with(BY_MONTH).await;
    test.sql("create table e_05 partition of \"My Events\" for values from ('2026-05-01') to ('2026-06-01')")
        .await;
    // A ticker that may not put triggers on it: the function alone, as pg_cron calls it.
    let tick = "select tidemark.tick('events')";
    test.sql(tick).await;
    test.sql("insert into e_05 values ('2026-05-02', 'unseen', 8)").await;
    test.sql(tick).await;
    let status = test.status_of("events").await;
    assert_eq!(
        (status.status, status.capture_findings.len()),
        (StatusWord::NotTrusted, 4),
        "{status:?}"
    );
    RAW.agrees(&test, &GRAINS, chrono_tz::UTC, false, "not watched yet")
        .await;
    RAW.agrees_now_and_drained(&test, &GRAINS, "watched").await;
    assert_eq!(test.status_of("events").await.status, StatusWord::Healthy);
    // What somebody disables is not put back behind their back.
    test.sql("alter table e_05 disable trigger all; delete from e_05").await;
    test.db.drain("events", &mut |_| {}).await.unwrap();
    assert_eq!(test.status_of("events").await.status, StatusWord::NotTrusted);
    test.db.apply(&declaration(TOML), true).await.unwrap();
    let before = read_so_far(&test).await;
    RAW.agrees_now_and_drained(&test, &GRAINS, "applied").await;
    assert_eq!(
        read_so_far(&test).await,
        before,
        "nothing but May was suspected, and nothing is in it"
    );
    assert_eq!(test.status_of("events").await.status, StatusWord::Healthy);
}

#[tokio::test]
async fn a_partition_without_bounds_in_time_makes_everything_dirty() {
    let test = with("create table \"My Events\" (at timestamptz, kind text, v integer) partition by list (kind); create table e_rest partition of \"My Events\" default; create index on \"My Events\" (at);").await;
    test.sql(
        "create table e_new (at timestamptz, kind text, v integer); insert into e_new select timestamptz '2026-02-01' + i * interval '3 days', 'new', i from generate_series(1, 9) i;
         alter table \"My Events\" attach partition e_new for values in ('new')",
    )
    .await;
    let before = read_so_far(&test).await;
    RAW.agrees_now_and_drained(&test, &GRAINS, "attached").await;
    assert!(read_so_far(&test).await - before >= 909);
    assert_eq!(test.status_of("events").await.status, StatusWord::Healthy);
}

#[tokio::test]
async fn bounds_are_read_in_every_kind_of_time() {
    for (sql_type, extra, store, instant, from, to) in [
        (
            "timestamp",
            "time_zone = \"Europe/Berlin\"",
            "(t at time zone 'Europe/Berlin')",
            "at at time zone 'Europe/Berlin'",
            "'2026-03-29'",
            "'2026-03-30'",
        ),
        (
            "date",
            "",
            "(t at time zone 'UTC')::date",
            "at::timestamp at time zone 'UTC'",
            "'2026-03-29'",
            "'2026-03-30'",
        ),
        (
            "bigint",
            "time_unit = \"ms\"",
            "(extract(epoch from t) * 1000)::bigint",
            "to_timestamp(at / 1000.0)",
            "1774742400000",
            "1774828800000",
        ),
    ] {
        let test = TestDb::empty().await;
        let rows = |table: &str, first: &str, n: u32| {
            format!(
                "insert into {table} select {store}, 'a', i from (select i, timestamptz '{first}' + i * interval '10 minutes' as t from generate_series(1, {n}) i) x;"
            )
        };
        test.sql(&format!(
            "create table \"My Events\" (at {sql_type}, kind text, v integer) partition by range (at); create table e_rest partition of \"My Events\" default; create index on \"My Events\" (at); {}
             create table e_day (at {sql_type}, kind text, v integer); {}",
            rows("\"My Events\"", "2026-03-01 00:00Z", 2000),
            rows("e_day", "2026-03-29 01:00Z", 100)
        ))
        .await;
        let text = TOML.replacen("time = \"e.at\"", &format!("time = \"e.at\"\n{extra}"), 1);
        test.db.apply(&declaration(&text), true).await.unwrap();
        let raw = Raw { instant, ..RAW };
        raw.agrees_now_and_drained(&test, &GRAINS, sql_type).await;
        let before = read_so_far(&test).await;
        test.sql(&format!(
            "alter table \"My Events\" attach partition e_day for values from ({from}) to ({to})"
        ))
        .await;
        raw.agrees_now_and_drained(&test, &GRAINS, sql_type).await;
        // A day, and what a wall clock's zone may add to it.
        let read = read_so_far(&test).await - before;
        assert!(
            (100..=400).contains(&read),
            "{sql_type}: {read} raw rows were read again"
        );
        assert_eq!(test.status_of("events").await.status, StatusWord::Healthy, "{sql_type}");
    }
}
