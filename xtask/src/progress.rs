//! Progress on standard error, when it is a terminal.

use std::time::Duration;

use host::run::Phase;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A line that follows the phases of a run.
pub struct RunProgress {
    bar: ProgressBar,
}

impl RunProgress {
    /// Shown unless `quiet` or standard error is no terminal.
    pub fn new(quiet: bool) -> Self {
        let bar = ProgressBar::no_length();
        if quiet {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar.set_style(style("{spinner} {msg} {elapsed}"));
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// Shows `phase`.
    pub fn show(&self, phase: Phase) {
        match phase {
            Phase::Load => self.bar.set_message("load and hash the model"),
            Phase::WarmUp { done, of } => {
                self.bar.set_message(format!("warm-up {}/{of}", done + 1));
            }
            Phase::Measure { done, of } => {
                self.bar.set_message(format!("measure {}/{of}", done + 1));
            }
            Phase::Replay { done, of } => self.replay(done, of),
        }
    }

    /// Shows how far a replay is.
    pub fn replay(&self, done: u64, of: u64) {
        if self.bar.length() != Some(of) {
            self.bar.reset();
            self.bar.set_length(of);
            self.bar
                .set_style(style("{msg} {wide_bar} {percent}% {elapsed} (left: {eta})"));
            self.bar.set_message("replay in the sandbox");
        }
        self.bar.set_position(done);
    }
}

impl Drop for RunProgress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A bar that counts bytes.
pub fn byte_bar(total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    bar.set_style(style("{wide_bar} {bytes}/{total_bytes} (left: {eta})"));
    bar
}

fn style(template: &str) -> ProgressStyle {
    // The templates are constants of this file.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
