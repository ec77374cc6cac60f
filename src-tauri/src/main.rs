//! Tidemark's window. `--help` and `--version` answer without a display.

use clap::Parser;
use std::process::ExitCode;

/// Answers are made of many small pieces; a fifth of the time to make one goes by with glibc's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = tidemark_app::Args::parse();
    match tidemark_app::run(&args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("tidemark-app: {error}");
            ExitCode::FAILURE
        }
    }
}
