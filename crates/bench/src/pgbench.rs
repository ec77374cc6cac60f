//! PostgreSQL's own load generator, and what the server spent meanwhile.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use sqlx::PgPool;
use tokio::process::Command;

use crate::data::Set;
use crate::sample::spread;
use crate::{Error, Result};

/// Writers with one statement each.
pub struct Pgbench {
    program: PathBuf,
    /// For its script and its logs.
    folder: PathBuf,
    url: String,
}

/// What a run did.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    pub tps: f64,
    /// Milliseconds from when a transaction was due to its end; only with a rate.
    pub p99: f64,
    /// Processor time of the server a transaction, in microseconds.
    pub cpu: f64,
    /// Bytes of WAL a transaction.
    pub wal: f64,
}

impl Pgbench {
    pub fn new(set: &Set, statement: &str) -> Result<Pgbench> {
        let folder = std::env::temp_dir().join(format!("tidemark-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(io(&folder))?;
        std::fs::write(folder.join("statement.sql"), statement).map_err(io(&folder))?;
        let program = std::env::var_os("TIDEMARK_PGBENCH")
            .unwrap_or_else(|| "pgbench".into())
            .into();
        Ok(Pgbench {
            program,
            folder,
            url: set.url.clone(),
        })
    }

    /// As many as they can, or at a rate.
    pub async fn run(&self, pool: &PgPool, clients: u32, seconds: u64, rate: Option<f64>) -> Result<Run> {
        let before = Spent::read(pool).await?;
        let mut command = Command::new(&self.program);
        command
            .args(["-n", "-M", "prepared", "-f"])
            .arg(self.folder.join("statement.sql"))
            .args(["-c", &clients.to_string(), "-T", &seconds.to_string()])
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let log = self.folder.join("log");
        if let Some(rate) = rate {
            command
                .args(["-R", &format!("{rate:.0}"), "-l", "--log-prefix"])
                .arg(&log);
        }
        let out = command.arg(&self.url).output().await.map_err(io(&self.program))?;
        let text = String::from_utf8_lossy(&out.stdout);
        let field = |name: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(name)?.split_whitespace().next())
        };
        let (Some(tps), Some(done)) = (
            field("tps = ").and_then(|text| text.parse::<f64>().ok()),
            field("number of transactions actually processed: ")
                .and_then(|text| text.split('/').next()?.parse::<f64>().ok()),
        ) else {
            return Err(Error::Wrong(format!(
                "pgbench: {text}{}",
                String::from_utf8_lossy(&out.stderr)
            )));
        };
        let after = Spent::read(pool).await?;
        Ok(Run {
            tps,
            p99: if rate.is_some() { self.p99()? } else { 0.0 },
            cpu: (after.cpu - before.cpu) * 1e6 / done,
            wal: (after.wal - before.wal) / done,
        })
    }

    /// From the logs, one line a transaction, the third field microseconds; they are removed.
    fn p99(&self) -> Result<f64> {
        let mut latencies = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(io(&self.folder))? {
            let path = entry.map_err(io(&self.folder))?.path();
            if path
                .file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("log"))
            {
                let text = std::fs::read_to_string(&path).map_err(io(&path))?;
                latencies.extend(
                    text.lines()
                        .filter_map(|line| line.split(' ').nth(2)?.parse::<f64>().ok()),
                );
                std::fs::remove_file(&path).map_err(io(&path))?;
            }
        }
        latencies.sort_by(f64::total_cmp);
        let at = (latencies.len() * 99).div_ceil(100).saturating_sub(1);
        Ok(latencies.get(at).copied().unwrap_or_default() / 1000.0)
    }
}

impl Drop for Pgbench {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

/// Median of one figure of several runs.
pub fn median(runs: &[Run], of: impl Fn(&Run) -> f64) -> f64 {
    spread(runs.iter().map(of).collect()).median
}

/// What the server has spent so far: processor seconds of the postmaster and of the backends that have ended, and WAL.
struct Spent {
    cpu: f64,
    wal: f64,
}

impl Spent {
    async fn read(pool: &PgPool) -> Result<Spent> {
        let (pid, wal): (i32, f64) =
            sqlx::query_as("select pg_backend_pid(), (pg_current_wal_insert_lsn() - '0/0')::double precision")
                .fetch_one(pool)
                .await?;
        let parent = fields(pid)?.get(1).and_then(|text| text.parse().ok()).unwrap_or(pid);
        // utime, stime, cutime, cstime, in hundredths of a second.
        let ticks = fields(parent)?[11..15]
            .iter()
            .filter_map(|text| text.parse::<f64>().ok())
            .sum::<f64>();
        Ok(Spent {
            cpu: ticks / 100.0,
            wal,
        })
    }
}

/// The fields of /proc/PID/stat after the name, the state first.
fn fields(pid: i32) -> Result<Vec<String>> {
    let path = PathBuf::from(format!("/proc/{pid}/stat"));
    let text = std::fs::read_to_string(&path).map_err(io(&path))?;
    let rest = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
    Ok(rest.split_whitespace().map(str::to_owned).collect())
}

fn io(what: &Path) -> impl Fn(std::io::Error) -> Error + use<> {
    let what = what.display().to_string();
    move |cause| Error::Io {
        what: what.clone(),
        cause,
    }
}
