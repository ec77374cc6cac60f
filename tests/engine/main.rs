//! The engine against a real server: `scripts/test-server.sh start` makes one, `TIDEMARK_TEST_URL` names it.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod agree;
mod ask;
mod harness;
mod stop;
mod systems;
mod truth;

mod basics;
mod boards;
mod capture;
mod crash;
mod drafts;
mod generated;
mod health;
mod interleavings;
mod migrations;
mod numbers;
mod other_rollup;
mod property;
mod recut;
mod redeclare;
mod rows;
mod scope;
mod statistics;
mod tables;
mod task_usage;
mod zones;
