//! What the reference says of a claim, before any tolerance.

use super::margin::Margin;

/// How the reference's logits rank what an engine claims.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// For each token, `[n_generate]`.
    pub margins: Vec<Margin>,
    /// How much the model makes of rounding ([`super::Sensitivity`]); `None` if nobody measured it.
    pub sensitivity: Option<f64>,
}
