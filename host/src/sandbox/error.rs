//! Why the sandbox has no answer.

/// Why the guest did not answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum SandboxError {
    /// The guest refused the file.
    #[error("{0}")]
    Refused(String),
    /// The model or the task needs more memory than the sandbox gives.
    #[error("reference: {0}")]
    TooLarge(String),
    /// The guest met a value that is not finite.
    #[error("reference: {0}")]
    NonFinite(String),
    /// The guest's calls do not fit together: a defect of host or guest.
    #[error("reference: {0}")]
    Protocol(String),
    /// The guest trapped: out of fuel, memory or bounds.
    #[error("reference trapped: {0}")]
    Trap(String),
    /// The run was interrupted.
    #[error("interrupted")]
    Interrupted,
}

impl SandboxError {
    /// Whether the reference has an answer, and it is no: the file is refused, or a value is not
    /// finite. Anything else says nothing about the run.
    pub fn is_refutation(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::NonFinite(_))
    }
}
