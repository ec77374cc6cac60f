//! The real window, driven through WebDriver. Needs a display, `tauri-driver` 2.1.0 and WebKitWebDriver on the path, and
//! the test server (`TIDEMARK_TEST_URL`); `scripts/test.sh` brings all of them. Each test writes pictures of what it
//! saw into `TIDEMARK_SCREENSHOTS`, or `target/screenshots`.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[expect(dead_code, reason = "made for the engine's tests, which use all of it")]
#[path = "../engine/harness.rs"]
mod harness;

mod fixture;
#[expect(dead_code, reason = "shared with the engine's tests, which need another part of it")]
#[path = "../server/proxy.rs"]
mod proxy;
mod screen;
#[expect(dead_code, reason = "shared with the command line's tests, which use all of it")]
#[path = "../server/mod.rs"]
mod server;
#[path = "../server/session.rs"]
mod session;
mod window;

mod connections;
mod controls;
mod desk;
mod explore;
mod first_start;
mod hazards;
mod lost;
mod more;
mod network;
mod newtab;
mod numbers;
mod operating;
mod panning;
mod policy;
mod process;
mod read_only;
mod recompute;
mod report;
mod rows;
mod settings;
mod zone;
