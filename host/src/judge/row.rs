//! What is kept of a row of logits while it comes in, in ascending order of tokens.

use engine_native::Choice;

/// The mean and the standard deviation: sums of differences from the first value, in f64.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moments {
    first: Option<f64>,
    count: u64,
    sum: f64,
    squares: f64,
}

impl Moments {
    /// Takes the next value in.
    pub fn add(&mut self, x: f64) {
        let x = x - *self.first.get_or_insert(x);
        self.count += 1;
        self.sum += x;
        self.squares += x * x;
    }

    /// The standard deviation, with n in the denominator.
    pub fn deviation(self) -> f64 {
        let n = self.count as f64;
        let mean = self.sum / n;
        (self.squares / n - mean * mean).max(0.0).sqrt()
    }
}

/// The largest logits so far.
#[derive(Debug, Clone)]
pub(crate) struct Largest {
    most: usize,
    descending: Vec<Choice>,
}

impl Largest {
    /// The `most` largest ones.
    pub(crate) fn of(most: usize) -> Self {
        let descending = Vec::with_capacity(most + 1);
        Self { most, descending }
    }

    pub(crate) fn rank(&mut self, choice: Choice) {
        let least = self.descending.last();
        let is_full = self.descending.len() == self.most;
        if is_full && least.is_none_or(|least| choice.logit <= least.logit) {
            return;
        }
        let before = |c: &Choice| c.logit >= choice.logit;
        let at = self.descending.partition_point(before);
        self.descending.insert(at, choice);
        self.descending.truncate(self.most);
    }

    /// Descending; of equal logits the lower id first.
    pub(crate) fn descending(&self) -> &[Choice] {
        &self.descending
    }
}

/// The logits of some tokens.
#[derive(Debug, Clone)]
pub(crate) struct Picked {
    tokens: Vec<u32>,
    logits: Vec<Option<f32>>,
}

impl Picked {
    /// Of these tokens.
    pub(crate) fn of(tokens: Vec<u32>) -> Self {
        let logits = vec![None; tokens.len()];
        Self { tokens, logits }
    }

    /// Takes the logits of the tokens from `first` on.
    pub(crate) fn see(&mut self, first: u32, logits: &[f32]) {
        for (token, logit) in self.tokens.iter().zip(&mut self.logits) {
            let at = token.checked_sub(first);
            *logit = logit.or(at.and_then(|at| logits.get(at as usize).copied()));
        }
    }

    /// In the order of the tokens. `None` if one of them had no logit.
    pub(crate) fn logits(&self) -> Option<Vec<f32>> {
        self.logits.iter().copied().collect()
    }
}
