//! The challenger's side of a session: which message may come when, and what it may say.

use super::{
    answer::{check_round, check_terms, check_times},
    messages::Commitment,
    statement::{CHALLENGE_CLAIM, ChallengePredicate, ChallengeStatement, MAX_ROUNDS, RoundRecord},
    terms::Terms,
};
use crate::{digest::Digest, receipt::Receipt, task::Challenge};

/// Why a message is refused. It changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Of what it says.
    #[error("{0}")]
    Content(String),
    /// It comes too early, too late or twice.
    #[error("{0}")]
    Order(String),
}

/// A session. Times are nanoseconds of one monotonic clock, the challenger's.
#[derive(Debug, Clone)]
pub struct Session {
    terms: Terms,
    n_rounds: usize,
    longest_wait_ns: u64,
    round_trip_ns: Option<u64>,
    rounds: Vec<Round>,
}

#[derive(Debug, Clone)]
struct Round {
    nonce: Challenge,
    asked_at_ns: u64,
    answer: Option<Answer>,
}

#[derive(Debug, Clone, Copy)]
struct Answer {
    after_ns: u64,
    commitment: Commitment,
    receipt_file: Option<Digest>,
}

impl Session {
    /// Begins a session of `n_rounds` rounds. An answer may take at most `longest_wait_ns`.
    ///
    /// # Errors
    /// There are no such terms, or no rounds or too many.
    pub fn new(terms: Terms, n_rounds: usize, longest_wait_ns: u64) -> Result<Self, Refusal> {
        terms
            .check()
            .map_err(|e| Refusal::Content(format!("terms: {e}")))?;
        if !(1..=MAX_ROUNDS).contains(&n_rounds) {
            return Err(Refusal::Content(format!(
                "rounds: found {n_rounds}, allowed 1 to {MAX_ROUNDS}"
            )));
        }
        Ok(Self {
            terms,
            n_rounds,
            longest_wait_ns,
            round_trip_ns: None,
            rounds: Vec::new(),
        })
    }

    /// The terms.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// A round trip took so long.
    pub fn went_there_and_back(&mut self, ns: u64) {
        let shortest = self.round_trip_ns.map_or(ns, |known| known.min(ns));
        self.round_trip_ns = Some(shortest);
    }

    /// Begins the next round at `now_ns`, with a nonce that nobody knew before. Returns its number, from 1.
    ///
    /// # Errors
    /// All rounds are given, the round before has no answer, or no round trip was measured.
    pub fn ask(&mut self, nonce: Challenge, now_ns: u64) -> Result<usize, Refusal> {
        let n = self.rounds.len();
        if self.round_trip_ns.is_none() {
            return Err(Refusal::Order("no round trip was measured yet".into()));
        }
        if self.rounds.last().is_some_and(|last| last.answer.is_none()) {
            return Err(Refusal::Order(format!("round {n} has no answer yet")));
        }
        if n == self.n_rounds {
            return Err(Refusal::Order(format!("all {n} rounds are given")));
        }
        self.rounds.push(Round {
            nonce,
            asked_at_ns: now_ns,
            answer: None,
        });
        Ok(n + 1)
    }

    /// Takes the commitment for a round, which was there at `now_ns`. Returns the nanoseconds since its nonce.
    ///
    /// # Errors
    /// There is no such round, it has an answer, or it is too late for one.
    pub fn answer(
        &mut self,
        round: usize,
        commitment: Commitment,
        now_ns: u64,
    ) -> Result<u64, Refusal> {
        let longest_ns = self.longest_wait_ns;
        let found = self.round(round)?;
        if found.answer.is_some() {
            return Err(Refusal::Order(format!("round {round} has an answer")));
        }
        // At least 1, as all times: a clock may be coarse.
        let after_ns = now_ns.saturating_sub(found.asked_at_ns).max(1);
        if after_ns > longest_ns {
            return Err(Refusal::Order(format!(
                "round {round}: answered after {} s, allowed {} s",
                after_ns / 1_000_000_000,
                longest_ns / 1_000_000_000
            )));
        }
        found.answer = Some(Answer {
            after_ns,
            commitment,
            receipt_file: None,
        });
        Ok(after_ns)
    }

    /// Takes the receipt of a round, in a file with the digest `file`.
    ///
    /// # Errors
    /// The round has no answer yet, or a receipt; or this is not the receipt of its answer.
    pub fn receipt(
        &mut self,
        round: usize,
        receipt: &Receipt,
        file: Digest,
    ) -> Result<(), Refusal> {
        let terms = self.terms.clone();
        let found = self.round(round)?;
        let record = found.record();
        let (Some(record), Some(answer)) = (record, &mut found.answer) else {
            return Err(Refusal::Order(format!(
                "round {round}: the digests come before the receipt"
            )));
        };
        if answer.receipt_file.is_some() {
            return Err(Refusal::Order(format!("round {round} has a receipt")));
        }
        check_terms(receipt, &terms)
            .and_then(|()| check_round(receipt, &record))
            .and_then(|()| check_times(receipt, &record))
            .map_err(|why| Refusal::Content(format!("round {round}: {why}")))?;
        answer.receipt_file = Some(file);
        Ok(())
    }

    fn round(&mut self, number: usize) -> Result<&mut Round, Refusal> {
        let place = number.checked_sub(1);
        let found = place.and_then(|place| self.rounds.get_mut(place));
        found.ok_or_else(|| Refusal::Order(format!("there is no round {number} yet")))
    }

    /// The nonce of a round.
    pub fn nonce(&self, round: usize) -> Option<&Challenge> {
        Some(&self.rounds.get(round.checked_sub(1)?)?.nonce)
    }

    /// The number of rounds that have a receipt, and of all.
    pub fn progress(&self) -> (usize, usize) {
        let has_receipt = |round: &&Round| round.answer.is_some_and(|a| a.receipt_file.is_some());
        (
            self.rounds.iter().filter(has_receipt).count(),
            self.n_rounds,
        )
    }

    /// The statement about all rounds. `begun` is RFC 3339; `replayed` says whether every receipt was
    /// replayed and found right.
    ///
    /// # Errors
    /// A round has no receipt yet.
    pub fn statement(&self, begun: String, replayed: bool) -> Result<ChallengeStatement, Refusal> {
        let files = self.rounds.iter().map(|r| r.answer?.receipt_file);
        let files: Option<Vec<Digest>> = files.collect();
        let records = self.rounds.iter().map(Round::record);
        let records: Option<Vec<RoundRecord>> = records.collect();
        let (Some(files), Some(rounds), Some(round_trip_ns)) = (files, records, self.round_trip_ns)
        else {
            return Err(missing(self.progress()));
        };
        if rounds.len() != self.n_rounds {
            return Err(missing(self.progress()));
        }
        let predicate = ChallengePredicate {
            claim: CHALLENGE_CLAIM.into(),
            terms: self.terms.clone(),
            begun,
            round_trip_ns,
            replayed,
            rounds,
        };
        Ok(ChallengeStatement::new(&files, predicate))
    }
}

fn missing((found, of): (usize, usize)) -> Refusal {
    Refusal::Order(format!("found {found} receipts of {of} rounds"))
}

impl Round {
    fn record(&self) -> Option<RoundRecord> {
        let answer = self.answer?;
        Some(RoundRecord {
            nonce: self.nonce.clone(),
            answered_after_ns: answer.after_ns,
            commitment: answer.commitment,
        })
    }
}
