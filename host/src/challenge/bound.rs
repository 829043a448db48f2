//! What the challenger's clock says of a receipt.

use std::fmt;

use serde::Serialize;

use super::statement::{ChallengePredicate, RoundRecord};
use crate::{digest::Digest, receipt::per_second};

/// An upper bound on a run's time, and the rates that follow from it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bound {
    /// Nanoseconds from the nonce to the digests of the answer. Prefill, decode and the way there and back
    /// all took place within them.
    pub within_ns: u64,
    /// Prompt ids, those of the depth included.
    pub prompt_tokens: u64,
    /// Generated tokens.
    pub tokens: u64,
    /// Generated tokens ÷ that time, per second: at least so many.
    pub tokens_per_sec: f64,
    /// Number of the round, from 1.
    pub round: usize,
    /// The tightest bound of all rounds, nanoseconds.
    pub tightest_ns: u64,
    /// Number of rounds.
    pub rounds: usize,
    /// The shortest round trip before the rounds, nanoseconds. It is not subtracted.
    pub round_trip_ns: u64,
    /// When the session began, by the challenger's clock: RFC 3339, UTC.
    pub begun: String,
    /// The challenger's keyid.
    pub challenger: Digest,
    /// Whether the challenger replayed every round.
    pub replayed_by_challenger: bool,
}

impl Bound {
    /// The bound of a round, by its place.
    pub(crate) fn of(predicate: &ChallengePredicate, place: usize, challenger: Digest) -> Self {
        let RoundRecord {
            answered_after_ns, ..
        } = predicate.rounds[place];
        let terms = &predicate.terms;
        let all = predicate.rounds.iter().map(|r| r.answered_after_ns);
        Self {
            within_ns: answered_after_ns,
            prompt_tokens: terms.prompt_tokens,
            tokens: terms.tokens,
            tokens_per_sec: rate(terms.tokens, answered_after_ns),
            round: place + 1,
            tightest_ns: all.min().unwrap_or(answered_after_ns),
            rounds: predicate.rounds.len(),
            round_trip_ns: predicate.round_trip_ns,
            begun: predicate.begun.clone(),
            challenger,
            replayed_by_challenger: predicate.replayed,
        }
    }
}

fn rate(tokens: u64, ns: u64) -> f64 {
    per_second(tokens, ns.max(1)).unwrap_or(0.0)
}

/// "at least 41.2 tokens/s, by the challenger's clock: …"
impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let ms = |ns: u64| ns as f64 / 1e6;
        write!(
            f,
            "at least {:.1} tokens/s, by the challenger's clock: {} tokens after a prompt of {} within {:.3} ms, \
             a round trip of {:.3} ms included",
            self.tokens_per_sec,
            self.tokens,
            self.prompt_tokens,
            ms(self.within_ns),
            ms(self.round_trip_ns),
        )?;
        match (self.rounds, self.within_ns == self.tightest_ns) {
            (1, _) => Ok(()),
            (n, true) => write!(f, "; the tightest of {n} rounds"),
            (n, false) => write!(
                f,
                "; round {} of {n}, of which the tightest took {:.3} ms, at least {:.1} tokens/s",
                self.round,
                ms(self.tightest_ns),
                rate(self.tokens, self.tightest_ns)
            ),
        }
    }
}
