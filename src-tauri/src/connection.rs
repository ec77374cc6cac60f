//! The state of the connection, as the window shows it.

use serde::Serialize;
use tidemark_core::api::ServerInfo;
use tidemark_db::ErrorInfo;
use tidemark_local::{Settings, settings::Colour};
use ts_rs::TS;

use crate::args::Target;

/// What the window shows instead of, or over, its pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, TS)]
#[serde(rename_all = "snake_case")]
#[ts(export)]
pub enum Phase {
    /// No database was chosen: the first-start page.
    #[default]
    None,
    Starting,
    /// The embedded server is up and gets its demo data; see `progress`.
    LoadingDemo,
    /// Connected, but Tidemark is not set up there, and the person has not agreed yet.
    NeedsSetup,
    Ready,
    /// The connection went away at `since_ms`; the app goes on trying to get it back.
    Lost,
    /// Could not be opened: `message` says why and what to do.
    Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "lowercase")]
#[ts(export)]
pub enum ConnectionKind {
    /// The embedded server with demo data.
    Demo,
    /// The operator's own database.
    Url,
}

/// How far a longer step of opening is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct Progress {
    pub what: String,
    #[ts(type = "number")]
    pub done: u64,
    #[ts(type = "number")]
    pub total: u64,
}

/// Answer of `connection_state` and payload of the event `connection`.
#[derive(Debug, Clone, Default, Serialize, TS)]
#[ts(export)]
pub struct ConnectionState {
    pub phase: Phase,
    pub kind: Option<ConnectionKind>,
    /// Name of the connection, where it is one of the settings.
    pub profile: Option<String>,
    pub colour: Option<Colour>,
    pub server: Option<ServerInfo>,
    pub message: Option<String>,
    /// Code of the error in `message`, for the window to branch on.
    pub code: Option<String>,
    pub progress: Option<Progress>,
    /// Since when the connection is lost and numbers are old, in milliseconds since the epoch.
    #[ts(type = "number | null")]
    pub since_ms: Option<i64>,
}

impl ConnectionState {
    #[must_use]
    pub fn new(phase: Phase, target: &Target, settings: &Settings) -> Self {
        let name = match target {
            Target::Profile(name) => Some(name),
            Target::Demo | Target::Url(_) => None,
        };
        ConnectionState {
            phase,
            kind: Some(target.kind()),
            profile: name.cloned(),
            colour: name.and_then(|name| settings.connections.get(name)?.colour),
            ..Self::default()
        }
    }

    #[must_use]
    pub fn with_server(self, server: Option<ServerInfo>) -> Self {
        ConnectionState { server, ..self }
    }

    #[must_use]
    pub fn with_error(self, error: ErrorInfo) -> Self {
        ConnectionState {
            message: Some(error.message),
            code: Some(error.code),
            ..self
        }
    }
}
