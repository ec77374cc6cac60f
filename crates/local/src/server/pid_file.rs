//! What `postmaster.pid` says about a cluster, and whether that is still true.

use std::{fs, io, path::Path};

use nix::{sys::signal::kill, unistd::Pid};

/// The two lines that matter: the first is the process id, the eighth is the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PidFile {
    pub pid: i32,
    /// `starting`, `ready`, `stopping`; empty while the server has not written it yet.
    pub status: String,
}

impl PidFile {
    /// Reads the file of a cluster; `None` where there is none.
    pub fn read(cluster: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(cluster.join("postmaster.pid")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let pid = lines.next()?.trim().parse().ok().filter(|pid| *pid > 0)?;
        Some(Self {
            pid,
            status: lines.nth(6).unwrap_or_default().trim().to_owned(),
        })
    }

    /// Whether the server takes connections.
    pub fn is_ready(&self) -> bool {
        self.status == "ready"
    }

    /// Whether the process is there and is this cluster's server.
    ///
    /// After a crash or a restart of the machine the number may belong to any program. A server works in its own
    /// cluster's folder, and nothing else does.
    pub fn is_alive(&self, cluster: &Path) -> bool {
        if kill(Pid::from_raw(self.pid), None) == Err(nix::Error::ESRCH) {
            return false;
        }
        match fs::read_link(format!("/proc/{}/cwd", self.pid)) {
            Ok(working_in) => fs::canonicalize(cluster).is_ok_and(|cluster| cluster == working_in),
            // Not ours to look at, so not a server that runs as our user either; root may look at everything.
            Err(problem) => !matches!(
                problem.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: &str = "4711\n/var/lib/x\n1763682000\n5432\n/run/x\n\n 123 456\nready   \n";

    #[test]
    fn the_eighth_line_is_the_state() {
        let ready = PidFile::parse(READY).expect("a whole file");
        assert_eq!(ready.pid, 4711);
        assert!(ready.is_ready());
        assert!(
            !PidFile::parse("4711\n/x\n1\n5432\n")
                .expect("a file half written")
                .is_ready()
        );
        assert_eq!(PidFile::parse("\n"), None);
        assert_eq!(PidFile::parse("-4711\n"), None, "a group of processes is no server");
    }

    #[test]
    fn a_process_id_that_went_to_another_program_is_stale() {
        let this = PidFile {
            pid: i32::try_from(std::process::id()).expect("a small number"),
            status: "ready".into(),
        };
        assert!(!this.is_alive(Path::new("/nowhere/postgres")));
    }
}
