//! The system user that the server runs as.

use std::{
    fs,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::Command,
};

use nix::unistd::{Gid, Uid, User, chown, geteuid};

use super::DataDir;
use crate::{LocalError, Result};

/// Who the server runs as: this user, or a system user when this user is root.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub name: String,
    uid: Uid,
    gid: Gid,
    /// Whether a process has to change its user to become this one.
    switch: bool,
    /// The name of the user that the app runs as, who is let in by the server.
    pub app_user: String,
}

impl Account {
    /// Finds the account, and makes a system user when root has none that fits.
    pub fn find(data: &DataDir) -> Result<Self> {
        let this = by_uid(geteuid())?;
        if !geteuid().is_root() {
            return Ok(Self::of(&this, &this, false));
        }
        // What an earlier start made belongs to the user of then, also where a `postgres` user came later.
        if let Ok(found) = fs::metadata(data.cluster())
            && found.uid() != 0
        {
            return Ok(Self::of(&by_uid(Uid::from_raw(found.uid()))?, &this, true));
        }
        for name in ["postgres", "tidemark"] {
            if let Some(user) = by_name(name)?.filter(|user| !user.uid.is_root()) {
                return Ok(Self::of(&user, &this, true));
            }
        }
        Ok(Self::of(&make_user("tidemark")?, &this, true))
    }

    fn of(user: &User, app: &User, switch: bool) -> Self {
        Self {
            name: user.name.clone(),
            uid: user.uid,
            gid: user.gid,
            switch,
            app_user: app.name.clone(),
        }
    }

    /// Lets `command` run as this account.
    pub fn run_as(&self, command: &mut Command) {
        if self.switch {
            command.uid(self.uid.as_raw()).gid(self.gid.as_raw());
        }
    }

    /// Makes a folder that only this account can enter (root always can).
    pub fn make_folder(&self, folder: &Path) -> Result<()> {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(LocalError::file("make", folder))?;
        let found = fs::symlink_metadata(folder).map_err(LocalError::file("read", folder))?;
        if found.uid() != self.uid.as_raw() {
            if !self.switch || found.uid() != 0 {
                let owner =
                    by_uid(Uid::from_raw(found.uid())).map_or_else(|_| found.uid().to_string(), |user| user.name);
                return Err(LocalError::ForeignFolder {
                    folder: folder.to_owned(),
                    owner,
                });
            }
            self.own(folder)?;
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(LocalError::file("protect", folder))
    }

    /// Gives a file to this account.
    pub fn own(&self, path: &Path) -> Result<()> {
        if !self.switch {
            return Ok(());
        }
        chown(path, Some(self.uid), Some(self.gid)).map_err(|e| LocalError::file("change the owner of", path)(e.into()))
    }

    /// Checks that this account can enter every folder above `folder`: root's home, for one, is closed to it.
    pub fn check_reach(&self, folder: &Path) -> Result<()> {
        if !self.switch {
            return Ok(());
        }
        for above in folder.ancestors().skip(1) {
            let Ok(found) = fs::metadata(above) else { continue };
            let bit = match () {
                () if found.uid() == self.uid.as_raw() => 0o100,
                () if found.gid() == self.gid.as_raw() => 0o010,
                () => 0o001,
            };
            if found.mode() & bit == 0 {
                return Err(LocalError::HiddenFolder {
                    user: self.name.clone(),
                    folder: folder.to_owned(),
                    blocked: above.to_owned(),
                });
            }
        }
        Ok(())
    }
}

fn by_uid(uid: Uid) -> Result<User> {
    match User::from_uid(uid) {
        Ok(Some(user)) => Ok(user),
        Ok(None) => Err(LocalError::NoServerUser {
            reason: format!("user id {uid} has no name on this system"),
        }),
        Err(problem) => Err(LocalError::NoServerUser {
            reason: problem.to_string(),
        }),
    }
}

fn by_name(name: &str) -> Result<Option<User>> {
    User::from_name(name).map_err(|problem| LocalError::NoServerUser {
        reason: problem.to_string(),
    })
}

/// Makes a system user without a home, a shell or a password.
fn make_user(name: &str) -> Result<User> {
    let made = Command::new("useradd")
        .args([
            "--system",
            "--user-group",
            "--no-create-home",
            "--home-dir",
            "/nonexistent",
            "--shell",
            "/usr/sbin/nologin",
            name,
        ])
        .output()
        .map_err(|problem| LocalError::NoServerUser {
            reason: format!("useradd: {problem}"),
        })?;
    if !made.status.success() {
        return Err(LocalError::NoServerUser {
            reason: String::from_utf8_lossy(&made.stderr).trim().to_owned(),
        });
    }
    by_name(name)?.ok_or_else(|| LocalError::NoServerUser {
        reason: format!("useradd made no user {name}"),
    })
}
