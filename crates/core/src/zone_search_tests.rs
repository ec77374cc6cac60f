use super::*;

fn winter() -> DateTime<Utc> {
    "2026-11-21T13:22:00Z".parse().unwrap()
}

fn summer() -> DateTime<Utc> {
    "2026-07-01T12:00:00Z".parse().unwrap()
}

fn names(query: &str, now: DateTime<Utc>) -> Vec<String> {
    search(query, now, 8).into_iter().map(|found| found.zone).collect()
}

#[test]
fn every_row_of_the_table_is_a_zone_that_chrono_knows() {
    let rows = include_str!("zones.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .count();
    assert_eq!(ENTRIES.len(), rows + 1);
    for common in COMMON.split_whitespace() {
        assert!(ENTRIES.iter().any(|entry| entry.tz.name() == common), "{common}");
    }
    for (zone, _) in ALSO.lines().filter_map(|line| line.trim().split_once(": ")) {
        assert!(ENTRIES.iter().any(|entry| entry.tz.name() == zone), "{zone}");
    }
}

#[test]
fn ist_finds_kolkata_jerusalem_dublin_istanbul_and_pakistan() {
    let found = names("ist", winter());
    assert_eq!(found[..2], ["Asia/Kolkata", "Asia/Jerusalem"]);
    let place = |zone: &str| found.iter().position(|name| name == zone);
    assert!(place("Europe/Dublin") < place("Europe/Istanbul"), "{found:?}");
    assert!(
        place("Europe/Dublin").is_some() && place("Asia/Karachi").is_some(),
        "{found:?}"
    );
    assert_eq!(names("IST", summer())[..2], ["Asia/Kolkata", "Europe/Dublin"]);
}

#[test]
fn cities_are_found_whatever_the_spelling() {
    for (query, zone) in [
        ("new-york", "America/New_York"),
        ("New York", "America/New_York"),
        ("america/new_york", "America/New_York"),
        ("São Paulo", "America/Sao_Paulo"),
        ("sao", "America/Sao_Paulo"),
        ("Zürich", "Europe/Zurich"),
        ("München", "Europe/Berlin"),
        ("bombay", "Asia/Kolkata"),
        ("berl", "Europe/Berlin"),
        ("belrin", "Europe/Berlin"),
        ("port-au-prince", "America/Port-au-Prince"),
        ("utc", "UTC"),
        ("gmt", "Europe/London"),
    ] {
        assert_eq!(
            names(query, winter()).first().map(String::as_str),
            Some(zone),
            "{query}"
        );
    }
}

#[test]
fn countries_and_abbreviations_put_the_common_zone_first() {
    for (query, zone) in [
        ("germany", "Europe/Berlin"),
        ("United States", "America/New_York"),
        ("usa", "America/New_York"),
        ("uk", "Europe/London"),
        ("india", "Asia/Kolkata"),
        ("Côte d'Ivoire", "Africa/Abidjan"),
        ("CET", "Europe/Berlin"),
        ("pst", "America/Los_Angeles"),
        ("jst", "Asia/Tokyo"),
    ] {
        assert_eq!(
            names(query, winter()).first().map(String::as_str),
            Some(zone),
            "{query}"
        );
    }
}

#[test]
fn offsets_are_those_of_now() {
    for query in ["+1", "+01:00", "UTC+1", "gmt +1", "+0100"] {
        assert_eq!(names(query, winter())[0], "Europe/Berlin", "{query}");
    }
    assert_eq!(names("+1", summer())[0], "Europe/London");
    assert_eq!(names("+5:30", winter())[0], "Asia/Kolkata");
    assert_eq!(names("-3:30", winter()), ["America/St_Johns"]);
    assert_eq!(names("\u{2212}3:30", winter()), ["America/St_Johns"]);
    assert!(names("+99", winter()).is_empty());
}

#[test]
fn a_match_shows_the_zone_as_it_is_now() {
    let found = search("kathmandu", winter(), 1);
    assert_eq!(
        found,
        [ZoneMatch {
            zone: "Asia/Kathmandu".into(),
            city: "Kathmandu".into(),
            country: "Nepal".into(),
            abbreviation: String::new(),
            offset: "+05:45".into(),
            local_time: "19:07".into(),
        }]
    );
    assert_eq!(search("berlin", summer(), 1)[0].abbreviation, "CEST");
}

#[test]
fn nothing_typed_gives_the_common_zones_and_nonsense_gives_nothing() {
    assert_eq!(names("", winter())[0], "UTC");
    assert_eq!(search(" ", winter(), 3).len(), 3);
    assert!(names("qqqqqqqq", winter()).is_empty());
    assert!(names("+", winter()).is_empty() || !names("+", winter()).contains(&"Asia/Kolkata".to_owned()));
}
