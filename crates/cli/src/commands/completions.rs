//! `completions SHELL`.

use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::json;

use crate::args::Cli;
use crate::context::Context;
use crate::failure::{Finding, Result};

pub fn run(context: &Context, shell: Shell) -> Result {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tidemark", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    context
        .out
        .answer(&json!({ "shell": shell.to_string(), "script": script }), || {
            script.clone()
        })?;
    Ok(Finding::None)
}
