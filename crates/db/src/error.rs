//! What can go wrong on the database side, written for the person who reads it.

use serde::Serialize;
use sqlx::error::DatabaseError;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every failure of this crate. The text says what happened and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The person asked for something that can't be: bad range, unknown name, bad declaration, wrong server version.
    #[error("{message}")]
    Input { code: &'static str, message: String },
    /// The server answered and refused user or password.
    #[error("{message}")]
    LogIn { message: String },
    /// The server can't be reached, or went away.
    #[error("{message}")]
    Unreachable { message: String },
    /// The role lacks a right.
    #[error("{message}")]
    Forbidden { message: String },
    /// The server answered with an error that is none of the above.
    #[error("{message}")]
    Server { message: String, sqlstate: Option<String> },
}

/// An error as it crosses IPC.
#[derive(Debug, Clone, Serialize)]
pub struct ErrorInfo {
    pub code: String,
    pub message: String,
    pub details: Option<String>,
}

impl Error {
    pub fn input(code: &'static str, message: impl Into<String>) -> Self {
        Error::Input {
            code,
            message: message.into(),
        }
    }

    /// The declaration that was to answer is no longer the one that is read.
    pub(crate) fn applied_meanwhile() -> Self {
        Error::input(
            "applied_meanwhile",
            "The rollup is being applied, or a raw table truncated or rewritten, just now; try again in a moment.",
        )
    }

    /// Whether a question is worth asking again, since another declaration took this one's place meanwhile.
    pub(crate) fn is_applied_meanwhile(&self) -> bool {
        match self {
            Error::Input { code, .. } => *code == "applied_meanwhile",
            // What was replaced is dropped, under a reader that came late.
            Error::Server { sqlstate, .. } => matches!(sqlstate.as_deref(), Some("42P01" | "42883" | "42703")),
            _ => false,
        }
    }

    /// Exit status of the command line: 2 for bad input and refusals, 3 where the database can't be reached.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self {
            Error::Input { .. } | Error::Forbidden { .. } | Error::Server { .. } => 2,
            Error::Unreachable { .. } | Error::LogIn { .. } => 3,
        }
    }

    #[must_use]
    pub fn info(&self) -> ErrorInfo {
        let (code, details) = match self {
            Error::Input { code, .. } => ((*code).to_owned(), None),
            Error::Unreachable { .. } => ("unreachable".to_owned(), None),
            Error::LogIn { .. } => ("log_in".to_owned(), None),
            Error::Forbidden { .. } => ("forbidden".to_owned(), None),
            Error::Server { sqlstate, .. } => ("server".to_owned(), sqlstate.clone()),
        };
        ErrorInfo {
            code,
            message: self.to_string(),
            details,
        }
    }

    /// Say more about a refused log-in: why no password was sent.
    #[must_use]
    pub fn explain_log_in(self, note: Option<&str>) -> Error {
        match (self, note) {
            (Error::LogIn { message }, Some(note)) => Error::LogIn {
                message: format!("{message} {note}"),
            },
            (error, _) => error,
        }
    }

    /// The SQLSTATE, where the server gave one.
    #[must_use]
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Error::Server { sqlstate, .. } => sqlstate.as_deref(),
            _ => None,
        }
    }

    pub(crate) fn on_connect(label: &str, error: sqlx::Error) -> Error {
        let message = match &error {
            sqlx::Error::Database(refusal) => match refusal.code().as_deref() {
                Some("28P01" | "28000") => {
                    return Error::LogIn {
                        message: format!(
                            "{label} refused the log-in: {}. Check user and password.",
                            refusal.message()
                        ),
                    };
                }
                Some("3D000") => format!(
                    "{label}: {}. Check the database's name, or create it.",
                    refusal.message()
                ),
                Some("53300") => format!("{label} has no connection left: {}.", refusal.message()),
                _ => format!("{label}: {}", refusal.message()),
            },
            sqlx::Error::Tls(cause) => tls_message(label, &cause.to_string()),
            // The handshake's own failures come as failures to read or write.
            sqlx::Error::Io(cause) if cause.kind() == std::io::ErrorKind::InvalidData => {
                tls_message(label, &cause.to_string())
            }
            // The files of certificates are read before anything is sent.
            sqlx::Error::Configuration(cause) => format!("{label}: {cause}. Check the files of the certificates."),
            other => format!("{label} can't be reached: {other}. Check host and port, and that the server runs."),
        };
        Error::Unreachable { message }
    }
}

/// Names of the reasons are rustls's; they are kept for whoever looks them up.
fn tls_message(label: &str, cause: &str) -> String {
    let what_to_do = if cause.contains("UnknownIssuer") || cause.contains("CaUsedAsEndEntity") {
        "No CA that this machine trusts has signed the server's certificate. Name the CA's file (sslrootcert), and check that it is the right one."
    } else if cause.contains("NotValidForName") || cause.contains("not valid for name") {
        "The server's certificate is for another name. Use the name that it was made for, or sslmode=verify-ca."
    } else if cause.contains("Expired") {
        "The server's certificate has expired. Its owner must renew it."
    } else {
        "Check the certificates, or set another sslmode."
    };
    format!("{label}: TLS failed: {cause}. {what_to_do}")
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(refusal) => from_database(refusal.as_ref()),
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => Error::Unreachable {
                message: format!("The connection to the database broke: {error}. Nothing was lost; try again."),
            },
            _ => Error::Server {
                message: error.to_string(),
                sqlstate: None,
            },
        }
    }
}

fn from_database(refusal: &dyn DatabaseError) -> Error {
    let message = refusal.message().to_owned();
    let hint = refusal
        .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()
        .and_then(|pg| pg.hint())
        .map_or(String::new(), |hint| format!(" {hint}"));
    match refusal.code().as_deref() {
        Some("42501") => Error::Forbidden {
            message: format!("This role lacks a right: {message}. docs/OPERATIONS.md lists the rights.{hint}"),
        },
        Some("57P01" | "57P02" | "57P03" | "08006" | "08003") => Error::Unreachable {
            message: format!("The server ended the connection: {message}. Nothing was lost; try again."),
        },
        Some("25006") => Error::Forbidden {
            message: format!("This connection may only read: {message}."),
        },
        Some("57014") => Error::Server {
            message: format!(
                "The statement was canceled or took too long: {message}. Ask for a shorter range, or try again."
            ),
            sqlstate: Some("57014".to_owned()),
        },
        code => Error::Server {
            message: format!("{message}{hint}"),
            sqlstate: code.map(str::to_owned),
        },
    }
}
