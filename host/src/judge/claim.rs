//! What another engine says of a run: its tokens and, if it shows them, its largest logits.

/// What an engine chose, and what it says of its logits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Claim<'a> {
    /// The ids that it chose greedily, `[n_generate]`.
    pub tokens: &'a [u32],
    /// For each token, ids and the engine's logits for them, `[n_generate][k]`, the largest logit among them.
    /// A constant may be added to all logits of a position, so log-probabilities do as well.
    pub top_logits: Option<&'a [Vec<(u32, f32)>]>,
    /// Ids that end a text, ascending. An engine that is asked for a number of tokens leaves them out, so a token
    /// is judged against the best of the others, unless it is one of them itself.
    pub ends: &'a [u32],
}

/// Why the logits of a claim cannot be compared with anything.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[allow(missing_docs)]
pub enum BadClaim {
    #[error("found logits for {found} tokens, needed for all {wanted}")]
    Count { found: usize, wanted: usize },
    #[error("at token {index}, logit of id {id}: found {logit}, allowed finite numbers")]
    NotFinite { index: usize, id: u32, logit: f32 },
    #[error("at token {index}: id {id} is there twice")]
    Twice { index: usize, id: u32 },
    #[error("at token {index}: found no logit of the chosen id {id}")]
    NoChoice { index: usize, id: u32 },
    #[error("at token {index}: the chosen id {id} does not have the largest logit, {larger} has")]
    NotGreedy { index: usize, id: u32, larger: u32 },
}

impl<'a> Claim<'a> {
    /// Only tokens.
    pub fn of_tokens(tokens: &'a [u32]) -> Self {
        Self {
            tokens,
            top_logits: None,
            ends: &[],
        }
    }

    /// The logits at `index`; none where the engine gave none.
    pub fn listed(&self, index: usize) -> &'a [(u32, f32)] {
        self.top_logits.map_or(&[], |top| &top[index])
    }

    /// All ids that the claim has.
    pub fn ids(&self) -> impl Iterator<Item = u32> + 'a {
        let listed = self.top_logits.into_iter().flatten().flatten();
        let listed = listed.map(|&(id, _)| id);
        self.tokens.iter().copied().chain(listed)
    }

    /// Whether a text ends with this id.
    pub(crate) fn is_end(&self, id: u32) -> bool {
        self.ends.binary_search(&id).is_ok()
    }

    /// Checks that there are logits for all tokens or for none, and that they are those of a greedy choice.
    ///
    /// # Errors
    /// The first token whose logits cannot be compared.
    pub fn check(&self) -> Result<(), BadClaim> {
        let Some(top) = self.top_logits else {
            return Ok(());
        };
        if top.len() != self.tokens.len() {
            return Err(BadClaim::Count {
                found: top.len(),
                wanted: self.tokens.len(),
            });
        }
        let mut positions = self.tokens.iter().zip(top).enumerate();
        positions
            .try_for_each(|(index, (&chosen, listed))| self.check_position(index, chosen, listed))
    }

    fn check_position(
        &self,
        index: usize,
        chosen: u32,
        listed: &[(u32, f32)],
    ) -> Result<(), BadClaim> {
        let mut ids: Vec<u32> = listed.iter().map(|&(id, _)| id).collect();
        ids.sort_unstable();
        if let Some(pair) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
            let id = pair[0];
            return Err(BadClaim::Twice { index, id });
        }
        if let Some(&(id, logit)) = listed.iter().find(|(_, logit)| !logit.is_finite()) {
            return Err(BadClaim::NotFinite { index, id, logit });
        }
        let Some(&(id, own)) = listed.iter().find(|&&(id, _)| id == chosen) else {
            return Err(BadClaim::NoChoice { index, id: chosen });
        };
        let mut others = listed.iter().filter(|&&(id, _)| !self.is_end(id));
        match others.find(|&&(_, logit)| logit > own) {
            Some(&(larger, _)) => Err(BadClaim::NotGreedy { index, id, larger }),
            None => Ok(()),
        }
    }
}
