//! `report`: files that are what their ending says, and names from the database that do nothing.

use crate::cells::cells;
use crate::harness::{Folder, Scratch};

const RANGE: [&str; 8] = [
    "report",
    "ops_metrics",
    "--from",
    "2026-03-27",
    "--to",
    "2026-03-30",
    "--tz",
    "Europe/Berlin",
];

fn report(scratch: &Scratch, out: &str) -> Vec<u8> {
    let mut arguments = RANGE.to_vec();
    arguments.extend(["--out", out]);
    let ran = scratch.run(&arguments).exits(0);
    assert_eq!(ran.out.trim(), out);
    std::fs::read(out).unwrap()
}

#[test]
fn a_report_is_a_png_an_svg_or_a_page_by_its_ending() {
    let scratch = Scratch::ops();
    let folder = Folder::new();
    let png = report(&scratch, &folder.path("x.png"));
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() > 10_000);
    let svg = String::from_utf8(report(&scratch, &folder.path("x.SVG"))).unwrap();
    assert!(svg.starts_with("<svg ") && svg.contains("openai"));
    let page = String::from_utf8(report(&scratch, &folder.path("x.html"))).unwrap();
    for text in [&svg, &page] {
        for word in ["Europe/Berlin", "Overview", "ops_metrics", "anthropic", "as of", "p99"] {
            assert!(text.contains(word), "{word} is missing");
        }
    }
    assert!(page.starts_with("<!doctype html>") && page.contains("<table>") && page.contains("<svg"));
}

#[test]
fn another_ending_is_refused_before_anything_is_read() {
    for name in ["x.pdf", "x", "x.png.txt", ".png"] {
        crate::harness::run(&["report", "ops_metrics", "--out", name])
            .exits(2)
            .says(&[".png, .svg or .html"]);
    }
    let scratch = Scratch::ops();
    let mut arguments = RANGE.to_vec();
    arguments.extend(["--out", "/nonexistent/folder/x.svg"]);
    scratch.run(&arguments).exits(2).says(&["/nonexistent/folder"]);
}

#[test]
fn a_platform_named_like_markup_is_inert() {
    let scratch = Scratch::ops();
    scratch.sql("insert into ops_error_logs (created_at, platform, status_code) values ('2026-03-28 10:30Z', '<img src=x onerror=alert(1)>', 500)");
    let folder = Folder::new();
    for name in ["x.html", "x.svg"] {
        let text = String::from_utf8(report(&scratch, &folder.path(name))).unwrap();
        assert!(!text.contains("<img") && text.contains("&lt;img"), "{name}");
    }
}

#[test]
fn a_range_without_data_is_drawn_and_says_so() {
    let scratch = Scratch::ops();
    let folder = Folder::new();
    let out = folder.path("empty.svg");
    scratch
        .run(&[
            "report",
            "ops_metrics",
            "--from",
            "2035-01-01",
            "--to",
            "2035-01-02",
            "--out",
            &out,
        ])
        .exits(0);
    assert!(std::fs::read_to_string(out).unwrap().contains("no data in this range"));
}

#[test]
fn a_heatmap_shows_the_last_seven_days_whatever_the_range_is() {
    let scratch = Scratch::ops();
    // 14 requests that went well and 7 of openai that failed in one hour, 4 in the next, and none of it ticked.
    scratch.sql(
        "insert into usage_logs (created_at, account_id, group_id, duration_ms)
         select date_trunc('hour', now()) - interval '30 hours' + n * interval '4 minutes', 1, null, 100 from generate_series(1, 18) n;
         insert into ops_error_logs (created_at, platform, account_id, status_code)
         select date_trunc('hour', now()) - interval '30 hours' + n * interval '4 minutes', 'openai', 2, 500 from generate_series(1, 7) n",
    );
    let folder = Folder::new();
    let drawn = |only: &str| {
        let board = format!(
            "format = 1\nrollup = \"ops_metrics\"\n[board]\ntitle = \"Hours\"\n[[board.panels]]\ntitle = \"Hours\"\nkind = \"heatmap\"\nmeasures = [\"request_count\"]\n{only}"
        );
        let (file, out) = (folder.file("hours.toml", &board), folder.path("x.svg"));
        let mut arguments = RANGE.to_vec();
        *arguments.last_mut().unwrap() = "Asia/Tokyo";
        arguments.extend(["--board", &file, "--out", &out]);
        scratch.run(&arguments).exits(0);
        std::fs::read_to_string(out).unwrap()
    };
    let place = |hours: i32| {
        let local = "at time zone 'Asia/Tokyo'";
        let at = format!("(date_trunc('hour', now()) - interval '{hours} hours') {local}");
        let day: i64 = scratch.one(&format!("select (6 + ({at})::date - (now() {local})::date)::bigint"));
        let hour: f64 = scratch.one(&format!("select extract(hour from {at})::double precision"));
        (usize::try_from(day).unwrap(), hour, 1.0)
    };
    let svg = drawn("");
    assert!(svg.contains(">21<") && svg.contains("Fri 27 Mar 2026 00:00"), "{svg}");
    assert_eq!(cells(&svg, "#347798"), [place(30)]);
    assert_eq!(cells(&svg, "#D6EAF5"), [place(29)]);
    let svg = drawn("where = { platform = \"openai\" }");
    assert!(svg.contains(">7<") && svg.contains("platform openai, "), "{svg}");
    assert_eq!(cells(&svg, "#347798"), [place(30)]);
    assert_eq!(cells(&svg, "#D6EAF5"), []);
}

#[test]
fn json_says_what_was_written() {
    let scratch = Scratch::ops();
    let folder = Folder::new();
    let mut arguments = RANGE.to_vec();
    let out = folder.path("x.svg");
    arguments.extend(["--out", &out]);
    let said = scratch.json(&arguments);
    assert_eq!(said["out"], out.as_str());
    assert_eq!(said["state"], "exact");
    assert_eq!(said["bytes"].as_u64().unwrap(), std::fs::metadata(&out).unwrap().len());
}

#[test]
fn a_board_file_is_drawn_instead_of_the_rollups_own_board() {
    let scratch = Scratch::ops();
    let folder = Folder::new();
    let board = "format = 1\nrollup = \"ops_metrics\"\n[board]\ntitle = \"Night shift\"\n[[board.panels]]\ntitle = \"Only openai\"\nkind = \"table\"\nby = \"platform\"\nwhere = { platform = \"openai\" }\ncolumns = [{ measure = \"error_count\" }]\n";
    let file = folder.file("night.toml", board);
    let out = folder.path("x.html");
    let mut arguments = RANGE.to_vec();
    arguments.extend(["--board", &file, "--out", &out]);
    scratch.run(&arguments).exits(0);
    let page = std::fs::read_to_string(&out).unwrap();
    assert!(
        page.contains("Night shift") && page.contains("Only openai, platform openai") && !page.contains("anthropic"),
        "{page}"
    );
    for (from, to, line, words) in [
        ("error_count", "eror_count", 10, "did you mean \"error_count\"?"),
        ("format = 1", "format = 7", 1, "upgrade"),
        ("kind = \"table\"", "kind = \"pie\"", 7, "unknown variant"),
    ] {
        let bad = folder.file("bad.toml", &board.replace(from, to));
        let mut arguments = RANGE.to_vec();
        arguments.extend(["--board", &bad, "--out", &out]);
        scratch
            .run(&arguments)
            .exits(2)
            .says(&[&format!("{bad}:{line}:"), words]);
    }
}
