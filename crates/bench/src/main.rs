//! Measure Tidemark beside what its users would do otherwise: ratios within one run, both sides warm and in turn.
//!
//! scripts/bench.sh starts a server for it and says how to call it.

mod data;
mod error;
mod measures;
mod pgbench;
mod report;
mod sample;

use std::path::PathBuf;

use clap::Parser;

pub use error::{Error, Result};
use report::Section;

#[derive(Parser)]
#[command(about, disable_version_flag = true)]
struct Args {
    /// The server to measure on, as its superuser; databases named bench_… are made there and dropped
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
    /// Raw rows of the largest set, such as 10M or 200k
    #[arg(long, default_value = "10M", value_parser = rows)]
    rows: u64,
    /// Only measures whose names contain one of these words, such as read_ or backfill,inserts_8
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Pairs a measure; cheap ones are measured more often
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    repeats: u16,
    /// One JSON object a line instead of Markdown
    #[arg(long)]
    json: bool,
    /// Also write the Markdown here
    #[arg(long)]
    write: Option<PathBuf>,
    /// The command `tidemark`
    #[arg(long, default_value = "tidemark")]
    tidemark: PathBuf,
}

fn rows(text: &str) -> std::result::Result<u64, String> {
    let (digits, unit) = match text.to_ascii_lowercase() {
        text if text.ends_with('m') => (text[..text.len() - 1].to_owned(), 1_000_000),
        text if text.ends_with('k') => (text[..text.len() - 1].to_owned(), 1_000),
        text => (text, 1),
    };
    match digits.parse::<u64>().map(|n| n.saturating_mul(unit)) {
        Ok(n @ 20_000..=1_000_000_000) => Ok(n),
        _ => Err("a number of rows from 20k to 1000M".to_owned()),
    }
}

/// As the command has it, and the window.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let args = Args::parse();
    match run(&args).await {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<()> {
    let bench = measures::Bench {
        server: args.database_url.clone(),
        rows: args.rows,
        repeats: usize::from(args.repeats),
        only: args.only.clone(),
        tidemark: args.tidemark.clone(),
    };
    let mut sections: Vec<Section> = Vec::new();
    measures::all(&bench, &mut |section| {
        if args.json {
            for line in &section.lines {
                println!("{}", serde_json::to_string(line).unwrap_or_default());
            }
        } else {
            println!("{}", section.markdown());
        }
        sections.push(section);
    })
    .await?;
    if sections.iter().all(|section| section.lines.is_empty()) {
        return Err(Error::Wrong(format!(
            "no measure is called {}: leave out --only to see them all",
            args.only.join(" or ")
        )));
    }
    if let Some(path) = &args.write {
        let text: Vec<String> = sections.iter().map(Section::markdown).collect();
        std::fs::write(path, text.join("\n")).map_err(|cause| Error::Io {
            what: path.display().to_string(),
            cause,
        })?;
    }
    Ok(())
}
