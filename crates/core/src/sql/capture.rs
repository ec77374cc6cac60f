//! Capture: the trigger functions, and the triggers that call them.

use super::source::{instant, valid};
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
    ("upd", "update", "referencing old table as old_rows new table as new_rows "),
    ("del", "delete", "referencing old table as old_rows "),
    ("trunc", "truncate", ""),
];

/// What an input's triggers are called, up to the event.
#[must_use]
pub fn trigger_prefix(model: &Model, input: &str) -> String {
    format!("tidemark_{}_{input}_", model.name)
}

impl Trigger {
    /// SQL that puts it on a table: the declared one, a partition or a child.
    #[must_use]
    pub fn create_sql(&self, table: &str) -> String {
        let referencing = EVENTS.iter().find(|(suffix, ..)| *suffix == self.event).map_or("", |(_, _, clause)| clause);
        let event = EVENTS.iter().find(|(suffix, ..)| *suffix == self.event).map_or("", |(_, event, _)| event);
        format!(
            "create or replace trigger {name} after {event} on {table} {referencing}for each statement execute function {function}();\nalter table {table} enable always trigger {name};",
            name = quote(&self.name),
            function = own(&self.function),
        )
    }
}

/// All triggers of a rollup, as they stand on the declared tables.
#[must_use]
pub fn triggers(model: &Model) -> Vec<Trigger> {
    let sources = model.sources.iter().map(|source| (&source.schema, &source.table, &source.name));
    let lookups = model.lookups.iter().map(|lookup| (&lookup.schema, &lookup.table, &lookup.name));
    sources
        .chain(lookups)
        .flat_map(|(schema, table, input)| {
            EVENTS.iter().map(move |(suffix, ..)| Trigger {
                schema: schema.clone(),
                table: table.clone(),
                name: format!("{}{suffix}", trigger_prefix(model, input)),
                event: suffix,
                function: format!("{}__capture_{input}", model.name),
            })
        })
        .collect()
}

pub(super) fn functions(model: &Model, rollup_id: i32) -> Vec<Statement> {
    let sources = model.sources.iter().enumerate().map(|(at, source)| source_function(model, rollup_id, at, source));
    let lookups = model.lookups.iter().enumerate().map(|(at, lookup)| lookup_function(model, rollup_id, model.sources.len() + at, lookup));
    sources.chain(lookups).collect()
}

fn source_function(model: &Model, id: i32, ordinal: usize, source: &SourceModel) -> Statement {
    let base = model.base().name();
    let buckets = |table: &str| {
        format!("select tidemark.bucket_floor('{base}', {}) as b from {table} as {} where {}", instant(source), quote(&source.alias), valid(source))
    };
    let body = format!(
        "declare
  spans tstzmultirange;
  anything boolean := false;
begin
  -- What can raise, because a column was renamed, retyped or dropped, is computed here, where nothing is written.
  begin
    case tg_op
      when 'INSERT' then
        select range_agg(tstzrange(b, tidemark.bucket_next('{base}', b))) into spans from ({new}) as x;
      when 'DELETE' then
        select range_agg(tstzrange(b, tidemark.bucket_next('{base}', b))) into spans from ({old}) as x;
      when 'UPDATE' then
        select range_agg(tstzrange(b, tidemark.bucket_next('{base}', b))) into spans from ({old} union {new}) as x;
      else
        anything := true;
    end case;
  exception when others then
    anything := true;
  end;
  if anything then
    insert into tidemark.mark (rollup_id, kind, input) values ({id}, 'w', {ordinal});
  elsif (select count(*) from unnest(spans)) > 1000 then
    insert into tidemark.mark (rollup_id, kind, input, lo, hi) values ({id}, 'c', {ordinal}, lower(spans), upper(spans));
  elsif spans is not null then
    insert into tidemark.mark (rollup_id, kind, input, lo, hi)
    select {id}, 'c', {ordinal}, lower(r), upper(r) from unnest(spans) as r;
  end if;
  return null;
end",
        new = buckets("new_rows"),
        old = buckets("old_rows"),
    );
    function(
        &format!("{}__capture_{}", model.name, source.name),
        "",
        "trigger",
        "security definer",
        &format!("Marks the buckets of {} that a statement on {} changed. Never fails, never waits.", model.name, source.table),
        &body,
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
    let present: Vec<String> = lookup.keys.iter().map(|key| format!("{} is not null", quote(key))).collect();
    let agg = format!("select jsonb_agg(distinct jsonb_build_array({})) into keys from", key.join(", "));
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
        &format!("{}__capture_{}", model.name, lookup.name),
        "",
        "trigger",
        "security definer",
        &format!("Marks the keys of {} whose change moves history of {}.", lookup.table, model.name),
        &body,
    )
}
