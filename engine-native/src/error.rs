//! Why a run fails.

use crate::{kernels::NonFinite, ledger::Op, observer::Observer};

/// Why a run could not start, or stopped early. Do not use the results of such a run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum RunError {
    /// A value is not finite where the contract requires it to be.
    #[error(
        "non-finite value at position {position}{}, op {}: element {} has bits {:#010x}",
        layer.map_or(String::new(), |l| format!(", layer {l}")), op.name(), at.element, at.bits
    )]
    NonFinite {
        position: usize,
        layer: Option<usize>,
        op: Op,
        at: NonFinite,
    },
    /// The observer stopped the work. A session can be used again: the next run starts anew.
    #[error("cancelled")]
    Cancelled,
    /// The prompt is empty.
    #[error("prompt: found 0 tokens, allowed at least 1")]
    EmptyPrompt,
    /// Zero tokens were asked for.
    #[error("tokens to generate: found 0, allowed at least 1")]
    NoTokens,
    /// A prompt id is outside the vocabulary.
    #[error("prompt id {index}: found {found}, allowed 0 to {}", n_vocab - 1)]
    PromptId {
        index: usize,
        found: u32,
        n_vocab: u64,
    },
    /// The run needs more positions than the session or the model has.
    #[error(
        "context: {n_prompt} prompt tokens and {n_generate} to generate need {needed} positions, allowed {allowed}"
    )]
    Context {
        n_prompt: usize,
        n_generate: usize,
        needed: u64,
        allowed: u64,
    },
    /// A part of the prompt that would leave nothing to the first step, or no logits of its own.
    #[error(
        "found {n} tokens to feed ahead, allowed fewer than the {left} that are left of the prompt, \
             and none where logits of every position are wanted"
    )]
    FeedAhead { n: usize, left: usize },
    /// The operating system refused to start the threads.
    #[error("threads: the system does not start {n_threads}: {reason}")]
    Threads { n_threads: usize, reason: String },
    /// The floating-point environment is not IEEE-754 round to nearest with subnormals.
    #[error(
        "floating-point environment of a thread: {0}; the contract needs round to nearest with subnormals kept"
    )]
    FloatEnvironment(&'static str),
}

/// Fails if `observer` wants the work to stop.
pub(crate) fn check_cancelled(observer: &dyn Observer) -> Result<(), RunError> {
    match observer.is_cancelled() {
        true => Err(RunError::Cancelled),
        false => Ok(()),
    }
}

/// Adds to a [`NonFinite`] where it was found.
pub(crate) fn non_finite(
    position: usize,
    layer: Option<usize>,
    op: Op,
) -> impl Fn(NonFinite) -> RunError {
    move |at| RunError::NonFinite {
        position,
        layer,
        op,
        at,
    }
}
