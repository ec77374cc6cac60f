//! The settings file, as a person meets it.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use tidemark_local::{
    LocalError, Settings,
    settings::{DEMO, Theme},
};

/// A settings file in a folder of its own, which goes when the test ends.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("tidemark-settings-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for the test");
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("tidemark/settings.toml")
    }

    fn with(name: &str, text: &str) -> Self {
        let place = Self::new(name);
        fs::create_dir_all(place.0.join("tidemark")).expect("a folder for the test");
        fs::write(place.file(), text).expect("a file for the test");
        place
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

#[test]
fn without_a_file_everything_has_its_default() {
    let place = Place::new("none");
    assert_eq!(Settings::load(&place.file()).expect("defaults"), Settings::default());
    assert!(!place.file().exists(), "reading makes no file");
}

#[test]
fn what_is_saved_is_read_again_and_only_its_owner_can_read_it() {
    let place = Place::new("round");
    let mut settings = Settings {
        time_zone: Some("Asia/Kathmandu".into()),
        theme: Theme::Dark,
        ..Settings::default()
    };
    settings.last_connection = Some(DEMO.into());
    settings.limits.p99_ms = 1234.5;
    settings.save(&place.file()).expect("saved");
    assert_eq!(Settings::load(&place.file()).expect("read again"), settings);
    let mode = fs::metadata(place.file()).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let names: Vec<_> = fs::read_dir(place.0.join("tidemark")).expect("the folder").collect();
    assert_eq!(names.len(), 1, "no temporary file is left");
}

#[test]
fn a_password_never_reaches_the_file() {
    let place = Place::new("password");
    for url in [
        "postgres://ann:s3cret@db/app",
        "postgres://db/app?user=ann&password=s3cret",
        "host=db password=s3cret",
    ] {
        let settings = Settings {
            last_connection: Some(url.into()),
            ..Settings::default()
        };
        settings.save(&place.file()).expect("saved");
        assert!(
            !fs::read_to_string(place.file()).expect("the file").contains("s3cret"),
            "{url}"
        );
    }
}

#[test]
fn a_password_that_a_person_wrote_into_the_file_is_refused_and_not_repeated() {
    let place = Place::with("typed", "last_connection = \"postgres://ann:s3cret@db/app\"\n");
    let message = Settings::load(&place.file()).expect_err("a password").to_string();
    assert!(message.contains("password") && !message.contains("s3cret"), "{message}");
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_file_is_left_alone() {
    let text = "# mine\ntheme = \"dark\"\nrefresh_secs = 5\n";
    let place = Place::with("unknown", text);
    match Settings::load(&place.file()) {
        Err(LocalError::BrokenSettings { line, problem, .. }) => {
            assert_eq!(line, 3);
            assert!(problem.contains("refresh_secs"), "{problem}");
        }
        other => panic!("{other:?}"),
    }
    Settings::default()
        .save(&place.file())
        .expect_err("a broken file is not overwritten");
    assert_eq!(fs::read_to_string(place.file()).expect("the file"), text);
}

#[test]
fn a_broken_file_is_named_with_its_line() {
    for (text, wanted) in [
        ("theme = \"dark\"\nweek_start = \n", 2),
        ("theme = \"dark\"\n\ntime_zone = \"Berlin/Europe\"\n", 3),
        ("[limits]\nerror_rate_percent = -1.0\n", 2),
        ("tick_seconds = 0\n", 1),
        ("theme = \"pink\"\n", 1),
    ] {
        let place = Place::with(&format!("broken{}", text.len()), text);
        match Settings::load(&place.file()) {
            Err(LocalError::BrokenSettings { line, .. }) => assert_eq!(line, wanted, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn comments_and_order_survive_a_save() {
    let text =
        "# night shift\ntheme = \"light\" # easy on the eyes\ntick_seconds = 20\n\n[limits]\n# ours\np99_ms = 900.0\n";
    let place = Place::with("comments", text);
    Settings::update(&place.file(), |settings| settings.theme = Theme::Dark).expect("saved");
    let after = fs::read_to_string(place.file()).expect("the file");
    assert!(
        after.starts_with("# night shift\ntheme = \"dark\" # easy on the eyes\ntick_seconds = 20\n"),
        "{after}"
    );
    assert!(after.contains("[limits]\n# ours\np99_ms = 900.0\n"), "{after}");
    let read = Settings::load(&place.file()).expect("read again");
    assert_eq!(
        (read.tick_seconds, read.limits.p99_ms, read.limits.min_samples),
        (20, 900.0, 200)
    );
}

#[test]
fn a_linked_file_stays_a_link() {
    let place = Place::with("link", "theme = \"dark\"\n");
    let link = place.0.join("link.toml");
    std::os::unix::fs::symlink(place.file(), &link).expect("a link");
    Settings::update(&link, |settings| settings.tick_seconds = 7).expect("saved");
    assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
    assert_eq!(Settings::load(&place.file()).expect("read").tick_seconds, 7);
}
