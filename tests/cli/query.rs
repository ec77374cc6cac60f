//! `query`: the answer's shape, ranges, grains, groups and zones.

use serde_json::{Value, json};

use crate::harness::{Folder, Scratch, keys};

const DAYS: [&str; 4] = ["--from", "2026-03-27", "--to", "2026-03-30"];

fn query(scratch: &Scratch, more: &[&str]) -> Value {
    let mut arguments = vec!["query", "ops_metrics"];
    arguments.extend(more);
    scratch.json(&arguments)
}

fn rows(answer: &Value) -> &Vec<Value> {
    answer["rows"].as_array().unwrap()
}

#[test]
fn an_answer_has_the_contracts_keys_and_numbers_are_numbers() {
    let scratch = Scratch::ops();
    let mut more = DAYS.to_vec();
    more.extend(["--grain", "day", "--tz", "UTC", "--by", "platform"]);
    let answer = query(&scratch, &more);
    assert_eq!(
        keys(&answer),
        [
            "rollup",
            "grain",
            "tz",
            "from",
            "to",
            "as_of",
            "state",
            "pending_buckets",
            "live_buckets",
            "rows"
        ]
    );
    assert_eq!(
        (&answer["rollup"], &answer["grain"], &answer["state"]),
        (&json!("ops_metrics"), &json!("day"), &json!("exact"))
    );
    assert_eq!(
        (&answer["pending_buckets"], &answer["live_buckets"]),
        (&json!(0), &json!(0))
    );
    let row = rows(&answer).iter().find(|row| row["platform"] == "openai").unwrap();
    assert_eq!(
        keys(row)[..5],
        ["bucket_start", "bucket_end", "state", "partial", "platform"]
    );
    for measure in [
        "request_count",
        "success_count",
        "error_count",
        "error_rate",
        "avg_latency_ms",
        "p50_latency_ms",
        "p99_latency_ms",
        "p999_latency_ms",
    ] {
        assert!(row[measure].is_number(), "{measure}: {}", row[measure]);
    }
    assert_eq!(row["bucket_start"], "2026-03-27T00:00:00Z");
    assert_eq!(row["partial"], false);
    let total: i64 = rows(&answer)
        .iter()
        .map(|row| row["request_count"].as_i64().unwrap())
        .sum();
    assert_eq!(total, 720);
}

#[test]
fn a_range_that_cuts_buckets_covers_only_itself_and_says_partial() {
    let scratch = Scratch::ops();
    let answer = query(
        &scratch,
        &[
            "--from",
            "2026-03-27T00:05:30Z",
            "--to",
            "2026-03-27T02:02Z",
            "--grain",
            "hour",
            "--tz",
            "UTC",
        ],
    );
    assert_eq!(
        (&answer["from"], &answer["to"]),
        (&json!("2026-03-27T00:05:00Z"), &json!("2026-03-27T02:02:00Z"))
    );
    let counts: Vec<i64> = rows(&answer)
        .iter()
        .map(|row| row["request_count"].as_i64().unwrap())
        .collect();
    // Minutes 5 to 8, a whole hour, and minute 1 with a success and a failure.
    assert_eq!(counts, [4, 10, 2]);
    let partial: Vec<bool> = rows(&answer)
        .iter()
        .map(|row| row["partial"].as_bool().unwrap())
        .collect();
    assert_eq!(partial, [true, false, true]);
}

#[test]
fn a_total_is_one_row_over_the_range_and_gaps_have_none() {
    let scratch = Scratch::ops();
    let answer = query(
        &scratch,
        &[
            "--from",
            "2026-03-20",
            "--to",
            "2026-04-02",
            "--grain",
            "total",
            "--tz",
            "UTC",
        ],
    );
    let [row] = rows(&answer).as_slice() else {
        panic!("{answer}")
    };
    assert_eq!(
        (&row["bucket_start"], &row["bucket_end"]),
        (&answer["from"], &answer["to"])
    );
    assert_eq!(row["request_count"], 720);
    let days = query(
        &scratch,
        &[
            "--from",
            "2026-03-20",
            "--to",
            "2026-04-02",
            "--grain",
            "day",
            "--tz",
            "UTC",
        ],
    );
    assert_eq!(rows(&days).len(), 3);
    let none = query(
        &scratch,
        &[
            "--from",
            "2026-01-01",
            "--to",
            "2026-01-02",
            "--grain",
            "total",
            "--tz",
            "UTC",
        ],
    );
    assert_eq!(rows(&none).len(), 0);
}

#[test]
fn days_are_cut_in_the_viewers_zone_with_its_offset() {
    let scratch = Scratch::ops();
    let answer = query(
        &scratch,
        &[
            "--from",
            "2026-03-28",
            "--to",
            "2026-03-31",
            "--grain",
            "day",
            "--tz",
            "Europe/Berlin",
            "--measure",
            "request_count",
        ],
    );
    let starts: Vec<&str> = rows(&answer)
        .iter()
        .map(|row| row["bucket_start"].as_str().unwrap())
        .collect();
    assert_eq!(
        starts,
        [
            "2026-03-28T00:00:00+01:00",
            "2026-03-29T00:00:00+01:00",
            "2026-03-30T00:00:00+02:00"
        ]
    );
    // The clocks went forward on the 29th: 23 hours of ten requests.
    assert_eq!(rows(&answer)[1]["request_count"], 230);
    let kolkata = query(
        &scratch,
        &[
            "--from",
            "2026-03-28",
            "--to",
            "2026-03-29",
            "--grain",
            "total",
            "--tz",
            "Asia/Kolkata",
        ],
    );
    assert_eq!(rows(&kolkata)[0]["request_count"], 240);
    assert_eq!(kolkata["from"], "2026-03-28T00:00:00+05:30");
}

#[test]
fn weeks_start_where_the_viewer_says() {
    let scratch = Scratch::ops();
    let monday = query(
        &scratch,
        &[
            "--from",
            "2026-03-23",
            "--to",
            "2026-04-06",
            "--grain",
            "week",
            "--tz",
            "UTC",
        ],
    );
    assert_eq!(rows(&monday)[0]["bucket_start"], "2026-03-23T00:00:00Z");
    let sunday = query(
        &scratch,
        &[
            "--from",
            "2026-03-22",
            "--to",
            "2026-04-05",
            "--grain",
            "week",
            "--tz",
            "UTC",
            "--week-start",
            "sunday",
        ],
    );
    let starts: Vec<&str> = rows(&sunday)
        .iter()
        .map(|row| row["bucket_start"].as_str().unwrap())
        .collect();
    assert_eq!(starts, ["2026-03-22T00:00:00Z", "2026-03-29T00:00:00Z"]);
}

#[test]
fn filters_of_one_dimension_mean_any_of_them() {
    let scratch = Scratch::ops();
    let count = |filters: &[&str]| {
        let mut more = DAYS.to_vec();
        more.extend(["--grain", "total", "--tz", "UTC", "--measure", "request_count"]);
        more.extend(filters.iter().flat_map(|filter| ["--where", filter]));
        rows(&query(&scratch, &more))
            .first()
            .map_or(0, |row| row["request_count"].as_i64().unwrap())
    };
    let (openai, anthropic) = (count(&["platform=openai"]), count(&["platform=anthropic"]));
    assert!(openai > 0 && anthropic > 0);
    assert_eq!(count(&["platform=openai", "platform=anthropic"]), openai + anthropic);
    assert_eq!(count(&["platform=nobody"]), 0);
}

#[test]
fn null_and_the_empty_text_are_groups_like_any_other() {
    let scratch = Scratch::empty();
    scratch.sql(
        "create table events (at timestamptz, kind text);
         create index on events (at);
         insert into events select timestamptz '2026-03-27 12:00Z', kind from unnest(array[null, null, null, '', '', 'a']) kind",
    );
    let folder = Folder::new();
    let file = folder.file("events.toml", EVENTS);
    scratch.run(&["rollup", "apply", &file]).exits(0);
    scratch.run(&["tick", "--drain"]).exits(0);
    let ask = |filters: &[&str]| {
        let mut arguments = vec![
            "query",
            "events",
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
        ];
        arguments.extend(filters.iter().flat_map(|filter| ["--where", filter]));
        let answer = scratch.json(&arguments);
        rows(&answer)
            .iter()
            .map(|row| (row["kind"].clone(), row["n"].as_i64().unwrap()))
            .collect::<Vec<_>>()
    };
    let mut all = ask(&[]);
    all.sort_by_key(|(_, n)| *n);
    assert_eq!(all, [(json!("a"), 1), (json!(""), 2), (Value::Null, 3)]);
    assert_eq!(ask(&["kind"]), [(Value::Null, 3)]);
    assert_eq!(ask(&["kind="]), [(json!(""), 2)]);
    assert_eq!(ask(&["kind=a", "kind"]).len(), 2);
    let table = scratch
        .run(&[
            "query",
            "events",
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
        ])
        .exits(0);
    assert!(
        table.out.contains("(null)") && table.out.contains("(empty)"),
        "{}",
        table.out
    );
}

const EVENTS: &str = "
name   = \"events\"
grains = [\"hour\", \"day\"]
[[source]]
name       = \"events\"
table      = \"events e\"
time       = \"e.at\"
dimensions = { kind = \"e.kind\" }
[dimensions.kind]
type = \"text\"
[measures]
n = { count = \"events\" }
";

#[test]
fn a_grain_finer_than_the_base_is_refused_with_the_one_that_is() {
    let scratch = Scratch::empty();
    scratch.sql("create table events (at timestamptz, kind text); create index on events (at)");
    let folder = Folder::new();
    scratch
        .run(&["rollup", "apply", &folder.file("events.toml", EVENTS)])
        .exits(0);
    scratch
        .run(&[
            "query",
            "events",
            "--from",
            "2026-03-27",
            "--to",
            "2026-03-28",
            "--grain",
            "15m",
        ])
        .exits(2)
        .says(&["hour"]);
    // Hours can't make the days of Kolkata.
    scratch
        .run(&[
            "query",
            "events",
            "--from",
            "2026-03-27",
            "--to",
            "2026-03-28",
            "--grain",
            "day",
            "--tz",
            "Asia/Kolkata",
        ])
        .exits(2)
        .says(&["Asia/Kolkata"]);
    let days = EVENTS
        .replace("\"hour\", \"day\"", "\"day\"")
        .replace("name   = \"events\"", "name   = \"by_day\"");
    scratch
        .run(&["rollup", "apply", &folder.file("by_day.toml", &days)])
        .exits(0);
    scratch
        .run(&[
            "query",
            "by_day",
            "--from",
            "2026-03-27",
            "--to",
            "2026-03-28",
            "--grain",
            "day",
            "--tz",
            "Europe/Berlin",
        ])
        .exits(2)
        .says(&["Europe/Berlin"]);
    scratch
        .run(&[
            "query",
            "by_day",
            "--from",
            "2026-03-27",
            "--to",
            "2026-03-28",
            "--grain",
            "day",
            "--tz",
            "UTC",
        ])
        .exits(0);
}

#[test]
fn a_write_is_in_the_next_answer_and_rollup_only_says_pending() {
    let scratch = Scratch::ops();
    scratch.sql("insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-27 10:30Z', 1, 5)");
    let range = [
        "--from",
        "2026-03-27",
        "--to",
        "2026-03-28",
        "--grain",
        "total",
        "--tz",
        "UTC",
    ];
    let with = |mode: &[&str]| {
        let mut more = range.to_vec();
        more.extend(mode);
        query(&scratch, &more)
    };
    let exact = with(&[]);
    assert_eq!(
        (&exact["state"], &rows(&exact)[0]["request_count"]),
        (&json!("exact"), &json!(241))
    );
    assert!(exact["live_buckets"].as_i64().unwrap() >= 1);
    let rollup = with(&["--rollup-only"]);
    assert_eq!(
        (&rollup["state"], &rows(&rollup)[0]["request_count"]),
        (&json!("pending"), &json!(240))
    );
    assert!(rollup["pending_buckets"].as_i64().unwrap() >= 1);
    let live = with(&["--live"]);
    assert_eq!(rows(&live)[0]["request_count"], 241);
    scratch.run(&["tick", "--drain"]).exits(0);
    assert_eq!(with(&["--rollup-only"])["state"], "exact");
}

#[test]
fn a_table_for_people_has_units_and_aligned_columns() {
    let scratch = Scratch::ops();
    let mut arguments = vec![
        "query",
        "ops_metrics",
        "--grain",
        "day",
        "--tz",
        "Europe/Berlin",
        "--measure",
        "request_count,error_rate,p99_latency_ms",
    ];
    arguments.extend(DAYS);
    let table = scratch.run(&arguments).exits(0);
    let lines: Vec<&str> = table.out.lines().collect();
    assert!(
        lines[0].starts_with("bucket") && lines[0].contains("p99_latency_ms"),
        "{}",
        table.out
    );
    assert!(
        lines[1].contains("20.0\u{202f}%") && lines[1].contains("ms"),
        "{}",
        table.out
    );
    assert!(
        lines[1..4]
            .iter()
            .all(|line| line.chars().count() == lines[0].chars().count()),
        "{}",
        table.out
    );
    assert!(table.out.contains("Europe/Berlin") && table.out.contains("exact"));
}

#[test]
fn a_settings_zone_is_the_default() {
    let scratch = Scratch::ops();
    let folder = Folder::new();
    std::fs::create_dir_all(folder.0.join("tidemark")).unwrap();
    folder.file("tidemark/settings.toml", "time_zone = \"Asia/Kathmandu\"\n");
    let arguments = [
        "query",
        "ops_metrics",
        "--from",
        "2026-03-27",
        "--to",
        "2026-03-28",
        "--grain",
        "total",
        "--json",
    ];
    let mut command = scratch.command(&arguments);
    let ran = crate::harness::finish(command.env("XDG_CONFIG_HOME", &folder.0).spawn().unwrap()).exits(0);
    assert_eq!(ran.json()["tz"], "Asia/Kathmandu");
    folder.file("tidemark/settings.toml", "time_zome = \"Asia/Kathmandu\"\n");
    let mut command = scratch.command(&arguments[..8]);
    crate::harness::finish(command.env("XDG_CONFIG_HOME", &folder.0).spawn().unwrap())
        .exits(2)
        .says(&["settings.toml", "line 1", "time_zome"]);
}
