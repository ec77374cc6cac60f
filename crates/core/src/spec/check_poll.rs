//! What can be checked of `capture = "poll"` without a database.

use super::check::{Complaint, duration_seconds};
use super::{Change, Spec, on};

/// Longest lag and overlap, in seconds: longer ones read too much of the table again on each tick.
const LONGEST: i64 = 7 * 86_400;

/// Seconds, where the declaration does not say.
pub(crate) const LAG: i64 = 300;
pub(crate) const OVERLAP: i64 = 600;

pub(super) fn check(spec: &Spec) -> Result<(), Complaint> {
    let poll = match &spec.capture {
        None => false,
        Some(capture) => match capture.get_ref().as_str() {
            "trigger" => false,
            "poll" => true,
            other => {
                return Err((
                    capture.span(),
                    format!("capture {other:?}: write \"trigger\" or \"poll\""),
                ));
            }
        },
    };
    if let Some(declared) = &spec.poll {
        if !poll {
            return Err((
                declared.span(),
                "[poll] goes with capture = \"poll\" at top level".to_owned(),
            ));
        }
        for (key, text) in [
            ("lag", &declared.get_ref().lag),
            ("overlap", &declared.get_ref().overlap),
        ] {
            if let Some(text) = text
                && duration_seconds(text).is_none_or(|seconds| seconds > LONGEST)
            {
                return Err((
                    declared.span(),
                    format!("{key}: can't use {text:?}; write for example \"5 minutes\", at most 7 days"),
                ));
            }
        }
    }
    for source in &spec.source {
        let name = source.name.get_ref();
        let alias = on::table_ref(source.table.get_ref()).map_or_else(String::new, |table| table.alias);
        if poll && source.change.is_none() {
            return Err((
                source.name.span(),
                format!(
                    "source \"{name}\" does not say how a poll finds its changed rows: write change = \"{alias}.COLUMN\", a column that every insert and update sets to the time of the change"
                ),
            ));
        }
        change(source.change.as_ref(), &alias, poll)?;
        for lookup in &source.lookups {
            let alias = on::table_ref(lookup.table.get_ref()).map_or_else(String::new, |table| table.alias);
            change(lookup.change.as_ref(), &alias, poll)?;
        }
    }
    Ok(())
}

fn change(change: Option<&toml::Spanned<Change>>, alias: &str, poll: bool) -> Result<(), Complaint> {
    let Some(change) = change else { return Ok(()) };
    if !poll {
        return Err((
            change.span(),
            "change goes with capture = \"poll\" at top level: triggers need no such column".to_owned(),
        ));
    }
    let columns = change.get_ref().columns();
    match columns
        .iter()
        .find(|column| on::column_ref(column).is_none_or(|(owner, _)| owner != alias))
    {
        Some(other) => Err((
            change.span(),
            format!("change: write {alias}.COLUMN, a column of the table itself, instead of {other:?}"),
        )),
        None if columns.is_empty() => Err((change.span(), "change is empty".to_owned())),
        None => Ok(()),
    }
}

/// Seconds of a duration that [`check`] has seen.
pub(crate) fn seconds(text: Option<&String>, otherwise: i64) -> i64 {
    text.and_then(|text| duration_seconds(text)).unwrap_or(otherwise)
}
