//! Makes the cluster, and says who may connect to it.

use std::{fs, path::Path, process::Command};

use super::{DataDir, account::Account, data_dir::ROLE, programs::Programs};
use crate::{LocalError, Result};

/// Makes the cluster where there is none, and writes the files that rule access, whatever they held before.
pub(super) fn prepare(data: &DataDir, account: &Account, programs: &Programs) -> Result<()> {
    let cluster = data.cluster();
    if !cluster.join("PG_VERSION").exists() {
        make(&cluster, account, programs)?;
    }
    // The kernel tells the server who is at the other end of the socket, so nobody needs a password and no password
    // can leak. There is no other way in: no `host` line here, and no address to listen on.
    let access = "# Written by Tidemark at every start.\nlocal all all peer map=tidemark\n";
    let mut users = vec![account.name.as_str(), account.app_user.as_str()];
    users.dedup();
    let map: String = users
        .iter()
        .map(|user| format!("tidemark \"{user}\" {ROLE}\n"))
        .collect();
    write(&cluster.join("pg_hba.conf"), access, account)?;
    write(
        &cluster.join("pg_ident.conf"),
        &format!("# Written by Tidemark at every start.\n{map}"),
        account,
    )
}

/// Runs initdb beside the final place and renames the result, so that a cluster is whole or isn't there.
fn make(cluster: &Path, account: &Account, programs: &Programs) -> Result<()> {
    let fresh = cluster.with_extension("new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(LocalError::file("clear", &fresh))?;
    }
    // An empty folder of this name is what is left of a cluster that a person deleted.
    if cluster.exists() {
        fs::remove_dir(cluster).map_err(LocalError::file("make a cluster in", cluster))?;
    }
    let mut initdb = Command::new(programs.program("initdb"));
    initdb
        .args([
            "--username",
            ROLE,
            "--encoding",
            "UTF8",
            "--locale",
            "C",
            "--auth-local",
            "peer",
            "--auth-host",
            "reject",
        ])
        .args(["--no-instructions", "--pgdata"])
        .arg(&fresh)
        .current_dir(cluster.parent().unwrap_or(Path::new("/")));
    clean_environment(&mut initdb);
    account.run_as(&mut initdb);
    let made = initdb
        .output()
        .map_err(LocalError::file("run", programs.program("initdb")))?;
    if !made.status.success() {
        let output = String::from_utf8_lossy(&made.stderr).trim().to_owned();
        return Err(LocalError::Program {
            program: "initdb".into(),
            output,
        });
    }
    fs::rename(&fresh, cluster).map_err(LocalError::file("put in place", cluster))
}

fn write(path: &Path, text: &str, account: &Account) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text).map_err(LocalError::file("write", path))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(LocalError::file("protect", path))?;
    account.own(path)
}

/// Takes out what would bend the server's behaviour: `PGDATA`, `PGPORT`, `PGOPTIONS`, other languages.
pub(super) fn clean_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("PG") || text.starts_with("LC_") || text == "LANGUAGE" {
            command.env_remove(&name);
        }
    }
    command.env("LC_ALL", "C").env("TZ", "UTC");
}
