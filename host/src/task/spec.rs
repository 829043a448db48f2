//! The task of a run: what is decoded.

use engine_native::{KvType, ModelShape, Op};

use super::{challenge::Challenge, seeded_prompt::warm_up_prompt, transcript::TranscriptStart};
use crate::digest::Digest;

/// One greedy decode with all its parameters. The native engine and the reference compute the same
/// values for it, bit for bit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Prompt ids.
    pub prompt: Vec<u32>,
    /// Number of prompt ids that are fed before the clock starts. It changes no result.
    pub depth: usize,
    /// Number of tokens to generate, at least 1.
    pub n_generate: usize,
    /// Element type of the KV cache.
    pub kv_type: KvType,
    /// The challenge that the prompt is derived from, if any.
    pub challenge: Option<Challenge>,
}

impl Task {
    /// A task of the same length with another prompt.
    pub fn warm_up(&self, n_vocab: u64) -> Self {
        Self {
            prompt: warm_up_prompt(&self.prompt, n_vocab),
            ..self.clone()
        }
    }

    /// Number of positions that are fed; the last token is chosen, but not fed.
    pub fn n_positions(&self) -> usize {
        self.prompt.len() + self.n_generate - 1
    }

    /// The multiply-accumulates of the task on a model of this shape, which progress is measured
    /// in.
    pub fn work(&self, shape: &ModelShape) -> u64 {
        let (n_positions, n_choices) = (self.n_positions() as u64, self.n_generate as u64);
        Op::run_work(shape, n_positions, n_choices).unwrap_or(u64::MAX)
    }

    /// Whether a token is chosen at `position`.
    pub fn chooses_at(&self, position: usize) -> bool {
        position + 1 >= self.prompt.len()
    }

    /// The tokens that are fed if `tokens` are chosen: the prompt, then all of them but the last.
    pub fn inputs<'a>(&'a self, tokens: &'a [u32]) -> impl Iterator<Item = u32> + 'a {
        let chosen = &tokens[..tokens.len().min(self.n_generate - 1)];
        self.prompt.iter().chain(chosen).copied()
    }

    /// The start of the task's transcript on the model with the digest `model`.
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
    /// The options of a session with room for the task.
    pub fn session_options(&self) -> engine_native::SessionOptions {
        engine_native::SessionOptions {
            kv_type: self.kv_type,
            logits: engine_native::LogitsAt::ChoosingPositions,
            ..engine_native::SessionOptions::new(self.n_positions())
        }
    }
}
