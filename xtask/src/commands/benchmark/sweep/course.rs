//! What a sweep is doing, and how much of it is left.

use super::forecast::Forecast;
use crate::{progress::RunProgress, units};

/// What goes on while the cells are measured and proved.
#[allow(missing_docs)]
pub struct Course {
    pub display: Option<RunProgress>,
    pub forecast: Forecast,
    pub n_measured: usize,
    pub n_replayed: usize,
    pub n_replays: usize,
}

impl Course {
    /// The next replay begins.
    pub fn begin_replay(&mut self) {
        self.n_replayed += 1;
        self.begin(format!("replay {} of {}", self.n_replayed, self.n_replays));
    }

    /// Shows which part comes now, and how long all of them will take.
    pub fn begin(&self, part: String) {
        let left = self.forecast.seconds().map(units::time);
        let left = left.map_or(String::new(), |left| format!(", {left} left"));
        if let Some(display) = &self.display {
            display.part(&format!("{part}{left}"));
        }
    }
}
