//! Tokens that another engine chose, judged by the reference: would it have chosen them?
//!
//! Other engines compute in another order and with other roundings, so a choice between two logits
//! that are nearly equal may fall either way. How near is the transcript's or the verifier's to declare;
//! whatever it is, such a choice is never counted as right.

use std::{num::NonZeroUsize, sync::Arc};

use engine_native::{KvType, Model};
use serde::{Deserialize, Serialize};

use crate::{
    claimed_run::ClaimedRun,
    receipt::parse_kv_type_name,
    replay::{Margin, ReplayProgress, margins},
    sandbox::{ModelInput, Sandbox, SandboxError},
    task::Task,
    verify::Conclusion,
};

/// What another engine chose; `ci/TRANSCRIPT.md` describes the file.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalTranscript {
    /// 1.
    pub version: u64,
    /// Ids fed first.
    pub prompt_ids: Vec<u32>,
    /// Ids chosen greedily after them.
    pub tokens: Vec<u32>,
    /// "f16", the default, or "f32": elements of the KV cache.
    #[serde(default)]
    pub kv_type: Option<String>,
    /// Logits that differ by no more are a tie; 0 without it.
    #[serde(default)]
    pub logit_tolerance: Option<f64>,
    /// Who says so.
    #[serde(default)]
    pub engine: Option<String>,
    /// How fast it was, by its own word.
    #[serde(default)]
    pub tokens_per_sec: Option<f64>,
}

/// A transcript file may not be larger.
pub const MAX_TRANSCRIPT_BYTES: u64 = 16 << 20;

/// Why bytes are no transcript.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum NotATranscript {
    #[error("found more bytes than a transcript has, allowed at most {MAX_TRANSCRIPT_BYTES}")]
    TooLarge,
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("{key}: found {found}, allowed {allowed}")]
    Value {
        key: &'static str,
        found: String,
        allowed: &'static str,
    },
}

impl ExternalTranscript {
    /// From the bytes of a JSON file.
    ///
    /// # Errors
    /// They are none, or say something that makes no sense.
    pub fn read(bytes: &[u8]) -> Result<Self, NotATranscript> {
        if bytes.len() as u64 > MAX_TRANSCRIPT_BYTES {
            return Err(NotATranscript::TooLarge);
        }
        let transcript: Self = serde_json::from_slice(bytes)?;
        let value = |key, found: &dyn std::fmt::Debug, allowed| NotATranscript::Value {
            key,
            found: format!("{found:?}"),
            allowed,
        };
        if transcript.version != 1 {
            return Err(value("version", &transcript.version, "1"));
        }
        for (key, ids) in [
            ("prompt_ids", &transcript.prompt_ids),
            ("tokens", &transcript.tokens),
        ] {
            if ids.is_empty() {
                return Err(value(key, ids, "at least one id"));
            }
        }
        if transcript.kv_type().is_none() {
            return Err(value("kv_type", &transcript.kv_type, "\"f16\" or \"f32\""));
        }
        for (key, x) in [
            ("logit_tolerance", transcript.logit_tolerance),
            ("tokens_per_sec", transcript.tokens_per_sec),
        ] {
            if x.is_some_and(|x| !x.is_finite() || x < 0.0) {
                return Err(value(key, &x, "numbers from 0 on"));
            }
        }
        Ok(transcript)
    }

    fn kv_type(&self) -> Option<KvType> {
        match &self.kv_type {
            None => Some(KvType::default()),
            Some(name) => parse_kv_type_name(name),
        }
    }

    /// What the reference replays.
    pub fn task(&self) -> Task {
        Task {
            prompt: self.prompt_ids.clone(),
            n_generate: self.tokens.len(),
            kv_type: self.kv_type().unwrap_or_default(),
            challenge: None,
        }
    }
}

/// What the reference says of a token.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct TokenVerdict {
    /// Its place in `tokens`.
    pub index: usize,
    /// The token.
    pub found: u32,
    /// What the reference chooses there.
    pub chosen: u32,
    /// By how much the reference's logit of the token is below its largest.
    pub deficit: f64,
    /// By how much its largest logit is above all others; none in a vocabulary of one.
    pub lead: Option<f64>,
}

/// What the reference says of a transcript.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Judgement {
    /// Rejected for a wrong token, else unverifiable for a near tie, else accepted.
    pub conclusion: Conclusion,
    /// Logits that differ by no more are a tie.
    pub logit_tolerance: f64,
    /// The first token that the reference would not have chosen.
    pub first_wrong: Option<TokenVerdict>,
    /// Choices between logits within the tolerance.
    pub near_ties: usize,
    /// The first of them.
    pub first_near_tie: Option<TokenVerdict>,
    /// Every token.
    pub tokens: Vec<TokenVerdict>,
}

/// Replays `transcript` with up to `guests` guests at once.
///
/// # Errors
/// The guest refuses the file or a value, or was interrupted.
pub fn judge(
    transcript: &ExternalTranscript,
    tolerance: f64,
    sandbox: &Sandbox,
    model: &Arc<Model>,
    guests: NonZeroUsize,
    progress: ReplayProgress,
) -> Result<Judgement, SandboxError> {
    let (task, tokens) = (transcript.task(), &transcript.tokens[..]);
    let claimed = ClaimedRun::new(model, &task, tokens, guests);
    let guesses = claimed.as_ref().map(ClaimedRun::guesses);
    let input = ModelInput::from(&**model);
    let margins = margins(sandbox, input, &task, tokens, guesses, progress)?;
    Ok(Judgement::of(&margins, tolerance))
}

impl Judgement {
    fn of(margins: &[Margin], tolerance: f64) -> Self {
        let verdicts = margins.iter().enumerate();
        let tokens: Vec<_> = verdicts
            .map(|(i, margin)| TokenVerdict::of(i, margin))
            .collect();
        let is_wrong = |t: &&TokenVerdict| t.deficit > tolerance;
        // Another choice within the tolerance is one of two that are near.
        let is_near = |t: &&TokenVerdict| {
            !is_wrong(t) && (t.found != t.chosen || t.lead.is_some_and(|lead| lead <= tolerance))
        };
        let first_wrong = tokens.iter().find(is_wrong).copied();
        let first_near_tie = tokens.iter().find(is_near).copied();
        Self {
            conclusion: match (first_wrong, first_near_tie) {
                (Some(_), _) => Conclusion::Rejected,
                (None, Some(_)) => Conclusion::Unverifiable,
                (None, None) => Conclusion::Accepted,
            },
            logit_tolerance: tolerance,
            first_wrong,
            near_ties: tokens.iter().filter(is_near).count(),
            first_near_tie,
            tokens,
        }
    }
}

impl TokenVerdict {
    fn of(index: usize, margin: &Margin) -> Self {
        Self {
            index,
            found: margin.claimed.token,
            chosen: margin.chosen.token,
            deficit: margin.deficit(),
            lead: Some(margin.lead()).filter(|lead| lead.is_finite()),
        }
    }
}

#[cfg(test)]
mod tests {
    use engine_native::Choice;

    use super::*;

    /// A choice of token 1 with logit 10, a runner-up, and a claim.
    fn margin(runner_up: f32, claimed: (u32, f32)) -> Margin {
        let choice = |(token, logit)| Choice { token, logit };
        Margin {
            chosen: choice((1, 10.0)),
            runner_up: Some(runner_up),
            claimed: choice(claimed),
        }
    }

    const CLEAR: (u32, f32) = (1, 10.0);

    #[test]
    fn the_tolerance_ends_where_it_says() {
        let conclusion =
            |margins: &[Margin], tolerance| Judgement::of(margins, tolerance).conclusion;
        let right = margin(9.5, CLEAR);
        assert_eq!(conclusion(&[right], 0.0), Conclusion::Accepted);
        assert_eq!(conclusion(&[right], 0.4999), Conclusion::Accepted);
        assert_eq!(conclusion(&[right], 0.5), Conclusion::Unverifiable);
        let other = margin(9.5, (3, 9.5));
        assert_eq!(conclusion(&[other], 0.4999), Conclusion::Rejected);
        assert_eq!(conclusion(&[other], 0.5), Conclusion::Unverifiable);
        // An exact tie: the contract takes the lower id, another engine need not.
        let tie = margin(10.0, (3, 10.0));
        assert_eq!(conclusion(&[tie], 0.0), Conclusion::Unverifiable);
    }

    #[test]
    fn a_wrong_token_outweighs_near_ties_before_it() {
        let near = margin(9.9, CLEAR);
        let wrong = margin(9.0, (4, 2.0));
        let judgement = Judgement::of(&[margin(5.0, CLEAR), near, wrong, near, wrong], 0.2);
        assert_eq!(judgement.conclusion, Conclusion::Rejected);
        let first = judgement.first_wrong.unwrap();
        assert_eq!((first.index, first.found, first.chosen), (2, 4, 1));
        assert_eq!(first.deficit, 8.0);
        assert_eq!(judgement.near_ties, 2);
        assert_eq!(judgement.first_near_tie.unwrap().index, 1);
    }

    #[test]
    fn no_tolerance_makes_a_wrong_token_right() {
        let wrong = margin(9.0, (4, -1e30));
        for tolerance in [0.0, 1.0, 1e300] {
            let conclusion = Judgement::of(&[wrong], tolerance).conclusion;
            assert_ne!(conclusion, Conclusion::Accepted, "{tolerance}");
        }
    }
}
