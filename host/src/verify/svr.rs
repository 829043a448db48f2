//! A verdict as an in-toto Simple Verification Result, `https://in-toto.io/attestation/svr/v0.1`: what a
//! verifier found to hold, and when. It has no form for what does not hold.

use std::time::SystemTime;

use serde::Serialize;

use super::{
    outcome::{Conclusion, Replayed},
    verdict::Verdict,
};
use crate::digest::Digest;

/// The predicate. What is attested of is the receipt's file.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SimpleVerificationResult {
    /// Who verified.
    pub verifier: Verifier,
    /// When, RFC 3339, UTC.
    pub time_created: String,
    /// What holds; empty unless the receipt is accepted.
    pub properties: Vec<&'static str>,
}

/// Who verified, and by what policy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verifier {
    /// This program and its version.
    pub id: &'static str,
    /// The policy's file; none for the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyFile>,
}

/// A policy by its digest.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicyFile {
    /// SHA-256 of the file.
    pub digest: PolicyDigest,
}

/// As in-toto writes digests.
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
    /// The result that `verdict` is at the time `now`, under the policy file with digest `policy`, if
    /// there is one.
    pub fn new(verdict: &Verdict, policy: Option<Digest>, now: SystemTime) -> Self {
        let replayed = match verdict.replayed {
            Replayed::Nothing | Replayed::Layers => None,
            Replayed::Sample => Some("BITRECEIPT_TOKENS_AUDITED"),
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
