//! The engine against a real server: `scripts/test-server.sh start` makes one, `TIDEMARK_TEST_URL` names it.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod agree;
mod ask;
mod harness;
#[expect(dead_code, reason = "shared with the window's tests, which need another part of it")]
#[path = "../server/proxy.rs"]
mod proxy;
#[expect(dead_code, reason = "shared with the command line's tests, which use all of it")]
#[path = "../server/mod.rs"]
mod server;
mod stop;
mod systems;
mod truth;

mod basics;
mod boards;
mod capture;
mod crash;
mod drafts;
mod forecast;
mod generated;
mod hazards;
mod health;
mod interleavings;
mod look;
mod lookup_cost;
mod measurements;
mod migrations;
mod numbers;
mod other_rollup;
mod patience;
mod poll;
mod probe;
mod property;
mod recut;
mod redeclare;
mod rows;
mod scope;
mod statistics;
mod tables;
mod task_usage;
mod zones;
