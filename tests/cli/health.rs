//! `status`, `doctor`, `audit`: shapes, words and exit statuses.

use serde_json::json;

use crate::harness::{Scratch, keys};

const STATUS: [&str; 20] = [
    "rollup",
    "engine",
    "capture",
    "capture_intact",
    "status",
    "watermark_at",
    "lag_seconds",
    "pending_buckets",
    "oldest_pending_seconds",
    "last_attempt_at",
    "last_success_at",
    "last_error",
    "last_error_at",
    "frozen_before",
    "frozen_marks",
    "queue_bytes",
    "tickers",
    "last_audit_at",
    "last_audit_differences",
    "paused",
];

#[test]
fn a_status_has_the_contracts_keys() {
    let scratch = Scratch::ops();
    let report = scratch.json(&["status"]);
    assert_eq!(keys(&report), ["server_time", "rollups"]);
    let rollup = &report["rollups"][0];
    for key in STATUS {
        assert!(rollup.get(key).is_some(), "{key} is missing");
    }
    assert_eq!(
        (&rollup["engine"], &rollup["capture"], &rollup["capture_intact"]),
        (&json!("tidemark"), &json!("trigger"), &json!(true))
    );
    assert_eq!(
        (
            &rollup["pending_buckets"],
            &rollup["last_error"],
            &rollup["frozen_before"]
        ),
        (&json!(0), &json!(null), &json!(null))
    );
    assert!(
        rollup["watermark_at"].as_str().unwrap().ends_with('Z'),
        "times are in UTC"
    );
    assert!(rollup["lag_seconds"].as_f64().unwrap() >= 0.0);
    assert_eq!(
        scratch.json(&["status", "ops_metrics"])["rollups"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn check_is_1_until_a_rollup_is_healthy() {
    let scratch = Scratch::raw();
    scratch.run(&["rollup", "apply", "ops_metrics"]).exits(0);
    assert_eq!(scratch.json(&["status"])["rollups"][0]["status"], "never_run");
    let ran = scratch.run(&["status", "--check"]).exits(1);
    assert!(ran.out.contains("never_run"));
    scratch.run(&["tick", "--drain"]).exits(0);
    scratch.run(&["status", "--check"]).exits(0);
    scratch
        .run(&["status", "ops_metrics", "--check", "--json"])
        .exits(0)
        .json();
}

#[test]
fn broken_capture_is_not_trusted_and_doctor_says_how_to_mend_it() {
    let scratch = Scratch::ops();
    scratch.run(&["doctor"]).exits(0);
    scratch.sql("alter table usage_logs disable trigger all");
    scratch.run(&["status", "--check"]).exits(1);
    assert_eq!(scratch.json(&["status"])["rollups"][0]["status"], "not_trusted");
    let ran = scratch.run(&["doctor", "--json"]).exits(1);
    let document = ran.json();
    assert_eq!(keys(&document), ["findings"]);
    let problem = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["severity"] == "problem")
        .unwrap();
    assert_eq!(keys(problem), ["severity", "code", "rollup", "message", "fix"]);
    assert!(problem["fix"].is_string(), "{problem}");
}

#[test]
fn a_missing_time_index_is_a_warning_with_the_statement_that_makes_one() {
    let scratch = Scratch::raw();
    scratch.sql("drop index usage_logs_created_at_idx");
    let ran = scratch.run(&["rollup", "apply", "ops_metrics"]).exits(0);
    assert!(
        ran.err.to_lowercase().contains("index") && ran.err.contains("usage_logs"),
        "{}",
        ran.err
    );
    scratch.run(&["tick", "--drain"]).exits(0);
    let ran = scratch.run(&["doctor", "--json"]).exits(0);
    let document = ran.json();
    let warning = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["severity"] == "warning")
        .unwrap();
    let fix = warning["fix"].as_str().unwrap();
    assert!(fix.to_lowercase().contains("create index concurrently"), "{fix}");
}

#[test]
fn an_audit_finds_a_difference_and_repair_mends_it() {
    let scratch = Scratch::ops();
    let ran = scratch.run(&["audit", "--json"]).exits(0);
    assert_eq!(ran.json()["audits"][0]["difference_count"], 0);
    scratch.sql("update tidemark.ops_metrics__hour set success_count = success_count + 1 where bucket = '2026-03-28 10:00Z' and platform = 'openai'");
    let ran = scratch.run(&["audit", "ops_metrics"]).exits(1);
    assert!(
        ran.out.contains("difference") && ran.out.contains("--repair") && ran.out.contains("openai"),
        "{}",
        ran.out
    );
    scratch
        .run(&[
            "audit",
            "ops_metrics",
            "--from",
            "2026-03-27",
            "--to",
            "2026-03-28",
            "--tz",
            "UTC",
        ])
        .exits(0);
    scratch.run(&["status", "--check"]).exits(1);
    let ran = scratch.run(&["audit", "--repair", "--json"]).exits(1);
    assert!(ran.json()["audits"][0]["repair_job"].is_number());
    scratch.run(&["tick", "--drain"]).exits(0);
    scratch.run(&["audit"]).exits(0);
    scratch.run(&["status", "--check"]).exits(0);
}

#[test]
fn buckets_that_wait_are_no_differences() {
    let scratch = Scratch::ops();
    scratch.sql("insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-27 10:30Z', 1, 5)");
    let report = scratch.json(&["audit"]);
    assert_eq!(report["audits"][0]["difference_count"], 0);
    assert!(report["audits"][0]["waiting_buckets"].as_i64().unwrap() >= 1);
    scratch.run(&["audit", "--to", "2026-03-28"]).exits(2).says(&["--from"]);
}

#[test]
fn a_group_with_control_characters_cannot_move_the_terminals_cursor() {
    let scratch = Scratch::ops();
    scratch.sql("insert into ops_error_logs (created_at, platform, status_code) values ('2026-03-27 10:30Z', E'\\x1b[2Jevil\\nline', 500)");
    let ran = scratch
        .run(&[
            "query",
            "ops_metrics",
            "--from",
            "2026-03-27",
            "--to",
            "2026-03-28",
            "--grain",
            "total",
            "--by",
            "platform",
        ])
        .exits(0);
    assert!(ran.out.contains("evil") && !ran.out.contains('\u{1b}'));
    scratch.run(&["tick", "--drain"]).exits(0);
    scratch.sql("delete from tidemark.ops_metrics__hour where platform like '%evil%'");
    let ran = scratch.run(&["audit"]).exits(1);
    assert!(ran.out.contains("evil") && !ran.out.contains('\u{1b}'));
}
