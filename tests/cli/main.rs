//! The command line from outside: the built binary against a real server.
//!
//! `scripts/test-server.sh start` makes one, `TIDEMARK_TEST_URL` names it; without it the tests fail and say so.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "../../crates/charts/tests/sample/cells.rs"]
mod cells;
mod harness;
#[path = "../server/mod.rs"]
mod server;
#[path = "../server/session.rs"]
mod session;

mod bad_input;
mod connection;
mod declaration;
mod health;
mod jobs;
mod killed;
mod new_table;
mod old_server;
mod profile;
mod query;
mod report;
mod rights;
mod usage;
mod worker;
