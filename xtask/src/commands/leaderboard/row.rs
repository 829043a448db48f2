//! A receipt's row.

use host::verify::{Conclusion, Outcome};

use crate::verdicts::{Part, ReadReceipt, ReadVerdict};

/// A receipt with its verdict, and its rank if it has one.
#[derive(Debug, Clone)]
pub struct Row {
    /// Where the receipt is.
    pub place: String,
    /// The verdict.
    pub verdict: ReadVerdict,
    /// From 1, among the receipts of one model and CPU.
    pub rank: Option<u64>,
}

impl Row {
    /// What the receipt says, if it could be read.
    pub fn receipt(&self) -> Option<&ReadReceipt> {
        self.verdict.receipt.as_ref()
    }

    /// The rate that it is ranked by: of a receipt whose tokens were all replayed.
    pub fn ranked_rate(&self) -> Option<f64> {
        let verdict = &self.verdict;
        let is_proved = verdict.conclusion == Conclusion::Accepted
            && matches!(verdict.replayed, Part::Everything | Part::Merged);
        let rate = self.receipt()?.claimed.decode_tokens_per_sec;
        rate.filter(|_| is_proved)
    }

    /// Whether a rule is broken.
    pub fn is_rejected(&self) -> bool {
        self.verdict.conclusion == Conclusion::Rejected
    }

    /// What was replayed, in words.
    pub fn replayed(&self) -> String {
        match (self.verdict.replayed, self.verdict.merged_from) {
            (Part::Merged, Some(n)) => format!("merged from {n} workers"),
            (part, _) => part.as_str().into(),
        }
    }

    /// Why it has no rank: the rules that are broken or open, and what they found.
    pub fn reasons(&self) -> Vec<(&str, &str)> {
        let outcome = match self.verdict.conclusion {
            Conclusion::Rejected => Outcome::Fail,
            Conclusion::Unverifiable => Outcome::Unverifiable,
            Conclusion::Accepted if self.ranked_rate().is_some() => return Vec::new(),
            Conclusion::Accepted if self.verdict.replayed < Part::Merged => {
                return vec![("", "only a part was replayed")];
            }
            Conclusion::Accepted => return vec![("", "one token, so there is no decode rate")],
        };
        let rules = self.verdict.rules_with(outcome);
        rules.map(|r| (&*r.rule, &*r.evidence)).collect()
    }
}
