//! `--profile`: connections from the settings, with passwords from the keychain, and from where there is none.

use std::process::Command;

use crate::harness::{Folder, Ran, command, execute, finish, run};
use crate::server::OwnServer;
use crate::session::{Bus, in_session};

const SECRET: &str = "hunter2 s3cret";

/// A server that asks for passwords, a settings file with profile `prod-eu` of it, and nothing else.
struct Place {
    server: OwnServer,
    home: Folder,
}

impl Place {
    fn new(name: &str, more: &str) -> Place {
        let server = OwnServer::start(name);
        execute(
            &server.admin_url("postgres"),
            &format!("create role ann login password '{SECRET}'"),
        );
        execute(&server.admin_url("postgres"), "create database gateway owner ann");
        let place = Place {
            server,
            home: Folder::new(),
        };
        place.settings(&format!(
            "[connections.prod-eu]\nhost = \"localhost\"\nport = {}\ndatabase = \"gateway\"\nuser = \"ann\"\n{more}\n",
            place.server.port
        ));
        place
    }

    fn settings(&self, text: &str) {
        std::fs::create_dir_all(self.home.0.join("tidemark")).unwrap();
        self.home.file("tidemark/settings.toml", text);
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(arguments);
        command.env("XDG_CONFIG_HOME", &self.home.0).env("HOME", &self.home.0);
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        hides(finish(self.command(arguments).spawn().unwrap()))
    }

    /// With the password from the environment.
    fn with_password(&self, arguments: &[&str]) -> Ran {
        hides(finish(
            self.command(arguments).env("PGPASSWORD", SECRET).spawn().unwrap(),
        ))
    }
}

#[track_caller]
fn hides(ran: Ran) -> Ran {
    assert!(
        !ran.err.contains(SECRET) && !ran.out.contains(SECRET),
        "a password was printed:\n{}{}",
        ran.out,
        ran.err
    );
    ran
}

#[test]
fn a_profile_says_where_the_database_is_before_and_after_the_subcommand() {
    let place = Place::new("where", "");
    place.with_password(&["--profile", "prod-eu", "install"]).exits(0);
    for words in [
        &["--profile", "prod-eu", "status", "--json"][..],
        &["status", "--json", "--profile", "prod-eu"],
    ] {
        place.with_password(words).exits(0);
    }
    // Without it, the usual default is another database, which is not there.
    place.with_password(&["status"]).exits(3);
    let text = std::fs::read_to_string(place.home.0.join("tidemark/settings.toml")).unwrap();
    place.settings(&format!("default_connection = \"prod-eu\"\n{text}"));
    place.with_password(&["status"]).exits(0);
    let mut other = place.command(&["status"]);
    other.env("PGHOST", "127.0.0.1").env("PGPORT", "1");
    hides(finish(other.spawn().unwrap()).exits(3)).says(&["127.0.0.1:1"]);
}

#[test]
fn an_unknown_profile_is_bad_input_and_names_the_nearest() {
    let place = Place::new("unknown", "");
    place
        .run(&["status", "--profile", "prod-ue"])
        .exits(2)
        .says(&["prod-ue", "Did you mean prod-eu?"]);
    place
        .run(&["status", "--profile", "warehouse"])
        .exits(2)
        .says(&["There are: prod-eu."]);
    let ran = place.run(&["status", "--profile", "warehouse", "--json"]).exits(2);
    assert_eq!(ran.json()["error"]["code"], "unknown_profile");
    place
        .run(&["status", "--profile", "prod-eu", "--database-url", "postgres://x/y"])
        .exits(2)
        .says(&["leave one out"]);
    run(&["status", "--profile", "prod-eu"])
        .exits(2)
        .says(&["There is none yet"]);
}

#[test]
fn a_wrong_or_missing_password_is_said_with_the_ways_that_remain() {
    let place = Place::new("wrong", "password = \"ask\"");
    let profile = ["status", "--profile", "prod-eu"];
    place
        .run(&profile)
        .exits(3)
        .says(&["refused the log-in", "PGPASSWORD", ".pgpass"]);
    let mut wrong = place.command(&profile);
    wrong.env("PGPASSWORD", "not it");
    hides(finish(wrong.spawn().unwrap()).exits(3)).says(&["ann@localhost", "Check user and password"]);
    // `.pgpass` goes on working.
    let file = place.home.file(
        ".pgpass",
        &format!("localhost:{}:gateway:ann:{SECRET}\n", place.server.port),
    );
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    place.run(&["install", "--profile", "prod-eu"]).exits(0);
}

#[test]
fn a_service_of_pg_service_conf_is_found_by_url_variable_and_profile() {
    let place = Place::new("service", "");
    let file = place.home.file(
        ".pg_service.conf",
        &format!(
            "# ours\n[gw]\nhost=localhost\nport={}\ndbname=gateway\nuser=ann\npassword={SECRET}\n",
            place.server.port
        ),
    );
    place
        .run(&["install", "--database-url", "postgres:///?service=gw"])
        .exits(0);
    let mut by_variable = place.command(&["status"]);
    hides(finish(by_variable.env("PGSERVICE", "gw").spawn().unwrap()).exits(0));
    let mut by_file = place.command(&["status"]);
    by_file
        .env("PGSERVICE", "gw")
        .env("PGSERVICEFILE", &file)
        .env("HOME", "/nonexistent");
    hides(finish(by_file.spawn().unwrap()).exits(0));
    place.settings("[connections.by-service]\nservice = \"gw\"\n");
    place.run(&["status", "--profile", "by-service"]).exits(0);
    place
        .run(&["status", "--database-url", "postgres:///?service=wg"])
        .exits(2)
        .says(&["[wg]", ".pg_service.conf"]);
}

#[test]
fn a_certificate_is_checked_and_a_wrong_one_says_what_to_do() {
    let place = Place::new("tls", "tls = \"verify-full\"");
    let status = ["status", "--profile", "prod-eu"];
    place
        .with_password(&status)
        .exits(3)
        .says(&["TLS failed", "sslrootcert"]);
    let text = std::fs::read_to_string(place.home.0.join("tidemark/settings.toml")).unwrap();
    let with_ca = |name: &str| place.settings(&format!("{text}ca = \"{}\"\n", place.server.file(name)));
    with_ca("other-ca.pem");
    place.with_password(&status).exits(3).says(&["TLS failed", "right one"]);
    with_ca("missing.pem");
    place
        .with_password(&status)
        .exits(2)
        .says(&["missing.pem", "No such file"]);
    with_ca("ca.pem");
    place.with_password(&["install", "--profile", "prod-eu"]).exits(0);
    // The same server by another name than its certificate's.
    let text = std::fs::read_to_string(place.home.0.join("tidemark/settings.toml")).unwrap();
    place.settings(&text.replace("\"localhost\"", "\"127.0.0.1\""));
    place.with_password(&status).exits(3).says(&["another name"]);
}

/// Hazard 33: read-only that the client alone enforces.
#[test]
fn hazard_33_a_read_only_profile_is_refused_every_write_by_the_server() {
    let place = Place::new("readonly", "");
    let raw = include_str!("../engine/raw.sql");
    execute(
        &place.server.admin_url("gateway"),
        &format!(
            "set role ann; {raw}; insert into usage_logs (created_at, account_id, duration_ms) values ('2026-03-27 10:30Z', 1, 5)"
        ),
    );
    place
        .with_password(&["--profile", "prod-eu", "rollup", "apply", "ops_metrics"])
        .exits(0);
    place
        .with_password(&["--profile", "prod-eu", "tick", "--drain"])
        .exits(0);
    let text = std::fs::read_to_string(place.home.0.join("tidemark/settings.toml")).unwrap();
    place.settings(&format!("{text}read_only = true\n"));
    let with = |words: &[&str]| place.with_password(&[&["--profile", "prod-eu"], words].concat());
    with(&["status"]).exits(0);
    with(&["query", "ops_metrics"]).exits(0);
    for write in [
        &["tick", "ops_metrics"][..],
        &["recompute", "ops_metrics"],
        &["rollup", "pause", "ops_metrics"],
        &["rollup", "drop", "ops_metrics", "--yes"],
        &["uninstall", "--yes"],
        &["install"],
    ] {
        // The words are the server's.
        with(write).exits(2).says(&["read-only transaction"]);
    }
    assert_eq!(
        with(&["audit", "--json"]).exits(0).json()["audits"][0]["differences"],
        serde_json::json!([]),
        "reading goes on"
    );
    // A session's default can be lifted by the session; what the role lacks can't. That is why a role is recommended.
    let viewer = format!("create role viewer login password '{SECRET}'; grant tidemark_viewer to viewer");
    let (admin, text) = (
        place.server.admin_url("gateway"),
        std::fs::read_to_string(place.home.0.join("tidemark/settings.toml")).unwrap(),
    );
    execute(
        &admin,
        "create role tidemark_viewer; create role tidemark_operator; select tidemark.grant_roles()",
    );
    execute(&admin, &viewer);
    place.settings(&text.replace("\"ann\"", "\"viewer\""));
    with(&["query", "ops_metrics"]).exits(0);
    let url = admin.replacen("user=postgres", "user=viewer", 1);
    for write in [
        "select tidemark.tick('ops_metrics')",
        "insert into usage_logs (created_at) values (now())",
        "delete from tidemark.mark",
        "update tidemark.rollup set paused = true",
        "drop schema tidemark cascade",
    ] {
        let refused = crate::harness::refusal_of(&url, &format!("begin read write; {write}"));
        assert_eq!(refused, "42501", "{write}");
    }
}

/// Hazard 35: passwords in a settings file, in a log line, or where every user of the machine reads the command lines.
#[test]
fn hazard_35_a_password_is_in_the_keychain_and_nowhere_else() {
    in_session(
        "profile::hazard_35_a_password_is_in_the_keychain_and_nowhere_else",
        Bus::WithKeychain,
        || {
            let place = Place::new("secret", "password = \"keychain\"");
            let status = ["status", "--profile", "prod-eu"];
            place
                .run(&["install", "--profile", "prod-eu"])
                .exits(3)
                .says(&["keychain holds no password for connection prod-eu"]);
            crate::harness::block_on(tidemark_local::keychain::keep("prod-eu", SECRET)).unwrap();
            place.run(&["install", "--profile", "prod-eu"]).exits(0);
            let mut noisy = place.command(&status);
            let ran = hides(finish(noisy.env("TIDEMARK_LOG", "trace").spawn().unwrap()).exits(0));
            assert!(ran.err.len() > 1000, "the log was on");
            // A command under way: what everybody can read of it.
            let worker = place
                .command(&["worker", "--profile", "prod-eu", "--interval", "1h"])
                .spawn()
                .unwrap();
            let url = place.server.admin_url("gateway");
            crate::harness::wait_until("it is connected", || {
                crate::harness::one_of::<bool>(
                    &url,
                    "select exists (select from pg_stat_activity where usename = 'ann')",
                )
            });
            for what in ["cmdline", "environ"] {
                let shown = std::fs::read(format!("/proc/{}/{what}", worker.id())).unwrap();
                assert!(
                    !String::from_utf8_lossy(&shown).contains(SECRET),
                    "the password is in {what}"
                );
            }
            crate::harness::signal(&worker, "TERM");
            hides(finish(worker).exits(0));
            let files = Command::new("grep")
                .args(["-rlF", SECRET])
                .arg(&place.home.0)
                .output()
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&files.stdout), "", "files with the password");
        },
    );
}

#[test]
fn without_a_keychain_it_says_so_and_where_passwords_can_come_from() {
    in_session(
        "profile::without_a_keychain_it_says_so_and_where_passwords_can_come_from",
        Bus::None,
        || {
            let place = Place::new("nobus", "password = \"keychain\"");
            place.run(&["status", "--profile", "prod-eu"]).exits(3).says(&[
                "keychain can't be used",
                "asked for each time",
                ".pgpass",
                "PGPASSWORD",
            ]);
            place.with_password(&["install", "--profile", "prod-eu"]).exits(0);
        },
    );
}
