//! The rollup tables, and for each level how it is recomputed, written and compared.

use super::live::{SPANS, entries_name, least_hashes, merged, result_columns};
use super::{Kind, Statement, function, key_names, list, own, scope};
use crate::api::Grain;
use crate::model::{MeasureForm, Merge, Model};
use crate::spec::on::{literal, quote};

/// Quantiles that some relation of this level's grain shows: they are stored, so that plain SQL is cheap.
pub(super) fn stored_quantiles(model: &Model, level: usize) -> Vec<(String, usize, f64)> {
    let grain = model.levels[level].grain;
    let shown = |name: &str| {
        model
            .relations
            .iter()
            .any(|relation| relation.grains.contains(&grain) && relation.measures.iter().any(|measure| measure == name))
    };
    model
        .measures
        .iter()
        .filter_map(|measure| match measure.form {
            MeasureForm::Quantile(stat, q) if shown(&measure.name) => Some((measure.name.clone(), stat, q)),
            _ => None,
        })
        .collect()
}

pub(super) fn tables(model: &Model) -> Vec<Statement> {
    (0..model.levels.len())
        .map(|level| {
            let name = model.table(level);
            let mut columns = vec!["bucket timestamptz not null".to_owned()];
            columns.extend(model.dimensions.iter().map(|dimension| format!("{} {}", quote(&dimension.name), dimension.sql_type)));
            columns.push("raw_rows bigint not null".to_owned());
            columns.extend(model.columns().iter().map(|column| {
                let not_null = if column.merge == Merge::Count { " not null" } else { "" };
                format!("{} {}{not_null}", quote(&column.name), column.sql_type)
            }));
            columns.extend(stored_quantiles(model, level).iter().map(|(name, ..)| format!("{} double precision", quote(name))));
            columns.push("computed_at timestamptz not null".to_owned());
            columns.push(format!("constraint {} unique nulls not distinct ({})", quote(&format!("{name}_key")), list("", key_names(model))));
            let sketches: String = model
                .columns()
                .iter()
                .filter(|column| column.merge.is_bytes())
                .map(|column| format!("alter table {} alter column {} set storage external;\n", own(&name), quote(&column.name)))
                .collect();
            // Sketches lie out of line, so that reading counts does not drag them along.
            let tuple_target = if sketches.is_empty() { "" } else { " with (toast_tuple_target = 128)" };
            Statement {
                kind: Kind::Table,
                sql: format!(
                    "create table if not exists {own} (\n  {}\n){tuple_target};\n{sketches}comment on table {own} is {};\n",
                    columns.join(",\n  "),
                    literal(&format!("Rollup {} by {}: buckets start at bucket (UTC).", model.name, model.levels[level].grain.label())),
                    own = own(&name),
                ),
                name,
            }
        })
        .collect()
}

/// `fresh`, `replace` and `diff` of one level.
pub(super) fn level(model: &Model, level: usize) -> Vec<Statement> {
    let grain = model.levels[level].grain.name();
    vec![
        fresh(model, level, grain),
        replace(model, level, grain),
        diff(model, level, grain),
    ]
}

fn arguments() -> String {
    format!(
        "p_lo timestamptz[], p_hi timestamptz[], p_raw boolean, {}",
        scope::ARGUMENT
    )
}

/// Merge from the finer level, or compute from raw rows.
fn fresh(model: &Model, level: usize, grain: &str) -> Statement {
    let from_raw = format!(
        "return query select * from {};",
        scope::call(&format!("{}__raw", model.storage), "p_lo, p_hi")
    );
    let body = match model.levels[level].merge_from {
        None => format!("begin\n  {from_raw}\nend"),
        Some(finer) => merged_from(model, level, finer, &from_raw),
    };
    function(
        &format!("{}__fresh_{grain}", model.storage),
        &arguments(),
        &format!("table ({})", result_columns(model)),
        "stable",
        &format!("What the buckets of {} by {grain} should hold now.", model.name),
        &body,
    )
}

/// Groups are numbered, so that their bins are sorted, and added up, by one number that holds group and key, and not by bucket and
/// dimensions: that is most of what a merge costs. A full join, since it is never made row by row.
fn merged_from(model: &Model, level: usize, finer: usize, from_raw: &str) -> String {
    let columns = model.columns();
    let keys = list("", key_names(model));
    let mut rows = vec!["p_lo[width_bucket(t.bucket, p_lo)] as bucket".to_owned()];
    rows.extend(
        model
            .dimensions
            .iter()
            .map(|dimension| format!("t.{}", quote(&dimension.name))),
    );
    rows.push("t.raw_rows".to_owned());
    rows.extend(columns.iter().map(|column| format!("t.{}", quote(&column.name))));
    let mut sums = vec!["sum(raw_rows)::bigint as raw_rows".to_owned()];
    sums.extend(columns.iter().filter(|column| !column.merge.is_bytes()).map(merged));
    let mut ctes = vec![
        SPANS.to_owned(),
        format!(
            "finer as materialized (
    select dense_rank() over (order by {keys}) as tidemark_group, * from (
      select {}
      from tidemark_span as s join {} as t on t.bucket >= s.lo and t.bucket < s.hi{}
    ) as stored
  )",
            rows.join(", "),
            own(&model.table(finer)),
            scope::of_table(model, "t")
        ),
        format!(
            "counts as (\n    select tidemark_group, {keys},\n      {}\n    from finer group by tidemark_group, {keys}\n  )",
            sums.join(",\n      ")
        ),
    ];
    let mut tables = "counts".to_owned();
    for column in columns.iter().filter(|column| column.merge.is_bytes()) {
        let stat = &model.stats[column.stat];
        let (entries, packed) = (entries_name(stat), quote(&format!("{}_packed", stat.name)));
        let bytes = quote(&column.name);
        if column.merge == Merge::Sketch {
            // A few finer buckets have few bins in common: there, sorting is faster than a hash table of nearly all of them.
            let sorted = if model.levels[level].grain < Grain::Day {
                " order by tidemark_place offset 0"
            } else {
                ""
            };
            // A key has 19 bits, with its sign.
            ctes.push(format!(
                "{entries} as (
    select tidemark_place, sum(tidemark_n)::bigint as tidemark_n from (
      select (tidemark_group << 20) + (e >> 45) + 262144 as tidemark_place, e & 35184372088831 as tidemark_n
      from finer, tidemark.sketch_entries({bytes}) as e{sorted}
    ) as bin group by tidemark_place
  ), {packed} as (
    select tidemark_place >> 20 as tidemark_group,
      string_agg(tidemark.sketch_entry(((tidemark_place & 1048575) - 262144)::integer, tidemark_n), ''::bytea order by tidemark_place) as {bytes}
    from {entries} group by tidemark_place >> 20
  )"
            ));
        } else {
            ctes.push(least_hashes(
                &entries,
                "tidemark_group",
                "e",
                &format!("finer, tidemark.kmv_entries({bytes}) as e"),
            ));
            ctes.push(format!(
                "{packed} as (\n    select tidemark_group, string_agg(tidemark_hash, ''::bytea order by tidemark_hash) as {bytes}\n    from {entries} group by tidemark_group\n  )"
            ));
        }
        tables += &format!(" full join {packed} using (tidemark_group)");
    }
    format!(
        "begin
  if p_raw then
    {from_raw}
    return;
  end if;
  return query with {}
  select {keys}, raw_rows, {} from {tables};
end",
        ctes.join(", "),
        list("", columns.iter().map(|column| column.name.as_str()))
    )
}

/// Upsert rows that differ, delete groups that vanished. Returns how many raw rows stand behind the new rows.
///
/// EXCEPT takes NULLs for equal and hashes whole rows: what is as it should be is not touched, not even locked, and many groups
/// in a bucket are not compared pair by pair.
fn replace(model: &Model, level: usize, grain: &str) -> Statement {
    let table = model.table(level);
    let keys = key_names(model);
    let quantiles = stored_quantiles(model, level);
    let mut stored: Vec<String> = vec!["raw_rows".to_owned()];
    stored.extend(model.columns().into_iter().map(|column| column.name));
    let values: Vec<String> = stored
        .iter()
        .map(|name| quote(name))
        .chain(quantiles.iter().map(|(name, stat, q)| {
            let stat = &model.stats[*stat].name;
            format!(
                "tidemark.sketch_quantile({}, {}, {q}, {}, {}) as {}",
                quote(&format!("{stat}__sketch")),
                quote(&format!("{stat}__n")),
                quote(&format!("{stat}__min")),
                quote(&format!("{stat}__max")),
                quote(name)
            )
        }))
        .collect();
    stored.extend(quantiles.into_iter().map(|(name, ..)| name));
    let names = stored.iter().map(String::as_str);
    let same_group: Vec<String> = keys
        .iter()
        .map(|key| format!("t.{0} is not distinct from g.{0}", quote(key)))
        .collect();
    let same_group = same_group.join(" and ").replacen("is not distinct from", "=", 1);
    let assignments: Vec<String> = stored
        .iter()
        .map(|name| format!("{0} = excluded.{0}", quote(name)))
        .collect();
    let body = format!(
        "declare raw_row_count bigint;
begin
  with {SPANS}, fresh as materialized (
    select {keys}, {values} from {fresh}
  ), old as (
    select {old} from tidemark_span as s join {table} as t on t.bucket >= s.lo and t.bucket < s.hi{scopes}
  ), gone as (
    delete from {table} as t using (select {keys} from old except select {keys} from fresh) as g
    where {same_group}
  ), written as (
    insert into {table} as t ({keys}, {stored}, computed_at)
    select {keys}, {stored}, clock_timestamp()
    from (select {keys}, {stored} from fresh except select {keys}, {stored} from old) as differs
    on conflict on constraint {constraint} do update set
      {assignments}, computed_at = excluded.computed_at
  )
  select coalesce(sum(raw_rows), 0) into raw_row_count from fresh;
  return raw_row_count;
end",
        fresh = scope::call(&format!("{}__fresh_{grain}", model.storage), "p_lo, p_hi, p_raw"),
        scopes = scope::of_table(model, "t"),
        table = own(&table),
        keys = list("", keys.iter().copied()),
        stored = list("", names.clone()),
        old = list("t.", keys.iter().copied().chain(names)),
        constraint = quote(&format!("{table}_key")),
        assignments = assignments.join(", "),
        values = values.join(", "),
    );
    function(
        &format!("{}__replace_{grain}", model.storage),
        &arguments(),
        "bigint",
        "",
        &format!(
            "Recompute buckets of {} by {grain} and write what differs. Called by tidemark.work.",
            model.name
        ),
        &body,
    )
}

/// Groups that differ between what is stored and what should be, both sides as jsonb: bytes as a digest, exact decimals as
/// text, because a reader of JSON would make doubles of them.
fn diff(model: &Model, level: usize, grain: &str) -> Statement {
    let dimensions: Vec<&str> = model
        .dimensions
        .iter()
        .map(|dimension| dimension.name.as_str())
        .collect();
    let group = if dimensions.is_empty() {
        "''".to_owned()
    } else {
        format!(
            "jsonb_build_object({})::text",
            model
                .dimensions
                .iter()
                .map(|dimension| format!("{}, {}", literal(&dimension.name), quote(&dimension.name)))
                .collect::<Vec<_>>()
                .join(", ")
        )
    };
    let pairs: Vec<String> = std::iter::once("'raw_rows', raw_rows".to_owned())
        .chain(model.columns().iter().map(|column| match column.merge {
            merge if merge.is_bytes() => format!("{}, md5({})", literal(&column.name), quote(&column.name)),
            _ if column.sql_type == "numeric" => {
                format!("{}, trim_scale({})::text", literal(&column.name), quote(&column.name))
            }
            _ => format!("{}, {}", literal(&column.name), quote(&column.name)),
        }))
        .collect();
    // jsonb_build_object takes at most 100 arguments.
    let object = pairs
        .chunks(40)
        .map(|chunk| format!("jsonb_build_object({})", chunk.join(", ")))
        .collect::<Vec<_>>()
        .join(" || ");
    let body = format!(
        "begin
  return query with {SPANS}, side as (
    select bucket, {group} as grp, {object} as expected, null::jsonb as stored from {fresh}(p_lo, p_hi, p_raw)
    union all
    select t.bucket, {group}, null, {object} from {table} as t join tidemark_span as s on t.bucket >= s.lo and t.bucket < s.hi
  ), paired as (
    select bucket, grp, jsonb_agg(expected) filter (where expected is not null) -> 0 as expected,
      jsonb_agg(stored) filter (where stored is not null) -> 0 as stored
    from side group by bucket, grp
  )
  select bucket, grp, expected, stored from paired where expected is distinct from stored;
end",
        fresh = own(&format!("{}__fresh_{grain}", model.storage)),
        table = own(&model.table(level)),
    );
    function(
        &format!("{}__diff_{grain}", model.storage),
        "p_lo timestamptz[], p_hi timestamptz[], p_raw boolean",
        "table (bucket timestamptz, grp text, expected jsonb, stored jsonb)",
        "stable",
        &format!(
            "Groups of {} by {grain} that differ from what they should hold. Called by the audit.",
            model.name
        ),
        &body,
    )
}
