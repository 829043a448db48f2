//! Why a run ended without a receipt.

use std::path::PathBuf;

use engine_native::{ModelError, RunError, UnavailableKernels};

use crate::{
    divergence::Divergence,
    input::{OpenError, PromptError},
    machine::MemoryError,
    receipt::MAX_RECEIPT_BYTES,
    sandbox::SandboxError,
};

/// Why a run ended without a receipt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunFailure {
    /// The model cannot be used.
    #[error("{}: {source}", path.display())]
    #[allow(missing_docs)]
    Model { path: PathBuf, source: ModelError },
    /// The requested kernels cannot run on this CPU.
    #[error(transparent)]
    Kernels(#[from] UnavailableKernels),
    /// The native engine could not start, or stopped with an error.
    #[error("native: {0}")]
    Native(RunError),
    /// The reference could not start, or stopped with an error.
    #[error("{0}")]
    Sandbox(SandboxError),
    /// The native engine and the reference read different shapes from the same header.
    #[error("shape: native reads {native}, the reference {reference}")]
    #[allow(missing_docs)]
    Shape { native: String, reference: String },
    /// The native engine and the reference computed different values.
    #[error("parity failed: repetition {repetition}: {divergence}")]
    #[allow(missing_docs)]
    Parity {
        repetition: usize,
        divergence: Divergence,
    },
    /// The tokens of another engine are not those of a right one.
    #[error("{engine}: rejected, so it has no speed: {why}")]
    #[allow(missing_docs)]
    Rejected { engine: String, why: String },
    /// On this model, nobody can tell the tokens of a right engine from those of a wrong one.
    #[error(
        "{engine}: nobody can tell whether its tokens are right, so it has no speed; this model makes too much of \
         rounding: {why}"
    )]
    #[allow(missing_docs)]
    Unclear { engine: String, why: String },
    /// Another engine chose other tokens in another repetition.
    #[error(
        "{engine}: repetition {repetition} has another token than the first repetition at index {token}: a receipt \
         is of one list of tokens"
    )]
    #[allow(missing_docs)]
    Unsteady {
        engine: String,
        repetition: usize,
        token: usize,
    },
    /// What another engine says cannot be judged.
    #[error("the engine's answer: {0}")]
    Claim(String),
    /// Another engine gets the prompt in one piece.
    #[error(
        "--depth: found {depth} for another engine, which is timed over its whole prompt; allowed 0"
    )]
    #[allow(missing_docs)]
    ExternalDepth { depth: usize },
    /// A depth that leaves no prompt to the timed prefill.
    #[error("--depth: found {depth} of the prompt's {n_prompt} ids, allowed fewer than all")]
    #[allow(missing_docs)]
    Depth { depth: usize, n_prompt: usize },
    /// The threads cannot be bound to CPUs.
    #[error("--pin: {0}")]
    Pin(std::io::Error),
    /// The prompt's text cannot be turned into ids.
    #[error(transparent)]
    Prompt(#[from] PromptError),
    /// The run needs more memory than there is.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The receipt would be larger than verifiers accept.
    #[error(
        "receipt: {repetitions} repetitions of {n_generate} tokens may take {bytes} bytes, allowed at \
         most {MAX_RECEIPT_BYTES}, the limit of verifiers; ask for fewer"
    )]
    #[allow(missing_docs)]
    ReceiptTooLarge {
        repetitions: usize,
        n_generate: usize,
        bytes: u64,
    },
    /// The measurement was disturbed, and so was a second one.
    #[error(
        "a verifier would reject the times of two measurements ({0}): other work disturbed them; run \
         again when the machine is quiet"
    )]
    Disturbed(String),
    /// The receipt would break a rule of the verifier.
    #[error("a verifier would reject the receipt ({0}); nothing is written")]
    Refused(String),
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

impl From<SandboxError> for RunFailure {
    fn from(error: SandboxError) -> Self {
        match error {
            SandboxError::Interrupted => Self::Interrupted,
            other => Self::Sandbox(other),
        }
    }
}

impl From<RunError> for RunFailure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Cancelled => Self::Interrupted,
            other => Self::Native(other),
        }
    }
}

impl From<OpenError> for RunFailure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Model { path, source } => Self::Model { path, source },
            OpenError::Memory(error) => Self::Memory(error),
            OpenError::Interrupted => Self::Interrupted,
        }
    }
}

impl RunFailure {
    /// Whether the run computed something wrong. False for a run that was not possible at all.
    pub fn is_wrong_result(&self) -> bool {
        match self {
            Self::Sandbox(error) => error.is_refutation(),
            Self::Native(error) => matches!(error, RunError::NonFinite { .. }),
            Self::Shape { .. }
            | Self::Parity { .. }
            | Self::Rejected { .. }
            | Self::Unsteady { .. }
            | Self::Claim(_) => true,
            _ => false,
        }
    }
}
