//! Why a run of another engine is rejected.

use std::fmt;

use super::{ties::Ties, tolerance::Tolerance, values::Values, verdict::TokenVerdict};

/// What a right engine does not do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mistake {
    /// A token whose logit is beyond the tolerance below the largest.
    Token(TokenVerdict, Tolerance),
    /// Logits beyond the tolerance, at the choice of a token.
    Logits(TokenVerdict, Tolerance),
    /// More ties than noise explains.
    Ties(Ties),
    /// Logits that are further off on average than a right engine's.
    Values(Values, Tolerance),
}

impl Mistake {
    /// Of a token that is wrong.
    pub(super) fn of(token: TokenVerdict, tolerance: Tolerance) -> Self {
        match tolerance.covers(token.deficit_in_spreads()) {
            true => Self::Logits(token, tolerance),
            false => Self::Token(token, tolerance),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Token(token, tolerance) => write!(
                f,
                "first wrong token {}: found {}, the reference chooses {} (logit {:.6} or {:.4} spreads higher, \
                 tolerance {})",
                token.index,
                token.found,
                token.chosen,
                token.deficit,
                token.deficit_in_spreads(),
                tolerance.spreads(),
            ),
            Self::Logits(token, tolerance) => write!(
                f,
                "first wrong logits at token {}: off by {:.4} spreads, tolerance {}",
                token.index,
                token.deviation.unwrap_or_default(),
                tolerance.spreads(),
            ),
            Self::Ties(ties) => write!(
                f,
                "too many ties: {} of {} close decisions made otherwise, a right engine makes at most {}",
                ties.found, ties.close, ties.allowed,
            ),
            Self::Values(values, tolerance) => write!(
                f,
                "logits off by {:.4} spreads (root mean square), a right engine's by at most {:.4}",
                values.rms,
                tolerance.noise(),
            ),
        }
    }
}
