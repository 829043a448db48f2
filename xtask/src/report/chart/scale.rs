//! A scale of times on which the usual ones can be told apart.

use std::ops::Range;

use host::statistics::Sorted;

use crate::report::text::{counted, time};

/// Where a scale of times ends. Longer ones are drawn at its end, counted and named.
pub struct Clipped {
    /// The shortest time, in nanoseconds.
    pub least: f64,
    /// The end of the scale, in nanoseconds.
    pub most: f64,
    beyond: u64,
    longest: f64,
}

impl Clipped {
    /// For these times, in nanoseconds.
    pub fn of(times: &Sorted<u64>) -> Self {
        let longest = *times.largest() as f64;
        let usual = 1.5 * *times.percentile(95) as f64;
        // A few per cent beyond the usual ones are no reason to cut.
        let most = if longest <= 1.3 * usual {
            longest
        } else {
            usual
        };
        let beyond = times.samples().iter().filter(|&&ns| ns as f64 > most);
        Self {
            least: *times.smallest() as f64,
            most,
            beyond: beyond.count() as u64,
            longest,
        }
    }

    /// The scale, in units of `length` nanoseconds.
    pub fn range(&self, length: f64) -> Range<f64> {
        super::canvas::range_of([self.least / length, self.most / length], 0.08)
    }

    /// How many times are beyond the end.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }

    /// What is beyond the end, in words; empty if nothing is.
    pub fn words(&self) -> String {
        match self.beyond {
            0 => String::new(),
            n => format!(
                "{} longer than the scale; the longest took {}.",
                counted(n, "step") + if n == 1 { " is" } else { " are" },
                time(self.longest)
            ),
        }
    }
}
