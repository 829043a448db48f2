//! How long a sweep will take: from its work in multiply-accumulates, and from how fast the parts went
//! that are done.

use std::{collections::HashMap, time::Duration};

use engine_native::{ModelError, ModelShape, ModelSource, Op};
use host::{input::Prompt, machine::default_threads};

use crate::{args::Kernel, commands::benchmark::settings::Planned, exit::Failure};

/// Multiply-accumulates a second of one guest, before a replay here says otherwise: that of 143
/// positions of the 2B4T shape in 34 s on two cores.
pub const GUEST_RATE: f64 = 5e9;

/// Work of one kind goes at one rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Kind {
    /// Warm-up and timed runs of a cell.
    Runs {
        model: usize,
        engine: usize,
        kernel: Kernel,
        threads: usize,
    },
    /// The replay of a task.
    Replay { model: usize },
}

/// Work that is to be done, in multiply-accumulates of one decode of the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Part {
    pub kind: Kind,
    pub work: u64,
}

/// What is left of a sweep, and how fast it goes.
#[derive(Debug, Default)]
pub struct Forecast {
    left: Vec<Part>,
    rates: HashMap<Kind, f64>,
}

impl Forecast {
    /// Of all parts.
    pub fn new(left: Vec<Part>) -> Self {
        Self {
            left,
            rates: HashMap::new(),
        }
    }

    /// Work of all replays that are left.
    pub fn replay_work(&self) -> u64 {
        let replays = self.left.iter().filter(|part| is_replay(part.kind));
        replays.fold(0, |sum, part| sum.saturating_add(part.work))
    }

    /// Seconds that the replays take that are left.
    pub fn replay_seconds(&self) -> f64 {
        let replays = self.left.iter().filter(|part| is_replay(part.kind));
        let seconds = replays.filter_map(|part| Some(part.work as f64 / self.rate(part.kind)?));
        seconds.sum()
    }

    /// A part is done, and took so long.
    pub fn done(&mut self, done: Part, time: Duration) {
        if let Some(at) = self.left.iter().position(|part| *part == done) {
            self.left.swap_remove(at);
        }
        let rate = done.work.max(1) as f64 / time.as_secs_f64().max(1e-9);
        self.rates.insert(done.kind, rate);
    }

    /// Seconds for all that is left. `None` as long as no cell was measured.
    pub fn seconds(&self) -> Option<f64> {
        let part = |part: &Part| Some(part.work as f64 / self.rate(part.kind)?);
        self.left.iter().map(part).sum()
    }

    /// The rate of this kind, or else the mean of what is like it.
    fn rate(&self, kind: Kind) -> Option<f64> {
        if let Some(rate) = self.rates.get(&kind) {
            return Some(*rate);
        }
        let like = self
            .rates
            .iter()
            .filter(|(k, _)| is_replay(**k) == is_replay(kind));
        let (sum, n) = like.fold((0.0, 0u32), |(sum, n), (_, rate)| (sum + rate, n + 1));
        match (n, kind) {
            (0, Kind::Runs { .. }) => None,
            (0, Kind::Replay { .. }) => Some(GUEST_RATE * default_threads().get() as f64),
            _ => Some(sum / f64::from(n)),
        }
    }
}

fn is_replay(kind: Kind) -> bool {
    matches!(kind, Kind::Replay { .. })
}

/// The work of a cell's task, by its model's header: what is no model is found before anything runs.
///
/// # Errors
/// The file is no model, or the task does not fit it.
pub fn work(planned: &Planned) -> Result<u64, Failure> {
    let path = &planned.cell.model.1;
    let failed = |e: ModelError| Failure::model(path, &e);
    let source = ModelSource::open(path).map_err(|e| failed(e.into()))?;
    let shape = ModelShape::from_gguf(&source.header().map_err(failed)?).map_err(failed)?;
    let n_generate = planned.settings.n_generate;
    let n_prompt = match &planned.settings.prompt {
        Prompt::Seeded { count, .. } => {
            shape.check_run(&vec![0; *count], n_generate)?;
            *count
        }
        Prompt::Ids(ids) => {
            shape.check_run(ids, n_generate)?;
            ids.len()
        }
        // Its tokenizer says that when it is loaded. No text has more tokens than bytes.
        Prompt::Text(text) => text.len().max(1),
    };
    let n_positions = (n_prompt + n_generate - 1) as u64;
    Ok(Op::run_work(&shape, n_positions, n_generate as u64).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was seen of one kind counts for it, and the mean of all for those that were not seen.
    #[test]
    fn what_is_done_says_what_is_left() {
        let runs = |threads, work| Part {
            kind: Kind::Runs {
                model: 0,
                engine: 0,
                kernel: Kernel::Auto,
                threads,
            },
            work,
        };
        let replay = Part {
            kind: Kind::Replay { model: 0 },
            work: 1000,
        };
        let mut forecast = Forecast::new(vec![runs(1, 100), runs(2, 100), runs(1, 300), replay]);
        assert_eq!((forecast.seconds(), forecast.replay_work()), (None, 1000));
        forecast.done(runs(1, 100), Duration::from_secs(1));
        assert!((forecast.seconds().unwrap() - 4.0 - forecast.replay_seconds()).abs() < 1e-9);
        forecast.done(runs(2, 100), Duration::from_millis(500));
        forecast.done(replay, Duration::from_secs(10));
        assert_eq!(forecast.replay_work(), 0);
        assert!((forecast.seconds().unwrap() - 3.0).abs() < 1e-9);
        forecast.done(runs(1, 300), Duration::from_secs(9));
        assert_eq!(forecast.seconds(), Some(0.0));
    }
}
