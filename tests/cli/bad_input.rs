//! Words that can't be done: one clear message, exit status 2, nothing changed.

use crate::harness::Scratch;

const RANGE: [&str; 4] = ["--from", "2026-03-27", "--to", "2026-03-28"];

#[test]
fn an_empty_range_is_refused_everywhere() {
    let scratch = Scratch::ops();
    for command in ["query", "audit", "recompute"] {
        for (from, to) in [("2026-03-28", "2026-03-27"), ("2026-03-28", "2026-03-28")] {
            scratch
                .run(&[command, "ops_metrics", "--from", from, "--to", to, "--tz", "UTC"])
                .exits(2)
                .says(&["range is empty"]);
        }
    }
    scratch
        .run(&[
            "report",
            "ops_metrics",
            "--from",
            "now",
            "--to",
            "-1d",
            "--out",
            "x.png",
        ])
        .exits(2)
        .says(&["range is empty"]);
}

#[test]
fn a_time_or_zone_that_cannot_be_read_says_what_to_write() {
    let scratch = Scratch::ops();
    let ask = |more: &[&str]| {
        let mut arguments = vec!["query", "ops_metrics"];
        arguments.extend(more);
        scratch.run(&arguments).exits(2)
    };
    ask(&["--from", "next tuesday"]).says(&["next tuesday", "2026-10-26"]);
    ask(&["--from", "2026-02-30"]).says(&["no such date"]);
    ask(&["--from", "1800-01-01"]).says(&["1900"]);
    ask(&["--tz", "Europe/Belrin"]).says(&["did you mean Europe/Berlin"]);
    ask(&["--tz", "Mars/Olympus"]).says(&["IANA"]);
    ask(&["--where", "=x"]).says(&["--where platform=openai"]);
}

#[test]
fn names_that_do_not_exist_get_the_ones_that_do() {
    let scratch = Scratch::ops();
    for command in [
        &["query", "ops_metrcs"][..],
        &["status", "ops_metrcs"],
        &["tick", "ops_metrcs"],
        &["audit", "ops_metrcs"],
        &["recompute", "ops_metrcs"],
        &["recompute", "ops_metrcs", "--dry-run"],
        &["report", "ops_metrcs", "--out", "x.png"],
        &["purge", "ops_metrcs", "--before", "2026-01-01"],
        &["rollup", "show", "ops_metrcs"],
        &["rollup", "drop", "ops_metrcs"],
        &["rollup", "pause", "ops_metrcs"],
    ] {
        scratch.run(command).exits(2).says(&["ops_metrcs", "ops_metrics"]);
    }
    let ask = |more: &[&str]| {
        let mut arguments = vec!["query", "ops_metrics"];
        arguments.extend(more);
        scratch.run(&arguments).exits(2)
    };
    ask(&["--by", "plattform"]).says(&["plattform", "platform"]);
    ask(&["--where", "plattform=x"]).says(&["plattform", "platform"]);
    ask(&["--measure", "request_coutn"]).says(&["request_coutn", "request_count"]);
    scratch.run(&["cancel", "99"]).exits(2).says(&["99", "tidemark jobs"]);
}

#[test]
fn quotes_and_control_characters_in_a_name_are_only_a_name() {
    let scratch = Scratch::ops();
    for name in ["o'brien\"; drop schema tidemark cascade; --", "", "\u{1b}[2J", "日本"] {
        let ran = scratch.run(&["query", name]).exits(2);
        assert!(!ran.err.contains('\u{1b}'), "a terminal would obey: {:?}", ran.err);
        scratch.run(&["rollup", "drop", name, "--yes"]).exits(2);
        scratch.run(&["tick", name]).exits(2);
    }
    let mut evil = vec![
        "query",
        "ops_metrics",
        "--where",
        "platform='; drop table usage_logs; --",
        "--grain",
        "total",
    ];
    evil.extend(RANGE);
    scratch.run(&evil).exits(0);
    scratch.run(&["audit"]).exits(0);
}

#[test]
fn a_range_before_the_first_row_or_in_the_future_has_no_rows() {
    let scratch = Scratch::ops();
    for (from, to) in [("1999-01-01", "1999-02-01"), ("2035-01-01", "2035-02-01")] {
        let answer = scratch.json(&["query", "ops_metrics", "--from", from, "--to", to, "--grain", "day"]);
        assert_eq!(answer["rows"].as_array().unwrap().len(), 0);
        assert_eq!(answer["state"], "exact");
    }
}

#[test]
fn without_an_installation_each_command_says_what_to_do() {
    let scratch = Scratch::raw();
    let before = scratch.operators_things();
    for command in [
        &["status"][..],
        &["query", "ops_metrics"],
        &["tick"],
        &["audit"],
        &["jobs"],
        &["rollup", "list"],
        &["uninstall", "--yes"],
    ] {
        scratch.run(command).exits(2).says(&["not installed"]);
    }
    assert_eq!(scratch.operators_things(), before);
}

#[test]
fn a_schema_of_somebody_elses_or_of_a_newer_program_is_left_alone() {
    let scratch = Scratch::raw();
    scratch.sql("create schema tidemark; create table tidemark.mine (x int); insert into tidemark.mine values (1)");
    for command in [
        &["install"][..],
        &["rollup", "apply", "ops_metrics"],
        &["uninstall", "--yes"],
        &["status"],
    ] {
        scratch.run(command).exits(2).says(&["tidemark", "did not make"]);
    }
    assert_eq!(scratch.one::<i64>("select count(*) from tidemark.mine"), 1);

    let newer = Scratch::ops();
    newer.sql("update tidemark._migration set version = version + 1000 where version = (select max(version) from tidemark._migration)");
    for command in [&["install"][..], &["status"], &["tick"], &["query", "ops_metrics"]] {
        newer.run(command).exits(2).says(&["newer"]);
    }
}

#[test]
fn a_range_that_is_frozen_can_not_be_computed_anew() {
    let scratch = Scratch::ops();
    scratch
        .run(&["purge", "ops_metrics", "--before", "2026-03-28", "--tz", "UTC"])
        .exits(0);
    let mut arguments = vec!["recompute", "ops_metrics", "--tz", "UTC"];
    arguments.extend(RANGE);
    let ran = scratch.run(&arguments);
    assert_ne!(ran.status, 3, "{}", ran.err);
    arguments.push("--dry-run");
    arguments.push("--json");
    let ran = scratch.run(&arguments);
    if ran.status == 0 {
        assert_eq!(ran.json()["previews"][0]["buckets"], 0);
    } else {
        assert!(ran.err.contains("frozen"), "{}", ran.err);
    }
    scratch
        .run(&["purge", "ops_metrics", "--before", "2100-01-01"])
        .exits(2)
        .says(&["future"]);
    scratch.run(&["audit"]).exits(0);
}
