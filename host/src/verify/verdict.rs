//! The verdict: what was proved, what is only claimed, and every rule.

use std::fmt::Write;

use serde::Serialize;

use super::{
    audit_report::AuditReport,
    outcome::{Conclusion, Outcome, Replayed, RuleOutcome},
    summary::Summary,
};

/// The verdict on a receipt.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    /// The conclusion.
    pub conclusion: Conclusion,
    /// What is known of the tokens: `proved (143 positions)`, `not replayed` or why not.
    pub tokens: String,
    /// What the receipt says; none where it could not be read.
    pub receipt: Option<Summary>,
    /// What this verification has computed itself.
    pub replayed: Replayed,
    /// What was audited, where a part was replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditReport>,
    /// The keyid of who signed the receipt, or that nobody did; none if it was not asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// Every rule.
    pub rules: Vec<RuleOutcome>,
}

impl Verdict {
    /// The verdict on the receipt at `place`, for people: it fits a screen.
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
            let mark = match rule.outcome {
                Outcome::Pass => continue,
                Outcome::Fail => "FAIL",
                Outcome::Unverifiable => "open",
                Outcome::Note => "note",
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
        if let Some(signed_by) = &self.signed_by {
            let _ = writeln!(text, "signed by: {signed_by}");
        }
        text
    }
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}
