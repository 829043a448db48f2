//! An answer while it comes: tokens are checked and timed one by one.

use std::time::Instant;

use super::{
    engine::{Answer, Reported, Request, Sums},
    failure::Cause,
    times::Times,
};

/// What came of an answer.
pub(super) struct Progress<'a> {
    request: &'a Request<'a>,
    n_vocab: u32,
    times: Times,
    /// Tokens that arrived, of which some ids may not be known yet.
    n_arrived: usize,
    tokens: Vec<u32>,
    top_logits: Vec<Vec<(u32, f32)>>,
    sums: Vec<Sums>,
}

impl<'a> Progress<'a> {
    /// Of a request that was sent at `asked`.
    pub(super) fn new(request: &'a Request<'a>, n_vocab: u32, asked: Instant) -> Self {
        Self {
            request,
            n_vocab,
            times: Times::since(asked),
            n_arrived: 0,
            tokens: Vec::new(),
            top_logits: Vec::new(),
            sums: Vec::new(),
        }
    }

    /// How many tokens are asked for.
    pub(super) fn n_asked(&self) -> usize {
        self.request.n
    }

    /// Where it is, for messages.
    pub(super) fn when(&self) -> String {
        after(self.n_arrived, self.request.n)
    }

    /// Notes that a token arrived.
    pub(super) fn token(&mut self, id: i64, at: Instant) -> Result<(), Cause> {
        let id = self.id(id)?;
        self.arrived(1, at)?;
        self.tokens.push(id);
        Ok(())
    }

    /// Notes that `n` tokens arrived, whose ids are not known yet.
    pub(super) fn arrived(&mut self, n: usize, at: Instant) -> Result<(), Cause> {
        self.check_count(self.n_arrived + n)?;
        self.n_arrived += n;
        self.times.arrived(n, at);
        Ok(())
    }

    /// Takes the ids of all tokens, whose arrival was noted.
    pub(super) fn ids(&mut self, ids: &[i64]) -> Result<(), Cause> {
        self.tokens = ids
            .iter()
            .map(|&id| self.id(id))
            .collect::<Result<_, _>>()?;
        Ok(())
    }

    /// Checks that `n` tokens are not too many.
    pub(super) fn check_count(&self, n: usize) -> Result<(), Cause> {
        let asked = self.request.n;
        match n > asked {
            true => Err(Cause::BadAnswer(format!(
                "it chose more tokens than the {asked} that were asked for"
            ))),
            false => Ok(()),
        }
    }

    /// Takes the largest logits at the token that came last.
    pub(super) fn top_logits(&mut self, top: Vec<(i64, f32)>) -> Result<(), Cause> {
        let checked = top.into_iter().map(|(id, logit)| match logit.is_finite() {
            true => Ok((self.id(id)?, logit)),
            false => Err(Cause::BadAnswer(format!(
                "found {logit} as a logit {}",
                self.when()
            ))),
        });
        let mut top = checked.collect::<Result<Vec<_>, _>>()?;
        if self.request.top_logits == 0 {
            return Ok(());
        }
        // Largest first, and of equal ones the lower id, whatever the order of the engine.
        top.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        top.truncate(self.request.top_logits);
        // Whatever else the engine sent takes no room.
        top.shrink_to_fit();
        // One list too many is enough for `end` to see that there are too many. More would only take room.
        if self.top_logits.len() <= self.request.n {
            self.top_logits.push(top);
        }
        Ok(())
    }

    /// Takes integer sums.
    pub(super) fn sums(&mut self, sums: Sums) -> Result<(), Cause> {
        let is_asked = self.request.sums.iter().any(|s| s.tensor == sums.tensor);
        match is_asked && self.sums.iter().all(|s| s.tensor != sums.tensor) {
            true => {
                self.sums.push(sums);
                Ok(())
            }
            false => Err(Cause::BadAnswer(format!(
                "found sums of {:?}, which were not asked for, or twice",
                sums.tensor
            ))),
        }
    }

    /// Checks that an id is one of the vocabulary.
    pub(super) fn id(&self, id: i64) -> Result<u32, Cause> {
        let valid = u32::try_from(id).ok().filter(|&id| id < self.n_vocab);
        valid.ok_or_else(|| {
            let (n, when) = (self.n_vocab, self.when());
            Cause::BadAnswer(format!("found id {id} {when}, allowed are ids below {n}"))
        })
    }

    /// The answer, now that it is whole.
    pub(super) fn end(self, reported: Option<Reported>) -> Result<Answer, Cause> {
        let (found, asked) = (self.tokens.len(), self.request.n);
        if found != asked {
            return Err(Cause::BadAnswer(format!(
                "it chose {found} tokens, {asked} were asked for; the end of a text must not end it"
            )));
        }
        let none = || Cause::BadAnswer("found no tokens".into());
        let steps = self.times.steps().ok_or_else(none)?;
        // Where a server keeps tokens back, it keeps their logits back for good.
        let has_all = self.request.top_logits > 0 && self.top_logits.len() == found;
        let top_logits = has_all.then_some(self.top_logits);
        Ok(Answer {
            tokens: self.tokens,
            first_ns: steps.first_ns,
            step_ns: steps.step_ns,
            joined: steps.joined,
            top_logits,
            sums: self.sums,
            reported,
        })
    }
}

/// How far an answer has come, for messages.
pub(super) fn after(n: usize, asked: usize) -> String {
    format!("after {n} of {asked} tokens")
}
