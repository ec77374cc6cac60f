//! The embedded PostgreSQL: it belongs to the app, starts with it and stops with it.
//!
//! The programs are an installed PostgreSQL 15 or later, else the ones that npm brought. The server listens on a socket
//! in a folder that only its owner can enter, and lets in its own user and the app's, whom the kernel vouches for. It
//! can't run as root, so for root it runs as a system user, with data in a system folder.

mod account;
mod cluster;
mod data_dir;
mod npm;
mod pid_file;
mod programs;
mod supervisor;

use std::{
    fs::{self, File},
    time::{Duration, Instant},
};

use nix::fcntl::{Flock, FlockArg};
use sqlx::{Connection, PgConnection};

pub use data_dir::DataDir;
pub(crate) use data_dir::user_folder;

use self::{account::Account, data_dir::DATABASE, pid_file::PidFile, programs::Programs, supervisor::Supervisor};
use crate::{LocalError, Result};

/// How long a start waits for another start, or for a server that is starting or stopping.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running embedded server: one that this process started, or one that it found running.
#[derive(Debug)]
pub struct EmbeddedServer {
    url: String,
    /// Whether it was found running: then it belongs to the process that started it, and ends with that one.
    pub attached: bool,
    supervisor: Option<Supervisor>,
}

impl EmbeddedServer {
    /// Starts the server, or attaches to the one that runs, and makes the database `tidemark` where it is missing.
    ///
    /// A first start takes a second, a later one a tenth. After a crash it waits for the recovery, and for an old
    /// server that is still shutting down.
    pub async fn start(data: &DataDir) -> Result<Self> {
        let account = Account::find(data)?;
        account.check_reach(data.root())?;
        account.make_folder(data.root())?;
        let _one_at_a_time = lock(data).await?;
        let begun = Instant::now();
        loop {
            let server = Self::attach_or_launch(data, &account).await?;
            match make_database(data).await {
                Ok(()) => {
                    fs::write(data.url_file(), format!("{}\n", server.url))
                        .map_err(LocalError::file("write", data.url_file()))?;
                    return Ok(server);
                }
                // The server that was found is on its way out: its app has just been closed.
                Err(problem) if server.attached && begun.elapsed() < PATIENCE => {
                    tracing::debug!(%problem, "the running server does not answer, looking again");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                Err(problem) => {
                    server.stop().await;
                    return Err(problem);
                }
            }
        }
    }

    /// A URL for sqlx, psql and any other client of this machine.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Stops the server and waits until it has ended. One that was found running is left alone.
    pub async fn stop(self) {
        if let Some(supervisor) = self.supervisor {
            supervisor.stop().await;
        }
    }

    async fn attach_or_launch(data: &DataDir, account: &Account) -> Result<Self> {
        let url = data.url_of(DATABASE);
        if running(data).await? {
            return Ok(Self {
                url,
                attached: true,
                supervisor: None,
            });
        }
        let programs = Programs::find(data, Programs::version_of_cluster(&data.cluster()))?;
        account.make_folder(&data.socket())?;
        let (folder, owner, with) = (data.clone(), account.clone(), programs.clone());
        match tokio::task::spawn_blocking(move || cluster::prepare(&folder, &owner, &with)).await {
            Ok(prepared) => prepared?,
            Err(problem) => {
                return Err(LocalError::Program {
                    program: "initdb".into(),
                    output: problem.to_string(),
                });
            }
        }
        tracing::info!(bin = %programs.bin.display(), major = programs.major, user = account.name, "starting PostgreSQL");
        let supervisor = Supervisor::launch(data, account, &programs).await?;
        Ok(Self {
            url,
            attached: false,
            supervisor: Some(supervisor),
        })
    }
}

/// Whether a server runs that can be used; waits while one starts or stops, and clears away a stale pid file.
async fn running(data: &DataDir) -> Result<bool> {
    let cluster = data.cluster();
    let begun = Instant::now();
    loop {
        let Some(found) = PidFile::read(&cluster) else {
            return Ok(false);
        };
        if !found.is_alive(&cluster) {
            // PostgreSQL does this itself, except where the number went to another process of the same user.
            fs::remove_file(cluster.join("postmaster.pid")).ok();
            return Ok(false);
        }
        if found.is_ready() {
            return Ok(true);
        }
        if begun.elapsed() > PATIENCE {
            let (pid, status) = (found.pid, found.status);
            return Err(LocalError::Busy {
                pid,
                folder: cluster,
                status,
                seconds: PATIENCE.as_secs(),
            });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Lets one process at a time start a server in this folder. The kernel frees the lock when its process ends.
async fn lock(data: &DataDir) -> Result<Flock<File>> {
    let begun = Instant::now();
    let open = || File::create(data.lock_file()).map_err(LocalError::file("write", data.lock_file()));
    let mut file = open()?;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(lock) => return Ok(lock),
            Err((_, problem)) if problem != nix::Error::EWOULDBLOCK => {
                return Err(LocalError::file("lock", data.lock_file())(problem.into()));
            }
            Err((back, _)) if begun.elapsed() < PATIENCE => file = back,
            Err(_) => {
                return Err(LocalError::Starting {
                    folder: data.root().to_owned(),
                    seconds: PATIENCE.as_secs(),
                });
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn make_database(data: &DataDir) -> Result<()> {
    let failed = LocalError::database;
    let mut connection = PgConnection::connect(&data.url_of("postgres"))
        .await
        .map_err(failed("the first connection"))?;
    let exists = sqlx::query_scalar::<_, bool>("select exists (select from pg_database where datname = 'tidemark')")
        .fetch_one(&mut connection)
        .await
        .map_err(failed("a look at its databases"))?;
    if !exists {
        sqlx::query("create database tidemark")
            .execute(&mut connection)
            .await
            .map_err(failed("the database tidemark"))?;
    }
    connection.close().await.map_err(failed("to close a connection"))
}
