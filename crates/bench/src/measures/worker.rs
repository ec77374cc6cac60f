//! What the worker's own process holds while PostgreSQL works.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::Bench;
use crate::data::{ROLLUP, Set};
use crate::report::{Line, Section};
use crate::sample::Spread;
use crate::{Error, Result};

pub const MEMORY: &str = "memory_backfill";

pub async fn measure(bench: &Bench, set: &Set) -> Result<Section> {
    let idle = {
        let worker = Worker::start(bench, set)?;
        tokio::time::sleep(Duration::from_secs(3)).await;
        worker.resident()?
    };
    set.db.uninstall().await?;
    set.apply().await?;
    let busy = {
        let worker = Worker::start(bench, set)?;
        while set
            .one::<i64>("select count(*) from tidemark.dirty where kind = 'b'")
            .await?
            > 0
        {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        worker.highest()?
    };
    let rows: i64 = set.one(&format!("select count(*) from tidemark.{ROLLUP}__15m")).await?;
    if rows == 0 {
        return Err(Error::Wrong("the worker built nothing".to_owned()));
    }
    let ratio = busy / idle;
    let mut section = Section::new(
        "Memory of the worker",
        format!(
            "{}. Resident memory of `tidemark worker` when nothing waits (VmRSS), and its highest while it backfills everything (VmHWM).",
            set.spec.describe()
        ),
    );
    section.lines.push(
        Line::of(
            MEMORY,
            "while it backfills",
            "idle",
            Spread::of(ratio),
            "MB",
            busy,
            idle,
        )
        .with_goal("+ 64 MB at most".to_owned(), busy <= idle + 64.0),
    );
    Ok(section)
}

/// A worker that is stopped when it goes out of scope.
struct Worker(Child);

impl Worker {
    fn start(bench: &Bench, set: &Set) -> Result<Worker> {
        Command::new(&bench.tidemark)
            .args(["worker", "--interval", "1s"])
            .env("DATABASE_URL", &set.url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map(Worker)
            .map_err(|cause| Error::Io {
                what: bench.tidemark.display().to_string(),
                cause,
            })
    }

    fn resident(&self) -> Result<f64> {
        self.megabytes("VmRSS:")
    }

    fn highest(&self) -> Result<f64> {
        self.megabytes("VmHWM:")
    }

    fn megabytes(&self, line: &str) -> Result<f64> {
        let path = format!("/proc/{}/status", self.0.id());
        let text = std::fs::read_to_string(&path).map_err(|cause| Error::Io { what: path, cause })?;
        text.lines()
            .find_map(|l| {
                l.strip_prefix(line)?
                    .trim()
                    .strip_suffix(" kB")?
                    .trim()
                    .parse::<f64>()
                    .ok()
            })
            .map(|kilobytes| kilobytes * 1024.0 / 1e6)
            .ok_or_else(|| Error::Wrong(format!("the worker has ended: {line} is not known")))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}
