//! The verdict: what is proved, what is only claimed, and every rule.

use std::fmt::Write;

use serde::Serialize;

use super::{
    audit_report::AuditReport,
    consistency::JudgementSummary,
    outcome::{Conclusion, Outcome, Replayed, RuleOutcome},
    summary::Summary,
};
use crate::{challenge::Bound, digest::Digest, plain::plain};

/// The verdict on a receipt.
///
/// ```
/// use host::receipt::{COMMON_SCHEMA, RECEIPT_SCHEMA};
/// use host::verify::{Checked, Conclusion, NotAReceipt, Outcome};
///
/// // A receipt of this version, in which all other fields are missing.
/// let receipt = format!(
///     r#"{{"schema_version": "{COMMON_SCHEMA}", "receipt_schema": "{RECEIPT_SCHEMA}"}}"#
/// );
/// let verdict = Checked::read(receipt.as_bytes())?.verdict();
/// assert_eq!(verdict.conclusion, Conclusion::Rejected);
/// let broken = verdict.rules.iter().filter(|rule| rule.outcome == Outcome::Fail);
/// assert!(broken.map(|rule| rule.rule).eq(["schema", "receipt_sha256"]));
/// assert!(verdict.to_text("r.json").starts_with("rejected: r.json (2 of 3 rules broken)"));
/// # Ok::<(), NotAReceipt>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The conclusion.
    pub conclusion: Conclusion,
    /// What is known about the tokens, such as "not replayed", or why they are refuted.
    pub tokens: String,
    /// The content of the receipt; `None` if it could not be read.
    pub receipt: Option<Summary>,
    /// How much this verification replayed itself.
    pub replayed: Replayed,
    /// The guest that this verification replayed with, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guest_sha256: Option<Digest>,
    /// The coverage of the audit, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditReport>,
    /// The signer's keyid, or that there is no valid signature; `None` if no bundle was checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// How the reference judges another engine's tokens; `None` if they are this project's, or were not
    /// replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub judgement: Option<JudgementSummary>,
    /// The bound on the run's time by a challenger's clock; `None` without a statement that holds, and
    /// of another engine that is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenged: Option<Bound>,
    /// Every rule that was checked, with its outcome.
    pub rules: Vec<RuleOutcome>,
}

impl Verdict {
    /// The verdict as text for people, short enough for a screen. `place` names the receipt.
    pub fn to_text(&self, place: &str) -> String {
        // Whoever sent the file may have named it, and may try to look like a verdict.
        let place = one_line(place);
        let count = |outcome| self.rules.iter().filter(|r| r.outcome == outcome).count();
        let n_hold = count(Outcome::Pass);
        let n_broken = count(Outcome::Fail);
        let rules = match n_broken {
            0 => format!("{n_hold} rules hold"),
            n => format!("{n} of {} rules broken", n + n_hold),
        };
        let mut text = format!("{}: {place} ({rules}", self.conclusion.as_str());
        if self.conclusion == Conclusion::Unverifiable && self.replayed == Replayed::Nothing {
            text += "; tokens not replayed";
        }
        text += ")\n";
        for rule in &self.rules {
            let Some(mark) = rule.outcome.mark() else {
                continue;
            };
            // Evidence quotes the receipt.
            let _ = writeln!(text, "  {mark} {}: {}", rule.rule, one_line(&rule.evidence));
        }
        let _ = writeln!(text, "tokens: {}", one_line(&self.tokens));
        if let Some(audit) = &self.audit {
            text += &audit.lines("  ");
        }
        if let Some(summary) = &self.receipt {
            text += &summary.run_lines("  ");
            text += "not proved, the writer's word:\n";
            text += &summary.claim_lines("  ");
        }
        if let Some(bound) = &self.challenged {
            let _ = writeln!(text, "challenged: {bound}");
            let _ = writeln!(
                text,
                "  by {}; whoever answered, on whatever machines",
                bound.challenger
            );
        }
        if let Some(signed_by) = &self.signed_by {
            let _ = writeln!(text, "signed by: {signed_by}");
        }
        text
    }
}

/// An untrusted text on one line of the verdict.
fn one_line(text: &str) -> String {
    plain(text, 1000)
}
