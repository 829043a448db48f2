//! A verdict as programs read it, and what it says of a model that is missing.

use std::time::SystemTime;

use serde::Serialize;

use super::{
    explain::Explanation, retimed::Retimed, svr::SimpleVerificationResult, verdict::Verdict,
};
use crate::{digest::Digest, receipt::ModelRecord};

/// What `verify-receipt --format json` prints.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    #[serde(flatten)]
    result: SimpleVerificationResult,
    #[serde(flatten)]
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    retimed: Option<Retimed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation>,
}

impl Report {
    /// The report of a verdict, found at the time `now`. `policy` is the digest of the policy's file, if
    /// there is one.
    pub fn new(
        verdict: Verdict,
        policy: Option<Digest>,
        retimed: Option<Retimed>,
        now: SystemTime,
    ) -> Self {
        Self {
            result: SimpleVerificationResult::new(&verdict, policy, now),
            verdict,
            retimed,
            explanation: None,
        }
    }

    /// The same, with the verdict in plain sentences.
    #[must_use]
    pub fn with_explanation(mut self, explanation: Option<Explanation>) -> Self {
        self.explanation = explanation;
        self
    }
}

/// Why there is no replay if none is wanted.
pub const LEFT_OUT: &str = "left out because of --no-replay; verify again without it";

/// Why there is nothing to replay: the receipt's model is not here. `other` is a file that was named, and
/// is another one; `how` says how to get the model, where that is known.
pub fn missing_model(wanted: &ModelRecord, other: Option<&str>, how: Option<&str>) -> String {
    if let Some(other) = other {
        return format!(
            "{other} is not the receipt's model; name that model with --model, or leave --model out \
             to look for it"
        );
    }
    let how = match how {
        Some(how) => format!("; to get it: {how}"),
        None => {
            ", and is none of the known models; ask the writer for the file, then name it with \
                 --model"
                .into()
        }
    };
    let (name, sha256) = (&wanted.file_name, wanted.sha256);
    format!("model {name} (sha256 {sha256}) is not here{how}")
}

/// As [`missing_model`], of a large file that need not be read to see that it is another one.
pub fn missing_by_size(wanted: &ModelRecord, other: &str, bytes: u64) -> String {
    let sizes = format!(
        "it has {bytes} bytes, the receipt's has {}",
        wanted.file_bytes
    );
    format!("{}; {sizes}", missing_model(wanted, Some(other), None))
}

/// The largest file that is read to its end only to find out that it is not the receipt's model. Sparse
/// files of any length cost their maker nothing; known models have less.
pub const MOST_UNASKED_BYTES: u64 = 16 << 30;
