//! Capture: the trigger functions, and the triggers that call them.

use super::source::{bucket_floor, bucket_next, instant, valid};
use super::{Statement, function, own};
use crate::model::{LookupInput, Model, SourceModel};
use crate::spec::on::quote;

/// A trigger on one of the operator's tables. The same four go on every partition and inheritance child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trigger {
    pub schema: String,
    pub table: String,
    pub name: String,
    event: &'static str,
    function: String,
}

/// Statement triggers with transition tables, by event: name suffix, event, REFERENCING clause.
const EVENTS: [(&str, &str, &str); 4] = [
    ("ins", "insert", "referencing new table as new_rows "),
    (
        "upd",
        "update",
        "referencing old table as old_rows new table as new_rows ",
    ),
    ("del", "delete", "referencing old table as old_rows "),
    ("trunc", "truncate", ""),
];

/// What an input's triggers are called, up to the event.
#[must_use]
pub fn trigger_prefix(model: &Model, input: &str) -> String {
    format!("tidemark_{}_{input}_", model.storage)
}

impl Trigger {
    /// SQL that puts it on a table: the declared one, a partition or a child.
    #[must_use]
    pub fn create_sql(&self, table: &str) -> String {
        let referencing = EVENTS
            .iter()
            .find(|(suffix, ..)| *suffix == self.event)
            .map_or("", |(_, _, clause)| clause);
        let event = EVENTS
            .iter()
            .find(|(suffix, ..)| *suffix == self.event)
            .map_or("", |(_, event, _)| event);
        format!(
            "create or replace trigger {name} after {event} on {table} {referencing}for each statement execute function {function}();\nalter table {table} enable always trigger {name};",
            name = quote(&self.name),
            function = own(&self.function),
        )
    }
}

/// All triggers of a rollup, as they stand on the declared tables; none with poll capture.
#[must_use]
pub fn triggers(model: &Model) -> Vec<Trigger> {
    if model.poll.is_some() {
        return Vec::new();
    }
    let sources = model
        .sources
        .iter()
        .map(|source| (&source.schema, &source.table, &source.name));
    let lookups = model
        .lookups
        .iter()
        .map(|lookup| (&lookup.schema, &lookup.table, &lookup.name));
    sources
        .chain(lookups)
        .flat_map(|(schema, table, input)| {
            EVENTS.iter().map(move |(suffix, ..)| Trigger {
                schema: schema.clone(),
                table: table.clone(),
                name: format!("{}{suffix}", trigger_prefix(model, input)),
                event: suffix,
                function: format!("{}__capture_{input}", model.storage),
            })
        })
        .collect()
}

pub(super) fn functions(model: &Model, rollup_id: i32) -> Vec<Statement> {
    let sources = model
        .sources
        .iter()
        .enumerate()
        .map(|(at, source)| source_function(model, rollup_id, at, source));
    let lookups = model
        .lookups
        .iter()
        .enumerate()
        .map(|(at, lookup)| lookup_function(model, rollup_id, model.sources.len() + at, lookup));
    sources.chain(lookups).collect()
}

fn source_function(model: &Model, id: i32, ordinal: usize, source: &SourceModel) -> Statement {
    let body = match &source.scope_column {
        Some(column) => super::scope::trigger_body(model, id, ordinal, source, column),
        None => source_body(model, id, ordinal, source),
    };
    function(
        &format!("{}__capture_{}", model.storage, source.name),
        "",
        "trigger",
        "security definer",
        &format!(
            "Marks the buckets of {} that a statement on {} changed. Never fails, never waits.",
            model.name, source.table
        ),
        &body,
    )
}

fn source_body(model: &Model, id: i32, ordinal: usize, source: &SourceModel) -> String {
    let base = model.base();
    let times = |table: &str| {
        format!(
            "select {} as t from {table} as {} where {}",
            instant(source),
            quote(&source.alias),
            valid(source)
        )
    };
    format!(
        "declare
  first timestamptz;
  last timestamptz;
  spans tstzmultirange;
  anything boolean := false;
begin
  -- What can raise, because a column was renamed, retyped or dropped, is computed here, where nothing is written.
  begin
    if tg_op = 'INSERT' then
      select min(t), max(t) into first, last from ({new}) as x;
    elsif tg_op = 'DELETE' then
      select min(t), max(t) into first, last from ({old}) as x;
    elsif tg_op = 'UPDATE' then
      select min(t), max(t) into first, last from ({old} union all {new}) as x;
    else
      anything := true;
    end if;
    first := {first_floor};
    last := {last_floor};
    -- More than one bucket: neighbours become one mark, and very many become one wide one.
    if first < last then
      if tg_op = 'INSERT' then
        select range_agg(tstzrange(b, {next})) into spans from (select distinct {floor} as b from ({new}) as x) as y;
      elsif tg_op = 'DELETE' then
        select range_agg(tstzrange(b, {next})) into spans from (select distinct {floor} as b from ({old}) as x) as y;
      else
        select range_agg(tstzrange(b, {next})) into spans from (select distinct {floor} as b from ({old} union all {new}) as x) as y;
      end if;
      if (select count(*) > 1000 from unnest(spans)) then
        spans := tstzmultirange(tstzrange(lower(spans), upper(spans)));
      end if;
    end if;
  exception when others then
    anything := true;
  end;
  if anything then
    insert into tidemark.mark (rollup_id, kind, input) values ({id}, 'w', {ordinal});
  elsif spans is not null then
    insert into tidemark.mark (rollup_id, kind, input, lo, hi) select {id}, 'c', {ordinal}, lower(r), upper(r) from unnest(spans) as r;
  elsif first is not null then
    insert into tidemark.mark (rollup_id, kind, input, lo, hi) values ({id}, 'c', {ordinal}, first, {first_next});
  end if;
  return null;
end",
        new = times("new_rows"),
        old = times("old_rows"),
        first_floor = bucket_floor(base, "first"),
        last_floor = bucket_floor(base, "last"),
        first_next = bucket_next(base, "first"),
        floor = bucket_floor(base, "t"),
        next = bucket_next(base, "b"),
    )
}

fn lookup_function(model: &Model, id: i32, ordinal: usize, lookup: &LookupInput) -> Statement {
    // json has no equality.
    let comparable = |column: &String| match lookup.used.get(column).map(String::as_str) {
        Some("json" | "xml" | "point") => format!("{}::text", quote(column)),
        _ => quote(column),
    };
    let used: Vec<String> = lookup.used.keys().map(comparable).collect();
    let used = used.join(", ");
    let key: Vec<String> = lookup.keys.iter().map(|key| quote(key)).collect();
    let present: Vec<String> = lookup
        .keys
        .iter()
        .map(|key| format!("{} is not null", quote(key)))
        .collect();
    let agg = format!(
        "select jsonb_agg(distinct jsonb_build_array({})) into keys from",
        key.join(", ")
    );
    let present = present.join(" and ");
    let body = format!(
        "declare
  keys jsonb;
  anything boolean := false;
begin
  begin
    case tg_op
      when 'INSERT' then
        {agg} new_rows where {present};
      when 'DELETE' then
        {agg} old_rows where {present};
      when 'UPDATE' then
        -- Only rows of which a used column changed: old and new.
        {agg} (
          (select {used} from old_rows except all select {used} from new_rows)
          union all
          (select {used} from new_rows except all select {used} from old_rows)
        ) as x where {present};
      else
        anything := true;
    end case;
  exception when others then
    anything := true;
  end;
  if anything or jsonb_array_length(keys) > 100000 then
    insert into tidemark.mark (rollup_id, kind, input) values ({id}, 'w', {ordinal});
  elsif keys is not null then
    insert into tidemark.mark (rollup_id, kind, input, keys) values ({id}, 'l', {ordinal}, keys);
  end if;
  return null;
end",
    );
    function(
        &format!("{}__capture_{}", model.storage, lookup.name),
        "",
        "trigger",
        "security definer",
        &format!(
            "Marks the keys of {} whose change moves history of {}.",
            lookup.table, model.name
        ),
        &body,
    )
}
