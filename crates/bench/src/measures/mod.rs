//! What is measured, by subject. Each measure says what it ran.

mod backfill;
mod queue;
mod read;
mod size;
mod tick;
mod week;
mod worker;
mod writers;

use crate::Result;
use crate::data::{Set, Shape, Spec};
use crate::report::Section;

/// What every measure is given.
pub struct Bench {
    /// The server, with rights to make databases and to read its files.
    pub server: String,
    pub rows: u64,
    pub repeats: usize,
    /// Only measures whose names contain one of these; all where there is none.
    pub only: Vec<String>,
    /// The command line program, for what is measured from outside.
    pub tidemark: std::path::PathBuf,
}

impl Bench {
    /// Whether any of these measures is wanted.
    fn wants(&self, names: &[impl AsRef<str>]) -> bool {
        let wanted = |name: &str| self.only.iter().any(|word| name.contains(word));
        self.only.is_empty() || names.iter().any(|name| wanted(name.as_ref()))
    }

    fn spec(&self, shape: Shape, rows: u64, days: u32) -> Spec {
        Spec { shape, rows, days }
    }

    async fn set(&self, spec: Spec) -> Result<Set> {
        eprintln!("==> {}", spec.describe());
        Set::make(&self.server, spec).await
    }
}

/// Run what is wanted; sections come as they are done.
pub async fn all(bench: &Bench, done: &mut dyn FnMut(Section)) -> Result<()> {
    read_and_build(bench, done).await?;
    tick::measure(bench, done).await?;
    queue::measure(bench, done).await?;
    writers::measure(bench, done).await?;
    week::measure(bench, done).await
}

/// What is measured on the large sets: they are made once.
async fn read_and_build(bench: &Bench, done: &mut dyn FnMut(Section)) -> Result<()> {
    for (shape, rows) in [
        (Shape::Busy, bench.rows),
        (Shape::Sparse, bench.rows),
        (Shape::Busy, bench.rows / 10),
        (Shape::Sparse, bench.rows / 10),
    ] {
        let largest = (shape, rows) == (Shape::Busy, bench.rows);
        let spec = bench.spec(shape, rows, 90);
        let builds = largest && bench.wants(&[backfill::FIRST, backfill::UNCHANGED, worker::MEMORY, size::DISK]);
        if !builds && !bench.wants(&read::names(&spec)) {
            continue;
        }
        let set = bench.set(spec).await?;
        if largest && bench.wants(&[backfill::FIRST, backfill::UNCHANGED]) {
            backfill::measure(bench, &set, done).await?;
        } else {
            set.build().await?;
        }
        if bench.wants(&read::names(&spec)) {
            done(read::measure(bench, &set).await?);
        }
        if largest && bench.wants(&[size::DISK]) {
            done(size::measure(&set).await?);
        }
        if largest && bench.wants(&[worker::MEMORY]) {
            done(worker::measure(bench, &set).await?);
        }
        set.remove(&bench.server).await?;
    }
    Ok(())
}
