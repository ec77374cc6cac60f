//! Why a command ends with another status than 0.

/// A command that worked may still have found something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Exit status 0.
    None,
    /// An audit difference, a doctor's problem, a status that is not healthy: exit status 1.
    Some,
}

impl Finding {
    pub fn when(found: bool) -> Finding {
        if found { Finding::Some } else { Finding::None }
    }
}

pub type Result<T = Finding, E = Failure> = std::result::Result<T, E>;

/// A command that did not work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error(transparent)]
    Db(#[from] tidemark_db::Error),
    #[error(transparent)]
    Local(#[from] tidemark_local::LocalError),
    #[error(transparent)]
    Time(#[from] tidemark_core::times::TimeError),
    #[error(transparent)]
    Draw(#[from] tidemark_charts::Error),
    /// Typed words that can't be done; says what to type instead.
    #[error("{0}")]
    Usage(String),
    #[error("{} can't be written: {source}. Choose another place for --out.", .path.display())]
    File {
        path: std::path::PathBuf,
        source: std::io::Error,
    },
    #[error("standard output can't be written: {0}")]
    Output(std::io::Error),
}

impl Failure {
    /// 2 for bad input and refusals, 3 where the database can't be reached.
    pub fn exit_status(&self) -> u8 {
        use tidemark_local::LocalError as Local;
        match self {
            Failure::Db(error) => error.exit_status(),
            Failure::Local(
                Local::NotDemo { .. }
                | Local::BrokenSettings { .. }
                | Local::BadSetting { .. }
                | Local::NoProfile { .. }
                | Local::NoHome { .. },
            ) => 2,
            Failure::Local(_) => 3,
            _ => 2,
        }
    }

    /// Stable and short, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Failure::Db(tidemark_db::Error::Input { code, .. }) => code,
            Failure::Db(tidemark_db::Error::Unreachable { .. }) => "unreachable",
            Failure::Db(tidemark_db::Error::LogIn { .. }) => "log_in",
            Failure::Db(tidemark_db::Error::Forbidden { .. }) => "forbidden",
            Failure::Db(tidemark_db::Error::Server { .. }) => "server",
            Failure::Local(tidemark_local::LocalError::NoProfile { .. }) => "unknown_profile",
            Failure::Local(_) => "local",
            Failure::Time(_) => "time",
            Failure::Draw(_) => "draw",
            Failure::Usage(_) => "usage",
            Failure::File { .. } | Failure::Output(_) => "file",
        }
    }

    /// The SQLSTATE, where the server gave one.
    pub fn details(&self) -> Option<String> {
        match self {
            Failure::Db(error) => error.info().details,
            _ => None,
        }
    }

    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Failure::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe)
    }
}
