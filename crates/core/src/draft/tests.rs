use super::*;
use crate::spec::Spec;

fn column(name: &str, kind: ColumnKind, sample: &[&str]) -> ColumnFacts {
    ColumnFacts {
        name: name.to_owned(),
        sql: if name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
            name.to_owned()
        } else {
            crate::spec::on::quote(name)
        },
        kind,
        type_name: format!("{kind:?}").to_lowercase(),
        sample: sample
            .iter()
            .map(|value| (*value != "NULL").then(|| (*value).to_owned()))
            .collect(),
        ..ColumnFacts::default()
    }
}

fn table(name: &str, columns: Vec<ColumnFacts>) -> TableFacts {
    let sampled = columns
        .iter()
        .map(|column| column.sample.len())
        .max()
        .unwrap_or_default();
    TableFacts {
        schema: "public".to_owned(),
        name: name.to_owned(),
        sql: format!("public.{}", crate::spec::on::quote(name)),
        rows: sampled as f64,
        sampled,
        columns,
        zone: "UTC".to_owned(),
        reserved: ["user", "order", "end", "group"].map(str::to_owned).into(),
        ..TableFacts::default()
    }
}

/// It is read back by the product's own reader.
fn read(facts: &TableFacts, wish: &Wish) -> (Draft, Spec) {
    let written = draft(facts, wish).unwrap();
    let spec = Spec::parse("draft.toml", &written.declaration)
        .unwrap_or_else(|error| panic!("{error}\n{}", written.declaration));
    (written, spec)
}

fn time_of(columns: Vec<ColumnFacts>) -> Result<(String, Option<String>), DraftError> {
    let facts = table("things", columns);
    draft(&facts, &Wish::default())?;
    let (_, spec) = read(&facts, &Wish::default());
    let source = &spec.source[0];
    Ok((
        source.time.get_ref().clone(),
        source.time_unit.as_ref().map(|unit| unit.get_ref().clone()),
    ))
}

#[test]
fn an_epochs_unit_is_told_by_its_magnitude() {
    for (sample, unit) in [("1764000000", "s"), ("1764000000123", "ms"), ("1764000000123456", "us")] {
        let found = time_of(vec![column("at", ColumnKind::Bigint, &[sample, "NULL"])]).unwrap();
        assert_eq!(found, ("t.at".to_owned(), Some(unit.to_owned())));
    }
    let nanoseconds = time_of(vec![column("at", ColumnKind::Bigint, &["1764000000123456789"])]).unwrap_err();
    assert_eq!(nanoseconds.code(), "no_time_column");
    assert!(
        nanoseconds
            .to_string()
            .contains("at is bigint and its numbers are no seconds"),
        "{nanoseconds}"
    );
    // A number that only looks like an instant.
    time_of(vec![column("views", ColumnKind::Bigint, &["1764000000"])]).unwrap_err();
}

#[test]
fn the_column_of_a_rows_own_moment_is_preferred() {
    use ColumnKind::{Date, Timestamp, Timestamptz};
    let indexed = |mut column: ColumnFacts| {
        column.leads_index = true;
        column
    };
    for (columns, wanted) in [
        (
            vec![
                column("updated_at", Timestamptz, &["1"]),
                column("created_at", Timestamptz, &["1"]),
            ],
            "created_at",
        ),
        (
            vec![
                column("valid_until", Timestamptz, &["1"]),
                column("booked", Timestamp, &["1"]),
            ],
            "booked",
        ),
        (
            vec![
                column("a", Timestamptz, &["1"]),
                indexed(column("b", Timestamptz, &["1"])),
            ],
            "b",
        ),
        (
            vec![column("day", Date, &["0"]), column("logged_at", Timestamp, &["1"])],
            "logged_at",
        ),
        (
            vec![
                column("first", Timestamptz, &["1"]),
                column("second", Timestamptz, &["1"]),
            ],
            "first",
        ),
        (
            vec![
                column("empty_at", Timestamptz, &["NULL"]),
                column("x", Timestamptz, &["1"]),
            ],
            "x",
        ),
    ] {
        assert_eq!(time_of(columns).unwrap().0, format!("t.{wanted}"));
    }
    // Neither is the row's moment; one may be asked for all the same.
    let facts = table("people", vec![column("birth_date", Date, &["0"])]);
    let error = draft(&facts, &Wish::default()).unwrap_err();
    assert!(
        error.to_string().contains("--time birth_date takes it all the same"),
        "{error}"
    );
    let wish = Wish {
        time: Some("birth_date".to_owned()),
        name: None,
    };
    read(&facts, &wish);
    let wish = Wish {
        time: Some("birthdate".to_owned()),
        name: None,
    };
    let error = draft(&facts, &wish).unwrap_err();
    assert!(error.to_string().contains("did you mean \"birth_date\"?"), "{error}");
}

#[test]
fn a_wall_clock_that_the_server_fills_in_is_in_the_servers_zone() {
    let mut at = column("created", ColumnKind::Timestamp, &["1"]);
    let zone = |column: &ColumnFacts| {
        let mut facts = table("visits", vec![column.clone()]);
        facts.zone = "Europe/Berlin".to_owned();
        read(&facts, &Wish::default()).1.source[0]
            .time_zone
            .as_ref()
            .map(|zone| zone.get_ref().clone())
    };
    assert_eq!(zone(&at).as_deref(), Some("UTC"));
    at.default = Some("now()".to_owned());
    assert_eq!(zone(&at).as_deref(), Some("Europe/Berlin"));
    at.default = Some("(now() AT TIME ZONE 'utc'::text)".to_owned());
    assert_eq!(zone(&at).as_deref(), Some("UTC"));
}

#[test]
fn groups_stay_few_and_the_rest_is_a_comment() {
    let many: Vec<String> = (0..1000).map(|n| format!("v{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let fold = |n: usize| -> Vec<String> { (0..1000).map(|i| format!("v{}", i % n)).collect() };
    let owned: Vec<(String, Vec<String>)> = (0..5)
        .map(|i| (format!("kind_{}", ["a", "b", "c", "d", "e"][i]), fold(12)))
        .collect();
    let mut columns = vec![
        column("at", ColumnKind::Timestamptz, &vec!["1"; 1000]),
        column("note", ColumnKind::Text, &many),
    ];
    for (name, sample) in &owned {
        columns.push(column(
            name,
            ColumnKind::Text,
            &sample.iter().map(String::as_str).collect::<Vec<_>>(),
        ));
    }
    let (written, spec) = read(&table("things", columns), &Wish::default());
    // 12 × 12 × 12 = 1728; a fourth would make 20736.
    assert_eq!(
        spec.dimensions.keys().collect::<Vec<_>>(),
        ["kind_a", "kind_b", "kind_c"]
    );
    assert!(written.declaration.contains("# kind_d = "), "{}", written.declaration);
    assert!(!written.declaration.contains("\nnote = "));
}

#[test]
fn whatever_names_and_values_hold_the_file_is_read_as_meant() {
    let evil = "a\"b'c\\d\n[measures]\nx = 1 ';drop\u{7}";
    let mut at = column(evil, ColumnKind::Timestamptz, &["1", "2"]);
    at.default = Some(format!("now() -- {evil}"));
    at.type_name = evil.to_owned();
    let mut facts = table(
        evil,
        vec![
            at,
            column("order", ColumnKind::Boolean, &["true", "false"]),
            column("State", ColumnKind::Text, &[evil, "it's"]),
            column("bucket", ColumnKind::Integer, &["5", "6"]),
            column("größe", ColumnKind::Float, &["5", "6"]),
            column("日本", ColumnKind::Float, &["5", "6"]),
        ],
    );
    facts.comment = Some(evil.to_owned());
    let (written, spec) = read(&facts, &Wish::default());
    assert_eq!(
        crate::spec::on::column_ref(spec.source[0].time.get_ref()).unwrap().1,
        evil
    );
    assert_eq!(
        crate::spec::on::table_ref(spec.source[0].table.get_ref())
            .unwrap()
            .table,
        evil
    );
    let filters: Vec<&str> = spec
        .measures
        .values()
        .filter_map(|measure| measure.get_ref().filter.as_deref())
        .collect();
    assert!(filters.iter().any(|filter| filter.contains("'it''s'")), "{filters:?}");
    assert!(
        !spec.dimensions.contains_key("state"),
        "an answer's own word: {}",
        written.declaration
    );
}

#[test]
fn a_name_that_is_taken_gets_a_number_and_a_bad_one_is_refused() {
    let mut facts = table("Web Requests", vec![column("at", ColumnKind::Timestamptz, &["1"])]);
    facts.rollups = vec!["web_requests".to_owned()];
    assert_eq!(read(&facts, &Wish::default()).0.rollup, "web_requests_2");
    let wish = |name: &str| Wish {
        name: Some(name.to_owned()),
        time: None,
    };
    assert_eq!(read(&facts, &wish("web")).0.rollup, "web");
    assert_eq!(draft(&facts, &wish("Web")).unwrap_err().code(), "bad_name");
}

#[test]
fn a_http_status_gives_counts_and_an_error_rate() {
    let columns = vec![
        column("ts", ColumnKind::Timestamptz, &["1", "2", "3"]),
        column("status_code", ColumnKind::Integer, &["200", "404", "503"]),
        column("response_bytes", ColumnKind::Bigint, &["5", "6", "7"]),
        column("took", ColumnKind::Interval, &["00:00:01", "00:00:02", "00:00:03"]),
    ];
    let (_, spec) = read(&table("hits", columns), &Wish::default());
    let measures: Vec<&str> = spec.measures.keys().map(String::as_str).collect();
    for measure in [
        "status_4xx_count",
        "status_5xx_count",
        "ok_count",
        "error_count",
        "error_rate",
        "response_bytes_sum",
        "p99_took",
    ] {
        assert!(measures.contains(&measure), "{measure} is missing in {measures:?}");
    }
    assert_eq!(spec.measures["p99_took"].get_ref().unit, "s");
    assert_eq!(spec.measures["response_bytes_sum"].get_ref().unit, "B");
}
