//! What is decoded.

use engine_native::{KvType, ModelShape, Op};

use super::{challenge::Challenge, seeded_prompt::warm_up_prompt, transcript::TranscriptStart};
use crate::digest::Digest;

/// One decode, fully determined: native engine and reference compute exactly this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Prompt ids.
    pub prompt: Vec<u32>,
    /// Tokens to generate, at least 1.
    pub n_generate: usize,
    /// Element type of the KV cache.
    pub kv_type: KvType,
    /// The challenge that the prompt is derived from, if any.
    pub challenge: Option<Challenge>,
}

impl Task {
    /// A run of the same length with another prompt.
    pub fn warm_up(&self, n_vocab: u64) -> Self {
        Self {
            prompt: warm_up_prompt(&self.prompt, n_vocab),
            ..self.clone()
        }
    }

    /// Positions that are fed: the last token is chosen, not fed.
    pub fn n_positions(&self) -> usize {
        self.prompt.len() + self.n_generate - 1
    }

    /// Multiply-accumulates of the task on a model of this shape: a measure of progress.
    pub fn work(&self, shape: &ModelShape) -> u64 {
        let (n_positions, n_choices) = (self.n_positions() as u64, self.n_generate as u64);
        Op::run_work(shape, n_positions, n_choices).unwrap_or(u64::MAX)
    }

    /// Whether a token is chosen at `position`.
    pub fn chooses_at(&self, position: usize) -> bool {
        position + 1 >= self.prompt.len()
    }

    /// The tokens fed when `tokens` are the ones chosen.
    pub fn inputs<'a>(&'a self, tokens: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
        let chosen = &tokens[..tokens.len().min(self.n_generate - 1)];
        self.prompt.iter().chain(chosen).copied()
    }

    /// Where the task's transcript starts.
    pub fn transcript_start(&self, model: Digest) -> TranscriptStart<'_> {
        TranscriptStart {
            model,
            kv_type: self.kv_type,
            challenge: self.challenge.as_ref().map_or(&[], Challenge::bytes),
            prompt: &self.prompt,
            n_generate: self.n_generate,
        }
    }
}

#[cfg(feature = "run")]
impl Task {
    /// The session that fits the task.
    pub fn session_options(&self) -> engine_native::SessionOptions {
        engine_native::SessionOptions {
            kv_type: self.kv_type,
            logits: engine_native::LogitsAt::ChoosingPositions,
            ..engine_native::SessionOptions::new(self.n_positions())
        }
    }
}
