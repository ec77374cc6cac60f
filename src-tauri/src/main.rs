//! Tidemark's window. `--help` and `--version` answer without a display.

use clap::Parser;
use std::process::ExitCode;

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
