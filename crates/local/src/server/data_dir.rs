//! Where the embedded server's files lie.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use nix::unistd::geteuid;

use super::pid_file::PidFile;
use crate::{LocalError, Result};

/// The database that the demo lives in, and the role that owns it.
pub(super) const DATABASE: &str = "tidemark";
pub(super) const ROLE: &str = "tidemark";

/// The folder of the embedded server.
///
/// | below it | holds |
/// |---|---|
/// | `postgres/` | the cluster |
/// | `socket/` | the socket, in a folder that only its owner can enter |
/// | `server/` | PostgreSQL from npm, where none is installed |
/// | `server.log` | the server's log |
/// | `url` | the URL, while the server runs |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// The usual place: `TIDEMARK_DATA_DIR`, else `/var/lib/tidemark` for root, else `tidemark` in the user's data folder.
    ///
    /// Root's own home is closed to the user that the server runs as, so root's data lie in a system folder.
    pub fn locate() -> Result<Self> {
        if let Some(root) = env::var_os("TIDEMARK_DATA_DIR").filter(|root| !root.is_empty()) {
            return Ok(Self::at(
                std::path::absolute(&root).map_err(LocalError::file("find", &root))?,
            ));
        }
        if geteuid().is_root() {
            return Ok(Self::at("/var/lib/tidemark"));
        }
        Ok(Self::at(user_folder("XDG_DATA_HOME", ".local/share")?.join("tidemark")))
    }

    /// A folder of the caller's choice; it needn't exist yet.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The server's log.
    pub fn log(&self) -> PathBuf {
        self.root.join("server.log")
    }

    /// Where `scripts/run.sh` puts PostgreSQL from npm.
    pub fn npm_server(&self) -> PathBuf {
        self.root.join("server")
    }

    /// The file that names the server's URL while it runs.
    pub fn url_file(&self) -> PathBuf {
        self.root.join("url")
    }

    /// The running server's URL, for a command that would use the app's server; `None` when none runs.
    pub fn running_url(&self) -> Option<String> {
        let pid_file = PidFile::read(&self.cluster())?;
        if !pid_file.is_ready() || !pid_file.is_alive(&self.cluster()) {
            return None;
        }
        Some(fs::read_to_string(self.url_file()).ok()?.trim().to_owned())
    }

    pub(super) fn cluster(&self) -> PathBuf {
        self.root.join("postgres")
    }

    pub(super) fn lock_file(&self) -> PathBuf {
        self.root.join("start.lock")
    }

    /// The folder of the socket. A socket's whole path may have 107 bytes, so a deep data folder gets one under `/tmp`.
    pub(super) fn socket(&self) -> PathBuf {
        let beside = self.root.join("socket");
        if beside.as_os_str().len() + "/.s.PGSQL.5432".len() <= 107 {
            return beside;
        }
        // FNV-1a: short, and the same for the same folder in every version of the program.
        let hash = self
            .root
            .as_os_str()
            .as_encoded_bytes()
            .iter()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            });
        PathBuf::from(format!("/tmp/tidemark-{}-{hash:016x}", geteuid()))
    }

    /// The URL for sqlx and psql. It names everything, so that `PGPORT` and its like in the environment can't bend it.
    pub(super) fn url_of(&self, database: &str) -> String {
        let socket: String = url::form_urlencoded::byte_serialize(self.socket().as_os_str().as_encoded_bytes())
            .map(|part| if part == "+" { "%20" } else { part })
            .collect();
        format!("postgres:///{database}?host={socket}&port=5432&user={ROLE}&sslmode=disable")
    }
}

/// A folder of the user's after the XDG rules: the variable where it is absolute, else below the home folder.
pub(crate) fn user_folder(variable: &'static str, below_home: &str) -> Result<PathBuf> {
    let from = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    from(variable)
        .or_else(|| Some(from("HOME")?.join(below_home)))
        .ok_or(LocalError::NoHome { variable })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_escapes_the_socket_folder_and_names_the_port() {
        let url = DataDir::at("/srv/my data").url_of("tidemark");
        assert_eq!(
            url,
            "postgres:///tidemark?host=%2Fsrv%2Fmy%20data%2Fsocket&port=5432&user=tidemark&sslmode=disable"
        );
    }

    #[test]
    fn a_deep_data_folder_gets_a_socket_that_fits() {
        let deep = DataDir::at(format!("/{}", "deep/".repeat(30)));
        assert!(deep.socket().join(".s.PGSQL.5432").as_os_str().len() <= 107);
        assert_ne!(deep.socket(), DataDir::at(format!("/{}", "deep/".repeat(31))).socket());
    }
}
