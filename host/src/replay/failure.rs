//! What a replay that failed says of the receipt.

use crate::{sandbox::SandboxError, verify::ReplayFailure};

impl SandboxError {
    /// What a replay that ended with this error says of the receipt.
    ///
    /// # Errors
    /// Nothing, because it was interrupted, the file cannot be read, or this machine has no memory
    /// for it.
    pub fn into_replay_failure(self) -> Result<ReplayFailure, Self> {
        match self {
            Self::Interrupted | Self::Memory(_) | Self::File(_) => Err(self),
            _ if self.is_refutation() => Ok(ReplayFailure::Refuted(self.to_string())),
            _ => Ok(ReplayFailure::Unanswered(self.to_string())),
        }
    }
}
