//! The embedded server, from outside: started, found again, killed, stopped.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use sqlx::{Connection, PgConnection};
use tidemark_local::{DataDir, EmbeddedServer};

/// A data folder of the test's own. Root's server runs as another user, who can enter /tmp and not much else.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(format!("/tmp/tidemark-local-{}-{name}", std::process::id()));
        fs::remove_dir_all(&folder).ok();
        Self(folder)
    }

    fn data(&self) -> DataDir {
        DataDir::at(&self.0)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

async fn ask(url: &str, question: &'static str) -> Result<String, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    let answer = sqlx::query_scalar(question).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(answer)
}

fn server_pid(place: &Path) -> Option<i32> {
    fs::read_to_string(place.join("postgres/postmaster.pid"))
        .ok()?
        .lines()
        .next()?
        .parse()
        .ok()
}

async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !reached() {
        assert!(begun.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Another process that starts the server: this test's program again, in which one test plays the part.
fn another_app(place: &Place) -> Child {
    Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "plays_the_other_app_when_asked_to"])
        .env("TIDEMARK_TEST_OTHER_APP", "1")
        .env("TIDEMARK_DATA_DIR", &place.0)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("another process")
}

#[test]
fn plays_the_other_app_when_asked_to() {
    if std::env::var_os("TIDEMARK_TEST_OTHER_APP").is_none() {
        return;
    }
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let _server = EmbeddedServer::start(&DataDir::locate().expect("a folder"))
            .await
            .expect("a server");
        tokio::time::sleep(Duration::from_secs(120)).await;
    });
}

#[tokio::test]
async fn it_starts_durable_and_closed_to_the_network_and_stops() {
    let place = Place::new("starts");
    let server = EmbeddedServer::start(&place.data()).await.expect("a server");
    assert!(!server.attached);
    for (setting, wanted) in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("listen_addresses", ""),
    ] {
        let mut connection = PgConnection::connect(server.url()).await.expect("a connection");
        let value: String = sqlx::query_scalar("select current_setting($1)")
            .bind(setting)
            .fetch_one(&mut connection)
            .await
            .expect("a setting");
        assert_eq!(value, wanted, "{setting}");
    }
    assert_eq!(
        ask(server.url(), "select current_database()::text")
            .await
            .expect("an answer"),
        "tidemark"
    );
    assert_eq!(place.data().running_url().as_deref(), Some(server.url()));
    for closed in ["", "postgres", "socket"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(place.0.join(closed))
            .expect("a folder")
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "others can't enter {closed:?}");
    }
    let url = server.url().to_owned();
    server.stop().await;
    assert_eq!(place.data().running_url(), None);
    assert_eq!(server_pid(&place.0), None);
    ask(&url, "select ''").await.expect_err("it has ended");
}

#[tokio::test]
async fn a_second_start_attaches_and_leaves_the_server_alone() {
    let place = Place::new("attaches");
    let data = place.data();
    let (one, two) = tokio::join!(EmbeddedServer::start(&data), EmbeddedServer::start(&data));
    let (one, two) = (one.expect("a server"), two.expect("the same server"));
    assert_ne!(
        one.attached, two.attached,
        "one of two at once starts it, the other finds it"
    );
    let (owner, guest) = if one.attached { (two, one) } else { (one, two) };
    assert_eq!(owner.url(), guest.url());
    guest.stop().await;
    assert_eq!(ask(owner.url(), "select 'here'").await.expect("still there"), "here");
    owner.stop().await;
}

#[tokio::test]
async fn after_kill_9_of_the_app_the_server_ends_and_the_next_start_has_all_rows() {
    let place = Place::new("killed");
    let mut app = another_app(&place);
    until("the other app's server", || place.data().running_url().is_some()).await;
    let guest = EmbeddedServer::start(&place.data()).await.expect("attached");
    assert!(guest.attached);
    let mut connection = PgConnection::connect(guest.url()).await.expect("a connection");
    sqlx::raw_sql("create table kept (n int); insert into kept values (42)")
        .execute(&mut connection)
        .await
        .expect("a row");
    let pid = server_pid(&place.0).expect("a server");
    app.kill().expect("killed");
    app.wait().expect("gone");
    // At once: the old server may still be on its way out.
    let next = EmbeddedServer::start(&place.data()).await.expect("a server again");
    assert!(!next.attached);
    assert_ne!(server_pid(&place.0), Some(pid));
    assert_eq!(
        ask(next.url(), "select max(n)::text from kept").await.expect("the row"),
        "42"
    );
    next.stop().await;
}

#[tokio::test]
async fn a_stale_pid_file_that_names_another_program_does_not_stop_it() {
    let place = Place::new("stale");
    EmbeddedServer::start(&place.data())
        .await
        .expect("a server")
        .stop()
        .await;
    // A live process of the server's own user would make PostgreSQL itself refuse; this test's process stands in for it.
    let cluster = place.0.join("postgres");
    let stale = format!(
        "{}\n{}\n1\n5432\n/nowhere\n\n0 0\nready\n",
        std::process::id(),
        cluster.display()
    );
    fs::write(cluster.join("postmaster.pid"), stale).expect("a stale file");
    let server = EmbeddedServer::start(&place.data()).await.expect("a server");
    assert!(!server.attached);
    server.stop().await;
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why_in_its_own_words() {
    let place = Place::new("broken");
    EmbeddedServer::start(&place.data())
        .await
        .expect("a server")
        .stop()
        .await;
    let settings = place.0.join("postgres/postgresql.conf");
    let text = fs::read_to_string(&settings).expect("settings");
    fs::write(&settings, format!("{text}\nno_such_setting = 1\n")).expect("a broken line");
    let message = EmbeddedServer::start(&place.data())
        .await
        .expect_err("it can't")
        .to_string();
    assert!(
        message.contains("no_such_setting") && message.contains("server.log"),
        "{message}"
    );
}

#[tokio::test]
async fn data_of_a_version_that_is_gone_are_left_alone() {
    let place = Place::new("version");
    EmbeddedServer::start(&place.data())
        .await
        .expect("a server")
        .stop()
        .await;
    let version = place.0.join("postgres/PG_VERSION");
    let original = fs::read_to_string(&version).expect("a version");
    fs::write(&version, "9\n").expect("another version");
    let message = EmbeddedServer::start(&place.data())
        .await
        .expect_err("too old")
        .to_string();
    assert!(message.contains("PostgreSQL 9"), "{message}");
    fs::write(&version, original).expect("the version");
    EmbeddedServer::start(&place.data())
        .await
        .expect("a server again")
        .stop()
        .await;
}

#[tokio::test]
async fn a_folder_that_the_servers_user_cannot_enter_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new("hidden");
    fs::create_dir_all(&place.0).expect("a folder");
    fs::set_permissions(&place.0, fs::Permissions::from_mode(0o700)).expect("closed to others");
    let started = EmbeddedServer::start(&DataDir::at(place.0.join("inside"))).await;
    if nix::unistd::geteuid().is_root() {
        // Root's server runs as another user, to whom root's own folders are closed.
        let message = started.expect_err("closed").to_string();
        assert!(
            message.contains(&*place.0.to_string_lossy()) && message.contains("TIDEMARK_DATA_DIR"),
            "{message}"
        );
    } else {
        started.expect("a user's server runs as that user").stop().await;
    }
}
