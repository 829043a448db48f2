//! A verdict as an in-toto Simple Verification Result, `https://in-toto.io/attestation/svr/v0.1`:
//! the properties that a verifier found to hold, and when. It cannot express what does not hold.

use std::time::SystemTime;

use serde::Serialize;

use super::{
    outcome::{Conclusion, Replayed},
    verdict::Verdict,
};
use crate::digest::Digest;

/// The predicate of an attestation whose subject is the receipt's file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SimpleVerificationResult {
    /// The verifier.
    pub verifier: Verifier,
    /// When the receipt was verified: RFC 3339, UTC.
    pub time_created: String,
    /// The properties that hold; empty unless the receipt is accepted.
    pub properties: Vec<&'static str>,
}

/// The verifier and its policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verifier {
    /// A URI for this program and its version.
    pub id: &'static str,
    /// The policy's file; `None` for the default policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyFile>,
}

/// A policy file, identified by its digest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicyFile {
    /// SHA-256 of the file.
    pub digest: PolicyDigest,
}

/// A digest in the form of in-toto.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct PolicyDigest {
    pub sha256: Digest,
}

const VERIFIER: &str = concat!(
    "https://bitreceipt.dev/verify-receipt/",
    env!("CARGO_PKG_VERSION")
);

impl SimpleVerificationResult {
    /// Converts `verdict`, found at the time `now`. `policy` is the digest of the policy's file, if
    /// there is one.
    pub fn new(verdict: &Verdict, policy: Option<Digest>, now: SystemTime) -> Self {
        let replayed = match verdict.replayed {
            Replayed::Nothing | Replayed::Layers => None,
            Replayed::Sample => Some("BITRECEIPT_TOKENS_AUDITED"),
            Replayed::Everything if verdict.judgement.is_some() => {
                Some("BITRECEIPT_TOKENS_CONSISTENT")
            }
            Replayed::Everything => Some("BITRECEIPT_TOKENS_PROVED"),
        };
        let under_policy = policy.map(|_| "BITRECEIPT_POLICY_MET");
        let all = [Some("BITRECEIPT_RECEIPT_ACCEPTED"), replayed, under_policy];
        let holds = verdict.conclusion == Conclusion::Accepted;
        Self {
            verifier: Verifier {
                id: VERIFIER,
                policy: policy.map(|sha256| PolicyFile {
                    digest: PolicyDigest { sha256 },
                }),
            },
            time_created: humantime::format_rfc3339_seconds(now).to_string(),
            properties: all.into_iter().flatten().filter(|_| holds).collect(),
        }
    }
}
