use super::*;

const GOOD: &str = r#"name = "x"
grains = ["15m", "hour"]

[[source]]
name = "s"
table = "t"
time = "t.at"
values = { v = "t.v" }

[measures]
n = { count = "s" }
d = { distribution = "s.v" }
p = { quantile = 0.5, of = "d" }
r = { ratio = ["n", "n"], unit = "%" }
"#;

/// Change one thing in a good declaration; give the error's text.
fn broken(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    Spec::parse("x.toml", &GOOD.replacen(from, to, 1))
        .unwrap_err()
        .to_string()
}

#[test]
fn a_good_declaration_is_read() {
    Spec::parse("x.toml", GOOD).unwrap();
}

#[test]
fn each_mistake_is_told_with_file_and_line_and_what_to_write() {
    let cases = [
        (
            "grains = [\"15m\", \"hour\"]",
            "grains = [\"15m\", \"fortnight\"]",
            "x.toml:2: there is no grain \"fortnight\"; use 1m",
        ),
        (
            "grains = [\"15m\", \"hour\"]",
            "grains = [\"hour\", \"15m\"]",
            "x.toml:2: grain \"15m\" must come before",
        ),
        (
            "grains = [\"15m\", \"hour\"]",
            "grain = [\"15m\"]",
            "x.toml:2: unknown field `grain`",
        ),
        ("name = \"x\"", "name = \"x\\\"y\"", "x.toml:1: name:"),
        ("name = \"x\"", "name = \"x", "x.toml:1:"),
        (
            "time = \"t.at\"",
            "time = \"at\"",
            "x.toml:7: time: write the time column as t.COLUMN",
        ),
        (
            "time = \"t.at\"",
            "time = \"t.at\"\ntime_zone = \"Europe/Berlln\"",
            "did you mean \"Europe/Berlin\"?",
        ),
        (
            "time = \"t.at\"",
            "time = \"t.at\"\ntime_unit = \"h\"",
            "write \"s\", \"ms\" or \"us\"",
        ),
        (
            "count = \"s\"",
            "count = \"ss\"",
            "there is no source \"ss\"; did you mean \"s\"?",
        ),
        (
            "distribution = \"s.v\"",
            "distribution = \"s.w\"",
            "source \"s\" has no value \"w\"",
        ),
        (
            "distribution = \"s.v\"",
            "distribution = \"s.v\", count = \"s\"",
            "exactly one of",
        ),
        ("quantile = 0.5", "quantile = 1.5", "not between 0 and 1"),
        ("of = \"d\"", "of = \"n\"", "\"n\" is not a distribution"),
        (
            "ratio = [\"n\", \"n\"]",
            "ratio = [\"n\", \"m\"]",
            "there is no measure \"m\"",
        ),
        (
            "ratio = [\"n\", \"n\"]",
            "ratio = [\"n\", \"r\"]",
            "must stand before it",
        ),
    ];
    for (from, to, wanted) in cases {
        let message = broken(from, to);
        assert!(message.contains(wanted), "{to}\n  says   {message}\n  wanted {wanted}");
    }
}

#[test]
fn what_is_kept_shortly_must_divide_what_follows() {
    assert!(
        broken(
            "grains = [\"15m\", \"hour\"]",
            "grains = [\"15m\", \"hour\"]\nkeep = { hour = \"2 days\" }"
        )
        .contains("coarsest")
    );
    assert!(
        broken(
            "grains = [\"15m\", \"hour\"]",
            "grains = [\"15m\", \"hour\"]\nkeep = { \"15m\" = \"soon\" }"
        )
        .contains("2 days")
    );
    assert!(
        broken(
            "grains = [\"15m\", \"hour\"]",
            "grains = [\"15m\", \"hour\"]\nkeep = { \"1m\" = \"2 days\" }"
        )
        .contains("not among grains")
    );
}

#[test]
fn a_board_names_numbers_and_dimensions_that_are_there() {
    let with = |board: &str| {
        let text = format!("{GOOD}\n[board]\ntitle = \"x\"\n{board}\n");
        Spec::parse("x.toml", &text).unwrap_err().to_string()
    };
    assert!(with("by = \"land\"").contains("there is no dimension \"land\""));
    assert!(with("tiles = [{ measure = \"m\" }]").contains("there is no measure \"m\""));
    assert!(with("tiles = [{ measure = \"d\" }]").contains("is a distribution, not a number"));
}

#[test]
fn a_relation_without_some_dimensions_shows_no_percentile() {
    let good = GOOD
        .replace(
            "values = { v",
            "dimensions = { a = \"t.a\", b = \"t.b\" }\nvalues = { v",
        )
        .replace("[measures]", "[dimensions.a]\n[dimensions.b]\n[measures]")
        + "twice = { expr = \"p + p\" }\n";
    let with = |relation: &str| {
        let text = format!("{good}\n[[relation]]\nname = \"r\"\ngrain = \"hour\"\n{relation}\n");
        Spec::parse("x.toml", &text)
            .map(drop)
            .map_err(|error| error.to_string())
    };
    assert_eq!(
        with("dimensions = [\"b\", \"a\"]"),
        Ok(()),
        "all of them, in another order"
    );
    assert_eq!(with("dimensions = [\"a\"]\nmeasures = [\"n\", \"r\"]"), Ok(()));
    assert_eq!(with("dimensions = []\nmeasures = [\"n\"]"), Ok(()));
    let refused = |relation: &str, words: &str| {
        let told = with(relation).unwrap_err();
        assert!(told.contains(words), "{told}");
    };
    refused(
        "dimensions = [\"a\"]",
        "\"p\" is a percentile, and percentiles of several groups",
    );
    refused(
        "dimensions = [\"a\"]\nmeasures = [\"twice\"]",
        "\"twice\" is a percentile",
    );
    refused(
        "dimensions = [\"aa\"]",
        "there is no dimension \"aa\"; did you mean \"a\"?",
    );
    refused("dimensions = [\"a\", \"a\"]", "dimension \"a\" stands there twice");
}

#[test]
fn what_is_wrong_with_a_panel_is_said_with_its_own_line() {
    let good = GOOD
        .replace("table = \"t\"", "table = \"t\"\ndimensions = { k = \"t.k\" }")
        .replace("[measures]", "[dimensions.k]\n[measures]");
    let lines = good.lines().count();
    let with = |panel: &str| {
        let text = format!("{good}\n[board]\ntitle = \"x\"\n\n[[board.panels]]\ntitle = \"P\"\n{panel}\n");
        Spec::parse("x.toml", &text).unwrap_err().to_string()
    };
    for (panel, line, words) in [
        (
            "kind = \"lines\"\nmeasures = [\n  \"n\",\n  \"m\",\n]",
            10,
            "there is no measure \"m\"",
        ),
        ("kind = \"lines\"\nby = \"land\"", 8, "there is no dimension \"land\""),
        (
            "kind = \"lines\"\nwhere = { land = \"x\" }",
            8,
            "there is no dimension \"land\"",
        ),
        (
            "kind = \"number\"\nmeasures = [\"n\"]\nwhere = { k = [] }",
            9,
            "names no value of \"k\"",
        ),
        ("kind = \"number\"\nby = \"k\"", 8, "remove by"),
        ("kind = \"lines\"\nsplit = true", 8, "split needs a dimension"),
        ("kind = \"lines\"\nwhere = { k = 1.5 }", 8, "{ null = true }"),
    ] {
        let message = with(panel);
        assert!(
            message.starts_with(&format!("x.toml:{}:", lines + line)) && message.contains(words),
            "{panel}: {message}"
        );
    }
}
