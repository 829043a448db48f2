//! Why a run has no number.

use host::failure::RunFailure;

use crate::exit::Failure;

/// Why a run has no number.
pub struct NoNumber {
    /// In one line.
    pub failure: Failure,
    /// Whether it computed something wrong: its old receipt does not stand for it any more.
    pub is_wrong: bool,
}

impl From<Failure> for NoNumber {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            is_wrong: false,
        }
    }
}

impl From<RunFailure> for NoNumber {
    fn from(failure: RunFailure) -> Self {
        Self {
            is_wrong: failure.is_wrong_result(),
            failure: failure.into(),
        }
    }
}
