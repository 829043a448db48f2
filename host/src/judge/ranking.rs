//! What the reference says of a claim, before any tolerance.

use super::margin::Margin;

/// How the reference's logits rank what an engine claims.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// For each token, `[n_generate]`.
    pub margins: Vec<Margin>,
    /// How much the model makes of rounding, in spreads: the root mean square by which the differences between
    /// its largest logits move when its KV cache is in f16 instead of f32. `None` if nobody measured it.
    pub sensitivity: Option<f64>,
}
