//! Why a run of another engine is rejected.

use std::fmt;

use super::{
    ties::Ties,
    tolerance::{Limit, shown},
    values::Values,
    verdict::TokenVerdict,
};

/// What a right engine does not do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mistake {
    /// A token whose logit is beyond the tolerance below the largest.
    Token(TokenVerdict, Limit),
    /// Logits beyond the tolerance, at the choice of a token.
    Logits(TokenVerdict, Limit),
    /// More ties than noise explains.
    Ties(Ties),
    /// Logits that are further off on average than a right engine's.
    Values(Values, Limit),
}

impl Mistake {
    /// Of a token that is beyond `limit`.
    pub(super) fn of(token: TokenVerdict, limit: Limit) -> Self {
        match limit.covers(token.deficit_in_spreads()) {
            true => Self::Logits(token, limit),
            false => Self::Token(token, limit),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Token(token, limit) => write!(
                f,
                "first wrong token {}: found {}, the reference chooses {}, whose logit is {:.6} higher ({:.4} \
                 spreads, allowed {})",
                token.index,
                token.found,
                token.chosen,
                token.deficit,
                token.deficit_in_spreads(),
                shown(limit.spreads),
            ),
            Self::Logits(token, limit) => write!(
                f,
                "first wrong logits at token {}: off by {:.4} spreads, allowed {}",
                token.index,
                token.deviation.unwrap_or_default(),
                shown(limit.value),
            ),
            Self::Ties(ties) => write!(
                f,
                "too many ties: {} of {} close decisions made otherwise, a right engine makes at most {}",
                ties.found, ties.close, ties.allowed,
            ),
            Self::Values(values, limit) => write!(
                f,
                "logits off by {:.4} spreads (root mean square), a right engine's by at most {}",
                values.rms,
                shown(limit.values_rms),
            ),
        }
    }
}
