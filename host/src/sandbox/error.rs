//! Errors of the sandbox.

/// Why a call into the guest returned no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum SandboxError {
    /// The guest rejects the file.
    #[error("{0}")]
    Refused(String),
    /// The model or the task needs more memory than the sandbox allows.
    #[error("reference: {0}")]
    TooLarge(String),
    /// The guest computed a value that is not finite.
    #[error("reference: {0}")]
    NonFinite(String),
    /// Host and guest misunderstand each other, because of a bug in one of them.
    #[error("reference: {0}")]
    Protocol(String),
    /// The guest trapped: it ran out of fuel or memory, or accessed memory out of bounds.
    #[error("reference trapped: {0}")]
    Trap(String),
    /// The machine has no memory or no addresses for the guest.
    #[error("memory of the sandbox: {0}; free some memory, or raise its limits (ulimit -v, -d)")]
    Memory(String),
    /// The model file cannot be read.
    #[error("the model file cannot be read: {0}")]
    File(String),
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted,
}

impl SandboxError {
    /// Whether the error refutes the run: the reference rejects the file, or a value is not finite.
    /// All other errors say nothing about the run.
    pub fn is_refutation(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::NonFinite(_))
    }
}
