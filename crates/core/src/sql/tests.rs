use std::collections::BTreeMap;

use super::*;
use crate::model::{LookupFacts, SourceFacts};
use crate::spec::Spec;

fn used(columns: &[(&str, &str)]) -> BTreeMap<String, String> {
    columns
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned()))
        .collect()
}

/// ops_metrics as it resolves against the tables of systems.md.
fn ops_metrics() -> Model {
    let text = include_str!("../../../../rollups/ops_metrics.toml");
    let spec = Spec::parse("ops_metrics.toml", text).unwrap();
    let lookups = || {
        vec![
            LookupFacts {
                schema: "public".into(),
                used: used(&[("id", "bigint"), ("platform", "text")]),
                ..LookupFacts::default()
            },
            LookupFacts {
                schema: "public".into(),
                used: used(&[("id", "bigint"), ("platform", "text")]),
                ..LookupFacts::default()
            },
        ]
    };
    let source = |value_types: &[(&str, &str)], columns: &[(&str, &str)]| SourceFacts {
        schema: "public".into(),
        time_type: "timestamp with time zone".into(),
        value_types: used(value_types),
        used: used(columns),
        lookups: lookups(),
        ..SourceFacts::default()
    };
    let facts = [
        source(
            &[("duration_ms", "integer")],
            &[
                ("created_at", "timestamp with time zone"),
                ("account_id", "bigint"),
                ("group_id", "bigint"),
                ("duration_ms", "integer"),
            ],
        ),
        source(
            &[("status_code", "integer"), ("timed_out", "boolean")],
            &[
                ("created_at", "timestamp with time zone"),
                ("platform", "text"),
                ("status_code", "integer"),
            ],
        ),
    ];
    Model::resolve(&spec, &facts).unwrap()
}

#[test]
fn the_sql_of_ops_metrics_is_what_was_reviewed() {
    let model = ops_metrics();
    let sql: String = compile(&model, 1)
        .into_iter()
        .map(|statement| statement.sql + "\n")
        .collect();
    let triggers: String = triggers(&model)
        .iter()
        .map(|trigger| trigger.create_sql(&quote(&trigger.table)) + "\n")
        .collect();
    insta::assert_snapshot!("ops_metrics", sql + &triggers);
}

#[test]
fn lookups_that_two_sources_share_are_captured_once() {
    let model = ops_metrics();
    assert_eq!(model.lookups.len(), 2);
    assert_eq!(triggers(&model).len(), 16);
    assert!(triggers(&model).iter().all(|trigger| trigger.name.len() <= 63));
}

#[test]
fn a_week_is_not_merged_into_a_month() {
    let text = "name = \"x\"\ngrains = [\"day\", \"week\", \"month\", \"year\"]\n[[source]]\nname = \"s\"\ntable = \"t\"\ntime = \"t.at\"\n[measures]\nn = { count = \"s\" }\n";
    let spec = Spec::parse("x.toml", text).unwrap();
    let facts = [SourceFacts {
        schema: "public".into(),
        time_type: "timestamp with time zone".into(),
        ..SourceFacts::default()
    }];
    let model = Model::resolve(&spec, &facts).unwrap();
    let from: Vec<_> = model.levels.iter().map(|level| level.merge_from).collect();
    assert_eq!(from, [None, Some(0), Some(0), Some(2)]);
}

#[test]
fn quotes_in_the_operators_names_stay_inside_their_quotes() {
    let text = "name = \"x\"\ngrains = [\"hour\"]\n[[source]]\nname = \"s\"\ntable = '\"odd \"\"; drop table t; --\" s'\ntime = 's.\"When\"'\n[measures]\nn = { count = \"s\" }\n";
    let spec = Spec::parse("x.toml", text).unwrap();
    let facts = [SourceFacts {
        schema: "My \"Schema\"".into(),
        time_type: "timestamp with time zone".into(),
        ..SourceFacts::default()
    }];
    let model = Model::resolve(&spec, &facts).unwrap();
    let raw = compile(&model, 1)
        .into_iter()
        .find(|statement| statement.name == "x__raw")
        .unwrap()
        .sql;
    assert!(
        raw.contains(r#""My ""Schema"""."odd ""; drop table t; --" "s""#),
        "{raw}"
    );
}
