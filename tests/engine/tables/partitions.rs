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
