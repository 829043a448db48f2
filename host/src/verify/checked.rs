//! The verification of one receipt, step by step. A verifier leaves out the steps that it cannot
//! do; without a replay or an audit, no receipt is accepted.

use std::time::SystemTime;

use super::{
    audit_report::AuditReport,
    consistency::JudgementSummary,
    outcome::{Conclusion, Outcome, Replayed, RuleOutcome},
    parse::{self, NotAReceipt},
    policy::{self, Policy, SpeedRatio},
    rules::{self, model::ModelFacts, parity::ReplayResult},
    summary::Summary,
    verdict::Verdict,
};
use crate::{
    attest::PublicKey, challenge::Bound, digest::Digest, guest::guest_sha256, judge::Tolerance,
    receipt::Receipt, task::Challenge,
};

/// A receipt that is being verified. Its own rules have been checked; further checks can be added.
///
/// ```
/// use host::verify::{Checked, Conclusion, NotAReceipt};
///
/// // Another version's fields may mean anything, so nothing else is checked.
/// let receipt = br#"{ "schema_version": "1.0.0", "receipt_schema": "0.9.0" }"#;
/// let verdict = Checked::read(receipt)?.verdict();
/// assert_eq!(verdict.conclusion, Conclusion::Unverifiable);
/// assert_eq!(verdict.rules[0].rule, "schema_version");
///
/// // Bytes that are not a receipt have no verdict.
/// assert!(matches!(Checked::read(b"[1, 2"), Err(NotAReceipt::NotJson(_))));
/// # Ok::<(), NotAReceipt>(())
/// ```
#[derive(Debug)]
pub struct Checked {
    /// The receipt, if the bytes have the fields of one.
    pub receipt: Option<Receipt>,
    rules: Vec<RuleOutcome>,
    tokens: String,
    audit: Option<AuditReport>,
    replayed: Replayed,
    /// The signer, or the rule that the bundle breaks; `None` if no bundle was checked.
    signer: Option<Result<Digest, &'static str>>,
    /// What the challenger's clock says; `None` without a statement that holds.
    bound: Option<Bound>,
    retimed: Option<SpeedRatio>,
    tolerance: Tolerance,
    /// Of another engine's tokens, once they are replayed.
    judgement: Option<JudgementSummary>,
    file_sha256: Digest,
}

/// Why a replay has no result.
#[derive(Debug, Clone)]
pub enum ReplayFailure {
    /// The reference rejects the model or a value. This refutes the receipt.
    Refuted(String),
    /// The replay failed for another reason, which says nothing about the receipt.
    Unanswered(String),
}

/// The result of an audit.
#[derive(Debug, Clone)]
pub enum AuditFinding {
    /// A native run here has the receipt's transcript, and the reference computes the same values.
    Agrees(AuditReport),
    /// The reference computes other values.
    Differs(AuditReport, String),
    /// The reference could not compute the units.
    Unanswered(AuditReport, String),
    /// A native run here has another transcript, or was not possible. Only a full replay can
    /// decide.
    NoTranscript(String),
    /// The receipt's settings do not describe a task.
    NoTask(String),
}

/// Why parts of another engine's run are not audited.
pub const NO_PARTS: &str = "a receipt of another engine is judged by a replay of all its tokens: leave out --sample, --layers and \
     --heads";

impl Checked {
    /// Parses `bytes`, the content of a receipt's file, and checks the rules that need nothing
    /// else.
    ///
    /// # Errors
    /// The bytes are not a receipt at all, or too many.
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
            bound: None,
            retimed: None,
            tolerance: Tolerance::default(),
            judgement: None,
            file_sha256: Digest::of(bytes),
        })
    }

    /// Checks that `bundle`, the content of a bundle's file, belongs to this receipt and is signed
    /// by `key`.
    pub fn with_bundle(&mut self, bundle: &[u8], key: &PublicKey) {
        let rules = rules::bundle::check(self.receipt.as_ref(), self.file_sha256, bundle, key);
        let broken = rules.iter().find(|r| r.outcome == Outcome::Fail);
        self.signer = Some(broken.map_or(Ok(key.id()), |broken| Err(broken.rule)));
        self.rules.extend(rules);
    }

    /// Checks that `statement`, the content of a file that a challenger signed with `key`, is about a
    /// session in which this receipt answered a nonce.
    pub fn with_challenger(&mut self, statement: &[u8], key: &PublicKey) {
        let receipt = self.receipt.as_ref();
        let (rules, bound) = rules::challenged::check(receipt, self.file_sha256, statement, key);
        self.bound = bound;
        self.rules.extend(rules);
    }

    /// Whether any rule is broken so far.
    pub fn is_rejected(&self) -> bool {
        Conclusion::of(self.rules.iter().map(|rule| rule.outcome)) == Conclusion::Rejected
    }

    /// Checks that the run used the challenge `chosen`, so that it cannot be older than it. Without
    /// one, only notes the receipt's challenge.
    pub fn with_challenge(&mut self, chosen: Option<&Challenge>) {
        if let Some(receipt) = &self.receipt {
            self.rules.extend(rules::challenge::check(receipt, chosen));
        }
    }

    /// Checks that the receipt was not made after `now`, this verifier's time.
    pub fn with_clock(&mut self, now: SystemTime) {
        if let Some(receipt) = &self.receipt {
            self.rules.push(rules::created::not_after(receipt, now));
        }
    }

    /// Checks the receipt against the model file.
    pub fn with_model(&mut self, found: &ModelFacts) {
        if let Some(receipt) = &self.receipt {
            self.rules.extend(rules::model::check(receipt, found));
        }
    }

    /// Judges another engine's tokens with this tolerance, which is the verifier's. Call it before
    /// [`Checked::with_replay`].
    pub fn with_tolerance(&mut self, tolerance: Tolerance) {
        self.tolerance = tolerance;
    }

    /// Compares the receipt with a full replay of its task.
    pub fn with_replay(&mut self, replay: Result<ReplayResult, ReplayFailure>) {
        let Some(receipt) = &self.receipt else { return };
        let replayed = replay.as_ref().ok().filter(|_| receipt.is_external());
        let judgement = replayed.and_then(|replay| {
            let (tokens, chosen) = (&receipt.tokens, &replay.tokens);
            JudgementSummary::of(tokens, chosen, replay.ranking.as_ref(), self.tolerance)
        });
        let rules = match &replay {
            Ok(replay) => rules::parity::check_replay(receipt, replay, judgement.as_ref()),
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
        // Fuel says whether the writer replayed the run, and nothing about the tokens.
        let of_tokens = rules.iter().filter(|r| r.rule != "parity_fuel");
        let first = |outcome| of_tokens.clone().find(|r| r.outcome == outcome);
        self.tokens = match (first(Outcome::Fail), first(Outcome::Unverifiable)) {
            (Some(broken), _) => format!("refuted ({})", broken.evidence),
            (None, Some(open)) => format!("not proved ({})", open.evidence),
            (None, None) => {
                let n_positions = receipt.n_positions().unwrap_or_default();
                match &judgement {
                    None => format!("proved by a replay, bit for bit ({n_positions} positions)"),
                    Some(judgement) => format!(
                        "consistent with a replay: {} ({n_positions} positions)",
                        judgement.agreement()
                    ),
                }
            }
        };
        if replay.is_ok() {
            self.replayed = Replayed::Everything;
        }
        self.judgement = judgement;
        self.rules.extend(rules);
    }

    /// Adds the result of an audit.
    pub fn with_audit(&mut self, finding: AuditFinding) {
        let Some(receipt) = &self.receipt else { return };
        if receipt.is_external() {
            return self.without_replay(NO_PARTS);
        }
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
            self.replayed = match report.is_fresh {
                true => Replayed::Sample,
                // A forger could have prepared for units that are known beforehand.
                false => Replayed::Layers,
            };
        }
        self.tokens = tokens;
        self.rules.extend(rules);
        self.audit = report;
    }

    /// Checks the receipt against a policy, together with the replay and the bundle so far: call it
    /// after those checks.
    pub fn with_policy(&mut self, policy: &Policy) {
        if let Some(receipt) = &self.receipt {
            let done = policy::Done {
                replayed: self.replayed,
                shows_writer_proof: self.outcome_of("parity_fuel") == Some(Outcome::Pass),
                signer: self.signer.and_then(Result::ok),
                challenge: self.outcome_of("challenge"),
                is_preparable: self.outcome_of("challenge_prompt").is_some(),
                bound: self.bound.as_ref(),
                retimed: self.retimed,
            };
            self.rules.extend(policy::check(policy, receipt, done));
        }
    }

    fn outcome_of(&self, rule: &str) -> Option<Outcome> {
        let found = self.rules.iter().find(|r| r.rule == rule);
        found.map(|r| r.outcome)
    }

    /// Records why there is no replay. The receipt cannot be accepted then.
    pub fn without_replay(&mut self, why: impl Into<String>) {
        let rule = RuleOutcome::new("parity_replay", Outcome::Unverifiable, why);
        self.rules.push(rule);
    }

    /// Adds the result of running the task on this machine's native engine: whether it chose the
    /// same tokens, and how the speeds compare. A policy judges the speed.
    pub fn with_retime(&mut self, same_tokens: bool, speed: SpeedRatio) {
        let Some(receipt) = &self.receipt else { return };
        self.retimed = Some(speed);
        let rule = "retime_tokens";
        self.rules.push(match same_tokens {
            true => RuleOutcome::new(rule, Outcome::Pass, ""),
            false => {
                let why = "the native engine chooses other tokens here";
                rules::parity::difference(receipt, rule, why.into())
            }
        });
    }

    /// Records why a run on this machine was not possible.
    pub fn without_retime(&mut self, why: &str) {
        self.rules
            .push(RuleOutcome::new("retime_tokens", Outcome::Note, why));
    }

    /// The verdict over all rules that were checked. It is never
    /// [`Accepted`](Conclusion::Accepted) without a replay or an audit.
    pub fn verdict(mut self) -> Verdict {
        let mut rules = std::mem::take(&mut self.rules);
        let is_open = Conclusion::of(rules.iter().map(|rule| rule.outcome)) == Conclusion::Accepted;
        if is_open && self.replayed == Replayed::Nothing {
            // Even if the caller forgets `without_replay`, nothing is accepted without a replay.
            let why = "nothing was replayed";
            rules.push(RuleOutcome::new(
                "parity_replay",
                Outcome::Unverifiable,
                why,
            ));
        }
        let conclusion = Conclusion::of(rules.iter().map(|rule| rule.outcome));
        let receipt = self.receipt.as_ref();
        // The speed of another engine is that of its tokens: without them, it says nothing.
        let has_speed =
            conclusion != Conclusion::Rejected || !receipt.is_some_and(Receipt::is_external);
        let mut summary = receipt.map(Summary::of);
        if !has_speed {
            summary = summary.map(Summary::without_speed);
            rules = rules.into_iter().map(RuleOutcome::without_speed).collect();
        }
        Verdict {
            conclusion,
            tokens: self.tokens,
            receipt: summary,
            replayed: self.replayed,
            guest_sha256: (self.replayed != Replayed::Nothing).then(guest_sha256),
            audit: self.audit,
            signed_by: self.signer.map(|signer| match signer {
                Ok(keyid) => keyid.to_string(),
                Err(rule) => format!("nobody, as far as is known ({rule})"),
            }),
            challenged: self.bound.filter(|_| has_speed),
            judgement: self.judgement,
            rules,
        }
    }
}
