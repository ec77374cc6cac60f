//! The program as a process: how it ends, and that there is one of it.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use crate::{
    fixture::{built, logs},
    window::DISPLAY,
};

const PATIENCE: Duration = Duration::from_secs(60);

/// A session bus of this test's own: the app looks there for other instances of itself.
struct Bus {
    process: Child,
    address: String,
}

impl Bus {
    fn start() -> Bus {
        let mut command = Command::new("dbus-daemon");
        command.args(["--session", "--nofork", "--nopidfile", "--print-address"]);
        let mut process = command
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon, from the package dbus");
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut address)
            .unwrap();
        Bus {
            process,
            address: address.trim().to_owned(),
        }
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn app(home: &Path, bus: &Bus, url: &str) -> Child {
    let log = File::options()
        .create(true)
        .append(true)
        .open(home.join("app.log"))
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidemark-app"));
    command
        .args(["--database-url", url])
        .env("HOME", home)
        .env("DBUS_SESSION_BUS_ADDRESS", &bus.address);
    command
        .env("TIDEMARK_HEADLESS_SHOT", home.join("shot"))
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env("NO_AT_BRIDGE", "1");
    for folder in ["DATABASE_URL", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"] {
        command.env_remove(folder);
    }
    command.stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

async fn until(what: &str, mut look: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !look() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn ended(process: &mut Child, what: &str) -> ExitStatus {
    let mut status = None;
    until(what, || {
        status = process.try_wait().unwrap();
        status.is_some()
    })
    .await;
    status.unwrap()
}

fn home(name: &str) -> PathBuf {
    let home = std::env::temp_dir().join(format!("tidemark-process-{}-{name}", std::process::id()));
    fs::create_dir_all(&home).unwrap();
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_hands_over_to_the_first_and_term_ends_it_in_order() {
    let test = built().await;
    let _alone = DISPLAY.lock().await;
    let (home, bus) = (home("single"), Bus::start());
    let ready = home.join("shot/ready.json");
    let mut first = app(&home, &bus, &test.url);
    until("the first shows its numbers", || ready.exists()).await;

    fs::remove_file(&ready).unwrap();
    let mut second = app(&home, &bus, &test.url);
    assert!(ended(&mut second, "the second hands over and ends").await.success());
    until("the first opens what the second was asked for", || ready.exists()).await;
    assert!(first.try_wait().unwrap().is_none(), "the first goes on");

    Command::new("kill")
        .arg("-TERM")
        .arg(first.id().to_string())
        .status()
        .unwrap();
    assert!(
        ended(&mut first, "the first ends").await.success(),
        "{}",
        fs::read_to_string(home.join("app.log")).unwrap()
    );
    fs::remove_dir_all(home).ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_person_a_database_that_is_not_set_up_ends_the_app_and_stays_as_it_was() {
    let test = logs().await;
    let _alone = DISPLAY.lock().await;
    let (home, bus) = (home("asks"), Bus::start());
    let mut asked = app(&home, &bus, &test.url);
    assert_eq!(ended(&mut asked, "nobody answers").await.code(), Some(2));
    let said = fs::read_to_string(home.join("app.log")).unwrap();
    assert!(said.contains("not set up"), "{said}");
    assert!(!test.one::<bool>("select to_regnamespace('tidemark') is not null").await);
    fs::remove_dir_all(home).ok();
}

#[test]
fn help_and_version_answer_without_a_display() {
    for (argument, says) in [("--help", "--database-url"), ("--version", env!("CARGO_PKG_VERSION"))] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidemark-app"));
        let output = command
            .arg(argument)
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY")
            .output()
            .unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains(says));
    }
}
