//! What a report shows, and what it must never do. The pictures are left in `target/tmp/charts/` to be looked at.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod sample;

use sample::{EVIL, answer, answers, berlin, label, overview, report};
use tidemark_charts::{Format, Label, Theme, render, report_html};
use tidemark_core::api::{
    BoardCompare, BoardGrouping, BoardSeries, Compare, PendingKind, PendingReason, ReportAnswer, State,
};
use tidemark_core::board_spec::PanelKind;

fn keep(name: &str, bytes: &[u8]) {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("charts");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(name), bytes).unwrap();
}

#[test]
fn a_board_is_one_png_in_light_and_dark() {
    for (theme, name) in [(Theme::Light, "overview-light.png"), (Theme::Dark, "overview-dark.png")] {
        let bytes = render(&berlin(), &overview(), &label(), theme, Format::Png).unwrap();
        let reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        assert_eq!(reader.info().width, 2560);
        keep(name, &bytes);
    }
}

#[test]
fn a_board_is_one_well_formed_svg() {
    let bytes = render(&berlin(), &overview(), &label(), Theme::Light, Format::Svg).unwrap();
    keep("overview.svg", &bytes);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("<svg ") && text.trim_end().ends_with("</svg>"));
    assert_eq!(text.matches("<text ").count(), text.matches("</text>").count());
    for word in [
        "Overview",
        "Europe/Berlin",
        "openai",
        "p99",
        "failures alone, own scale",
        "DEMO DATA",
        "prod-eu",
    ] {
        assert!(text.contains(word), "{word} is missing");
    }
}

#[test]
fn a_page_needs_nothing_else_and_follows_the_readers_scheme() {
    let page = report_html(&berlin(), &overview(), &label()).unwrap();
    keep("overview.html", page.as_bytes());
    let own = page.replace("http://www.w3.org/2000/svg", "");
    for outside in [
        "http:", "https:", "src=\"", "src='", "href", "url(", "<script", "<img", "@import",
    ] {
        assert!(!own.contains(outside), "the page refers to {outside}");
    }
    assert!(page.contains("prefers-color-scheme:dark"));
    assert!(!page.contains("#0000"), "a placeholder colour was left");
}

#[test]
fn what_a_poll_may_still_change_is_not_said_to_wait_for_a_tick() {
    let page = report_html(&berlin(), &overview(), &label()).unwrap();
    assert!(page.contains("75 buckets wait for a tick") && page.contains("the number is what the rollup last held"));
    let mut polled = berlin();
    for answer in answers(&mut polled) {
        answer.pending_reason = Some(PendingReason {
            kind: PendingKind::Polled,
            text: String::new(),
            rows: None,
        });
    }
    let page = report_html(&polled, &overview(), &label()).unwrap();
    assert!(
        page.contains("75 buckets may change with a poll") && page.contains("without changes that no poll has found")
    );
    assert!(!page.contains("wait for a tick") && !page.contains("last held"));
}

fn escaped(text: &str) -> String {
    text.replace('<', "&lt;").replace('>', "&gt;")
}

#[test]
fn a_name_with_markup_in_it_is_text() {
    let mut answer = berlin();
    answer.board.groups[1].key = Some("\"><script>alert(1)</script>".to_owned());
    answer.board.groups[2].key = Some("'\u{1b}[2J\u{0}\u{202e}&amp;".to_owned());
    answer.board.rollup = "<b>".to_owned();
    let mut board = overview();
    board.title = "</title><script>".to_owned();
    let page = report_html(&answer, &board, &label()).unwrap();
    let svg = String::from_utf8(render(&answer, &board, &label(), Theme::Dark, Format::Svg).unwrap()).unwrap();
    for text in [&page, &svg] {
        assert!(
            !text.contains("<img")
                && !text.contains("<script")
                && !text.contains("<b>alert")
                && !text.contains('\u{1b}')
        );
        assert!(!text.contains('\u{202e}') && !text.contains('\u{0}'));
        assert!(text.contains("&amp;amp;"), "an entity in a name is not decoded");
    }
    assert!(page.contains(&escaped(EVIL)));
}

#[test]
fn an_answer_without_data_or_with_absurd_numbers_is_drawn_too() {
    let mut answer = berlin();
    let fill = |answer: &mut ReportAnswer, value| {
        let read = answers(answer);
        for series in read.flat_map(|read| read.groups.iter_mut().chain([&mut read.overall])) {
            series.columns.iter_mut().for_each(|column| column.fill(value));
            series.total.fill(value);
        }
    };
    fill(&mut answer, None);
    let svg = render(&answer, &overview(), &Label::default(), Theme::Light, Format::Svg).unwrap();
    assert!(String::from_utf8(svg).unwrap().contains("no data in this range"));
    for value in [f64::NAN, f64::INFINITY, -5.0, 1e300, 1e-300] {
        fill(&mut answer, Some(value));
        render(&answer, &overview(), &Label::default(), Theme::Light, Format::Svg).unwrap();
    }
    render(&answer, &overview(), &Label::default(), Theme::Light, Format::Png).unwrap();
    answer.board.buckets.clear();
    assert!(render(&answer, &overview(), &Label::default(), Theme::Light, Format::Png).is_err());
}

#[test]
fn more_groups_than_colours_and_narrow_buckets_fit() {
    let names: Vec<String> = (0..40)
        .map(|n| format!("model-{n} with a name that is much too long for its place"))
        .collect();
    let names: Vec<Option<&str>> = names
        .iter()
        .map(|name| Some(name.as_str()))
        .chain([None, Some("")])
        .collect();
    let tz = chrono_tz::Asia::Kolkata;
    let answer = report(answer(
        "2026-11-01T18:30:00Z",
        60,
        480,
        "2026-11-21T00:20:00Z",
        tz,
        &names,
    ));
    keep(
        "many.png",
        &render(&answer, &overview(), &Label::default(), Theme::Light, Format::Png).unwrap(),
    );
}

#[test]
fn a_day_of_25_hours_says_so_and_marks_its_repeated_hour() {
    let names = [Some("anthropic"), Some("openai")];
    let tz = chrono_tz::Europe::Berlin;
    let answer = report(answer(
        "2026-10-24T22:00:00Z",
        15,
        100,
        "2026-10-26T12:00:00Z",
        tz,
        &names,
    ));
    keep(
        "25-hours.png",
        &render(&answer, &overview(), &Label::default(), Theme::Light, Format::Png).unwrap(),
    );
    let svg = render(&answer, &overview(), &Label::default(), Theme::Light, Format::Svg).unwrap();
    let svg = String::from_utf8(svg).unwrap();
    for word in ["Sun 25 Oct 25\u{202f}h", "02 02", "UTC+2, then UTC+1"] {
        assert!(svg.contains(word), "{word} is missing");
    }
}

#[test]
fn a_panel_with_a_filter_of_its_own_shows_its_own_groups_and_change() {
    let mut report = berlin();
    let mut board = overview();
    board.tiles.clear();
    board.panels = board.panels[1..=2].to_vec();
    for panel in &mut board.panels {
        panel.filter.0 = [("model".to_owned(), vec![Some("a".to_owned())])].into();
    }
    board.panels[1].kind = PanelKind::Number;
    board.panels[1].measures = vec!["request_count".to_owned()];
    let compare = |overall: &BoardSeries| BoardCompare {
        kind: Compare::LastWeek,
        from_ms: 0.0,
        to_ms: 0.0,
        state: State::Exact,
        overall: overall.clone(),
        groups: vec![],
    };
    let mut before = report.board.overall.clone();
    report.board.compare = Some(compare(&before));
    before.total[0] = before.total[0].map(|total| total / 2.0);
    let cut = |grouping, groups| BoardGrouping {
        grouping,
        overall: report.board.overall.clone(),
        groups,
        compare: Some(compare(&before)),
    };
    let mut only = report.board.groups[1].clone();
    only.key = Some("only this".to_owned());
    let (lines, number) = (
        board.grouping(&board.panels[0]).unwrap(),
        board.grouping(&board.panels[1]).unwrap(),
    );
    report.board.groupings = vec![cut(lines, vec![only]), cut(number, vec![])];
    let svg = render(&report, &board, &label(), Theme::Light, Format::Svg).unwrap();
    let svg = String::from_utf8(svg).unwrap();
    assert!(
        svg.contains(">only this<") && !svg.contains(">openai<"),
        "the lines are of the panel's groups"
    );
    assert!(svg.contains(">×2.0<"), "the change is the panel's");
}
