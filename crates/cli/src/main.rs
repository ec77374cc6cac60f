//! `tidemark`, the headless command: the same operations as the app's, without a window.
//!
//! [`args`] says what can be typed, [`commands`] does it, [`output`] shows it. Data go to standard output, messages to
//! standard error. With `--json` standard output is one JSON document; a failure is one too:
//! `{"error": {"code", "message", "details"}}`.

mod args;
mod commands;
mod context;
mod duration;
mod failure;
mod output;
mod progress;
mod prompt;
mod secret;
mod when;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::context::Context;
use crate::failure::{Failure, Finding};

/// Answers are made of many small pieces; a fifth of the time to make one goes by with glibc's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let typed: Vec<OsString> = std::env::args_os().collect();
    let json = typed
        .iter()
        .skip(1)
        .take_while(|word| *word != "--")
        .any(|word| word == "--json");
    let cli = match Cli::try_parse_from(&typed) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, json),
    };
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("TIDEMARK_LOG").unwrap_or_else(|_| "warn,sqlx=error".into()),
        )
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Failure::Usage(format!("no threads to work with: {error}")), json),
    };
    let context = Context::new(&cli.global);
    let outcome = runtime.block_on(commands::run(&context, cli.command));
    // What still waits for a name server or a socket must not hold up the end.
    runtime.shutdown_background();
    match outcome {
        Ok(Finding::None) => ExitCode::SUCCESS,
        Ok(Finding::Some) => ExitCode::from(1),
        Err(failure) => fail(&failure, json),
    }
}

/// What clap says: help and version are no failures.
fn usage(error: &clap::Error, json: bool) -> ExitCode {
    if !error.use_stderr() {
        error.print().ok();
        return ExitCode::SUCCESS;
    }
    let text = secret::hide(&error.render().to_string());
    eprint!("{text}");
    if json {
        output::failure_json("usage", text.trim_start_matches("error: ").trim_end(), None);
    }
    ExitCode::from(2)
}

fn fail(failure: &Failure, json: bool) -> ExitCode {
    if failure.is_closed_pipe() {
        // The reader has seen enough: `tidemark query … | head`.
        return ExitCode::SUCCESS;
    }
    let message = secret::hide(&failure.to_string());
    eprintln!("tidemark: {message}");
    if json {
        output::failure_json(failure.code(), &message, failure.details().as_deref());
    }
    ExitCode::from(failure.exit_status())
}
