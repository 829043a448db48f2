//! The parts of a sweep: the runs of each cell, and the replay of each task.

use host::machine::default_threads;

use super::forecast::{Forecast, GUEST_RATE, Kind, Part, work};
use crate::{args::ParityMode, commands::benchmark::settings::Planned, exit::Failure, units};

/// The cells, and the work of each in multiply-accumulates.
pub struct Parts<'s> {
    planned: &'s [Planned],
    works: Vec<u64>,
    parity: ParityMode,
}

impl<'s> Parts<'s> {
    /// Looks at the header of each model.
    ///
    /// # Errors
    /// A file is no model, or a task does not fit it.
    pub fn of(planned: &'s [Planned], parity: ParityMode) -> Result<Self, Failure> {
        Ok(Self {
            planned,
            works: planned.iter().map(work).collect::<Result<_, _>>()?,
            parity,
        })
    }

    /// The part that a cell's runs are.
    pub fn runs(&self, at: usize) -> Part {
        let cell = &self.planned[at];
        Part {
            kind: Kind::Runs {
                model: cell.cell.model.0,
                engine: cell.cell.engine.0,
                kernel: cell.cell.kernel,
                threads: cell.settings.environment.threads,
            },
            work: self.works[at],
        }
    }

    /// The part that the replay of a cell's task is.
    pub fn replay(&self, at: usize) -> Part {
        let model = self.planned[at].cell.model.0;
        Part {
            kind: Kind::Replay { model },
            work: self.works[at],
        }
    }

    /// Number of tasks, each of an engine.
    pub fn n_tasks(&self) -> usize {
        self.tasks().len()
    }

    /// Of each task of an engine the place of its first cell.
    fn tasks(&self) -> Vec<usize> {
        let task = |at: usize| {
            let cell = &self.planned[at].cell;
            let n_prompt = cell.prompt_tokens + cell.depth;
            (
                cell.model.0,
                cell.engine.0,
                n_prompt,
                cell.tokens,
                cell.kv_type,
            )
        };
        let all = 0..self.planned.len();
        let is_first = |at: &usize| (0..*at).all(|earlier| task(earlier) != task(*at));
        all.filter(is_first).collect()
    }

    /// All of them, none done.
    pub fn forecast(&self) -> Forecast {
        let mut parts: Vec<Part> = (0..self.planned.len()).map(|at| self.runs(at)).collect();
        if self.parity == ParityMode::Full {
            parts.extend(self.tasks().into_iter().map(|at| self.replay(at)));
        }
        Forecast::new(parts)
    }

    /// What is to be done, and how much of it. Cells run in an order that follows from `seed`.
    pub fn announcement(&self, seed: u64) -> String {
        let n_cells = self.planned.len();
        let mut text = format!("{n_cells} cells in random order (--order-seed {seed})");
        if self.parity == ParityMode::Full {
            let (forecast, n) = (self.forecast(), self.n_tasks());
            text += &format!(
                "; then {} of {:.1} G multiply-accumulates: {} if each of {} guests \
                 does {:.0} G a second",
                units::counted(n as u64, "replay"),
                forecast.replay_work() as f64 / 1e9,
                units::time(forecast.replay_seconds()),
                default_threads(),
                GUEST_RATE / 1e9
            );
        }
        text
    }
}
