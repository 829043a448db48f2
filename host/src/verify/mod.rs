//! Verification of a receipt: everything derivable is derived again, nothing is believed.
//!
//! A verdict lists every rule with its outcome. Its two lines keep apart what was proved (tokens)
//! and what is only claimed (speed).

mod audit;
mod bundle;
mod challenge;
mod derived;
mod extent;
mod identity;
mod json_schema;
mod ledger;
mod model;
mod parity;
mod parse;
mod policy;
mod speed;
mod svr;
mod work;

pub use audit::{AuditReport, Selection};
pub use model::find_model;
pub use parse::NotAReceipt;
pub use policy::{
    Accept, Caching, Ceilings, MAX_POLICY_BYTES, Policy, PolicyError, Require, RequiredParity,
};
pub use svr::SimpleVerificationResult;

use std::{num::NonZeroUsize, sync::Arc};

use engine_native::Model;
use serde::Serialize;

use crate::{
    attest::PublicKey,
    challenge::Challenge,
    digest::Digest,
    model_file::HashedModel,
    receipt::Receipt,
    replay::ReplayProgress,
    sandbox::{Sandbox, SandboxError},
};

/// What came of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The rule holds.
    Pass,
    /// The rule is broken: the receipt is rejected.
    Fail,
    /// The rule cannot be checked here, and it had to be.
    Unverifiable,
    /// Shown, without weight in the verdict.
    Note,
}

/// One rule and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleOutcome {
    /// Id of the rule, such as `receipt_sha256`.
    pub rule: &'static str,
    /// What came of it.
    pub outcome: Outcome,
    /// What was found and what is allowed; empty for a rule that holds.
    pub evidence: String,
}

impl RuleOutcome {
    fn new(rule: &'static str, outcome: Outcome, evidence: impl Into<String>) -> Self {
        Self {
            rule,
            outcome,
            evidence: shortened(evidence.into()),
        }
    }

    fn of(rule: &'static str, result: Result<(), String>) -> Self {
        match result {
            Ok(()) => Self::new(rule, Outcome::Pass, ""),
            Err(evidence) => Self::new(rule, Outcome::Fail, evidence),
        }
    }
}

/// What is quoted from a receipt may be as long as the receipt.
fn shortened(mut text: String) -> String {
    const MOST: usize = 1000;
    if text.len() > MOST {
        text.truncate(text.floor_char_boundary(MOST));
        text.push('…');
    }
    text
}

/// The conclusion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Conclusion {
    /// Every rule holds.
    Accepted,
    /// A rule is broken.
    Rejected,
    /// No rule is broken, but one that had to be checked could not be.
    Unverifiable,
}

/// The verdict on a receipt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The conclusion.
    pub conclusion: Conclusion,
    /// What is known of the tokens: `proved (143 positions)`, `not replayed` or why not.
    pub tokens: String,
    /// What is known of the speed: always a claim, `45.2 tokens/s, claimed by …`.
    pub speed: String,
    /// What this verification has replayed.
    pub replayed: RequiredParity,
    /// What was audited, where a part was replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditReport>,
    /// The keyid of who signed the receipt, or that nobody did; none if it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// Every rule.
    pub rules: Vec<RuleOutcome>,
}

/// A receipt whose every rule that needs nothing else has been checked.
#[derive(Debug)]
pub struct Checked {
    /// The receipt, if it has the shape of one.
    pub receipt: Option<Receipt>,
    rules: Vec<RuleOutcome>,
    tokens: String,
    audit: Option<AuditReport>,
    replayed: RequiredParity,
    /// Whose signature holds, or the rule that is broken; none if it was not asked.
    signer: Option<Result<Digest, &'static str>>,
    file_sha256: Digest,
}

/// A rule over a receipt alone.
type Rule = (&'static str, fn(&Receipt) -> Result<(), String>);

impl Checked {
    /// Checks `bytes`, the content of a receipt's file.
    ///
    /// # Errors
    /// The bytes are not JSON at all, or too many.
    pub fn read(bytes: &[u8]) -> Result<Self, NotAReceipt> {
        let (receipt, mut rules) = parse::parse(bytes)?;
        if let Some(receipt) = &receipt {
            let groups: [&[Rule]; 4] = [
                identity::RULES,
                derived::RULES,
                ledger::RULES,
                parity::RULES,
            ];
            for (rule, check) in groups.into_iter().flatten() {
                rules.push(RuleOutcome::of(rule, check(receipt)));
            }
            rules.push(parity::guest_digest(receipt));
        }
        Ok(Self {
            receipt,
            rules,
            tokens: "not replayed".into(),
            audit: None,
            replayed: RequiredParity::Claimed,
            signer: None,
            file_sha256: Digest::of(bytes),
        })
    }

    /// Checks that `bundle`, the content of the bundle's file, is this receipt's, signed by `key`.
    pub fn with_bundle(&mut self, bundle: &[u8], key: &PublicKey) {
        let rules = bundle::check(self.receipt.as_ref(), self.file_sha256, bundle, key);
        let broken = rules.iter().find(|r| r.outcome == Outcome::Fail);
        self.signer = Some(broken.map_or(Ok(key.id()), |broken| Err(broken.rule)));
        self.rules.extend(rules);
    }

    /// Whether any rule is broken so far.
    pub fn is_rejected(&self) -> bool {
        self.rules.iter().any(|r| r.outcome == Outcome::Fail)
    }

    /// Checks that the run was not made before the caller chose `chosen`. A challenge that nobody
    /// here chose is shown.
    pub fn with_challenge(&mut self, chosen: Option<&Challenge>) {
        if let Some(receipt) = &self.receipt {
            self.rules.extend(challenge::check(receipt, chosen));
        }
    }

    /// Checks the receipt against the model file.
    pub fn with_model(&mut self, found: &HashedModel) {
        if let Some(receipt) = &self.receipt {
            self.rules.extend(model::check(receipt, found));
        }
    }

    /// Replays the receipt in the sandbox, with up to `guests` guests at once, and compares what can
    /// be compared.
    ///
    /// # Errors
    /// The replay was interrupted.
    pub fn with_replay(
        &mut self,
        sandbox: &Sandbox,
        model: &Arc<Model>,
        guests: NonZeroUsize,
        progress: ReplayProgress,
    ) -> Result<(), SandboxError> {
        let Some(receipt) = &self.receipt else {
            return Ok(());
        };
        let replayed = parity::replay(receipt, sandbox, model, guests, progress)?;
        self.tokens = replayed.tokens;
        self.rules.extend(replayed.rules);
        self.replayed = RequiredParity::Replayed;
        Ok(())
    }

    /// Replays the units of `selection` in the sandbox, with up to `guests` guests at once.
    ///
    /// # Errors
    /// The audit was interrupted.
    pub fn with_audit(
        &mut self,
        sandbox: &Sandbox,
        model: &Arc<Model>,
        selection: &Selection,
        guests: NonZeroUsize,
        progress: ReplayProgress,
    ) -> Result<(), SandboxError> {
        let Some(receipt) = &self.receipt else {
            return Ok(());
        };
        let audited = audit::run(receipt, sandbox, model, selection, guests, progress)?;
        self.tokens = audited.tokens;
        self.rules.extend(audited.rules);
        // Layers that were named could be prepared for.
        if audited
            .report
            .as_ref()
            .is_some_and(|report| report.nonce.is_some())
        {
            self.replayed = RequiredParity::Audited;
        }
        self.audit = audited.report;
        Ok(())
    }

    /// Checks the receipt against a policy, and what has been replayed by now.
    pub fn with_policy(&mut self, policy: &Policy) {
        if let Some(receipt) = &self.receipt {
            let done = policy::Done {
                replayed: self.replayed,
                signer: self.signer.and_then(Result::ok),
            };
            self.rules.extend(policy::check(policy, receipt, done));
        }
    }

    /// Says that a replay was asked for and could not be made.
    pub fn without_replay(&mut self, why: String) {
        self.rules.push(RuleOutcome::new(
            "parity_replay",
            Outcome::Unverifiable,
            why,
        ));
    }

    /// Adds what a run of the native engine on this machine found.
    pub fn with_retime(&mut self, same_tokens: bool) {
        let result = same_tokens
            .then_some(())
            .ok_or_else(|| "the native engine chooses other tokens here".into());
        self.rules.push(RuleOutcome::of("retime_tokens", result));
    }

    /// Says that a run on this machine was asked for and not made.
    pub fn without_retime(&mut self, why: &str) {
        self.rules
            .push(RuleOutcome::new("retime_tokens", Outcome::Note, why));
    }

    /// The verdict over all rules checked.
    pub fn verdict(self) -> Verdict {
        let any = |outcome| self.rules.iter().any(|r| r.outcome == outcome);
        let conclusion = if any(Outcome::Fail) {
            Conclusion::Rejected
        } else if any(Outcome::Unverifiable) {
            Conclusion::Unverifiable
        } else {
            Conclusion::Accepted
        };
        Verdict {
            conclusion,
            tokens: self.tokens,
            speed: speed::claimed(self.receipt.as_ref()),
            replayed: self.replayed,
            audit: self.audit,
            signed_by: self.signer.map(|signer| match signer {
                Ok(keyid) => keyid.to_string(),
                Err(rule) => format!("nobody, as far as is known ({rule})"),
            }),
            rules: self.rules,
        }
    }
}
