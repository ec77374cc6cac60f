//! What can be typed, and what is said of what can't.

use std::io::Read;

use crate::harness::{Scratch, command, finish, keys, run};

#[test]
fn the_version_is_printed_and_help_has_examples() {
    assert_eq!(
        run(&["--version"]).exits(0).out,
        format!("tidemark {}\n", env!("CARGO_PKG_VERSION"))
    );
    let help = run(&["--help"]).exits(0);
    for word in [
        "Examples:",
        "Exit status:",
        "DATABASE_URL",
        "--json",
        "rollup",
        "worker",
    ] {
        assert!(help.out.contains(word), "{word}");
    }
    assert_eq!(help.err, "");
    for name in [
        "install",
        "tick",
        "worker",
        "recompute",
        "status",
        "audit",
        "query",
        "report",
        "purge",
        "completions",
    ] {
        run(&["help", name]).exits(0);
    }
}

#[test]
fn wrong_words_are_usage_errors_with_a_hint() {
    run(&["statsu"]).exits(2).says(&["status"]);
    run(&["status", "--chek"]).exits(2).says(&["--check"]);
    run(&["query"]).exits(2).says(&["NAME"]);
    run(&["query", "x", "--grain", "2h"]).exits(2).says(&["15m", "month"]);
    run(&["query", "x", "--live", "--rollup-only"])
        .exits(2)
        .says(&["--rollup-only"]);
    run(&["cancel", "ops_metrics"]).exits(2).says(&["tidemark jobs"]);
    run(&["pause", "ops_metrics"])
        .exits(2)
        .says(&["tidemark rollup pause NAME"]);
    run(&["worker", "--interval", "soon"]).exits(2).says(&["5s"]);
    run(&["recompute", "x", "--scope", "42"]).exits(2).says(&["user_id=42"]);
    run(&[]).exits(2);
}

#[test]
fn a_failure_is_a_json_document_too_and_its_message_goes_to_standard_error() {
    for arguments in [
        &["query", "x", "--tz", "Europe/Belrin", "--json"][..],
        &["--json", "query", "x", "--grain", "2h"],
    ] {
        let ran = run(arguments).exits(2);
        let document = ran.json();
        assert_eq!(keys(&document), ["error"]);
        assert_eq!(keys(&document["error"]), ["code", "message", "details"]);
        assert!(!ran.err.is_empty());
    }
}

#[test]
fn global_options_work_before_and_after_the_subcommand() {
    let scratch = Scratch::ops();
    let url = scratch.url.as_str();
    for arguments in [
        ["--database-url", url, "--json", "status"],
        ["status", "--database-url", url, "--json"],
        ["--json", "status", "--database-url", url],
        ["--database-url", url, "status", "--json"],
    ] {
        let status = run(&arguments).exits(0).json();
        assert_eq!(status["rollups"][0]["rollup"], "ops_metrics", "{arguments:?}");
    }
    // The option goes before the variable.
    let mut other = command(&["status", "--json", "--database-url", url]);
    finish(
        other
            .env("DATABASE_URL", "postgres://127.0.0.1:1/nowhere")
            .spawn()
            .unwrap(),
    )
    .exits(0);
}

#[test]
fn the_pg_variables_name_the_database_where_nothing_else_does() {
    let scratch = Scratch::ops();
    let socket: String = scratch.one("select current_setting('unix_socket_directories')");
    let port: String = scratch.one("select current_setting('port')");
    let mut command = command(&["status", "--json"]);
    command
        .env("PGHOST", socket)
        .env("PGPORT", port)
        .env("PGUSER", "postgres")
        .env("PGDATABASE", &scratch.name);
    // An empty variable is none.
    let ran = finish(command.env("DATABASE_URL", "").spawn().unwrap()).exits(0);
    assert_eq!(ran.json()["rollups"][0]["rollup"], "ops_metrics");
}

#[test]
fn nothing_asks_without_a_terminal_and_yes_answers() {
    let scratch = Scratch::ops();
    let before = scratch.operators_things();
    for arguments in [
        &["uninstall"][..],
        &["rollup", "drop", "ops_metrics"],
        &["purge", "ops_metrics", "--before", "2026-03-28", "--raw"],
    ] {
        scratch.run(arguments).exits(2).says(&["--yes", "Nothing was changed"]);
    }
    assert_eq!(scratch.operators_things(), before);
    assert_eq!(scratch.one::<i64>("select count(*) from usage_logs"), 576);
    scratch.run(&["rollup", "drop", "ops_metrics", "--yes"]).exits(0);
    assert_eq!(
        scratch.json(&["rollup", "list"])["rollups"].as_array().unwrap().len(),
        0
    );
    scratch.run(&["--yes", "uninstall"]).exits(0);
    assert!(!scratch.one::<bool>("select to_regnamespace('tidemark') is not null"));
}

#[test]
fn a_dry_run_of_install_needs_no_database_and_its_sql_installs() {
    let sql = run(&["install", "--dry-run"]).exits(0);
    assert!(sql.err.is_empty() && sql.out.contains("create table tidemark."));
    let roles = run(&["install", "--dry-run", "--roles"]).exits(0).out;
    assert!(roles.contains("create role tidemark_viewer") && !sql.out.contains("create role"));
    let scratch = Scratch::raw();
    scratch.sql(&sql.out);
    scratch.run(&["install"]).exits(0);
    scratch.run(&["rollup", "apply", "ops_metrics"]).exits(0);
    scratch.run(&["tick", "--drain"]).exits(0);
    scratch.run(&["audit"]).exits(0);
}

#[test]
fn uninstall_leaves_the_operators_tables_as_they_were() {
    let scratch = Scratch::raw();
    let before = scratch.operators_things();
    scratch.run(&["install"]).exits(0);
    scratch.run(&["rollup", "apply", "ops_metrics"]).exits(0);
    assert_ne!(scratch.operators_things(), before, "capture adds triggers");
    scratch.run(&["uninstall", "--yes"]).exits(0);
    assert_eq!(scratch.operators_things(), before);
    scratch.run(&["uninstall", "--yes"]).exits(2).says(&["not installed"]);
}

#[test]
fn completions_are_scripts_for_each_shell() {
    for (shell, word) in [
        ("bash", "complete -F"),
        ("zsh", "#compdef tidemark"),
        ("fish", "complete -c tidemark"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        assert!(run(&["completions", shell]).exits(0).out.contains(word), "{shell}");
    }
    run(&["completions", "tcl"]).exits(2).says(&["bash"]);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let scratch = Scratch::ops();
    let mut child = scratch
        .command(&[
            "query",
            "ops_metrics",
            "--from",
            "2026-03-27",
            "--to",
            "2026-03-30",
            "--grain",
            "1m",
            "--json",
        ])
        .spawn()
        .unwrap();
    let mut first = [0; 10];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    finish(child).exits(0);
}
