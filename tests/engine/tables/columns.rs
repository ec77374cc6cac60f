//! Types of dimensions and values, NULLs, generated columns, jsonb paths, lookups with composite keys.

use tidemark_core::api::Grain;

use crate::agree::Raw;
use crate::ask::declaration;
use crate::harness::TestDb;

const GRAINS: [Grain; 3] = [Grain::Hour, Grain::Month, Grain::Total];

const TABLE: &str = r#"
create type mood as enum ('good', 'bad', 'it''s "odd"');
create domain score as numeric(12, 3) check (value >= 0);
create domain label as varchar(20);
create domain moment as timestamptz;
create table facts (
  id bigint generated always as identity primary key, at timestamptz,
  a_text text, a_varchar varchar(10), a_char char(4), a_smallint smallint, a_integer integer, a_bigint bigint, a_numeric numeric(8, 2), a_uuid uuid, a_boolean boolean,
  a_mood mood, a_label label, a_date date, a_net inet, doc jsonb, old json,
  v_smallint smallint, v_integer integer, v_bigint bigint, v_numeric numeric, v_real real, v_double double precision, v_score score,
  doubled bigint generated always as (v_bigint * 2) stored, initial text generated always as (left(a_text, 1)) stored);
create index on facts (at);
select setseed(0.2);
insert into facts (at, a_text, a_varchar, a_char, a_smallint, a_integer, a_bigint, a_numeric, a_uuid, a_boolean, a_mood, a_label, a_date, a_net, doc, old, v_smallint, v_integer, v_bigint, v_numeric, v_real, v_double, v_score)
select case when i % 50 = 0 then null when i % 51 = 0 then 'infinity' when i % 53 = 0 then '-infinity' else timestamptz '2026-02-26' + i * interval '23 minutes' end,
  (array['x', '', null, 'y "z" \ '' 日本'])[1 + i % 4], 'v' || i % 3, (array['a', 'ab  ', null])[1 + i % 3], nullif(i % 3, 0), -(i % 4), 9007199254740993 + i % 2, (i % 3) * 1.50, md5((i % 3)::text)::uuid,
  (array[true, false, null])[1 + i % 3], (array['good', 'bad', 'it''s "odd"', null]::mood[])[1 + i % 4], 'l' || i % 2, date '2026-01-01' + i % 3, ('10.0.0.' || i % 3)::inet,
  case when i % 7 = 0 then null when i % 5 = 0 then '[]' else jsonb_build_object('city', nullif('c' || i % 3, 'c1'), 'deep', jsonb_build_object('n', i % 100), 'a b', i % 2 = 0) end, json_build_object('k', i % 2),
  nullif(i % 30000, 7), nullif(i * 700000, 14000000), i::bigint * 4000000000000, nullif(i, 9) * 123456789012345678901234567890.123456789, random()::real, (random() - 0.5) * 1e9, nullif(i % 100, 3) / 7.0
from generate_series(1, 1000) i;"#;

const TOML: &str = r#"
name = "kinds"
grains = ["15m", "hour", "day", "month"]
[[source]]
name = "fact"
table = "facts f"
time = "f.at"
[source.dimensions]
a_text = "f.a_text"
a_varchar = "f.a_varchar"
a_char = "f.a_char"
a_smallint = "f.a_smallint"
a_integer = "f.a_integer"
a_bigint = "f.a_bigint"
a_numeric = "f.a_numeric"
a_uuid = "f.a_uuid"
a_boolean = "f.a_boolean"
a_mood = "f.a_mood"
a_label = "f.a_label"
a_date = "f.a_date"
a_net = "f.a_net"
city = "f.doc ->> 'city'"
even = "(f.doc -> 'a b')::boolean"
initial = "f.initial"
k = "(f.old ->> 'k')::integer"
[source.values]
v_smallint = "f.v_smallint"
v_integer = "f.v_integer"
v_bigint = "f.v_bigint"
v_numeric = "f.v_numeric"
v_real = "f.v_real"
v_double = "f.v_double"
v_score = "f.v_score"
doubled = "f.doubled"
n = "(f.doc #>> '{deep,n}')::integer"
[dimensions]
a_text = { type = "text" }
a_varchar = { type = "varchar(10)" }
a_char = { type = "char(4)" }
a_smallint = { type = "smallint" }
a_integer = { type = "integer" }
a_bigint = { type = "bigint" }
a_numeric = { type = "numeric(8, 2)" }
a_uuid = { type = "uuid" }
a_boolean = { type = "boolean" }
a_mood = { type = "public.mood" }
a_label = { type = "public.label" }
a_date = { type = "date" }
a_net = { type = "inet" }
city = { type = "text" }
even = { type = "boolean" }
initial = { type = "text" }
k = { type = "integer" }
[measures]
rows = { count = "fact" }
small_sum = { sum = "fact.v_smallint" }
small_min = { min = "fact.v_smallint" }
integer_sum = { sum = "fact.v_integer" }
integer_max = { max = "fact.v_integer" }
bigint_sum = { sum = "fact.v_bigint" }
bigint_max = { max = "fact.v_bigint" }
numeric_sum = { sum = "fact.v_numeric" }
numeric_min = { min = "fact.v_numeric", where = "v_numeric > 5" }
real_sum = { sum = "fact.v_real" }
real_max = { max = "fact.v_real" }
double_sum = { sum = "fact.v_double" }
double_min = { min = "fact.v_double" }
score_sum = { sum = "fact.v_score" }
doubled_sum = { sum = "fact.doubled", where = "a_mood = 'good' or a_boolean" }
n_sum = { sum = "fact.n" }
real_all = { distribution = "fact.v_real" }
real_mean = { mean = "real_all" }
real_p90 = { quantile = 0.9, of = "real_all" }
score_all = { distribution = "fact.v_score" }
score_mean = { mean = "score_all" }
score_p50 = { quantile = 0.5, of = "score_all" }
double_all = { distribution = "fact.v_double" }
double_p01 = { quantile = 0.01, of = "double_all" }
bigint_all = { distribution = "fact.v_bigint" }
bigint_p90 = { quantile = 0.9, of = "bigint_all" }
"#;

const RAW: Raw<'static> = Raw {
    rollup: "kinds",
    from: "facts f",
    instant: "f.at",
    by: &[
        ("a_text", "a_text"),
        ("a_varchar", "a_varchar"),
        ("a_char", "a_char::varchar"),
        ("a_smallint", "a_smallint"),
        ("a_integer", "a_integer"),
        ("a_bigint", "a_bigint"),
        ("a_numeric", "a_numeric"),
        ("a_uuid", "a_uuid"),
        ("a_boolean", "a_boolean"),
        ("a_mood", "a_mood"),
        ("a_label", "a_label"),
        ("a_date", "a_date"),
        ("a_net", "a_net"),
        ("city", "doc ->> 'city'"),
        ("even", "doc ->> 'a b'"),
        ("initial", "left(a_text, 1)"),
        ("k", "old ->> 'k'"),
    ],
    measures: &[
        ("rows", "count(*)"),
        ("small_sum", "sum(v_smallint)"),
        ("small_min", "min(v_smallint)"),
        ("integer_sum", "sum(v_integer)"),
        ("integer_max", "max(v_integer)"),
        ("bigint_sum", "sum(v_bigint)"),
        ("bigint_max", "max(v_bigint)"),
        ("numeric_sum", "sum(v_numeric)"),
        ("numeric_min", "min(v_numeric) filter (where v_numeric > 5)"),
        ("real_sum", "sum(v_real::float8::numeric)"),
        ("real_max", "max(v_real)"),
        ("double_sum", "sum(v_double::numeric)"),
        ("double_min", "min(v_double)"),
        ("score_sum", "sum(v_score)"),
        (
            "doubled_sum",
            "2 * sum(v_bigint) filter (where a_mood = 'good' or a_boolean)",
        ),
        ("n_sum", "sum((doc -> 'deep' ->> 'n')::integer)"),
        ("real_mean", "avg(v_real::float8)"),
        ("score_mean", "avg(v_score)"),
    ],
    quantiles: &[
        ("real_p90", "v_real", 0.9),
        ("score_p50", "v_score", 0.5),
        ("double_p01", "v_double", 0.01),
        ("bigint_p90", "v_bigint", 0.9),
    ],
};

#[tokio::test]
async fn every_type_of_dimension_and_value_is_exact_with_nulls_everywhere() {
    let test = TestDb::empty().await;
    test.sql(TABLE).await;
    test.db.apply(&declaration(TOML), true).await.unwrap();
    RAW.agrees_now_and_drained(&test, &GRAINS, "as it came").await;
    test.sql(
        "update facts set a_text = null, a_mood = 'bad', v_bigint = v_bigint + 1, doc = jsonb_set(doc, '{city}', '\"new\"') where id % 13 = 0 and doc <> '[]';
         update facts set at = null where id % 17 = 0; update facts set at = '2026-05-05' where at is null and id % 2 = 0;
         delete from facts where id % 19 = 0;
         insert into facts (at) select '2026-03-01' from generate_series(1, 3)",
    )
    .await;
    RAW.agrees_now_and_drained(&test, &GRAINS, "changed").await;
}

#[tokio::test]
async fn a_domain_and_a_generated_column_can_be_the_time() {
    let test = TestDb::empty().await;
    test.sql(
        "create domain moment as timestamptz; create domain wall as timestamp(3);
         create table facts (own moment, local wall, s bigint, day date generated always as ((local)::date) stored);
         insert into facts select t, t at time zone 'UTC', extract(epoch from t) from generate_series(timestamptz '2026-03-01', '2026-03-05', '11 minutes') t;
         insert into facts values (null, null, null)",
    )
    .await;
    for (rollup, column, instant) in [
        ("own", "own", "own"),
        ("local", "local", "local at time zone 'UTC'"),
        ("day", "day", "day::timestamp at time zone 'UTC'"),
    ] {
        let text = format!(
            "name = \"{rollup}\"\ngrains = [\"hour\", \"day\"]\n[[source]]\nname = \"f\"\ntable = \"facts f\"\ntime = \"f.{column}\"\n[measures]\nn = {{ count = \"f\" }}\n"
        );
        test.db
            .apply(&declaration(&text), true)
            .await
            .unwrap_or_else(|error| panic!("{rollup}: {error}"));
        let raw = Raw {
            rollup,
            from: "facts",
            instant,
            by: &[],
            measures: &[("n", "count(*)")],
            quantiles: &[],
        };
        raw.agrees_now_and_drained(&test, &[Grain::Hour, Grain::Day], rollup)
            .await;
        test.sql(
            "delete from facts where s % 7 = 0; update facts set local = local + interval '1 day' where s % 5 = 0",
        )
        .await;
        raw.agrees_now_and_drained(&test, &[Grain::Hour, Grain::Day], rollup)
            .await;
    }
}

#[tokio::test]
async fn a_lookup_with_a_composite_key_and_nulls_in_it_moves_exactly_the_history_of_its_key() {
    let test = TestDb::empty().await;
    test.sql(
        "create table shops (tenant text, no integer, lang text, city text, unique (tenant, no, lang)) partition by list (tenant);
         create table shops_a partition of shops for values in ('a'); create table shops_rest partition of shops default;
         create table sales (at timestamptz, tenant text, shop integer, paid numeric);
         create index on sales (at); create index on sales (tenant, shop);
         insert into shops select t, n, 'en', 'city ' || n from unnest(array['a', 'b']) t, generate_series(1, 3) n; insert into shops values ('a', null, 'en', 'none'), (null, 1, 'en', 'nobody');
         insert into sales select timestamptz '2026-03-01' + i * interval '1 hour', (array['a', 'b', null])[1 + i % 3], nullif(i % 5, 4), i from generate_series(1, 500) i",
    )
    .await;
    let text = "name = \"sales\"\ngrains = [\"hour\", \"month\"]\n[[source]]\nname = \"s\"\ntable = \"sales s\"\ntime = \"s.at\"\nlookups = [{ table = \"shops p\", on = \"p.tenant = s.tenant and s.shop = p.no and p.lang = 'en'\" }]\ndimensions = { city = \"p.city\", tenant = \"s.tenant\" }\nvalues = { paid = \"s.paid\" }\n[dimensions.city]\n[dimensions.tenant]\n[measures]\nn = { count = \"s\" }\npaid = { sum = \"s.paid\" }\n";
    test.db.apply(&declaration(text), true).await.unwrap();
    let raw = Raw {
        rollup: "sales",
        from: "sales s left join shops p on p.tenant = s.tenant and p.no = s.shop and p.lang = 'en'",
        instant: "s.at",
        by: &[("city", "p.city"), ("tenant", "s.tenant")],
        measures: &[("n", "count(*)"), ("paid", "sum(paid)")],
        quantiles: &[],
    };
    raw.agrees_now_and_drained(&test, &GRAINS, "as it came").await;
    for change in [
        "update shops set city = 'moved' where tenant = 'a' and no = 2",
        "update shops_a set city = 'straight' where no = 1",
        "update shops set tenant = 'b', no = 9 where tenant = 'a' and no = 3",
        "update shops set lang = 'fr' where tenant = 'b' and no = 1",
        "insert into shops values ('b', 0, 'en', 'zero'), ('a', 0, 'en', null)",
        "delete from shops where no = 2",
        "update sales set tenant = 'b' where tenant is null and shop = 0",
        "truncate shops",
    ] {
        test.sql(change).await;
        assert!(test.status_of("sales").await.pending_buckets > 0, "{change}");
        raw.agrees_now_and_drained(&test, &GRAINS, change).await;
    }
}
