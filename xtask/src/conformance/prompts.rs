//! Prompts after which the reference's choices are as clear as random weights allow.

use std::sync::Arc;

use engine_native::{
    Architecture, Engine, KernelChoice, KvType, LogitsAt, Model, ModelError, RunError, Session,
    SessionOptions, UnavailableKernels,
};
use host::{task::seeded_prompt, watch::Watch};

use super::{
    case::ChoiceFact,
    models::{Gguf, ModelOf},
};
use crate::make_model::tokenizer::{Style, Tokenizer};

/// Lengths of the prompts: kernels for one position, for a few and for many. The longest goes beyond the
/// original context of the models with YaRN.
const LENGTHS: [usize; 4] = [16, 1, 7, 40];

/// Tokens after each prompt.
pub(super) const N_TOKENS: usize = 6;

/// How far the largest logit is ahead at each of them, in spreads. It is more than the tolerance for engines with a
/// KV cache in f32, so for them no other token is a tie.
const CLEAR: f64 = 0.2;

/// Prompts that are tried for each length.
const N_SEEDS: u64 = 2000;

/// Ids that stand for single bytes.
const N_BYTES: u64 = 256;

/// Why there are no prompts.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum NoPrompt {
    #[error("{0}")]
    Model(#[from] ModelError),
    #[error("{0}")]
    Kernels(#[from] UnavailableKernels),
    #[error("{0}")]
    Run(#[from] RunError),
    #[error("after none of {N_SEEDS} prompts of {0} ids are all choices clear")]
    NoneClear(usize),
}

/// A prompt of each length: the first of its seeds after which every choice is clear with either type of KV cache,
/// and none is a token that ends a text, which some engines never choose. The engine finds them, because it is
/// fast; what is written of them is the reference's.
///
/// # Errors
/// The engine refuses the model, or there is no such prompt.
pub(super) fn clear_prompts(
    model: &ModelOf,
    gguf: &Gguf,
    watch: &Watch,
) -> Result<Vec<Vec<u32>>, NoPrompt> {
    let style = match model.recipe.architecture {
        Architecture::Qwen3 => Style::Qwen3,
        _ => Style::Llama3,
    };
    let n_plain = Tokenizer::new(model.recipe.shape.n_vocab, style).bos_id;
    let loaded = Arc::new(Model::load(gguf.bytes.clone().into(), gguf.layout, watch)?);
    let engine = Engine::new(loaded, KernelChoice::Auto.resolve()?, 1)?;
    let session = |kv_type| {
        engine.session(SessionOptions {
            kv_type,
            logits: LogitsAt::EveryPosition,
            ..SessionOptions::new(LENGTHS[3] + N_TOKENS)
        })
    };
    let (mut f16, mut f32) = (session(KvType::F16)?, session(KvType::F32)?);
    let mut is_clear = |prompt: &[u32]| -> Result<bool, RunError> {
        Ok(are_clear(&mut f16, prompt, n_plain)? && are_clear(&mut f32, prompt, n_plain)?)
    };
    let prompt_of = |length: usize| {
        for seed in 0..N_SEEDS {
            let prompt = seeded_prompt(seed, None, length, N_BYTES);
            if is_clear(&prompt)? {
                return Ok(prompt);
            }
        }
        Err(NoPrompt::NoneClear(length))
    };
    LENGTHS.into_iter().map(prompt_of).collect()
}

/// Whether all choices after a prompt are clear, and of the first `n_plain` tokens.
fn are_clear(session: &mut Session, prompt: &[u32], n_plain: u32) -> Result<bool, RunError> {
    for step in session.generate(prompt, N_TOKENS)? {
        let step = step?;
        let row = step.logits.last().map_or(&[][..], Vec::as_slice);
        let choice = ChoiceFact::of(row, CLEAR);
        if choice.near_tie || choice.token >= n_plain {
            return Ok(false);
        }
    }
    Ok(true)
}
