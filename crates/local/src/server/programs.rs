//! Finds a PostgreSQL to run: an installed one, or the one that npm brought.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{DataDir, npm};
use crate::{LocalError, Result};

/// The oldest major version that Tidemark works with.
const OLDEST: u32 = 15;

/// The programs of one PostgreSQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programs {
    pub bin: PathBuf,
    pub major: u32,
}

impl Programs {
    /// Finds the programs for a cluster of `wanted`'s major version, or the newest there are for a new cluster.
    ///
    /// A folder named in `TIDEMARK_POSTGRES_DIR` is the only one looked at. Otherwise an installed server goes before
    /// one from npm, because the system keeps it up to date.
    pub fn find(data: &DataDir, wanted: Option<u32>) -> Result<Self> {
        let named = env::var_os("TIDEMARK_POSTGRES_DIR")
            .filter(|dir| !dir.is_empty())
            .map(PathBuf::from);
        let found = match &named {
            Some(dir) => all_in(named_folders(dir)),
            None => {
                let mut found = all_in(installed_folders());
                found.sort_by_key(|programs| std::cmp::Reverse(programs.major));
                found.extend(all_in(npm::folders(&data.npm_server())));
                found
            }
        };
        if found.is_empty() {
            return Err(match named {
                Some(dir) => LocalError::NotPostgres(dir),
                None => LocalError::NoPostgres {
                    searched: format!("/usr/lib/postgresql, pg_config, PATH, {}", data.npm_server().display()),
                },
            });
        }
        match wanted {
            None => Ok(found[0].clone()),
            Some(major) => found
                .iter()
                .find(|programs| programs.major == major)
                .cloned()
                .ok_or_else(|| {
                    let versions: Vec<String> = found.iter().map(|programs| programs.major.to_string()).collect();
                    LocalError::OtherVersion {
                        folder: data.cluster(),
                        wanted: major,
                        found: versions.join(", "),
                    }
                }),
        }
    }

    /// The major version that made a cluster; `None` where there is no cluster yet.
    pub fn version_of_cluster(cluster: &Path) -> Option<u32> {
        fs::read_to_string(cluster.join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }

    fn look(bin: &Path) -> Option<Self> {
        // Debian has a `postgres` only in the versioned folder; a folder with `psql` alone is a client's.
        if !bin.join("initdb").exists() {
            return None;
        }
        let answer = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
        let major = major_version(&String::from_utf8_lossy(&answer.stdout))?;
        (major >= OLDEST).then(|| Self {
            bin: bin.to_owned(),
            major,
        })
    }
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, and `19devel` too.
fn major_version(line: &str) -> Option<u32> {
    let version = line.split_once("(PostgreSQL)")?.1.trim_start();
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

fn all_in(folders: Vec<PathBuf>) -> Vec<Programs> {
    let mut found: Vec<Programs> = Vec::new();
    for folder in folders {
        if let Some(programs) = Programs::look(&folder)
            && !found.contains(&programs)
        {
            found.push(programs);
        }
    }
    found
}

/// A folder that a person named may be `bin`, the folder above it, or the one that npm installed into.
fn named_folders(dir: &Path) -> Vec<PathBuf> {
    let mut folders = npm::folders(dir);
    folders.extend([dir.to_owned(), dir.join("bin")]);
    folders
}

fn installed_folders() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = Vec::new();
    for debian in fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        folders.push(debian.path().join("bin"));
    }
    // Fedora, Arch and those who build from source put it into PATH or tell pg_config.
    if let Ok(answer) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&answer.stdout).trim()));
    }
    folders.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    folders.push(PathBuf::from("/usr/local/pgsql/bin"));
    folders.retain(|folder| folder.is_absolute());
    folders
}

#[cfg(test)]
mod tests {
    use super::major_version;

    #[test]
    fn the_major_version_is_read_from_every_form() {
        assert_eq!(
            major_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"),
            Some(15)
        );
        assert_eq!(major_version("postgres (PostgreSQL) 19devel\n"), Some(19));
        assert_eq!(major_version("no such thing"), None);
    }
}
