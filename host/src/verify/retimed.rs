//! The receipt's speed beside that of its task on this machine.

use serde::Serialize;

use super::policy::SpeedRatio;

/// The result of running a receipt's task on this machine.
#[derive(Debug, Clone, Serialize)]
pub struct Retimed {
    /// Generated tokens per second in the receipt.
    pub receipt_tokens_per_sec: f64,
    /// Generated tokens per second on this machine.
    pub here_tokens_per_sec: f64,
    /// How many times as fast the receipt is: the greatest of the ratios of prefill, decode and both.
    pub ratio: f64,
    /// Whether other work had the cores while the task ran here.
    pub is_disturbed: bool,
    /// Threads of the receipt's run.
    pub receipt_threads: u64,
    /// Threads of the run here; no more than this machine has.
    pub here_threads: u64,
    /// The CPU of this machine.
    pub here_host: String,
    /// Repetitions of the run here.
    pub here_repetitions: u64,
    /// Whether the run here chose the receipt's tokens.
    pub same_tokens: bool,
    /// Whether both CPUs are of the same model, as far as both say it.
    pub same_cpu: bool,
}

impl Retimed {
    /// How the speeds compare. A run with more threads than there are here may be faster by as many
    /// times.
    pub fn speed(&self) -> SpeedRatio {
        let threads = self.receipt_threads as f64 / self.here_threads.max(1) as f64;
        SpeedRatio {
            ratio: self.ratio / threads.max(1.0),
            is_comparable: self.same_cpu && !self.is_disturbed && threads <= 1.0,
        }
    }

    /// Both speeds as a line for people.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "retimed: {} tokens/s in the receipt, {} here on {}",
            self.receipt_tokens_per_sec, self.here_tokens_per_sec, self.here_host,
        );
        if self.here_threads != self.receipt_threads {
            text += &format!(
                " with {} threads of the receipt's {}: this machine has no more",
                self.here_threads, self.receipt_threads
            );
        }
        text + "\n"
    }
}
