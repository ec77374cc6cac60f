//! Where a connection goes, before it is made, and what a test of it finds.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    Disable,
    Allow,
    Prefer,
    /// Encrypted, but whoever answers is believed.
    Require,
    /// Signed by a CA that is trusted, for whatever host.
    VerifyCa,
    /// Signed by a CA that is trusted, for this host.
    VerifyFull,
}

impl TlsMode {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            TlsMode::Disable => "disable",
            TlsMode::Allow => "allow",
            TlsMode::Prefer => "prefer",
            TlsMode::Require => "require",
            TlsMode::VerifyCa => "verify-ca",
            TlsMode::VerifyFull => "verify-full",
        }
    }
}

/// Why a connection has its TLS mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
#[serde(rename_all = "snake_case")]
pub enum TlsReason {
    /// The connection or `PGSSLMODE` says so.
    Asked,
    /// Nobody said anything, and the host is another machine: verify-full.
    Remote,
    /// Nobody said anything, and the host is this machine.
    ThisMachine,
    /// A socket: nothing leaves this machine, so there is no TLS whatever was asked.
    Socket,
}

/// Where a connection goes, with everything in it that was left out: from `PG*`, the service file, or defaults.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct Aim {
    /// Host or socket folder, port, database: `db.example.com:5432/gateway`.
    pub server: String,
    pub user: String,
    pub tls: TlsMode,
    pub tls_reason: TlsReason,
}

/// What a test of a connection found.
#[derive(Debug, Clone, Serialize, TS)]
#[ts(export)]
pub struct ConnectionTest {
    /// Median of five.
    pub round_trip_ms: f64,
    /// `17.4`.
    pub version: String,
    pub role: String,
    pub aim: Aim,
    /// Protocol and cipher, or `no TLS`.
    pub tls: String,
    /// By the server's own word.
    pub read_only: bool,
    /// The database holds demo data.
    pub demo: bool,
    /// Whether it can be used as it is, and what is missing. In the order in which they matter.
    pub rights: Vec<Right>,
}

/// Something that a role may do, or that is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(export)]
pub struct Right {
    pub ok: bool,
    pub text: String,
    /// What to run: SQL for somebody who may, or a command.
    pub fix: Option<String>,
}
