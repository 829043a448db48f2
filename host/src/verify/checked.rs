//! The verification of one receipt, step by step. What cannot be had here is left out, and then the
//! receipt is not accepted.

use super::{
    audit_report::AuditReport,
    outcome::{Conclusion, Outcome, Replayed, RuleOutcome},
    parse::{self, NotAReceipt},
    policy::{self, Policy},
    rules::{self, model::ModelFacts, parity::ReplayResult},
    summary::Summary,
    verdict::Verdict,
};
use crate::{attest::PublicKey, digest::Digest, receipt::Receipt, task::Challenge};

/// A receipt whose every rule that needs nothing else has been checked.
#[derive(Debug)]
pub struct Checked {
    /// The receipt, if it has the shape of one.
    pub receipt: Option<Receipt>,
    rules: Vec<RuleOutcome>,
    tokens: String,
    audit: Option<AuditReport>,
    replayed: Replayed,
    /// Whose signature holds, or the rule that is broken; none if it was not asked.
    signer: Option<Result<Digest, &'static str>>,
    file_sha256: Digest,
}

/// Why a replay came to nothing.
#[derive(Debug, Clone)]
pub enum ReplayFailure {
    /// The reference refuses the model or a value: that is an answer.
    Refuted(String),
    /// There is no answer.
    Unanswered(String),
}

/// What an audit found.
#[derive(Debug, Clone)]
pub enum AuditFinding {
    /// The native run here leaves the receipt's transcript, and the reference agrees with it.
    Agrees(AuditReport),
    /// The reference computes something else.
    Differs(AuditReport, String),
    /// The units could not be computed.
    Unanswered(AuditReport, String),
    /// The native run here leaves another transcript, or could not run: only a full replay decides.
    NoTranscript(String),
    /// The receipt's settings describe no run.
    NoTask(String),
}

impl Checked {
    /// Checks `bytes`, the content of a receipt's file.
    ///
    /// # Errors
    /// The bytes are no receipt at all, or too many.
    pub fn read(bytes: &[u8]) -> Result<Self, NotAReceipt> {
        let (receipt, mut rules) = parse::parse(bytes)?;
        if let Some(receipt) = &receipt {
            rules.extend(rules::of_receipt(receipt));
        }
        Ok(Self {
            receipt,
            rules,
            tokens: "not replayed".into(),
            audit: None,
            replayed: Replayed::Nothing,
            signer: None,
            file_sha256: Digest::of(bytes),
        })
    }

    /// Checks that `bundle`, the content of the bundle's file, is this receipt's, signed by `key`.
    pub fn with_bundle(&mut self, bundle: &[u8], key: &PublicKey) {
        let rules = rules::bundle::check(self.receipt.as_ref(), self.file_sha256, bundle, key);
        let broken = rules.iter().find(|r| r.outcome == Outcome::Fail);
        self.signer = Some(broken.map_or(Ok(key.id()), |broken| Err(broken.rule)));
        self.rules.extend(rules);
    }

    /// Whether any rule is broken so far.
    pub fn is_rejected(&self) -> bool {
        Conclusion::of(&self.rules) == Conclusion::Rejected
    }

    /// Checks that the run was not made before the caller chose `chosen`. A challenge that nobody
    /// here chose is shown.
    pub fn with_challenge(&mut self, chosen: Option<&Challenge>) {
        if let Some(receipt) = &self.receipt {
            self.rules.extend(rules::challenge::check(receipt, chosen));
        }
    }

    /// Checks the receipt against the model file.
    pub fn with_model(&mut self, found: &ModelFacts) {
        if let Some(receipt) = &self.receipt {
            self.rules.extend(rules::model::check(receipt, found));
        }
    }

    /// Compares the receipt with a replay of its whole task.
    pub fn with_replay(&mut self, replay: Result<ReplayResult, ReplayFailure>) {
        let Some(receipt) = &self.receipt else { return };
        let rules = match &replay {
            Ok(replay) => rules::parity::check_replay(receipt, replay),
            Err(ReplayFailure::Refuted(why)) => {
                vec![rules::parity::difference(
                    receipt,
                    "parity_replay",
                    why.clone(),
                )]
            }
            Err(ReplayFailure::Unanswered(why)) => {
                vec![RuleOutcome::new(
                    "parity_replay",
                    Outcome::Unverifiable,
                    why,
                )]
            }
        };
        let first = |outcome| rules.iter().find(|r| r.outcome == outcome);
        self.tokens = match (first(Outcome::Fail), first(Outcome::Unverifiable)) {
            (Some(broken), _) => format!("refuted ({})", broken.evidence),
            (None, Some(open)) => format!("not proved ({})", open.evidence),
            (None, None) => {
                let n_positions = receipt.n_positions().unwrap_or_default();
                format!("proved by a replay, bit for bit ({n_positions} positions)")
            }
        };
        if replay.is_ok() {
            self.replayed = Replayed::Everything;
        }
        self.rules.extend(rules);
    }

    /// Takes what an audit found.
    pub fn with_audit(&mut self, finding: AuditFinding) {
        let Some(receipt) = &self.receipt else { return };
        let (transcript, units) = ("audit_transcript", "audit_units");
        let pass = || RuleOutcome::new(transcript, Outcome::Pass, "");
        let is_answered = !matches!(finding, AuditFinding::Unanswered(..));
        let (tokens, rules, report) = match finding {
            AuditFinding::Agrees(report) => (
                report.to_string(),
                vec![pass(), RuleOutcome::new(units, Outcome::Pass, "")],
                Some(report),
            ),
            AuditFinding::Differs(report, why) => {
                let rule = rules::parity::difference(receipt, units, why);
                let what = match rule.outcome {
                    Outcome::Fail => "refuted",
                    _ => "not proved",
                };
                let tokens = format!("{what} ({})", rule.evidence);
                (tokens, vec![pass(), rule], Some(report))
            }
            AuditFinding::Unanswered(report, why) => (
                format!("not audited ({why})"),
                vec![pass(), RuleOutcome::new(units, Outcome::Unverifiable, why)],
                Some(report),
            ),
            AuditFinding::NoTranscript(why) => (
                format!("not audited ({why})"),
                vec![RuleOutcome::new(transcript, Outcome::Unverifiable, why)],
                None,
            ),
            AuditFinding::NoTask(why) => (
                format!("not audited ({why})"),
                vec![RuleOutcome::new(transcript, Outcome::Fail, why)],
                None,
            ),
        };
        if let Some(report) = report.as_ref().filter(|_| is_answered) {
            self.replayed = match report.nonce {
                // Layers that were named could be prepared for.
                None => Replayed::Layers,
                Some(_) => Replayed::Sample,
            };
        }
        self.tokens = tokens;
        self.rules.extend(rules);
        self.audit = report;
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

    /// Says why there was no replay: the receipt cannot be accepted.
    pub fn without_replay(&mut self, why: impl Into<String>) {
        let rule = RuleOutcome::new("parity_replay", Outcome::Unverifiable, why);
        self.rules.push(rule);
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
    pub fn verdict(mut self) -> Verdict {
        let mut rules = std::mem::take(&mut self.rules);
        let is_open = Conclusion::of(&rules) == Conclusion::Accepted;
        if is_open && self.replayed == Replayed::Nothing {
            // Whatever the caller forgot: nothing is accepted unseen.
            let why = "nothing was replayed";
            rules.push(RuleOutcome::new(
                "parity_replay",
                Outcome::Unverifiable,
                why,
            ));
        }
        Verdict {
            conclusion: Conclusion::of(&rules),
            tokens: self.tokens,
            receipt: self.receipt.as_ref().map(Summary::of),
            replayed: self.replayed,
            audit: self.audit,
            signed_by: self.signer.map(|signer| match signer {
                Ok(keyid) => keyid.to_string(),
                Err(rule) => format!("nobody, as far as is known ({rule})"),
            }),
            rules,
        }
    }
}
