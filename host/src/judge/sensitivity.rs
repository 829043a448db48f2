//! How much a model makes of rounding.
//!
//! Where a model amplifies rounding errors, right engines differ by much, and where it does not, by little. One
//! number says how much: the same engine computes the same tokens with a KV cache in f32 and with one in f16, and
//! the differences between its largest logits move by so much.

use engine_native::Choice;

use super::{
    margin::in_spreads,
    row::{Largest, Moments},
};

/// The largest logits of a row that are compared.
const N_COMPARED: usize = 9;

/// What is compared of a row of logits.
#[derive(Debug, Clone)]
pub(crate) struct Summit {
    largest: Largest,
    spread: f64,
}

impl Summit {
    /// Of a row of logits, by token.
    pub(crate) fn of(row: &[f32]) -> Self {
        let (mut moments, mut largest) = (Moments::default(), Largest::of(N_COMPARED));
        for (token, &logit) in (0..).zip(row) {
            moments.add(f64::from(logit));
            largest.rank(Choice { token, logit });
        }
        Self {
            largest,
            spread: moments.deviation(),
        }
    }

    /// By how much the differences from the largest logit are others in `row`, in spreads.
    fn moves<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = f64> + 'a {
        let lead = |of: f32, than: f32| f64::from(of) - f64::from(than);
        let (first, others) = self.largest.descending().split_at(1);
        others.iter().map(move |other| {
            let here = lead(first[0].logit, other.logit);
            let there = lead(row[first[0].token as usize], row[other.token as usize]);
            in_spreads((here - there).abs(), self.spread)
        })
    }
}

/// Sums up the moves of all positions.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sensitivity {
    count: usize,
    squares: f64,
}

impl Sensitivity {
    /// Adds a position: what was kept of its row, and the row of the other run.
    ///
    /// # Panics
    /// The rows have different lengths.
    pub(crate) fn add(&mut self, summit: &Summit, row: &[f32]) {
        for by in summit.moves(row) {
            self.count += 1;
            self.squares += by * by;
        }
    }

    /// The root of the mean square, in spreads. `None` without anything to compare, or if it is not finite.
    pub(crate) fn value(self) -> Option<f64> {
        let value = (self.squares / self.count as f64).sqrt();
        value.is_finite().then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_is_counted_in_spreads() {
        let row: Vec<f32> = (0..20u8).map(f32::from).collect();
        let spread = ((20.0f64 * 20.0 - 1.0) / 12.0).sqrt();
        let of = |edit: &dyn Fn(&mut Vec<f32>)| {
            let mut other = row.clone();
            edit(&mut other);
            let mut sensitivity = Sensitivity::default();
            sensitivity.add(&Summit::of(&row), &other);
            sensitivity.value().unwrap()
        };
        assert_eq!(of(&|_| {}), 0.0);
        // A constant moves no difference, and what is far below the largest does not count.
        assert_eq!(of(&|row| row.iter_mut().for_each(|x| *x += 8.0)), 0.0);
        assert_eq!(of(&|row| row[3] = 7.0), 0.0);
        let one_of_eight = of(&|row| row[15] += 2.0);
        assert!((one_of_eight - (0.5f64).sqrt() / spread).abs() < 1e-12);
        let all = of(&|row| row[19] -= 2.0);
        assert!((all - 2.0 / spread).abs() < 1e-12);
        assert_eq!(Sensitivity::default().value(), None);
    }
}
