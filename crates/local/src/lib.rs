//! What belongs to this machine and this user: the embedded server, the demo data in it, and the settings.
//!
//! - [`EmbeddedServer`] runs a PostgreSQL of the app's own, with data in the user's data folder.
//! - [`demo`] fills it with an API gateway's logs, and writes live traffic while the app is open.
//! - [`Settings`] is one small file that the app and the command share, connection profiles included. It never holds
//!   a password: those are in the system's [`keychain`].
//! - [`boards`] are files of the user's, made in the app.

pub mod boards;
pub mod demo;
mod error;
pub mod keychain;
mod redact;
mod run;
pub mod server;
pub mod settings;

pub use error::LocalError;
pub use redact::without_password;
pub use run::{RunningDemo, run_demo};
pub use server::{DataDir, EmbeddedServer};
pub use settings::Settings;

/// What everything in this crate gives back.
pub type Result<T, E = LocalError> = std::result::Result<T, E>;
