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
const N_LARGEST: usize = 9;

/// The most positions of a run that are compared: its first ones.
pub(crate) const MAX_COMPARED: usize = 128;

/// What is compared of a row of logits, computed with a KV cache in f32.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Summit {
    /// The largest logits, descending.
    pub(crate) largest: Vec<Choice>,
    /// The standard deviation of the row.
    pub(crate) spread: f64,
}

/// A summit while the logits come in, in ascending order of tokens.
#[derive(Debug, Clone)]
pub(crate) struct Ascent {
    largest: Largest,
    moments: Moments,
}

impl Ascent {
    /// Nothing so far.
    pub(crate) fn new() -> Self {
        Self {
            largest: Largest::of(N_LARGEST),
            moments: Moments::default(),
        }
    }

    /// Takes the logits of the tokens from `first` on.
    pub(crate) fn see(&mut self, first: u32, logits: &[f32]) {
        for (token, &logit) in (first..).zip(logits) {
            self.moments.add(f64::from(logit));
            self.largest.rank(Choice { token, logit });
        }
    }

    /// Of what has been seen.
    pub(crate) fn summit(&self) -> Summit {
        Summit {
            largest: self.largest.descending().to_vec(),
            spread: self.moments.deviation(),
        }
    }
}

impl Summit {
    /// The tokens whose logits are compared.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = u32> + '_ {
        self.largest.iter().map(|choice| choice.token)
    }

    /// By how much the differences from the largest logit are others in another run, in spreads. `logits` are
    /// those of the other run for [`Summit::tokens`].
    fn moves<'a>(&'a self, logits: &'a [f32]) -> impl Iterator<Item = f64> + 'a {
        let lead = |of: f32, than: f32| f64::from(of) - f64::from(than);
        let mut pairs = self.largest.iter().zip(logits);
        let first = pairs.next();
        pairs.filter_map(move |(other, &elsewhere)| {
            let (first, &first_elsewhere) = first?;
            let here = lead(first.logit, other.logit);
            let there = lead(first_elsewhere, elsewhere);
            Some(in_spreads((here - there).abs(), self.spread))
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
    /// Adds a position: what was kept of its row, and the other run's logits for its tokens.
    pub(crate) fn add(&mut self, summit: &Summit, logits: &[f32]) {
        for by in summit.moves(logits) {
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
            let mut ascent = Ascent::new();
            row.chunks(7).fold(0, |first, logits| {
                ascent.see(first, logits);
                first + logits.len() as u32
            });
            let summit = ascent.summit();
            let logits: Vec<f32> = summit.tokens().map(|t| other[t as usize]).collect();
            let mut sensitivity = Sensitivity::default();
            sensitivity.add(&summit, &logits);
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
