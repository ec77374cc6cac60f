//! Scope: marks that name one value of a dimension beside their time, and recomputes of these values' groups only.

use super::source::{bucket_floor, bucket_next, instant, valid};
use super::{READER, own};
use crate::model::{Model, SourceModel};
use crate::spec::on::quote;

/// The last argument of every function that computes or writes buckets: only these scopes; null is all.
pub(super) const ARGUMENT: &str = "p_scopes text[] default null";

/// ` and …`: rows of the raw table in the asked scopes, on the raw column itself, so that an index on it serves.
pub(super) fn of_source(model: &Model, source: &SourceModel) -> String {
    of_source_in(model, source, "p_scopes")
}

/// The same with the scopes given as `asked`, a text array.
pub(super) fn of_source_in(model: &Model, source: &SourceModel, asked: &str) -> String {
    match &source.scope_column {
        Some(column) => within(model, &format!("{}.{}", quote(&source.alias), quote(column)), asked),
        None => String::new(),
    }
}

/// ` and …`: rows of a rollup table in the asked scopes.
pub(super) fn of_table(model: &Model, alias: &str) -> String {
    match &model.scope {
        Some(scope) => within(model, &format!("{alias}.{}", quote(&scope.dimension)), "p_scopes"),
        None => String::new(),
    }
}

fn within(model: &Model, column: &str, asked: &str) -> String {
    match &model.scope {
        Some(scope) => format!(
            " and ({asked} is null or {column} = any ({asked}::{}[]))",
            scope.compared_as
        ),
        None => String::new(),
    }
}

/// [`READER`]; with a scope each call is planned with its own scopes, or one plan for all calls would have to do without
/// the index on them.
pub(super) fn reader(model: &Model) -> String {
    match model.scope {
        Some(_) => format!("{READER} set plan_cache_mode = force_custom_plan"),
        None => READER.to_owned(),
    }
}

/// Most marks that one statement leaves with their scope and span as they are.
const MARKS: u32 = 1000;
/// Most scopes of which one statement then still leaves a mark each, from its first to its last bucket.
const SCOPES: u32 = 100;

/// The body of a source's trigger function where marks carry a scope.
///
/// A statement on one bucket and one scope, by far the most, leaves one mark and makes no set of anything.
pub(super) fn trigger_body(model: &Model, id: i32, ordinal: usize, source: &SourceModel, column: &str) -> String {
    let base = model.base();
    let rows = |table: &str| {
        format!(
            "select {} as t, {alias}.{}::text as s from {table} as {alias} where {}",
            instant(source),
            quote(column),
            valid(source),
            alias = quote(&source.alias),
        )
    };
    let (new, old) = (rows("new_rows"), rows("old_rows"));
    let by_event = |what: &dyn Fn(&str) -> String| {
        format!(
            "if tg_op = 'INSERT' then
      {}
    elsif tg_op = 'DELETE' then
      {}
    elsif tg_op = 'UPDATE' then
      {}
    else
      anything := true;
    end if;",
            what(&new),
            what(&old),
            what(&format!("{old} union all {new}")),
        )
    };
    let ends = by_event(&|rows| {
        format!(
            "select min(t), max(t), min(s), max(s), count(s) < count(*) into first, last, own, other, unscoped from ({rows}) as x;"
        )
    });
    let each = by_event(&|rows| {
        format!(
            "with pair as (
        select distinct {floor} as b, s from ({rows}) as x
      ), kept as materialized (
        select s, range_agg(tstzrange(b, {next})) as spans from pair group by s
      ), size as (
        select count(*) as marks, (select count(*) from kept) as scopes from kept, unnest(spans)
      ), mark as (
        select s, unnest(spans) as span from kept, size where marks <= {MARKS}
        union all
        select s, range_merge(spans) from kept, size where marks > {MARKS} and scopes <= {SCOPES}
        union all
        select null, unnest((select range_agg(u) from kept, unnest(spans) as u)) from size where marks > {MARKS} and scopes > {SCOPES}
      )
      select array_agg(lower(span)), array_agg(upper(span)), array_agg(s) into los, his, scopes from mark;
      if cardinality(los) > {MARKS} then
        first := (select min(l) from unnest(los) as l);
        last := (select max(h) from unnest(his) as h);
        los := array[first];
        his := array[last];
        scopes := array[null::text];
      end if;",
            floor = bucket_floor(base, "t"),
            next = bucket_next(base, "b"),
        )
    });
    format!(
        "declare
  first timestamptz;
  last timestamptz;
  own text;
  other text;
  unscoped boolean;
  los timestamptz[];
  his timestamptz[];
  scopes text[];
  anything boolean := false;
begin
  -- What can raise, because a column was renamed, retyped or dropped, is computed here, where nothing is written.
  begin
    {ends}
    first := {first_floor};
    last := {last_floor};
    -- One bucket of one scope: one mark. Rows without a scope make the whole bucket dirty.
    if first = last and (own = other or own is null) and not (unscoped and own is not null) then
      los := array[first];
      his := array[{first_next}];
      scopes := array[own];
    elsif first is not null then
      -- Each scope's neighbours become one mark. More than {MARKS} marks: one from the first to the last bucket of each
      -- scope, or, of more than {SCOPES} scopes, the buckets as a whole; and more than {MARKS} of those become one wide one.
      {each}
    end if;
  exception when others then
    anything := true;
  end;
  if anything then
    insert into tidemark.mark (rollup_id, kind, input) values ({id}, 'w', {ordinal});
  elsif los is not null then
    insert into tidemark.mark (rollup_id, kind, input, lo, hi, scope) select {id}, 'c', {ordinal}, l, h, s from unnest(los, his, scopes) as u (l, h, s);
  end if;
  return null;
end",
        first_floor = bucket_floor(base, "first"),
        last_floor = bucket_floor(base, "last"),
        first_next = bucket_next(base, "first"),
    )
}

/// A call of a function that takes scopes, for those of the caller.
pub(super) fn call(name: &str, arguments: &str) -> String {
    format!("{}({arguments}, p_scopes)", own(name))
}
