//! `rollup`: plan, apply, list, show, pause, and declarations with mistakes in them.

use serde_json::json;

use crate::harness::{Folder, Scratch, finish, keys};

const SHIPPED: &str = include_str!("../../rollups/ops_metrics.toml");

#[test]
fn a_plan_is_sql_and_words_and_changes_nothing() {
    let scratch = Scratch::raw();
    let before = scratch.operators_things();
    let plan = scratch.json(&["rollup", "plan", "ops_metrics"]);
    assert_eq!(keys(&plan), ["rollup", "steps", "warnings", "sql", "installs_schema"]);
    assert_eq!(
        (&plan["rollup"], &plan["installs_schema"]),
        (&json!("ops_metrics"), &json!(true))
    );
    let text = scratch.run(&["rollup", "plan", "ops_metrics"]).exits(0);
    assert!(text.out.contains("create table") && text.out.contains("usage_logs"));
    assert_eq!(scratch.operators_things(), before);
    assert!(!scratch.one::<bool>("select to_regnamespace('tidemark') is not null"));
}

#[test]
fn apply_installs_the_schema_and_a_second_apply_changes_nothing() {
    let scratch = Scratch::raw();
    scratch.run(&["rollup", "apply", "ops_metrics"]).exits(0);
    assert_eq!(scratch.json(&["rollup", "plan", "ops_metrics"])["steps"], json!([]));
    let again = scratch.run(&["rollup", "apply", "ops_metrics"]).exits(0);
    assert!(again.out.contains("nothing changed"), "{}", again.out);
    let list = scratch.json(&["rollup", "list"]);
    assert_eq!(list["rollups"][0]["rollup"], "ops_metrics");
    assert!(scratch.run(&["rollup", "list"]).exits(0).out.contains("ops_metrics"));
}

#[test]
fn a_rollup_shows_its_grains_sources_sql_and_declaration() {
    let scratch = Scratch::ops();
    let detail = scratch.json(&["rollup", "show", "ops_metrics"]);
    assert_eq!(detail["grains"].as_array().unwrap().len(), 5);
    let shown = scratch.run(&["rollup", "show", "ops_metrics"]).exits(0).out;
    for word in ["usage_logs", "ops_metrics__hour", "intact", "p99_latency_ms"] {
        assert!(shown.contains(word), "{word} is missing in:\n{shown}");
    }
    assert_eq!(
        scratch
            .run(&["rollup", "show", "ops_metrics", "--declaration"])
            .exits(0)
            .out
            .trim(),
        SHIPPED.trim()
    );
    assert!(
        scratch
            .run(&["rollup", "show", "ops_metrics", "--sql"])
            .exits(0)
            .out
            .contains("create")
    );
}

#[test]
fn without_backfill_only_changes_from_now_on_are_computed() {
    let scratch = Scratch::raw();
    scratch
        .run(&["rollup", "apply", "ops_metrics", "--no-backfill"])
        .exits(0);
    assert_eq!(scratch.json(&["jobs"])["jobs"], json!([]));
    scratch.sql("insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-27 10:30Z', 1, 5)");
    scratch.run(&["tick", "--drain"]).exits(0);
}

#[test]
fn a_paused_rollup_is_not_ticked_until_it_is_resumed() {
    let scratch = Scratch::ops();
    assert_eq!(
        scratch.json(&["rollup", "pause", "ops_metrics"]),
        json!({ "rollup": "ops_metrics", "paused": true })
    );
    scratch.sql("insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-27 10:30Z', 1, 5)");
    let ran = scratch.run(&["tick", "--drain", "--json"]).exits(1);
    assert_eq!(ran.json()["rollups"][0]["outcome"], "paused");
    assert!(ran.err.contains("tidemark rollup resume ops_metrics"));
    assert_eq!(scratch.json(&["status"])["rollups"][0]["status"], "paused");
    scratch.run(&["status", "--check"]).exits(1);
    scratch.run(&["rollup", "resume", "ops_metrics"]).exits(0);
    scratch.run(&["tick", "--drain"]).exits(0);
}

#[test]
fn a_mistake_in_a_declaration_is_said_with_file_and_line() {
    let scratch = Scratch::raw();
    let folder = Folder::new();
    let before = scratch.operators_things();
    let line_of = |text: &str, word: &str| text.lines().position(|line| line.contains(word)).unwrap() + 1;
    for (name, right, wrong, words) in [
        ("syntax", "grains      =", "grains     ==", &[][..]),
        ("key", "keep        =", "kepe        =", &["kepe"]),
        ("grain", "\"15m\"", "\"20m\"", &["20m"]),
        (
            "type",
            "platform = { label",
            "platform = { type = \"txet\", label",
            &["txet", "text"],
        ),
        (
            "measure",
            "ratio = [\"error_count\"",
            "ratio = [\"eror_count\"",
            &["eror_count", "error_count"],
        ),
        ("column", "u.duration_ms", "u.duration_sm", &["duration_sm"]),
        ("table", "usage_logs u", "usage_lgos u", &["usage_lgos"]),
        (
            "lookup",
            "accounts a\", on = \"a.id = u.account_id",
            "acounts a\", on = \"a.id = u.account_id",
            &["acounts"],
        ),
        (
            "expression",
            "duration_ms = \"u.duration_ms\"",
            "duration_ms = \"u.duration_ms +\"",
            &[],
        ),
    ] {
        let text = SHIPPED.replacen(right, wrong, 1);
        assert_ne!(text, SHIPPED, "{name}: nothing was changed");
        let file = folder.file(&format!("{name}.toml"), &text);
        for command in ["plan", "apply"] {
            let ran = scratch.run(&["rollup", command, &file]).exits(2).says(words);
            let line = line_of(&text, wrong);
            let place = format!("{name}.toml:{line}");
            assert!(ran.err.contains(&place), "{name}: no {place} in: {}", ran.err);
        }
    }
    assert_eq!(scratch.operators_things(), before);
    scratch
        .run(&["rollup", "apply", "no/such/file.toml"])
        .exits(2)
        .says(&["no/such/file.toml"]);
    scratch
        .run(&["rollup", "apply", "ops_metrcs"])
        .exits(2)
        .says(&["ops_metrics"]);
}

#[test]
fn names_with_quotes_in_them_work() {
    let scratch = Scratch::empty();
    scratch.sql(
        "create table \"Od\"\"d 'table\" (\"the \"\"time\" timestamptz, \"ki'nd\" text);
         create index on \"Od\"\"d 'table\" (\"the \"\"time\");
         insert into \"Od\"\"d 'table\" values ('2026-03-27 12:00Z', 'it''s \"quoted\"')",
    );
    let folder = Folder::new();
    let file = folder.file(
        "odd.toml",
        r#"
name   = "odd"
grains = ["hour", "day"]
[[source]]
name       = "odd"
table      = '"Od""d ''table" o'
time       = 'o."the ""time"'
dimensions = { kind = 'o."ki''nd"' }
[dimensions.kind]
type = "text"
[measures]
n = { count = "odd" }
"#
        .replace("''", "'")
        .replace("'\"Od\"\"d 'table\" o'", "'''\"Od\"\"d 'table\" o'''")
        .replace("'o.\"ki'nd\"'", "'''o.\"ki'nd\"'''")
        .as_str(),
    );
    scratch.run(&["rollup", "apply", &file]).exits(0);
    scratch.run(&["tick", "--drain"]).exits(0);
    let answer = scratch.json(&[
        "query",
        "odd",
        "--from",
        "2026-03-27",
        "--to",
        "2026-03-28",
        "--grain",
        "day",
        "--tz",
        "UTC",
        "--by",
        "kind",
    ]);
    assert_eq!(answer["rows"][0]["kind"], "it's \"quoted\"");
    scratch.run(&["audit"]).exits(0);
}

#[test]
fn two_applies_at_once_both_end_well() {
    let scratch = Scratch::raw();
    let children: Vec<_> = (0..3)
        .map(|_| scratch.command(&["rollup", "apply", "ops_metrics"]).spawn().unwrap())
        .collect();
    for child in children {
        finish(child).exits(0);
    }
    scratch.run(&["tick", "--drain"]).exits(0);
    scratch.run(&["audit"]).exits(0);
    scratch.run(&["doctor"]).exits(0);
}

#[test]
fn a_publication_for_all_tables_is_refused_with_the_reason() {
    let scratch = Scratch::raw();
    scratch.sql("create publication everything for all tables");
    let before = scratch.operators_things();
    scratch
        .run(&["rollup", "apply", "ops_metrics"])
        .exits(2)
        .says(&["everything", "ALL TABLES"]);
    assert_eq!(scratch.operators_things(), before);
}
