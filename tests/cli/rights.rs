//! Roles that may not: each gets one message that names what is missing.

use crate::harness::{Scratch, run};

/// A role of its own for a test; dropped with what it owns.
struct Role<'a> {
    scratch: &'a Scratch,
    name: String,
}

impl Role<'_> {
    fn new<'a>(scratch: &'a Scratch, grants: &str) -> Role<'a> {
        let name = format!("role_{}", scratch.name);
        scratch.sql(&format!("create role {name} login; {}", grants.replace("ROLE", &name)));
        Role { scratch, name }
    }

    fn run(&self, arguments: &[&str]) -> crate::harness::Ran {
        let url = self.scratch.as_role(&self.name);
        let mut all = vec!["--database-url", url.as_str()];
        all.extend(arguments);
        run(&all)
    }
}

impl Drop for Role<'_> {
    fn drop(&mut self) {
        self.scratch
            .sql(&format!("drop owned by {0} cascade; drop role {0}", self.name));
    }
}

#[test]
fn a_role_that_may_not_create_a_schema_is_told_what_to_ask_for() {
    let scratch = Scratch::raw();
    let before = scratch.operators_things();
    let role = Role::new(&scratch, "");
    role.run(&["install"])
        .exits(2)
        .says(&["may not create", "grant create"]);
    role.run(&["rollup", "apply", "ops_metrics"]).exits(2);
    drop(role);
    assert_eq!(scratch.operators_things(), before);
}

#[test]
fn a_role_without_rights_to_the_raw_tables_can_not_apply() {
    let scratch = Scratch::raw();
    let before = scratch.operators_things();
    let role = Role::new(
        &scratch,
        "do $$ begin execute format('grant create on database %I to ROLE', current_database()); end $$",
    );
    let ran = role.run(&["rollup", "apply", "ops_metrics"]).exits(2);
    assert!(
        ran.err.contains("usage_logs") || ran.err.contains("accounts") || ran.err.contains("groups"),
        "{}",
        ran.err
    );
    drop(role);
    let triggers = |text: &str| text.lines().filter(|line| line.starts_with("trigger")).count();
    assert_eq!(triggers(&scratch.operators_things()), triggers(&before));
}

#[test]
fn a_role_that_may_read_but_not_make_triggers_can_not_apply() {
    let scratch = Scratch::raw();
    let role = Role::new(
        &scratch,
        "grant select on all tables in schema public to ROLE; do $$ begin execute format('grant create on database %I to ROLE', current_database()); end $$",
    );
    let ran = role.run(&["rollup", "apply", "ops_metrics"]).exits(2);
    assert!(
        ran.err.to_lowercase().contains("trigger") || ran.err.contains("permission"),
        "{}",
        ran.err
    );
}

#[test]
fn a_stranger_may_neither_look_nor_tick() {
    let scratch = Scratch::ops();
    let role = Role::new(&scratch, "");
    for command in [
        &["status"][..],
        &["tick"],
        &["query", "ops_metrics"],
        &["audit"],
        &["rollup", "drop", "ops_metrics", "--yes"],
        &["uninstall", "--yes"],
    ] {
        let ran = role.run(command).exits(2);
        assert!(!ran.err.is_empty() && ran.out.is_empty(), "{command:?}");
    }
    scratch.run(&["status", "--check"]).exits(0);
}
