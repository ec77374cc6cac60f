//! From raw rows: the statistics of any spans, where data lies, and which spans a lookup key touches.

use std::collections::BTreeSet;

use super::source::{between, bucket_floor, bucket_next, from, instant, valid};
use super::{FIRST, LAST, READER, Statement, function, key_names, list, own, scope};
use crate::model::{Column, Merge, Model, Number, SourceModel, Stat, StatKind, TimeKind};
use crate::spec::on::quote;

/// The result columns of `raw` and `fresh`: bucket, dimensions, raw_rows, statistics.
pub(super) fn result_columns(model: &Model) -> String {
    let mut columns = vec!["bucket timestamptz".to_owned()];
    columns.extend(
        model
            .dimensions
            .iter()
            .map(|dimension| format!("{} {}", quote(&dimension.name), dimension.sql_type)),
    );
    columns.push("raw_rows bigint".to_owned());
    columns.extend(
        model
            .columns()
            .iter()
            .map(|column| format!("{} {}", quote(&column.name), column.sql_type)),
    );
    columns.join(", ")
}

/// `ROLLUP__raw(lo[], hi[], scopes[])`: one row per span and group, labelled by the span's start. Spans are sorted and
/// disjoint.
///
/// Neighbouring spans are read as one range of the raw table; `width_bucket` then finds each row's span.
pub(super) fn raw(model: &Model) -> Statement {
    let mut ctes = vec![SPANS.to_owned()];
    let mut parts = Vec::new();
    let keys = key_names(model);
    let columns = model.columns();
    for (at, source) in model.sources.iter().enumerate() {
        let facts = quote(&format!("{}_facts", source.name));
        let mut outputs = vec![format!("p_lo[width_bucket({}, p_lo)] as bucket", instant(source))];
        outputs.extend(
            source
                .dimensions
                .iter()
                .zip(&model.dimensions)
                .map(|(sql, dimension)| format!("({sql})::{} as {}", dimension.sql_type, quote(&dimension.name))),
        );
        outputs.extend(source.values.iter().map(|value| {
            // PostgreSQL sums real in real, with six digits.
            let wide = if value.sql_type == "real" {
                "::double precision"
            } else {
                ""
            };
            format!("({}){wide} as {}", value.expression, quote(&value.name))
        }));
        outputs.extend(exact_outputs(model, at, source));
        let filter = source
            .filter
            .as_ref()
            .map_or(String::new(), |filter| format!("\n    where ({filter})"));
        let tables = from(source, &source.joins);
        let (raw, joins) = tables
            .split_once('\n')
            .map_or((tables.as_str(), String::new()), |(raw, joins)| {
                (raw, format!("\n{joins}"))
            });
        ctes.push(format!(
            "{facts} as materialized (\n    select {}\n    from tidemark_span join {raw} on {}{}{joins}{filter}\n  )",
            outputs.join(",\n      "),
            between(source, "tidemark_span.lo", "tidemark_span.hi"),
            scope::of_source(model, source),
        ));
        let own = |column: &&Column| model.stats[column.stat].source == at;
        let counts = branch(
            model,
            &columns,
            "count(*)",
            |column| {
                own(&column)
                    .then(|| aggregate(&model.stats[column.stat], column))
                    .flatten()
            },
            &facts,
        );
        let counted = quote(&format!("{}_counts", source.name));
        if columns.iter().filter(own).any(|column| column.merge == Merge::Sketch) {
            ctes.push(format!("{counted} as materialized (\n    {counts}\n  )"));
            parts.push(format!("select * from {counted}"));
        } else {
            parts.push(counts);
        }
        for column in columns.iter().filter(own).filter(|column| column.merge.is_bytes()) {
            let stat = &model.stats[column.stat];
            let entries = entries_name(stat);
            let keys = list("", keys.iter().copied());
            ctes.push(if column.merge == Merge::Sketch {
                let value = quote(stat.value.as_deref().unwrap_or_default());
                bins(
                    &entries,
                    &keys,
                    &value,
                    &format!("{facts} where {}", finite(stat)),
                    &counted,
                )
            } else {
                let value = quote(stat.value.as_deref().unwrap_or_default());
                let hash = format!("tidemark.kmv_hash({})", text_of(source, stat));
                let present = with_filter(stat, format!("{value} is not null"));
                least_hashes(&entries, &keys, &hash, &format!("{facts} where {present}"))
            });
            parts.push(packed(model, &columns, column, &entries));
        }
    }
    let body = format!(
        "begin\n  return query with {}\n  {};\nend",
        ctes.join(", "),
        combined(model, &columns, &parts)
    );
    function(
        &format!("{}__raw", model.storage),
        &format!("p_lo timestamptz[], p_hi timestamptz[], {}", scope::ARGUMENT),
        &format!("table ({})", result_columns(model)),
        &scope::reader(model),
        &format!(
            "Statistics of {} over any spans (sorted, disjoint), from raw rows: one row per span and group, bucket is the span's start.",
            model.name
        ),
        &body,
    )
}

pub(super) const SPANS: &str = "tidemark_span as (\n    select lower(r) as lo, upper(r) as hi\n    from unnest((select range_agg(tstzrange(l, h)) from unnest(p_lo, p_hi) as u (l, h))) as r\n  )";

/// Rows of a group from which on a hash table of its bins is faster than sorting them: few rows have few bins in common.
const CROWDED: u32 = 400;

/// Values counted by bin. One of both arms finds nothing to do, by what was counted before.
fn bins(name: &str, keys: &str, value: &str, table: &str, counted: &str) -> String {
    let crowded = format!("(select sum(raw_rows) >= {CROWDED} * count(*) from {counted})");
    let bin = format!("{keys}, tidemark.sketch_key({value}::double precision) as tidemark_key");
    format!(
        "{name} as (
    select {keys}, tidemark_key, count(*) as tidemark_n from (
      select {bin}
      from {table} and not {crowded} order by {keys}, tidemark_key offset 0
    ) as bin group by {keys}, tidemark_key
    union all
    select {bin}, count(*)
    from {table} and {crowded} group by {keys}, tidemark_key
  )"
    )
}

/// One branch of the union: all columns, those it does not fill as NULL.
fn branch(
    model: &Model,
    columns: &[Column],
    rows: &str,
    fill: impl Fn(&Column) -> Option<String>,
    table: &str,
) -> String {
    let keys = list("", key_names(model));
    let mut outputs = vec![keys.clone(), format!("{rows}::bigint as raw_rows")];
    outputs.extend(columns.iter().map(|column| {
        let sql = fill(column).unwrap_or_else(|| "null".to_owned());
        format!("{sql}::{} as {}", column.sql_type, quote(&column.name))
    }));
    format!("select {}\n    from {table} group by {keys}", outputs.join(",\n      "))
}

/// What a stored statistic's entries are called while they are made.
pub(super) fn entries_name(stat: &Stat) -> String {
    quote(&format!("{}_entries", stat.name))
}

/// The CTE of a distinct count's least hashes of each group.
pub(super) fn least_hashes(name: &str, keys: &str, hash: &str, table: &str) -> String {
    format!(
        "{name} as (\n    select {keys}, tidemark_hash from (\n      select {keys}, tidemark_hash, row_number() over (partition by {keys} order by tidemark_hash) as tidemark_at\n      from (select distinct {keys}, {hash} as tidemark_hash from {table}) as tidemark_one\n    ) as tidemark_ranked where tidemark_at <= {}\n  )",
        crate::kmv::K
    )
}

/// The branch that packs one statistic's entries into bytes.
pub(super) fn packed(model: &Model, columns: &[Column], packed: &Column, entries: &str) -> String {
    let bytes = match packed.merge {
        Merge::Kmv => "string_agg(tidemark_hash, ''::bytea order by tidemark_hash)",
        _ => "string_agg(tidemark.sketch_entry(tidemark_key, tidemark_n), ''::bytea order by tidemark_key)",
    };
    branch(
        model,
        columns,
        "0",
        |column| (column.name == packed.name).then(|| bytes.to_owned()),
        entries,
    )
}

/// Branches joined group by group. Bytes come from exactly one branch each.
pub(super) fn combined(model: &Model, columns: &[Column], parts: &[String]) -> String {
    let keys = list("", key_names(model));
    let mut outputs = vec![keys.clone(), "sum(raw_rows)::bigint as raw_rows".to_owned()];
    outputs.extend(columns.iter().map(merged));
    format!(
        "select {}\n  from (\n    {}\n  ) as tidemark_part\n  group by {keys}",
        outputs.join(",\n    "),
        parts.join("\n    union all\n    ")
    )
}

/// A column merged over rows, without its name. Bytes are not: their entries are merged one by one.
#[must_use]
pub fn merged_sql(column: &Column) -> String {
    let merged = merged(column);
    merged
        .rsplit_once(" as ")
        .map_or(merged.clone(), |(sql, _)| sql.to_owned())
}

/// A column merged over rows.
pub(super) fn merged(column: &Column) -> String {
    let name = quote(&column.name);
    let sql = match column.merge {
        Merge::Count => format!("coalesce(sum({name}), 0)"),
        Merge::Sum => format!("sum({name})"),
        Merge::Min => format!("min({name})"),
        Merge::Max => format!("max({name})"),
        Merge::Sketch | Merge::Kmv => format!("string_agg({name}, ''::bytea)"),
    };
    format!("{sql}::{} as {name}", column.sql_type)
}

/// What a column is over a source's facts; sketches have a branch of their own.
fn aggregate(stat: &Stat, column: &Column) -> Option<String> {
    let value = quote(stat.value.as_deref().unwrap_or_default());
    let filtered = |aggregate: &str, condition: Option<String>| match condition {
        Some(condition) => format!("{aggregate} filter (where {condition})"),
        None => aggregate.to_owned(),
    };
    let exact = exact_name(stat);
    let own_filter = stat.filter.as_ref().map(|filter| format!("({filter})"));
    Some(match stat.kind {
        StatKind::Count => filtered("count(*)", own_filter),
        StatKind::Sum => filtered(&format!("sum({value})"), own_filter),
        StatKind::Min => filtered(&format!("min({value})"), own_filter),
        StatKind::Max => filtered(&format!("max({value})"), own_filter),
        StatKind::Distinct => return None,
        StatKind::Moments | StatKind::Trend | StatKind::Distribution => match column.name.rsplit("__").next() {
            Some("n") => filtered("count(*)", Some(finite(stat))),
            Some("odd") => {
                let odd = format!("{value} is not null and not {}", finite_value(stat));
                filtered(
                    "count(*)",
                    Some(own_filter.map_or(odd.clone(), |filter| format!("{odd} and {filter}"))),
                )
            }
            Some("sum") if stat.kind == StatKind::Distribution => {
                filtered(&format!("sum({value})"), Some(finite(stat)))
            }
            Some("sum") => filtered(&format!("sum({exact})"), Some(finite(stat))),
            Some("sum2") => filtered(&format!("sum({exact} * {exact})"), Some(finite(stat))),
            Some("t") => filtered("sum(tidemark_t)", Some(finite(stat))),
            Some("t2") => filtered("sum(tidemark_t * tidemark_t)", Some(finite(stat))),
            Some("tv") => filtered(&format!("sum(tidemark_t * {exact})"), Some(finite(stat))),
            Some("min") => filtered(&format!("min({value}::double precision)"), Some(finite(stat))),
            Some("max") => filtered(&format!("max({value}::double precision)"), Some(finite(stat))),
            _ => return None,
        },
    })
}

fn finite_value(stat: &Stat) -> String {
    let value = quote(stat.value.as_deref().unwrap_or_default());
    match stat.number {
        Number::Int => format!("({value} is not null)"),
        // NaN sorts above infinity.
        Number::Exact => format!("({value}::numeric > '-Infinity' and {value}::numeric < 'Infinity')"),
        Number::Float => format!("({value} > '-Infinity' and {value} < 'Infinity')"),
    }
}

fn finite(stat: &Stat) -> String {
    with_filter(stat, finite_value(stat))
}

/// A condition, and the statistic's own.
fn with_filter(stat: &Stat, condition: String) -> String {
    match &stat.filter {
        Some(filter) => format!("{condition} and ({filter})"),
        None => condition,
    }
}

/// A value as an exact decimal, as [`exact_outputs`] has made it ready.
fn exact_name(stat: &Stat) -> String {
    let value = stat.value.as_deref().unwrap_or_default();
    match stat.number {
        Number::Float => quote(&format!("{value}__exact")),
        _ => format!("{}::numeric", quote(value)),
    }
}

/// What moments and trends need of each row besides its values.
///
/// A double is taken as the shortest decimal that reads back as it, which is what PostgreSQL prints; a cast to numeric would
/// round it to 15 digits.
fn exact_outputs(model: &Model, source_at: usize, source: &SourceModel) -> Vec<String> {
    let summed = |stat: &&Stat| stat.source == source_at && matches!(stat.kind, StatKind::Moments | StatKind::Trend);
    let floats: BTreeSet<&str> = model
        .stats
        .iter()
        .filter(summed)
        .filter(|stat| stat.number == Number::Float)
        .filter_map(|stat| stat.value.as_deref())
        .collect();
    let mut outputs: Vec<String> = source
        .values
        .iter()
        .filter(|value| floats.contains(value.name.as_str()))
        .map(|value| {
            format!(
                "({})::text::numeric as {}",
                value.expression,
                quote(&format!("{}__exact", value.name))
            )
        })
        .collect();
    if model
        .stats
        .iter()
        .filter(summed)
        .any(|stat| stat.kind == StatKind::Trend)
    {
        // Microseconds since 2001: whole, and with fewer digits than since 1970.
        outputs.push(format!(
            "((extract(epoch from {}) - 978307200) * 1000000)::bigint::numeric as tidemark_t",
            instant(source)
        ));
    }
    outputs
}

/// The text by which values are told apart: equal numbers have equal texts.
fn text_of(source: &SourceModel, stat: &Stat) -> String {
    let name = stat.value.as_deref().unwrap_or_default();
    let sql_type = source
        .values
        .iter()
        .find(|value| value.name == name)
        .map_or("", |value| value.sql_type.as_str());
    let value = quote(name);
    match sql_type.split('(').next().unwrap_or_default() {
        // 1.50 is 1.5, and -0 is 0.
        "numeric" => format!("trim_scale({value})::text"),
        "real" | "double precision" => format!("({value} + 0)::text"),
        _ => format!("{value}::text"),
    }
}

/// `ROLLUP__extent(scopes[])`: the spans that raw rows or rollup rows lie in, at most one a year.
///
/// A row dated centuries away has an island of its own: one span over all would make hundreds of millions of empty
/// buckets dirty. Each source is asked by its own time column, so that its index answers.
pub(super) fn extent(model: &Model) -> Statement {
    let base = model.base().name();
    let mut parts: Vec<String> = model
        .sources
        .iter()
        .map(|source| {
            let column = source.time_sql();
            let ends = |aggregate: &str| instant(source).replacen(&column, &format!("{aggregate}({column})"), 1);
            // A wall clock's order is not quite that of its instants.
            let (lo, hi) = match &source.time {
                TimeKind::Timestamp { zone } | TimeKind::Date { zone } if zone != "UTC" => ("lo - interval '3 hours'", "hi + interval '3 hours'"),
                _ => ("lo", "hi"),
            };
            let islands = islands(
                &ends("min"),
                &ends("max"),
                &|lo, hi| format!("{} where {} and {}{}", from(source, &[]), valid(source), between(source, lo, hi), scope::of_source(model, source)),
            );
            format!(
                "select tidemark.bucket_floor('{base}', {lo}) as lo, tidemark.bucket_next('{base}', tidemark.bucket_floor('{base}', {hi})) as hi\n    from ({islands}) as island"
            )
        })
        .collect();
    // Up to the first level that is kept for ever; coarser buckets would only make the extent wider than it is.
    let kept = model
        .levels
        .iter()
        .position(|level| level.keep.is_none())
        .unwrap_or_default();
    for level in 0..=kept {
        let grain = model.levels[level].grain.name();
        let table = own(&model.table(level));
        let islands = islands("min(bucket)", "max(bucket)", &|lo, hi| {
            format!(
                "{table} as t where bucket >= {lo} and bucket < {hi}{}",
                scope::of_table(model, "t")
            )
        });
        parts.push(format!(
            "select lo, tidemark.bucket_next('{grain}', hi) from ({islands}) as island"
        ));
    }
    function(
        &format!("{}__extent", model.storage),
        scope::ARGUMENT,
        "tstzmultirange",
        &scope::reader(model),
        &format!(
            "The spans that data of {} lie in, in raw tables or in rollup tables.",
            model.name
        ),
        &format!(
            "begin\n  return coalesce((select range_agg(tstzrange(lo, hi)) from (\n    {}\n  ) as part), '{{}}');\nend",
            parts.join("\n    union all\n    ")
        ),
    )
}

/// First and last instant of each year that has any, by hopping from one to the next.
fn islands(min: &str, max: &str, rows: &dyn Fn(&str, &str) -> String) -> String {
    let next = "tidemark.bucket_next('year', tidemark.bucket_floor('year', tidemark_year.lo))";
    let (first, last) = (format!("'{FIRST}'::timestamptz"), format!("'{LAST}'::timestamptz"));
    format!(
        "
      with recursive tidemark_year as (
        select {min} as lo from {all}
        union all
        select (select {min} from {later}) from tidemark_year where lo is not null
      )
      select lo, (select {max} from {within}) as hi from tidemark_year where lo is not null",
        all = rows(&first, &last),
        later = rows(next, &last),
        within = rows("tidemark_year.lo", next),
    )
}

/// `ROLLUP__outside()`: raw rows that belong to no bucket, and raw rows dated after now.
pub(super) fn outside(model: &Model) -> Statement {
    let counts = |condition: &dyn Fn(&SourceModel) -> String| {
        model
            .sources
            .iter()
            .map(|source| {
                format!(
                    "(select count(*) from {} where {})",
                    from(source, &[]),
                    condition(source)
                )
            })
            .collect::<Vec<_>>()
            .join(" + ")
    };
    function(
        &format!("{}__outside", model.storage),
        "",
        "table (outside_rows bigint, future_rows bigint)",
        READER,
        "Raw rows whose time is NULL, infinite or outside 1900-2300, and raw rows dated after now.",
        &format!(
            "begin\n  return query select {},\n    {};\nend",
            counts(&|source| format!("({}) is not true", valid(source))),
            counts(&|source| format!(
                "({}) and {}",
                valid(source),
                between(source, "clock_timestamp()", "'2300-01-01 00:00+00'::timestamptz")
            ))
        ),
    )
}

/// Up to so many lookup keys are looked for one by one.
const FEW_KEYS: usize = 10;

/// `ROLLUP__expand(input, keys)`: the spans whose raw rows have one of these lookup keys.
///
/// The planner takes any list of keys for ten, and reads the whole raw table for that where the path has two hops. One
/// key at a time it knows how many rows to expect, and takes the indexes. Many keys at once are one pass.
pub(super) fn expand(model: &Model) -> Statement {
    let base = model.base();
    let mut arms = Vec::new();
    for (input, lookup) in model.lookups.iter().enumerate() {
        let key = |index: usize| {
            format!(
                "(tidemark_key->>{index})::{}",
                lookup.used.get(&lookup.keys[index]).map_or("text", String::as_str)
            )
        };
        let keys: Vec<String> = (0..lookup.keys.len()).map(key).collect();
        let (mut few, mut many) = (Vec::new(), Vec::new());
        for source in &model.sources {
            for (at, join) in source.joins.iter().enumerate().filter(|(_, join)| join.input == input) {
                let query = |condition: &str| {
                    format!(
                        "select {} as b\n      from {}\n      where {} and {condition} group by 1",
                        bucket_floor(base, &instant(source)),
                        from(source, &source.joins[..at]),
                        valid(source)
                    )
                };
                let pairs: Vec<String> = join
                    .expressions
                    .iter()
                    .zip(&keys)
                    .map(|(a, b)| format!("{a} = {b}"))
                    .collect();
                few.push(query(&pairs.join(" and ")));
                many.push(query(&match keys.as_slice() {
                    [key] => format!(
                        "{} = any (array(select {key} from jsonb_array_elements(p_keys) as tidemark_key))",
                        join.expressions[0]
                    ),
                    keys => format!(
                        "({}) in (select {} from jsonb_array_elements(p_keys) as tidemark_key)",
                        join.expressions.join(", "),
                        keys.join(", ")
                    ),
                }));
            }
        }
        let ordinal = model.sources.len() + input;
        let spans = |rows: &str| {
            format!(
                "return query select unnest(range_agg(tstzrange(b, {}))) from {rows} as hit;",
                bucket_next(base, "b")
            )
        };
        let (few, many) = (few.join("\n      union\n      "), many.join("\n      union\n      "));
        arms.push(format!(
            "  if p_input = {ordinal} and jsonb_array_length(p_keys) <= {FEW_KEYS} then -- {table}\n    {}\n  elsif p_input = {ordinal} then\n    {}\n  end if;",
            spans(&format!("jsonb_array_elements(p_keys) as tidemark_key cross join lateral (\n      {few}\n    )")),
            spans(&format!("(\n      {many}\n    )")),
            table = lookup.table.replace(['\n', '\r'], " "),
        ));
    }
    function(
        &format!("{}__expand", model.storage),
        "p_input smallint, p_keys jsonb",
        "setof tstzrange",
        READER,
        "The spans whose raw rows have one of these lookup keys. Called by tidemark.intake.",
        &format!("begin\n{}\nend", arms.join("\n")),
    )
}

/// `ROLLUP__estimate(lo[], hi[], scopes[])`: how many raw rows the planner expects in some spans.
pub(super) fn estimate(model: &Model) -> Statement {
    let arms: Vec<String> = model
        .sources
        .iter()
        .map(|source| {
            // Through format(), where a % in a name would be one of its own.
            let condition = (between(source, "\u{1}", "\u{2}") + &scope::of_source_in(model, source, "\u{3}"))
                .replace('%', "%%")
                .replace('\u{1}', "%1$L::timestamptz")
                .replace('\u{2}', "%2$L::timestamptz")
                .replace('\u{3}', "%3$L::text[]");
            let sql = format!("explain (format json) select from {} where {condition}", from(source, &[]).replace('%', "%%"));
            format!("    execute format({}, s.lo, s.hi, p_scopes) into plan;\n    total := total + (plan -> 0 -> 'Plan' ->> 'Plan Rows')::double precision;", crate::spec::on::literal(&sql))
        })
        .collect();
    let body = format!(
        "declare
  s record;
  plan json;
  total double precision := 0;
begin
  for s in
    with {SPANS} select lo, hi from tidemark_span where (select count(*) from tidemark_span) <= 50
    union all select min(lo), max(hi) from tidemark_span having count(*) > 50
  loop
{}
  end loop;
  return total;
end",
        arms.join("\n")
    );
    function(
        &format!("{}__estimate", model.storage),
        &format!("p_lo timestamptz[], p_hi timestamptz[], {}", scope::ARGUMENT),
        "double precision",
        // EXPLAIN is refused in a stable function.
        "security definer\nset row_security = off set jit = off",
        "How many raw rows the planner expects in some spans.",
        &body,
    )
}
