//! `recompute`, `jobs`, `cancel`, `pause`, `resume`, `pace`, `tick`, `purge`.

use serde_json::json;

use crate::harness::{Scratch, keys};

const RANGE: [&str; 8] = [
    "recompute",
    "ops_metrics",
    "--from",
    "2026-03-27",
    "--to",
    "2026-03-28",
    "--tz",
    "UTC",
];

fn recompute<'a>(more: &[&'a str]) -> Vec<&'a str> {
    RANGE.iter().chain(more).copied().collect()
}

#[test]
fn a_dry_run_says_buckets_rows_and_time_and_makes_no_job() {
    let scratch = Scratch::ops();
    let before = scratch.json(&["jobs"]);
    let preview = scratch.json(&recompute(&["--dry-run"]));
    let first = &preview["previews"][0];
    assert_eq!(
        keys(first),
        [
            "rollup",
            "from",
            "to",
            "buckets",
            "raw_rows",
            "seconds",
            "frozen_buckets"
        ]
    );
    assert_eq!((&first["buckets"], &first["frozen_buckets"]), (&json!(1440), &json!(0)));
    assert_eq!(scratch.json(&["jobs"]), before);
}

#[test]
fn a_recompute_is_a_job_that_ticks_work_off() {
    let scratch = Scratch::ops();
    let made = scratch.json(&recompute(&["--reason", "import corrected"]));
    let job = &made["jobs"][0];
    assert_eq!(
        (&job["kind"], &job["state"], &job["reason"]),
        (&json!("request"), &json!("running"), &json!("import corrected"))
    );
    // Clean buckets go on being served as exact.
    let answer = scratch.json(&[
        "query",
        "ops_metrics",
        "--from",
        "2026-03-27",
        "--to",
        "2026-03-28",
        "--grain",
        "total",
        "--tz",
        "UTC",
    ]);
    assert_eq!(
        (&answer["state"], &answer["live_buckets"]),
        (&json!("exact"), &json!(0))
    );
    scratch.run(&["tick", "--drain"]).exits(0);
    let id = job["id"].as_i64().unwrap();
    let jobs = scratch.json(&["jobs"]);
    let done = jobs["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|job| job["id"] == id)
        .unwrap();
    assert_eq!(
        (&done["state"], &done["buckets_done"]),
        (&json!("done"), &done["buckets_total"])
    );
    assert!(scratch.run(&["jobs"]).exits(0).out.contains("import corrected"));
}

#[test]
fn wait_ticks_until_the_job_is_done() {
    let scratch = Scratch::ops();
    let made = scratch.json(&recompute(&["--wait"]));
    assert_eq!(made["jobs"][0]["state"], "done");
    scratch.run(&["rollup", "pause", "ops_metrics"]).exits(0);
    scratch
        .run(&recompute(&["--wait"]))
        .exits(2)
        .says(&["paused", "tidemark rollup resume ops_metrics"]);
}

#[test]
fn a_job_is_paused_resumed_and_cancelled_by_its_number() {
    let scratch = Scratch::ops();
    let id = scratch.json(&recompute(&[]))["jobs"][0]["id"]
        .as_i64()
        .unwrap()
        .to_string();
    assert_eq!(scratch.json(&["pause", &id])["state"], "paused");
    // A paused job's marks are not applicable: a drain ends without them.
    scratch.run(&["tick", "--drain"]).exits(0);
    assert_eq!(scratch.json(&["resume", &id])["state"], "running");
    assert_eq!(scratch.json(&["cancel", &id])["state"], "cancelled");
    scratch.run(&["cancel", &id]).exits(2).says(&[&id]);
    scratch.run(&["tick", "--drain"]).exits(0);
    scratch.run(&["audit"]).exits(0);
}

#[test]
fn a_job_is_given_a_pace_and_another() {
    let scratch = Scratch::ops();
    let made = scratch.json(&recompute(&["--pace", "50"]));
    assert_eq!(made["jobs"][0]["pace"], 50);
    let id = made["jobs"][0]["id"].as_i64().unwrap().to_string();
    assert!(scratch.run(&["jobs"]).exits(0).out.contains("50\u{202f}%"));
    for wrong in ["0", "101"] {
        scratch.run(&["pace", &id, wrong]).exits(2).says(&[wrong, "1 to 100"]);
        scratch
            .run(&recompute(&["--pace", wrong]))
            .exits(2)
            .says(&[wrong, "1 to 100"]);
    }
    assert_eq!(
        scratch.json(&["jobs"])["jobs"].as_array().unwrap().len(),
        2,
        "the build and one more"
    );
    // A drain waits through the rests.
    scratch.run(&["tick", "--drain"]).exits(0);
    let done = scratch.json(&["jobs"]);
    assert!(
        done["jobs"]
            .as_array()
            .unwrap()
            .iter()
            .all(|job| job["state"] == "done"),
        "{done}"
    );
    scratch.run(&["pace", &id, "20"]).exits(2).says(&["done already"]);
}

#[test]
fn a_tick_reports_what_it_did() {
    let scratch = Scratch::raw();
    scratch.run(&["rollup", "apply", "ops_metrics"]).exits(0);
    let report = scratch.json(&["tick", "ops_metrics"]);
    let first = &report["rollups"][0];
    assert_eq!(
        keys(first),
        [
            "rollup", "outcome", "marks", "buckets", "raw_rows", "left", "took_ms", "rest_ms", "error"
        ]
    );
    let drained = scratch.json(&["tick", "--drain"]);
    assert_eq!(
        (&drained["rollups"][0]["outcome"], &drained["rollups"][0]["left"]),
        (&json!("drained"), &json!(0))
    );
}

#[test]
fn without_a_rollup_there_is_nothing_to_tick() {
    let scratch = Scratch::raw();
    scratch.run(&["install"]).exits(0);
    let ran = scratch.run(&["tick", "--drain", "--json"]).exits(0);
    assert_eq!(ran.json(), json!({ "rollups": [] }));
    assert!(ran.err.contains("tidemark rollup apply"));
}

#[test]
fn a_purge_freezes_first_and_deletes_raw_rows_only_when_asked() {
    let scratch = Scratch::ops();
    let total = [
        "query",
        "ops_metrics",
        "--from",
        "2026-03-27",
        "--to",
        "2026-03-30",
        "--grain",
        "total",
        "--tz",
        "UTC",
    ];
    let before = scratch.json(&total)["rows"][0]["request_count"].clone();
    let purged = scratch.json(&["purge", "ops_metrics", "--before", "2026-03-28", "--tz", "UTC"]);
    assert_eq!(purged["deleted_rows"], 0);
    assert_eq!(scratch.one::<i64>("select count(*) from usage_logs"), 576);
    let purged = scratch.json(&[
        "purge",
        "ops_metrics",
        "--before",
        "2026-03-28",
        "--tz",
        "UTC",
        "--raw",
        "--yes",
    ]);
    assert_eq!(purged["deleted_rows"], 240);
    assert_eq!(
        scratch.one::<i64>("select count(*) from usage_logs where created_at < '2026-03-28Z'"),
        0
    );
    assert_eq!(
        scratch.json(&total)["rows"][0]["request_count"],
        before,
        "history stays"
    );
    scratch.run(&["tick", "--drain"]).exits(0);
    scratch.run(&["audit"]).exits(0);
}
