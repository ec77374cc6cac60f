//! What can go wrong on the database side, written for the person who reads it.

use serde::Serialize;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every failure of this crate. The text says what happened and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The person asked for something that can't be: bad range, unknown name, bad declaration, wrong server version.
    #[error("{message}")]
    Input { code: &'static str, message: String },
    /// The server can't be reached, refused the password, or went away.
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

    /// Exit status of the command line: 2 for bad input and refusals, 3 where the database can't be reached.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self {
            Error::Input { .. } | Error::Forbidden { .. } | Error::Server { .. } => 2,
            Error::Unreachable { .. } => 3,
        }
    }

    #[must_use]
    pub fn info(&self) -> ErrorInfo {
        let (code, details) = match self {
            Error::Input { code, .. } => ((*code).to_owned(), None),
            Error::Unreachable { .. } => ("unreachable".to_owned(), None),
            Error::Forbidden { .. } => ("forbidden".to_owned(), None),
            Error::Server { sqlstate, .. } => ("server".to_owned(), sqlstate.clone()),
        };
        ErrorInfo {
            code,
            message: self.to_string(),
            details,
        }
    }
}
