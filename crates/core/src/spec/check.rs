//! What can be checked of a declaration without a database.

use std::collections::HashSet;
use std::ops::Range;

use super::expr::Expr;
use toml::Spanned;

use super::{Measure, Relation, Spec, on};
use crate::api::Grain;
use crate::board_check::{self, Names};
use crate::model::StatKind;
use crate::suggest::closest;

pub(super) type Complaint = (Range<usize>, String);

pub(super) fn check(spec: &Spec, text: &str) -> Result<(), Complaint> {
    name(spec.name.get_ref(), 30).map_err(|why| (spec.name.span(), format!("name: {why}")))?;
    grains(spec)?;
    sources(spec)?;
    for (dimension, declared) in &spec.dimensions {
        name(dimension, 50).map_err(|why| (declared.span(), format!("dimension {dimension:?}: {why}")))?;
        if let Some(source) = spec
            .source
            .iter()
            .find(|source| !source.dimensions.contains_key(dimension))
        {
            return Err((
                source.name.span(),
                format!(
                    "source \"{}\" does not say what dimension \"{dimension}\" is: add it under dimensions = {{ … }}",
                    source.name.get_ref()
                ),
            ));
        }
    }
    super::check_scope::check(spec)?;
    super::check_poll::check(spec)?;
    for (measure, declared) in &spec.measures {
        name(measure, 50)
            .and_then(|()| form(spec, measure, declared.get_ref()))
            .map_err(|why| (declared.span(), format!("measure \"{measure}\": {why}")))?;
    }
    relations(spec)?;
    board(spec, text)
}

/// A name becomes part of table and column names.
fn name(name: &str, longest: usize) -> Result<(), String> {
    let fine = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.contains("__")
        && name.len() <= longest;
    if fine {
        Ok(())
    } else {
        Err(format!(
            "{name:?} can't be used; write lower-case letters, digits and single underscores, at most {longest}, a letter first"
        ))
    }
}

fn grains(spec: &Spec) -> Result<(), Complaint> {
    let mut previous: Option<Grain> = None;
    if spec.grains.is_empty() {
        return Err((
            spec.name.span(),
            "grains is empty; write for example grains = [\"15m\", \"hour\", \"day\", \"month\"]".to_owned(),
        ));
    }
    for declared in &spec.grains {
        let text = declared.get_ref();
        let grain = Grain::parse(text)
            .filter(|grain| *grain != Grain::Total)
            .ok_or_else(|| {
                (
                    declared.span(),
                    format!("there is no grain {text:?}; use 1m, 5m, 15m, hour, day, week, month or year"),
                )
            })?;
        if previous.is_some_and(|finer| finer >= grain) {
            return Err((
                declared.span(),
                format!("grain {text:?} must come before the coarser ones and only once; write them finest first"),
            ));
        }
        previous = Some(grain);
    }
    let list = spec.grain_list();
    for (grain, keep) in &spec.keep {
        let at = list.iter().position(|known| known.name() == grain);
        match at {
            None => {
                return Err((
                    keep.span(),
                    format!("keep names grain {grain:?}, which is not among grains"),
                ));
            }
            Some(at) if at + 1 == list.len() => {
                return Err((
                    keep.span(),
                    format!("the coarsest grain {grain:?} is kept for ever; remove it from keep"),
                ));
            }
            Some(at) if at > 0 && !spec.keep.contains_key(list[at - 1].name()) => {
                return Err((
                    keep.span(),
                    format!(
                        "{grain:?} can't be dropped while the finer {:?} is kept for ever",
                        list[at - 1].name()
                    ),
                ));
            }
            Some(at) if !list[at].divides(list[at + 1]) => {
                return Err((
                    keep.span(),
                    format!("{grain:?} does not divide the next grain, so it can't be dropped"),
                ));
            }
            Some(_) => {}
        }
        if duration_seconds(keep.get_ref()).is_none() {
            return Err((
                keep.span(),
                format!(
                    "keep: can't read {:?}; write for example \"2 days\" or \"36 hours\"",
                    keep.get_ref()
                ),
            ));
        }
    }
    Ok(())
}

/// Read `2 days`, `36 hours`, `90 minutes`.
#[must_use]
pub(crate) fn duration_seconds(text: &str) -> Option<i64> {
    let (number, unit) = text.trim().split_once(' ')?;
    let unit = match unit.trim().trim_end_matches('s') {
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        "week" => 604_800,
        _ => return None,
    };
    number.parse::<i64>().ok().filter(|n| *n > 0)?.checked_mul(unit)
}

fn sources(spec: &Spec) -> Result<(), Complaint> {
    if spec.source.is_empty() {
        return Err((spec.name.span(), "a rollup needs a [[source]]".to_owned()));
    }
    let mut names = HashSet::new();
    for source in &spec.source {
        let source_name = source.name.get_ref();
        name(source_name, 16).map_err(|why| (source.name.span(), format!("source: {why}")))?;
        if !names.insert(source_name) {
            return Err((source.name.span(), format!("there are two sources {source_name:?}")));
        }
        let table = on::table_ref(source.table.get_ref())
            .ok_or_else(|| (source.table.span(), bad_table(source.table.get_ref())))?;
        let mut aliases = HashSet::from([table.alias.clone()]);
        match on::column_ref(source.time.get_ref()) {
            Some((alias, _)) if alias == table.alias => {}
            _ => {
                return Err((
                    source.time.span(),
                    format!("time: write the time column as {}.COLUMN", table.alias),
                ));
            }
        }
        if let Some(zone) = &source.time_zone
            && zone.get_ref().parse::<chrono_tz::Tz>().is_err()
        {
            let known = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
            let hint = closest(zone.get_ref(), known).map_or(String::new(), |near| format!("; did you mean {near:?}?"));
            return Err((zone.span(), format!("there is no time zone {:?}{hint}", zone.get_ref())));
        }
        if let Some(unit) = &source.time_unit
            && !["s", "ms", "us"].contains(&unit.get_ref().as_str())
        {
            return Err((
                unit.span(),
                format!("time_unit {:?}: write \"s\", \"ms\" or \"us\"", unit.get_ref()),
            ));
        }
        for lookup in &source.lookups {
            let table = on::table_ref(lookup.table.get_ref())
                .ok_or_else(|| (lookup.table.span(), bad_table(lookup.table.get_ref())))?;
            if on::key_pairs(lookup.on.get_ref(), &table.alias).is_none_or(|pairs| pairs.is_empty()) {
                return Err((
                    lookup.on.span(),
                    format!(
                        "on: write {0}.KEY = expression (joined by and), with a unique KEY of {0}",
                        table.alias
                    ),
                ));
            }
            if !aliases.insert(table.alias.clone()) {
                return Err((
                    lookup.table.span(),
                    format!("alias {:?} is used twice in source {source_name:?}", table.alias),
                ));
            }
        }
        for (dimension, expression) in &source.dimensions {
            if !spec.dimensions.contains_key(dimension) {
                let hint = suggestion(dimension, spec.dimensions.keys());
                return Err((expression.span(), format!("there is no [dimensions.{dimension}]{hint}")));
            }
        }
        for (label, expression) in &source.rows {
            let taken = ["source", "time"].contains(&label.as_str());
            if taken
                || label.trim() != label
                || label.is_empty()
                || label.chars().count() > 40
                || label.contains(['=', '\n', '\r'])
            {
                let why = if taken {
                    "is what every row has anyway"
                } else {
                    "can't be used; write 1 to 40 characters without ="
                };
                return Err((expression.span(), format!("rows: label {label:?} {why}")));
            }
        }
        for (value, expression) in &source.values {
            name(value, 50).map_err(|why| (expression.span(), format!("value {value:?}: {why}")))?;
            if spec.dimensions.contains_key(value) || ["bucket", "raw_rows", "computed_at"].contains(&value.as_str()) {
                return Err((
                    expression.span(),
                    format!("value {value:?} has the name of something else; choose another"),
                ));
            }
        }
    }
    Ok(())
}

fn bad_table(text: &str) -> String {
    format!("table: can't read {text:?}; write [schema.]table alias, with double quotes around names that need them")
}

pub(super) fn suggestion<'a>(word: &str, known: impl Iterator<Item = &'a String>) -> String {
    closest(word, known.map(String::as_str)).map_or(String::new(), |near| format!("; did you mean {near:?}?"))
}

fn form(spec: &Spec, own: &str, measure: &Measure) -> Result<(), String> {
    let stored: Vec<&String> = measure
        .stored()
        .into_iter()
        .filter_map(|(_, form)| form.as_ref())
        .collect();
    // Measures of what is stored, and what that may be.
    let derived = [
        (
            &measure.mean,
            &[StatKind::Moments, StatKind::Trend, StatKind::Distribution][..],
        ),
        (&measure.sd, &[StatKind::Moments, StatKind::Trend]),
        (&measure.slope, &[StatKind::Trend]),
        (&measure.r2, &[StatKind::Trend]),
        (&measure.of, &[StatKind::Distribution]),
    ];
    let forms = usize::from(measure.count.is_some())
        + stored.len()
        + usize::from(measure.expr.is_some())
        + usize::from(measure.ratio.is_some())
        + derived[..4].iter().filter(|(form, _)| form.is_some()).count()
        + usize::from(measure.quantile.is_some());
    if forms != 1 {
        return Err("write exactly one of count, sum, min, max, moments, trend, distribution, distinct (stored), expr, ratio, mean, sd, slope, r2, quantile (derived)".to_owned());
    }
    if let Some(source) = &measure.count {
        known_source(spec, source)?;
    }
    for value in &stored {
        value_of(spec, value)?;
    }
    if measure.filter.is_some() && measure.count.is_none() && stored.is_empty() {
        return Err("where goes with count, sum, min, max, moments, trend, distribution and distinct only".to_owned());
    }
    if let Some(expr) = &measure.expr {
        for name in Expr::parse(expr)?.measures() {
            earlier(spec, own, name)?;
        }
    }
    if let Some([a, b]) = &measure.ratio {
        earlier(spec, own, a)?;
        earlier(spec, own, b)?;
    }
    for (of, kinds) in derived {
        let Some(of) = of else { continue };
        let target = spec
            .measures
            .get(of)
            .ok_or_else(|| format!("there is no measure \"{of}\"{}", suggestion(of, spec.measures.keys())))?;
        if !target.get_ref().feeds().is_some_and(|kind| kinds.contains(&kind)) {
            let kinds: Vec<&str> = kinds.iter().map(|kind| kind.words()).collect();
            return Err(format!("\"{of}\" is not {}", kinds.join(" or ")));
        }
    }
    match measure.quantile {
        Some(_) if measure.of.is_none() => Err("say of which distribution: of = \"…\"".to_owned()),
        Some(q) if !(0.0..=1.0).contains(&q) => Err(format!("quantile {q} is not between 0 and 1")),
        _ if measure.of.is_some() && measure.quantile.is_none() => Err("of goes with quantile".to_owned()),
        _ => Ok(()),
    }
}

fn known_source(spec: &Spec, name: &str) -> Result<(), String> {
    if spec.source.iter().any(|source| source.name.get_ref() == name) {
        return Ok(());
    }
    Err(format!(
        "there is no source \"{name}\"{}",
        suggestion(name, spec.source.iter().map(|source| source.name.get_ref()))
    ))
}

fn value_of(spec: &Spec, text: &str) -> Result<(), String> {
    let (source_name, value) = text
        .split_once('.')
        .ok_or_else(|| format!("write \"SOURCE.VALUE\" instead of \"{text}\""))?;
    known_source(spec, source_name)?;
    let source = spec.source.iter().find(|source| source.name.get_ref() == source_name);
    match source {
        Some(source) if !source.values.contains_key(value) => Err(format!(
            "source \"{source_name}\" has no value \"{value}\"{}",
            suggestion(value, source.values.keys())
        )),
        _ => Ok(()),
    }
}

/// Derived measures are computed in the order in which they stand.
fn earlier(spec: &Spec, own: &str, name: &str) -> Result<(), String> {
    match (spec.measures.get_index_of(name), spec.measures.get_index_of(own)) {
        (None, _) => Err(format!(
            "there is no measure \"{name}\"{}",
            suggestion(name, spec.measures.keys())
        )),
        (Some(at), Some(here)) if at >= here => Err(format!("measure \"{name}\" must stand before it")),
        _ => number(spec, name),
    }
}

fn relations(spec: &Spec) -> Result<(), Complaint> {
    let mut names = HashSet::new();
    for declared in &spec.relation {
        let relation = declared.get_ref();
        let complain = |message: String| (declared.span(), format!("relation \"{}\": {message}", relation.name));
        name(&relation.name, 60).map_err(complain)?;
        if !names.insert(&relation.name)
            || [
                "status", "rollup", "mark", "dirty", "job", "level", "input", "health", "ticker", "run", "audit",
            ]
            .contains(&relation.name.as_str())
        {
            return Err(complain("this name is taken".to_owned()));
        }
        match (&relation.grain, relation.grains.is_empty(), &relation.grain_column) {
            (Some(_), true, None) | (None, false, Some(_)) => {}
            (Some(_), true, Some(_)) => return Err(complain("grain_column goes with grains".to_owned())),
            (None, false, None) => {
                return Err(complain(
                    "say what tells the grains apart: grain_column = \"granularity\"".to_owned(),
                ));
            }
            _ => {
                return Err(complain(
                    "write either grain = \"day\" or grains = [\"day\", \"week\"]".to_owned(),
                ));
            }
        }
        let mut own = HashSet::new();
        for grain in relation.grain.iter().chain(&relation.grains) {
            if !spec.grains.iter().any(|known| known.get_ref() == grain) {
                return Err(complain(format!("grain {grain:?} is not among grains")));
            }
            if !own.insert(grain) {
                return Err(complain(format!("grain {grain:?} stands there twice")));
            }
        }
        let mut columns: HashSet<&str> = spec.dimensions.keys().map(String::as_str).collect();
        columns.insert("computed_at");
        let shown: Vec<&String> = if relation.measures.is_empty() {
            let numbers = spec
                .measures
                .iter()
                .filter(|(_, measure)| measure.get_ref().feeds().is_none());
            numbers.map(|(name, _)| name).collect()
        } else {
            relation.measures.iter().collect()
        };
        for column in [Some(&relation.time_column), relation.grain_column.as_ref()]
            .into_iter()
            .flatten()
            .chain(shown)
        {
            if !columns.insert(column) {
                return Err(complain(format!("two of its columns are called {column:?}")));
            }
        }
        for measure in &relation.measures {
            number(spec, measure).map_err(complain)?;
        }
        if let Some(dimensions) = &relation.dimensions {
            merged_over(spec, relation, dimensions).map_err(complain)?;
        }
    }
    Ok(())
}

/// A relation with fewer dimensions adds groups up, which plain SQL can do with all but sketches.
fn merged_over(spec: &Spec, relation: &Relation, dimensions: &[String]) -> Result<(), String> {
    let mut seen = HashSet::new();
    for dimension in dimensions {
        if !spec.dimensions.contains_key(dimension) {
            let hint = suggestion(dimension, spec.dimensions.keys());
            return Err(format!("there is no dimension \"{dimension}\"{hint}"));
        }
        if !seen.insert(dimension) {
            return Err(format!("dimension \"{dimension}\" stands there twice"));
        }
    }
    if seen.len() == spec.dimensions.len() {
        return Ok(());
    }
    let shown = |name: &str| relation.measures.is_empty() || relation.measures.iter().any(|shown| shown == name);
    match spec
        .measures
        .iter()
        .find(|(name, _)| shown(name) && reads_sketch(spec, name))
    {
        Some((name, _)) => Err(format!(
            "\"{name}\" is a percentile, and percentiles of several groups can't be combined in a view; name the measures without it, or keep all dimensions"
        )),
        None => Ok(()),
    }
}

fn reads_sketch(spec: &Spec, name: &str) -> bool {
    let Some(measure) = spec.measures.get(name).map(Spanned::get_ref) else {
        return false;
    };
    let operands = measure.expr.as_deref().and_then(|expr| Expr::parse(expr).ok());
    let operands = operands
        .as_ref()
        .map_or(Vec::new(), |expr| expr.measures().into_iter().collect());
    let parts = measure.ratio.iter().flatten().map(String::as_str);
    measure.quantile.is_some() || operands.into_iter().chain(parts).any(|name| reads_sketch(spec, name))
}

/// A board names measures that are numbers, and dimensions.
fn board(spec: &Spec, text: &str) -> Result<(), Complaint> {
    let Some(declared) = &spec.board else { return Ok(()) };
    let names = Names {
        measure: &|name| number(spec, name),
        dimension: &|name| dimension(spec, name),
        base: spec.grain_list().first().copied().unwrap_or(Grain::Hour),
    };
    board_check::check(declared.get_ref(), &names).map_err(|complaint| {
        let span = complaint.span(text, &["board"]).unwrap_or_else(|| declared.span());
        (span, format!("board: {}", complaint.message))
    })
}

fn dimension(spec: &Spec, name: &str) -> Result<(), String> {
    if spec.dimensions.contains_key(name) {
        return Ok(());
    }
    Err(format!(
        "there is no dimension \"{name}\"{}",
        suggestion(name, spec.dimensions.keys())
    ))
}

/// A measure that has a value of its own.
fn number(spec: &Spec, name: &str) -> Result<(), String> {
    match spec.measures.get(name) {
        None => Err(format!(
            "there is no measure \"{name}\"{}",
            suggestion(name, spec.measures.keys())
        )),
        Some(measure) => match measure.get_ref().feeds() {
            Some(kind) => Err(format!(
                "\"{name}\" is {}, not a number; name a measure of it: {}",
                kind.words(),
                match kind {
                    StatKind::Trend => "mean, sd, slope, r2",
                    StatKind::Moments => "mean, sd",
                    _ => "mean, quantile",
                }
            )),
            None => Ok(()),
        },
    }
}
