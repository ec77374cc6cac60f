//! PostgreSQL's own load generator, and what the server spent meanwhile.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use sqlx::{PgConnection, PgPool};
use tokio::process::Command;

use crate::data::Set;
use crate::sample::spread;
use crate::{Error, Result};

/// How often to look at what the writers have spent.
const LOOK: Duration = Duration::from_millis(20);

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
    /// Processor time of the writers' back ends a transaction, in microseconds; only where nobody else connects meanwhile.
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
        // One connection for all of it: another would look like a writer.
        let mut connection = pool.acquire().await?;
        let mut writers = Writers::from_now_on(&mut connection).await?;
        let wal_before = wal(&mut connection).await?;
        let mut command = Command::new(&self.program);
        command
            .args(["-n", "-M", "prepared", "-f"])
            .arg(self.folder.join("statement.sql"))
            .args(["-c", &clients.to_string(), "-T", &seconds.to_string()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let log = self.folder.join("log");
        if let Some(rate) = rate {
            command
                .args(["-R", &format!("{rate:.0}"), "-l", "--log-prefix"])
                .arg(&log);
        }
        let running = command.arg(&self.url).spawn().map_err(io(&self.program))?;
        let mut out = std::pin::pin!(running.wait_with_output());
        let out = loop {
            match tokio::time::timeout(LOOK, &mut out).await {
                Ok(out) => break out.map_err(io(&self.program))?,
                Err(_) => writers.look()?,
            }
        };
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
        Ok(Run {
            tps,
            p99: if rate.is_some() { self.p99()? } else { 0.0 },
            cpu: writers.seconds() * 1e6 / done,
            wal: (wal(&mut connection).await? - wal_before) / done,
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

/// The back ends that came since it was made, and the processor time that each has had, in nanoseconds. Looked at again and
/// again, since a process takes it along when it ends; the clock ticks that PostgreSQL's parent keeps miss short ones.
struct Writers {
    postmaster: i32,
    before: Vec<i32>,
    spent: HashMap<i32, f64>,
}

impl Writers {
    async fn from_now_on(connection: &mut PgConnection) -> Result<Writers> {
        let own: i32 = sqlx::query_scalar("select pg_backend_pid()")
            .fetch_one(&mut *connection)
            .await?;
        let postmaster = fields(own)?.get(1).and_then(|text| text.parse().ok()).unwrap_or(own);
        Ok(Writers {
            postmaster,
            before: backends(postmaster)?,
            spent: HashMap::new(),
        })
    }

    fn look(&mut self) -> Result<()> {
        for pid in backends(self.postmaster)? {
            if !self.before.contains(&pid)
                && let Ok(text) = std::fs::read_to_string(format!("/proc/{pid}/schedstat"))
                && let Some(Ok(nanoseconds)) = text.split(' ').next().map(str::parse::<f64>)
            {
                self.spent.insert(pid, nanoseconds);
            }
        }
        Ok(())
    }

    fn seconds(&self) -> f64 {
        self.spent.values().sum::<f64>() / 1e9
    }
}

/// Those with a client at a socket, by what they call themselves: `postgres: USER DATABASE [local] …`.
fn backends(postmaster: i32) -> Result<Vec<i32>> {
    let folder = Path::new("/proc");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io(folder))?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // One that has ended meanwhile is none.
        let (Ok(fields), Ok(title)) = (fields(pid), std::fs::read(entry.path().join("cmdline"))) else {
            continue;
        };
        if fields.get(1).and_then(|text| text.parse().ok()) == Some(postmaster)
            && String::from_utf8_lossy(&title).contains("[local]")
        {
            found.push(pid);
        }
    }
    Ok(found)
}

async fn wal(connection: &mut PgConnection) -> Result<f64> {
    Ok(
        sqlx::query_scalar("select (pg_current_wal_insert_lsn() - '0/0')::double precision")
            .fetch_one(connection)
            .await?,
    )
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
