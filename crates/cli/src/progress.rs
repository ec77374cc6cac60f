//! Progress on standard error, when that is a terminal and something takes longer than a second.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const PATIENCE: Duration = Duration::from_secs(1);

/// Await something; after a second say that it is under way.
pub async fn spin<T>(what: &str, work: impl Future<Output = T>) -> T {
    let bar = Bar::new(what);
    bar.watch(work).await
}

/// A bar that shows itself when it is worth it. Clones are the same bar.
#[derive(Clone)]
pub struct Bar(ProgressBar);

impl Bar {
    pub fn new(what: &str) -> Bar {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
            bar.set_style(style);
        }
        bar.set_message(what.to_owned());
        Bar(bar)
    }

    /// Say how far it is.
    pub fn set(&self, what: &str, done: u64, total: u64) {
        if total > 0 && self.0.length().is_none() {
            let template = "{spinner} {msg} {wide_bar} {human_pos} of {human_len}, {eta} left";
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.0.set_style(style);
            }
        }
        if total > 0 {
            self.0.set_length(total);
        }
        self.0.set_position(done);
        self.0.set_message(what.to_owned());
    }

    pub async fn watch<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        tokio::select! {
            done = &mut work => return done,
            () = tokio::time::sleep(PATIENCE) => {}
        }
        if std::io::stderr().is_terminal() {
            self.0.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
            self.0.enable_steady_tick(Duration::from_millis(120));
        }
        let done = work.await;
        self.0.finish_and_clear();
        done
    }
}
