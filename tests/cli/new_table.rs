//! `rollup new --table`: from a table to a drawn board with what is written, as it stands.

use serde_json::json;

use crate::harness::{Folder, Scratch, keys};

const VISITS: &str = "create table \"Visits\" (at timestamptz not null, page text, took_ms integer);
    create index on \"Visits\" (at);
    insert into \"Visits\" select timestamptz '2026-03-01' + i * interval '1 hour', 'p' || i % 3, i from generate_series(1, 200) i;";

#[test]
fn a_table_becomes_a_report_in_four_commands() {
    let (scratch, folder) = (Scratch::empty(), Folder::new());
    scratch.sql(VISITS);
    let before = scratch.operators_things();
    let (file, report) = (folder.path("visits.toml"), folder.path("visits.svg"));
    let said = scratch
        .run(&["rollup", "new", "--table", "Visits", "--out", &file])
        .exits(0);
    assert!(
        said.out.contains(&format!("tidemark rollup apply {file}")),
        "{}",
        said.out
    );
    assert_eq!(scratch.operators_things(), before, "nothing is made");
    assert!(!scratch.one::<bool>("select to_regnamespace('tidemark') is not null"));
    scratch.run(&["rollup", "apply", &file]).exits(0);
    scratch.run(&["tick", "--drain"]).exits(0);
    scratch.run(&["audit"]).exits(0);
    scratch
        .run(&[
            "report",
            "visits",
            "--from",
            "2026-03-01",
            "--to",
            "2026-03-09",
            "--tz",
            "UTC",
            "--out",
            &report,
        ])
        .exits(0);
    assert!(std::fs::read_to_string(&report).unwrap().contains("200"));
    let answer = scratch.json(&[
        "query",
        "visits",
        "--from",
        "2026-03-01",
        "--to",
        "2026-04-01",
        "--grain",
        "total",
        "--tz",
        "UTC",
        "--by",
        "page",
    ]);
    let counts: Vec<_> = answer["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["visit_count"].clone())
        .collect();
    assert_eq!(counts, [json!(66), json!(67), json!(67)]);
}

#[test]
fn without_a_file_the_declaration_is_standard_output_and_json_is_one_document() {
    let scratch = Scratch::empty();
    scratch.sql(VISITS);
    let text = scratch
        .run(&["rollup", "new", "--table", "\"Visits\"", "--name", "seen"])
        .exits(0)
        .out;
    assert!(text.contains("name        = \"seen\""), "{text}");
    let document = scratch.json(&["rollup", "new", "--table", "Visits", "--name", "seen"]);
    assert_eq!(keys(&document), ["table", "rollup", "out", "notes", "declaration"]);
    assert_eq!(
        (&document["declaration"], &document["table"]),
        (&json!(text), &json!("public.\"Visits\""))
    );
}

#[test]
fn a_file_that_is_there_is_not_overwritten_without_yes() {
    let (scratch, folder) = (Scratch::empty(), Folder::new());
    scratch.sql(VISITS);
    let file = folder.file("mine.toml", "mine");
    scratch
        .run(&["rollup", "new", "--table", "Visits", "--out", &file])
        .exits(2)
        .says(&["mine.toml", "--yes"]);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    scratch
        .run(&["rollup", "new", "--table", "Visits", "--out", &file, "--yes"])
        .exits(0);
    assert!(std::fs::read_to_string(&file).unwrap().contains("[board]"));
    scratch
        .run(&[
            "rollup",
            "new",
            "--table",
            "Visits",
            "--out",
            &folder.path("no/such/x.toml"),
        ])
        .exits(2)
        .says(&["can't be written"]);
}

#[test]
fn what_is_missing_is_exit_status_2_with_what_to_do() {
    let scratch = Scratch::empty();
    scratch.sql(VISITS);
    scratch.sql("create table notes (id bigint primary key, body text)");
    let ran = scratch.run(&["rollup", "new", "--table", "notes"]).exits(2);
    ran.says(&[
        "no column that says when a row happened",
        "add column created_at timestamptz",
        "create index concurrently",
    ]);
    scratch
        .run(&["rollup", "new", "--table", "visit"])
        .exits(2)
        .says(&["Did you mean public.\"Visits\"?"]);
    scratch
        .run(&["rollup", "new", "--table", "Visits", "--time", "att"])
        .exits(2)
        .says(&["did you mean \"at\"?"]);
    scratch
        .run(&["rollup", "new", "--table", "Visits", "--time", "page"])
        .exits(2)
        .says(&["page is text"]);
    scratch
        .run(&["rollup", "new", "--table", "Visits", "--name", "No"])
        .exits(2)
        .says(&["lower-case"]);
    let failed = scratch
        .run(&["rollup", "new", "--table", "notes", "--json"])
        .exits(2)
        .json();
    assert_eq!(failed["error"]["code"], "no_time_column");
}
