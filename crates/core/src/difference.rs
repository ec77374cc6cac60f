//! What a changed declaration changes, in words.

use serde_json::{Map, Value};

use crate::model::Model;

/// The parts of a model that are lists: key in the model, word for one of them, key that names one.
const LISTS: [(&str, &str, &str); 6] = [
    ("levels", "grain", "grain"),
    ("sources", "source", "name"),
    ("lookups", "lookup", "table"),
    ("dimensions", "dimension", "name"),
    ("measures", "measure", "name"),
    ("relations", "relation", "name"),
];

/// One line per thing that was added, removed or changed, as far as stored numbers go; labels and boards are left out.
#[must_use]
pub fn difference(old: &Model, new: &Model) -> Vec<String> {
    let (old, new) = (named(old), named(new));
    let mut lines = Vec::new();
    for (key, word, id) in LISTS {
        let list = |model: &Map<String, Value>| -> Vec<(String, Value)> {
            model
                .get(key)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(|item| (item.get(id).map_or_else(String::new, text), item.clone()))
                .collect()
        };
        let (before, after) = (list(&old), list(&new));
        let find = |list: &[(String, Value)], name: &str| {
            list.iter()
                .find(|(known, _)| known == name)
                .map(|(_, item)| item.clone())
        };
        for (name, _) in before.iter().filter(|(name, _)| find(&after, name).is_none()) {
            lines.push(format!("remove {word} {name}"));
        }
        for (name, item) in &after {
            match find(&before, name) {
                None => lines.push(format!("add {word} {name}")),
                Some(known) if known != *item => {
                    lines.push(format!("change {word} {name}: {}", changes(&known, item)));
                }
                Some(_) => {}
            }
        }
    }
    for (key, value) in &new {
        if !LISTS.iter().any(|(list, ..)| list == key) && old.get(key) != Some(value) {
            lines.push(format!(
                "change {key}: {} → {}",
                old.get(key).map_or_else(|| "none".to_owned(), text),
                text(value)
            ));
        }
    }
    lines
}

/// A bare model as JSON in which measures name their statistic and not its place, which moves when one is added.
fn named(model: &Model) -> Map<String, Value> {
    let Value::Object(mut bare) = model.bare() else {
        return Map::new();
    };
    let stats = bare.remove("stats").unwrap_or_default();
    if let Some(Value::Array(measures)) = bare.get_mut("measures") {
        for measure in measures {
            if let Some(Value::Object(form)) = measure.get_mut("form") {
                form.values_mut().for_each(|part| place(part, &stats));
            }
        }
    }
    bare
}

/// Put the statistic itself where its index is.
fn place(part: &mut Value, stats: &Value) {
    match part {
        Value::Number(at) => {
            if let Some(stat) = at.as_u64().and_then(|at| stats.get(usize::try_from(at).ok()?)) {
                *part = stat.clone();
            }
        }
        Value::Array(parts) => {
            if let Some(first @ Value::Number(_)) = parts.first_mut() {
                place(first, stats);
            }
        }
        _ => {}
    }
}

/// Which keys of one thing changed, from what to what where that is short.
fn changes(old: &Value, new: &Value) -> String {
    let (Some(old), Some(new)) = (old.as_object(), new.as_object()) else {
        return format!("{} → {}", text(old), text(new));
    };
    new.iter()
        .filter(|(key, value)| old.get(*key) != Some(value))
        .map(|(key, value)| {
            let (before, after) = (old.get(key).map_or_else(|| "none".to_owned(), text), text(value));
            let key = key.replace('_', " ");
            if before.len() + after.len() <= 160 {
                format!("{key} {before} → {after}")
            } else {
                key
            }
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "none".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceFacts;
    use crate::spec::Spec;

    fn model(measures: &str, filter: &str, grains: &str) -> Model {
        let text = format!(
            "name = \"x\"\ngrains = [{grains}]\n[[source]]\nname = \"s\"\ntable = \"t\"\ntime = \"t.at\"\n{filter}\nvalues = {{ v = \"t.v\" }}\n[measures]\n{measures}\n"
        );
        let spec = Spec::parse("x.toml", &text).unwrap();
        let facts = [SourceFacts {
            schema: "public".into(),
            time_type: "timestamp with time zone".into(),
            value_types: [("v".to_owned(), "integer".to_owned())].into(),
            ..SourceFacts::default()
        }];
        Model::resolve(&spec, &facts).unwrap()
    }

    #[test]
    fn a_measure_that_is_put_first_is_the_only_thing_that_was_added() {
        let old = model("total = { sum = \"s.v\" }\n", "", "\"hour\"");
        let new = model("n = { count = \"s\" }\ntotal = { sum = \"s.v\" }\n", "", "\"hour\"");
        assert_eq!(difference(&old, &new), ["add measure n"]);
        assert_eq!(difference(&new, &old), ["remove measure n"]);
        assert!(difference(&new, &new).is_empty());
    }

    #[test]
    fn a_filter_and_a_grain_are_named_with_what_they_were() {
        let old = model("n = { count = \"s\" }\n", "", "\"hour\"");
        let new = model("n = { count = \"s\" }\n", "where = \"t.v > 3\"", "\"hour\", \"day\"");
        assert_eq!(
            difference(&old, &new),
            ["add grain day", "change source s: filter none → t.v > 3"]
        );
    }
}
