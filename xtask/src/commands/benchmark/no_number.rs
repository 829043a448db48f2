//! Why a run has no number.

use host::failure::RunFailure;

use crate::exit::{Exit, Failure};

/// Why a run has no number.
pub struct NoNumber {
    /// In one line.
    pub failure: Failure,
    /// Whether it computed something wrong: its old receipt does not stand for it any more.
    pub is_wrong: bool,
    /// What is said of its tokens, in a word.
    pub tokens_are: &'static str,
    /// The same line as the row of its engine has it.
    pub row: String,
}

impl From<Failure> for NoNumber {
    fn from(failure: Failure) -> Self {
        Self {
            row: format!("no answer: {failure}"),
            failure,
            is_wrong: false,
            tokens_are: "not given",
        }
    }
}

impl From<RunFailure> for NoNumber {
    fn from(failure: RunFailure) -> Self {
        let is_wrong = failure.is_wrong_result();
        let row = match (&failure, is_wrong) {
            (RunFailure::Rejected { why, .. }, _) => format!("rejected: {why}"),
            (_, true) => format!("rejected: {failure}"),
            (_, false) => failure.to_string(),
        };
        let failure = Failure::from(failure);
        Self {
            tokens_are: match (is_wrong, failure.exit) {
                (true, _) => "rejected",
                (false, Exit::Unverifiable) => "unverifiable",
                (false, _) => "not judged",
            },
            failure,
            is_wrong,
            row,
        }
    }
}
