//! What is written where: data to standard output, messages to standard error.

pub mod table;

use std::io::Write;

use serde::Serialize;
use tidemark_core::api::QueryAnswer;

use crate::failure::{Failure, Result};

/// How a command answers.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    pub json: bool,
}

impl Output {
    /// The one answer of a command: JSON as asked, else the text for people.
    pub fn answer(self, data: &impl Serialize, text: impl FnOnce() -> String) -> Result<()> {
        if self.json {
            let document = serde_json::to_string_pretty(data).map_err(|error| Failure::Output(error.into()))?;
            self.write(&(document + "\n"))
        } else {
            self.write(&text())
        }
    }

    /// Data for standard output as they are, with a line's end.
    fn write(self, text: &str) -> Result<()> {
        let mut out = std::io::stdout().lock();
        let text = if text.is_empty() || text.ends_with('\n') {
            text.to_owned()
        } else {
            format!("{text}\n")
        };
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .map_err(Failure::Output)
    }

    /// A message for standard error.
    pub fn note(self, message: &str) {
        eprintln!("{}", crate::secret::hide(message));
    }
}

/// The JSON document of a failure.
pub fn failure_json(code: &str, message: &str, details: Option<&str>) {
    let document = serde_json::json!({ "error": { "code": code, "message": message, "details": details } });
    writeln!(std::io::stdout(), "{document:#}").ok();
}

/// One line on the trust of an answer.
pub fn trust(answer: &QueryAnswer) -> String {
    use tidemark_core::api::State;
    match answer.state {
        State::Exact => "exact".to_owned(),
        State::Frozen => "part frozen: raw rows may be gone, the rollup is all there is".to_owned(),
        State::Pending => format!("pending: {} buckets wait for a tick", answer.pending_buckets),
    }
}
