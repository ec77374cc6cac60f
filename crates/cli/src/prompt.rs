//! Questions before what can't be taken back.

use std::io::{BufRead, IsTerminal, Write};

use crate::context::Context;
use crate::failure::{Failure, Result};

/// Ask whether to go on. `--yes` answers; without a terminal nothing is asked and nothing is done.
pub fn confirm(context: &Context, what: &str) -> Result<()> {
    if context.yes {
        return Ok(());
    }
    let (input, screen) = (std::io::stdin(), std::io::stderr());
    if !input.is_terminal() || !screen.is_terminal() {
        return Err(Failure::Usage(format!(
            "{what}\nThere is no terminal to ask on: say --yes to go on. Nothing was changed."
        )));
    }
    eprint!("{what}\nGo on? [y/N] ");
    screen.lock().flush().ok();
    let mut answer = String::new();
    input.lock().read_line(&mut answer).ok();
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Usage("Not done. Nothing was changed.".to_owned())),
    }
}
