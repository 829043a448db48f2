//! What a verdict has established. Everything here follows from the outcomes of rules, not from the
//! verdict's texts.

use crate::{
    challenge::Bound,
    digest::Digest,
    verify::{
        audit_report::{AuditReport, Covered},
        consistency::JudgementSummary,
        outcome::{Conclusion, Outcome},
        verdict::Verdict,
    },
};

/// A verdict, and the policy's file that was used, if there was one.
pub(super) struct Facts<'v> {
    pub(super) verdict: &'v Verdict,
    pub(super) policy: Option<Digest>,
}

/// What was calculated again.
pub(super) enum Tokens<'v> {
    /// All of it, by the reference.
    Proved,
    /// All of it, by the reference, which finds another engine's tokens consistent.
    Consistent(JudgementSummary),
    /// All of it by the native engine, and parts by the reference.
    Audited(&'v AuditReport),
    /// Nothing that agrees.
    Unconfirmed,
}

/// What is known about when the run took place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// After this verifier's challenge was chosen.
    Proved,
    /// After it, unless answers were prepared for many prompts.
    Likely,
    /// The prompt belongs to this verifier's challenge, and the results are not confirmed.
    Unconfirmed,
    /// There is a challenge, and this verifier does not know whose.
    Unasked,
    /// Nothing.
    Unknown,
}

impl<'v> Facts<'v> {
    pub(super) fn is_rejected(&self) -> bool {
        self.verdict.conclusion == Conclusion::Rejected
    }

    /// Whether all of these rules were checked and hold.
    pub(super) fn hold(&self, rules: &[&str]) -> bool {
        let is_held = |rule: &&str| self.outcome(rule) == Some(Outcome::Pass);
        rules.iter().all(is_held)
    }

    /// What came of a rule; `None` if it was not checked.
    pub(super) fn outcome(&self, rule: &str) -> Option<Outcome> {
        let mut rules = self.verdict.rules.iter();
        rules.find(|r| r.rule == rule).map(|r| r.outcome)
    }

    pub(super) fn tokens(&self) -> Tokens<'v> {
        let replay = [
            "model_sha256",
            "parity_replay",
            "parity_tokens",
            "parity_checksum",
        ];
        if self.hold(&replay) {
            return Tokens::Proved;
        }
        let judged = [
            "model_sha256",
            "parity_replay",
            "parity_judgement",
            "parity_counts",
            "parity_checksum",
        ];
        if let Some(judgement) = self.verdict.judgement
            && self.hold(&judged)
        {
            return Tokens::Consistent(judgement);
        }
        let audited = self.hold(&["model_sha256", "audit_transcript", "audit_units"]);
        match &self.verdict.audit {
            Some(audit) if audited && is_whole(&audit.covered) => Tokens::Proved,
            Some(audit) if audited => Tokens::Audited(audit),
            Some(_) | None => Tokens::Unconfirmed,
        }
    }

    pub(super) fn freshness(&self) -> Freshness {
        let is_confirmed = !matches!(self.tokens(), Tokens::Unconfirmed);
        match self.outcome("challenge") {
            Some(Outcome::Pass) if !is_confirmed => Freshness::Unconfirmed,
            Some(Outcome::Pass) if self.outcome("challenge_prompt").is_some() => Freshness::Likely,
            Some(Outcome::Pass) => Freshness::Proved,
            Some(Outcome::Note) => Freshness::Unasked,
            _ => Freshness::Unknown,
        }
    }

    /// What a challenger signed about the time of this run, if this receipt was an answer.
    pub(super) fn challenged(&self) -> Option<&'v Bound> {
        let rules = [
            "challenged_envelope",
            "challenged_signature",
            "challenged_statement",
            "challenged_receipt",
            "challenged_terms",
            "challenged_round",
            "challenged_times",
        ];
        let bound = self.verdict.challenged.as_ref();
        bound.filter(|_| self.hold(&rules))
    }

    /// The keyid of whoever signed this file.
    pub(super) fn signer(&self) -> Option<&'v str> {
        let rules = [
            "bundle_envelope",
            "bundle_signature",
            "bundle_statement",
            "bundle_receipt",
        ];
        let signer = self.verdict.signed_by.as_deref();
        signer.filter(|_| self.hold(&rules))
    }
}

/// Whether an audit computed what a replay does.
fn is_whole(covered: &Covered) -> bool {
    let all_layers = covered.layers.iter().copied().eq(0..covered.n_layers);
    let mut end = 0;
    let joined = covered.positions.iter().all(|positions| {
        let is_next = positions.start <= end;
        end = end.max(positions.end);
        is_next
    });
    all_layers && joined && end >= covered.n_positions && covered.n_positions > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_audit_is_whole_without_a_gap() {
        let covered = |layers: &[usize], positions: &[std::ops::Range<usize>]| Covered {
            layers: layers.to_vec(),
            positions: positions.to_vec(),
            n_layers: 3,
            n_positions: 20,
        };
        assert!(is_whole(&covered(&[0, 1, 2], &[0..8, 8..16, 16..20])));
        for (layers, positions) in [
            (&[0, 1][..], &[0..8, 8..16, 16..20][..]),
            (&[0, 2, 1], &[0..8, 8..16, 16..20]),
            (&[0, 1, 2], &[0..8, 16..20]),
            (&[0, 1, 2], &[0..8, 8..16]),
            (&[0, 1, 2], &[]),
        ] {
            assert!(
                !is_whole(&covered(layers, positions)),
                "{layers:?} {positions:?}"
            );
        }
        assert!(!is_whole(&Covered::default()));
    }
}
