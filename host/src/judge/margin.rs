//! How the reference's logits at a position rank what another engine chose and said.

use engine_native::Choice;

/// The most rivals of a choice that are kept.
pub const MAX_RIVALS: usize = 64;

/// The reference's choice at one position, compared with a claimed token.
#[derive(Debug, Clone, PartialEq)]
pub struct Margin {
    /// The token that the reference chooses, with its logit. Where the text would end and the engine goes on,
    /// the best token that does not end it.
    pub chosen: Choice,
    /// Whether the reference would end the text here, and the engine goes on.
    pub goes_on: bool,
    /// The tokens with the next largest logits, descending, of equal ones the lower id first; as many as the
    /// vocabulary has, at most [`MAX_RIVALS`].
    pub rivals: Vec<Choice>,
    /// The claimed token, with the reference's logit for it.
    pub claimed: Choice,
    /// The standard deviation of the row of logits, with n in the denominator. With x₀ the first logit, it is
    /// √(Σ(x − x₀)² / n − (Σ(x − x₀) / n)²), in f64, summed in ascending order of ids.
    pub spread: f64,
    /// The reference's logits for the tokens that the engine gave logits for, in their order.
    pub listed: Vec<f32>,
}

impl Margin {
    /// How far the claimed token's logit is below the largest; 0 for the reference's own choice.
    pub fn deficit(&self) -> f64 {
        self.below(self.claimed.logit)
    }

    /// How far the largest logit is above all others.
    pub fn lead(&self) -> f64 {
        let runner_up = self.rivals.first();
        runner_up.map_or(f64::INFINITY, |runner_up| self.below(runner_up.logit))
    }

    /// How far `logit` is below the largest.
    fn below(&self, logit: f32) -> f64 {
        f64::from(self.chosen.logit) - f64::from(logit)
    }

    /// A difference of logits, in spreads. 0 is 0, also in a row without any spread.
    pub(super) fn in_spreads(&self, difference: f64) -> f64 {
        in_spreads(difference, self.spread)
    }

    /// How far a rival's logit is below the largest, in spreads.
    pub(super) fn gap(&self, rival: &Choice) -> f64 {
        self.in_spreads(self.below(rival.logit))
    }
}

/// A difference of logits, in spreads.
pub(super) fn in_spreads(difference: f64, spread: f64) -> f64 {
    match difference == 0.0 {
        true => 0.0,
        false => difference / spread,
    }
}
